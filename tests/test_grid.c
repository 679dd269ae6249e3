/* SPDX-License-Identifier: Apache-2.0 */
#include "common/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB ((int64_t)1 << 20)

static void
whole_octaves_are_exact(void **state)
{
    (void)state;

    for (int octave = 0; octave <= 22; octave++) {
        int64_t units = INT64_C(1) << octave;
        assert_int_equal(gt_grid_amount(GT_MEMORY, 4 * octave), units * MIB);
        assert_int_equal(gt_grid_amount(GT_CPU, 4 * octave),
                         (units * 1000 + 1023) / 1024);
    }
}

static void
amounts_are_rounded_up_to_what_kubernetes_can_say(void **state)
{
    (void)state;

    assert_int_equal(gt_grid_amount(GT_MEMORY, 5), 3 * MIB); /* 2.38 */
    assert_int_equal(gt_grid_amount(GT_CPU, 9), 5);          /* 4.65 */
}

static void
a_step_is_nineteen_percent(void **state)
{
    (void)state;

    for (int level = 40; level < GT_GRID_LEVELS - 1; level++) {
        double step = (double)gt_grid_amount(GT_CPU, level + 1) /
                      (double)gt_grid_amount(GT_CPU, level);
        assert_true(step > 1.187 && step < 1.191);
    }
}

static void
amounts_never_decrease(void **state)
{
    (void)state;

    for (int level = 1; level < GT_GRID_LEVELS; level++) {
        assert_true(gt_grid_amount(GT_CPU, level) >=
                    gt_grid_amount(GT_CPU, level - 1));
        assert_true(gt_grid_amount(GT_MEMORY, level) >=
                    gt_grid_amount(GT_MEMORY, level - 1));
    }
}

static void
a_level_off_the_grid_is_clamped(void **state)
{
    (void)state;

    assert_int_equal(gt_grid_amount(GT_CPU, -5), 1);
    assert_int_equal(gt_grid_amount(GT_CPU, 1000), 4096000);
    assert_int_equal(gt_grid_amount(GT_MEMORY, 1000), (MIB * MIB) << 2);
}

static void
level_up_is_the_smallest_that_holds_the_amount(void **state)
{
    (void)state;

    for (int64_t milli = 1; milli < 5000; milli += 7) {
        int level = gt_grid_level_up(GT_CPU, milli);
        assert_true(gt_grid_amount(GT_CPU, level) >= milli);
        assert_true(level == 0 || gt_grid_amount(GT_CPU, level - 1) < milli);
    }
    assert_int_equal(gt_grid_level_up(GT_CPU, 0), 0);
    assert_int_equal(gt_grid_level_up(GT_CPU, INT64_MAX), GT_GRID_LEVELS - 1);
}

static void
level_down_is_the_largest_within_the_amount(void **state)
{
    (void)state;

    for (int64_t bytes = MIB; bytes < 4000 * MIB; bytes += 7 * MIB + 1) {
        int level = gt_grid_level_down(GT_MEMORY, bytes);
        assert_true(gt_grid_amount(GT_MEMORY, level) <= bytes);
        assert_true(gt_grid_amount(GT_MEMORY, level + 1) > bytes);
    }
    assert_int_equal(gt_grid_level_down(GT_MEMORY, 1), 0);
    assert_int_equal(gt_grid_level_down(GT_MEMORY, INT64_MAX),
                     GT_GRID_LEVELS - 1);
}

static void
units_are_cores_and_mib(void **state)
{
    (void)state;

    assert_true(gt_grid_units(GT_CPU, 1500) == 1.5);
    assert_true(gt_grid_units(GT_MEMORY, 3 * MIB / 2) == 1.5);
    assert_string_equal(gt_resource_name(GT_CPU), "cpu");
    assert_string_equal(gt_resource_name(GT_MEMORY), "memory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_octaves_are_exact),
        cmocka_unit_test(a_step_is_nineteen_percent),
        cmocka_unit_test(amounts_never_decrease),
        cmocka_unit_test(a_level_off_the_grid_is_clamped),
        cmocka_unit_test(level_up_is_the_smallest_that_holds_the_amount),
        cmocka_unit_test(level_down_is_the_largest_within_the_amount),
        cmocka_unit_test(units_are_cores_and_mib),
        cmocka_unit_test(amounts_are_rounded_up_to_what_kubernetes_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
