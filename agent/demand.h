/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container demands of one resource, learnt from samples.
 *
 * Each of eight forecasters names an anchor A_j, a rough guess such as "the
 * largest of the last 5 minutes".  A ledger a forecaster, a decayed histogram
 * (half-life 6 h) of demand / A_j, learns how wrong the guess is.  Anchor and
 * ledger together give the unserved demand F_j(x); demand_curve() gives it for
 * a mixture of forecasters.
 *
 * A throttled sample is censored: the demand was at least the limit.  It counts
 * as more, the longer the throttling lasts (+10 % after one CFS period, +100 %
 * after a second); an OOM kill counts as 1.2 x the limit.
 *
 * Time is what the samples say they span.  A long gap is one long sample; it
 * ages everything as much as many short ones would.
 *
 * Pure.  Holds no pointers.  Amounts are in units: cores or MiB.
 */
#ifndef AGENT_DEMAND_H
#define AGENT_DEMAND_H

#include <stdbool.h>

#include "agent/curve.h"

#define DEMAND_FORECASTERS 8
#define DEMAND_RATIO_BINS  (18 * CURVE_OCTAVE) /* +-9 octaves of the anchor */
#define DEMAND_RECENT      120                 /* quarter minutes: 30 min */
#define DEMAND_DAY         1456 /* minutes: a day and what seasons need */

struct demand_sample {
    double usage;           /* mean over the interval */
    double limit;           /* 0: none */
    double throttled_share; /* of the CFS periods, 0 to 1 */
    double seconds;         /* that the sample spans, > 0 */
    bool oom;               /* the kernel killed for memory */
};

/* A mean with a half-life, exact from its first sample on. */
struct demand_mean {
    double sum;
    double weight;
};

struct demand {
    enum gt_resource resource;
    double run; /* throttled periods in a row, carried over */
    struct demand_mean fast, medium, slow;
    float tick[CURVE_BINS]; /* seconds of demand in each bin */
    double tick_s;
    double tick_max;
    bool tick_closed;
    double due_s;                   /* not yet in the rings */
    uint32_t quarters;              /* quarter minutes ever written */
    float recent[DEMAND_RECENT];    /* a ring of maxima by the quarter minute */
    uint16_t day[DEMAND_DAY];       /* a ring of their bins by the minute */
    int window[DEMAND_FORECASTERS]; /* bins of what the rings say */
    int anchor[DEMAND_FORECASTERS]; /* bins as of the last tick */
    float ledger[DEMAND_FORECASTERS][DEMAND_RATIO_BINS];
};

/* Starts from the prior that the request is a fair guess of the demand. */
void demand_init(struct demand *d, enum gt_resource resource,
                 double request_units);

/* Takes a sample; one whose figures make no sense is ignored. */
void demand_add(struct demand *d, const struct demand_sample *sample);

/* Closes the tick: ledgers, windows, anchors. */
void demand_tick(struct demand *d);

/* The demand of the closed tick; empty if it had no samples.  Readable until
 * the next demand_add(). */
void demand_tick_curve(const struct demand *d, struct curve *out);

/* F of the forecasters mixed by @weights (sum 1), seen from now. */
void demand_curve(const struct demand *d,
                  const double weights[DEMAND_FORECASTERS], struct curve *out);

/* F_j alone, seen from now. */
void demand_curve_of(const struct demand *d, int forecaster, struct curve *out);

/* "mean-30s", "max-5m", ...: for metrics and explanations. */
const char *demand_forecaster_name(enum gt_resource resource, int forecaster);

/* Mean with half-life 30 min: what the CPU floor stands on. */
double demand_mean_slow(const struct demand *d);

/* The largest sample of the last 5 minutes: what the memory floor stands on. */
double demand_peak(const struct demand *d);

/* The largest sample since the last tick. */
double demand_tick_max(const struct demand *d);

#endif
