/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/arbiter.h"

#include <stdio.h>

#include "common/rng.h"
#include "tests/arbiter_fixture.h"

static void
an_intent_is_answered_in_the_same_step(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    drain(f);
    f->now_ms += ARBITER_GAP_MS;
    ask(f, &a, 1500, 9.0);

    assert_true(f->update.todo & ARBITER_DO_SIGNAL);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 1);
    assert_string_equal(f->signal.lights[0].id, "a");
    assert_int_equal(f->signal.lights[0].seq, a.seq);
    assert_int_equal(f->signal.lights[0].container, 0);
    assert_int_equal(f->signal.lights[0].resource, GT_CPU);
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);
    assert_int_equal(f->signal.lights[0].amount, 1500);
    assert_true(was_logged(f, "event=round node=n1"));
}

static void
a_second_intent_of_a_node_waits_for_the_gap(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    drain(f);
    f->now_ms += 40;
    ask(f, &a, 1500, 9.0);

    assert_false(f->update.todo & ARBITER_DO_SIGNAL);
    assert_int_equal(f->update.wake_ms, OPEN_MS + ARBITER_GAP_MS);
    assert_false(next_signal(f));
    f->now_ms = OPEN_MS + ARBITER_GAP_MS;
    step(f, (struct arbiter_event){.kind = ARBITER_WAKE});
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 1);
}

static void
an_intent_is_answered_once(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 1);
    f->now_ms += ARBITER_PERIOD_MS;
    say(f, &a, WIRE_HEARTBEAT);

    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 0);
}

static void
a_signal_comes_each_period_at_the_nodes_own_time(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);
    uint64_t first_ms;

    hear(f, &a);
    drain(f);
    step(f, (struct arbiter_event){.kind = ARBITER_WAKE});
    first_ms = f->update.wake_ms;
    assert_in_range(first_ms, OPEN_MS + 1, OPEN_MS + 15100);
    assert_int_equal(first_ms % ARBITER_PERIOD_MS,
                     gt_rng_hash("n1") % ARBITER_PERIOD_MS);
    for (uint64_t i = 1; i <= 3; i++) {
        f->now_ms = f->update.wake_ms;
        say(f, &a, WIRE_HEARTBEAT);
        assert_int_equal(drain(f), 1);
        step(f, (struct arbiter_event){.kind = ARBITER_WAKE});
        assert_int_equal(f->update.wake_ms, first_ms + i * ARBITER_PERIOD_MS);
    }
}

static void
growth_waits_while_listening_and_shrinking_does_not(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    f->now_ms = 15999;
    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 0);

    ask(f, &a, 500, 9.0);
    f->now_ms = 16099;
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);

    f->now_ms = 16300;
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);
}

static void
nothing_grows_before_both_lists_are_read(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    f->now_ms = OPEN_MS;
    node_says(f, KUBE_WATCH_ADDED, "n1", 10000);
    list_is(f, ARBITER_SYNCED, KUBE_OBJECT_NODE);
    assert_false(arbiter_synced(f->arbiter));
    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 0);

    list_is(f, ARBITER_SYNCED, KUBE_OBJECT_POD);
    f->now_ms += 1000;
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);
}

static void
a_node_that_the_api_does_not_name_has_no_capacity_and_no_price(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    strcpy(a.node, "n2");
    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_RED);
    assert_int_equal(f->signal.loads[GT_CPU].capacity, 0);
    assert_true(f->signal.loads[GT_CPU].price == 0.0);

    f->now_ms += 1000;
    ask(f, &a, 900, 0.05); /* less than a shrink must gain */
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_RED);
}

static void
a_green_light_is_booked_until_its_agent_has_heard(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    cpu_load_is(f, 1000, 1500);

    say(f, &a, WIRE_HEARTBEAT); /* it did not hear */
    cpu_load_is(f, 1000, 1500);

    a.heard_incarnation = ARBITER;
    a.heard_epoch = f->signal.epoch;
    say(f, &a, WIRE_HEARTBEAT); /* it heard, and did not move */
    cpu_load_is(f, 1000, 1000);
    assert_int_equal(arbiter_counts(f->arbiter)->lapsed, 1);
    assert_int_equal(arbiter_counts(f->arbiter)->acked, 0);
}

static void
a_move_under_way_is_booked_whole_and_acked_when_done(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    a.heard_incarnation = ARBITER;
    a.heard_epoch = f->signal.epoch;
    cpu_of(&a)->target = 1500;
    say(f, &a, WIRE_HEARTBEAT);
    cpu_load_is(f, 1000, 1500);
    assert_int_equal(arbiter_counts(f->arbiter)->acked, 0);

    cpu_of(&a)->current = 1500;
    say(f, &a, WIRE_ACK);
    cpu_load_is(f, 1500, 1500);
    assert_int_equal(arbiter_counts(f->arbiter)->acked, 1);
    assert_int_equal(arbiter_counts(f->arbiter)->potential_drops, 0);
}

/* The agent has taken the light of the signal at hand, and is not done. */
static void
start_moving(struct fixture *f, struct wire_strategy *said)
{
    cpu_of(said)->target = f->signal.lights[0].amount;
    cpu_of(said)->want = cpu_of(said)->target;
    said->heard_incarnation = f->signal.incarnation;
    said->heard_epoch = f->signal.epoch;
    say(f, said, WIRE_HEARTBEAT);
}

static void
a_move_under_way_counts_once_for_those_admitted_after_it(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 8500);
    struct wire_strategy b = agent("b", 500);

    hear(f, &a);
    hear(f, &b);
    ask(f, &a, 8900, 300.0);
    assert_true(next_signal(f));
    struct wire_signal first = f->signal;
    start_moving(f, &a);
    f->now_ms += ARBITER_GAP_MS;
    ask(f, &b, 600, 31.0); /* from 9.4 to 9.5 of 10 it costs 29.5 */
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);
    obey(f, &b);
    f->signal = first;
    obey(f, &a);

    assert_int_equal(arbiter_counts(f->arbiter)->acked, 2);
    assert_int_equal(arbiter_counts(f->arbiter)->potential_drops, 0);
}

static void
a_move_that_the_next_one_overtakes_counts_as_made(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    start_moving(f, &a);
    f->now_ms += ARBITER_GAP_MS;
    ask(f, &a, 2000, 9.0);
    assert_true(next_signal(f));
    assert_int_equal(arbiter_counts(f->arbiter)->acked, 1);
    obey(f, &a);

    assert_int_equal(arbiter_counts(f->arbiter)->acked, 2);
    assert_int_equal(arbiter_counts(f->arbiter)->lapsed, 0);
}

static void
a_move_that_never_ends_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(arbiter_counts(f->arbiter)->lapsed, 0);
        start_moving(f, &a);
        f->now_ms += ARBITER_PERIOD_MS;
    }

    assert_int_equal(arbiter_counts(f->arbiter)->lapsed, 1);
    cpu_load_is(f, 1000, 1500);
}

static void
growth_that_is_not_certain_to_fit_is_red(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 5000);
    struct wire_strategy b = agent("b", 4000);

    hear(f, &a);
    hear(f, &b);
    ask(f, &a, 6000, 1e4);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);

    f->now_ms += 1000;
    ask(f, &b, 4001, 1e9);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_RED);
    cpu_load_is(f, 9000, 10000);
}

static void
growth_to_the_floor_is_green_and_no_admitted_move(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);

    hear(f, &a);
    cpu_of(&a)->floor = 2000;
    ask(f, &a, 2000, -500.0);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);
    obey(f, &a);

    assert_int_equal(arbiter_counts(f->arbiter)->floor_growths, 1);
    assert_int_equal(arbiter_counts(f->arbiter)->acked, 0);
    assert_int_equal(arbiter_counts(f->arbiter)->potential_drops, 0);
    assert_true(was_logged(f, "event=floor_growth node=n1 pod=shop/a"));
}

static void
say_hello_and_ask_all(struct fixture *f, struct wire_strategy *agents,
                      unsigned len)
{
    char id[16];

    for (unsigned i = 0; i < len; i++) {
        snprintf(id, sizeof(id), "p%u", i);
        agents[i] = agent(id, 10);
        hear(f, &agents[i]);
        ask(f, &agents[i], 20, 1.0);
    }
}

static void
what_the_budget_leaves_over_is_answered_when_there_is_more(void **state)
{
    static struct wire_strategy agents[30];
    struct fixture *f = *state;
    unsigned lights = 0;

    say_hello_and_ask_all(f, agents, 30);
    while (next_signal(f)) {
        lights += (unsigned)f->signal.lights_len;
    }
    assert_int_equal(lights, 20);
    for (unsigned i = 1; i <= 5; i++) {
        f->now_ms += ARBITER_GAP_MS;
        while (next_signal(f)) {
            lights += (unsigned)f->signal.lights_len;
        }
        assert_int_equal(lights, 20 + 2 * i);
    }

    assert_int_equal(lights, 30);
    assert_int_equal(arbiter_counts(f->arbiter)->lights[WIRE_GREEN], 30);
}

static void
a_crowded_node_is_told_in_parts_that_name_everybody_once(void **state)
{
    static struct wire_strategy agents[150];
    struct fixture *f = *state;
    size_t known = 0;
    uint32_t part = 0;

    f->config.greens_per_s = 1000.0;
    say_hello_and_ask_all(f, agents, 150);
    size_t lights = 0;
    for (; next_signal(f); part++) {
        assert_int_equal(f->signal.part, part);
        assert_int_equal(f->signal.epoch, 1);
        known += f->signal.known_len;
        lights += f->signal.lights_len;
    }

    assert_int_equal(part, f->signal.parts);
    assert_int_equal(known, 150);
    assert_int_equal(lights, 150);
}

static void
who_goes_between_two_parts_is_left_out_of_the_rest(void **state)
{
    static struct wire_strategy agents[150];
    struct fixture *f = *state;
    size_t known;

    say_hello_and_ask_all(f, agents, 150);
    assert_true(next_signal(f));
    known = f->signal.known_len;
    for (int i = 149; i >= 0; i--) {
        say(f, &agents[i], WIRE_BYE);
    }
    struct wire_strategy z = agent("z", 10);
    hear(f, &z);
    while (f->signal.part + 1 < f->signal.parts) {
        assert_true(next_signal(f));
        known += f->signal.known_len;
    }

    assert_int_equal(known, WIRE_KNOWN_MAX);
}

static void
without_green_light_the_audit_sees_the_potential_drop(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 4000);
    struct wire_strategy b = agent("b", 4000);

    f->config.simultaneous = true;
    hear(f, &a);
    hear(f, &b);
    ask(f, &a, 5000, 1.5);
    ask(f, &b, 6000, 2.5);
    assert_true(next_signal(f));
    assert_int_equal(f->signal.lights_len, 2);
    struct wire_signal signal = f->signal;
    for (int i = 0; i < 2; i++) {
        f->signal.lights[0] = signal.lights[i];
        obey(f, strcmp(signal.lights[i].id, "a") == 0 ? &a : &b);
    }

    assert_int_equal(arbiter_counts(f->arbiter)->acked, 2);
    assert_int_not_equal(arbiter_counts(f->arbiter)->potential_drops, 0);
    assert_true(was_logged(f, "level=error who=arbiter event=potential_drop"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_intent_is_answered_in_the_same_step),
        TEST(a_second_intent_of_a_node_waits_for_the_gap),
        TEST(an_intent_is_answered_once),
        TEST(a_signal_comes_each_period_at_the_nodes_own_time),
        TEST(growth_waits_while_listening_and_shrinking_does_not),
        cmocka_unit_test_setup_teardown(
            nothing_grows_before_both_lists_are_read, make, stop),
        TEST(a_node_that_the_api_does_not_name_has_no_capacity_and_no_price),
        TEST(a_green_light_is_booked_until_its_agent_has_heard),
        TEST(a_move_under_way_is_booked_whole_and_acked_when_done),
        TEST(a_move_under_way_counts_once_for_those_admitted_after_it),
        TEST(a_move_that_the_next_one_overtakes_counts_as_made),
        TEST(a_move_that_never_ends_is_given_up),
        TEST(growth_that_is_not_certain_to_fit_is_red),
        TEST(growth_to_the_floor_is_green_and_no_admitted_move),
        TEST(what_the_budget_leaves_over_is_answered_when_there_is_more),
        TEST(a_crowded_node_is_told_in_parts_that_name_everybody_once),
        TEST(who_goes_between_two_parts_is_left_out_of_the_rest),
        TEST(without_green_light_the_audit_sees_the_potential_drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
