/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP hook of an app, on 127.0.0.1 (a pod has one network):
 *
 *     POST PATH?phase=release&target=BYTES   give memory back, stay below
 *     POST PATH?phase=restore&limit=BYTES    the limit is this now
 *
 * 2xx: done; 409: cannot; anything else, or no answer in time, is a no as
 * well.  One release at a time: a new request drops the one before.
 */
#ifndef AGENT_RELEASE_IO_H
#define AGENT_RELEASE_IO_H

#include "common/loop_io.h"

struct release_io;

enum release_io_answer {
    RELEASE_DONE,
    RELEASE_CANNOT,   /* 409 */
    RELEASE_E_STATUS, /* another status */
    RELEASE_E_SILENT, /* no answer */
};

struct release_io_config {
    unsigned timeout_ms; /* the machine's own time */
    /* The answer to a release, from the loop; @why is a sentence. */
    void (*answered)(void *arg, enum release_io_answer answer, const char *why);
    void *arg;
};

/* NULL: no memory. */
struct release_io *release_io_new(struct gt_loop *loop,
                                  const struct release_io_config *config);
/* Returns NULL. */
struct release_io *release_io_free(struct release_io *io);

/* The hook and the figure that goes with the phase. */
struct release_io_hook {
    uint16_t port;
    const char *path;    /* begins with a slash, has no query */
    int64_t limit_bytes; /* release: the target */
};

/* 0, and @answered will be called once unless another request comes first; or
 * -errno and it will not. */
int release_io_pull(struct release_io *io, const struct release_io_hook *hook);

/* Tells the app its limit; the answer is of no use to anybody.  0 or -errno. */
int release_io_restore(struct release_io *io,
                       const struct release_io_hook *hook);

#endif
