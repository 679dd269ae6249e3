/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the API server, shared by apiserver_*.c alone.
 *
 * Pure.  A json_object that a function returns is the caller's.
 */
#ifndef TESTS_SIM_APISERVER_STATE_H
#define TESTS_SIM_APISERVER_STATE_H

#include <json-c/json.h>

#include "tests/sim/apiserver.h"

#define APISERVER_SPELLING_MAX 40
#define APISERVER_CAUSES_MAX   20
#define APISERVER_MESSAGE_MAX  1024

enum apiserver_kind { APISERVER_REQUESTS, APISERVER_LIMITS, APISERVER_KINDS };

/* A container's quantities as they are printed; "" where there is none. */
struct apiserver_spelling {
    char text[APISERVER_KINDS][GT_RESOURCES][APISERVER_SPELLING_MAX];
};

struct apiserver_pod {
    struct apiserver_spelling containers[KUBE_CONTAINERS_MAX];
};

struct apiserver {
    struct apiserver_config config;
    struct apiserver_pod *pods;
};

/* One request, and where its answer goes. */
struct apiserver_call {
    struct apiserver *api;
    const struct apiserver_request *request;
    uint64_t now_ms;
    struct gt_buf *body;
    struct apiserver_answer *answer;
};

struct apiserver_cause {
    const char *reason; /* "FieldValueInvalid"; borrowed, constant */
    char message[APISERVER_MESSAGE_MAX]; /* "" for none */
    char field[96];
};

/* A refusal: what a Status object says. */
struct apiserver_status {
    int code;
    const char *reason; /* "" for none */
    const char *name;   /* details: "" for none */
    const char *kind;
    bool details; /* are there any, be they empty? */
    char message[2 * APISERVER_MESSAGE_MAX];
    struct apiserver_cause causes[APISERVER_CAUSES_MAX];
    size_t causes_len;
    const char *resume; /* metadata.continue; NULL for none */
    int retry_after_s;
};

/* apiserver_object.c */
void apiserver_send(struct apiserver_call *call, int status,
                    struct json_object *takes);
void apiserver_send_status(struct apiserver_call *call,
                           const struct apiserver_status *status);
struct json_object *apiserver_status_json(const struct apiserver_status *s);
struct json_object *apiserver_pod_json(const struct apiserver *api, size_t pod);
struct json_object *apiserver_node_json(const struct apiserver *api,
                                        size_t node);
/* Writes @spelling in place of the object's resources. */
void apiserver_put_resources(struct json_object *container,
                             const struct apiserver_spelling *spelling);
void apiserver_put_text(struct json_object *object, const char *key,
                        const char *text);

/* apiserver_quantity.c */
enum apiserver_quantity {
    APISERVER_QUANTITY_OK,
    APISERVER_QUANTITY_NEGATIVE, /* well-formed; @out is spelt, amount is not */
    APISERVER_QUANTITY_FORMAT,   /* matches no number at all */
    APISERVER_QUANTITY_SUFFIX,
};
/* Reads @text and spells it as the server prints it. */
enum apiserver_quantity apiserver_quantity(enum gt_resource resource,
                                           const char *text, int64_t *amount,
                                           char out[APISERVER_SPELLING_MAX]);

/* apiserver_patch.c: 0, or the HTTP status of the refusal. */
int apiserver_patch_merge(struct json_object *target,
                          struct json_object *patch);
int apiserver_patch_strategic(struct json_object *target,
                              struct json_object *patch);
int apiserver_patch_json(struct json_object *target, struct json_object *patch);

/* apiserver_resize.c: PATCH of pods/NAME/resize. */
void apiserver_resize(struct apiserver_call *call, size_t pod);

/* apiserver_list.c: GET of a collection, and what LIST and WATCH share. */
void apiserver_collection(struct apiserver_call *call,
                          struct apiserver_filter *filter);

size_t apiserver_objects(const struct apiserver *api,
                         const struct apiserver_filter *filter);
struct json_object *apiserver_object_json(const struct apiserver *api,
                                          const struct apiserver_filter *filter,
                                          size_t index);
bool apiserver_selects(const struct apiserver *api,
                       const struct apiserver_filter *filter, size_t index);
/* A whole number; false where it is none. */
bool apiserver_number(const char *text, uint64_t *out);
bool apiserver_is_expired(const struct apiserver *api, uint64_t version);

/* apiserver_watch.c */
void apiserver_open_watch(struct apiserver_call *call,
                          const struct apiserver_filter *filter);
bool apiserver_flag(const struct apiserver_call *call,
                    enum apiserver_parameter parameter);

/* apiserver.c */
void apiserver_refuse(struct apiserver_call *call, int code, const char *reason,
                      const char *message);

#endif
