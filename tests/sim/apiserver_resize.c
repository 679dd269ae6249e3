/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PATCH of pods/NAME/resize: the patched pod is read back, everything but the
 * resources of its containers is dropped, and the rest is checked in the order
 * in which a 1.36 server does it: decoding, defaults, identity, containers,
 * amounts, QoS, and the node's capacity last.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/apiserver_ask.h"

static bool
spelt_alike(const struct apiserver_ask *ask)
{
    return memcmp(ask->call->api->pods[ask->pod].containers, ask->spelling,
                  sizeof(ask->spelling)) == 0;
}

/* The stored pod, or with dryRun=All what it would be. */
static void
send_pod(struct apiserver_ask *ask, const struct kube_pod *old, bool dry)
{
    struct json_object *object = apiserver_pod_json(ask->call->api, ask->pod);
    bool changes = false;

    for (size_t i = 0; dry && i < old->containers_len; i++) {
        struct json_object *spec = json_object_object_get(object, "spec");
        struct json_object *list = json_object_object_get(spec, "containers");
        apiserver_put_resources(json_object_array_get_idx(list, i),
                                &ask->spelling[i]);
        changes = changes || memcmp(&ask->wished[i], &old->containers[i].spec,
                                    sizeof(ask->wished[i])) != 0;
    }
    if (changes) {
        json_object_object_add(json_object_object_get(object, "metadata"),
                               "generation",
                               json_object_new_int64(old->generation + 1));
    }
    apiserver_send(ask->call, 200, object);
}

static void
store(struct apiserver_ask *ask, const struct kube_pod *old)
{
    struct apiserver *api = ask->call->api;
    uint64_t version = node_pod_version(api->config.sim, ask->pod);

    if (ask->call->request->parameters[APISERVER_DRY_RUN] != NULL) {
        send_pod(ask, old, true);
        return;
    }
    if (!spelt_alike(ask)) {
        memcpy(api->pods[ask->pod].containers, ask->spelling,
               sizeof(ask->spelling));
        /* What passed the checks above passes those of the node. */
        (void)node_resize(api->config.sim, ask->pod, ask->wished);
        if (node_pod_version(api->config.sim, ask->pod) == version) {
            node_pod_touch(api->config.sim, ask->pod);
        }
    }
    send_pod(ask, old, false);
}

static void
judge(struct apiserver_ask *ask)
{
    struct kube_pod pod;

    node_pod_view(ask->call->api->config.sim, ask->pod, &pod);
    ask->containers = json_object_object_get(
        json_object_object_get(ask->target, "spec"), "containers");
    if (!json_object_is_type(ask->containers, json_type_array)) {
        apiserver_refuse(ask->call, 422, "Invalid", "spec.containers: no list");
        return;
    }
    if (apiserver_take(ask) && !apiserver_refuse_identity(ask, &pod) &&
        !apiserver_refuse_invalid(ask, &pod) &&
        !apiserver_refuse_capacity(ask)) {
        store(ask, &pod);
    }
}

typedef int patch_function(struct json_object *target,
                           struct json_object *patch);

static patch_function *
patch_of(const char *content_type)
{
    static const struct {
        const char *type;
        patch_function *apply;
    } known[] = {
        {"application/strategic-merge-patch+json", apiserver_patch_strategic},
        {"application/merge-patch+json",           apiserver_patch_merge    },
        {"application/json-patch+json",            apiserver_patch_json     },
    };
    size_t len = content_type == NULL ? 0 : strcspn(content_type, "; ");

    for (size_t i = 0; i < GT_ARRAY_LEN(known); i++) {
        if (strlen(known[i].type) == len &&
            strncmp(known[i].type, content_type, len) == 0) {
            return known[i].apply;
        }
    }
    return NULL;
}

/* The body as JSON; NULL with the server's words where it is none. */
static struct json_object *
parse_body(const struct apiserver_request *request, const char **why)
{
    struct json_tokener *tokener = json_tokener_new();

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *object =
        json_tokener_parse_ex(tokener, request->body, (int)request->len);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    *why = error == json_tokener_continue ? "unexpected end of JSON input"
                                          : "invalid character in JSON input";
    if (error != json_tokener_success) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

void
apiserver_resize(struct apiserver_call *call, size_t pod)
{
    patch_function *apply = patch_of(call->request->content_type);
    const char *why;

    if (apply == NULL) {
        apiserver_refuse(call, 415, "UnsupportedMediaType",
                         "415: Unsupported Media Type");
        return;
    }
    struct apiserver_ask ask = {
        .call = call,
        .pod = pod,
        .name = node_pod_spec(call->api->config.sim, pod)->name,
        .patch = parse_body(call->request, &why),
        .status = {.reason = "", .name = "", .kind = ""},
    };
    if (ask.patch == NULL) {
        ask.status.code = 400;
        ask.status.reason = "BadRequest";
        (void)snprintf(ask.status.message, sizeof(ask.status.message), "%s",
                       why);
        apiserver_send_status(call, &ask.status);
        return;
    }
    ask.target = apiserver_pod_json(call->api, pod);
    if (apply(ask.target, ask.patch) == 0) {
        judge(&ask);
    } else {
        apiserver_refuse(call, 422, "Invalid",
                         "the server rejected our request due to an error in "
                         "our request");
    }
    json_object_put(ask.target);
    json_object_put(ask.patch);
}
