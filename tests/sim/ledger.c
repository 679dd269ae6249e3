/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/ledger.h"

#include <stdio.h>

#include <json-c/json.h>

static void
put_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static void
put_count(struct json_object *object, const char *key, uint64_t count)
{
    json_object_object_add(object, key, json_object_new_int64((int64_t)count));
}

/* Six decimals: a microsecond of a core. */
static void
put_real(struct json_object *object, const char *key, double value)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%.6f", value);
    json_object_object_add(object, key, json_object_new_double_s(value, text));
}

static void
put_books(struct json_object *object, const struct node_books *books)
{
    put_real(object, "demanded_core_s", books->demanded_core_s);
    put_real(object, "used_core_s", books->used_core_s);
    put_real(object, "unserved_core_s", books->unserved_core_s);
    put_real(object, "allocated_core_s", books->allocated_core_s);
    put_real(object, "used_mib_s", books->used_mib_s);
    put_real(object, "allocated_mib_s", books->allocated_mib_s);
    put_count(object, "periods", books->periods);
    put_count(object, "throttled_periods", books->throttled_periods);
    put_count(object, "oom_kills", books->oom_kills);
    put_count(object, "resizes", books->resizes);
    put_count(object, "refused", books->refused);
    put_count(object, "deferred", books->deferred);
    put_count(object, "overcommit_samples", books->overcommit_samples);
}

static const char *
resize_word(enum kube_resize resize)
{
    static const char *const words[] = {
        [KUBE_RESIZE_NONE] = "",
        [KUBE_RESIZE_DEFERRED] = "deferred",
        [KUBE_RESIZE_INFEASIBLE] = "infeasible",
        [KUBE_RESIZE_IN_PROGRESS] = "in-progress",
        [KUBE_RESIZE_ERROR] = "error",
    };

    return words[resize];
}

/* Sums over the containers; an amount that is absent counts as 0. */
struct sums {
    double usage_cores;
    int64_t memory_bytes;
    int64_t requests[GT_RESOURCES];
    int64_t limits[GT_RESOURCES];
    int64_t restarts;
};

static int64_t
or_none(int64_t amount)
{
    return amount == KUBE_ABSENT ? 0 : amount;
}

static void
sum_pod(const struct node_sim *sim, size_t pod, const struct kube_pod *view,
        struct sums *out)
{
    *out = (struct sums){.usage_cores = 0};
    for (size_t i = 0; i < view->containers_len; i++) {
        const struct kube_resources *actual = &view->containers[i].actual;
        struct node_cgroup cgroup;
        node_cgroup(sim, pod, i, &cgroup);
        out->usage_cores += cgroup.usage_cores;
        out->memory_bytes += cgroup.sample.memory_bytes;
        out->restarts += view->containers[i].restarts;
        for (int r = 0; r < GT_RESOURCES; r++) {
            out->requests[r] += or_none(actual->requests[r]);
            out->limits[r] += or_none(actual->limits[r]);
        }
    }
}

static struct json_object *
pod_json(const struct node_sim *sim, size_t pod)
{
    struct json_object *object = json_object_new_object();
    struct node_books books;
    struct kube_pod view;
    struct sums sums;

    node_pod_view(sim, pod, &view);
    node_pod_books(sim, pod, &books);
    sum_pod(sim, pod, &view, &sums);
    put_text(object, "name", view.name);
    put_text(object, "namespace", view.space);
    put_text(object, "uid", view.uid);
    put_text(object, "node", view.node);
    put_count(object, "generation", (uint64_t)view.generation);
    put_text(object, "resize", resize_word(view.resize));
    put_real(object, "usage_cores", sums.usage_cores);
    put_count(object, "request_milli", (uint64_t)sums.requests[GT_CPU]);
    put_count(object, "limit_milli", (uint64_t)sums.limits[GT_CPU]);
    put_count(object, "memory_bytes", (uint64_t)sums.memory_bytes);
    put_count(object, "request_bytes", (uint64_t)sums.requests[GT_MEMORY]);
    put_count(object, "memory_limit_bytes", (uint64_t)sums.limits[GT_MEMORY]);
    put_count(object, "restarts", (uint64_t)sums.restarts);
    put_books(object, &books);
    return object;
}

/* What the scheduler counts: wished or enforced, whichever is more. */
static double
requested_cores(const struct node_sim *sim, size_t node)
{
    int64_t milli = 0;

    for (size_t p = 0; p < node_pods(sim); p++) {
        struct kube_pod view;
        if (node_pod_spec(sim, p)->node == node) {
            node_pod_view(sim, p, &view);
            milli += kube_pod_request(&view, GT_CPU);
        }
    }
    return (double)milli / 1000;
}

static struct json_object *
node_json(const struct node_sim *sim, size_t node)
{
    struct json_object *object = json_object_new_object();
    struct node_books books;
    struct kube_node view;

    node_node_view(sim, node, &view);
    node_node_books(sim, node, &books);
    put_text(object, "name", view.name);
    put_real(object, "capacity_cores", (double)view.allocatable[GT_CPU] / 1000);
    put_real(object, "requested_cores", requested_cores(sim, node));
    put_books(object, &books);
    return object;
}

static struct json_object *
totals_json(const struct node_sim *sim)
{
    struct json_object *object = json_object_new_object();
    struct node_books books;

    node_total_books(sim, &books);
    put_books(object, &books);
    return object;
}

/* Uncontended samples of at most @ms. */
static size_t
count_within(const struct node_latency *samples, size_t len, uint64_t ms)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        count += !samples[i].contended && samples[i].latency_ms <= ms ? 1 : 0;
    }
    return count;
}

double
ledger_quantile_ms(const struct node_sim *sim, double share)
{
    const struct node_latency *samples;
    size_t len = node_latencies(sim, &samples);
    size_t all = count_within(samples, len, UINT64_MAX);
    double best = 0;

    for (size_t i = 0; i < len; i++) {
        double ms = (double)samples[i].latency_ms;
        size_t within = count_within(samples, len, samples[i].latency_ms);
        bool enough = (double)within >= share * (double)all;
        if (!samples[i].contended && enough && (best == 0 || ms < best)) {
            best = ms;
        }
    }
    return best;
}

static struct json_object *
latencies_json(const struct node_sim *sim)
{
    struct json_object *object = json_object_new_object();
    struct json_object *list = json_object_new_array();
    const struct node_latency *samples;
    size_t len = node_latencies(sim, &samples);

    for (size_t i = 0; i < len; i++) {
        if (!samples[i].contended) {
            json_object_array_add(
                list, json_object_new_int64((int64_t)samples[i].latency_ms));
        }
    }
    size_t uncontended = json_object_array_length(list);
    put_real(object, "p50_ms", ledger_quantile_ms(sim, 0.5));
    put_real(object, "p99_ms", ledger_quantile_ms(sim, 0.99));
    put_count(object, "samples", uncontended);
    put_count(object, "contended", len - uncontended);
    json_object_object_add(object, "ms", list);
    return object;
}

void
ledger_encode(const struct ledger *ledger, struct gt_buf *out)
{
    struct json_object *state = json_object_new_object();
    struct json_object *pods = json_object_new_array();
    struct json_object *nodes = json_object_new_array();

    put_real(state, "mesh_s", ledger->mesh_s);
    put_real(state, "trace_second", ledger->trace_second);
    for (size_t p = 0; p < node_pods(ledger->live); p++) {
        json_object_array_add(pods, pod_json(ledger->live, p));
    }
    for (size_t n = 0; n < node_nodes(ledger->live); n++) {
        json_object_array_add(nodes, node_json(ledger->live, n));
    }
    json_object_object_add(state, "pods", pods);
    json_object_object_add(state, "nodes", nodes);
    json_object_object_add(state, "totals", totals_json(ledger->live));
    json_object_object_add(state, "static", totals_json(ledger->fixed));
    json_object_object_add(state, "throttle_to_patch",
                           latencies_json(ledger->live));
    gt_buf_text(out,
                json_object_to_json_string_ext(state, JSON_C_TO_STRING_PLAIN));
    json_object_put(state);
}
