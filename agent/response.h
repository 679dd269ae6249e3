/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The best response of one player: the level between floor and max with the
 * highest utility against the load of the others, and whether to move there.
 *
 * Growth up to the floor needs no gain; every other move must gain
 * gt_game_threshold().  Among equals the lowest level wins.  The current amount
 * may be off the grid; the last candidate is the max itself.
 *
 * Pure.  The curve and the node are borrowed for the call.
 */
#ifndef AGENT_RESPONSE_H
#define AGENT_RESPONSE_H

#include <stdbool.h>

#include "agent/curve.h"
#include "common/game.h"

struct response_input {
    enum gt_resource resource;
    const struct curve *curve; /* F, as learnt */
    double penalty; /* b x weight (x contention share without a limit) */
    double beta;    /* limit / request >= 1: demand is at risk above beta x */
    int64_t current, floor, max;      /* requests: milli-CPU or bytes */
    const struct gt_congestion *node; /* NULL: no price is known */
    double others; /* load of the node without this player, units */
};

enum response_move { RESPONSE_STAY, RESPONSE_GROW, RESPONSE_SHRINK };

struct response {
    enum response_move move;
    int level;       /* RESPONSE_STAY: the current amount's, rounded up */
    int64_t amount;  /* RESPONSE_STAY: the current amount */
    double gain;     /* in utility, du = dPhi; 0 for RESPONSE_STAY */
    double own_gain; /* in the own part, f(to) - f(from) */
};

/* f(x) of the request @amount. */
double response_own(const struct response_input *in, int64_t amount);

void response_best(const struct response_input *in, struct response *out);

/*
 * The step up of a container that is short now whatever was learnt, @seen being
 * the largest demand since the last tick (cpu) or the working set (memory):
 * cpu to @seen, but at most twice the current amount; memory to 1.25 x @seen.
 * RESPONSE_STAY when that is no growth.
 */
void response_urgent(const struct response_input *in, double seen,
                     struct response *out);

/* Patience: shrinking waits until some ticks in a row agree. */
struct response_votes {
    unsigned len;
    int level; /* the highest target among them */
};

/*
 * Counts a tick's answer.  True when a shrink is due: @response then goes to
 * the highest target among the votes, and counting starts afresh.
 */
bool response_due(struct response_votes *votes, const struct response_input *in,
                  double patience, struct response *response);

#endif
