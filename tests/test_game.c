/* SPDX-License-Identifier: Apache-2.0 */
#include "common/game.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/rng.h"

#define PLAYERS 12

static const struct gt_congestion node = {
    .capacity = 16,
    .rho0 = GT_GAME_RHO0,
    .p1 = GT_GAME_P1,
    .exponent = GT_GAME_EXPONENT,
};

static bool
near(double a, double b, double scale)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(scale));
}

/* A random game: amounts, penalties, and a convex unserved demand each. */
struct profile {
    struct gt_congestion node;
    double x[PLAYERS];
    double penalty[PLAYERS];
    double mean[PLAYERS];
};

static double
own(const struct profile *p, int i, double x)
{
    return gt_game_own(x, p->penalty[i], p->mean[i] * exp(-x / p->mean[i]));
}

static double
load(const struct profile *p)
{
    double sum = 0;

    for (int i = 0; i < PLAYERS; i++) {
        sum += p->x[i];
    }
    return sum;
}

static double
potential(const struct profile *p)
{
    double sum = 0;

    for (int i = 0; i < PLAYERS; i++) {
        sum += own(p, i, p->x[i]);
    }
    return sum - gt_game_congestion(&p->node, load(p));
}

static double
uniform(struct gt_rng *rng, double from, double to)
{
    return from + (to - from) * gt_rng_unit(rng);
}

static void
random_profile(struct gt_rng *rng, struct profile *p)
{
    double weights[] = {0.25, 1, 4, 16};
    double classes[] = {5, 20, 100};

    for (int i = 0; i < PLAYERS; i++) {
        p->x[i] = uniform(rng, 0.01, 4);
        p->mean[i] = uniform(rng, 0.01, 2);
        p->penalty[i] =
            weights[gt_rng_below(rng, 4)] * classes[gt_rng_below(rng, 3)];
    }
    /* from empty to three times over capacity */
    p->node = node;
    p->node.rho0 = uniform(rng, 0, 0.99);
    p->node.exponent = uniform(rng, 1, 4);
    p->node.capacity = load(p) / uniform(rng, 0.3, 3);
}

static void
a_difference_in_utility_is_the_difference_in_potential(void **state)
{
    struct gt_rng rng = {.state = 1};
    struct profile p;
    (void)state;

    for (int round = 0; round < 10000; round++) {
        random_profile(&rng, &p);
        int i = (int)gt_rng_below(&rng, PLAYERS);
        double from = p.x[i];
        double to = uniform(&rng, 0.01, 8);
        double others = load(&p) - from;
        double before = potential(&p);
        double du = gt_game_utility(&p.node, own(&p, i, to), others, to) -
                    gt_game_utility(&p.node, own(&p, i, from), others, from);
        double gain = gt_game_potential_gain(
            &p.node, load(&p), own(&p, i, to) - own(&p, i, from), to - from);

        p.x[i] = to;
        double dphi = potential(&p) - before;

        assert_true(near(du, dphi, before));
        assert_true(near(gain, dphi, before));
    }
}

static void
a_utility_in_own_currency_is_a_weighted_potential(void **state)
{
    struct gt_rng rng = {.state = 2};
    struct profile p;
    (void)state;

    for (int round = 0; round < 1000; round++) {
        random_profile(&rng, &p);
        double weight = p.penalty[0] / 20;
        double others = load(&p) - p.x[0];
        double before = potential(&p);
        double from =
            gt_game_utility(&p.node, own(&p, 0, p.x[0]), others, p.x[0]) /
            weight;
        p.x[0] = uniform(&rng, 0.01, 8);
        double to =
            gt_game_utility(&p.node, own(&p, 0, p.x[0]), others, p.x[0]) /
            weight;

        assert_true(near(weight * (to - from), potential(&p) - before, before));
    }
}

static void
below_rho0_nothing_is_paid(void **state)
{
    (void)state;

    assert_true(gt_game_congestion(&node, 14.4) == 0);
    assert_true(gt_game_price(&node, 14.4) == 0);
    assert_true(gt_game_congestion(&node, -1) == 0);
    assert_true(gt_game_price(&node, 14.5) > 0);
}

static void
the_price_is_the_slope_of_congestion(void **state)
{
    double h = 1e-5;
    (void)state;

    for (int i = 0; i < 500; i++) {
        double x = 13 + 0.0137 * i;
        double slope = (gt_game_congestion(&node, x + h) -
                        gt_game_congestion(&node, x - h)) /
                       (2 * h);
        assert_true(fabs(slope - gt_game_price(&node, x)) < 1e-3 * GT_GAME_P1);
    }
}

static void
the_price_rises_to_p1_and_stays_there(void **state)
{
    double last = 0;
    (void)state;

    for (int i = 0; i < 4000; i++) {
        double price = gt_game_price(&node, 0.01 * i);
        assert_true(price >= last);
        last = price;
    }
    assert_true(last == GT_GAME_P1);
    assert_true(near(gt_game_price(&node, 16), GT_GAME_P1, GT_GAME_P1));
}

static void
at_capacity_the_price_beats_every_marginal_value(void **state)
{
    double worth = 100 * 16 * 1.0; /* largest b, largest priority */
    (void)state;

    assert_true(gt_game_price(&node, node.capacity) > worth);
}

static void
growing_needs_less_gain_than_shrinking(void **state)
{
    (void)state;

    assert_true(near(gt_game_threshold(2, 3), 0.04, 1));
    assert_true(near(gt_game_threshold(2, 1), 0.2, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_difference_in_utility_is_the_difference_in_potential),
        cmocka_unit_test(a_utility_in_own_currency_is_a_weighted_potential),
        cmocka_unit_test(below_rho0_nothing_is_paid),
        cmocka_unit_test(the_price_is_the_slope_of_congestion),
        cmocka_unit_test(the_price_rises_to_p1_and_stays_there),
        cmocka_unit_test(at_capacity_the_price_beats_every_marginal_value),
        cmocka_unit_test(growing_needs_less_gain_than_shrinking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
