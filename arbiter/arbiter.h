/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arbiter's core: the table at which the agents play.  It hears strategies,
 * keeps the books of every node, and gives lights; it never patches a pod.
 *
 * One function: an event with the time in it goes in, what the shell must do
 * comes out.  Signals are pulled part by part, so that the shell can slice a
 * round between loop turns.
 *
 * A green light is a virtual sequential move: admitted
 * moves only raise the potential, although all agents of a node may move in the
 * same round and messages may be lost.  Each one is audited when its agent
 * reports it done; see audit.h.
 *
 * Pure.  Lives in memory of the caller, allocates nothing.  Zeroed memory that
 * nobody touched yet (calloc) stays untouched until it is needed.
 */
#ifndef ARBITER_ARBITER_H
#define ARBITER_ARBITER_H

#include "arbiter/roster.h"
#include "common/log.h"
#include "common/time.h"
#include "proto/kube.h"
#include "proto/wire.h"

#define ARBITER_PERIOD_MS   15000 /* a node's signal without lights */
#define ARBITER_GAP_MS      100   /* between two signals of a node */
#define ARBITER_NEWS_MS     1000  /* the same: who said hello, room was made */
#define ARBITER_VALID_MS    45000
#define ARBITER_DEADLINE_MS 5000

struct arbiter_config {
    uint64_t incarnation; /* proto/wire.h says how it is made */
    uint32_t max_agents, max_nodes, max_pods;
    uint32_t listen_first_ms;  /* no growth before: who holds what is unknown */
    double greens_per_s;       /* of one node: patches that the API can bear */
    double rho0, p1, exponent; /* congestion, common/game.h */
    bool simultaneous; /* control run: every wish is green, nothing is asked */
};

/* Defaults of all but the incarnation. */
struct arbiter_config arbiter_defaults(void);

enum arbiter_event_kind {
    ARBITER_START,   /* first event, once */
    ARBITER_WAKE,    /* update.wake_ms came (or earlier; it does no harm) */
    ARBITER_HEARD,   /* a strategy that could be decoded */
    ARBITER_GARBLED, /* a message that could not */
    ARBITER_POD,     /* ADDED, MODIFIED or DELETED; other kinds do nothing */
    ARBITER_NODE,
    ARBITER_LISTING, /* a full LIST of @object begins */
    ARBITER_SYNCED,  /* it is complete: what it did not name is gone */
    ARBITER_LOST,    /* the watch of @object is lost; its books stay, and
                        its next event says that it is back */
    ARBITER_STOP,    /* last event */
};

struct arbiter_event {
    enum arbiter_event_kind kind;
    struct gt_time now;
    union { /* borrowed for the step */
        const struct wire_strategy *strategy;
        enum wire_outcome garbled;
        const struct kube_watch_event *watch;
        enum kube_object object;
    };
};

enum arbiter_todo {
    /* Pull with arbiter_next_signal(), then step with ARBITER_WAKE: until then
     * @wake_ms is in the past. */
    ARBITER_DO_SIGNAL = 1 << 0,
};

struct arbiter_update {
    uint32_t todo;    /* enum arbiter_todo */
    uint64_t wake_ms; /* mesh time of the next ARBITER_WAKE */
};

/* Happened since start. */
struct arbiter_counts {
    uint64_t messages[WIRE_BYE + 1][ROSTER_FATES];
    uint64_t garbled[WIRE_E_FIELD + 1]; /* by enum wire_outcome */
    uint64_t signals, parts;
    uint64_t rounds; /* signals with lights */
    uint64_t lights[WIRE_RED + 1];
    uint64_t floor_growths; /* green lights that needed no gain */
    uint64_t acked, lapsed; /* audited moves: made, not made */
    uint64_t unaudited;     /* green lights that found no room there */
    uint64_t potential_drops;
    uint64_t expired;
    uint64_t full; /* pods and nodes that found no room */
    uint64_t watch_lost[KUBE_OBJECT_NODE + 1];
};

/* A node as /state and the metrics show it. */
struct arbiter_node_view {
    const char *name; /* borrowed until the next step */
    uint64_t epoch;
    uint32_t agents;
    uint64_t potential_drops;
    struct {
        struct wire_load load;
        double potential; /* sum of the players' values less congestion */
    } of[GT_RESOURCES];
};

/* One player as /state shows it. */
struct arbiter_player_view {
    int64_t lo, hi, current, target, want, floor;
};

struct arbiter_agent_view {
    const char *id, *space, *pod, *node; /* borrowed until the next step */
    bool heard;      /* false: expired or left, its requests stay booked */
    uint64_t age_ms; /* since its last message */
    size_t containers_len;
    struct arbiter_player_view players[WIRE_CONTAINERS_MAX][GT_RESOURCES];
};

struct arbiter;

size_t arbiter_size(const struct arbiter_config *config);

/*
 * Makes the arbiter in @memory, arbiter_size() zeroed bytes aligned as malloc
 * does.  @config and @log are borrowed for its life.
 */
struct arbiter *arbiter_init(void *memory, const struct arbiter_config *config,
                             struct gt_log *log);

/* @update is written whole. */
void arbiter_step(struct arbiter *a, const struct arbiter_event *event,
                  struct arbiter_update *update);

/*
 * Writes the next part that is due into @out; false when nothing is.  A round's
 * lights are decided when its first part is pulled.  Steps may come between two
 * parts.
 */
bool arbiter_next_signal(struct arbiter *a, struct gt_time now,
                         struct wire_signal *out);

const struct arbiter_counts *arbiter_counts(const struct arbiter *a);

/* Both full LISTs were read. */
bool arbiter_synced(const struct arbiter *a);

/*
 * Iterates in no stated order: start with *@cursor = 0, end on false.
 */
bool arbiter_next_node(const struct arbiter *a, uint32_t *cursor,
                       struct arbiter_node_view *out);
bool arbiter_next_agent(const struct arbiter *a, struct gt_time now,
                        uint32_t *cursor, struct arbiter_agent_view *out);

#endif
