/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tests/sim/world_state.h"

/* The agent's first dial. */
#define CONNECT_MS 10

struct agent *
world_agent(struct world *w, size_t pod)
{
    return w->pods[pod].agent;
}

static void
read_figures(const struct world *w, size_t pod, struct agent_figures *out)
{
    out->len = w->nodes.pods[pod].containers_len;
    for (size_t i = 0; i < out->len; i++) {
        struct node_cgroup cgroup;

        node_cgroup(w->sim, pod, i, &cgroup);
        out->of[i].outcome = w->pods[pod].blind ? CGROUP_E_MISSING : CGROUP_OK;
        out->of[i].sample = cgroup.sample;
    }
}

static void
pull_lever(struct world *w, size_t pod, const struct agent_release *release)
{
    node_release(w->sim, pod, release->limit_bytes);
    queue_push(&w->queue, w->now_ms + w->config.lever_ms, WORLD_RELEASED, pod,
               NULL);
}

static void
perform(struct world *w, size_t pod, const struct agent_update *update)
{
    struct world_pod *p = &w->pods[pod];

    if (update->todo & AGENT_DO_PATCH) {
        world_ask(w, pod, &update->patch);
    }
    if (update->todo & AGENT_DO_READ) {
        world_ask(w, pod, NULL);
    }
    if (update->todo & AGENT_DO_PUBLISH) {
        world_send_strategy(w, pod, &update->message);
    }
    if (update->todo & AGENT_DO_RELEASE) {
        pull_lever(w, pod, &update->release);
    }
    if (update->todo & AGENT_DO_REPLY) {
        p->has_reply = true;
        p->reply = update->reply;
    }
}

static void
set_wake(struct world *w, size_t pod, uint64_t wake_ms)
{
    uint64_t at_ms = wake_ms > w->now_ms ? wake_ms : w->now_ms;

    if (at_ms != w->pods[pod].wake_ms && at_ms != GT_NEVER_MS) {
        queue_push(&w->queue, at_ms, WORLD_AGENT_WAKE, pod, NULL);
    }
    w->pods[pod].wake_ms = at_ms;
}

void
world_agent_step(struct world *w, size_t pod, struct agent_event *event)
{
    struct agent *a = w->pods[pod].agent;
    struct agent_figures figures;
    struct agent_event sampled = {
        .kind = AGENT_SAMPLED,
        .now = world_time(w),
        .figures = &figures,
    };
    struct agent_update update;

    if (a == NULL) {
        return;
    }
    event->now = world_time(w);
    for (;;) {
        enum resize_phase was = a->resize.phase;

        agent_step(a, event, &update);
        world_check_step(w, pod, was, &update);
        perform(w, pod, &update);
        if (!(update.todo & AGENT_DO_SAMPLE)) {
            break;
        }
        read_figures(w, pod, &figures);
        event = &sampled;
    }
    set_wake(w, pod, update.wake_ms);
}

void
world_agent_wake(struct world *w, size_t pod)
{
    struct agent_event event = {.kind = AGENT_WAKE};

    if (w->pods[pod].wake_ms == w->now_ms) { /* not put off since */
        w->pods[pod].wake_ms = GT_NEVER_MS;
        world_agent_step(w, pod, &event);
    }
}

void
world_agent_start(struct world *w, size_t pod)
{
    const struct node_pod_spec *spec = &w->nodes.pods[pod];
    struct world_pod *p = &w->pods[pod];
    struct agent_event event = {.kind = AGENT_START};

    p->config = (struct agent_config){
        .node = w->node_specs[spec->node].name,
        .space = spec->space,
        .pod = spec->name,
        .uid = spec->uid,
        .incarnation = world_incarnation(w),
        .resize_burst = w->config.resize_burst,
        .resizes_per_hour = w->config.resizes_per_hour,
    };
    p->log = (struct gt_log){
        .out = &w->transcript,
        .threshold = w->config.level,
        .who = spec->name,
    };
    p->wake_ms = GT_NEVER_MS;
    p->heard_seq = 0;
    p->asking = false;
    p->waiting = false;
    p->replaced = 0;
    p->agent = world_alloc(sizeof(*p->agent));
    agent_init(p->agent, &p->config, &p->log);
    world_agent_step(w, pod, &event);
    queue_push(&w->queue, w->now_ms + CONNECT_MS, WORLD_CONNECTED, pod, NULL);
}

void
world_agent_kill(struct world *w, size_t pod)
{
    struct world_pod *p = &w->pods[pod];

    free(p->agent);
    p->agent = NULL;
    p->wake_ms = GT_NEVER_MS;
    world_check_forget(w, pod);
}

void
world_agent_stop(struct world *w, size_t pod)
{
    struct agent_event event = {.kind = AGENT_STOP};

    world_agent_step(w, pod, &event);
    world_agent_kill(w, pod);
}

void
world_blind(struct world *w, size_t pod, bool blind)
{
    w->pods[pod].blind = blind;
}

void
world_propose(struct world *w, size_t pod, int64_t target_bytes)
{
    struct agent_event event = {
        .kind = AGENT_PROPOSED,
        .target_bytes = target_bytes,
    };

    w->pods[pod].has_reply = false;
    world_agent_step(w, pod, &event);
}

const struct shrink_answer *
world_reply(const struct world *w, size_t pod)
{
    return w->pods[pod].has_reply ? &w->pods[pod].reply : NULL;
}
