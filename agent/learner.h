/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which forecasters to trust, and how patiently to shrink.
 *
 * 32 shadow policies, 8 forecasters x 4 patience values, each hold a level of
 * their own and are charged for every tick what it would have cost.  Discounted
 * regret matching (half-life 6 h, no truncation of the stored regret) turns the
 * costs into probabilities.  The agent plays the mixture of the curves, never a
 * draw: cost is convex in the level, so the mixture is at most as dear as the
 * expectation (Jensen), and nothing jitters.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_LEARNER_H
#define AGENT_LEARNER_H

#include "agent/demand.h"

#define LEARNER_PATIENCES 4
#define LEARNER_SHADOWS   (DEMAND_FORECASTERS * LEARNER_PATIENCES)

/* What the player has at stake; may change from tick to tick. */
struct learner_stakes {
    double penalty; /* b x weight: cost of a unit unserved for a second */
    double beta;    /* limit / request; 1 without a limit */
    double floor;   /* units: requests that may be held */
    double max;
};

struct learner_shadow {
    double regret;
    double weight; /* its probability in the mixture */
    int level;
    int lowest;     /* the highest target among the votes */
    unsigned votes; /* ticks in a row that wanted to shrink */
};

struct learner {
    enum gt_resource resource;
    struct curve mixture;
    double patience; /* ticks, of the mixture */
    struct learner_shadow shadows[LEARNER_SHADOWS];
};

void learner_init(struct learner *l, const struct demand *d,
                  double request_units);

/* Learns from the tick that @d has just closed; call after demand_tick(). */
void learner_tick(struct learner *l, const struct demand *d,
                  const struct learner_stakes *stakes);

/* Looks at @d again between ticks: call before an urgent decision. */
void learner_refresh(struct learner *l, const struct demand *d);

/* The mixture curve; valid as long as @l, changed by tick and refresh. */
const struct curve *learner_curve(const struct learner *l);

/* F(x) of the mixture, in units. */
double learner_unserved(const struct learner *l, double units);

/* How many ticks in a row must want to shrink before the agent does. */
double learner_patience(const struct learner *l);

/* The probability of @forecaster; they add up to 1. */
double learner_weight(const struct learner *l, int forecaster);

#endif
