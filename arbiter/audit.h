/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of green lights: did the moves that were made raise the potential?
 *
 * A move is recorded when it is admitted, with its gain and the node's
 * congestion frozen.  It ends made (its agent reports the amount in force) or
 * lapsed.  Ended moves are settled in the order of admission: the change of the
 * potential is gain - [Gamma(A + step) - Gamma(A)], where A is the load as
 * reported at admission plus the steps of the moves admitted before that were
 * made since.  The sum over settled moves is therefore the exact change of the
 * potential of all of them, whatever order they were made in, and who joins,
 * leaves, grows without a light or changes the capacity meanwhile is left out
 * of it: that is another game, not a move.  Growth to the floor needs no gain
 * and counts with those.
 *
 * Pure.
 */
#ifndef ARBITER_AUDIT_H
#define ARBITER_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/game.h"

#define AUDIT_NONE UINT32_MAX

enum audit_state { AUDIT_OPEN, AUDIT_MADE, AUDIT_LAPSED };

struct audit_move {
    uint32_t next;
    enum audit_state state;
    uint64_t epoch;    /* of the signal with the light */
    uint64_t since_ms; /* when it was admitted */
    int64_t from, to;
    double gain, step;
    double load;    /* as reported at admission, without moves not settled */
    double settled; /* of the line, then */
    struct gt_congestion node;
};

/* The moves of one resource of one node that are not settled. */
struct audit_line {
    uint32_t first, last; /* valid while @len > 0 */
    uint32_t len;
    double settled; /* sum of the steps of settled moves */
    double waiting; /* of those made and not settled */
};

struct audit {
    struct audit_move *moves;
    uint32_t *spares;
    uint32_t max, fresh, spares_len;
};

size_t audit_size(uint32_t max);
void audit_init(struct audit *audit, void *memory, uint32_t max);

/*
 * Records @move (from, to, gain, step, epoch, since_ms, node, and the reported
 * load in @load) at the end of @line.  AUDIT_NONE where there is no room.
 */
uint32_t audit_open(struct audit *audit, struct audit_line *line,
                    const struct audit_move *move);

const struct audit_move *audit_at(const struct audit *audit, uint32_t move);

/* Ends an open move; it may be gone after the next audit_settle(). */
void audit_end(struct audit *audit, struct audit_line *line, uint32_t move,
               enum audit_state state);

struct audit_result {
    enum audit_state state;
    double gain;     /* own part, as promised */
    double realised; /* change of the potential; 0 when lapsed */
    bool drop;       /* it fell, by more than rounding */
};

/* Takes the next ended move from the head; false when none is left there. */
bool audit_settle(struct audit *audit, struct audit_line *line,
                  struct audit_result *out);

#endif
