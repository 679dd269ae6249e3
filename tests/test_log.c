/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    char memory[160];
    struct gt_buf buf;
    struct gt_log log;
};

static int
setup(void **state)
{
    static struct fixture f;

    gt_buf_init(&f.buf, f.memory, sizeof(f.memory));
    f.log = (struct gt_log){.out = &f.buf,
                            .threshold = GT_LOG_INFO,
                            .who = "web-0",
                            .mono_ms = 12045};
    *state = &f;
    return 0;
}

static void
a_line_carries_time_level_who_and_event(void **state)
{
    struct fixture *f = *state;

    gt_log_line(&f->log, GT_LOG_INFO, "resize", "cpu_milli=%d why=%s", 250,
                "demand");

    assert_string_equal(f->buf.data, "t=12.045 level=info who=web-0 "
                                     "event=resize cpu_milli=250 why=demand\n");
}

static void
an_event_needs_no_pairs(void **state)
{
    struct fixture *f = *state;

    gt_log_event(&f->log, GT_LOG_INFO, "arbiter-back");

    assert_string_equal(f->buf.data,
                        "t=12.045 level=info who=web-0 event=arbiter-back\n");
}

static void
what_is_below_the_threshold_is_not_written(void **state)
{
    struct fixture *f = *state;

    gt_log_event(&f->log, GT_LOG_DEBUG, "sample");
    gt_log_line(&f->log, GT_LOG_DEBUG, "sample", "n=%d", 1);

    assert_int_equal(f->buf.len, 0);
}

static void
a_line_that_does_not_fit_is_dropped_whole(void **state)
{
    struct fixture *f = *state;
    char wide[160];

    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';

    gt_log_event(&f->log, GT_LOG_ERROR, "one");
    gt_log_line(&f->log, GT_LOG_ERROR, "two", "text=%s", wide);
    gt_log_event(&f->log, GT_LOG_ERROR, "three");

    assert_string_equal(f->buf.data,
                        "t=12.045 level=error who=web-0 event=one\n"
                        "t=12.045 level=error who=web-0 event=three\n");
    assert_true(f->buf.overflow);
}

static void
outside_text_is_quoted_and_escaped(void **state)
{
    char out[GT_LOG_QUOTE_MAX];
    (void)state;

    assert_string_equal(gt_log_quote(out, ""), "\"\"");
    assert_string_equal(gt_log_quote(out, "a ~"), "\"a ~\"");
    assert_string_equal(gt_log_quote(out, "\"\\\n\t\r\x01\x7f\xc3"),
                        "\"\\\"\\\\\\n\\t\\x0d\\x01\\x7f\\xc3\"");
}

static void
long_outside_text_is_cut_between_two_escapes(void **state)
{
    char out[GT_LOG_QUOTE_MAX];
    char text[300];
    (void)state;

    for (size_t len = 0; len < sizeof(text); len++) {
        memset(text, '\n', len);
        text[len] = '\0';
        size_t got = strlen(gt_log_quote(out, text));
        if (2 * len + 2 < GT_LOG_QUOTE_MAX) {
            assert_int_equal(got, 2 * len + 2);
        } else {
            assert_int_equal(got, GT_LOG_QUOTE_MAX - 1);
            assert_string_equal(out + got - 6, "\\n...\"");
        }
    }
}

static void
level_words_go_both_ways(void **state)
{
    (void)state;

    for (int level = GT_LOG_ERROR; level <= GT_LOG_DEBUG; level++) {
        const char *name = gt_log_level_name((enum gt_log_level)level);
        assert_int_equal(gt_log_level_parse(name), level);
    }
    assert_int_equal(gt_log_level_parse("loud"), -1);
    assert_int_equal(gt_log_level_parse(""), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_carries_time_level_who_and_event, setup),
        cmocka_unit_test_setup(an_event_needs_no_pairs, setup),
        cmocka_unit_test_setup(what_is_below_the_threshold_is_not_written,
                               setup),
        cmocka_unit_test_setup(a_line_that_does_not_fit_is_dropped_whole,
                               setup),
        cmocka_unit_test(outside_text_is_quoted_and_escaped),
        cmocka_unit_test(long_outside_text_is_cut_between_two_escapes),
        cmocka_unit_test(level_words_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
