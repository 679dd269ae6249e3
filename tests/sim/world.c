/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

#define TRANSCRIPT_MAX ((size_t)32 << 20)
/* The wall clock at mesh time 0: any moment will do. */
#define EPOCH_S INT64_C(1700000000)
/* So many events of one moment are a loop. */
#define MOMENT_MAX 1000000

struct world_config
world_defaults(const struct node_config *nodes)
{
    return (struct world_config){
        .nodes = nodes,
        .bus = {.delay_ms = 1},
        .api_ms = 6,
        .watch_ms = 5,
        .lever_ms = 200,
        .resize_burst = GUARD_BURST,
        .resizes_per_hour = GUARD_PER_HOUR,
        .level = GT_LOG_INFO,
    };
}

void *
world_alloc(size_t size)
{
    void *memory = calloc(1, size);

    assert(memory != NULL);
    return memory;
}

struct gt_time
world_time(const struct world *w)
{
    return (struct gt_time){
        .mono_ms = w->now_ms,
        .wall_s = EPOCH_S + (int64_t)(w->now_ms / 1000),
    };
}

uint64_t
world_incarnation(struct world *w)
{
    uint64_t start_s = (uint64_t)world_time(w).wall_s;
    uint64_t next = start_s << 24 | gt_rng_below(&w->rng, 1 << 24);

    w->incarnation = next > w->incarnation ? next : w->incarnation + 1;
    return w->incarnation;
}

static void
copy_nodes(struct world *w)
{
    const struct node_config *from = w->config.nodes;

    w->nodes = *from;
    w->node_specs = world_alloc(from->nodes_len * sizeof(*w->node_specs));
    w->seen_specs = world_alloc(from->nodes_len * sizeof(*w->seen_specs));
    memcpy(w->node_specs, from->nodes, from->nodes_len * sizeof(*from->nodes));
    w->nodes.nodes = w->node_specs;
    w->nodes.start_ms = WORLD_START_MS;
    w->sim = node_init(world_alloc(node_size(&w->nodes)), &w->nodes);
}

static bool
opted_in(const struct node_pod_spec *spec)
{
    for (size_t i = 0; i < spec->annotations_len; i++) {
        if (strcmp(spec->annotations[i].key, "scaling.mesh/strategy") == 0) {
            return true;
        }
    }
    return false;
}

static void
open_transcript(struct world *w)
{
    w->transcript_memory = world_alloc(TRANSCRIPT_MAX);
    gt_buf_init(&w->transcript, w->transcript_memory, TRANSCRIPT_MAX);
}

struct world *
world_new(const struct world_config *config)
{
    struct world *w = world_alloc(sizeof(*w));

    w->config = *config;
    w->bus_rng.state = config->seed;
    w->rng.state = ~config->seed;
    w->now_ms = WORLD_START_MS;
    copy_nodes(w);
    open_transcript(w);
    w->pods_len = w->nodes.pods_len;
    w->pods = world_alloc(w->pods_len * sizeof(*w->pods));
    world_arbiter_start(w);
    for (size_t i = 0; i < w->pods_len; i++) {
        w->pods[i].opted_in = opted_in(&w->nodes.pods[i]);
        if (w->pods[i].opted_in) {
            world_agent_start(w, i);
        }
    }
    return w;
}

struct world *
world_free(struct world *w)
{
    for (size_t i = 0; i < w->pods_len; i++) {
        free(w->pods[i].agent);
    }
    queue_fini(&w->queue);
    free(w->arbiter);
    free(w->sim);
    free(w->node_specs);
    free(w->seen_specs);
    free(w->transcript_memory);
    free(w->pods);
    free(w);
    return NULL;
}

static void
arrive(struct world *w, const struct queue_event *event)
{
    struct agent_event step = {.kind = AGENT_CONNECTED};

    switch ((enum world_kind)event->kind) {
    case WORLD_API:
        world_request_arrives(w, event);
        break;
    case WORLD_ANSWER:
        world_answer_arrives(w, event);
        break;
    case WORLD_WATCH:
    case WORLD_WATCH_NODE:
        world_watch_arrives(w, event);
        break;
    case WORLD_STRATEGY:
        world_strategy_arrives(w, event);
        break;
    case WORLD_SIGNAL:
        world_signal_arrives(w, event);
        break;
    case WORLD_RELEASED:
        step.kind = AGENT_RELEASED;
        step.released = true;
        world_agent_step(w, event->index, &step);
        break;
    case WORLD_CONNECTED:
        world_agent_step(w, event->index, &step);
        break;
    case WORLD_ARBITER_WAKE:
        world_arbiter_wake(w);
        break;
    case WORLD_AGENT_WAKE:
        world_agent_wake(w, event->index);
        break;
    }
    free(event->data);
}

/* Lets time pass for kernel and kubelets. */
static void
pass(struct world *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    node_advance(w->sim, now_ms);
    world_watch(w);
}

static uint64_t
sooner(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

void
world_run(struct world *w, double second)
{
    uint64_t until_ms = WORLD_START_MS + (uint64_t)(second * 1000.0);
    unsigned moment = 0;

    for (;;) {
        uint64_t due_ms = queue_due_ms(&w->queue);
        uint64_t next_ms = sooner(due_ms, node_wake_ms(w->sim));
        if (next_ms > until_ms) {
            break;
        }
        moment = next_ms == w->now_ms ? moment + 1 : 0;
        if (moment > MOMENT_MAX) {
            world_violated(w, 0, "time stands still");
            return;
        }
        pass(w, next_ms);
        if (due_ms == next_ms) {
            struct queue_event event = queue_pop(&w->queue);
            arrive(w, &event);
            world_watch(w);
        }
    }
    pass(w, until_ms);
    if (w->transcript.overflow) {
        world_violated(w, 0, "the transcript is full");
    }
}

void
world_bus(struct world *w, const struct world_bus *bus)
{
    w->config.bus = *bus;
}

enum node_refusal
world_resize(struct world *w, size_t pod, const struct kube_resources *wished)
{
    return node_resize(w->sim, pod, wished);
}

void
world_fault(struct world *w, enum world_fault fault, unsigned countdown,
            unsigned repeat)
{
    w->faults[fault] = (struct fault){countdown, repeat};
}

struct arbiter *
world_arbiter(struct world *w)
{
    return w->arbiter;
}

struct node_sim *
world_nodes(struct world *w)
{
    return w->sim;
}

int64_t
world_request(struct world *w, size_t pod, enum gt_resource resource)
{
    struct kube_pod view;

    node_pod_view(w->sim, pod, &view);
    return view.containers[0].actual.requests[resource];
}

const char *
world_transcript(const struct world *w)
{
    return w->transcript.data;
}

const char *
world_violation(const struct world *w)
{
    return w->violation[0] != '\0' ? w->violation : NULL;
}
