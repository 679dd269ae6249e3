/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following pods or nodes: LIST in pages, then WATCH from the list's version,
 * again and again from the last version seen.
 *
 * A stream that ends in good order is opened again at once.  A version that is
 * too old (410, as status or within a stream) means a new LIST.  Whatever else
 * fails is tried again after 1 s, doubling to 30 s, with jitter; only news from
 * a stream make the pause short again, so that a server that lists but does not
 * watch is not hammered.
 *
 * Pure.  Holds no pointers.
 */
#ifndef ARBITER_WATCH_H
#define ARBITER_WATCH_H

#include "common/buf.h"
#include "common/rng.h"
#include "common/time.h"
#include "proto/kube.h"

#define WATCH_PAGE_ITEMS   500
#define WATCH_TIMEOUT_S    300 /* the server ends the stream after it */
#define WATCH_PAUSE_MIN_MS 1000
#define WATCH_PAUSE_MAX_MS 30000
#define WATCH_TOKEN_MAX    1024

enum watch_phase {
    WATCH_WAITING,   /* for a WATCH_WAKE */
    WATCH_LISTING,   /* a page was asked for */
    WATCH_STREAMING, /* the stream was asked for */
};

struct watch {
    enum kube_object object;
    enum watch_phase phase;
    struct gt_rng rng;
    char version[32];            /* "": list first */
    char token[WATCH_TOKEN_MAX]; /* of the next page; "": the first */
    uint64_t wake_ms;            /* while waiting */
    uint64_t pause_ms;           /* of the next failure */
    bool failed;                 /* since the last news from a stream */
};

enum watch_event_kind {
    WATCH_WAKE, /* first event, and when @wake_ms came; early does no harm */
    WATCH_PAGE, /* the page's items were passed on: @token, @version */
    WATCH_LINE, /* a line of the stream was passed on: @line, @version */
    WATCH_END,  /* the request ended, without a page: @status */
};

struct watch_event {
    enum watch_event_kind kind;
    struct gt_time now;
    enum kube_watch_kind line;
    const char *token;   /* "" on the last page */
    const char *version; /* "": none */
    int status;          /* HTTP; 0: no answer, or one that cannot be read */
};

/* In this order. */
enum watch_todo {
    WATCH_DO_CANCEL = 1 << 0,    /* drop the stream, without a WATCH_END */
    WATCH_TELL_LOST = 1 << 1,    /* news may be missed from here on */
    WATCH_TELL_SYNCED = 1 << 2,  /* every page was read */
    WATCH_TELL_LISTING = 1 << 3, /* the first page is about to be asked for */
    WATCH_DO_LIST = 1 << 4,      /* GET watch_path() */
    WATCH_DO_STREAM = 1 << 5,    /* GET watch_path() as a stream */
};

/* @seed is for the jitter. */
void watch_init(struct watch *w, enum kube_object object, uint64_t seed);

/* What to do, of enum watch_todo; then wait, if waiting, until w->wake_ms. */
uint32_t watch_step(struct watch *w, const struct watch_event *event);

/* Appends the path and query of the request that is to be made. */
void watch_path(const struct watch *w, struct gt_buf *out);

#endif
