/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/resize.h"

#include <string.h>

#include "common/rng.h"

/* Follow-ups: a kubelet needs 60 to 170 ms, one under load seconds. */
#define FOLLOW_MIN_MS 100
#define FOLLOW_MAX_MS 2000
/* After an answer that was none, and up to where the pauses grow. */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 32000

static uint64_t
doubled(uint64_t first_ms, uint64_t last_ms, unsigned times)
{
    uint64_t pause_ms = first_ms;

    for (; times > 0 && pause_ms < last_ms; times--) {
        pause_ms *= 2;
    }
    return pause_ms < last_ms ? pause_ms : last_ms;
}

void
resize_init(struct resize *r)
{
    memset(r, 0, sizeof(*r));
    r->wake_ms = GT_NEVER_MS;
}

static const struct kube_change *
change_of(const struct kube_patch *patch, const char *name)
{
    for (size_t i = 0; i < patch->changes_len; i++) {
        if (strcmp(patch->changes[i].name, name) == 0) {
            return &patch->changes[i];
        }
    }
    return NULL;
}

/* The value to go back to: what an open resize knows, else what is there. */
static int64_t
way_back(int64_t known, int64_t asked, int64_t has)
{
    if (known != KUBE_ABSENT) {
        return known;
    }
    return asked != KUBE_ABSENT ? has : KUBE_ABSENT;
}

static struct kube_resources
resources_back(const struct kube_change *known, const struct kube_change *asked,
               const struct kube_resources *has)
{
    static const struct kube_resources none = {
        .requests = {KUBE_ABSENT, KUBE_ABSENT},
        .limits = {KUBE_ABSENT, KUBE_ABSENT},
    };
    const struct kube_resources *k = known != NULL ? &known->to : &none;
    const struct kube_resources *a = asked != NULL ? &asked->to : &none;
    struct kube_resources back;

    for (int r = 0; r < GT_RESOURCES; r++) {
        back.requests[r] =
            way_back(k->requests[r], a->requests[r], has->requests[r]);
        back.limits[r] = way_back(k->limits[r], a->limits[r], has->limits[r]);
    }
    return back;
}

/* The way back from @patch, by way of what an open resize changed already. */
static struct kube_patch
undo_of(const struct resize *r, const struct kube_patch *patch,
        const struct kube_pod *pod)
{
    struct kube_patch undo;

    memset(&undo, 0, sizeof(undo));
    memcpy(undo.uid, patch->uid, sizeof(undo.uid));
    for (size_t i = 0; i < pod->containers_len; i++) {
        const struct kube_container *has = &pod->containers[i];
        const struct kube_change *known = change_of(&r->undo, has->name);
        const struct kube_change *asked = change_of(patch, has->name);
        struct kube_change *back = &undo.changes[undo.changes_len];

        if (known != NULL || asked != NULL) {
            memcpy(back->name, has->name, sizeof(back->name));
            back->to = resources_back(known, asked, &has->spec);
            undo.changes_len++;
        }
    }
    return undo;
}

static enum resize_deed
ask(struct resize *r, enum resize_deed deed)
{
    r->asked = deed;
    r->wake_ms = GT_NEVER_MS;
    return deed;
}

static enum resize_deed
pause_for(struct resize *r, uint64_t pause_ms, struct gt_time now)
{
    r->wake_ms = now.mono_ms + pause_ms;
    return RESIZE_WAIT;
}

/* Jittered by the pod, so that an API server that comes back meets its agents
 * one after the other. */
static enum resize_deed
retry_later(struct resize *r, struct gt_time now)
{
    uint64_t pause_ms = doubled(RETRY_MIN_MS, RETRY_MAX_MS, r->failures);

    r->failures++;
    return pause_for(r, pause_ms + gt_rng_hash(r->patch.uid) % (pause_ms / 2),
                     now);
}

static void
enter(struct resize *r, enum resize_phase phase, struct gt_time now)
{
    r->phase = phase;
    r->sent_ms = now.mono_ms;
    r->deferred_ms = 0;
    r->reads = 0;
    r->failures = 0;
}

enum resize_deed
resize_start(struct resize *r, const struct kube_patch *patch,
             const struct kube_pod *pod, struct gt_time now)
{
    bool open = r->phase != RESIZE_IDLE;

    if (!open) {
        r->undo.changes_len = 0;
    }
    r->undo = undo_of(r, patch, pod);
    r->patch = *patch;
    r->superseded = open;
    r->stale += open && r->asked != RESIZE_WAIT ? 1 : 0;
    r->generation = 0;
    r->cause = RESIZE_OPEN;
    enter(r, RESIZE_SENT, now);
    return ask(r, RESIZE_PATCH);
}

bool
resize_adopt(struct resize *r, const struct kube_pod *pod, struct gt_time now)
{
    resize_init(r);
    memcpy(r->patch.uid, pod->uid, sizeof(r->patch.uid));
    for (size_t i = 0; i < pod->containers_len; i++) {
        const struct kube_container *has = &pod->containers[i];
        struct kube_change *change = &r->patch.changes[r->patch.changes_len];

        if (has->has_actual &&
            memcmp(&has->spec, &has->actual, sizeof(has->spec)) != 0) {
            memcpy(change->name, has->name, sizeof(change->name));
            change->to = has->spec;
            r->undo.changes[r->patch.changes_len++] = *change;
            r->undo.changes[r->patch.changes_len - 1].to = has->actual;
        }
    }
    if (r->patch.changes_len == 0) {
        return false;
    }
    memcpy(r->undo.uid, pod->uid, sizeof(r->undo.uid));
    r->undo.changes_len = r->patch.changes_len;
    r->generation = pod->generation;
    enter(r, RESIZE_FOLLOWING, now);
    (void)pause_for(r, FOLLOW_MIN_MS, now);
    return true;
}

static enum resize_deed
finish(struct resize *r, enum resize_end how, enum resize_end *end)
{
    r->phase = RESIZE_IDLE;
    r->asked = RESIZE_WAIT;
    r->wake_ms = GT_NEVER_MS;
    *end = how;
    return RESIZE_WAIT;
}

static enum resize_deed
withdraw(struct resize *r, enum resize_end cause, struct gt_time now)
{
    r->cause = cause;
    enter(r, RESIZE_WITHDRAWING, now);
    return ask(r, RESIZE_PATCH);
}

/* The API said no: @refusal.  What it had accepted before from a patch that
 * this one replaced must not linger. */
static enum resize_deed
refuse(struct resize *r, struct gt_time now, enum resize_end *end)
{
    if (r->superseded) {
        return withdraw(r, RESIZE_REFUSED, now);
    }
    return finish(r, RESIZE_REFUSED, end);
}

static bool
is_gone(const struct resize *r, const struct kube_answer *answer)
{
    const struct kube_pod *pod = &answer->pod;

    if (answer->outcome != KUBE_APPLIED) {
        return answer->outcome == KUBE_E_NOT_FOUND;
    }
    return pod->terminating || pod->finished ||
           (r->patch.uid[0] != '\0' && strcmp(pod->uid, r->patch.uid) != 0);
}

static bool
wishes(const struct kube_resources *asked, const struct kube_resources *spec)
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        if ((asked->requests[r] != KUBE_ABSENT &&
             asked->requests[r] != spec->requests[r]) ||
            (asked->limits[r] != KUBE_ABSENT &&
             asked->limits[r] != spec->limits[r])) {
            return false;
        }
    }
    return true;
}

/* Does the API server hold @patch as the pod's wish? */
static bool
holds(const struct kube_pod *pod, const struct kube_patch *patch)
{
    size_t held = 0;

    for (size_t i = 0; i < pod->containers_len; i++) {
        const struct kube_container *container = &pod->containers[i];
        const struct kube_change *asked = change_of(patch, container->name);

        held += asked != NULL && wishes(&asked->to, &container->spec) ? 1 : 0;
    }
    return held == patch->changes_len;
}

/* Did the request possibly get through although its answer says nothing? */
static bool
is_unknown(enum kube_outcome outcome)
{
    return outcome == KUBE_E_TRANSPORT || outcome == KUBE_E_ANSWER ||
           outcome == KUBE_E_SERVER;
}

static enum resize_deed
look_again(struct resize *r, struct gt_time now)
{
    uint64_t pause_ms = doubled(FOLLOW_MIN_MS, FOLLOW_MAX_MS, r->reads);

    r->reads++;
    return pause_for(r, pause_ms, now);
}

/* Deferred: others may free what it needs, so it gets a while. */
static enum resize_deed
be_deferred(struct resize *r, struct gt_time now)
{
    uint64_t until_ms = 0;

    if (r->deferred_ms == 0) {
        r->deferred_ms = now.mono_ms;
    }
    until_ms = r->deferred_ms + RESIZE_DEFERRED_MS;
    if (now.mono_ms >= until_ms) {
        return withdraw(r, RESIZE_WITHDRAWN_DEFERRED, now);
    }
    (void)look_again(r, now); /* RESIZE_WAIT, as is returned below */
    r->wake_ms = r->wake_ms < until_ms ? r->wake_ms : until_ms;
    return RESIZE_WAIT;
}

/* A condition counts only once the kubelet has seen this resize: until then it
 * is that of the one before. */
static enum resize_deed
judge(struct resize *r, const struct kube_pod *pod, struct gt_time now,
      enum resize_end *end)
{
    bool seen = pod->observed_generation >= r->generation;
    enum kube_resize condition = seen ? pod->resize : KUBE_RESIZE_NONE;

    if (kube_pod_settled(pod, r->generation)) {
        return finish(r, RESIZE_DONE, end);
    }
    if (condition == KUBE_RESIZE_INFEASIBLE) {
        return withdraw(r, RESIZE_WITHDRAWN_INFEASIBLE, now);
    }
    if (condition == KUBE_RESIZE_ERROR) {
        return withdraw(r, RESIZE_WITHDRAWN_ERROR, now);
    }
    if (condition == KUBE_RESIZE_DEFERRED) {
        return be_deferred(r, now);
    }
    r->deferred_ms = 0;
    if (now.mono_ms - r->sent_ms >= RESIZE_STUCK_MS) {
        return withdraw(r, RESIZE_WITHDRAWN_STUCK, now);
    }
    return look_again(r, now);
}

static enum resize_deed
sent(struct resize *r, const struct kube_answer *answer, struct gt_time now,
     enum resize_end *end)
{
    const struct kube_pod *pod = &answer->pod;
    bool lost = r->failures > 0;

    if (answer->outcome != KUBE_APPLIED) {
        r->refusal = answer->outcome;
        return lost || is_unknown(answer->outcome) ? retry_later(r, now)
                                                   : refuse(r, now, end);
    }
    if (!holds(pod, &r->patch)) {
        r->refusal = lost ? r->refusal : KUBE_E_ANSWER;
        return lost ? refuse(r, now, end) : retry_later(r, now);
    }
    enter(r, RESIZE_FOLLOWING, now);
    r->generation = pod->generation;
    return judge(r, pod, now, end);
}

static enum resize_deed
following(struct resize *r, const struct kube_answer *answer,
          struct gt_time now, enum resize_end *end)
{
    if (answer->outcome != KUBE_APPLIED) {
        return retry_later(r, now);
    }
    r->failures = 0;
    if (!holds(&answer->pod, &r->patch)) {
        r->refusal = KUBE_E_CONFLICT;
        return finish(r, RESIZE_REFUSED, end);
    }
    return judge(r, &answer->pod, now, end);
}

static enum resize_deed
withdraw_following(struct resize *r, const struct kube_answer *answer,
                   struct gt_time now, enum resize_end *end)
{
    const struct kube_pod *pod = &answer->pod;

    if (answer->outcome == KUBE_APPLIED &&
        (kube_pod_settled(pod, r->generation) || !holds(pod, &r->undo))) {
        return finish(r, r->cause, end);
    }
    return answer->outcome != KUBE_APPLIED ||
                   now.mono_ms - r->sent_ms >= RESIZE_STUCK_MS
               ? retry_later(r, now)
               : look_again(r, now);
}

/* @asked: what this is the answer to. */
static enum resize_deed
withdrawing(struct resize *r, const struct kube_answer *answer,
            enum resize_deed asked, struct gt_time now, enum resize_end *end)
{
    const struct kube_pod *pod = &answer->pod;
    bool applied = answer->outcome == KUBE_APPLIED;

    if (applied && holds(pod, &r->undo)) {
        enter(r, RESIZE_WITHDRAW_FOLLOWING, now);
        r->generation = pod->generation;
        return withdraw_following(r, answer, now, end);
    }
    if (!applied || asked == RESIZE_PATCH) {
        return retry_later(r, now);
    }
    /* It came through after all, or somebody else set other values. */
    if (kube_pod_settled(pod, pod->generation)) {
        return finish(r, holds(pod, &r->patch) ? RESIZE_DONE : r->cause, end);
    }
    return ask(r, RESIZE_PATCH);
}

enum resize_deed
resize_answer(struct resize *r, const struct kube_answer *answer,
              struct gt_time now, enum resize_end *end)
{
    enum resize_deed asked = r->asked;

    *end = RESIZE_OPEN;
    if (r->phase != RESIZE_IDLE && is_gone(r, answer)) {
        return finish(r, RESIZE_GONE, end);
    }
    if (r->stale > 0) {
        r->stale--;
        return RESIZE_WAIT;
    }
    r->asked = RESIZE_WAIT;
    switch (r->phase) {
    case RESIZE_IDLE:
        break;
    case RESIZE_SENT:
        return sent(r, answer, now, end);
    case RESIZE_FOLLOWING:
        return following(r, answer, now, end);
    case RESIZE_WITHDRAWING:
        return withdrawing(r, answer, asked, now, end);
    case RESIZE_WITHDRAW_FOLLOWING:
        return withdraw_following(r, answer, now, end);
    }
    return RESIZE_WAIT;
}

enum resize_deed
resize_wake(struct resize *r, struct gt_time now)
{
    return now.mono_ms < r->wake_ms ? RESIZE_WAIT : ask(r, RESIZE_READ);
}

const struct kube_patch *
resize_patch(const struct resize *r)
{
    return r->phase == RESIZE_WITHDRAWING ? &r->undo : &r->patch;
}

const char *
resize_end_name(enum resize_end end)
{
    switch (end) {
    case RESIZE_OPEN:
        return "open";
    case RESIZE_DONE:
        return "done";
    case RESIZE_WITHDRAWN_DEFERRED:
        return "withdrawn_deferred";
    case RESIZE_WITHDRAWN_INFEASIBLE:
        return "withdrawn_infeasible";
    case RESIZE_WITHDRAWN_ERROR:
        return "withdrawn_error";
    case RESIZE_WITHDRAWN_STUCK:
        return "withdrawn_stuck";
    case RESIZE_REFUSED:
        return "refused";
    case RESIZE_GONE:
        return "gone";
    }
    return "unknown";
}
