/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/demand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"

enum { MEAN_30S, MAX_1M, MAX_5M, MAX_30M, MAX_3H, SEASON, CONSTANT, MEAN_5M };

static struct demand_sample
used(double usage)
{
    return (struct demand_sample){.usage = usage, .seconds = 1};
}

/* Plays @seconds of one usage, with a tick each 15 s. */
static void
play(struct demand *d, double usage, int seconds)
{
    struct demand_sample sample = used(usage);

    for (int s = 1; s <= seconds; s++) {
        demand_add(d, &sample);
        if (s % 15 == 0) {
            demand_tick(d);
        }
    }
}

static void
start_at(struct demand *d, double usage, int seconds)
{
    demand_init(d, GT_CPU, 2 * usage);
    play(d, usage, seconds);
}

static double
unserved(const struct demand *d, int forecaster, double x)
{
    struct curve curve;

    demand_curve_of(d, forecaster, &curve);
    return curve_unserved(&curve, x);
}

static void
near(double got, double want)
{
    /* a bin is 4.4 % wide */
    assert_true(fabs(got - want) <= 0.045 * want);
}

static void
the_request_is_the_first_guess(void **state)
{
    struct demand d;
    (void)state;

    demand_init(&d, GT_CPU, 2);

    near(demand_mean_slow(&d), 1);
    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        assert_true(unserved(&d, j, 0.9) > 0);
        assert_true(unserved(&d, j, 2) == 0);
    }
}

static void
steady_demand_is_learnt_by_every_forecaster(void **state)
{
    struct demand d;
    (void)state;

    start_at(&d, 1, 4 * 3600);

    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        assert_true(unserved(&d, j, 0.9) > 0.08);
        assert_true(unserved(&d, j, 1.1) < 0.002);
    }
}

static void
the_prior_does_not_outlive_the_first_minutes(void **state)
{
    struct demand d;
    (void)state;

    demand_init(&d, GT_CPU, 20);
    play(&d, 0.1, 600);

    assert_true(demand_mean_slow(&d) < 0.35);
    assert_true(unserved(&d, MAX_5M, 0.2) < 0.01);
}

static void
means_do_not_care_how_often_they_are_told(void **state)
{
    struct demand often;
    struct demand once;
    struct demand_sample minute = {.usage = 3, .seconds = 60};
    (void)state;

    demand_init(&often, GT_CPU, 2);
    demand_init(&once, GT_CPU, 2);
    play(&often, 3, 60);
    demand_add(&once, &minute);

    assert_true(fabs(demand_mean_slow(&often) - demand_mean_slow(&once)) <
                1e-9);
}

static void
a_window_forgets_when_its_time_is_over(void **state)
{
    struct demand d;
    (void)state;

    start_at(&d, 1, 3600);
    play(&d, 4, 15);
    play(&d, 1, 45);
    near(demand_peak(&d), 4);
    assert_true(unserved(&d, MAX_1M, 2) > 0);

    play(&d, 1, 300);
    near(demand_peak(&d), 1);
    assert_true(unserved(&d, MAX_1M, 2) < 0.5 * unserved(&d, MAX_30M, 2));
    assert_true(unserved(&d, MAX_3H, 2) > 0);
}

static void
a_peak_counts_before_its_tick_ends(void **state)
{
    struct demand d;
    struct demand_sample peak = used(8);
    (void)state;

    start_at(&d, 1, 3600);
    demand_add(&d, &peak);

    assert_true(demand_peak(&d) == 8);
    assert_true(demand_tick_max(&d) == 8);
    assert_true(unserved(&d, MAX_1M, 4) > 1);
}

static void
throttling_counts_as_more_the_longer_it_lasts(void **state)
{
    struct demand d;
    struct demand_sample solid = {
        .usage = 1, .limit = 1, .throttled_share = 1, .seconds = 1};
    (void)state;

    start_at(&d, 0.5, 60);
    demand_add(&d, &solid);
    double first = demand_tick_max(&d);
    demand_add(&d, &solid);

    assert_true(fabs(first - 1.55) < 1e-9); /* 1.1 to 2.0, one second's mean */
    assert_true(fabs(demand_tick_max(&d) - 2) < 1e-9);
}

static void
a_lone_throttled_period_adds_a_tenth_to_itself(void **state)
{
    struct demand d;
    struct demand_sample lone = {
        .usage = 0.55, .limit = 1, .throttled_share = 0.1, .seconds = 1};
    struct curve tick;
    (void)state;

    start_at(&d, 0.5, 60);
    demand_add(&d, &lone);
    demand_tick_curve(&d, &tick);

    assert_true(fabs(demand_tick_max(&d) - 0.56) < 1e-9);
    near(curve_unserved(&tick, 1.0),
         0.1 * (curve_edge(GT_CPU, 162) * exp2(0.5 / 16) - 1.0));
}

static void
throttled_periods_of_an_idle_container_are_few(void **state)
{
    struct demand d;
    /* one active period in the second, and it was throttled */
    struct demand_sample idle = {
        .usage = 0.1, .limit = 1, .throttled_share = 1, .seconds = 1};
    (void)state;

    start_at(&d, 0.1, 60);
    demand_add(&d, &idle);

    assert_true(demand_tick_max(&d) < 0.12);
}

static void
throttling_is_not_carried_over_a_calm_second(void **state)
{
    struct demand d;
    struct demand_sample solid = {
        .usage = 1, .limit = 1, .throttled_share = 1, .seconds = 1};
    struct demand_sample calm = used(0.5);
    (void)state;

    start_at(&d, 0.5, 60);
    demand_add(&d, &solid);
    demand_add(&d, &calm);
    demand_tick(&d);
    demand_add(&d, &solid);

    assert_true(fabs(demand_tick_max(&d) - 1.55) < 1e-9);
}

static void
an_oom_kill_counts_as_more_than_the_limit(void **state)
{
    struct demand d;
    struct demand_sample kill = {
        .usage = 90, .limit = 100, .seconds = 1, .oom = true};
    (void)state;

    demand_init(&d, GT_MEMORY, 100);
    demand_add(&d, &kill);

    assert_true(fabs(demand_peak(&d) - 120) < 1e-9);
}

static void
refused(const struct demand *d, struct demand_sample sample)
{
    struct demand after = *d;

    demand_add(&after, &sample);

    assert_memory_equal(&after, d, sizeof(after));
}

static void
senseless_samples_change_nothing(void **state)
{
    struct demand_sample good = used(1);
    struct demand_sample bad = good;
    struct demand d;
    (void)state;

    start_at(&d, 1, 60);

    bad.usage = NAN;
    refused(&d, bad);
    bad.usage = -1;
    refused(&d, bad);
    bad.usage = INFINITY;
    refused(&d, bad);
    bad = good;
    bad.seconds = 0;
    refused(&d, bad);
    bad.seconds = NAN;
    refused(&d, bad);
    bad = good;
    bad.limit = -1;
    refused(&d, bad);
    bad = good;
    bad.throttled_share = 1.5;
    refused(&d, bad);
    bad.throttled_share = NAN;
    refused(&d, bad);
}

static void
a_long_gap_ages_the_windows_and_breaks_nothing(void **state)
{
    struct demand d;
    struct demand_sample gap = {.usage = 0.5, .seconds = 40 * 24 * 3600.0};
    (void)state;

    start_at(&d, 4, 3600);
    demand_add(&d, &gap);
    demand_tick(&d);

    near(demand_peak(&d), 0.5);
    near(demand_mean_slow(&d), 0.5);
    assert_true(unserved(&d, MAX_3H, 1) < 0.1);
    assert_true(isfinite(unserved(&d, CONSTANT, 0.1)));
}

static void
a_long_gap_says_no_more_about_the_spread_than_a_tick(void **state)
{
    struct demand d;
    struct demand_sample gap = {.usage = 0.1, .seconds = 1800};
    (void)state;

    start_at(&d, 1, 1800);
    demand_add(&d, &gap);
    demand_tick(&d);

    assert_true(unserved(&d, CONSTANT, 0.9) > 0.08);
}

static void
what_was_learnt_is_forgotten_by_half_in_six_hours(void **state)
{
    struct demand d;
    (void)state;

    start_at(&d, 4, 3600);
    play(&d, 1, 24 * 3600);

    /* a 25th of the time, but a 120th of the weight */
    assert_true(unserved(&d, CONSTANT, 2) > 0.01);
    assert_true(unserved(&d, CONSTANT, 2) < 0.03);
}

static void
a_tick_without_samples_is_empty(void **state)
{
    struct demand d;
    struct curve tick;
    (void)state;

    start_at(&d, 1, 60);
    demand_tick_curve(&d, &tick);
    assert_true(tick.mass[0] > 0);
    demand_tick(&d);

    demand_tick_curve(&d, &tick);
    assert_true(tick.mass[0] == 0);
    near(demand_peak(&d), 1);
}

static void
yesterdays_hour_is_expected_again(void **state)
{
    struct demand d;
    (void)state;

    /* each day an hour of 4 cores in one of 1 */
    demand_init(&d, GT_CPU, 2);
    for (int day = 0; day < 2; day++) {
        play(&d, 1, 12 * 3600);
        play(&d, 4, 3600);
        play(&d, 1, 11 * 3600);
    }
    play(&d, 1, 12 * 3600 - 5 * 60);
    double before_the_hour = unserved(&d, SEASON, 2);
    double reactive = unserved(&d, MAX_5M, 2);

    assert_true(before_the_hour > 1);
    assert_true(reactive < 0.1);
}

static void
a_mixture_is_the_mean_of_its_curves(void **state)
{
    struct gt_rng rng = {.state = 9};
    struct demand d;
    double weights[DEMAND_FORECASTERS] = {0.5, 0.25, 0, 0.125, 0, 0, 0.125, 0};
    struct curve mixture;
    (void)state;

    demand_init(&d, GT_CPU, 1);
    for (int i = 0; i < 600; i++) {
        play(&d, 2 * gt_rng_unit(&rng), 15);
    }
    demand_curve(&d, weights, &mixture);

    for (int i = 0; i < 100; i++) {
        double x = 4 * gt_rng_unit(&rng);
        double mean = 0;
        for (int j = 0; j < DEMAND_FORECASTERS; j++) {
            mean += weights[j] * unserved(&d, j, x);
        }
        assert_true(fabs(curve_unserved(&mixture, x) - mean) < 1e-9);
    }
}

static void
every_forecaster_has_a_name_of_its_own(void **state)
{
    (void)state;

    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        for (int k = 0; k < j; k++) {
            assert_string_not_equal(demand_forecaster_name(GT_CPU, j),
                                    demand_forecaster_name(GT_CPU, k));
            assert_string_not_equal(demand_forecaster_name(GT_MEMORY, j),
                                    demand_forecaster_name(GT_MEMORY, k));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_the_first_guess),
        cmocka_unit_test(steady_demand_is_learnt_by_every_forecaster),
        cmocka_unit_test(the_prior_does_not_outlive_the_first_minutes),
        cmocka_unit_test(means_do_not_care_how_often_they_are_told),
        cmocka_unit_test(a_window_forgets_when_its_time_is_over),
        cmocka_unit_test(a_peak_counts_before_its_tick_ends),
        cmocka_unit_test(throttling_counts_as_more_the_longer_it_lasts),
        cmocka_unit_test(a_lone_throttled_period_adds_a_tenth_to_itself),
        cmocka_unit_test(throttled_periods_of_an_idle_container_are_few),
        cmocka_unit_test(throttling_is_not_carried_over_a_calm_second),
        cmocka_unit_test(an_oom_kill_counts_as_more_than_the_limit),
        cmocka_unit_test(senseless_samples_change_nothing),
        cmocka_unit_test(a_long_gap_ages_the_windows_and_breaks_nothing),
        cmocka_unit_test(what_was_learnt_is_forgotten_by_half_in_six_hours),
        cmocka_unit_test(a_tick_without_samples_is_empty),
        cmocka_unit_test(yesterdays_hour_is_expected_again),
        cmocka_unit_test(a_mixture_is_the_mean_of_its_curves),
        cmocka_unit_test(every_forecaster_has_a_name_of_its_own),
        cmocka_unit_test(a_long_gap_says_no_more_about_the_spread_than_a_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
