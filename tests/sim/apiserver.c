/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/apiserver.h"

#include <stdio.h>
#include <string.h>

#include "proto/quantity.h"
#include "tests/sim/apiserver_state.h"

size_t
apiserver_size(const struct apiserver_config *config)
{
    return sizeof(struct apiserver) +
           node_pods(config->sim) * sizeof(struct apiserver_pod);
}

static void
spell(enum gt_resource resource, int64_t amount,
      char out[APISERVER_SPELLING_MAX])
{
    struct gt_buf buf;

    gt_buf_init(&buf, out, APISERVER_SPELLING_MAX);
    if (amount != KUBE_ABSENT) {
        quantity_encode(resource, amount, &buf);
    }
}

static void
spell_pod(const struct node_pod_spec *spec, struct apiserver_pod *out)
{
    for (size_t i = 0; i < spec->containers_len; i++) {
        const struct kube_resources *from = &spec->containers[i].resources;
        struct apiserver_spelling *to = &out->containers[i];
        for (int r = 0; r < GT_RESOURCES; r++) {
            spell((enum gt_resource)r, from->requests[r],
                  to->text[APISERVER_REQUESTS][r]);
            spell((enum gt_resource)r, from->limits[r],
                  to->text[APISERVER_LIMITS][r]);
        }
    }
}

struct apiserver *
apiserver_init(void *memory, const struct apiserver_config *config)
{
    struct apiserver *api = memory;

    memset(memory, 0, apiserver_size(config));
    api->config = *config;
    api->pods = (struct apiserver_pod *)(void *)(api + 1);
    for (size_t i = 0; i < node_pods(config->sim); i++) {
        spell_pod(node_pod_spec(config->sim, i), &api->pods[i]);
    }
    return api;
}

const char *
apiserver_parameter_name(enum apiserver_parameter parameter)
{
    static const char *const names[] = {
        [APISERVER_WATCH] = "watch",
        [APISERVER_ALLOW_WATCH_BOOKMARKS] = "allowWatchBookmarks",
        [APISERVER_SEND_INITIAL_EVENTS] = "sendInitialEvents",
        [APISERVER_TIMEOUT_SECONDS] = "timeoutSeconds",
        [APISERVER_RESOURCE_VERSION] = "resourceVersion",
        [APISERVER_LIMIT] = "limit",
        [APISERVER_CONTINUE] = "continue",
        [APISERVER_FIELD_SELECTOR] = "fieldSelector",
        [APISERVER_LABEL_SELECTOR] = "labelSelector",
        [APISERVER_DRY_RUN] = "dryRun",
    };

    return names[parameter];
}

void
apiserver_refuse(struct apiserver_call *call, int code, const char *reason,
                 const char *message)
{
    /* A bad request says nothing about what it was made on. */
    struct apiserver_status s = {
        .code = code,
        .reason = reason,
        .name = "",
        .kind = "",
        .details = code != 400,
    };

    (void)snprintf(s.message, sizeof(s.message), "%s", message);
    apiserver_send_status(call, &s);
}

static void
refuse_missing(struct apiserver_call *call, const char *kind, const char *name)
{
    struct apiserver_status s = {
        .code = 404,
        .reason = "NotFound",
        .name = name,
        .kind = kind,
        .details = true,
    };

    (void)snprintf(s.message, sizeof(s.message), "%s \"%s\" not found", kind,
                   name);
    apiserver_send_status(call, &s);
}

static void
refuse_path(struct apiserver_call *call)
{
    apiserver_refuse(call, 404, "NotFound",
                     "the server could not find the requested resource");
}

static void
refuse_method(struct apiserver_call *call)
{
    apiserver_refuse(call, 405, "MethodNotAllowed",
                     "the server does not allow this method on the requested "
                     "resource");
}

static bool
method_is(const struct apiserver_call *call, const char *method)
{
    return strcmp(call->request->method, method) == 0;
}

/* The parts of a path: at most "api v1 namespaces NS pods NAME resize". */
#define PARTS_MAX 8
struct parts {
    char text[PARTS_MAX][KUBE_NAME_MAX];
    size_t len;
};

static bool
split_path(const char *path, struct parts *out)
{
    out->len = 0;
    while (*path == '/') {
        size_t len = strcspn(path + 1, "/");
        if (out->len == PARTS_MAX || len >= KUBE_NAME_MAX) {
            return false;
        }
        memcpy(out->text[out->len], path + 1, len);
        out->text[out->len][len] = '\0';
        out->len++;
        path += 1 + len;
    }
    return *path == '\0';
}

static bool
part_is(const struct parts *parts, size_t index, const char *word)
{
    return index < parts->len && strcmp(parts->text[index], word) == 0;
}

static void
answer_collection(struct apiserver_call *call, enum apiserver_object object,
                  const char *space)
{
    struct apiserver_filter filter = {.object = object};

    if (!method_is(call, "GET")) {
        refuse_method(call);
        return;
    }
    (void)snprintf(filter.space, sizeof(filter.space), "%.*s",
                   (int)sizeof(filter.space) - 1, space);
    apiserver_collection(call, &filter);
}

static void
answer_node(struct apiserver_call *call, const char *name)
{
    struct node_sim *sim = call->api->config.sim;
    struct kube_node node;

    if (!method_is(call, "GET")) {
        refuse_method(call);
        return;
    }
    for (size_t i = 0; i < node_nodes(sim); i++) {
        node_node_view(sim, i, &node);
        if (strcmp(node.name, name) == 0) {
            apiserver_send(call, 200, apiserver_node_json(call->api, i));
            return;
        }
    }
    refuse_missing(call, "nodes", name);
}

/* .../pods/NAME or .../pods/NAME/resize */
static void
answer_pod(struct apiserver_call *call, const struct parts *parts)
{
    bool resize = parts->len == 7;
    size_t pod =
        node_find(call->api->config.sim, parts->text[3], parts->text[5]);

    if (resize && !part_is(parts, 6, "resize")) {
        refuse_path(call);
    } else if (!method_is(call, "GET") &&
               !(resize && method_is(call, "PATCH"))) {
        refuse_method(call);
    } else if (pod == node_pods(call->api->config.sim)) {
        refuse_missing(call, "pods", parts->text[5]);
    } else if (method_is(call, "GET")) {
        apiserver_send(call, 200, apiserver_pod_json(call->api, pod));
    } else {
        apiserver_resize(call, pod);
    }
}

static void
answer_version(struct apiserver_call *call)
{
    struct json_object *version = json_object_new_object();

    apiserver_put_text(version, "major", "1");
    apiserver_put_text(version, "minor", "36");
    apiserver_put_text(version, "gitVersion", "v1.36.0-gtcas-testnode");
    apiserver_put_text(version, "platform", "linux/amd64");
    apiserver_send(call, 200, version);
}

/* Below /api/v1/namespaces/NS. */
static void
answer_namespace(struct apiserver_call *call, const struct parts *parts)
{
    if (!part_is(parts, 4, "pods") || parts->len > 7) {
        refuse_path(call);
    } else if (parts->len == 5) {
        answer_collection(call, APISERVER_PODS, parts->text[3]);
    } else {
        answer_pod(call, parts);
    }
}

/* Below /api/v1. */
static void
answer_core(struct apiserver_call *call, const struct parts *parts)
{
    if (part_is(parts, 2, "namespaces")) {
        answer_namespace(call, parts);
    } else if (part_is(parts, 2, "nodes") && parts->len == 4) {
        answer_node(call, parts->text[3]);
    } else if (part_is(parts, 2, "nodes") && parts->len == 3) {
        answer_collection(call, APISERVER_NODES, "");
    } else if (part_is(parts, 2, "pods") && parts->len == 3) {
        answer_collection(call, APISERVER_PODS, "");
    } else {
        refuse_path(call);
    }
}

static void
dispatch(struct apiserver_call *call)
{
    struct parts parts;
    bool split = split_path(call->request->path, &parts);

    if (split && parts.len == 1 && part_is(&parts, 0, "version")) {
        answer_version(call);
    } else if (split && part_is(&parts, 0, "api") && part_is(&parts, 1, "v1")) {
        answer_core(call, &parts);
    } else {
        refuse_path(call);
    }
}

void
apiserver_answer(struct apiserver *api, const struct apiserver_request *request,
                 uint64_t now_ms, struct gt_buf *body,
                 struct apiserver_answer *out)
{
    struct apiserver_call call = {
        .api = api,
        .request = request,
        .now_ms = now_ms,
        .body = body,
        .answer = out,
    };

    *out = (struct apiserver_answer){.content_type = "application/json"};
    dispatch(&call);
}
