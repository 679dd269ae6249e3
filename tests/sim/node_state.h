/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the simulated nodes, shared by node_*.c alone.
 *
 * Pure.
 */
#ifndef TESTS_SIM_NODE_STATE_H
#define TESTS_SIM_NODE_STATE_H

#include "tests/sim/node.h"

#define NODE_MIB        1048576.0
#define NODE_PERIOD_S   (NODE_PERIOD_MS / 1000.0)
#define NODE_CONTENDED  0.9   /* of allocatable: growth must wait its turn */
#define NODE_RECOVERY_S 60.0  /* until a restarted container is whole again */
#define NODE_RESTART    0.3   /* of its demand is there at once */
#define NODE_BACKOFF_MS 10000 /* a restarted container is not killed again */

struct node_container {
    struct kube_resources wished;
    struct kube_resources allocated;
    struct kube_resources actual; /* enforced */
    double demand;                /* cores, of the period at hand */
    double whole;                 /* the same if it had never restarted */
    double served;
    double usage_cores;
    uint64_t usage_us;
    uint64_t periods;
    uint64_t throttled_periods;
    uint64_t throttled_us;
    uint64_t pressure_us;
    double pressure_avg10;
    double anon_bytes;
    double file_bytes;
    double released_bytes;
    int64_t peak_bytes;
    uint64_t oom_kills;
    uint64_t memory_max_events;
    int64_t restarts;
    uint64_t restarted_ms; /* 0: never */
};

/* Where the kubelet is with the pod's last resize. */
enum node_phase {
    NODE_SETTLED,
    NODE_UNSEEN,    /* wished, sees it at due_ms */
    NODE_ENFORCING, /* allocated, enforced at due_ms */
    NODE_STUCK,     /* a memory decrease under usage; tries again at due_ms */
    NODE_DEFERRED,  /* does not fit; looks again when something changes */
};

/* The last 10 periods of a pod, and the run of throttling they belong to. */
struct node_episode {
    unsigned window; /* a bit a period, 1: throttled; bit 0 is the last */
    bool open;
    bool contended;
    uint64_t start_ms;
};

struct node_pod {
    struct node_container containers[KUBE_CONTAINERS_MAX];
    enum node_phase phase;
    enum kube_resize condition;
    char message[KUBE_MESSAGE_MAX];
    uint64_t accepted_ms;
    uint64_t due_ms;
    int64_t generation;
    int64_t observed_generation;
    uint64_t version;
    struct node_episode episode;
    struct node_books books;
};

struct node_sim {
    struct node_config config;
    struct node_pod *pods;
    size_t *order; /* pods, node by node */
    size_t *first; /* of each node in @order, and the end */
    uint64_t *overcommit;
    uint64_t now_ms;
    uint64_t period; /* periods lived */
    uint64_t wake_ms;
    uint64_t version;
    struct node_latency latencies[NODE_LATENCIES];
    size_t latencies_len;
};

/* node_cpu.c, node_memory.c: one period of node @node that ends at @end_ms. */
void node_cpu_period(struct node_sim *sim, size_t node, uint64_t end_ms);
void node_memory_period(struct node_sim *sim, size_t node, uint64_t end_ms);

/* The pod's demand at the middle of that period. */
double node_demand(const struct node_sim *sim, size_t pod,
                   enum gt_resource resource, uint64_t end_ms);
/* 1, or less while the container recovers from a restart. */
double node_recovery(const struct node_container *c, uint64_t now_ms);
int64_t node_memory_current(const struct node_container *c);

/* node_kubelet.c: does what is due at @now_ms. */
void node_kubelet(struct node_sim *sim, size_t pod, uint64_t now_ms);
enum kube_qos node_qos(const struct kube_resources *resources, size_t len);

/* node_books.c */
void node_episode_period(struct node_sim *sim, size_t pod, uint64_t end_ms,
                         bool throttled);
void node_episode_grown(struct node_sim *sim, size_t pod);
void node_overcommit_sample(struct node_sim *sim, size_t node);
/* The largest of wished, allocated and enforced requests, summed. */
int64_t node_pod_claim(const struct node_sim *sim, size_t pod,
                       enum gt_resource resource);

/* A visible change of the pod. */
static inline void
node_changed(struct node_sim *sim, struct node_pod *pod)
{
    pod->version = ++sim->version;
}

static inline size_t
node_containers(const struct node_sim *sim, size_t pod)
{
    return sim->config.pods[pod].containers_len;
}

#endif
