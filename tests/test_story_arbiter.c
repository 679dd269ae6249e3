/* SPDX-License-Identifier: Apache-2.0 */
/* The arbiter is lost and comes back; what it says comes late, or twice. */
#include "tests/story_fixture.h"

/* Two pods: one gets busier at 240 s, one idler at 120 s. */
static void
begin_with_two(struct story *s)
{
    size_t busy;
    size_t idle;

    story_node(s, "node-a", 4000, 4096);
    busy = story_pod(s, "busy", 500, 512);
    idle = story_pod(s, "idle", 500, 512);
    story_annotate(s, busy, "resources", "cpu");
    story_annotate(s, idle, "resources", "cpu");
    story_demand(s, busy, 0, 0.4, 300);
    story_demand(s, busy, 240, 1.6, 300);
    story_demand(s, idle, 0, 0.4, 300);
    story_demand(s, idle, 120, 0.1, 300);
    story_begin(s);
}

static void
without_the_arbiter_pods_shrink_and_only_the_short_grow(void **state)
{
    struct story *s = *state;

    begin_with_two(s);
    story_until(s, 60);
    world_arbiter_stop(s->world);
    story_until(s, 600);
    world_arbiter_start(s->world);
    story_until(s, 700);

    tells(s, 60, "", "resize joined started",
          "134.006 busy resize container=app resource=cpu from=500 to=421 "
          "verdict=shrink reason=patience by=alone\n"
          "187.006 idle resize container=app resource=cpu from=500 to=421 "
          "verdict=shrink reason=patience by=alone\n"
          "325.006 busy resize container=app resource=cpu from=421 to=500 "
          "verdict=grow reason=floor by=alone\n"
          "326.006 busy resize container=app resource=cpu from=500 to=595 "
          "verdict=grow reason=floor by=alone\n"
          "327.006 busy resize container=app resource=cpu from=595 to=708 "
          "verdict=grow reason=gain by=alone\n"
          "328.006 busy resize container=app resource=cpu from=708 to=841 "
          "verdict=grow reason=gain by=alone\n"
          "330.006 busy resize container=app resource=cpu from=841 to=1000 "
          "verdict=grow reason=gain by=alone\n"
          "331.006 busy resize container=app resource=cpu from=1000 to=1190 "
          "verdict=grow reason=gain by=alone\n"
          "332.006 busy resize container=app resource=cpu from=1190 to=1415 "
          "verdict=grow reason=gain by=alone\n"
          "333.006 busy resize container=app resource=cpu from=1415 to=1682 "
          "verdict=grow reason=gain by=alone\n"
          "367.006 idle resize container=app resource=cpu from=421 to=211 "
          "verdict=shrink reason=patience by=alone\n"
          "517.006 idle resize container=app resource=cpu from=211 to=177 "
          "verdict=shrink reason=patience by=alone\n"
          "601.000 arbiter started incarnation=6553f35954095a simultaneous=0\n"
          "601.398 arbiter joined node=node-a pod=shop/idle containers=1 "
          "agents=1\n"
          "601.400 arbiter joined node=node-a pod=shop/busy containers=1 "
          "agents=2\n"
          "616.001 busy resize container=app resource=cpu from=1682 to=2000 "
          "verdict=grow reason=gain by=green_light\n");
    assert_int_equal(story_books(s).overcommit_samples, 0);
    is_sound(s);
}

static void
an_arbiter_that_comes_back_listens_before_it_grants_growth(void **state)
{
    struct story *s = *state;
    int64_t before;

    begin_with_two(s);
    story_until(s, 239);
    before = cpu_of(s, 0);
    world_arbiter_stop(s->world);
    world_arbiter_start(s->world); /* knows nothing; one is short from 240 on */
    story_until(s, 239 + 15);
    assert_int_equal(cpu_of(s, 0), before);

    story_until(s, 239 + 17);
    assert_true(cpu_of(s, 0) > before);
    is_sound(s);
}

static void
agents_of_a_lost_arbiter_stay_above_their_floors_and_do_not_storm(void **state)
{
    struct story *s = *state;

    begin_with_two(s);
    story_until(s, 60);
    world_arbiter_stop(s->world);
    story_until(s, 3600);

    for (size_t i = 0; i < 2; i++) {
        const struct agent *a = world_agent(s->world, i);

        assert_true(cpu_of(s, i) >= a->containers[0].players[GT_CPU].floor);
        assert_true(a->counts.patches <= GUARD_BURST + GUARD_PER_HOUR);
    }
    is_sound(s);
}

/* Lives through 20 minutes; the transcript is the caller's to free. */
static char *
transcript_of(const struct world_bus *bus, int64_t requests[2])
{
    struct story *s = malloc(sizeof(*s));
    char *transcript;

    assert_non_null(s);
    story_init(s);
    s->config.bus = *bus;
    begin_with_two(s);
    story_until(s, 1200);
    is_sound(s);
    requests[0] = cpu_of(s, 0);
    requests[1] = cpu_of(s, 1);
    transcript = strdup(world_transcript(s->world));
    story_fini(s);
    free(s);
    return transcript;
}

static void
repeated_and_stale_messages_change_nothing(void **state)
{
    const struct world_bus plain = {.delay_ms = 1};
    const struct world_bus echoes = {
        .delay_ms = 1, .echo = 0.7, .late_ms = 60000};
    int64_t requests[2];
    char *expected = transcript_of(&plain, requests);
    char *told = transcript_of(&echoes, requests);
    (void)state;

    assert_true(strlen(expected) > 1000);
    assert_string_equal(told, expected);
    free(expected);
    free(told);
}

static void
reordered_messages_lead_to_the_same_end(void **state)
{
    const struct world_bus plain = {.delay_ms = 1};
    const struct world_bus late = {
        .delay_ms = 1, .late = 0.3, .echo = 0.3, .late_ms = 2500};
    int64_t expected[2];
    int64_t requests[2];
    (void)state;

    free(transcript_of(&plain, expected));
    free(transcript_of(&late, requests));

    assert_int_equal(requests[0], expected[0]);
    assert_int_equal(requests[1], expected[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        A_STORY(without_the_arbiter_pods_shrink_and_only_the_short_grow),
        A_STORY(an_arbiter_that_comes_back_listens_before_it_grants_growth),
        A_STORY(
            agents_of_a_lost_arbiter_stay_above_their_floors_and_do_not_storm),
        cmocka_unit_test(repeated_and_stale_messages_change_nothing),
        cmocka_unit_test(reordered_messages_lead_to_the_same_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
