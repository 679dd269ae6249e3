/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mesh time: what a core knows of time.  Every event carries it, and it never
 * goes back.  common/clock_io.h alone makes it from the machine's clock.
 *
 * Pure.
 */
#ifndef COMMON_TIME_H
#define COMMON_TIME_H

#include <stdint.h>

struct gt_time {
    uint64_t mono_ms; /* monotonic, starts anywhere above 0 */
    int64_t wall_s;   /* Unix time; shared by machines, may jump */
};

/* A moment that never comes. */
#define GT_NEVER_MS UINT64_MAX

#endif
