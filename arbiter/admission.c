/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/admission.h"

static double
step_of(enum gt_resource resource, const struct admission_wish *wish)
{
    return gt_grid_units(resource, wish->to - wish->from);
}

static bool
grows(const struct admission_wish *wish)
{
    return wish->to > wish->from;
}

/*
 * Levels below the floor are rounded up to a level, so that a floor between two
 * levels can be reached.
 */
static bool
is_to_floor(enum gt_resource resource, const struct admission_wish *wish)
{
    int level = gt_grid_level_up(resource, wish->floor);

    return grows(wish) && wish->from < wish->floor &&
           wish->to <= gt_grid_amount(resource, level);
}

/*
 * Growth before shrinking: a shrink frees nothing within the round, so their
 * order only decides who gets the tokens, and growth must not wait.
 */
static int
rank(enum gt_resource resource, const struct admission_wish *wish)
{
    if (!grows(wish)) {
        return 2;
    }
    return is_to_floor(resource, wish) ? 0 : 1;
}

/* Is @a admitted before @b?  A total order, whatever order they came in. */
static bool
precedes(enum gt_resource resource, const struct admission_wish *a,
         const struct admission_wish *b)
{
    int rank_a = rank(resource, a);
    int rank_b = rank(resource, b);
    /* gain per unit, without a division by a tiny step */
    double left = a->gain * step_of(resource, b);
    double right = b->gain * step_of(resource, a);

    if (rank_a != rank_b) {
        return rank_a < rank_b;
    }
    if (rank_a != 2 && left != right) {
        return left > right;
    }
    return a->tie > b->tie;
}

static void
swap(struct admission_wish *a, struct admission_wish *b)
{
    struct admission_wish kept = *a;

    *a = *b;
    *b = kept;
}

/* Heapsort: the wish to be admitted last is on top. */
static void
sink(enum gt_resource resource, struct admission_wish *wishes, size_t len,
     size_t at)
{
    for (size_t child; (child = 2 * at + 1) < len; at = child) {
        if (child + 1 < len &&
            precedes(resource, &wishes[child], &wishes[child + 1])) {
            child++;
        }
        if (!precedes(resource, &wishes[at], &wishes[child])) {
            return;
        }
        swap(&wishes[at], &wishes[child]);
    }
}

static void
sort(enum gt_resource resource, struct admission_wish *wishes, size_t len)
{
    for (size_t i = len / 2; i-- > 0;) {
        sink(resource, wishes, len, i);
    }
    while (len-- > 1) {
        swap(&wishes[0], &wishes[len]);
        sink(resource, wishes, len, 0);
    }
}

static bool
pays(const struct admission_node *node, const struct admission_wish *wish)
{
    enum gt_resource resource = node->resource;
    double load = gt_grid_units(resource, grows(wish) ? node->hi : node->lo);
    double gain = gt_game_potential_gain(&node->congestion, load, wish->gain,
                                         step_of(resource, wish));

    return gain >= gt_game_threshold(gt_grid_units(resource, wish->from),
                                     gt_grid_units(resource, wish->to));
}

static int64_t
widens(const struct admission_wish *wish)
{
    return wish->to > wish->hi ? wish->to - wish->hi : 0;
}

static enum admission_verdict
judge(const struct admission_node *node, const struct admission_wish *wish)
{
    bool exempt = is_to_floor(node->resource, wish);

    if (grows(wish)) {
        if (!node->open) {
            return ADMISSION_E_CLOSED;
        }
        if (widens(wish) > node->capacity - node->hi) {
            return ADMISSION_E_CAPACITY;
        }
    }
    if (exempt) {
        return ADMISSION_FLOOR;
    }
    if (!pays(node, wish)) {
        return ADMISSION_E_GAIN;
    }
    return node->tokens < 1.0 ? ADMISSION_E_BUDGET : ADMISSION_GREEN;
}

void
admission_round(struct admission_node *node, struct admission_wish *wishes,
                size_t len)
{
    sort(node->resource, wishes, len);
    for (size_t i = 0; i < len; i++) {
        struct admission_wish *wish = &wishes[i];

        wish->verdict = judge(node, wish);
        if (!admission_is_green(wish->verdict)) {
            continue;
        }
        node->tokens -= wish->verdict == ADMISSION_GREEN ? 1.0 : 0.0;
        node->hi += widens(wish);
        node->lo -= wish->to < wish->lo ? wish->lo - wish->to : 0;
    }
}

bool
admission_is_green(enum admission_verdict verdict)
{
    return verdict == ADMISSION_GREEN || verdict == ADMISSION_FLOOR;
}
