/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/books.h"

#include <string.h>

/* A move that an agent neither finishes nor gives up is given up for it: much
 * more than a resize and its withdrawal take. */
#define MOVE_MAX_MS 120000

struct books_seat *
books_seat(struct arbiter *a, uint32_t node)
{
    struct books_seat *seat = &a->seats[node];
    uint64_t serial = capacity_node(&a->capacity, node)->serial;

    if (seat->serial != serial) {
        memset(seat, 0, sizeof(*seat));
        seat->serial = serial;
        a->due_ms[node] = 0;
    }
    return seat;
}

void
books_due(struct arbiter *a, uint32_t node, uint64_t at_ms)
{
    books_seat(a, node);
    if (a->due_ms[node] == 0 || at_ms < a->due_ms[node]) {
        a->due_ms[node] = at_ms;
    }
    if (at_ms < a->soonest_ms) {
        a->soonest_ms = at_ms;
    }
}

struct gt_congestion
books_congestion(const struct arbiter *a, const struct capacity_node *node,
                 enum gt_resource resource)
{
    int64_t capacity = node->allocatable[resource];
    bool known = capacity > 0;

    return (struct gt_congestion){
        .capacity = known ? gt_grid_units(resource, capacity) : 1.0,
        .rho0 = a->config->rho0,
        .p1 = known ? a->config->p1 : 0.0,
        .exponent = a->config->exponent,
    };
}

static void
add_claim(struct capacity_claim *sum, int64_t lo, int64_t hi, int64_t mid)
{
    sum->lo += lo;
    sum->hi += hi;
    sum->mid += mid;
}

/* The player's interval, and what the API says of the container if it does. */
static void
claim_player(const struct arbiter *a, const struct roster_player *player,
             const int64_t *api_lo, const int64_t *api_hi,
             struct capacity_claim *sum)
{
    int64_t lo = api_lo != NULL && *api_lo < player->lo ? *api_lo : player->lo;
    int64_t hi = api_hi != NULL && *api_hi > player->hi ? *api_hi : player->hi;
    int64_t mid = player->move != 0
                      ? audit_at(&a->audit, player->move - 1)->from
                      : player->target;

    add_claim(sum, lo, hi, mid);
}

static const struct capacity_container *
find_container(const struct capacity_pod *p, uint64_t name)
{
    for (size_t i = 0; i < p->containers_len; i++) {
        if (p->containers[i].name == name) {
            return &p->containers[i];
        }
    }
    return NULL;
}

static bool
plays(const struct roster_member *m, uint64_t name)
{
    for (size_t i = 0; m != NULL && i < m->containers_len; i++) {
        if (m->names[i] == name) {
            return true;
        }
    }
    return false;
}

static void
claim_members(const struct arbiter *a, const struct capacity_pod *p,
              const struct roster_member *m,
              struct capacity_claim claims[GT_RESOURCES])
{
    for (size_t i = 0; i < m->containers_len; i++) {
        const struct capacity_container *api = find_container(p, m->names[i]);

        for (int r = 0; r < GT_RESOURCES; r++) {
            claim_player(a, &m->players[i][r], api != NULL ? &api->lo[r] : NULL,
                         api != NULL ? &api->hi[r] : NULL, &claims[r]);
        }
    }
}

static void
claim_others(const struct capacity_pod *p, const struct roster_member *m,
             struct capacity_claim claims[GT_RESOURCES])
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        add_claim(&claims[r], p->sidecars[r], p->sidecars[r], p->sidecars[r]);
    }
    for (size_t i = 0; i < p->containers_len; i++) {
        const struct capacity_container *c = &p->containers[i];

        for (int r = 0; r < GT_RESOURCES && !plays(m, c->name); r++) {
            add_claim(&claims[r], c->hi[r], c->hi[r], c->hi[r]);
        }
    }
}

void
books_claim(struct arbiter *a, uint32_t pod)
{
    const struct capacity_pod *p = capacity_pod(&a->capacity, pod);
    const struct roster_member *m =
        p->member != TABLE_NONE ? roster_at(&a->roster, p->member) : NULL;
    struct capacity_claim claims[GT_RESOURCES] = {
        {0, 0, 0}
    };

    if (!p->finished) {
        claim_others(p, m, claims);
        if (m != NULL) {
            claim_members(a, p, m, claims);
        }
    }
    capacity_claim(&a->capacity, pod, claims);
}

static void
settle(struct arbiter *a, uint32_t node, enum gt_resource resource)
{
    struct books_seat *seat = books_seat(a, node);
    struct audit_result result;

    while (audit_settle(&a->audit, &seat->lines[resource], &result)) {
        a->counts.acked += result.state == AUDIT_MADE;
        a->counts.lapsed += result.state == AUDIT_LAPSED;
        if (result.drop) {
            a->counts.potential_drops++;
            seat->drops++;
            gt_log_line(a->log, GT_LOG_ERROR, "potential_drop",
                        "node=%s resource=%s gain=%.4g realised=%.4g",
                        capacity_node(&a->capacity, node)->name,
                        gt_resource_name(resource), result.gain,
                        result.realised);
        }
    }
}

void
books_end_move(struct arbiter *a, uint32_t node, enum gt_resource resource,
               struct roster_player *player, enum audit_state state)
{
    if (player->move != 0) {
        audit_end(&a->audit, &books_seat(a, node)->lines[resource],
                  player->move - 1, state);
        player->move = 0;
        settle(a, node, resource);
    }
}

static enum audit_state
judge_move(const struct arbiter *a, const struct audit_move *move,
           const struct wire_strategy *message, const struct wire_player *said,
           bool restarted)
{
    bool there = said->target == move->to;

    if (there && said->current == move->to) {
        return AUDIT_MADE;
    }
    if (restarted) { /* the agent that could act on the light is no more */
        return AUDIT_LAPSED;
    }
    return there || !roster_heard_of(&a->roster, message, move->epoch)
               ? AUDIT_OPEN
               : AUDIT_LAPSED;
}

void
books_judge_moves(struct arbiter *a, uint32_t member,
                  const struct wire_strategy *message, struct gt_time now)
{
    struct roster_member *m = roster_at(&a->roster, member);
    uint32_t node = capacity_pod(&a->capacity, m->claim)->node;
    bool restarted = message->incarnation != m->incarnation;

    for (size_t i = 0; i < m->containers_len * GT_RESOURCES; i++) {
        enum gt_resource r = (enum gt_resource)(i % GT_RESOURCES);
        struct roster_player *p = &m->players[i / GT_RESOURCES][r];
        const struct audit_move *move;
        enum audit_state state;

        if (p->move == 0 || i / GT_RESOURCES >= message->containers_len) {
            continue;
        }
        move = audit_at(&a->audit, p->move - 1);
        state = judge_move(a, move, message,
                           &message->containers[i / GT_RESOURCES].players[r],
                           restarted);
        if (state == AUDIT_OPEN && now.mono_ms - move->since_ms > MOVE_MAX_MS) {
            state = AUDIT_LAPSED;
        }
        if (state != AUDIT_OPEN) {
            books_end_move(a, node, r, p, state);
        }
    }
}

static void
end_moves(struct arbiter *a, struct roster_member *m, uint32_t node)
{
    for (size_t i = 0; i < m->containers_len * GT_RESOURCES; i++) {
        enum gt_resource r = (enum gt_resource)(i % GT_RESOURCES);

        books_end_move(a, node, r, &m->players[i / GT_RESOURCES][r],
                       AUDIT_LAPSED);
    }
}

void
books_drop_pod(struct arbiter *a, uint32_t pod, const char *why)
{
    struct capacity_pod *p = capacity_pod(&a->capacity, pod);

    if (p->member != TABLE_NONE) {
        struct roster_member *m = roster_at(&a->roster, p->member);

        gt_log_line(a->log, GT_LOG_INFO, "gone", "node=%s pod=%s/%s why=%s",
                    m->node, m->space, m->pod, why);
        end_moves(a, m, p->node);
        roster_remove(&a->roster, p->member);
    }
    capacity_drop_pod(&a->capacity, pod);
}

void
books_leave(struct arbiter *a, uint32_t member, const char *event)
{
    struct roster_member *m = roster_at(&a->roster, member);
    uint32_t pod = m->claim;
    const struct capacity_pod *p = capacity_pod(&a->capacity, pod);

    gt_log_line(a->log, GT_LOG_INFO, event, "node=%s pod=%s/%s", m->node,
                m->space, m->pod);
    end_moves(a, m, p->node);
    roster_leave(&a->roster, member);
    if (!p->in_api && a->synced[KUBE_OBJECT_POD]) {
        books_drop_pod(a, pod, "not_in_api");
    } else {
        books_claim(a, pod);
    }
}
