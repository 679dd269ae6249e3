/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One PATCH of pods/NAME/resize on its way through the checks: read
 * (apiserver_ask.c), judged (apiserver_validate.c), done (apiserver_resize.c).
 * Shared by these three alone.
 *
 * Pure.
 */
#ifndef TESTS_SIM_APISERVER_ASK_H
#define TESTS_SIM_APISERVER_ASK_H

#include "tests/sim/apiserver_state.h"

struct apiserver_ask {
    struct apiserver_call *call;
    size_t pod;
    const char *name; /* of the pod */
    struct json_object *patch;
    struct json_object *target;     /* the pod as patched */
    struct json_object *containers; /* of @target */
    struct kube_resources wished[KUBE_CONTAINERS_MAX];
    struct apiserver_spelling spelling[KUBE_CONTAINERS_MAX];
    struct apiserver_status status; /* of the refusal */
};

/* Adds what is wrong with @field; the last cause gives way where it is full. */
struct apiserver_cause *apiserver_add_cause(struct apiserver_ask *ask,
                                            const char *reason,
                                            const char *field);
void apiserver_forbid(struct apiserver_ask *ask, const char *field,
                      const char *what);
void apiserver_invalidate(struct apiserver_ask *ask, const char *field,
                          const char *value, const char *what);
/* "spec.containers[1].TAIL"; returns @out. */
const char *apiserver_field(size_t container, const char *tail, char out[96]);

/* 422 for the pod, or, where it could not be read, for the patch. */
void apiserver_send_causes(struct apiserver_ask *ask, const char *kind,
                           const char *name);

/* Reads the amounts of every container; false where the answer was sent. */
bool apiserver_take(struct apiserver_ask *ask);

/* Another uid or resourceVersion?  True where the answer was sent. */
bool apiserver_refuse_identity(struct apiserver_ask *ask,
                               const struct kube_pod *pod);

/* What is wrong with the pod itself?  True where the answer was sent. */
bool apiserver_refuse_invalid(struct apiserver_ask *ask,
                              const struct kube_pod *pod);

/* Above the whole node?  True where the answer was sent. */
bool apiserver_refuse_capacity(struct apiserver_ask *ask);

#endif
