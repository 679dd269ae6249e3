/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/solo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UID         "5a7b0c6e-solo"
#define PERIODS_A_S 10

static void
set_amounts(struct kube_container *c)
{
    c->spec.requests[GT_CPU] = 500;
    c->spec.limits[GT_CPU] = 500;
    c->spec.requests[GT_MEMORY] = 512 * SOLO_MIB;
    c->spec.limits[GT_MEMORY] = 512 * SOLO_MIB;
    c->actual = c->spec;
    c->has_actual = true;
    c->ready = true;
}

void
solo_add_container(struct solo *s, const char *name)
{
    struct kube_container *c = &s->pod.containers[s->pod.containers_len++];
    size_t i = s->figures.len++;

    (void)snprintf(c->name, sizeof(c->name), "%s", name);
    set_amounts(c);
    s->figures.of[i].outcome = CGROUP_OK;
    s->figures.of[i].sample.has_periods = true;
}

void
solo_init(struct solo *s)
{
    memset(s, 0, sizeof(*s));
    s->config = (struct agent_config){
        .node = "node-a",
        .space = "shop",
        .pod = "solo",
        .uid = UID,
        .incarnation = 3,
        .resize_burst = GUARD_BURST,
        .resizes_per_hour = GUARD_PER_HOUR,
    };
    gt_buf_init(&s->out, s->text, sizeof(s->text));
    s->log.out = &s->out;
    s->log.threshold = GT_LOG_DEBUG;
    s->log.who = "solo";
    s->ms = 1000;
    s->arbiter = 1;
    s->capacity_milli = 8000;
    s->load_milli = 1000;
    (void)snprintf(s->pod.name, sizeof(s->pod.name), "solo");
    (void)snprintf(s->pod.uid, sizeof(s->pod.uid), UID);
    (void)snprintf(s->pod.workload, sizeof(s->pod.workload), "ReplicaSet/web");
    s->pod.qos = KUBE_GUARANTEED;
    s->pod.generation = 1;
    s->pod.observed_generation = 1;
    solo_add_container(s, "app");
    s->agent = calloc(1, sizeof(*s->agent));
    assert(s->agent != NULL);
    agent_init(s->agent, &s->config, &s->log);
}

void
solo_fini(struct solo *s)
{
    free(s->agent);
}

void
solo_annotate(struct solo *s, const char *key, const char *value)
{
    struct kube_annotation *a = &s->pod.annotations[s->pod.annotations_len++];

    (void)snprintf(a->key, sizeof(a->key), "%s", key);
    (void)snprintf(a->value, sizeof(a->value), "%s", value);
}

static void
note(struct solo *s)
{
    const struct agent_update *u = &s->update;

    s->seen |= u->todo;
    if (u->todo & AGENT_DO_PUBLISH) {
        s->said = u->message;
        if (u->message.kind == WIRE_INTENT) {
            s->intent = u->message;
        }
    }
    if (u->todo & AGENT_DO_PATCH) {
        s->patch = u->patch;
        s->patches++;
        s->sent = true;
    }
    if (u->todo & (AGENT_DO_PATCH | AGENT_DO_READ)) {
        s->asked++;
    }
    if (u->todo & AGENT_DO_REPLY) {
        s->reply = u->reply;
    }
}

static void
one_step(struct solo *s, struct agent_event *event)
{
    event->now.mono_ms = s->ms;
    event->now.wall_s = (int64_t)(s->ms / 1000);
    agent_step(s->agent, event, &s->update);
    note(s);
}

void
solo_step(struct solo *s, struct agent_event *event)
{
    struct agent_event sampled = {
        .kind = AGENT_SAMPLED,
        .figures = &s->figures,
    };

    one_step(s, event);
    if (s->update.todo & AGENT_DO_SAMPLE) {
        for (size_t i = 0; i < s->figures.len; i++) {
            s->figures.of[i].outcome = s->blind ? CGROUP_E_MISSING : CGROUP_OK;
        }
        one_step(s, &sampled);
    }
}

void
solo_event(struct solo *s, enum agent_event_kind kind)
{
    struct agent_event event = {.kind = kind};

    solo_step(s, &event);
}

void
solo_begin(struct solo *s)
{
    struct wire_signal signal = solo_signal(s);

    solo_event(s, AGENT_START);
    solo_answer(s, KUBE_APPLIED);
    solo_hear(s, &signal);
}

void
solo_second(struct solo *s, double cores, double throttled, double mib)
{
    s->ms += 1000;
    for (size_t i = 0; i < s->figures.len; i++) {
        struct cgroup_sample *c = &s->figures.of[i].sample;

        c->usage_us += (uint64_t)(cores * 1e6);
        c->periods += PERIODS_A_S;
        c->throttled_periods += (uint64_t)(throttled * PERIODS_A_S);
        c->memory_bytes = (int64_t)(mib * (double)SOLO_MIB);
    }
    solo_event(s, AGENT_WAKE);
}

void
solo_seconds(struct solo *s, int n, double cores, double throttled, double mib)
{
    for (int i = 0; i < n; i++) {
        solo_second(s, cores, throttled, mib);
    }
}

static struct wire_load
a_load(int64_t amount, int64_t capacity)
{
    return (struct wire_load){
        .lo = amount,
        .hi = amount,
        .capacity = capacity,
        .rho0 = GT_GAME_RHO0,
        .p1 = GT_GAME_P1,
        .exponent = GT_GAME_EXPONENT,
    };
}

struct wire_signal
solo_signal(struct solo *s)
{
    struct wire_signal signal = {
        .node = "node-a",
        .incarnation = s->arbiter,
        .epoch = ++s->epoch,
        .parts = 1,
        .valid_ms = 45000,
        .deadline_ms = 5000,
        .known_len = 1,
        .known = {UID},
    };

    signal.loads[GT_CPU] = a_load(s->load_milli, s->capacity_milli);
    signal.loads[GT_MEMORY] = a_load(1024 * SOLO_MIB, 16384 * SOLO_MIB);
    return signal;
}

void
solo_hear(struct solo *s, const struct wire_signal *signal)
{
    struct agent_event event = {.kind = AGENT_SIGNALED, .signal = signal};

    solo_step(s, &event);
}

static void
add_light(const struct solo *s, size_t container, enum gt_resource resource,
          enum wire_light_color color, struct wire_signal *signal)
{
    const struct wire_player *p =
        &s->intent.containers[container].players[resource];

    if (p->want != p->target) {
        signal->lights[signal->lights_len++] = (struct wire_light){
            .id = UID,
            .seq = s->intent.seq,
            .container = (uint8_t)container,
            .resource = resource,
            .color = color,
            .amount = p->want,
        };
    }
}

void
solo_light(struct solo *s, enum wire_light_color color)
{
    struct wire_signal signal = solo_signal(s);

    for (size_t i = 0; i < s->intent.containers_len; i++) {
        add_light(s, i, GT_CPU, color, &signal);
        add_light(s, i, GT_MEMORY, color, &signal);
    }
    solo_hear(s, &signal);
}

void
solo_answer(struct solo *s, enum kube_outcome outcome)
{
    struct kube_answer answer = {.outcome = outcome, .status = 200};
    struct agent_event event = {.kind = AGENT_ANSWERED, .answer = &answer};

    s->asked -= s->asked > 0 ? 1 : 0;
    s->sent = false;
    if (outcome == KUBE_APPLIED) {
        answer.pod = s->pod;
    } else {
        answer.status = outcome == KUBE_E_TRANSPORT ? 0 : 400;
    }
    solo_step(s, &event);
}

static void
take_amounts(struct kube_resources *to, const struct kube_resources *asked)
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        if (asked->requests[r] != KUBE_ABSENT) {
            to->requests[r] = asked->requests[r];
        }
        if (asked->limits[r] != KUBE_ABSENT) {
            to->limits[r] = asked->limits[r];
        }
    }
}

static void
take_change(struct solo *s, const struct kube_change *change)
{
    for (size_t i = 0; i < s->pod.containers_len; i++) {
        struct kube_container *c = &s->pod.containers[i];

        if (strcmp(c->name, change->name) == 0) {
            take_amounts(&c->spec, &change->to);
        }
    }
}

void
solo_accept(struct solo *s)
{
    for (size_t i = 0; i < s->patch.changes_len; i++) {
        take_change(s, &s->patch.changes[i]);
    }
    s->pod.generation++;
}

void
solo_enforce(struct solo *s)
{
    s->pod.observed_generation = s->pod.generation;
    s->pod.resize = KUBE_RESIZE_NONE;
    for (size_t i = 0; i < s->pod.containers_len; i++) {
        s->pod.containers[i].actual = s->pod.containers[i].spec;
    }
}

void
solo_complete(struct solo *s)
{
    solo_accept(s);
    solo_enforce(s);
    solo_answer(s, KUBE_APPLIED);
}

void
solo_forget(struct solo *s)
{
    s->seen = 0;
    gt_buf_reset(&s->out);
}

bool
solo_logged(const struct solo *s, const char *text)
{
    return strstr(s->text, text) != NULL;
}
