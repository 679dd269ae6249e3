/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/demand.h"

#include <math.h>
#include <string.h>

#define CENTRE (DEMAND_RATIO_BINS / 2) /* the bin of ratio 1 */

#define LEDGER_HALF_LIFE_S (6 * 3600.0)
#define QUARTER_S          15.0
#define MINUTE             4    /* quarters */
#define DAY                1440 /* minutes */

/* A CFS period, and what each throttled one in a row adds to the estimate. */
#define PERIODS_PER_S 10.0
#define RUN_STEP      0.1
#define RUN_MAX       10.0
#define OOM_FACTOR    1.2

/* One sample says no more about the spread of demand than a tick does. */
#define SAMPLE_MAX_S 15.0

/* The prior: the mean is half the request, and forecasts are missed by a
 * quarter of an octave; believed as much as so many seconds of samples. */
#define PRIOR_MEAN_S   15.0
#define PRIOR_LEDGER_S 60.0
#define PRIOR_SHARE    0.5
#define PRIOR_RATIO    (CURVE_OCTAVE / 4)

enum forecaster {
    MEAN_FAST,
    WINDOW_1,
    WINDOW_2,
    WINDOW_3,
    WINDOW_4,
    SEASON,
    CONSTANT,
    MEAN_MEDIUM,
};

/* Quarters in the windows 1 to 4. */
static const uint32_t windows[GT_RESOURCES][4] = {
    [GT_CPU] = {4,  20,  120, 720 },
    [GT_MEMORY] = {20, 120, 720, 1440},
};

static const char *const names[GT_RESOURCES][DEMAND_FORECASTERS] = {
    [GT_CPU] = {"mean-30s", "max-1m", "max-5m",  "max-30m", "max-3h", "season",
                "constant", "mean-5m" },
    [GT_MEMORY] = {"mean-2m",  "max-5m", "max-30m", "max-3h",  "max-6h", "season",
                "constant", "mean-30m"},
};

static const double fast_half_life_s[GT_RESOURCES] = {30, 120};
static const double medium_half_life_s[GT_RESOURCES] = {300, 1800};
#define SLOW_HALF_LIFE_S 1800.0

static void
mean_add(struct demand_mean *mean, double value, double half_life_s,
         double seconds)
{
    double keep = exp2(-seconds / half_life_s);

    mean->sum = keep * mean->sum + (1 - keep) * value;
    mean->weight = keep * mean->weight + (1 - keep);
}

static double
mean_of(const struct demand_mean *mean)
{
    return mean->sum / mean->weight;
}

/* A mean is steadied by the largest demand of the tick where shortage kills. */
static int
mean_bin(const struct demand *d, const struct demand_mean *mean, double now)
{
    double value = mean_of(mean);

    if (d->resource == GT_MEMORY) {
        value = fmax(value, now);
    }
    return curve_bin(d->resource, value);
}

static int
max_int(int a, int b)
{
    return a > b ? a : b;
}

/* The anchors seen from now: what the rings say and the tick that runs. */
static void
anchors_now(const struct demand *d, int out[DEMAND_FORECASTERS])
{
    double now = d->tick_closed ? 0 : d->tick_max;
    int now_bin = curve_bin(d->resource, now);

    for (int j = WINDOW_1; j <= WINDOW_4; j++) {
        out[j] = max_int(d->window[j], now_bin);
    }
    out[MEAN_FAST] = mean_bin(d, &d->fast, now);
    out[MEAN_MEDIUM] = mean_bin(d, &d->medium, now);
    out[SEASON] = d->quarters / MINUTE < DAY
                      ? out[WINDOW_3]
                      : max_int(d->window[SEASON], out[MEAN_FAST]);
    out[CONSTANT] = d->window[CONSTANT];
}

void
demand_init(struct demand *d, enum gt_resource resource, double request_units)
{
    double guess = PRIOR_SHARE * request_units;

    memset(d, 0, sizeof(*d));
    d->resource = resource;
    d->tick_closed = true;
    mean_add(&d->fast, guess, fast_half_life_s[resource], PRIOR_MEAN_S);
    mean_add(&d->medium, guess, medium_half_life_s[resource], PRIOR_MEAN_S);
    mean_add(&d->slow, guess, SLOW_HALF_LIFE_S, PRIOR_MEAN_S);
    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        d->window[j] = curve_bin(resource, guess);
        d->anchor[j] = d->window[j];
        d->ledger[j][CENTRE + PRIOR_RATIO] = (float)PRIOR_LEDGER_S;
    }
}

static bool
makes_sense(const struct demand_sample *s)
{
    return isfinite(s->usage) && s->usage >= 0 && isfinite(s->limit) &&
           s->limit >= 0 && s->throttled_share >= 0 &&
           s->throttled_share <= 1 && isfinite(s->seconds) && s->seconds > 0;
}

/* A sample as two demands: @high for the @share of it that was throttled. */
struct split {
    double share;
    double high;
    double rest;
};

static struct split
uncensor(struct demand *d, const struct demand_sample *s)
{
    struct split split = {.rest = s->usage};

    if (s->oom) {
        split.rest = OOM_FACTOR * fmax(s->limit, s->usage);
        return split;
    }
    if (s->limit > 0) {
        /* A throttled period used its quota up, so there were no more of them
         * than the usage pays for: idle periods are not counted. */
        split.share = fmin(s->throttled_share, s->usage / s->limit);
    }
    double periods = split.share * PERIODS_PER_S * s->seconds;
    double run = fmin(d->run + (periods + 1) / 2, RUN_MAX);
    split.high = s->limit * (1 + RUN_STEP * run);
    if (split.share > 0) {
        double left = s->usage - split.share * s->limit;
        split.rest = split.share < 1 ? left / (1 - split.share) : 0;
    }
    d->run = split.share > 0.5 ? fmin(d->run + periods, RUN_MAX) : 0;
    return split;
}

static void
tick_open(struct demand *d)
{
    memset(d->tick, 0, sizeof(d->tick));
    d->tick_s = 0;
    d->tick_max = 0;
    d->tick_closed = false;
}

void
demand_add(struct demand *d, const struct demand_sample *sample)
{
    if (!makes_sense(sample)) {
        return;
    }
    if (d->tick_closed) {
        tick_open(d);
    }
    struct split split = uncensor(d, sample);
    double seconds = fmin(sample->seconds, SAMPLE_MAX_S);
    double mean = split.share * split.high + (1 - split.share) * split.rest;

    d->tick[curve_bin(d->resource, split.high)] +=
        (float)(split.share * seconds);
    d->tick[curve_bin(d->resource, split.rest)] +=
        (float)((1 - split.share) * seconds);
    d->tick_s += sample->seconds;
    d->tick_max = fmax(d->tick_max, mean);
    mean_add(&d->fast, mean, fast_half_life_s[d->resource], sample->seconds);
    mean_add(&d->medium, mean, medium_half_life_s[d->resource],
             sample->seconds);
    mean_add(&d->slow, mean, SLOW_HALF_LIFE_S, sample->seconds);
}

/* Books the tick's demand as ratios to the anchors that forecast it. */
static void
ledger_add(struct demand *d, int forecaster)
{
    float keep = (float)exp2(-d->tick_s / LEDGER_HALF_LIFE_S);
    float *ledger = d->ledger[forecaster];

    for (int i = 0; i < DEMAND_RATIO_BINS; i++) {
        /* what is next to nothing goes: subnormals are slow */
        ledger[i] = ledger[i] > 1e-20F ? ledger[i] * keep : 0;
    }
    for (int bin = 0; bin < CURVE_BINS; bin++) {
        if (d->tick[bin] > 0) {
            int i = max_int(bin - d->anchor[forecaster] + CENTRE, 0);
            i = i < DEMAND_RATIO_BINS ? i : DEMAND_RATIO_BINS - 1;
            ledger[i] += d->tick[bin];
        }
    }
}

/* The largest of the last @quarters of the fine ring, 0 without any. */
static double
recent_max(const struct demand *d, uint32_t quarters)
{
    uint32_t len = d->quarters < quarters ? d->quarters : quarters;
    double largest = 0;

    for (uint32_t i = 1; i <= len; i++) {
        largest = fmax(largest, d->recent[(d->quarters - i) % DEMAND_RECENT]);
    }
    return largest;
}

/* The largest bin of the minutes in [from, to) that are in the coarse ring. */
static int
day_max(const struct demand *d, uint32_t from, uint32_t to)
{
    uint32_t len = d->quarters / MINUTE;
    int largest = 0;

    for (uint32_t i = from; i < to && i < len; i++) {
        largest = max_int(largest, d->day[i % DEMAND_DAY]);
    }
    return largest;
}

static void
rings_push(struct demand *d)
{
    d->recent[d->quarters++ % DEMAND_RECENT] = (float)d->tick_max;
    if (d->quarters % MINUTE == 0) {
        d->day[(d->quarters / MINUTE - 1) % DEMAND_DAY] =
            (uint16_t)curve_bin(d->resource, recent_max(d, MINUTE));
    }
}

static void
windows_update(struct demand *d)
{
    uint32_t minutes = d->quarters / MINUTE;

    for (int j = WINDOW_1; j <= WINDOW_4; j++) {
        uint32_t quarters = windows[d->resource][j - WINDOW_1];
        uint32_t fine = quarters < DEMAND_RECENT ? quarters : DEMAND_RECENT;
        uint32_t coarse = quarters / MINUTE;

        d->window[j] = curve_bin(d->resource, recent_max(d, fine));
        if (quarters > DEMAND_RECENT) {
            uint32_t from = minutes > coarse ? minutes - coarse : 0;
            d->window[j] = max_int(d->window[j], day_max(d, from, minutes));
        }
    }
    if (minutes >= DAY) {
        /* yesterday from 2 min before this minute to 10 min after it */
        uint32_t now = minutes - DAY;
        d->window[SEASON] = day_max(d, now > 2 ? now - 2 : 0, now + 10);
    }
}

void
demand_tick(struct demand *d)
{
    if (d->tick_closed) {
        tick_open(d);
    }
    d->tick_closed = true;
    if (d->tick_s <= 0) {
        return;
    }
    /* the first tick was forecast by the prior, whose errors teach nothing */
    for (int j = 0; j < DEMAND_FORECASTERS && d->quarters > 0; j++) {
        ledger_add(d, j);
    }
    d->due_s = fmin(d->due_s + d->tick_s, DEMAND_DAY * MINUTE * QUARTER_S);
    while (d->due_s >= QUARTER_S / 2) {
        d->due_s -= QUARTER_S;
        rings_push(d);
    }
    windows_update(d);
    anchors_now(d, d->anchor);
}

void
demand_tick_curve(const struct demand *d, struct curve *out)
{
    double histogram[CURVE_BINS];

    for (int bin = 0; bin < CURVE_BINS; bin++) {
        histogram[bin] = d->tick[bin];
    }
    curve_init(out, d->resource, histogram);
}

/* Adds a ledger, shifted to its anchor, with total @weight. */
static void
mix(double histogram[CURVE_BINS], const float ledger[DEMAND_RATIO_BINS],
    int anchor, double weight)
{
    double total = 0;

    for (int i = 0; i < DEMAND_RATIO_BINS; i++) {
        total += ledger[i];
    }
    for (int i = 0; i < DEMAND_RATIO_BINS; i++) {
        int bin = max_int(anchor + i - CENTRE, 0);
        bin = bin < CURVE_BINS ? bin : CURVE_BINS - 1;
        histogram[bin] += weight / total * ledger[i];
    }
}

void
demand_curve(const struct demand *d, const double weights[DEMAND_FORECASTERS],
             struct curve *out)
{
    double histogram[CURVE_BINS] = {0};
    int anchors[DEMAND_FORECASTERS];

    anchors_now(d, anchors);
    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        if (weights[j] > 0) {
            mix(histogram, d->ledger[j], anchors[j], weights[j]);
        }
    }
    curve_init(out, d->resource, histogram);
}

void
demand_curve_of(const struct demand *d, int forecaster, struct curve *out)
{
    double weights[DEMAND_FORECASTERS] = {0};

    weights[forecaster] = 1;
    demand_curve(d, weights, out);
}

const char *
demand_forecaster_name(enum gt_resource resource, int forecaster)
{
    return names[resource][forecaster];
}

double
demand_mean_slow(const struct demand *d)
{
    return mean_of(&d->slow);
}

double
demand_peak(const struct demand *d)
{
    return fmax(recent_max(d, windows[GT_CPU][1]), d->tick_max);
}

double
demand_tick_max(const struct demand *d)
{
    return d->tick_max;
}
