/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/watch_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arbiter/watch.h"

/* A page holds WATCH_PAGE_ITEMS pods of some 10 KB, some of them much larger;
 * a line holds one. */
#define PAGE_MAX_BYTES ((size_t)64 << 20)
#define LINE_MAX_BYTES ((size_t)4 << 20)
/* Longer than the server lets a stream last: then the line is dead. */
#define SILENCE_MS ((WATCH_TIMEOUT_S + 15) * 1000)

struct watch_io {
    struct gt_loop *loop;
    struct watch_io_config config;
    struct watch watch;
    struct gt_client *client;
    struct gt_client_call *call; /* NULL while waiting */
    struct gt_loop_timer timer;
    struct kube_watch_event item; /* of the list or the stream */
    struct gt_err told;           /* the last complaint */
};

static void on_page(void *arg, const struct gt_client_reply *reply);
static void on_line(void *arg, const char *line, size_t len);
static void on_end(void *arg, const struct gt_client_reply *reply);

static void
complain(struct watch_io *w, const struct gt_err *err)
{
    if (strcmp(err->text, w->told.text) != 0) {
        w->told = *err;
        w->config.complain(w->config.arg, err->text);
    }
}

static void
tell(struct watch_io *w, enum arbiter_event_kind kind)
{
    struct arbiter_event event = {.kind = kind, .object = w->config.object};

    w->config.tell(w->config.arg, &event);
}

static void
tell_item(struct watch_io *w)
{
    bool pod = w->config.object == KUBE_OBJECT_POD;
    struct arbiter_event event = {
        .kind = pod ? ARBITER_POD : ARBITER_NODE,
        .watch = &w->item,
    };

    w->config.tell(w->config.arg, &event);
}

static const char *
objects(const struct watch_io *w)
{
    return w->config.object == KUBE_OBJECT_POD ? "pods" : "nodes";
}

static struct gt_client_call *
ask(struct watch_io *w, uint32_t todo)
{
    bool stream = todo & WATCH_DO_STREAM;
    char text[256 + 3 * WATCH_TOKEN_MAX];
    struct gt_buf path;
    struct gt_client_request request = {
        .method = "GET",
        .path = text,
        .accept = "application/json",
        .timeout_ms = stream ? SILENCE_MS : 0,
        .body_max_bytes = stream ? LINE_MAX_BYTES : PAGE_MAX_BYTES,
        .done = stream ? on_end : on_page,
        .line = stream ? on_line : NULL,
        .arg = w,
    };

    gt_buf_init(&path, text, sizeof(text));
    watch_path(&w->watch, &path);
    return gt_client_ask(w->client, &request);
}

static void
step(struct watch_io *w, struct watch_event event)
{
    uint32_t todo;

    event.now = gt_loop_now(w->loop);
    todo = watch_step(&w->watch, &event);
    if (todo & WATCH_DO_CANCEL) {
        gt_client_cancel(w->call);
        w->call = NULL;
    }
    if (todo & WATCH_TELL_LOST) {
        tell(w, ARBITER_LOST);
    }
    if (todo & WATCH_TELL_SYNCED) {
        tell(w, ARBITER_SYNCED);
    }
    if (todo & WATCH_TELL_LISTING) {
        tell(w, ARBITER_LISTING);
    }
    if (todo & (WATCH_DO_LIST | WATCH_DO_STREAM)) {
        w->call = ask(w, todo);
        if (w->call == NULL) { /* no memory: as if nobody had answered */
            event.kind = WATCH_END;
            event.status = 0;
            (void)watch_step(&w->watch, &event);
        }
    }
    if (w->watch.phase == WATCH_WAITING) {
        gt_loop_timer_at(&w->timer, w->watch.wake_ms);
    }
}

/* A pod or node that cannot be read is left out, and told. */
static void
pass_on(struct watch_io *w, const struct kube_list *list)
{
    struct gt_err err;
    size_t unread = 0;

    for (size_t i = 0; i < kube_list_len(list); i++) {
        if (kube_list_item(list, i, &w->item) == KUBE_OK) {
            tell_item(w);
        } else {
            unread++;
        }
    }
    if (unread > 0) {
        (void)gt_err_set(&err, KUBE_E_SHAPE, "%zu of the %s cannot be read",
                         unread, objects(w));
        complain(w, &err);
    }
}

static void
take_page(struct watch_io *w, const struct gt_client_reply *reply)
{
    enum kube_decode why = KUBE_OK;
    struct kube_list *list =
        kube_list_open(w->config.object, reply->body, reply->len, &why);
    struct gt_err err;

    if (list == NULL) {
        (void)gt_err_set(&err, (int)why, "the list of %s is not one",
                         objects(w));
        complain(w, &err);
        step(w, (struct watch_event){.kind = WATCH_END});
        return;
    }
    pass_on(w, list);
    step(w, (struct watch_event){
                .kind = WATCH_PAGE,
                .token = kube_list_continue(list),
                .version = kube_list_resource_version(list),
            });
    kube_list_free(list);
}

static void
fail(struct watch_io *w, const char *what, const struct gt_client_reply *reply)
{
    struct gt_err err;

    if (reply->status == 0) {
        (void)gt_err_set(&err, -EIO, "cannot %s %s: %s", what, objects(w),
                         reply->error);
    } else {
        (void)gt_err_set(&err, (int)reply->status, "cannot %s %s: HTTP %u",
                         what, objects(w), reply->status);
    }
    complain(w, &err);
}

static void
on_page(void *arg, const struct gt_client_reply *reply)
{
    struct watch_io *w = arg;

    w->call = NULL;
    if (reply->status == 200) {
        take_page(w, reply);
        return;
    }
    fail(w, "list", reply);
    step(w,
         (struct watch_event){.kind = WATCH_END, .status = (int)reply->status});
}

static void
on_line(void *arg, const char *line, size_t len)
{
    struct watch_io *w = arg;
    struct gt_err err;

    if (kube_watch_decode(&w->item, w->config.object, line, len) != KUBE_OK) {
        (void)gt_err_set(&err, KUBE_E_SHAPE,
                         "a line of the watch of %s cannot be read",
                         objects(w));
        complain(w, &err);
        return;
    }
    w->told.text[0] = '\0'; /* it works again: tell the next trouble anew */
    if (w->item.kind != KUBE_WATCH_EXPIRED &&
        w->item.kind != KUBE_WATCH_ERROR) {
        tell_item(w);
    }
    step(w, (struct watch_event){
                .kind = WATCH_LINE,
                .line = w->item.kind,
                .version = w->item.resource_version,
            });
}

static void
on_end(void *arg, const struct gt_client_reply *reply)
{
    struct watch_io *w = arg;

    w->call = NULL;
    if (reply->status != 200) {
        fail(w, "watch", reply);
    }
    step(w,
         (struct watch_event){.kind = WATCH_END, .status = (int)reply->status});
}

static void
on_timer(void *arg)
{
    step(arg, (struct watch_event){.kind = WATCH_WAKE});
}

struct watch_io *
watch_io_new(struct gt_loop *loop, const struct watch_io_config *config,
             struct gt_err *err)
{
    struct watch_io *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        (void)gt_err_set(err, -ENOMEM, "no memory");
        return NULL;
    }
    w->loop = loop;
    w->config = *config;
    watch_init(&w->watch, config->object, config->seed);
    gt_loop_timer_init(&w->timer, loop, on_timer, w);
    w->client = gt_client_new(loop, &config->client, err);
    if (w->client == NULL) {
        return watch_io_free(w);
    }
    gt_loop_timer_at(&w->timer, 0);
    return w;
}

struct watch_io *
watch_io_free(struct watch_io *w)
{
    if (w == NULL) {
        return NULL;
    }
    gt_loop_timer_stop(&w->timer);
    if (w->client != NULL) {
        gt_client_free(w->client);
    }
    free(w);
    return NULL;
}
