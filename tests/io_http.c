/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http_io.h"

#include <stdio.h>
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
    struct peer clients[3];
    int calls;
};

static void
say_hello(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    gt_http_answer(request, &(struct gt_http_reply){
                                .status = 200, .body = "hello\n", .len = 6});
}

/* Answers with method, path, a header, two parameters and the body. */
static void
say_back(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;
    const char *value = "-";
    char text[4096];
    size_t len;

    f->calls++;
    const char *body = gt_http_body(request, &len);
    enum gt_http_outcome outcome = gt_http_query(request, "target", &value);
    const char *header = gt_http_header(request, "X-Word");
    int n =
        snprintf(text, sizeof(text), "%s %s %d:%s %s [%zu:%s]",
                 gt_http_method(request), gt_http_path(request), (int)outcome,
                 value, header == NULL ? "-" : header, len, body);
    gt_http_answer(request, &(struct gt_http_reply){
                                .status = 429,
                                .content_type = "application/json",
                                .body = text,
                                .len = (size_t)n,
                                .headers = {{"Retry-After", "7"}, {"X-A", "b"}},
    });
}

static const struct gt_http_route routes[] = {
    {"GET",   "/hello",  say_hello, 0   },
    {"GET",   "/back",   say_back,  0   },
    {"POST",  "/back",   say_back,  1000},
    {"PATCH", "/tree/*", say_back,  100 },
};

static int
setup_with(void **state, unsigned connections_max, unsigned per_ip_max)
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
                              .connections_max = connections_max,
                              .per_ip_max = per_ip_max,
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
setup(void **state)
{
    return setup_with(state, 0, 0);
}

static int
setup_two_connections(void **state)
{
    return setup_with(state, 2, 0);
}

static int
setup_two_per_ip(void **state)
{
    return setup_with(state, 8, 2);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    f->http = gt_http_free(f->http);
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

/* A whole exchange; returns the status. */
static int
ask(struct fixture *f, const char *text)
{
    static const char version[] = "HTTP/1.1 ";
    struct peer *client = dial(f, 0);

    peer_say(client, text);
    peer_await(client, NULL);
    return strncmp(client->text, version, strlen(version)) == 0
               ? (int)strtol(client->text + strlen(version), NULL, 10)
               : 0;
}

#define REST "Host: x\r\nConnection: close\r\n\r\n"

static void
a_handler_answers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\n" REST), 200);

    assert_non_null(strstr(f->clients[0].text, "Content-Type: text/plain"));
    assert_non_null(strstr(f->clients[0].text, "\r\n\r\nhello\n"));
    assert_int_equal(ask(f, "HEAD /hello HTTP/1.1\r\n" REST), 200);
    assert_null(strstr(f->clients[0].text, "hello"));
    assert_non_null(strstr(f->clients[0].text, "Content-Length: 6"));
}

static void
a_handler_sees_what_was_asked(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST /back?target=500%4dB&other HTTP/1.1\r\n"
                            "X-Word: yes\r\nContent-Length: 4\r\n"
                            "Host: x\r\nConnection: close\r\n\r\nbody"),
                     429);

    const char *text = f->clients[0].text;
    assert_non_null(strstr(text, "POST /back 0:500MB yes [4:body]"));
    assert_non_null(strstr(text, "Content-Type: application/json"));
    assert_non_null(strstr(text, "Retry-After: 7"));
    assert_non_null(strstr(text, "X-A: b"));
}

static void
parameters_missing_and_repeated_are_told_apart(void **state)
{
    struct fixture *f = *state;

    (void)ask(f, "GET /back?other=1 HTTP/1.1\r\n" REST);
    assert_non_null(strstr(f->clients[0].text, "GET /back 1:- - [0:]"));

    (void)ask(f, "GET /back?target=1&target=2 HTTP/1.1\r\n" REST);
    assert_non_null(strstr(f->clients[0].text, "GET /back 2:- -"));

    (void)ask(f, "GET /back?target HTTP/1.1\r\n" REST);
    assert_non_null(strstr(f->clients[0].text, "GET /back 0: -"));
}

static void
an_unknown_path_is_404(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "GET /hell HTTP/1.1\r\n" REST), 404);
    assert_int_equal(ask(f, "GET /hello/ HTTP/1.1\r\n" REST), 404);
    assert_int_equal(ask(f, "PATCH /tree HTTP/1.1\r\n" REST), 404);
    assert_int_equal(ask(f, "DELETE / HTTP/1.1\r\n" REST), 404);
    assert_int_equal(f->calls, 0);
}

static void
another_method_is_405_with_allow(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "PUT /back HTTP/1.1\r\n" REST), 405);

    assert_non_null(strstr(f->clients[0].text, "Allow: GET, POST\r\n"));
    assert_int_equal(f->calls, 0);
}

static void
a_prefix_takes_all_below_it(void **state)
{
    struct fixture *f = *state;

    (void)ask(f, "PATCH /tree/ns/pods/web-0/resize HTTP/1.1\r\n" REST);

    assert_non_null(
        strstr(f->clients[0].text, "PATCH /tree/ns/pods/web-0/resize"));
}

static void
a_body_announced_too_large_is_413(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST /back HTTP/1.1\r\nContent-Length: 1001\r\n"
                            "Host: x\r\n\r\n"),
                     413);
    assert_int_equal(ask(f, "POST /back HTTP/1.1\r\nExpect: 100-continue\r\n"
                            "Content-Length: 9999999999\r\nHost: x\r\n\r\n"),
                     413);
    assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\nContent-Length: 1\r\n"
                            "Host: x\r\n\r\nx"),
                     413);
    assert_int_equal(f->calls, 0);
}

static void
send_chunked(struct peer *client, int chunks)
{
    static const char chunk[] = "64\r\n"
                                "0123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789"
                                "01234567890123456789\r\n";

    peer_say(client, "POST /back HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < chunks; i++) {
        peer_say(client, chunk);
    }
    peer_say(client, "0\r\n\r\n");
}

static void
a_chunked_body_is_counted(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    send_chunked(client, 10);
    peer_await(client, "[1000:0123");

    client = dial(f, 0);
    send_chunked(client, 11);
    peer_await(client, "HTTP/1.1 413");
    assert_int_equal(f->calls, 1);
}

static void
a_body_far_too_large_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    send_chunked(client, 700);
    peer_await(client, NULL);

    assert_string_equal(client->text, "");
    assert_int_equal(f->calls, 0);
}

static void
headers_too_long_are_refused(void **state)
{
    struct fixture *f = *state;
    static char text[40000];
    int len =
        snprintf(text, sizeof(text), "GET /hello HTTP/1.1\r\nX: %030000d", 7);

    struct peer *client = dial(f, 0);
    peer_send(client, text, (size_t)len);
    peer_await(client, "HTTP/1.1 431");

    len = snprintf(text, sizeof(text), "GET /%030000d HTTP/1.1\r\n" REST, 7);
    client = dial(f, 0);
    peer_send(client, text, (size_t)len);
    peer_await(client, "HTTP/1.1 414");
}

static void
what_smells_of_smuggling_is_400(void **state)
{
    static const char *const texts[] = {
        "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n",
        "POST /back HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n" REST
        "body!",
        "POST /back HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n" REST
        "body",
        "POST /back HTTP/1.1\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n" REST "0\r\n\r\n",
        "POST /back HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" REST,
        "GET /hello%00x HTTP/1.1\r\n" REST,
        "GET /back?target=%001 HTTP/1.1\r\n" REST,
        "POST /back HTTP/1.1\r\nContent-Length: -4\r\n" REST "body",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        assert_int_equal(ask(f, texts[i]), 400);
    }
    assert_int_equal(f->calls, 0);
}

static void
garbage_is_refused_and_harmless(void **state)
{
    struct fixture *f = *state;
    uint32_t random = 1;

    for (int i = 0; i < 200; i++) {
        char bytes[64];
        for (size_t j = 0; j < sizeof(bytes); j++) {
            random = random * 1664525 + 1013904223;
            bytes[j] = (char)(random >> 24);
        }
        struct peer *client = dial(f, 0);
        peer_send(client, bytes, sizeof(bytes));
        peer_say(client, "\r\n\r\n");
        (void)shutdown(client->fd, SHUT_WR);
        peer_await(client, NULL);
    }

    assert_int_equal(f->calls, 0);
    assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\n" REST), 200);
}

static void
a_request_cut_anywhere_calls_nobody(void **state)
{
    static const char text[] = "POST /back HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 4\r\n\r\nbody";
    struct fixture *f = *state;

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        struct peer *client = dial(f, 0);
        peer_send(client, text, len);
        turn_for(f->loop, 1); /* read now, or it notices at the deadline */
        (void)shutdown(client->fd, SHUT_WR);
        peer_await(client, NULL);
    }

    assert_int_equal(f->calls, 0);
}

/* Sends a byte every tenth of the deadline. */
struct dripper {
    struct peer *client;
    struct gt_loop_timer timer;
    const char *next;
};

static void
drip(void *arg)
{
    struct dripper *dripper = arg;

    if (*dripper->next != '\0' &&
        send(dripper->client->fd, dripper->next, 1, MSG_NOSIGNAL) == 1) {
        dripper->next++;
        gt_loop_timer_in(&dripper->timer, DEADLINE_MS / 10);
    }
}

static void
a_slow_drip_is_cut_off_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct dripper dripper = {.client = dial(f, 0),
                              .next = "GET /hello HTTP/1.1\r\n" REST};
    uint64_t start_us = gt_clock_wall_us();

    gt_loop_timer_init(&dripper.timer, f->loop, drip, &dripper);
    drip(&dripper);
    peer_await(dripper.client, NULL);
    gt_loop_timer_stop(&dripper.timer);

    uint64_t took_ms = (gt_clock_wall_us() - start_us) / 1000;
    assert_true(took_ms >= DEADLINE_MS);
    assert_true(took_ms < DEADLINE_MS * 10);
    assert_string_equal(dripper.client->text, "");
    assert_int_equal(f->calls, 0);
}

static void
an_idle_connection_is_closed_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    peer_say(client, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_await(client, "hello\n");
    assert_false(client->closed);
    peer_await(client, NULL);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    struct peer *client = dial(f, 0);

    for (int i = 0; i < 20; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text),
                       "GET /back?target=%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
        peer_say(client, text);
    }
    peer_await(client, "0:19");

    const char *at = client->text;
    for (int i = 0; i < 20; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "0:%d -", i);
        at = strstr(at, text);
        assert_non_null(at);
    }
    assert_int_equal(f->calls, 20);
}

static void
connections_above_the_limit_are_closed_at_once(void **state)
{
    struct fixture *f = *state;

    (void)dial(f, 0);
    peer_say(&f->clients[0], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_await(&f->clients[0], "hello");
    (void)dial(f, 1);
    peer_say(&f->clients[1], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_await(&f->clients[1], "hello");
    uint64_t start_us = gt_clock_wall_us();
    peer_await(dial(f, 2), NULL);

    assert_true((gt_clock_wall_us() - start_us) / 1000 < DEADLINE_MS);
    assert_string_equal(f->clients[2].text, "");
    peer_await(&f->clients[0], NULL);
    assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\n" REST), 200);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_handler_answers),
        HTTP_TEST(a_handler_sees_what_was_asked),
        HTTP_TEST(parameters_missing_and_repeated_are_told_apart),
        HTTP_TEST(an_unknown_path_is_404),
        HTTP_TEST(another_method_is_405_with_allow),
        HTTP_TEST(a_prefix_takes_all_below_it),
        HTTP_TEST(a_body_announced_too_large_is_413),
        HTTP_TEST(a_chunked_body_is_counted),
        HTTP_TEST(a_body_far_too_large_is_cut_off),
        HTTP_TEST(headers_too_long_are_refused),
        HTTP_TEST(what_smells_of_smuggling_is_400),
        HTTP_TEST(garbage_is_refused_and_harmless),
        HTTP_TEST(a_request_cut_anywhere_calls_nobody),
        HTTP_TEST(a_slow_drip_is_cut_off_at_the_deadline),
        HTTP_TEST(an_idle_connection_is_closed_at_the_deadline),
        HTTP_TEST(pipelined_requests_are_answered_in_order),
        cmocka_unit_test_setup_teardown(
            connections_above_the_limit_are_closed_at_once,
            setup_two_connections, teardown),
        cmocka_unit_test_setup_teardown(
            connections_above_the_limit_are_closed_at_once, setup_two_per_ip,
            teardown),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
