/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[] = {
    [GT_LOG_ERROR] = "error",
    [GT_LOG_WARNING] = "warning",
    [GT_LOG_INFO] = "info",
    [GT_LOG_DEBUG] = "debug",
};

/* Opens a line with what every line begins with. */
static struct gt_buf
open_line(const struct gt_log *log, enum gt_log_level level, const char *event)
{
    struct gt_buf line = gt_buf_fork(log->out);

    gt_buf_format(&line, "t=%" PRIu64 ".%03u level=%s who=%s event=%s",
                  log->mono_ms / 1000, (unsigned)(log->mono_ms % 1000),
                  gt_log_level_name(level), log->who, event);
    return line;
}

static void
close_line(const struct gt_log *log, struct gt_buf *line)
{
    gt_buf_text(line, "\n");
    gt_buf_join(log->out, line);
}

void
gt_log_line(struct gt_log *log, enum gt_log_level level, const char *event,
            const char *format, ...)
{
    va_list args;

    if (level > log->threshold) {
        return;
    }
    struct gt_buf line = open_line(log, level, event);
    gt_buf_text(&line, " ");
    va_start(args, format);
    gt_buf_vformat(&line, format, args);
    va_end(args);
    close_line(log, &line);
}

void
gt_log_event(struct gt_log *log, enum gt_log_level level, const char *event)
{
    if (level > log->threshold) {
        return;
    }
    struct gt_buf line = open_line(log, level, event);
    close_line(log, &line);
}

static void
append_escaped(struct gt_buf *out, char c)
{
    switch (c) {
    case '\n':
        gt_buf_text(out, "\\n");
        break;
    case '\t':
        gt_buf_text(out, "\\t");
        break;
    case '"':
        gt_buf_text(out, "\\\"");
        break;
    case '\\':
        gt_buf_text(out, "\\\\");
        break;
    default:
        if (c >= ' ' && c <= '~') {
            gt_buf_add(out, &c, 1);
        } else {
            gt_buf_format(out, "\\x%02x", (unsigned)(unsigned char)c);
        }
    }
}

const char *
gt_log_quote(char out[GT_LOG_QUOTE_MAX], const char *text)
{
    static const char end[] = "...\"";
    struct gt_buf quoted;

    gt_buf_init(&quoted, out, GT_LOG_QUOTE_MAX);
    gt_buf_text(&quoted, "\"");
    size_t whole = quoted.len; /* of what leaves room for the cut */
    for (; *text != '\0' && !quoted.overflow; text++) {
        append_escaped(&quoted, *text);
        if (quoted.len + sizeof(end) <= quoted.size) {
            whole = quoted.len;
        }
    }
    gt_buf_text(&quoted, "\"");
    if (quoted.overflow) {
        memcpy(out + whole, end, sizeof(end));
    }
    return out;
}

int
gt_log_level_parse(const char *word)
{
    for (size_t i = 0; i < GT_ARRAY_LEN(names); i++) {
        if (strcmp(word, names[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *
gt_log_level_name(enum gt_log_level level)
{
    return names[level];
}
