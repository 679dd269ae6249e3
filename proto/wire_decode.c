/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <string.h>

#include "proto/field.h"
#include "proto/wire_words.h"

#define DEPTH_MAX 16 /* ours need 5; the rest is for fields to come */

#define WEIGHT_MIN      0.25
#define WEIGHT_MAX      16.0
#define PARTS_MAX       1024
#define DURATION_MAX_MS 3600000

/* Plain, and with at least one character. */
static bool
read_name(struct json_object *object, const char *key, char *out, size_t size)
{
    return field_text(object, key, out, size) && out[0] != '\0' &&
           field_plain(out);
}

static bool
read_amount(struct json_object *object, const char *key, int64_t *out)
{
    return field_integer(object, key, 0, FIELD_INTEGER_MAX, out);
}

static bool
read_number(struct json_object *object, const char *key, int64_t min,
            uint64_t *out)
{
    int64_t number;

    if (!field_integer(object, key, min, FIELD_INTEGER_MAX, &number)) {
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

static bool
read_small(struct json_object *object, const char *key, int64_t max,
           uint32_t *out)
{
    int64_t number;

    if (!field_integer(object, key, 0, max, &number)) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

/* 1 to 16 lower-case hexadecimal digits, not 0. */
static bool
read_incarnation(struct json_object *object, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    char text[17];
    uint64_t value = 0;

    if (!field_text(object, "inc", text, sizeof(text))) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        const char *digit = strchr(digits, *c);
        if (digit == NULL) {
            return false;
        }
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *out = value;
    return value != 0;
}

static bool
read_player(struct json_object *object, struct wire_player *out)
{
    return read_amount(object, "current", &out->current) &&
           read_amount(object, "target", &out->target) &&
           read_amount(object, "want", &out->want) &&
           read_amount(object, "floor", &out->floor) &&
           read_amount(object, "max", &out->max) && out->floor <= out->max &&
           field_real(object, "gain", -DBL_MAX, DBL_MAX, &out->gain) &&
           field_real(object, "value", -DBL_MAX, 0.0, &out->value);
}

static bool
read_container(struct json_object *object, enum wire_kind kind,
               struct wire_container *out)
{
    if (kind == WIRE_HELLO &&
        !read_name(object, "name", out->name, sizeof(out->name))) {
        return false;
    }
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        struct json_object *player;
        if (!field_object(object, gt_resource_name(r), &player) ||
            !read_player(player, &out->players[r])) {
            return false;
        }
    }
    return field_real(object, "weight", WEIGHT_MIN, WEIGHT_MAX, &out->weight);
}

static bool
read_containers(struct json_object *object, struct wire_strategy *out)
{
    struct json_object *list;

    if (!field_array(object, "containers", &list) ||
        json_object_array_length(list) > WIRE_CONTAINERS_MAX) {
        return false;
    }
    out->containers_len = json_object_array_length(list);
    for (size_t i = 0; i < out->containers_len; i++) {
        if (!read_container(json_object_array_get_idx(list, i), out->kind,
                            &out->containers[i])) {
            return false;
        }
    }
    return true;
}

/* Unknown words are for later versions. */
static uint32_t
flag_of(struct json_object *word)
{
    char text[32];

    if (!field_value_text(word, text, sizeof(text))) {
        return 0;
    }
    for (size_t i = 0; i < GT_ARRAY_LEN(wire_flag_words); i++) {
        if (strcmp(text, wire_flag_words[i].word) == 0) {
            return wire_flag_words[i].flag;
        }
    }
    return 0;
}

static bool
read_flags(struct json_object *object, uint32_t *out)
{
    struct json_object *list;

    if (!field_may_array(object, "flags", &list)) {
        return false;
    }
    for (size_t i = 0; list != NULL && i < json_object_array_length(list);
         i++) {
        *out |= flag_of(json_object_array_get_idx(list, i));
    }
    return true;
}

static bool
read_heard(struct json_object *object, struct wire_strategy *out)
{
    struct json_object *heard;

    return field_may_object(object, "heard", &heard) &&
           (heard == NULL ||
            (read_incarnation(heard, &out->heard_incarnation) &&
             read_number(heard, "epoch", 0, &out->heard_epoch)));
}

static bool
read_place(struct json_object *object, struct wire_strategy *out)
{
    return read_name(object, "node", out->node, sizeof(out->node)) &&
           read_name(object, "namespace", out->space, sizeof(out->space)) &&
           read_name(object, "pod", out->pod, sizeof(out->pod)) &&
           field_may_text(object, "workload", out->workload,
                          sizeof(out->workload)) &&
           field_plain(out->workload);
}

static bool
read_strategy(struct json_object *object, struct wire_strategy *out)
{
    if (out->kind == WIRE_HELLO && !read_place(object, out)) {
        return false;
    }
    if (out->kind == WIRE_REFUSE &&
        !read_name(object, "reason", out->reason, sizeof(out->reason))) {
        return false;
    }
    return read_name(object, "id", out->id, sizeof(out->id)) &&
           read_incarnation(object, &out->incarnation) &&
           read_number(object, "seq", 1, &out->seq) &&
           read_heard(object, out) && read_flags(object, &out->flags) &&
           read_containers(object, out);
}

static bool
read_kind(struct json_object *object, enum wire_kind *out)
{
    for (enum wire_kind kind = WIRE_HELLO; kind <= WIRE_BYE; kind++) {
        if (field_is(object, "kind", wire_kind_name(kind))) {
            *out = kind;
            return true;
        }
    }
    return false;
}

/* What comes first for every message: size, syntax, version. */
static enum wire_outcome
open_message(const char *bytes, size_t len, struct json_object **out)
{
    int64_t version;

    *out = NULL;
    if (len > WIRE_MESSAGE_MAX) {
        return WIRE_E_OVERSIZE;
    }
    *out = field_parse(bytes, len, DEPTH_MAX);
    if (!json_object_is_type(*out, json_type_object)) {
        return WIRE_E_SYNTAX;
    }
    if (!field_integer(*out, "v", 0, FIELD_INTEGER_MAX, &version)) {
        return WIRE_E_FIELD;
    }
    return version == WIRE_VERSION ? WIRE_OK : WIRE_E_VERSION;
}

enum wire_outcome
wire_strategy_decode(struct wire_strategy *out, const char *bytes, size_t len)
{
    struct wire_strategy strategy = {0};
    struct json_object *object;

    enum wire_outcome outcome = open_message(bytes, len, &object);
    if (outcome == WIRE_OK && !read_kind(object, &strategy.kind)) {
        outcome = WIRE_E_KIND;
    }
    if (outcome == WIRE_OK && !read_strategy(object, &strategy)) {
        outcome = WIRE_E_FIELD;
    }
    json_object_put(object);
    if (outcome == WIRE_OK) {
        *out = strategy;
    }
    return outcome;
}

static bool
read_load(struct json_object *object, struct wire_load *out)
{
    return read_amount(object, "lo", &out->lo) &&
           read_amount(object, "hi", &out->hi) && out->lo <= out->hi &&
           read_amount(object, "capacity", &out->capacity) &&
           field_real(object, "price", 0.0, DBL_MAX, &out->price) &&
           field_real(object, "rho0", 0.0, 1.0, &out->rho0) &&
           out->rho0 < 1.0 &&
           field_real(object, "p1", 0.0, DBL_MAX, &out->p1) &&
           field_real(object, "exponent", 1.0, DBL_MAX, &out->exponent);
}

static bool
read_loads(struct json_object *object, struct wire_signal *out)
{
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        struct json_object *load;
        if (!field_object(object, gt_resource_name(r), &load) ||
            !read_load(load, &out->loads[r])) {
            return false;
        }
    }
    return true;
}

static bool
read_known(struct json_object *object, struct wire_signal *out)
{
    struct json_object *list;

    if (!field_array(object, "known", &list) ||
        json_object_array_length(list) > WIRE_KNOWN_MAX) {
        return false;
    }
    out->known_len = json_object_array_length(list);
    for (size_t i = 0; i < out->known_len; i++) {
        if (!field_value_text(json_object_array_get_idx(list, i), out->known[i],
                              sizeof(out->known[i])) ||
            out->known[i][0] == '\0' || !field_plain(out->known[i])) {
            return false;
        }
    }
    return true;
}

static bool
read_resource(struct json_object *object, enum gt_resource *out)
{
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        if (field_is(object, "resource", gt_resource_name(r))) {
            *out = r;
            return true;
        }
    }
    return false;
}

static bool
read_color(struct json_object *object, enum wire_light_color *out)
{
    for (unsigned c = 0; c < GT_ARRAY_LEN(wire_light_words); c++) {
        if (field_is(object, "light", wire_light_words[c])) {
            *out = c;
            return true;
        }
    }
    return false;
}

static bool
read_light(struct json_object *object, struct wire_light *out)
{
    uint32_t container;

    if (!read_name(object, "id", out->id, sizeof(out->id)) ||
        !read_number(object, "seq", 1, &out->seq) ||
        !read_small(object, "container", WIRE_CONTAINERS_MAX - 1, &container) ||
        !read_resource(object, &out->resource) ||
        !read_color(object, &out->color)) {
        return false;
    }
    out->container = (uint8_t)container;
    return read_amount(object, "amount", &out->amount);
}

static bool
read_lights(struct json_object *object, struct wire_signal *out)
{
    struct json_object *list;

    if (!field_array(object, "lights", &list) ||
        json_object_array_length(list) > WIRE_LIGHTS_MAX) {
        return false;
    }
    out->lights_len = json_object_array_length(list);
    for (size_t i = 0; i < out->lights_len; i++) {
        if (!read_light(json_object_array_get_idx(list, i), &out->lights[i])) {
            return false;
        }
    }
    return true;
}

static bool
read_signal(struct json_object *object, struct wire_signal *out)
{
    return read_name(object, "node", out->node, sizeof(out->node)) &&
           read_incarnation(object, &out->incarnation) &&
           read_number(object, "epoch", 1, &out->epoch) &&
           read_small(object, "part", PARTS_MAX - 1, &out->part) &&
           read_small(object, "parts", PARTS_MAX, &out->parts) &&
           out->part < out->parts &&
           read_small(object, "valid_ms", DURATION_MAX_MS, &out->valid_ms) &&
           read_small(object, "deadline_ms", DURATION_MAX_MS,
                      &out->deadline_ms) &&
           read_loads(object, out) && read_known(object, out) &&
           read_lights(object, out);
}

enum wire_outcome
wire_signal_decode(struct wire_signal *out, const char *bytes, size_t len)
{
    struct wire_signal signal = {0};
    struct json_object *object;

    enum wire_outcome outcome = open_message(bytes, len, &object);
    if (outcome == WIRE_OK && !field_is(object, "kind", WIRE_WORD_SIGNAL)) {
        outcome = WIRE_E_KIND;
    }
    if (outcome == WIRE_OK && !read_signal(object, &signal)) {
        outcome = WIRE_E_FIELD;
    }
    json_object_put(object);
    if (outcome == WIRE_OK) {
        *out = signal;
    }
    return outcome;
}
