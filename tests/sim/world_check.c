/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must never happen, looked at when it could:
 *
 * - a request below the floor, or above the max, that is not the pod's own;
 * - growth without a green light while the arbiter is heard;
 * - memory taken away without a handshake that holds;
 * - a second resize in flight, but a growth in place of a shrink;
 * - more granted than the node can bear, as far as the arbiter can know;
 * - a fall of the potential along admitted moves.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world_state.h"

void
world_violated(struct world *w, size_t pod, const char *rule)
{
    if (w->violation[0] == '\0') {
        (void)snprintf(w->violation, sizeof(w->violation),
                       "t=%" PRIu64 ".%03u %s: %s", w->now_ms / 1000,
                       (unsigned)(w->now_ms % 1000), w->nodes.pods[pod].name,
                       rule);
    }
}

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void
check_amount(struct world *w, size_t pod, const struct player *p,
             int64_t request)
{
    if (request == KUBE_ABSENT) {
        return;
    }
    if (request < p->floor && request < p->current) {
        world_violated(w, pod, "a request below the floor");
    }
    if (request > p->max && request > p->current && request > p->floor) {
        world_violated(w, pod, "a request above the max");
    }
}

static void
check_light(struct world *w, size_t pod, size_t container,
            const struct player *p, int64_t request)
{
    const struct world_claim *claim =
        &w->pods[pod].claims[container][p->resource];

    if (request > p->current && request != claim->granted &&
        !mesh_alone(&w->pods[pod].agent->mesh, world_time(w))) {
        world_violated(w, pod, "growth without a green light");
    }
}

static void
check_handshake(struct world *w, size_t pod, size_t container, int64_t limit,
                int64_t in_force)
{
    const struct handshake *h = &w->pods[pod].agent->handshake;

    if (limit == KUBE_ABSENT || in_force == KUBE_ABSENT || limit >= in_force) {
        return;
    }
    if (h->phase != HANDSHAKE_HOLDING || h->owner != HANDSHAKE_OWN ||
        h->container != container || h->target_bytes != limit) {
        world_violated(w, pod, "memory taken away without a handshake");
    }
}

/* Returns whether @change grows something. */
static bool
check_change(struct world *w, size_t pod, size_t container,
             const struct kube_change *change)
{
    const struct agent *a = w->pods[pod].agent;
    struct kube_pod view;
    bool grows = false;

    node_pod_view(w->sim, pod, &view);
    for (int r = 0; r < GT_RESOURCES; r++) {
        const struct player *p = &a->containers[container].players[r];
        int64_t request = change->to.requests[r];

        check_amount(w, pod, p, request);
        check_light(w, pod, container, p, request);
        grows = grows || request > p->current;
    }
    check_handshake(w, pod, container, change->to.limits[GT_MEMORY],
                    view.containers[container].actual.limits[GT_MEMORY]);
    return grows;
}

static size_t
container_of(const struct kube_pod *pod, const char *name)
{
    size_t i = 0;

    while (i + 1 < pod->containers_len &&
           strcmp(pod->containers[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void
check_patch(struct world *w, size_t pod, enum resize_phase was,
            const struct kube_patch *patch)
{
    struct world_pod *p = &w->pods[pod];
    const struct agent *a = p->agent;
    bool grows = false;

    if (a->resize.phase == RESIZE_WITHDRAWING) {
        return; /* back to what was settled */
    }
    if (was != RESIZE_IDLE && p->growing) {
        world_violated(w, pod, "two resizes in flight");
    }
    for (size_t i = 0; i < patch->changes_len; i++) {
        size_t k = container_of(&a->pod, patch->changes[i].name);

        grows = check_change(w, pod, k, &patch->changes[i]) || grows;
    }
    if (was != RESIZE_IDLE && !grows) {
        world_violated(w, pod, "a shrink in place of a resize in flight");
    }
    p->growing = grows;
}

void
world_check_step(struct world *w, size_t pod, enum resize_phase was,
                 const struct agent_update *update)
{
    if (update->todo & AGENT_DO_PATCH) {
        check_patch(w, pod, was, &update->patch);
    }
}

/* What one player holds or may be about to, as far as the arbiter knows. */
static int64_t
claimed(const struct world *w, const struct world_claim *claim)
{
    int64_t granted = w->now_ms < claim->expires_ms ? claim->granted : 0;

    return larger(claim->seen, larger(claim->told, granted));
}

static int64_t
node_claim(const struct world *w, size_t node, enum gt_resource resource)
{
    int64_t sum = 0;

    for (size_t i = 0; i < w->pods_len; i++) {
        const struct node_pod_spec *spec = &w->nodes.pods[i];

        for (size_t k = 0; spec->node == node && k < spec->containers_len;
             k++) {
            sum += claimed(w, &w->pods[i].claims[k][resource]);
        }
    }
    return sum;
}

static size_t
pod_of(const struct world *w, const char *id)
{
    size_t i = 0;

    while (i < w->pods_len && strcmp(w->nodes.pods[i].uid, id) != 0) {
        i++;
    }
    return i;
}

static void
book_light(struct world *w, const struct wire_signal *signal,
           const struct wire_light *light)
{
    size_t pod = pod_of(w, light->id);
    struct world_claim *claim;

    if (pod == w->pods_len) {
        world_violated(w, 0, "a light for nobody");
        return;
    }
    claim = &w->pods[pod].claims[light->container][light->resource];
    claim->granted = light->amount;
    claim->arbiter = signal->incarnation;
    claim->epoch = signal->epoch;
    claim->expires_ms = w->now_ms + w->config.bus.delay_ms +
                        w->config.bus.late_ms + signal->deadline_ms;
}

static void
check_node(struct world *w, size_t pod, enum gt_resource resource)
{
    size_t node = w->nodes.pods[pod].node;

    if (!w->config.simultaneous &&
        node_claim(w, node, resource) >
            w->seen_specs[node].allocatable[resource]) {
        world_violated(w, pod, "more granted than the node can bear");
    }
}

void
world_check_signal(struct world *w, const struct wire_signal *signal)
{
    for (size_t i = 0; i < signal->lights_len; i++) {
        const struct wire_light *light = &signal->lights[i];

        if (light->color == WIRE_GREEN) {
            book_light(w, signal, light);
        }
    }
    for (size_t i = 0; i < signal->lights_len; i++) {
        const struct wire_light *light = &signal->lights[i];
        size_t pod = pod_of(w, light->id);

        if (light->color == WIRE_GREEN && pod < w->pods_len &&
            light->amount >
                w->pods[pod].claims[light->container][light->resource].seen) {
            check_node(w, pod, light->resource);
        }
    }
}

static void
believe(struct world_claim *claim, const struct wire_strategy *strategy,
        int64_t target)
{
    claim->told = target;
    if (strategy->heard_incarnation == claim->arbiter &&
        strategy->heard_epoch >= claim->epoch) {
        claim->expires_ms = 0;
    }
}

void
world_check_heard(struct world *w, size_t pod,
                  const struct wire_strategy *strategy)
{
    struct world_pod *p = &w->pods[pod];

    if (strategy->incarnation != p->config.incarnation ||
        strategy->seq <= p->heard_seq) {
        return; /* old: it tells nothing */
    }
    p->heard_seq = strategy->seq;
    for (size_t i = 0; i < strategy->containers_len; i++) {
        for (int r = 0; r < GT_RESOURCES; r++) {
            believe(&p->claims[i][r], strategy,
                    strategy->containers[i].players[r].target);
        }
    }
}

void
world_check_watch(struct world *w, size_t pod, const struct kube_pod *seen)
{
    for (size_t i = 0; i < seen->containers_len; i++) {
        const struct kube_container *c = &seen->containers[i];

        for (int r = 0; r < GT_RESOURCES; r++) {
            w->pods[pod].claims[i][r].seen =
                larger(c->spec.requests[r], larger(c->actual.requests[r], 0));
        }
    }
}

void
world_check_node(struct world *w, size_t node, const struct kube_node *seen)
{
    memcpy(w->seen_specs[node].allocatable, seen->allocatable,
           sizeof(seen->allocatable));
}

void
world_check_forget(struct world *w, size_t pod)
{
    for (size_t i = 0; i < KUBE_CONTAINERS_MAX; i++) {
        for (int r = 0; r < GT_RESOURCES; r++) {
            w->pods[pod].claims[i][r].told = 0;
            w->pods[pod].claims[i][r].expires_ms = 0;
        }
    }
}

void
world_check_arbiter(struct world *w)
{
    if (!w->config.simultaneous &&
        arbiter_counts(w->arbiter)->potential_drops > 0) {
        world_violated(w, 0, "the potential fell");
    }
}
