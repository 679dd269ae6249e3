/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/metrics.h"

#include <inttypes.h>
#include <math.h>

#define END_MARK "# EOF\n"

/* Up to here a double counts in ones. */
#define EXACT_MAX 9007199254740992.0

static const struct {
    const char *word;
    const char *suffix;
} types[] = {
    [METRICS_COUNTER] = {"counter",   "_total"},
    [METRICS_GAUGE] = {"gauge",     ""      },
    [METRICS_INFO] = {"info",      "_info" },
    [METRICS_HISTOGRAM] = {"histogram", ""      },
};

static void
append_value(struct gt_buf *out, double value)
{
    if (isnan(value)) {
        gt_buf_text(out, "NaN");
    } else if (isinf(value)) {
        gt_buf_text(out, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) < EXACT_MAX && floor(value) == value) {
        gt_buf_format(out, "%.0f", value + 0.0); /* never -0 */
    } else {
        gt_buf_format(out, "%.15g", value);
    }
}

static void
append_escaped(struct gt_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            gt_buf_text(out, "\\n");
        } else if (*text == '"' || *text == '\\') {
            gt_buf_format(out, "\\%c", *text);
        } else {
            gt_buf_add(out, (unsigned char)*text < 0x80 ? text : "?", 1);
        }
    }
}

/* Leaves the braces open. */
static void
append_labels(struct gt_buf *out, const struct metrics_label *labels,
              size_t labels_len)
{
    for (size_t i = 0; i < labels_len; i++) {
        gt_buf_format(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
        append_escaped(out, labels[i].value);
        gt_buf_text(out, "\"");
    }
}

static void
append_sample(struct metrics *m, const char *suffix,
              const struct metrics_label *labels, size_t labels_len,
              double value)
{
    gt_buf_format(&m->part, "%s%s", m->name, suffix);
    append_labels(&m->part, labels, labels_len);
    gt_buf_text(&m->part, labels_len > 0 ? "} " : " ");
    append_value(&m->part, value);
    gt_buf_text(&m->part, "\n");
}

/* Takes the open family into the text. */
static void
close_family(struct metrics *m)
{
    if (m->name != NULL) {
        gt_buf_join(m->out, &m->part);
    }
}

void
metrics_begin(struct metrics *m, struct gt_buf *out)
{
    *m = (struct metrics){.out = out};
}

void
metrics_family(struct metrics *m, const struct metrics_family *family)
{
    close_family(m);
    m->name = family->name;
    m->type = family->type;
    m->part = gt_buf_fork(m->out);
    size_t kept = sizeof(END_MARK) - 1;
    m->part.size = m->part.size > kept ? m->part.size - kept : 1;
    gt_buf_format(&m->part, "# TYPE %s %s\n", family->name,
                  types[family->type].word);
    if (family->unit[0] != '\0') {
        gt_buf_format(&m->part, "# UNIT %s %s\n", family->name, family->unit);
    }
    gt_buf_format(&m->part, "# HELP %s ", family->name);
    append_escaped(&m->part, family->help);
    gt_buf_text(&m->part, "\n");
}

void
metrics_sample(struct metrics *m, const struct metrics_label *labels,
               size_t labels_len, double value)
{
    append_sample(m, types[m->type].suffix, labels, labels_len, value);
}

/* One bucket; bounds are written as reals ("1.0"), as the format advises. */
static void
append_bucket(struct metrics *m, const struct metrics_label *labels,
              size_t labels_len, double bound, uint64_t count)
{
    gt_buf_format(&m->part, "%s_bucket", m->name);
    append_labels(&m->part, labels, labels_len);
    gt_buf_format(&m->part, "%cle=\"", labels_len == 0 ? '{' : ',');
    append_value(&m->part, bound);
    gt_buf_format(&m->part, "%s\"} %" PRIu64 "\n",
                  isfinite(bound) && floor(bound) == bound ? ".0" : "", count);
}

void
metrics_buckets(struct metrics *m, const struct metrics_label *labels,
                size_t labels_len, const struct metrics_histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i < histogram->bounds_len; i++) {
        count += histogram->counts[i];
        append_bucket(m, labels, labels_len, histogram->bounds[i], count);
    }
    count += histogram->counts[histogram->bounds_len];
    append_bucket(m, labels, labels_len, INFINITY, count);
    append_sample(m, "_count", labels, labels_len, (double)count);
    append_sample(m, "_sum", labels, labels_len, histogram->sum);
}

void
metrics_end(struct metrics *m)
{
    close_family(m);
    gt_buf_text(m->out, END_MARK);
}

void
metrics_histogram_init(struct metrics_histogram *histogram,
                       const double *bounds, size_t bounds_len)
{
    *histogram =
        (struct metrics_histogram){.bounds = bounds, .bounds_len = bounds_len};
}

void
metrics_observe(struct metrics_histogram *histogram, double value)
{
    size_t i = 0;

    if (!isfinite(value)) {
        return;
    }
    while (i < histogram->bounds_len && value > histogram->bounds[i]) {
        i++;
    }
    histogram->counts[i]++;
    histogram->sum += value;
}
