/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base.h"
#include "common/rng.h"

/* 10 cores, half of them taken, room to grow. */
static struct admission_node
node_of_ten_cores(int64_t load)
{
    return (struct admission_node){
        .resource = GT_CPU,
        .congestion = {.capacity = 10, .rho0 = 0.9, .p1 = 40, .exponent = 3},
        .capacity = 10000,
        .lo = load,
        .hi = load,
        .open = true,
        .tokens = 1000,
    };
}

static struct admission_wish
wish(int64_t from, int64_t to, double gain)
{
    return (struct admission_wish){
        .from = from, .to = to, .lo = from, .hi = from, .gain = gain};
}

static enum admission_verdict
judge_one(struct admission_node node, struct admission_wish asked)
{
    admission_round(&node, &asked, 1);
    return asked.verdict;
}

static void
growth_that_gains_enough_is_green(void **state)
{
    (void)state;
    /* given a free node, when the gain is eps, 2 % of a core, and just less */
    struct admission_node node = node_of_ten_cores(5000);

    assert_int_equal(judge_one(node, wish(1000, 2000, 0.02)), ADMISSION_GREEN);
    assert_int_equal(judge_one(node, wish(1000, 2000, 0.019)),
                     ADMISSION_E_GAIN);
}

static void
a_shrink_must_gain_more_than_a_growth(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(5000);

    assert_int_equal(judge_one(node, wish(1000, 500, 0.1)), ADMISSION_GREEN);
    assert_int_equal(judge_one(node, wish(1000, 500, 0.09)), ADMISSION_E_GAIN);
}

static void
growth_pays_the_congestion_that_it_causes(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(9000);
    /* Gamma rises by p1 (1 - rho0) C / 4 = 10 from 90 % to 100 % */
    assert_int_equal(judge_one(node, wish(1000, 2000, 10.1)), ADMISSION_GREEN);
    assert_int_equal(judge_one(node, wish(1000, 2000, 9.9)), ADMISSION_E_GAIN);
}

static void
a_shrink_is_paid_for_the_congestion_that_it_ends(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(10000);

    assert_int_equal(judge_one(node, wish(2000, 1000, -9.7)), ADMISSION_GREEN);
    assert_int_equal(judge_one(node, wish(2000, 1000, -9.9)), ADMISSION_E_GAIN);
}

static void
growth_is_judged_at_the_highest_load_and_shrinking_at_the_lowest(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(9000);

    node.lo = 8000;
    node.hi = 10000;
    assert_int_equal(judge_one(node, wish(1000, 1001, 0.03)),
                     ADMISSION_E_CAPACITY);
    assert_int_equal(judge_one(node, wish(2000, 1000, -1)), ADMISSION_E_GAIN);
    node.hi = 9900;
    assert_int_equal(judge_one(node, wish(1000, 1100, 1)), ADMISSION_E_GAIN);
}

static void
growth_never_exceeds_what_is_free_for_certain(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(9500);

    assert_int_equal(judge_one(node, wish(500, 1000, 1e9)), ADMISSION_GREEN);
    assert_int_equal(judge_one(node, wish(500, 1001, 1e9)),
                     ADMISSION_E_CAPACITY);
}

static void
what_an_open_light_already_holds_is_not_counted_twice(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(10000);
    struct admission_wish again = wish(1000, 1500, 1e9);

    again.hi = 1500;

    assert_int_equal(judge_one(node, again), ADMISSION_GREEN);
}

static void
a_shrink_of_the_round_frees_nothing_for_its_growth(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(10000);
    struct admission_wish wishes[] = {wish(5000, 1000, 100),
                                      wish(1000, 2000, 1e9)};

    admission_round(&node, wishes, 2);

    assert_int_equal(wishes[0].verdict, ADMISSION_E_CAPACITY);
    assert_int_equal(wishes[1].verdict, ADMISSION_GREEN);
    assert_int_equal(node.lo, 6000);
    assert_int_equal(node.hi, 10000);
}

static void
the_best_gain_per_unit_takes_the_room(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(9000);
    struct admission_wish wishes[] = {
        wish(100, 1000, 900), /* 1000 a core */
        wish(100, 200, 150),  /* 1500 a core */
    };

    admission_round(&node, wishes, 2);

    assert_int_equal(wishes[0].to, 200);
    assert_int_equal(wishes[0].verdict, ADMISSION_GREEN);
    assert_int_equal(wishes[1].verdict, ADMISSION_GREEN);
    assert_int_equal(node.hi, 10000);
}

static void
growth_to_the_floor_needs_no_gain_but_room(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(9000);
    struct admission_wish low = wish(100, 1000, -50);

    low.floor = 1000;
    assert_int_equal(judge_one(node, low), ADMISSION_FLOOR);
    node.tokens = 0;
    assert_int_equal(judge_one(node, low), ADMISSION_FLOOR);
    node.hi = 9101;
    assert_int_equal(judge_one(node, low), ADMISSION_E_CAPACITY);
}

static void
a_floor_between_two_levels_is_reached_by_the_level_above(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(1000);
    int level = gt_grid_level_up(GT_CPU, 500);
    struct admission_wish low = wish(100, gt_grid_amount(GT_CPU, level), -50);

    low.floor = 490;
    assert_int_equal(judge_one(node, low), ADMISSION_FLOOR);
    low.to = gt_grid_amount(GT_CPU, level + 1);
    assert_int_equal(judge_one(node, low), ADMISSION_E_GAIN);
    low.to = gt_grid_amount(GT_CPU, level);
    low.from = low.floor;
    assert_int_equal(judge_one(node, low), ADMISSION_E_GAIN);
}

static void
growth_waits_while_the_node_is_closed_but_shrinking_does_not(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(5000);

    node.open = false;
    assert_int_equal(judge_one(node, wish(1000, 2000, 1e9)),
                     ADMISSION_E_CLOSED);
    assert_int_equal(judge_one(node, wish(1000, 500, 1)), ADMISSION_GREEN);
}

static void
the_budget_goes_to_growth_before_shrinking(void **state)
{
    (void)state;
    struct admission_node node = node_of_ten_cores(5000);
    struct admission_wish wishes[] = {wish(1000, 500, 1), wish(1000, 1200, 1)};

    node.tokens = 1;
    admission_round(&node, wishes, 2);

    assert_int_equal(wishes[0].to, 1200);
    assert_int_equal(wishes[0].verdict, ADMISSION_GREEN);
    assert_int_equal(wishes[1].verdict, ADMISSION_E_BUDGET);
}

#define PLAYERS 60

static void
random_wishes(struct gt_rng *rng, struct admission_wish *wishes)
{
    for (uint32_t i = 0; i < PLAYERS; i++) {
        int64_t from = 1 + (int64_t)gt_rng_below(rng, 400);
        int64_t to = 1 + (int64_t)gt_rng_below(rng, 400);

        wishes[i] = wish(from, to + (to == from), gt_rng_unit(rng) * 4 - 1);
        wishes[i].tie = gt_rng_next(rng);
        wishes[i].owner = i;
    }
}

static void
the_order_of_arrival_decides_nothing(void **state)
{
    struct gt_rng rng = {.state = 5};
    (void)state;

    for (int run = 0; run < 200; run++) {
        struct admission_wish there[PLAYERS];
        struct admission_wish back[PLAYERS];
        struct admission_node a = node_of_ten_cores(8500);
        struct admission_node b = a;

        random_wishes(&rng, there);
        for (size_t i = 0; i < PLAYERS; i++) {
            back[PLAYERS - 1 - i] = there[i];
        }
        admission_round(&a, there, PLAYERS);
        admission_round(&b, back, PLAYERS);

        for (size_t i = 0; i < PLAYERS; i++) {
            assert_int_equal(there[i].owner, back[i].owner);
            assert_int_equal(there[i].verdict, back[i].verdict);
        }
    }
}

/* dPhi of those of the green moves that @mask picks, all at once. */
static double
potential_change(const struct admission_node *node, int64_t load,
                 const struct admission_wish *wishes, uint64_t mask)
{
    double gain = 0.0;
    int64_t step = 0;

    for (size_t i = 0; i < PLAYERS; i++) {
        bool green = wishes[i].verdict == ADMISSION_GREEN;

        if (green && mask >> i & 1) {
            gain += wishes[i].gain;
            step += wishes[i].to - wishes[i].from;
        }
    }
    return gt_game_potential_gain(&node->congestion,
                                  gt_grid_units(GT_CPU, load), gain,
                                  gt_grid_units(GT_CPU, step));
}

static void
any_subset_of_the_admitted_moves_raises_the_potential(void **state)
{
    struct gt_rng rng = {.state = 11};
    (void)state;

    for (int run = 0; run < 2000; run++) {
        struct admission_wish wishes[PLAYERS];
        int64_t load = 6000 + (int64_t)gt_rng_below(&rng, 4000);
        struct admission_node node = node_of_ten_cores(load);

        random_wishes(&rng, wishes);
        admission_round(&node, wishes, PLAYERS);

        assert_true(node.hi <= node.capacity);
        assert_true(potential_change(&node, load, wishes, gt_rng_next(&rng)) >=
                    -1e-9);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_that_gains_enough_is_green),
        cmocka_unit_test(a_shrink_must_gain_more_than_a_growth),
        cmocka_unit_test(growth_pays_the_congestion_that_it_causes),
        cmocka_unit_test(a_shrink_is_paid_for_the_congestion_that_it_ends),
        cmocka_unit_test(
            growth_is_judged_at_the_highest_load_and_shrinking_at_the_lowest),
        cmocka_unit_test(growth_never_exceeds_what_is_free_for_certain),
        cmocka_unit_test(what_an_open_light_already_holds_is_not_counted_twice),
        cmocka_unit_test(a_shrink_of_the_round_frees_nothing_for_its_growth),
        cmocka_unit_test(the_best_gain_per_unit_takes_the_room),
        cmocka_unit_test(growth_to_the_floor_needs_no_gain_but_room),
        cmocka_unit_test(
            a_floor_between_two_levels_is_reached_by_the_level_above),
        cmocka_unit_test(
            growth_waits_while_the_node_is_closed_but_shrinking_does_not),
        cmocka_unit_test(the_budget_goes_to_growth_before_shrinking),
        cmocka_unit_test(the_order_of_arrival_decides_nothing),
        cmocka_unit_test(any_subset_of_the_admitted_moves_raises_the_potential),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
