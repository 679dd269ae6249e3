/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rng.h"
#include "tests/resize_play.h"

static void
a_deferred_resize_is_withdrawn_after_ten_seconds(void **state)
{
    struct play play;
    uint64_t deferred_ms = 0;
    enum resize_deed deed = RESIZE_WAIT;

    (void)state;
    open_accepted(&play);
    condition(&play, KUBE_RESIZE_DEFERRED);
    wait_for_wake(&play);
    deferred_ms = play.now.mono_ms;
    for (deed = answer(&play); deed == RESIZE_WAIT; deed = answer(&play)) {
        wait_for_wake(&play);
    }
    assert_int_equal(deed, RESIZE_PATCH);
    assert_int_equal(play.now.mono_ms - deferred_ms, RESIZE_DEFERRED_MS);
    assert_withdrawn(&play, RESIZE_WITHDRAWN_DEFERRED);
}

static void
a_resize_that_is_deferred_for_a_while_only_is_done(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    condition(&play, KUBE_RESIZE_DEFERRED);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    play.now.mono_ms += RESIZE_DEFERRED_MS - 1;
    condition(&play, KUBE_RESIZE_IN_PROGRESS);
    assert_int_equal(resize_wake(&play.resize, play.now), RESIZE_READ);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    play.now.mono_ms += 5000;
    condition(&play, KUBE_RESIZE_DEFERRED);
    assert_int_equal(resize_wake(&play.resize, play.now), RESIZE_READ);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    settle(&play);
    wait_for_wake(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_DONE);
}

static void
infeasible_and_error_are_withdrawn_at_once(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    condition(&play, KUBE_RESIZE_INFEASIBLE);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_PATCH);
    assert_withdrawn(&play, RESIZE_WITHDRAWN_INFEASIBLE);

    open_accepted(&play);
    condition(&play, KUBE_RESIZE_ERROR);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_PATCH);
    assert_withdrawn(&play, RESIZE_WITHDRAWN_ERROR);
}

static void
a_condition_of_the_resize_before_does_not_count(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    play.pod.resize = KUBE_RESIZE_ERROR;
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.resize.phase, RESIZE_FOLLOWING);
}

static void
a_resize_without_an_end_is_withdrawn_after_a_minute(void **state)
{
    struct play play;
    enum resize_deed deed = RESIZE_WAIT;

    (void)state;
    open_accepted(&play);
    condition(&play, KUBE_RESIZE_IN_PROGRESS);
    for (; deed == RESIZE_WAIT; deed = answer(&play)) {
        wait_for_wake(&play);
    }
    assert_int_equal(deed, RESIZE_PATCH);
    assert_in_range(play.now.mono_ms, START + RESIZE_STUCK_MS,
                    START + RESIZE_STUCK_MS + 2000);
    assert_withdrawn(&play, RESIZE_WITHDRAWN_STUCK);
}

static void
a_growth_supersedes_and_its_way_back_is_that_of_the_settled_pod(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    assert_int_equal(start(&play, 50), RESIZE_PATCH);
    accept_patch(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    condition(&play, KUBE_RESIZE_IN_PROGRESS);

    assert_int_equal(start(&play, 300), RESIZE_PATCH);
    accept_patch(&play);
    assert_int_equal(play.pod.containers[1].spec.requests[GT_CPU], 300);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    condition(&play, KUBE_RESIZE_INFEASIBLE);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_PATCH);
    assert_withdrawn(&play, RESIZE_WITHDRAWN_INFEASIBLE);
}

static void
the_answer_to_a_replaced_request_changes_nothing(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    assert_int_equal(start(&play, 50), RESIZE_PATCH);
    assert_int_equal(start(&play, 300), RESIZE_PATCH);
    assert_int_equal(refuse(&play, KUBE_E_QUOTA), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_OPEN);
    assert_int_equal(play.resize.phase, RESIZE_SENT);

    accept_patch(&play);
    settle(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_DONE);
    assert_int_equal(play.pod.containers[1].actual.requests[GT_CPU], 300);
}

static void
a_refused_growth_does_not_leave_a_stuck_shrink_behind(void **state)
{
    struct play play;

    (void)state;
    open_play(&play);
    assert_int_equal(start(&play, 50), RESIZE_PATCH);
    accept_patch(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(start(&play, 300), RESIZE_PATCH);

    assert_int_equal(refuse(&play, KUBE_E_QUOTA), RESIZE_PATCH);

    assert_int_equal(play.end, RESIZE_OPEN);
    assert_withdrawn(&play, RESIZE_REFUSED);
    assert_int_equal(play.resize.refusal, KUBE_E_QUOTA);
}

static void
the_way_back_names_only_what_was_changed(void **state)
{
    struct play play;
    const struct kube_patch *undo = &play.resize.undo;

    (void)state;
    open_play(&play);
    start(&play, 200);
    assert_string_equal(undo->uid, "uid-1");
    assert_int_equal(undo->changes_len, 1);
    assert_string_equal(undo->changes[0].name, "app");
    assert_int_equal(undo->changes[0].to.requests[GT_CPU], 100);
    assert_int_equal(undo->changes[0].to.limits[GT_CPU], 200);
    assert_int_equal(undo->changes[0].to.requests[GT_MEMORY], KUBE_ABSENT);
    assert_int_equal(undo->changes[0].to.limits[GT_MEMORY], KUBE_ABSENT);
}

static void
open_withdrawing(struct play *play)
{
    open_accepted(play);
    condition(play, KUBE_RESIZE_ERROR);
    wait_for_wake(play);
    assert_int_equal(answer(play), RESIZE_PATCH);
    assert_int_equal(play->resize.phase, RESIZE_WITHDRAWING);
}

static void
a_withdrawal_is_tried_until_it_is_known_to_hold(void **state)
{
    static const enum kube_outcome failures[] = {
        KUBE_E_TRANSPORT, KUBE_E_SERVER, KUBE_E_THROTTLED, KUBE_E_QUOTA,
        KUBE_E_FORBIDDEN, KUBE_E_ANSWER, KUBE_E_CONFLICT,  KUBE_E_UNAUTHORIZED,
    };
    struct play play;

    (void)state;
    open_withdrawing(&play);
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        assert_int_equal(refuse(&play, failures[i]), RESIZE_WAIT);
        wait_for_wake(&play);
        assert_int_equal(answer(&play), RESIZE_PATCH);
        assert_int_equal(play.end, RESIZE_OPEN);
    }
    assert_withdrawn(&play, RESIZE_WITHDRAWN_ERROR);
}

static void
a_withdrawal_whose_answer_was_lost_is_followed_up(void **state)
{
    struct play play;

    (void)state;
    open_withdrawing(&play);
    accept_patch(&play);
    assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.resize.phase, RESIZE_WITHDRAW_FOLLOWING);
    settle(&play);
    wait_for_wake(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_WITHDRAWN_ERROR);
}

static void
a_resize_that_comes_through_before_its_withdrawal_is_done(void **state)
{
    struct play play;

    (void)state;
    open_withdrawing(&play);
    assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
    settle(&play);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_DONE);
}

static void
values_of_somebody_else_end_a_withdrawal(void **state)
{
    struct play play;

    (void)state;
    open_withdrawing(&play);
    assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
    play.pod.containers[1].spec.requests[GT_CPU] = 150;
    settle(&play);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_WITHDRAWN_ERROR);
}

static void
a_withdrawal_without_an_end_is_watched_and_not_given_up(void **state)
{
    struct play play;

    (void)state;
    open_withdrawing(&play);
    accept_patch(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(wait_for_wake(&play), 100);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(wait_for_wake(&play), 200);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    while (play.now.mono_ms < START + 3600 * 1000) {
        wait_for_wake(&play);
        assert_int_equal(answer(&play), RESIZE_WAIT);
        assert_int_equal(play.end, RESIZE_OPEN);
    }
    assert_true(wait_for_wake(&play) >= 30000);
    settle(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_WITHDRAWN_ERROR);
}

static void
a_growth_may_replace_a_withdrawal(void **state)
{
    struct play play;

    (void)state;
    open_withdrawing(&play);
    assert_int_equal(start(&play, 300), RESIZE_PATCH);
    assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
    accept_patch(&play);
    settle(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_DONE);
}

static void
no_end_leaves_a_pending_ask_behind(void **state)
{
    struct gt_rng rng = {.state = 11};
    unsigned ends[RESIZE_GONE + 1] = {0};

    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct play play;
        enum resize_deed deed = RESIZE_WAIT;

        open_play(&play);
        deed = start(&play, gt_rng_below(&rng, 2) ? 200 : 50);
        for (int i = 0; i < 400 && play.end == RESIZE_OPEN; i++) {
            bool arrives = gt_rng_below(&rng, 4) != 0;

            if (deed == RESIZE_WAIT) {
                wait_for_wake(&play);
                deed = RESIZE_READ;
            }
            if (deed == RESIZE_PATCH && arrives) {
                accept_patch(&play);
            }
            switch (gt_rng_below(&rng, 4)) {
            case 0:
                settle(&play);
                break;
            case 1:
                condition(&play, (enum kube_resize)gt_rng_below(&rng, 5));
                break;
            default:
                break;
            }
            if (i == 5 && gt_rng_below(&rng, 3) == 0) {
                deed = start(&play, 300);
                assert_int_equal(refuse(&play, KUBE_E_TRANSPORT), RESIZE_WAIT);
                continue;
            }
            deed = arrives && gt_rng_below(&rng, 3) ? answer(&play)
                   : arrives || deed == RESIZE_READ
                       ? refuse(&play, KUBE_E_TRANSPORT)
                       : refuse(&play, KUBE_E_QUOTA);
        }
        ends[play.end]++;
        assert_int_not_equal(play.end, RESIZE_OPEN);
        assert_int_equal(play.resize.phase, RESIZE_IDLE);
        assert_int_equal(play.pod.containers[1].spec.requests[GT_CPU],
                         play.pod.containers[1].actual.requests[GT_CPU]);
    }
    assert_true(ends[RESIZE_DONE] > 100 && ends[RESIZE_REFUSED] > 100 &&
                ends[RESIZE_WITHDRAWN_ERROR] > 100);
}

static void
a_withdrawal_that_is_stored_otherwise_is_not_sent_again_at_once(void **state)
{
    struct play play;

    (void)state;
    open_withdrawing(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_true(wait_for_wake(&play) >= 1000);
}

static void
the_way_back_of_the_next_resize_is_what_the_last_one_set(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    settle(&play);
    wait_for_wake(&play);
    answer(&play);
    assert_int_equal(play.end, RESIZE_DONE);
    start(&play, 300);
    assert_int_equal(play.resize.undo.changes[0].to.requests[GT_CPU], 200);
}

static void
a_withdrawal_that_somebody_else_overtook_ends(void **state)
{
    struct play play;

    (void)state;
    open_accepted(&play);
    condition(&play, KUBE_RESIZE_ERROR);
    wait_for_wake(&play);
    assert_int_equal(answer(&play), RESIZE_PATCH);
    accept_patch(&play);
    assert_int_equal(answer(&play), RESIZE_WAIT);
    play.pod.containers[1].spec = resources(300, 64 * MIB);
    play.pod.generation++;
    wait_for_wake(&play);

    assert_int_equal(answer(&play), RESIZE_WAIT);
    assert_int_equal(play.end, RESIZE_WITHDRAWN_ERROR);
}

static void
an_adopted_resize_that_is_deferred_is_withdrawn(void **state)
{
    struct play play;
    int looks = 0;

    (void)state;
    open_play(&play);
    play.pod.containers[1].spec = resources(200, 64 * MIB);
    play.pod.generation++;
    condition(&play, KUBE_RESIZE_DEFERRED);
    assert_true(resize_adopt(&play.resize, &play.pod, play.now));
    do {
        wait_for_wake(&play);
        looks++;
    } while (answer(&play) == RESIZE_WAIT && looks < 100);

    assert_withdrawn(&play, RESIZE_WITHDRAWN_DEFERRED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deferred_resize_is_withdrawn_after_ten_seconds),
        cmocka_unit_test(a_resize_that_is_deferred_for_a_while_only_is_done),
        cmocka_unit_test(infeasible_and_error_are_withdrawn_at_once),
        cmocka_unit_test(a_condition_of_the_resize_before_does_not_count),
        cmocka_unit_test(a_resize_without_an_end_is_withdrawn_after_a_minute),
        cmocka_unit_test(
            a_growth_supersedes_and_its_way_back_is_that_of_the_settled_pod),
        cmocka_unit_test(the_answer_to_a_replaced_request_changes_nothing),
        cmocka_unit_test(a_refused_growth_does_not_leave_a_stuck_shrink_behind),
        cmocka_unit_test(the_way_back_names_only_what_was_changed),
        cmocka_unit_test(a_withdrawal_is_tried_until_it_is_known_to_hold),
        cmocka_unit_test(a_withdrawal_whose_answer_was_lost_is_followed_up),
        cmocka_unit_test(
            a_resize_that_comes_through_before_its_withdrawal_is_done),
        cmocka_unit_test(values_of_somebody_else_end_a_withdrawal),
        cmocka_unit_test(
            a_withdrawal_without_an_end_is_watched_and_not_given_up),
        cmocka_unit_test(a_growth_may_replace_a_withdrawal),
        cmocka_unit_test(no_end_leaves_a_pending_ask_behind),
        cmocka_unit_test(
            a_withdrawal_that_is_stored_otherwise_is_not_sent_again_at_once),
        cmocka_unit_test(
            the_way_back_of_the_next_resize_is_what_the_last_one_set),
        cmocka_unit_test(a_withdrawal_that_somebody_else_overtook_ends),
        cmocka_unit_test(an_adopted_resize_that_is_deferred_is_withdrawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
