/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated world: agents, one arbiter and the simulated nodes on a virtual
 * clock.  The cores are the product's own; the bus carries their messages
 * encoded, late, twice or not at all; the API server answers after a while.
 *
 * One event after the other, the earliest first.  At the same moment: first the
 * kernel and the kubelets, then requests at the API server, its answers, the
 * watch, strategies, signals, levers, connections, the arbiter's wake-up, the
 * agents'; of one kind the pod with the lower index, then what was caused
 * first.  Equal configuration, seed and deeds give the same transcript, byte
 * for byte.
 *
 * The world watches while it runs (world_check.c): what must never happen is
 * world_violation().
 *
 * Pure but for its memory: world_new() and the queue allocate.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "agent/agent.h"
#include "arbiter/arbiter.h"
#include "tests/sim/node.h"

/* Mesh time at which a world begins; stories count from here. */
#define WORLD_START_MS 1000

/* How the bus carries messages.  Copies and stragglers need up to @late_ms
 * more, so they arrive out of order. */
struct world_bus {
    uint64_t delay_ms;
    double loss; /* share that never arrives */
    double late; /* share that straggles */
    double echo; /* share that arrives a second time */
    uint64_t late_ms;
};

struct world_config {
    /*
     * Nodes and pods; borrowed.  A pod with the annotation
     * scaling.mesh/strategy has an agent; for the others nobody plays.
     */
    const struct node_config *nodes;
    struct world_bus bus;
    uint64_t api_ms;   /* a request there and its answer back */
    uint64_t watch_ms; /* a change until the arbiter sees it */
    uint64_t lever_ms; /* the app needs to release memory */
    uint64_t seed;
    bool simultaneous; /* the arbiter's control run */
    double resize_burst, resizes_per_hour;
    enum gt_log_level level; /* of the transcript */
};

/* A bus of 1 ms, an API of 6 ms, a watch of 5 ms, a lever of 200 ms, the
 * agents' default budget, info lines. */
struct world_config world_defaults(const struct node_config *nodes);

struct world;

/* Everything starts at once; nothing has happened yet. */
struct world *world_new(const struct world_config *config);
/* Returns NULL. */
struct world *world_free(struct world *w);

/* Lets everything happen up to @second after the start. */
void world_run(struct world *w, double second);

/* What a story does between two runs. */
void world_arbiter_stop(struct world *w);
void world_arbiter_start(struct world *w); /* a new one that knows nothing */
void world_agent_kill(struct world *w, size_t pod);
void world_agent_stop(struct world *w, size_t pod); /* it says bye */
void world_agent_start(struct world *w, size_t pod);
void world_blind(struct world *w, size_t pod, bool blind);
void world_bus(struct world *w, const struct world_bus *bus);
void world_allocatable(struct world *w, size_t node, enum gt_resource resource,
                       int64_t amount);
/* Somebody else resizes the pod. */
enum node_refusal world_resize(struct world *w, size_t pod,
                               const struct kube_resources *wished);
/* POST /admin/shrink to the pod's agent; the answer comes by
 * world_reply(). */
void world_propose(struct world *w, size_t pod, int64_t target_bytes);

/* What the API server does to requests: each has its own order. */
enum world_fault {
    WORLD_REFUSES,      /* nobody listens: no answer, at once */
    WORLD_LOSES,        /* the request gets lost: no answer after a timeout */
    WORLD_LOSES_ANSWER, /* done, but no answer after a timeout */
    WORLD_SAYS_429,
    WORLD_SAYS_500,
    WORLD_FAULTS
};
/* The next @countdown requests pass, then @repeat fail. */
void world_fault(struct world *w, enum world_fault fault, unsigned countdown,
                 unsigned repeat);

/* NULL: does not run. */
struct agent *world_agent(struct world *w, size_t pod);
struct arbiter *world_arbiter(struct world *w);
struct node_sim *world_nodes(struct world *w);

/* The request in force, as the API shows it, of the pod's first container. */
int64_t world_request(struct world *w, size_t pod, enum gt_resource resource);

/* The last answer to world_propose(); NULL: none yet. */
const struct shrink_answer *world_reply(const struct world *w, size_t pod);

/* The log lines of everybody. */
const char *world_transcript(const struct world *w);

/* What happened first of what must never happen, or NULL. */
const char *world_violation(const struct world *w);

#endif
