/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: which of the wishes of one round, for one resource of one node,
 * get a green light.
 *
 * Virtual sequential admission: as if the players moved
 * one after another, the best gain per unit first.  Growth is judged at the
 * highest load that may be (hi), shrinking at the lowest (lo), so that each
 * admitted move raises the potential whichever others are made.  Growth only
 * takes what is free at hi: a shrink that was admitted frees nothing before it
 * is reported done.
 *
 * Pure.  Holds no pointers after the call.
 */
#ifndef ARBITER_ADMISSION_H
#define ARBITER_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/game.h"
#include "common/grid.h"

enum admission_verdict {
    ADMISSION_GREEN,
    ADMISSION_FLOOR,      /* green: growth to the floor needs no gain */
    ADMISSION_E_GAIN,     /* the potential would not rise enough */
    ADMISSION_E_CAPACITY, /* more than what is free for certain */
    ADMISSION_E_CLOSED,   /* no growth now: listening, or not synced */
    ADMISSION_E_BUDGET,   /* no token left: ask again soon */
};

struct admission_wish {
    uint32_t owner; /* the caller's own, not looked at */
    uint64_t tie;   /* decides between equals, larger first */
    int64_t from;   /* the player's target */
    int64_t to;     /* its wish, another amount */
    int64_t lo, hi; /* what it may hold now */
    int64_t floor;
    double gain;                    /* f(to) - f(from) */
    enum admission_verdict verdict; /* out */
};

struct admission_node {
    enum gt_resource resource;
    struct gt_congestion congestion;
    int64_t capacity;
    int64_t lo, hi; /* bounds of the load; moved by what is admitted */
    bool open;      /* growth may be admitted */
    double tokens;  /* one a green light but to the floor; spent */
};

/* Sorts @wishes into the order of admission and judges each. */
void admission_round(struct admission_node *node, struct admission_wish *wishes,
                     size_t len);

bool admission_is_green(enum admission_verdict verdict);

#endif
