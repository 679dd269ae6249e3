/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/field.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* In strict mode json-c 0.18 takes bytes above 0x7f for control characters. */
static int
flags_for(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)bytes[i] & 0x80) != 0) {
            return JSON_TOKENER_VALIDATE_UTF8;
        }
    }
    return JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_STRICT;
}

struct json_object *
field_parse(const char *bytes, size_t len, int depth)
{
    struct json_tokener *tokener;
    struct json_object *value = NULL;

    if (len > INT_MAX) {
        return NULL;
    }
    tokener = json_tokener_new_ex(depth);
    if (tokener == NULL) {
        return NULL;
    }
    json_tokener_set_flags(tokener, flags_for(bytes, len));
    value = json_tokener_parse_ex(tokener, bytes, (int)len);
    /* A value may end early, before more text or a NUL. */
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        json_tokener_get_parse_end(tokener) != len) {
        json_object_put(value);
        value = NULL;
    }
    json_tokener_free(tokener);
    return value;
}

struct json_object *
field_get(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (!json_object_is_type(object, json_type_object)) {
        return NULL;
    }
    json_object_object_get_ex(object, key, &value);
    return value;
}

static bool
typed(struct json_object *value, json_type type, struct json_object **out)
{
    if (value == NULL || !json_object_is_type(value, type)) {
        return false;
    }
    *out = value;
    return true;
}

bool
field_object(struct json_object *object, const char *key,
             struct json_object **out)
{
    return typed(field_get(object, key), json_type_object, out);
}

bool
field_array(struct json_object *object, const char *key,
            struct json_object **out)
{
    return typed(field_get(object, key), json_type_array, out);
}

bool
field_integer(struct json_object *object, const char *key, int64_t min,
              int64_t max, int64_t *out)
{
    struct json_object *value;

    if (!typed(field_get(object, key), json_type_int, &value)) {
        return false;
    }
    /* What int64_t does not hold comes clamped to its ends, and both lie
     * outside of every range. */
    int64_t number = json_object_get_int64(value);
    if (number < min || number > max) {
        return false;
    }
    *out = number;
    return true;
}

bool
field_real(struct json_object *object, const char *key, double min, double max,
           double *out)
{
    struct json_object *value = field_get(object, key);

    if (!typed(value, json_type_double, &value) &&
        !typed(value, json_type_int, &value)) {
        return false;
    }
    double number = json_object_get_double(value);
    if (!isfinite(number) || number < min || number > max) {
        return false;
    }
    *out = number;
    return true;
}

bool
field_value_text(struct json_object *value, char *out, size_t size)
{
    if (!typed(value, json_type_string, &value)) {
        return false;
    }
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    if (len >= size || strlen(text) != len) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

bool
field_text(struct json_object *object, const char *key, char *out, size_t size)
{
    return field_value_text(field_get(object, key), out, size);
}

bool
field_may_object(struct json_object *object, const char *key,
                 struct json_object **out)
{
    if (field_get(object, key) == NULL) {
        *out = NULL;
        return true;
    }
    return field_object(object, key, out);
}

bool
field_may_array(struct json_object *object, const char *key,
                struct json_object **out)
{
    if (field_get(object, key) == NULL) {
        *out = NULL;
        return true;
    }
    return field_array(object, key, out);
}

bool
field_may_bool(struct json_object *object, const char *key, bool *out)
{
    struct json_object *value = field_get(object, key);

    if (value == NULL) {
        *out = false;
        return true;
    }
    if (!typed(value, json_type_boolean, &value)) {
        return false;
    }
    *out = json_object_get_boolean(value);
    return true;
}

bool
field_may_integer(struct json_object *object, const char *key, int64_t *out)
{
    if (field_get(object, key) == NULL) {
        *out = 0;
        return true;
    }
    return field_integer(object, key, 0, FIELD_INTEGER_MAX, out);
}

bool
field_may_text(struct json_object *object, const char *key, char *out,
               size_t size)
{
    if (field_get(object, key) == NULL) {
        out[0] = '\0';
        return true;
    }
    return field_text(object, key, out, size);
}

bool
field_is(struct json_object *object, const char *key, const char *text)
{
    struct json_object *value;

    return typed(field_get(object, key), json_type_string, &value) &&
           strcmp(json_object_get_string(value), text) == 0;
}

bool
field_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\') {
            return false;
        }
    }
    return true;
}

/* The comma is due after a value, not after what opens or names one. */
static void
begin(struct gt_buf *buf, const char *key)
{
    if (buf->len > 0 && strchr("{[", buf->data[buf->len - 1]) == NULL) {
        gt_buf_text(buf, ",");
    }
    if (key != NULL) {
        gt_buf_format(buf, "\"%s\":", key);
    }
}

void
field_add_open(struct gt_buf *buf, const char *key, char bracket)
{
    begin(buf, key);
    gt_buf_add(buf, &bracket, 1);
}

void
field_add_close(struct gt_buf *buf, char bracket)
{
    gt_buf_add(buf, &bracket, 1);
}

void
field_add_text(struct gt_buf *buf, const char *key, const char *text)
{
    begin(buf, key);
    gt_buf_format(buf, "\"%s\"", text);
    if (!field_plain(text)) {
        buf->overflow = true;
    }
}

void
field_add_integer(struct gt_buf *buf, const char *key, int64_t value)
{
    begin(buf, key);
    gt_buf_format(buf, "%" PRId64, value);
    if (value < 0 || value > FIELD_INTEGER_MAX) {
        buf->overflow = true;
    }
}

void
field_add_real(struct gt_buf *buf, const char *key, double value)
{
    begin(buf, key);
    gt_buf_format(buf, "%.6g", value);
    if (!isfinite(value)) {
        buf->overflow = true;
    }
}
