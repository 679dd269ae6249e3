/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

#include "common/rng.h"

static const char *const kind_names[] = {
    [WIRE_HELLO] = "hello",   [WIRE_HEARTBEAT] = "heartbeat",
    [WIRE_INTENT] = "intent", [WIRE_ACK] = "ack",
    [WIRE_REFUSE] = "refuse", [WIRE_BYE] = "bye",
};

static const char *const outcome_names[] = {
    [WIRE_OK] = "ok",
    [WIRE_E_SYNTAX] = "syntax",
    [WIRE_E_OVERSIZE] = "oversize",
    [WIRE_E_VERSION] = "version",
    [WIRE_E_KIND] = "kind",
    [WIRE_E_FIELD] = "field",
};

const char *
wire_kind_name(enum wire_kind kind)
{
    return kind_names[kind];
}

const char *
wire_outcome_name(enum wire_outcome outcome)
{
    return outcome_names[outcome];
}

unsigned
wire_slot(const char *node)
{
    return (unsigned)(gt_rng_hash(node) % WIRE_SLOTS);
}
