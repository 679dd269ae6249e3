/* SPDX-License-Identifier: Apache-2.0 */
#include "common/listen_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
a_free_port_is_found(void **state)
{
    static const char *const texts[] = {"127.0.0.1:0", "localhost:0", ":0"};
    struct gt_err err;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        int fd = gt_listen(texts[i], &err);
        assert_true(fd >= 0);
        assert_true(gt_listen_port(fd) > 0);
        assert_int_equal(close(fd), 0);
    }
    (void)state;
}

static void
a_busy_port_is_named(void **state)
{
    char where[32];
    struct gt_err err;
    int fd = gt_listen("127.0.0.1:0", &err);

    (void)snprintf(where, sizeof(where), "127.0.0.1:%d", gt_listen_port(fd));
    assert_int_equal(gt_listen(where, &err), -EADDRINUSE);

    assert_int_equal(err.code, -EADDRINUSE);
    assert_non_null(strstr(err.text, where));
    assert_int_equal(close(fd), 0);
    (void)state;
}

static void
an_unreadable_address_is_refused(void **state)
{
    static const char *const texts[] = {
        "",      "7080",    "127.0.0.1:",      "127.0.0.1:http",
        ":-1",   "::1:80",  "127.0.0.1:65536", "no such host:80",
        "a:80b", "[::1]80",
    };
    struct gt_err err;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        assert_int_equal(gt_listen(texts[i], &err), -EINVAL);
        assert_int_equal(err.code, -EINVAL);
    }
    (void)state;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_port_is_found),
        cmocka_unit_test(a_busy_port_is_named),
        cmocka_unit_test(an_unreadable_address_is_refused),
    };

    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
