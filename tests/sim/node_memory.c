/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/sim/node_state.h"

#define SLAB_SHARE 0.01 /* reclaimable slab, of anonymous memory */
#define CACHE_PACE 0.01 /* of what is missing comes back each period */
#define FIT_MARGIN 0.98 /* of the target is filled with page cache at most */

double
node_recovery(const struct node_container *c, uint64_t now_ms)
{
    if (c->restarted_ms == 0) {
        return 1;
    }
    double since_s = (double)(now_ms - c->restarted_ms) / 1000;
    return fmin(1,
                NODE_RESTART + (1 - NODE_RESTART) * since_s / NODE_RECOVERY_S);
}

int64_t
node_memory_current(const struct node_container *c)
{
    return (int64_t)c->anon_bytes + (int64_t)c->file_bytes +
           (int64_t)(c->anon_bytes * SLAB_SHARE);
}

/* The page cache wants its share, slowly, and yields to the limit at once. */
static void
keep_cache(const struct node_sim *sim, struct node_container *c, double limit)
{
    double wanted = c->anon_bytes * sim->config.cache_share;
    double pace = sim->period == 0 ? 1 : CACHE_PACE; /* warm at the start */
    double room = fmax(0, limit - c->anon_bytes * (1 + SLAB_SHARE));

    if (c->file_bytes < wanted) {
        c->file_bytes += (wanted - c->file_bytes) * pace;
    } else {
        c->file_bytes = wanted;
    }
    if (c->file_bytes > room) {
        c->file_bytes = room;
        c->memory_max_events++;
    }
}

static void
kill_container(struct node_sim *sim, size_t pod, struct node_container *c,
               uint64_t now_ms)
{
    c->oom_kills++;
    c->restarts++;
    c->restarted_ms = now_ms;
    c->released_bytes = 0;
    sim->pods[pod].books.oom_kills++;
    node_changed(sim, &sim->pods[pod]);
}

static void
live_container(struct node_sim *sim, size_t pod, size_t index, uint64_t now_ms)
{
    const struct node_pod_spec *spec = &sim->config.pods[pod];
    struct node_container *c = &sim->pods[pod].containers[index];
    int64_t max = c->actual.limits[GT_MEMORY];
    double limit = max == KUBE_ABSENT ? HUGE_VAL : (double)max;
    double demand = node_demand(sim, pod, GT_MEMORY, now_ms) *
                    spec->containers[index].share;

    /* What it gave back stays given back, until its demand falls below. */
    c->released_bytes = fmin(c->released_bytes, spec->releasable * demand);
    c->anon_bytes = demand * node_recovery(c, now_ms) - c->released_bytes;
    c->anon_bytes = fmax(0, c->anon_bytes);
    if (c->anon_bytes > limit) {
        if (c->restarted_ms == 0 ||
            now_ms - c->restarted_ms >= NODE_BACKOFF_MS) {
            kill_container(sim, pod, c, now_ms);
        }
        c->anon_bytes = fmin(limit, demand * NODE_RESTART);
    }
    keep_cache(sim, c, limit);
    int64_t current = node_memory_current(c);
    c->peak_bytes = current > c->peak_bytes ? current : c->peak_bytes;
}

static void
book_container(struct node_books *books, const struct node_container *c)
{
    int64_t limit = c->actual.limits[GT_MEMORY];
    int64_t allocated =
        limit == KUBE_ABSENT ? c->actual.requests[GT_MEMORY] : limit;

    books->used_mib_s += c->anon_bytes / NODE_MIB * NODE_PERIOD_S;
    books->allocated_mib_s +=
        allocated == KUBE_ABSENT ? 0
                                 : (double)allocated / NODE_MIB * NODE_PERIOD_S;
}

static void
live_pod(struct node_sim *sim, size_t pod, uint64_t end_ms)
{
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        live_container(sim, pod, i, end_ms);
        if (end_ms > sim->config.start_ms) {
            book_container(&sim->pods[pod].books,
                           &sim->pods[pod].containers[i]);
        }
    }
}

void
node_memory_period(struct node_sim *sim, size_t node, uint64_t end_ms)
{
    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        live_pod(sim, sim->order[i], end_ms);
    }
}

/* A collection gives back all that is garbage, and cache down to the target. */
static void
release_container(struct node_container *c, double releasable, double target)
{
    double demand = c->anon_bytes + c->released_bytes;

    c->released_bytes = fmax(c->released_bytes, releasable * demand);
    c->anon_bytes = demand - c->released_bytes;
    double room = target * FIT_MARGIN - c->anon_bytes * (1 + SLAB_SHARE);
    c->file_bytes = fmin(c->file_bytes, fmax(0, room));
}

int64_t
node_release(struct node_sim *sim, size_t pod, int64_t target_bytes)
{
    const struct node_pod_spec *spec = &sim->config.pods[pod];
    int64_t current = 0;

    for (size_t i = 0; i < spec->containers_len; i++) {
        struct node_container *c = &sim->pods[pod].containers[i];
        release_container(c, spec->releasable,
                          (double)target_bytes * spec->containers[i].share);
        current += node_memory_current(c);
    }
    return current;
}
