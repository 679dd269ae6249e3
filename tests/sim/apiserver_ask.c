/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/apiserver_ask.h"

#include <stdio.h>
#include <string.h>

#define FORMAT_MESSAGE                                                         \
    "quantities must match the regular expression "                            \
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

struct apiserver_cause *
apiserver_add_cause(struct apiserver_ask *ask, const char *reason,
                    const char *field)
{
    struct apiserver_status *s = &ask->status;

    if (s->causes_len == APISERVER_CAUSES_MAX) {
        s->causes_len--;
    }
    struct apiserver_cause *cause = &s->causes[s->causes_len++];
    cause->reason = reason;
    cause->message[0] = '\0';
    (void)snprintf(cause->field, sizeof(cause->field), "%s", field);
    return cause;
}

void
apiserver_forbid(struct apiserver_ask *ask, const char *field, const char *what)
{
    struct apiserver_cause *cause =
        apiserver_add_cause(ask, "FieldValueForbidden", field);

    (void)snprintf(cause->message, sizeof(cause->message), "Forbidden: %s",
                   what);
}

void
apiserver_invalidate(struct apiserver_ask *ask, const char *field,
                     const char *value, const char *what)
{
    struct apiserver_cause *cause =
        apiserver_add_cause(ask, "FieldValueInvalid", field);

    struct gt_buf message;

    gt_buf_init(&message, cause->message, sizeof(cause->message));
    gt_buf_format(&message, "Invalid value: \"%s\": %s", value, what);
}

/* "spec.containers[1].TAIL" */
const char *
apiserver_field(size_t container, const char *tail, char out[96])
{
    (void)snprintf(out, 96, "spec.containers[%zu].%s", container, tail);
    return out;
}

/* Joins the causes, each named once; returns how many are. */
static size_t
compose(const struct apiserver_status *s, struct gt_buf *out)
{
    size_t told = 0;

    for (size_t i = 0; i < s->causes_len; i++) {
        bool again =
            i > 0 &&
            strcmp(s->causes[i].message, s->causes[i - 1].message) == 0 &&
            strcmp(s->causes[i].field, s->causes[i - 1].field) == 0;
        if (!again) {
            gt_buf_format(out, "%s%s: %s", told++ == 0 ? "" : ", ",
                          s->causes[i].field, s->causes[i].message);
        }
    }
    return told;
}

void
apiserver_send_causes(struct apiserver_ask *ask, const char *kind,
                      const char *name)
{
    struct apiserver_status *s = &ask->status;
    char joined[sizeof(s->message)];
    struct gt_buf buf;

    gt_buf_init(&buf, joined, sizeof(joined));
    bool several = compose(s, &buf) > 1;
    s->code = 422;
    s->reason = "Invalid";
    s->kind = kind;
    s->name = name;
    s->details = true;
    gt_buf_init(&buf, s->message, sizeof(s->message));
    gt_buf_format(&buf, "%s \"%s\" is invalid: %s", kind, name,
                  several ? "[" : "");
    gt_buf_text(&buf, joined);
    gt_buf_text(&buf, several ? "]" : "");
    apiserver_send_status(ask->call, s);
}

/* The patch as Go prints a map. */
static void
print_go(struct json_object *value, struct gt_buf *out)
{
    const char *separator = "";

    if (json_object_is_type(value, json_type_array)) {
        gt_buf_text(out, "[");
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            gt_buf_text(out, i == 0 ? "" : " ");
            print_go(json_object_array_get_idx(value, i), out);
        }
        gt_buf_text(out, "]");
    } else if (json_object_is_type(value, json_type_object)) {
        gt_buf_text(out, "map[");
        json_object_object_foreach(value, key, child)
        {
            gt_buf_format(out, "%s%s:", separator, key);
            print_go(child, out);
            separator = " ";
        }
        gt_buf_text(out, "]");
    } else {
        gt_buf_text(out,
                    value == NULL ? "<nil>" : json_object_get_string(value));
    }
}

static void
refuse_quantity(struct apiserver_ask *ask, const char *what)
{
    char map[APISERVER_MESSAGE_MAX / 2];
    struct gt_buf buf;

    gt_buf_init(&buf, map, sizeof(map));
    print_go(ask->patch, &buf);
    apiserver_invalidate(ask, "patch", map, what);
    apiserver_send_causes(ask, "", "");
}

/* Reads one amount; false where the answer has been sent. */
static bool
take_amount(struct apiserver_ask *ask, size_t container, const int at[2],
            struct json_object *value)
{
    static const char *const kinds[] = {"requests", "limits"};
    char *spelling = ask->spelling[container].text[at[0]][at[1]];
    struct kube_resources *wished = &ask->wished[container];
    int64_t *amount = at[0] == APISERVER_REQUESTS ? &wished->requests[at[1]]
                                                  : &wished->limits[at[1]];
    char field[96];
    char tail[48];

    switch (apiserver_quantity((enum gt_resource)at[1],
                               json_object_get_string(value), amount,
                               spelling)) {
    case APISERVER_QUANTITY_OK:
        return true;
    case APISERVER_QUANTITY_NEGATIVE:
        (void)snprintf(tail, sizeof(tail), "resources.%s[%s]", kinds[at[0]],
                       gt_resource_name((enum gt_resource)at[1]));
        apiserver_invalidate(ask, apiserver_field(container, tail, field),
                             spelling, "must be greater than or equal to 0");
        return true;
    case APISERVER_QUANTITY_FORMAT:
        refuse_quantity(ask, FORMAT_MESSAGE);
        return false;
    case APISERVER_QUANTITY_SUFFIX:
        refuse_quantity(ask, "unable to parse quantity's suffix");
        return false;
    }
    return false;
}

static int
resource_of(const char *key)
{
    if (strcmp(key, "cpu") == 0) {
        return GT_CPU;
    }
    return strcmp(key, "memory") == 0 ? GT_MEMORY : GT_RESOURCES;
}

static bool
take_kind(struct apiserver_ask *ask, size_t container, int kind,
          struct json_object *list)
{
    if (!json_object_is_type(list, json_type_object)) {
        return true; /* none */
    }
    json_object_object_foreach(list, key, value)
    {
        const int at[2] = {kind, resource_of(key)};
        if (at[1] == GT_RESOURCES) {
            apiserver_forbid(ask, "spec",
                             "only cpu and memory resources are mutable");
        } else if (!take_amount(ask, container, at, value)) {
            return false;
        }
    }
    return true;
}

static void
check_claims(struct apiserver_ask *ask, size_t container,
             struct json_object *claims)
{
    char field[96];

    if (!json_object_is_type(claims, json_type_array) ||
        json_object_array_length(claims) == 0) {
        return;
    }
    struct json_object *name =
        json_object_object_get(json_object_array_get_idx(claims, 0), "name");
    struct apiserver_cause *cause = apiserver_add_cause(
        ask, "FieldValueNotFound",
        apiserver_field(container, "resources.claims[0]", field));
    (void)snprintf(cause->message, sizeof(cause->message),
                   "Not found: \"%s\": must be one of the names in "
                   "pod.spec.resourceClaims which is empty",
                   json_object_get_string(name));
}

static bool
take_resources(struct apiserver_ask *ask, size_t container,
               struct json_object *resources)
{
    struct kube_resources *wished = &ask->wished[container];

    memset(&ask->spelling[container], 0, sizeof(ask->spelling[container]));
    for (int r = 0; r < GT_RESOURCES; r++) {
        wished->requests[r] = KUBE_ABSENT;
        wished->limits[r] = KUBE_ABSENT;
    }
    if (!json_object_is_type(resources, json_type_object)) {
        return true;
    }
    check_claims(ask, container, json_object_object_get(resources, "claims"));
    return take_kind(ask, container, APISERVER_REQUESTS,
                     json_object_object_get(resources, "requests")) &&
           take_kind(ask, container, APISERVER_LIMITS,
                     json_object_object_get(resources, "limits"));
}

/* A request that is absent is set to the limit. */
static void
set_defaults(struct apiserver_ask *ask, size_t container)
{
    struct apiserver_spelling *s = &ask->spelling[container];
    struct kube_resources *w = &ask->wished[container];

    for (int r = 0; r < GT_RESOURCES; r++) {
        if (w->requests[r] == KUBE_ABSENT && w->limits[r] != KUBE_ABSENT) {
            w->requests[r] = w->limits[r];
            memcpy(s->text[APISERVER_REQUESTS][r], s->text[APISERVER_LIMITS][r],
                   sizeof(s->text[APISERVER_REQUESTS][r]));
        }
    }
}

bool
apiserver_take(struct apiserver_ask *ask)
{
    size_t len = json_object_array_length(ask->containers);

    len = len > KUBE_CONTAINERS_MAX ? KUBE_CONTAINERS_MAX : len;
    for (size_t i = 0; i < len; i++) {
        struct json_object *container =
            json_object_array_get_idx(ask->containers, i);
        if (!take_resources(ask, i,
                            json_object_object_get(container, "resources"))) {
            return false;
        }
        set_defaults(ask, i);
    }
    return true;
}
