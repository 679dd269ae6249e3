/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/mesh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ME       "6f1c"
#define VALID_MS 45000

static struct gt_time
at(uint64_t ms)
{
    struct gt_time now = {.mono_ms = ms, .wall_s = (int64_t)(ms / 1000)};

    return now;
}

static struct mesh
a_mesh(void)
{
    struct mesh m;

    mesh_init(&m, ME, "node-a", 7);
    return m;
}

/* A whole signal of arbiter @incarnation that knows us. */
static struct wire_signal
a_signal(uint64_t incarnation, uint64_t epoch)
{
    struct wire_signal s = {
        .node = "node-a",
        .incarnation = incarnation,
        .epoch = epoch,
        .parts = 1,
        .valid_ms = VALID_MS,
        .known_len = 1,
        .known = {ME},
    };

    return s;
}

static enum mesh_outcome
hear(struct mesh *m, uint64_t incarnation, uint64_t epoch, uint64_t ms)
{
    struct wire_signal s = a_signal(incarnation, epoch);

    return mesh_hear(m, &s, at(ms));
}

static void
an_agent_without_a_signal_is_alone(void **state)
{
    struct mesh m = a_mesh();
    (void)state;

    assert_true(mesh_alone(&m, at(1)));
    hear(&m, 1, 1, 1000);
    assert_false(mesh_alone(&m, at(1000)));
    assert_false(mesh_alone(&m, at(1000 + VALID_MS - 1)));
    assert_true(mesh_alone(&m, at(1000 + VALID_MS)));
}

static void
a_newcomer_listens_before_it_deems_itself_alone(void **state)
{
    struct mesh m = a_mesh();
    (void)state;

    mesh_join(&m, at(1000));

    assert_true(mesh_hello_due(&m, at(1000)));
    assert_false(mesh_alone(&m, at(1000 + MESH_LISTEN_MS - 1)));
    assert_true(mesh_alone(&m, at(1000 + MESH_LISTEN_MS)));
    mesh_connected(&m, at(1000 + MESH_LISTEN_MS));
    assert_true(mesh_alone(&m, at(1000 + MESH_LISTEN_MS)));
}

static void
alone_there_is_as_much_room_as_the_last_signal_left(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s = a_signal(1, 1);
    (void)state;

    assert_true(mesh_has_room(&m, GT_CPU, 1000)); /* who knows */
    s.loads[GT_CPU].hi = 3500;
    s.loads[GT_CPU].capacity = 4000;
    mesh_hear(&m, &s, at(1));

    assert_true(mesh_has_room(&m, GT_CPU, 500));
    assert_false(mesh_has_room(&m, GT_CPU, 501));
    mesh_took(&m, GT_CPU, 200);
    assert_false(mesh_has_room(&m, GT_CPU, 301));
    mesh_took(&m, GT_CPU, -100);
    assert_true(mesh_has_room(&m, GT_CPU, 400));
}

static void
a_signal_for_another_node_of_the_slot_is_dropped(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s = a_signal(1, 1);
    (void)state;

    memcpy(s.node, "node-b", sizeof("node-b"));

    assert_int_equal(mesh_hear(&m, &s, at(1)), MESH_E_NODE);
    assert_true(mesh_alone(&m, at(1)));
}

static void
old_signals_change_nothing(void **state)
{
    struct mesh m = a_mesh();
    struct mesh before;
    (void)state;

    hear(&m, 5, 10, 1000);
    before = m;

    assert_int_equal(hear(&m, 4, 99, 2000), MESH_E_OLDER);
    assert_int_equal(hear(&m, 5, 9, 2000), MESH_E_STALE);
    assert_int_equal(hear(&m, 5, 10, 2000), MESH_E_DUPLICATE);
    assert_memory_equal(&m, &before, sizeof(m));
}

static void
a_newer_arbiter_wins_whatever_its_epoch(void **state)
{
    struct mesh m = a_mesh();
    (void)state;

    hear(&m, 5, 10, 1000);

    assert_int_equal(hear(&m, 6, 1, 2000), MESH_OK);
    assert_int_equal(hear(&m, 5, 11, 3000), MESH_E_OLDER);
    assert_int_equal(hear(&m, 6, 2, 4000), MESH_OK);
}

static void
hellos_are_repeated_ever_more_rarely_until_we_are_listed(void **state)
{
    struct mesh m = a_mesh();
    uint64_t ms = 1000;
    uint64_t pause = MESH_HELLO_MIN_MS;
    (void)state;

    assert_false(mesh_hello_due(&m, at(500)));
    mesh_connected(&m, at(ms));
    for (int i = 0; i < 8; i++) {
        assert_true(mesh_hello_due(&m, at(ms)));
        assert_false(mesh_hello_due(&m, at(ms + pause - 1)));
        assert_true(mesh_hello_at_ms(&m) == ms + pause);
        ms += pause;
        pause = pause * 2 > MESH_HELLO_MAX_MS ? MESH_HELLO_MAX_MS : pause * 2;
    }

    hear(&m, 1, 1, ms);
    assert_true(mesh_hello_at_ms(&m) == GT_NEVER_MS);
    assert_false(mesh_hello_due(&m, at(GT_NEVER_MS - 1)));
}

static void
an_arbiter_that_forgot_us_hears_a_hello_at_once(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s = a_signal(1, 2);
    (void)state;

    hear(&m, 1, 1, 1000);
    s.known_len = 0;
    mesh_hear(&m, &s, at(2000));

    assert_true(mesh_hello_due(&m, at(2000)));
}

static void
a_new_arbiter_hears_a_hello_unless_it_lists_us(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s = a_signal(2, 1);
    (void)state;

    hear(&m, 1, 1, 1000);
    s.known_len = 0;
    mesh_hear(&m, &s, at(2000));
    assert_true(mesh_hello_due(&m, at(2000)));

    hear(&m, 3, 1, 3000);
    assert_true(mesh_hello_at_ms(&m) == GT_NEVER_MS);
}

static void
a_new_arbiter_need_not_wait_for_a_late_hello(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s = a_signal(1, 1);
    uint64_t ms = 1000;
    (void)state;

    mesh_connected(&m, at(ms));
    for (int i = 0; i < 8; i++) {
        ms = mesh_hello_at_ms(&m);
        mesh_hello_due(&m, at(ms));
    }
    s.known_len = 0;
    mesh_hear(&m, &s, at(ms + 10));

    assert_true(mesh_hello_due(&m, at(ms + 10)));
}

/* Part @part of @parts; lists us where @mine. */
static struct wire_signal
a_part(uint64_t epoch, uint32_t part, uint32_t parts, bool mine)
{
    struct wire_signal s = a_signal(1, epoch);

    s.part = part;
    s.parts = parts;
    s.known_len = mine ? 1 : 0;
    return s;
}

static void
only_a_whole_signal_can_miss_us(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s;
    (void)state;

    hear(&m, 1, 1, 1000);
    s = a_part(2, 1, 3, false);
    mesh_hear(&m, &s, at(2000));
    s = a_part(2, 0, 3, false);
    mesh_hear(&m, &s, at(2001));
    assert_true(mesh_hello_at_ms(&m) == GT_NEVER_MS);

    s = a_part(2, 2, 3, false);
    mesh_hear(&m, &s, at(2002));
    assert_true(mesh_hello_due(&m, at(2002)));
}

static void
parts_may_come_in_any_order_and_one_lists_us(void **state)
{
    struct mesh m = a_mesh();
    struct wire_signal s;
    (void)state;

    hear(&m, 1, 1, 1000);
    for (uint32_t i = 3; i-- > 0;) {
        s = a_part(2, i, 3, i == 2);
        assert_int_equal(mesh_hear(&m, &s, at(2000)), MESH_OK);
    }

    assert_true(mesh_hello_at_ms(&m) == GT_NEVER_MS);
    assert_int_equal(mesh_hear(&m, &s, at(2000)), MESH_E_DUPLICATE);
}

static void
hundreds_of_parts_do_no_harm(void **state)
{
    struct mesh m = a_mesh();
    (void)state;

    hear(&m, 1, 1, 1000);
    for (uint32_t i = 0; i < 300; i++) {
        struct wire_signal s = a_part(2, i, 300, i == 0);
        mesh_hear(&m, &s, at(2000));
    }

    assert_true(mesh_hello_at_ms(&m) == GT_NEVER_MS);
    assert_int_equal(hear(&m, 1, 3, 3000), MESH_OK);
}

static void
one_slot_of_eight_is_ours_and_it_is_the_same_on_every_clock(void **state)
{
    struct mesh m = a_mesh();
    int owned = 0;
    (void)state;

    for (int64_t slot = 0; slot < 800; slot++) {
        struct gt_time now = {.mono_ms = 1, .wall_s = slot * 15};
        bool ours = mesh_owns_slot(&m, now);

        owned += ours;
        now.mono_ms = 12345678;
        now.wall_s += 14;
        assert_int_equal(mesh_owns_slot(&m, now), ours);
    }

    assert_int_equal(owned, 100);
}

static void
agents_own_different_slots(void **state)
{
    int owned[MESH_SLOTS] = {0};
    (void)state;

    for (int i = 0; i < 800; i++) {
        struct mesh m;
        char id[16];

        snprintf(id, sizeof(id), "pod-%d", i);
        mesh_init(&m, id, "node-a", 1);
        for (int slot = 0; slot < MESH_SLOTS; slot++) {
            struct gt_time now = {.mono_ms = 1, .wall_s = (int64_t)slot * 15};
            owned[slot] += mesh_owns_slot(&m, now);
        }
    }

    for (int slot = 0; slot < MESH_SLOTS; slot++) {
        assert_in_range(owned[slot], 60, 140);
    }
}

static void
a_message_carries_who_we_are_and_what_we_heard(void **state)
{
    struct mesh m = a_mesh();
    struct wire_strategy first = {0};
    struct wire_strategy second = {0};
    (void)state;

    mesh_stamp(&m, WIRE_HELLO, &first);
    hear(&m, 4, 9, 1000);
    mesh_stamp(&m, WIRE_ACK, &second);

    assert_int_equal(first.kind, WIRE_HELLO);
    assert_string_equal(first.id, ME);
    assert_true(first.incarnation == 7);
    assert_true(first.seq == 1);
    assert_true(first.heard_incarnation == 0);
    assert_int_equal(second.kind, WIRE_ACK);
    assert_true(second.seq == 2);
    assert_true(second.heard_incarnation == 4);
    assert_true(second.heard_epoch == 9);
}

static void
every_outcome_has_a_name(void **state)
{
    (void)state;

    assert_string_equal(mesh_outcome_name(MESH_OK), "ok");
    assert_string_equal(mesh_outcome_name(MESH_E_DUPLICATE), "duplicate");
    assert_string_equal(mesh_outcome_name((enum mesh_outcome)99), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_without_a_signal_is_alone),
        cmocka_unit_test(a_newcomer_listens_before_it_deems_itself_alone),
        cmocka_unit_test(alone_there_is_as_much_room_as_the_last_signal_left),
        cmocka_unit_test(a_signal_for_another_node_of_the_slot_is_dropped),
        cmocka_unit_test(old_signals_change_nothing),
        cmocka_unit_test(a_newer_arbiter_wins_whatever_its_epoch),
        cmocka_unit_test(
            hellos_are_repeated_ever_more_rarely_until_we_are_listed),
        cmocka_unit_test(an_arbiter_that_forgot_us_hears_a_hello_at_once),
        cmocka_unit_test(a_new_arbiter_hears_a_hello_unless_it_lists_us),
        cmocka_unit_test(a_new_arbiter_need_not_wait_for_a_late_hello),
        cmocka_unit_test(only_a_whole_signal_can_miss_us),
        cmocka_unit_test(parts_may_come_in_any_order_and_one_lists_us),
        cmocka_unit_test(hundreds_of_parts_do_no_harm),
        cmocka_unit_test(
            one_slot_of_eight_is_ours_and_it_is_the_same_on_every_clock),
        cmocka_unit_test(agents_own_different_slots),
        cmocka_unit_test(a_message_carries_who_we_are_and_what_we_heard),
        cmocka_unit_test(every_outcome_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
