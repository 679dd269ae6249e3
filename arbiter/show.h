/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the arbiter tells of itself: metrics and state, as gtcas-arbiter.8 lists
 * them.
 *
 * Pure.
 */
#ifndef ARBITER_SHOW_H
#define ARBITER_SHOW_H

#include "arbiter/arbiter.h"

/* Appends the whole text; @out overflows where it does not fit. */
void show_metrics(const struct arbiter *a, struct gt_buf *out);

/* Appends one JSON object. */
void show_state(const struct arbiter *a, struct gt_time now,
                struct gt_buf *out);

#endif
