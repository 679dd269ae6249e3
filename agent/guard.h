/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The individually rational limits of a player, and how often its pod may be
 * resized.
 *
 * The punishment level, or floor, is what a container must hold whatever the
 * others do: below the mean demand queues diverge, below the recent peak memory
 * the kernel kills.  Offers below it are refused.
 *
 * A resize is not free for a cluster: one per pod and 15 s, and a token bucket,
 * half of which is kept for growth.
 * What keeps a pod alive (GUARD_VITAL) is never held back.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_GUARD_H
#define AGENT_GUARD_H

#include "common/grid.h"
#include "common/time.h"

#define GUARD_FLOOR_CPU    ((int64_t)10)       /* milli */
#define GUARD_FLOOR_MEMORY ((int64_t)32 << 20) /* bytes */
#define GUARD_GAP_MS       15000 /* between two resizes of a pod */
#define GUARD_BURST        8
#define GUARD_PER_HOUR     40

enum guard_outcome {
    GUARD_OK,
    GUARD_E_HOLD,   /* too soon after the last resize */
    GUARD_E_BUDGET, /* no token is left for this */
};

/* Why a resize is wanted, from what can wait to what cannot. */
enum guard_urgency {
    GUARD_SHRINK, /* waits for the resource's own hold as well */
    GUARD_YIELD,  /* the same, but others wait for it: a token will do */
    GUARD_GROW,
    GUARD_URGENT, /* throttled now: no gap, but a token */
    GUARD_VITAL,  /* up to the floor, memory above 92 %, a withdrawal */
};

/* One player's part. */
struct guard_player {
    enum gt_resource resource;
    uint64_t moved_ms; /* its last resize; 0: none */
    double oom_bytes;  /* 1.2 x the limit that killed; 0: none */
    uint64_t oom_ms;   /* when */
};

/* The pod's part: what goes into one patch. */
struct guard {
    double burst;
    double per_hour;
    double tokens;
    uint64_t refilled_ms;
    uint64_t resized_ms; /* 0: none */
};

/* What the floor stands on. */
struct guard_need {
    double mean_slow; /* cores: demand_mean_slow() */
    double peak;      /* MiB: demand_peak() */
    double beta;      /* limit / request; 1 without a limit */
    int64_t min, max; /* of the policy, requests */
};

void guard_init(struct guard *g, double burst, double per_hour,
                struct gt_time now);
void guard_player_init(struct guard_player *player, enum gt_resource resource);

/* An OOM kill under @limit_bytes raises the memory floor to 1.2 x that limit,
 * falling by half every 6 h. */
void guard_oom(struct guard_player *player, int64_t limit_bytes,
               struct gt_time now);

/*
 * The floor of the request, within [min, max]: cpu 1.05 x the slow mean demand,
 * memory such that the limit is 1.10 x the peak.
 */
int64_t guard_floor(const struct guard_player *player,
                    const struct guard_need *need, struct gt_time now);

/* @amount within [floor, max]; the max wins. */
int64_t guard_clamp(int64_t amount, int64_t floor, int64_t max);

/* May @player's move be sent now? */
enum guard_outcome guard_may_resize(const struct guard *g,
                                    const struct guard_player *player,
                                    enum guard_urgency urgency,
                                    struct gt_time now);

/* A patch is being sent: takes a token, if there is one. */
void guard_spend(struct guard *g, struct gt_time now);

/* The patch moves @player. */
void guard_moved(struct guard_player *player, struct gt_time now);

#endif
