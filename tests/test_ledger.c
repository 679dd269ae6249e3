/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/ledger.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>

#define MIB   (INT64_C(1) << 20)
#define START 1000

/* One pod that wants 1 core and has a half, on one node. */
struct fixture {
    struct trace_point point;
    struct trace_series series;
    struct node_spec node;
    struct node_pod_spec pod;
    struct node_config config;
    struct node_sim *live;
    struct node_sim *fixed;
    char memory[1U << 14];
    struct json_object *json;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->point = (struct trace_point){
        0, {1, 64.0 * MIB}
    };
    f->series = (struct trace_series){.points = &f->point, .len = 1};
    f->node = (struct node_spec){
        "n1", {4000, 1024 * MIB}
    };
    f->pod = (struct node_pod_spec){
        .name = "a",
        .space = "demo",
        .uid = "uid-a",
        .workload = "",
        .containers_len = 1,
        .containers = {{"app", 1, {{500, 128 * MIB}, {500, 128 * MIB}}}},
        .series = &f->series,
    };
    f->config = (struct node_config){
        .nodes = &f->node,
        .nodes_len = 1,
        .pods = &f->pod,
        .pods_len = 1,
        .start_ms = START,
        .latency_ms = NODE_LATENCY_MS,
    };
    f->live = node_init(malloc(node_size(&f->config)), &f->config);
    f->fixed = node_init(malloc(node_size(&f->config)), &f->config);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    json_object_put(f->json);
    free(f->live);
    free(f->fixed);
    free(f);
    return 0;
}

static void
advance(struct fixture *f, uint64_t ms)
{
    node_advance(f->live, START + ms);
    node_advance(f->fixed, START + ms);
}

static void
resize(struct fixture *f, int64_t milli)
{
    const struct kube_resources to = {
        {milli, 128 * MIB},
        {milli, 128 * MIB}
    };

    assert_int_equal(node_resize(f->live, 0, &to), NODE_OK);
}

static double
number_at(struct fixture *f, const char *pointer)
{
    struct json_object *found = NULL;

    assert_int_equal(json_pointer_get(f->json, pointer, &found), 0);
    return json_object_get_double(found);
}

static void
read_state(struct fixture *f)
{
    const struct ledger ledger = {f->live, f->fixed, 12.5, 3612.5};
    struct gt_buf out;

    gt_buf_init(&out, f->memory, sizeof(f->memory));
    ledger_encode(&ledger, &out);
    assert_false(out.overflow);
    f->json = json_tokener_parse(f->memory);
    assert_non_null(f->json);
}

static void
the_books_of_both_worlds_are_told(void **state)
{
    struct fixture *f = *state;

    advance(f, 2000);
    resize(f, 1200);
    advance(f, 10000);
    read_state(f);

    assert_float_equal(number_at(f, "/mesh_s"), 12.5, 0);
    assert_float_equal(number_at(f, "/trace_second"), 3612.5, 0);
    assert_float_equal(number_at(f, "/static/unserved_core_s"), 5, 1e-6);
    assert_float_equal(number_at(f, "/static/resizes"), 0, 0);
    /* 2.15 s with a half, but for whole periods. */
    assert_float_equal(number_at(f, "/totals/unserved_core_s"), 1.05, 1e-6);
    assert_float_equal(number_at(f, "/totals/resizes"), 1, 0);
    assert_float_equal(number_at(f, "/pods/0/limit_milli"), 1200, 0);
    assert_float_equal(number_at(f, "/pods/0/usage_cores"), 1, 0.01);
    assert_float_equal(number_at(f, "/pods/0/demanded_core_s"), 10, 1e-6);
    assert_float_equal(number_at(f, "/nodes/0/requested_cores"), 1.2, 1e-9);
    assert_float_equal(number_at(f, "/nodes/0/capacity_cores"), 4, 1e-9);
}

static void
latencies_are_summed_up(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 0; i < 100; i++) {
        advance(f, 3000 * i + 1000 + 10 * i);
        resize(f, 600 + (int64_t)i);
    }
    read_state(f);

    assert_float_equal(number_at(f, "/throttle_to_patch/samples"), 100, 0);
    assert_float_equal(number_at(f, "/throttle_to_patch/contended"), 0, 0);
    assert_float_equal(number_at(f, "/throttle_to_patch/p50_ms"),
                       ledger_quantile_ms(f->live, 0.5), 0);
    double p50 = ledger_quantile_ms(f->live, 0.5);
    double p99 = ledger_quantile_ms(f->live, 0.99);
    assert_true(p50 > 0 && p50 <= p99);
    assert_float_equal(number_at(f, "/throttle_to_patch/ms/0"), 1000, 0);
}

static void
the_quantile_is_the_nearest_rank(void **state)
{
    struct fixture *f = *state;

    assert_float_equal(ledger_quantile_ms(f->live, 0.99), 0, 0);
    advance(f, 1000);
    resize(f, 600);
    advance(f, 3000);
    resize(f, 700);

    assert_float_equal(ledger_quantile_ms(f->live, 0.5), 1000, 0);
    assert_float_equal(ledger_quantile_ms(f->live, 0.51), 2000, 0);
}

static void
contended_growth_is_counted_apart(void **state)
{
    struct fixture *f = *state;

    f->node.allocatable[GT_CPU] = 700;
    advance(f, 1000);
    resize(f, 650);
    read_state(f);

    assert_float_equal(number_at(f, "/throttle_to_patch/samples"), 0, 0);
    assert_float_equal(number_at(f, "/throttle_to_patch/contended"), 1, 0);
    assert_float_equal(number_at(f, "/throttle_to_patch/p99_ms"), 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_books_of_both_worlds_are_told),
        TEST(latencies_are_summed_up),
        TEST(the_quantile_is_the_nearest_rank),
        TEST(contended_growth_is_counted_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
