/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arbiter's HTTP server, read-only: GET /healthz, /readyz, /metrics and
 * /state.
 */
#ifndef ARBITER_ADMIN_IO_H
#define ARBITER_ADMIN_IO_H

#include "arbiter/arbiter.h"
#include "common/loop_io.h"

struct admin_io;

/* @arbiter is borrowed for its life.  NULL sets @err. */
struct admin_io *admin_io_new(struct gt_loop *loop, const char *listen,
                              const struct arbiter *arbiter,
                              struct gt_err *err);

/* Returns NULL. */
struct admin_io *admin_io_free(struct admin_io *admin);

uint16_t admin_io_port(const struct admin_io *admin);

#endif
