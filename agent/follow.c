/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/follow.h"

#include <inttypes.h>
#include <string.h>

#include "agent/act.h"
#include "agent/lever.h"

/* An ask that cannot be had is not repeated for as long. */
#define BLOCK_MS 60000

static void
do_deed(struct agent *a, enum resize_deed deed, struct agent_update *update)
{
    switch (deed) {
    case RESIZE_WAIT:
        break;
    case RESIZE_PATCH:
        update->todo |= AGENT_DO_PATCH;
        update->patch = *resize_patch(&a->resize);
        break;
    case RESIZE_READ:
        update->todo |= AGENT_DO_READ;
        break;
    }
}

/* Would the same ask fail again?  Not where the way to the API was at fault. */
static bool
is_infeasible(const struct agent *a, enum resize_end end)
{
    enum kube_outcome refusal = a->resize.refusal;

    if (end != RESIZE_REFUSED) {
        return end != RESIZE_DONE;
    }
    return refusal != KUBE_E_TRANSPORT && refusal != KUBE_E_ANSWER &&
           refusal != KUBE_E_UNAUTHORIZED && refusal != KUBE_E_CONFLICT &&
           refusal != KUBE_E_THROTTLED && refusal != KUBE_E_SERVER;
}

static void
settle(struct agent *a, enum resize_end end, struct gt_time now)
{
    bool infeasible = is_infeasible(a, end);

    for (size_t i = 0; i < agent_seats(a); i++) {
        struct agent_seat seat = agent_seat(a, i);
        struct player *p = seat.player;
        int64_t has =
            a->pod.containers[seat.container].spec.requests[seat.resource];

        if (p->target == p->current && has == p->current) {
            continue; /* not in this resize: its wish stands */
        }
        if (infeasible && p->target > has) {
            player_block(p, p->target, now.mono_ms + BLOCK_MS);
        }
        player_settle(p, has > 0 ? has : p->current);
    }
}

/* The end of a resize that failed is a pod as it was: its cause is older. */
static void
note_setback(struct agent *a, const struct kube_answer *answer)
{
    const char *text = answer->outcome == KUBE_APPLIED
                           ? answer->pod.resize_message
                           : answer->message;

    if (text[0] != '\0') {
        memcpy(a->setback, text, sizeof(a->setback));
    }
}

static void
log_end(struct agent *a, enum resize_end end, const struct kube_answer *answer,
        uint64_t took_ms)
{
    char quoted[GT_LOG_QUOTE_MAX];

    if (end == RESIZE_DONE) {
        gt_log_line(a->log, GT_LOG_INFO, "resize_done", "took_ms=%" PRIu64,
                    took_ms);
        return;
    }
    gt_log_line(a->log, GT_LOG_WARNING, "resize_failed",
                "end=%s outcome=%s message=%s", resize_end_name(end),
                kube_outcome_name(end == RESIZE_REFUSED ? a->resize.refusal
                                                        : answer->outcome),
                gt_log_quote(quoted, a->setback));
}

static void
close_handshake(struct agent *a, bool committed, struct gt_time now,
                struct agent_update *update)
{
    const struct handshake *h = &a->handshake;

    if (h->phase != HANDSHAKE_HOLDING || h->owner != HANDSHAKE_OWN) {
        return;
    }
    if (a->containers[h->container].players[GT_MEMORY].target >=
        a->containers[h->container].players[GT_MEMORY].current) {
        return; /* the patch was about something else */
    }
    handshake_close(&a->handshake, committed, now.mono_ms);
    if (!committed) {
        lever_restore(a, h->container, update);
    }
}

/* An app whose memory grew may let its ceiling up. */
static void
tell_growth(struct agent *a, struct agent_update *update)
{
    for (size_t i = 0; i < a->containers_len; i++) {
        const struct player *p = &a->containers[i].players[GT_MEMORY];

        if (p->target > p->current) {
            lever_restore(a, i, update);
        }
    }
}

/* The pod was read while nothing was under way: what others changed counts. */
static void
look_around(struct agent *a, struct agent_update *update)
{
    for (size_t i = 0; i < agent_seats(a); i++) {
        struct agent_seat seat = agent_seat(a, i);
        int64_t has =
            a->pod.containers[seat.container].spec.requests[seat.resource];

        if (has > 0 && has != seat.player->current) {
            gt_log_line(a->log, GT_LOG_WARNING, "resized_by_others",
                        "container=%s resource=%s from=%" PRId64 " to=%" PRId64,
                        a->pod.containers[seat.container].name,
                        gt_resource_name(seat.resource), seat.player->current,
                        has);
            player_settle(seat.player, has);
        }
    }
    if (a->restore_due) {
        a->restore_due = false;
        lever_restore(a, a->handshake.container, update);
    }
}

static void
finish(struct agent *a, enum resize_end end, const struct kube_answer *answer,
       struct gt_time now, struct agent_update *update)
{
    a->counts.resizes[end]++;
    log_end(a, end, answer, now.mono_ms - a->patched_ms);
    a->setback[0] = '\0';
    close_handshake(a, end == RESIZE_DONE, now, update);
    if (end == RESIZE_DONE) {
        tell_growth(a, update);
    }
    settle(a, end, now);
    if (end == RESIZE_GONE) {
        a->phase = AGENT_GONE;
        act_publish(a, WIRE_BYE, "", update);
    } else if (end == RESIZE_DONE) {
        act_publish(a, WIRE_ACK, "", update);
    } else {
        act_publish(a, WIRE_REFUSE, resize_end_name(end), update);
    }
}

void
follow_answer(struct agent *a, const struct kube_answer *answer,
              struct gt_time now, struct agent_update *update)
{
    enum resize_end end = RESIZE_OPEN;
    enum resize_deed deed = resize_answer(&a->resize, answer, now, &end);

    if (answer->outcome == KUBE_APPLIED) {
        if (answer->pod.containers_len == a->containers_len) {
            a->pod = answer->pod;
        }
    } else {
        a->counts.refusals[answer->outcome]++;
    }
    note_setback(a, answer);
    do_deed(a, deed, update);
    if (end != RESIZE_OPEN) {
        finish(a, end, answer, now, update);
    } else if (a->resize.phase == RESIZE_IDLE &&
               answer->outcome == KUBE_APPLIED) {
        look_around(a, update);
    }
}

void
follow_wake(struct agent *a, struct gt_time now, struct agent_update *update)
{
    if (a->resize.phase != RESIZE_IDLE && now.mono_ms >= a->resize.wake_ms) {
        do_deed(a, resize_wake(&a->resize, now), update);
    }
}
