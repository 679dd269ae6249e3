/* SPDX-License-Identifier: Apache-2.0 */
/* What one player costs: nanoseconds for each sample, tick and decision. */
#include <stdio.h>
#include <time.h>

#include "agent/learner.h"
#include "agent/response.h"
#include "common/rng.h"

#define TICKS   20000
#define SAMPLES 15

struct timing {
    double sample_ns, tick_ns, refresh_ns, response_ns;
};

static double
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static void
add_samples(struct demand *d, struct gt_rng *rng)
{
    for (int s = 0; s < SAMPLES; s++) {
        double usage = 0.2 + 2 * gt_rng_unit(rng);
        struct demand_sample sample = {
            .usage = usage > 2 ? 2 : usage,
            .limit = 2,
            .throttled_share = usage > 2 ? 0.5 : 0,
            .seconds = 1,
        };
        demand_add(d, &sample);
    }
}

static void
decide(const struct learner *l)
{
    const struct gt_congestion node = {.capacity = 16,
                                       .rho0 = GT_GAME_RHO0,
                                       .p1 = GT_GAME_P1,
                                       .exponent = GT_GAME_EXPONENT};
    const struct response_input in = {.resource = GT_CPU,
                                      .curve = learner_curve(l),
                                      .penalty = 20,
                                      .beta = 1,
                                      .current = 1000,
                                      .floor = 100,
                                      .max = 8000,
                                      .node = &node,
                                      .others = 14};
    struct response r;

    response_best(&in, &r);
}

static void
play(struct demand *d, struct learner *l, struct timing *timing)
{
    const struct learner_stakes stakes = {
        .penalty = 20, .beta = 1, .floor = 0.1, .max = 8};
    struct gt_rng rng = {.state = 1};

    for (int i = 0; i < TICKS; i++) {
        double start = now_ns();
        add_samples(d, &rng);
        double added = now_ns();
        learner_refresh(l, d);
        double refreshed = now_ns();
        demand_tick(d);
        learner_tick(l, d, &stakes);
        double ticked = now_ns();
        decide(l);
        timing->sample_ns += (added - start) / SAMPLES;
        timing->refresh_ns += refreshed - added;
        timing->tick_ns += ticked - refreshed;
        timing->response_ns += now_ns() - ticked;
    }
}

int
main(void)
{
    struct timing timing = {0};
    struct demand d;
    struct learner l;

    demand_init(&d, GT_CPU, 1);
    learner_init(&l, &d, 1);
    play(&d, &l, &timing);
    printf("agent: a player, %zu bytes: sample %.0f ns, tick %.0f ns, "
           "urgent look %.0f ns, best response %.0f ns\n",
           sizeof(d) + sizeof(l), timing.sample_ns / TICKS,
           timing.tick_ns / TICKS, timing.refresh_ns / TICKS,
           timing.response_ns / TICKS);
    return 0;
}
