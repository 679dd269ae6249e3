/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
gt_buf_init(struct gt_buf *buf, char *memory, size_t size)
{
    buf->data = memory;
    buf->size = size;
    gt_buf_reset(buf);
}

void
gt_buf_reset(struct gt_buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
    buf->data[0] = '\0';
}

void
gt_buf_add(struct gt_buf *buf, const char *bytes, size_t len)
{
    if (len >= buf->size - buf->len) {
        buf->overflow = true;
        return;
    }
    if (len > 0) { /* memcpy() refuses NULL even for nothing */
        memcpy(buf->data + buf->len, bytes, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void
gt_buf_text(struct gt_buf *buf, const char *text)
{
    gt_buf_add(buf, text, strlen(text));
}

void
gt_buf_format(struct gt_buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    gt_buf_vformat(buf, format, args);
    va_end(args);
}

void
gt_buf_vformat(struct gt_buf *buf, const char *format, va_list args)
{
    size_t room = buf->size - buf->len;

    int len = vsnprintf(buf->data + buf->len, room, format, args);
    if (len < 0 || (size_t)len >= room) {
        buf->overflow = true;
        buf->data[buf->len] = '\0';
        return;
    }
    buf->len += (size_t)len;
}

struct gt_buf
gt_buf_fork(const struct gt_buf *buf)
{
    struct gt_buf part;

    gt_buf_init(&part, buf->data + buf->len, buf->size - buf->len);
    return part;
}

void
gt_buf_join(struct gt_buf *buf, const struct gt_buf *part)
{
    if (part->overflow) {
        buf->overflow = true;
    } else {
        buf->len += part->len;
    }
    buf->data[buf->len] = '\0';
}
