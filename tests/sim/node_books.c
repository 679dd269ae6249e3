/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node_state.h"

#include <math.h>

#define WINDOW_PERIODS 10
#define WINDOW_MASK    ((1U << WINDOW_PERIODS) - 1)
#define WINDOW_OPEN    3 /* throttled periods of 10: a run */
#define WINDOW_CLOSE   1 /* no more of them: it is over */

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t
node_pod_claim(const struct node_sim *sim, size_t pod,
               enum gt_resource resource)
{
    int64_t sum = 0;

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        const struct node_container *c = &sim->pods[pod].containers[i];
        int64_t most = larger(c->wished.requests[resource],
                              larger(c->allocated.requests[resource],
                                     c->actual.requests[resource]));
        sum += larger(most, 0);
    }
    return sum;
}

static int64_t
node_claim(const struct node_sim *sim, size_t node, enum gt_resource resource)
{
    int64_t sum = 0;

    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        sum += node_pod_claim(sim, sim->order[i], resource);
    }
    return sum;
}

void
node_overcommit_sample(struct node_sim *sim, size_t node)
{
    const int64_t *allocatable = sim->config.nodes[node].allocatable;

    if (node_claim(sim, node, GT_CPU) > allocatable[GT_CPU] ||
        node_claim(sim, node, GT_MEMORY) > allocatable[GT_MEMORY]) {
        sim->overcommit[node]++;
    }
}

/* CPU that the pod demands beyond its limit, in milli. */
static double
lack(const struct node_sim *sim, size_t pod)
{
    double demand = node_demand(sim, pod, GT_CPU, sim->now_ms);
    double limit = 0;
    struct kube_pod view;

    node_pod_view(sim, pod, &view);
    for (size_t i = 0; i < view.containers_len; i++) {
        limit += (double)view.containers[i].actual.limits[GT_CPU];
    }
    return fmax(1000 * demand - limit, 0);
}

static bool
is_contended(const struct node_sim *sim, size_t pod)
{
    size_t node = sim->config.pods[pod].node;
    double allocatable = (double)sim->config.nodes[node].allocatable[GT_CPU];

    return (double)node_claim(sim, node, GT_CPU) + lack(sim, pod) >
           NODE_CONTENDED * allocatable;
}

/* Periods of the run that ends now: back to two in a row without throttling. */
static unsigned
run_len(unsigned window)
{
    unsigned len = 0;

    for (unsigned i = 0; i < WINDOW_PERIODS && (window >> i & 3U) != 0; i++) {
        len = window >> i & 1U ? i + 1 : len;
    }
    return len;
}

void
node_episode_period(struct node_sim *sim, size_t pod, uint64_t end_ms,
                    bool throttled)
{
    struct node_episode *e = &sim->pods[pod].episode;

    e->window = ((e->window << 1) | (throttled ? 1U : 0U)) & WINDOW_MASK;
    int throttled_of_10 = __builtin_popcount(e->window);
    if (throttled_of_10 <= WINDOW_CLOSE) {
        e->open = false;
    }
    if (e->open || throttled_of_10 < WINDOW_OPEN) {
        return;
    }
    e->open = true;
    e->start_ms = end_ms - (uint64_t)run_len(e->window) * NODE_PERIOD_MS;
    e->contended = is_contended(sim, pod);
}

void
node_episode_grown(struct node_sim *sim, size_t pod)
{
    struct node_episode *e = &sim->pods[pod].episode;

    if (e->open && e->start_ms >= sim->config.measure_ms &&
        sim->latencies_len < NODE_LATENCIES) {
        sim->latencies[sim->latencies_len++] = (struct node_latency){
            .pod = pod,
            .start_ms = e->start_ms,
            .latency_ms = sim->now_ms - e->start_ms,
            .contended = e->contended || is_contended(sim, pod),
        };
    }
    e->open = false;
    e->window = 0; /* the growth needs time to take effect */
}

size_t
node_latencies(const struct node_sim *sim, const struct node_latency **out)
{
    *out = sim->latencies;
    return sim->latencies_len;
}

static void
add_books(struct node_books *to, const struct node_books *from)
{
    to->demanded_core_s += from->demanded_core_s;
    to->used_core_s += from->used_core_s;
    to->unserved_core_s += from->unserved_core_s;
    to->allocated_core_s += from->allocated_core_s;
    to->used_mib_s += from->used_mib_s;
    to->allocated_mib_s += from->allocated_mib_s;
    to->periods += from->periods;
    to->throttled_periods += from->throttled_periods;
    to->oom_kills += from->oom_kills;
    to->resizes += from->resizes;
    to->refused += from->refused;
    to->deferred += from->deferred;
    to->overcommit_samples += from->overcommit_samples;
}

void
node_pod_books(const struct node_sim *sim, size_t pod, struct node_books *out)
{
    *out = sim->pods[pod].books;
}

void
node_node_books(const struct node_sim *sim, size_t node, struct node_books *out)
{
    *out = (struct node_books){.overcommit_samples = sim->overcommit[node]};
    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        add_books(out, &sim->pods[sim->order[i]].books);
    }
}

void
node_total_books(const struct node_sim *sim, struct node_books *out)
{
    *out = (struct node_books){.periods = 0};
    for (size_t n = 0; n < sim->config.nodes_len; n++) {
        struct node_books books;
        node_node_books(sim, n, &books);
        add_books(out, &books);
    }
}
