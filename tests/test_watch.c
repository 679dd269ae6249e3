/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct gt_time
at(uint64_t ms)
{
    return (struct gt_time){.mono_ms = ms};
}

static uint32_t
wake(struct watch *w, uint64_t ms)
{
    return watch_step(w,
                      &(struct watch_event){.kind = WATCH_WAKE, .now = at(ms)});
}

static uint32_t
page(struct watch *w, const char *token, const char *version)
{
    return watch_step(w, &(struct watch_event){.kind = WATCH_PAGE,
                                               .now = at(1000),
                                               .token = token,
                                               .version = version});
}

static uint32_t
line(struct watch *w, enum kube_watch_kind kind, const char *version)
{
    return watch_step(w, &(struct watch_event){.kind = WATCH_LINE,
                                               .now = at(2000),
                                               .line = kind,
                                               .version = version});
}

static uint32_t
end(struct watch *w, int status)
{
    return watch_step(w, &(struct watch_event){.kind = WATCH_END,
                                               .now = at(3000),
                                               .status = status});
}

/* A watch of pods whose list, of version 100, was read. */
static struct watch
streaming(void)
{
    struct watch w;

    watch_init(&w, KUBE_OBJECT_POD, 1);
    (void)wake(&w, 1000);
    (void)page(&w, "", "100");
    return w;
}

static void
path_is(const struct watch *w, const char *expected)
{
    char text[2048];
    struct gt_buf out;

    gt_buf_init(&out, text, sizeof(text));
    watch_path(w, &out);
    assert_string_equal(text, expected);
}

static void
it_begins_with_the_first_page(void **state)
{
    struct watch w;
    (void)state;

    watch_init(&w, KUBE_OBJECT_NODE, 1);

    assert_int_equal(wake(&w, 1000), WATCH_TELL_LISTING | WATCH_DO_LIST);
    path_is(&w, "/api/v1/nodes?limit=500");
}

static void
pages_are_read_to_the_last_and_then_it_watches(void **state)
{
    struct watch w;
    (void)state;

    watch_init(&w, KUBE_OBJECT_POD, 1);
    (void)wake(&w, 1000);

    assert_int_equal(page(&w, "a+b/c=", "100"), WATCH_DO_LIST);
    path_is(&w, "/api/v1/pods?limit=500&continue=a%2Bb%2Fc%3D");
    assert_int_equal(page(&w, "", "100"), WATCH_TELL_SYNCED | WATCH_DO_STREAM);
    path_is(&w, "/api/v1/pods?watch=true&allowWatchBookmarks=true"
                "&timeoutSeconds=300&resourceVersion=100");
}

static void
a_stream_that_ends_in_good_order_goes_on_from_the_last_version(void **state)
{
    struct watch w = streaming();
    (void)state;

    assert_int_equal(line(&w, KUBE_WATCH_MODIFIED, "101"), 0);
    assert_int_equal(line(&w, KUBE_WATCH_BOOKMARK, "109"), 0);

    assert_int_equal(end(&w, 200), WATCH_DO_STREAM);
    assert_string_equal(w.version, "109");
}

static void
streams_that_bring_nothing_are_not_reopened_in_a_loop(void **state)
{
    struct watch w = streaming();
    (void)state;

    assert_int_equal(end(&w, 200), WATCH_DO_STREAM);
    assert_int_equal(end(&w, 200), 0);
    assert_int_equal(w.phase, WATCH_WAITING);
    assert_int_equal(wake(&w, w.wake_ms), WATCH_DO_STREAM);
    path_is(&w, "/api/v1/pods?watch=true&allowWatchBookmarks=true"
                "&timeoutSeconds=300&resourceVersion=100");
}

static void
a_version_too_old_within_a_stream_lists_again_at_once(void **state)
{
    struct watch w = streaming();
    (void)state;

    (void)line(&w, KUBE_WATCH_ADDED, "101");
    assert_int_equal(line(&w, KUBE_WATCH_EXPIRED, ""),
                     WATCH_DO_CANCEL | WATCH_TELL_LOST | WATCH_TELL_LISTING |
                         WATCH_DO_LIST);
    path_is(&w, "/api/v1/pods?limit=500");
}

static void
a_version_too_old_as_status_lists_again_at_once(void **state)
{
    struct watch w = streaming();
    (void)state;

    assert_int_equal(end(&w, 410),
                     WATCH_TELL_LOST | WATCH_TELL_LISTING | WATCH_DO_LIST);
}

static void
a_token_too_old_starts_with_the_first_page(void **state)
{
    struct watch w;
    (void)state;

    watch_init(&w, KUBE_OBJECT_POD, 1);
    (void)wake(&w, 1000);
    (void)page(&w, "token", "100");
    assert_int_equal(end(&w, 410),
                     WATCH_TELL_LOST | WATCH_TELL_LISTING | WATCH_DO_LIST);
    path_is(&w, "/api/v1/pods?limit=500");
}

static void
versions_that_are_always_too_old_are_not_listed_in_a_loop(void **state)
{
    struct watch w = streaming();
    (void)state;

    (void)line(&w, KUBE_WATCH_EXPIRED, "");
    (void)page(&w, "", "100");
    assert_int_equal(line(&w, KUBE_WATCH_EXPIRED, ""),
                     WATCH_DO_CANCEL | WATCH_TELL_LOST);
    assert_int_equal(w.phase, WATCH_WAITING);
    assert_int_equal(wake(&w, w.wake_ms), WATCH_TELL_LISTING | WATCH_DO_LIST);
}

static void
another_error_within_a_stream_is_retried_from_the_last_version(void **state)
{
    struct watch w = streaming();
    (void)state;

    assert_int_equal(line(&w, KUBE_WATCH_ERROR, ""),
                     WATCH_DO_CANCEL | WATCH_TELL_LOST);
    assert_int_equal(wake(&w, w.wake_ms), WATCH_DO_STREAM);
    assert_string_equal(w.version, "100");
}

static void
failures_are_retried_after_doubling_pauses_with_jitter(void **state)
{
    struct watch w;
    uint64_t full = 1000;
    uint64_t shortened = 0;
    (void)state;

    watch_init(&w, KUBE_OBJECT_POD, 1);
    (void)wake(&w, 3000);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(end(&w, i % 2 ? 503 : 0), WATCH_TELL_LOST);
        assert_in_range(w.wake_ms, 3000 + full / 2, 3000 + full);
        shortened += w.wake_ms < 3000 + full - full / 20;
        assert_int_equal(wake(&w, w.wake_ms - 1), 0);
        assert_int_equal(wake(&w, w.wake_ms),
                         WATCH_TELL_LISTING | WATCH_DO_LIST);
        full = full * 2 < 30000 ? full * 2 : 30000;
    }
    assert_true(shortened > 5);
}

static void
news_make_the_pause_short_again(void **state)
{
    struct watch w = streaming();
    (void)state;

    for (int i = 0; i < 10; i++) {
        (void)end(&w, 0);
        (void)wake(&w, w.wake_ms);
    }
    (void)line(&w, KUBE_WATCH_ADDED, "120");
    (void)end(&w, 0);

    assert_true(w.wake_ms <= 4000);
}

static void
a_page_without_a_usable_version_is_a_failure(void **state)
{
    char token[WATCH_TOKEN_MAX + 1];
    struct watch w;
    (void)state;

    watch_init(&w, KUBE_OBJECT_POD, 1);
    (void)wake(&w, 1000);
    assert_int_equal(page(&w, "", ""), WATCH_TELL_LOST);
    assert_int_equal(w.phase, WATCH_WAITING);

    (void)wake(&w, w.wake_ms);
    memset(token, 'x', WATCH_TOKEN_MAX);
    token[WATCH_TOKEN_MAX] = '\0';
    assert_int_equal(page(&w, token, "100"), WATCH_TELL_LOST);
}

static void
what_comes_out_of_turn_changes_nothing(void **state)
{
    struct watch w = streaming();
    struct watch before = w;
    (void)state;

    assert_int_equal(page(&w, "", "90"), 0);
    assert_int_equal(wake(&w, 99999), 0);
    assert_memory_equal(&w, &before, sizeof(w));
    (void)end(&w, 0);
    before = w;
    assert_int_equal(end(&w, 0), 0);
    assert_int_equal(line(&w, KUBE_WATCH_ADDED, "900"), 0);
    assert_memory_equal(&w, &before, sizeof(w));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_the_first_page),
        cmocka_unit_test(pages_are_read_to_the_last_and_then_it_watches),
        cmocka_unit_test(
            a_stream_that_ends_in_good_order_goes_on_from_the_last_version),
        cmocka_unit_test(streams_that_bring_nothing_are_not_reopened_in_a_loop),
        cmocka_unit_test(a_version_too_old_within_a_stream_lists_again_at_once),
        cmocka_unit_test(a_version_too_old_as_status_lists_again_at_once),
        cmocka_unit_test(a_token_too_old_starts_with_the_first_page),
        cmocka_unit_test(
            versions_that_are_always_too_old_are_not_listed_in_a_loop),
        cmocka_unit_test(
            another_error_within_a_stream_is_retried_from_the_last_version),
        cmocka_unit_test(
            failures_are_retried_after_doubling_pauses_with_jitter),
        cmocka_unit_test(news_make_the_pause_short_again),
        cmocka_unit_test(a_page_without_a_usable_version_is_a_failure),
        cmocka_unit_test(what_comes_out_of_turn_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
