/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/rng.h"

#define MAX 100U

struct entry {
    char key[16];
    int value;
};

struct fixture {
    struct table table;
    void *memory;
};

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->memory = calloc(1, table_size(MAX, sizeof(struct entry)));
    assert_non_null(f->memory);
    table_init(&f->table, f->memory, MAX, sizeof(struct entry), 16);
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

static const char *
key(char out[16], unsigned number)
{
    snprintf(out, 16, "k%u", number);
    return out;
}

static void
what_was_added_is_found_until_it_is_removed(void **state)
{
    struct table *t = &((struct fixture *)*state)->table;
    uint32_t a = table_add(t, "a");
    uint32_t b = table_add(t, "b");

    assert_int_equal(table_find(t, "a"), a);
    assert_int_equal(table_find(t, "b"), b);
    table_remove(t, a);

    assert_int_equal(table_find(t, "a"), TABLE_NONE);
    assert_int_equal(table_find(t, "b"), b);
}

static void
a_removed_entry_comes_back_empty(void **state)
{
    struct table *t = &((struct fixture *)*state)->table;
    uint32_t a = table_add(t, "a");

    ((struct entry *)table_at(t, a))->value = 7;
    table_remove(t, a);
    uint32_t b = table_add(t, "b");

    assert_int_equal(b, a);
    assert_int_equal(((struct entry *)table_at(t, b))->value, 0);
}

static void
a_full_table_takes_no_more(void **state)
{
    struct table *t = &((struct fixture *)*state)->table;
    char text[16];

    for (unsigned i = 0; i < MAX; i++) {
        assert_int_not_equal(table_add(t, key(text, i)), TABLE_NONE);
    }
    assert_int_equal(table_add(t, "more"), TABLE_NONE);

    table_remove(t, 3);

    assert_int_not_equal(table_add(t, "more"), TABLE_NONE);
}

static void
keys_that_do_not_fit_are_refused(void **state)
{
    struct table *t = &((struct fixture *)*state)->table;

    assert_int_equal(table_add(t, ""), TABLE_NONE);
    assert_int_equal(table_add(t, "0123456789abcdef"), TABLE_NONE);
    assert_int_not_equal(table_add(t, "0123456789abcde"), TABLE_NONE);
}

static void
random_adding_and_removing_agrees_with_a_plain_list(void **state)
{
    struct table *t = &((struct fixture *)*state)->table;
    uint32_t where[2 * MAX];
    struct gt_rng rng = {.state = 1};
    char text[16];
    uint32_t used = 0;

    for (unsigned i = 0; i < 2 * MAX; i++) {
        where[i] = TABLE_NONE;
    }
    for (int step = 0; step < 20000; step++) {
        unsigned k = (unsigned)gt_rng_below(&rng, 2 * MAX);

        assert_int_equal(table_find(t, key(text, k)), where[k]);
        if (where[k] != TABLE_NONE) {
            table_remove(t, where[k]);
            where[k] = TABLE_NONE;
            used--;
        } else {
            where[k] = table_add(t, text);
            assert_int_equal(where[k] == TABLE_NONE, used == MAX);
            used += where[k] != TABLE_NONE;
        }
        assert_int_equal(t->used, used);
    }
}

static void
iteration_sees_every_entry_once(void **state)
{
    struct table *t = &((struct fixture *)*state)->table;
    uint32_t cursor = 0;
    uint32_t seen = 0;
    char text[16];

    for (unsigned i = 0; i < 10; i++) {
        table_add(t, key(text, i));
    }
    table_remove(t, 4);
    for (uint32_t at; (at = table_next(t, &cursor)) != TABLE_NONE; seen++) {
        assert_int_not_equal(at, 4);
    }

    assert_int_equal(seen, 9);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_added_is_found_until_it_is_removed, start, stop),
        cmocka_unit_test_setup_teardown(a_removed_entry_comes_back_empty, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more, start,
                                        stop),
        cmocka_unit_test_setup_teardown(keys_that_do_not_fit_are_refused, start,
                                        stop),
        cmocka_unit_test_setup_teardown(
            random_adding_and_removing_agrees_with_a_plain_list, start, stop),
        cmocka_unit_test_setup_teardown(iteration_sees_every_entry_once, start,
                                        stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
