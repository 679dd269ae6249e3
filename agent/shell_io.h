/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's shell: makes events of what happens and performs what the core
 * says.  All of its judgement is the order in which it does so.
 */
#ifndef AGENT_SHELL_IO_H
#define AGENT_SHELL_IO_H

#include "agent/options.h"

struct shell_io;

/*
 * Opens everything: servers, API client, bus.  @options is borrowed for its
 * life; its API server is named and its seed is set.  NULL sets @err.
 */
struct shell_io *shell_io_new(const struct options *options,
                              struct gt_err *err);

/* Ends the bus library as well.  Returns NULL. */
struct shell_io *shell_io_free(struct shell_io *s);

/* The ports that are bound. */
uint16_t shell_io_port(const struct shell_io *s);
uint16_t shell_io_admin_port(const struct shell_io *s);

/* From the first event to a signal that ends it; 0 or -errno. */
int shell_io_run(struct shell_io *s);

#endif
