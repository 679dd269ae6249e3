/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/apiserver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "proto/kube.h"
#include "proto/quantity.h"

#define MIB       (INT64_C(1) << 20)
#define STRATEGIC "application/strategic-merge-patch+json"
#define POD_A     "/api/v1/namespaces/lab/pods/a"
#define START     1000

/* Three pods on two nodes of 2 cores and 4 GiB. */
struct fixture {
    struct trace_point point;
    struct trace_series series;
    struct node_pod_spec pods[3];
    struct node_spec nodes[2];
    struct node_config config;
    struct apiserver_config api_config;
    struct node_sim *sim;
    struct apiserver *api;
    char memory[1U << 16];
    struct gt_buf body;
    struct apiserver_answer answer;
    struct json_object *json; /* the body, parsed */
    struct kube_pod pod;
};

static int
set_up(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    static const char *const uids[] = {"uid-a", "uid-b", "uid-c"};
    struct fixture *f = calloc(1, sizeof(*f));

    f->point = (struct trace_point){
        0, {0.05, 30e6}
    };
    f->series = (struct trace_series){.points = &f->point, .len = 1};
    f->nodes[0] = (struct node_spec){
        "n1", {2000, 4096 * MIB}
    };
    f->nodes[1] = (struct node_spec){
        "n2", {2000, 4096 * MIB}
    };
    for (size_t i = 0; i < 3; i++) {
        f->pods[i] = (struct node_pod_spec){
            .name = names[i],
            .space = "lab",
            .uid = uids[i],
            .workload = "ReplicaSet/web",
            .node = i / 2,
            .containers_len = 1,
            .containers = {{"app", 1, {{100, 64 * MIB}, {500, 128 * MIB}}}},
            .annotations_len = 1,
            .annotations = {{"scaling.mesh/strategy", "potential-game"}},
            .series = &f->series,
        };
    }
    f->config = (struct node_config){
        .nodes = f->nodes,
        .nodes_len = 2,
        .pods = f->pods,
        .pods_len = 3,
        .start_ms = START,
        .latency_ms = NODE_LATENCY_MS,
    };
    f->api_config.history = 5;
    *state = f;
    return 0;
}

static void
start(struct fixture *f)
{
    f->sim = node_init(malloc(node_size(&f->config)), &f->config);
    f->api_config.sim = f->sim;
    f->api =
        apiserver_init(malloc(apiserver_size(&f->api_config)), &f->api_config);
}

static int
set_up_started(void **state)
{
    (void)set_up(state); /* returns 0 */
    start(*state);
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    json_object_put(f->json);
    free(f->api);
    free(f->sim);
    free(f);
    return 0;
}

static int
ask(struct fixture *f, const struct apiserver_request *request)
{
    gt_buf_init(&f->body, f->memory, sizeof(f->memory));
    apiserver_answer(f->api, request, START, &f->body, &f->answer);
    json_object_put(f->json);
    f->json = json_tokener_parse(f->memory);
    return f->answer.status;
}

static int
get(struct fixture *f, const char *path)
{
    return ask(f, &(struct apiserver_request){.method = "GET", .path = path});
}

static int
patch(struct fixture *f, const char *body)
{
    return ask(f, &(struct apiserver_request){
                      .method = "PATCH",
                      .path = POD_A "/resize",
                      .content_type = STRATEGIC,
                      .body = body,
                      .len = strlen(body),
                  });
}

static struct json_object *
at(struct json_object *object, const char *pointer)
{
    struct json_object *found = NULL;

    (void)json_pointer_get(object, pointer, &found); /* NULL where it fails */
    return found;
}

static const char *
text_at(struct fixture *f, const char *pointer)
{
    struct json_object *found = at(f->json, pointer);

    return found == NULL ? "(none)" : json_object_get_string(found);
}

/* The pod in the answer as the product reads it. */
static const struct kube_pod *
read_pod(struct fixture *f)
{
    assert_int_equal(kube_pod_decode(&f->pod, f->memory, f->body.len), KUBE_OK);
    return &f->pod;
}

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

/* The exchanges recorded from a 1.36 server. */

static int64_t
amount_at(struct json_object *resources, const char *kind, int resource)
{
    struct json_object *text =
        json_object_object_get(json_object_object_get(resources, kind),
                               resource == GT_CPU ? "cpu" : "memory");
    int64_t amount = KUBE_ABSENT;

    if (text != NULL) {
        assert_int_equal(quantity_decode((enum gt_resource)resource,
                                         json_object_get_string(text), &amount),
                         QUANTITY_OK);
    }
    return amount;
}

static const char *
member(struct json_object *object, const char *key)
{
    return json_object_get_string(json_object_object_get(object, key));
}

/* The pod that the exchange was had with, alone on a node. */
static void
given(struct fixture *f, struct json_object *exchange)
{
    struct json_object *containers = json_object_object_get(exchange, "given");
    struct node_pod_spec *pod = &f->pods[0];

    f->config.nodes_len = 1;
    f->config.pods_len = 1;
    pod->name = member(exchange, "pod");
    pod->uid = member(exchange, "uid");
    pod->uid = pod->uid == NULL ? "another" : pod->uid;
    pod->containers_len = json_object_array_length(containers);
    for (size_t i = 0; i < pod->containers_len; i++) {
        struct json_object *c = json_object_array_get_idx(containers, i);
        struct json_object *resources = json_object_object_get(c, "resources");
        pod->containers[i].name = member(c, "name");
        for (int r = 0; r < GT_RESOURCES; r++) {
            struct kube_resources *to = &pod->containers[i].resources;
            to->requests[r] = amount_at(resources, "requests", r);
            to->limits[r] = amount_at(resources, "limits", r);
        }
    }
    start(f);
}

static void
repeat(struct fixture *f, struct json_object *exchange)
{
    struct apiserver_request request = {
        .method = "PATCH",
        .path = member(exchange, "path"),
        .content_type = member(exchange, "type"),
        .body = member(exchange, "body"),
    };

    request.len = strlen(request.body);
    request.parameters[APISERVER_DRY_RUN] = member(exchange, "dryRun");
    (void)ask(f, &request); /* the caller compares */
}

/* Complains about what differs; true where nothing does. */
static bool
same(struct json_object *exchange, const char *what, struct json_object *got,
     struct json_object *wanted)
{
    if (json_object_equal(got, wanted) != 0) {
        return true;
    }
    print_error("%s: %s is %s\n", member(exchange, "name"), what,
                json_object_to_json_string(got));
    print_error("  where the server said %s\n",
                json_object_to_json_string(wanted));
    return false;
}

static bool
answers_alike(struct fixture *f, struct json_object *exchange)
{
    static const char *const refusal[] = {"reason", "message", "details"};
    struct json_object *answer = json_object_object_get(exchange, "answer");
    struct json_object *resources =
        json_object_object_get(exchange, "resources");
    struct json_object *status = json_object_new_int(f->answer.status);
    bool alike = same(exchange, "status", status,
                      json_object_object_get(exchange, "status"));

    json_object_put(status);
    for (size_t i = 0; answer != NULL && i < GT_ARRAY_LEN(refusal); i++) {
        alike = same(exchange, refusal[i],
                     json_object_object_get(f->json, refusal[i]),
                     json_object_object_get(answer, refusal[i])) &&
                alike;
    }
    if (resources == NULL) {
        return alike;
    }
    for (size_t i = 0; i < json_object_array_length(resources); i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer),
                       "/spec/containers/%zu/resources", i);
        alike = same(exchange, pointer, at(f->json, pointer),
                     json_object_array_get_idx(resources, i)) &&
                alike;
    }
    return same(exchange, "generation", at(f->json, "/metadata/generation"),
                json_object_object_get(exchange, "generation")) &&
           alike;
}

static void
recorded_exchanges_are_answered_alike(void **state)
{
    static char line[1U << 14];
    FILE *file = fopen("tests/data/resize-exchanges.jsonl", "r");
    size_t differ = 0;
    size_t count = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct json_object *exchange = json_tokener_parse(line);
        void *fixture;
        assert_non_null(exchange);
        (void)set_up(&fixture); /* returns 0 */
        given(fixture, exchange);
        repeat(fixture, exchange);
        differ += answers_alike(fixture, exchange) ? 0 : 1;
        count++;
        (void)tear_down(&fixture); /* returns 0 */
        json_object_put(exchange);
    }
    (void)fclose(file); /* was only read */

    assert_int_equal(differ, 0);
    assert_int_equal(count, 92);
}

static void
a_pod_reads_as_the_product_reads_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, POD_A), 200);
    const struct kube_pod *pod = read_pod(f);

    assert_string_equal(pod->name, "a");
    assert_string_equal(pod->uid, "uid-a");
    assert_string_equal(pod->node, "n1");
    assert_string_equal(pod->workload, "ReplicaSet/web");
    assert_string_equal(kube_pod_annotation(pod, "strategy"), "potential-game");
    assert_int_equal(pod->qos, KUBE_BURSTABLE);
    assert_int_equal(pod->containers_len, 1);
    assert_int_equal(pod->containers[0].spec.limits[GT_CPU], 500);
    assert_int_equal(pod->containers[0].actual.requests[GT_MEMORY], 64 * MIB);
    assert_true(pod->containers[0].ready);
    assert_true(kube_pod_settled(pod, 1));
}

static void
a_resize_is_settled_after_the_latency(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        patch(f, "{\"metadata\":{\"uid\":\"uid-a\"},\"spec\":{\"containers\":"
                 "[{\"name\":\"app\",\"resources\":{\"limits\":"
                 "{\"cpu\":\"700m\"}}}]}}"),
        200);
    assert_int_equal(read_pod(f)->generation, 2);
    assert_false(kube_pod_settled(read_pod(f), 2));

    node_advance(f->sim, START + 50);
    assert_int_equal(patch(f, "{}"), 200);
    assert_int_equal(read_pod(f)->resize, KUBE_RESIZE_IN_PROGRESS);
    node_advance(f->sim, START + 150);
    assert_int_equal(patch(f, "{}"), 200);
    assert_true(kube_pod_settled(read_pod(f), 2));
    assert_int_equal(f->pod.containers[0].actual.limits[GT_CPU], 700);
}

static void
a_deferred_resize_says_so_in_a_condition(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        patch(f, "{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":"
                 "{\"requests\":{\"cpu\":\"1950m\"},\"limits\":"
                 "{\"cpu\":\"2\"}}}]}}"),
        200);
    node_advance(f->sim, START + 50);
    assert_int_equal(get(f, POD_A "/resize"), 200);

    assert_int_equal(read_pod(f)->resize, KUBE_RESIZE_DEFERRED);
    assert_string_equal(f->pod.resize_message,
                        "Node didn't have enough resource: cpu, requested: "
                        "1950, used: 100, capacity: 2000");
    assert_string_equal(text_at(f, "/status/conditions/0/type"),
                        "PodResizePending");
}

static void
another_spelling_of_an_amount_is_a_write_but_no_generation(void **state)
{
    struct fixture *f = *state;
    uint64_t version = node_pod_version(f->sim, 0);

    assert_int_equal(
        patch(f, "{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":"
                 "{\"limits\":{\"memory\":\"134217728\"}}}]}}"),
        200);

    assert_int_equal(read_pod(f)->generation, 1);
    assert_string_equal(
        text_at(f, "/spec/containers/0/resources/limits/memory"), "134217728");
    assert_int_not_equal(node_pod_version(f->sim, 0), version);
}

static void
a_dry_run_stores_nothing(void **state)
{
    struct fixture *f = *state;
    static const char body[] =
        "{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":"
        "{\"limits\":{\"cpu\":\"600m\"}}}]}}";
    struct apiserver_request request = {
        .method = "PATCH",
        .path = POD_A "/resize",
        .content_type = STRATEGIC,
        .body = body,
        .len = sizeof(body) - 1,
    };

    request.parameters[APISERVER_DRY_RUN] = "All";
    assert_int_equal(ask(f, &request), 200);
    assert_int_equal(read_pod(f)->containers[0].spec.limits[GT_CPU], 600);

    assert_int_equal(get(f, POD_A), 200);
    assert_int_equal(read_pod(f)->generation, 1);
    assert_int_equal(f->pod.containers[0].spec.limits[GT_CPU], 500);
}

static void
what_is_not_there_is_404_and_what_is_not_allowed_405(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, "/api/v1/namespaces/lab/pods/z"), 404);
    assert_string_equal(text_at(f, "/message"), "pods \"z\" not found");
    assert_int_equal(get(f, "/api/v1/nodes/n3"), 404);
    assert_string_equal(text_at(f, "/details/kind"), "nodes");
    assert_int_equal(get(f, "/apis/apps/v1"), 404);
    assert_int_equal(get(f, "/api/v1/nodes/"), 404);
    assert_int_equal(get(f, "//////////////"), 404);
    assert_int_equal(get(f, ""), 404);
    assert_int_equal(
        ask(f, &(struct apiserver_request){.method = "DELETE", .path = POD_A}),
        405);
    assert_string_equal(text_at(f, "/reason"), "MethodNotAllowed");
    assert_int_equal(get(f, "/version"), 200);
    assert_string_equal(text_at(f, "/minor"), "36");
}

static void
a_body_that_is_no_patch_is_refused(void **state)
{
    static const char *const bodies[] = {"",     "[",     "\"x\"",
                                         "null", "{} {}", "[1]"};
    struct fixture *f = *state;

    for (size_t i = 0; i < GT_ARRAY_LEN(bodies); i++) {
        int status = patch(f, bodies[i]);

        assert_true(status == 400 || status == 422);
        assert_string_equal(text_at(f, "/kind"), "Status");
    }
}

static void
odd_patches_are_refused_and_change_nothing(void **state)
{
    static const char *const bodies[] = {
        "{\"spec\":null}",
        "{\"spec\":{\"containers\":null}}",
        "{\"spec\":{\"containers\":{}}}",
        "{\"spec\":{\"containers\":[1]}}",
        "{\"spec\":{\"containers\":[{}]}}",
        "{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":"
        "{\"limits\":{\"cpu\":null}}}]}}",
        "{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":"
        "{\"limits\":{\"cpu\":{}}}}]}}",
        "{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":null}]}}",
        "{\"metadata\":{\"uid\":7}}",
    };
    struct fixture *f = *state;
    uint64_t version = node_version(f->sim);

    for (size_t i = 0; i < GT_ARRAY_LEN(bodies); i++) {
        assert_int_equal(patch(f, bodies[i]), 422);
    }
    assert_int_equal(node_version(f->sim), version);
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
        cmocka_unit_test(recorded_exchanges_are_answered_alike),
        TEST(a_pod_reads_as_the_product_reads_it),
        TEST(a_resize_is_settled_after_the_latency),
        TEST(a_deferred_resize_says_so_in_a_condition),
        TEST(another_spelling_of_an_amount_is_a_write_but_no_generation),
        TEST(a_dry_run_stores_nothing),
        TEST(what_is_not_there_is_404_and_what_is_not_allowed_405),
        TEST(a_body_that_is_no_patch_is_refused),
        TEST(odd_patches_are_refused_and_change_nothing),
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
