/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From wishes to deeds: what the agent says on the bus, what it makes of
 * lights, and the patch.  Parts of agent_step().
 *
 * Pure.
 */
#ifndef AGENT_ACT_H
#define AGENT_ACT_H

#include "agent/agent.h"

/* Says @kind; the state of all players goes along. */
void act_publish(struct agent *a, enum wire_kind kind, const char *reason,
                 struct agent_update *update);

/* Asks for lights where there are wishes that are due to be told (again). */
void act_intend(struct agent *a, struct gt_time now,
                struct agent_update *update);

/* Takes the lights of a signal that mesh_hear() accepted. */
void act_lights(struct agent *a, const struct wire_signal *signal,
                struct gt_time now, struct agent_update *update);

/* Puts wishes in force without the arbiter: shrinks, and one step of urgent
 * growth in our slot. */
void act_alone(struct agent *a, struct gt_time now,
               struct agent_update *update);

/* A green memory shrink has fresh figures: commit it or refuse. */
void act_commit(struct agent *a, struct gt_time now,
                struct agent_update *update);

/* Do the figures just read still allow the shrink that the handshake holds? */
bool act_verified(const struct agent *a);

/* The figures that the handshake compares, of container @index. */
struct handshake_figures act_figures(const struct agent *a, size_t index);

/* The limit that goes with the request @request of player @p of container
 * @has: as it is where the request is, else by ratio, rounded up; KUBE_ABSENT
 * where only requests move or there is no limit. */
int64_t act_limit(const struct kube_container *has, const struct player *p,
                  int64_t request);

#endif
