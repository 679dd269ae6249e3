/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes quantities and the integers we count in: milli-CPU and bytes.
 *
 * All spellings that an API server takes: sign, decimals, n u m k M G T P E,
 * Ki to Ei, decimal exponents.  Always rounded up, so that what was asked for
 * is there; the arithmetic is exact for any number of digits.
 *
 * Stricter than Kubernetes in two places: a number needs a digit ("m" is not
 * 0), and an amount that int64_t cannot hold is refused, not capped.
 *
 * Pure.
 */
#ifndef PROTO_QUANTITY_H
#define PROTO_QUANTITY_H

#include <stdint.h>

#include "common/buf.h"
#include "common/grid.h"

enum quantity_outcome {
    QUANTITY_OK,
    QUANTITY_E_SYNTAX,
    QUANTITY_E_RANGE, /* below 0, or more than int64_t holds */
};

/* Writes milli-CPU or bytes to @amount, on QUANTITY_OK only. */
enum quantity_outcome quantity_decode(enum gt_resource resource,
                                      const char *text, int64_t *amount);

/*
 * The target of a shrink, in bytes: a memory quantity, or KB, kB, MB, GB, TB
 * (powers of 1000), which people type and Kubernetes refuses.
 */
enum quantity_outcome quantity_target_decode(const char *text, int64_t *bytes);

/*
 * Appends @amount >= 0 in Kubernetes' canonical form: the largest suffix that
 * needs no decimals.  CPU "250m", "2", "1k"; memory "1536Mi", "1000".
 */
void quantity_encode(enum gt_resource resource, int64_t amount,
                     struct gt_buf *out);

#endif
