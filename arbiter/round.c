/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/round.h"

#include <inttypes.h>
#include <string.h>

#include "common/rng.h"

/* What was answered in a round; @left waits for the next one, @early until
 * growth may be admitted at all. */
struct tally {
    uint32_t green, red, left, early;
};

void
round_wanted(struct arbiter *a, uint32_t node, uint64_t gap_ms,
             struct gt_time now)
{
    const struct books_seat *seat = books_seat(a, node);
    uint64_t earliest_ms = seat->last_ms == 0 ? 0 : seat->last_ms + gap_ms;

    books_due(a, node, earliest_ms > now.mono_ms ? earliest_ms : now.mono_ms);
}

bool
round_due(const struct arbiter *a, struct gt_time now)
{
    return a->sending.active || a->soonest_ms <= now.mono_ms;
}

bool
round_open(const struct arbiter *a, struct gt_time now)
{
    return arbiter_synced(a) &&
           now.mono_ms >= a->start_ms + a->config->listen_first_ms;
}

void
round_loads(const struct arbiter *a, const struct capacity_node *node,
            struct wire_load loads[GT_RESOURCES])
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        enum gt_resource resource = (enum gt_resource)r;
        struct gt_congestion congestion = books_congestion(a, node, resource);

        loads[r] = (struct wire_load){
            .lo = node->loads[r].lo,
            .hi = node->loads[r].hi,
            .capacity = node->allocatable[r],
            .price = gt_game_price(&congestion,
                                   gt_grid_units(resource, node->loads[r].hi)),
            .rho0 = a->config->rho0,
            .p1 = a->config->p1,
            .exponent = a->config->exponent,
        };
    }
}

/* The node that is due first, by @now; TABLE_NONE when none is. */
static uint32_t
take_due(struct arbiter *a, struct gt_time now)
{
    uint32_t first = TABLE_NONE;

    a->soonest_ms = GT_NEVER_MS;
    for (uint32_t node = 0; node < a->capacity.nodes.fresh; node++) {
        if (a->due_ms[node] != 0 && a->due_ms[node] < a->soonest_ms) {
            a->soonest_ms = a->due_ms[node];
            first = node;
        }
    }
    return a->soonest_ms <= now.mono_ms ? first : TABLE_NONE;
}

/* Each node has its own phase, so that a full round is no burst. */
static uint64_t
next_period_ms(const struct capacity_node *node, struct gt_time now)
{
    uint64_t phase = gt_rng_hash(node->name) % ARBITER_PERIOD_MS;
    uint64_t after = now.mono_ms + ARBITER_GAP_MS;
    uint64_t wait = (phase + ARBITER_PERIOD_MS - after % ARBITER_PERIOD_MS) %
                    ARBITER_PERIOD_MS;

    return after + wait;
}

static void
refill(const struct arbiter *a, struct books_seat *seat, struct gt_time now)
{
    double rate = a->config->greens_per_s;
    double burst = rate > 1.0 ? rate : 1.0; /* what a second brings */
    double passed_s = (double)(now.mono_ms - seat->tokens_ms) / 1000.0;

    seat->tokens += passed_s * rate;
    if (seat->tokens > burst || seat->tokens_ms == 0) {
        seat->tokens = burst;
    }
    seat->tokens_ms = now.mono_ms;
}

/* Lists who is heard on the node. */
static void
list_members(struct arbiter *a, const struct capacity_node *node)
{
    struct books_sending *s = &a->sending;

    s->listed_len = 0;
    for (uint32_t pod = node->first; pod != TABLE_NONE;
         pod = capacity_next_pod(&a->capacity, pod)) {
        uint32_t member = capacity_pod(&a->capacity, pod)->member;

        if (member != TABLE_NONE && roster_at(&a->roster, member)->heard) {
            s->listed[s->listed_len++] = (struct books_listed){
                .member = member,
                .serial = roster_at(&a->roster, member)->serial,
            };
        }
    }
}

/* A wish's owner: where the member stands in the list, and its container. */
#define OWNER_OF(listed, container)                                            \
    ((uint32_t)((listed)*WIRE_CONTAINERS_MAX + (container)))

static struct roster_player *
owner(struct arbiter *a, const struct admission_wish *wish,
      enum gt_resource resource, struct roster_member **member)
{
    const struct books_listed *listed =
        &a->sending.listed[wish->owner / WIRE_CONTAINERS_MAX];

    *member = roster_at(&a->roster, listed->member);
    return &(*member)->players[wish->owner % WIRE_CONTAINERS_MAX][resource];
}

static uint32_t
add_wishes(struct arbiter *a, uint32_t listed, enum gt_resource resource,
           uint32_t len)
{
    struct roster_member *m =
        roster_at(&a->roster, a->sending.listed[listed].member);
    uint64_t tie = gt_rng_hash(m->id);

    for (uint32_t i = 0; i < m->containers_len; i++) {
        const struct roster_player *p = &m->players[i][resource];

        if (!p->asks) {
            continue;
        }
        a->wishes[len++] = (struct admission_wish){
            .owner = OWNER_OF(listed, i),
            .tie = tie + i,
            .from = p->target,
            .to = p->want,
            .lo = p->lo,
            .hi = p->hi,
            .floor = p->floor,
            .gain = p->gain,
            .verdict = ADMISSION_GREEN,
        };
    }
    return len;
}

static uint32_t
collect(struct arbiter *a, enum gt_resource resource)
{
    uint32_t len = 0;

    for (uint32_t i = 0; i < a->sending.listed_len; i++) {
        if (roster_at(&a->roster, a->sending.listed[i].member)->asks) {
            len = add_wishes(a, i, resource, len);
        }
    }
    return len;
}

/* Records the move; without room it goes on, unaudited. */
static void
record(struct arbiter *a, uint32_t node, enum gt_resource resource,
       const struct admission_wish *wish, struct roster_player *player)
{
    const struct capacity_node *n = capacity_node(&a->capacity, node);
    struct audit_move move = {
        .epoch = a->sending.epoch,
        .since_ms = a->log->mono_ms,
        .from = wish->from,
        .to = wish->to,
        .gain = wish->gain,
        .step = gt_grid_units(resource, wish->to - wish->from),
        .load = gt_grid_units(resource, n->loads[resource].mid),
        .node = books_congestion(a, n, resource),
    };
    uint32_t taken =
        audit_open(&a->audit, &books_seat(a, node)->lines[resource], &move);

    if (taken == AUDIT_NONE) {
        a->counts.unaudited++;
    } else {
        player->move = taken + 1;
    }
}

/* What the agent already puts in force counts as made when the next move starts
 * from there; a light that a newer intent replaced is dead. */
static void
supersede(struct arbiter *a, uint32_t node, enum gt_resource resource,
          struct roster_player *player, uint32_t pod)
{
    if (player->move != 0) {
        const struct audit_move *old = audit_at(&a->audit, player->move - 1);

        books_end_move(a, node, resource, player,
                       player->target == old->to ? AUDIT_MADE : AUDIT_LAPSED);
        books_claim(a, pod);
    }
}

static void
grant(struct arbiter *a, uint32_t node, enum gt_resource resource,
      const struct admission_wish *wish)
{
    struct roster_member *m;
    struct roster_player *player = owner(a, wish, resource, &m);

    supersede(a, node, resource, player, m->claim);
    if (wish->verdict == ADMISSION_GREEN) {
        record(a, node, resource, wish, player);
    } else {
        a->counts.floor_growths++;
        gt_log_line(a->log, GT_LOG_INFO, "floor_growth",
                    "node=%s pod=%s/%s resource=%s from=%" PRId64
                    " to=%" PRId64,
                    m->node, m->space, m->pod, gt_resource_name(resource),
                    wish->from, wish->to);
    }
    roster_grant(player, wish->to, a->sending.epoch);
    books_claim(a, m->claim);
}

static void
light(struct arbiter *a, enum gt_resource resource,
      const struct admission_wish *wish, enum wire_light_color color)
{
    struct books_sending *s = &a->sending;
    struct roster_member *m;

    owner(a, wish, resource, &m)->asks = false;
    s->lights[s->lights_len++] = (struct books_light){
        .to = s->listed[wish->owner / WIRE_CONTAINERS_MAX],
        .seq = m->intent_seq,
        .container = (uint8_t)(wish->owner % WIRE_CONTAINERS_MAX),
        .resource = resource,
        .color = color,
        .amount = wish->to,
    };
    a->counts.lights[color]++;
}

static void
answer(struct arbiter *a, uint32_t node, enum gt_resource resource,
       uint32_t len, struct tally *tally)
{
    for (uint32_t i = 0; i < len; i++) {
        const struct admission_wish *wish = &a->wishes[i];

        if (wish->verdict == ADMISSION_E_BUDGET) {
            tally->left++;
        } else if (wish->verdict == ADMISSION_E_CLOSED) {
            tally->early++;
        } else if (admission_is_green(wish->verdict)) {
            grant(a, node, resource, wish);
            light(a, resource, wish, WIRE_GREEN);
            tally->green++;
        } else {
            light(a, resource, wish, WIRE_RED);
            tally->red++;
        }
    }
}

static void
admit(struct arbiter *a, uint32_t node, enum gt_resource resource,
      struct tally *tally, struct gt_time now)
{
    const struct capacity_node *n = capacity_node(&a->capacity, node);
    struct books_seat *seat = books_seat(a, node);
    uint32_t len = collect(a, resource);
    struct admission_node game = {
        .resource = resource,
        .congestion = books_congestion(a, n, resource),
        .capacity = n->allocatable[resource],
        .lo = n->loads[resource].lo,
        .hi = n->loads[resource].hi,
        .open = round_open(a, now),
        .tokens = seat->tokens,
    };

    if (!a->config->simultaneous) {
        admission_round(&game, a->wishes, len);
        seat->tokens = game.tokens;
    }
    answer(a, node, resource, len, tally);
}

static void
log_round(const struct arbiter *a, const struct tally *tally)
{
    const struct books_sending *s = &a->sending;
    const struct wire_load *cpu = &s->loads[GT_CPU];
    const struct wire_load *memory = &s->loads[GT_MEMORY];

    gt_log_line(a->log, GT_LOG_INFO, "round",
                "node=%s epoch=%" PRIu64 " green=%" PRIu32 " red=%" PRIu32
                " left=%" PRIu32 " cpu=%" PRId64 "..%" PRId64 "/%" PRId64
                " cpu_price=%.4g memory=%" PRId64 "..%" PRId64 "/%" PRId64
                " memory_price=%.4g",
                s->node, s->epoch, tally->green, tally->red, tally->left,
                cpu->lo, cpu->hi, cpu->capacity, cpu->price, memory->lo,
                memory->hi, memory->capacity, memory->price);
}

static uint32_t
parts_for(uint32_t len, uint32_t per_part)
{
    return (len + per_part - 1) / per_part;
}

static void
open_signal(struct arbiter *a, uint32_t node, struct gt_time now)
{
    struct books_sending *s = &a->sending;
    struct books_seat *seat = books_seat(a, node);

    memcpy(s->node, capacity_node(&a->capacity, node)->name, sizeof(s->node));
    s->epoch = ++a->epoch;
    s->part = 0;
    s->lights_len = 0;
    seat->epoch = s->epoch;
    seat->last_ms = now.mono_ms;
    refill(a, seat, now);
}

/* When to look again whether growth may be admitted. */
static uint64_t
opening_ms(const struct arbiter *a, struct gt_time now)
{
    uint64_t open_ms = a->start_ms + a->config->listen_first_ms;

    return open_ms > now.mono_ms ? open_ms : now.mono_ms + ARBITER_NEWS_MS;
}

static void
play(struct arbiter *a, uint32_t node, struct gt_time now)
{
    struct books_sending *s = &a->sending;
    const struct capacity_node *n = capacity_node(&a->capacity, node);
    struct tally tally = {0, 0, 0, 0};
    uint32_t known;
    uint32_t lights;

    open_signal(a, node, now);
    list_members(a, n);
    for (int r = 0; r < GT_RESOURCES; r++) {
        admit(a, node, (enum gt_resource)r, &tally, now);
    }
    round_loads(a, n, s->loads);
    known = parts_for(s->listed_len, WIRE_KNOWN_MAX);
    lights = parts_for(s->lights_len, WIRE_LIGHTS_MAX);
    s->parts = known > lights ? known : lights;
    s->parts += s->parts == 0;
    s->active = true;
    a->counts.signals++;
    if (s->lights_len > 0) {
        a->counts.rounds++;
        log_round(a, &tally);
    }
    if (tally.left > 0) {
        books_due(a, node, now.mono_ms + ARBITER_GAP_MS);
    } else if (tally.early > 0) {
        books_due(a, node, opening_ms(a, now));
    }
}

static bool
has_members(const struct arbiter *a, const struct capacity_node *node)
{
    for (uint32_t pod = node->first; pod != TABLE_NONE;
         pod = capacity_next_pod(&a->capacity, pod)) {
        if (capacity_pod(&a->capacity, pod)->member != TABLE_NONE) {
            return true;
        }
    }
    return false;
}

bool
round_next(struct arbiter *a, struct gt_time now)
{
    uint32_t node;

    while ((node = take_due(a, now)) != TABLE_NONE) {
        const struct capacity_node *n = capacity_node(&a->capacity, node);

        a->due_ms[node] = 0;
        if (n->name[0] != '\0' && has_members(a, n)) {
            books_due(a, node, next_period_ms(n, now));
            play(a, node, now);
            return true;
        }
    }
    return false;
}
