/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/kube_read.h"
#include "proto/quantity.h"

static bool
read_amount(struct json_object *amounts, enum gt_resource resource,
            int64_t *out)
{
    const char *key = gt_resource_name(resource);
    enum quantity_outcome outcome;
    char text[64];

    *out = KUBE_ABSENT;
    if (field_get(amounts, key) == NULL) {
        return true;
    }
    if (!field_text(amounts, key, text, sizeof(text))) {
        return false;
    }
    outcome = quantity_decode(resource, text, out);
    if (outcome == QUANTITY_E_RANGE || *out > KUBE_AMOUNT_MAX) {
        *out = KUBE_AMOUNT_MAX; /* the API takes limits of any size */
    }
    return outcome != QUANTITY_E_SYNTAX && text[0] != '-';
}

bool
kube_read_amounts(struct json_object *object, const char *key,
                  int64_t out[GT_RESOURCES])
{
    struct json_object *amounts;

    return field_may_object(object, key, &amounts) &&
           read_amount(amounts, GT_CPU, &out[GT_CPU]) &&
           read_amount(amounts, GT_MEMORY, &out[GT_MEMORY]);
}

void
kube_read_message(struct json_object *object, const char *key, char *out)
{
    struct json_object *value = field_get(object, key);
    size_t len = 0;

    if (json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value);
        len = strnlen(text, KUBE_MESSAGE_MAX - 1);
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--; /* not within a character of UTF-8 */
        }
        memcpy(out, text, len);
    }
    out[len] = '\0';
}

bool
kube_read_node(struct kube_node *out, struct json_object *object)
{
    struct json_object *metadata;
    struct json_object *status;

    return field_object(object, "metadata", &metadata) &&
           field_text(metadata, "name", out->name, sizeof(out->name)) &&
           field_text(metadata, "resourceVersion", out->resource_version,
                      sizeof(out->resource_version)) &&
           field_object(object, "status", &status) &&
           kube_read_amounts(status, "allocatable", out->allocatable) &&
           out->allocatable[GT_CPU] != KUBE_ABSENT &&
           out->allocatable[GT_MEMORY] != KUBE_ABSENT;
}

enum kube_decode
kube_node_decode(struct kube_node *out, const char *json, size_t len)
{
    struct kube_node node = {0};

    struct json_object *object = field_parse(json, len, KUBE_DEPTH_MAX);
    if (object == NULL) {
        return KUBE_E_SYNTAX;
    }
    bool good =
        field_is(object, "kind", "Node") && kube_read_node(&node, object);
    json_object_put(object);
    if (!good) {
        return KUBE_E_SHAPE;
    }
    *out = node;
    return KUBE_OK;
}
