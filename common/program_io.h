/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all our programs do alike around their cores: --help and its like, the
 * API server's place, the port file, and the log on standard output.
 */
#ifndef COMMON_PROGRAM_IO_H
#define COMMON_PROGRAM_IO_H

#include "common/conf.h"
#include "common/log.h"

#define GT_PROGRAM_USAGE 2 /* exit code: a bad flag, nothing was started */

/* Prints what @what asks for: help, version or configuration.  Returns the
 * exit code. */
int gt_program_tell(enum gt_conf_outcome what,
                    const struct gt_conf_table *table, const void *config);

/* Prints "PROGRAM: ERROR" to standard error. */
void gt_program_complain(const struct gt_conf_table *table,
                         const struct gt_err *err);

/*
 * Where the API server is: *@url as given, or if that is "" what the cluster
 * tells every pod, written to @memory.  0, or GT_CONF_E_USAGE with @err.
 */
int gt_program_api_server(const char **url, struct gt_buf *memory,
                          struct gt_err *err);

/*
 * Writes the bound ports to @path, unless that is "": "FIRST SECOND\n", whole
 * at once, so that who waits for it never reads a part.  0, or -errno with
 * @err.
 */
int gt_program_port_file(const char *path, uint16_t first, uint16_t second,
                         struct gt_err *err);

/* Writes the lines of @log to standard output and empties them; says so when
 * some were lost. */
void gt_program_flush(struct gt_log *log);

#endif
