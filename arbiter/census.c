/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/census.h"

#include <inttypes.h>
#include <string.h>

static void
tell_back(struct arbiter *a, enum kube_object object)
{
    if (a->lost[object]) {
        a->lost[object] = false;
        gt_log_line(a->log, GT_LOG_INFO, "watch_back", "object=%s",
                    object == KUBE_OBJECT_POD ? "pods" : "nodes");
    }
}

static void
tell_full(struct arbiter *a, const char *what)
{
    if (a->counts.full++ == 0) {
        gt_log_line(a->log, GT_LOG_ERROR, "full", "first=%s", what);
    }
}

/* The bus or the API placed the pod elsewhere before: that was another one. */
static bool
has_moved(const struct arbiter *a, uint32_t pod, const struct kube_pod *now_in)
{
    uint32_t node = capacity_pod(&a->capacity, pod)->node;

    return node != TABLE_NONE && now_in->node[0] != '\0' &&
           strcmp(capacity_node(&a->capacity, node)->name, now_in->node) != 0;
}

static void
take_pod(struct arbiter *a, const struct kube_pod *pod)
{
    uint32_t known = capacity_find_pod(&a->capacity, pod->uid);
    uint32_t taken;

    if (known != TABLE_NONE && has_moved(a, known, pod)) {
        books_drop_pod(a, known, "misplaced");
    }
    taken = capacity_take_pod(&a->capacity, pod);
    if (taken == TABLE_NONE) {
        tell_full(a, "pod");
        return;
    }
    books_claim(a, taken);
}

void
census_pod(struct arbiter *a, const struct kube_watch_event *event)
{
    uint32_t pod;

    tell_back(a, KUBE_OBJECT_POD);
    if (event->kind == KUBE_WATCH_ADDED || event->kind == KUBE_WATCH_MODIFIED) {
        take_pod(a, &event->pod);
    } else if (event->kind == KUBE_WATCH_DELETED) {
        pod = capacity_find_pod(&a->capacity, event->pod.uid);
        if (pod != TABLE_NONE) {
            books_drop_pod(a, pod, "deleted");
        }
    }
}

static void
take_node(struct arbiter *a, const struct kube_node *node)
{
    uint32_t known = capacity_find_node(&a->capacity, node->name);
    int64_t before[GT_RESOURCES] = {0, 0};

    if (known != TABLE_NONE) {
        memcpy(before, capacity_node(&a->capacity, known)->allocatable,
               sizeof(before));
    }
    if (capacity_take_node(&a->capacity, node) == TABLE_NONE) {
        tell_full(a, "node");
        return;
    }
    if (memcmp(before, node->allocatable, sizeof(before)) != 0) {
        gt_log_line(a->log, GT_LOG_INFO, "capacity",
                    "node=%s cpu_milli=%" PRId64 " memory_bytes=%" PRId64,
                    node->name, node->allocatable[GT_CPU],
                    node->allocatable[GT_MEMORY]);
    }
}

static void
drop_node(struct arbiter *a, uint32_t node)
{
    gt_log_line(a->log, GT_LOG_INFO, "node_gone", "node=%s",
                capacity_node(&a->capacity, node)->name);
    capacity_drop_node(&a->capacity, node);
}

void
census_node(struct arbiter *a, const struct kube_watch_event *event)
{
    uint32_t node;

    tell_back(a, KUBE_OBJECT_NODE);
    if (event->kind == KUBE_WATCH_ADDED || event->kind == KUBE_WATCH_MODIFIED) {
        take_node(a, &event->node);
    } else if (event->kind == KUBE_WATCH_DELETED) {
        node = capacity_find_node(&a->capacity, event->node.name);
        if (node != TABLE_NONE) {
            drop_node(a, node);
        }
    }
}

static void
sweep_pods(struct arbiter *a)
{
    uint32_t cursor = 0;
    uint32_t pod;

    while ((pod = capacity_stale_pod(&a->capacity, &cursor)) != TABLE_NONE) {
        books_drop_pod(a, pod, "not_in_api");
    }
}

void
census_synced(struct arbiter *a, enum kube_object object)
{
    uint32_t cursor = 0;
    uint32_t node;

    tell_back(a, object);
    if (object == KUBE_OBJECT_POD) {
        sweep_pods(a);
    } else {
        while ((node = capacity_stale_node(&a->capacity, &cursor)) !=
               TABLE_NONE) {
            drop_node(a, node);
        }
    }
    if (!a->synced[object]) {
        a->synced[object] = true;
        gt_log_line(a->log, GT_LOG_INFO, "synced",
                    "object=%s pods=%" PRIu32 " nodes=%" PRIu32,
                    object == KUBE_OBJECT_POD ? "pods" : "nodes",
                    a->capacity.pods.used, a->capacity.nodes.used);
    }
}

void
census_lost(struct arbiter *a, enum kube_object object)
{
    a->counts.watch_lost[object]++;
    if (!a->lost[object]) {
        a->lost[object] = true;
        gt_log_line(a->log, GT_LOG_WARNING, "watch_lost", "object=%s",
                    object == KUBE_OBJECT_POD ? "pods" : "nodes");
    }
}
