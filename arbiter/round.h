/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: the lights and the signal of one node, when it is due.
 *
 * Pure.
 */
#ifndef ARBITER_ROUND_H
#define ARBITER_ROUND_H

#include "arbiter/books.h"

/* A member of @node waits for lights, or to be listed. */
void round_wanted(struct arbiter *a, uint32_t node, uint64_t gap_ms,
                  struct gt_time now);

/* A part is ready to be pulled at @now. */
bool round_due(const struct arbiter *a, struct gt_time now);

/* Opens the next signal in a->sending; false when none is due. */
bool round_next(struct arbiter *a, struct gt_time now);

/* Has growth a chance now?  Not while listening, nor before both LISTs. */
bool round_open(const struct arbiter *a, struct gt_time now);

/* The loads of @node as they go into a signal. */
void round_loads(const struct arbiter *a, const struct capacity_node *node,
                 struct wire_load loads[GT_RESOURCES]);

#endif
