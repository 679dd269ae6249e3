/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Demand traces: CSV `second,pod,cpu_cores,mem_bytes`, one header line, rows of
 * a pod in time order.  A value is the mean over the interval that starts at
 * its second.  An empty mem_bytes (no such series) reads as 0.
 *
 * Pure.  trace_io.h reads files, gzip or plain.
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "common/grid.h"

#define TRACE_NAME_MAX 64

struct trace_point {
    int64_t second;
    double amount[GT_RESOURCES]; /* cores, bytes */
};

/* What one pod demands; the points are borrowed. */
struct trace_series {
    char pod[TRACE_NAME_MAX];
    const struct trace_point *points;
    size_t len;
};

enum trace_shape {
    TRACE_LINEAR, /* straight lines from point to point */
    TRACE_STEP,   /* constant until the next point */
};

enum trace_outcome {
    TRACE_OK,
    TRACE_E_SYNTAX, /* a row that is not one, or not in time order */
    TRACE_E_FULL,   /* more rows or pods than there is room for */
};

/* Room for a parse; trace_count() says how much is enough. */
struct trace {
    struct trace_series *series;
    size_t series_len, series_max;
    struct trace_point *points;
    size_t points_len, points_max;
    size_t line; /* of the first bad row, from 1 */
};

/* The number of lines: an upper bound of both rows and pods. */
size_t trace_count(const char *csv, size_t len);

/*
 * Parses @csv into @trace, whose arrays and maxima are set.  Series come in
 * the order in which their pods first appear.
 */
enum trace_outcome trace_parse(struct trace *trace, const char *csv,
                               size_t len);

/* The demand at @second; the first and last point hold beyond the ends. */
double trace_at(const struct trace_series *series, enum gt_resource resource,
                enum trace_shape shape, double second);

/*
 * The @quantile (0 to 1; 1 is the maximum) of the linear demand at the whole
 * seconds of [from, to); 0 for an empty span.  Exact to a millionth of the
 * largest demand.
 */
double trace_quantile(const struct trace_series *series,
                      enum gt_resource resource, double quantile, int64_t from,
                      int64_t to);

#endif
