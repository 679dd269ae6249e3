/* SPDX-License-Identifier: Apache-2.0 */
/* A node is full, or fuller than its arbiter knew. */
#include "tests/story_fixture.h"

#include <stdio.h>

/*
 * Four batch pods fill a node when a pod of high priority needs more: they give
 * way, step by step, and the quiet one never notices.
 */
static void
priority_decides_who_gets_a_full_node(void **state)
{
    static const char *const names[] = {"batch-0", "batch-1", "batch-2",
                                        "batch-3"};
    struct story *s = *state;
    struct node_books books;
    size_t quiet;
    size_t gold;

    story_node(s, "node-a", 4000, 8192);
    quiet = story_pod(s, "quiet", 500, 512);
    gold = story_pod(s, "gold", 500, 512);
    story_annotate(s, gold, "priority", "16");
    story_demand(s, quiet, 0, 0.4, 300);
    story_demand(s, gold, 0, 0.4, 300);
    story_demand(s, gold, 2700, 1.2, 300);
    for (size_t i = 0; i < GT_ARRAY_LEN(names); i++) {
        size_t batch = story_pod(s, names[i], 500, 512);

        story_annotate(s, batch, "class", "batch");
        story_demand(s, batch, 0, 0.2, 300);
        story_demand(s, batch, 2400, 2.0, 300);
    }
    for (size_t i = 0; i <= gold + GT_ARRAY_LEN(names); i++) {
        story_annotate(s, i, "resources", "cpu");
    }
    story_begin(s);
    story_until(s, 2860);

    tells(s, 2690, "", "resize",
          "2702.008 gold resize container=app resource=cpu from=421 to=500 "
          "verdict=grow reason=evidence by=green_light\n"
          "2741.008 batch-1 resize container=app resource=cpu from=708 to=595 "
          "verdict=shrink reason=patience by=green_light\n"
          "2743.008 gold resize container=app resource=cpu from=500 to=708 "
          "verdict=grow reason=evidence by=green_light\n"
          "2786.008 batch-1 resize container=app resource=cpu from=595 to=500 "
          "verdict=shrink reason=patience by=green_light\n"
          "2789.008 batch-0 resize container=app resource=cpu from=708 to=595 "
          "verdict=shrink reason=patience by=green_light\n"
          "2791.008 gold resize container=app resource=cpu from=708 to=841 "
          "verdict=grow reason=gain by=green_light\n"
          "2834.008 batch-0 resize container=app resource=cpu from=595 to=500 "
          "verdict=shrink reason=patience by=green_light\n"
          "2836.008 gold resize container=app resource=cpu from=841 to=1000 "
          "verdict=grow reason=gain by=green_light\n"
          "2842.008 batch-0 resize container=app resource=cpu from=500 to=595 "
          "verdict=grow reason=floor by=green_light\n");
    assert_true(cpu_of(s, gold) >= 1000);
    node_pod_books(world_nodes(s->world), quiet, &books);
    assert_true(books.unserved_core_s < 0.1);
    assert_true(world_agent(s->world, quiet)->counts.patches <= 2);
    assert_int_equal(story_books(s).overcommit_samples, 0);
    assert_int_equal(story_books(s).deferred, 0);
    is_sound(s);
}

static void
a_full_node_grants_nothing_that_others_hold(void **state)
{
    struct story *s = *state;
    size_t web;
    size_t foreign;

    story_node(s, "node-a", 2000, 4096);
    web = story_pod(s, "web", 500, 512);
    foreign = story_foreign(s, "foreign", 1400, 512);
    story_annotate(s, web, "resources", "cpu");
    story_demand(s, web, 0, 0.4, 300);
    story_demand(s, web, 60, 2.0, 300);
    story_demand(s, foreign, 0, 0.1, 300);
    story_begin(s);
    story_until(s, 900);

    assert_true(cpu_of(s, web) <= 600);
    assert_int_equal(story_books(s).overcommit_samples, 0);
    assert_int_equal(story_books(s).deferred, 0);
    assert_true(arbiter_counts(world_arbiter(s->world))->lights[WIRE_RED] > 0);
    is_sound(s);
}

/* Pods that ask in vain ask ever more rarely. */
static void
a_starving_pod_does_not_storm(void **state)
{
    struct story *s = *state;
    size_t web;

    story_node(s, "node-a", 2000, 4096);
    web = story_pod(s, "web", 1900, 512);
    story_annotate(s, web, "resources", "cpu");
    story_demand(s, web, 0, 4.0, 300);
    story_begin(s);
    story_until(s, 1800);

    assert_true(world_agent(s->world, web)->counts.intents <=
                2 * 1800 / 15 + 8);
    assert_true(world_agent(s->world, web)->counts.patches <= 1);
    is_sound(s);
}

/* A web pod that will be throttled at 60 s, and somebody else; the arbiter's
 * watch is two seconds behind. */
static size_t
begin_with_a_slow_watch(struct story *s)
{
    size_t web;
    size_t foreign;

    s->config.watch_ms = 2000;
    story_node(s, "node-a", 2000, 4096);
    web = story_pod(s, "web", 500, 512);
    foreign = story_foreign(s, "foreign", 200, 512);
    story_annotate(s, web, "resources", "cpu");
    story_demand(s, web, 0, 0.4, 300);
    story_demand(s, web, 60, 0.8, 300);
    story_demand(s, foreign, 0, 0.1, 300);
    story_begin(s);
    story_until(s, 60.5);
    return foreign;
}

static void
a_resize_that_is_deferred_is_withdrawn(void **state)
{
    const struct kube_resources more = {
        .requests = {1300, 512 * STORY_MIB},
        .limits = {1300, 512 * STORY_MIB},
    };
    struct story *s = *state;
    size_t foreign = begin_with_a_slow_watch(s);

    world_resize(s->world, foreign, &more);
    story_until(s, 75);

    tells(s, 60, "", "round resize resize_done resize_failed",
          "62.007 arbiter round node=node-a epoch=7 green=1 red=0 "
          "left=0 cpu=700..1200/2000 cpu_price=0 "
          "memory=1073741824..1073741824/4294967296 memory_price=0\n"
          "62.008 web resize container=app resource=cpu from=500 "
          "to=1000 verdict=grow reason=gain by=green_light\n"
          "72.238 web resize_failed end=withdrawn_deferred "
          "outcome=applied message=\"Node didn't have enough resource: "
          "cpu, requested: 1000, used: 1300, capacity: 2000\"\n");
    assert_int_equal(cpu_of(s, 0), 500);
    assert_int_equal(story_books(s).deferred, 1);
    is_sound(s);
}

static void
a_node_that_shrinks_defers_and_the_pod_withdraws(void **state)
{
    struct story *s = *state;

    begin_with_a_slow_watch(s);
    world_allocatable(s->world, 0, GT_CPU, 1100);
    story_until(s, 75);

    tells(s, 60, "", "round resize resize_done resize_failed capacity",
          "62.007 arbiter round node=node-a epoch=7 green=1 red=0 "
          "left=0 cpu=700..1200/2000 cpu_price=0 "
          "memory=1073741824..1073741824/4294967296 memory_price=0\n"
          "62.008 web resize container=app resource=cpu from=500 "
          "to=1000 verdict=grow reason=gain by=green_light\n"
          "63.500 arbiter capacity node=node-a cpu_milli=1100 "
          "memory_bytes=4294967296\n"
          "72.238 web resize_failed end=withdrawn_deferred "
          "outcome=applied message=\"Node didn't have enough resource: "
          "cpu, requested: 1000, used: 200, capacity: 1100\"\n");
    assert_int_equal(cpu_of(s, 0), 500);
    assert_int_equal(story_books(s).deferred, 1);
    is_sound(s);
}

/* What a pod has it may keep, although the node could not give it again. */
static void
a_node_smaller_than_what_it_holds_lets_a_pod_withdraw(void **state)
{
    const struct kube_resources more = {
        .requests = {700, 512 * STORY_MIB},
        .limits = {700, 512 * STORY_MIB},
    };
    struct story *s = *state;
    size_t foreign = begin_with_a_slow_watch(s);

    world_resize(s->world, foreign, &more);
    story_until(s, 61);
    world_allocatable(s->world, 0, GT_CPU, 1100);
    story_until(s, 80);

    assert_int_equal(story_books(s).deferred, 1);
    assert_int_equal(story_count(s, "web", "resize_failed"), 1);
    assert_int_equal(world_agent(s->world, 0)->resize.phase, RESIZE_IDLE);
    assert_int_equal(cpu_of(s, 0), 500);
    is_sound(s);
}

static void
what_was_withdrawn_is_not_asked_for_again_at_once(void **state)
{
    const struct kube_resources more = {
        .requests = {1300, 512 * STORY_MIB},
        .limits = {1300, 512 * STORY_MIB},
    };
    struct story *s = *state;
    size_t foreign = begin_with_a_slow_watch(s);

    world_resize(s->world, foreign, &more);
    story_until(s, 600);

    assert_int_equal(story_books(s).deferred, 1);
    assert_int_equal(story_count(s, "web", "resize_failed"), 1);
    is_sound(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        A_STORY(priority_decides_who_gets_a_full_node),
        A_STORY(a_full_node_grants_nothing_that_others_hold),
        A_STORY(a_starving_pod_does_not_storm),
        A_STORY(a_resize_that_is_deferred_is_withdrawn),
        A_STORY(a_node_that_shrinks_defers_and_the_pod_withdraws),
        A_STORY(a_node_smaller_than_what_it_holds_lets_a_pod_withdraw),
        A_STORY(what_was_withdrawn_is_not_asked_for_again_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
