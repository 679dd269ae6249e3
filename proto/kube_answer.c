/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/kube_read.h"

static const char *const outcome_names[] = {
    [KUBE_APPLIED] = "applied",       [KUBE_E_TRANSPORT] = "transport",
    [KUBE_E_ANSWER] = "answer",       [KUBE_E_UNAUTHORIZED] = "unauthorized",
    [KUBE_E_FORBIDDEN] = "forbidden", [KUBE_E_LIMIT_RANGE] = "limit-range",
    [KUBE_E_QUOTA] = "quota",         [KUBE_E_NODE_CAPACITY] = "node-capacity",
    [KUBE_E_POLICY] = "policy",       [KUBE_E_NOT_FOUND] = "not-found",
    [KUBE_E_CONFLICT] = "conflict",   [KUBE_E_INVALID] = "invalid",
    [KUBE_E_THROTTLED] = "throttled", [KUBE_E_SERVER] = "server",
    [KUBE_E_REQUEST] = "request",
};

/*
 * What a refusal means is in its words alone.  Policies come first, for their
 * words are anybody's and may quote the others.
 */
static const struct wording {
    const char *text;
    enum kube_outcome outcome;
} wordings[] = {
    {"ValidatingAdmissionPolicy '",      KUBE_E_POLICY       },
    {"' denied request: ",               KUBE_E_POLICY       },
    {"admission webhook \"",             KUBE_E_POLICY       },
    {"node didn't have enough ",         KUBE_E_NODE_CAPACITY},
    {" requires features ",              KUBE_E_NODE_CAPACITY},
    {" is forbidden: node \"",           KUBE_E_NODE_CAPACITY},
    {"exceeded quota: ",                 KUBE_E_QUOTA        },
    {"failed quota: ",                   KUBE_E_QUOTA        },
    {" usage per ",                      KUBE_E_LIMIT_RANGE  },
    {" max limit to request ratio per ", KUBE_E_LIMIT_RANGE  },
};

static enum kube_outcome
outcome_by_words(const char *message, enum kube_outcome otherwise)
{
    for (size_t i = 0; i < GT_ARRAY_LEN(wordings); i++) {
        if (strstr(message, wordings[i].text) != NULL) {
            return wordings[i].outcome;
        }
    }
    return otherwise;
}

static bool
has_cause(struct json_object *status, const char *reason)
{
    struct json_object *causes;

    if (!field_array(field_get(status, "details"), "causes", &causes)) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(causes); i++) {
        if (field_is(json_object_array_get_idx(causes, i), "reason", reason)) {
            return true;
        }
    }
    return false;
}

static enum kube_outcome
refusal(struct json_object *status, const char *message)
{
    if (has_cause(status, "NodeCapacity")) {
        return KUBE_E_NODE_CAPACITY;
    }
    return outcome_by_words(message, KUBE_E_FORBIDDEN);
}

/* A policy chooses the status of its refusal; by default it is 422. */
static enum kube_outcome
policy_or(const char *message, enum kube_outcome otherwise)
{
    return outcome_by_words(message, otherwise) == KUBE_E_POLICY ? KUBE_E_POLICY
                                                                 : otherwise;
}

/* An answer with a Status in it. */
static enum kube_outcome
outcome_of(int http, struct json_object *status, const char *message)
{
    switch (http) {
    case 403:
        return refusal(status, message);
    case 404:
        return KUBE_E_NOT_FOUND;
    case 409:
        return KUBE_E_CONFLICT;
    case 422:
        return policy_or(message, KUBE_E_INVALID);
    default:
        return policy_or(message, KUBE_E_REQUEST);
    }
}

/* The first line of what is no JSON, without what a log could not show. */
static void
read_plain_text(const char *body, size_t len, char *out)
{
    size_t used = 0;

    while (used < len && used < KUBE_MESSAGE_MAX - 1 && body[used] != '\n') {
        out[used] = body[used];
        if (out[used] < ' ' || out[used] > '~') {
            out[used] = '?';
        }
        used++;
    }
    out[used] = '\0';
}

static enum kube_outcome
read_answer(struct kube_answer *out, struct json_object *body)
{
    if (out->status == 200) {
        return field_is(body, "kind", "Pod") && kube_read_pod(&out->pod, body)
                   ? KUBE_APPLIED
                   : KUBE_E_ANSWER;
    }
    if (out->status == 401) {
        return KUBE_E_UNAUTHORIZED;
    }
    if (out->status == 429) {
        return KUBE_E_THROTTLED;
    }
    if (out->status >= 500 && out->status <= 599) {
        return KUBE_E_SERVER;
    }
    /* A 404 that is no Status comes from something between us and the API. */
    if (out->status < 400 || out->status > 499 ||
        !field_is(body, "kind", "Status")) {
        return KUBE_E_ANSWER;
    }
    return outcome_of(out->status, body, out->message);
}

void
kube_answer_decode(struct kube_answer *out, int status, const char *body,
                   size_t len)
{
    memset(out, 0, sizeof(*out));
    out->status = status;
    if (status == 0) {
        out->outcome = KUBE_E_TRANSPORT;
        return;
    }
    struct json_object *object = field_parse(body, len, KUBE_DEPTH_MAX);
    if (object == NULL) {
        read_plain_text(body, len, out->message);
    } else {
        kube_read_message(object, "message", out->message);
    }
    out->outcome = read_answer(out, object);
    json_object_put(object);
    if (out->outcome != KUBE_APPLIED) {
        memset(&out->pod, 0, sizeof(out->pod));
    }
}

const char *
kube_outcome_name(enum kube_outcome outcome)
{
    return outcome_names[outcome];
}
