/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/trace_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DEMO       "tests/data/demo.csv.gz"
#define DEMO_START 3600
#define DEMO_END   4800
#define NODE_CORES 3.6

/* A file of @text under a name of its own. */
static void
write_file(char path[32], const char *text)
{
    (void)snprintf(path, 32, "/tmp/gtcas-trace-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void
a_plain_file_is_read(void **state)
{
    struct trace trace;
    struct gt_err err;
    char path[32];

    (void)state;
    write_file(path, "second,pod,cpu_cores,mem_bytes\n0,a,1,2\n5,a,3,4\n");
    assert_int_equal(trace_read(&trace, path, &err), 0);

    assert_int_equal(trace.series_len, 1);
    assert_float_equal(trace.series[0].points[1].amount[GT_CPU], 3, 0);
    trace_fini(&trace);
    assert_int_equal(unlink(path), 0);
}

static void
what_cannot_be_read_is_said(void **state)
{
    struct trace trace;
    struct gt_err err;
    char path[32];

    (void)state;
    assert_int_equal(trace_read(&trace, "/nowhere", &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere"));
    assert_int_equal(trace_read(&trace, "/", &err), -EIO);

    write_file(path, "second,pod,cpu_cores,mem_bytes\n0,a,1,2\nrubbish\n");
    assert_int_equal(trace_read(&trace, path, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "line 3"));
    assert_int_equal(unlink(path), 0);
}

static void
the_demos_trace_covers_its_hour_and_its_window(void **state)
{
    struct trace trace;
    struct gt_err err;

    (void)state;
    assert_int_equal(trace_read(&trace, DEMO, &err), 0);

    assert_int_equal(trace.series_len, 8);
    for (size_t i = 0; i < trace.series_len; i++) {
        const struct trace_series *s = &trace.series[i];
        assert_true(s->points[0].second <= 0);
        assert_true(s->points[s->len - 1].second >= DEMO_END);
    }
    trace_fini(&trace);
}

/* The demand of the even or the odd pods at @second. */
static double
node_demand(const struct trace *trace, size_t node, int64_t second)
{
    double sum = 0;

    for (size_t i = node; i < trace->series_len; i += 2) {
        sum +=
            trace_at(&trace->series[i], GT_CPU, TRACE_LINEAR, (double)second);
    }
    return sum;
}

static void
the_demos_demand_stays_below_what_its_nodes_have(void **state)
{
    struct trace trace;
    struct gt_err err;
    double busiest = 0;

    (void)state;
    assert_int_equal(trace_read(&trace, DEMO, &err), 0);
    for (int64_t t = DEMO_START; t < DEMO_END; t++) {
        double first = node_demand(&trace, 0, t);
        assert_true(first < 0.95 * NODE_CORES);
        assert_true(node_demand(&trace, 1, t) < 0.95 * NODE_CORES);
        busiest = first > busiest ? first : busiest;
    }
    trace_fini(&trace);

    /* With headroom on top, one node is contended for a while. */
    assert_true(busiest > 0.70 * NODE_CORES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_is_read),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(the_demos_trace_covers_its_hour_and_its_window),
        cmocka_unit_test(the_demos_demand_stays_below_what_its_nodes_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
