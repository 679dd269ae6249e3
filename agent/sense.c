/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sense.h"

#include <inttypes.h>
#include <string.h>

#include "agent/act.h"
#include "agent/lever.h"

static void
feed(struct agent *a, struct agent_container *container, struct gt_time now)
{
    const struct sensor_rates *rates = &container->rates;
    struct player *memory = &container->players[GT_MEMORY];
    double working_set = gt_grid_units(GT_MEMORY, rates->working_set_bytes);

    player_sample(&container->players[GT_CPU], rates->cpu_cores,
                  rates->throttled_share, rates->seconds);
    player_sample(memory, working_set, 0.0, rates->seconds);
    if (rates->oom_kills > 0) {
        a->counts.oom_kills += rates->oom_kills;
        container->oom_ms = now.mono_ms;
        player_oom(memory, now);
        gt_log_line(a->log, GT_LOG_ERROR, "oom_kill", "limit_bytes=%" PRId64,
                    act_limit(&a->pod.containers[container - a->containers],
                              memory, memory->current));
    }
}

static bool
memory_is_short(const struct agent_container *container,
                const struct kube_container *has)
{
    int64_t limit = has->spec.limits[GT_MEMORY];

    return limit > 0 && (double)container->rates.working_set_bytes >
                            PLAYER_MEMORY_SHARE * (double)limit;
}

/* Reads one container; false when it cannot be seen. */
static bool
look(struct agent *a, size_t index, const struct agent_figures *figures,
     struct gt_time now)
{
    struct agent_container *container = &a->containers[index];
    struct sensor_rates *rates = &container->rates;

    container->short_of[GT_CPU] = false;
    container->short_of[GT_MEMORY] = false;
    if (index >= figures->len || figures->of[index].outcome != CGROUP_OK) {
        sensor_lost(&container->sensor);
        return false;
    }
    if (sensor_read(&container->sensor, &figures->of[index].sample, now,
                    rates) == SENSOR_OK &&
        a->phase == AGENT_PLAYING) {
        feed(a, container, now);
        container->short_of[GT_CPU] =
            rates->throttled_share >= PLAYER_THROTTLED_SHARE;
        container->short_of[GT_MEMORY] =
            rates->oom_kills > 0 ||
            memory_is_short(container, &a->pod.containers[index]);
    }
    return true;
}

static void
tell_blindness(struct agent *a, bool blind)
{
    if (blind) {
        a->counts.blind_samples++;
    }
    if (blind != a->blind) {
        gt_log_event(a->log, blind ? GT_LOG_ERROR : GT_LOG_INFO,
                     blind ? "blind" : "seeing");
    }
    a->blind = blind;
}

/* What was decided before, so that the log tells a change of mind only. */
struct mind {
    enum player_verdict verdict;
    int64_t best;
};

static void
log_decision(struct agent *a, struct agent_seat seat, const struct mind *before,
             double price)
{
    const struct player *p = seat.player;
    bool wish = player_wishes(p);
    bool news =
        wish && (p->verdict != before->verdict || p->best != before->best);

    gt_log_line(a->log, news ? GT_LOG_INFO : GT_LOG_DEBUG, "decision",
                "container=%s resource=%s verdict=%s reason=%s "
                "current=%" PRId64 " floor=%" PRId64 " best=%" PRId64
                " gain=%.4g price=%.4g",
                a->pod.containers[seat.container].name,
                gt_resource_name(p->resource), player_verdict_name(p->verdict),
                wish ? player_reason_name(p->reason) : "-", p->current,
                p->floor, p->best, p->gain, price);
}

/* Nothing may take memory while a handshake about it is open. */
static bool
is_shaking(const struct agent *a, size_t index, enum gt_resource resource)
{
    return resource == GT_MEMORY && a->handshake.phase != HANDSHAKE_IDLE &&
           a->handshake.container == index;
}

static void
decide(struct agent *a, struct agent_seat seat, bool urgent, struct gt_time now)
{
    struct agent_container *container = &a->containers[seat.container];
    enum gt_resource resource = seat.resource;
    struct player *p = seat.player;
    const struct wire_load *load = &a->mesh.loads[resource];
    struct gt_congestion node = {
        .capacity = gt_grid_units(resource, load->capacity),
        .rho0 = load->rho0,
        .p1 = load->p1,
        .exponent = load->exponent,
    };
    bool alone = mesh_alone(&a->mesh, now) || load->capacity <= 0;
    struct player_view view = {
        .now = now,
        .node = alone ? NULL : &node,
        .load_lo = alone ? 0.0 : gt_grid_units(resource, load->lo),
        .load_hi = alone ? 0.0 : gt_grid_units(resource, load->hi),
        .urgent = urgent,
        .strong = urgent &&
                  (resource == GT_MEMORY ||
                   container->rates.throttled_share >= PLAYER_EVIDENCE_SHARE),
        .contention = container->rates.pressure_share,
    };

    struct mind before = {p->verdict, p->best};

    player_decide(p, &view);
    log_decision(a, seat, &before, alone ? 0.0 : load->price);
    if (container->policy.mode != POLICY_APPLY) {
        player_drop(p);
    }
}

static bool
urgent_due(const struct agent *a, size_t index, enum gt_resource resource,
           struct gt_time now)
{
    const struct agent_container *container = &a->containers[index];

    return container->short_of[resource] &&
           player_urgent_due(&container->players[resource],
                             a->mesh.loads[resource].hi, now);
}

/* A proposal was accepted: pull the lever, if there is one. */
static void
begin_release(struct agent *a, struct gt_time now, struct agent_update *update)
{
    const struct handshake *h = &a->handshake;

    gt_log_line(a->log, GT_LOG_INFO, "shrink_proposed",
                "container=%s target_bytes=%" PRId64 " owner=%s",
                a->pod.containers[h->container].name, h->target_bytes,
                h->owner == HANDSHAKE_OWN ? "agent" : "admin");
    lever_release(a, h->container, h->target_bytes, update);
    if (!(update->todo & AGENT_DO_RELEASE)) {
        handshake_released(&a->handshake, true, now.mono_ms);
    }
}

/* Memory is short while a shrink of it is being prepared: never mind. */
static void
abandon_shrink(struct agent *a, size_t index, enum gt_resource resource,
               struct gt_time now, struct agent_update *update)
{
    if (is_shaking(a, index, resource) && a->handshake.owner == HANDSHAKE_OWN) {
        handshake_close(&a->handshake, false, now.mono_ms);
        lever_restore(a, index, update);
    }
}

static void
propose(struct agent *a, size_t index, struct gt_time now,
        struct agent_update *update)
{
    const struct agent_container *container = &a->containers[index];
    const struct kube_container *has = &a->pod.containers[index];
    const struct player *p = &container->players[GT_MEMORY];
    struct handshake_proposal proposal = {
        .owner = HANDSHAKE_OWN,
        .container = (unsigned)index,
        .target_bytes = act_limit(has, p, p->want),
        .punishment_bytes = act_limit(has, p, p->floor),
    };

    if (container->policy.release != POLICY_RELEASE_NONE &&
        a->resize.phase == RESIZE_IDLE &&
        handshake_propose(&a->handshake, &proposal, now.mono_ms) == SHRINK_OK) {
        begin_release(a, now, update);
    } else {
        player_drop(&a->containers[index].players[GT_MEMORY]);
    }
}

/* A shrink of memory under a limit starts with a handshake; without a limit
 * there is nothing that could kill. */
static bool
needs_handshake(const struct agent *a, struct agent_seat seat)
{
    return seat.resource == GT_MEMORY && seat.player->limited &&
           player_wishes_less(seat.player) &&
           !is_shaking(a, seat.container, GT_MEMORY);
}

static void
decide_all(struct agent *a, bool tick, struct gt_time now,
           struct agent_update *update)
{
    for (size_t i = 0; i < agent_seats(a); i++) {
        struct agent_seat seat = agent_seat(a, i);
        size_t index = seat.container;
        bool ticked = tick && !is_shaking(a, index, seat.resource);

        /* At a tick all are equal: even who is short may have to give way. */
        if (ticked) {
            decide(a, seat, false, now);
        }
        if (!(ticked && player_wishes(seat.player)) &&
            urgent_due(a, index, seat.resource, now)) {
            abandon_shrink(a, index, seat.resource, now, update);
            decide(a, seat, true, now);
        }
        if (needs_handshake(a, seat)) {
            propose(a, index, now, update);
        }
    }
}

static void
reply(struct agent *a, enum shrink_reason reason,
      const struct handshake_figures *figures, struct agent_update *update)
{
    const struct handshake *h = &a->handshake;
    struct shrink_answer answer = {
        .reason = reason,
        .target_bytes = h->target_bytes,
        .floor_bytes = figures->floor_bytes,
        .gate_bytes = figures->gate_bytes,
        .margin_bytes =
            handshake_margin_bytes(h->target_bytes, figures->growth_bytes_s),
        .expires_ms = reason == SHRINK_OK ? HANDSHAKE_EXPIRY_MS : 0,
    };

    a->last_shrink = answer;
    if (h->owner == HANDSHAKE_EXTERNAL) {
        update->todo |= AGENT_DO_REPLY;
        update->reply = answer;
    }
}

static void
tell_verdict(struct agent *a, enum shrink_reason reason,
             const struct handshake_figures *figures,
             struct agent_update *update)
{
    const struct handshake *h = &a->handshake;

    gt_log_line(a->log, reason == SHRINK_OK ? GT_LOG_INFO : GT_LOG_WARNING,
                reason == SHRINK_OK ? "shrink_verified" : "shrink_refused",
                "container=%s target_bytes=%" PRId64 " reason=%s "
                "floor_bytes=%" PRId64 " gate_bytes=%" PRId64,
                a->pod.containers[h->container].name, h->target_bytes,
                shrink_reason_name(reason), figures->floor_bytes,
                figures->gate_bytes);
    reply(a, reason, figures, update);
}

/* Who asked by POST may have lowered the limit meanwhile: look before the app
 * is told that it may grow again. */
static void
expire(struct agent *a, struct agent_update *update)
{
    const struct handshake *h = &a->handshake;

    if (h->owner == HANDSHAKE_EXTERNAL) {
        a->restore_due = true;
        update->todo |= AGENT_DO_READ;
        return;
    }
    player_drop(&a->containers[h->container].players[GT_MEMORY]);
    lever_restore(a, h->container, update);
}

static void
check_handshake(struct agent *a, struct gt_time now,
                struct agent_update *update)
{
    struct handshake *h = &a->handshake;
    struct player *p = &a->containers[h->container].players[GT_MEMORY];
    struct handshake_figures figures = act_figures(a, h->container);
    enum shrink_reason reason = SHRINK_OK;

    if (a->resize.phase != RESIZE_IDLE && p->target < p->current) {
        return; /* it is being committed, and ends with the resize */
    }
    switch (handshake_check(h, &figures, now.mono_ms, &reason)) {
    case HANDSHAKE_OPEN:
        break;
    case HANDSHAKE_VERIFIED:
        a->counts.handshakes_ok++;
        tell_verdict(a, SHRINK_OK, &figures, update);
        break;
    case HANDSHAKE_REFUSED:
        a->counts.handshakes_refused++;
        tell_verdict(a, reason, &figures, update);
        player_drop(p);
        lever_restore(a, h->container, update);
        break;
    case HANDSHAKE_EXPIRED:
        gt_log_event(a->log, GT_LOG_INFO, "shrink_expired");
        expire(a, update);
        break;
    }
}

static void
close_tick(struct agent *a, struct gt_time now)
{
    for (size_t i = 0; i < a->containers_len; i++) {
        player_tick(&a->containers[i].players[GT_CPU]);
        player_tick(&a->containers[i].players[GT_MEMORY]);
    }
    a->tick_at_ms += AGENT_TICK_MS;
    if (a->tick_at_ms <= now.mono_ms) {
        a->tick_at_ms = now.mono_ms + AGENT_TICK_MS;
    }
}

static void
decide_and_act(struct agent *a, bool tick, struct gt_time now,
               struct agent_update *update)
{
    if (a->handshake.phase != HANDSHAKE_IDLE) {
        check_handshake(a, now, update);
    }
    act_commit(a, now, update);
    if (a->blind) {
        return; /* never resize blind */
    }
    decide_all(a, tick, now, update);
    if (mesh_alone(&a->mesh, now)) {
        act_alone(a, now, update);
    } else {
        act_intend(a, now, update);
    }
}

void
sense_figures(struct agent *a, const struct agent_figures *figures,
              struct gt_time now, struct agent_update *update)
{
    bool blind = a->containers_len == 0;
    bool tick = now.mono_ms >= a->tick_at_ms;

    a->counts.samples++;
    for (size_t i = 0; i < a->containers_len; i++) {
        blind = !look(a, i, figures, now) || blind;
    }
    tell_blindness(a, blind);
    if (a->phase != AGENT_PLAYING) {
        return;
    }
    if (tick) {
        close_tick(a, now);
    }
    decide_and_act(a, tick, now, update);
    if (tick && !(update->todo & AGENT_DO_PUBLISH)) {
        act_publish(a, WIRE_HEARTBEAT, "", update);
    }
}

void
sense_released(struct agent *a, bool released, struct gt_time now,
               struct agent_update *update)
{
    handshake_released(&a->handshake, released, now.mono_ms);
    if (a->phase == AGENT_PLAYING) {
        check_handshake(a, now, update);
    }
}

static int
container_to_shrink(const struct agent *a)
{
    return a->containers_len == 1 ? 0 : -1;
}

void
sense_proposed(struct agent *a, int64_t target_bytes, struct gt_time now,
               struct agent_update *update)
{
    int index = container_to_shrink(a);
    struct handshake_proposal proposal = {
        .owner = HANDSHAKE_EXTERNAL,
        .container = index < 0 ? 0 : (unsigned)index,
        .target_bytes = target_bytes,
    };
    enum shrink_reason reason = SHRINK_OK;

    update->reply.target_bytes = target_bytes;
    if (a->phase != AGENT_PLAYING || a->blind) {
        reason = SHRINK_BLIND;
    } else if (index < 0) {
        reason = SHRINK_AMBIGUOUS;
    } else {
        const struct player *p = &a->containers[index].players[GT_MEMORY];

        proposal.punishment_bytes =
            act_limit(&a->pod.containers[index], p, p->floor);
        reason = handshake_propose(&a->handshake, &proposal, now.mono_ms);
    }
    if (reason == SHRINK_OK) {
        begin_release(a, now, update);
        return;
    }
    update->todo |= AGENT_DO_REPLY;
    update->reply.reason = reason;
}
