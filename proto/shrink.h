/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shrink request on the wire: `POST /admin/shrink?target=500Mi` and its
 * answer, an HTTP status and a JSON object.
 *
 * 200 says that the application gave the memory back and that the answer holds
 * for expires_ms; every other status says that nothing was done.
 *
 * Pure.
 */
#ifndef PROTO_SHRINK_H
#define PROTO_SHRINK_H

#include <stdint.h>

#include "common/buf.h"

enum shrink_reason {
    SHRINK_OK,                     /* 200 */
    SHRINK_FLOOR,                  /* 409: floor + margin > target */
    SHRINK_GATE,                   /* 409: memory.current >= target */
    SHRINK_CEILING,                /* 409: the app would grow back */
    SHRINK_BUSY,                   /* 409: another proposal is open */
    SHRINK_BELOW_PUNISHMENT_LEVEL, /* 409: no offer so low is heard */
    SHRINK_NO_APP,                 /* 409: no process of the app runs */
    SHRINK_AMBIGUOUS,              /* 409: which process is the app? */
    SHRINK_TIMEOUT,                /* 409: release did not end in time */
    SHRINK_BAD_TARGET,             /* 400: missing, malformed or out of range */
    SHRINK_RATE_LIMITED,           /* 429 */
    SHRINK_BLIND,                  /* 503: the agent cannot see the app */
};

#define SHRINK_UNKNOWN (-1) /* a figure that nobody has looked at */

struct shrink_answer {
    enum shrink_reason reason;
    int64_t target_bytes; /* figures: bytes, or SHRINK_UNKNOWN */
    int64_t floor_bytes;
    int64_t margin_bytes;
    int64_t gate_bytes;
    int64_t expires_ms; /* from now; SHRINK_OK only */
};

/*
 * Reads the target, NULL where there is none.  SHRINK_OK and @bytes > 0, or
 * SHRINK_BAD_TARGET.
 */
enum shrink_reason shrink_target_decode(const char *text, int64_t *bytes);

/* An answer without figures. */
struct shrink_answer shrink_refusal(enum shrink_reason reason);

int shrink_status(enum shrink_reason reason);

/* "ok", "floor", ..., "below-punishment-level": as in the answer and in logs.
 */
const char *shrink_reason_name(enum shrink_reason reason);

/*
 * Appends the body: {"ok":false,"reason":"floor","target_bytes":...}.  Unknown
 * figures are left out, and so is expires_ms where nothing was granted.
 */
void shrink_answer_encode(const struct shrink_answer *answer,
                          struct gt_buf *out);

#endif
