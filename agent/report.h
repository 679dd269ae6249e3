/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's metrics, as gtcas-agent.8 lists them.
 *
 * Pure.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include "agent/agent.h"
#include "proto/metrics.h"

/* What only the shell knows. */
struct report_shell {
    bool linked;        /* the bus is up */
    bool sent_intent;   /* @intent_us is set */
    uint64_t intent_us; /* the last intent, by the machine's own clock */
    /* From an intent to the PATCH that its green light let through, where
     * nobody else wanted the room; the machine's own seconds. */
    struct metrics_histogram intent_to_patch;
};

void report_init(struct report_shell *shell);

/* An intent was sent at @now_us of the machine's own clock. */
void report_intent(struct report_shell *shell, uint64_t now_us);

/* Its PATCH was sent; returns the seconds since, below 0 without an intent. */
double report_patch(struct report_shell *shell, uint64_t now_us);

/* Appends the whole text. */
void report_write(const struct agent *a, const struct report_shell *shell,
                  struct gt_time now, struct gt_buf *out);

#endif
