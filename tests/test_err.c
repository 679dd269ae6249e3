/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
a_sentence_keeps_its_code(void **state)
{
    struct gt_err err;
    (void)state;

    int code = gt_err_set(&err, -ECONNREFUSED, "connect to %s: %s", "a:1",
                          "Connection refused");

    assert_int_equal(code, -ECONNREFUSED);
    assert_int_equal(err.code, -ECONNREFUSED);
    assert_string_equal(err.text, "connect to a:1: Connection refused");
}

static void
each_layer_puts_its_part_in_front(void **state)
{
    struct gt_err err;
    (void)state;

    (void)gt_err_set(&err, -EIO, "read: broken");
    int code = gt_err_wrap(&err, "cannot list %s", "nodes");

    assert_int_equal(code, -EIO);
    assert_string_equal(err.text, "cannot list nodes: read: broken");
}

static void
a_long_sentence_is_cut_at_its_end(void **state)
{
    struct gt_err err;
    char text[2 * sizeof(err.text)];
    (void)state;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    (void)gt_err_set(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);

    (void)gt_err_wrap(&err, "head");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_memory_equal(err.text, "head: xxx", strlen("head: xxx"));

    (void)gt_err_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_keeps_its_code),
        cmocka_unit_test(each_layer_puts_its_part_in_front),
        cmocka_unit_test(a_long_sentence_is_cut_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
