/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small seeded generator (SplitMix64: Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014).  For jitter, lotteries and
 * tests; never for secrets.
 *
 * Pure: the caller holds the state, so equal seeds give equal worlds.
 */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <stdint.h>

struct gt_rng {
    uint64_t state; /* any value is a good seed */
};

/* The next 64 random bits. */
uint64_t gt_rng_next(struct gt_rng *rng);

/* Uniform in [0, 1). */
double gt_rng_unit(struct gt_rng *rng);

/* Uniform in [0, bound); 0 for bound 0. */
uint64_t gt_rng_below(struct gt_rng *rng, uint64_t bound);

/* FNV-1a of a text: a stable number for a name (slots, phases, ties). */
uint64_t gt_rng_hash(const char *text);

#endif
