/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes in miniature: pods whose demand follows a trace, the kernel that
 * throttles and OOM-kills them, the kubelet that resizes them, and the books.
 *
 * Each CFS period of 100 ms a container gets what it demands, up to its
 * enforced limit and, on a full node, up to its share by request.  What it does
 * not get is lost, not queued.  Memory above the enforced limit kills: the
 * container restarts with 30 % and recovers within a minute.
 *
 * A resize that node_resize() accepted is only wished.  The kubelet admits it
 * (or defers it until it fits), enforces it a latency later, and refuses to
 * lower a memory limit under the usage.  Recorded from a 1.36 kubelet; left
 * out: restart policies, native sidecars, pod-level resources, and that a
 * restarted container has a new cgroup (counters go on here).
 *
 * Equal configuration, seed and calls give an equal world.  Pure: the memory is
 * the caller's, texts and series are borrowed for the life of the simulation.
 */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "agent/cgroup.h"
#include "common/time.h"
#include "proto/kube.h"
#include "tests/sim/trace.h"

#define NODE_PERIOD_MS 100
/* The kubelet sees a change of the pod. */
#define NODE_SYNC_MS 20
/* It says Error this long after, and tries again as often. */
#define NODE_RETRY_MS    13000
#define NODE_LATENCY_MS  150 /* accepted to enforced: a sensible default */
#define NODE_LATENCIES   4096
#define NODE_ANNOTATIONS 8

struct node_spec {
    const char *name;
    int64_t allocatable[GT_RESOURCES]; /* milli-CPU, bytes; also what it has */
};

struct node_container_spec {
    const char *name;
    double share; /* of the pod's demand, 0 to 1 */
    struct kube_resources resources;
};

struct node_annotation {
    const char *key; /* whole: "scaling.mesh/strategy" */
    const char *value;
};

struct node_pod_spec {
    const char *name;
    const char *space;    /* namespace */
    const char *uid;      /* unique */
    const char *workload; /* "ReplicaSet/web", or "" */
    size_t node;
    size_t containers_len;
    struct node_container_spec containers[KUBE_CONTAINERS_MAX];
    struct node_annotation annotations[NODE_ANNOTATIONS];
    size_t annotations_len;
    const struct trace_series *series;
    double releasable; /* share of its memory that it gives back if asked */
};

struct node_config {
    const struct node_spec *nodes;
    size_t nodes_len;
    const struct node_pod_spec *pods;
    size_t pods_len;
    enum trace_shape shape;
    double trace_second; /* of the trace at @start_ms */
    uint64_t start_ms;   /* mesh time at which the simulation begins */
    uint64_t latency_ms; /* accepted to enforced, >= NODE_SYNC_MS */
    /* Throttling that began before this mesh time is not sampled. */
    uint64_t measure_ms;
    double noise;       /* sigma of the lognormal factor a period: 0.15 */
    double cache_share; /* page cache as a share of anonymous memory: 0.1 */
    uint64_t seed;
};

struct node_sim; /* opaque */

/* Bytes of memory for node_init(), aligned as malloc() does. */
size_t node_size(const struct node_config *config);

/* Starts in @memory; all pods run, settled.  Returns @memory. */
struct node_sim *node_init(void *memory, const struct node_config *config);

/* Lives through every whole period and kubelet deed up to @now_ms. */
void node_advance(struct node_sim *sim, uint64_t now_ms);

/* When the next kubelet deed is due; GT_NEVER_MS: only periods go on. */
uint64_t node_wake_ms(const struct node_sim *sim);

size_t node_pods(const struct node_sim *sim);
size_t node_nodes(const struct node_sim *sim);
const struct node_pod_spec *node_pod_spec(const struct node_sim *sim,
                                          size_t pod);
/* The index of pod @space/@name; node_pods() where there is none. */
size_t node_find(const struct node_sim *sim, const char *space,
                 const char *name);

/* The pod and the node as the API shows them. */
void node_pod_view(const struct node_sim *sim, size_t pod,
                   struct kube_pod *out);
void node_node_view(const struct node_sim *sim, size_t node,
                    struct kube_node *out);

/* What the kubelet has set aside for a container. */
void node_allocated(const struct node_sim *sim, size_t pod, size_t container,
                    struct kube_resources *out);

/* Counts every change of any pod or node; a pod's resourceVersion. */
uint64_t node_version(const struct node_sim *sim);
uint64_t node_pod_version(const struct node_sim *sim, size_t pod);

/* Writes the pod without a change of amount: a new resourceVersion. */
void node_pod_touch(struct node_sim *sim, size_t pod);

enum node_refusal {
    NODE_OK,
    NODE_E_CAPACITY, /* requests above the whole node: 403 NodeCapacity */
    NODE_E_INVALID,  /* QoS, request above limit, something removed */
};

/*
 * Asks for @wished of every container of the pod, in pod order.  NODE_OK: the
 * generation rises unless nothing differs.  Time is that of node_advance().
 */
enum node_refusal node_resize(struct node_sim *sim, size_t pod,
                              const struct kube_resources *wished);

/* node_resize() without the deed. */
enum node_refusal node_resize_check(const struct node_sim *sim, size_t pod,
                                    const struct kube_resources *wished);

/* A whole PATCH without JSON: uid, names and their order are checked. */
void node_patch(struct node_sim *sim, size_t pod,
                const struct kube_patch *patch, struct kube_answer *out);

/*
 * The app is asked to release memory so that it fits @target_bytes; returns
 * its memory.current afterwards.  What it released comes back only as its
 * demand grows.
 */
int64_t node_release(struct node_sim *sim, size_t pod, int64_t target_bytes);

/* The figures of a container's cgroup. */
struct node_cgroup {
    struct cgroup_sample sample;
    int64_t quota_us;     /* cpu.max of a period; KUBE_ABSENT: max */
    int64_t memory_limit; /* memory.max; KUBE_ABSENT: max */
    int64_t anon_bytes;
    int64_t file_bytes;
    int64_t peak_bytes;
    double usage_cores;    /* over the last second or so */
    double pressure_avg10; /* percent */
    uint64_t memory_max_events;
};
void node_cgroup(const struct node_sim *sim, size_t pod, size_t container,
                 struct node_cgroup *out);

struct node_books {
    double demanded_core_s;
    double used_core_s;
    double unserved_core_s;
    double allocated_core_s; /* enforced limit, or request without one */
    double used_mib_s;
    double allocated_mib_s;
    uint64_t periods; /* of containers with a CPU limit */
    uint64_t throttled_periods;
    uint64_t oom_kills;
    uint64_t resizes;  /* accepted that changed something */
    uint64_t refused;  /* by node_resize(), the API's own not counted */
    uint64_t deferred; /* times a resize became Deferred */
    /* Node only: seconds in which the sum over pods of the largest of
     * requested, allocated and enforced was above allocatable. */
    uint64_t overcommit_samples;
};
void node_pod_books(const struct node_sim *sim, size_t pod,
                    struct node_books *out);
void node_node_books(const struct node_sim *sim, size_t node,
                     struct node_books *out);
void node_total_books(const struct node_sim *sim, struct node_books *out);

/*
 * From the first period of a run of throttling to the accepted resize that
 * raised the pod's CPU.  A run is 3 throttled periods of 10, from after the
 * last two in a row that were not throttled, until there is but one of 10: then
 * it passed without a sample.  Contended: at either end the node's requests and
 * what the pod lacks were above 90 % of allocatable.
 */
struct node_latency {
    size_t pod;
    uint64_t start_ms;
    uint64_t latency_ms;
    bool contended;
};
/* Up to NODE_LATENCIES, the first ones; returns how many. */
size_t node_latencies(const struct node_sim *sim,
                      const struct node_latency **out);

#endif
