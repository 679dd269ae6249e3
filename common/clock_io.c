/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock_io.h"

#include <math.h>
#include <time.h>

#define EPOCH_S     1735689600 /* 2025-01-01T00:00:00Z */
#define NS_PER_S    1000000000U
#define NS_PER_US   1000U
#define NS_PER_MS   1e6
#define FURTHEST_NS 9e18 /* 285 years; what timerfd takes */

static double
mesh_ms(const struct gt_clock *clock, uint64_t wall_ns)
{
    return (double)wall_ns * clock->speed / NS_PER_MS;
}

struct gt_time
gt_clock_now(const struct gt_clock *clock)
{
    struct timespec real;

    (void)clock_gettime(CLOCK_REALTIME, &real); /* cannot fail */
    double since_s =
        (double)(real.tv_sec - EPOCH_S) + (double)real.tv_nsec / NS_PER_S;
    return (struct gt_time){
        .mono_ms = (uint64_t)mesh_ms(clock, gt_clock_wall_ns()),
        .wall_s = EPOCH_S + (int64_t)floor(since_s * clock->speed),
    };
}

uint64_t
gt_clock_moment_ns(const struct gt_clock *clock, uint64_t mono_ms)
{
    double ns = ceil((double)mono_ms * NS_PER_MS / clock->speed);

    if (!(ns < FURTHEST_NS)) {
        return mono_ms == GT_NEVER_MS ? UINT64_MAX : (uint64_t)FURTHEST_NS;
    }
    /* What rounding took must not make a timer fire before its time. */
    uint64_t moment_ns = (uint64_t)ns;
    while (mesh_ms(clock, moment_ns) < (double)mono_ms) {
        moment_ns += NS_PER_US;
    }
    return moment_ns;
}

uint64_t
gt_clock_wall_ns(void)
{
    struct timespec mono;

    (void)clock_gettime(CLOCK_MONOTONIC, &mono); /* cannot fail */
    return (uint64_t)mono.tv_sec * NS_PER_S + (uint64_t)mono.tv_nsec;
}

uint64_t
gt_clock_wall_us(void)
{
    return gt_clock_wall_ns() / NS_PER_US;
}
