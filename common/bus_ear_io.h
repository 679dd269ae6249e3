/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends of the bus share: a SUB socket that the loop reads, sending
 * with a topic, and nng's errors in words.  For common/bus_*_io.c alone.
 */
#ifndef COMMON_BUS_EAR_IO_H
#define COMMON_BUS_EAR_IO_H

#include <nng/nng.h>

#include "common/bus_io.h"

#define GT_BUS_URL_MAX 512

/* One SUB socket. */
struct gt_bus_ear {
    nng_socket socket;
    struct gt_loop_source *source;
    size_t topic_len; /* with its newline; cut off */
    gt_bus_message_fn *heard;
    void *arg;
};

/* Opens the socket for messages that begin with @topic; it hears nothing before
 * it listens or dials.  0 or nng's error. */
int gt_bus_ear_open(struct gt_bus_ear *ear, const char *topic);

/* Lets the loop read it: @ear->heard is called.  0 or nng's error. */
int gt_bus_ear_watch(struct gt_bus_ear *ear, struct gt_loop *loop);

void gt_bus_ear_close(struct gt_bus_ear *ear);

/* Sends @topic, a newline and @bytes, or @bytes alone without a topic.  0,
 * -EMSGSIZE or another -errno. */
int gt_bus_send(nng_socket socket, const char *topic, const char *bytes,
                size_t len);

/* Sets @err to "cannot WHAT URL: ..."; returns the errno that says the like. */
int gt_bus_fail(struct gt_err *err, int nng_error, const char *what,
                const char *url);

#endif
