/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a 1.36 server says to a resize that it refuses.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/apiserver_ask.h"
#include "tests/sim/node_state.h"

static const char *
name_at(const struct apiserver_ask *ask, size_t container)
{
    struct json_object *name = json_object_object_get(
        json_object_array_get_idx(ask->containers, container), "name");

    return name == NULL ? "" : json_object_get_string(name);
}

static bool
is_known(const struct apiserver_ask *ask, const char *name)
{
    const struct node_pod_spec *spec =
        node_pod_spec(ask->call->api->config.sim, ask->pod);

    for (size_t i = 0; i < spec->containers_len; i++) {
        if (strcmp(spec->containers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A container that the pod does not have would need an image. */
static void
check_image(struct apiserver_ask *ask, size_t container)
{
    char field[96];

    if (!is_known(ask, name_at(ask, container)) &&
        json_object_object_get(
            json_object_array_get_idx(ask->containers, container), "image") ==
            NULL) {
        struct apiserver_cause *cause =
            apiserver_add_cause(ask, "FieldValueRequired",
                                apiserver_field(container, "image", field));
        (void)snprintf(cause->message, sizeof(cause->message),
                       "Required value");
    }
}

/* Are they the pod's containers, in its order? */
static void
check_containers(struct apiserver_ask *ask)
{
    const struct node_pod_spec *spec =
        node_pod_spec(ask->call->api->config.sim, ask->pod);
    size_t len = json_object_array_length(ask->containers);
    char field[96];

    for (size_t i = 0; i < len; i++) {
        check_image(ask, i);
    }
    if (len != spec->containers_len) {
        apiserver_forbid(ask, "spec.containers",
                         "containers may not be added or removed on resize");
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (strcmp(spec->containers[i].name, name_at(ask, i)) != 0) {
            apiserver_forbid(
                ask, apiserver_field(i, "name", field),
                "containers may not be renamed or reordered on resize");
        }
    }
}

static void
check_policies(struct apiserver_ask *ask)
{
    struct json_object *old = apiserver_pod_json(ask->call->api, ask->pod);
    struct json_object *list = json_object_object_get(
        json_object_object_get(old, "spec"), "containers");

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *was = json_object_object_get(
            json_object_array_get_idx(list, i), "resizePolicy");
        struct json_object *policy = json_object_object_get(
            json_object_array_get_idx(ask->containers, i), "resizePolicy");
        if (policy != NULL && json_object_equal(policy, was) == 0) {
            apiserver_forbid(ask, "spec",
                             "only cpu and memory resources are mutable");
        }
    }
    json_object_put(old);
}

/* Requests within limits; nothing that was there is gone. */
static void
check_amounts(struct apiserver_ask *ask, size_t container,
              const struct kube_resources *old)
{
    const struct kube_resources *w = &ask->wished[container];
    const struct apiserver_spelling *s = &ask->spelling[container];
    bool lost[APISERVER_KINDS] = {false, false};
    char field[96];
    char what[96];

    for (int r = 0; r < GT_RESOURCES; r++) {
        lost[0] = lost[0] || (old->requests[r] != KUBE_ABSENT &&
                              w->requests[r] == KUBE_ABSENT);
        lost[1] = lost[1] || (old->limits[r] != KUBE_ABSENT &&
                              w->limits[r] == KUBE_ABSENT);
        if (w->limits[r] != KUBE_ABSENT && w->requests[r] > w->limits[r]) {
            (void)snprintf(what, sizeof(what),
                           "must be less than or equal to %s limit of %s",
                           gt_resource_name((enum gt_resource)r),
                           s->text[APISERVER_LIMITS][r]);
            apiserver_invalidate(
                ask, apiserver_field(container, "resources.requests", field),
                s->text[APISERVER_REQUESTS][r], what);
        }
    }
    if (lost[APISERVER_REQUESTS]) {
        apiserver_forbid(
            ask, apiserver_field(container, "resources.requests", field),
            "resource requests cannot be removed");
    }
    if (lost[APISERVER_LIMITS]) {
        apiserver_forbid(ask,
                         apiserver_field(container, "resources.limits", field),
                         "resource limits cannot be removed");
    }
}

static void
check_qos(struct apiserver_ask *ask, const struct kube_pod *pod)
{
    static const char *const classes[] = {
        [KUBE_BEST_EFFORT] = "BestEffort",
        [KUBE_BURSTABLE] = "Burstable",
        [KUBE_GUARANTEED] = "Guaranteed",
    };

    if (node_qos(ask->wished, pod->containers_len) != pod->qos) {
        apiserver_invalidate(
            ask, "spec", classes[pod->qos],
            "Pod QOS Class may not change as a result of resizing");
    }
}

/* "; " between, the message of one resource above the node. */
static void
compare_node(const struct apiserver_ask *ask, const struct kube_node *node,
             enum gt_resource r, struct gt_buf *out)
{
    size_t len = json_object_array_length(ask->containers);
    int64_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        int64_t request = ask->wished[i].requests[r];
        sum += request == KUBE_ABSENT ? 0 : request;
    }
    if (sum > node->allocatable[r]) {
        gt_buf_format(
            out, "%s%s, requested: %" PRId64 ", allocatable: %" PRId64,
            out->len == 0 ? "" : "; ", gt_resource_name((enum gt_resource)r),
            sum, node->allocatable[r]);
    }
}

bool
apiserver_refuse_capacity(struct apiserver_ask *ask)
{
    struct node_sim *sim = ask->call->api->config.sim;
    struct apiserver_status *s = &ask->status;
    struct kube_node node;
    char text[256];
    struct gt_buf buf;

    node_node_view(sim, node_pod_spec(sim, ask->pod)->node, &node);
    gt_buf_init(&buf, text, sizeof(text));
    compare_node(ask, &node, GT_CPU, &buf);
    compare_node(ask, &node, GT_MEMORY, &buf);
    if (buf.len == 0) {
        return false;
    }
    s->code = 403;
    s->reason = "Forbidden";
    s->details = true;
    s->name = ask->name;
    s->kind = "pods";
    (void)apiserver_add_cause(ask, "NodeCapacity", "");
    (void)snprintf(s->message, sizeof(s->message),
                   "pods \"%s\" is forbidden: node didn't have enough "
                   "allocatable resources: %s",
                   ask->name, text);
    apiserver_send_status(ask->call, s);
    return true;
}

bool
apiserver_refuse_identity(struct apiserver_ask *ask, const struct kube_pod *pod)
{
    struct json_object *metadata =
        json_object_object_get(ask->target, "metadata");
    const char *uid =
        json_object_get_string(json_object_object_get(metadata, "uid"));
    const char *version = json_object_get_string(
        json_object_object_get(metadata, "resourceVersion"));
    struct apiserver_status *s = &ask->status;

    if (version != NULL && strcmp(version, pod->resource_version) != 0) {
        s->code = 409;
        s->reason = "Conflict";
        s->details = true;
        s->name = ask->name;
        s->kind = "pods";
        (void)snprintf(s->message, sizeof(s->message),
                       "Operation cannot be fulfilled on pods \"%s\": the "
                       "object has been modified; please apply your changes to "
                       "the latest version and try again",
                       ask->name);
        apiserver_send_status(ask->call, s);
        return true;
    }
    if (uid != NULL && strcmp(uid, pod->uid) != 0) {
        /* The server says it twice. */
        apiserver_invalidate(ask, "metadata.uid", uid, "field is immutable");
        apiserver_invalidate(ask, "metadata.uid", uid, "field is immutable");
        apiserver_send_causes(ask, "Pod", ask->name);
        return true;
    }
    return false;
}

bool
apiserver_refuse_invalid(struct apiserver_ask *ask, const struct kube_pod *pod)
{
    check_containers(ask);
    if (ask->status.causes_len == 0) {
        check_policies(ask);
    }
    if (ask->status.causes_len == 0) {
        check_qos(ask, pod);
        for (size_t i = 0; i < pod->containers_len; i++) {
            check_amounts(ask, i, &pod->containers[i].spec);
        }
    }
    if (ask->status.causes_len > 0) {
        apiserver_send_causes(ask, "Pod", ask->name);
    }
    return ask->status.causes_len > 0;
}
