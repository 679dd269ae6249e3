/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/api_io.h"
#include "common/http_io.h"

#define ANSWERS_MAX 8
#define PATH        "/api/v1/namespaces/shop/pods/web-0/resize"
#define POD                                                                    \
    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"          \
    "\"web-0\",\"namespace\":\"shop\",\"uid\":\"uid-1\",\"resourceVersion\":"  \
    "\"9\",\"generation\":7},"                                                 \
    "\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{}}]},"         \
    "\"status\":{\"phase\":\"Running\",\"qosClass\":\"Burstable\"}}"

/* An API server that answers as it is told. */
struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *server;
    struct api_io *api;
    unsigned status;
    const char *body;
    struct gt_http_request *held; /* the first request, when it is to wait */
    bool hold;
    unsigned questions;
    char asked[ANSWERS_MAX][512]; /* bodies */
    char content_type[128];
    unsigned answers;
    unsigned wanted; /* answers until the loop stops */
    struct kube_answer got[ANSWERS_MAX];
};

static void
gone(void *arg)
{
    struct fixture *f = arg;

    f->held = NULL;
}

static void
answer(struct fixture *f, struct gt_http_request *request)
{
    struct gt_http_reply reply = {.status = f->status,
                                  .content_type = "application/json",
                                  .body = f->body,
                                  .len = strlen(f->body)};

    gt_http_answer(request, &reply);
}

static void
resize(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;
    size_t len = 0;
    const char *body = gt_http_body(request, &len);
    const char *type = gt_http_header(request, "Content-Type");

    assert_true(f->questions < ANSWERS_MAX);
    snprintf(f->asked[f->questions++], sizeof(f->asked[0]), "%s", body);
    snprintf(f->content_type, sizeof(f->content_type), "%s", type);
    if (f->hold) {
        f->hold = false;
        f->held = request;
        gt_http_on_gone(request, gone, f);
        gt_loop_stop(f->loop);
        return;
    }
    answer(f, request);
}

static const struct gt_http_route routes[] = {
    {"PATCH", PATH, resize, 4096}
};

static void
answered(void *arg, const struct kube_answer *got)
{
    struct fixture *f = arg;

    assert_true(f->answers < ANSWERS_MAX);
    f->got[f->answers++] = *got;
    if (f->answers >= f->wanted) {
        gt_loop_stop(f->loop);
    }
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char url[64];
    struct gt_err err;
    struct gt_http_config server = {.listen = "127.0.0.1:0",
                                    .routes = routes,
                                    .routes_len = GT_ARRAY_LEN(routes),
                                    .arg = f};
    struct api_io_config config = {.base_url = url,
                                   .token_file = "/nonexistent",
                                   .ca_file = "/nonexistent",
                                   .space = "shop",
                                   .pod = "web-0",
                                   .answered = answered,
                                   .arg = f};

    f->clock.speed = 1.0;
    f->loop = gt_loop_new(&f->clock, &err);
    f->server = gt_http_new(f->loop, &server, &err);
    assert_non_null(f->server);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u",
             (unsigned)gt_http_port(f->server));
    f->api = api_io_new(f->loop, &config, &err);
    assert_non_null(f->api);
    f->status = 200;
    f->body = POD;
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    api_io_free(f->api);
    if (f->server != NULL) {
        gt_http_free(f->server);
    }
    gt_loop_free(f->loop);
    free(f);
    return 0;
}

static struct kube_patch
to_cpu(int64_t milli)
{
    struct kube_patch patch;

    memset(&patch, 0, sizeof(patch));
    strcpy(patch.uid, "uid-1");
    patch.changes_len = 1;
    strcpy(patch.changes[0].name, "app");
    patch.changes[0].to = (struct kube_resources){
        .requests = {milli,       KUBE_ABSENT},
        .limits = {KUBE_ABSENT, KUBE_ABSENT},
    };
    return patch;
}

static void
patch(struct fixture *f, int64_t milli)
{
    struct kube_patch patch = to_cpu(milli);

    api_io_patch(f->api, &patch);
}

static void
wait_for(struct fixture *f, unsigned answers)
{
    f->wanted = answers;
    while (f->answers < answers) {
        assert_int_equal(gt_loop_run(f->loop), 0);
    }
}

static void
a_read_is_an_empty_patch(void **state)
{
    struct fixture *f = *state;

    api_io_read(f->api);
    wait_for(f, 1);
    assert_string_equal(f->asked[0], "{}");
    assert_string_equal(f->content_type,
                        "application/strategic-merge-patch+json");
    assert_int_equal(f->got[0].outcome, KUBE_APPLIED);
    assert_int_equal(f->got[0].status, 200);
    assert_string_equal(f->got[0].pod.uid, "uid-1");
    assert_int_equal(f->got[0].pod.generation, 7);
}

static void
a_patch_names_the_pod_and_its_change(void **state)
{
    struct fixture *f = *state;

    patch(f, 250);
    wait_for(f, 1);
    assert_non_null(strstr(f->asked[0], "uid-1"));
    assert_non_null(strstr(f->asked[0], "250m"));
}

static void
a_refusal_is_told_by_its_kind(void **state)
{
    struct fixture *f = *state;

    f->status = 403;
    f->body = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":"
              "\"Failure\",\"message\":\"exceeded quota: rq\",\"reason\":"
              "\"Forbidden\",\"code\":403}";
    patch(f, 250);
    wait_for(f, 1);
    assert_int_equal(f->got[0].outcome, KUBE_E_QUOTA);
    assert_int_equal(f->got[0].status, 403);
}

static void
an_answer_that_is_no_pod_is_told(void **state)
{
    static const char *const bodies[] = {
        "", "not JSON", "[]", "{\"kind\":\"Node\",\"apiVersion\":\"v1\"}"};
    struct fixture *f = *state;

    for (unsigned i = 0; i < GT_ARRAY_LEN(bodies); i++) {
        f->body = bodies[i];
        patch(f, 250);
        wait_for(f, i + 1);
        assert_int_equal(f->got[i].outcome, KUBE_E_ANSWER);
    }
}

static void
an_answer_too_large_is_none(void **state)
{
    struct fixture *f = *state;
    char *large = malloc(1 << 20);

    memset(large, ' ', 1 << 20);
    memcpy(large, "{", 1);
    large[(1 << 20) - 1] = '\0';
    f->body = large;
    patch(f, 250);
    wait_for(f, 1);
    assert_int_equal(f->got[0].outcome, KUBE_E_TRANSPORT);
    free(large);
}

static void
no_server_is_no_answer(void **state)
{
    struct fixture *f = *state;

    f->server = gt_http_free(f->server);
    patch(f, 250);
    wait_for(f, 1);
    assert_int_equal(f->got[0].outcome, KUBE_E_TRANSPORT);
    assert_true(f->got[0].message[0] != '\0');
}

/* Three requests, the first one under way: the second never leaves. */
static void
every_request_is_answered_once_and_in_order(void **state)
{
    struct fixture *f = *state;

    f->hold = true;
    patch(f, 100);
    while (f->held == NULL) {
        assert_int_equal(gt_loop_run(f->loop), 0);
    }
    patch(f, 200);
    patch(f, 300);
    f->status = 422;
    f->body = "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"code\":422}";
    answer(f, f->held);
    f->status = 200;
    f->body = POD;
    wait_for(f, 3);

    assert_int_equal(f->questions, 2);
    assert_non_null(strstr(f->asked[1], "300m"));
    assert_int_equal(f->got[0].outcome, KUBE_E_INVALID);
    assert_int_equal(f->got[1].outcome, KUBE_E_TRANSPORT);
    assert_int_equal(f->got[2].outcome, KUBE_APPLIED);
}

static void
a_request_under_way_is_dropped_at_the_end(void **state)
{
    struct fixture *f = *state;

    f->hold = true;
    patch(f, 100);
    while (f->held == NULL) {
        assert_int_equal(gt_loop_run(f->loop), 0);
    }
    patch(f, 200);
    assert_int_equal(f->answers, 0);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(a_read_is_an_empty_patch),
        EACH(a_patch_names_the_pod_and_its_change),
        EACH(a_refusal_is_told_by_its_kind),
        EACH(an_answer_that_is_no_pod_is_told),
        EACH(an_answer_too_large_is_none),
        EACH(no_server_is_no_answer),
        EACH(every_request_is_answered_once_and_in_order),
        EACH(a_request_under_way_is_dropped_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
