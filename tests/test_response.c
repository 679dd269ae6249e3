/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/response.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/rng.h"

#define MIB ((int64_t)1 << 20)

/* Demand of half a core to a core, evenly. */
static void
demand_of_a_core(struct curve *curve)
{
    double histogram[CURVE_BINS] = {0};

    for (int i = 0; i < 50; i++) {
        histogram[curve_bin(GT_CPU, 0.5 + 0.01 * i)] += 1;
    }
    curve_init(curve, GT_CPU, histogram);
}

static struct response_input
player(const struct curve *curve, int64_t current)
{
    return (struct response_input){
        .resource = GT_CPU,
        .curve = curve,
        .penalty = 20,
        .beta = 1,
        .current = current,
        .floor = 100,
        .max = 4000,
    };
}

static double
utility_of(const struct response_input *in, int64_t amount)
{
    double u = response_own(in, amount);

    if (in->node != NULL) {
        u = gt_game_utility(in->node, u, in->others,
                            gt_grid_units(in->resource, amount));
    }
    return u;
}

static void
a_short_container_grows_to_the_quantile_that_its_class_pays_for(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 300);
    response_best(&in, &r);

    /* 1 - 1/b is the 95th percentile: 0.975 cores */
    assert_int_equal(r.move, RESPONSE_GROW);
    assert_int_equal(r.amount, 1000);
    assert_int_equal(r.level, 40);
    assert_true(fabs(r.gain - (response_own(&in, 1000) -
                               response_own(&in, 300))) < 1e-12);
    assert_true(r.own_gain == r.gain);
}

static void
a_wide_container_shrinks(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 3333);
    response_best(&in, &r);

    assert_int_equal(r.move, RESPONSE_SHRINK);
    assert_int_equal(r.amount, 1000);
    assert_true(r.gain > 0);
}

static void
a_small_gain_is_not_worth_a_move(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    /* off the grid, a little above what is best */
    struct response_input in = player(&curve, 1050);
    response_best(&in, &r);

    assert_int_equal(r.move, RESPONSE_STAY);
    assert_int_equal(r.amount, 1050);
    assert_int_equal(r.level, 41);
    assert_true(r.gain == 0);
}

static void
growth_up_to_the_floor_needs_no_gain(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 2990);
    in.floor = 3000;
    response_best(&in, &r);

    assert_int_equal(r.move, RESPONSE_GROW);
    assert_int_equal(r.amount, 3364);
    assert_true(r.gain < 0);
}

static void
a_floor_above_the_max_asks_for_the_max(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 300);
    in.floor = 500;
    in.max = 500;
    response_best(&in, &r);

    assert_int_equal(r.move, RESPONSE_GROW);
    assert_int_equal(r.amount, 500);
}

static void
the_max_is_a_level_although_it_is_off_the_grid(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 300);
    in.max = 700;
    response_best(&in, &r);

    assert_int_equal(r.amount, 700);
}

static void
a_container_above_its_max_comes_down_at_once(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 1000);
    in.max = 999;
    response_best(&in, &r);

    assert_int_equal(r.move, RESPONSE_SHRINK);
    assert_int_equal(r.amount, 999);
}

static void
a_limit_above_the_request_serves_as_much_with_less(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 300);
    in.beta = 2;
    response_best(&in, &r);

    assert_int_equal(r.amount, 500);
}

static void
among_equals_the_lowest_level_wins(void **state)
{
    double histogram[CURVE_BINS] = {0};
    struct curve curve;
    struct response r;
    (void)state;

    /* a demand that nobody can meet at b = 1: every level costs the same */
    histogram[CURVE_BINS - 1] = 1;
    curve_init(&curve, GT_CPU, histogram);
    struct response_input in = player(&curve, 50);
    in.penalty = 1;
    response_best(&in, &r);

    assert_int_equal(r.level, gt_grid_level_up(GT_CPU, in.floor));
}

static void
a_full_node_is_priced(void **state)
{
    const struct gt_congestion node = {.capacity = 8,
                                       .rho0 = GT_GAME_RHO0,
                                       .p1 = GT_GAME_P1,
                                       .exponent = GT_GAME_EXPONENT};
    struct curve curve;
    struct response empty;
    struct response full;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 300);
    in.node = &node;
    in.others = 4;
    response_best(&in, &empty);
    in.others = 7.2;
    response_best(&in, &full);

    assert_int_equal(empty.amount, 1000);
    /* what the node gains by it is worth more than the own loss */
    assert_int_equal(full.move, RESPONSE_SHRINK);
    assert_true(full.own_gain < 0 && full.gain > 0);
}

static void
random_player(struct gt_rng *rng, struct response_input *in)
{
    *in = player(in->curve, 1);
    in->max = 1 + (int64_t)gt_rng_below(rng, 60000);
    in->floor = 1 + (int64_t)gt_rng_below(rng, (uint64_t)in->max);
    in->current = (in->floor + in->max) / 2;
    in->penalty = exp2(11 * gt_rng_unit(rng));
    in->others = 100 * gt_rng_unit(rng);
}

static void
no_level_is_better(const struct response_input *in, const struct response *r)
{
    double found = utility_of(in, r->amount);

    if (r->move == RESPONSE_STAY) {
        found += 0.1 * gt_grid_units(GT_CPU, in->current);
    }
    for (int level = 0; level < GT_GRID_LEVELS; level++) {
        int64_t amount = gt_grid_amount(GT_CPU, level);
        if (amount >= in->floor && amount <= in->max) {
            assert_true(utility_of(in, amount) <= found);
        }
    }
}

static void
the_best_response_is_best_for_any_demand_and_load(void **state)
{
    struct gt_rng rng = {.state = 5};
    double histogram[CURVE_BINS];
    struct curve curve;
    (void)state;

    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < CURVE_BINS; i++) {
            histogram[i] = fmax(gt_rng_unit(&rng) - 0.9, 0);
        }
        curve_init(&curve, GT_CPU, histogram);
        struct gt_congestion node = {.capacity = 1 + 99 * gt_rng_unit(&rng),
                                     .rho0 = GT_GAME_RHO0,
                                     .p1 = GT_GAME_P1,
                                     .exponent = GT_GAME_EXPONENT};
        struct response_input in = {.curve = &curve};
        random_player(&rng, &in);
        in.node = round % 2 == 0 ? &node : NULL;

        struct response r;
        response_best(&in, &r);
        assert_true(r.amount >= in.floor && r.amount <= in.max);
        no_level_is_better(&in, &r);
    }
}

static void
urgent_cpu_goes_to_what_was_seen_but_at_most_doubles(void **state)
{
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 500);
    response_urgent(&in, 0.7, &r);
    assert_int_equal(r.move, RESPONSE_GROW);
    assert_int_equal(r.amount, 708);

    response_urgent(&in, 5, &r);
    assert_int_equal(r.amount, 1000);

    in.beta = 2;
    response_urgent(&in, 1.4, &r);
    assert_int_equal(r.amount, 708);

    response_urgent(&in, 0.3, &r);
    assert_int_equal(r.move, RESPONSE_STAY);
    assert_int_equal(r.amount, 500);
}

static void
urgent_memory_leaves_a_quarter_of_room_within_the_max(void **state)
{
    const double histogram[CURVE_BINS] = {0};
    struct curve curve;
    struct response r;
    (void)state;

    curve_init(&curve, GT_MEMORY, histogram);
    struct response_input in = player(&curve, 256 * MIB);
    in.resource = GT_MEMORY;
    in.max = 1024 * MIB;
    response_urgent(&in, 400, &r);
    assert_int_equal(r.amount, 512 * MIB);

    response_urgent(&in, 5000, &r);
    assert_int_equal(r.amount, 1024 * MIB);
}

static void
a_shrink_waits_for_patience_and_takes_the_highest_vote(void **state)
{
    struct response_votes votes = {0};
    struct curve curve;
    struct response r;
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 3000);
    for (int tick = 1; tick <= 3; tick++) {
        response_best(&in, &r);
        r.level += tick == 2 ? 1 : 0;
        assert_int_equal(response_due(&votes, &in, 3, &r), tick == 3);
    }

    assert_int_equal(r.move, RESPONSE_SHRINK);
    assert_int_equal(r.level, 41);
    assert_int_equal(r.amount, gt_grid_amount(GT_CPU, 41));
    assert_int_equal(votes.len, 0);
}

static void
a_tick_that_disagrees_starts_the_count_afresh(void **state)
{
    struct response_votes votes = {0};
    struct curve curve;
    struct response shrink;
    struct response stay = {.move = RESPONSE_STAY};
    (void)state;

    demand_of_a_core(&curve);
    struct response_input in = player(&curve, 3000);
    response_best(&in, &shrink);
    assert_false(response_due(&votes, &in, 2, &shrink));
    assert_false(response_due(&votes, &in, 2, &stay));

    assert_false(response_due(&votes, &in, 2, &shrink));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_short_container_grows_to_the_quantile_that_its_class_pays_for),
        cmocka_unit_test(a_wide_container_shrinks),
        cmocka_unit_test(a_small_gain_is_not_worth_a_move),
        cmocka_unit_test(growth_up_to_the_floor_needs_no_gain),
        cmocka_unit_test(a_floor_above_the_max_asks_for_the_max),
        cmocka_unit_test(the_max_is_a_level_although_it_is_off_the_grid),
        cmocka_unit_test(a_container_above_its_max_comes_down_at_once),
        cmocka_unit_test(a_limit_above_the_request_serves_as_much_with_less),
        cmocka_unit_test(among_equals_the_lowest_level_wins),
        cmocka_unit_test(a_full_node_is_priced),
        cmocka_unit_test(the_best_response_is_best_for_any_demand_and_load),
        cmocka_unit_test(urgent_cpu_goes_to_what_was_seen_but_at_most_doubles),
        cmocka_unit_test(urgent_memory_leaves_a_quarter_of_room_within_the_max),
        cmocka_unit_test(
            a_shrink_waits_for_patience_and_takes_the_highest_vote),
        cmocka_unit_test(a_tick_that_disagrees_starts_the_count_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
