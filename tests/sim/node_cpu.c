/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "common/rng.h"
#include "tests/sim/node_state.h"

/* What a container gets is the smaller of what it wants and its share. */
struct shares {
    double capacity; /* not yet given */
    double weight;   /* of those that still want more */
};

/*
 * About lognormal with mean 1: four uniform numbers out of one draw stand for
 * a normal one.  It depends on the period alone, so that two runs of one seed
 * meet the same demand whatever was resized in them.
 */
static double
draw_noise(const struct node_sim *sim, size_t pod)
{
    struct gt_rng rng = {sim->config.seed ^
                         (gt_rng_hash(sim->config.pods[pod].name) +
                          sim->period * UINT64_C(0x9e3779b97f4a7c15))};
    double sigma = sim->config.noise;
    double sum = 0;

    uint64_t bits = gt_rng_next(&rng);
    for (unsigned i = 0; i < 4; i++) {
        sum += (double)((bits >> (16 * i)) & 0xffff) / 65536.0;
    }
    double normal = (sum - 2) * sqrt(3.0);
    return exp(sigma * normal - sigma * sigma / 2);
}

double
node_demand(const struct node_sim *sim, size_t pod, enum gt_resource resource,
            uint64_t end_ms)
{
    double middle_ms =
        (double)(end_ms - sim->config.start_ms) - NODE_PERIOD_MS / 2.0;
    double second = sim->config.trace_second + fmax(middle_ms, 0) / 1000;

    return trace_at(sim->config.pods[pod].series, resource, sim->config.shape,
                    second);
}

static double
limit_of(const struct node_container *c)
{
    int64_t limit = c->actual.limits[GT_CPU];

    return limit == KUBE_ABSENT ? HUGE_VAL : (double)limit / 1000;
}

/* CFS weights follow the request; there is no weight of 0. */
static double
weight_of(const struct node_container *c)
{
    int64_t request = c->actual.requests[GT_CPU];

    return request > 2 ? (double)request : 2.0;
}

static double
wanted_by(const struct node_container *c)
{
    return fmin(c->demand, limit_of(c));
}

/* The sum of what the pod's containers want of this period. */
static double
ask_pod(struct node_sim *sim, size_t pod, uint64_t end_ms)
{
    double demand =
        node_demand(sim, pod, GT_CPU, end_ms) * draw_noise(sim, pod);
    double wanted = 0;

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        struct node_container *c = &sim->pods[pod].containers[i];
        c->whole = demand * sim->config.pods[pod].containers[i].share;
        c->demand = c->whole * node_recovery(c, end_ms);
        c->served = wanted_by(c);
        wanted += c->served;
    }
    return wanted;
}

/* Serves those whose share covers their want; true if there was any. */
static bool
serve_pod(struct node_sim *sim, size_t pod, const struct shares *now,
          struct shares *next)
{
    bool any = false;

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        struct node_container *c = &sim->pods[pod].containers[i];
        double share = now->capacity * weight_of(c) / now->weight;
        double wanted = wanted_by(c);
        if (c->served >= 0) {
            continue;
        }
        if (wanted <= share) {
            c->served = wanted;
            next->capacity -= wanted;
            next->weight -= weight_of(c);
            any = true;
        }
    }
    return any;
}

/* Those still unserved get their share of what is left. */
static void
share_pod(struct node_sim *sim, size_t pod, const struct shares *left)
{
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        struct node_container *c = &sim->pods[pod].containers[i];
        if (c->served < 0) {
            c->served = left->capacity * weight_of(c) / left->weight;
        }
    }
}

/* Proportional shares with what nobody wants given on, as CFS does. */
static void
share_node(struct node_sim *sim, size_t node)
{
    const size_t *begin = sim->order + sim->first[node];
    const size_t *end = sim->order + sim->first[node + 1];
    struct shares left = {
        .capacity = (double)sim->config.nodes[node].allocatable[GT_CPU] / 1000};

    for (const size_t *p = begin; p < end; p++) {
        for (size_t i = 0; i < node_containers(sim, *p); i++) {
            left.weight += weight_of(&sim->pods[*p].containers[i]);
            sim->pods[*p].containers[i].served = -1;
        }
    }
    for (bool any = true; any;) {
        struct shares now = left;
        any = false;
        for (const size_t *p = begin; p < end; p++) {
            any = serve_pod(sim, *p, &now, &left) || any;
        }
    }
    for (const size_t *p = begin; p < end; p++) {
        share_pod(sim, *p, &left);
    }
}

/* The counters of cpu.stat and cpu.pressure; was it throttled? */
static bool
count_container(struct node_container *c)
{
    static const double decay = 0.99004983; /* exp(-0.1 s / 10 s) */
    double limit = limit_of(c);
    double wanted = wanted_by(c);
    bool throttled = c->demand > limit;
    double stalled = wanted > 0 ? 1 - c->served / wanted : 0;

    c->usage_cores += (c->served - c->usage_cores) * 0.1; /* ten periods */
    c->usage_us += (uint64_t)llround(c->served * NODE_PERIOD_S * 1e6);
    c->periods += isfinite(limit) ? 1 : 0;
    if (throttled) {
        double waited = 1 - limit / c->demand;
        c->throttled_periods++;
        c->throttled_us += (uint64_t)llround(waited * NODE_PERIOD_S * 1e6);
        stalled = fmax(stalled, waited);
    }
    c->pressure_us += (uint64_t)llround(stalled * NODE_PERIOD_S * 1e6);
    c->pressure_avg10 = c->pressure_avg10 * decay + 100 * stalled * (1 - decay);
    return throttled;
}

static void
book_container(struct node_books *books, const struct node_container *c)
{
    int64_t limit = c->actual.limits[GT_CPU];
    int64_t allocated =
        limit == KUBE_ABSENT ? c->actual.requests[GT_CPU] : limit;

    books->demanded_core_s += c->whole * NODE_PERIOD_S;
    books->used_core_s += c->served * NODE_PERIOD_S;
    books->unserved_core_s += (c->whole - c->served) * NODE_PERIOD_S;
    books->allocated_core_s +=
        allocated == KUBE_ABSENT ? 0 : (double)allocated / 1000 * NODE_PERIOD_S;
    books->periods += limit == KUBE_ABSENT ? 0 : 1;
}

static void
close_pod(struct node_sim *sim, size_t pod, uint64_t end_ms)
{
    struct node_books *books = &sim->pods[pod].books;
    bool any = false;

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        struct node_container *c = &sim->pods[pod].containers[i];
        bool throttled = count_container(c);
        book_container(books, c);
        books->throttled_periods += throttled ? 1 : 0;
        any = any || throttled;
    }
    node_episode_period(sim, pod, end_ms, any);
}

void
node_cpu_period(struct node_sim *sim, size_t node, uint64_t end_ms)
{
    double wanted = 0;

    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        wanted += ask_pod(sim, sim->order[i], end_ms);
    }
    if (wanted > (double)sim->config.nodes[node].allocatable[GT_CPU] / 1000) {
        share_node(sim, node);
    }
    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        close_pod(sim, sim->order[i], end_ms);
    }
}
