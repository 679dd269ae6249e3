/* SPDX-License-Identifier: Apache-2.0 */
/* The API server is gone, agents die, answers and messages get lost. */
#include "tests/story_fixture.h"

/* A pod that is throttled from 60 s on. */
static size_t
begin_with_one(struct story *s)
{
    size_t web;

    story_node(s, "node-a", 4000, 4096);
    web = story_pod(s, "web", 500, 512);
    story_annotate(s, web, "resources", "cpu");
    story_demand(s, web, 0, 0.4, 300);
    story_demand(s, web, 60, 0.8, 300);
    story_begin(s);
    story_until(s, 60);
    return web;
}

static void
an_api_server_that_is_gone_for_ten_seconds_costs_ten_seconds(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_fault(s->world, WORLD_REFUSES, 0, 1000000);
    story_until(s, 70);
    assert_int_equal(cpu_of(s, web), 500);
    world_fault(s->world, WORLD_REFUSES, 0, 0);
    story_until(s, 90);

    tells(
        s, 60, "web", "resize resize_done resize_failed",
        "62.008 web resize container=app resource=cpu from=500 to=1000 "
        "verdict=grow reason=gain by=green_light\n"
        "71.142 web resize_failed end=refused outcome=transport message=\"\"\n"
        "72.008 web resize container=app resource=cpu from=500 to=1000 "
        "verdict=grow reason=evidence by=green_light\n"
        "72.326 web resize_done took_ms=318\n");
    assert_true(cpu_of(s, web) > 800);
    is_sound(s);
}

static void
a_lost_answer_is_found_out_and_nothing_is_asked_twice(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_fault(s->world, WORLD_LOSES_ANSWER, 0, 1);
    story_until(s, 79);

    tells(s, 60, "web", "resize resize_done resize_failed",
          "62.008 web resize container=app resource=cpu from=500 "
          "to=1000 verdict=grow reason=gain by=green_light\n"
          "73.387 web resize_done took_ms=11379\n");
    assert_true(cpu_of(s, web) > 800);
    assert_int_equal(story_books(s).resizes, 1);
    is_sound(s);
}

static void
a_lost_request_is_given_up_and_asked_for_anew(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_fault(s->world, WORLD_LOSES, 0, 1);
    story_until(s, 100);

    tells(
        s, 60, "web", "resize resize_done resize_failed",
        "62.008 web resize container=app resource=cpu from=500 to=1000 "
        "verdict=grow reason=gain by=green_light\n"
        "73.387 web resize_failed end=refused outcome=transport message=\"\"\n"
        "74.008 web resize container=app resource=cpu from=500 to=1000 "
        "verdict=grow reason=evidence by=green_light\n"
        "74.326 web resize_done took_ms=318\n"
        "95.008 web resize container=app resource=cpu from=1000 to=1415 "
        "verdict=grow reason=gain by=green_light\n"
        "95.326 web resize_done took_ms=318\n");
    assert_true(cpu_of(s, web) > 800);
    is_sound(s);
}

static void
an_api_server_that_says_not_now_is_asked_again(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_fault(s->world, WORLD_SAYS_429, 0, 2);
    world_fault(s->world, WORLD_SAYS_500, 1, 2);
    story_until(s, 120);

    assert_true(story_count(s, "web", "resize_failed") > 0);
    assert_true(cpu_of(s, web) > 800);
    is_sound(s);
}

static void
a_dead_agent_keeps_its_pod_and_a_new_one_resumes(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_agent_kill(s->world, web);
    story_until(s, 240);
    assert_int_equal(cpu_of(s, web), 500);
    world_agent_start(s->world, web);
    story_until(s, 280);

    tells(s, 60, "", "joined expired left gone playing resize resize_done",
          "110.007 arbiter expired node=node-a pod=shop/web\n"
          "241.006 web playing containers=1 workload=-\n"
          "241.007 arbiter joined node=node-a pod=shop/web "
          "containers=1 agents=1\n"
          "242.008 web resize container=app resource=cpu from=500 "
          "to=1000 verdict=grow reason=gain by=green_light\n"
          "242.326 web resize_done took_ms=318\n");
    assert_true(cpu_of(s, web) > 800);
    is_sound(s);
}

static void
an_agent_that_dies_in_the_middle_of_a_resize_loses_nothing(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    while (world_agent(s->world, web)->resize.phase == RESIZE_IDLE) {
        static double second = 60.0;

        second += 0.001;
        story_until(s, second);
    }
    world_agent_kill(s->world, web);
    story_until(s, 65);
    assert_true(cpu_of(s, web) > 500); /* the API server had it */
    world_agent_start(s->world, web);
    story_until(s, 600);

    assert_int_equal(world_agent(s->world, web)->phase, AGENT_PLAYING);
    is_sound(s);
}

static void
an_agent_that_stops_says_so(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_agent_stop(s->world, web);
    story_until(s, 61);

    tells(s, 0, "arbiter", "joined left expired",
          "1.007 arbiter joined node=node-a pod=shop/web containers=1 "
          "agents=1\n"
          "61.001 arbiter left node=node-a pod=shop/web\n");
    is_sound(s);
}

static void
a_blind_agent_touches_nothing_until_it_sees(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_blind(s->world, web, true);
    story_until(s, 300);
    assert_int_equal(cpu_of(s, web), 500);
    assert_int_equal(story_count(s, "arbiter", "expired"), 0);
    world_blind(s->world, web, false);
    story_until(s, 320);

    tells(s, 60, "web", "blind seeing resize resize_done",
          "61.006 web blind\n"
          "301.006 web seeing\n"
          "302.008 web resize container=app resource=cpu from=500 "
          "to=1000 verdict=grow reason=gain by=green_light\n"
          "302.326 web resize_done took_ms=318\n"
          "320.008 web resize container=app resource=cpu from=1000 "
          "to=1682 verdict=grow reason=gain by=green_light\n"
          "320.326 web resize_done took_ms=318\n");
    is_sound(s);
}

static void
a_post_is_answered_from_the_figures(void **state)
{
    struct story *s = *state;
    size_t web = begin_with_one(s);

    world_propose(s->world, web, 400 * STORY_MIB);
    story_until(s, 62);
    assert_non_null(world_reply(s->world, web));
    assert_int_equal(world_reply(s->world, web)->reason, SHRINK_OK);

    world_propose(s->world, web, 100 * STORY_MIB);
    assert_int_equal(world_reply(s->world, web)->reason, SHRINK_BUSY);
    is_sound(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        A_STORY(an_api_server_that_is_gone_for_ten_seconds_costs_ten_seconds),
        A_STORY(a_lost_answer_is_found_out_and_nothing_is_asked_twice),
        A_STORY(a_lost_request_is_given_up_and_asked_for_anew),
        A_STORY(an_api_server_that_says_not_now_is_asked_again),
        A_STORY(a_dead_agent_keeps_its_pod_and_a_new_one_resumes),
        A_STORY(an_agent_that_dies_in_the_middle_of_a_resize_loses_nothing),
        A_STORY(an_agent_that_stops_says_so),
        A_STORY(a_blind_agent_touches_nothing_until_it_sees),
        A_STORY(a_post_is_answered_from_the_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
