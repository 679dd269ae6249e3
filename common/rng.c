/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rng.h"

uint64_t
gt_rng_next(struct gt_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double
gt_rng_unit(struct gt_rng *rng)
{
    return (double)(gt_rng_next(rng) >> 11) * 0x1.0p-53;
}

uint64_t
gt_rng_below(struct gt_rng *rng, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    /* 2^64 mod bound: what lies below would favour the small remainders. */
    uint64_t reject = (0 - bound) % bound;
    uint64_t bits;
    do {
        bits = gt_rng_next(rng);
    } while (bits < reject);
    return bits % bound;
}

uint64_t
gt_rng_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}
