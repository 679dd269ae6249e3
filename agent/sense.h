/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From figures to wishes: samples feed the players, ticks teach them, and they
 * decide; the memory handshake is proposed and checked here.  Parts of
 * agent_step().
 *
 * Pure.
 */
#ifndef AGENT_SENSE_H
#define AGENT_SENSE_H

#include "agent/agent.h"

/* Feeds one reading of every container and decides where it is time to. */
void sense_figures(struct agent *a, const struct agent_figures *figures,
                   struct gt_time now, struct agent_update *update);

/* The lever answered. */
void sense_released(struct agent *a, bool released, struct gt_time now,
                    struct agent_update *update);

/* Somebody asks by POST to prepare a limit of @target_bytes. */
void sense_proposed(struct agent *a, int64_t target_bytes, struct gt_time now,
                    struct agent_update *update);

#endif
