/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kube.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/golden.h"

static void
a_watch_is_read_line_by_line(void **state)
{
    static const struct {
        enum kube_watch_kind kind;
        const char *version;
    } expected[] = {
        {KUBE_WATCH_ADDED,    "922"},
        {KUBE_WATCH_MODIFIED, "923"},
        {KUBE_WATCH_DELETED,  "926"},
        {KUBE_WATCH_BOOKMARK, "929"},
        {KUBE_WATCH_EXPIRED,  ""   },
        {KUBE_WATCH_ERROR,    ""   },
    };
    struct golden golden;
    struct kube_watch_event event;
    (void)state;
    golden_read(&golden, "tests/data/kube/watch.txt");
    const char *line = golden.text;

    for (size_t i = 0; i < GT_ARRAY_LEN(expected); i++) {
        size_t len = strcspn(line, "\n");
        assert_int_equal(kube_watch_decode(&event, KUBE_OBJECT_POD, line, len),
                         KUBE_OK);
        assert_int_equal(event.kind, expected[i].kind);
        assert_string_equal(event.resource_version, expected[i].version);
        if (event.kind <= KUBE_WATCH_DELETED) {
            assert_string_equal(event.pod.uid, "uid-a");
        }
        line += len + 1;
    }
    assert_string_equal(line, "");
}

static void
a_watch_of_nodes_carries_nodes(void **state)
{
    static const char line[] =
        "{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Node\",\"metadata\":{"
        "\"name\":\"n\",\"resourceVersion\":\"7\"},\"status\":{"
        "\"allocatable\":{\"cpu\":\"2\",\"memory\":\"1Gi\"}}}}";
    struct kube_watch_event event;
    (void)state;

    assert_int_equal(
        kube_watch_decode(&event, KUBE_OBJECT_NODE, line, strlen(line)),
        KUBE_OK);

    assert_int_equal(event.kind, KUBE_WATCH_MODIFIED);
    assert_string_equal(event.node.name, "n");
    assert_int_equal(event.node.allocatable[GT_CPU], 2000);
    assert_int_equal(
        kube_watch_decode(&event, KUBE_OBJECT_POD, line, strlen(line)),
        KUBE_E_SHAPE);
}

static void
what_is_no_event_is_refused(void **state)
{
    static const struct {
        const char *line;
        enum kube_decode outcome;
    } cases[] = {
        {"",                                                      KUBE_E_SYNTAX},
        {"{\"type\":\"ADD",                                       KUBE_E_SYNTAX},
        {"[]",                                                    KUBE_E_SHAPE },
        {"null",                                                  KUBE_E_SYNTAX},
        {"{\"type\":\"RENAMED\",\"object\":{\"kind\":\"Pod\"}}",  KUBE_E_SHAPE },
        {"{\"type\":\"ADDED\"}",                                  KUBE_E_SHAPE },
        {"{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\"}}",    KUBE_E_SHAPE },
        {"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\"}}", KUBE_E_SHAPE },
        {"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Pod\"}}",    KUBE_E_SHAPE },
        {"{\"kind\":\"Status\",\"code\":500}",                    KUBE_E_SHAPE },
    };
    static const struct kube_watch_event untouched = {.kind = 77};
    struct golden golden;
    struct kube_watch_event other;
    (void)state;
    golden_read(&golden, "tests/data/kube/watch.txt");
    golden_replace(&golden, "\"Pod\"", "\"Cat\"");

    assert_int_equal(kube_watch_decode(&other, KUBE_OBJECT_POD, golden.text,
                                       strcspn(golden.text, "\n")),
                     KUBE_E_SHAPE);

    for (size_t i = 0; i < GT_ARRAY_LEN(cases); i++) {
        struct kube_watch_event event = untouched;
        enum kube_decode got = kube_watch_decode(
            &event, KUBE_OBJECT_POD, cases[i].line, strlen(cases[i].line));
        if (got != cases[i].outcome) {
            fail_msg("%s is %d", cases[i].line, got);
        }
        assert_int_equal(event.kind, untouched.kind);
    }
}

static void
a_page_is_read_item_by_item(void **state)
{
    struct golden golden;
    struct kube_watch_event event;
    enum kube_decode why;
    (void)state;
    golden_read(&golden, "tests/data/kube/list.json");

    struct kube_list *list =
        kube_list_open(KUBE_OBJECT_POD, golden.text, golden.len, &why);

    assert_non_null(list);
    assert_int_equal(why, KUBE_OK);
    assert_int_equal(kube_list_len(list), 3);
    assert_string_equal(kube_list_continue(list), "eyJ2IjoibWV0YSJ9");
    assert_string_equal(kube_list_resource_version(list), "919");
    assert_int_equal(kube_list_item(list, 0, &event), KUBE_OK);
    assert_int_equal(event.kind, KUBE_WATCH_ADDED);
    assert_string_equal(event.resource_version, "916");
    assert_string_equal(event.pod.name, "a");
    assert_int_equal(kube_list_item(list, 1, &event), KUBE_E_SHAPE);
    assert_int_equal(kube_list_item(list, 2, &event), KUBE_OK);
    assert_string_equal(event.pod.name, "b");
    assert_int_equal(kube_list_item(list, 3, &event), KUBE_E_SHAPE);
    assert_null(kube_list_free(list));
}

static void
an_empty_or_last_page_is_a_page(void **state)
{
    static const char *const pages[] = {
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\"},"
        "\"items\":[]}",
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\","
        "\"continue\":\"\"},\"items\":null}",
    };
    enum kube_decode why;
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(pages); i++) {
        struct kube_list *list =
            kube_list_open(KUBE_OBJECT_POD, pages[i], strlen(pages[i]), &why);
        assert_non_null(list);
        assert_int_equal(kube_list_len(list), 0);
        assert_string_equal(kube_list_continue(list), "");
        assert_null(kube_list_free(list));
    }
}

static void
what_is_no_page_is_refused(void **state)
{
    struct golden golden;
    enum kube_decode why;
    (void)state;
    golden_read(&golden, "tests/data/kube/list.json");

    assert_null(
        kube_list_open(KUBE_OBJECT_NODE, golden.text, golden.len, &why));
    assert_int_equal(why, KUBE_E_SHAPE);
    assert_null(
        kube_list_open(KUBE_OBJECT_POD, golden.text, golden.len - 3, &why));
    assert_int_equal(why, KUBE_E_SYNTAX);
    golden_replace(&golden, "\"items\": [", "\"items\": 3, \"x\": [");
    assert_null(kube_list_open(KUBE_OBJECT_POD, golden.text, golden.len, &why));
    assert_int_equal(why, KUBE_E_SHAPE);
    golden_read(&golden, "tests/data/kube/410-list.json");
    assert_null(kube_list_open(KUBE_OBJECT_POD, golden.text, golden.len, &why));
    assert_int_equal(why, KUBE_E_SHAPE);
    assert_null(kube_list_free(NULL));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_is_read_line_by_line),
        cmocka_unit_test(a_watch_of_nodes_carries_nodes),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_page_is_read_item_by_item),
        cmocka_unit_test(an_empty_or_last_page_is_a_page),
        cmocka_unit_test(what_is_no_page_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
