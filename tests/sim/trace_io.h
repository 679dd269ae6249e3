/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a trace file, gzip or plain, into memory of its own.
 */
#ifndef TESTS_SIM_TRACE_IO_H
#define TESTS_SIM_TRACE_IO_H

#include "common/err.h"
#include "tests/sim/trace.h"

#define TRACE_FILE_MAX (256U << 20) /* bytes, unpacked */

/* 0, or a negative errno with @err set; -EBADMSG: not a trace. */
int trace_read(struct trace *out, const char *path, struct gt_err *err);

/* Frees what trace_read() took. */
void trace_fini(struct trace *trace);

#endif
