/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/act.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "agent/lever.h"

/* An intent whose lights did not come is told again, with fresh state. */
#define INTENT_REPEAT_MS 1000
/* An OOM kill is flagged to the arbiter for as long. */
#define OOM_FLAG_MS 60000

static struct player *
player_of(struct agent *a, size_t index, enum gt_resource resource)
{
    return &a->containers[index].players[resource];
}

int64_t
act_limit(const struct kube_container *has, const struct player *p,
          int64_t request)
{
    int64_t limit = has->spec.limits[p->resource];
    double quantum = p->resource == GT_CPU ? 1.0 : (double)(1 << 20);

    if (!p->limited) {
        return KUBE_ABSENT;
    }
    if (request == has->spec.requests[p->resource]) {
        return limit;
    }
    return (int64_t)(ceil((double)request * p->beta / quantum - 1e-6) *
                     quantum);
}

struct handshake_figures
act_figures(const struct agent *a, size_t index)
{
    const struct agent_container *container = &a->containers[index];
    double peak = demand_peak(&container->players[GT_MEMORY].demand);

    return sensor_figures(&container->sensor,
                          (int64_t)(peak * (double)(1 << 20)));
}

bool
act_verified(const struct agent *a)
{
    const struct handshake *h = &a->handshake;
    struct handshake_figures figures = act_figures(a, h->container);

    return handshake_verify(&figures, h->target_bytes) == SHRINK_OK;
}

/* Is a growth under way?  Nothing takes its place. */
static bool
is_growing(const struct agent *a)
{
    bool growing = false;

    for (size_t i = 0; i < a->containers_len; i++) {
        const struct player *players = a->containers[i].players;

        growing = growing || players[GT_CPU].target > players[GT_CPU].current ||
                  players[GT_MEMORY].target > players[GT_MEMORY].current;
    }
    return growing;
}

/* Is the wish one to ask lights for?  A memory shrink under a limit is, once
 * its handshake holds; while a shrink is under way only growth above what is in
 * force is, while a growth is, nothing. */
static bool
offers(const struct agent *a, size_t index, enum gt_resource resource)
{
    const struct player *p = &a->containers[index].players[resource];
    const struct handshake *h = &a->handshake;

    if (!player_wishes(p)) {
        return false;
    }
    if (a->resize.phase != RESIZE_IDLE) {
        return p->want > p->current && !is_growing(a);
    }
    if (!player_wishes_less(p)) {
        return true;
    }
    return resource != GT_MEMORY || !p->limited ||
           (h->phase == HANDSHAKE_HOLDING && h->owner == HANDSHAKE_OWN &&
            h->container == index);
}

/* Offered, and the budget allows the patch that would follow. */
static bool
may_offer(const struct agent *a, size_t index, enum gt_resource resource,
          struct gt_time now)
{
    const struct player *p = &a->containers[index].players[resource];

    return offers(a, index, resource) &&
           guard_may_resize(&a->guard, &p->guard, p->urgency, now) == GUARD_OK;
}

static uint32_t
flags_of(const struct agent *a, struct gt_time now)
{
    uint32_t flags = 0;

    for (size_t i = 0; i < a->containers_len; i++) {
        const struct agent_container *container = &a->containers[i];

        flags |= container->short_of[GT_CPU] ? WIRE_FLAG_THROTTLED : 0U;
        flags |= container->oom_ms > 0 &&
                         now.mono_ms - container->oom_ms < OOM_FLAG_MS
                     ? WIRE_FLAG_OOM
                     : 0U;
    }
    flags |= a->handshake.phase != HANDSHAKE_IDLE ? WIRE_FLAG_HANDSHAKE : 0U;
    flags |= a->acted_alone ? WIRE_FLAG_ALONE : 0U;
    return flags;
}

static void
describe(const struct player *p, bool offered, struct wire_player *out)
{
    out->current = p->current;
    out->target = p->target;
    out->want = offered ? p->want : p->target;
    out->gain = offered ? p->gain : 0.0;
    out->floor = p->floor;
    out->max = p->max > p->floor ? p->max : p->floor;
    out->value = player_value(p);
}

static void
copy_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

static void
introduce(const struct agent *a, struct wire_strategy *message)
{
    copy_text(message->node, sizeof(message->node), a->config->node);
    copy_text(message->space, sizeof(message->space), a->config->space);
    copy_text(message->pod, sizeof(message->pod), a->config->pod);
    copy_text(message->workload, sizeof(message->workload), a->pod.workload);
    for (size_t i = 0; i < a->containers_len; i++) {
        copy_text(message->containers[i].name,
                  sizeof(message->containers[i].name),
                  a->pod.containers[i].name);
    }
}

void
act_publish(struct agent *a, enum wire_kind kind, const char *reason,
            struct agent_update *update)
{
    struct wire_strategy *message = &update->message;
    struct gt_time now = {.mono_ms = a->log->mono_ms};

    memset(message, 0, sizeof(*message));
    mesh_stamp(&a->mesh, kind, message);
    message->flags = flags_of(a, now);
    copy_text(message->reason, sizeof(message->reason), reason);
    message->containers_len = a->containers_len;
    for (size_t i = 0; i < agent_seats(a); i++) {
        struct agent_seat seat = agent_seat(a, i);
        struct wire_container *container = &message->containers[seat.container];
        bool offered = kind == WIRE_INTENT &&
                       may_offer(a, seat.container, seat.resource, now);

        container->weight = a->containers[seat.container].policy.weight;
        describe(seat.player, offered, &container->players[seat.resource]);
    }
    if (kind == WIRE_HELLO) {
        introduce(a, message);
    }
    a->acted_alone = false;
    update->todo |= AGENT_DO_PUBLISH;
}

/* Wishes that the budget holds back now are given up: the next decision
 * comes with fresh figures. */
static bool
keep_offers(struct agent *a, struct gt_time now)
{
    bool any = false;

    for (size_t i = 0; i < agent_seats(a); i++) {
        struct agent_seat seat = agent_seat(a, i);

        if (may_offer(a, seat.container, seat.resource, now)) {
            any = true;
        } else if (offers(a, seat.container, seat.resource) &&
                   seat.resource == GT_CPU) {
            player_drop(seat.player);
        }
    }
    return any;
}

void
act_intend(struct agent *a, struct gt_time now, struct agent_update *update)
{
    if (!keep_offers(a, now)) {
        a->intent_held = false;
        return;
    }
    if (a->lights_due && now.mono_ms - a->intent_ms < INTENT_REPEAT_MS) {
        return; /* its lights are on their way */
    }
    a->intent_held = a->intent_held || a->lights_due;
    act_publish(a, WIRE_INTENT, "", update);
    a->counts.intents++;
    a->intent_seq = a->mesh.seq;
    a->lights_due = true;
    a->intent_ms = now.mono_ms;
}

static bool
is_moving(const struct player *p)
{
    return p->target != p->current;
}

/* A growth supersedes the shrinks under way: they are put back. */
static void
put_back_shrinks(struct agent *a, const struct player *grower)
{
    for (size_t i = 0; i < agent_seats(a); i++) {
        struct player *p = agent_seat(a, i).player;

        if (p != grower && p->target < p->current) {
            player_settle(p, p->current);
        }
    }
}

/* Does the resize under way ask for this? */
static bool
is_asked(const struct agent *a, const char *name, enum gt_resource resource)
{
    const struct kube_patch *open = &a->resize.patch;

    for (size_t i = 0; a->resize.phase != RESIZE_IDLE && i < open->changes_len;
         i++) {
        if (strcmp(open->changes[i].name, name) == 0) {
            return open->changes[i].to.requests[resource] != KUBE_ABSENT;
        }
    }
    return false;
}

/* What moves, and what the resize under way has changed; nothing else, for the
 * rest may have been resized by others. */
static void
add_change(const struct agent *a, size_t index, struct kube_patch *patch)
{
    const struct agent_container *container = &a->containers[index];
    const struct kube_container *has = &a->pod.containers[index];
    struct kube_change *change = &patch->changes[patch->changes_len];
    bool any = false;

    memcpy(change->name, has->name, sizeof(change->name));
    for (int r = 0; r < GT_RESOURCES; r++) {
        const struct player *p = &container->players[r];
        bool asked =
            is_moving(p) || is_asked(a, has->name, (enum gt_resource)r);

        change->to.requests[r] = asked ? p->target : KUBE_ABSENT;
        change->to.limits[r] =
            asked ? act_limit(has, p, p->target) : KUBE_ABSENT;
        any = any || asked;
    }
    patch->changes_len += any ? 1 : 0;
}

/* Sends what the players move to, containers in pod order. */
static void
send_patch(struct agent *a, struct gt_time now, struct agent_update *update)
{
    struct kube_patch patch;

    memset(&patch, 0, sizeof(patch));
    memcpy(patch.uid, a->pod.uid, sizeof(patch.uid));
    for (size_t i = 0; i < a->containers_len; i++) {
        add_change(a, i, &patch);
    }
    guard_spend(&a->guard, now);
    a->counts.patches++;
    a->patched_ms = now.mono_ms;
    resize_start(&a->resize, &patch, &a->pod, now);
    update->todo |= AGENT_DO_PATCH;
    update->patch = *resize_patch(&a->resize);
}

static void
log_move(struct agent *a, size_t index, const struct player *p,
         const char *cause)
{
    gt_log_line(a->log, GT_LOG_INFO, "resize",
                "container=%s resource=%s from=%" PRId64 " to=%" PRId64
                " verdict=%s reason=%s by=%s",
                a->pod.containers[index].name, gt_resource_name(p->resource),
                p->current, p->target, player_verdict_name(p->verdict),
                player_reason_name(p->reason), cause);
}

/* Puts the wish in force; false where something forbids it. */
static bool
move(struct agent *a, size_t index, enum gt_resource resource,
     const char *cause, struct gt_time now)
{
    struct player *p = player_of(a, index, resource);
    int64_t lowest = p->want > p->current ? p->want : p->floor;

    if (p->want < lowest || p->want > p->max) {
        player_drop(p); /* the last line of defence: never below the floor */
        return false;
    }
    if (!player_wishes_less(p) && a->resize.phase != RESIZE_IDLE) {
        put_back_shrinks(a, p);
    }
    player_move(p, now);
    log_move(a, index, p, cause);
    return true;
}

static bool
take_light(struct agent *a, const struct wire_light *light, struct gt_time now)
{
    struct player *p;

    if (light->container >= a->containers_len || a->blind) {
        return false;
    }
    p = player_of(a, light->container, light->resource);
    if (!offers(a, light->container, light->resource) ||
        light->amount != p->want) {
        return false;
    }
    if (light->color == WIRE_RED) {
        a->counts.red_lights++;
        a->intent_held = true;
        player_red(p, a->mesh.loads[light->resource].hi);
        return false;
    }
    a->counts.green_lights++;
    if (player_wishes_less(p) && light->resource == GT_MEMORY && p->limited) {
        a->commit_pending = true;
        return false;
    }
    return move(a, light->container, light->resource, "green_light", now);
}

void
act_lights(struct agent *a, const struct wire_signal *signal,
           struct gt_time now, struct agent_update *update)
{
    bool moved = false;

    for (size_t i = 0; i < signal->lights_len; i++) {
        const struct wire_light *light = &signal->lights[i];

        if (light->seq == a->intent_seq && a->intent_seq != 0 &&
            strcmp(light->id, a->mesh.id) == 0) {
            a->lights_due = false;
            moved = take_light(a, light, now) || moved;
        }
    }
    if (moved) {
        update->granted = !a->intent_held;
        a->intent_held = false;
        send_patch(a, now, update);
        act_publish(a, WIRE_HEARTBEAT, "", update);
    }
    if (a->commit_pending) {
        update->todo |= AGENT_DO_SAMPLE;
    }
}

/* The figures are no longer what the handshake found: back off, as from any
 * refusal. */
static void
give_up_shrink(struct agent *a, struct gt_time now, struct agent_update *update)
{
    const struct handshake *h = &a->handshake;

    gt_log_line(a->log, GT_LOG_WARNING, "shrink_refused",
                "container=%s target_bytes=%" PRId64 " reason=commit",
                a->pod.containers[h->container].name, h->target_bytes);
    a->counts.handshakes_refused++;
    player_drop(player_of(a, h->container, GT_MEMORY));
    handshake_close(&a->handshake, false, now.mono_ms);
    lever_restore(a, h->container, update);
    act_publish(a, WIRE_REFUSE, "handshake", update);
}

void
act_commit(struct agent *a, struct gt_time now, struct agent_update *update)
{
    const struct handshake *h = &a->handshake;

    if (!a->commit_pending) {
        return;
    }
    a->commit_pending = false;
    if (!offers(a, h->container, GT_MEMORY)) {
        act_publish(a, WIRE_REFUSE, "handshake", update);
        return;
    }
    if (!act_verified(a)) {
        give_up_shrink(a, now, update);
        return;
    }
    if (move(a, h->container, GT_MEMORY, "green_light", now)) {
        send_patch(a, now, update);
        act_publish(a, WIRE_HEARTBEAT, "", update);
    }
}

/* One grid step, and only where it hurts. */
static bool
urgent_step(struct agent *a, size_t index, enum gt_resource resource)
{
    struct player *p = player_of(a, index, resource);
    int64_t step =
        gt_grid_amount(resource, gt_grid_level_down(resource, p->current) + 1);

    if (!a->containers[index].short_of[resource]) {
        return false;
    }
    p->want = p->want < step ? p->want : step;
    return p->want > p->current;
}

static bool
may_move_alone(struct agent *a, size_t index, enum gt_resource resource,
               struct gt_time now)
{
    struct player *p = player_of(a, index, resource);

    if (!may_offer(a, index, resource, now)) {
        return false;
    }
    if (player_wishes_less(p)) {
        return resource != GT_MEMORY || !p->limited || act_verified(a);
    }
    return mesh_owns_slot(&a->mesh, now) && urgent_step(a, index, resource) &&
           mesh_has_room(&a->mesh, resource, p->want - p->current);
}

/* Moves, or gives up, what one player wishes; true when it moved. */
static bool
move_alone(struct agent *a, struct agent_seat seat, struct gt_time now)
{
    if (may_move_alone(a, seat.container, seat.resource, now) &&
        move(a, seat.container, seat.resource, "alone", now)) {
        mesh_took(&a->mesh, seat.resource,
                  seat.player->target - seat.player->current);
        return true;
    }
    if (!player_wishes_less(seat.player)) {
        player_drop(seat.player);
    }
    return false;
}

void
act_alone(struct agent *a, struct gt_time now, struct agent_update *update)
{
    bool moved = false;

    for (size_t i = 0; i < agent_seats(a); i++) {
        moved = move_alone(a, agent_seat(a, i), now) || moved;
    }
    if (moved) {
        send_patch(a, now, update);
        a->acted_alone = true;
        act_publish(a, WIRE_HEARTBEAT, "", update);
    }
}
