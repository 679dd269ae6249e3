/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After the patch: what the API answered, how the kubelet got on, and what the
 * players make of the end.  Parts of agent_step().
 *
 * Pure.
 */
#ifndef AGENT_FOLLOW_H
#define AGENT_FOLLOW_H

#include "agent/agent.h"

/* The answer to a patch or a reading. */
void follow_answer(struct agent *a, const struct kube_answer *answer,
                   struct gt_time now, struct agent_update *update);

/* Time passed for the open resize. */
void follow_wake(struct agent *a, struct gt_time now,
                 struct agent_update *update);

#endif
