/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/trace.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEADER "second,pod,cpu_cores,mem_bytes\n"

struct fixture {
    struct trace trace;
    struct trace_series series[8];
    struct trace_point points[16];
};

static enum trace_outcome
parse(struct fixture *f, const char *csv)
{
    f->trace = (struct trace){
        .series = f->series,
        .series_max = 8,
        .points = f->points,
        .points_max = 16,
    };
    return trace_parse(&f->trace, csv, strlen(csv));
}

static void
rows_of_mixed_pods_become_one_series_each(void **state)
{
    struct fixture f;

    (void)state;
    enum trace_outcome outcome = parse(&f, HEADER "0,a,0.5,100\n"
                                                  "0,b,1.5,\n"
                                                  "5,a,0.25,200\n"
                                                  "5,b,2,\n");

    assert_int_equal(outcome, TRACE_OK);
    assert_int_equal(f.trace.series_len, 2);
    assert_string_equal(f.series[0].pod, "a");
    assert_int_equal(f.series[0].len, 2);
    assert_int_equal(f.series[0].points[1].second, 5);
    assert_float_equal(f.series[0].points[1].amount[GT_CPU], 0.25, 0);
    assert_float_equal(f.series[0].points[1].amount[GT_MEMORY], 200, 0);
    assert_string_equal(f.series[1].pod, "b");
    assert_float_equal(f.series[1].points[1].amount[GT_CPU], 2, 0);
    assert_float_equal(f.series[1].points[1].amount[GT_MEMORY], 0, 0);
}

static void
the_bad_row_is_named(void **state)
{
    static const char *const rows[] = {
        "5,a,0.5\n",       "5,a,,1\n",    "5,,1,1\n",   "x,a,1,1\n",
        "5,a,-1,1\n",      "5,a,nan,1\n", "5,a,1,1x\n", ",a,1,1\n",
        "5,a,1e999,1\n",   "5,a,1,1",     "\n",         "0,a,1,1\n",
        "5,a,1,1,extra\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char csv[128];
        struct fixture f;
        (void)snprintf(csv, sizeof(csv), HEADER "0,a,1,1\n%s", rows[i]);

        assert_int_equal(parse(&f, csv), TRACE_E_SYNTAX);
        if (rows[i][strlen(rows[i]) - 1] == '\n') {
            assert_int_equal(f.trace.line, 3);
        }
    }
}

static void
what_does_not_fit_is_refused(void **state)
{
    struct fixture f;
    static const char csv[] = HEADER "0,a,1,1\n0,b,1,1\n0,c,1,1\n0,d,1,1\n"
                                     "0,e,1,1\n0,f,1,1\n0,g,1,1\n0,h,1,1\n"
                                     "0,i,1,1\n";

    (void)state;
    assert_int_equal(parse(&f, csv), TRACE_E_FULL);

    f.trace.series_max = 9;
    f.trace.points_max = 8;
    struct trace_series series[9];
    f.trace.series = series;
    assert_int_equal(trace_parse(&f.trace, csv, strlen(csv)), TRACE_E_FULL);
}

static void
the_number_of_lines_is_room_enough(void **state)
{
    (void)state;
    assert_int_equal(trace_count(HEADER "0,a,1,1\n", strlen(HEADER) + 8), 3);
}

static void
demand_between_points_lies_on_a_line_or_a_step(void **state)
{
    struct fixture f;

    (void)state;
    assert_int_equal(parse(&f, HEADER "10,a,1,10\n20,a,3,30\n30,a,0,30\n"),
                     TRACE_OK);
    const struct trace_series *s = &f.series[0];

    assert_float_equal(trace_at(s, GT_CPU, TRACE_LINEAR, 15), 2, 1e-12);
    assert_float_equal(trace_at(s, GT_MEMORY, TRACE_LINEAR, 12.5), 15, 1e-12);
    assert_float_equal(trace_at(s, GT_CPU, TRACE_LINEAR, 20), 3, 1e-12);
    assert_float_equal(trace_at(s, GT_CPU, TRACE_STEP, 19.9), 1, 0);
    assert_float_equal(trace_at(s, GT_CPU, TRACE_STEP, 20), 3, 0);
    assert_float_equal(trace_at(s, GT_CPU, TRACE_LINEAR, 0), 1, 0);
    assert_float_equal(trace_at(s, GT_CPU, TRACE_LINEAR, 99), 0, 0);
}

static void
quantiles_are_those_of_the_whole_seconds(void **state)
{
    struct fixture f;

    (void)state;
    /* 0, 1, ... 100 cores at seconds 0 to 100. */
    assert_int_equal(parse(&f, HEADER "0,a,0,7\n100,a,100,7\n"), TRACE_OK);
    const struct trace_series *s = &f.series[0];

    assert_float_equal(trace_quantile(s, GT_CPU, 0.95, 0, 100), 94, 1e-3);
    assert_float_equal(trace_quantile(s, GT_CPU, 0.5, 0, 100), 49, 1e-3);
    assert_float_equal(trace_quantile(s, GT_CPU, 1, 0, 100), 99, 0);
    assert_float_equal(trace_quantile(s, GT_CPU, 0.95, 5, 5), 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_mixed_pods_become_one_series_each),
        cmocka_unit_test(the_bad_row_is_named),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(the_number_of_lines_is_room_enough),
        cmocka_unit_test(demand_between_points_lies_on_a_line_or_a_step),
        cmocka_unit_test(quantiles_are_those_of_the_whole_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
