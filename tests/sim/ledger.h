/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of a run as JSON, with those of the same world without resizes
 * beside them: what the testnode answers to GET /sim/state.
 *
 *     {"mesh_s": since the start, "trace_second": ...,
 *      "pods": [{"name", "namespace", "uid", "node", "generation", "resize",
 *                "usage_cores", "request_milli", "limit_milli",
 *                "memory_bytes", "request_bytes", "memory_limit_bytes",
 *                "restarts", BOOKS}],
 *      "nodes": [{"name", "capacity_cores", "requested_cores", BOOKS}],
 *      "totals": {BOOKS}, "static": {BOOKS},
 *      "throttle_to_patch": {"p50_ms", "p99_ms", "samples", "contended",
 *                            "ms": [uncontended ones, unordered]}}
 *
 * BOOKS: demanded_core_s used_core_s unserved_core_s allocated_core_s
 * used_mib_s allocated_mib_s periods throttled_periods oom_kills resizes
 * refused deferred overcommit_samples.  Amounts are those enforced.
 *
 * Pure.  Uses json-c, which allocates.
 */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include "common/buf.h"
#include "tests/sim/node.h"

/* The two runs, and where they are. */
struct ledger {
    const struct node_sim *live;
    const struct node_sim *fixed;
    double mesh_s;
    double trace_second;
};

/* Appends the state; @out tells whether it fitted. */
void ledger_encode(const struct ledger *ledger, struct gt_buf *out);

/* The nearest-rank @share quantile of uncontended latencies; 0 of none. */
double ledger_quantile_ms(const struct node_sim *sim, double share);

#endif
