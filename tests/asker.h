/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client and a server of ours in one loop, and what the client was told.
 *
 * For tests; needs cmocka.h before it.
 */
#ifndef TESTS_ASKER_H
#define TESTS_ASKER_H

#include <stdio.h>
#include <stdlib.h>

#include "common/client_io.h"
#include "common/http_io.h"
#include "tests/peer.h"

#define ASKER_TEXT_MAX 4096

struct asker {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *http;
    struct gt_client *client;
    void *test; /* of the test's own */

    /* the server's side */
    int asked;
    unsigned statuses[2];         /* of the answers, the last one for all */
    const char *retry_after;      /* header; NULL: none */
    char heard[ASKER_TEXT_MAX];   /* the last request, in words */
    struct gt_http_request *kept; /* of /watch */
    void (*on_asked)(struct asker *asker);

    /* the client's side */
    int done, lines;
    unsigned status;
    int retry_after_s;
    char body[ASKER_TEXT_MAX], error[ASKER_TEXT_MAX];
    char said[ASKER_TEXT_MAX]; /* the lines, each with a '|' */
};

/* Answers with the next status. */
static inline void
asker_answer(struct gt_http_request *request, void *arg)
{
    struct asker *a = arg;
    size_t len;
    const char *body = gt_http_body(request, &len);
    const char *type = gt_http_header(request, "Content-Type");
    const char *accept = gt_http_header(request, "Accept");
    const char *who = gt_http_header(request, "Authorization");
    unsigned status = a->statuses[a->asked == 0 ? 0 : 1];

    a->asked++;
    (void)snprintf(a->heard, sizeof(a->heard), "%s %s %s %s %s [%s]",
                   gt_http_method(request), gt_http_path(request), type, accept,
                   who == NULL ? "-" : who, body);
    if (a->on_asked != NULL) {
        a->on_asked(a);
    }
    gt_http_answer(
        request, &(struct gt_http_reply){
                     .status = status,
                     .body = "the answer",
                     .len = strlen("the answer"),
                     .headers = {{a->retry_after == NULL ? NULL : "Retry-After",
                                  a->retry_after}},
                 });
}

static inline void
asker_redirect(struct gt_http_request *request, void *arg)
{
    struct asker *a = arg;

    a->asked++;
    gt_http_answer(request, &(struct gt_http_reply){
                                .status = 302,
                                .headers = {{"Location", "/answer"}},
                            });
}

static inline void
asker_note_gone(void *arg)
{
    struct asker *a = arg;

    a->kept = NULL;
    gt_loop_stop(a->loop);
}

static inline void
asker_watch(struct gt_http_request *request, void *arg)
{
    struct asker *a = arg;

    a->asked++;
    a->kept = request;
    gt_http_on_gone(request, asker_note_gone, a);
    gt_http_stream_begin(request, &(struct gt_http_reply){.status = 200});
    gt_loop_stop(a->loop);
}

static inline void
asker_done(void *arg, const struct gt_client_reply *reply)
{
    struct asker *a = arg;

    a->done++;
    a->status = reply->status;
    a->retry_after_s = reply->retry_after_s;
    assert_int_equal(strlen(reply->body), reply->len);
    (void)snprintf(a->body, sizeof(a->body), "%s", reply->body);
    (void)snprintf(a->error, sizeof(a->error), "%s", reply->error);
    gt_loop_stop(a->loop);
}

static inline void
asker_line(void *arg, const char *line, size_t len)
{
    struct asker *a = arg;
    size_t at = strlen(a->said);

    assert_int_equal(strlen(line), len);
    a->lines++;
    (void)snprintf(a->said + at, sizeof(a->said) - at, "%s|", line);
    gt_loop_stop(a->loop);
}

/* A client of the server at @port. */
static inline struct gt_client *
asker_client(struct asker *a, uint16_t port, const char *token_file)
{
    struct gt_err err = {0};
    char url[64];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    struct gt_client *client = gt_client_new(
        a->loop,
        &(struct gt_client_config){.base_url = url, .token_file = token_file},
        &err);
    if (client == NULL) {
        fail_msg("%s", err.text);
    }
    return client;
}

static inline int
asker_setup(void **state)
{
    static const struct gt_http_route routes[] = {
        {"GET",   "/answer",   asker_answer,   0   },
        {"PATCH", "/answer",   asker_answer,   1000},
        {"POST",  "/answer",   asker_answer,   1000},
        {"GET",   "/redirect", asker_redirect, 0   },
        {"GET",   "/watch",    asker_watch,    0   },
    };
    struct asker *a = calloc(1, sizeof(*a));
    struct gt_err err;

    a->clock.speed = 1;
    a->statuses[0] = 200;
    a->statuses[1] = 200;
    a->loop = gt_loop_new(&a->clock, &err);
    a->http = gt_http_new(a->loop,
                          &(struct gt_http_config){
                              .listen = "127.0.0.1:0",
                              .routes = routes,
                              .routes_len = GT_ARRAY_LEN(routes),
                              .arg = a,
                          },
                          &err);
    a->client = asker_client(a, gt_http_port(a->http), NULL);
    *state = a;
    return 0;
}

static inline int
asker_teardown(void **state)
{
    struct asker *a = *state;

    a->client = gt_client_free(a->client);
    a->http = gt_http_free(a->http);
    a->loop = gt_loop_free(a->loop);
    free(a);
    return 0;
}

/* Asks by @method for @path; for more, fill in the request. */
static inline struct gt_client_request
asker_request(struct asker *a, const char *method, const char *path)
{
    return (struct gt_client_request){
        .method = method, .path = path, .done = asker_done, .arg = a};
}

static inline struct gt_client_call *
asker_ask(struct asker *a, const struct gt_client_request *request)
{
    struct gt_client_call *call = gt_client_ask(a->client, request);

    assert_non_null(call);
    assert_int_equal(a->done, 0);
    return call;
}

static inline void
asker_await_done(struct asker *a)
{
    while (a->done == 0) {
        turn_until_stopped(a->loop);
    }
    assert_int_equal(a->done, 1);
}

/* A whole exchange. */
static inline void
asker_exchange(struct asker *a, const struct gt_client_request *request)
{
    a->done = 0;
    (void)asker_ask(a, request);
    asker_await_done(a);
}

#endif
