/* SPDX-License-Identifier: Apache-2.0 */
/* Half an hour with 20 busy pods on a node that is too small for them, and a
 * bus that loses and delays; and the same with everybody dying now and then. */
#include "tests/story_fixture.h"

#include <stdio.h>

#include "common/rng.h"

#define PODS  20
#define STEPS 15
#define END_S 1800

static const char *const names[PODS] = {
    "p00", "p01", "p02", "p03", "p04", "p05", "p06", "p07", "p08", "p09",
    "p10", "p11", "p12", "p13", "p14", "p15", "p16", "p17", "p18", "p19",
};

/* Each pod has a demand of its own that jumps every two minutes. */
static void
crowd(struct story *s, size_t pods, uint64_t seed)
{
    struct gt_rng rng = {.state = seed};

    s->config.seed = seed;
    s->nodes.seed = seed;
    s->nodes.noise = 0.15;
    story_node(s, "node-a", 600 * (int64_t)pods, 820 * (int64_t)pods);
    for (size_t i = 0; i < pods; i++) {
        size_t pod = story_pod(s, names[i], 500, 512);

        if (i % 4 == 0) {
            story_annotate(s, pod, "priority", "4");
        }
        for (int64_t k = 0; k < STEPS; k++) {
            int64_t jitter = (int64_t)gt_rng_below(&rng, 100);
            double cores = 0.1 + 1.2 * gt_rng_unit(&rng);
            double mib = 100 + 300 * gt_rng_unit(&rng);

            story_demand(s, pod, k * 120 + jitter, cores, mib);
        }
    }
}

static uint64_t
drops(struct story *s)
{
    return arbiter_counts(world_arbiter(s->world))->potential_drops;
}

static void
thirty_percent_loss_costs_neither_capacity_nor_potential(void **state)
{
    struct story *s = *state;

    s->config.bus.loss = 0.3;
    crowd(s, PODS, 1);
    story_begin(s);
    story_until(s, END_S);

    assert_true(story_books(s).resizes > 50);
    assert_true(arbiter_counts(world_arbiter(s->world))->lapsed > 0);
    assert_int_equal(drops(s), 0);
    assert_int_equal(story_books(s).overcommit_samples, 0);
    is_sound(s);
}

static void
without_green_lights_the_potential_falls_and_capacity_is_overrun(void **state)
{
    struct story *s = *state;

    s->config.simultaneous = true;
    crowd(s, PODS, 1);
    story_begin(s);
    story_until(s, END_S);

    assert_true(drops(s) > 0);
    assert_true(story_books(s).overcommit_samples > 0);
    is_sound(s);
}

/* The bus loses, delays and repeats. */
static const struct world_bus bad_bus = {
    .delay_ms = 1,
    .loss = 0.2,
    .late = 0.2,
    .echo = 0.2,
    .late_ms = 3000,
};

/* Something dies, or comes back. */
static void
strike(struct story *s, struct gt_rng *rng)
{
    /* Drawn one after the other: compilers differ in the order of arguments. */
    size_t pod = gt_rng_below(rng, s->nodes.pods_len);
    enum world_fault fault = (enum world_fault)gt_rng_below(rng, WORLD_FAULTS);
    unsigned countdown = (unsigned)gt_rng_below(rng, 5);
    unsigned repeat = (unsigned)gt_rng_below(rng, 4);

    switch (gt_rng_below(rng, 8)) {
    case 0:
        if (world_arbiter(s->world) != NULL) {
            world_arbiter_stop(s->world);
        }
        break;
    case 1:
        world_agent_kill(s->world, pod);
        break;
    case 2:
        world_blind(s->world, pod, gt_rng_unit(rng) < 0.5);
        break;
    case 3:
        world_fault(s->world, fault, countdown, repeat);
        break;
    default:
        break;
    }
}

static void
revive(struct story *s, struct gt_rng *rng)
{
    if (world_arbiter(s->world) == NULL && gt_rng_unit(rng) < 0.3) {
        world_arbiter_start(s->world);
    }
    for (size_t i = 0; i < s->nodes.pods_len; i++) {
        if (world_agent(s->world, i) == NULL && gt_rng_unit(rng) < 0.3) {
            world_agent_start(s->world, i);
        }
    }
}

static void
live_dangerously(struct story *s, uint64_t seed)
{
    struct gt_rng rng = {.state = seed};
    double second = 0.0;

    s->config.bus = bad_bus;
    crowd(s, 8, seed);
    story_begin(s);
    while (second < END_S) {
        second += 20.0 * gt_rng_unit(&rng);
        story_until(s, second);
        strike(s, &rng);
        revive(s, &rng);
    }
}

static void
whoever_dies_the_rules_hold(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct story *s = malloc(sizeof(*s));

        assert_non_null(s);
        story_init(s);
        live_dangerously(s, seed);
        assert_true(story_count(s, "", "resize_done") > 10);
        is_sound(s);
        story_fini(s);
        free(s);
    }
}

/* The caller frees it. */
static char *
dangerous_transcript(uint64_t seed)
{
    struct story *s = malloc(sizeof(*s));
    char *transcript;

    assert_non_null(s);
    story_init(s);
    live_dangerously(s, seed);
    transcript = strdup(world_transcript(s->world));
    story_fini(s);
    free(s);
    return transcript;
}

static void
the_same_seed_tells_the_same_story_byte_for_byte(void **state)
{
    char *first = dangerous_transcript(7);
    char *second = dangerous_transcript(7);
    char *other = dangerous_transcript(8);
    (void)state;

    assert_true(strlen(first) > 10000);
    assert_true(strcmp(first, second) == 0);
    assert_true(strcmp(first, other) != 0);
    free(first);
    free(second);
    free(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        A_STORY(thirty_percent_loss_costs_neither_capacity_nor_potential),
        A_STORY(
            without_green_lights_the_potential_falls_and_capacity_is_overrun),
        cmocka_unit_test(whoever_dies_the_rules_hold),
        cmocka_unit_test(the_same_seed_tells_the_same_story_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
