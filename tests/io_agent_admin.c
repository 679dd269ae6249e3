/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/admin_io.h"
#include "common/client_io.h"

#define TOKEN "open-sesame"

/* The servers, a client, and a core that answers as it is told. */
struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct admin_io *admin;
    struct gt_client *client;
    struct gt_client *admin_client;
    char token_file[64];
    char other_file[64]; /* what a client shows */
    bool ready;
    bool answers; /* the core answers at once */
    unsigned proposals;
    int64_t target_bytes;
    struct shrink_answer last;
    char body[2048]; /* of the answer that was waited for last */
};

/* A question under way. */
struct question {
    struct fixture *f;
    bool done;
    unsigned status;
    char body[2048];
};

static void
proposed(void *arg, int64_t target_bytes)
{
    struct fixture *f = arg;

    f->proposals++;
    f->target_bytes = target_bytes;
    f->last = shrink_refusal(SHRINK_FLOOR);
    f->last.target_bytes = target_bytes;
    f->last.floor_bytes = 77;
    if (f->answers) {
        admin_io_reply(f->admin, &f->last);
    }
}

static bool
ready(void *arg, struct gt_buf *why)
{
    const struct fixture *f = arg;

    gt_buf_text(why, f->ready ? "playing" : "blind: memory.stat");
    return f->ready;
}

static void
metrics(void *arg, struct gt_buf *out)
{
    (void)arg;
    gt_buf_text(out, "# EOF\n");
}

static const struct shrink_answer *
last(void *arg)
{
    const struct fixture *f = arg;

    return f->proposals > 0 ? &f->last : NULL;
}

static struct gt_client *
client_with(struct fixture *f, uint16_t port, const char *token_file)
{
    char url[64];
    struct gt_client_config config = {.base_url = url,
                                      .token_file = token_file};
    struct gt_err err;
    struct gt_client *client = NULL;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)port);
    client = gt_client_new(f->loop, &config, &err);
    assert_non_null(client);
    return client;
}

static struct gt_client *
client_of(struct fixture *f, uint16_t port)
{
    return client_with(f, port, NULL);
}

static void
open_fixture(struct fixture *f, const char *token_file)
{
    struct gt_err err;
    struct admin_io_config config = {
        .listen = "127.0.0.1:0",
        .admin_listen = "127.0.0.1:0",
        .token_file = token_file,
        .arg = f,
        .proposed = proposed,
        .ready = ready,
        .metrics = metrics,
        .last = last,
    };

    f->clock.speed = 1.0;
    f->loop = gt_loop_new(&f->clock, &err);
    assert_non_null(f->loop);
    f->admin = admin_io_new(f->loop, &config, &err);
    assert_non_null(f->admin);
    f->client = client_of(f, admin_io_port(f->admin));
    f->admin_client = client_of(f, admin_io_admin_port(f->admin));
    f->answers = true;
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    open_fixture(f, "");
    *state = f;
    return 0;
}

static void
write_token(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
make_file(char path[64])
{
    int fd = -1;

    strcpy(path, "/tmp/gtcas-token-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static int
set_up_token(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    make_file(f->token_file);
    make_file(f->other_file);
    write_token(f->token_file, TOKEN "\n");
    open_fixture(f, f->token_file);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    gt_client_free(f->client);
    gt_client_free(f->admin_client);
    admin_io_free(f->admin);
    gt_loop_free(f->loop);
    if (f->token_file[0] != '\0') {
        unlink(f->token_file);
        unlink(f->other_file);
    }
    free(f);
    return 0;
}

static void
answered(void *arg, const struct gt_client_reply *reply)
{
    struct question *question = arg;

    question->done = true;
    question->status = reply->status;
    snprintf(question->body, sizeof(question->body), "%s", reply->body);
    gt_loop_stop(question->f->loop);
}

static void
ask(struct question *question, struct gt_client *client, const char *method,
    const char *path, const char *body)
{
    struct gt_client_request request = {
        .method = method,
        .path = path,
        .content_type = body != NULL ? "text/plain" : NULL,
        .body = body,
        .len = body != NULL ? strlen(body) : 0,
        .done = answered,
        .arg = question,
    };

    assert_non_null(gt_client_ask(client, &request));
}

static unsigned
wait_for(struct question *question)
{
    while (!question->done) {
        assert_int_equal(gt_loop_run(question->f->loop), 0);
    }
    strcpy(question->f->body, question->body);
    return question->status;
}

static unsigned
exchange(struct fixture *f, struct gt_client *client, const char *method,
         const char *path, const char *body)
{
    struct question question = {.f = f};

    ask(&question, client, method, path, body);
    return wait_for(&question);
}

static unsigned
get(struct fixture *f, const char *path)
{
    return exchange(f, f->client, "GET", path, NULL);
}

static unsigned
admin(struct fixture *f, const char *method, const char *path)
{
    return exchange(f, f->admin_client, method, path, NULL);
}

static unsigned
admin_with(struct fixture *f, const char *token_file)
{
    gt_client_free(f->admin_client);
    f->admin_client = client_with(f, admin_io_admin_port(f->admin), token_file);
    return admin(f, "POST", "/admin/shrink?target=1Mi");
}

static void
the_public_server_only_tells(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, "/healthz"), 200);
    assert_int_equal(get(f, "/metrics"), 200);
    assert_string_equal(f->body, "# EOF\n");
    assert_int_equal(get(f, "/admin/shrink"), 404);
    assert_int_equal(exchange(f, f->client, "POST", "/metrics", ""), 405);
}

static void
readiness_says_why(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, "/readyz"), 503);
    assert_string_equal(f->body, "blind: memory.stat\n");
    f->ready = true;
    assert_int_equal(get(f, "/readyz"), 200);
    assert_int_equal(get(f, "/healthz"), 200);
}

static void
the_answer_of_the_core_is_the_answer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(admin(f, "POST", "/admin/shrink?target=500MB"), 409);
    assert_int_equal(f->target_bytes, 500000000);
    assert_string_equal(f->body,
                        "{\"ok\":false,\"reason\":\"floor\",\"target_bytes\":"
                        "500000000,\"floor_bytes\":77}\n");
}

static bool
reply_late(void *arg)
{
    struct fixture *f = arg;
    struct shrink_answer answer = {.reason = SHRINK_OK, .expires_ms = 30000};

    if (f->proposals == 0) {
        return true;
    }
    admin_io_reply(f->admin, &answer);
    return false;
}

static void
a_post_waits_for_an_answer_that_comes_later(void **state)
{
    struct fixture *f = *state;
    struct gt_loop_work work;

    f->answers = false;
    gt_loop_work_init(&work, f->loop, reply_late, f);
    gt_loop_work_start(&work);
    assert_int_equal(admin(f, "POST", "/admin/shrink?target=64Mi"), 200);
    assert_non_null(strstr(f->body, "\"expires_ms\":30000"));
}

static void
a_second_post_is_busy_while_one_waits(void **state)
{
    struct fixture *f = *state;
    struct shrink_answer answer = {.reason = SHRINK_OK};
    struct question first = {.f = f};

    f->answers = false;
    ask(&first, f->admin_client, "POST", "/admin/shrink?target=64Mi", NULL);
    while (f->proposals == 0) {
        assert_int_equal(get(f, "/healthz"), 200);
    }
    assert_int_equal(admin(f, "POST", "/admin/shrink?target=64Mi"), 409);
    assert_non_null(strstr(f->body, "busy"));
    assert_int_equal(f->proposals, 1);

    admin_io_reply(f->admin, &answer);
    assert_int_equal(wait_for(&first), 200);
}

/* The app's tool is stopped: the core's answer finds nobody. */
static void
a_client_that_goes_away_makes_room_for_the_next(void **state)
{
    struct fixture *f = *state;
    struct question first = {.f = f};

    f->answers = false;
    ask(&first, f->admin_client, "POST", "/admin/shrink?target=64Mi", NULL);
    while (f->proposals == 0) {
        assert_int_equal(get(f, "/healthz"), 200);
    }
    gt_client_free(f->admin_client);
    f->admin_client = client_of(f, admin_io_admin_port(f->admin));
    f->answers = true;
    while (admin(f, "POST", "/admin/shrink?target=64Mi") == 409 &&
           strstr(f->body, "busy") != NULL) {
        continue; /* the server has not noticed yet */
    }
    assert_non_null(strstr(f->body, "floor"));
}

static void
a_bad_target_is_refused_before_the_core_hears_of_it(void **state)
{
    static const char *const bad[] = {
        "/admin/shrink",
        "/admin/shrink?target=",
        "/admin/shrink?target=abc",
        "/admin/shrink?target=0",
        "/admin/shrink?target=-5Mi",
        "/admin/shrink?target=1Mi&target=2Mi",
        "/admin/shrink?Target=1Mi",
        "/admin/shrink?target=99999999999999999999Ei",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tear_down(state); /* a fresh rate limit */
        set_up(state);
        f = *state;
        assert_int_equal(admin(f, "POST", bad[i]), 400);
        assert_non_null(strstr(f->body, "bad-target"));
        assert_int_equal(f->proposals, 0);
    }
}

static void
other_methods_and_bodies_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(admin(f, "PUT", "/admin/shrink?target=1Mi"), 405);
    assert_int_equal(admin(f, "DELETE", "/admin/shrink"), 405);
    assert_int_equal(exchange(f, f->admin_client, "POST",
                              "/admin/shrink?target=1Mi", "a body"),
                     413);
    assert_int_equal(admin(f, "GET", "/metrics"), 404);
    assert_int_equal(f->proposals, 0);
}

static void
too_many_posts_are_refused_without_asking_the_core(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < ADMIN_IO_BURST; i++) {
        assert_int_equal(admin(f, "POST", "/admin/shrink?target=1Mi"), 409);
    }
    assert_int_equal(admin(f, "POST", "/admin/shrink?target=1Mi"), 429);
    assert_non_null(strstr(f->body, "rate-limited"));
    assert_int_equal(f->proposals, ADMIN_IO_BURST);
    assert_int_equal(admin(f, "GET", "/admin/shrink"), 200);
}

static void
the_last_answer_can_be_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(admin(f, "GET", "/admin/shrink"), 204);
    assert_int_equal(admin(f, "POST", "/admin/shrink?target=9Mi"), 409);
    assert_int_equal(admin(f, "GET", "/admin/shrink"), 200);
    assert_non_null(strstr(f->body, "\"target_bytes\":9437184"));
}

static void
the_token_decides_who_may_ask(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(admin(f, "POST", "/admin/shrink?target=1Mi"), 401);
    assert_int_equal(admin(f, "GET", "/admin/shrink"), 401);
    assert_int_equal(f->proposals, 0);

    write_token(f->other_file, "open-sesamf");
    assert_int_equal(admin_with(f, f->other_file), 401);
    write_token(f->other_file, "open-sesam");
    assert_int_equal(admin_with(f, f->other_file), 401);
    write_token(f->other_file, TOKEN "\n");
    assert_int_equal(admin_with(f, f->other_file), 409);
    assert_int_equal(f->proposals, 1);

    write_token(f->token_file, "rotated");
    assert_int_equal(admin_with(f, f->other_file), 401);
    write_token(f->token_file, "\n"); /* no token opens nothing */
    write_token(f->other_file, "x");
    assert_int_equal(admin_with(f, f->other_file), 401);
    assert_int_equal(f->proposals, 1);
    assert_int_equal(get(f, "/metrics"), 200);
}

static void
two_servers_on_one_port_are_an_error_in_words(void **state)
{
    struct fixture *f = *state;
    char listen[32];
    struct gt_err err;
    struct admin_io_config config = {
        .listen = listen, .admin_listen = "127.0.0.1:0", .token_file = ""};

    snprintf(listen, sizeof(listen), "127.0.0.1:%u",
             (unsigned)admin_io_port(f->admin));
    assert_null(admin_io_new(f->loop, &config, &err));
    assert_non_null(strstr(err.text, "--listen"));
    config.admin_listen = listen;
    config.listen = "127.0.0.1:0";
    assert_null(admin_io_new(f->loop, &config, &err));
    assert_non_null(strstr(err.text, "--admin-listen"));
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(the_public_server_only_tells),
        EACH(readiness_says_why),
        EACH(the_answer_of_the_core_is_the_answer),
        EACH(a_post_waits_for_an_answer_that_comes_later),
        EACH(a_second_post_is_busy_while_one_waits),
        EACH(a_client_that_goes_away_makes_room_for_the_next),
        EACH(a_bad_target_is_refused_before_the_core_hears_of_it),
        EACH(other_methods_and_bodies_are_refused),
        EACH(too_many_posts_are_refused_without_asking_the_core),
        EACH(the_last_answer_can_be_read),
        EACH(two_servers_on_one_port_are_an_error_in_words),
        cmocka_unit_test_setup_teardown(the_token_decides_who_may_ask,
                                        set_up_token, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
