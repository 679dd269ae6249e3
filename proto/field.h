/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON fields, strictly: json-c is lax, so that every field that comes from
 * outside is read through one of these, which check type, range and length.
 *
 * Integers are exact; ranges end at FIELD_INTEGER_MAX, up to which every JSON
 * reader is exact.  A field that is null is absent.  Of duplicate keys the last
 * one counts.
 *
 * A reader of a needed field is false where the field is absent.  The
 * field_may_*() readers take an absent field, and an absent object around it,
 * as empty.  Outputs are written only on true.
 *
 * Pure, but for json-c's allocations.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "common/buf.h"

#define FIELD_INTEGER_MAX ((INT64_C(1) << 53) - 1)

/*
 * Parses @bytes as exactly one JSON value, nested at most @depth deep.  The
 * caller ends it with json_object_put().  NULL where it is none, or longer than
 * @len, or not UTF-8.
 */
struct json_object *field_parse(const char *bytes, size_t len, int depth);

/* NULL where it is absent. */
struct json_object *field_get(struct json_object *object, const char *key);

bool field_object(struct json_object *object, const char *key,
                  struct json_object **out);
bool field_array(struct json_object *object, const char *key,
                 struct json_object **out);
bool field_integer(struct json_object *object, const char *key, int64_t min,
                   int64_t max, int64_t *out);
/* Finite and within [@min, @max]. */
bool field_real(struct json_object *object, const char *key, double min,
                double max, double *out);
/* Copies text and NUL; a text with a NUL inside, or that is longer than
 * @size - 1 bytes, is refused. */
bool field_text(struct json_object *object, const char *key, char *out,
                size_t size);

bool field_may_object(struct json_object *object, const char *key,
                      struct json_object **out);
bool field_may_array(struct json_object *object, const char *key,
                     struct json_object **out);
bool field_may_bool(struct json_object *object, const char *key, bool *out);
/* >= 0 */
bool field_may_integer(struct json_object *object, const char *key,
                       int64_t *out);
bool field_may_text(struct json_object *object, const char *key, char *out,
                    size_t size);

/* The same for a value that is not looked up: an element of an array. */
bool field_value_text(struct json_object *value, char *out, size_t size);

/* Is the text of @key exactly @text? */
bool field_is(struct json_object *object, const char *key, const char *text);

/*
 * Plain text: printable ASCII without quote and backslash.  It is the same
 * inside and outside of JSON, so that no length depends on escapes.
 */
bool field_plain(const char *text);

/*
 * Writers: each appends a comma where one is due, the key (NULL in an array)
 * and the value.  What a strict reader would refuse, sets buf->overflow: a text
 * that is not plain, an integer below 0 or above FIELD_INTEGER_MAX, a real that
 * is not finite.
 */
void field_add_open(struct gt_buf *buf, const char *key, char bracket);
void field_add_close(struct gt_buf *buf, char bracket);
void field_add_text(struct gt_buf *buf, const char *key, const char *text);
void field_add_integer(struct gt_buf *buf, const char *key, int64_t value);
/* Six significant digits. */
void field_add_real(struct gt_buf *buf, const char *key, double value);

#endif
