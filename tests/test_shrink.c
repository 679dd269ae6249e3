/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/shrink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
a_target_is_read_in_bytes(void **state)
{
    int64_t bytes;
    (void)state;

    assert_int_equal(shrink_target_decode("500MB", &bytes), SHRINK_OK);
    assert_int_equal(bytes, 500000000);
    assert_int_equal(shrink_target_decode("1.5Gi", &bytes), SHRINK_OK);
    assert_int_equal(bytes, 1610612736);
}

static void
a_missing_malformed_or_senseless_target_is_refused(void **state)
{
    static const char *const bad[] = {NULL, "", "all", "0", "-1Mi", "1e99"};
    int64_t bytes = 7;
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(bad); i++) {
        assert_int_equal(shrink_target_decode(bad[i], &bytes),
                         SHRINK_BAD_TARGET);
    }
    assert_int_equal(bytes, 7);
}

static void
every_reason_has_its_status(void **state)
{
    (void)state;

    assert_int_equal(shrink_status(SHRINK_OK), 200);
    for (int reason = SHRINK_FLOOR; reason <= SHRINK_TIMEOUT; reason++) {
        assert_int_equal(shrink_status((enum shrink_reason)reason), 409);
    }
    assert_int_equal(shrink_status(SHRINK_BAD_TARGET), 400);
    assert_int_equal(shrink_status(SHRINK_RATE_LIMITED), 429);
    assert_int_equal(shrink_status(SHRINK_BLIND), 503);
}

static void
a_grant_carries_figures_and_expiry(void **state)
{
    const struct shrink_answer answer = {
        .reason = SHRINK_OK,
        .target_bytes = 524288000,
        .floor_bytes = 301989888,
        .margin_bytes = 52428800,
        .gate_bytes = 410000000,
        .expires_ms = 30000,
    };
    char memory[256];
    struct gt_buf out;
    (void)state;

    gt_buf_init(&out, memory, sizeof(memory));
    shrink_answer_encode(&answer, &out);

    assert_string_equal(
        out.data, "{\"ok\":true,\"reason\":\"ok\",\"target_bytes\":524288000,"
                  "\"floor_bytes\":301989888,\"margin_bytes\":52428800,"
                  "\"gate_bytes\":410000000,\"expires_ms\":30000}\n");
}

static void
a_refusal_leaves_out_what_is_unknown(void **state)
{
    struct shrink_answer answer = shrink_refusal(SHRINK_BELOW_PUNISHMENT_LEVEL);
    char memory[256];
    struct gt_buf out;
    (void)state;

    answer.target_bytes = 1;
    answer.floor_bytes = 0;
    answer.expires_ms = 30000;
    gt_buf_init(&out, memory, sizeof(memory));
    shrink_answer_encode(&answer, &out);

    assert_string_equal(out.data,
                        "{\"ok\":false,\"reason\":\"below-punishment-level\","
                        "\"target_bytes\":1,\"floor_bytes\":0}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_read_in_bytes),
        cmocka_unit_test(a_missing_malformed_or_senseless_target_is_refused),
        cmocka_unit_test(every_reason_has_its_status),
        cmocka_unit_test(a_grant_carries_figures_and_expiry),
        cmocka_unit_test(a_refusal_leaves_out_what_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
