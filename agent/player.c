/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/player.h"

#include <math.h>
#include <string.h>

#include "common/base.h"

/* Without a limit, demand above the request is lost only in contention; some
 * of it always counts. */
#define CONTENTION_MIN 0.1

void
player_init(struct player *p, const struct player_start *start)
{
    double request = gt_grid_units(start->resource, start->request);

    memset(p, 0, sizeof(*p));
    p->resource = start->resource;
    p->penalty = start->penalty;
    p->limited = start->beta > 0.0;
    p->beta = p->limited ? start->beta : 1.0;
    p->at_risk = p->limited ? 1.0 : CONTENTION_MIN;
    p->min = start->min;
    p->max = start->max;
    p->moves = start->moves;
    demand_init(&p->demand, p->resource, request);
    learner_init(&p->learner, &p->demand, request);
    guard_player_init(&p->guard, p->resource);
    player_settle(p, start->request);
    p->floor = p->current;
    p->best = p->current;
}

static double
units(const struct player *p, int64_t amount)
{
    return gt_grid_units(p->resource, amount);
}

void
player_sample(struct player *p, double usage, double throttled_share,
              double seconds)
{
    struct demand_sample sample = {
        .usage = usage,
        .limit = p->limited ? units(p, p->current) * p->beta : 0.0,
        .throttled_share = throttled_share,
        .seconds = seconds,
    };

    demand_add(&p->demand, &sample);
}

void
player_oom(struct player *p, struct gt_time now)
{
    double limit = units(p, p->current) * p->beta;
    struct demand_sample sample = {
        .usage = limit,
        .limit = limit,
        .seconds = 1.0,
        .oom = true,
    };

    demand_add(&p->demand, &sample);
    guard_oom(&p->guard, (int64_t)((double)p->current * p->beta), now);
}

void
player_tick(struct player *p)
{
    struct learner_stakes stakes = {
        .penalty = p->penalty * p->at_risk,
        .beta = p->beta,
        .floor = units(p, p->floor),
        .max = units(p, p->max),
    };

    demand_tick(&p->demand);
    learner_tick(&p->learner, &p->demand, &stakes);
}

static struct response_input
input(const struct player *p, const struct player_view *view, double load)
{
    double own = units(p, p->current);
    struct response_input in = {
        .resource = p->resource,
        .curve = learner_curve(&p->learner),
        .penalty = p->penalty * p->at_risk,
        .beta = p->beta,
        .current = p->current,
        .floor = p->floor,
        .max = p->max,
        .node = view->node,
        .others = load > own ? load - own : 0.0,
    };

    return in;
}

static int64_t
floor_now(const struct player *p, struct gt_time now)
{
    struct guard_need need = {
        .mean_slow = demand_mean_slow(&p->demand),
        .peak = demand_peak(&p->demand),
        .beta = p->beta,
        .min = p->min,
        .max = p->max,
    };

    return guard_floor(&p->guard, &need, now);
}

/* The next level above @amount; more than the max where there is none. */
static int64_t
next_level(const struct player *p, int64_t amount)
{
    int64_t next = gt_grid_amount(p->resource,
                                  gt_grid_level_down(p->resource, amount) + 1);

    return next > amount && next <= p->max ? next : INT64_MAX;
}

/* What growing to @to is worth if the demand just seen is there to stay. */
static double
evidence_gain(const struct player *p, int64_t to, double seen)
{
    double from = units(p, p->current);
    double step = units(p, to) - from;
    double served = fmin(seen, units(p, to) * p->beta) - from * p->beta;

    return p->penalty * p->at_risk * fmax(served, 0.0) - GT_GAME_COST * step;
}

/* The most that is known to be needed right now. */
static double
seen_now(const struct player *p)
{
    return demand_tick_max(&p->demand);
}

static enum player_verdict
grow(struct player *p, const struct response *best, enum player_reason reason,
     const struct player_view *view)
{
    p->reason = reason;
    p->best = best->amount;
    if (best->amount >= p->blocked_amount &&
        view->now.mono_ms < p->blocked_until_ms) {
        return PLAYER_BLOCKED;
    }
    p->want = best->amount;
    p->gain = best->own_gain;
    p->urgency = p->current < p->floor                      ? GUARD_VITAL
                 : view->strong && p->resource == GT_MEMORY ? GUARD_VITAL
                 : view->urgent                             ? GUARD_URGENT
                                                            : GUARD_GROW;
    return PLAYER_GROW;
}

/* What growing to @to gains the node if the demand just seen is there to stay;
 * @own becomes the own part of it. */
static double
evidence_utility(const struct player *p, const struct response_input *in,
                 int64_t to, double *own)
{
    double step = units(p, to) - units(p, p->current);
    double load = in->others + units(p, p->current);

    *own = fmax(evidence_gain(p, to, seen_now(p)),
                response_own(in, to) - response_own(in, p->current));
    return in->node == NULL
               ? *own
               : gt_game_potential_gain(in->node, load, *own, step);
}

/* Puts the best response to the demand just seen into @best, where it is more
 * than what is there. */
static bool
evidence(const struct player *p, const struct response_input *in,
         struct response *best)
{
    int64_t from = best->amount > p->current ? best->amount : p->current;
    double most = 0.0;
    struct response step;

    response_urgent(in, seen_now(p), &step);
    for (int64_t to = next_level(p, from);
         step.move == RESPONSE_GROW && to <= step.amount;
         to = next_level(p, to)) {
        double own;
        double gain = evidence_utility(p, in, to, &own);

        if (gain > most &&
            gain >= gt_game_threshold(units(p, p->current), units(p, to))) {
            most = gain;
            best->move = RESPONSE_GROW;
            best->amount = to;
            best->own_gain = own;
        }
    }
    return most > 0.0;
}

/* Less is better at the load that is certain: count the tick's vote. */
static enum player_verdict
vote(struct player *p, const struct player_view *view)
{
    struct response_input in = input(p, view, view->load_lo);
    struct response best;

    response_best(&in, &best);
    p->best = best.amount;
    if (!response_due(&p->votes, &in, learner_patience(&p->learner), &best)) {
        return best.move == RESPONSE_SHRINK ? PLAYER_VOTE : PLAYER_STAY;
    }
    p->best = best.amount;
    p->want = best.amount;
    p->gain = best.own_gain;
    p->urgency =
        view->node != NULL && gt_game_price(view->node, view->load_lo) > 0
            ? GUARD_YIELD
            : GUARD_SHRINK;
    p->reason = PLAYER_BY_PATIENCE;
    return PLAYER_SHRINK;
}

static enum player_verdict
decide(struct player *p, const struct player_view *view)
{
    struct response_input in = input(p, view, view->load_hi);
    struct response best;

    response_best(&in, &best);
    if (view->strong && evidence(p, &in, &best)) {
        return grow(p, &best, PLAYER_BY_EVIDENCE, view);
    }
    if (best.move == RESPONSE_GROW) {
        memset(&p->votes, 0, sizeof(p->votes));
        return grow(p, &best,
                    p->current < p->floor ? PLAYER_BY_FLOOR : PLAYER_BY_GAIN,
                    view);
    }
    return view->urgent ? PLAYER_STAY : vote(p, view);
}

enum player_verdict
player_decide(struct player *p, const struct player_view *view)
{
    p->floor = floor_now(p, view->now);
    if (!p->limited) {
        p->at_risk = fmin(fmax(CONTENTION_MIN, view->contention), 1.0);
    }
    player_drop(p);
    if (view->urgent) {
        p->urgent_ms = view->now.mono_ms;
        learner_refresh(&p->learner, &p->demand);
    }
    p->verdict = p->moves ? decide(p, view) : PLAYER_STAY;
    return p->verdict;
}

bool
player_wishes(const struct player *p)
{
    return p->want != p->target;
}

bool
player_wishes_less(const struct player *p)
{
    return p->want < p->target;
}

void
player_drop(struct player *p)
{
    p->want = p->target;
    p->gain = 0.0;
}

void
player_red(struct player *p, int64_t load)
{
    if (p->reds == 0) {
        p->urgent_ms = 0;
    }
    p->reds++;
    p->red_load = load;
    player_drop(p);
}

bool
player_urgent_due(const struct player *p, int64_t load, struct gt_time now)
{
    uint64_t gap_ms = PLAYER_URGENT_GAP_MS;
    unsigned reds = load < p->red_load ? 0 : p->reds;

    for (; reds > 1 && gap_ms < PLAYER_URGENT_GAP_MAX_MS; reds--) {
        gap_ms *= 2;
    }
    if (gap_ms > PLAYER_URGENT_GAP_MAX_MS) {
        gap_ms = PLAYER_URGENT_GAP_MAX_MS;
    }
    return now.mono_ms - p->urgent_ms >= gap_ms;
}

void
player_move(struct player *p, struct gt_time now)
{
    p->target = p->want;
    p->gain = 0.0;
    p->reds = 0;
    guard_moved(&p->guard, now);
}

void
player_settle(struct player *p, int64_t amount)
{
    p->current = amount;
    p->target = amount;
    player_drop(p);
    memset(&p->votes, 0, sizeof(p->votes));
}

void
player_block(struct player *p, int64_t amount, uint64_t until_ms)
{
    p->blocked_amount = amount;
    p->blocked_until_ms = until_ms;
}

double
player_value(const struct player *p)
{
    double x = units(p, p->current);

    return gt_game_own(x, p->penalty * p->at_risk,
                       learner_unserved(&p->learner, x * p->beta));
}

const char *
player_verdict_name(enum player_verdict verdict)
{
    static const char *const names[] = {
        [PLAYER_STAY] = "stay",       [PLAYER_GROW] = "grow",
        [PLAYER_VOTE] = "vote",       [PLAYER_SHRINK] = "shrink",
        [PLAYER_BLOCKED] = "blocked",
    };

    return (size_t)verdict < GT_ARRAY_LEN(names) ? names[verdict] : "unknown";
}

const char *
player_reason_name(enum player_reason reason)
{
    static const char *const names[] = {
        [PLAYER_BY_GAIN] = "gain",
        [PLAYER_BY_FLOOR] = "floor",
        [PLAYER_BY_EVIDENCE] = "evidence",
        [PLAYER_BY_PATIENCE] = "patience",
    };

    return (size_t)reason < GT_ARRAY_LEN(names) ? names[reason] : "unknown";
}
