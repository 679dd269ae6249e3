/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/cgroupfs.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct node_cgroup some = {
    .sample =
        {
                 .usage_us = 123456,
                 .periods = 100,
                 .throttled_periods = 7,
                 .throttled_us = 89,
                 .has_periods = true,
                 .pressure_us = 4242,
                 .has_pressure = true,
                 .memory_bytes = 1111,
                 .active_file_bytes = 10,
                 .inactive_file_bytes = 90,
                 .slab_reclaimable_bytes = 11,
                 .oom_kills = 2,
                 },
    .quota_us = 50000,
    .memory_limit = 134217728,
    .anon_bytes = 1000,
    .file_bytes = 100,
    .peak_bytes = 2222,
};

/* A file's text, in @memory. */
static const char *
text(enum cgroupfs_file file, const struct node_cgroup *cgroup,
     char memory[CGROUPFS_TEXT_MAX])
{
    struct gt_buf out;

    gt_buf_init(&out, memory, CGROUPFS_TEXT_MAX);
    cgroupfs_text(file, cgroup, &out);
    assert_false(out.overflow);
    return memory;
}

static void
the_agent_reads_what_was_written(void **state)
{
    char memory[CGROUPFS_FILES][CGROUPFS_TEXT_MAX];
    struct cgroup_sample sample;

    (void)state;
    const struct cgroup_texts texts = {
        .version = CGROUP_V2,
        .cpu_stat = text(CGROUPFS_CPU_STAT, &some, memory[0]),
        .cpu_pressure = text(CGROUPFS_CPU_PRESSURE, &some, memory[1]),
        .memory_current = text(CGROUPFS_MEMORY_CURRENT, &some, memory[2]),
        .memory_stat = text(CGROUPFS_MEMORY_STAT, &some, memory[3]),
        .memory_events = text(CGROUPFS_MEMORY_EVENTS, &some, memory[4]),
    };

    assert_int_equal(cgroup_parse(&sample, &texts), CGROUP_OK);
    assert_int_equal(sample.usage_us, 123456);
    assert_int_equal(sample.periods, 100);
    assert_int_equal(sample.throttled_periods, 7);
    assert_int_equal(sample.throttled_us, 89);
    assert_int_equal(sample.pressure_us, 4242);
    assert_int_equal(sample.memory_bytes, 1111);
    assert_int_equal(sample.oom_kills, 2);
    assert_int_equal(cgroup_floor_bytes(&sample), 1000);
    assert_int_equal(cgroup_working_set_bytes(&sample), 1021);
}

static void
limits_are_printed_as_the_kernel_does(void **state)
{
    struct node_cgroup none = some;
    char memory[CGROUPFS_TEXT_MAX];

    (void)state;
    assert_string_equal(text(CGROUPFS_CPU_MAX, &some, memory),
                        "50000 100000\n");
    assert_string_equal(text(CGROUPFS_MEMORY_MAX, &some, memory),
                        "134217728\n");
    assert_string_equal(text(CGROUPFS_MEMORY_PEAK, &some, memory), "2222\n");

    none.quota_us = KUBE_ABSENT;
    none.memory_limit = KUBE_ABSENT;
    assert_string_equal(text(CGROUPFS_CPU_MAX, &none, memory), "max 100000\n");
    assert_string_equal(text(CGROUPFS_MEMORY_MAX, &none, memory), "max\n");
}

static void
the_largest_figures_fit(void **state)
{
    struct node_cgroup huge;
    char memory[CGROUPFS_TEXT_MAX];

    (void)state;
    memset(&huge, 0x7f, sizeof(huge));
    huge.pressure_avg10 = 100;
    for (int file = 0; file < CGROUPFS_FILES; file++) {
        assert_int_not_equal(
            strlen(text((enum cgroupfs_file)file, &huge, memory)), 0);
        assert_int_not_equal(strlen(cgroupfs_name((enum cgroupfs_file)file)),
                             0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_agent_reads_what_was_written),
        cmocka_unit_test(limits_are_printed_as_the_kernel_does),
        cmocka_unit_test(the_largest_figures_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
