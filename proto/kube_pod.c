/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/kube_read.h"

#define PREFIX "scaling.mesh/"

/* Kind and name of the controller, of the longest that Kubernetes allows. */
#define OWNER_MAX 64

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Sums stay within the range of one amount, however long the list. */
static void
add_amount(int64_t *sum, int64_t amount)
{
    *sum += larger(amount, 0);
    *sum = *sum < KUBE_AMOUNT_MAX ? *sum : KUBE_AMOUNT_MAX;
}

static bool
read_annotations(struct json_object *metadata, struct kube_pod *pod)
{
    struct json_object *annotations;

    if (!field_may_object(metadata, "annotations", &annotations)) {
        return false;
    }
    if (annotations == NULL) {
        return true;
    }
    struct json_object_iterator it = json_object_iter_begin(annotations);
    struct json_object_iterator end = json_object_iter_end(annotations);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);
        if (strncmp(key, PREFIX, strlen(PREFIX)) != 0) {
            continue;
        }
        key += strlen(PREFIX);
        if (pod->annotations_len == KUBE_ANNOTATIONS_MAX) {
            return false;
        }
        struct kube_annotation *a = &pod->annotations[pod->annotations_len++];
        if (strlen(key) >= sizeof(a->key) ||
            !field_value_text(json_object_iter_peek_value(&it), a->value,
                              sizeof(a->value))) {
            return false;
        }
        memcpy(a->key, key, strlen(key) + 1);
    }
    return true;
}

static bool
read_owner(struct json_object *owner, struct kube_pod *pod)
{
    char kind[OWNER_MAX];
    char name[KUBE_NAME_MAX];
    struct gt_buf workload;

    if (!field_text(owner, "kind", kind, sizeof(kind)) ||
        !field_text(owner, "name", name, sizeof(name))) {
        return false;
    }
    gt_buf_init(&workload, pod->workload, sizeof(pod->workload));
    gt_buf_format(&workload, "%s/%s", kind, name);
    return !workload.overflow;
}

static bool
read_owners(struct json_object *metadata, struct kube_pod *pod)
{
    struct json_object *owners;

    if (!field_may_array(metadata, "ownerReferences", &owners)) {
        return false;
    }
    for (size_t i = 0; owners != NULL && i < json_object_array_length(owners);
         i++) {
        struct json_object *owner = json_object_array_get_idx(owners, i);
        bool controls;
        if (!field_may_bool(owner, "controller", &controls) ||
            (controls && !read_owner(owner, pod))) {
            return false;
        }
    }
    return true;
}

static bool
read_metadata(struct json_object *metadata, struct kube_pod *pod)
{
    pod->terminating = field_get(metadata, "deletionTimestamp") != NULL;
    return field_text(metadata, "name", pod->name, sizeof(pod->name)) &&
           field_text(metadata, "namespace", pod->space, sizeof(pod->space)) &&
           field_text(metadata, "uid", pod->uid, sizeof(pod->uid)) &&
           field_text(metadata, "resourceVersion", pod->resource_version,
                      sizeof(pod->resource_version)) &&
           field_may_integer(metadata, "generation", &pod->generation) &&
           read_annotations(metadata, pod) && read_owners(metadata, pod);
}

static bool
read_resources(struct json_object *object, struct kube_resources *out)
{
    struct json_object *resources;

    return field_may_object(object, "resources", &resources) &&
           kube_read_amounts(resources, "requests", out->requests) &&
           kube_read_amounts(resources, "limits", out->limits);
}

static bool
read_containers(struct json_object *spec, struct kube_pod *pod)
{
    struct json_object *containers;

    if (!field_array(spec, "containers", &containers)) {
        return false;
    }
    pod->containers_len = json_object_array_length(containers);
    if (pod->containers_len < 1 || pod->containers_len > KUBE_CONTAINERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < pod->containers_len; i++) {
        struct json_object *from = json_object_array_get_idx(containers, i);
        struct kube_container *c = &pod->containers[i];
        if (!field_text(from, "name", c->name, sizeof(c->name)) ||
            !read_resources(from, &c->spec)) {
            return false;
        }
    }
    return true;
}

/* Native sidecars add up, the others run one at a time beside those started
 * before them. */
static bool
read_init_container(struct json_object *from, struct kube_pod *pod)
{
    struct kube_resources resources;

    if (!read_resources(from, &resources)) {
        return false;
    }
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        int64_t peak = pod->sidecar_requests[r];
        add_amount(&peak, resources.requests[r]);
        pod->init_requests[r] = larger(pod->init_requests[r], peak);
        if (field_is(from, "restartPolicy", "Always")) {
            pod->sidecar_requests[r] = peak;
        }
    }
    return true;
}

static bool
read_init_containers(struct json_object *spec, struct kube_pod *pod)
{
    struct json_object *list;

    if (!field_may_array(spec, "initContainers", &list)) {
        return false;
    }
    for (size_t i = 0; list != NULL && i < json_object_array_length(list);
         i++) {
        if (!read_init_container(json_object_array_get_idx(list, i), pod)) {
            return false;
        }
    }
    return true;
}

static bool
read_overhead(struct json_object *spec, struct kube_pod *pod)
{
    int64_t overhead[GT_RESOURCES];

    if (!kube_read_amounts(spec, "overhead", overhead)) {
        return false;
    }
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        add_amount(&pod->sidecar_requests[r], overhead[r]);
        add_amount(&pod->init_requests[r], overhead[r]);
    }
    return true;
}

static bool
read_spec(struct json_object *spec, struct kube_pod *pod)
{
    return field_may_text(spec, "nodeName", pod->node, sizeof(pod->node)) &&
           field_may_text(spec, "priorityClassName", pod->priority_class,
                          sizeof(pod->priority_class)) &&
           read_containers(spec, pod) && read_init_containers(spec, pod) &&
           read_overhead(spec, pod);
}

static struct kube_container *
find_container(struct kube_pod *pod, struct json_object *status)
{
    for (size_t i = 0; i < pod->containers_len; i++) {
        if (field_is(status, "name", pod->containers[i].name)) {
            return &pod->containers[i];
        }
    }
    return NULL;
}

static bool
read_container_status(struct json_object *status, struct kube_pod *pod)
{
    struct kube_container *c = find_container(pod, status);

    if (c == NULL) {
        return true; /* of a container that the spec has no more */
    }
    c->has_actual = field_get(status, "resources") != NULL;
    return read_resources(status, &c->actual) &&
           field_may_bool(status, "ready", &c->ready) &&
           field_may_integer(status, "restartCount", &c->restarts) &&
           field_may_text(status, "containerID", c->container_id,
                          sizeof(c->container_id));
}

static bool
read_container_statuses(struct json_object *status, struct kube_pod *pod)
{
    struct json_object *list;

    if (!field_may_array(status, "containerStatuses", &list)) {
        return false;
    }
    for (size_t i = 0; list != NULL && i < json_object_array_length(list);
         i++) {
        if (!read_container_status(json_object_array_get_idx(list, i), pod)) {
            return false;
        }
    }
    return true;
}

static enum kube_resize
resize_of(struct json_object *condition)
{
    if (!field_is(condition, "status", "True")) {
        return KUBE_RESIZE_NONE;
    }
    if (field_is(condition, "type", "PodResizePending")) {
        return field_is(condition, "reason", "Infeasible")
                   ? KUBE_RESIZE_INFEASIBLE
                   : KUBE_RESIZE_DEFERRED;
    }
    if (field_is(condition, "type", "PodResizeInProgress")) {
        return field_is(condition, "reason", "Error") ? KUBE_RESIZE_ERROR
                                                      : KUBE_RESIZE_IN_PROGRESS;
    }
    return KUBE_RESIZE_NONE;
}

static bool
read_conditions(struct json_object *status, struct kube_pod *pod)
{
    struct json_object *list;

    if (!field_may_array(status, "conditions", &list)) {
        return false;
    }
    for (size_t i = 0; list != NULL && i < json_object_array_length(list);
         i++) {
        struct json_object *condition = json_object_array_get_idx(list, i);
        enum kube_resize resize = resize_of(condition);
        if (resize > pod->resize) {
            pod->resize = resize;
            kube_read_message(condition, "message", pod->resize_message);
        }
    }
    return true;
}

/* For servers that do not say it: by the containers alone. */
static enum kube_qos
qos_of(const struct kube_pod *pod)
{
    bool guaranteed = true;
    bool best_effort = true;

    for (size_t i = 0; i < pod->containers_len; i++) {
        const struct kube_resources *spec = &pod->containers[i].spec;
        for (unsigned r = 0; r < GT_RESOURCES; r++) {
            guaranteed = guaranteed && spec->limits[r] > 0 &&
                         spec->requests[r] == spec->limits[r];
            best_effort =
                best_effort && spec->limits[r] <= 0 && spec->requests[r] <= 0;
        }
    }
    if (guaranteed) {
        return KUBE_GUARANTEED;
    }
    return best_effort ? KUBE_BEST_EFFORT : KUBE_BURSTABLE;
}

static bool
read_qos(struct json_object *status, struct kube_pod *pod)
{
    static const char *const names[] = {
        [KUBE_BEST_EFFORT] = "BestEffort",
        [KUBE_BURSTABLE] = "Burstable",
        [KUBE_GUARANTEED] = "Guaranteed",
    };

    pod->qos = qos_of(pod);
    if (field_get(status, "qosClass") == NULL) {
        return true;
    }
    for (unsigned i = 0; i < GT_ARRAY_LEN(names); i++) {
        if (field_is(status, "qosClass", names[i])) {
            pod->qos = i;
            return true;
        }
    }
    return false;
}

static bool
read_status(struct json_object *status, struct kube_pod *pod)
{
    pod->finished = field_is(status, "phase", "Succeeded") ||
                    field_is(status, "phase", "Failed");
    return field_may_integer(status, "observedGeneration",
                             &pod->observed_generation) &&
           read_qos(status, pod) && read_conditions(status, pod) &&
           read_container_statuses(status, pod);
}

bool
kube_read_pod(struct kube_pod *out, struct json_object *object)
{
    struct json_object *metadata;
    struct json_object *spec;
    struct json_object *status;

    memset(out, 0, sizeof(*out));
    return field_object(object, "metadata", &metadata) &&
           field_object(object, "spec", &spec) &&
           field_may_object(object, "status", &status) &&
           read_metadata(metadata, out) && read_spec(spec, out) &&
           read_status(status, out);
}

enum kube_decode
kube_pod_decode(struct kube_pod *out, const char *json, size_t len)
{
    struct kube_pod pod;

    struct json_object *object = field_parse(json, len, KUBE_DEPTH_MAX);
    if (object == NULL) {
        return KUBE_E_SYNTAX;
    }
    bool good = field_is(object, "kind", "Pod") && kube_read_pod(&pod, object);
    json_object_put(object);
    if (!good) {
        return KUBE_E_SHAPE;
    }
    *out = pod;
    return KUBE_OK;
}

const char *
kube_pod_annotation(const struct kube_pod *pod, const char *key)
{
    for (size_t i = 0; i < pod->annotations_len; i++) {
        if (strcmp(pod->annotations[i].key, key) == 0) {
            return pod->annotations[i].value;
        }
    }
    return NULL;
}

int64_t
kube_pod_request(const struct kube_pod *pod, enum gt_resource resource)
{
    int64_t sum = pod->sidecar_requests[resource];

    for (size_t i = 0; i < pod->containers_len; i++) {
        const struct kube_container *c = &pod->containers[i];
        int64_t spec = c->spec.requests[resource];
        int64_t actual = c->has_actual ? c->actual.requests[resource] : spec;
        add_amount(&sum, pod->resize == KUBE_RESIZE_INFEASIBLE
                             ? actual
                             : larger(spec, actual));
    }
    return larger(sum, pod->init_requests[resource]);
}

bool
kube_pod_settled(const struct kube_pod *pod, int64_t generation)
{
    if (pod->resize != KUBE_RESIZE_NONE ||
        pod->observed_generation < generation) {
        return false;
    }
    for (size_t i = 0; i < pod->containers_len; i++) {
        const struct kube_container *c = &pod->containers[i];
        if (c->has_actual &&
            memcmp(&c->actual, &c->spec, sizeof(c->spec)) != 0) {
            return false;
        }
    }
    return true;
}
