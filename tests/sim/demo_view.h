/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the demo knows of its mesh: read from the testnode's and the arbiter's
 * state (JSON) and from the agents' log lines.
 *
 * Pure.
 */
#ifndef TESTS_SIM_DEMO_VIEW_H
#define TESTS_SIM_DEMO_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_PODS      64
#define DEMO_NODES     16
#define DEMO_LATENCIES 8192

struct demo_pod {
    char name[64];
    char node[64];
    double usage_cores;
    int64_t request_milli, limit_milli, floor_milli;
    int64_t memory_bytes, memory_limit_bytes;
    double throttled_share; /* of the periods since the last look */
    double allocated_core_s, unserved_core_s;
    uint64_t periods, throttled_periods;
    char decision[128]; /* the last one, in words */
};

struct demo_node {
    char name[64];
    double load_cores, capacity_cores; /* requests, upper bound */
    double price;
    double potential;
    uint64_t agents;
};

/* The books of a run. */
struct demo_books {
    uint64_t resizes, refused, oom_kills, overcommit_samples;
    double unserved_core_s, allocated_core_s;
};

/* Latencies in milliseconds, unordered. */
struct demo_latencies {
    size_t len;
    double of[DEMO_LATENCIES];
};

struct demo_view {
    double mesh_s; /* since the testnode began */
    size_t pods_len;
    struct demo_pod pods[DEMO_PODS];
    size_t nodes_len;
    struct demo_node nodes[DEMO_NODES];
    struct demo_books books, static_books;
    uint64_t potential_drops;
    uint64_t agents;             /* that the arbiter hears */
    uint64_t overbooked_samples; /* looks at which a node's bound of requests
                                    and grants in flight was above capacity */
    struct demo_latencies throttle_to_patch; /* uncontended, mesh time */
    struct demo_latencies intent_to_patch;   /* uncontended, wall time */
};

/* Reads GET /sim/state; false when it is not what it should be. */
bool demo_view_testnode(struct demo_view *view, const char *json);

/* Reads the arbiter's GET /state. */
bool demo_view_arbiter(struct demo_view *view, const char *json);

/* Reads a log line of the agent of pod @index. */
void demo_view_line(struct demo_view *view, size_t index, const char *line);

/* The @share quantile (nearest rank) of the latencies; 0 without any. */
double demo_quantile(struct demo_latencies *latencies, double share);

#endif
