/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/capacity.h"

#include <string.h>

#include "arbiter/roster.h"
#include "common/rng.h"

size_t
capacity_size(uint32_t max_nodes, uint32_t max_pods)
{
    return table_size(max_nodes, sizeof(struct capacity_node)) +
           table_size(max_pods, sizeof(struct capacity_pod));
}

void
capacity_init(struct capacity *c, void *memory, uint32_t max_nodes,
              uint32_t max_pods)
{
    size_t nodes = table_size(max_nodes, sizeof(struct capacity_node));

    memset(c, 0, sizeof(*c));
    table_init(&c->nodes, memory, max_nodes, sizeof(struct capacity_node),
               KUBE_NAME_MAX);
    table_init(&c->pods, (unsigned char *)memory + nodes, max_pods,
               sizeof(struct capacity_pod), KUBE_UID_MAX);
}

struct capacity_node *
capacity_node(const struct capacity *c, uint32_t node)
{
    return table_at(&c->nodes, node);
}

struct capacity_pod *
capacity_pod(const struct capacity *c, uint32_t pod)
{
    return table_at(&c->pods, pod);
}

uint32_t
capacity_next_pod(const struct capacity *c, uint32_t pod)
{
    return capacity_pod(c, pod)->next;
}

uint32_t
capacity_find_pod(const struct capacity *c, const char *uid)
{
    return table_find(&c->pods, uid);
}

uint32_t
capacity_find_node(const struct capacity *c, const char *name)
{
    return table_find(&c->nodes, name);
}

static uint32_t
have_node(struct capacity *c, const char *name)
{
    uint32_t node = table_find(&c->nodes, name);

    if (node == TABLE_NONE) {
        node = table_add(&c->nodes, name);
        if (node != TABLE_NONE) {
            capacity_node(c, node)->first = TABLE_NONE;
            capacity_node(c, node)->serial = ++c->serials;
        }
    }
    return node;
}

/* What neither the API nor a pod names goes. */
static void
release_node(struct capacity *c, uint32_t node)
{
    const struct capacity_node *n = capacity_node(c, node);

    if (n->pods == 0 && !n->in_api) {
        table_remove(&c->nodes, node);
    }
}

static void
add_load(struct capacity_node *n, const struct capacity_pod *p, int sign)
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        n->loads[r].lo += sign * p->claims[r].lo;
        n->loads[r].hi += sign * p->claims[r].hi;
        n->loads[r].mid += sign * p->claims[r].mid;
    }
}

static void
unbind(struct capacity *c, uint32_t pod)
{
    struct capacity_pod *p = capacity_pod(c, pod);
    struct capacity_node *n;

    if (p->node == TABLE_NONE) {
        return;
    }
    n = capacity_node(c, p->node);
    add_load(n, p, -1);
    if (p->prev != TABLE_NONE) {
        capacity_pod(c, p->prev)->next = p->next;
    } else {
        n->first = p->next;
    }
    if (p->next != TABLE_NONE) {
        capacity_pod(c, p->next)->prev = p->prev;
    }
    n->pods--;
    release_node(c, p->node);
    p->node = TABLE_NONE;
}

static void
bind(struct capacity *c, uint32_t pod, uint32_t node)
{
    struct capacity_pod *p = capacity_pod(c, pod);
    struct capacity_node *n;

    if (p->node == node) {
        return;
    }
    unbind(c, pod);
    p->node = node;
    p->prev = TABLE_NONE;
    n = capacity_node(c, node);
    p->next = n->first;
    if (n->first != TABLE_NONE) {
        capacity_pod(c, n->first)->prev = pod;
    }
    n->first = pod;
    n->pods++;
    add_load(n, p, +1);
}

static uint32_t
have_pod(struct capacity *c, const char *uid)
{
    uint32_t pod = table_find(&c->pods, uid);

    if (pod == TABLE_NONE) {
        pod = table_add(&c->pods, uid);
        if (pod != TABLE_NONE) {
            capacity_pod(c, pod)->node = TABLE_NONE;
            capacity_pod(c, pod)->member = TABLE_NONE;
        }
    }
    return pod;
}

/* Binds to the node of that name; without room for it the pod is dropped. */
static bool
put(struct capacity *c, uint32_t pod, const char *name)
{
    uint32_t node = have_node(c, name);

    if (node == TABLE_NONE) {
        capacity_drop_pod(c, pod);
        return false;
    }
    bind(c, pod, node);
    return true;
}

uint32_t
capacity_have_pod(struct capacity *c, const char *uid, const char *node)
{
    uint32_t pod = have_pod(c, uid);

    if (pod == TABLE_NONE || capacity_pod(c, pod)->node != TABLE_NONE ||
        put(c, pod, node)) {
        return pod;
    }
    return TABLE_NONE;
}

uint32_t
capacity_take_node(struct capacity *c, const struct kube_node *node)
{
    uint32_t taken = have_node(c, node->name);
    struct capacity_node *n;

    if (taken == TABLE_NONE) {
        return TABLE_NONE;
    }
    n = capacity_node(c, taken);
    n->in_api = true;
    n->listing = c->listings[KUBE_OBJECT_NODE];
    memcpy(n->allocatable, node->allocatable, sizeof(n->allocatable));
    return taken;
}

/* Absent is nothing, and nothing is more than any machine has. */
static int64_t
sane(int64_t amount)
{
    if (amount < 0) {
        return 0;
    }
    return amount < ROSTER_AMOUNT_MAX ? amount : ROSTER_AMOUNT_MAX;
}

static void
take_container(struct capacity_container *out, const struct kube_container *in)
{
    out->name = gt_rng_hash(in->name);
    for (int r = 0; r < GT_RESOURCES; r++) {
        int64_t spec = sane(in->spec.requests[r]);
        int64_t actual = in->has_actual ? sane(in->actual.requests[r]) : spec;

        out->lo[r] = spec < actual ? spec : actual;
        out->hi[r] = spec < actual ? actual : spec;
    }
}

uint32_t
capacity_take_pod(struct capacity *c, const struct kube_pod *pod)
{
    uint32_t taken = have_pod(c, pod->uid);
    struct capacity_pod *p;

    if (taken == TABLE_NONE) {
        return TABLE_NONE;
    }
    p = capacity_pod(c, taken);
    p->in_api = true;
    p->finished = pod->finished;
    p->listing = c->listings[KUBE_OBJECT_POD];
    p->containers_len = pod->containers_len;
    for (size_t i = 0; i < pod->containers_len; i++) {
        take_container(&p->containers[i], &pod->containers[i]);
    }
    for (int r = 0; r < GT_RESOURCES; r++) {
        p->sidecars[r] = sane(pod->sidecar_requests[r]);
    }
    if (pod->node[0] != '\0' && !put(c, taken, pod->node)) {
        return TABLE_NONE;
    }
    return taken;
}

void
capacity_claim(struct capacity *c, uint32_t pod,
               const struct capacity_claim claims[GT_RESOURCES])
{
    struct capacity_pod *p = capacity_pod(c, pod);

    if (p->node != TABLE_NONE) {
        add_load(capacity_node(c, p->node), p, -1);
    }
    memcpy(p->claims, claims, sizeof(p->claims));
    if (p->node != TABLE_NONE) {
        add_load(capacity_node(c, p->node), p, +1);
    }
}

void
capacity_drop_pod(struct capacity *c, uint32_t pod)
{
    unbind(c, pod);
    table_remove(&c->pods, pod);
}

void
capacity_drop_node(struct capacity *c, uint32_t node)
{
    struct capacity_node *n = capacity_node(c, node);

    n->in_api = false;
    memset(n->allocatable, 0, sizeof(n->allocatable));
    release_node(c, node);
}

void
capacity_listing(struct capacity *c, enum kube_object object)
{
    c->listings[object]++;
}

uint32_t
capacity_stale_pod(const struct capacity *c, uint32_t *cursor)
{
    uint32_t pod;

    while ((pod = table_next(&c->pods, cursor)) != TABLE_NONE) {
        const struct capacity_pod *p = capacity_pod(c, pod);

        if (p->in_api && p->listing != c->listings[KUBE_OBJECT_POD]) {
            break;
        }
    }
    return pod;
}

uint32_t
capacity_stale_node(const struct capacity *c, uint32_t *cursor)
{
    uint32_t node;

    while ((node = table_next(&c->nodes, cursor)) != TABLE_NONE) {
        const struct capacity_node *n = capacity_node(c, node);

        if (n->in_api && n->listing != c->listings[KUBE_OBJECT_NODE]) {
            break;
        }
    }
    return node;
}
