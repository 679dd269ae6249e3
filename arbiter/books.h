/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arbiter's state, and the book-keeping that its parts share: what a pod
 * claims, how a move ends, who leaves.  For the parts of arbiter_step() and
 * arbiter_next_signal() only.
 *
 * Pure.
 */
#ifndef ARBITER_BOOKS_H
#define ARBITER_BOOKS_H

#include "arbiter/admission.h"
#include "arbiter/arbiter.h"
#include "arbiter/audit.h"
#include "arbiter/capacity.h"
#include "arbiter/roster.h"
#include "common/game.h"

/* What the game adds to a node of the books of capacity, at the same place. */
struct books_seat {
    uint64_t serial;  /* of the node that this is about */
    uint64_t last_ms; /* of its last signal; 0: none yet */
    uint64_t epoch;
    double tokens; /* green lights that may be given now */
    uint64_t tokens_ms;
    uint64_t drops;
    struct audit_line lines[GT_RESOURCES];
};

/* A member, or nobody once it is gone. */
struct books_listed {
    uint32_t member;
    uint64_t serial;
};

struct books_light {
    struct books_listed to;
    uint64_t seq;
    uint8_t container;
    enum gt_resource resource;
    enum wire_light_color color;
    int64_t amount;
};

/* The signal that is being pulled. */
struct books_sending {
    bool active;
    char node[KUBE_NAME_MAX];
    uint64_t epoch;
    uint32_t part, parts;
    struct wire_load loads[GT_RESOURCES];
    uint32_t listed_len, lights_len;
    struct books_listed *listed;
    struct books_light *lights;
};

struct arbiter {
    const struct arbiter_config *config;
    struct gt_log *log;
    struct roster roster;
    struct capacity capacity;
    struct audit audit;
    struct books_seat *seats; /* by node */
    uint64_t *due_ms;         /* by node: its next signal; 0: none */
    uint64_t soonest_ms;      /* none is due before */
    struct admission_wish *wishes;
    struct books_sending sending;
    uint64_t start_ms;
    uint64_t epoch;
    bool synced[KUBE_OBJECT_NODE + 1], lost[KUBE_OBJECT_NODE + 1];
    uint64_t told_ms[ROSTER_FATES]; /* last warning about it; 0: never */
    struct arbiter_counts counts;
};

/* The seat of @node, made anew if it was another node's. */
struct books_seat *books_seat(struct arbiter *a, uint32_t node);

/* Recomputes what the pod claims: the API's view and its agent's together. */
void books_claim(struct arbiter *a, uint32_t pod);

/* The congestion of @node; without a price while its capacity is unknown. */
struct gt_congestion books_congestion(const struct arbiter *a,
                                      const struct capacity_node *node,
                                      enum gt_resource resource);

/* The node's signal is due at @at_ms or before. */
void books_due(struct arbiter *a, uint32_t node, uint64_t at_ms);

/* Ends the player's open move; the claim of its pod is to be recomputed. */
void books_end_move(struct arbiter *a, uint32_t node, enum gt_resource resource,
                    struct roster_player *player, enum audit_state state);

/* What @message, not yet taken, says of the member's open moves. */
void books_judge_moves(struct arbiter *a, uint32_t member,
                       const struct wire_strategy *message, struct gt_time now);

/* The member is not heard any more; it goes for good where the API does not
 * know its pod. */
void books_leave(struct arbiter *a, uint32_t member, const char *event);

/* The pod is gone, and its agent with it. */
void books_drop_pod(struct arbiter *a, uint32_t pod, const char *why);

#endif
