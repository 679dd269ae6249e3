/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the simulated world, shared by world_*.c alone.
 */
#ifndef TESTS_SIM_WORLD_STATE_H
#define TESTS_SIM_WORLD_STATE_H

#include "common/rng.h"
#include "tests/sim/fault.h"
#include "tests/sim/queue.h"
#include "tests/sim/world.h"

/* Precedence at one moment; the kernel and the kubelets come before all. */
enum world_kind {
    WORLD_API,        /* a request arrives at the API server */
    WORLD_ANSWER,     /* its answer arrives at the agent */
    WORLD_WATCH,      /* a change of a pod arrives at the arbiter */
    WORLD_WATCH_NODE, /* a change of a node */
    WORLD_STRATEGY,   /* a message arrives at the arbiter */
    WORLD_SIGNAL,     /* a message arrives at an agent */
    WORLD_RELEASED,   /* the app's lever answers */
    WORLD_CONNECTED,  /* the bus is up for an agent */
    WORLD_ARBITER_WAKE,
    WORLD_AGENT_WAKE,
};

/* What the mesh may hold of one player besides what the API shows. */
struct world_claim {
    int64_t seen;            /* by the arbiter's watch */
    int64_t told;            /* by the agent: its target */
    int64_t granted;         /* by a green light that it may not have heard */
    uint64_t arbiter, epoch; /* of that light */
    uint64_t expires_ms;
};

struct world_pod {
    struct agent *agent; /* NULL: none runs */
    struct agent_config config;
    struct gt_log log;
    uint64_t wake_ms;
    uint64_t version; /* that the watch told */
    bool opted_in;
    bool blind;
    bool has_reply;
    /* Its way to the API, as agent/api_io.h has it: one request is under way,
     * another waits, a third replaces that one. */
    bool asking, waiting;
    unsigned replaced;
    struct kube_patch next;
    struct shrink_answer reply;
    uint64_t heard_seq; /* of its last message to the arbiter */
    bool growing;       /* the resize in flight grows something */
    struct world_claim claims[KUBE_CONTAINERS_MAX][GT_RESOURCES];
};

struct world {
    struct world_config config;
    struct node_config nodes;
    struct node_spec *node_specs; /* may change in a story */
    struct node_spec *seen_specs; /* by the arbiter's watch */
    struct node_sim *sim;
    struct queue queue;
    struct gt_rng bus_rng, rng;
    uint64_t now_ms;
    uint64_t incarnation; /* the last one given out */
    size_t pods_len;
    struct world_pod *pods;
    uint64_t node_version; /* that was looked at */
    struct arbiter_config arbiter_config;
    struct arbiter *arbiter; /* NULL: none runs */
    struct gt_log arbiter_log;
    uint64_t arbiter_wake_ms;
    size_t signal_len; /* the signal decoded last, and its bytes */
    char signal_bytes[WIRE_MESSAGE_MAX];
    enum wire_outcome signal_outcome;
    struct wire_signal signal;
    struct fault faults[WORLD_FAULTS];
    struct gt_buf transcript;
    char *transcript_memory;
    char violation[256]; /* "": none */
};

/* world.c */
struct gt_time world_time(const struct world *w);
/* A new one, larger than those before. */
uint64_t world_incarnation(struct world *w);
/* Zeroed; for the data of an event. */
void *world_alloc(size_t size);

/* world_agent.c: @event's time is set here. */
void world_agent_step(struct world *w, size_t pod, struct agent_event *event);
void world_agent_wake(struct world *w, size_t pod);

/* world_arbiter.c */
void world_arbiter_step(struct world *w, struct arbiter_event *event);
void world_arbiter_wake(struct world *w);
/* Looks for changes of pods and puts them on their way. */
void world_watch(struct world *w);
void world_watch_arrives(struct world *w, const struct queue_event *event);

/* world_bus.c */
void world_send_strategy(struct world *w, size_t pod,
                         const struct wire_strategy *strategy);
void world_send_signal(struct world *w, const struct wire_signal *signal);
void world_strategy_arrives(struct world *w, const struct queue_event *event);
void world_signal_arrives(struct world *w, const struct queue_event *event);

/* world_api.c */
void world_ask(struct world *w, size_t pod, const struct kube_patch *patch);
void world_request_arrives(struct world *w, const struct queue_event *event);
void world_answer_arrives(struct world *w, const struct queue_event *event);

/* world_check.c: each is called when it has just happened. */
void world_violated(struct world *w, size_t pod, const char *rule);
/* @was: the phase of the agent's resize before the step. */
void world_check_step(struct world *w, size_t pod, enum resize_phase was,
                      const struct agent_update *update);
void world_check_signal(struct world *w, const struct wire_signal *signal);
void world_check_heard(struct world *w, size_t pod,
                       const struct wire_strategy *strategy);
void world_check_node(struct world *w, size_t node,
                      const struct kube_node *seen);
void world_check_watch(struct world *w, size_t pod,
                       const struct kube_pod *seen);
/* What @pod's agent said, and was granted, counts no more. */
void world_check_forget(struct world *w, size_t pod);
void world_check_arbiter(struct world *w);

#endif
