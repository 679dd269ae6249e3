/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "proto/quantity.h"
#include "tests/sim/apiserver_state.h"

#define TIME "2026-01-01T00:00:00Z" /* nobody reads it; runs stay equal */

void
apiserver_put_text(struct json_object *object, const char *key,
                   const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static void
put_number(struct json_object *object, const char *key, int64_t number)
{
    json_object_object_add(object, key, json_object_new_int64(number));
}

static void
put_bool(struct json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}

static struct json_object *
put_object(struct json_object *object, const char *key)
{
    struct json_object *child = json_object_new_object();

    json_object_object_add(object, key, child);
    return child;
}

static struct json_object *
put_array(struct json_object *object, const char *key)
{
    struct json_object *child = json_object_new_array();

    json_object_object_add(object, key, child);
    return child;
}

static struct json_object *
append_object(struct json_object *array)
{
    struct json_object *child = json_object_new_object();

    json_object_array_add(array, child);
    return child;
}

void
apiserver_send(struct apiserver_call *call, int status,
               struct json_object *takes)
{
    size_t len;
    const char *text = json_object_to_json_string_length(
        takes, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

    call->answer->status = status;
    gt_buf_add(call->body, text, len);
    if (call->body->overflow) {
        gt_buf_reset(call->body);
        gt_buf_text(call->body, "{}");
        call->answer->status = 500;
    }
    json_object_put(takes);
}

static void
put_causes(struct json_object *details, const struct apiserver_status *s)
{
    struct json_object *causes = put_array(details, "causes");

    for (size_t i = 0; i < s->causes_len; i++) {
        struct json_object *cause = append_object(causes);
        apiserver_put_text(cause, "reason", s->causes[i].reason);
        if (s->causes[i].message[0] != '\0') {
            apiserver_put_text(cause, "message", s->causes[i].message);
        }
        if (s->causes[i].field[0] != '\0') {
            apiserver_put_text(cause, "field", s->causes[i].field);
        }
    }
}

static void
put_details(struct json_object *status, const struct apiserver_status *s)
{
    struct json_object *details = put_object(status, "details");

    if (s->name[0] != '\0') {
        apiserver_put_text(details, "name", s->name);
    }
    if (s->kind[0] != '\0') {
        apiserver_put_text(details, "kind", s->kind);
    }
    if (s->causes_len > 0) {
        put_causes(details, s);
    }
    if (s->retry_after_s > 0) {
        put_number(details, "retryAfterSeconds", s->retry_after_s);
    }
}

struct json_object *
apiserver_status_json(const struct apiserver_status *s)
{
    struct json_object *status = json_object_new_object();

    apiserver_put_text(status, "kind", "Status");
    apiserver_put_text(status, "apiVersion", "v1");
    struct json_object *metadata = put_object(status, "metadata");
    if (s->resume != NULL) {
        apiserver_put_text(metadata, "continue", s->resume);
    }
    apiserver_put_text(status, "status", "Failure");
    apiserver_put_text(status, "message", s->message);
    if (s->reason[0] != '\0') {
        apiserver_put_text(status, "reason", s->reason);
    }
    if (s->details) {
        put_details(status, s);
    }
    put_number(status, "code", s->code);
    return status;
}

void
apiserver_send_status(struct apiserver_call *call,
                      const struct apiserver_status *status)
{
    call->answer->retry_after_s = status->retry_after_s;
    apiserver_send(call, status->code, apiserver_status_json(status));
}

static void
put_kind(struct json_object *resources, const char *kind,
         const char text[GT_RESOURCES][APISERVER_SPELLING_MAX])
{
    struct json_object *list = json_object_new_object();

    for (int r = 0; r < GT_RESOURCES; r++) {
        if (text[r][0] != '\0') {
            apiserver_put_text(list, gt_resource_name((enum gt_resource)r),
                               text[r]);
        }
    }
    if (json_object_object_length(list) > 0) {
        json_object_object_add(resources, kind, list);
    } else {
        json_object_put(list);
    }
}

void
apiserver_put_resources(struct json_object *container,
                        const struct apiserver_spelling *spelling)
{
    struct json_object *resources = put_object(container, "resources");

    put_kind(resources, "limits", spelling->text[APISERVER_LIMITS]);
    put_kind(resources, "requests", spelling->text[APISERVER_REQUESTS]);
}

static void
spell_amount(int resource, int64_t amount, char out[APISERVER_SPELLING_MAX])
{
    struct gt_buf buf;

    gt_buf_init(&buf, out, APISERVER_SPELLING_MAX);
    if (amount != KUBE_ABSENT) {
        quantity_encode((enum gt_resource)resource, amount, &buf);
    }
}

static void
spell_amounts(const struct kube_resources *r, struct apiserver_spelling *out)
{
    for (int i = 0; i < GT_RESOURCES; i++) {
        spell_amount(i, r->requests[i], out->text[APISERVER_REQUESTS][i]);
        spell_amount(i, r->limits[i], out->text[APISERVER_LIMITS][i]);
    }
}

static void
put_annotations(struct json_object *metadata, const struct node_pod_spec *spec)
{
    if (spec->annotations_len == 0) {
        return;
    }
    struct json_object *annotations = put_object(metadata, "annotations");
    for (size_t i = 0; i < spec->annotations_len; i++) {
        apiserver_put_text(annotations, spec->annotations[i].key,
                           spec->annotations[i].value);
    }
}

/* "Kind/name" */
static void
put_owner(struct json_object *metadata, const char *workload)
{
    const char *slash = strchr(workload, '/');

    if (slash == NULL) {
        return;
    }
    struct json_object *owner =
        append_object(put_array(metadata, "ownerReferences"));
    apiserver_put_text(owner, "apiVersion", "apps/v1");
    json_object_object_add(
        owner, "kind",
        json_object_new_string_len(workload, (int)(slash - workload)));
    apiserver_put_text(owner, "name", slash + 1);
    apiserver_put_text(owner, "uid", slash + 1);
    put_bool(owner, "controller", true);
}

static void
put_pod_metadata(struct json_object *object, const struct node_pod_spec *spec,
                 const struct kube_pod *pod)
{
    struct json_object *metadata = put_object(object, "metadata");

    apiserver_put_text(metadata, "name", pod->name);
    apiserver_put_text(metadata, "namespace", pod->space);
    apiserver_put_text(metadata, "uid", pod->uid);
    apiserver_put_text(metadata, "resourceVersion", pod->resource_version);
    put_number(metadata, "generation", pod->generation);
    apiserver_put_text(metadata, "creationTimestamp", TIME);
    apiserver_put_text(put_object(metadata, "labels"), "app", pod->name);
    put_annotations(metadata, spec);
    put_owner(metadata, pod->workload);
}

static void
put_policy(struct json_object *container)
{
    struct json_object *policies = put_array(container, "resizePolicy");

    for (int r = 0; r < GT_RESOURCES; r++) {
        struct json_object *policy = append_object(policies);
        apiserver_put_text(policy, "resourceName",
                           gt_resource_name((enum gt_resource)r));
        apiserver_put_text(policy, "restartPolicy", "NotRequired");
    }
}

static void
put_spec(const struct apiserver *api, size_t index, struct json_object *object,
         const struct kube_pod *pod)
{
    struct json_object *spec = put_object(object, "spec");
    struct json_object *containers = put_array(spec, "containers");

    for (size_t i = 0; i < pod->containers_len; i++) {
        struct json_object *container = append_object(containers);
        apiserver_put_text(container, "name", pod->containers[i].name);
        apiserver_put_text(container, "image", "gtcas/app:1");
        apiserver_put_resources(container, &api->pods[index].containers[i]);
        put_policy(container);
    }
    apiserver_put_text(spec, "restartPolicy", "Always");
    apiserver_put_text(spec, "nodeName", pod->node);
}

static struct json_object *
append_condition(struct json_object *conditions, const char *type)
{
    struct json_object *condition = append_object(conditions);

    apiserver_put_text(condition, "type", type);
    apiserver_put_text(condition, "status", "True");
    apiserver_put_text(condition, "lastTransitionTime", TIME);
    return condition;
}

static void
put_resize(struct json_object *conditions, const struct kube_pod *pod)
{
    static const struct {
        const char *type;
        const char *reason;
    } words[] = {
        [KUBE_RESIZE_DEFERRED] = {"PodResizePending",    "Deferred"  },
        [KUBE_RESIZE_INFEASIBLE] = {"PodResizePending",    "Infeasible"},
        [KUBE_RESIZE_IN_PROGRESS] = {"PodResizeInProgress", NULL        },
        [KUBE_RESIZE_ERROR] = {"PodResizeInProgress", "Error"     },
    };

    if (pod->resize == KUBE_RESIZE_NONE) {
        return;
    }
    struct json_object *condition =
        append_condition(conditions, words[pod->resize].type);
    if (words[pod->resize].reason != NULL) {
        apiserver_put_text(condition, "reason", words[pod->resize].reason);
        apiserver_put_text(condition, "message", pod->resize_message);
    }
    put_number(condition, "observedGeneration", pod->observed_generation);
}

static void
put_allocated(const struct apiserver *api, size_t pod, size_t index,
              struct json_object *container)
{
    struct json_object *object = put_object(container, "allocatedResources");
    struct kube_resources allocated;
    struct apiserver_spelling spelling;

    node_allocated(api->config.sim, pod, index, &allocated);
    spell_amounts(&allocated, &spelling);
    for (int r = 0; r < GT_RESOURCES; r++) {
        if (spelling.text[APISERVER_REQUESTS][r][0] != '\0') {
            apiserver_put_text(object, gt_resource_name((enum gt_resource)r),
                               spelling.text[APISERVER_REQUESTS][r]);
        }
    }
}

static void
append_container_status(const struct apiserver *api, size_t pod, size_t index,
                        const struct kube_container *c,
                        struct json_object *statuses)
{
    struct json_object *status = append_object(statuses);
    struct apiserver_spelling actual;

    apiserver_put_text(status, "name", c->name);
    apiserver_put_text(put_object(put_object(status, "state"), "running"),
                       "startedAt", TIME);
    put_bool(status, "ready", c->ready);
    put_number(status, "restartCount", c->restarts);
    apiserver_put_text(status, "image", "gtcas/app:1");
    apiserver_put_text(status, "containerID", c->container_id);
    put_bool(status, "started", true);
    put_allocated(api, pod, index, status);
    spell_amounts(&c->actual, &actual);
    apiserver_put_resources(status, &actual);
}

static void
put_status(const struct apiserver *api, size_t index,
           struct json_object *object, const struct kube_pod *pod)
{
    static const char *const classes[] = {
        [KUBE_BEST_EFFORT] = "BestEffort",
        [KUBE_BURSTABLE] = "Burstable",
        [KUBE_GUARANTEED] = "Guaranteed",
    };
    struct json_object *status = put_object(object, "status");

    put_number(status, "observedGeneration", pod->observed_generation);
    apiserver_put_text(status, "phase", "Running");
    struct json_object *conditions = put_array(status, "conditions");
    put_resize(conditions, pod);
    (void)append_condition(conditions, "Ready");
    (void)append_condition(conditions, "ContainersReady");
    (void)append_condition(conditions, "PodScheduled");
    struct json_object *statuses = put_array(status, "containerStatuses");
    for (size_t i = 0; i < pod->containers_len; i++) {
        append_container_status(api, index, i, &pod->containers[i], statuses);
    }
    apiserver_put_text(status, "qosClass", classes[pod->qos]);
}

struct json_object *
apiserver_pod_json(const struct apiserver *api, size_t pod)
{
    struct json_object *object = json_object_new_object();
    struct kube_pod view;

    node_pod_view(api->config.sim, pod, &view);
    apiserver_put_text(object, "kind", "Pod");
    apiserver_put_text(object, "apiVersion", "v1");
    put_pod_metadata(object, node_pod_spec(api->config.sim, pod), &view);
    put_spec(api, pod, object, &view);
    put_status(api, pod, object, &view);
    return object;
}

struct json_object *
apiserver_node_json(const struct apiserver *api, size_t node)
{
    struct json_object *object = json_object_new_object();
    char amount[APISERVER_SPELLING_MAX];
    struct kube_node view;

    node_node_view(api->config.sim, node, &view);
    apiserver_put_text(object, "kind", "Node");
    apiserver_put_text(object, "apiVersion", "v1");
    struct json_object *metadata = put_object(object, "metadata");
    apiserver_put_text(metadata, "name", view.name);
    apiserver_put_text(metadata, "uid", view.name);
    apiserver_put_text(metadata, "resourceVersion", view.resource_version);
    apiserver_put_text(metadata, "creationTimestamp", TIME);
    (void)put_object(object, "spec");
    struct json_object *status = put_object(object, "status");
    struct json_object *allocatable = put_object(status, "allocatable");
    for (int r = 0; r < GT_RESOURCES; r++) {
        spell_amount(r, view.allocatable[r], amount);
        apiserver_put_text(allocatable, gt_resource_name((enum gt_resource)r),
                           amount);
    }
    apiserver_put_text(allocatable, "pods", "110");
    (void)append_condition(put_array(status, "conditions"), "Ready");
    return object;
}
