/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX 4

struct fixture {
    struct audit audit;
    void *memory;
    struct audit_line line;
    struct audit_result result;
};

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->memory = calloc(1, audit_size(MAX));
    assert_non_null(f->memory);
    audit_init(&f->audit, f->memory, MAX);
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

/* On a node of 10 whose price is 100 from 0 on: exponent 1, Gamma = 5 S^2. */
static uint32_t
admit(struct fixture *f, double load, double step, double gain)
{
    struct audit_move move = {
        .gain = gain,
        .step = step,
        .load = load,
        .node = {.capacity = 10, .rho0 = 0, .p1 = 100, .exponent = 1},
    };

    return audit_open(&f->audit, &f->line, &move);
}

static void
end(struct fixture *f, uint32_t move, enum audit_state how)
{
    audit_end(&f->audit, &f->line, move, how);
}

static bool
settle(struct fixture *f)
{
    return audit_settle(&f->audit, &f->line, &f->result);
}

static void
realised_is(const struct fixture *f, double expected)
{
    assert_true(f->result.realised > expected - 1e-9);
    assert_true(f->result.realised < expected + 1e-9);
}

static void
a_move_that_gains_more_than_it_congests_raises_the_potential(void **state)
{
    struct fixture *f = *state;
    uint32_t move = admit(f, 2, 1, 26);

    assert_false(settle(f));
    end(f, move, AUDIT_MADE);
    assert_true(settle(f));

    realised_is(f, 26 - (45 - 20));
    assert_false(f->result.drop);
    assert_false(settle(f));
}

static void
a_move_that_gains_less_is_a_drop(void **state)
{
    struct fixture *f = *state;

    end(f, admit(f, 2, 1, 24.9), AUDIT_MADE);

    assert_true(settle(f));
    assert_true(f->result.drop);
}

static void
rounding_is_no_drop(void **state)
{
    struct fixture *f = *state;

    end(f, admit(f, 2, 1, 25.0 - 1e-9), AUDIT_MADE);

    assert_true(settle(f));
    assert_false(f->result.drop);
}

static void
moves_are_settled_in_the_order_of_admission(void **state)
{
    struct fixture *f = *state;
    uint32_t first = admit(f, 2, 1, 26);
    uint32_t second = admit(f, 2, 1, 36);

    end(f, second, AUDIT_MADE);
    assert_false(settle(f));
    end(f, first, AUDIT_MADE);

    assert_true(settle(f));
    realised_is(f, 26 - 25);
    assert_true(settle(f));
    realised_is(f, 36 - (80 - 45));
}

static void
a_lapsed_move_changes_nothing_for_those_after_it(void **state)
{
    struct fixture *f = *state;
    uint32_t first = admit(f, 2, 1, 26);
    uint32_t second = admit(f, 2, 1, 26);

    end(f, first, AUDIT_LAPSED);
    end(f, second, AUDIT_MADE);

    assert_true(settle(f));
    assert_int_equal(f->result.state, AUDIT_LAPSED);
    assert_true(settle(f));
    realised_is(f, 26 - 25);
}

static void
what_was_made_and_not_settled_is_not_counted_twice(void **state)
{
    struct fixture *f = *state;
    uint32_t first = admit(f, 2, 1, 26);
    uint32_t second = admit(f, 2, 2, 70);

    end(f, second, AUDIT_MADE);
    /* The second move is in the reported load: 4; the first is not. */
    uint32_t third = admit(f, 4, 1, 60);

    end(f, first, AUDIT_MADE);
    end(f, third, AUDIT_MADE);
    assert_true(settle(f) && settle(f) && settle(f));

    realised_is(f, 60 - (5.0 * 36 - 5.0 * 25));
}

static void
others_who_come_and_go_are_left_out(void **state)
{
    struct fixture *f = *state;
    uint32_t first = admit(f, 2, 1, 26);
    /* Somebody of size 5 joined. */
    uint32_t second = admit(f, 7, -1, -60);

    end(f, first, AUDIT_MADE);
    end(f, second, AUDIT_MADE);
    assert_true(settle(f));
    realised_is(f, 26 - 25);
    assert_true(settle(f));

    realised_is(f, -60 + (5.0 * 64 - 5.0 * 49));
}

static void
a_full_audit_says_so_and_has_room_again(void **state)
{
    struct fixture *f = *state;
    uint32_t moves[MAX];

    for (int i = 0; i < MAX; i++) {
        moves[i] = admit(f, 1, 1, 100);
        assert_int_not_equal(moves[i], AUDIT_NONE);
    }
    assert_int_equal(admit(f, 1, 1, 100), AUDIT_NONE);
    end(f, moves[0], AUDIT_LAPSED);
    assert_true(settle(f));

    assert_int_not_equal(admit(f, 1, 1, 100), AUDIT_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_move_that_gains_more_than_it_congests_raises_the_potential),
        TEST(a_move_that_gains_less_is_a_drop),
        TEST(rounding_is_no_drop),
        TEST(moves_are_settled_in_the_order_of_admission),
        TEST(a_lapsed_move_changes_nothing_for_those_after_it),
        TEST(what_was_made_and_not_settled_is_not_counted_twice),
        TEST(others_who_come_and_go_are_left_out),
        TEST(a_full_audit_says_so_and_has_room_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
