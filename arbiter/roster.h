/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roster: who plays, what they last said, and what they may hold.
 *
 * A hello makes a member; anything else from a stranger does not.  State is
 * absolute, so a message replaces what was known, if it is newer.
 *
 * What a player may hold is an interval.  It is [current, target] in either
 * order once the agent has heard of every light that was given; until then it
 * also spans the amounts of those lights, since no light is ever repeated or
 * taken back.
 *
 * A member that is silent for ROSTER_EXPIRY_MS, or said bye, is no longer
 * heard, but keeps its intervals until it is removed.  The silent one is back
 * with its next message; after a bye only a newer incarnation is.
 *
 * Pure.
 */
#ifndef ARBITER_ROSTER_H
#define ARBITER_ROSTER_H

#include "arbiter/table.h"
#include "common/time.h"
#include "proto/wire.h"

#define ROSTER_EXPIRY_MS 60000 /* four heartbeats */

/* 8 TiB: no machine has more of anything, and no sum of amounts overflows. */
#define ROSTER_AMOUNT_MAX ((int64_t)1 << 43)

/* What became of a strategy. */
enum roster_fate {
    ROSTER_TAKEN,
    ROSTER_JOINED,      /* taken, and its sender was not heard before it */
    ROSTER_E_UNKNOWN,   /* of a stranger, and no hello */
    ROSTER_E_OLDER,     /* of an older incarnation of the agent */
    ROSTER_E_STALE,     /* repeated or out of order */
    ROSTER_E_SHAPE,     /* other containers than its hello named, none, or a
                           name that no pod has */
    ROSTER_E_RANGE,     /* an amount above ROSTER_AMOUNT_MAX */
    ROSTER_E_MISPLACED, /* a hello from another node than its pod's */
    ROSTER_E_FULL,      /* no room here or in the books of capacity */
    ROSTER_FATES
};

struct roster_player {
    int64_t current, target, floor;
    int64_t lo, hi; /* what it may hold now */
    int64_t lights_lo,
        lights_hi;         /* span of the green lights not yet heard of */
    uint64_t lights_epoch; /* of the last of them; 0: there are none */
    int64_t want;
    double gain, value;
    bool asks;     /* its wish waits for a light */
    uint32_t move; /* its open audit record + 1; 0: none */
};

struct roster_member {
    char id[WIRE_ID_MAX]; /* pod uid */
    char space[WIRE_ID_MAX];
    char pod[WIRE_NAME_MAX];
    char node[WIRE_NODE_MAX];
    uint64_t serial; /* tells two members in the same place apart */
    uint32_t claim;  /* the caller's: its pod in the books of capacity */
    uint64_t incarnation, seq, intent_seq;
    uint64_t heard_ms;     /* its last message */
    bool heard;            /* false: expired or left */
    bool asks;             /* one of its players does */
    uint32_t older, newer; /* by heard_ms, while heard */
    size_t containers_len;
    uint64_t names[WIRE_CONTAINERS_MAX]; /* hashes of the containers' names */
    struct roster_player players[WIRE_CONTAINERS_MAX][GT_RESOURCES];
};

struct roster {
    struct table table;
    uint64_t incarnation; /* the arbiter's own */
    uint64_t serials;
    uint32_t oldest, newest; /* TABLE_NONE: nobody is heard */
    uint32_t heard;          /* members that are heard */
};

size_t roster_size(uint32_t max);
void roster_init(struct roster *r, void *memory, uint32_t max,
                 uint64_t incarnation);

/* What would become of @message; *@member is its sender or TABLE_NONE.  Changes
 * nothing. */
enum roster_fate roster_judge(const struct roster *r,
                              const struct wire_strategy *message,
                              uint32_t *member);

/* Takes a hello of a stranger; TABLE_NONE when full. */
uint32_t roster_join(struct roster *r, const struct wire_strategy *hello);

/* Takes a message that roster_judge() found ROSTER_TAKEN or ROSTER_JOINED. */
void roster_take(struct roster *r, uint32_t member,
                 const struct wire_strategy *message, struct gt_time now);

/* Has the sender of @message heard of all lights up to @epoch? */
bool roster_heard_of(const struct roster *r,
                     const struct wire_strategy *message, uint64_t epoch);

/* The player was given a green light to @amount in the signal @epoch. */
void roster_grant(struct roster_player *player, int64_t amount, uint64_t epoch);

/* Is not heard any more: bye or expiry. */
void roster_leave(struct roster *r, uint32_t member);

/* A member that is silent for too long; TABLE_NONE when there is none. */
uint32_t roster_expired(const struct roster *r, struct gt_time now);

/* When the next one will be; GT_NEVER_MS. */
uint64_t roster_expiry_ms(const struct roster *r);

void roster_remove(struct roster *r, uint32_t member);

struct roster_member *roster_at(const struct roster *r, uint32_t member);

const char *roster_fate_name(enum roster_fate fate);

#endif
