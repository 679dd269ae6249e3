/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/curve.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"

static void
random_histogram(struct gt_rng *rng, double histogram[CURVE_BINS])
{
    uint64_t sparse = 1 + gt_rng_below(rng, 50);

    for (int bin = 0; bin < CURVE_BINS; bin++) {
        double mass = gt_rng_unit(rng);
        histogram[bin] = gt_rng_below(rng, sparse) == 0 ? mass * mass : 0;
    }
}

static void
every_fourth_edge_is_a_level(void **state)
{
    (void)state;

    for (int level = 0; level < GT_GRID_LEVELS; level++) {
        double mib = gt_grid_units(GT_MEMORY, gt_grid_amount(GT_MEMORY, level));
        double edge = curve_edge(GT_MEMORY, 4 * level);
        assert_true(edge <= mib && mib - edge < 1);
        assert_true(curve_edge(GT_CPU, 4 * level) == edge / 1024);
    }
}

static void
an_amount_lies_within_its_bin(void **state)
{
    struct gt_rng rng = {.state = 1};
    (void)state;

    for (int i = 0; i < 10000; i++) {
        double cores = exp2(22 * gt_rng_unit(&rng)) / 1024;
        int bin = curve_bin(GT_CPU, cores);
        assert_true(curve_edge(GT_CPU, bin) <= cores);
        assert_true(cores < curve_edge(GT_CPU, bin + 1));
    }
}

static void
amounts_off_the_grid_go_to_its_ends(void **state)
{
    (void)state;

    assert_int_equal(curve_bin(GT_CPU, 0), 0);
    assert_int_equal(curve_bin(GT_CPU, 1e-9), 0);
    assert_int_equal(curve_bin(GT_CPU, 4096), CURVE_BINS - 1);
    assert_int_equal(curve_bin(GT_MEMORY, 1e300), CURVE_BINS - 1);
    assert_int_equal(curve_bin(GT_MEMORY, INFINITY), CURVE_BINS - 1);
    assert_int_equal(curve_bin(GT_MEMORY, NAN), 0);
}

static void
a_power_of_two_shifts_bins_and_nothing_else(void **state)
{
    struct gt_rng rng = {.state = 2};
    (void)state;

    for (int i = 0; i < 10000; i++) {
        double mib = exp2(10 * gt_rng_unit(&rng));
        assert_int_equal(curve_bin(GT_MEMORY, mib * 1024),
                         curve_bin(GT_MEMORY, mib) + 10 * CURVE_OCTAVE);
    }
}

static void
the_suffix_sums_say_what_the_definition_says(void **state)
{
    struct gt_rng rng = {.state = 3};
    double histogram[CURVE_BINS];
    struct curve curve;
    (void)state;

    for (int round = 0; round < 200; round++) {
        random_histogram(&rng, histogram);
        histogram[100] += 1;
        curve_init(&curve, GT_MEMORY, histogram);
        double x = exp2(24 * gt_rng_unit(&rng) - 1);
        double total = 0;
        double unserved = 0;
        for (int bin = 0; bin < CURVE_BINS; bin++) {
            double middle = exp2((bin + 0.5) / CURVE_OCTAVE);
            total += histogram[bin];
            unserved += histogram[bin] * fmax(middle - x, 0);
        }
        assert_true(fabs(curve_unserved(&curve, x) - unserved / total) <=
                    1e-9 * curve_unserved(&curve, 0));
    }
}

/* Convex, never rising, never negative, slope at least -1. */
static void
check_shape(const struct curve *curve)
{
    double last_x = 0;
    double last_f = curve_unserved(curve, 0);
    double last_slope = -1;

    for (int i = 1; i < 700; i++) {
        double x = exp2(i * 24.0 / 700 - 11);
        double f = curve_unserved(curve, x);
        double slope = (f - last_f) / (x - last_x);
        /* what rounding leaves of a difference of large numbers */
        double noise = 1e-9 + 1e-13 * curve_unserved(curve, 0) / (x - last_x);
        assert_true(f >= 0);
        assert_true(slope <= noise);
        assert_true(slope >= last_slope - noise);
        last_x = x;
        last_f = f;
        last_slope = slope;
    }
}

static void
unserved_demand_is_convex_for_any_histogram(void **state)
{
    struct gt_rng rng = {.state = 4};
    double histogram[CURVE_BINS];
    struct curve curve;
    (void)state;

    for (int round = 0; round < 300; round++) {
        random_histogram(&rng, histogram);
        /* short of the last octaves, whose sums would drown the slopes */
        memset(histogram + 200, 0, (CURVE_BINS - 200) * sizeof(*histogram));
        curve_init(&curve, GT_CPU, histogram);
        check_shape(&curve);
    }
}

static void
without_demand_nothing_is_unserved(void **state)
{
    const double histogram[CURVE_BINS] = {0};
    struct curve curve;
    (void)state;

    curve_init(&curve, GT_CPU, histogram);

    assert_true(curve_unserved(&curve, 0) == 0);
    assert_true(curve_unserved(&curve, 1) == 0);
}

static void
above_the_largest_demand_nothing_is_unserved(void **state)
{
    double histogram[CURVE_BINS] = {0};
    struct curve curve;
    (void)state;

    histogram[curve_bin(GT_CPU, 0.5)] = 3;
    curve_init(&curve, GT_CPU, histogram);

    assert_true(curve_unserved(&curve, 0.53) == 0);
    assert_true(curve_unserved(&curve, 0.5) > 0);
    assert_true(fabs(curve_unserved(&curve, 0) - 0.511) < 0.001);
    assert_true(curve_unserved(&curve, INFINITY) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fourth_edge_is_a_level),
        cmocka_unit_test(an_amount_lies_within_its_bin),
        cmocka_unit_test(amounts_off_the_grid_go_to_its_ends),
        cmocka_unit_test(a_power_of_two_shifts_bins_and_nothing_else),
        cmocka_unit_test(the_suffix_sums_say_what_the_definition_says),
        cmocka_unit_test(unserved_demand_is_convex_for_any_histogram),
        cmocka_unit_test(without_demand_nothing_is_unserved),
        cmocka_unit_test(above_the_largest_demand_nothing_is_unserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
