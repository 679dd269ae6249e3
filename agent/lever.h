/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release lever of a container's app, where its policy names one: what the
 * shell is told to ask.  Parts of agent_step().
 *
 * Pure.
 */
#ifndef AGENT_LEVER_H
#define AGENT_LEVER_H

#include "agent/agent.h"

/* Tells the app of container @index the limit in force: its ceiling goes there.
 */
void lever_restore(struct agent *a, size_t index, struct agent_update *update);

/* Asks the app of container @index to fit @limit_bytes, if it has a lever. */
void lever_release(struct agent *a, size_t index, int64_t limit_bytes,
                   struct agent_update *update);

#endif
