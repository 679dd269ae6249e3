/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the simulated node begin with: two pods on one node.
 */
#ifndef TESTS_NODE_FIXTURE_H
#define TESTS_NODE_FIXTURE_H

#include "tests/sim/node.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB   (INT64_C(1) << 20)
#define START 5000

/* Two pods on a node of 2 cores and 1 GiB, without noise or page cache. */
struct fixture {
    struct trace_point points[2][4];
    struct trace_series series[2];
    struct node_pod_spec pods[2];
    struct node_spec node;
    struct node_config config;
    void *memory;
    struct node_sim *sim;
};

static inline struct kube_resources
amounts(int64_t milli, int64_t mib)
{
    return (struct kube_resources){
        {milli, mib * MIB},
        {milli, mib * MIB}
    };
}

/* @cores and @mib all the time. */
static inline void
demand(struct fixture *f, size_t pod, double cores, double mib)
{
    f->points[pod][0] = (struct trace_point){
        0, {cores, mib * MIB}
    };
    f->series[pod].len = 1;
}

/* ... and then from @second on. */
static inline void
then(struct fixture *f, size_t pod, int64_t second, struct trace_point to)
{
    to.second = second;
    f->points[pod][f->series[pod].len++] = to;
}

static inline int
set_up(void **state)
{
    static const char *const names[] = {"a", "b"};
    static const char *const uids[] = {"uid-a", "uid-b"};
    struct fixture *f = calloc(1, sizeof(*f));

    for (size_t i = 0; i < 2; i++) {
        f->series[i].points = f->points[i];
        f->pods[i] = (struct node_pod_spec){
            .name = names[i],
            .space = "lab",
            .uid = uids[i],
            .workload = "",
            .containers_len = 1,
            .containers = {{"app", 1, amounts(500, 128)}},
            .series = &f->series[i],
        };
        demand(f, i, 0.1, 64);
    }
    f->node = (struct node_spec){
        "n1", {2000, 1024 * MIB}
    };
    f->config = (struct node_config){
        .nodes = &f->node,
        .nodes_len = 1,
        .pods = f->pods,
        .pods_len = 2,
        .shape = TRACE_STEP,
        .start_ms = START,
        .latency_ms = NODE_LATENCY_MS,
    };
    *state = f;
    return 0;
}

static inline void
start(struct fixture *f)
{
    f->memory = malloc(node_size(&f->config));
    f->sim = node_init(f->memory, &f->config);
}

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->memory);
    free(f);
    return 0;
}

static inline struct kube_pod
view(const struct fixture *f, size_t pod)
{
    struct kube_pod out;

    node_pod_view(f->sim, pod, &out);
    return out;
}

static inline struct node_cgroup
cgroup(const struct fixture *f, size_t pod)
{
    struct node_cgroup out;

    node_cgroup(f->sim, pod, 0, &out);
    return out;
}

static inline struct node_books
books(const struct fixture *f, size_t pod)
{
    struct node_books out;

    node_pod_books(f->sim, pod, &out);
    return out;
}

static inline void
resize(struct fixture *f, size_t pod, struct kube_resources to)
{
    assert_int_equal(node_resize(f->sim, pod, &to), NODE_OK);
}

#endif
