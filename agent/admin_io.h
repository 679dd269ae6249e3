/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's two HTTP servers.
 *
 * For everybody who may reach the pod, read-only: GET /healthz, /readyz and
 * /metrics.  For the pod itself, or whoever has the token: POST
 * /admin/shrink?target=500Mi, held until the core has its answer, and GET
 * /admin/shrink, the last answer (204 before the first).
 */
#ifndef AGENT_ADMIN_IO_H
#define AGENT_ADMIN_IO_H

#include "common/loop_io.h"
#include "proto/shrink.h"

/* POST /admin/shrink: this many at once, and a second for each after. */
#define ADMIN_IO_BURST 5

struct admin_io;

struct admin_io_config {
    const char *listen;       /* texts are borrowed for its life */
    const char *admin_listen; /* beyond loopback: see options_check() */
    const char *token_file;   /* "": none; read again at each request */
    void *arg;
    /* A valid target was posted: answer by admin_io_reply(), now or later. */
    void (*proposed)(void *arg, int64_t target_bytes);
    /* For /readyz; appends a sentence. */
    bool (*ready)(void *arg, struct gt_buf *why);
    void (*metrics)(void *arg, struct gt_buf *out);
    /* The last answer to any proposal; NULL before the first. */
    const struct shrink_answer *(*last)(void *arg);
};

/* NULL sets @err. */
struct admin_io *admin_io_new(struct gt_loop *loop,
                              const struct admin_io_config *config,
                              struct gt_err *err);
/* Returns NULL. */
struct admin_io *admin_io_free(struct admin_io *admin);

uint16_t admin_io_port(const struct admin_io *admin);
uint16_t admin_io_admin_port(const struct admin_io *admin);

/* Answers the POST that waits, if it still does. */
void admin_io_reply(struct admin_io *admin, const struct shrink_answer *answer);

#endif
