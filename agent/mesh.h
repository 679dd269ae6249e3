/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's end of the bus: which signals count, whether the arbiter knows
 * us, and whether we are alone.
 *
 * A newer arbiter incarnation always wins; signals of an older one, of an older
 * epoch, and repeated parts change nothing.  Without a valid signal the agent
 * is alone: it may shrink, and grow only in an emergency
 * and in its time slot.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_MESH_H
#define AGENT_MESH_H

#include "common/rng.h"
#include "common/time.h"
#include "proto/wire.h"

/* First and longest pause between two hellos that are not listed. */
#define MESH_HELLO_MIN_MS 1000
#define MESH_HELLO_MAX_MS 30000
/* A newcomer is not alone before it has listened as long as a signal holds. */
#define MESH_LISTEN_MS 45000
/* Alone, one of this many slots of a tick belongs to us. */
#define MESH_SLOTS   8
#define MESH_SLOT_MS 15000

enum mesh_outcome {
    MESH_OK,
    MESH_E_NODE,      /* for another node of our slot */
    MESH_E_OLDER,     /* of an older incarnation of the arbiter */
    MESH_E_STALE,     /* of an older epoch */
    MESH_E_DUPLICATE, /* a part heard before */
};

struct mesh {
    char id[WIRE_ID_MAX];     /* pod uid */
    char node[WIRE_NODE_MAX]; /* our own */
    uint64_t incarnation;     /* our own */
    uint64_t seq;             /* of the last message sent */
    uint64_t arbiter;         /* incarnation of the last signal; 0: never */
    uint64_t epoch;
    uint32_t parts;          /* that @epoch has */
    uint64_t parts_heard;    /* bit a part of @epoch */
    bool listed;             /* by a part of @epoch */
    bool known;              /* the arbiter hears us */
    uint64_t valid_until_ms; /* of the last signal */
    uint64_t hello_at_ms;    /* no hello before */
    uint64_t hello_pause_ms;
    struct wire_load loads[GT_RESOURCES]; /* of the last signal */
};

/* Texts that do not fit are the caller's mistake. */
void mesh_init(struct mesh *m, const char *id, const char *node,
               uint64_t incarnation);

/* Only MESH_OK changes @m. */
enum mesh_outcome mesh_hear(struct mesh *m, const struct wire_signal *signal,
                            struct gt_time now);

/* The agent begins to play. */
void mesh_join(struct mesh *m, struct gt_time now);

/* The bus was (re)connected: say hello soon, whoever is there. */
void mesh_connected(struct mesh *m, struct gt_time now);

/* No signal is valid now. */
bool mesh_alone(const struct mesh *m, struct gt_time now);

/* Alone, and @now lies in our slot of the shared clock. */
bool mesh_owns_slot(const struct mesh *m, struct gt_time now);

/* Alone: may @step be taken, as far as the last signal told? */
bool mesh_has_room(const struct mesh *m, enum gt_resource resource,
                   int64_t step);

/* Alone: @step was taken. */
void mesh_took(struct mesh *m, enum gt_resource resource, int64_t step);

/* It is time for a hello; the next one is due after a longer pause. */
bool mesh_hello_due(struct mesh *m, struct gt_time now);

/* When to ask again; GT_NEVER_MS while the arbiter knows us. */
uint64_t mesh_hello_at_ms(const struct mesh *m);

/* Fills what every message carries and counts it. */
void mesh_stamp(struct mesh *m, enum wire_kind kind, struct wire_strategy *out);

const char *mesh_outcome_name(enum mesh_outcome outcome);

#endif
