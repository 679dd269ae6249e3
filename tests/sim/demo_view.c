/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/demo_view.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *
at(struct json_object *object, const char *key)
{
    struct json_object *found = NULL;

    json_object_object_get_ex(object, key, &found);
    return found;
}

static double
real_at(struct json_object *object, const char *key)
{
    return json_object_get_double(at(object, key));
}

static int64_t
count_at(struct json_object *object, const char *key)
{
    return json_object_get_int64(at(object, key));
}

static void
text_at(struct json_object *object, const char *key, char *out, size_t size)
{
    const char *text = json_object_get_string(at(object, key));

    snprintf(out, size, "%s", text != NULL ? text : "");
}

static size_t
list_at(struct json_object *object, const char *key, size_t most,
        struct json_object **list)
{
    size_t len;

    *list = at(object, key);
    if (!json_object_is_type(*list, json_type_array)) {
        return 0;
    }
    len = json_object_array_length(*list);
    return len < most ? len : most;
}

static void
read_books(struct demo_books *books, struct json_object *object)
{
    books->resizes = (uint64_t)count_at(object, "resizes");
    books->refused = (uint64_t)count_at(object, "refused") +
                     (uint64_t)count_at(object, "deferred");
    books->oom_kills = (uint64_t)count_at(object, "oom_kills");
    books->overcommit_samples =
        (uint64_t)count_at(object, "overcommit_samples");
    books->unserved_core_s = real_at(object, "unserved_core_s");
    books->allocated_core_s = real_at(object, "allocated_core_s");
}

static void
read_pod(struct demo_pod *pod, struct json_object *object)
{
    uint64_t periods = (uint64_t)count_at(object, "periods");
    uint64_t throttled = (uint64_t)count_at(object, "throttled_periods");
    double lived = (double)(periods - pod->periods);

    text_at(object, "name", pod->name, sizeof(pod->name));
    text_at(object, "node", pod->node, sizeof(pod->node));
    pod->usage_cores = real_at(object, "usage_cores");
    pod->request_milli = count_at(object, "request_milli");
    pod->limit_milli = count_at(object, "limit_milli");
    pod->memory_bytes = count_at(object, "memory_bytes");
    pod->memory_limit_bytes = count_at(object, "memory_limit_bytes");
    pod->throttled_share =
        lived > 0 ? (double)(throttled - pod->throttled_periods) / lived : 0;
    pod->periods = periods;
    pod->throttled_periods = throttled;
}

bool
demo_view_testnode(struct demo_view *view, const char *json)
{
    struct json_object *state = json_tokener_parse(json);
    struct json_object *list;

    view->mesh_s = real_at(state, "mesh_s");
    view->pods_len = list_at(state, "pods", DEMO_PODS, &list);
    for (size_t i = 0; i < view->pods_len; i++) {
        read_pod(&view->pods[i], json_object_array_get_idx(list, i));
    }
    read_books(&view->books, at(state, "totals"));
    read_books(&view->static_books, at(state, "static"));
    view->throttle_to_patch.len =
        list_at(at(state, "throttle_to_patch"), "ms", DEMO_LATENCIES, &list);
    for (size_t i = 0; i < view->throttle_to_patch.len; i++) {
        view->throttle_to_patch.of[i] =
            json_object_get_double(json_object_array_get_idx(list, i));
    }
    json_object_put(state);
    return view->pods_len > 0;
}

static void
read_node(struct demo_view *view, struct demo_node *node,
          struct json_object *object)
{
    struct json_object *cpu = at(object, "cpu");
    struct json_object *memory = at(object, "memory");

    text_at(object, "name", node->name, sizeof(node->name));
    node->agents = (uint64_t)count_at(object, "agents");
    node->load_cores = (double)count_at(cpu, "hi") / 1000;
    node->capacity_cores = (double)count_at(cpu, "capacity") / 1000;
    node->price = real_at(cpu, "price");
    node->potential = real_at(cpu, "potential") + real_at(memory, "potential");
    view->agents += node->agents;
    view->potential_drops += (uint64_t)count_at(object, "potential_drops");
    view->overbooked_samples +=
        count_at(cpu, "hi") > count_at(cpu, "capacity") ||
                count_at(memory, "hi") > count_at(memory, "capacity")
            ? 1
            : 0;
}

static void
read_floor(struct demo_view *view, struct json_object *agent)
{
    struct json_object *containers = at(agent, "containers");
    const char *name = json_object_get_string(at(agent, "pod"));

    for (size_t i = 0; i < view->pods_len && name != NULL; i++) {
        struct demo_pod *pod = &view->pods[i];

        if (strcmp(pod->name, name) == 0 && containers != NULL &&
            json_object_array_length(containers) > 0) {
            pod->floor_milli = count_at(
                at(json_object_array_get_idx(containers, 0), "cpu"), "floor");
        }
    }
}

bool
demo_view_arbiter(struct demo_view *view, const char *json)
{
    struct json_object *state = json_tokener_parse(json);
    struct json_object *list;
    size_t len;

    view->agents = 0;
    view->potential_drops = 0;
    view->nodes_len = list_at(state, "nodes", DEMO_NODES, &list);
    for (size_t i = 0; i < view->nodes_len; i++) {
        read_node(view, &view->nodes[i], json_object_array_get_idx(list, i));
    }
    len = list_at(state, "agents", DEMO_PODS, &list);
    for (size_t i = 0; i < len; i++) {
        read_floor(view, json_object_array_get_idx(list, i));
    }
    json_object_put(state);
    return view->nodes_len > 0;
}

static bool
value_of(const char *line, const char *key, char *out, size_t size)
{
    char pattern[64];
    const char *found;

    snprintf(pattern, sizeof(pattern), " %s=", key);
    found = strstr(line, pattern);
    if (found == NULL) {
        return false;
    }
    found += strlen(pattern);
    snprintf(out, size, "%.*s", (int)strcspn(found, " \n"), found);
    return true;
}

static void
add_latency(struct demo_latencies *latencies, double ms)
{
    if (latencies->len < DEMO_LATENCIES) {
        latencies->of[latencies->len++] = ms;
    }
}

static void
in_mib(char *amount, size_t size)
{
    snprintf(amount, size, "%lldMi", strtoll(amount, NULL, 10) >> 20);
}

/* "cpu 250 -> 420 (gain, green_light)"; memory in MiB. */
static void
tell_resize(struct demo_pod *pod, const char *line)
{
    char resource[16] = "";
    char from[24] = "";
    char to[24] = "";
    char reason[24] = "";
    char by[24] = "";

    value_of(line, "resource", resource, sizeof(resource));
    value_of(line, "from", from, sizeof(from));
    value_of(line, "to", to, sizeof(to));
    value_of(line, "reason", reason, sizeof(reason));
    value_of(line, "by", by, sizeof(by));
    if (strcmp(resource, "memory") == 0) {
        in_mib(from, sizeof(from));
        in_mib(to, sizeof(to));
    }
    snprintf(pod->decision, sizeof(pod->decision), "%s %s -> %s (%s, %s)",
             resource, from, to, reason, by);
}

void
demo_view_line(struct demo_view *view, size_t index, const char *line)
{
    struct demo_pod *pod = &view->pods[index];
    char event[32] = "";
    char value[64];

    value_of(line, "event", event, sizeof(event));
    if (strcmp(event, "resize") == 0) {
        tell_resize(pod, line);
    } else if (strcmp(event, "shrink_refused") == 0) {
        value_of(line, "reason", value, sizeof(value));
        snprintf(pod->decision, sizeof(pod->decision),
                 "memory shrink refused (%s)", value);
    } else if (strcmp(event, "resize_failed") == 0) {
        value_of(line, "end", value, sizeof(value));
        snprintf(pod->decision, sizeof(pod->decision), "resize %s", value);
    } else if (strcmp(event, "granted") == 0 &&
               value_of(line, "intent_to_patch_wall_ms", value,
                        sizeof(value))) {
        add_latency(&view->intent_to_patch, strtod(value, NULL));
    }
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double
demo_quantile(struct demo_latencies *latencies, double share)
{
    size_t rank = (size_t)ceil(share * (double)latencies->len);

    if (latencies->len == 0) {
        return 0.0;
    }
    qsort(latencies->of, latencies->len, sizeof(latencies->of[0]), by_size);
    return latencies->of[rank > 0 ? rank - 1 : 0];
}
