/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of fixed size whose entries are found by a text: open addressing, so
 * that finding, adding and removing cost the same however full it is.
 *
 * An entry is a struct of the owner's whose first member is the key, a char
 * array; an empty key is a free entry.  Entries never move.
 *
 * Pure.  Memory that no entry needed yet is not touched.
 */
#ifndef ARBITER_TABLE_H
#define ARBITER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX

struct table {
    unsigned char *entries;
    uint32_t *slots;  /* entry + 1; 0: free */
    uint32_t *spares; /* a stack of entries that were removed */
    size_t stride, key_size;
    uint32_t mask, max, used, fresh, spares_len;
};

/* Bytes for @max entries of @stride bytes, a multiple of 16. */
size_t table_size(uint32_t max, size_t stride);

/* @memory: table_size() zeroed bytes; keys are shorter than @key_size. */
void table_init(struct table *t, void *memory, uint32_t max, size_t stride,
                size_t key_size);

/* TABLE_NONE where there is none. */
uint32_t table_find(const struct table *t, const char *key);

/* Adds a zeroed entry; TABLE_NONE on a full table or a key that is empty or too
 * long.  @key is not in the table. */
uint32_t table_add(struct table *t, const char *key);

void table_remove(struct table *t, uint32_t entry);

/* The first entry in use at *@cursor or after it, which moves on past it;
 * TABLE_NONE at the end. */
uint32_t table_next(const struct table *t, uint32_t *cursor);

void *table_at(const struct table *t, uint32_t entry);

#endif
