/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB  ((int64_t)1 << 20)
#define HOUR ((uint64_t)3600 * 1000)

static struct gt_time
at(uint64_t ms)
{
    return (struct gt_time){.mono_ms = ms};
}

static const struct guard_need need = {
    .mean_slow = 0.4,
    .peak = 200,
    .beta = 1,
    .min = 10,
    .max = INT64_C(1) << 40,
};

struct fixture {
    struct guard pod;
    struct guard_player cpu, memory;
};

static void
start(struct fixture *f)
{
    guard_init(&f->pod, GUARD_BURST, GUARD_PER_HOUR, at(1000));
    guard_player_init(&f->cpu, GT_CPU);
    guard_player_init(&f->memory, GT_MEMORY);
}

static void
the_cpu_floor_stands_above_the_mean_demand(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);

    assert_int_equal(guard_floor(&f.cpu, &need, at(1000)), 420);
}

static void
the_memory_floor_stands_above_the_peak(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);

    int64_t floor = guard_floor(&f.memory, &need, at(1000));
    assert_true(floor >= 220 * MIB && floor <= 220 * MIB + 1);
}

static void
an_idle_container_keeps_the_least(void **state)
{
    struct fixture f;
    struct guard_need idle = need;
    (void)state;

    start(&f);
    idle.mean_slow = 0;
    idle.peak = 0;

    assert_int_equal(guard_floor(&f.cpu, &idle, at(1000)), GUARD_FLOOR_CPU);
    assert_int_equal(guard_floor(&f.memory, &idle, at(1000)),
                     GUARD_FLOOR_MEMORY);
}

static void
a_limit_above_the_request_carries_the_peak(void **state)
{
    struct fixture f;
    struct guard_need burstable = need;
    (void)state;

    start(&f);
    burstable.beta = 2;

    int64_t floor = guard_floor(&f.memory, &burstable, at(1000));
    assert_true(floor >= 110 * MIB && floor <= 110 * MIB + 1);
    assert_int_equal(guard_floor(&f.cpu, &burstable, at(1000)), 420);
}

static void
the_floor_stays_within_the_policy(void **state)
{
    struct fixture f;
    struct guard_need low = need;
    struct guard_need high = need;
    (void)state;

    start(&f);
    low.max = 300;
    high.min = 500;

    assert_int_equal(guard_floor(&f.cpu, &low, at(1000)), 300);
    assert_int_equal(guard_floor(&f.cpu, &high, at(1000)), 500);
}

static void
an_oom_kill_raises_the_floor_and_is_forgotten_by_half_in_six_hours(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    guard_oom(&f.memory, 1000 * MIB, at(1000));

    assert_int_equal(guard_floor(&f.memory, &need, at(1000)), 1200 * MIB);
    assert_int_equal(guard_floor(&f.memory, &need, at(1000 + 6 * HOUR)),
                     600 * MIB);
}

static void
a_smaller_oom_kill_does_not_lower_the_floor(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    guard_oom(&f.memory, 1000 * MIB, at(1000));
    guard_oom(&f.memory, 100 * MIB, at(2000));

    assert_true(guard_floor(&f.memory, &need, at(2000)) > 1199 * MIB);
}

static void
the_max_wins_over_the_floor(void **state)
{
    (void)state;

    assert_int_equal(guard_clamp(5, 10, 20), 10);
    assert_int_equal(guard_clamp(15, 10, 20), 15);
    assert_int_equal(guard_clamp(25, 10, 20), 20);
    assert_int_equal(guard_clamp(5, 30, 20), 20);
}

static void
nothing_was_resized_before_the_start(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);

    assert_int_equal(
        guard_may_resize(&f.pod, &f.memory, GUARD_SHRINK, at(1000)), GUARD_OK);
}

static void
a_second_resize_waits_fifteen_seconds_but_not_when_urgent(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    guard_spend(&f.pod, at(1000));

    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_GROW, at(15999)),
                     GUARD_E_HOLD);
    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_URGENT, at(1001)),
                     GUARD_OK);
    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_GROW, at(16000)),
                     GUARD_OK);
}

static void
memory_shrinks_two_minutes_after_its_last_move(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    guard_spend(&f.pod, at(1000));
    guard_moved(&f.memory, at(1000));

    assert_int_equal(
        guard_may_resize(&f.pod, &f.memory, GUARD_SHRINK, at(120999)),
        GUARD_E_HOLD);
    assert_int_equal(guard_may_resize(&f.pod, &f.memory, GUARD_GROW, at(16000)),
                     GUARD_OK);
    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_SHRINK, at(16000)),
                     GUARD_OK);
    assert_int_equal(
        guard_may_resize(&f.pod, &f.memory, GUARD_SHRINK, at(121000)),
        GUARD_OK);
}

static void
the_budget_ends_and_refills(void **state)
{
    struct fixture f;
    uint64_t now = 1000;
    (void)state;

    start(&f);
    for (int i = 0; i < GUARD_BURST; i++) {
        assert_int_equal(
            guard_may_resize(&f.pod, &f.cpu, GUARD_URGENT, at(now)), GUARD_OK);
        guard_spend(&f.pod, at(now));
    }

    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_URGENT, at(now)),
                     GUARD_E_BUDGET);
    assert_int_equal(
        guard_may_resize(&f.pod, &f.cpu, GUARD_GROW, at(now + 89999)),
        GUARD_E_BUDGET);
    assert_int_equal(
        guard_may_resize(&f.pod, &f.cpu, GUARD_GROW, at(now + 90001)),
        GUARD_OK);
}

static void
a_shrink_leaves_half_of_the_burst_to_growth(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    for (int i = 0; i < GUARD_BURST / 2; i++) {
        assert_int_equal(
            guard_may_resize(&f.pod, &f.cpu, GUARD_SHRINK, at(1000)), GUARD_OK);
        guard_spend(&f.pod, at(1000));
        f.pod.resized_ms = 0;
    }
    guard_spend(&f.pod, at(1000));

    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_SHRINK, at(16001)),
                     GUARD_E_BUDGET);
    assert_int_equal(guard_may_resize(&f.pod, &f.cpu, GUARD_GROW, at(16001)),
                     GUARD_OK);
}

static void
the_vital_is_never_held_back(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    for (int i = 0; i < 3 * GUARD_BURST; i++) {
        guard_spend(&f.pod, at(1000));
        guard_moved(&f.memory, at(1000));
    }

    assert_int_equal(guard_may_resize(&f.pod, &f.memory, GUARD_VITAL, at(1000)),
                     GUARD_OK);
}

static void
rest_saves_no_more_than_the_burst(void **state)
{
    struct fixture f;
    (void)state;

    start(&f);
    for (int i = 0; i < GUARD_BURST; i++) {
        guard_spend(&f.pod, at(1000 + 100 * HOUR));
    }

    assert_int_equal(
        guard_may_resize(&f.pod, &f.cpu, GUARD_URGENT, at(1000 + 100 * HOUR)),
        GUARD_E_BUDGET);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cpu_floor_stands_above_the_mean_demand),
        cmocka_unit_test(the_memory_floor_stands_above_the_peak),
        cmocka_unit_test(an_idle_container_keeps_the_least),
        cmocka_unit_test(a_limit_above_the_request_carries_the_peak),
        cmocka_unit_test(the_floor_stays_within_the_policy),
        cmocka_unit_test(
            an_oom_kill_raises_the_floor_and_is_forgotten_by_half_in_six_hours),
        cmocka_unit_test(a_smaller_oom_kill_does_not_lower_the_floor),
        cmocka_unit_test(the_max_wins_over_the_floor),
        cmocka_unit_test(
            a_second_resize_waits_fifteen_seconds_but_not_when_urgent),
        cmocka_unit_test(memory_shrinks_two_minutes_after_its_last_move),
        cmocka_unit_test(the_budget_ends_and_refills),
        cmocka_unit_test(a_shrink_leaves_half_of_the_burst_to_growth),
        cmocka_unit_test(the_vital_is_never_held_back),
        cmocka_unit_test(rest_saves_no_more_than_the_burst),
        cmocka_unit_test(nothing_was_resized_before_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
