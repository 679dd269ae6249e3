/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/kube_read.h"

struct kube_list {
    enum kube_object object;
    struct json_object *page;
    struct json_object *items; /* part of @page; NULL for none */
    char resource_version[32];
    char next[1024]; /* the token of the next page */
};

static const char *const kinds[] = {
    [KUBE_OBJECT_POD] = "Pod",
    [KUBE_OBJECT_NODE] = "Node",
};

static const char *const list_kinds[] = {
    [KUBE_OBJECT_POD] = "PodList",
    [KUBE_OBJECT_NODE] = "NodeList",
};

static const char *const types[] = {
    [KUBE_WATCH_ADDED] = "ADDED",     [KUBE_WATCH_MODIFIED] = "MODIFIED",
    [KUBE_WATCH_DELETED] = "DELETED", [KUBE_WATCH_BOOKMARK] = "BOOKMARK",
    [KUBE_WATCH_EXPIRED] = "ERROR",
};

static bool
read_type(struct json_object *line, enum kube_watch_kind *out)
{
    for (unsigned i = 0; i < GT_ARRAY_LEN(types); i++) {
        if (field_is(line, "type", types[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool
read_version(struct json_object *object, struct kube_watch_event *out)
{
    return field_text(field_get(object, "metadata"), "resourceVersion",
                      out->resource_version, sizeof(out->resource_version));
}

static bool
read_object(struct kube_watch_event *out, enum kube_object object,
            struct json_object *from)
{
    return read_version(from, out) &&
           (object == KUBE_OBJECT_POD ? kube_read_pod(&out->pod, from)
                                      : kube_read_node(&out->node, from));
}

static bool
read_error(struct json_object *status, struct kube_watch_event *out)
{
    int64_t code;

    if (!field_is(status, "kind", "Status")) {
        return false;
    }
    out->kind = field_integer(status, "code", 410, 410, &code)
                    ? KUBE_WATCH_EXPIRED
                    : KUBE_WATCH_ERROR;
    return true;
}

static bool
read_event(struct json_object *line, enum kube_object object,
           struct kube_watch_event *out)
{
    struct json_object *from;

    if (!read_type(line, &out->kind) || !field_object(line, "object", &from)) {
        return false;
    }
    if (out->kind == KUBE_WATCH_EXPIRED) {
        return read_error(from, out);
    }
    if (!field_is(from, "kind", kinds[object])) {
        return false;
    }
    return out->kind == KUBE_WATCH_BOOKMARK ? read_version(from, out)
                                            : read_object(out, object, from);
}

enum kube_decode
kube_watch_decode(struct kube_watch_event *out, enum kube_object object,
                  const char *line, size_t len)
{
    struct kube_watch_event event = {0};

    struct json_object *parsed = field_parse(line, len, KUBE_DEPTH_MAX);
    if (parsed == NULL) {
        return KUBE_E_SYNTAX;
    }
    bool good = read_event(parsed, object, &event);
    json_object_put(parsed);
    if (!good) {
        return KUBE_E_SHAPE;
    }
    *out = event;
    return KUBE_OK;
}

static bool
read_page(struct kube_list *list)
{
    struct json_object *metadata;

    return field_is(list->page, "kind", list_kinds[list->object]) &&
           field_object(list->page, "metadata", &metadata) &&
           field_text(metadata, "resourceVersion", list->resource_version,
                      sizeof(list->resource_version)) &&
           field_may_text(metadata, "continue", list->next,
                          sizeof(list->next)) &&
           field_may_array(list->page, "items", &list->items);
}

struct kube_list *
kube_list_open(enum kube_object object, const char *json, size_t len,
               enum kube_decode *why)
{
    struct kube_list *list = calloc(1, sizeof(*list));

    *why = KUBE_E_SYNTAX;
    if (list == NULL) {
        return NULL;
    }
    list->object = object;
    list->page = field_parse(json, len, KUBE_DEPTH_MAX);
    if (list->page != NULL) {
        *why = read_page(list) ? KUBE_OK : KUBE_E_SHAPE;
    }
    return *why == KUBE_OK ? list : kube_list_free(list);
}

size_t
kube_list_len(const struct kube_list *list)
{
    return list->items != NULL ? json_object_array_length(list->items) : 0;
}

const char *
kube_list_continue(const struct kube_list *list)
{
    return list->next;
}

const char *
kube_list_resource_version(const struct kube_list *list)
{
    return list->resource_version;
}

enum kube_decode
kube_list_item(const struct kube_list *list, size_t index,
               struct kube_watch_event *out)
{
    struct kube_watch_event event = {.kind = KUBE_WATCH_ADDED};

    if (index >= kube_list_len(list) ||
        !read_object(&event, list->object,
                     json_object_array_get_idx(list->items, index))) {
        return KUBE_E_SHAPE;
    }
    *out = event;
    return KUBE_OK;
}

struct kube_list *
kube_list_free(struct kube_list *list)
{
    if (list != NULL) {
        json_object_put(list->page);
        free(list);
    }
    return NULL;
}
