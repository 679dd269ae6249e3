/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/handshake.h"

#include <string.h>

#include "common/time.h"

#define MARGIN_MIN_BYTES (INT64_C(32) << 20)
#define MARGIN_DIVISOR   10 /* of the target */
#define MARGIN_GROWTH_S  5  /* from verify to the new limit, at worst */

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t
handshake_margin_bytes(int64_t target_bytes, int64_t growth_bytes_s)
{
    int64_t growth = growth_bytes_s < INT64_MAX / MARGIN_GROWTH_S
                         ? growth_bytes_s * MARGIN_GROWTH_S
                         : INT64_MAX;

    return larger(growth,
                  larger(target_bytes / MARGIN_DIVISOR, MARGIN_MIN_BYTES));
}

enum shrink_reason
handshake_verify(const struct handshake_figures *figures, int64_t target_bytes)
{
    int64_t margin =
        handshake_margin_bytes(target_bytes, figures->growth_bytes_s);

    if (!figures->seen) {
        return SHRINK_BLIND;
    }
    if (figures->floor_bytes > target_bytes - margin) {
        return SHRINK_FLOOR;
    }
    if (figures->gate_bytes >= target_bytes) {
        return SHRINK_GATE;
    }
    return figures->peak_bytes > target_bytes ? SHRINK_CEILING : SHRINK_OK;
}

void
handshake_init(struct handshake *h)
{
    memset(h, 0, sizeof(*h));
    h->deadline_ms = GT_NEVER_MS;
}

static void
enter(struct handshake *h, enum handshake_phase phase, uint64_t deadline_ms)
{
    h->phase = phase;
    h->deadline_ms = deadline_ms;
}

enum shrink_reason
handshake_propose(struct handshake *h,
                  const struct handshake_proposal *proposal, uint64_t now_ms)
{
    if (h->phase != HANDSHAKE_IDLE ||
        (proposal->owner == HANDSHAKE_OWN && now_ms < h->blocked_until_ms)) {
        return SHRINK_BUSY;
    }
    if (proposal->target_bytes < proposal->punishment_bytes) {
        return SHRINK_BELOW_PUNISHMENT_LEVEL;
    }
    h->owner = proposal->owner;
    h->container = proposal->container;
    h->target_bytes = proposal->target_bytes;
    enter(h, HANDSHAKE_RELEASING, now_ms + HANDSHAKE_RELEASE_MS);
    return SHRINK_OK;
}

void
handshake_close(struct handshake *h, bool committed, uint64_t now_ms)
{
    bool own = h->phase != HANDSHAKE_IDLE && h->owner == HANDSHAKE_OWN;

    enter(h, HANDSHAKE_IDLE, GT_NEVER_MS);
    if (own && committed) {
        h->backoff_ms = 0;
        h->blocked_until_ms = 0;
    } else if (own) {
        h->backoff_ms =
            h->backoff_ms == 0 ? HANDSHAKE_BACKOFF_MIN_MS : 2 * h->backoff_ms;
        if (h->backoff_ms > HANDSHAKE_BACKOFF_MAX_MS) {
            h->backoff_ms = HANDSHAKE_BACKOFF_MAX_MS;
        }
        h->blocked_until_ms = now_ms + h->backoff_ms;
    }
}

void
handshake_released(struct handshake *h, bool done, uint64_t now_ms)
{
    if (h->phase != HANDSHAKE_RELEASING) {
        return; /* an answer after its deadline */
    }
    h->released = done;
    enter(h, HANDSHAKE_SETTLING, now_ms + (done ? HANDSHAKE_SETTLE_MS : 0));
}

static enum handshake_verdict
refuse(struct handshake *h, uint64_t now_ms)
{
    handshake_close(h, false, now_ms);
    return HANDSHAKE_REFUSED;
}

static enum handshake_verdict
settle(struct handshake *h, const struct handshake_figures *figures,
       uint64_t now_ms, enum shrink_reason *reason)
{
    enum shrink_reason found = handshake_verify(figures, h->target_bytes);

    if (!h->released) {
        *reason = found == SHRINK_OK ? SHRINK_CEILING : found;
        return refuse(h, now_ms);
    }
    if (found == SHRINK_OK) {
        *reason = SHRINK_OK;
        enter(h, HANDSHAKE_HOLDING, now_ms + HANDSHAKE_EXPIRY_MS);
        return HANDSHAKE_VERIFIED;
    }
    if (now_ms < h->deadline_ms) {
        return HANDSHAKE_OPEN;
    }
    *reason = found;
    return refuse(h, now_ms);
}

enum handshake_verdict
handshake_check(struct handshake *h, const struct handshake_figures *figures,
                uint64_t now_ms, enum shrink_reason *reason)
{
    switch (h->phase) {
    case HANDSHAKE_IDLE:
        break;
    case HANDSHAKE_RELEASING:
        if (now_ms >= h->deadline_ms) {
            *reason = SHRINK_TIMEOUT;
            return refuse(h, now_ms);
        }
        break;
    case HANDSHAKE_SETTLING:
        return settle(h, figures, now_ms, reason);
    case HANDSHAKE_HOLDING:
        if (now_ms >= h->deadline_ms) {
            enter(h, HANDSHAKE_IDLE, GT_NEVER_MS);
            return HANDSHAKE_EXPIRED;
        }
        break;
    }
    return HANDSHAKE_OPEN;
}
