/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/release_io.h"
#include "common/http_io.h"

#define TIMEOUT_MS 300

/* An app with a hook. */
struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *app;
    struct release_io *release;
    unsigned status; /* that the app answers with; 0: it never does */
    char asked[256]; /* the last question: METHOD PATH PHASE FIGURE */
    unsigned questions;
    unsigned answers;
    enum release_io_answer answer;
    char why[128];
};

static void
gone(void *arg)
{
    (void)arg; /* the request is not kept anywhere */
}

static void
hook(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;
    struct gt_http_reply reply = {.status = f->status, .body = "", .len = 0};
    const char *phase = NULL;
    const char *figure = NULL;

    assert_int_equal(gt_http_query(request, "phase", &phase), GT_HTTP_OK);
    if (gt_http_query(request, "target", &figure) != GT_HTTP_OK) {
        assert_int_equal(gt_http_query(request, "limit", &figure), GT_HTTP_OK);
    }
    snprintf(f->asked, sizeof(f->asked), "%s %s %s %s", gt_http_method(request),
             gt_http_path(request), phase, figure);
    f->questions++;
    if (f->status == 0) {
        gt_http_on_gone(request, gone, f);
    } else {
        gt_http_answer(request, &reply);
    }
    if (strcmp(phase, "restore") == 0) {
        gt_loop_stop(f->loop);
    }
}

static const struct gt_http_route routes[] = {
    {"POST", "/gc", hook, 0}
};

static void
answered(void *arg, enum release_io_answer answer, const char *why)
{
    struct fixture *f = arg;

    f->answers++;
    f->answer = answer;
    snprintf(f->why, sizeof(f->why), "%s", why);
    gt_loop_stop(f->loop);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gt_err err;
    struct gt_http_config app = {.listen = "127.0.0.1:0",
                                 .routes = routes,
                                 .routes_len = GT_ARRAY_LEN(routes),
                                 .arg = f};
    struct release_io_config config = {
        .timeout_ms = TIMEOUT_MS, .answered = answered, .arg = f};

    f->clock.speed = 1.0;
    f->loop = gt_loop_new(&f->clock, &err);
    f->app = gt_http_new(f->loop, &app, &err);
    assert_non_null(f->app);
    f->release = release_io_new(f->loop, &config);
    f->status = 200;
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    release_io_free(f->release);
    if (f->app != NULL) {
        gt_http_free(f->app);
    }
    gt_loop_free(f->loop);
    free(f);
    return 0;
}

static struct release_io_hook
hook_of(const struct fixture *f)
{
    return (struct release_io_hook){.port = gt_http_port(f->app),
                                    .path = "/gc",
                                    .limit_bytes = INT64_C(9000000000)};
}

static enum release_io_answer
pull(struct fixture *f)
{
    struct release_io_hook lever = hook_of(f);

    assert_int_equal(release_io_pull(f->release, &lever), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);
    return f->answer;
}

static void
the_app_is_asked_to_release_down_to_the_target(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(pull(f), RELEASE_DONE);
    assert_string_equal(f->asked, "POST /gc release 9000000000");
    f->status = 204;
    assert_int_equal(pull(f), RELEASE_DONE);
    assert_int_equal(f->answers, 2);
}

static void
an_app_may_say_that_it_cannot(void **state)
{
    struct fixture *f = *state;

    f->status = 409;
    assert_int_equal(pull(f), RELEASE_CANNOT);
    assert_string_equal(f->why, "status 409");
}

static void
any_other_answer_is_a_no(void **state)
{
    static const unsigned statuses[] = {302, 404, 500, 503};
    struct fixture *f = *state;

    for (size_t i = 0; i < GT_ARRAY_LEN(statuses); i++) {
        f->status = statuses[i];
        assert_int_equal(pull(f), RELEASE_E_STATUS);
    }
    assert_int_equal(f->questions, GT_ARRAY_LEN(statuses)); /* once each */
}

static void
an_app_that_does_not_answer_is_a_no_in_time(void **state)
{
    struct fixture *f = *state;
    uint64_t begun_us = gt_clock_wall_us();

    f->status = 0;
    assert_int_equal(pull(f), RELEASE_E_SILENT);
    assert_true(gt_clock_wall_us() - begun_us >= TIMEOUT_MS * 900);
    assert_true(strlen(f->why) > strlen("status 0: "));
}

static void
nobody_on_the_port_is_a_no(void **state)
{
    struct fixture *f = *state;
    struct release_io_hook lever = hook_of(f);

    f->app = gt_http_free(f->app);
    assert_int_equal(release_io_pull(f->release, &lever), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);
    assert_int_equal(f->answer, RELEASE_E_SILENT);
}

static void
the_app_is_told_its_limit_and_nobody_waits(void **state)
{
    struct fixture *f = *state;
    struct release_io_hook lever = hook_of(f);

    assert_int_equal(release_io_restore(f->release, &lever), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);
    assert_string_equal(f->asked, "POST /gc restore 9000000000");
    assert_int_equal(pull(f), RELEASE_DONE);
    assert_int_equal(f->answers, 1);
}

static void
a_new_request_drops_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct release_io_hook lever = hook_of(f);

    f->status = 0;
    assert_int_equal(release_io_pull(f->release, &lever), 0);
    f->status = 200;
    assert_int_equal(pull(f), RELEASE_DONE);
    assert_int_equal(f->answers, 1);
}

static void
a_path_too_long_is_an_error(void **state)
{
    struct fixture *f = *state;
    char path[400];
    struct release_io_hook lever = hook_of(f);

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    lever.path = path;
    assert_int_equal(release_io_pull(f->release, &lever), -ENAMETOOLONG);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(the_app_is_asked_to_release_down_to_the_target),
        EACH(an_app_may_say_that_it_cannot),
        EACH(any_other_answer_is_a_no),
        EACH(an_app_that_does_not_answer_is_a_no_in_time),
        EACH(nobody_on_the_port_is_a_no),
        EACH(the_app_is_told_its_limit_and_nobody_waits),
        EACH(a_new_request_drops_the_one_before),
        EACH(a_path_too_long_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
