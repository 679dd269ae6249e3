/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kube.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/golden.h"

#define POD  "tests/data/kube/pod.json"
#define NODE "tests/data/kube/node.json"

#define MI (INT64_C(1024) * 1024)

/* The golden pod with @what replaced by @with; NULL: as it is. */
static enum kube_decode
decode_pod(struct kube_pod *pod, const char *what, const char *with)
{
    struct golden golden;

    golden_read(&golden, POD);
    if (what != NULL) {
        golden_replace(&golden, what, with);
    }
    return kube_pod_decode(pod, golden.text, golden.len);
}

static void
a_pod_is_read_field_by_field(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, NULL, NULL), KUBE_OK);

    assert_string_equal(pod.name, "cart-7d4b9c-x2x7k");
    assert_string_equal(pod.space, "shop");
    assert_string_equal(pod.uid, "ea38538b-9db3-49ad-8515-1a9428d07df5");
    assert_string_equal(pod.node, "node-a");
    assert_string_equal(pod.workload, "ReplicaSet/cart-7d4b9c");
    assert_string_equal(pod.resource_version, "1714");
    assert_string_equal(pod.priority_class, "business");
    assert_int_equal(pod.generation, 2);
    assert_int_equal(pod.observed_generation, 2);
    assert_false(pod.terminating);
    assert_false(pod.finished);
    assert_int_equal(pod.qos, KUBE_BURSTABLE);
    assert_int_equal(pod.resize, KUBE_RESIZE_NONE);
}

static void
containers_keep_their_order_and_get_their_own_status(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, NULL, NULL), KUBE_OK);

    assert_int_equal(pod.containers_len, 2);
    const struct kube_container *app = &pod.containers[0];
    assert_string_equal(app->name, "app");
    assert_int_equal(app->spec.requests[GT_CPU], 1000);
    assert_int_equal(app->spec.requests[GT_MEMORY], 32 * MI);
    assert_int_equal(app->spec.limits[GT_CPU], 1500);
    assert_int_equal(app->spec.limits[GT_MEMORY], 64 * MI);
    assert_true(app->has_actual && app->ready);
    assert_string_equal(app->container_id, "containerd://11");
    const struct kube_container *log = &pod.containers[1];
    assert_string_equal(log->name, "log");
    assert_int_equal(log->spec.requests[GT_MEMORY], KUBE_ABSENT);
    assert_int_equal(log->spec.limits[GT_CPU], KUBE_ABSENT);
    assert_int_equal(log->restarts, 3);
}

static void
only_annotations_of_the_mesh_are_kept(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, NULL, NULL), KUBE_OK);

    assert_int_equal(pod.annotations_len, 3);
    assert_string_equal(kube_pod_annotation(&pod, "strategy"),
                        "potential-game");
    assert_string_equal(kube_pod_annotation(&pod, "max-memory.app"), "512Mi");
    assert_null(kube_pod_annotation(&pod, "scrape"));
    assert_null(kube_pod_annotation(&pod, "max-memory"));
}

static void
texts_may_be_of_any_language(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, "\"potential-game\"", "\"caf\xc3\xa9\""),
                     KUBE_OK);
    assert_string_equal(kube_pod_annotation(&pod, "strategy"), "caf\xc3\xa9");
}

static void
a_pod_needs_little_to_be_one(void **state)
{
    static const char json[] =
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"b\","
        "\"uid\":\"c\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"containers\":[{\"name\":\"d\"}]}}";
    struct kube_pod pod;
    (void)state;

    assert_int_equal(kube_pod_decode(&pod, json, strlen(json)), KUBE_OK);

    assert_string_equal(pod.node, "");
    assert_string_equal(pod.workload, "");
    assert_int_equal(pod.generation, 0);
    assert_int_equal(pod.qos, KUBE_BEST_EFFORT);
    assert_false(pod.containers[0].has_actual);
    assert_int_equal(pod.containers[0].spec.requests[GT_CPU], KUBE_ABSENT);
}

static void
the_end_of_a_pod_is_seen(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, "\"Running\"", "\"Succeeded\""), KUBE_OK);
    assert_true(pod.finished);
    assert_int_equal(decode_pod(&pod, "\"Running\"", "\"Failed\""), KUBE_OK);
    assert_true(pod.finished);
    assert_int_equal(
        decode_pod(&pod, "\"labels\"", "\"deletionTimestamp\": \"x\", \"l\""),
        KUBE_OK);
    assert_true(pod.terminating);
}

static void
the_qos_class_is_read_or_else_worked_out(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, "\"Burstable\"", "\"Guaranteed\""),
                     KUBE_OK);
    assert_int_equal(pod.qos, KUBE_GUARANTEED);
    assert_int_equal(decode_pod(&pod, "\"qosClass\"", "\"x\""), KUBE_OK);
    assert_int_equal(pod.qos, KUBE_BURSTABLE);
    assert_int_equal(decode_pod(&pod, "\"Burstable\"", "\"Royal\""),
                     KUBE_E_SHAPE);
}

static const char *
condition(const char *type, const char *reason)
{
    static char text[256];
    struct gt_buf buf;

    gt_buf_init(&buf, text, sizeof(text));
    gt_buf_format(&buf,
                  "\"conditions\": [{\"type\": \"%s\", \"status\": \"True\", "
                  "\"reason\": %s, \"message\": \"why\"},",
                  type, reason);
    return text;
}

static void
a_resize_condition_is_told_by_type_and_reason(void **state)
{
    static const struct {
        const char *type;
        const char *reason;
        enum kube_resize resize;
    } cases[] = {
        {"PodResizePending",    "\"Deferred\"",   KUBE_RESIZE_DEFERRED   },
        {"PodResizePending",    "\"Infeasible\"", KUBE_RESIZE_INFEASIBLE },
        {"PodResizePending",    "null",           KUBE_RESIZE_DEFERRED   },
        {"PodResizeInProgress", "null",           KUBE_RESIZE_IN_PROGRESS},
        {"PodResizeInProgress", "\"Error\"",      KUBE_RESIZE_ERROR      },
    };
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(cases); i++) {
        struct kube_pod pod;
        assert_int_equal(decode_pod(&pod, "\"conditions\": [",
                                    condition(cases[i].type, cases[i].reason)),
                         KUBE_OK);
        assert_int_equal(pod.resize, cases[i].resize);
        assert_string_equal(pod.resize_message, "why");
        assert_false(kube_pod_settled(&pod, 2));
    }
}

static void
of_two_resize_conditions_the_worse_one_counts(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(
        decode_pod(&pod, "\"conditions\": [",
                   "\"conditions\": ["
                   "{\"type\": \"PodResizePending\", \"status\": \"True\", "
                   "\"reason\": \"Deferred\", \"message\": \"no room\"},"
                   "{\"type\": \"PodResizeInProgress\", \"status\": \"True\"},"
                   "{\"type\": \"PodResizeInProgress\", \"status\": \"False\","
                   "\"reason\": \"Error\"},"),
        KUBE_OK);

    assert_int_equal(pod.resize, KUBE_RESIZE_DEFERRED);
    assert_string_equal(pod.resize_message, "no room");
}

static void
a_long_message_is_cut_between_characters(void **state)
{
    struct kube_pod pod;
    char text[1024];
    struct gt_buf buf;
    (void)state;
    gt_buf_init(&buf, text, sizeof(text));
    gt_buf_text(&buf, "\"conditions\": [{\"type\": \"PodResizePending\", "
                      "\"status\": \"True\", \"message\": \"");
    for (int i = 0; i < 200; i++) {
        gt_buf_text(&buf, "\xe2\x82\xac"); /* a euro sign */
    }
    gt_buf_text(&buf, "\"},");

    assert_int_equal(decode_pod(&pod, "\"conditions\": [", text), KUBE_OK);

    /* 511 bytes have room for 170 characters of three bytes. */
    assert_int_equal(strlen(pod.resize_message), 510);
}

static void
a_resize_is_done_when_the_kubelet_saw_it_and_all_is_as_asked(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, NULL, NULL), KUBE_OK);
    assert_true(kube_pod_settled(&pod, 2));
    assert_false(kube_pod_settled(&pod, 3));
    assert_int_equal(decode_pod(&pod, "\"1000m\"", "\"1001m\""), KUBE_OK);
    assert_false(kube_pod_settled(&pod, 2));
    assert_int_equal(decode_pod(&pod, "\"67108864\"", "\"67108863\""), KUBE_OK);
    assert_false(kube_pod_settled(&pod, 2));
    assert_int_equal(
        decode_pod(&pod, "{\"cpu\": \"50m\"}}}", "{}, \"limits\": {}}}"),
        KUBE_OK);
    assert_false(kube_pod_settled(&pod, 2));
}

static void
a_container_without_reported_resources_does_not_hold_up_a_resize(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(
        decode_pod(&pod, "\"resources\": {\"requests\": {\"cpu\": \"50m\"}}},",
                   "\"lastState\": {}},"),
        KUBE_OK);

    assert_false(pod.containers[1].has_actual);
    assert_true(kube_pod_settled(&pod, 2));
}

static void
a_pod_counts_with_the_larger_of_spec_and_actual(void **state)
{
    struct kube_pod pod;
    (void)state;

    /* 1000m and 50m, and 10m of the sidecar */
    assert_int_equal(decode_pod(&pod, NULL, NULL), KUBE_OK);
    assert_int_equal(kube_pod_request(&pod, GT_CPU), 1060);
    assert_int_equal(decode_pod(&pod, "\"1000m\"", "\"1100m\""), KUBE_OK);
    assert_int_equal(kube_pod_request(&pod, GT_CPU), 1160);
    assert_int_equal(decode_pod(&pod, "\"1000m\"", "\"900m\""), KUBE_OK);
    assert_int_equal(kube_pod_request(&pod, GT_CPU), 1060);
    pod.resize = KUBE_RESIZE_INFEASIBLE;
    assert_int_equal(kube_pod_request(&pod, GT_CPU), 960);
}

static void
a_pod_counts_with_its_start_and_its_overhead(void **state)
{
    struct kube_pod pod;
    (void)state;

    /* 32Mi and 24Mi of the sidecar are less than 64Mi for the start. */
    assert_int_equal(decode_pod(&pod, NULL, NULL), KUBE_OK);
    assert_int_equal(pod.sidecar_requests[GT_MEMORY], 24 * MI);
    assert_int_equal(kube_pod_request(&pod, GT_MEMORY), 64 * MI);
    assert_int_equal(decode_pod(&pod, "\"tolerations\": []",
                                "\"overhead\": {\"memory\": \"8Mi\", "
                                "\"cpu\": \"5m\"}"),
                     KUBE_OK);
    assert_int_equal(kube_pod_request(&pod, GT_MEMORY), 72 * MI);
    assert_int_equal(kube_pod_request(&pod, GT_CPU), 1065);
}

static void
an_amount_beyond_all_machines_is_the_largest_one(void **state)
{
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_pod(&pod, "1500m\", \"memory\": \"64Mi\"",
                                "1500m\", \"memory\": \"16Ei\""),
                     KUBE_OK);
    assert_int_equal(pod.containers[0].spec.limits[GT_MEMORY], KUBE_AMOUNT_MAX);
    assert_int_equal(decode_pod(&pod, "1500m\", \"memory\": \"64Mi\"",
                                "1500m\", \"memory\": \"10000Ti\""),
                     KUBE_OK);
    assert_int_equal(pod.containers[0].spec.limits[GT_MEMORY], KUBE_AMOUNT_MAX);
}

static void
what_is_no_pod_is_refused(void **state)
{
    static const struct {
        const char *what;
        const char *with;
        enum kube_decode outcome;
    } cases[] = {
        {"{",                     "",                                KUBE_E_SYNTAX},
        {"\"Pod\"",               "\"Node\"",                        KUBE_E_SHAPE },
        {"\"uid\"",               "\"x\"",                           KUBE_E_SHAPE },
        {"\"containers\": [",     "\"containers\": [], \"x\": [",    KUBE_E_SHAPE },
        {"\"shop\"",              "3",                               KUBE_E_SHAPE },
        {"\"1714\"",              "1714",                            KUBE_E_SHAPE },
        {"\"generation\": 2",     "\"generation\": \"2\"",           KUBE_E_SHAPE },
        {"\"generation\": 2",     "\"generation\": -2",              KUBE_E_SHAPE },
        {"\"potential-game\"",    "[]",                              KUBE_E_SHAPE },
        {"\"controller\": true",  "\"controller\": 1",               KUBE_E_SHAPE },
        {"\"containers\"",        "\"x\"",                           KUBE_E_SHAPE },
        {"\"name\": \"app\"",     "\"name\": \"a\\u0000b\"",         KUBE_E_SHAPE },
        {"\"1500m\"",             "1.5",                             KUBE_E_SHAPE },
        {"\"1500m\"",             "\"1.5 cpus\"",                    KUBE_E_SHAPE },
        {"\"1500m\"",             "\"-1500m\"",                      KUBE_E_SHAPE },
        {"{\"cpu\": \"50m\"}",    "\"50m\"",                         KUBE_E_SHAPE },
        {"\"initContainers\": [", "\"initContainers\": 1, \"x\": [",
         KUBE_E_SHAPE                                                             },
        {"\"status\": {",         "\"status\": [], \"x\": {",        KUBE_E_SHAPE },
        {"\"conditions\": [",     "\"conditions\": {}, \"x\": [",    KUBE_E_SHAPE },
        {"\"restartCount\": 3",   "\"restartCount\": 1e99",          KUBE_E_SHAPE },
    };
    static const struct kube_pod untouched = {.generation = 77};
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(cases); i++) {
        struct kube_pod pod = untouched;
        enum kube_decode got = decode_pod(&pod, cases[i].what, cases[i].with);
        if (got != cases[i].outcome) {
            fail_msg("%s for %s is %d", cases[i].with, cases[i].what, got);
        }
        assert_memory_equal(&pod, &untouched, sizeof(pod));
    }
}

/* An element of a list is @head, its number, @tail. */
struct element {
    const char *head;
    const char *tail;
};

/* Decodes the golden pod with @count elements put in after @what. */
static enum kube_decode
decode_crowded(struct kube_pod *pod, const char *what, size_t count,
               const struct element *element)
{
    char memory[8192];
    struct gt_buf text;

    gt_buf_init(&text, memory, sizeof(memory));
    gt_buf_text(&text, what);
    for (size_t i = 0; i < count; i++) {
        gt_buf_format(&text, "%s%zu%s", element->head, i, element->tail);
    }
    assert_false(text.overflow);
    return decode_pod(pod, what, text.data);
}

static void
more_containers_or_annotations_than_there_is_room_are_refused(void **state)
{
    static const char containers[] = "\"containers\": [";
    static const char annotations[] = "\"annotations\": {";
    static const struct element container = {"{\"name\": \"c", "\"},"};
    static const struct element annotation = {"\"scaling.mesh/a", "\": \"b\","};
    struct kube_pod pod;
    (void)state;

    assert_int_equal(decode_crowded(&pod, containers, 6, &container), KUBE_OK);
    assert_int_equal(pod.containers_len, KUBE_CONTAINERS_MAX);
    assert_int_equal(decode_crowded(&pod, containers, 7, &container),
                     KUBE_E_SHAPE);
    assert_int_equal(decode_crowded(&pod, annotations, 29, &annotation),
                     KUBE_OK);
    assert_int_equal(pod.annotations_len, KUBE_ANNOTATIONS_MAX);
    assert_int_equal(decode_crowded(&pod, annotations, 30, &annotation),
                     KUBE_E_SHAPE);
}

static void
a_node_is_its_name_and_what_it_can_give(void **state)
{
    struct golden golden;
    struct kube_node node;
    (void)state;
    golden_read(&golden, NODE);

    assert_int_equal(kube_node_decode(&node, golden.text, golden.len), KUBE_OK);

    assert_string_equal(node.name, "node-a");
    assert_string_equal(node.resource_version, "1436");
    assert_int_equal(node.allocatable[GT_CPU], 1930);
    assert_int_equal(node.allocatable[GT_MEMORY], INT64_C(24581696) * 1024);
    golden_replace(&golden, "\"cpu\": \"1930m\",", "");
    assert_int_equal(kube_node_decode(&node, golden.text, golden.len),
                     KUBE_E_SHAPE);
    golden_replace(&golden, "\"Node\"", "\"Pod\"");
    assert_int_equal(kube_node_decode(&node, golden.text, golden.len),
                     KUBE_E_SHAPE);
    assert_int_equal(kube_node_decode(&node, golden.text, golden.len - 3),
                     KUBE_E_SYNTAX);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_is_read_field_by_field),
        cmocka_unit_test(containers_keep_their_order_and_get_their_own_status),
        cmocka_unit_test(only_annotations_of_the_mesh_are_kept),
        cmocka_unit_test(texts_may_be_of_any_language),
        cmocka_unit_test(a_pod_needs_little_to_be_one),
        cmocka_unit_test(the_end_of_a_pod_is_seen),
        cmocka_unit_test(the_qos_class_is_read_or_else_worked_out),
        cmocka_unit_test(a_resize_condition_is_told_by_type_and_reason),
        cmocka_unit_test(of_two_resize_conditions_the_worse_one_counts),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(
            a_resize_is_done_when_the_kubelet_saw_it_and_all_is_as_asked),
        cmocka_unit_test(
            a_container_without_reported_resources_does_not_hold_up_a_resize),
        cmocka_unit_test(a_pod_counts_with_the_larger_of_spec_and_actual),
        cmocka_unit_test(a_pod_counts_with_its_start_and_its_overhead),
        cmocka_unit_test(an_amount_beyond_all_machines_is_the_largest_one),
        cmocka_unit_test(what_is_no_pod_is_refused),
        cmocka_unit_test(
            more_containers_or_annotations_than_there_is_room_are_refused),
        cmocka_unit_test(a_node_is_its_name_and_what_it_can_give),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
