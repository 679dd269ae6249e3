/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program tells of itself, as OpenMetrics text 1.0:
 * https://github.com/prometheus/OpenMetrics/blob/main/specification/
 *
 *     metrics_begin(&m, &out);
 *     metrics_family(&m, &(struct metrics_family){...});
 *     metrics_sample(&m, labels, labels_len, value);
 *     metrics_end(&m);
 *
 * Each family once, its samples right after it.  A family that does not fit is
 * dropped whole and remembered in out->overflow; what is left is still a
 * valid text.
 *
 * Pure.  Borrows everything it is given until metrics_end().
 */
#ifndef PROTO_METRICS_H
#define PROTO_METRICS_H

#include <stdint.h>

#include "common/buf.h"

#define METRICS_CONTENT_TYPE                                                   \
    "application/openmetrics-text; version=1.0.0; charset=utf-8"

#define METRICS_BUCKETS_MAX 16

enum metrics_type {
    METRICS_COUNTER,   /* sample NAME_total */
    METRICS_GAUGE,     /* sample NAME */
    METRICS_INFO,      /* sample NAME_info, value 1; no unit */
    METRICS_HISTOGRAM, /* samples NAME_bucket, NAME_count, NAME_sum */
};

struct metrics_family {
    const char *name; /* without the suffix of the type; ends in _UNIT */
    enum metrics_type type;
    const char *unit; /* "seconds", "bytes", ...; "" for none */
    const char *help; /* one sentence */
};

struct metrics_label {
    const char *name;
    const char *value; /* any text; what is not ASCII becomes '?' */
};

struct metrics_histogram {
    const double *bounds; /* borrowed, rising; +Inf comes by itself */
    size_t bounds_len;    /* <= METRICS_BUCKETS_MAX */
    uint64_t counts[METRICS_BUCKETS_MAX + 1]; /* one a bucket, not summed up */
    double sum;
};

struct metrics {
    struct gt_buf *out;
    struct gt_buf part; /* the family that is being written */
    const char *name;   /* of it; NULL before the first */
    enum metrics_type type;
};

void metrics_begin(struct metrics *m, struct gt_buf *out);

void metrics_family(struct metrics *m, const struct metrics_family *family);

/* A sample of a counter, gauge or info; NULL and 0 for no labels. */
void metrics_sample(struct metrics *m, const struct metrics_label *labels,
                    size_t labels_len, double value);

void metrics_buckets(struct metrics *m, const struct metrics_label *labels,
                     size_t labels_len,
                     const struct metrics_histogram *histogram);

/* Appends the end mark, for which room was kept. */
void metrics_end(struct metrics *m);

void metrics_histogram_init(struct metrics_histogram *histogram,
                            const double *bounds, size_t bounds_len);

/* Counts @value; one that is not finite is ignored. */
void metrics_observe(struct metrics_histogram *histogram, double value);

#endif
