/* SPDX-License-Identifier: Apache-2.0 */
/* One pod follows its demand, up at once and down after a while. */
#include "tests/story_fixture.h"

static void
a_throttled_pod_grows_within_two_seconds(void **state)
{
    struct story *s = *state;
    const struct node_latency *latencies;
    size_t web;

    story_node(s, "node-a", 4000, 8192);
    web = story_pod(s, "web", 500, 512);
    story_annotate(s, web, "resources", "cpu");
    story_demand(s, web, 0, 0.4, 300);
    story_demand(s, web, 60, 0.8, 300);
    story_begin(s);
    story_until(s, 70);

    tells(s, 60, "web arbiter", "round resize resize_done",
          "62.007 arbiter round node=node-a epoch=7 green=1 red=0 "
          "left=0 cpu=500..1000/4000 cpu_price=0 "
          "memory=536870912..536870912/8589934592 memory_price=0\n"
          "62.008 web resize container=app resource=cpu from=500 "
          "to=1000 verdict=grow reason=gain by=green_light\n"
          "62.326 web resize_done took_ms=318\n");
    assert_true(node_latencies(world_nodes(s->world), &latencies) > 0);
    assert_true(latencies[0].latency_ms <= 2000);
    assert_true(cpu_of(s, web) > 800);
    is_sound(s);
}

static void
cpu_that_is_not_used_is_given_back_after_patience(void **state)
{
    struct story *s = *state;
    size_t web;

    story_node(s, "node-a", 4000, 8192);
    web = story_pod(s, "web", 1000, 512);
    story_annotate(s, web, "resources", "cpu");
    story_demand(s, web, 0, 0.8, 300);
    story_demand(s, web, 120, 0.2, 300);
    story_begin(s);
    story_until(s, 1800);

    tells(s, 0, "web", "resize resize_done",
          "185.008 web resize container=app resource=cpu from=1000 "
          "to=841 verdict=shrink reason=patience by=green_light\n"
          "185.326 web resize_done took_ms=318\n"
          "365.008 web resize container=app resource=cpu from=841 "
          "to=421 verdict=shrink reason=patience by=green_light\n"
          "365.326 web resize_done took_ms=318\n"
          "515.008 web resize container=app resource=cpu from=421 "
          "to=354 verdict=shrink reason=patience by=green_light\n"
          "515.326 web resize_done took_ms=318\n"
          "800.008 web resize container=app resource=cpu from=354 "
          "to=298 verdict=shrink reason=patience by=green_light\n"
          "800.326 web resize_done took_ms=318\n"
          "1505.008 web resize container=app resource=cpu from=298 "
          "to=250 verdict=shrink reason=patience by=green_light\n"
          "1505.326 web resize_done took_ms=318\n");
    assert_true(cpu_of(s, web) < 500);
    assert_true(story_books(s).unserved_core_s < 1.0);
    is_sound(s);
}

static void
memory_goes_down_by_a_handshake(void **state)
{
    struct story *s = *state;
    size_t web;

    story_node(s, "node-a", 4000, 8192);
    web = story_pod(s, "web", 500, 1024);
    story_annotate(s, web, "resources", "memory");
    story_annotate(s, web, "release", "http:8080/release");
    story_demand(s, web, 0, 0.2, 700);
    story_demand(s, web, 60, 0.2, 300);
    story_begin(s);
    story_until(s, 400);

    tells(s, 0, "web",
          "shrink_proposed shrink_verified shrink_refused resize resize_done",
          "230.006 web shrink_proposed container=app "
          "target_bytes=903872512 owner=agent\n"
          "230.206 web shrink_verified container=app "
          "target_bytes=903872512 reason=ok floor_bytes=314572800 "
          "gate_bytes=349175808\n"
          "231.008 web resize container=app resource=memory "
          "from=1073741824 to=903872512 verdict=shrink reason=patience "
          "by=green_light\n"
          "231.326 web resize_done took_ms=318\n");
    assert_true(mib_of(s, web) < 1024);
    assert_int_equal(story_books(s).oom_kills, 0);
    is_sound(s);
}

static void
page_cache_above_the_target_refuses_a_shrink(void **state)
{
    struct story *s = *state;
    size_t web;

    s->nodes.cache_share = 1.5;
    story_node(s, "node-a", 4000, 8192);
    web = story_pod(s, "web", 500, 1024);
    story_annotate(s, web, "resources", "memory");
    story_demand(s, web, 0, 0.2, 300);
    story_begin(s);
    story_until(s, 1800);

    tells(s, 0, "web",
          "shrink_proposed shrink_verified shrink_refused resize resize_done",
          "155.006 web shrink_proposed container=app "
          "target_bytes=536870912 owner=agent\n"
          "165.006 web shrink_refused container=app "
          "target_bytes=536870912 reason=gate floor_bytes=314572800 "
          "gate_bytes=789577728\n"
          "875.006 web shrink_proposed container=app "
          "target_bytes=451936256 owner=agent\n"
          "885.006 web shrink_refused container=app "
          "target_bytes=451936256 reason=gate floor_bytes=314572800 "
          "gate_bytes=789577728\n");
    assert_int_equal(mib_of(s, web), 1024);
    is_sound(s);
}

static void
memory_grows_before_the_kernel_kills(void **state)
{
    struct story *s = *state;
    size_t web;

    story_node(s, "node-a", 4000, 8192);
    web = story_pod(s, "web", 500, 512);
    story_demand(s, web, 0, 0.4, 300);
    story_demand(s, web, 60, 0.4, 480);
    story_begin(s);
    story_until(s, 70);

    tells(s, 60, "web", "resize resize_done oom_kill",
          "62.008 web resize container=app resource=memory from=536870912 "
          "to=760217600 verdict=grow reason=evidence by=green_light\n"
          "62.326 web resize_done took_ms=318\n");
    assert_int_equal(story_books(s).oom_kills, 0);
    is_sound(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        A_STORY(a_throttled_pod_grows_within_two_seconds),
        A_STORY(cpu_that_is_not_used_is_given_back_after_patience),
        A_STORY(memory_goes_down_by_a_handshake),
        A_STORY(page_cache_above_the_target_refuses_a_shrink),
        A_STORY(memory_grows_before_the_kernel_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
