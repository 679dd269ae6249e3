/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/shrink.h"

#include <inttypes.h>

#include "proto/quantity.h"

static const struct {
    const char *name;
    int status;
} reasons[] = {
    [SHRINK_OK] = {"ok",                     200},
    [SHRINK_FLOOR] = {"floor",                  409},
    [SHRINK_GATE] = {"gate",                   409},
    [SHRINK_CEILING] = {"ceiling",                409},
    [SHRINK_BUSY] = {"busy",                   409},
    [SHRINK_BELOW_PUNISHMENT_LEVEL] = {"below-punishment-level", 409},
    [SHRINK_NO_APP] = {"no-app",                 409},
    [SHRINK_AMBIGUOUS] = {"ambiguous",              409},
    [SHRINK_TIMEOUT] = {"timeout",                409},
    [SHRINK_BAD_TARGET] = {"bad-target",             400},
    [SHRINK_RATE_LIMITED] = {"rate-limited",           429},
    [SHRINK_BLIND] = {"blind",                  503},
};

enum shrink_reason
shrink_target_decode(const char *text, int64_t *bytes)
{
    int64_t target;

    if (text == NULL || quantity_target_decode(text, &target) != QUANTITY_OK ||
        target == 0) {
        return SHRINK_BAD_TARGET;
    }
    *bytes = target;
    return SHRINK_OK;
}

struct shrink_answer
shrink_refusal(enum shrink_reason reason)
{
    return (struct shrink_answer){
        .reason = reason,
        .target_bytes = SHRINK_UNKNOWN,
        .floor_bytes = SHRINK_UNKNOWN,
        .margin_bytes = SHRINK_UNKNOWN,
        .gate_bytes = SHRINK_UNKNOWN,
        .expires_ms = SHRINK_UNKNOWN,
    };
}

int
shrink_status(enum shrink_reason reason)
{
    return reasons[reason].status;
}

const char *
shrink_reason_name(enum shrink_reason reason)
{
    return reasons[reason].name;
}

static void
append_figure(struct gt_buf *out, const char *name, int64_t value)
{
    if (value >= 0) {
        gt_buf_format(out, ",\"%s\":%" PRId64, name, value);
    }
}

void
shrink_answer_encode(const struct shrink_answer *answer, struct gt_buf *out)
{
    gt_buf_format(out, "{\"ok\":%s,\"reason\":\"%s\"",
                  answer->reason == SHRINK_OK ? "true" : "false",
                  shrink_reason_name(answer->reason));
    append_figure(out, "target_bytes", answer->target_bytes);
    append_figure(out, "floor_bytes", answer->floor_bytes);
    append_figure(out, "margin_bytes", answer->margin_bytes);
    append_figure(out, "gate_bytes", answer->gate_bytes);
    if (answer->reason == SHRINK_OK) {
        append_figure(out, "expires_ms", answer->expires_ms);
    }
    gt_buf_text(out, "}\n");
}
