/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event queue of the simulated world: the next event is the smallest
 * (time, kind, index, sequence), so ties are decided.
 *
 * Takes the data of an event (memory of calloc()) and gives it to who pops it.
 */
#ifndef TESTS_SIM_QUEUE_H
#define TESTS_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_event {
    uint64_t at_ms;
    unsigned kind; /* the smaller one first */
    size_t index;  /* of the pod, say; the smaller one first */
    uint64_t seq;  /* in the order of queue_push() */
    void *data;    /* owned, may be NULL */
};

struct queue {
    struct queue_event *heap;
    size_t len, max;
    uint64_t seq;
};

/* Zeroed memory is an empty queue.  Drops what is left in it. */
void queue_fini(struct queue *q);

/* Takes @data. */
void queue_push(struct queue *q, uint64_t at_ms, unsigned kind, size_t index,
                void *data);

/* When the next event is due; GT_NEVER_MS for an empty queue. */
uint64_t queue_due_ms(const struct queue *q);

/* The queue must not be empty; the event's data is the caller's. */
struct queue_event queue_pop(struct queue *q);

#endif
