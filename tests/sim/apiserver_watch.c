/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/apiserver_state.h"

#define TIMEOUT_DEFAULT_S 1800
#define TIMEOUT_MAX_S     86400
#define BOOKMARK_MS       60000
#define LAST_BOOKMARK_MS  2000 /* before the end, one more */

static const char *const kinds[] = {"Pod", "Node"};

bool
apiserver_flag(const struct apiserver_call *call,
               enum apiserver_parameter parameter)
{
    const char *value = call->request->parameters[parameter];

    return value != NULL &&
           (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static void
refuse_version(struct apiserver_call *call, const char *text)
{
    struct apiserver_status s = {.code = 500, .reason = "", .name = ""};

    (void)snprintf(s.message, sizeof(s.message),
                   "resourceVersion: Invalid value: \"%s\": "
                   "strconv.ParseUint: parsing \"%s\": invalid syntax",
                   text, text);
    apiserver_send_status(call, &s);
}

static uint64_t
timeout_ms(const struct apiserver_call *call)
{
    const char *text = call->request->parameters[APISERVER_TIMEOUT_SECONDS];
    uint64_t seconds = 0;

    if (text == NULL || !apiserver_number(text, &seconds) || seconds == 0) {
        seconds = TIMEOUT_DEFAULT_S;
    }
    return (seconds < TIMEOUT_MAX_S ? seconds : TIMEOUT_MAX_S) * 1000;
}

/* Each minute, and shortly before the end. */
static void
plan_bookmark(struct apiserver_watch *watch, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + BOOKMARK_MS;
    uint64_t last_ms = watch->end_ms - LAST_BOOKMARK_MS;

    watch->bookmark_ms =
        now_ms < last_ms && last_ms < next_ms ? last_ms : next_ms;
}

void
apiserver_open_watch(struct apiserver_call *call,
                     const struct apiserver_filter *filter)
{
    struct apiserver_watch *watch = &call->answer->watch;
    const char *text = call->request->parameters[APISERVER_RESOURCE_VERSION];

    *watch = (struct apiserver_watch){
        .filter = *filter,
        .bookmarks = apiserver_flag(call, APISERVER_ALLOW_WATCH_BOOKMARKS),
        .announce_end = apiserver_flag(call, APISERVER_SEND_INITIAL_EVENTS),
        .end_ms = call->now_ms + timeout_ms(call),
    };
    plan_bookmark(watch, call->now_ms);
    if (text != NULL && !apiserver_number(text, &watch->version)) {
        refuse_version(call, text);
        return;
    }
    watch->initial = watch->version == 0 || watch->announce_end;
    watch->expired =
        !watch->initial && apiserver_is_expired(call->api, watch->version);
    call->answer->is_watch = true;
    call->answer->status = 200;
}

/* Appends one line; all of it or nothing. */
static bool
append_event(struct gt_buf *out, const char *type, struct json_object *takes)
{
    struct json_object *event = json_object_new_object();
    struct gt_buf line = gt_buf_fork(out);
    size_t len;

    apiserver_put_text(event, "type", type);
    json_object_object_add(event, "object", takes);
    const char *text = json_object_to_json_string_length(
        event, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    gt_buf_add(&line, text, len);
    gt_buf_text(&line, "\n");
    bool fits = !line.overflow;
    if (fits) {
        gt_buf_join(out, &line);
    } else {
        /* What was written of it lies behind the end. */
        out->data[out->len] = '\0';
    }
    json_object_put(event);
    return fits;
}

static bool
append_bookmark(const struct apiserver_watch *watch, struct gt_buf *out)
{
    struct json_object *object = json_object_new_object();
    struct json_object *metadata = json_object_new_object();
    struct json_object *annotations = json_object_new_object();
    char version[32];

    (void)snprintf(version, sizeof(version), "%" PRIu64, watch->version);
    apiserver_put_text(object, "kind", kinds[watch->filter.object]);
    apiserver_put_text(object, "apiVersion", "v1");
    apiserver_put_text(metadata, "resourceVersion", version);
    if (watch->announce_end) {
        apiserver_put_text(annotations, "k8s.io/initial-events-end", "true");
    }
    json_object_object_add(metadata, "annotations", annotations);
    json_object_object_add(object, "metadata", metadata);
    return append_event(out, "BOOKMARK", object);
}

static uint64_t
version_of(const struct apiserver *api, const struct apiserver_filter *filter,
           size_t index)
{
    return filter->object == APISERVER_PODS
               ? node_pod_version(api->config.sim, index)
               : index + 1;
}

/* The least version above the watch's among what it apiserver_selects. */
static bool
find_next(const struct apiserver *api, const struct apiserver_watch *watch,
          size_t *index)
{
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; i < apiserver_objects(api, &watch->filter); i++) {
        uint64_t version = version_of(api, &watch->filter, i);
        if (version > watch->version && version < best &&
            apiserver_selects(api, &watch->filter, i)) {
            best = version;
            *index = i;
        }
    }
    return best != UINT64_MAX;
}

/* An object is told once for all its changes so far; true: all were told. */
static bool
append_changes(const struct apiserver *api, struct apiserver_watch *watch,
               struct gt_buf *out)
{
    size_t index;

    while (find_next(api, watch, &index)) {
        if (!append_event(out, watch->initial ? "ADDED" : "MODIFIED",
                          apiserver_object_json(api, &watch->filter, index))) {
            return false;
        }
        watch->version = version_of(api, &watch->filter, index);
    }
    return true;
}

static bool
append_expired(const struct apiserver *api, const struct apiserver_watch *watch,
               struct gt_buf *out)
{
    struct apiserver_status s = {.code = 410, .reason = "Expired"};

    (void)snprintf(s.message, sizeof(s.message),
                   "too old resource version: %" PRIu64 " (%" PRIu64 ")",
                   watch->version, node_version(api->config.sim));
    return append_event(out, "ERROR", apiserver_status_json(&s));
}

/* Versions of what it does not select count as told. */
static void
catch_up(const struct apiserver *api, struct apiserver_watch *watch)
{
    uint64_t version = node_version(api->config.sim);

    watch->version = version > watch->version ? version : watch->version;
}

static void
keep_bookmarks(const struct apiserver *api, struct apiserver_watch *watch,
               uint64_t now_ms, struct gt_buf *out)
{
    if (watch->initial) {
        catch_up(api, watch);
        watch->initial = false;
        watch->announce_end =
            watch->announce_end && !append_bookmark(watch, out);
    }
    if (watch->bookmarks && now_ms >= watch->bookmark_ms) {
        catch_up(api, watch);
        (void)append_bookmark(watch, out); /* another one comes */
        plan_bookmark(watch, now_ms);
    }
}

enum apiserver_stream
apiserver_stream(const struct apiserver *api, struct apiserver_watch *watch,
                 uint64_t now_ms, struct gt_buf *out)
{
    if (watch->expired ||
        (!watch->initial && apiserver_is_expired(api, watch->version) &&
         watch->version != 0)) {
        return append_expired(api, watch, out) ? APISERVER_STREAM_END
                                               : APISERVER_STREAM_OPEN;
    }
    if (!append_changes(api, watch, out)) {
        return APISERVER_STREAM_OPEN;
    }
    keep_bookmarks(api, watch, now_ms, out);
    return now_ms >= watch->end_ms ? APISERVER_STREAM_END
                                   : APISERVER_STREAM_OPEN;
}
