/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One player of the game: one resource of one container.  It knows its demand,
 * its floor and its wish, and decides what to wish for.
 *
 * A player only wishes: the agent's core turns wishes into an intent, a
 * handshake or a patch, and may refuse to.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_PLAYER_H
#define AGENT_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/demand.h"
#include "agent/guard.h"
#include "agent/learner.h"
#include "agent/response.h"
#include "common/game.h"
#include "common/grid.h"
#include "common/time.h"

/* An urgent decision comes at least this long after the one before: with each
 * sample, for a kubelet needs 0.15 s.  After a second red light in a row twice
 * as long, and so on up to a tick. */
#define PLAYER_URGENT_GAP_MS     900
#define PLAYER_URGENT_GAP_MAX_MS 15000
/* Urgent: this share of CFS periods throttled in a sample.  20 to 50 % cost the
 * same in simulation; the lower, the less depends on how the samples fall. */
#define PLAYER_THROTTLED_SHARE 0.2
/* Strong evidence: grow even where the curve does not say so. */
#define PLAYER_EVIDENCE_SHARE 0.3
/* Urgent: working set above this share of the memory limit. */
#define PLAYER_MEMORY_SHARE 0.92

enum player_verdict {
    PLAYER_STAY,    /* the current level is best, or the gain is too small */
    PLAYER_GROW,    /* wish: more */
    PLAYER_VOTE,    /* less is better, but patience is not over */
    PLAYER_SHRINK,  /* wish: less */
    PLAYER_BLOCKED, /* more is better, but the API refused as much before */
};

/* Why: the log's and the demo's words. */
enum player_reason {
    PLAYER_BY_GAIN,     /* the best response gains enough */
    PLAYER_BY_FLOOR,    /* below the punishment level */
    PLAYER_BY_EVIDENCE, /* short now, of more than the curve would ask for */
    PLAYER_BY_PATIENCE, /* as many ticks in a row as patience asks for */
};

struct player {
    enum gt_resource resource;
    struct demand demand;
    struct learner learner;
    struct guard_player guard;
    struct response_votes votes;
    double penalty;   /* b x weight */
    double beta;      /* limit/request; demand is served up to beta x */
    bool limited;     /* there is a limit: demand above it is lost */
    double at_risk;   /* share of the demand above beta x that is lost */
    int64_t min, max; /* policy: requests */
    bool moves;       /* the policy lets this resource be resized */
    int64_t current;  /* request in force */
    int64_t target;   /* being put in force; = current when nothing is */
    int64_t want;     /* wished for; = target when there is no wish */
    double gain;      /* of the wish, own part: f(want) - f(current) */
    enum guard_urgency urgency;  /* of the wish */
    int64_t floor;               /* of the last decision */
    int64_t best;                /* best response of the last decision */
    enum player_verdict verdict; /* of the last decision */
    enum player_reason reason;
    uint64_t urgent_ms;        /* the last urgent decision */
    unsigned reds;             /* red lights in a row */
    int64_t red_load;          /* of the node, at the last of them */
    uint64_t blocked_until_ms; /* the API refused @blocked_amount: not again */
    int64_t blocked_amount;
};

/* What a decision depends on besides the player. */
struct player_view {
    struct gt_time now;
    const struct gt_congestion *node; /* NULL: alone, no price is known */
    double load_lo, load_hi; /* of the node, this player included; units */
    bool urgent;             /* short now, between ticks: growth only */
    bool strong;             /* urgent, and grow whatever was learnt */
    double contention;       /* share of time that tasks wait for CPU */
};

struct player_start {
    enum gt_resource resource;
    int64_t request;  /* as the pod has it */
    double beta;      /* limit/request; 0: no limit */
    int64_t min, max; /* requests */
    double penalty;   /* b x weight */
    bool moves;
};

void player_init(struct player *p, const struct player_start *start);

/* A sample of about a second: usage in units; limit and beta are known here. */
void player_sample(struct player *p, double usage, double throttled_share,
                   double seconds);

/* The kernel killed for memory under the limit in force. */
void player_oom(struct player *p, struct gt_time now);

/* The end of a tick: learn from it. */
void player_tick(struct player *p);

/*
 * Decides and sets the wish, @floor, @best, @verdict and @reason.  A wish lasts
 * until it is decided anew, settled or dropped.
 */
enum player_verdict player_decide(struct player *p,
                                  const struct player_view *view);

/* There is a wish. */
bool player_wishes(const struct player *p);

/* The wish is to hold less. */
bool player_wishes_less(const struct player *p);

/* The wish is given up; nothing else changes. */
void player_drop(struct player *p);

/* The wish got a red light while the node's load was @load: thought over at
 * once, after more of them ever later. */
void player_red(struct player *p, int64_t load);

/* Is it time for another urgent decision?  @load: of the node, as now known; a
 * load that fell ends the wait after red lights. */
bool player_urgent_due(const struct player *p, int64_t load,
                       struct gt_time now);

/* The wish is being put in force. */
void player_move(struct player *p, struct gt_time now);

/* The request is @amount now, whoever did it: no wish, nothing under way. */
void player_settle(struct player *p, int64_t amount);

/* The API refused @amount: do not ask for as much again before @until_ms. */
void player_block(struct player *p, int64_t amount, uint64_t until_ms);

/* f(current): own part of utility and potential. */
double player_value(const struct player *p);

const char *player_verdict_name(enum player_verdict verdict);
const char *player_reason_name(enum player_reason reason);

#endif
