/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arbiter's shell: wires the core to the bus, the API and the loop, and
 * performs what it says.
 */
#ifndef ARBITER_SHELL_IO_H
#define ARBITER_SHELL_IO_H

#include "arbiter/flags.h"

struct shell_io;

/* Opens everything; @flags and @bus were checked and are borrowed.  NULL sets
 * @err. */
struct shell_io *shell_io_new(const struct flags *flags,
                              const struct flags_bus *bus, struct gt_err *err);

/* Until SIGTERM or SIGINT; 0 or -errno. */
int shell_io_run(struct shell_io *s);

/* The last act of the program.  Returns NULL. */
struct shell_io *shell_io_free(struct shell_io *s);

uint16_t shell_io_http_port(const struct shell_io *s);
uint16_t shell_io_bus_port(const struct shell_io *s);

#endif
