/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arbiter/watch_io.h"
#include "common/http_io.h"
#include "tests/peer.h"

#define ASKED_MAX 64
#define LIST(version, next, items)                                             \
    "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"" version      \
    "\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define NODE(name, version)                                                    \
    "{\"kind\":\"Node\",\"metadata\":{\"name\":\"" name                        \
    "\",\"resourceVersion\":\"" version                                        \
    "\"},\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\"}}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define TOO_OLD                                                                \
    EVENT("ERROR", "{\"kind\":\"Status\",\"reason\":\"Expired\","              \
                   "\"code\":410}")

/* An answer that the API server has ready. */
struct answer {
    unsigned status;
    const char *body;
    bool stays; /* a stream that is not ended */
};

struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *server;
    struct watch_io *watch;
    const struct answer *answers;
    size_t answers_len, asked_len;
    char story[4096]; /* what was asked and told */
    struct gt_buf out;
    const char *awaited; /* the end of the story */
};

static void
note(struct fixture *f, const char *what, const char *detail)
{
    gt_buf_format(&f->out, "%s %s\n", what, detail);
    if (strstr(f->story, f->awaited) != NULL) {
        gt_loop_stop(f->loop);
    }
}

static void
get_nodes(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;
    const char *version = "";
    const char *token = "";
    bool stream =
        gt_http_query(request, "resourceVersion", &version) == GT_HTTP_OK;

    (void)gt_http_query(request, "continue", &token);
    note(f, stream ? "watch" : "list", stream ? version : token);
    const struct answer *answer =
        &f->answers[f->asked_len < f->answers_len ? f->asked_len
                                                  : f->answers_len - 1];
    struct gt_http_reply reply = {.status = answer->status,
                                  .content_type = "application/json",
                                  .body = answer->body,
                                  .len = strlen(answer->body)};
    f->asked_len++;
    if (!stream || answer->status != 200) {
        gt_http_answer(request, &reply);
        return;
    }
    gt_http_stream_begin(request, &reply);
    if (!answer->stays) {
        gt_http_stream_end(request);
    }
}

static const struct gt_http_route routes[] = {
    {"GET", "/api/v1/nodes", get_nodes, 0},
};

static void
on_tell(void *arg, const struct arbiter_event *event)
{
    static const char *const words[] = {
        [KUBE_WATCH_ADDED] = "added",
        [KUBE_WATCH_MODIFIED] = "modified",
        [KUBE_WATCH_DELETED] = "deleted",
        [KUBE_WATCH_BOOKMARK] = "bookmark",
    };

    if (event->kind == ARBITER_NODE) {
        note(arg, words[event->watch->kind], event->watch->node.name);
    } else {
        note(arg, "tell",
             event->kind == ARBITER_LISTING  ? "listing"
             : event->kind == ARBITER_SYNCED ? "synced"
                                             : "lost");
    }
}

static void
on_complain(void *arg, const char *why)
{
    note(arg, "complain", why);
}

static void
open_watch(struct fixture *f)
{
    char url[64];
    struct gt_err err;
    struct watch_io_config config = {
        .client = {.base_url = url},
        .object = KUBE_OBJECT_NODE,
        .seed = 1,
        .arg = f,
        .tell = on_tell,
        .complain = on_complain,
    };

    snprintf(url, sizeof(url), "http://127.0.0.1:%u", gt_http_port(f->server));
    f->watch = watch_io_new(f->loop, &config, &err);
    assert_non_null(f->watch);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gt_http_config config = {
        .listen = "127.0.0.1:0", .routes = routes, .routes_len = 1, .arg = f};
    struct gt_err err;

    assert_non_null(f);
    f->clock.speed = 100; /* pauses of 1 s are over in 10 ms */
    f->loop = gt_loop_new(&f->clock, &err);
    assert_non_null(f->loop);
    f->server = gt_http_new(f->loop, &config, &err);
    assert_non_null(f->server);
    gt_buf_init(&f->out, f->story, sizeof(f->story));
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    watch_io_free(f->watch);
    gt_http_free(f->server);
    gt_loop_free(f->loop);
    free(f);
    return 0;
}

/* Plays the answers until the story ends with @end. */
static void
play(struct fixture *f, const struct answer *answers, size_t len,
     const char *end)
{
    f->answers = answers;
    f->answers_len = len;
    f->awaited = end;
    open_watch(f);
    turn_until_stopped(f->loop);
}

static void
nodes_are_listed_in_pages_and_then_followed(void **state)
{
    static const struct answer answers[] = {
        {200,      LIST("7", "next", NODE("a",    "5")),        false},
        {200,        LIST("7",              "",     NODE("b", "6")), false},
        {200,
         EVENT("MODIFIED",           NODE("a",               "8")) EVENT("BOOKMARK",                        NODE("",                  "9")),
         false},
        {200, EVENT("DELETED",    NODE("b",                      "10")),                                 true                                          },
    };
    struct fixture *f = *state;

    play(f, answers, 4, "deleted b\n");

    assert_string_equal(f->story, "tell listing\nlist \nadded a\n"
                                  "list next\nadded b\n"
                                  "tell synced\nwatch 7\nmodified a\n"
                                  "bookmark \nwatch 9\ndeleted b\n");
}

static void
a_version_too_old_is_listed_anew(void **state)
{
    static const struct answer answers[] = {
        {200,            LIST("7",         "",                               NODE("a", "5")), false},
        {200,         EVENT("ADDED",                    NODE("b",                                                    "8")) TOO_OLD, true},
        {200,LIST("90","",NODE("b", "5")), false},
        {200,              "",                            true                                                          },
    };
    struct fixture *f = *state;

    play(f, answers, 4, "watch 90\n");

    assert_string_equal(f->story,
                        "tell listing\nlist \nadded a\ntell synced\nwatch 7\n"
                        "added b\ntell lost\ntell listing\nlist \nadded b\n"
                        "tell synced\nwatch 90\n");
}

static void
failures_are_told_once_and_tried_again(void **state)
{
    static const struct answer answers[] = {
        {500,    "boom",   false},
        {500,    "boom",   false},
        {200,    "<html>", false},
        {200,    LIST("7", "",    NODE("a", "5")), false},
        {200, "",    true        },
    };
    struct fixture *f = *state;

    play(f, answers, 5, "watch 7\n");

    assert_string_equal(f->story,
                        "tell listing\nlist \n"
                        "complain cannot list nodes: HTTP 500\ntell lost\n"
                        "tell listing\nlist \ntell lost\n"
                        "tell listing\nlist \n"
                        "complain the list of nodes is not one\ntell lost\n"
                        "tell listing\nlist \nadded a\ntell synced\nwatch 7\n");
}

static void
what_cannot_be_read_is_left_out_and_told(void **state)
{
    static const struct answer answers[] = {
        {200, LIST("7", "",                   "{\"kind\":\"Node\"}," NODE("a", "5")), false},
        {200,   "nonsense\n" EVENT("ADDED",         NODE("b", "8")),                true               },
    };
    struct fixture *f = *state;

    play(f, answers, 2, "added b\n");

    assert_string_equal(
        f->story,
        "tell listing\nlist \nadded a\n"
        "complain 1 of the nodes cannot be read\ntell synced\nwatch 7\n"
        "complain a line of the watch of nodes cannot be read\nadded b\n");
}

static void
a_server_that_is_not_there_is_asked_again(void **state)
{
    static const struct answer answers[] = {
        {503, "", false},
    };
    struct fixture *f = *state;
    uint16_t port = gt_http_port(f->server);
    char listen[32];
    struct gt_err err;
    struct gt_http_config config = {
        .listen = listen, .routes = routes, .routes_len = 1, .arg = f};

    f->answers = answers;
    f->answers_len = 1;
    open_watch(f);
    f->server = gt_http_free(f->server);
    f->awaited = "tell lost\ntell listing\ntell lost\n";
    turn_until_stopped(f->loop);

    snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
    f->server = gt_http_new(f->loop, &config, &err);
    assert_non_null(f->server);
    f->awaited = "list \n";
    turn_until_stopped(f->loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_are_listed_in_pages_and_then_followed),
        TEST(a_version_too_old_is_listed_anew),
        TEST(failures_are_told_once_and_tried_again),
        TEST(what_cannot_be_read_is_left_out_and_told),
        TEST(a_server_that_is_not_there_is_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
