/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an agent: start, growth, lights, loss, end. */
#include "agent/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/solo.h"

static int
setup(void **state)
{
    struct solo *s = malloc(sizeof(*s));

    assert_non_null(s);
    solo_init(s);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    solo_fini(*state);
    free(*state);
    return 0;
}

static const struct wire_player *
intended(const struct solo *s, enum gt_resource resource)
{
    return &s->intent.containers[0].players[resource];
}

/* Throttled hard until the agent asks for more; its wish for CPU. */
static int64_t
ask_for_more(struct solo *s)
{
    solo_begin(s);
    solo_second(s, 0.5, 0.0, 100);
    for (int i = 0; i < 3 && s->intent.seq == 0; i++) {
        solo_second(s, 0.5, 1.0, 100);
    }
    assert_true(s->intent.seq > 0);
    return intended(s, GT_CPU)->want;
}

static void
an_agent_first_reads_its_pod_then_says_hello(void **state)
{
    struct solo *s = *state;
    const char *why = NULL;

    solo_event(s, AGENT_START);
    assert_int_equal(s->update.todo, AGENT_DO_READ);
    assert_false(agent_ready(s->agent, &why));

    solo_answer(s, KUBE_APPLIED);
    assert_true(s->update.todo & AGENT_DO_PUBLISH);
    assert_int_equal(s->said.kind, WIRE_HELLO);
    assert_string_equal(s->said.node, "node-a");
    assert_string_equal(s->said.space, "shop");
    assert_string_equal(s->said.pod, "solo");
    assert_string_equal(s->said.workload, "ReplicaSet/web");
    assert_string_equal(s->said.containers[0].name, "app");
    assert_int_equal(s->said.containers[0].players[GT_CPU].current, 500);
    assert_true(agent_ready(s->agent, &why));
}

static void
an_unreadable_pod_is_read_again(void **state)
{
    struct solo *s = *state;

    solo_event(s, AGENT_START);
    for (int i = 0; i < 3; i++) {
        solo_answer(s, i == 0 ? KUBE_E_TRANSPORT : KUBE_E_FORBIDDEN);
        assert_true(solo_logged(s, "event=pod_unread"));
        assert_true(s->update.wake_ms == s->ms + 5000);
        s->ms = s->update.wake_ms;
        solo_event(s, AGENT_WAKE);
        assert_true(s->update.todo & AGENT_DO_READ);
    }
    solo_answer(s, KUBE_APPLIED);

    assert_int_equal(s->agent->phase, AGENT_PLAYING);
}

/* An agent that has nothing to do here: however short the app is. */
static void
stays_out(struct solo *s)
{
    solo_begin(s);
    solo_seconds(s, 60, 0.5, 1.0, 500);

    assert_int_equal(s->agent->phase, AGENT_LEFT_ALONE);
    assert_false(s->seen & (AGENT_DO_PATCH | AGENT_DO_PUBLISH));
    assert_true(solo_logged(s, "event=left_alone"));
}

static void
a_best_effort_pod_is_left_alone(void **state)
{
    struct solo *s = *state;

    s->pod.qos = KUBE_BEST_EFFORT;
    stays_out(s);
}

static void
a_pod_with_a_bad_annotation_is_left_alone(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "priority", "very high");
    stays_out(s);
    assert_true(solo_logged(s, "key=priority value=\"very high\""));
}

static void
a_pod_in_mode_off_is_left_alone(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "mode", "off");
    stays_out(s);
}

static void
a_pod_in_mode_recommend_is_watched_only(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "mode", "recommend");
    solo_begin(s);
    solo_seconds(s, 60, 0.5, 1.0, 500);

    assert_true(solo_logged(s, "verdict=grow"));
    assert_false(s->seen & AGENT_DO_PATCH);
    assert_true(s->intent.seq == 0);
}

static void
a_pod_that_is_over_is_not_played_for(void **state)
{
    struct solo *s = *state;

    s->pod.finished = true;
    solo_begin(s);
    solo_seconds(s, 20, 0.5, 1.0, 500);

    assert_int_equal(s->agent->phase, AGENT_GONE);
    assert_false(s->seen & (AGENT_DO_PATCH | AGENT_DO_PUBLISH));
}

static void
another_pod_of_the_same_name_is_not_ours(void **state)
{
    struct solo *s = *state;

    memcpy(s->pod.uid, "other", sizeof("other"));
    solo_begin(s);

    assert_int_equal(s->agent->phase, AGENT_GONE);
}

static void
a_throttled_agent_asks_for_more_within_two_seconds(void **state)
{
    struct solo *s = *state;

    solo_begin(s);
    solo_second(s, 0.3, 0.0, 100);
    solo_forget(s);
    solo_seconds(s, 2, 0.5, 1.0, 100);

    assert_int_equal(s->intent.kind, WIRE_INTENT);
    assert_true(intended(s, GT_CPU)->want > 500);
    assert_int_equal(intended(s, GT_MEMORY)->want, 512 * SOLO_MIB);
    assert_true(s->intent.flags & WIRE_FLAG_THROTTLED);
    assert_false(s->seen & AGENT_DO_PATCH);
}

static void
a_green_light_is_obeyed_at_once_and_followed_to_its_end(void **state)
{
    struct solo *s = *state;
    int64_t want = ask_for_more(s);

    solo_light(s, WIRE_GREEN);
    assert_true(s->update.todo & AGENT_DO_PATCH);
    assert_true(s->update.granted);
    assert_int_equal(s->patch.changes_len, 1);
    assert_string_equal(s->patch.uid, s->config.uid);
    assert_string_equal(s->patch.changes[0].name, "app");
    assert_int_equal(s->patch.changes[0].to.requests[GT_CPU], want);
    assert_int_equal(s->patch.changes[0].to.limits[GT_CPU], want);
    assert_int_equal(s->patch.changes[0].to.limits[GT_MEMORY], KUBE_ABSENT);
    assert_int_equal(s->said.containers[0].players[GT_CPU].target, want);

    solo_accept(s);
    solo_answer(s, KUBE_APPLIED);
    assert_int_not_equal(s->said.kind, WIRE_ACK);
    s->ms = s->update.wake_ms;
    solo_event(s, AGENT_WAKE);
    assert_true(s->update.todo & AGENT_DO_READ);
    solo_enforce(s);
    solo_answer(s, KUBE_APPLIED);
    assert_int_equal(s->said.kind, WIRE_ACK);
    assert_int_equal(s->said.containers[0].players[GT_CPU].current, want);
    assert_int_equal(s->agent->counts.resizes[RESIZE_DONE], 1);
}

static void
a_green_light_for_an_old_intent_is_ignored(void **state)
{
    struct solo *s = *state;

    ask_for_more(s);
    s->intent.seq--;
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 0);
}

static void
a_green_light_counts_once(void **state)
{
    struct solo *s = *state;

    ask_for_more(s);
    solo_light(s, WIRE_GREEN);
    solo_complete(s);
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 1);
}

static void
lights_for_somebody_or_something_else_are_ignored(void **state)
{
    struct solo *s = *state;
    int64_t want = ask_for_more(s);
    struct wire_signal signal = solo_signal(s);
    struct wire_light mine = {
        .id = "5a7b0c6e-solo",
        .seq = s->intent.seq,
        .amount = want,
    };

    signal.lights_len = 4;
    for (size_t i = 0; i < signal.lights_len; i++) {
        signal.lights[i] = mine;
    }
    memcpy(signal.lights[0].id, "other", sizeof("other"));
    signal.lights[1].amount = want + 1;
    signal.lights[2].container = 1;
    signal.lights[3].resource = GT_MEMORY;
    solo_hear(s, &signal);

    assert_int_equal(s->patches, 0);
}

static void
no_light_brings_a_pod_below_its_floor(void **state)
{
    struct solo *s = *state;

    solo_begin(s);
    for (int i = 0; i < 600; i++) {
        struct wire_signal signal = solo_signal(s);

        for (int r = 0; r < GT_RESOURCES; r++) {
            signal.lights[r] = (struct wire_light){
                .id = "5a7b0c6e-solo",
                .seq = s->said.seq,
                .resource = (enum gt_resource)r,
                .amount = r == GT_CPU ? 20 : 33 * SOLO_MIB,
            };
        }
        signal.lights_len = GT_RESOURCES;
        solo_second(s, 0.3, 0.0, 300);
        solo_hear(s, &signal);
    }

    assert_true(s->agent->containers[0].players[GT_CPU].floor > 250);
    assert_int_equal(s->patches, 0);
}

static void
a_red_light_is_obeyed_and_thought_over(void **state)
{
    struct solo *s = *state;
    uint64_t seq;

    ask_for_more(s);
    seq = s->intent.seq;
    solo_light(s, WIRE_RED);
    assert_int_equal(s->patches, 0);

    solo_second(s, 0.5, 1.0, 100);
    assert_true(s->intent.seq > seq);
    solo_light(s, WIRE_GREEN);
    assert_int_equal(s->patches, 1);
    assert_false(s->update.granted); /* it was contended */
}

static void
an_unanswered_intent_is_told_again(void **state)
{
    struct solo *s = *state;
    uint64_t seq;

    ask_for_more(s);
    seq = s->intent.seq;
    solo_seconds(s, 3, 0.5, 1.0, 100);

    assert_true(s->intent.seq > seq);
    assert_int_equal(s->patches, 0);
}

static void
a_refused_resize_is_told_and_not_repeated_at_once(void **state)
{
    struct solo *s = *state;
    int64_t refused = ask_for_more(s);

    solo_light(s, WIRE_GREEN);
    solo_answer(s, KUBE_E_NODE_CAPACITY);
    assert_int_equal(s->said.kind, WIRE_REFUSE);
    assert_int_equal(s->said.containers[0].players[GT_CPU].target, 500);
    assert_int_equal(s->agent->counts.refusals[KUBE_E_NODE_CAPACITY], 1);

    memset(&s->intent, 0, sizeof(s->intent));
    for (int i = 0; i < 50; i++) {
        solo_second(s, 0.5, 1.0, 100);
        assert_true(intended(s, GT_CPU)->want < refused);
    }
}

static void
a_pod_that_vanished_is_left(void **state)
{
    struct solo *s = *state;

    ask_for_more(s);
    solo_light(s, WIRE_GREEN);
    solo_answer(s, KUBE_E_NOT_FOUND);
    assert_int_equal(s->said.kind, WIRE_BYE);

    solo_forget(s);
    solo_seconds(s, 30, 0.5, 1.0, 100);
    assert_int_equal(s->agent->phase, AGENT_GONE);
    assert_false(s->seen & (AGENT_DO_PATCH | AGENT_DO_PUBLISH));
}

/* The agent before this one asked for more CPU; the kubelet is not done. */
static void
leave_a_resize_behind(struct solo *s, enum kube_resize condition)
{
    struct kube_container *c = &s->pod.containers[0];

    c->spec.requests[GT_CPU] = 700;
    c->spec.limits[GT_CPU] = 700;
    s->pod.generation = 2;
    s->pod.observed_generation = 2;
    s->pod.resize = condition;
    solo_begin(s);
}

static void
a_resize_that_was_left_behind_is_seen_through(void **state)
{
    struct solo *s = *state;

    leave_a_resize_behind(s, KUBE_RESIZE_IN_PROGRESS);
    assert_int_equal(s->said.containers[0].players[GT_CPU].current, 500);
    assert_int_equal(s->said.containers[0].players[GT_CPU].target, 700);
    solo_enforce(s);
    s->ms += 100;
    solo_event(s, AGENT_WAKE);
    assert_true(s->seen & AGENT_DO_READ);
    solo_answer(s, KUBE_APPLIED);

    assert_int_equal(s->said.kind, WIRE_ACK);
    assert_int_equal(s->said.containers[0].players[GT_CPU].current, 700);
}

static void
a_deferred_resize_that_was_left_behind_is_withdrawn(void **state)
{
    struct solo *s = *state;

    leave_a_resize_behind(s, KUBE_RESIZE_DEFERRED);
    for (int i = 0; i < 15 && s->patches == 0; i++) {
        solo_second(s, 0.2, 0.0, 100);
        solo_answer(s, KUBE_APPLIED);
    }

    assert_int_equal(s->patches, 1);
    assert_int_equal(s->patch.changes[0].to.requests[GT_CPU], 500);
    assert_int_equal(s->patch.changes[0].to.limits[GT_CPU], 500);
}

static void
an_agent_that_stops_says_bye(void **state)
{
    struct solo *s = *state;

    solo_begin(s);
    solo_event(s, AGENT_STOP);

    assert_int_equal(s->said.kind, WIRE_BYE);
}

static void
an_agent_that_never_played_stops_in_silence(void **state)
{
    struct solo *s = *state;

    solo_event(s, AGENT_START);
    solo_event(s, AGENT_STOP);

    assert_false(s->seen & AGENT_DO_PUBLISH);
}

static void
no_agent_is_silent_for_longer_than_a_tick(void **state)
{
    struct solo *s = *state;
    int silent_s = 0;

    solo_begin(s);
    for (int i = 0; i < 300; i++) {
        solo_forget(s);
        s->blind = i > 200; /* not even a blind one */
        solo_second(s, 0.2, 0.0, 300);
        silent_s = s->seen & AGENT_DO_PUBLISH ? 0 : silent_s + 1;
        assert_true(silent_s <= 15);
    }
}

#define WITH_SOLO(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SOLO(an_agent_first_reads_its_pod_then_says_hello),
        WITH_SOLO(an_unreadable_pod_is_read_again),
        WITH_SOLO(a_best_effort_pod_is_left_alone),
        WITH_SOLO(a_pod_with_a_bad_annotation_is_left_alone),
        WITH_SOLO(a_pod_in_mode_off_is_left_alone),
        WITH_SOLO(a_pod_in_mode_recommend_is_watched_only),
        WITH_SOLO(a_pod_that_is_over_is_not_played_for),
        WITH_SOLO(another_pod_of_the_same_name_is_not_ours),
        WITH_SOLO(a_throttled_agent_asks_for_more_within_two_seconds),
        WITH_SOLO(a_green_light_is_obeyed_at_once_and_followed_to_its_end),
        WITH_SOLO(a_green_light_for_an_old_intent_is_ignored),
        WITH_SOLO(a_green_light_counts_once),
        WITH_SOLO(lights_for_somebody_or_something_else_are_ignored),
        WITH_SOLO(no_light_brings_a_pod_below_its_floor),
        WITH_SOLO(a_red_light_is_obeyed_and_thought_over),
        WITH_SOLO(an_unanswered_intent_is_told_again),
        WITH_SOLO(a_refused_resize_is_told_and_not_repeated_at_once),
        WITH_SOLO(a_pod_that_vanished_is_left),
        WITH_SOLO(a_resize_that_was_left_behind_is_seen_through),
        WITH_SOLO(a_deferred_resize_that_was_left_behind_is_withdrawn),
        WITH_SOLO(an_agent_that_stops_says_bye),
        WITH_SOLO(an_agent_that_never_played_stops_in_silence),
        WITH_SOLO(no_agent_is_silent_for_longer_than_a_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
