/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the arbiter's core costs: nanoseconds for a heartbeat of one of 10 000
 * agents, and microseconds for a round in which everybody on a node wishes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arbiter/arbiter.h"
#include "common/rng.h"

#define AGENTS   10000
#define MESSAGES 200000

struct bench {
    struct arbiter_config config;
    struct arbiter *arbiter;
    struct gt_log log;
    struct gt_buf lines;
    char text[256];
    struct gt_rng rng;
    uint64_t now_ms;
    uint64_t seq;
    struct wire_strategy said;
};

static double
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static void
step(struct bench *b, struct arbiter_event event)
{
    struct arbiter_update update;

    event.now.mono_ms = b->now_ms;
    arbiter_step(b->arbiter, &event, &update);
}

/* Agent @number of those on node @number / @per_node speaks. */
static void
say(struct bench *b, enum wire_kind kind, unsigned number, unsigned per_node)
{
    struct wire_strategy *said = &b->said;
    struct wire_player *cpu = &said->containers[0].players[GT_CPU];

    said->kind = kind;
    said->seq = ++b->seq;
    snprintf(said->id, sizeof(said->id), "agent-%u", number);
    snprintf(said->pod, sizeof(said->pod), "pod-%u", number);
    snprintf(said->node, sizeof(said->node), "node-%u", number / per_node);
    *cpu = (struct wire_player){.current = 100, .target = 100, .want = 100};
    if (kind == WIRE_INTENT) {
        cpu->want = 100 + 20 * (int64_t)(1 + gt_rng_below(&b->rng, 5));
        cpu->gain = gt_rng_unit(&b->rng);
    }
    step(b, (struct arbiter_event){.kind = ARBITER_HEARD, .strategy = said});
}

static unsigned
drain(struct bench *b)
{
    struct gt_time now = {.mono_ms = b->now_ms};
    struct wire_signal signal;
    unsigned parts = 0;

    while (arbiter_next_signal(b->arbiter, now, &signal)) {
        parts++;
    }
    return parts;
}

static void
start(struct bench *b, unsigned agents, unsigned per_node)
{
    struct kube_watch_event watch = {.kind = KUBE_WATCH_ADDED};

    memset(b, 0, sizeof(*b));
    b->config = arbiter_defaults();
    b->config.incarnation = 1;
    b->config.greens_per_s = 1e9;
    b->config.listen_first_ms = 0;
    gt_buf_init(&b->lines, b->text, sizeof(b->text));
    b->log = (struct gt_log){
        .out = &b->lines, .threshold = GT_LOG_ERROR, .who = "arbiter"};
    b->arbiter =
        arbiter_init(calloc(1, arbiter_size(&b->config)), &b->config, &b->log);
    b->now_ms = 1000;
    b->said.incarnation = 1;
    b->said.containers_len = 1;
    strcpy(b->said.space, "bench");
    step(b, (struct arbiter_event){.kind = ARBITER_START});
    for (unsigned i = 0; i * per_node < agents; i++) {
        snprintf(watch.node.name, sizeof(watch.node.name), "node-%u", i);
        watch.node.allocatable[GT_CPU] = (int64_t)per_node * 110;
        step(b, (struct arbiter_event){.kind = ARBITER_NODE, .watch = &watch});
    }
    for (int object = KUBE_OBJECT_POD; object <= KUBE_OBJECT_NODE; object++) {
        step(b, (struct arbiter_event){.kind = ARBITER_SYNCED,
                                       .object = (enum kube_object)object});
    }
    for (unsigned i = 0; i < agents; i++) {
        say(b, WIRE_HELLO, i, per_node);
    }
}

static void
bench_messages(void)
{
    struct bench b;
    double message_ns = -now_ns();

    start(&b, AGENTS, 25);
    printf("arbiter: %zu MiB for %d agents, joined in %.1f us each\n",
           arbiter_size(&b.config) >> 20, AGENTS,
           (message_ns + now_ns()) / 1e3 / AGENTS);
    drain(&b);
    message_ns = -now_ns();
    for (unsigned i = 0; i < MESSAGES; i++) {
        say(&b, WIRE_HEARTBEAT, (unsigned)gt_rng_below(&b.rng, AGENTS), 25);
    }
    message_ns += now_ns();
    b.now_ms += ARBITER_PERIOD_MS + ARBITER_GAP_MS;
    double signal_ns = -now_ns();
    unsigned parts = drain(&b);
    signal_ns += now_ns();
    printf("arbiter: a heartbeat %.0f ns, a signal of 25 agents %.1f us\n",
           message_ns / MESSAGES, signal_ns / 1e3 / parts);
    free(b.arbiter);
}

/* Everybody on one node wishes; half of them may be given it. */
static void
bench_round(unsigned agents)
{
    struct bench b;

    start(&b, agents, agents);
    drain(&b);
    for (unsigned i = 0; i < agents; i++) {
        say(&b, WIRE_INTENT, i, agents);
    }
    b.now_ms += ARBITER_GAP_MS;
    double round_ns = -now_ns();
    unsigned parts = drain(&b);
    round_ns += now_ns();
    const struct arbiter_counts *counts = arbiter_counts(b.arbiter);
    printf("arbiter: a round of %5u wishes %8.1f us (%5.0f ns each), "
           "%llu green, %u parts\n",
           agents, round_ns / 1e3, round_ns / agents,
           (unsigned long long)counts->lights[WIRE_GREEN], parts);
    free(b.arbiter);
}

int
main(void)
{
    bench_messages();
    for (unsigned agents = 10; agents <= AGENTS; agents *= 10) {
        bench_round(agents);
    }
    return 0;
}
