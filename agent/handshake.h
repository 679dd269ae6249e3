/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cooperative handshake: propose, release, verify, commit.
 *
 * Memory goes down only after the application was asked to give it back and
 * the figures prove that it did.  One at a time: a second proposal while one is
 * open is SHRINK_BUSY.  Who proposes, commits: the caller of an external
 * proposal patches itself while the answer holds, the agent only its own.
 *
 * Verify: floor + margin <= target (the kernel kills above it), gate < target
 * (the kubelet compares memory.current), and the recent peak fits.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_HANDSHAKE_H
#define AGENT_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/shrink.h"

/* A 200 holds this long. */
#define HANDSHAKE_EXPIRY_MS 30000
/* A lever that has not answered by then is HANDSHAKE timeout. */
#define HANDSHAKE_RELEASE_MS 30000
/* After the lever's answer the figures may take this long to come down. */
#define HANDSHAKE_SETTLE_MS 10000
/* Back-off after a refusal: doubles from the first to the last. */
#define HANDSHAKE_BACKOFF_MIN_MS 600000   /* 10 min */
#define HANDSHAKE_BACKOFF_MAX_MS 21600000 /* 6 h */

/* What verify compares with the target, from the sensor, now. */
struct handshake_figures {
    bool seen;              /* the sensor is not blind */
    int64_t floor_bytes;    /* cgroup_floor_bytes() */
    int64_t gate_bytes;     /* memory.current */
    int64_t peak_bytes;     /* largest working set of the last 5 min */
    int64_t growth_bytes_s; /* largest growth in a second, last minute */
};

/* max(10 % of target, 32 MiB, growth x 5 s). */
int64_t handshake_margin_bytes(int64_t target_bytes, int64_t growth_bytes_s);

/* Verify alone: SHRINK_OK, or the first of SHRINK_BLIND, _FLOOR, _GATE,
 * _CEILING that forbids @target_bytes as a limit. */
enum shrink_reason handshake_verify(const struct handshake_figures *figures,
                                    int64_t target_bytes);

enum handshake_phase {
    HANDSHAKE_IDLE,
    HANDSHAKE_RELEASING, /* the lever is pulled */
    HANDSHAKE_SETTLING,  /* the lever answered; figures are coming down */
    HANDSHAKE_HOLDING,   /* verified; the answer holds until @deadline_ms */
};

enum handshake_owner { HANDSHAKE_OWN, HANDSHAKE_EXTERNAL };

struct handshake {
    enum handshake_phase phase;
    enum handshake_owner owner;
    unsigned container;
    int64_t target_bytes;      /* the new limit */
    bool released;             /* the lever did what it could */
    uint64_t deadline_ms;      /* of the phase, mesh time */
    uint64_t backoff_ms;       /* of own proposals; 0: none so far */
    uint64_t blocked_until_ms; /* no own proposal before */
};

void handshake_init(struct handshake *h);

/*
 * Opens a proposal and moves to HANDSHAKE_RELEASING.
 * SHRINK_OK; SHRINK_BUSY while one is open, and for own proposals during the
 * back-off after a refusal; SHRINK_BELOW_PUNISHMENT_LEVEL when @target_bytes <
 * @punishment_bytes.  Only SHRINK_OK changes @h.
 */
struct handshake_proposal {
    enum handshake_owner owner;
    unsigned container;
    int64_t target_bytes;
    int64_t punishment_bytes; /* smallest limit that is survivable */
};
enum shrink_reason handshake_propose(struct handshake *h,
                                     const struct handshake_proposal *proposal,
                                     uint64_t now_ms);

/* The lever answered: true, it released what it could; false, it cannot, and
 * the next check refuses: an app that says no is not shrunk by its figures. */
void handshake_released(struct handshake *h, bool done, uint64_t now_ms);

/* What became of the open proposal. */
enum handshake_verdict {
    HANDSHAKE_OPEN,     /* nothing new */
    HANDSHAKE_VERIFIED, /* once: now HANDSHAKE_HOLDING */
    HANDSHAKE_REFUSED,  /* once: now HANDSHAKE_IDLE; @reason */
    HANDSHAKE_EXPIRED,  /* once: held, not committed; ceilings go back */
};

/* Call with each sample and at the deadline. */
enum handshake_verdict handshake_check(struct handshake *h,
                                       const struct handshake_figures *figures,
                                       uint64_t now_ms,
                                       enum shrink_reason *reason);

/* The resize was done, or will not be: back to idle.  For own proposals success
 * clears the back-off and a failure doubles it. */
void handshake_close(struct handshake *h, bool committed, uint64_t now_ms);

#endif
