/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The testnode as it runs: the simulated nodes, the same world without resizes
 * in lockstep, the HTTP server and the cgroup files.
 *
 * Served besides the Kubernetes API:
 *
 *     GET  /sim/state                        the books (ledger.h)
 *     POST /sim/fault?api=down&seconds=S     503 for every API request, and
 *                                            no watch, for S seconds
 *     POST /hooks/POD?phase=release&target=BYTES, ?phase=restore&limit=BYTES
 *                                            the app's release hook
 */
#ifndef TESTS_SIM_TESTNODE_IO_H
#define TESTS_SIM_TESTNODE_IO_H

#include "common/err.h"
#include "tests/sim/node.h"

struct testnode_options {
    const char *listen;
    const char *port_file;
    const char *trace;
    int64_t start_second;
    int64_t static_window_s;
    int64_t nodes;
    int64_t node[GT_RESOURCES]; /* allocatable of each */
    double limit_ratio;
    const char *annotate;
    double releasable;
    double cache_share;
    double noise;
    bool step; /* demand stays until the next point */
    double patch_latency_s;
    double measure_after_s;
    const char *cgroup_out;
    int64_t history;
    int64_t seed;
    double speed;
};

/*
 * Runs until SIGTERM or SIGINT; 0, or an errno or -EINVAL with @err set:
 * -EINVAL is a bad option.
 */
int testnode_run(const struct testnode_options *options, struct gt_err *err);

#endif
