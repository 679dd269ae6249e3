/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/arbiter.h"

#include <inttypes.h>
#include <string.h>

#include "arbiter/books.h"
#include "arbiter/census.h"
#include "arbiter/round.h"

#define ALIGN ((size_t)16)

/* Between two warnings about strategies of one fate. */
#define WARN_GAP_MS 10000

struct arbiter_config
arbiter_defaults(void)
{
    return (struct arbiter_config){
        .max_agents = 10000,
        .max_nodes = 1024,
        .max_pods = 20000,
        .listen_first_ms = 15000,
        .greens_per_s = 20.0,
        .rho0 = GT_GAME_RHO0,
        .p1 = GT_GAME_P1,
        .exponent = GT_GAME_EXPONENT,
    };
}

static uint32_t
moves_for(const struct arbiter_config *config)
{
    return 2 * config->max_agents * GT_RESOURCES;
}

static uint32_t
players_for(const struct arbiter_config *config)
{
    return config->max_agents * WIRE_CONTAINERS_MAX;
}

/* The next @size bytes of the arbiter's memory; @base may be NULL to count. */
static void *
carve(unsigned char *base, size_t *used, size_t size)
{
    void *at = base == NULL ? NULL : base + *used;

    *used += (size + ALIGN - 1) & ~(ALIGN - 1);
    return at;
}

/* Where everything lies; without memory only its size. */
static size_t
lay_out(struct arbiter *a, unsigned char *memory,
        const struct arbiter_config *config)
{
    size_t used = 0;
    void *roster;
    void *capacity;
    void *audit;

    carve(memory, &used, sizeof(*a));
    roster = carve(memory, &used, roster_size(config->max_agents));
    capacity = carve(memory, &used,
                     capacity_size(config->max_nodes, config->max_pods));
    audit = carve(memory, &used, audit_size(moves_for(config)));
    a->seats = carve(memory, &used, config->max_nodes * sizeof(*a->seats));
    a->due_ms = carve(memory, &used, config->max_nodes * sizeof(*a->due_ms));
    a->wishes = carve(memory, &used, players_for(config) * sizeof(*a->wishes));
    a->sending.listed =
        carve(memory, &used, config->max_agents * sizeof(*a->sending.listed));
    a->sending.lights = carve(memory, &used,
                              (size_t)GT_RESOURCES * players_for(config) *
                                  sizeof(*a->sending.lights));
    if (memory != NULL) {
        roster_init(&a->roster, roster, config->max_agents,
                    config->incarnation);
        capacity_init(&a->capacity, capacity, config->max_nodes,
                      config->max_pods);
        audit_init(&a->audit, audit, moves_for(config));
    }
    return used;
}

size_t
arbiter_size(const struct arbiter_config *config)
{
    struct arbiter counted;

    return lay_out(&counted, NULL, config);
}

struct arbiter *
arbiter_init(void *memory, const struct arbiter_config *config,
             struct gt_log *log)
{
    struct arbiter *a = memory;

    lay_out(a, memory, config);
    a->config = config;
    a->log = log;
    a->soonest_ms = GT_NEVER_MS;
    return a;
}

/* A hello must come from where its pod is; and there must be room for it. */
static enum roster_fate
place(struct arbiter *a, const struct wire_strategy *hello, uint32_t *member)
{
    uint32_t pod = capacity_find_pod(&a->capacity, hello->id);
    bool bound = pod != TABLE_NONE &&
                 capacity_pod(&a->capacity, pod)->node != TABLE_NONE;

    if (bound) {
        uint32_t node = capacity_pod(&a->capacity, pod)->node;

        if (strcmp(capacity_node(&a->capacity, node)->name, hello->node) != 0) {
            return ROSTER_E_MISPLACED;
        }
    }
    if (*member != TABLE_NONE) {
        return ROSTER_TAKEN;
    }
    *member = roster_join(&a->roster, hello);
    if (*member == TABLE_NONE) {
        return ROSTER_E_FULL;
    }
    pod = capacity_have_pod(&a->capacity, hello->id, hello->node);
    if (pod == TABLE_NONE) {
        roster_remove(&a->roster, *member);
        return ROSTER_E_FULL;
    }
    roster_at(&a->roster, *member)->claim = pod;
    capacity_pod(&a->capacity, pod)->member = *member;
    return ROSTER_TAKEN;
}

static void
tell_refused(struct arbiter *a, const struct wire_strategy *message,
             enum roster_fate fate)
{
    uint64_t now_ms = a->log->mono_ms;
    bool grave = fate == ROSTER_E_SHAPE || fate == ROSTER_E_RANGE ||
                 fate == ROSTER_E_MISPLACED || fate == ROSTER_E_FULL;
    char quoted[GT_LOG_QUOTE_MAX];

    if (grave && a->told_ms[fate] != 0 &&
        now_ms - a->told_ms[fate] < WARN_GAP_MS) {
        return;
    }
    a->told_ms[fate] = now_ms;
    gt_log_line(a->log, grave ? GT_LOG_WARNING : GT_LOG_DEBUG, "refused",
                "kind=%s fate=%s agent=%s", wire_kind_name(message->kind),
                roster_fate_name(fate), gt_log_quote(quoted, message->id));
}

static void
log_joined(const struct arbiter *a, uint32_t member)
{
    const struct roster_member *m = roster_at(&a->roster, member);

    gt_log_line(a->log, GT_LOG_INFO, "joined",
                "node=%s pod=%s/%s containers=%zu agents=%" PRIu32, m->node,
                m->space, m->pod, m->containers_len, a->roster.heard);
}

/* Did the load of a resource that has a price fall?  Others may wait for it. */
static bool
made_room(const struct wire_load before[GT_RESOURCES],
          const struct wire_load after[GT_RESOURCES])
{
    return (before[GT_CPU].price > 0 && after[GT_CPU].hi < before[GT_CPU].hi) ||
           (before[GT_MEMORY].price > 0 &&
            after[GT_MEMORY].hi < before[GT_MEMORY].hi);
}

static void
take(struct arbiter *a, uint32_t member, const struct wire_strategy *message,
     enum roster_fate fate, struct gt_time now)
{
    struct roster_member *m = roster_at(&a->roster, member);
    uint32_t node = capacity_pod(&a->capacity, m->claim)->node;
    struct wire_load before[GT_RESOURCES];
    struct wire_load after[GT_RESOURCES];

    round_loads(a, capacity_node(&a->capacity, node), before);
    books_judge_moves(a, member, message, now);
    roster_take(&a->roster, member, message, now);
    if (fate == ROSTER_JOINED) {
        log_joined(a, member);
    }
    if (message->kind == WIRE_BYE) {
        books_leave(a, member, "left");
        return;
    }
    books_claim(a, m->claim);
    round_loads(a, capacity_node(&a->capacity, node), after);
    if (m->asks) {
        round_wanted(a, node, ARBITER_GAP_MS, now);
    } else if (message->kind == WIRE_HELLO || fate == ROSTER_JOINED ||
               made_room(before, after)) {
        round_wanted(a, node, ARBITER_NEWS_MS, now);
    }
}

static void
on_heard(struct arbiter *a, const struct wire_strategy *message,
         struct gt_time now)
{
    uint32_t member;
    enum roster_fate fate = roster_judge(&a->roster, message, &member);
    bool taken = fate == ROSTER_TAKEN || fate == ROSTER_JOINED;

    if (taken && message->kind == WIRE_HELLO) {
        enum roster_fate placed = place(a, message, &member);

        fate = placed == ROSTER_TAKEN ? fate : placed;
        taken = placed == ROSTER_TAKEN;
    }
    a->counts.messages[message->kind][fate]++;
    if (taken) {
        take(a, member, message, fate, now);
    } else {
        tell_refused(a, message, fate);
    }
}

static void
expire(struct arbiter *a, struct gt_time now)
{
    uint32_t member;

    while ((member = roster_expired(&a->roster, now)) != TABLE_NONE) {
        a->counts.expired++;
        books_leave(a, member, "expired");
    }
}

static void
dispatch(struct arbiter *a, const struct arbiter_event *event)
{
    switch (event->kind) {
    case ARBITER_START:
        a->start_ms = event->now.mono_ms;
        gt_log_line(a->log, GT_LOG_INFO, "started",
                    "incarnation=%" PRIx64 " simultaneous=%d",
                    a->config->incarnation, a->config->simultaneous);
        break;
    case ARBITER_WAKE:
        break;
    case ARBITER_HEARD:
        on_heard(a, event->strategy, event->now);
        break;
    case ARBITER_GARBLED:
        a->counts.garbled[event->garbled]++;
        break;
    case ARBITER_POD:
        census_pod(a, event->watch);
        break;
    case ARBITER_NODE:
        census_node(a, event->watch);
        break;
    case ARBITER_LISTING:
        capacity_listing(&a->capacity, event->object);
        break;
    case ARBITER_SYNCED:
        census_synced(a, event->object);
        break;
    case ARBITER_LOST:
        census_lost(a, event->object);
        break;
    case ARBITER_STOP:
        gt_log_event(a->log, GT_LOG_INFO, "stopped");
        break;
    }
}

void
arbiter_step(struct arbiter *a, const struct arbiter_event *event,
             struct arbiter_update *update)
{
    uint64_t expiry_ms;

    a->log->mono_ms = event->now.mono_ms;
    dispatch(a, event);
    expire(a, event->now);
    expiry_ms = roster_expiry_ms(&a->roster);
    *update = (struct arbiter_update){
        .todo = round_due(a, event->now) ? ARBITER_DO_SIGNAL : 0U,
        .wake_ms = a->soonest_ms < expiry_ms ? a->soonest_ms : expiry_ms,
    };
}

static const char *
id_of(const struct arbiter *a, const struct books_listed *listed)
{
    const struct roster_member *m = roster_at(&a->roster, listed->member);

    return m->serial == listed->serial ? m->id : "";
}

static void
fill_known(const struct arbiter *a, struct wire_signal *out)
{
    const struct books_sending *s = &a->sending;
    uint32_t end = (s->part + 1) * WIRE_KNOWN_MAX;

    for (uint32_t i = end - WIRE_KNOWN_MAX; i < end && i < s->listed_len; i++) {
        const char *id = id_of(a, &s->listed[i]);

        if (id[0] != '\0') {
            memcpy(out->known[out->known_len++], id, WIRE_ID_MAX);
        }
    }
}

static void
fill_lights(const struct arbiter *a, struct wire_signal *out)
{
    const struct books_sending *s = &a->sending;
    uint32_t end = (s->part + 1) * WIRE_LIGHTS_MAX;

    for (uint32_t i = end - WIRE_LIGHTS_MAX; i < end && i < s->lights_len;
         i++) {
        const struct books_light *from = &s->lights[i];
        const char *id = id_of(a, &from->to);
        struct wire_light *to = &out->lights[out->lights_len];

        if (id[0] == '\0') {
            continue;
        }
        memcpy(to->id, id, WIRE_ID_MAX);
        to->seq = from->seq;
        to->container = from->container;
        to->resource = from->resource;
        to->color = from->color;
        to->amount = from->amount;
        out->lights_len++;
    }
}

bool
arbiter_next_signal(struct arbiter *a, struct gt_time now,
                    struct wire_signal *out)
{
    struct books_sending *s = &a->sending;

    a->log->mono_ms = now.mono_ms;
    if (!s->active && !round_next(a, now)) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out->node, s->node, sizeof(out->node));
    out->incarnation = a->config->incarnation;
    out->epoch = s->epoch;
    out->part = s->part;
    out->parts = s->parts;
    out->valid_ms = ARBITER_VALID_MS;
    out->deadline_ms = ARBITER_DEADLINE_MS;
    memcpy(out->loads, s->loads, sizeof(out->loads));
    fill_known(a, out);
    fill_lights(a, out);
    a->counts.parts++;
    s->active = ++s->part < s->parts;
    return true;
}

const struct arbiter_counts *
arbiter_counts(const struct arbiter *a)
{
    return &a->counts;
}

bool
arbiter_synced(const struct arbiter *a)
{
    return a->synced[KUBE_OBJECT_POD] && a->synced[KUBE_OBJECT_NODE];
}

static void
add_values(const struct roster_member *m, struct arbiter_node_view *out)
{
    for (size_t i = 0; i < m->containers_len * GT_RESOURCES; i++) {
        size_t r = i % GT_RESOURCES;

        out->of[r].potential += m->players[i / GT_RESOURCES][r].value;
    }
}

static void
add_members(const struct arbiter *a, const struct capacity_node *node,
            struct arbiter_node_view *out)
{
    for (uint32_t pod = node->first; pod != TABLE_NONE;
         pod = capacity_next_pod(&a->capacity, pod)) {
        uint32_t member = capacity_pod(&a->capacity, pod)->member;

        if (member != TABLE_NONE && roster_at(&a->roster, member)->heard) {
            out->agents++;
            add_values(roster_at(&a->roster, member), out);
        }
    }
}

bool
arbiter_next_node(const struct arbiter *a, uint32_t *cursor,
                  struct arbiter_node_view *out)
{
    uint32_t node = table_next(&a->capacity.nodes, cursor);
    const struct capacity_node *n;
    struct wire_load loads[GT_RESOURCES];

    if (node == TABLE_NONE) {
        return false;
    }
    n = capacity_node(&a->capacity, node);
    memset(out, 0, sizeof(*out));
    out->name = n->name;
    if (a->seats[node].serial == n->serial) {
        out->epoch = a->seats[node].epoch;
        out->potential_drops = a->seats[node].drops;
    }
    add_members(a, n, out);
    round_loads(a, n, loads);
    for (int r = 0; r < GT_RESOURCES; r++) {
        enum gt_resource resource = (enum gt_resource)r;
        struct gt_congestion congestion = books_congestion(a, n, resource);

        out->of[r].load = loads[r];
        out->of[r].potential -= gt_game_congestion(
            &congestion, gt_grid_units(resource, n->loads[r].mid));
    }
    return true;
}

bool
arbiter_next_agent(const struct arbiter *a, struct gt_time now,
                   uint32_t *cursor, struct arbiter_agent_view *out)
{
    uint32_t member = table_next(&a->roster.table, cursor);
    const struct roster_member *m;

    if (member == TABLE_NONE) {
        return false;
    }
    m = roster_at(&a->roster, member);
    *out = (struct arbiter_agent_view){
        .id = m->id,
        .space = m->space,
        .pod = m->pod,
        .node = m->node,
        .heard = m->heard,
        .age_ms = now.mono_ms - m->heard_ms,
        .containers_len = m->containers_len,
    };
    for (size_t i = 0; i < m->containers_len * GT_RESOURCES; i++) {
        const struct roster_player *p =
            &m->players[i / GT_RESOURCES][i % GT_RESOURCES];

        out->players[i / GT_RESOURCES][i % GT_RESOURCES] =
            (struct arbiter_player_view){
                .lo = p->lo,
                .hi = p->hi,
                .current = p->current,
                .target = p->target,
                .want = p->asks ? p->want : p->target,
                .floor = p->floor,
            };
    }
    return true;
}
