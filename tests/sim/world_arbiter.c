/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tests/sim/world_state.h"

/* An agent notices within a second that the arbiter is back. */
#define RECONNECT_MS 1000

/* A change on its way; an arbiter that started since has listed it. */
struct change {
    uint64_t incarnation;
    struct kube_watch_event event;
};

static void
set_wake(struct world *w, uint64_t wake_ms)
{
    uint64_t at_ms = wake_ms > w->now_ms ? wake_ms : w->now_ms;

    if (at_ms != w->arbiter_wake_ms && at_ms != GT_NEVER_MS) {
        queue_push(&w->queue, at_ms, WORLD_ARBITER_WAKE, 0, NULL);
    }
    w->arbiter_wake_ms = at_ms;
}

void
world_arbiter_step(struct world *w, struct arbiter_event *event)
{
    struct arbiter_event pulled = {.kind = ARBITER_WAKE};
    struct arbiter_update update;
    struct wire_signal signal;

    if (w->arbiter == NULL) {
        return;
    }
    for (;;) {
        event->now = world_time(w);
        arbiter_step(w->arbiter, event, &update);
        world_check_arbiter(w);
        if (!(update.todo & ARBITER_DO_SIGNAL)) {
            break;
        }
        while (arbiter_next_signal(w->arbiter, world_time(w), &signal)) {
            world_send_signal(w, &signal);
        }
        event = &pulled;
    }
    set_wake(w, update.wake_ms);
}

void
world_arbiter_wake(struct world *w)
{
    struct arbiter_event event = {.kind = ARBITER_WAKE};

    if (w->arbiter_wake_ms == w->now_ms) { /* not put off since */
        w->arbiter_wake_ms = GT_NEVER_MS;
        world_arbiter_step(w, &event);
    }
}

static void
tell(struct world *w, enum arbiter_event_kind kind, enum kube_object object)
{
    struct arbiter_event event = {.kind = kind, .object = object};

    world_arbiter_step(w, &event);
}

static void
tell_pod(struct world *w, size_t pod, const struct kube_watch_event *watch)
{
    struct arbiter_event event = {.kind = ARBITER_POD, .watch = watch};

    world_check_watch(w, pod, &watch->pod);
    world_arbiter_step(w, &event);
}

static void
tell_node(struct world *w, size_t node, const struct kube_watch_event *watch)
{
    struct arbiter_event event = {.kind = ARBITER_NODE, .watch = watch};

    world_check_node(w, node, &watch->node);
    world_arbiter_step(w, &event);
}

static void
list(struct world *w)
{
    struct kube_watch_event watch = {.kind = KUBE_WATCH_ADDED};

    tell(w, ARBITER_LISTING, KUBE_OBJECT_NODE);
    for (size_t i = 0; i < w->nodes.nodes_len; i++) {
        node_node_view(w->sim, i, &watch.node);
        tell_node(w, i, &watch);
    }
    tell(w, ARBITER_SYNCED, KUBE_OBJECT_NODE);
    tell(w, ARBITER_LISTING, KUBE_OBJECT_POD);
    for (size_t i = 0; i < w->pods_len; i++) {
        node_pod_view(w->sim, i, &watch.pod);
        tell_pod(w, i, &watch);
    }
    tell(w, ARBITER_SYNCED, KUBE_OBJECT_POD);
}

void
world_arbiter_start(struct world *w)
{
    struct arbiter_config *config = &w->arbiter_config;
    struct arbiter_event event = {.kind = ARBITER_START};

    *config = arbiter_defaults();
    config->incarnation = world_incarnation(w);
    config->simultaneous = w->config.simultaneous;
    w->arbiter_log = (struct gt_log){
        .out = &w->transcript,
        .threshold = w->config.level,
        .who = "arbiter",
    };
    w->arbiter_wake_ms = GT_NEVER_MS;
    w->arbiter = arbiter_init(world_alloc(arbiter_size(config)), config,
                              &w->arbiter_log);
    world_arbiter_step(w, &event);
    list(w);
    for (size_t i = 0; i < w->pods_len; i++) {
        world_check_forget(w, i); /* the new one has heard nothing */
        uint64_t pause_ms = gt_rng_below(&w->rng, RECONNECT_MS);

        if (w->pods[i].agent != NULL) {
            queue_push(&w->queue, w->now_ms + pause_ms, WORLD_CONNECTED, i,
                       NULL);
        }
    }
}

void
world_arbiter_stop(struct world *w)
{
    free(w->arbiter);
    w->arbiter = NULL;
    w->arbiter_wake_ms = GT_NEVER_MS;
}

static struct change *
change_for(const struct world *w)
{
    struct change *change = world_alloc(sizeof(*change));

    change->incarnation = w->arbiter_config.incarnation;
    change->event.kind = KUBE_WATCH_MODIFIED;
    return change;
}

static void
push(struct world *w, enum world_kind kind, size_t index, struct change *change)
{
    queue_push(&w->queue, w->now_ms + w->config.watch_ms, kind, index, change);
}

void
world_watch(struct world *w)
{
    uint64_t version = node_version(w->sim);

    if (version == w->node_version) {
        return;
    }
    w->node_version = version;
    for (size_t i = 0; i < w->pods_len; i++) {
        if (node_pod_version(w->sim, i) != w->pods[i].version) {
            struct change *change = change_for(w);

            w->pods[i].version = node_pod_version(w->sim, i);
            node_pod_view(w->sim, i, &change->event.pod);
            push(w, WORLD_WATCH, i, change);
        }
    }
}

void
world_allocatable(struct world *w, size_t node, enum gt_resource resource,
                  int64_t amount)
{
    struct change *change = change_for(w);

    w->node_specs[node].allocatable[resource] = amount;
    node_node_view(w->sim, node, &change->event.node);
    push(w, WORLD_WATCH_NODE, node, change);
}

void
world_watch_arrives(struct world *w, const struct queue_event *event)
{
    const struct change *change = event->data;

    if (w->arbiter == NULL ||
        change->incarnation != w->arbiter_config.incarnation) {
        return;
    }
    if (event->kind == WORLD_WATCH) {
        tell_pod(w, event->index, &change->event);
    } else {
        tell_node(w, event->index, &change->event);
    }
}
