/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/arbiter.h"

#include <stdio.h>

#include "tests/arbiter_fixture.h"

static void
a_hello_is_listed_in_a_signal_at_once(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);

    assert_true(f->update.todo & ARBITER_DO_SIGNAL);
    assert_true(next_signal(f));
    assert_string_equal(f->signal.node, "n1");
    assert_int_equal(f->signal.incarnation, ARBITER);
    assert_int_equal(f->signal.known_len, 1);
    assert_string_equal(f->signal.known[0], "a");
    assert_int_equal(f->signal.valid_ms, 45000);
    assert_int_equal(f->signal.deadline_ms, 5000);
    assert_int_equal(f->signal.loads[GT_CPU].capacity, 10000);
    assert_int_equal(f->signal.loads[GT_CPU].hi, 1000);
    assert_false(next_signal(f));
    assert_true(was_logged(f, "event=joined node=n1 pod=shop/a"));
}

static void
a_stranger_is_not_listed(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);
    struct wire_strategy b = agent("b", 1000);

    hear(f, &a);
    say(f, &b, WIRE_HEARTBEAT);
    assert_true(next_signal(f));

    assert_int_equal(f->signal.known_len, 1);
    cpu_load_is(f, 1000, 1000);
    assert_int_equal(
        arbiter_counts(f->arbiter)->messages[WIRE_HEARTBEAT][ROSTER_E_UNKNOWN],
        1);
}

static void
pods_without_an_agent_count_as_the_api_says(void **state)
{
    struct fixture *f = *state;
    struct kube_pod *pod = &f->watch.pod;

    pod_says(f, KUBE_WATCH_ADDED, "x", 300);
    pod->sidecar_requests[GT_CPU] = 50;
    pod->containers[0].has_actual = true;
    pod->containers[0].actual.requests[GT_CPU] = 400;
    step(f, (struct arbiter_event){.kind = ARBITER_POD, .watch = &f->watch});
    cpu_load_is(f, 450, 450);

    pod->finished = true;
    step(f, (struct arbiter_event){.kind = ARBITER_POD, .watch = &f->watch});
    cpu_load_is(f, 0, 0);
}

static void
a_players_interval_spans_what_the_api_says_too(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    pod_says(f, KUBE_WATCH_ADDED, "a", 1200);
    cpu_load_is(f, 1000, 1200);
    f->watch.pod.sidecar_requests[GT_CPU] = 10;
    f->watch.pod.containers[0].spec.requests[GT_CPU] = 800;
    step(f, (struct arbiter_event){.kind = ARBITER_POD, .watch = &f->watch});
    cpu_load_is(f, 810, 1010);
}

static void
who_falls_silent_is_not_listed_but_stays_booked_until_its_pod_goes(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    pod_says(f, KUBE_WATCH_ADDED, "a", 1000);
    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    drain(f);
    f->now_ms += ROSTER_EXPIRY_MS;
    step(f, (struct arbiter_event){.kind = ARBITER_WAKE});

    assert_int_equal(arbiter_counts(f->arbiter)->expired, 1);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.known_len, 0);
    cpu_load_is(f, 1000, 1500);

    pod_says(f, KUBE_WATCH_DELETED, "a", 1000);
    cpu_load_is(f, 0, 0);
    assert_true(was_logged(f, "event=expired"));
}

static void
a_bye_ends_the_membership_at_once(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    pod_says(f, KUBE_WATCH_ADDED, "a", 1000);
    hear(f, &a);
    drain(f);
    say(f, &a, WIRE_BYE);

    assert_int_equal(node_view(f).agents, 0);
    cpu_load_is(f, 1000, 1000);
    assert_true(was_logged(f, "event=left node=n1 pod=shop/a"));
}

static void
who_leaves_without_a_pod_in_the_api_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    say(f, &a, WIRE_BYE);

    cpu_load_is(f, 0, 0);
}

static void
a_hello_from_another_node_than_the_pods_is_refused(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    pod_says(f, KUBE_WATCH_ADDED, "a", 1000);
    strcpy(a.node, "n2");
    hear(f, &a);

    assert_int_equal(
        arbiter_counts(f->arbiter)->messages[WIRE_HELLO][ROSTER_E_MISPLACED],
        1);
    assert_true(was_logged(f, "level=warning who=arbiter event=refused"));
}

static void
an_agent_whose_pod_turns_out_to_be_elsewhere_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    strcpy(a.node, "n2");
    hear(f, &a);
    pod_says(f, KUBE_WATCH_ADDED, "a", 700);
    say(f, &a, WIRE_HEARTBEAT);

    assert_int_equal(
        arbiter_counts(f->arbiter)->messages[WIRE_HEARTBEAT][ROSTER_E_UNKNOWN],
        1);
    cpu_load_is(f, 700, 700);
}

static void
who_found_no_room_in_the_books_is_no_member(void **state)
{
    struct fixture *f = *state;
    char name[16];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        node_says(f, KUBE_WATCH_ADDED, name, 1000);
    }
    struct wire_strategy a = agent("a", 1);
    strcpy(a.node, "unheard-of");
    hear(f, &a);
    say(f, &a, WIRE_HELLO);

    assert_int_equal(
        arbiter_counts(f->arbiter)->messages[WIRE_HELLO][ROSTER_E_FULL], 2);
}

static void
what_a_new_list_does_not_name_is_gone(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy b = agent("b", 1000);

    pod_says(f, KUBE_WATCH_ADDED, "a", 1000);
    pod_says(f, KUBE_WATCH_ADDED, "b", 1000);
    hear(f, &b);
    cpu_load_is(f, 2000, 2000);

    list_is(f, ARBITER_LISTING, KUBE_OBJECT_POD);
    pod_says(f, KUBE_WATCH_ADDED, "b", 1000);
    list_is(f, ARBITER_SYNCED, KUBE_OBJECT_POD);
    cpu_load_is(f, 1000, 1000);

    list_is(f, ARBITER_LISTING, KUBE_OBJECT_NODE);
    list_is(f, ARBITER_SYNCED, KUBE_OBJECT_NODE);
    assert_int_equal(node_view(f).of[GT_CPU].load.capacity, 0);
}

static void
a_lost_watch_is_told_once_and_its_return_too(void **state)
{
    struct fixture *f = *state;

    list_is(f, ARBITER_LOST, KUBE_OBJECT_POD);
    list_is(f, ARBITER_LOST, KUBE_OBJECT_POD);
    char *first = strstr(f->text, "event=watch_lost object=pods");
    assert_non_null(first);
    assert_null(strstr(first + 1, "event=watch_lost"));

    pod_says(f, KUBE_WATCH_BOOKMARK, "", 0);
    assert_true(was_logged(f, "event=watch_back object=pods"));
    assert_int_equal(arbiter_counts(f->arbiter)->watch_lost[KUBE_OBJECT_POD],
                     2);
}

static void
full_tables_are_counted_and_told(void **state)
{
    struct fixture *f = *state;
    char name[16];

    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        node_says(f, KUBE_WATCH_ADDED, name, 1000);
    }
    assert_int_equal(arbiter_counts(f->arbiter)->full, 3);
    assert_true(was_logged(f, "level=error who=arbiter event=full first=node"));

    for (int i = 0; i < 201; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        struct wire_strategy a = agent(name, 1);
        hear(f, &a);
    }
    assert_int_equal(
        arbiter_counts(f->arbiter)->messages[WIRE_HELLO][ROSTER_E_FULL], 1);
    struct wire_strategy b = agent("elsewhere", 1);
    strcpy(b.node, "unheard-of");
    hear(f, &b);
    assert_int_equal(
        arbiter_counts(f->arbiter)->messages[WIRE_HELLO][ROSTER_E_FULL], 2);
}

static void
a_change_of_capacity_is_told_and_used(void **state)
{
    struct fixture *f = *state;

    node_says(f, KUBE_WATCH_MODIFIED, "n1", 4000);

    assert_true(was_logged(f, "event=capacity node=n1 cpu_milli=4000"));
    assert_int_equal(node_view(f).of[GT_CPU].load.capacity, 4000);
}

static void
duplicated_and_late_strategies_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);
    struct wire_strategy old = a;

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    obey(f, &a);
    struct wire_strategy again = a;
    hear(f, &old);
    hear(f, &again);

    cpu_load_is(f, 1500, 1500);
    f->now_ms += ARBITER_GAP_MS;
    assert_int_equal(drain(f), 0);
    assert_int_equal(arbiter_counts(f->arbiter)->acked, 1);
}

static void
a_restarted_agent_goes_on_from_what_its_pod_has(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    struct wire_strategy b = agent("a", 1000);
    b.incarnation = 2;
    hear(f, &b);

    assert_int_equal(arbiter_counts(f->arbiter)->lapsed, 1);
    cpu_load_is(f, 1000, 1500);
    b.heard_incarnation = ARBITER;
    b.heard_epoch = f->signal.epoch;
    say(f, &b, WIRE_HEARTBEAT);
    cpu_load_is(f, 1000, 1000);
}

static void
the_potential_is_the_value_of_all_less_the_congestion(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 4000);
    struct wire_strategy b = agent("b", 6000);

    cpu_of(&a)->value = -4.5;
    cpu_of(&b)->value = -7.25;
    hear(f, &a);
    hear(f, &b);

    /* Gamma(C) = p1 (1 - rho0) C / 4 = 3200 x 0.1 x 10 / 4 */
    assert_true(node_view(f).of[GT_CPU].potential - (-11.75 - 800.0) < 1e-9);
    assert_true(node_view(f).of[GT_CPU].potential - (-11.75 - 800.0) > -1e-9);
    assert_true(node_view(f).of[GT_CPU].load.price == 3200.0);
}

static void
agents_are_shown_with_what_they_may_hold(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);
    struct arbiter_agent_view view;
    uint32_t cursor = 0;

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    drain(f);
    assert_true(arbiter_next_agent(f->arbiter,
                                   (struct gt_time){.mono_ms = f->now_ms + 70},
                                   &cursor, &view));
    assert_string_equal(view.id, "a");
    assert_string_equal(view.node, "n1");
    assert_true(view.heard);
    assert_int_equal(view.age_ms, 70);
    assert_int_equal(view.players[0][GT_CPU].lo, 1000);
    assert_int_equal(view.players[0][GT_CPU].hi, 1500);
    assert_false(arbiter_next_agent(
        f->arbiter, (struct gt_time){.mono_ms = f->now_ms}, &cursor, &view));
}

static void
garbled_messages_are_counted(void **state)
{
    struct fixture *f = *state;

    step(f, (struct arbiter_event){.kind = ARBITER_GARBLED,
                                   .garbled = WIRE_E_FIELD});

    assert_int_equal(arbiter_counts(f->arbiter)->garbled[WIRE_E_FIELD], 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hello_is_listed_in_a_signal_at_once),
        TEST(a_stranger_is_not_listed),
        TEST(pods_without_an_agent_count_as_the_api_says),
        TEST(a_players_interval_spans_what_the_api_says_too),
        TEST(
            who_falls_silent_is_not_listed_but_stays_booked_until_its_pod_goes),
        TEST(a_bye_ends_the_membership_at_once),
        TEST(who_leaves_without_a_pod_in_the_api_is_forgotten),
        TEST(a_hello_from_another_node_than_the_pods_is_refused),
        TEST(an_agent_whose_pod_turns_out_to_be_elsewhere_is_forgotten),
        TEST(who_found_no_room_in_the_books_is_no_member),
        TEST(what_a_new_list_does_not_name_is_gone),
        TEST(a_lost_watch_is_told_once_and_its_return_too),
        TEST(full_tables_are_counted_and_told),
        TEST(a_change_of_capacity_is_told_and_used),
        TEST(duplicated_and_late_strategies_change_nothing),
        TEST(a_restarted_agent_goes_on_from_what_its_pod_has),
        TEST(the_potential_is_the_value_of_all_less_the_congestion),
        TEST(agents_are_shown_with_what_they_may_hold),
        TEST(garbled_messages_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
