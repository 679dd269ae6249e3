/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/apiserver_fixture.h"

static struct kube_watch_event
next_event(struct fixture *f, const char **line)
{
    struct kube_watch_event event;
    size_t len = strcspn(*line, "\n");

    assert_int_equal((*line)[len], '\n');
    assert_int_equal(
        kube_watch_decode(&event,
                          f->answer.watch.filter.object == APISERVER_PODS
                              ? KUBE_OBJECT_POD
                              : KUBE_OBJECT_NODE,
                          *line, len),
        KUBE_OK);
    *line += len + 1;
    return event;
}

/* Opens a watch of @path. */
static void
watch(struct fixture *f, const char *path, const char *version,
      const char *selector)
{
    struct apiserver_request request = {.method = "GET", .path = path};

    request.parameters[APISERVER_WATCH] = "true";
    request.parameters[APISERVER_ALLOW_WATCH_BOOKMARKS] = "true";
    request.parameters[APISERVER_TIMEOUT_SECONDS] = "8";
    request.parameters[APISERVER_RESOURCE_VERSION] = version;
    request.parameters[APISERVER_FIELD_SELECTOR] = selector;
    assert_int_equal(ask(f, &request), 200);
    assert_true(f->answer.is_watch);
}

/* What the watch has to say at @ms after the start. */
static enum apiserver_stream
stream(struct fixture *f, uint64_t ms)
{
    gt_buf_reset(&f->body);
    return apiserver_stream(f->api, &f->answer.watch, START + ms, &f->body);
}

static void
a_list_comes_in_pages(void **state)
{
    struct fixture *f = *state;
    struct apiserver_request request = {.method = "GET",
                                        .path = "/api/v1/pods"};
    struct kube_watch_event event;
    enum kube_decode why;
    char token[64];

    request.parameters[APISERVER_LIMIT] = "2";
    assert_int_equal(ask(f, &request), 200);
    struct kube_list *page =
        kube_list_open(KUBE_OBJECT_POD, f->memory, f->body.len, &why);
    assert_int_equal(kube_list_len(page), 2);
    assert_int_equal(kube_list_item(page, 1, &event), KUBE_OK);
    assert_string_equal(event.pod.name, "b");
    assert_string_equal(kube_list_resource_version(page), "5");
    (void)snprintf(token, sizeof(token), "%s", kube_list_continue(page));
    (void)kube_list_free(page); /* NULL */

    request.parameters[APISERVER_CONTINUE] = token;
    assert_int_equal(ask(f, &request), 200);
    page = kube_list_open(KUBE_OBJECT_POD, f->memory, f->body.len, &why);
    assert_int_equal(kube_list_len(page), 1);
    assert_string_equal(kube_list_continue(page), "");
    (void)kube_list_free(page); /* NULL */

    for (int i = 0; i < 6; i++) {
        node_pod_touch(f->sim, 0);
    }
    assert_int_equal(ask(f, &request), 410);
    assert_string_equal(text_at(f, "/reason"), "Expired");
    assert_string_equal(text_at(f, "/metadata/continue"), "2.11");
}

static size_t
count_pods(struct fixture *f, const char *path, const char *selector)
{
    struct apiserver_request request = {.method = "GET", .path = path};

    request.parameters[APISERVER_FIELD_SELECTOR] = selector;
    assert_int_equal(ask(f, &request), 200);
    return json_object_array_length(at(f->json, "/items"));
}

static void
a_list_keeps_to_its_selectors(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(count_pods(f, "/api/v1/pods", "spec.nodeName=n1"), 2);
    assert_int_equal(
        count_pods(f, "/api/v1/pods", "spec.nodeName==n1,metadata.name=b"), 1);
    assert_int_equal(count_pods(f, "/api/v1/pods", "status.phase=Running"), 3);
    assert_int_equal(count_pods(f, "/api/v1/pods", "status.phase=Failed"), 0);
    assert_int_equal(count_pods(f, "/api/v1/namespaces/lab/pods", NULL), 3);
    assert_int_equal(count_pods(f, "/api/v1/namespaces/other/pods", NULL), 0);
    assert_int_equal(count_pods(f, "/api/v1/nodes", "metadata.name=n2"), 1);
}

static void
bad_parameters_are_named(void **state)
{
    struct fixture *f = *state;
    struct apiserver_request request = {.method = "GET",
                                        .path = "/api/v1/pods"};

    request.parameters[APISERVER_FIELD_SELECTOR] = "spec.bogus=x";
    assert_int_equal(ask(f, &request), 400);
    assert_string_equal(text_at(f, "/message"),
                        "field label not supported: spec.bogus");
    request.parameters[APISERVER_FIELD_SELECTOR] = NULL;
    request.parameters[APISERVER_LABEL_SELECTOR] = "a=b";
    assert_int_equal(ask(f, &request), 400);
    request.parameters[APISERVER_LABEL_SELECTOR] = NULL;
    request.parameters[APISERVER_LIMIT] = "many";
    assert_int_equal(ask(f, &request), 400);
    request.parameters[APISERVER_LIMIT] = NULL;
    request.parameters[APISERVER_CONTINUE] = "1";
    assert_int_equal(ask(f, &request), 400);
    request.parameters[APISERVER_CONTINUE] = NULL;
    request.parameters[APISERVER_RESOURCE_VERSION] = "abc";
    assert_int_equal(ask(f, &request), 400);
    request.parameters[APISERVER_RESOURCE_VERSION] = "99999999";
    assert_int_equal(ask(f, &request), 504);
    assert_int_equal(f->answer.retry_after_s, 1);
    assert_string_equal(text_at(f, "/message"),
                        "Timeout: Too large resource version: 99999999, "
                        "current: 5");
    request.parameters[APISERVER_WATCH] = "true";
    request.parameters[APISERVER_RESOURCE_VERSION] = "abc";
    assert_int_equal(ask(f, &request), 500);
}

static void
a_watch_tells_what_changes_after_its_version(void **state)
{
    struct fixture *f = *state;
    const char *line = f->memory;

    watch(f, "/api/v1/pods", "5", "spec.nodeName=n1");
    assert_int_equal(stream(f, 0), APISERVER_STREAM_OPEN);
    assert_int_equal(f->body.len, 0);

    node_pod_touch(f->sim, 2);
    node_pod_touch(f->sim, 1);
    node_pod_touch(f->sim, 0);
    assert_int_equal(stream(f, 10), APISERVER_STREAM_OPEN);
    struct kube_watch_event event = next_event(f, &line);
    assert_int_equal(event.kind, KUBE_WATCH_MODIFIED);
    assert_string_equal(event.pod.name, "b");
    event = next_event(f, &line);
    assert_string_equal(event.pod.name, "a");
    assert_string_equal(event.resource_version, "8");
    assert_int_equal(*line, '\0');
}

static void
a_watch_without_a_version_begins_with_what_exists(void **state)
{
    struct fixture *f = *state;
    const char *line = f->memory;

    watch(f, "/api/v1/nodes", NULL, NULL);
    assert_int_equal(stream(f, 0), APISERVER_STREAM_OPEN);
    struct kube_watch_event event = next_event(f, &line);
    assert_int_equal(event.kind, KUBE_WATCH_ADDED);
    assert_string_equal(event.node.name, "n1");
    assert_int_equal(event.node.allocatable[GT_MEMORY], 4096 * MIB);
    event = next_event(f, &line);
    assert_string_equal(event.node.name, "n2");
    assert_int_equal(*line, '\0');

    assert_int_equal(stream(f, 10), APISERVER_STREAM_OPEN);
    assert_int_equal(f->body.len, 0);
}

static void
bookmarks_come_before_the_end(void **state)
{
    struct fixture *f = *state;
    const char *line = f->memory;

    watch(f, "/api/v1/pods", "5", NULL);
    assert_int_equal(stream(f, 5900), APISERVER_STREAM_OPEN);
    assert_int_equal(f->body.len, 0);
    assert_int_equal(stream(f, 6000), APISERVER_STREAM_OPEN);
    struct kube_watch_event event = next_event(f, &line);
    assert_int_equal(event.kind, KUBE_WATCH_BOOKMARK);
    assert_string_equal(event.resource_version, "5");

    assert_int_equal(stream(f, 7999), APISERVER_STREAM_OPEN);
    assert_int_equal(stream(f, 8000), APISERVER_STREAM_END);
}

static void
the_end_of_the_initial_events_is_announced(void **state)
{
    struct fixture *f = *state;
    struct apiserver_request request = {.method = "GET",
                                        .path = "/api/v1/pods"};
    const char *line = f->memory;

    request.parameters[APISERVER_WATCH] = "1";
    request.parameters[APISERVER_SEND_INITIAL_EVENTS] = "true";
    request.parameters[APISERVER_FIELD_SELECTOR] = "metadata.name=c";
    assert_int_equal(ask(f, &request), 200);
    assert_int_equal(stream(f, 0), APISERVER_STREAM_OPEN);

    assert_int_equal(next_event(f, &line).kind, KUBE_WATCH_ADDED);
    assert_non_null(strstr(line, "k8s.io/initial-events-end"));
    assert_int_equal(next_event(f, &line).kind, KUBE_WATCH_BOOKMARK);
}

static void
a_watch_from_too_far_back_is_told_410_in_its_stream(void **state)
{
    struct fixture *f = *state;
    const char *line = f->memory;

    for (int i = 0; i < 6; i++) {
        node_pod_touch(f->sim, 0);
    }
    watch(f, "/api/v1/pods", "5", NULL);
    assert_int_equal(stream(f, 0), APISERVER_STREAM_END);

    assert_non_null(strstr(line, "too old resource version: 5 (11)"));
    assert_int_equal(next_event(f, &line).kind, KUBE_WATCH_EXPIRED);
}

static void
a_watch_of_the_future_is_silent(void **state)
{
    struct fixture *f = *state;

    watch(f, "/api/v1/pods", "99999999", NULL);
    node_pod_touch(f->sim, 0);
    assert_int_equal(stream(f, 1000), APISERVER_STREAM_OPEN);

    assert_int_equal(f->body.len, 0);
}

static void
a_watch_without_room_goes_on_where_it_stopped(void **state)
{
    struct fixture *f = *state;
    const char *line = f->memory;

    watch(f, "/api/v1/pods", "0", NULL);
    gt_buf_init(&f->body, f->memory, 2000);
    assert_int_equal(
        apiserver_stream(f->api, &f->answer.watch, START, &f->body),
        APISERVER_STREAM_OPEN);
    assert_string_equal(next_event(f, &line).pod.name, "a");
    assert_int_equal(*line, '\0');

    gt_buf_init(&f->body, f->memory, sizeof(f->memory));
    line = f->memory;
    assert_int_equal(stream(f, 0), APISERVER_STREAM_OPEN);
    struct kube_watch_event event = next_event(f, &line);
    assert_int_equal(event.kind, KUBE_WATCH_ADDED);
    assert_string_equal(event.pod.name, "b");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, set_up_started, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_list_comes_in_pages),
        TEST(a_list_keeps_to_its_selectors),
        TEST(bad_parameters_are_named),
        TEST(a_watch_tells_what_changes_after_its_version),
        TEST(a_watch_without_a_version_begins_with_what_exists),
        TEST(bookmarks_come_before_the_end),
        TEST(the_end_of_the_initial_events_is_announced),
        TEST(a_watch_from_too_far_back_is_told_410_in_its_stream),
        TEST(a_watch_of_the_future_is_silent),
        TEST(a_watch_without_room_goes_on_where_it_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
