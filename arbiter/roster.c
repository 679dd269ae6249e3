/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/roster.h"

#include <string.h>

#include "common/base.h"
#include "common/rng.h"

size_t
roster_size(uint32_t max)
{
    return table_size(max, sizeof(struct roster_member));
}

void
roster_init(struct roster *r, void *memory, uint32_t max, uint64_t incarnation)
{
    memset(r, 0, sizeof(*r));
    table_init(&r->table, memory, max, sizeof(struct roster_member),
               WIRE_ID_MAX);
    r->incarnation = incarnation;
    r->oldest = TABLE_NONE;
    r->newest = TABLE_NONE;
}

struct roster_member *
roster_at(const struct roster *r, uint32_t member)
{
    return table_at(&r->table, member);
}

static bool
is_sane(const struct wire_player *p)
{
    return p->current <= ROSTER_AMOUNT_MAX && p->target <= ROSTER_AMOUNT_MAX &&
           p->want <= ROSTER_AMOUNT_MAX && p->floor <= ROSTER_AMOUNT_MAX;
}

static bool
in_range(const struct wire_strategy *message)
{
    for (size_t i = 0; i < message->containers_len; i++) {
        if (!is_sane(&message->containers[i].players[GT_CPU]) ||
            !is_sane(&message->containers[i].players[GT_MEMORY])) {
            return false;
        }
    }
    return true;
}

/* Kubernetes gives no other names; they go into logs and JSON as they are. */
static bool
is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

static bool
introduces(const struct wire_strategy *hello)
{
    return is_name(hello->id) && is_name(hello->node) &&
           is_name(hello->space) && is_name(hello->pod);
}

static enum roster_fate
judge_order(const struct roster_member *m, const struct wire_strategy *message)
{
    if (message->incarnation < m->incarnation) {
        return ROSTER_E_OLDER;
    }
    if (message->incarnation == m->incarnation) {
        return message->seq > m->seq ? ROSTER_TAKEN : ROSTER_E_STALE;
    }
    /* Of a newer one only a hello says who it is now. */
    return message->kind == WIRE_HELLO ? ROSTER_TAKEN : ROSTER_E_UNKNOWN;
}

enum roster_fate
roster_judge(const struct roster *r, const struct wire_strategy *message,
             uint32_t *member)
{
    const struct roster_member *m;
    enum roster_fate fate = ROSTER_JOINED;
    bool hello = message->kind == WIRE_HELLO;

    *member = table_find(&r->table, message->id);
    if (*member != TABLE_NONE) {
        m = roster_at(r, *member);
        fate = judge_order(m, message);
        if (fate != ROSTER_TAKEN) {
            return fate;
        }
        if (!hello && message->containers_len != m->containers_len) {
            return ROSTER_E_SHAPE;
        }
        fate = m->heard ? ROSTER_TAKEN : ROSTER_JOINED;
    } else if (!hello) {
        return ROSTER_E_UNKNOWN;
    }
    if (message->containers_len == 0 || (hello && !introduces(message))) {
        return ROSTER_E_SHAPE;
    }
    return in_range(message) ? fate : ROSTER_E_RANGE;
}

static void
introduce(struct roster_member *m, const struct wire_strategy *hello)
{
    memcpy(m->space, hello->space, sizeof(m->space));
    memcpy(m->pod, hello->pod, sizeof(m->pod));
    memcpy(m->node, hello->node, sizeof(m->node));
    m->containers_len = hello->containers_len;
    for (size_t i = 0; i < hello->containers_len; i++) {
        m->names[i] = gt_rng_hash(hello->containers[i].name);
    }
}

uint32_t
roster_join(struct roster *r, const struct wire_strategy *hello)
{
    uint32_t member = table_add(&r->table, hello->id);

    if (member != TABLE_NONE) {
        roster_at(r, member)->serial = ++r->serials;
    }
    return member;
}

bool
roster_heard_of(const struct roster *r, const struct wire_strategy *message,
                uint64_t epoch)
{
    /* Whoever follows a newer arbiter drops our signals. */
    return message->heard_incarnation > r->incarnation ||
           (message->heard_incarnation == r->incarnation &&
            message->heard_epoch >= epoch);
}

static int64_t
lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void
span(struct roster_player *p)
{
    p->lo = lesser(p->current, p->target);
    p->hi = larger(p->current, p->target);
    if (p->lights_epoch != 0) {
        p->lo = lesser(p->lo, p->lights_lo);
        p->hi = larger(p->hi, p->lights_hi);
    }
}

static void
take_player(const struct roster *r, struct roster_player *p,
            const struct wire_strategy *message, const struct wire_player *said)
{
    /* A heartbeat leaves an open wish as it was, unless it started elsewhere.
     */
    bool ends = message->kind == WIRE_HELLO || message->kind == WIRE_BYE;
    bool asks = message->kind == WIRE_INTENT
                    ? said->want != said->target
                    : p->asks && !ends && said->target == p->target;

    if (message->kind == WIRE_INTENT) {
        p->want = said->want;
        p->gain = said->gain;
    }
    p->asks = asks;
    p->current = said->current;
    p->target = said->target;
    p->floor = said->floor;
    p->value = said->value;
    if (roster_heard_of(r, message, p->lights_epoch)) {
        p->lights_epoch = 0;
    }
    span(p);
}

void
roster_grant(struct roster_player *player, int64_t amount, uint64_t epoch)
{
    bool first = player->lights_epoch == 0;

    player->lights_lo = first ? amount : lesser(player->lights_lo, amount);
    player->lights_hi = first ? amount : larger(player->lights_hi, amount);
    player->lights_epoch = epoch;
    span(player);
}

/* Takes the member out of the queue for expiry. */
static void
unqueue(struct roster *r, struct roster_member *m)
{
    if (m->older != TABLE_NONE) {
        roster_at(r, m->older)->newer = m->newer;
    } else {
        r->oldest = m->newer;
    }
    if (m->newer != TABLE_NONE) {
        roster_at(r, m->newer)->older = m->older;
    } else {
        r->newest = m->older;
    }
    m->heard = false;
    r->heard--;
}

static void
enqueue(struct roster *r, uint32_t member, struct gt_time now)
{
    struct roster_member *m = roster_at(r, member);

    if (m->heard) {
        unqueue(r, m);
    }
    m->heard = true;
    m->heard_ms = now.mono_ms;
    m->older = r->newest;
    m->newer = TABLE_NONE;
    if (r->newest != TABLE_NONE) {
        roster_at(r, r->newest)->newer = member;
    } else {
        r->oldest = member;
    }
    r->newest = member;
    r->heard++;
}

void
roster_take(struct roster *r, uint32_t member,
            const struct wire_strategy *message, struct gt_time now)
{
    struct roster_member *m = roster_at(r, member);

    if (message->kind == WIRE_HELLO) {
        introduce(m, message);
    }
    if (message->kind == WIRE_INTENT) {
        m->intent_seq = message->seq;
    }
    m->incarnation = message->incarnation;
    /* Bye is the last word of an incarnation, whatever still arrives. */
    m->seq = message->kind == WIRE_BYE ? UINT64_MAX : message->seq;
    m->asks = false;
    for (size_t i = 0; i < m->containers_len; i++) {
        for (int k = 0; k < GT_RESOURCES; k++) {
            take_player(r, &m->players[i][k], message,
                        &message->containers[i].players[k]);
            m->asks = m->asks || m->players[i][k].asks;
        }
    }
    enqueue(r, member, now);
}

void
roster_leave(struct roster *r, uint32_t member)
{
    struct roster_member *m = roster_at(r, member);

    if (m->heard) {
        unqueue(r, m);
    }
    m->asks = false;
}

uint32_t
roster_expired(const struct roster *r, struct gt_time now)
{
    return now.mono_ms >= roster_expiry_ms(r) ? r->oldest : TABLE_NONE;
}

uint64_t
roster_expiry_ms(const struct roster *r)
{
    return r->oldest == TABLE_NONE
               ? GT_NEVER_MS
               : roster_at(r, r->oldest)->heard_ms + ROSTER_EXPIRY_MS;
}

void
roster_remove(struct roster *r, uint32_t member)
{
    roster_leave(r, member);
    table_remove(&r->table, member);
}

const char *
roster_fate_name(enum roster_fate fate)
{
    static const char *const names[] = {
        [ROSTER_TAKEN] = "taken",       [ROSTER_JOINED] = "joined",
        [ROSTER_E_UNKNOWN] = "unknown", [ROSTER_E_OLDER] = "older",
        [ROSTER_E_STALE] = "stale",     [ROSTER_E_SHAPE] = "shape",
        [ROSTER_E_RANGE] = "range",     [ROSTER_E_MISPLACED] = "misplaced",
        [ROSTER_E_FULL] = "full",
    };

    return (size_t)fate < GT_ARRAY_LEN(names) ? names[fate] : "?";
}
