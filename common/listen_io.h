/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening TCP socket from the text of a flag.
 */
#ifndef COMMON_LISTEN_IO_H
#define COMMON_LISTEN_IO_H

#include <stdint.h>

#include "common/err.h"

/*
 * Listens on "HOST:PORT" or "[ADDRESS]:PORT"; without a host on all addresses,
 * IPv6 and IPv4; port 0 takes a free one.  Returns a non-blocking fd, or sets
 * @err: -EINVAL for a text that cannot be read or resolved, -EADDRINUSE, or
 * another -errno.
 */
int gt_listen(const char *where, struct gt_err *err);

/* The port that @fd is bound to. */
uint16_t gt_listen_port(int fd);

#endif
