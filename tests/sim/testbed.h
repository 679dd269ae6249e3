/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes and pods of a run, made from a trace: one pod a series, round robin
 * on the nodes, with what a careful person would have requested: the 95th
 * percentile of the CPU demand of the time before, and 1.1 times the largest
 * memory demand.
 *
 * Pure.  The texts live in the caller's arrays.
 */
#ifndef TESTS_SIM_TESTBED_H
#define TESTS_SIM_TESTBED_H

#include "common/err.h"
#include "tests/sim/node.h"

#define TESTBED_SPACE     "demo"
#define TESTBED_NODES_MAX 400
#define TESTBED_CPU_MILLI 10 /* at least, as agents do */
#define TESTBED_MEMORY    (INT64_C(32) << 20)
#define TESTBED_QUANTILE  0.95
#define TESTBED_HEADROOM  1.1

struct testbed_config {
    const struct trace *trace;
    size_t nodes_len;
    int64_t node[GT_RESOURCES]; /* allocatable, each */
    int64_t start_second;       /* of the trace */
    int64_t window_s;           /* before it, that requests are made from */
    double limit_ratio;         /* limit / request, >= 1; 1: Guaranteed */
    double releasable;
    uint16_t hook_port;   /* of the apps' release hook; 0: they have none */
    const char *annotate; /* for all pods: "KEY=VALUE[,KEY=VALUE...]" */
};

struct testbed_node {
    char name[32];
};

struct testbed_pod {
    char uid[40];
    char workload[TRACE_NAME_MAX + 16];
    char hook[TRACE_NAME_MAX + 32];
    char annotations[512]; /* cut into keys and values */
};

/* As many as there are nodes, and series in the trace. */
struct testbed {
    struct node_spec *nodes;
    struct node_pod_spec *pods;
    struct testbed_node *node_texts;
    struct testbed_pod *pod_texts;
};

/* 0, or -EINVAL with @err set: what cannot be, such as a node too small. */
int testbed_fill(struct testbed *bed, const struct testbed_config *config,
                 struct gt_err *err);

#endif
