/* SPDX-License-Identifier: Apache-2.0 */
#include "common/client_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/asker.h"

static struct gt_client_request
watch_request(struct asker *a)
{
    struct gt_client_request request = asker_request(a, "GET", "/watch");

    request.line = asker_line;
    return request;
}

/* Asks for /watch and turns until the server has the request. */
static struct gt_client_call *
open_watch(struct asker *a, const struct gt_client_request *request)
{
    struct gt_client_call *call = asker_ask(a, request);

    while (a->kept == NULL) {
        turn_until_stopped(a->loop);
    }
    return call;
}

static void
send_piece(struct asker *a, const char *text)
{
    assert_int_equal(gt_http_stream_write(a->kept, text, strlen(text)),
                     GT_HTTP_OK);
}

static void
await_lines(struct asker *a, int lines)
{
    while (a->lines < lines) {
        turn_until_stopped(a->loop);
    }
}

static void
await_gone(struct asker *a)
{
    while (a->kept != NULL) {
        turn_until_stopped(a->loop);
    }
}

static void
lines_come_whole_however_they_are_cut(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    (void)open_watch(a, &request);
    send_piece(a, "one\nt");
    await_lines(a, 1);
    assert_string_equal(a->said, "one|");
    send_piece(a, "w");
    turn_for(a->loop, 5);
    send_piece(a, "o\n\nthree\n");
    await_lines(a, 4);
    assert_string_equal(a->said, "one|two||three|");
    assert_int_equal(a->done, 0);
}

static void
an_unfinished_last_line_is_dropped(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    (void)open_watch(a, &request);
    send_piece(a, "one\ntw");
    gt_http_stream_end(a->kept);
    asker_await_done(a);

    assert_string_equal(a->said, "one|");
    assert_int_equal(a->status, 200);
    assert_string_equal(a->body, "");
}

static void
a_line_above_the_cap_ends_the_stream(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    request.body_max_bytes = 4;
    (void)open_watch(a, &request);
    send_piece(a, "four\nfives\nsix\n");
    asker_await_done(a);

    assert_string_equal(a->said, "four|");
    assert_int_equal(a->status, 0);
    assert_string_not_equal(a->error, "");
    await_gone(a);
}

static void
a_stream_that_is_refused_is_an_answer(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    a->statuses[0] = 410;
    request.path = "/answer";
    asker_exchange(a, &request);

    assert_int_equal(a->status, 410);
    assert_string_equal(a->body, "the answer");
    assert_int_equal(a->lines, 0);
}

static void
a_stream_is_never_asked_again(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    a->statuses[0] = 503;
    request.path = "/answer";
    request.idempotent = true;
    asker_exchange(a, &request);

    assert_int_equal(a->status, 503);
    assert_int_equal(a->asked, 1);
}

static void
a_silent_stream_is_given_up(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    request.timeout_ms = 1000;
    (void)open_watch(a, &request);
    send_piece(a, "one\n");
    asker_await_done(a);

    assert_string_equal(a->said, "one|");
    assert_int_equal(a->status, 0);
    await_gone(a);
}

static void
a_cut_stream_is_an_error(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    (void)open_watch(a, &request);
    send_piece(a, "one\n");
    await_lines(a, 1);
    a->http = gt_http_free(a->http);
    asker_await_done(a);

    assert_int_equal(a->status, 0);
    assert_string_not_equal(a->error, "");
    struct gt_err err;
    a->http = gt_http_new(
        a->loop, &(struct gt_http_config){.listen = "127.0.0.1:0"}, &err);
}

static void
a_cancelled_call_is_silent(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");

    gt_client_cancel(asker_ask(a, &request));
    turn_for(a->loop, 5);
    assert_int_equal(a->asked, 0);

    a->statuses[0] = 503;
    request.idempotent = true;
    struct gt_client_call *call = asker_ask(a, &request);
    while (a->asked == 0) {
        turn_for(a->loop, 1);
    }
    gt_client_cancel(call);
    turn_for(a->loop, 5);
    assert_int_equal(a->asked, 1);
    assert_int_equal(a->done, 0);
    gt_client_cancel(NULL);
}

static void
a_cancelled_stream_hangs_up(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);
    struct gt_client_call *call = open_watch(a, &request);

    gt_client_cancel(call);
    await_gone(a);

    assert_int_equal(a->done, 0);
}

/* Cancels the call that the test left in @arg->test. */
static void
cancel_on_line(void *arg, const char *line, size_t len)
{
    struct asker *a = arg;

    asker_line(a, line, len);
    gt_client_cancel(a->test);
    a->test = NULL;
}

static void
a_stream_may_be_cancelled_in_its_own_line(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    request.line = cancel_on_line;
    a->test = open_watch(a, &request);
    send_piece(a, "one\ntwo\n");
    await_gone(a);

    assert_string_equal(a->said, "one|");
    assert_int_equal(a->done, 0);
}

static void
a_stream_may_be_cancelled_in_anothers_line(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = watch_request(a);

    a->test = open_watch(a, &request);
    struct gt_http_request *first = a->kept;
    a->kept = NULL;
    request.line = cancel_on_line;
    (void)open_watch(a, &request);
    gt_http_on_gone(first, asker_note_gone, a);
    send_piece(a, "one\n");
    await_gone(a);

    assert_string_equal(a->said, "one|");
    assert_int_equal(a->done, 0);
}

static void
ask_once_more(void *arg, const struct gt_client_reply *reply)
{
    struct asker *a = arg;
    const struct gt_client_request request = asker_request(a, "GET", "/answer");

    assert_int_equal(reply->status, 200);
    assert_non_null(gt_client_ask(a->client, &request));
}

static void
a_call_may_be_made_from_done(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");

    request.done = ask_once_more;
    (void)asker_ask(a, &request);
    asker_await_done(a);

    assert_int_equal(a->asked, 2);
}

static void
many_calls_are_answered_at_once(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    struct gt_client_request watch = watch_request(a);

    (void)open_watch(a, &watch);
    for (int i = 0; i < 30; i++) {
        assert_non_null(gt_client_ask(a->client, &request));
    }
    while (a->done < 30) {
        turn_until_stopped(a->loop);
    }
    send_piece(a, "still there\n");
    await_lines(a, 1);
}

static void
a_client_may_end_with_calls_open(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    struct gt_client_request watch = watch_request(a);

    (void)open_watch(a, &watch);
    (void)asker_ask(a, &request);
    a->client = gt_client_free(a->client);
    await_gone(a);

    assert_int_equal(a->done, 0);
    a->client = asker_client(a, gt_http_port(a->http), NULL);
}

#define STREAM_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, asker_setup, asker_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(lines_come_whole_however_they_are_cut),
        STREAM_TEST(an_unfinished_last_line_is_dropped),
        STREAM_TEST(a_line_above_the_cap_ends_the_stream),
        STREAM_TEST(a_stream_that_is_refused_is_an_answer),
        STREAM_TEST(a_stream_is_never_asked_again),
        STREAM_TEST(a_silent_stream_is_given_up),
        STREAM_TEST(a_cut_stream_is_an_error),
        STREAM_TEST(a_cancelled_call_is_silent),
        STREAM_TEST(a_cancelled_stream_hangs_up),
        STREAM_TEST(a_stream_may_be_cancelled_in_its_own_line),
        STREAM_TEST(a_stream_may_be_cancelled_in_anothers_line),
        STREAM_TEST(a_call_may_be_made_from_done),
        STREAM_TEST(many_calls_are_answered_at_once),
        STREAM_TEST(a_client_may_end_with_calls_open),
    };

    return cmocka_run_group_tests_name("client_stream", tests, NULL, NULL);
}
