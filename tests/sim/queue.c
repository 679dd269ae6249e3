/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/time.h"

void
queue_fini(struct queue *q)
{
    for (size_t i = 0; i < q->len; i++) {
        free(q->heap[i].data);
    }
    free(q->heap);
    *q = (struct queue){0};
}

static bool
before(const struct queue_event *a, const struct queue_event *b)
{
    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind;
    }
    if (a->index != b->index) {
        return a->index < b->index;
    }
    return a->seq < b->seq;
}

static void
swap(struct queue *q, size_t a, size_t b)
{
    struct queue_event event = q->heap[a];

    q->heap[a] = q->heap[b];
    q->heap[b] = event;
}

static void
make_room(struct queue *q)
{
    if (q->len < q->max) {
        return;
    }
    size_t max = q->max == 0 ? 64 : 2 * q->max;
    struct queue_event *heap = calloc(max, sizeof(*heap));
    assert(heap != NULL);
    if (q->len > 0) {
        memcpy(heap, q->heap, q->len * sizeof(*heap));
    }
    free(q->heap);
    q->heap = heap;
    q->max = max;
}

void
queue_push(struct queue *q, uint64_t at_ms, unsigned kind, size_t index,
           void *data)
{
    size_t i = q->len;

    make_room(q);
    q->heap[q->len++] = (struct queue_event){
        .at_ms = at_ms,
        .kind = kind,
        .index = index,
        .seq = q->seq++,
        .data = data,
    };
    while (i > 0 && before(&q->heap[i], &q->heap[(i - 1) / 2])) {
        swap(q, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

uint64_t
queue_due_ms(const struct queue *q)
{
    return q->len == 0 ? GT_NEVER_MS : q->heap[0].at_ms;
}

/* The first of @i and its children. */
static size_t
least_of(const struct queue *q, size_t i)
{
    size_t least = i;

    for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
        if (child < q->len && before(&q->heap[child], &q->heap[least])) {
            least = child;
        }
    }
    return least;
}

struct queue_event
queue_pop(struct queue *q)
{
    assert(q->len > 0);
    struct queue_event first = q->heap[0];
    size_t i = 0;

    q->heap[0] = q->heap[--q->len];
    for (size_t least = least_of(q, i); least != i; least = least_of(q, i)) {
        swap(q, i, least);
        i = least;
    }
    return first;
}
