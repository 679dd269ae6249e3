/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/node_state.h"

/* What counts is the request; a limit alone is one as well. */
static int64_t
request_of(const struct kube_resources *r, enum gt_resource resource)
{
    int64_t request = r->requests[resource];

    request = request == KUBE_ABSENT ? r->limits[resource] : request;
    return request == KUBE_ABSENT ? 0 : request;
}

enum kube_qos
node_qos(const struct kube_resources *resources, size_t len)
{
    bool any = false;
    bool guaranteed = true;

    for (size_t i = 0; i < len; i++) {
        for (int r = 0; r < GT_RESOURCES; r++) {
            int64_t request = resources[i].requests[r];
            int64_t limit = resources[i].limits[r];
            any = any || request > 0 || limit > 0;
            guaranteed = guaranteed && limit > 0 &&
                         (request == limit || request == KUBE_ABSENT);
        }
    }
    if (!any) {
        return KUBE_BEST_EFFORT;
    }
    return guaranteed ? KUBE_GUARANTEED : KUBE_BURSTABLE;
}

static void
set_due(struct node_sim *sim, struct node_pod *pod, uint64_t due_ms)
{
    pod->due_ms = due_ms;
    if (due_ms < sim->wake_ms) {
        sim->wake_ms = due_ms;
    }
}

/* Is the pair one that an API server takes in place of @old? */
static bool
pair_is_valid(const struct kube_resources *old,
              const struct kube_resources *new, int r)
{
    int64_t request = new->requests[r];
    int64_t limit = new->limits[r];

    return request >= KUBE_ABSENT && limit >= KUBE_ABSENT &&
           (limit == KUBE_ABSENT || request <= limit) &&
           (old->requests[r] == KUBE_ABSENT || request != KUBE_ABSENT) &&
           (old->limits[r] == KUBE_ABSENT || limit != KUBE_ABSENT);
}

static bool
fits_the_node(const struct node_sim *sim, size_t pod,
              const struct kube_resources *wished, enum gt_resource r)
{
    size_t node = sim->config.pods[pod].node;
    int64_t sum = 0;

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        sum += request_of(&wished[i], r);
    }
    return sum <= sim->config.nodes[node].allocatable[r];
}

enum node_refusal
node_resize_check(const struct node_sim *sim, size_t pod,
                  const struct kube_resources *wished)
{
    struct kube_resources old[KUBE_CONTAINERS_MAX];
    size_t len = node_containers(sim, pod);

    for (size_t i = 0; i < len; i++) {
        old[i] = sim->pods[pod].containers[i].wished;
        if (!pair_is_valid(&old[i], &wished[i], GT_CPU) ||
            !pair_is_valid(&old[i], &wished[i], GT_MEMORY)) {
            return NODE_E_INVALID;
        }
    }
    if (node_qos(old, len) != node_qos(wished, len)) {
        return NODE_E_INVALID;
    }
    return fits_the_node(sim, pod, wished, GT_CPU) &&
                   fits_the_node(sim, pod, wished, GT_MEMORY)
               ? NODE_OK
               : NODE_E_CAPACITY;
}

static bool
same_resources(const struct kube_resources *a, const struct kube_resources *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
raises_cpu(const struct kube_resources *from, const struct kube_resources *to)
{
    return to->limits[GT_CPU] > from->limits[GT_CPU] ||
           to->requests[GT_CPU] > from->requests[GT_CPU];
}

enum node_refusal
node_resize(struct node_sim *sim, size_t pod,
            const struct kube_resources *wished)
{
    struct node_pod *p = &sim->pods[pod];
    enum node_refusal refusal = node_resize_check(sim, pod, wished);
    bool changes = false;
    bool grows = false;

    if (refusal != NODE_OK) {
        p->books.refused++;
        return refusal;
    }
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        struct kube_resources *old = &p->containers[i].wished;
        changes = changes || !same_resources(old, &wished[i]);
        grows = grows || raises_cpu(old, &wished[i]);
        *old = wished[i];
    }
    if (!changes) {
        return NODE_OK;
    }
    p->generation++;
    p->books.resizes++;
    p->phase = NODE_UNSEEN;
    p->accepted_ms = sim->now_ms;
    set_due(sim, p, sim->now_ms + NODE_SYNC_MS);
    node_changed(sim, p);
    if (grows) {
        node_episode_grown(sim, pod);
    }
    return NODE_OK;
}

/* What the other pods of the node have or are being given. */
static int64_t
taken_by_others(const struct node_sim *sim, size_t pod, enum gt_resource r)
{
    size_t node = sim->config.pods[pod].node;
    int64_t sum = 0;

    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        size_t other = sim->order[i];
        for (size_t k = 0; other != pod && k < node_containers(sim, other);
             k++) {
            const struct node_container *c = &sim->pods[other].containers[k];
            int64_t allocated = request_of(&c->allocated, r);
            int64_t actual = request_of(&c->actual, r);
            sum += allocated > actual ? allocated : actual;
        }
    }
    return sum;
}

/* Does the wish fit beside the others?  If not, the message says why. */
static bool
fits(const struct node_sim *sim, size_t pod, char message[KUBE_MESSAGE_MAX])
{
    size_t node = sim->config.pods[pod].node;

    for (int i = 0; i < GT_RESOURCES; i++) {
        enum gt_resource r = (enum gt_resource)i;
        int64_t wished = 0;
        for (size_t k = 0; k < node_containers(sim, pod); k++) {
            wished += request_of(&sim->pods[pod].containers[k].wished, r);
        }
        int64_t used = taken_by_others(sim, pod, r);
        int64_t capacity = sim->config.nodes[node].allocatable[r];
        if (wished + used > capacity) {
            (void)snprintf(message, KUBE_MESSAGE_MAX,
                           "Node didn't have enough resource: %s, requested: "
                           "%" PRId64 ", used: %" PRId64 ", capacity: %" PRId64,
                           gt_resource_name(r), wished, used, capacity);
            return false;
        }
    }
    return true;
}

/* The kubelet's gate: page cache counts as usage. */
static bool
lowers_below_usage(const struct node_sim *sim, size_t pod,
                   char message[KUBE_MESSAGE_MAX])
{
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        const struct node_container *c = &sim->pods[pod].containers[i];
        int64_t limit = c->allocated.limits[GT_MEMORY];
        int64_t actual = c->actual.limits[GT_MEMORY];
        int64_t usage = node_memory_current(c);
        bool lowers =
            limit != KUBE_ABSENT && (actual == KUBE_ABSENT || limit < actual);
        if (lowers && usage >= limit) {
            (void)snprintf(message, KUBE_MESSAGE_MAX,
                           "cannot decrease memory limits: attempting to set "
                           "container \"%s\" memory limit (%" PRId64
                           ") below current usage (%" PRId64 ")",
                           sim->config.pods[pod].containers[i].name, limit,
                           usage);
            return true;
        }
    }
    return false;
}

/* Something got smaller: deferred pods of the node look again. */
static void
wake_deferred(struct node_sim *sim, size_t node, uint64_t now_ms)
{
    for (size_t i = sim->first[node]; i < sim->first[node + 1]; i++) {
        struct node_pod *pod = &sim->pods[sim->order[i]];
        if (pod->phase == NODE_DEFERRED) {
            pod->accepted_ms = now_ms;
            set_due(sim, pod, now_ms + NODE_SYNC_MS);
        }
    }
}

static void
settle(struct node_sim *sim, size_t pod, uint64_t now_ms)
{
    struct node_pod *p = &sim->pods[pod];

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        p->containers[i].actual = p->containers[i].allocated;
    }
    p->phase = NODE_SETTLED;
    p->condition = KUBE_RESIZE_NONE;
    p->message[0] = '\0';
    p->due_ms = GT_NEVER_MS;
    node_changed(sim, p);
    wake_deferred(sim, sim->config.pods[pod].node, now_ms);
}

static void
defer(struct node_sim *sim, size_t pod, const char *message)
{
    struct node_pod *p = &sim->pods[pod];

    p->due_ms = GT_NEVER_MS;
    if (p->phase == NODE_DEFERRED) {
        return; /* still: nothing to tell */
    }
    p->phase = NODE_DEFERRED;
    p->condition = KUBE_RESIZE_DEFERRED;
    p->observed_generation = p->generation;
    p->books.deferred++;
    (void)snprintf(p->message, sizeof(p->message), "%s", message);
    node_changed(sim, p);
}

static bool
is_enforced(const struct node_sim *sim, size_t pod)
{
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        const struct node_container *c = &sim->pods[pod].containers[i];
        if (!same_resources(&c->allocated, &c->actual)) {
            return false;
        }
    }
    return true;
}

/* Nothing but what is allocated: there is nothing to admit. */
static bool
is_allocated(const struct node_sim *sim, size_t pod)
{
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        const struct node_container *c = &sim->pods[pod].containers[i];
        if (!same_resources(&c->allocated, &c->wished)) {
            return false;
        }
    }
    return true;
}

/* The kubelet sees the wish: allocates it or defers it. */
static void
admit(struct node_sim *sim, size_t pod, uint64_t now_ms)
{
    struct node_pod *p = &sim->pods[pod];
    char message[KUBE_MESSAGE_MAX];

    if (!is_allocated(sim, pod) && !fits(sim, pod, message)) {
        defer(sim, pod, message);
        return;
    }
    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        p->containers[i].allocated = p->containers[i].wished;
    }
    p->observed_generation = p->generation;
    if (is_enforced(sim, pod)) {
        settle(sim, pod, now_ms);
        return;
    }
    p->phase = NODE_ENFORCING;
    p->condition = KUBE_RESIZE_IN_PROGRESS;
    p->message[0] = '\0';
    set_due(sim, p, p->accepted_ms + sim->config.latency_ms);
    node_changed(sim, p);
}

static void
enforce(struct node_sim *sim, size_t pod, uint64_t now_ms)
{
    struct node_pod *p = &sim->pods[pod];
    char message[KUBE_MESSAGE_MAX];

    if (!lowers_below_usage(sim, pod, message)) {
        settle(sim, pod, now_ms);
        return;
    }
    /* The condition says so only when the second attempt fails as well. */
    if (p->phase == NODE_STUCK) {
        p->condition = KUBE_RESIZE_ERROR;
        (void)snprintf(p->message, sizeof(p->message), "%s", message);
        node_changed(sim, p);
    }
    p->phase = NODE_STUCK;
    set_due(sim, p, now_ms + NODE_RETRY_MS);
}

void
node_kubelet(struct node_sim *sim, size_t pod, uint64_t now_ms)
{
    switch (sim->pods[pod].phase) {
    case NODE_SETTLED:
        sim->pods[pod].due_ms = GT_NEVER_MS;
        break;
    case NODE_UNSEEN:
    case NODE_DEFERRED:
        admit(sim, pod, now_ms);
        break;
    case NODE_ENFORCING:
    case NODE_STUCK:
        enforce(sim, pod, now_ms);
        break;
    }
}

/* The container of @change, which must not come before @from. */
static size_t
find_container(const struct node_sim *sim, size_t pod, const char *name,
               size_t from)
{
    const struct node_pod_spec *spec = &sim->config.pods[pod];

    while (from < spec->containers_len &&
           strcmp(spec->containers[from].name, name) != 0) {
        from++;
    }
    return from;
}

static void
apply_change(struct kube_resources *to, const struct kube_resources *change)
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        if (change->requests[r] != KUBE_ABSENT) {
            to->requests[r] = change->requests[r];
        }
        if (change->limits[r] != KUBE_ABSENT) {
            to->limits[r] = change->limits[r];
        }
    }
}

static bool
wish_of(const struct node_sim *sim, size_t pod, const struct kube_patch *patch,
        struct kube_resources wished[KUBE_CONTAINERS_MAX])
{
    size_t at = 0;

    for (size_t i = 0; i < node_containers(sim, pod); i++) {
        wished[i] = sim->pods[pod].containers[i].wished;
    }
    for (size_t i = 0; i < patch->changes_len; i++, at++) {
        at = find_container(sim, pod, patch->changes[i].name, at);
        if (at == node_containers(sim, pod)) {
            return false;
        }
        apply_change(&wished[at], &patch->changes[i].to);
    }
    return patch->uid[0] == '\0' ||
           strcmp(patch->uid, sim->config.pods[pod].uid) == 0;
}

void
node_patch(struct node_sim *sim, size_t pod, const struct kube_patch *patch,
           struct kube_answer *out)
{
    struct kube_resources wished[KUBE_CONTAINERS_MAX];
    enum node_refusal refusal = NODE_E_INVALID;

    memset(out, 0, sizeof(*out));
    if (wish_of(sim, pod, patch, wished)) {
        refusal = node_resize(sim, pod, wished);
    }
    switch (refusal) {
    case NODE_OK:
        out->outcome = KUBE_APPLIED;
        out->status = 200;
        node_pod_view(sim, pod, &out->pod);
        break;
    case NODE_E_CAPACITY:
        out->outcome = KUBE_E_NODE_CAPACITY;
        out->status = 403;
        (void)snprintf(out->message, sizeof(out->message),
                       "node didn't have enough allocatable resources");
        break;
    case NODE_E_INVALID:
        out->outcome = KUBE_E_INVALID;
        out->status = 422;
        (void)snprintf(out->message, sizeof(out->message), "pod is invalid");
        break;
    }
}
