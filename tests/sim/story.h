/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story: a world told in a few lines.  Name nodes, pods and what they demand,
 * begin, let time pass, do something, and look at what was told.
 *
 * Pure but for the memory of the world.
 */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include "tests/sim/world.h"

#define STORY_NODES  4
#define STORY_PODS   32
#define STORY_POINTS 64
#define STORY_MIB    ((int64_t)1 << 20)

struct story {
    struct world *world;
    struct world_config config; /* to be changed before story_begin() */
    struct node_config nodes;
    struct node_spec node_specs[STORY_NODES];
    struct node_pod_spec pods[STORY_PODS];
    struct trace_series series[STORY_PODS];
    struct trace_point points[STORY_PODS][STORY_POINTS];
    char uids[STORY_PODS][WIRE_ID_MAX];
    char keys[STORY_PODS][NODE_ANNOTATIONS][64]; /* of annotations */
};

/* No noise, a step of demand is a step, seed 1. */
void story_init(struct story *s);
void story_fini(struct story *s);

void story_node(struct story *s, const char *name, int64_t milli, int64_t mib);

/* A pod on the last node, limits like requests, with an agent; returns its
 * number. */
size_t story_pod(struct story *s, const char *name, int64_t milli, int64_t mib);
/* The same without an agent. */
size_t story_foreign(struct story *s, const char *name, int64_t milli,
                     int64_t mib);
/* The key without its prefix. */
void story_annotate(struct story *s, size_t pod, const char *key,
                    const char *value);
/* From @second on, also while the story runs.  In time order. */
void story_demand(struct story *s, size_t pod, int64_t second, double cores,
                  double mib);

void story_begin(struct story *s);
void story_until(struct story *s, double second);

/*
 * The lines of the transcript by one of @who ("" for everybody) with one of
 * @events, shortened to "t who event rest", appended to @out.  Lists are words
 * separated by spaces; @from_second counts from the start.
 */
void story_lines(const struct story *s, double from_second, const char *who,
                 const char *events, struct gt_buf *out);

/* How many lines there are of @who with @events. */
unsigned story_count(const struct story *s, const char *who,
                     const char *events);

/* The books of everybody. */
struct node_books story_books(const struct story *s);

#endif
