/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sensor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((int64_t)1 << 20)

static struct gt_time
at(uint64_t ms)
{
    struct gt_time now = {.mono_ms = ms};

    return now;
}

static struct cgroup_sample
a_sample(void)
{
    struct cgroup_sample s = {
        .usage_us = 5000000,
        .periods = 100,
        .throttled_periods = 40,
        .throttled_us = 900000,
        .has_periods = true,
        .pressure_us = 70000,
        .has_pressure = true,
        .memory_bytes = 200 * MIB,
        .inactive_file_bytes = 20 * MIB,
        .active_file_bytes = 10 * MIB,
        .slab_reclaimable_bytes = 2 * MIB,
        .oom_kills = 1,
    };

    return s;
}

/* A sensor that has read a_sample() at 10 s. */
static struct sensor
a_sensor(void)
{
    struct sensor sensor;
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();

    sensor_init(&sensor);
    sensor_read(&sensor, &s, at(10000), &rates);
    return sensor;
}

static void
near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-9);
}

static void
the_first_sample_tells_nothing(void **state)
{
    struct sensor sensor;
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    (void)state;

    sensor_init(&sensor);

    assert_false(sensor_figures(&sensor, 0).seen);
    assert_int_equal(sensor_read(&sensor, &s, at(1), &rates), SENSOR_FIRST);
    assert_true(sensor_figures(&sensor, 0).seen);
}

static void
two_samples_give_rates(void **state)
{
    struct sensor sensor = a_sensor();
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    (void)state;

    s.usage_us += 3000000;
    s.periods += 20;
    s.throttled_periods += 5;
    s.throttled_us += 250000;
    s.pressure_us += 500000;
    s.oom_kills += 2;
    s.memory_bytes += 8 * MIB;

    assert_int_equal(sensor_read(&sensor, &s, at(12000), &rates), SENSOR_OK);
    near(rates.seconds, 2.0);
    near(rates.cpu_cores, 1.5);
    near(rates.throttled_share, 0.25);
    near(rates.throttled_s, 0.25);
    near(rates.pressure_share, 0.25);
    assert_int_equal(rates.working_set_bytes, 188 * MIB);
    assert_int_equal(rates.oom_kills, 2);
}

static void
without_a_cpu_limit_nothing_is_throttled(void **state)
{
    struct sensor sensor = a_sensor();
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    (void)state;

    s.has_periods = false;
    s.has_pressure = false;
    s.periods += 10;
    s.throttled_periods += 10;
    s.pressure_us += 10;

    assert_int_equal(sensor_read(&sensor, &s, at(11000), &rates), SENSOR_OK);
    near(rates.throttled_share, 0.0);
    near(rates.throttled_s, 0.0);
    near(rates.pressure_share, 0.0);
}

static void
no_period_passed_is_no_throttling(void **state)
{
    struct sensor sensor = a_sensor();
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    (void)state;

    assert_int_equal(sensor_read(&sensor, &s, at(11000), &rates), SENSOR_OK);
    near(rates.throttled_share, 0.0);
}

static void
samples_of_one_millisecond_have_finite_rates(void **state)
{
    struct sensor sensor = a_sensor();
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    (void)state;

    s.usage_us += 100;
    assert_int_equal(sensor_read(&sensor, &s, at(10000), &rates), SENSOR_OK);
    near(rates.cpu_cores, 0.1);
    near(rates.seconds, 0.001);
}

static void
a_restarted_container_is_told_and_starts_afresh(void **state)
{
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    struct cgroup_sample less[4] = {s, s, s, s};
    (void)state;

    less[0].usage_us--;
    less[1].periods--;
    less[2].throttled_periods--;
    less[3].oom_kills--;

    for (int i = 0; i < 4; i++) {
        struct sensor sensor = a_sensor();

        assert_int_equal(sensor_read(&sensor, &less[i], at(11000), &rates),
                         SENSOR_E_RESTARTED);
        less[i].usage_us += 1000000;
        assert_int_equal(sensor_read(&sensor, &less[i], at(12000), &rates),
                         SENSOR_OK);
        near(rates.cpu_cores, 1.0);
    }
}

static void
after_a_blind_spell_the_first_pair_does_not_count(void **state)
{
    struct sensor sensor = a_sensor();
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();
    (void)state;

    sensor_lost(&sensor);
    assert_false(sensor_figures(&sensor, 0).seen);
    s.usage_us += 3600 * (uint64_t)1000000;

    assert_int_equal(sensor_read(&sensor, &s, at(20000), &rates), SENSOR_FIRST);
}

static void
the_handshake_sees_floor_gate_and_peak(void **state)
{
    struct sensor sensor = a_sensor();
    struct handshake_figures figures = sensor_figures(&sensor, 190 * MIB);
    (void)state;

    assert_true(figures.seen);
    assert_int_equal(figures.floor_bytes, 168 * MIB);
    assert_int_equal(figures.gate_bytes, 200 * MIB);
    assert_int_equal(figures.peak_bytes, 190 * MIB);
    assert_int_equal(figures.growth_bytes_s, 0);
}

/* Reads a_sample() with the floor at @floor. */
static int64_t
growth_at(struct sensor *sensor, int64_t extra_bytes, uint64_t ms)
{
    struct sensor_rates rates;
    struct cgroup_sample s = a_sample();

    s.memory_bytes += extra_bytes;
    sensor_read(sensor, &s, at(ms), &rates);
    return sensor_figures(sensor, 0).growth_bytes_s;
}

static void
the_largest_growth_is_remembered_for_at_least_half_a_minute(void **state)
{
    struct sensor sensor = a_sensor();
    (void)state;

    assert_int_equal(growth_at(&sensor, 5 * MIB, 11000), 5 * MIB);
    assert_int_equal(growth_at(&sensor, 6 * MIB, 12000), 5 * MIB);
    for (uint64_t ms = 13000; ms <= 41000; ms += 1000) {
        assert_int_equal(growth_at(&sensor, 6 * MIB, ms), 5 * MIB);
    }
    for (uint64_t ms = 42000; ms <= 72000; ms += 1000) {
        growth_at(&sensor, 6 * MIB, ms);
    }
    assert_int_equal(growth_at(&sensor, 6 * MIB, 73000), 0);
}

static void
shrinking_is_no_growth(void **state)
{
    struct sensor sensor = a_sensor();
    (void)state;

    assert_int_equal(growth_at(&sensor, -50 * MIB, 11000), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_sample_tells_nothing),
        cmocka_unit_test(two_samples_give_rates),
        cmocka_unit_test(without_a_cpu_limit_nothing_is_throttled),
        cmocka_unit_test(no_period_passed_is_no_throttling),
        cmocka_unit_test(samples_of_one_millisecond_have_finite_rates),
        cmocka_unit_test(a_restarted_container_is_told_and_starts_afresh),
        cmocka_unit_test(after_a_blind_spell_the_first_pair_does_not_count),
        cmocka_unit_test(the_handshake_sees_floor_gate_and_peak),
        cmocka_unit_test(
            the_largest_growth_is_remembered_for_at_least_half_a_minute),
        cmocka_unit_test(shrinking_is_no_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
