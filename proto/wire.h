/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus messages: what agents and arbiter say to each other.
 *
 * JSON, one object, `"v":1` first, at most WIRE_MESSAGE_MAX bytes.  proto/
 * README.md is the contract; this header is its C form.  State is absolute:
 * any later message repairs a lost one.  Unknown fields are ignored, a message
 * of unknown version is WIRE_E_VERSION and is dropped by the receiver.
 *
 * Amounts are exact integers: milli-CPU, bytes.  Learnt reals carry six
 * significant digits.
 *
 * Pure.  Structs own their texts; nothing is borrowed after a call.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/grid.h"

#define WIRE_VERSION        1
#define WIRE_MESSAGE_MAX    8192
#define WIRE_ID_MAX         64  /* a pod uid is 36 characters */
#define WIRE_NODE_MAX       254 /* RFC 1123 subdomain and NUL */
#define WIRE_NAME_MAX       254
#define WIRE_REASON_MAX     64
#define WIRE_CONTAINERS_MAX 8
/* In one part of a signal.  A part always fits, whatever the ids. */
#define WIRE_KNOWN_MAX  48
#define WIRE_LIGHTS_MAX 24

enum wire_outcome {
    WIRE_OK,
    WIRE_E_SYNTAX,   /* not one JSON object, truncated, nested too deep */
    WIRE_E_OVERSIZE, /* longer than WIRE_MESSAGE_MAX */
    WIRE_E_VERSION,  /* another "v" */
    WIRE_E_KIND,     /* an unknown kind */
    WIRE_E_FIELD,    /* a field absent, of a wrong type, out of range, NaN */
};

/*
 * An incarnation: start time in Unix seconds << 24 | 24 random bits.  The
 * larger one is the newer one and always wins.  Hexadecimal text on the wire.
 */

enum wire_kind {
    WIRE_HELLO,     /* first, and whenever the arbiter does not list us */
    WIRE_HEARTBEAT, /* each tick */
    WIRE_INTENT,    /* asks for lights: @want differs from @current */
    WIRE_ACK,       /* a granted move is done */
    WIRE_REFUSE,    /* a granted move will not be done; @reason */
    WIRE_BYE,       /* the agent ends; its pod keeps what it has */
};

/* One player: one container and one resource.  Amounts are requests. */
struct wire_player {
    int64_t current; /* in force, as last read from the pod */
    int64_t target;  /* being put in force; = current when nothing is */
    int64_t want;    /* wished for; = target when there is no wish */
    int64_t floor;   /* punishment level: below it every offer is refused */
    int64_t max;     /* never above */
    double gain;     /* f(want) - f(target), own part; 0 without a wish */
    double value;    /* f(current), own part of the potential; <= 0 */
};

struct wire_container {
    char name[WIRE_ID_MAX]; /* hello only, else "": the index is the name */
    double weight;          /* priority, 0.25 to 16 */
    struct wire_player players[GT_RESOURCES];
};

enum wire_flag {
    WIRE_FLAG_THROTTLED = 1 << 0, /* urgent: throttled now */
    WIRE_FLAG_OOM = 1 << 1,       /* an OOM kill in the last minute */
    WIRE_FLAG_HANDSHAKE = 1 << 2, /* a memory shrink is being prepared */
    WIRE_FLAG_ALONE = 1 << 3,     /* decided without the arbiter since last */
};

/* agent -> arbiter, on /strategies. */
struct wire_strategy {
    enum wire_kind kind;
    char id[WIRE_ID_MAX]; /* pod uid */
    uint64_t incarnation;
    uint64_t seq; /* rises by one a message, from 1 */
    /* The arbiter, 0 for none, and the epoch up to which no more lights will be
     * acted on: grants of a later epoch are unheard. */
    uint64_t heard_incarnation;
    uint64_t heard_epoch;
    uint32_t flags;               /* enum wire_flag */
    char node[WIRE_NODE_MAX];     /* hello only, else "" */
    char space[WIRE_ID_MAX];      /* namespace; hello only */
    char pod[WIRE_NAME_MAX];      /* hello only */
    char workload[WIRE_NAME_MAX]; /* "Kind/name" or ""; hello only */
    char reason[WIRE_REASON_MAX]; /* refuse only */
    size_t containers_len;
    struct wire_container containers[WIRE_CONTAINERS_MAX];
};

/* Load and price of one resource on the node. */
struct wire_load {
    int64_t lo, hi;   /* bounds of the sum of requests, players or not */
    int64_t capacity; /* allocatable */
    double price;     /* Gamma'(hi), per unit of gt_grid_units() */
    double rho0, p1, exponent; /* congestion parameters */
};

enum wire_light_color {
    WIRE_GREEN, /* move to @amount, before the deadline, in the step that hears
                   it, or never */
    WIRE_RED,   /* not now: think again with this signal's load */
};

/* The answer to one wish of one intent. */
struct wire_light {
    char id[WIRE_ID_MAX];
    uint64_t seq;      /* of the intent that it answers */
    uint8_t container; /* index into the intent's containers */
    enum gt_resource resource;
    enum wire_light_color color;
    int64_t amount; /* the intent's want */
};

/*
 * arbiter -> agents of one node, on /signals/SLOT, topic "NODE\n".  A round's
 * signal is split into @parts; each part stands for itself but for @known.
 */
struct wire_signal {
    char node[WIRE_NODE_MAX];
    uint64_t incarnation;
    uint64_t epoch;       /* rises with each signal of the node, from 1 */
    uint32_t part, parts; /* from 0 */
    uint32_t valid_ms;    /* mesh time, counted from receipt */
    uint32_t deadline_ms; /* of the lights, counted from receipt */
    struct wire_load loads[GT_RESOURCES];
    size_t known_len; /* agents that the arbiter hears on this node */
    char known[WIRE_KNOWN_MAX][WIRE_ID_MAX];
    size_t lights_len;
    struct wire_light lights[WIRE_LIGHTS_MAX];
};

/*
 * Decodes @len bytes (not NUL-terminated) without the topic.  @out is written
 * only on WIRE_OK.  Every field is checked for type and range; current, target,
 * want, floor and max are >= 0, floor <= max, reals are finite.
 */
enum wire_outcome wire_strategy_decode(struct wire_strategy *out,
                                       const char *bytes, size_t len);
enum wire_outcome wire_signal_decode(struct wire_signal *out, const char *bytes,
                                     size_t len);

/*
 * Appends the JSON text.  A message that does not fit, whose reals are not
 * finite, whose integers are beyond 2^53 - 1 or whose texts hold anything but
 * printable ASCII without quote and backslash is not appended and sets
 * out->overflow.
 */
void wire_strategy_encode(const struct wire_strategy *strategy,
                          struct gt_buf *out);
void wire_signal_encode(const struct wire_signal *signal, struct gt_buf *out);

const char *wire_kind_name(enum wire_kind kind);
const char *wire_outcome_name(enum wire_outcome outcome);

/* The slot of a node's downlink: gt_rng_hash(node) mod WIRE_SLOTS. */
#define WIRE_SLOTS 1024
unsigned wire_slot(const char *node);

#endif
