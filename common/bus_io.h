/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus: PUB/SUB over WebSocket on one port.
 *
 * The hub (the arbiter) hears everybody on /strategies and speaks on
 * /signals/<slot>; a spoke (an agent) speaks to the one and hears one slot.
 * Whatever is sent on a slot reaches every spoke of that slot, which keeps
 * what carries its topic.  Nothing is acknowledged: a message sent while no
 * peer is there, or faster than it reads, is gone without a word.
 *
 * Hub and spokes must name the host alike: the hub listens on `*`, where any
 * name and address will do, or on a name such as `localhost` (then loopback
 * alone is bound), where spokes must dial that very name: 127.0.0.1 is refused
 * by a hub on `localhost`.
 *
 * The last act of a program is gt_bus_fini(); sockets are closed only then.
 */
#ifndef COMMON_BUS_IO_H
#define COMMON_BUS_IO_H

#include "common/loop_io.h"

#define GT_BUS_MESSAGE_MAX_BYTES 16384

/* @bytes are borrowed for the call, and not NUL-terminated. */
typedef void gt_bus_message_fn(void *arg, const char *bytes, size_t len);

struct gt_bus_hub;

struct gt_bus_hub_config {
    const char *host; /* "*" or a name; an address is -EINVAL, being slow */
    uint16_t port;    /* 0: a free one */
    unsigned slots;
    gt_bus_message_fn *heard; /* whatever any spoke sent */
    void *arg;
};

/* NULL sets @err; its code is -EADDRINUSE for a busy port. */
struct gt_bus_hub *gt_bus_hub_new(struct gt_loop *loop,
                                  const struct gt_bus_hub_config *config,
                                  struct gt_err *err);
struct gt_bus_hub *gt_bus_hub_free(struct gt_bus_hub *hub);

uint16_t gt_bus_hub_port(const struct gt_bus_hub *hub);

/*
 * Sends to the spokes of @slot that listen for @topic.  Takes 10 to 20 us for
 * each spoke of the slot, in the caller's thread: send a round in slices
 * (gt_loop_work).  0, -EMSGSIZE or another -errno.
 */
int gt_bus_hub_send(struct gt_bus_hub *hub, unsigned slot, const char *topic,
                    const char *bytes, size_t len);

struct gt_bus_spoke;

enum gt_bus_link { GT_BUS_DOWN, GT_BUS_UP };

struct gt_bus_spoke_config {
    const char *host;
    uint16_t port;
    unsigned slot;
    const char *topic;         /* no newline in it */
    unsigned dial_after_ms;    /* first dial; machine's own time */
    unsigned reconnect_min_ms; /* 0: 1000 */
    unsigned reconnect_max_ms; /* 0: 60000 */
    gt_bus_message_fn *heard;  /* messages of the topic, without it */
    /* UP: both ways are open, say hello.  Starts DOWN; changes only. */
    void (*linked)(void *arg, enum gt_bus_link link);
    void *arg;
};

struct gt_bus_spoke *gt_bus_spoke_new(struct gt_loop *loop,
                                      const struct gt_bus_spoke_config *config,
                                      struct gt_err *err);
struct gt_bus_spoke *gt_bus_spoke_free(struct gt_bus_spoke *spoke);

/* 0, -EMSGSIZE or another -errno; 0 and lost while the link is down. */
int gt_bus_spoke_send(struct gt_bus_spoke *spoke, const char *bytes,
                      size_t len);

/* Ends the library and its threads; nothing of the bus may be used after. */
void gt_bus_fini(void);

#endif
