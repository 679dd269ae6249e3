/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the Kubernetes API that the mesh uses, over simulated nodes:
 * nodes and pods by GET, LIST and WATCH, and PATCH of pods/NAME/resize.
 *
 * It answers as a 1.36 API server was recorded to answer: status, reason,
 * message and causes.  Left out: apply patches and YAML (415), label
 * selectors (400), warnings about unknown fields, authorization, PUT.
 *
 * Pure: bytes in, bytes out.  Uses json-c, which allocates.  The simulation is
 * borrowed and must not be resized by others, who would not know the spelling.
 */
#ifndef TESTS_SIM_APISERVER_H
#define TESTS_SIM_APISERVER_H

#include "common/buf.h"
#include "tests/sim/node.h"

#define APISERVER_HISTORY                                                      \
    1000 /* changes a watch may lie behind, by default                         \
          */

struct apiserver; /* opaque */

struct apiserver_config {
    struct node_sim *sim;
    uint64_t history; /* a watch from further back is answered with 410 */
};

size_t apiserver_size(const struct apiserver_config *config);

/* Starts in @memory; returns it. */
struct apiserver *apiserver_init(void *memory,
                                 const struct apiserver_config *config);

/* Parameters of the query that it knows. */
enum apiserver_parameter {
    APISERVER_WATCH,
    APISERVER_ALLOW_WATCH_BOOKMARKS,
    APISERVER_SEND_INITIAL_EVENTS,
    APISERVER_TIMEOUT_SECONDS,
    APISERVER_RESOURCE_VERSION,
    APISERVER_LIMIT,
    APISERVER_CONTINUE,
    APISERVER_FIELD_SELECTOR,
    APISERVER_LABEL_SELECTOR,
    APISERVER_DRY_RUN,
    APISERVER_PARAMETERS,
};
const char *apiserver_parameter_name(enum apiserver_parameter parameter);

struct apiserver_request {
    const char *method;
    const char *path; /* decoded, without the query */
    const char *parameters[APISERVER_PARAMETERS]; /* decoded; NULL: absent */
    const char *content_type;                     /* NULL for none */
    const char *body;
    size_t len;
};

enum apiserver_object { APISERVER_PODS, APISERVER_NODES };

/* What a list or watch selects; "" selects all. */
struct apiserver_filter {
    enum apiserver_object object;
    char space[KUBE_NAME_MAX];
    char name[KUBE_NAME_MAX];
    char node[KUBE_NAME_MAX];
    bool none; /* a phase that no pod is in */
};

struct apiserver_watch {
    struct apiserver_filter filter;
    uint64_t version; /* everything up to it was told */
    bool initial;     /* tell what exists first */
    bool expired;     /* tell 410, then end */
    bool bookmarks;
    bool announce_end; /* of the initial events, by a bookmark */
    uint64_t bookmark_ms;
    uint64_t end_ms;
};

struct apiserver_answer {
    int status;
    const char *content_type;
    int retry_after_s; /* 0: no such header */
    bool is_watch;     /* 200, and the body is the stream of @watch */
    struct apiserver_watch watch;
};

/*
 * Answers one request; the body is appended to @body.  A body that does not
 * fit is a 500.
 */
void apiserver_answer(struct apiserver *api,
                      const struct apiserver_request *request, uint64_t now_ms,
                      struct gt_buf *body, struct apiserver_answer *out);

enum apiserver_stream {
    APISERVER_STREAM_OPEN,
    APISERVER_STREAM_END, /* after what was appended */
};

/*
 * Appends the lines that are due, as many as fit; call it again when there is
 * room, and whenever time passes.
 */
enum apiserver_stream apiserver_stream(const struct apiserver *api,
                                       struct apiserver_watch *watch,
                                       uint64_t now_ms, struct gt_buf *out);

#endif
