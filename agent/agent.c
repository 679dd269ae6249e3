/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <string.h>

#include "agent/act.h"
#include "agent/follow.h"
#include "agent/sense.h"
#include "common/rng.h"

/* Between two tries to read a pod that could not be read. */
#define READ_RETRY_MS 5000

void
agent_init(struct agent *a, const struct agent_config *config,
           struct gt_log *log)
{
    a->config = config;
    a->log = log;
    a->phase = AGENT_UNKNOWN;
    mesh_init(&a->mesh, config->uid, config->node, config->incarnation);
    handshake_init(&a->handshake);
    resize_init(&a->resize);
    a->read_at_ms = GT_NEVER_MS;
    a->sample_at_ms = GT_NEVER_MS;
    a->tick_at_ms = GT_NEVER_MS;
}

size_t
agent_seats(const struct agent *a)
{
    return a->containers_len * GT_RESOURCES;
}

struct agent_seat
agent_seat(struct agent *a, size_t number)
{
    struct agent_seat seat = {
        .container = number / GT_RESOURCES,
        .resource = (enum gt_resource)(number % GT_RESOURCES),
    };

    seat.player = &a->containers[seat.container].players[seat.resource];
    return seat;
}

static double
limit_ratio(const struct kube_container *container, enum gt_resource resource)
{
    int64_t request = container->spec.requests[resource];
    int64_t limit = container->spec.limits[resource];

    return request > 0 && limit > 0 ? (double)limit / (double)request : 0.0;
}

static void
start_player(struct agent_container *container,
             const struct kube_container *has, enum gt_resource resource)
{
    const struct policy *policy = &container->policy;
    double beta = limit_ratio(has, resource);
    int64_t wished = has->spec.requests[resource];
    int64_t in_force = has->has_actual ? has->actual.requests[resource] : 0;
    struct player *player = &container->players[resource];
    struct player_start start = {
        .resource = resource,
        .request = in_force > 0 ? in_force : wished,
        .beta = policy->requests_only ? 0.0 : beta,
        .min = policy->min[resource],
        .max = policy->max[resource],
        .penalty = policy->penalty[resource] * policy->weight,
        /* A request that is not there is never added: QoS would change. */
        .moves = policy->moves[resource] && wished > 0,
    };

    if (policy->requests_only && beta > 0.0 &&
        start.max > has->spec.limits[resource]) {
        start.max = has->spec.limits[resource];
    }
    player_init(player, &start);
    if (wished > 0) { /* a resize may be under way */
        player->target = wished;
        player_drop(player);
    }
}

/* Reads the policies; false and a log line where the owner wants to be left
 * alone or says something we do not understand. */
static bool
read_policies(struct agent *a)
{
    const struct kube_annotation *bad = NULL;
    char quoted[GT_LOG_QUOTE_MAX];

    if (a->pod.qos == KUBE_BEST_EFFORT) {
        gt_log_line(a->log, GT_LOG_WARNING, "left_alone", "reason=best_effort");
        return false;
    }
    for (size_t i = 0; i < a->pod.containers_len; i++) {
        struct policy *policy = &a->containers[i].policy;

        if (policy_read(policy, &a->pod, i, &bad) != POLICY_OK) {
            gt_log_line(a->log, GT_LOG_ERROR, "left_alone",
                        "reason=annotation key=%s value=%s", bad->key,
                        gt_log_quote(quoted, bad->value));
            return false;
        }
        if (policy->mode == POLICY_OFF) {
            gt_log_line(a->log, GT_LOG_INFO, "left_alone", "reason=mode_off");
            return false;
        }
    }
    return true;
}

/* The pod was read for the first time: who plays, and from where. */
static void
adopt(struct agent *a, struct gt_time now)
{
    uint64_t phase = gt_rng_hash(a->config->uid) % AGENT_TICK_MS;

    a->containers_len = a->pod.containers_len;
    a->sample_at_ms = now.mono_ms;
    a->tick_at_ms = now.mono_ms + phase + AGENT_SAMPLE_MS;
    if (!read_policies(a)) {
        a->phase = AGENT_LEFT_ALONE;
        return;
    }
    a->phase = AGENT_PLAYING;
    guard_init(&a->guard, a->config->resize_burst, a->config->resizes_per_hour,
               now);
    for (size_t i = 0; i < a->containers_len; i++) {
        struct agent_container *container = &a->containers[i];

        sensor_init(&container->sensor);
        for (int r = 0; r < GT_RESOURCES; r++) {
            start_player(container, &a->pod.containers[i], (enum gt_resource)r);
        }
    }
    gt_log_line(a->log, GT_LOG_INFO, "playing", "containers=%zu workload=%s",
                a->containers_len,
                a->pod.workload[0] != '\0' ? a->pod.workload : "-");
    if (resize_adopt(&a->resize, &a->pod, now)) {
        a->patched_ms = now.mono_ms;
        gt_log_event(a->log, GT_LOG_INFO, "resize_adopted");
    }
    mesh_join(&a->mesh, now);
}

static bool
is_over(const struct agent *a, const struct kube_pod *pod)
{
    return pod->finished || pod->terminating ||
           strcmp(pod->uid, a->config->uid) != 0;
}

static void
first_reading(struct agent *a, const struct kube_answer *answer,
              struct gt_time now)
{
    char quoted[GT_LOG_QUOTE_MAX];

    if (answer->outcome != KUBE_APPLIED) {
        a->read_at_ms = now.mono_ms + READ_RETRY_MS;
        gt_log_line(a->log, GT_LOG_WARNING, "pod_unread",
                    "outcome=%s status=%d message=%s",
                    kube_outcome_name(answer->outcome), answer->status,
                    gt_log_quote(quoted, answer->message));
        return;
    }
    if (is_over(a, &answer->pod)) {
        a->phase = AGENT_GONE;
        gt_log_event(a->log, GT_LOG_WARNING, "pod_gone");
        return;
    }
    a->pod = answer->pod;
    adopt(a, now);
}

static void
on_answer(struct agent *a, const struct kube_answer *answer, struct gt_time now,
          struct agent_update *update)
{
    if (a->phase == AGENT_UNKNOWN) {
        first_reading(a, answer, now);
    } else {
        follow_answer(a, answer, now, update);
    }
}

static void
on_signal(struct agent *a, const struct wire_signal *signal, struct gt_time now,
          struct agent_update *update)
{
    enum mesh_outcome outcome = mesh_hear(&a->mesh, signal, now);

    a->counts.signals[outcome]++;
    if (outcome == MESH_OK && a->phase == AGENT_PLAYING) {
        act_lights(a, signal, now, update);
    } else {
        gt_log_line(a->log, GT_LOG_DEBUG, "signal_dropped", "reason=%s",
                    mesh_outcome_name(outcome));
    }
}

static void
on_wake(struct agent *a, struct gt_time now, struct agent_update *update)
{
    if (now.mono_ms >= a->read_at_ms) {
        a->read_at_ms = GT_NEVER_MS;
        update->todo |= AGENT_DO_READ;
    }
    if (now.mono_ms >= a->sample_at_ms) {
        a->sample_at_ms += AGENT_SAMPLE_MS;
        if (a->sample_at_ms <= now.mono_ms) { /* we were stopped */
            a->sample_at_ms = now.mono_ms + AGENT_SAMPLE_MS;
        }
        update->todo |= AGENT_DO_SAMPLE;
    }
    if (a->phase == AGENT_PLAYING) {
        follow_wake(a, now, update);
    }
}

static void
dispatch(struct agent *a, const struct agent_event *event,
         struct agent_update *update)
{
    switch (event->kind) {
    case AGENT_START:
        update->todo |= AGENT_DO_READ;
        break;
    case AGENT_WAKE:
        on_wake(a, event->now, update);
        break;
    case AGENT_SAMPLED:
        sense_figures(a, event->figures, event->now, update);
        break;
    case AGENT_ANSWERED:
        on_answer(a, event->answer, event->now, update);
        break;
    case AGENT_RELEASED:
        sense_released(a, event->released, event->now, update);
        break;
    case AGENT_SIGNALED:
        on_signal(a, event->signal, event->now, update);
        break;
    case AGENT_GARBLED:
        a->counts.garbled++;
        break;
    case AGENT_CONNECTED:
        mesh_connected(&a->mesh, event->now);
        break;
    case AGENT_PROPOSED:
        sense_proposed(a, event->target_bytes, event->now, update);
        break;
    case AGENT_STOP:
        if (a->phase == AGENT_PLAYING) {
            act_publish(a, WIRE_BYE, "", update);
        }
        break;
    }
}

static void
sooner(uint64_t *wake_ms, uint64_t at_ms)
{
    if (at_ms < *wake_ms) {
        *wake_ms = at_ms;
    }
}

void
agent_step(struct agent *a, const struct agent_event *event,
           struct agent_update *update)
{
    memset(update, 0, sizeof(*update));
    a->log->mono_ms = event->now.mono_ms;
    dispatch(a, event, update);
    if (a->phase == AGENT_PLAYING && !(update->todo & AGENT_DO_PUBLISH) &&
        mesh_hello_due(&a->mesh, event->now)) {
        act_publish(a, WIRE_HELLO, "", update);
    }
    update->wake_ms = GT_NEVER_MS;
    sooner(&update->wake_ms, a->sample_at_ms);
    sooner(&update->wake_ms, a->read_at_ms);
    if (a->phase == AGENT_PLAYING) {
        sooner(&update->wake_ms, mesh_hello_at_ms(&a->mesh));
        if (a->resize.phase != RESIZE_IDLE) {
            sooner(&update->wake_ms, a->resize.wake_ms);
        }
    }
}

bool
agent_ready(const struct agent *a, const char **why)
{
    *why = "playing";
    if (a->phase == AGENT_UNKNOWN) {
        *why = "the pod could not be read yet";
    } else if (a->blind) {
        *why = "the cgroup files of a container cannot be read";
    } else if (a->phase == AGENT_LEFT_ALONE) {
        *why = "this pod is left alone";
    } else if (a->phase == AGENT_GONE) {
        *why = "the pod is gone";
    }
    return a->phase != AGENT_UNKNOWN && !a->blind;
}
