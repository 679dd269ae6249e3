/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/sim/world_state.h"

/* What travels: the bytes that a socket would carry. */
struct message {
    size_t len;
    char bytes[WIRE_MESSAGE_MAX];
};

static bool
happens(struct world *w, double share)
{
    return share > 0.0 && gt_rng_unit(&w->bus_rng) < share;
}

static uint64_t
straggle(struct world *w)
{
    return 1 + gt_rng_below(&w->bus_rng, w->config.bus.late_ms);
}

static void
put(struct world *w, enum world_kind kind, size_t pod,
    const struct message *message, uint64_t delay_ms)
{
    size_t size = offsetof(struct message, bytes) + message->len;
    struct message *copy = world_alloc(size);

    memcpy(copy, message, size);
    queue_push(&w->queue, w->now_ms + delay_ms, kind, pod, copy);
}

static void
send(struct world *w, enum world_kind kind, size_t pod,
     const struct message *message)
{
    const struct world_bus *bus = &w->config.bus;
    uint64_t delay_ms = bus->delay_ms;

    if (happens(w, bus->echo)) {
        put(w, kind, pod, message, delay_ms + straggle(w));
    }
    if (happens(w, bus->loss)) {
        return;
    }
    if (happens(w, bus->late)) {
        delay_ms += straggle(w);
    }
    put(w, kind, pod, message, delay_ms);
}

void
world_send_strategy(struct world *w, size_t pod,
                    const struct wire_strategy *strategy)
{
    struct message message;
    struct gt_buf text;

    gt_buf_init(&text, message.bytes, sizeof(message.bytes));
    wire_strategy_encode(strategy, &text);
    if (text.overflow) {
        world_violated(w, pod, "a strategy that cannot be said");
        return;
    }
    message.len = text.len;
    send(w, WORLD_STRATEGY, pod, &message);
}

void
world_send_signal(struct world *w, const struct wire_signal *signal)
{
    struct message message;
    struct gt_buf text;

    world_check_signal(w, signal);
    gt_buf_init(&text, message.bytes, sizeof(message.bytes));
    wire_signal_encode(signal, &text);
    if (text.overflow) {
        world_violated(w, 0, "a signal that cannot be said");
        return;
    }
    message.len = text.len;
    for (size_t i = 0; i < w->pods_len; i++) {
        const char *node = w->node_specs[w->nodes.pods[i].node].name;

        if (w->pods[i].opted_in && strcmp(node, signal->node) == 0) {
            send(w, WORLD_SIGNAL, i, &message);
        }
    }
}

void
world_strategy_arrives(struct world *w, const struct queue_event *event)
{
    const struct message *message = event->data;
    struct wire_strategy strategy;
    struct arbiter_event step = {.kind = ARBITER_HEARD, .strategy = &strategy};
    enum wire_outcome outcome =
        wire_strategy_decode(&strategy, message->bytes, message->len);

    if (w->arbiter == NULL) {
        return;
    }
    if (outcome != WIRE_OK) {
        world_violated(w, event->index, "a strategy that cannot be read");
        return;
    }
    world_check_heard(w, event->index, &strategy);
    world_arbiter_step(w, &step);
}

/* Into w->signal.  Everybody on a node is sent the same bytes. */
static bool
read_signal(struct world *w, const struct message *message)
{
    if (message->len != w->signal_len ||
        memcmp(message->bytes, w->signal_bytes, message->len) != 0) {
        w->signal_len = message->len;
        memcpy(w->signal_bytes, message->bytes, message->len);
        w->signal_outcome =
            wire_signal_decode(&w->signal, message->bytes, message->len);
    }
    return w->signal_outcome == WIRE_OK;
}

void
world_signal_arrives(struct world *w, const struct queue_event *event)
{
    const struct message *message = event->data;
    struct agent_event step = {.kind = AGENT_SIGNALED, .signal = &w->signal};

    if (!read_signal(w, message)) {
        world_violated(w, event->index, "a signal that cannot be read");
        return;
    }
    world_agent_step(w, event->index, &step);
}
