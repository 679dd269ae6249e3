/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/policy.h"

#include <string.h>

#include "common/base.h"
#include "proto/quantity.h"

#define MIN_CPU_MILLI    INT64_C(10)
#define MIN_MEMORY_BYTES (INT64_C(32) << 20)
#define MAX_FACTOR       4 /* of the original request */
#define WEIGHT_MIN_MILLI 250
#define WEIGHT_MAX_MILLI 16000
#define WEIGHT_SYSTEM    4.0
#define PENALTY_STANDARD 20.0
/* One second short of memory is a kill, whatever the class. */
#define PENALTY_MEMORY 40000.0

/* A reader of one annotation's value. */
struct key {
    const char *name;
    bool (*read)(struct policy *out, const char *value);
};

static bool
is(const char *value, const char *word)
{
    return strcmp(value, word) == 0;
}

static bool
read_strategy(struct policy *out, const char *value)
{
    (void)out;
    return is(value, "potential-game");
}

static bool
read_mode(struct policy *out, const char *value)
{
    for (enum policy_mode m = POLICY_APPLY; m <= POLICY_OFF; m++) {
        if (is(value, policy_mode_name(m))) {
            out->mode = m;
            return true;
        }
    }
    return false;
}

static bool
read_amount(enum gt_resource resource, const char *value, int64_t *amount)
{
    return quantity_decode(resource, value, amount) == QUANTITY_OK &&
           *amount > 0;
}

static bool
read_min_cpu(struct policy *out, const char *value)
{
    return read_amount(GT_CPU, value, &out->min[GT_CPU]);
}

static bool
read_max_cpu(struct policy *out, const char *value)
{
    return read_amount(GT_CPU, value, &out->max[GT_CPU]);
}

static bool
read_min_memory(struct policy *out, const char *value)
{
    return read_amount(GT_MEMORY, value, &out->min[GT_MEMORY]);
}

static bool
read_max_memory(struct policy *out, const char *value)
{
    return read_amount(GT_MEMORY, value, &out->max[GT_MEMORY]);
}

static bool
read_priority(struct policy *out, const char *value)
{
    int64_t milli = 0;

    if (quantity_decode(GT_CPU, value, &milli) != QUANTITY_OK ||
        milli < WEIGHT_MIN_MILLI || milli > WEIGHT_MAX_MILLI) {
        return false;
    }
    out->weight = (double)milli / 1000.0;
    return true;
}

/* 1 - 1/b is the quantile of demand that is worth serving. */
static bool
read_class(struct policy *out, const char *value)
{
    static const struct {
        const char *name;
        double penalty;
    } classes[] = {
        {"batch",            5.0             },
        {"standard",         PENALTY_STANDARD},
        {"latency-critical", 100.0           },
    };

    for (size_t i = 0; i < GT_ARRAY_LEN(classes); i++) {
        if (is(value, classes[i].name)) {
            out->penalty[GT_CPU] = classes[i].penalty;
            return true;
        }
    }
    return false;
}

static bool
read_controlled(struct policy *out, const char *value)
{
    out->requests_only = is(value, "requests");
    return out->requests_only || is(value, "requests-and-limits");
}

/* A list of resources, separated by commas. */
static bool
read_resources(struct policy *out, const char *value)
{
    const char *at = value;

    memset(out->moves, 0, sizeof(out->moves));
    for (;;) {
        size_t len = strcspn(at, ",");
        int r = 0;

        while (r < GT_RESOURCES &&
               (strlen(gt_resource_name((enum gt_resource)r)) != len ||
                strncmp(gt_resource_name((enum gt_resource)r), at, len) != 0)) {
            r++;
        }
        if (r == GT_RESOURCES) {
            return false;
        }
        out->moves[r] = true;
        if (at[len] == '\0') {
            return true;
        }
        at += len + 1;
    }
}

/* What may stand in a request line; a query is ours to add. */
static bool
is_path(const char *path)
{
    if (path[0] != '/') {
        return false;
    }
    for (const char *p = path; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}?#", *p) != NULL) {
            return false;
        }
    }
    return true;
}

/* PORT/PATH, after "http:". */
static bool
read_hook(struct policy *out, const char *text)
{
    unsigned port = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++) {
        port = port * 10 + (unsigned)(*p - '0');
    }
    if (port == 0 || port > UINT16_MAX || !is_path(p) ||
        strlen(p) >= sizeof(out->release_path)) {
        return false;
    }
    out->release = POLICY_RELEASE_HTTP;
    out->release_port = (uint16_t)port;
    memcpy(out->release_path, p, strlen(p) + 1);
    return true;
}

static bool
read_release(struct policy *out, const char *value)
{
    if (strncmp(value, "http:", 5) == 0) {
        return read_hook(out, value + 5);
    }
    out->release =
        is(value, "none") ? POLICY_RELEASE_NONE : POLICY_RELEASE_AUTO;
    return is(value, "none") || is(value, "auto");
}

static const struct key keys[] = {
    {"strategy",   read_strategy  },
    {"mode",       read_mode      },
    {"min-cpu",    read_min_cpu   },
    {"max-cpu",    read_max_cpu   },
    {"min-memory", read_min_memory},
    {"max-memory", read_max_memory},
    {"priority",   read_priority  },
    {"class",      read_class     },
    {"controlled", read_controlled},
    {"resources",  read_resources },
    {"release",    read_release   },
};

/* The annotation @key of @container: KEY.CONTAINER, else KEY, else NULL. */
static const struct kube_annotation *
find(const struct kube_pod *pod, const char *key, const char *container)
{
    const struct kube_annotation *general = NULL;
    size_t len = strlen(key);

    for (size_t i = 0; i < pod->annotations_len; i++) {
        const struct kube_annotation *annotation = &pod->annotations[i];

        if (strncmp(annotation->key, key, len) != 0) {
            continue;
        }
        if (annotation->key[len] == '.' &&
            is(annotation->key + len + 1, container)) {
            return annotation;
        }
        if (annotation->key[len] == '\0') {
            general = annotation;
        }
    }
    return general;
}

static bool
is_system_critical(const char *priority_class)
{
    static const char suffix[] = "-critical";
    size_t len = strlen(priority_class);

    return strncmp(priority_class, "system-", 7) == 0 &&
           len >= sizeof(suffix) &&
           is(priority_class + len - (sizeof(suffix) - 1), suffix);
}

/* 0: not said yet. */
static void
set_defaults(struct policy *out, const struct kube_pod *pod)
{
    memset(out, 0, sizeof(*out));
    out->moves[GT_CPU] = true;
    out->moves[GT_MEMORY] = true;
    out->weight = is_system_critical(pod->priority_class) ? WEIGHT_SYSTEM : 1.0;
    out->penalty[GT_CPU] = PENALTY_STANDARD;
    out->penalty[GT_MEMORY] = PENALTY_MEMORY;
}

static int64_t
default_max(int64_t request)
{
    if (request <= 0) {
        return 0;
    }
    return request <= INT64_MAX / MAX_FACTOR ? request * MAX_FACTOR : INT64_MAX;
}

/* Fills the bounds that were not said. */
static void
set_bounds(struct policy *out, const struct kube_container *container)
{
    static const int64_t least[GT_RESOURCES] = {
        [GT_CPU] = MIN_CPU_MILLI,
        [GT_MEMORY] = MIN_MEMORY_BYTES,
    };

    for (int r = 0; r < GT_RESOURCES; r++) {
        int64_t wide = default_max(container->spec.requests[r]);
        int64_t *min = &out->min[r];
        int64_t *max = &out->max[r];

        if (*min == 0) {
            *min = *max > 0 && *max < least[r] ? *max : least[r];
        }
        if (*max == 0) {
            *max = wide > *min ? wide : *min;
        }
    }
}

/* The first annotation that cannot be understood, or NULL. */
static const struct kube_annotation *
read_annotations(struct policy *out, const struct kube_pod *pod,
                 const struct kube_container *container)
{
    for (size_t i = 0; i < GT_ARRAY_LEN(keys); i++) {
        const struct kube_annotation *annotation =
            find(pod, keys[i].name, container->name);

        if (annotation != NULL && !keys[i].read(out, annotation->value)) {
            return annotation;
        }
    }
    set_bounds(out, container);
    if (out->min[GT_CPU] > out->max[GT_CPU]) {
        return find(pod, "min-cpu", container->name);
    }
    if (out->min[GT_MEMORY] > out->max[GT_MEMORY]) {
        return find(pod, "min-memory", container->name);
    }
    return NULL;
}

enum policy_outcome
policy_read(struct policy *out, const struct kube_pod *pod, size_t index,
            const struct kube_annotation **bad)
{
    const struct kube_annotation *found = NULL;
    struct policy policy;

    set_defaults(&policy, pod);
    found = read_annotations(&policy, pod, &pod->containers[index]);
    if (found != NULL) {
        if (bad != NULL) {
            *bad = found;
        }
        return POLICY_E_VALUE;
    }
    *out = policy;
    return POLICY_OK;
}

const char *
policy_mode_name(enum policy_mode mode)
{
    switch (mode) {
    case POLICY_APPLY:
        return "apply";
    case POLICY_RECOMMEND:
        return "recommend";
    case POLICY_OFF:
        return "off";
    }
    return "unknown";
}
