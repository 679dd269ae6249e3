/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/watch.h"

#include <string.h>

#define STATUS_GONE 410

void
watch_init(struct watch *w, enum kube_object object, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->object = object;
    w->rng.state = seed;
    w->pause_ms = WATCH_PAUSE_MIN_MS;
}

/* False where it does not fit; then nothing is kept. */
static bool
keep(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    bool fits = len < size;

    memset(out, 0, size);
    memcpy(out, text, fits ? len : 0);
    return fits;
}

static uint32_t
ask(struct watch *w)
{
    if (w->version[0] != '\0') {
        w->phase = WATCH_STREAMING;
        return WATCH_DO_STREAM;
    }
    w->phase = WATCH_LISTING;
    w->token[0] = '\0';
    return WATCH_TELL_LISTING | WATCH_DO_LIST;
}

static uint32_t
wait_a_while(struct watch *w, struct gt_time now)
{
    double share = 0.5 + 0.5 * gt_rng_unit(&w->rng);

    w->phase = WATCH_WAITING;
    w->failed = true;
    w->wake_ms = now.mono_ms + (uint64_t)((double)w->pause_ms * share);
    w->pause_ms = w->pause_ms * 2 < WATCH_PAUSE_MAX_MS ? w->pause_ms * 2
                                                       : WATCH_PAUSE_MAX_MS;
    return 0;
}

/* The first failure since the last news is repaired at once. */
static uint32_t
ask_again(struct watch *w, struct gt_time now)
{
    if (w->failed) {
        return wait_a_while(w, now);
    }
    w->failed = true;
    return ask(w);
}

static uint32_t
on_page(struct watch *w, const struct watch_event *event)
{
    if (!keep(w->token, sizeof(w->token), event->token)) {
        return wait_a_while(w, event->now) | WATCH_TELL_LOST;
    }
    if (w->token[0] != '\0') {
        return WATCH_DO_LIST;
    }
    if (!keep(w->version, sizeof(w->version), event->version) ||
        w->version[0] == '\0') {
        return wait_a_while(w, event->now) | WATCH_TELL_LOST;
    }
    return WATCH_TELL_SYNCED | ask(w);
}

static uint32_t
on_line(struct watch *w, const struct watch_event *event)
{
    if (event->line == KUBE_WATCH_EXPIRED) {
        w->version[0] = '\0';
        return WATCH_DO_CANCEL | WATCH_TELL_LOST | ask_again(w, event->now);
    }
    if (event->line == KUBE_WATCH_ERROR) {
        return WATCH_DO_CANCEL | WATCH_TELL_LOST | wait_a_while(w, event->now);
    }
    (void)keep(w->version, sizeof(w->version), event->version);
    w->failed = false;
    w->pause_ms = WATCH_PAUSE_MIN_MS;
    return 0;
}

static uint32_t
on_end(struct watch *w, const struct watch_event *event)
{
    bool good = event->status >= 200 && event->status < 300;

    if (w->phase == WATCH_STREAMING && good) {
        return ask_again(w, event->now);
    }
    if (event->status == STATUS_GONE) {
        w->version[0] = '\0';
        return WATCH_TELL_LOST | ask_again(w, event->now);
    }
    return WATCH_TELL_LOST | wait_a_while(w, event->now);
}

uint32_t
watch_step(struct watch *w, const struct watch_event *event)
{
    switch (event->kind) {
    case WATCH_WAKE:
        return w->phase == WATCH_WAITING && event->now.mono_ms >= w->wake_ms
                   ? ask(w)
                   : 0;
    case WATCH_PAGE:
        return w->phase == WATCH_LISTING ? on_page(w, event) : 0;
    case WATCH_LINE:
        return w->phase == WATCH_STREAMING ? on_line(w, event) : 0;
    case WATCH_END:
        return w->phase != WATCH_WAITING ? on_end(w, event) : 0;
    }
    return 0;
}

/* A value of the query, whatever it holds. */
static void
add_value(struct gt_buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            gt_buf_add(out, text, 1);
        } else {
            gt_buf_format(out, "%%%02X", (unsigned char)*text);
        }
    }
}

void
watch_path(const struct watch *w, struct gt_buf *out)
{
    gt_buf_format(out, "/api/v1/%s?",
                  w->object == KUBE_OBJECT_POD ? "pods" : "nodes");
    if (w->phase == WATCH_STREAMING) {
        gt_buf_format(out,
                      "watch=true&allowWatchBookmarks=true"
                      "&timeoutSeconds=%d&resourceVersion=",
                      WATCH_TIMEOUT_S);
        add_value(out, w->version);
        return;
    }
    gt_buf_format(out, "limit=%d", WATCH_PAGE_ITEMS);
    if (w->token[0] != '\0') {
        gt_buf_text(out, "&continue=");
        add_value(out, w->token);
    }
}
