/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes in, Kubernetes out: Pod and Node JSON to what we need of them, a
 * resize to its patch body, an API answer to an outcome.
 *
 * What a real API server (1.36) answers is summarised in README.md of this
 * folder.  Field names: KEP-1287 (in-place pod resize) and the Kubernetes API.
 *
 * Pure.  Structs own their texts; a text that does not fit is
 * KUBE_E_SHAPE, never cut, but for messages to people.
 */
#ifndef PROTO_KUBE_H
#define PROTO_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/grid.h"

#define KUBE_NAME_MAX        254
#define KUBE_UID_MAX         64
#define KUBE_CONTAINERS_MAX  8
#define KUBE_ANNOTATIONS_MAX 32 /* of our prefix; more are KUBE_E_SHAPE */
#define KUBE_MESSAGE_MAX     512
#define KUBE_ABSENT          (-1) /* no such request or limit */
/* Larger amounts are read as this: there are limits of any size. */
#define KUBE_AMOUNT_MAX ((INT64_C(1) << 53) - 1)

enum kube_decode {
    KUBE_OK,
    KUBE_E_SYNTAX, /* not JSON */
    KUBE_E_SHAPE,  /* JSON of another kind, a field of a wrong type or range */
};

/* Requests and limits: milli-CPU and bytes; KUBE_ABSENT where there is none. */
struct kube_resources {
    int64_t requests[GT_RESOURCES];
    int64_t limits[GT_RESOURCES];
};

struct kube_container {
    char name[KUBE_UID_MAX];
    struct kube_resources spec;   /* wished */
    struct kube_resources actual; /* status.containerStatuses[].resources */
    bool has_actual;              /* the kubelet reports resources */
    bool ready;
    int64_t restarts;
    char container_id[128]; /* "containerd://..." or "" */
};

/* A resize condition of the pod, from the best to the worst. */
enum kube_resize {
    KUBE_RESIZE_NONE,
    KUBE_RESIZE_IN_PROGRESS, /* PodResizeInProgress without a reason */
    KUBE_RESIZE_DEFERRED,    /* PodResizePending, reason Deferred */
    KUBE_RESIZE_INFEASIBLE,  /* PodResizePending, reason Infeasible */
    KUBE_RESIZE_ERROR,       /* PodResizeInProgress, reason Error */
};

enum kube_qos { KUBE_BEST_EFFORT, KUBE_BURSTABLE, KUBE_GUARANTEED };

struct kube_annotation {
    char key[64]; /* without the prefix "scaling.mesh/" */
    char value[128];
};

struct kube_pod {
    char name[KUBE_NAME_MAX];
    char space[KUBE_UID_MAX]; /* namespace */
    char uid[KUBE_UID_MAX];
    char node[KUBE_NAME_MAX];     /* "" until bound */
    char workload[KUBE_NAME_MAX]; /* controller owner, "Kind/name", or "" */
    char resource_version[32];
    int64_t generation;
    int64_t observed_generation; /* status's; 0 where it is absent */
    bool terminating;            /* deletionTimestamp is set */
    bool finished;               /* phase Succeeded or Failed */
    enum kube_qos qos;
    enum kube_resize resize;               /* the worst condition */
    char resize_message[KUBE_MESSAGE_MAX]; /* may be cut */
    char priority_class[KUBE_NAME_MAX];
    size_t containers_len;
    struct kube_container containers[KUBE_CONTAINERS_MAX];
    /* Requests of what runs beside @containers: native sidecars, and the
     * overhead of the runtime. */
    int64_t sidecar_requests[GT_RESOURCES];
    /* The most that is needed before @containers start; counted for life. */
    int64_t init_requests[GT_RESOURCES];
    size_t annotations_len;
    struct kube_annotation annotations[KUBE_ANNOTATIONS_MAX];
};

struct kube_node {
    char name[KUBE_NAME_MAX];
    char resource_version[32];
    int64_t allocatable[GT_RESOURCES];
};

enum kube_decode kube_pod_decode(struct kube_pod *out, const char *json,
                                 size_t len);
enum kube_decode kube_node_decode(struct kube_node *out, const char *json,
                                  size_t len);

/* The value of annotation "scaling.mesh/KEY", or NULL. */
const char *kube_pod_annotation(const struct kube_pod *pod, const char *key);

/*
 * What the scheduler and the kubelet count for the pod: the sum over containers
 * of the larger of spec and actual request (of an infeasible resize: of the
 * actual one), plus sidecars, and at least what the start needs.
 */
int64_t kube_pod_request(const struct kube_pod *pod, enum gt_resource resource);

/*
 * Is the resize that made @generation done?  The kubelet has seen it, there is
 * no resize condition, and every container whose resources the kubelet reports
 * has exactly the ones of its spec.
 */
bool kube_pod_settled(const struct kube_pod *pod, int64_t generation);

/* The change of one container in a patch; KUBE_ABSENT: leave alone. */
struct kube_change {
    char name[KUBE_UID_MAX];
    struct kube_resources to;
};

/* One PATCH of pods/NAME/resize. */
struct kube_patch {
    char uid[KUBE_UID_MAX]; /* guards against a re-created pod */
    size_t changes_len;     /* in pod order */
    struct kube_change changes[KUBE_CONTAINERS_MAX];
};

/*
 * Appends the strategic-merge body; "{}", which only reads, for an empty @patch
 * without a uid.  Names or amounts that nobody would take set out->overflow,
 * and nothing is appended.
 */
void kube_patch_encode(const struct kube_patch *patch, struct gt_buf *out);

/* What came back from a PATCH of pods/resize. */
enum kube_outcome {
    KUBE_APPLIED,         /* 200 and a Pod: not yet done, follow it up */
    KUBE_E_TRANSPORT,     /* no answer: connect, timeout, cut */
    KUBE_E_ANSWER,        /* 200 or else with a body that is not what it is */
    KUBE_E_UNAUTHORIZED,  /* 401 */
    KUBE_E_FORBIDDEN,     /* 403: RBAC */
    KUBE_E_LIMIT_RANGE,   /* 403: LimitRange */
    KUBE_E_QUOTA,         /* 403: ResourceQuota */
    KUBE_E_NODE_CAPACITY, /* 403: the node is too small, too old or gone */
    KUBE_E_POLICY,        /* 403, 422 or 400: an admission policy or webhook */
    KUBE_E_NOT_FOUND,     /* 404 */
    KUBE_E_CONFLICT,      /* 409 */
    KUBE_E_INVALID,       /* 422: QoS, quantities, uid */
    KUBE_E_THROTTLED,     /* 429; body is plain text */
    KUBE_E_SERVER,        /* 5xx */
    KUBE_E_REQUEST,       /* any other 4xx: 400, 405, 413, 415 */
};

struct kube_answer {
    enum kube_outcome outcome;
    int status;                     /* HTTP, 0 without an answer */
    char message[KUBE_MESSAGE_MAX]; /* of the Status, may be cut */
    struct kube_pod pod;            /* on KUBE_APPLIED */
};

/*
 * Reads the answer to a PATCH.  @status is the HTTP status, 0 for no answer.
 * Never fails: what cannot be read is KUBE_E_ANSWER.
 */
void kube_answer_decode(struct kube_answer *out, int status, const char *body,
                        size_t len);

const char *kube_outcome_name(enum kube_outcome outcome);

/* One line of a watch stream. */
enum kube_watch_kind {
    KUBE_WATCH_ADDED,
    KUBE_WATCH_MODIFIED,
    KUBE_WATCH_DELETED,
    KUBE_WATCH_BOOKMARK, /* only resource_version is set */
    KUBE_WATCH_EXPIRED,  /* ERROR with code 410: list again */
    KUBE_WATCH_ERROR,    /* any other ERROR */
};

enum kube_object { KUBE_OBJECT_POD, KUBE_OBJECT_NODE };

struct kube_watch_event {
    enum kube_watch_kind kind;
    char resource_version[32];
    union {
        struct kube_pod pod;
        struct kube_node node;
    };
};

enum kube_decode kube_watch_decode(struct kube_watch_event *out,
                                   enum kube_object object, const char *line,
                                   size_t len);

/*
 * One page of a LIST.  Calls nothing: the page is opened once, then read item
 * by item, and closed.
 */
struct kube_list; /* holds the parsed page */

/* NULL and @why on a page that is no list of @object. */
struct kube_list *kube_list_open(enum kube_object object, const char *json,
                                 size_t len, enum kube_decode *why);
size_t kube_list_len(const struct kube_list *list);
/* "" on the last page. */
const char *kube_list_continue(const struct kube_list *list);
const char *kube_list_resource_version(const struct kube_list *list);
/* Item @index as an ADDED event; an item that cannot be read is KUBE_E_SHAPE
 * and the others still count. */
enum kube_decode kube_list_item(const struct kube_list *list, size_t index,
                                struct kube_watch_event *out);
/* Returns NULL. */
struct kube_list *kube_list_free(struct kube_list *list);

#endif
