/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: `t=12.345 level=info who=NAME event=EVENT key=value ...`, one line
 * an event, into a text that the owner of the core prints.  The line that an
 * operator reads at 3 a.m. is the line that the story tests compare.
 *
 * A line that does not fit into the text is dropped whole; gt_buf remembers.
 *
 * Pure.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdint.h>

#include "common/buf.h"

enum gt_log_level {
    GT_LOG_ERROR,   /* somebody must act */
    GT_LOG_WARNING, /* refused, lost or degraded; goes on by itself */
    GT_LOG_INFO,    /* a decision or a change of state */
    GT_LOG_DEBUG,   /* each sample, each message */
};

struct gt_log {
    struct gt_buf *out; /* borrowed */
    enum gt_log_level threshold;
    const char *who;  /* borrowed: the pod, or the program */
    uint64_t mono_ms; /* mesh time of the event at hand */
};

/*
 * Appends a line.  @event is one word; @format makes the key=value pairs and
 * may be "" only through gt_log_event().  A value that came from outside goes
 * through gt_log_quote() first.
 */
void gt_log_line(struct gt_log *log, enum gt_log_level level, const char *event,
                 const char *format, ...) gt_printf(4, 5);

/* Appends a line without pairs. */
void gt_log_event(struct gt_log *log, enum gt_log_level level,
                  const char *event);

#define GT_LOG_QUOTE_MAX 200

/*
 * Puts a text from outside between double quotes, for a value (`why=%s`):
 * quotes, backslashes and all but printable ASCII escaped, cut with ... where
 * longer than @out.  Returns @out.
 */
const char *gt_log_quote(char out[GT_LOG_QUOTE_MAX], const char *text);

/* error, warning, info or debug; -1 for another word. */
int gt_log_level_parse(const char *word);
const char *gt_log_level_name(enum gt_log_level level);

#endif
