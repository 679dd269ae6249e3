/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/resize_play.h"

static void
a_resize_that_settles_is_done(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    settle(&play);
    assert_int_equal(wait_for_wake(&play), 100);

    assert_int_equal(answer(&play), RESIZE_WAIT);

    assert_int_equal(play.end, RESIZE_DONE);
    assert_int_equal(play.resize.phase, RESIZE_IDLE);
    assert_true(play.resize.wake_ms == GT_NEVER_MS);
}

static void
a_patch_that_changes_nothing_is_done_at_once(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    assert_int_equal(start(&play, 100), RESIZE_PATCH);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_DONE);
}

static void
follow_ups_get_rarer_up_to_two_seconds(void **state)
{
    static const uint64_t pauses_ms[] = {100,  200,  400,  800,
                                         1600, 2000, 2000, 2000};
    struct play play;

    (void)state;
    open_accepted(&play);
    for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
        assert_int_equal(wait_for_wake(&play), pauses_ms[i]);
        assert_int_equal(answer(&play), RESIZE_WAIT);
    }
    assert_int_equal(play.end, RESIZE_OPEN);
}

static void
absent_conditions_do_not_make_a_resize_done(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    play.pod.observed_generation = play.pod.generation;
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_OPEN);
}

static void
a_resize_that_somebody_else_overtook_ends(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    play.pod.containers[1].spec = resources(300, 64 * MIB);
    play.pod.generation++;
    condition(&play, KUBE_RESIZE_DEFERRED);
    wait_for_wake(&play);

    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_REFUSED);
    assert_int_equal(play.resize.refusal, KUBE_E_CONFLICT);
}

static void
a_settled_pod_has_no_resize_to_adopt(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    play.pod.containers[0].has_actual = false; /* not yet running */
    play.pod.containers[0].actual = resources(0, 0);

    assert_false(resize_adopt(&play.resize, &play.pod, play.now));
    assert_int_equal(play.resize.phase, RESIZE_IDLE);
}

static void
an_adopted_resize_is_followed_to_its_end(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    play.pod.containers[1].spec = resources(200, 64 * MIB);
    condition(&play, KUBE_RESIZE_IN_PROGRESS);

    assert_true(resize_adopt(&play.resize, &play.pod, play.now));
    assert_int_equal(wait_for_wake(&play), 100);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    settle(&play);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_DONE);
}

static void
every_clear_refusal_ends_the_resize_with_its_outcome(void **state)
{
    static const enum kube_outcome refusals[] = {
        KUBE_E_UNAUTHORIZED, KUBE_E_FORBIDDEN,     KUBE_E_LIMIT_RANGE,
        KUBE_E_QUOTA,        KUBE_E_NODE_CAPACITY, KUBE_E_POLICY,
        KUBE_E_CONFLICT,     KUBE_E_INVALID,       KUBE_E_THROTTLED,
        KUBE_E_REQUEST,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct play play;

        open_play(&play);
        assert_int_equal(start(&play, 200), RESIZE_PATCH);
        assert_int_equal(refuse(&play, refusals[i]), RESIZE_WAIT);
        assert_int_equal(play.end, RESIZE_REFUSED);
        assert_int_equal(play.resize.refusal, refusals[i]);
        assert_int_equal(play.resize.phase, RESIZE_IDLE);
    }
}

static const enum kube_outcome lost[] = {KUBE_E_TRANSPORT, KUBE_E_SERVER,
                                         KUBE_E_ANSWER};

static void
a_lost_answer_to_a_patch_that_came_through_is_followed_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        struct play play;

        open_play(&play);
        assert_int_equal(start(&play, 200), RESIZE_PATCH);
        accept_patch(&play);
        assert_int_equal(refuse(&play, lost[i]), RESIZE_WAIT);
        assert_int_equal(play.end, RESIZE_OPEN);
        wait_for_wake(&play);
        assert_int_equal(answer(&play), RESIZE_WAIT);
        assert_int_equal(play.resize.phase, RESIZE_FOLLOWING);
        settle(&play);
        wait_for_wake(&play);
        answer(&play);
        assert_int_equal(play.end, RESIZE_DONE);
    }
}

static void
a_lost_answer_to_a_patch_that_did_not_come_through_is_a_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        struct play play;

        open_play(&play);
        assert_int_equal(start(&play, 200), RESIZE_PATCH);
        assert_int_equal(refuse(&play, lost[i]), RESIZE_WAIT);
        wait_for_wake(&play);
        assert_int_equal(answer(&play), RESIZE_WAIT);
        assert_int_equal(play.end, RESIZE_REFUSED);
        assert_int_equal(play.resize.refusal, lost[i]);
    }
}

static void
while_the_api_is_away_the_pod_is_read_more_and_more_rarely(void **state)
{
    struct play play;
    uint64_t before_ms = 0;

    (void)state;
    open_accepted(&play);
    wait_for_wake(&play);
    for (int i = 0; i < 10; i++) {
        uint64_t pause_ms = 0;

        assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
        assert_int_equal(play.end, RESIZE_OPEN);
        pause_ms = wait_for_wake(&play);
        assert_true(pause_ms >= before_ms);
        assert_in_range(pause_ms, 1000, 48000);
        before_ms = pause_ms;
    }
    settle(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_DONE);
}

static void
a_pod_that_is_another_or_ends_is_gone(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    strcpy(play.pod.uid, "uid-2");
    wait_for_wake(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_GONE);

    open_accepted(&play);
    play.pod.terminating = true;
    wait_for_wake(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_GONE);

    open_accepted(&play);
    play.pod.finished = true;
    wait_for_wake(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_GONE);

    open_play(&play);
    start(&play, 200);
    refuse(&play, KUBE_E_NOT_FOUND);
    assert_int_equal(play.end, RESIZE_GONE);
    assert_int_equal(play.resize.phase, RESIZE_IDLE);
}

/* A shrink to 50m is stuck and a growth to 300m supersedes it. */

/* A resize that is being withdrawn as Error. */

static void
an_answer_that_nobody_waits_for_is_ignored(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_OPEN);
    assert_int_equal(resize_wake(&play.resize, play.now), RESIZE_WAIT);
}

static void
an_api_server_that_stores_other_values_is_looked_at_once_more(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    start(&play, 200);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_OPEN);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_REFUSED);
    assert_int_equal(play.resize.refusal, KUBE_E_ANSWER);
}

/* Whatever the API server and the kubelet do: one end a resize, and afterwards
 * the pod is settled, untouched or gone, never left with a pending ask. */

static void
every_end_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = RESIZE_OPEN; i <= RESIZE_GONE; i++) {
        for (int j = RESIZE_OPEN; j < i; j++) {
            assert_string_not_equal(resize_end_name((enum resize_end)i),
                                    resize_end_name((enum resize_end)j));
        }
    }
}

static void
each_outage_begins_with_a_short_pause(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    for (int i = 0; i < 3; i++) {
        wait_for_wake(&play);
        assert_int_equal(refuse(&play, KUBE_E_SERVER), RESIZE_WAIT);
        assert_in_range(wait_for_wake(&play), 1000, 1500);
        assert_int_equal(answer(&play), RESIZE_WAIT);
    }
}

static void
what_became_of_a_lost_patch_is_asked_until_it_is_told(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    assert_int_equal(start(&play, 200), RESIZE_PATCH);
    accept_patch(&play);
    assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
    wait_for_wake(&play);
    assert_int_equal(refuse(&play, KUBE_E_UNAUTHORIZED), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_OPEN);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.resize.phase, RESIZE_FOLLOWING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resize_that_settles_is_done),
        cmocka_unit_test(a_patch_that_changes_nothing_is_done_at_once),
        cmocka_unit_test(follow_ups_get_rarer_up_to_two_seconds),
        cmocka_unit_test(absent_conditions_do_not_make_a_resize_done),
        cmocka_unit_test(a_resize_that_somebody_else_overtook_ends),
        cmocka_unit_test(a_settled_pod_has_no_resize_to_adopt),
        cmocka_unit_test(an_adopted_resize_is_followed_to_its_end),
        cmocka_unit_test(every_clear_refusal_ends_the_resize_with_its_outcome),
        cmocka_unit_test(
            a_lost_answer_to_a_patch_that_came_through_is_followed_up),
        cmocka_unit_test(
            a_lost_answer_to_a_patch_that_did_not_come_through_is_a_refusal),
        cmocka_unit_test(
            while_the_api_is_away_the_pod_is_read_more_and_more_rarely),
        cmocka_unit_test(a_pod_that_is_another_or_ends_is_gone),
        cmocka_unit_test(an_answer_that_nobody_waits_for_is_ignored),
        cmocka_unit_test(
            an_api_server_that_stores_other_values_is_looked_at_once_more),
        cmocka_unit_test(every_end_has_a_name_of_its_own),
        cmocka_unit_test(each_outage_begins_with_a_short_pause),
        cmocka_unit_test(what_became_of_a_lost_patch_is_asked_until_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
