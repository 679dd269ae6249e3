/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/trace_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

struct text {
    char *bytes; /* owned */
    size_t len;
    size_t size;
};

static int
grow(struct text *text)
{
    size_t size = text->size == 0 ? 1U << 20 : text->size * 2;
    char *bytes = size > TRACE_FILE_MAX ? NULL : realloc(text->bytes, size);

    if (bytes == NULL) {
        return size > TRACE_FILE_MAX ? -EFBIG : -ENOMEM;
    }
    text->bytes = bytes;
    text->size = size;
    return 0;
}

static int
read_file(struct text *text, gzFile file)
{
    int got = 1;

    while (got > 0) {
        int error = text->len == text->size ? grow(text) : 0;
        if (error != 0) {
            return error;
        }
        got = gzread(file, text->bytes + text->len,
                     (unsigned)(text->size - text->len));
        text->len += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? -EIO : 0;
}

static int
parse(struct trace *out, const struct text *text, const char *path,
      struct gt_err *err)
{
    size_t lines = trace_count(text->bytes, text->len);

    *out = (struct trace){.series_max = lines, .points_max = lines};
    out->series = calloc(lines, sizeof(*out->series));
    out->points = calloc(lines, sizeof(*out->points));
    if (out->series == NULL || out->points == NULL) {
        trace_fini(out);
        return gt_err_set(err, -ENOMEM, "%s: out of memory", path);
    }
    if (trace_parse(out, text->bytes, text->len) != TRACE_OK) {
        size_t line = out->line;
        trace_fini(out);
        return gt_err_set(err, -EBADMSG,
                          "%s: line %zu is not second,pod,cpu_cores,mem_bytes",
                          path, line);
    }
    return 0;
}

int
trace_read(struct trace *out, const char *path, struct gt_err *err)
{
    struct text text = {.bytes = NULL};
    gzFile file = gzopen(path, "rb");

    if (file == NULL) {
        int error = errno;
        return gt_err_set(err, -error, "%s: %s", path, strerror(error));
    }
    int outcome = read_file(&text, file);
    (void)gzclose(file); /* was only read */
    if (outcome == 0) {
        outcome = parse(out, &text, path, err);
    } else {
        (void)gt_err_set(err, outcome, "%s: %s", path, strerror(-outcome));
    }
    free(text.bytes);
    return outcome;
}

void
trace_fini(struct trace *trace)
{
    free(trace->series);
    free(trace->points);
    *trace = (struct trace){.series = NULL};
}
