/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cgroup.h"

#define CPU_STAT                                                               \
    "usage_usec 2508713\nuser_usec 1902100\nsystem_usec 606613\n"              \
    "core_sched.force_idle_usec 0\nnr_periods 1180\nnr_throttled 53\n"         \
    "throttled_usec 2608391\nnr_bursts 0\nburst_usec 0\n"
#define CPU_PRESSURE                                                           \
    "some avg10=16.66 avg60=3.02 avg300=0.64 total=2604132\n"                  \
    "full avg10=16.66 avg60=3.02 avg300=0.64 total=2604001\n"
#define MEMORY_STAT                                                            \
    "anon 105906176\nfile 106954752\nkernel 1572864\nkernel_stack 32768\n"     \
    "pagetables 339968\nsock 0\nshmem 0\ninactive_anon 105902080\n"            \
    "active_anon 4096\ninactive_file 2097152\nactive_file 104857600\n"         \
    "unevictable 0\nslab_reclaimable 524288\nslab_unreclaimable 217088\n"      \
    "slab 741376\nworkingset_refault_file 0\n"
#define MEMORY_EVENTS "low 0\nhigh 0\nmax 3677\noom 2\noom_kill 1\n"

static const struct cgroup_texts v2_texts = {
    .version = CGROUP_V2,
    .cpu_stat = CPU_STAT,
    .cpu_pressure = CPU_PRESSURE,
    .memory_current = "214433792\n",
    .memory_stat = MEMORY_STAT,
    .memory_events = MEMORY_EVENTS,
};

static const struct cgroup_texts v1_texts = {
    .version = CGROUP_V1,
    .cpu_stat = "nr_periods 40\nnr_throttled 7\nthrottled_time 1234567890\n"
                "nr_bursts 0\nburst_time 0\n",
    .cpu_usage = "50237644958\n",
    .memory_current = "300000000\n",
    .memory_stat = "cache 9412608\nrss 11345920\ninactive_file 1\n"
                   "active_file 2\nhierarchical_memory_limit "
                   "9223372036854771712\ntotal_cache 267386880\n"
                   "total_inactive_file 102236160\n"
                   "total_active_file 156065792\n",
    .memory_events = "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
};

static enum cgroup_outcome
parse(const struct cgroup_texts *texts)
{
    struct cgroup_sample sample;

    return cgroup_parse(&sample, texts);
}

static void
every_figure_of_a_v2_container_is_read(void **state)
{
    struct cgroup_sample sample;

    (void)state;
    assert_int_equal(cgroup_parse(&sample, &v2_texts), CGROUP_OK);

    assert_int_equal(sample.usage_us, 2508713);
    assert_true(sample.has_periods);
    assert_int_equal(sample.periods, 1180);
    assert_int_equal(sample.throttled_periods, 53);
    assert_int_equal(sample.throttled_us, 2608391);
    assert_true(sample.has_pressure);
    assert_int_equal(sample.pressure_us, 2604132);
    assert_int_equal(sample.memory_bytes, 214433792);
    assert_int_equal(sample.active_file_bytes, 104857600);
    assert_int_equal(sample.inactive_file_bytes, 2097152);
    assert_int_equal(sample.slab_reclaimable_bytes, 524288);
    assert_int_equal(sample.oom_kills, 1);
}

static void
v1_counts_the_hierarchy_and_turns_nanoseconds_into_microseconds(void **state)
{
    struct cgroup_sample sample;

    (void)state;
    assert_int_equal(cgroup_parse(&sample, &v1_texts), CGROUP_OK);

    assert_int_equal(sample.usage_us, 50237644);
    assert_int_equal(sample.periods, 40);
    assert_int_equal(sample.throttled_periods, 7);
    assert_int_equal(sample.throttled_us, 1234567);
    assert_false(sample.has_pressure);
    assert_int_equal(sample.memory_bytes, 300000000);
    assert_int_equal(sample.active_file_bytes, 156065792);
    assert_int_equal(sample.inactive_file_bytes, 102236160);
    assert_int_equal(sample.slab_reclaimable_bytes, 0);
    assert_int_equal(sample.oom_kills, 4);
}

static void
page_cache_and_reclaimable_slab_do_not_count_towards_the_floor(void **state)
{
    struct cgroup_sample sample;

    (void)state;
    assert_int_equal(cgroup_parse(&sample, &v2_texts), CGROUP_OK);

    assert_int_equal(cgroup_floor_bytes(&sample),
                     214433792 - 104857600 - 2097152 - 524288);
    assert_int_equal(cgroup_working_set_bytes(&sample), 214433792 - 2097152);
}

static void
figures_read_at_different_moments_never_make_a_negative_amount(void **state)
{
    struct cgroup_sample sample = {
        .memory_bytes = 100,
        .active_file_bytes = INT64_MAX,
        .inactive_file_bytes = INT64_MAX,
        .slab_reclaimable_bytes = INT64_MAX,
    };

    (void)state;
    assert_int_equal(cgroup_floor_bytes(&sample), 0);
    assert_int_equal(cgroup_working_set_bytes(&sample), 0);
}

static void
without_a_cpu_controller_there_are_no_periods(void **state)
{
    struct cgroup_texts texts = v2_texts;
    struct cgroup_sample sample;

    (void)state;
    texts.cpu_stat = "usage_usec 1\nuser_usec 1\nsystem_usec 0\n";
    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_OK);
    assert_false(sample.has_periods);

    texts = v1_texts;
    texts.cpu_stat = NULL;
    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_OK);
    assert_false(sample.has_periods);
}

static void
pressure_and_events_may_be_absent(void **state)
{
    struct cgroup_texts texts = v2_texts;
    struct cgroup_sample sample;

    (void)state;
    texts.cpu_pressure = NULL;
    texts.memory_events = NULL;
    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_OK);
    assert_false(sample.has_pressure);
    assert_int_equal(sample.oom_kills, 0);
}

static void
an_absent_file_or_figure_is_missing(void **state)
{
    struct cgroup_texts texts = v2_texts;

    (void)state;
    texts.cpu_stat = NULL;
    assert_int_equal(parse(&texts), CGROUP_E_MISSING);
    texts = v2_texts;
    texts.cpu_stat = "user_usec 1\n";
    assert_int_equal(parse(&texts), CGROUP_E_MISSING);
    texts = v2_texts;
    texts.memory_current = NULL;
    assert_int_equal(parse(&texts), CGROUP_E_MISSING);
    texts = v2_texts;
    texts.memory_stat = NULL;
    assert_int_equal(parse(&texts), CGROUP_E_MISSING);
    texts = v2_texts;
    texts.memory_stat = "active_file 1\nslab_reclaimable 1\n";
    assert_int_equal(parse(&texts), CGROUP_E_MISSING);
    texts = v1_texts;
    texts.cpu_usage = NULL;
    assert_int_equal(parse(&texts), CGROUP_E_MISSING);
}

static void
a_known_line_without_a_plain_number_is_a_syntax_error(void **state)
{
    static const char *const bad[] = {
        "usage_usec max\n",
        "usage_usec -1\n",
        "usage_usec 1x\n",
        "usage_usec \n",
        "usage_usec 0x10\n",
        "usage_usec +5\n",
        "usage_usec  5\n",
        "usage_usec 1 2\n",
        "usage_usec 1\r\n",
        "usage_usec 1.5\n",
        "usage_usec 25087",
        "usage_usec 18446744073709551616\n",
        "usage_usec 99999999999999999999999999\n",
    };
    struct cgroup_texts texts = v2_texts;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        texts.cpu_stat = bad[i];
        assert_int_equal(parse(&texts), CGROUP_E_SYNTAX);
    }
}

static void
the_largest_figures_are_read_and_larger_ones_are_refused(void **state)
{
    struct cgroup_texts texts = v2_texts;
    struct cgroup_sample sample;

    (void)state;
    texts.cpu_stat = "usage_usec 18446744073709551615\n";
    texts.memory_current = "9223372036854775807\n";
    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_OK);
    assert_true(sample.usage_us == UINT64_MAX);
    assert_true(sample.memory_bytes == INT64_MAX);

    texts.memory_current = "9223372036854775808\n";
    assert_int_equal(parse(&texts), CGROUP_E_SYNTAX);
}

static void
a_single_number_file_holds_nothing_else(void **state)
{
    static const char *const bad[] = {"",         "\n",    "max\n", "12",
                                      "12\n13\n", " 12\n", "-12\n"};
    struct cgroup_texts texts = v2_texts;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        texts.memory_current = bad[i];
        assert_int_equal(parse(&texts), CGROUP_E_SYNTAX);
    }
}

static void
a_key_that_only_begins_alike_is_another_key(void **state)
{
    struct cgroup_texts texts = v2_texts;
    struct cgroup_sample sample;

    (void)state;
    texts.memory_events = "oom_kill_total 9\noom_killer max\nxoom_kill 8\n"
                          "oom_kill 2\n";
    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_OK);
    assert_int_equal(sample.oom_kills, 2);
}

static void
malformed_pressure_is_a_syntax_error(void **state)
{
    static const char *const bad[] = {
        "",
        "some\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00\n",
        "some avg10=0.00\nfull avg10=0.00 total=5\n",
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=5",
    };
    struct cgroup_texts texts = v2_texts;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        texts.cpu_pressure = bad[i];
        assert_int_equal(parse(&texts), CGROUP_E_SYNTAX);
    }
}

static void
a_failure_leaves_the_sample_alone(void **state)
{
    struct cgroup_texts texts = v2_texts;
    struct cgroup_sample sample;
    struct cgroup_sample before;

    (void)state;
    memset(&sample, 0x5a, sizeof(sample));
    before = sample;
    texts.memory_events = "oom_kill many\n";

    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_E_SYNTAX);

    assert_memory_equal(&sample, &before, sizeof(sample));
}

/* A short read must never pass for a smaller figure. */
static void
a_text_cut_anywhere_gives_the_same_figures_or_none(void **state)
{
    struct cgroup_sample whole;
    char cut[sizeof(MEMORY_STAT)];

    (void)state;
    assert_int_equal(cgroup_parse(&whole, &v2_texts), CGROUP_OK);
    for (size_t len = 0; len < sizeof(cut); len++) {
        struct cgroup_texts texts = v2_texts;
        struct cgroup_sample sample;

        memcpy(cut, MEMORY_STAT, len);
        cut[len] = '\0';
        texts.memory_stat = cut;
        if (cgroup_parse(&sample, &texts) != CGROUP_OK) {
            continue;
        }
        assert_int_equal(sample.active_file_bytes, whole.active_file_bytes);
        assert_int_equal(sample.inactive_file_bytes, whole.inactive_file_bytes);
        /* Unknown, it counts as not reclaimable: the safe side. */
        assert_true(sample.slab_reclaimable_bytes == 0 ||
                    sample.slab_reclaimable_bytes ==
                        whole.slab_reclaimable_bytes);
    }
}

static void
garbage_is_never_a_crash(void **state)
{
    char garbage[256];

    (void)state;
    for (unsigned seed = 1; seed < 2000; seed++) {
        unsigned x = seed;
        struct cgroup_texts texts;

        for (size_t i = 0; i + 1 < sizeof(garbage); i++) {
            x = x * 1664525u + 1013904223u;
            garbage[i] = (char)(x >> 24);
        }
        garbage[sizeof(garbage) - 1] = '\0';
        texts = (struct cgroup_texts){
            .version = seed % 2 ? CGROUP_V2 : CGROUP_V1,
            .cpu_stat = garbage,
            .cpu_usage = garbage,
            .cpu_pressure = garbage,
            .memory_current = garbage,
            .memory_stat = garbage,
            .memory_events = garbage,
        };
        assert_int_not_equal(parse(&texts), CGROUP_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_of_a_v2_container_is_read),
        cmocka_unit_test(
            v1_counts_the_hierarchy_and_turns_nanoseconds_into_microseconds),
        cmocka_unit_test(
            page_cache_and_reclaimable_slab_do_not_count_towards_the_floor),
        cmocka_unit_test(
            figures_read_at_different_moments_never_make_a_negative_amount),
        cmocka_unit_test(without_a_cpu_controller_there_are_no_periods),
        cmocka_unit_test(pressure_and_events_may_be_absent),
        cmocka_unit_test(an_absent_file_or_figure_is_missing),
        cmocka_unit_test(a_known_line_without_a_plain_number_is_a_syntax_error),
        cmocka_unit_test(
            the_largest_figures_are_read_and_larger_ones_are_refused),
        cmocka_unit_test(a_single_number_file_holds_nothing_else),
        cmocka_unit_test(a_key_that_only_begins_alike_is_another_key),
        cmocka_unit_test(malformed_pressure_is_a_syntax_error),
        cmocka_unit_test(a_failure_leaves_the_sample_alone),
        cmocka_unit_test(a_text_cut_anywhere_gives_the_same_figures_or_none),
        cmocka_unit_test(garbage_is_never_a_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
