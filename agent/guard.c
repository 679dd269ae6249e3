/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guard.h"

#include <math.h>
#include <stdbool.h>

#define CPU_MARGIN    1.05 /* x the slow mean demand */
#define MEMORY_MARGIN 1.10 /* x the recent peak */
#define OOM_MARGIN    1.20 /* x the limit that killed */

#define OOM_HALF_LIFE_MS (6 * 3600 * 1000.0)
#define HOUR_MS          (3600 * 1000.0)

static const uint64_t hold_ms[GT_RESOURCES] = {
    [GT_CPU] = 15000,
    [GT_MEMORY] = 120000,
};

void
guard_init(struct guard *g, double burst, double per_hour, struct gt_time now)
{
    *g = (struct guard){
        .burst = burst,
        .per_hour = per_hour,
        .tokens = burst,
        .refilled_ms = now.mono_ms,
    };
}

void
guard_player_init(struct guard_player *player, enum gt_resource resource)
{
    *player = (struct guard_player){.resource = resource};
}

/* The smallest limit that the OOM kills of the past let us believe in. */
static double
oom_level(const struct guard_player *player, struct gt_time now)
{
    double age_ms = (double)(now.mono_ms - player->oom_ms);

    return player->oom_bytes * exp2(-age_ms / OOM_HALF_LIFE_MS);
}

void
guard_oom(struct guard_player *player, int64_t limit_bytes, struct gt_time now)
{
    player->oom_bytes =
        fmax(OOM_MARGIN * (double)limit_bytes, oom_level(player, now));
    player->oom_ms = now.mono_ms;
}

int64_t
guard_floor(const struct guard_player *player, const struct guard_need *need,
            struct gt_time now)
{
    double floor;

    if (player->resource == GT_CPU) {
        floor =
            fmax(GUARD_FLOOR_CPU, ceil(CPU_MARGIN * 1000 * need->mean_slow));
    } else {
        double limit =
            fmax(MEMORY_MARGIN * 1048576 * need->peak, oom_level(player, now));
        floor = fmax(GUARD_FLOOR_MEMORY, ceil(limit / need->beta));
    }
    if (floor >= (double)need->max) {
        return need->max;
    }
    return guard_clamp((int64_t)floor, need->min, need->max);
}

int64_t
guard_clamp(int64_t amount, int64_t floor, int64_t max)
{
    int64_t raised = amount > floor ? amount : floor;

    return raised < max ? raised : max;
}

static double
tokens_now(const struct guard *g, struct gt_time now)
{
    double elapsed_ms = (double)(now.mono_ms - g->refilled_ms);

    return fmin(g->tokens + elapsed_ms * g->per_hour / HOUR_MS, g->burst);
}

static bool
held(uint64_t last_ms, uint64_t gap_ms, struct gt_time now)
{
    return last_ms != 0 && now.mono_ms - last_ms < gap_ms;
}

/* A shrink leaves half of the burst to the growth that may follow it. */
static double
price(const struct guard *g, enum guard_urgency urgency)
{
    return urgency == GUARD_SHRINK ? fmax(g->burst / 2, 1) : 1;
}

enum guard_outcome
guard_may_resize(const struct guard *g, const struct guard_player *player,
                 enum guard_urgency urgency, struct gt_time now)
{
    if (urgency == GUARD_VITAL) {
        return GUARD_OK;
    }
    if (urgency <= GUARD_YIELD &&
        held(player->moved_ms, hold_ms[player->resource], now)) {
        return GUARD_E_HOLD;
    }
    if (urgency != GUARD_URGENT && held(g->resized_ms, GUARD_GAP_MS, now)) {
        return GUARD_E_HOLD;
    }
    return tokens_now(g, now) >= price(g, urgency) ? GUARD_OK : GUARD_E_BUDGET;
}

void
guard_spend(struct guard *g, struct gt_time now)
{
    g->tokens = fmax(tokens_now(g, now) - 1, 0);
    g->refilled_ms = now.mono_ms;
    g->resized_ms = now.mono_ms;
}

void
guard_moved(struct guard_player *player, struct gt_time now)
{
    player->moved_ms = now.mono_ms;
}
