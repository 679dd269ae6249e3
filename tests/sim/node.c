/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "tests/sim/node_state.h"

/* Where the parts lie behind struct node_sim. */
struct layout {
    size_t pods, order, first, overcommit, end;
};

static struct layout
lay_out(const struct node_config *config)
{
    struct layout l = {.pods = sizeof(struct node_sim)};

    l.order = l.pods + config->pods_len * sizeof(struct node_pod);
    l.first = l.order + config->pods_len * sizeof(size_t);
    l.overcommit = l.first + (config->nodes_len + 1) * sizeof(size_t);
    l.end = l.overcommit + config->nodes_len * sizeof(uint64_t);
    return l;
}

size_t
node_size(const struct node_config *config)
{
    return lay_out(config).end;
}

/* Appends the pods of @node to the order; returns where the next begin. */
static size_t
order_node(struct node_sim *sim, size_t node, size_t next)
{
    for (size_t p = 0; p < sim->config.pods_len; p++) {
        if (sim->config.pods[p].node == node) {
            sim->order[next++] = p;
        }
    }
    return next;
}

static void
order_pods(struct node_sim *sim)
{
    sim->first[0] = 0;
    for (size_t n = 0; n < sim->config.nodes_len; n++) {
        sim->first[n + 1] = order_node(sim, n, sim->first[n]);
    }
}

static void
start_pod(struct node_sim *sim, size_t index)
{
    const struct node_pod_spec *spec = &sim->config.pods[index];
    struct node_pod *pod = &sim->pods[index];

    for (size_t i = 0; i < spec->containers_len; i++) {
        struct node_container *c = &pod->containers[i];
        c->wished = spec->containers[i].resources;
        c->allocated = c->wished;
        c->actual = c->wished;
    }
    pod->generation = 1;
    pod->observed_generation = 1;
    pod->due_ms = GT_NEVER_MS;
    node_changed(sim, pod);
}

struct node_sim *
node_init(void *memory, const struct node_config *config)
{
    struct layout l = lay_out(config);
    struct node_sim *sim = memory;
    char *bytes = memory;

    memset(memory, 0, l.end);
    sim->config = *config;
    sim->pods = (struct node_pod *)(void *)(bytes + l.pods);
    sim->order = (size_t *)(void *)(bytes + l.order);
    sim->first = (size_t *)(void *)(bytes + l.first);
    sim->overcommit = (uint64_t *)(void *)(bytes + l.overcommit);
    sim->now_ms = config->start_ms;
    sim->wake_ms = GT_NEVER_MS;
    sim->version = config->nodes_len; /* one for each Node object */
    order_pods(sim);
    for (size_t i = 0; i < config->pods_len; i++) {
        start_pod(sim, i);
    }
    for (size_t n = 0; n < config->nodes_len; n++) {
        node_memory_period(sim, n, config->start_ms);
    }
    return sim;
}

static void
live_period(struct node_sim *sim, uint64_t end_ms)
{
    sim->period++;
    for (size_t n = 0; n < sim->config.nodes_len; n++) {
        node_cpu_period(sim, n, end_ms);
        node_memory_period(sim, n, end_ms);
        if (sim->period % (1000 / NODE_PERIOD_MS) == 0) {
            node_overcommit_sample(sim, n);
        }
    }
}

static void
do_due(struct node_sim *sim, uint64_t now_ms)
{
    sim->wake_ms = GT_NEVER_MS;
    for (size_t p = 0; p < sim->config.pods_len; p++) {
        if (sim->pods[p].due_ms <= now_ms) {
            node_kubelet(sim, p, now_ms);
        }
    }
    /* A deed may have woken a pod that was passed already. */
    for (size_t p = 0; p < sim->config.pods_len; p++) {
        if (sim->pods[p].due_ms < sim->wake_ms) {
            sim->wake_ms = sim->pods[p].due_ms;
        }
    }
}

void
node_advance(struct node_sim *sim, uint64_t now_ms)
{
    for (;;) {
        uint64_t end_ms =
            sim->config.start_ms + (sim->period + 1) * NODE_PERIOD_MS;
        if (end_ms <= now_ms && end_ms <= sim->wake_ms) {
            sim->now_ms = end_ms;
            live_period(sim, end_ms);
        } else if (sim->wake_ms <= now_ms) {
            sim->now_ms = sim->wake_ms;
            do_due(sim, sim->wake_ms);
        } else {
            break;
        }
    }
    if (now_ms > sim->now_ms) {
        sim->now_ms = now_ms;
    }
}

uint64_t
node_wake_ms(const struct node_sim *sim)
{
    return sim->wake_ms;
}

size_t
node_pods(const struct node_sim *sim)
{
    return sim->config.pods_len;
}

size_t
node_nodes(const struct node_sim *sim)
{
    return sim->config.nodes_len;
}

const struct node_pod_spec *
node_pod_spec(const struct node_sim *sim, size_t pod)
{
    return &sim->config.pods[pod];
}

size_t
node_find(const struct node_sim *sim, const char *space, const char *name)
{
    size_t i = 0;

    while (i < sim->config.pods_len &&
           (strcmp(sim->config.pods[i].name, name) != 0 ||
            strcmp(sim->config.pods[i].space, space) != 0)) {
        i++;
    }
    return i;
}

static void
view_container(const struct node_sim *sim, size_t pod, size_t index,
               struct kube_container *out)
{
    const struct node_container *c = &sim->pods[pod].containers[index];
    const char *name = sim->config.pods[pod].containers[index].name;

    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    out->spec = c->wished;
    out->actual = c->actual;
    out->has_actual = true;
    out->ready = true;
    out->restarts = c->restarts;
    /* 64 hexadecimal digits, others after each restart. */
    struct gt_rng rng = {gt_rng_hash(sim->config.pods[pod].uid) +
                         (uint64_t)c->restarts + gt_rng_hash(name)};
    uint64_t id[4];
    for (size_t i = 0; i < GT_ARRAY_LEN(id); i++) {
        id[i] = gt_rng_next(&rng);
    }
    (void)snprintf(out->container_id, sizeof(out->container_id),
                   "containerd://%016" PRIx64 "%016" PRIx64 "%016" PRIx64
                   "%016" PRIx64,
                   id[0], id[1], id[2], id[3]);
}

static void
view_annotations(const struct node_pod_spec *spec, struct kube_pod *out)
{
    static const char prefix[] = "scaling.mesh/";

    for (size_t i = 0; i < spec->annotations_len; i++) {
        const struct node_annotation *a = &spec->annotations[i];
        if (strncmp(a->key, prefix, sizeof(prefix) - 1) != 0) {
            continue;
        }
        struct kube_annotation *to = &out->annotations[out->annotations_len++];
        (void)snprintf(to->key, sizeof(to->key), "%s",
                       a->key + sizeof(prefix) - 1);
        (void)snprintf(to->value, sizeof(to->value), "%s", a->value);
    }
}

void
node_pod_view(const struct node_sim *sim, size_t pod, struct kube_pod *out)
{
    const struct node_pod_spec *spec = &sim->config.pods[pod];
    const struct node_pod *p = &sim->pods[pod];
    struct kube_resources first[KUBE_CONTAINERS_MAX];

    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "%s", spec->name);
    (void)snprintf(out->space, sizeof(out->space), "%s", spec->space);
    (void)snprintf(out->uid, sizeof(out->uid), "%s", spec->uid);
    (void)snprintf(out->workload, sizeof(out->workload), "%s", spec->workload);
    (void)snprintf(out->node, sizeof(out->node), "%s",
                   sim->config.nodes[spec->node].name);
    (void)snprintf(out->resource_version, sizeof(out->resource_version),
                   "%" PRIu64, p->version);
    (void)snprintf(out->resize_message, sizeof(out->resize_message), "%s",
                   p->message);
    out->generation = p->generation;
    out->observed_generation = p->observed_generation;
    out->resize = p->condition;
    out->containers_len = spec->containers_len;
    for (size_t i = 0; i < spec->containers_len; i++) {
        first[i] = p->containers[i].wished;
        view_container(sim, pod, i, &out->containers[i]);
    }
    out->qos = node_qos(first, spec->containers_len);
    view_annotations(spec, out);
}

void
node_allocated(const struct node_sim *sim, size_t pod, size_t container,
               struct kube_resources *out)
{
    *out = sim->pods[pod].containers[container].allocated;
}

void
node_node_view(const struct node_sim *sim, size_t node, struct kube_node *out)
{
    const struct node_spec *spec = &sim->config.nodes[node];

    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "%s", spec->name);
    (void)snprintf(out->resource_version, sizeof(out->resource_version), "%zu",
                   node + 1);
    memcpy(out->allocatable, spec->allocatable, sizeof(out->allocatable));
}

uint64_t
node_version(const struct node_sim *sim)
{
    return sim->version;
}

uint64_t
node_pod_version(const struct node_sim *sim, size_t pod)
{
    return sim->pods[pod].version;
}

void
node_pod_touch(struct node_sim *sim, size_t pod)
{
    node_changed(sim, &sim->pods[pod]);
}

void
node_cgroup(const struct node_sim *sim, size_t pod, size_t container,
            struct node_cgroup *out)
{
    const struct node_container *c = &sim->pods[pod].containers[container];
    int64_t file = (int64_t)c->file_bytes;
    int64_t current = node_memory_current(c);
    int64_t quota = c->actual.limits[GT_CPU];

    *out = (struct node_cgroup){
        .quota_us = quota == KUBE_ABSENT ? quota : quota * NODE_PERIOD_MS,
        .memory_limit = c->actual.limits[GT_MEMORY],
        .anon_bytes = (int64_t)c->anon_bytes,
        .file_bytes = file,
        .peak_bytes = c->peak_bytes,
        .usage_cores = c->usage_cores,
        .pressure_avg10 = c->pressure_avg10,
        .memory_max_events = c->memory_max_events,
    };
    out->sample = (struct cgroup_sample){
        .usage_us = c->usage_us,
        .periods = c->periods,
        .throttled_periods = c->throttled_periods,
        .throttled_us = c->throttled_us,
        .has_periods = quota != KUBE_ABSENT,
        .pressure_us = c->pressure_us,
        .has_pressure = true,
        .memory_bytes = current,
        .active_file_bytes = file / 10,
        .inactive_file_bytes = file - file / 10,
        .slab_reclaimable_bytes = current - file - (int64_t)c->anon_bytes,
        .oom_kills = c->oom_kills,
    };
}
