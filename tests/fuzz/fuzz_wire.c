/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded can be sent on, and means the same to the next peer. */
static void
check_strategy(const struct wire_strategy *strategy)
{
    static char memory[2][WIRE_MESSAGE_MAX + 1];
    struct wire_strategy again;
    struct gt_buf first;
    struct gt_buf second;

    gt_buf_init(&first, memory[0], sizeof(memory[0]));
    gt_buf_init(&second, memory[1], sizeof(memory[1]));
    wire_strategy_encode(strategy, &first);
    if (first.overflow ||
        wire_strategy_decode(&again, first.data, first.len) != WIRE_OK) {
        abort();
    }
    wire_strategy_encode(&again, &second);
    if (strcmp(first.data, second.data) != 0) {
        abort();
    }
}

static void
check_signal(const struct wire_signal *signal)
{
    static char memory[2][WIRE_MESSAGE_MAX + 1];
    struct wire_signal again;
    struct gt_buf first;
    struct gt_buf second;

    gt_buf_init(&first, memory[0], sizeof(memory[0]));
    gt_buf_init(&second, memory[1], sizeof(memory[1]));
    wire_signal_encode(signal, &first);
    if (first.overflow ||
        wire_signal_decode(&again, first.data, first.len) != WIRE_OK) {
        abort();
    }
    wire_signal_encode(&again, &second);
    if (strcmp(first.data, second.data) != 0) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct wire_strategy strategy;
    struct wire_signal signal;

    if (wire_strategy_decode(&strategy, bytes, size) == WIRE_OK) {
        check_strategy(&strategy);
    }
    if (wire_signal_decode(&signal, bytes, size) == WIRE_OK) {
        check_signal(&signal);
    }
    return 0;
}
