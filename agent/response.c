/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/response.h"

#include <math.h>
#include <stddef.h>

#define URGENT_CPU_MAX 2.0  /* x the current amount */
#define URGENT_MEMORY  1.25 /* x what is in use */

double
response_own(const struct response_input *in, int64_t amount)
{
    double x = gt_grid_units(in->resource, amount);

    return gt_game_own(x, in->penalty, curve_unserved(in->curve, in->beta * x));
}

static double
utility(const struct response_input *in, int64_t amount)
{
    double own = response_own(in, amount);

    if (in->node == NULL) {
        return own;
    }
    return gt_game_utility(in->node, own, in->others,
                           gt_grid_units(in->resource, amount));
}

static int64_t
candidate(const struct response_input *in, int level)
{
    int64_t amount = gt_grid_amount(in->resource, level);

    return amount < in->max ? amount : in->max;
}

static void
stay(const struct response_input *in, struct response *out)
{
    *out = (struct response){
        .move = RESPONSE_STAY,
        .level = gt_grid_level_up(in->resource, in->current),
        .amount = in->current,
    };
}

static enum response_move
direction(const struct response_input *in, int64_t amount)
{
    if (amount == in->current) {
        return RESPONSE_STAY;
    }
    return amount > in->current ? RESPONSE_GROW : RESPONSE_SHRINK;
}

static void
move_to(const struct response_input *in, int level, struct response *out)
{
    int64_t amount = candidate(in, level);

    *out = (struct response){
        .move = direction(in, amount),
        .level = level,
        .amount = amount,
        .gain = utility(in, amount) - utility(in, in->current),
        .own_gain = response_own(in, amount) - response_own(in, in->current),
    };
}

static bool
pays(const struct response_input *in, const struct response *response)
{
    double from = gt_grid_units(in->resource, in->current);
    double to = gt_grid_units(in->resource, response->amount);
    bool allowed = in->current >= in->floor && in->current <= in->max;

    return !allowed || response->gain >= gt_game_threshold(from, to);
}

void
response_best(const struct response_input *in, struct response *out)
{
    int best = gt_grid_level_up(in->resource, in->floor);
    int highest = gt_grid_level_up(in->resource, in->max);
    double best_utility = utility(in, candidate(in, best));

    for (int level = best + 1; level <= highest; level++) {
        double u = utility(in, candidate(in, level));
        if (u > best_utility) {
            best = level;
            best_utility = u;
        }
    }
    move_to(in, best, out);
    if (out->move == RESPONSE_STAY || !pays(in, out)) {
        stay(in, out);
    }
}

/* The level that holds @units, within the max. */
static int
level_for(const struct response_input *in, double units)
{
    int level = 0;

    while (level < GT_GRID_LEVELS - 1 && candidate(in, level) < in->max &&
           gt_grid_units(in->resource, candidate(in, level)) < units) {
        level++;
    }
    return level;
}

void
response_urgent(const struct response_input *in, double seen,
                struct response *out)
{
    double current = gt_grid_units(in->resource, in->current);
    double wanted = in->resource == GT_MEMORY
                        ? URGENT_MEMORY * seen
                        : fmin(seen, URGENT_CPU_MAX * current * in->beta);

    move_to(in, level_for(in, wanted / in->beta), out);
    if (out->move != RESPONSE_GROW) {
        stay(in, out);
    }
}

bool
response_due(struct response_votes *votes, const struct response_input *in,
             double patience, struct response *response)
{
    if (response->move != RESPONSE_SHRINK) {
        *votes = (struct response_votes){0};
        return false;
    }
    votes->len++;
    if (response->level > votes->level) {
        votes->level = response->level;
    }
    if (votes->len < patience - 0.5) {
        return false;
    }
    move_to(in, votes->level, response);
    *votes = (struct response_votes){0};
    if (response->move != RESPONSE_SHRINK) {
        stay(in, response);
        return false;
    }
    return true;
}
