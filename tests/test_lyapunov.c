/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of the whole arbiter over random games: the potential never falls
 * along admitted moves, whatever is lost, and the load stays below capacity.
 */
#include "arbiter/arbiter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/game.h"
#include "common/grid.h"
#include "common/rng.h"

#define PLAYERS_MAX 400
#define LEVELS      24
#define PENALTY     20.0
#define ROUND_MS    5000
#define QUIET       4 /* rounds: everybody heard a signal without lights */

struct player {
    int64_t amounts[LEVELS];
    double values[LEVELS]; /* f, private */
    double scale;
    int level;   /* in force */
    int moving;  /* being put in force; = level when nothing is */
    int wish;    /* of the open intent */
    double load; /* of the node, as last heard */
    struct wire_strategy said;
    struct wire_strategy before; /* an old message that may come again */
};

struct mesh {
    struct arbiter *arbiter;
    struct arbiter_config config;
    struct gt_log log;
    struct gt_buf lines;
    char text[256];
    struct gt_rng rng;
    struct gt_congestion node;
    double loss;  /* of a message, each way */
    double delay; /* chance that a resize takes a round, or fails */
    uint64_t now_ms;
    size_t len;
    struct player players[PLAYERS_MAX];
    double potential;
    unsigned falls; /* rounds in which the true potential fell */
    bool overfull;  /* the booked load was above capacity once */
};

static bool
chance(struct mesh *m, double share)
{
    return gt_rng_unit(&m->rng) < share;
}

static double
gauss(struct mesh *m)
{
    double u = 1.0 - gt_rng_unit(&m->rng);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * gt_rng_unit(&m->rng));
}

/* E[(D - x)+] of a log-normal demand of median @median. */
static double
unserved(double x, double median, double sigma)
{
    double mu = log(median);
    double d1 = (mu + sigma * sigma - log(x)) / sigma;
    double d2 = (mu - log(x)) / sigma;

    return exp(mu + sigma * sigma / 2) * 0.5 * erfc(-d1 / sqrt(2.0)) -
           x * 0.5 * erfc(-d2 / sqrt(2.0));
}

static double
units(int64_t amount)
{
    return gt_grid_units(GT_CPU, amount);
}

static void
step(struct mesh *m, struct arbiter_event event)
{
    struct arbiter_update update;

    event.now.mono_ms = m->now_ms;
    arbiter_step(m->arbiter, &event, &update);
}

static void
make_player(struct mesh *m, struct player *p, unsigned number)
{
    double sigma = 0.2 + 0.5 * gt_rng_unit(&m->rng);
    double weight = chance(m, 0.2) ? 2.0 : chance(m, 0.5) ? 1.0 : 0.5;
    int best = 0;

    p->scale = 0.2 * exp(gauss(m) * 0.9);
    int lowest = gt_grid_level_up(GT_CPU, (int64_t)(p->scale * 1000)) - 10;
    lowest = lowest < 4 ? 4 : lowest;
    for (int l = 0; l < LEVELS; l++) {
        p->amounts[l] = gt_grid_amount(GT_CPU, lowest + l);
        double x = units(p->amounts[l]);
        p->values[l] =
            gt_game_own(x, PENALTY * weight, unserved(x, p->scale, sigma));
        best = p->values[l] > p->values[best] ? l : best;
    }
    m->node.capacity += units(p->amounts[best]);
    p->level = best + (int)gt_rng_below(&m->rng, 13) - 6;
    p->level = p->level < 0 ? 0 : p->level >= LEVELS ? LEVELS - 1 : p->level;
    p->moving = p->level;
    p->said = (struct wire_strategy){.incarnation = 1, .containers_len = 1};
    snprintf(p->said.id, sizeof(p->said.id), "p%u", number);
    strcpy(p->said.pod, p->said.id);
    strcpy(p->said.node, "n1");
    strcpy(p->said.space, "shop");
}

static double
true_load(const struct mesh *m)
{
    double load = 0.0;

    for (size_t i = 0; i < m->len; i++) {
        load += units(m->players[i].amounts[m->players[i].level]);
    }
    return load;
}

static double
true_potential(const struct mesh *m)
{
    double sum = -gt_game_congestion(&m->node, true_load(m));

    for (size_t i = 0; i < m->len; i++) {
        sum += m->players[i].values[m->players[i].level];
    }
    return sum;
}

static void
say(struct mesh *m, struct player *p, enum wire_kind kind, bool lost)
{
    struct wire_player *cpu = &p->said.containers[0].players[GT_CPU];

    p->before = p->said;
    p->said.kind = kind;
    p->said.seq++;
    cpu->current = p->amounts[p->level];
    cpu->target = p->amounts[p->moving];
    cpu->want = kind == WIRE_INTENT ? p->amounts[p->wish] : cpu->target;
    cpu->gain = p->values[p->wish] - p->values[p->moving];
    cpu->value = p->values[p->level];
    if (!lost) {
        step(m, (struct arbiter_event){.kind = ARBITER_HEARD,
                                       .strategy = &p->said});
    }
    if (chance(m, 0.1) && p->before.seq > 0) { /* late, and twice */
        step(m, (struct arbiter_event){.kind = ARBITER_HEARD,
                                       .strategy = &p->before});
    }
}

/* The best response to the load last heard. */
static void
wish(const struct mesh *m, struct player *p)
{
    double others = p->load - units(p->amounts[p->moving]);
    double now = gt_game_utility(&m->node, p->values[p->moving], others,
                                 units(p->amounts[p->moving]));
    double most = 0.0;

    p->wish = p->moving;
    for (int l = 0; l < LEVELS; l++) {
        double gain = gt_game_utility(&m->node, p->values[l], others,
                                      units(p->amounts[l])) -
                      now -
                      gt_game_threshold(units(p->amounts[p->moving]),
                                        units(p->amounts[l]));

        if (gain > most) {
            most = gain;
            p->wish = l;
        }
    }
}

static void
obey(struct mesh *m, struct player *p, const struct wire_light *light)
{
    if (light->seq != p->said.seq || light->color != WIRE_GREEN) {
        return;
    }
    p->moving = p->wish;
    if (!chance(m, m->delay)) {
        p->level = p->moving;
    }
}

static void
hear_signal(struct mesh *m, struct player *p, const struct wire_signal *signal)
{
    p->load = units(signal->loads[GT_CPU].hi);
    p->said.heard_incarnation = signal->incarnation;
    p->said.heard_epoch = signal->epoch;
    for (size_t i = 0; i < signal->lights_len; i++) {
        if (strcmp(signal->lights[i].id, p->said.id) == 0) {
            obey(m, p, &signal->lights[i]);
        }
    }
}

static void
broadcast(struct mesh *m)
{
    struct gt_time now = {.mono_ms = m->now_ms};
    struct wire_signal signal;

    while (arbiter_next_signal(m->arbiter, now, &signal)) {
        for (size_t i = 0; i < m->len; i++) {
            if (!chance(m, m->loss)) {
                hear_signal(m, &m->players[i], &signal);
            }
        }
    }
}

static void
look(struct mesh *m)
{
    struct arbiter_node_view view;
    uint32_t cursor = 0;
    double potential = true_potential(m);

    assert_true(arbiter_next_node(m->arbiter, &cursor, &view));
    m->overfull =
        m->overfull || view.of[GT_CPU].load.hi > view.of[GT_CPU].load.capacity;
    m->falls += potential < m->potential - 1e-9 * fabs(m->potential);
    m->potential = potential;
}

/* A resize that took a round is done now, or failed. */
static void
end_resize(struct mesh *m, struct player *p)
{
    if (chance(m, 0.8)) {
        p->level = p->moving;
    } else {
        p->moving = p->level;
    }
}

/* Everybody speaks once, then the signal goes out.  True while anybody still
 * wishes or moves. */
static bool
play_round(struct mesh *m)
{
    bool busy = false;

    m->now_ms += ROUND_MS;
    for (size_t i = 0; i < m->len; i++) {
        struct player *p = &m->players[i];

        end_resize(m, p);
        wish(m, p);
        busy = busy || p->wish != p->moving || p->moving != p->level;
        say(m, p, p->wish != p->moving ? WIRE_INTENT : WIRE_HEARTBEAT,
            chance(m, m->loss));
    }
    broadcast(m);
    look(m);
    return busy;
}

static void
open_table(struct mesh *m)
{
    struct kube_watch_event watch = {.kind = KUBE_WATCH_ADDED};

    m->config.p1 = 2.0 * PENALTY * 2.0;
    m->config.max_agents = PLAYERS_MAX;
    m->config.max_pods = PLAYERS_MAX;
    m->config.greens_per_s = 1e6;
    m->config.listen_first_ms = 0;
    gt_buf_init(&m->lines, m->text, sizeof(m->text));
    m->log = (struct gt_log){
        .out = &m->lines, .threshold = GT_LOG_ERROR, .who = "arbiter"};
    m->arbiter =
        arbiter_init(calloc(1, arbiter_size(&m->config)), &m->config, &m->log);
    m->now_ms = 1000;
    step(m, (struct arbiter_event){.kind = ARBITER_START});
    strcpy(watch.node.name, "n1");
    watch.node.allocatable[GT_CPU] = (int64_t)(m->node.capacity * 1000);
    step(m, (struct arbiter_event){.kind = ARBITER_NODE, .watch = &watch});
    for (int object = KUBE_OBJECT_POD; object <= KUBE_OBJECT_NODE; object++) {
        step(m, (struct arbiter_event){.kind = ARBITER_SYNCED,
                                       .object = (enum kube_object)object});
    }
}

/* A game of @len players whose node has 85 % of what they would like. */
static struct mesh *
make_mesh(uint64_t seed, size_t len, bool simultaneous)
{
    struct mesh *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    m->rng.state = seed;
    m->config = arbiter_defaults();
    m->config.incarnation = 7;
    m->config.simultaneous = simultaneous;
    m->len = len;
    for (unsigned i = 0; i < len; i++) {
        make_player(m, &m->players[i], i);
    }
    m->node.capacity = ceil(m->node.capacity * 0.85 * 1000) / 1000;
    while (true_load(m) > m->node.capacity) {
        struct player *p = &m->players[gt_rng_below(&m->rng, len)];

        p->level -= p->level > 0;
        p->moving = p->level;
    }
    open_table(m);
    m->node.rho0 = m->config.rho0;
    m->node.p1 = m->config.p1;
    m->node.exponent = m->config.exponent;
    m->potential = true_potential(m);
    for (unsigned i = 0; i < len; i++) {
        m->players[i].load = true_load(m);
        say(m, &m->players[i], WIRE_HELLO, false);
    }
    return m;
}

static void
free_mesh(struct mesh *m)
{
    free(m->arbiter);
    free(m);
}

/* Plays until nobody wishes for more, or 200 rounds. */
static void
play(struct mesh *m)
{
    int quiet = 0;

    for (int round = 0; round < 200 && quiet < QUIET; round++) {
        quiet = play_round(m) ? 0 : quiet + 1;
    }
}

static void
play_many(double loss, size_t len, int runs)
{
    uint64_t acked = 0;

    for (int run = 0; run < runs; run++) {
        struct mesh *m = make_mesh((uint64_t)run * 977 + len, len, false);

        m->loss = loss;
        double start = m->potential;
        play(m);

        const struct arbiter_counts *counts = arbiter_counts(m->arbiter);
        assert_int_equal(counts->potential_drops, 0);
        assert_int_equal(counts->unaudited, 0);
        assert_int_equal(m->falls, 0);
        assert_false(m->overfull);
        assert_true(m->potential >= start);
        acked += counts->acked;
        free_mesh(m);
    }
    assert_true(acked > (uint64_t)runs * len / 2);
}

static void
the_potential_never_falls_along_green_lights(void **state)
{
    (void)state;
    play_many(0.0, 2, 40);
    play_many(0.0, 10, 40);
    play_many(0.0, 100, 10);
    play_many(0.0, PLAYERS_MAX, 2);
}

static void
the_potential_never_falls_when_messages_are_lost(void **state)
{
    (void)state;
    play_many(0.1, 10, 40);
    play_many(0.3, 10, 40);
    play_many(0.1, 100, 10);
    play_many(0.3, 100, 10);
}

static void
moves_that_take_long_or_fail_are_audited_without_a_drop(void **state)
{
    (void)state;
    for (int run = 0; run < 40; run++) {
        struct mesh *m = make_mesh((uint64_t)run + 5000, 40, false);
        double start = m->potential;

        m->loss = run % 2 ? 0.2 : 0.0;
        m->delay = 0.5;
        play(m);

        assert_int_equal(arbiter_counts(m->arbiter)->potential_drops, 0);
        assert_true(arbiter_counts(m->arbiter)->lapsed > 0);
        assert_false(m->overfull);
        assert_true(m->potential > start);
        free_mesh(m);
    }
}

static void
without_green_light_the_potential_falls_and_the_audit_sees_it(void **state)
{
    struct mesh *m = make_mesh(4242, 100, true);
    (void)state;

    play(m);

    assert_true(m->falls > 50);
    assert_true(arbiter_counts(m->arbiter)->potential_drops > 50);
    assert_true(m->overfull);
    free_mesh(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_potential_never_falls_along_green_lights),
        cmocka_unit_test(the_potential_never_falls_when_messages_are_lost),
        cmocka_unit_test(
            moves_that_take_long_or_fail_are_audited_without_a_drop),
        cmocka_unit_test(
            without_green_light_the_potential_falls_and_the_audit_sees_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
