/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the pods or the nodes of a cluster: performs watch.h with an HTTP
 * client of its own, and turns what comes into events for the arbiter.
 */
#ifndef ARBITER_WATCH_IO_H
#define ARBITER_WATCH_IO_H

#include "arbiter/arbiter.h"
#include "common/client_io.h"

struct watch_io;

struct watch_io_config {
    struct gt_client_config client; /* texts are copied */
    enum kube_object object;
    uint64_t seed; /* for jitter */
    void *arg;
    /* ARBITER_POD, _NODE, _LISTING, _SYNCED or _LOST, without the time. */
    void (*tell)(void *arg, const struct arbiter_event *event);
    /* Something could not be read or asked; not more than once in a row. */
    void (*complain)(void *arg, const char *why);
};

/* Starts with the next turn of the loop.  NULL sets @err. */
struct watch_io *watch_io_new(struct gt_loop *loop,
                              const struct watch_io_config *config,
                              struct gt_err *err);

/* Returns NULL. */
struct watch_io *watch_io_free(struct watch_io *w);

#endif
