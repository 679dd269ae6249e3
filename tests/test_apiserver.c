/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/quantity.h"
#include "tests/apiserver_fixture.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
