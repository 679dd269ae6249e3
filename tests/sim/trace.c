/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/trace.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that are left of the text. */
struct rest {
    const char *at;
    const char *end;
};

size_t
trace_count(const char *csv, size_t len)
{
    size_t lines = 1;

    for (size_t i = 0; i < len; i++) {
        lines += csv[i] == '\n' ? 1 : 0;
    }
    return lines;
}

/* Takes the bytes up to @stop, which must come; they must fit with a NUL. */
static bool
take_cell(struct rest *rest, char stop, char *out, size_t size)
{
    const char *end = memchr(rest->at, stop, (size_t)(rest->end - rest->at));

    if (end == NULL || (size_t)(end - rest->at) >= size) {
        return false;
    }
    memcpy(out, rest->at, (size_t)(end - rest->at));
    out[end - rest->at] = '\0';
    rest->at = end + 1;
    return true;
}

static bool
to_amount(const char *cell, double *out)
{
    char *end;

    if (*cell == '\0') {
        *out = 0;
        return true;
    }
    *out = strtod(cell, &end);
    return *end == '\0' && isfinite(*out) && *out >= 0;
}

static bool
to_second(const char *cell, int64_t *out)
{
    char *end;

    *out = strtoll(cell, &end, 10);
    return *cell != '\0' && *end == '\0';
}

static bool
take_row(struct rest line, char pod[TRACE_NAME_MAX], struct trace_point *out)
{
    char cell[32];

    return take_cell(&line, ',', cell, sizeof(cell)) &&
           to_second(cell, &out->second) &&
           take_cell(&line, ',', pod, TRACE_NAME_MAX) && *pod != '\0' &&
           take_cell(&line, ',', cell, sizeof(cell)) && *cell != '\0' &&
           to_amount(cell, &out->amount[GT_CPU]) &&
           take_cell(&line, '\n', cell, sizeof(cell)) &&
           to_amount(cell, &out->amount[GT_MEMORY]);
}

/* The series of @pod, a new one where there is none; NULL without room. */
static struct trace_series *
find_series(struct trace *trace, const char *pod)
{
    for (size_t i = 0; i < trace->series_len; i++) {
        if (strcmp(trace->series[i].pod, pod) == 0) {
            return &trace->series[i];
        }
    }
    if (trace->series_len == trace->series_max) {
        return NULL;
    }
    struct trace_series *series = &trace->series[trace->series_len++];
    *series = (struct trace_series){.len = 0};
    memcpy(series->pod, pod, strlen(pod) + 1);
    return series;
}

/* One pass over the rows, each given to @visit. */
typedef enum trace_outcome row_visit(struct trace *trace,
                                     struct trace_series *series,
                                     const struct trace_point *point);

static enum trace_outcome
each_row(struct trace *trace, const char *csv, size_t len, row_visit *visit)
{
    struct rest rest = {csv, csv + len};
    enum trace_outcome outcome = TRACE_OK;

    trace->line = 0;
    while (rest.at < rest.end && outcome == TRACE_OK) {
        char pod[TRACE_NAME_MAX];
        struct trace_point point;
        const char *end = memchr(rest.at, '\n', (size_t)(rest.end - rest.at));
        if (end == NULL) {
            return TRACE_E_SYNTAX;
        }
        struct rest line = {rest.at, end + 1};
        rest.at = end + 1;
        trace->line++;
        if (trace->line == 1) {
            continue; /* the header */
        }
        if (!take_row(line, pod, &point)) {
            return TRACE_E_SYNTAX;
        }
        struct trace_series *series = find_series(trace, pod);
        outcome = series == NULL ? TRACE_E_FULL : visit(trace, series, &point);
    }
    return outcome;
}

static enum trace_outcome
count_row(struct trace *trace, struct trace_series *series,
          const struct trace_point *point)
{
    (void)point; /* only counted */
    series->len++;
    return ++trace->points_len > trace->points_max ? TRACE_E_FULL : TRACE_OK;
}

static enum trace_outcome
store_row(struct trace *trace, struct trace_series *series,
          const struct trace_point *point)
{
    struct trace_point *points =
        trace->points + (series->points - trace->points);

    if (series->len > 0 && points[series->len - 1].second >= point->second) {
        return TRACE_E_SYNTAX;
    }
    points[series->len++] = *point;
    return TRACE_OK;
}

enum trace_outcome
trace_parse(struct trace *trace, const char *csv, size_t len)
{
    trace->series_len = 0;
    trace->points_len = 0;
    enum trace_outcome outcome = each_row(trace, csv, len, count_row);
    if (outcome != TRACE_OK) {
        return outcome;
    }
    struct trace_point *next = trace->points;
    for (size_t i = 0; i < trace->series_len; i++) {
        trace->series[i].points = next;
        next += trace->series[i].len;
        trace->series[i].len = 0;
    }
    return each_row(trace, csv, len, store_row);
}

/* The last point at or before @second; 0 where there is none. */
static size_t
find_point(const struct trace_series *series, double second)
{
    size_t low = 0;
    size_t high = series->len;

    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if ((double)series->points[middle].second <= second) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

double
trace_at(const struct trace_series *series, enum gt_resource resource,
         enum trace_shape shape, double second)
{
    if (series->len == 0) {
        return 0;
    }
    size_t i = find_point(series, second);
    const struct trace_point *p = &series->points[i];
    if (shape == TRACE_STEP || i + 1 == series->len ||
        second <= (double)p->second) {
        return p->amount[resource];
    }
    double share =
        (second - (double)p->second) / (double)(p[1].second - p->second);
    return p->amount[resource] +
           share * (p[1].amount[resource] - p->amount[resource]);
}

/* How many whole seconds of [from, to) demand at most @bound. */
static int64_t
count_below(const struct trace_series *series, enum gt_resource resource,
            double bound, const int64_t span[2])
{
    int64_t count = 0;

    for (int64_t s = span[0]; s < span[1]; s++) {
        count += trace_at(series, resource, TRACE_LINEAR, (double)s) <= bound
                     ? 1
                     : 0;
    }
    return count;
}

double
trace_quantile(const struct trace_series *series, enum gt_resource resource,
               double quantile, int64_t from, int64_t to)
{
    double low = 0;
    double high = 0;

    for (int64_t s = from; s < to; s++) {
        high = fmax(high, trace_at(series, resource, TRACE_LINEAR, (double)s));
    }
    if (quantile >= 1) {
        return high;
    }
    double wanted = ceil(quantile * (double)(to - from));
    double exact = high * 1e-6;
    while (high - low > exact) {
        double middle = (low + high) / 2;
        const int64_t span[2] = {from, to};
        if ((double)count_below(series, resource, middle, span) >= wanted) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}
