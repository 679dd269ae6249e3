/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three kinds of patches: RFC 7386 (merge), RFC 6902 (JSON patch: add,
 * replace, remove and test), and Kubernetes' strategic merge, in which the
 * containers are merged by name.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/apiserver_state.h"

#define PATCH_INVALID 422

typedef void merge_member(struct json_object *target, const char *key,
                          struct json_object *value);

static void merge_strategic_member(struct json_object *target, const char *key,
                                   struct json_object *value);

static void
merge_object(struct json_object *target, struct json_object *patch,
             merge_member *merge)
{
    json_object_object_foreach(patch, key, value)
    {
        if (value == NULL) {
            json_object_object_del(target, key);
        } else {
            merge(target, key, value);
        }
    }
}

/* The object at @key of @target, made new where it is none. */
static struct json_object *
object_at(struct json_object *target, const char *key)
{
    struct json_object *child = json_object_object_get(target, key);

    if (!json_object_is_type(child, json_type_object)) {
        child = json_object_new_object();
        json_object_object_add(target, key, child);
    }
    return child;
}

static void
merge_plain_member(struct json_object *target, const char *key,
                   struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        merge_object(object_at(target, key), value, merge_plain_member);
    } else {
        json_object_object_add(target, key, json_object_get(value));
    }
}

static const char *
name_of(struct json_object *container)
{
    struct json_object *name = json_object_object_get(container, "name");

    return name == NULL ? "" : json_object_get_string(name);
}

/* The index of the container @name; the length where there is none. */
static size_t
index_of(struct json_object *list, const char *name)
{
    size_t len = json_object_array_length(list);
    size_t i = 0;

    while (i < len &&
           strcmp(name_of(json_object_array_get_idx(list, i)), name) != 0) {
        i++;
    }
    return i;
}

static struct json_object *
merge_container(struct json_object *list, struct json_object *patch)
{
    size_t at = index_of(list, name_of(patch));
    struct json_object *container;

    if (at == json_object_array_length(list)) {
        return json_object_get(patch);
    }
    container = json_object_get(json_object_array_get_idx(list, at));
    merge_object(container, patch, merge_strategic_member);
    return container;
}

/* Appends those of @list up to @end that @patch does not name. */
static size_t
append_unnamed(struct json_object *out, struct json_object *list,
               struct json_object *patch, const size_t span[2])
{
    for (size_t i = span[0]; i < span[1]; i++) {
        struct json_object *container = json_object_array_get_idx(list, i);
        if (index_of(patch, name_of(container)) ==
            json_object_array_length(patch)) {
            json_object_array_add(out, json_object_get(container));
        }
    }
    return span[1] > span[0] ? span[1] : span[0];
}

/*
 * Those that the patch names keep the patch's order, the others their own;
 * where both are known, the one that stood first comes first.
 */
static struct json_object *
merge_containers(struct json_object *list, struct json_object *patch)
{
    struct json_object *out = json_object_new_array();
    size_t len = json_object_array_length(list);
    size_t done = 0;

    for (size_t i = 0; i < json_object_array_length(patch); i++) {
        struct json_object *change = json_object_array_get_idx(patch, i);
        size_t at = index_of(list, name_of(change));
        if (at < len) {
            const size_t span[2] = {done, at};
            done = append_unnamed(out, list, patch, span);
        }
        json_object_array_add(out, merge_container(list, change));
    }
    const size_t rest[2] = {done, len};
    (void)append_unnamed(out, list, patch, rest); /* the end */
    return out;
}

static bool
is_list_of_objects(struct json_object *list)
{
    if (!json_object_is_type(list, json_type_array)) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (!json_object_is_type(json_object_array_get_idx(list, i),
                                 json_type_object)) {
            return false;
        }
    }
    return true;
}

static void
merge_strategic_member(struct json_object *target, const char *key,
                       struct json_object *value)
{
    struct json_object *old = json_object_object_get(target, key);

    if (strcmp(key, "containers") == 0 && is_list_of_objects(old) &&
        is_list_of_objects(value)) {
        json_object_object_add(target, key, merge_containers(old, value));
    } else if (json_object_is_type(value, json_type_object)) {
        merge_object(object_at(target, key), value, merge_strategic_member);
    } else {
        json_object_object_add(target, key, json_object_get(value));
    }
}

int
apiserver_patch_merge(struct json_object *target, struct json_object *patch)
{
    if (!json_object_is_type(patch, json_type_object)) {
        return PATCH_INVALID;
    }
    merge_object(target, patch, merge_plain_member);
    return 0;
}

int
apiserver_patch_strategic(struct json_object *target, struct json_object *patch)
{
    if (!json_object_is_type(patch, json_type_object)) {
        return PATCH_INVALID;
    }
    merge_object(target, patch, merge_strategic_member);
    return 0;
}

/* Where a JSON pointer leads: a member of @parent, or an element of it. */
struct place {
    struct json_object *parent;
    char key[128];
    size_t index; /* of an array */
    struct json_object *value;
    bool exists;
};

/* The next token of @pointer, unescaped; false where it is none. */
static bool
take_token(const char **pointer, char key[128])
{
    size_t len = 0;

    if (**pointer != '/') {
        return false;
    }
    for ((*pointer)++; **pointer != '\0' && **pointer != '/'; (*pointer)++) {
        char c = **pointer;
        if (c == '~' && ((*pointer)[1] == '0' || (*pointer)[1] == '1')) {
            (*pointer)++;
            c = **pointer == '0' ? '~' : '/';
        }
        if (len == 127) {
            return false;
        }
        key[len++] = c;
    }
    key[len] = '\0';
    return true;
}

static bool
find_element(struct place *place)
{
    size_t len = json_object_array_length(place->parent);
    char *end;

    if (strcmp(place->key, "-") == 0) {
        place->index = len;
    } else {
        place->index = strtoull(place->key, &end, 10);
        if (strspn(place->key, "0123456789") == 0 || *end != '\0') {
            return false;
        }
    }
    place->exists = place->index < len;
    place->value = place->exists
                       ? json_object_array_get_idx(place->parent, place->index)
                       : NULL;
    return place->index <= len;
}

static bool
find_place(struct json_object *root, const char *pointer, struct place *place)
{
    *place = (struct place){.value = root, .exists = true};
    while (*pointer != '\0') {
        place->parent = place->value;
        if (!place->exists || !take_token(&pointer, place->key)) {
            return false;
        }
        if (json_object_is_type(place->parent, json_type_object)) {
            place->exists = json_object_object_get_ex(place->parent, place->key,
                                                      &place->value);
        } else if (!json_object_is_type(place->parent, json_type_array) ||
                   !find_element(place)) {
            return false;
        }
    }
    return place->parent != NULL;
}

static bool
remove_at(const struct place *place)
{
    if (!place->exists) {
        return false;
    }
    if (json_object_is_type(place->parent, json_type_array)) {
        return json_object_array_del_idx(place->parent, place->index, 1) == 0;
    }
    json_object_object_del(place->parent, place->key);
    return true;
}

static bool
add_at(const struct place *place, struct json_object *value)
{
    if (json_object_is_type(place->parent, json_type_object)) {
        return json_object_object_add(place->parent, place->key,
                                      json_object_get(value)) == 0;
    }
    /* An insertion: json-c 0.16 has none. */
    size_t len = json_object_array_length(place->parent);
    for (size_t i = len; i > place->index; i--) {
        json_object_array_put_idx(
            place->parent, i,
            json_object_get(json_object_array_get_idx(place->parent, i - 1)));
    }
    return json_object_array_put_idx(place->parent, place->index,
                                     json_object_get(value)) == 0;
}

static bool
replace_at(const struct place *place, struct json_object *value)
{
    if (!place->exists) {
        return false;
    }
    if (json_object_is_type(place->parent, json_type_array)) {
        return json_object_array_put_idx(place->parent, place->index,
                                         json_object_get(value)) == 0;
    }
    return json_object_object_add(place->parent, place->key,
                                  json_object_get(value)) == 0;
}

static bool
operate(struct json_object *target, struct json_object *operation)
{
    struct json_object *path = json_object_object_get(operation, "path");
    struct json_object *op = json_object_object_get(operation, "op");
    struct json_object *value = json_object_object_get(operation, "value");
    struct place place;

    if (!json_object_is_type(path, json_type_string) ||
        !json_object_is_type(op, json_type_string) ||
        !find_place(target, json_object_get_string(path), &place)) {
        return false;
    }
    const char *word = json_object_get_string(op);
    if (strcmp(word, "test") == 0) {
        return place.exists && json_object_equal(place.value, value) != 0;
    }
    if (strcmp(word, "replace") == 0) {
        return replace_at(&place, value);
    }
    if (strcmp(word, "add") == 0) {
        return add_at(&place, value);
    }
    return strcmp(word, "remove") == 0 && remove_at(&place);
}

int
apiserver_patch_json(struct json_object *target, struct json_object *patch)
{
    if (!is_list_of_objects(patch)) {
        return PATCH_INVALID;
    }
    for (size_t i = 0; i < json_object_array_length(patch); i++) {
        if (!operate(target, json_object_array_get_idx(patch, i))) {
            return PATCH_INVALID;
        }
    }
    return 0;
}
