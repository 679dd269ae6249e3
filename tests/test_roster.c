/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"

#define MAX     3
#define ARBITER 77

struct fixture {
    struct roster roster;
    void *memory;
    struct wire_strategy said; /* what the agent says next */
    uint32_t member;
};

static struct gt_time
at(uint64_t ms)
{
    return (struct gt_time){.mono_ms = ms};
}

static struct wire_strategy
hello_of(const char *id)
{
    struct wire_strategy hello = {
        .kind = WIRE_HELLO, .incarnation = 5, .seq = 1, .containers_len = 1};

    strcpy(hello.id, id);
    strcpy(hello.node, "node-1");
    strcpy(hello.space, "shop");
    strcpy(hello.pod, "pod-1");
    strcpy(hello.containers[0].name, "app");
    return hello;
}

static void
holds(struct wire_strategy *said, int64_t current, int64_t target)
{
    struct wire_player *cpu = &said->containers[0].players[GT_CPU];

    cpu->current = current;
    cpu->target = target;
    cpu->want = target;
}

static enum roster_fate
hear_at(struct fixture *f, uint64_t ms)
{
    enum roster_fate fate = roster_judge(&f->roster, &f->said, &f->member);

    if (fate == ROSTER_JOINED && f->member == TABLE_NONE) {
        f->member = roster_join(&f->roster, &f->said);
        if (f->member == TABLE_NONE) {
            return ROSTER_E_FULL;
        }
    }
    if (fate == ROSTER_TAKEN || fate == ROSTER_JOINED) {
        roster_take(&f->roster, f->member, &f->said, at(ms));
    }
    return fate;
}

/* The next message of the agent, newer than all before. */
static enum roster_fate
hear(struct fixture *f, enum wire_kind kind)
{
    f->said.kind = kind;
    f->said.seq++;
    return hear_at(f, 1000);
}

static const struct roster_player *
cpu_of(const struct fixture *f)
{
    return &roster_at(&f->roster, f->member)->players[0][GT_CPU];
}

/* An agent that holds 500 and said hello. */
static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->memory = calloc(1, roster_size(MAX));
    assert_non_null(f->memory);
    roster_init(&f->roster, f->memory, MAX, ARBITER);
    f->said = hello_of("a");
    holds(&f->said, 500, 500);
    assert_int_equal(hear_at(f, 1000), ROSTER_JOINED);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;

    free(f->memory);
    free(f);
    return 0;
}

static void
a_hello_makes_a_member_and_nothing_else_does(void **state)
{
    struct fixture *f = *state;

    f->said = hello_of("stranger");
    f->said.kind = WIRE_HEARTBEAT;
    assert_int_equal(hear_at(f, 1000), ROSTER_E_UNKNOWN);
    assert_int_equal(f->roster.heard, 1);

    f->said.kind = WIRE_HELLO;
    assert_int_equal(hear_at(f, 1000), ROSTER_JOINED);
    assert_int_equal(f->roster.heard, 2);
}

static void
an_older_message_of_the_same_agent_changes_nothing(void **state)
{
    struct fixture *f = *state;

    holds(&f->said, 700, 700);
    f->said.kind = WIRE_HEARTBEAT;

    assert_int_equal(hear_at(f, 1000), ROSTER_E_STALE);
    assert_int_equal(cpu_of(f)->current, 500);
}

static void
a_newer_incarnation_replaces_and_an_older_is_dropped(void **state)
{
    struct fixture *f = *state;

    f->said.incarnation = 6;
    holds(&f->said, 600, 600);
    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_E_UNKNOWN);
    f->said.seq = 0;
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_TAKEN);
    assert_int_equal(cpu_of(f)->current, 600);

    f->said.incarnation = 5;
    f->said.seq = 100;
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_E_OLDER);
}

static void
other_containers_than_in_its_hello_are_refused(void **state)
{
    struct fixture *f = *state;

    f->said.containers_len = 2;
    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_E_SHAPE);
    f->said = hello_of("b");
    f->said.containers_len = 0;
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_E_SHAPE);
}

static void
a_name_that_no_pod_has_is_refused(void **state)
{
    struct fixture *f = *state;

    f->said = hello_of("b");
    strcpy(f->said.pod, "x level=error");
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_E_SHAPE);
    f->said = hello_of("b");
    f->said.node[0] = '\0';
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_E_SHAPE);
    f->said = hello_of("b\"");
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_E_SHAPE);
}

static void
absurd_amounts_are_refused(void **state)
{
    struct fixture *f = *state;

    holds(&f->said, ROSTER_AMOUNT_MAX, ROSTER_AMOUNT_MAX + 1);
    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_E_RANGE);
    assert_int_equal(cpu_of(f)->target, 500);
    f->said.containers[0].players[GT_MEMORY].current = ROSTER_AMOUNT_MAX + 1;
    holds(&f->said, 1, 1);
    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_E_RANGE);
}

static void
a_full_roster_takes_no_stranger(void **state)
{
    struct fixture *f = *state;

    f->said = hello_of("b");
    assert_int_equal(hear_at(f, 1000), ROSTER_JOINED);
    f->said = hello_of("c");
    assert_int_equal(hear_at(f, 1000), ROSTER_JOINED);
    f->said = hello_of("d");
    assert_int_equal(hear_at(f, 1000), ROSTER_E_FULL);
}

static void
a_player_may_hold_what_lies_between_current_and_target(void **state)
{
    struct fixture *f = *state;

    holds(&f->said, 500, 300);
    hear(f, WIRE_HEARTBEAT);

    assert_int_equal(cpu_of(f)->lo, 300);
    assert_int_equal(cpu_of(f)->hi, 500);
}

static void
a_light_widens_the_interval_until_it_is_heard_of(void **state)
{
    struct fixture *f = *state;
    struct roster_player *cpu =
        &roster_at(&f->roster, f->member)->players[0][GT_CPU];

    roster_grant(cpu, 800, 10);
    assert_int_equal(cpu->hi, 800);

    f->said.heard_incarnation = ARBITER;
    f->said.heard_epoch = 9;
    hear(f, WIRE_HEARTBEAT);
    assert_int_equal(cpu->lo, 500);
    assert_int_equal(cpu->hi, 800);

    f->said.heard_epoch = 10;
    hear(f, WIRE_HEARTBEAT);
    assert_int_equal(cpu->hi, 500);
}

static void
what_was_heard_of_another_arbiter_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct roster_player *cpu =
        &roster_at(&f->roster, f->member)->players[0][GT_CPU];

    roster_grant(cpu, 800, 10);
    f->said.heard_incarnation = ARBITER - 1;
    f->said.heard_epoch = 99;
    hear(f, WIRE_HEARTBEAT);
    assert_int_equal(cpu->hi, 800);

    /* A newer one: the agent will never act on a light of ours. */
    f->said.heard_incarnation = ARBITER + 1;
    f->said.heard_epoch = 1;
    hear(f, WIRE_HEARTBEAT);
    assert_int_equal(cpu->hi, 500);
}

static void
lights_not_heard_of_add_up_to_their_span(void **state)
{
    struct fixture *f = *state;
    struct roster_player *cpu =
        &roster_at(&f->roster, f->member)->players[0][GT_CPU];

    roster_grant(cpu, 800, 10);
    roster_grant(cpu, 300, 11);
    assert_int_equal(cpu->lo, 300);
    assert_int_equal(cpu->hi, 800);

    f->said.heard_incarnation = ARBITER;
    f->said.heard_epoch = 10;
    hear(f, WIRE_HEARTBEAT);

    assert_int_equal(cpu->hi, 800);
}

static void
a_wish_stays_until_it_is_answered_or_starts_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct wire_player *cpu = &f->said.containers[0].players[GT_CPU];

    cpu->want = 700;
    cpu->gain = 2.0;
    hear(f, WIRE_INTENT);
    assert_true(roster_at(&f->roster, f->member)->asks);
    assert_int_equal(roster_at(&f->roster, f->member)->intent_seq, f->said.seq);

    holds(&f->said, 500, 500);
    hear(f, WIRE_HEARTBEAT);
    assert_true(cpu_of(f)->asks);
    assert_int_equal(cpu_of(f)->want, 700);

    holds(&f->said, 500, 600);
    hear(f, WIRE_HEARTBEAT);
    assert_false(cpu_of(f)->asks);
    assert_false(roster_at(&f->roster, f->member)->asks);
}

static void
a_newer_intent_replaces_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct wire_player *cpu = &f->said.containers[0].players[GT_CPU];

    cpu->want = 700;
    hear(f, WIRE_INTENT);
    cpu->want = 500;
    hear(f, WIRE_INTENT);

    assert_false(cpu_of(f)->asks);
}

static void
whoever_is_silent_for_a_minute_expires_the_longest_silent_first(void **state)
{
    struct fixture *f = *state;
    uint32_t first = f->member;

    f->said = hello_of("b");
    hear_at(f, 5000);
    assert_int_equal(roster_expiry_ms(&f->roster), 61000);
    assert_int_equal(roster_expired(&f->roster, at(60999)), TABLE_NONE);
    assert_int_equal(roster_expired(&f->roster, at(61000)), first);

    roster_leave(&f->roster, first);
    assert_int_equal(roster_expiry_ms(&f->roster), 65000);
    assert_int_equal(roster_at(&f->roster, first)->players[0][GT_CPU].hi, 500);
}

static void
a_message_puts_its_sender_at_the_end_of_the_queue(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = f->said;

    f->said = hello_of("b");
    hear_at(f, 5000);
    uint32_t b = f->member;
    f->said = a;
    f->said.seq = 2;
    hear_at(f, 9000);

    assert_int_equal(roster_expired(&f->roster, at(65000)), b);
}

static void
who_expired_is_back_with_its_next_message(void **state)
{
    struct fixture *f = *state;

    roster_leave(&f->roster, f->member);
    assert_int_equal(f->roster.heard, 0);

    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_JOINED);
    assert_int_equal(f->roster.heard, 1);
}

static void
after_its_bye_an_incarnation_is_not_heard_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hear(f, WIRE_BYE), ROSTER_TAKEN);
    roster_leave(&f->roster, f->member);

    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_E_STALE);
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_E_STALE);
    f->said.incarnation++;
    assert_int_equal(hear(f, WIRE_HELLO), ROSTER_JOINED);
}

static void
a_removed_member_is_a_stranger(void **state)
{
    struct fixture *f = *state;

    roster_remove(&f->roster, f->member);

    assert_int_equal(hear(f, WIRE_HEARTBEAT), ROSTER_E_UNKNOWN);
    assert_int_equal(roster_expiry_ms(&f->roster), GT_NEVER_MS);
}

static void
duplicates_and_late_messages_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy history[20];
    struct gt_rng rng = {.state = 3};

    for (int i = 0; i < 20; i++) {
        holds(&f->said, (int64_t)gt_rng_below(&rng, 900), 400);
        f->said.containers[0].players[GT_CPU].want = 450;
        assert_int_equal(hear(f, i % 3 ? WIRE_HEARTBEAT : WIRE_INTENT),
                         ROSTER_TAKEN);
        history[i] = f->said;
    }
    struct roster_member before = *roster_at(&f->roster, f->member);

    for (int i = 0; i < 200; i++) {
        f->said = history[gt_rng_below(&rng, 20)];
        assert_int_equal(hear_at(f, 2000), ROSTER_E_STALE);
    }

    assert_memory_equal(&before, roster_at(&f->roster, f->member),
                        sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hello_makes_a_member_and_nothing_else_does),
        TEST(an_older_message_of_the_same_agent_changes_nothing),
        TEST(a_newer_incarnation_replaces_and_an_older_is_dropped),
        TEST(other_containers_than_in_its_hello_are_refused),
        TEST(a_name_that_no_pod_has_is_refused),
        TEST(absurd_amounts_are_refused),
        TEST(a_full_roster_takes_no_stranger),
        TEST(a_player_may_hold_what_lies_between_current_and_target),
        TEST(a_light_widens_the_interval_until_it_is_heard_of),
        TEST(what_was_heard_of_another_arbiter_does_not_count),
        TEST(lights_not_heard_of_add_up_to_their_span),
        TEST(a_wish_stays_until_it_is_answered_or_starts_elsewhere),
        TEST(a_newer_intent_replaces_the_one_before),
        TEST(whoever_is_silent_for_a_minute_expires_the_longest_silent_first),
        TEST(a_message_puts_its_sender_at_the_end_of_the_queue),
        TEST(who_expired_is_back_with_its_next_message),
        TEST(after_its_bye_an_incarnation_is_not_heard_again),
        TEST(a_removed_member_is_a_stranger),
        TEST(duplicates_and_late_messages_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
