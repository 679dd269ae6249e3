/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
appends_make_one_text(void **state)
{
    char memory[32];
    struct gt_buf buf;
    (void)state;

    gt_buf_init(&buf, memory, sizeof(memory));

    gt_buf_text(&buf, "a=");
    gt_buf_format(&buf, "%d", 12);
    gt_buf_add(&buf, ";rest", 1);
    gt_buf_add(&buf, NULL, 0);

    assert_string_equal(buf.data, "a=12;");
    assert_int_equal(buf.len, 5);
    assert_false(buf.overflow);
}

static void
the_last_byte_is_for_the_nul(void **state)
{
    char memory[4];
    struct gt_buf buf;
    (void)state;

    gt_buf_init(&buf, memory, sizeof(memory));
    gt_buf_text(&buf, "abc");
    assert_false(buf.overflow);

    gt_buf_text(&buf, "d");
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "abc");

    gt_buf_reset(&buf);
    gt_buf_format(&buf, "%d", 1234);
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "");
}

static void
what_does_not_fit_is_dropped_whole(void **state)
{
    char memory[6];
    struct gt_buf buf;
    (void)state;

    gt_buf_init(&buf, memory, sizeof(memory));
    gt_buf_text(&buf, "ab");

    gt_buf_format(&buf, "%d", 123456);
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "ab");

    gt_buf_text(&buf, "cd");
    assert_string_equal(buf.data, "abcd");
    assert_true(buf.overflow);
}

static void
reset_forgets_text_and_overflow(void **state)
{
    char memory[3];
    struct gt_buf buf;
    (void)state;

    gt_buf_init(&buf, memory, sizeof(memory));
    gt_buf_text(&buf, "too long");

    gt_buf_reset(&buf);

    assert_false(buf.overflow);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
}

static void
a_part_that_fits_is_taken_whole(void **state)
{
    char memory[16];
    struct gt_buf buf;
    (void)state;

    gt_buf_init(&buf, memory, sizeof(memory));
    gt_buf_text(&buf, "head ");

    struct gt_buf part = gt_buf_fork(&buf);
    gt_buf_text(&part, "one ");
    gt_buf_text(&part, "two");
    gt_buf_join(&buf, &part);

    assert_string_equal(buf.data, "head one two");
    assert_int_equal(buf.len, 12);
    assert_false(buf.overflow);
}

static void
a_part_that_overflows_is_dropped_whole(void **state)
{
    char memory[12];
    struct gt_buf buf;
    (void)state;

    gt_buf_init(&buf, memory, sizeof(memory));
    gt_buf_text(&buf, "head ");

    struct gt_buf part = gt_buf_fork(&buf);
    gt_buf_text(&part, "one ");
    gt_buf_text(&part, "more than fits");
    gt_buf_text(&part, "x");
    gt_buf_join(&buf, &part);

    assert_string_equal(buf.data, "head ");
    assert_int_equal(buf.len, 5);
    assert_true(buf.overflow);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_make_one_text),
        cmocka_unit_test(the_last_byte_is_for_the_nul),
        cmocka_unit_test(what_does_not_fit_is_dropped_whole),
        cmocka_unit_test(reset_forgets_text_and_overflow),
        cmocka_unit_test(a_part_that_fits_is_taken_whole),
        cmocka_unit_test(a_part_that_overflows_is_dropped_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
