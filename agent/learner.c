/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/learner.h"

#include <math.h>
#include <string.h>

#include "common/game.h"

#define REGRET_HALF_LIFE_S (6 * 3600.0)
/* What a move costs: so many seconds of the amount that is left. */
#define KAPPA_S 15.0

/* Before anything is known: the largest demand of the last minute (cpu) or five
 * (memory), and the second patience. */
#define PRIOR_FORECASTER 1
#define PRIOR_PATIENCE   1

static const double patiences[GT_RESOURCES][LEARNER_PATIENCES] = {
    [GT_CPU] = {1, 3,  8,  24 },
    [GT_MEMORY] = {8, 24, 80, 160},
};

/* What the shadows may hold this tick. */
struct range {
    const struct learner_stakes *stakes;
    enum gt_resource resource;
    int lowest, highest;
};

static double
amount(const struct range *range, int level)
{
    int per_level = CURVE_BINS / (GT_GRID_LEVELS - 1);

    return fmin(curve_edge(range->resource, level * per_level),
                range->stakes->max);
}

static double
cost(const struct range *range, const struct curve *curve, int level)
{
    double x = amount(range, level);

    return -gt_game_own(x, range->stakes->penalty,
                        curve_unserved(curve, range->stakes->beta * x));
}

static int
level_up(const struct range *range, double units)
{
    int level = 0;

    while (level < GT_GRID_LEVELS - 1 && amount(range, level) < units) {
        level++;
    }
    return level;
}

/* The cheapest level: cost is convex, so the first that is no dearer than the
 * next. */
static int
cheapest(const struct range *range, const struct curve *curve)
{
    int level = range->lowest;

    while (level < range->highest &&
           cost(range, curve, level + 1) < cost(range, curve, level)) {
        level++;
    }
    return level;
}

static void
forget_votes(struct learner_shadow *shadow)
{
    shadow->votes = 0;
    shadow->lowest = 0;
}

/* Moves a shadow by the agent's own rule; true when it did. */
static bool
advance(struct learner_shadow *shadow, int target, bool pays, double patience)
{
    if (!pays || target == shadow->level) {
        forget_votes(shadow);
        return false;
    }
    if (target < shadow->level) {
        shadow->votes++;
        shadow->lowest = target > shadow->lowest ? target : shadow->lowest;
        if (shadow->votes < patience) {
            return false;
        }
        target = shadow->lowest;
    }
    shadow->level = target;
    forget_votes(shadow);
    return true;
}

/* Advances the shadows of one forecaster, adds the moves to their costs. */
static void
advance_all(struct learner *l, const struct demand *d,
            const struct range *range, int forecaster,
            double costs[LEARNER_SHADOWS])
{
    struct curve curve;

    demand_curve_of(d, forecaster, &curve);
    int target = cheapest(range, &curve);
    for (int i = 0; i < LEARNER_PATIENCES; i++) {
        int e = forecaster * LEARNER_PATIENCES + i;
        struct learner_shadow *shadow = &l->shadows[e];
        double from = amount(range, shadow->level);
        double gain =
            cost(range, &curve, shadow->level) - cost(range, &curve, target);
        bool pays = gain >= gt_game_threshold(from, amount(range, target));

        if (advance(shadow, target, pays, patiences[l->resource][i])) {
            costs[e] += KAPPA_S / d->tick_s * from;
        }
        if (shadow->level < range->lowest) {
            shadow->level = range->lowest;
        }
    }
}

static void
match_regrets(struct learner *l, const double costs[LEARNER_SHADOWS],
              double seconds)
{
    double keep = exp2(-seconds / REGRET_HALF_LIFE_S);
    double played = 0;
    double sum = 0;

    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        played += l->shadows[e].weight * costs[e];
    }
    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        struct learner_shadow *shadow = &l->shadows[e];
        shadow->regret = keep * shadow->regret + played - costs[e];
        sum += fmax(shadow->regret, 0);
    }
    for (int e = 0; e < LEARNER_SHADOWS && sum > 0; e++) {
        l->shadows[e].weight = fmax(l->shadows[e].regret, 0) / sum;
    }
}

void
learner_init(struct learner *l, const struct demand *d, double request_units)
{
    const struct learner_stakes unbounded = {.max = INFINITY};
    const struct range range = {.stakes = &unbounded, .resource = d->resource};
    int level = level_up(&range, request_units);

    memset(l, 0, sizeof(*l));
    l->resource = d->resource;
    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        l->shadows[e].level = level;
    }
    l->shadows[PRIOR_FORECASTER * LEARNER_PATIENCES + PRIOR_PATIENCE].weight =
        1;
    learner_refresh(l, d);
}

void
learner_tick(struct learner *l, const struct demand *d,
             const struct learner_stakes *stakes)
{
    struct range range = {.stakes = stakes, .resource = l->resource};
    double costs[LEARNER_SHADOWS];
    struct curve tick;

    demand_tick_curve(d, &tick);
    if (tick.mass[0] <= 0) {
        return;
    }
    range.lowest = level_up(&range, fmin(stakes->floor, stakes->max));
    range.highest = level_up(&range, stakes->max);
    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        costs[e] = cost(&range, &tick, l->shadows[e].level);
    }
    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        advance_all(l, d, &range, j, costs);
    }
    match_regrets(l, costs, d->tick_s);
    learner_refresh(l, d);
}

void
learner_refresh(struct learner *l, const struct demand *d)
{
    double weights[DEMAND_FORECASTERS] = {0};

    l->patience = 0;
    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        double weight = l->shadows[e].weight;
        weights[e / LEARNER_PATIENCES] += weight;
        l->patience += weight * patiences[l->resource][e % LEARNER_PATIENCES];
    }
    demand_curve(d, weights, &l->mixture);
}

const struct curve *
learner_curve(const struct learner *l)
{
    return &l->mixture;
}

double
learner_unserved(const struct learner *l, double units)
{
    return curve_unserved(&l->mixture, units);
}

double
learner_patience(const struct learner *l)
{
    return l->patience;
}

double
learner_weight(const struct learner *l, int forecaster)
{
    double weight = 0;

    for (int i = 0; i < LEARNER_PATIENCES; i++) {
        weight += l->shadows[forecaster * LEARNER_PATIENCES + i].weight;
    }
    return weight;
}
