/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text appended to the caller's memory.  Nothing is ever cut silently: what
 * does not fit is dropped whole and remembered in @overflow, so that one check
 * at the end covers a chain of appends.
 *
 * Pure.  Borrows the memory for its life; always NUL-terminated.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base.h"

struct gt_buf {
    char *data;
    size_t size; /* bytes of memory, the NUL included */
    size_t len;  /* bytes of text */
    bool overflow;
};

/* Starts an empty text in @memory of @size > 0 bytes. */
void gt_buf_init(struct gt_buf *buf, char *memory, size_t size);

/* Empties the text and forgets an overflow; the memory stays. */
void gt_buf_reset(struct gt_buf *buf);

/* Appends @len bytes of @bytes. */
void gt_buf_add(struct gt_buf *buf, const char *bytes, size_t len);

/* Appends a NUL-terminated text. */
void gt_buf_text(struct gt_buf *buf, const char *text);

/* Appends a printf format. */
void gt_buf_format(struct gt_buf *buf, const char *format, ...) gt_printf(2, 3);
void gt_buf_vformat(struct gt_buf *buf, const char *format, va_list args)
    gt_printf(2, 0);

/*
 * All or nothing for several appends: they go to the part that gt_buf_fork()
 * opens at the end of @buf, which gt_buf_join() then takes whole, or drops
 * whole where anything of it did not fit.  @buf rests between the two.
 */
struct gt_buf gt_buf_fork(const struct gt_buf *buf);
void gt_buf_join(struct gt_buf *buf, const struct gt_buf *part);

#endif
