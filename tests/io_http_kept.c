/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http_io.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/peer.h"

#define DEADLINE_MS 300UL

struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *http;
    struct gt_http_request *kept;
    struct peer clients[3];
    int gone;
};

static void
say_hello(struct gt_http_request *request, void *arg)
{
    (void)arg;
    gt_http_answer(request, &(struct gt_http_reply){
                                .status = 200, .body = "hello\n", .len = 6});
}

static void
note_gone(void *arg)
{
    struct fixture *f = arg;

    f->gone++;
    f->kept = NULL;
    gt_loop_stop(f->loop);
}

static void
keep(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;

    f->kept = request;
    gt_http_on_gone(request, note_gone, f);
    gt_loop_stop(f->loop);
}

static void
forget(struct gt_http_request *request, void *arg)
{
    (void)request;
    (void)arg;
}

static void
open_stream(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;

    f->kept = request;
    gt_http_on_gone(request, note_gone, f);
    gt_http_stream_begin(request, &(struct gt_http_reply){.status = 200});
    gt_loop_stop(f->loop);
}

static const struct gt_http_route routes[] = {
    {"GET", "/hello",  say_hello,   0},
    {"GET", "/keep",   keep,        0},
    {"GET", "/forget", forget,      0},
    {"GET", "/watch",  open_stream, 0},
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gt_err err;

    f->clock = (struct gt_clock){1};
    f->loop = gt_loop_new(&f->clock, &err);
    f->http = gt_http_new(f->loop,
                          &(struct gt_http_config){
                              .listen = "127.0.0.1:0",
                              .routes = routes,
                              .routes_len = GT_ARRAY_LEN(routes),
                              .arg = f,
                              .deadline_ms = DEADLINE_MS,
                          },
                          &err);
    for (size_t i = 0; i < GT_ARRAY_LEN(f->clients); i++) {
        f->clients[i].fd = -1;
    }
    *state = f;
    return f->http == NULL;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    f->http = f->http == NULL ? NULL : gt_http_free(f->http);
    for (size_t i = 0; i < GT_ARRAY_LEN(f->clients); i++) {
        peer_hang_up(&f->clients[i]);
    }
    f->loop = gt_loop_free(f->loop);
    free(f);
    return 0;
}

static struct peer *
dial(struct fixture *f, size_t i)
{
    peer_dial(&f->clients[i], f->loop, gt_http_port(f->http));
    return &f->clients[i];
}

#define REST "Host: x\r\nConnection: close\r\n\r\n"

static void
assert_others_are_served(struct fixture *f)
{
    struct peer *other = dial(f, 2);

    peer_say(other, "GET /hello HTTP/1.1\r\n" REST);
    peer_await(other, "hello");
}

static void
a_kept_request_is_answered_later(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /keep HTTP/1.1\r\n" REST);
    turn_until_stopped(f->loop);
    assert_non_null(f->kept);
    (void)dial(f, 1);
    peer_say(&f->clients[1], "GET /hello HTTP/1.1\r\n" REST);
    peer_await(&f->clients[1], "hello");
    gt_http_answer(f->kept, &(struct gt_http_reply){
                                .status = 409, .body = "no\n", .len = 3});
    peer_await(client, NULL);

    assert_non_null(strstr(client->text, "HTTP/1.1 409"));
    assert_non_null(strstr(client->text, "\r\n\r\nno\n"));
    assert_int_equal(f->gone, 0);
}

static void
a_kept_request_outlives_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /keep HTTP/1.1\r\n" REST);
    turn_until_stopped(f->loop);
    turn_for(f->loop, 2 * DEADLINE_MS);
    gt_http_answer(f->kept, &(struct gt_http_reply){.status = 200});
    peer_await(client, "HTTP/1.1 200");
}

static void
a_kept_request_is_told_that_its_client_left(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /keep HTTP/1.1\r\n" REST);
    turn_until_stopped(f->loop);
    peer_hang_up(client);
    turn_until_stopped(f->loop);

    assert_int_equal(f->gone, 1);
    assert_others_are_served(f);
}

static void
an_answer_to_a_client_that_left_is_harmless(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /keep HTTP/1.1\r\n" REST);
    turn_until_stopped(f->loop);
    peer_hang_up(client);
    gt_http_answer(f->kept, &(struct gt_http_reply){.status = 200});

    assert_others_are_served(f);
    assert_int_equal(f->gone, 0);
}

static void
a_request_that_nobody_answers_is_500(void **state)
{
    struct fixture *f = *state;

    struct peer *client = dial(f, 0);

    peer_say(client, "GET /forget HTTP/1.1\r\n" REST);
    peer_await(client, "HTTP/1.1 500");
}

static void
a_stream_arrives_piece_by_piece(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /watch HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_await(client, "\r\n\r\n");
    assert_non_null(strstr(client->text, "Transfer-Encoding: chunked"));
    assert_int_equal(gt_http_stream_write(f->kept, "one\n", 4), GT_HTTP_OK);
    peer_await(client, "one\n");
    assert_null(strstr(client->text, "two"));
    assert_int_equal(gt_http_stream_write(f->kept, "two\n", 4), GT_HTTP_OK);
    gt_http_stream_end(f->kept);
    peer_await(client, "two\n\r\n0\r\n\r\n");

    assert_int_equal(f->gone, 0);
    assert_false(client->closed);
}

static void
a_stream_is_told_that_its_client_left(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /watch HTTP/1.1\r\n" REST);
    peer_await(client, "\r\n\r\n");
    peer_hang_up(client);
    turn_until_stopped(f->loop);

    assert_int_equal(f->gone, 1);
}

static void
a_slow_reader_overflows_and_is_cut_off(void **state)
{
    static char piece[1U << 16];
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);
    size_t sent = 0;

    memset(piece, '~', sizeof(piece));
    peer_say(client, "GET /watch HTTP/1.1\r\n" REST);
    peer_await(client, "\r\n\r\n");
    client->source = gt_loop_unwatch(client->source);
    while (gt_http_stream_write(f->kept, piece, sizeof(piece)) == GT_HTTP_OK) {
        sent += sizeof(piece);
        assert_true(sent <= GT_HTTP_STREAM_MAX_BYTES);
    }
    gt_http_stream_end(f->kept);
    assert_others_are_served(f);
    turn_for(f->loop, 2 * DEADLINE_MS);
    client->source =
        gt_loop_watch(f->loop, client->fd, EPOLLIN, peer_read, client);

    assert_true(sent > GT_HTTP_STREAM_MAX_BYTES - sizeof(piece));
    assert_true(peer_drain(client, '~') < sent);
    assert_int_equal(f->gone, 0);
}

static void
a_long_stream_reaches_a_reader_that_keeps_up(void **state)
{
    static char piece[1U << 14];
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    memset(piece, '~', sizeof(piece));
    peer_say(client, "GET /watch HTTP/1.1\r\n" REST);
    peer_await(client, "\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(gt_http_stream_write(f->kept, piece, sizeof(piece)),
                         GT_HTTP_OK);
    }
    gt_http_stream_end(f->kept);
    assert_int_equal(peer_drain(client, '~'), 100 * sizeof(piece));
}

static void
a_stop_cuts_what_is_held(void **state)
{
    struct fixture *f = *state;

    (void)dial(f, 0);
    peer_say(&f->clients[0], "GET /keep HTTP/1.1\r\n" REST);
    turn_until_stopped(f->loop);
    (void)dial(f, 1);
    peer_say(&f->clients[1], "GET /watch HTTP/1.1\r\n" REST);
    peer_await(&f->clients[1], "\r\n\r\n");
    (void)dial(f, 2);
    peer_say(&f->clients[2], "GET /wat");
    f->http = gt_http_free(f->http);

    assert_int_equal(f->gone, 2);
    peer_await(&f->clients[0], NULL);
    peer_await(&f->clients[1], NULL);
    peer_await(&f->clients[2], NULL);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_kept_request_is_answered_later),
        HTTP_TEST(a_kept_request_outlives_the_deadline),
        HTTP_TEST(a_kept_request_is_told_that_its_client_left),
        HTTP_TEST(an_answer_to_a_client_that_left_is_harmless),
        HTTP_TEST(a_request_that_nobody_answers_is_500),
        HTTP_TEST(a_stream_arrives_piece_by_piece),
        HTTP_TEST(a_stream_is_told_that_its_client_left),
        HTTP_TEST(a_slow_reader_overflows_and_is_cut_off),
        HTTP_TEST(a_long_stream_reaches_a_reader_that_keeps_up),
        HTTP_TEST(a_stop_cuts_what_is_held),
    };

    return cmocka_run_group_tests_name("http_kept", tests, NULL, NULL);
}
