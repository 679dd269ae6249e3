/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
equal_seeds_give_the_published_sequence(void **state)
{
    struct gt_rng rng = {.state = 1234567};
    (void)state;

    assert_true(gt_rng_next(&rng) == UINT64_C(6457827717110365317));
    assert_true(gt_rng_next(&rng) == UINT64_C(3203168211198807973));
    assert_true(gt_rng_next(&rng) == UINT64_C(9817491932198370423));
}

static void
unit_stays_in_its_interval_and_fills_it(void **state)
{
    struct gt_rng rng = {.state = 1};
    double sum = 0;
    (void)state;

    for (int i = 0; i < 10000; i++) {
        double u = gt_rng_unit(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }

    assert_true(sum > 4850 && sum < 5150);
}

static void
below_stays_below_and_meets_every_number(void **state)
{
    struct gt_rng rng = {.state = 2};
    unsigned seen[7] = {0};
    (void)state;

    for (int i = 0; i < 7000; i++) {
        uint64_t n = gt_rng_below(&rng, 7);
        assert_true(n < 7);
        seen[n]++;
    }

    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
}

static void
below_copes_with_the_extremes(void **state)
{
    struct gt_rng rng = {.state = 3};
    const uint64_t large = (UINT64_C(1) << 63) + 1; /* rejects half */
    (void)state;

    assert_true(gt_rng_below(&rng, 0) == 0);
    assert_true(gt_rng_below(&rng, 1) == 0);
    for (int i = 0; i < 100; i++) {
        assert_true(gt_rng_below(&rng, large) < large);
    }
}

static void
hash_is_fnv_1a(void **state)
{
    (void)state;

    assert_true(gt_rng_hash("") == UINT64_C(0xcbf29ce484222325));
    assert_true(gt_rng_hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(gt_rng_hash("foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(gt_rng_hash("\xff") == UINT64_C(0xaf64724c8602eb6e));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_give_the_published_sequence),
        cmocka_unit_test(unit_stays_in_its_interval_and_fills_it),
        cmocka_unit_test(below_stays_below_and_meets_every_number),
        cmocka_unit_test(below_copes_with_the_extremes),
        cmocka_unit_test(hash_is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
