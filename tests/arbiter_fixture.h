/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arbiter with one node, and agents of one container each that say what the
 * test wants them to.
 */
#ifndef TESTS_ARBITER_FIXTURE_H
#define TESTS_ARBITER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arbiter/arbiter.h"

#define MIB     ((int64_t)1 << 20)
#define ARBITER 7
#define OPEN_MS 20000 /* past listening */

struct fixture {
    struct arbiter *arbiter;
    struct arbiter_config config;
    struct gt_log log;
    struct gt_buf lines;
    char text[65536];
    struct arbiter_update update;
    struct wire_signal signal;
    struct kube_watch_event watch;
    uint64_t now_ms;
};

static inline void
step(struct fixture *f, struct arbiter_event event)
{
    event.now.mono_ms = f->now_ms;
    arbiter_step(f->arbiter, &event, &f->update);
}

static inline void
hear(struct fixture *f, const struct wire_strategy *said)
{
    step(f, (struct arbiter_event){.kind = ARBITER_HEARD, .strategy = said});
}

static inline bool
next_signal(struct fixture *f)
{
    return arbiter_next_signal(
        f->arbiter, (struct gt_time){.mono_ms = f->now_ms}, &f->signal);
}

static inline unsigned
drain(struct fixture *f)
{
    unsigned parts = 0;

    while (next_signal(f)) {
        parts++;
    }
    return parts;
}

static inline void
node_says(struct fixture *f, enum kube_watch_kind kind, const char *name,
          int64_t cpu)
{
    memset(&f->watch, 0, sizeof(f->watch));
    f->watch.kind = kind;
    strcpy(f->watch.node.name, name);
    f->watch.node.allocatable[GT_CPU] = cpu;
    f->watch.node.allocatable[GT_MEMORY] = 8192 * MIB;
    step(f, (struct arbiter_event){.kind = ARBITER_NODE, .watch = &f->watch});
}

/* A pod of one container, "app", that requests @cpu and 100 MiB. */
static inline void
pod_says(struct fixture *f, enum kube_watch_kind kind, const char *uid,
         int64_t cpu)
{
    struct kube_pod *pod = &f->watch.pod;

    memset(&f->watch, 0, sizeof(f->watch));
    f->watch.kind = kind;
    strcpy(pod->uid, uid);
    strcpy(pod->node, "n1");
    pod->containers_len = 1;
    strcpy(pod->containers[0].name, "app");
    pod->containers[0].spec.requests[GT_CPU] = cpu;
    pod->containers[0].spec.requests[GT_MEMORY] = 100 * MIB;
    step(f, (struct arbiter_event){.kind = ARBITER_POD, .watch = &f->watch});
}

static inline void
list_is(struct fixture *f, enum arbiter_event_kind kind, enum kube_object what)
{
    step(f, (struct arbiter_event){.kind = kind, .object = what});
}

static inline int
make(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->config = arbiter_defaults();
    f->config.incarnation = ARBITER;
    f->config.max_agents = 200;
    f->config.max_nodes = 4;
    f->config.max_pods = 300;
    gt_buf_init(&f->lines, f->text, sizeof(f->text));
    f->log = (struct gt_log){
        .out = &f->lines, .threshold = GT_LOG_INFO, .who = "arbiter"};
    f->arbiter =
        arbiter_init(calloc(1, arbiter_size(&f->config)), &f->config, &f->log);
    f->now_ms = 1000;
    step(f, (struct arbiter_event){.kind = ARBITER_START});
    *state = f;
    return 0;
}

/* Synced, past listening, one node of 10 cores without pods. */
static inline int
start(void **state)
{
    struct fixture *f;

    make(state);
    f = *state;
    node_says(f, KUBE_WATCH_ADDED, "n1", 10000);
    list_is(f, ARBITER_SYNCED, KUBE_OBJECT_NODE);
    list_is(f, ARBITER_SYNCED, KUBE_OBJECT_POD);
    f->now_ms = OPEN_MS;
    return 0;
}

static inline int
stop(void **state)
{
    struct fixture *f = *state;

    free(f->arbiter);
    free(f);
    return 0;
}

static inline struct wire_strategy
agent(const char *id, int64_t cpu)
{
    struct wire_strategy said = {
        .kind = WIRE_HELLO, .incarnation = 1, .seq = 1, .containers_len = 1};
    struct wire_player *players = said.containers[0].players;

    strcpy(said.id, id);
    strcpy(said.node, "n1");
    strcpy(said.space, "shop");
    strcpy(said.pod, id);
    strcpy(said.containers[0].name, "app");
    players[GT_CPU] =
        (struct wire_player){.current = cpu, .target = cpu, .want = cpu};
    players[GT_MEMORY] = (struct wire_player){
        .current = 100 * MIB, .target = 100 * MIB, .want = 100 * MIB};
    return said;
}

static inline struct wire_player *
cpu_of(struct wire_strategy *said)
{
    return &said->containers[0].players[GT_CPU];
}

/* Says something newer. */
static inline void
say(struct fixture *f, struct wire_strategy *said, enum wire_kind kind)
{
    said->kind = kind;
    said->seq++;
    hear(f, said);
}

static inline void
ask(struct fixture *f, struct wire_strategy *said, int64_t want, double gain)
{
    cpu_of(said)->want = want;
    cpu_of(said)->gain = gain;
    say(f, said, WIRE_INTENT);
    cpu_of(said)->want = cpu_of(said)->target;
}

/* The light of the signal at hand is acted on, and reported. */
static inline void
obey(struct fixture *f, struct wire_strategy *said)
{
    cpu_of(said)->current = f->signal.lights[0].amount;
    cpu_of(said)->target = f->signal.lights[0].amount;
    cpu_of(said)->want = f->signal.lights[0].amount;
    said->heard_incarnation = f->signal.incarnation;
    said->heard_epoch = f->signal.epoch;
    say(f, said, WIRE_ACK);
}

static inline struct arbiter_node_view
node_view(const struct fixture *f)
{
    struct arbiter_node_view view;
    uint32_t cursor = 0;

    assert_true(arbiter_next_node(f->arbiter, &cursor, &view));
    return view;
}

static inline void
cpu_load_is(const struct fixture *f, int64_t lo, int64_t hi)
{
    struct arbiter_node_view view = node_view(f);

    assert_int_equal(view.of[GT_CPU].load.lo, lo);
    assert_int_equal(view.of[GT_CPU].load.hi, hi);
}

static inline bool
was_logged(const struct fixture *f, const char *words)
{
    return strstr(f->text, words) != NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
