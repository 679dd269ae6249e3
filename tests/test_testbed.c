/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/testbed.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

/* Three pods; the first one rises from 0 to 1 core within the hour. */
struct fixture {
    struct trace_point rising[2];
    struct trace_point flat;
    struct trace_series series[3];
    struct trace trace;
    struct testbed_config config;
    struct node_spec nodes[2];
    struct node_pod_spec pods[3];
    struct testbed_node node_texts[2];
    struct testbed_pod pod_texts[3];
    struct testbed bed;
    struct gt_err err;
};

static void
set_up(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->rising[0] = (struct trace_point){
        0, {0, 100.0 * MIB}
    };
    f->rising[1] = (struct trace_point){
        3600, {1, 200.0 * MIB}
    };
    f->flat = (struct trace_point){
        0, {0.001, 1}
    };
    f->series[0] = (struct trace_series){"a", f->rising, 2};
    f->series[1] = (struct trace_series){"b", &f->flat, 1};
    f->series[2] = (struct trace_series){"c", &f->flat, 1};
    f->trace = (struct trace){.series = f->series, .series_len = 3};
    f->config = (struct testbed_config){
        .trace = &f->trace,
        .nodes_len = 2,
        .node = {2000, 1024 * MIB},
        .start_second = 3600,
        .window_s = 3600,
        .limit_ratio = 1,
        .annotate = "",
    };
    f->bed = (struct testbed){f->nodes, f->pods, f->node_texts, f->pod_texts};
}

static void
requests_are_made_from_the_time_before(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), 0);

    const struct kube_resources *r = &f.pods[0].containers[0].resources;
    assert_int_equal(r->requests[GT_CPU], 950);
    assert_int_equal(r->requests[GT_MEMORY], 220 * MIB);
    assert_int_equal(r->limits[GT_CPU], 950);
    r = &f.pods[1].containers[0].resources;
    assert_int_equal(r->requests[GT_CPU], TESTBED_CPU_MILLI);
    assert_int_equal(r->requests[GT_MEMORY], TESTBED_MEMORY);
}

static void
limits_keep_their_ratio(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.config.limit_ratio = 1.5;
    assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), 0);

    assert_int_equal(f.pods[0].containers[0].resources.limits[GT_CPU], 1425);
}

static void
pods_go_round_robin_and_are_told_apart(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), 0);

    assert_int_equal(f.pods[0].node, 0);
    assert_int_equal(f.pods[1].node, 1);
    assert_int_equal(f.pods[2].node, 0);
    assert_string_equal(f.nodes[1].name, "node-2");
    assert_int_equal(strlen(f.pods[0].uid), 36);
    assert_string_not_equal(f.pods[0].uid, f.pods[1].uid);
}

static void
annotations_are_cut_and_the_hook_is_added(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.config.annotate = "scaling.mesh/strategy=potential-game,x=a=b";
    f.config.hook_port = 4711;
    assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), 0);

    assert_int_equal(f.pods[1].annotations_len, 3);
    assert_string_equal(f.pods[1].annotations[0].value, "potential-game");
    assert_string_equal(f.pods[1].annotations[1].key, "x");
    assert_string_equal(f.pods[1].annotations[1].value, "a=b");
    assert_string_equal(f.pods[1].annotations[2].key, "scaling.mesh/release");
    assert_string_equal(f.pods[1].annotations[2].value, "http:4711/hooks/b");
}

static void
a_release_that_was_asked_for_stays(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.config.annotate = "scaling.mesh/release=none";
    f.config.hook_port = 4711;
    assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), 0);

    assert_int_equal(f.pods[0].annotations_len, 1);
}

static void
annotations_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"x", "=y", "a=b,c", ",",
                                      "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9"};
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < GT_ARRAY_LEN(bad); i++) {
        set_up(&f);
        f.config.annotate = bad[i];
        assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), -EINVAL);
        assert_non_null(strstr(f.err.text, "--annotate"));
    }
}

static void
a_node_that_is_too_small_is_named(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.config.node[GT_MEMORY] = 251 * MIB;
    assert_int_equal(testbed_fill(&f.bed, &f.config, &f.err), -EINVAL);

    assert_non_null(strstr(f.err.text, "node-1"));
    assert_non_null(strstr(f.err.text, "memory"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_made_from_the_time_before),
        cmocka_unit_test(limits_keep_their_ratio),
        cmocka_unit_test(pods_go_round_robin_and_are_told_apart),
        cmocka_unit_test(annotations_are_cut_and_the_hook_is_added),
        cmocka_unit_test(a_release_that_was_asked_for_stays),
        cmocka_unit_test(annotations_that_are_none_are_refused),
        cmocka_unit_test(a_node_that_is_too_small_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
