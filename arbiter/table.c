/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/table.h"

#include <string.h>

#include "common/rng.h"

#define ALIGN 16U

static size_t
aligned(size_t size)
{
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* A power of two that leaves at least half of the slots free. */
static uint32_t
slots_for(uint32_t max)
{
    uint32_t slots = 2;

    while (slots < 2 * max) {
        slots *= 2;
    }
    return slots;
}

size_t
table_size(uint32_t max, size_t stride)
{
    return aligned(max * stride) + aligned(slots_for(max) * sizeof(uint32_t)) +
           aligned(max * sizeof(uint32_t));
}

void
table_init(struct table *t, void *memory, uint32_t max, size_t stride,
           size_t key_size)
{
    unsigned char *next = memory;

    memset(t, 0, sizeof(*t));
    t->entries = next;
    next += aligned(max * stride);
    t->slots = (uint32_t *)(void *)next;
    next += aligned(slots_for(max) * sizeof(uint32_t));
    t->spares = (uint32_t *)(void *)next;
    t->stride = stride;
    t->key_size = key_size;
    t->max = max;
    t->mask = slots_for(max) - 1;
}

void *
table_at(const struct table *t, uint32_t entry)
{
    return t->entries + entry * t->stride;
}

static const char *
key_of(const struct table *t, uint32_t entry)
{
    return table_at(t, entry);
}

static uint32_t
home_of(const struct table *t, const char *key)
{
    return (uint32_t)gt_rng_hash(key) & t->mask;
}

/* The slot that holds @key, or the free one where it would go. */
static uint32_t
slot_of(const struct table *t, const char *key)
{
    uint32_t slot = home_of(t, key);

    while (t->slots[slot] != 0 &&
           strcmp(key_of(t, t->slots[slot] - 1), key) != 0) {
        slot = (slot + 1) & t->mask;
    }
    return slot;
}

uint32_t
table_find(const struct table *t, const char *key)
{
    return t->slots[slot_of(t, key)] - 1; /* 0 - 1 is TABLE_NONE */
}

uint32_t
table_add(struct table *t, const char *key)
{
    size_t len = strlen(key);
    uint32_t entry;

    if (t->used == t->max || len == 0 || len >= t->key_size) {
        return TABLE_NONE;
    }
    entry = t->spares_len > 0 ? t->spares[--t->spares_len] : t->fresh++;
    memset(table_at(t, entry), 0, t->stride);
    memcpy(table_at(t, entry), key, len);
    t->slots[slot_of(t, key)] = entry + 1;
    t->used++;
    return entry;
}

void
table_remove(struct table *t, uint32_t entry)
{
    uint32_t hole = slot_of(t, key_of(t, entry));
    uint32_t slot = hole;

    t->slots[hole] = 0;
    /* Those behind the hole that it now hides from their home move into it. */
    while (t->slots[slot = (slot + 1) & t->mask] != 0) {
        uint32_t home = home_of(t, key_of(t, t->slots[slot] - 1));

        if (((slot - home) & t->mask) >= ((slot - hole) & t->mask)) {
            t->slots[hole] = t->slots[slot];
            t->slots[slot] = 0;
            hole = slot;
        }
    }
    memset(table_at(t, entry), 0, t->key_size);
    t->spares[t->spares_len++] = entry;
    t->used--;
}

uint32_t
table_next(const struct table *t, uint32_t *cursor)
{
    while (*cursor < t->fresh) {
        uint32_t entry = (*cursor)++;

        if (key_of(t, entry)[0] != '\0') {
            return entry;
        }
    }
    return TABLE_NONE;
}
