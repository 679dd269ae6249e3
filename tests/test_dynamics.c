/* SPDX-License-Identifier: Apache-2.0 */
/* Best responses in play: on a node, and over hours. */
#include "agent/response.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/learner.h"
#include "common/rng.h"

static struct response_input
player(const struct curve *curve, int64_t current)
{
    return (struct response_input){
        .resource = GT_CPU,
        .curve = curve,
        .penalty = 20,
        .beta = 1,
        .current = current,
        .floor = 10,
        .max = 64000,
    };
}

#define NODE_PLAYERS 40

/* A node whose players all want more than there is. */
struct crowd {
    struct gt_congestion node;
    struct curve curves[NODE_PLAYERS];
    struct response_input in[NODE_PLAYERS];
};

static void
crowd_start(struct crowd *c, uint64_t seed)
{
    struct gt_rng rng = {.state = seed};
    double histogram[CURVE_BINS];
    double wanted = 0;

    for (int i = 0; i < NODE_PLAYERS; i++) {
        double mean = exp2(-3 + 4 * gt_rng_unit(&rng));
        for (int bin = 0; bin < CURVE_BINS; bin++) {
            histogram[bin] = 0;
        }
        for (int k = 0; k < 200; k++) {
            double noise = exp2(2 * gt_rng_unit(&rng) - 1);
            histogram[curve_bin(GT_CPU, mean * noise)] += 1;
        }
        curve_init(&c->curves[i], GT_CPU, histogram);
        c->in[i] =
            player(&c->curves[i], 10 + (int64_t)gt_rng_below(&rng, 3000));
        c->in[i].floor = 10;
        c->in[i].max = 64000;
        c->in[i].node = &c->node;
        wanted += 1.6 * mean;
    }
    c->node = (struct gt_congestion){.capacity = 0.85 * wanted,
                                     .rho0 = GT_GAME_RHO0,
                                     .p1 = GT_GAME_P1,
                                     .exponent = GT_GAME_EXPONENT};
}

static double
crowd_load(const struct crowd *c)
{
    double load = 0;

    for (int i = 0; i < NODE_PLAYERS; i++) {
        load += gt_grid_units(GT_CPU, c->in[i].current);
    }
    return load;
}

static double
crowd_potential(const struct crowd *c)
{
    double sum = 0;

    for (int i = 0; i < NODE_PLAYERS; i++) {
        sum += response_own(&c->in[i], c->in[i].current);
    }
    return sum - gt_game_congestion(&c->node, crowd_load(c));
}

static void
crowd_respond(struct crowd *c, int i, double load, struct response *r)
{
    c->in[i].others = load - gt_grid_units(GT_CPU, c->in[i].current);
    response_best(&c->in[i], r);
}

static void
one_by_one_best_responses_raise_the_potential_and_rest(void **state)
{
    struct crowd c;
    int moves = 1;
    (void)state;

    crowd_start(&c, 6);
    for (int round = 0; round < 200 && moves > 0; round++) {
        moves = 0;
        for (int i = 0; i < NODE_PLAYERS; i++) {
            struct response r;
            double before = crowd_potential(&c);
            crowd_respond(&c, i, crowd_load(&c), &r);
            c.in[i].current = r.amount;
            moves += r.move != RESPONSE_STAY;
            assert_true(fabs(crowd_potential(&c) - before - r.gain) <=
                        1e-9 * (1 + fabs(before)));
            assert_true(r.gain >= 0);
        }
    }

    assert_int_equal(moves, 0);
    assert_true(crowd_load(&c) <= c.node.capacity);
}

/* The negative control: without an order of moves there is no rest. */
static void
simultaneous_best_responses_oscillate(void **state)
{
    struct crowd c;
    int drops = 0;
    (void)state;

    crowd_start(&c, 6);
    for (int round = 0; round < 300; round++) {
        struct response r[NODE_PLAYERS];
        double load = crowd_load(&c);
        double before = crowd_potential(&c);
        for (int i = 0; i < NODE_PLAYERS; i++) {
            crowd_respond(&c, i, load, &r[i]);
        }
        for (int i = 0; i < NODE_PLAYERS; i++) {
            c.in[i].current = r[i].amount;
        }
        drops += crowd_potential(&c) < before;
    }

    assert_true(drops > 100);
}

/* An agent alone: demand, learner, response, patience. */
struct lone {
    struct demand demand;
    struct learner learner;
    struct response_votes votes;
    int64_t current;
};

static int
lone_tick(struct lone *a)
{
    const struct learner_stakes stakes = {
        .penalty = 20, .beta = 1, .floor = 0.1, .max = 64};
    struct response_input in = player(learner_curve(&a->learner), a->current);
    struct response r;

    demand_tick(&a->demand);
    learner_tick(&a->learner, &a->demand, &stakes);
    response_best(&in, &r);
    if (r.move != RESPONSE_GROW &&
        !response_due(&a->votes, &in, learner_patience(&a->learner), &r)) {
        return 0;
    }
    a->current = r.amount;
    return 1;
}

/* A second of a demand about 0.8 cores, +-20 % at most. */
static void
lone_second(struct lone *a, struct gt_rng *rng)
{
    double limit = gt_grid_units(GT_CPU, a->current);
    double noise = 0;

    for (int i = 0; i < 4; i++) {
        noise += 0.1 * (gt_rng_unit(rng) - 0.5);
    }
    double usage = 0.8 * (1 + noise);
    struct demand_sample sample = {
        .usage = fmin(usage, limit),
        .limit = limit,
        .throttled_share = usage > limit,
        .seconds = 1,
    };
    demand_add(&a->demand, &sample);
}

static int
lone_hours(struct lone *a, struct gt_rng *rng, int hours)
{
    int resizes = 0;

    for (int s = 1; s <= hours * 3600; s++) {
        lone_second(a, rng);
        resizes += s % 15 == 0 ? lone_tick(a) : 0;
    }
    return resizes;
}

static void
steady_noisy_demand_is_resized_at_most_once_an_hour(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct gt_rng rng = {.state = seed};
        struct lone a = {.current = 2000};
        demand_init(&a.demand, GT_CPU, 2);
        learner_init(&a.learner, &a.demand, 2);
        lone_hours(&a, &rng, 1);

        assert_true(lone_hours(&a, &rng, 8) <= 8);
        assert_true(a.current > 800 && a.current <= 1190);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            one_by_one_best_responses_raise_the_potential_and_rest),
        cmocka_unit_test(simultaneous_best_responses_oscillate),
        cmocka_unit_test(steady_noisy_demand_is_resized_at_most_once_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
