/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/metrics.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct metrics_family gauge = {"gtcas_load", METRICS_GAUGE, "",
                                            "Load."};

static void
each_type_has_its_suffix(void **state)
{
    const struct metrics_label pod[] = {
        {"pod",      "web-0"},
        {"resource", "cpu"  }
    };
    const struct metrics_label version[] = {
        {"version", "0.1.0"}
    };
    char memory[1024];
    struct gt_buf out;
    struct metrics m;
    (void)state;

    gt_buf_init(&out, memory, sizeof(memory));
    metrics_begin(&m, &out);
    metrics_family(&m, &(struct metrics_family){"gtcas_build", METRICS_INFO, "",
                                                "What runs."});
    metrics_sample(&m, version, 1, 1);
    metrics_family(&m, &(struct metrics_family){"gtcas_busy_seconds",
                                                METRICS_COUNTER, "seconds",
                                                "Time spent."});
    metrics_sample(&m, NULL, 0, 1.5);
    metrics_family(&m, &gauge);
    metrics_sample(&m, pod, 2, 12);
    metrics_sample(&m, pod, 1, -1);
    metrics_end(&m);

    assert_string_equal(out.data, "# TYPE gtcas_build info\n"
                                  "# HELP gtcas_build What runs.\n"
                                  "gtcas_build_info{version=\"0.1.0\"} 1\n"
                                  "# TYPE gtcas_busy_seconds counter\n"
                                  "# UNIT gtcas_busy_seconds seconds\n"
                                  "# HELP gtcas_busy_seconds Time spent.\n"
                                  "gtcas_busy_seconds_total 1.5\n"
                                  "# TYPE gtcas_load gauge\n"
                                  "# HELP gtcas_load Load.\n"
                                  "gtcas_load{pod=\"web-0\",resource=\"cpu\"} "
                                  "12\n"
                                  "gtcas_load{pod=\"web-0\"} -1\n"
                                  "# EOF\n");
    assert_false(out.overflow);
}

static void
a_histogram_sums_up_its_buckets(void **state)
{
    static const double bounds[] = {0.25, 1, 4};
    static const double values[] = {0.25, 0.5, 1, 2, 100};
    const struct metrics_label path[] = {
        {"path", "/"}
    };
    struct metrics_histogram histogram;
    char memory[512];
    struct gt_buf out;
    struct metrics m;
    (void)state;

    metrics_histogram_init(&histogram, bounds, GT_ARRAY_LEN(bounds));
    for (size_t i = 0; i < GT_ARRAY_LEN(values); i++) {
        metrics_observe(&histogram, values[i]);
    }
    metrics_observe(&histogram, NAN);
    metrics_observe(&histogram, INFINITY);

    gt_buf_init(&out, memory, sizeof(memory));
    metrics_begin(&m, &out);
    metrics_family(&m, &(struct metrics_family){"gtcas_wait", METRICS_HISTOGRAM,
                                                "", "Waits."});
    metrics_buckets(&m, path, 1, &histogram);
    metrics_buckets(&m, NULL, 0, &histogram);
    metrics_end(&m);

    assert_string_equal(out.data,
                        "# TYPE gtcas_wait histogram\n"
                        "# HELP gtcas_wait Waits.\n"
                        "gtcas_wait_bucket{path=\"/\",le=\"0.25\"} 1\n"
                        "gtcas_wait_bucket{path=\"/\",le=\"1.0\"} 3\n"
                        "gtcas_wait_bucket{path=\"/\",le=\"4.0\"} 4\n"
                        "gtcas_wait_bucket{path=\"/\",le=\"+Inf\"} 5\n"
                        "gtcas_wait_count{path=\"/\"} 5\n"
                        "gtcas_wait_sum{path=\"/\"} 103.75\n"
                        "gtcas_wait_bucket{le=\"0.25\"} 1\n"
                        "gtcas_wait_bucket{le=\"1.0\"} 3\n"
                        "gtcas_wait_bucket{le=\"4.0\"} 4\n"
                        "gtcas_wait_bucket{le=\"+Inf\"} 5\n"
                        "gtcas_wait_count 5\n"
                        "gtcas_wait_sum 103.75\n"
                        "# EOF\n");
}

/* The text of the one sample with @label and @value. */
static const char *
sample_line(const char *label, double value, char memory[256])
{
    const struct metrics_label labels[] = {
        {"l", label}
    };
    struct gt_buf out;
    struct metrics m;

    gt_buf_init(&out, memory, 256);
    metrics_begin(&m, &out);
    metrics_family(&m, &gauge);
    metrics_sample(&m, labels, 1, value);
    metrics_end(&m);
    return strstr(memory, "Load.\n") + strlen("Load.\n");
}

static void
values_are_written_as_the_format_spells_them(void **state)
{
    char memory[256];
    (void)state;

#define LINE(text) "gtcas_load{l=\"\"} " text "\n# EOF\n"
    assert_string_equal(sample_line("", NAN, memory), LINE("NaN"));
    assert_string_equal(sample_line("", -NAN, memory), LINE("NaN"));
    assert_string_equal(sample_line("", INFINITY, memory), LINE("+Inf"));
    assert_string_equal(sample_line("", -INFINITY, memory), LINE("-Inf"));
    assert_string_equal(sample_line("", -0.0, memory), LINE("0"));
    assert_string_equal(sample_line("", 0.1, memory), LINE("0.1"));
    assert_string_equal(sample_line("", 4398046511104.0, memory),
                        LINE("4398046511104"));
    assert_string_equal(sample_line("", 1e300, memory), LINE("1e+300"));
#undef LINE
}

static void
label_values_are_escaped(void **state)
{
    char memory[256];
    (void)state;

    assert_string_equal(sample_line("a\"b\\c\nd\xc3\xa9", 1, memory),
                        "gtcas_load{l=\"a\\\"b\\\\c\\nd??\"} 1\n# EOF\n");
}

static void
a_family_that_does_not_fit_is_dropped_whole(void **state)
{
    static const char small[] = "# TYPE a gauge\n# HELP a A.\na 1\n";
    const struct metrics_family a = {"a", METRICS_GAUGE, "", "A."};
    char memory[2 * sizeof(small)];
    struct gt_buf out;
    struct metrics m;
    (void)state;

    gt_buf_init(&out, memory, sizeof(small) + strlen("# EOF\n"));
    metrics_begin(&m, &out);
    metrics_family(&m, &gauge);
    metrics_sample(&m, NULL, 0, 1);
    metrics_family(&m, &a);
    metrics_sample(&m, NULL, 0, 1);
    metrics_family(&m, &a);
    metrics_end(&m);

    assert_true(out.overflow);
    assert_memory_equal(out.data, small, strlen(small));
    assert_string_equal(out.data + strlen(small), "# EOF\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_suffix),
        cmocka_unit_test(a_histogram_sums_up_its_buckets),
        cmocka_unit_test(values_are_written_as_the_format_spells_them),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(a_family_that_does_not_fit_is_dropped_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
