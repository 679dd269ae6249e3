/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/audit.h"

#include <math.h>
#include <string.h>

/* Relative to the terms of the sum: what rounding explains. */
#define ROUNDING 1e-9

size_t
audit_size(uint32_t max)
{
    return max * (sizeof(struct audit_move) + sizeof(uint32_t));
}

void
audit_init(struct audit *audit, void *memory, uint32_t max)
{
    memset(audit, 0, sizeof(*audit));
    audit->moves = memory;
    audit->spares = (uint32_t *)(void *)(audit->moves + max);
    audit->max = max;
}

const struct audit_move *
audit_at(const struct audit *audit, uint32_t move)
{
    return &audit->moves[move];
}

static uint32_t
take(struct audit *audit)
{
    if (audit->spares_len > 0) {
        return audit->spares[--audit->spares_len];
    }
    return audit->fresh < audit->max ? audit->fresh++ : AUDIT_NONE;
}

uint32_t
audit_open(struct audit *audit, struct audit_line *line,
           const struct audit_move *move)
{
    uint32_t taken = take(audit);
    struct audit_move *m;

    if (taken == AUDIT_NONE) {
        return AUDIT_NONE;
    }
    m = &audit->moves[taken];
    *m = *move;
    m->state = AUDIT_OPEN;
    m->load -= line->waiting;
    m->settled = line->settled;
    if (line->len++ == 0) {
        line->first = taken;
    } else {
        audit->moves[line->last].next = taken;
    }
    line->last = taken;
    return taken;
}

void
audit_end(struct audit *audit, struct audit_line *line, uint32_t move,
          enum audit_state state)
{
    struct audit_move *m = &audit->moves[move];

    m->state = state;
    if (state == AUDIT_MADE) {
        line->waiting += m->step;
    }
}

static void
judge(const struct audit_line *line, const struct audit_move *m,
      struct audit_result *out)
{
    double load = m->load + (line->settled - m->settled);
    double highest = gt_game_congestion(&m->node, fmax(load, load + m->step));

    out->realised = gt_game_potential_gain(&m->node, load, m->gain, m->step);
    out->drop = out->realised < -ROUNDING * (fabs(m->gain) + highest);
}

bool
audit_settle(struct audit *audit, struct audit_line *line,
             struct audit_result *out)
{
    struct audit_move *m = &audit->moves[line->first];

    if (line->len == 0 || m->state == AUDIT_OPEN) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    out->state = m->state;
    out->gain = m->gain;
    if (m->state == AUDIT_MADE) {
        judge(line, m, out);
        line->settled += m->step;
        line->waiting -= m->step;
    }
    audit->spares[audit->spares_len++] = line->first;
    line->first = m->next;
    if (--line->len == 0) { /* an empty line starts anew, without drift */
        line->settled = 0.0;
        line->waiting = 0.0;
    }
    return true;
}
