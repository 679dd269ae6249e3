/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mesh time from the machine's clocks: the only place that makes it.
 *
 *     mono_ms = CLOCK_MONOTONIC x speed
 *     wall_s  = E + (CLOCK_REALTIME - E) x speed,  E = 2025-01-01T00:00:00Z
 *
 * So at speed 1 wall_s is Unix time, and at any speed all processes of one
 * machine agree on both, whenever they started.  What is measured as the
 * machine's own latency uses gt_clock_wall_us().
 */
#ifndef COMMON_CLOCK_IO_H
#define COMMON_CLOCK_IO_H

#include <stdint.h>

#include "common/time.h"

#define GT_CLOCK_SPEED_MAX 1000.0

struct gt_clock {
    double speed; /* mesh seconds per second, in (0, GT_CLOCK_SPEED_MAX] */
};

/* Mesh time now; never goes back but for a jump of wall_s. */
struct gt_time gt_clock_now(const struct gt_clock *clock);

/*
 * The CLOCK_MONOTONIC nanosecond from which gt_clock_now() says @mono_ms or
 * later; UINT64_MAX for GT_NEVER_MS.
 */
uint64_t gt_clock_moment_ns(const struct gt_clock *clock, uint64_t mono_ms);

/* The machine's own CLOCK_MONOTONIC, whatever the speed. */
uint64_t gt_clock_wall_ns(void);
uint64_t gt_clock_wall_us(void);

#endif
