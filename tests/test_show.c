/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/show.h"

#include <json-c/json.h>

#include "tests/arbiter_fixture.h"

static char text[65536];

static const char *
metrics(const struct fixture *f)
{
    struct gt_buf out;

    gt_buf_init(&out, text, sizeof(text));
    show_metrics(f->arbiter, &out);
    assert_false(out.overflow);
    return text;
}

static struct json_object *
state_of(const struct fixture *f)
{
    struct gt_buf out;
    struct json_object *parsed;

    gt_buf_init(&out, text, sizeof(text));
    show_state(f->arbiter, (struct gt_time){.mono_ms = f->now_ms}, &out);
    assert_false(out.overflow);
    parsed = json_tokener_parse(text);
    assert_non_null(parsed);
    return parsed;
}

static struct json_object *
get(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    assert_true(json_object_object_get_ex(object, key, &value));
    return value;
}

/* One agent that was given a green light and moved. */
static struct wire_strategy
moved(struct fixture *f)
{
    struct wire_strategy a = agent("a", 1000);

    cpu_of(&a)->value = -1.25;
    hear(f, &a);
    ask(f, &a, 1500, 9.0);
    assert_true(next_signal(f));
    obey(f, &a);
    return a;
}

static void
metrics_tell_of_nodes_messages_lights_and_moves(void **state)
{
    struct fixture *f = *state;
    const char *said;

    moved(f);
    said = metrics(f);

    assert_non_null(strstr(said, "gtcas_arbiter_build_info{version=\""));
    assert_non_null(strstr(said, "\ngtcas_arbiter_synced 1\n"));
    assert_non_null(strstr(said, "\ngtcas_arbiter_agents 1\n"));
    assert_non_null(strstr(said,
                           "\ngtcas_arbiter_messages_total{kind=\"hello\","
                           "fate=\"joined\"} 1\n"));
    assert_non_null(
        strstr(said, "\ngtcas_arbiter_lights_total{color=\"green\"} 1\n"));
    assert_non_null(
        strstr(said, "\ngtcas_arbiter_moves_total{end=\"made\"} 1\n"));
    assert_non_null(strstr(said, "\ngtcas_arbiter_potential_drops_total 0\n"));
    assert_non_null(strstr(said, "\ngtcas_arbiter_node_load_hi{node=\"n1\","
                                 "resource=\"cpu\"} 1.5\n"));
    assert_non_null(strstr(said, "\ngtcas_arbiter_node_capacity{node=\"n1\","
                                 "resource=\"memory\"} 8589934592\n"));
    assert_non_null(strstr(said, "\ngtcas_arbiter_node_potential{node=\"n1\","
                                 "resource=\"cpu\"} -1.25\n"));
    assert_non_null(strstr(said, "\n# EOF\n"));
}

static void
the_state_is_json_with_nodes_and_agents(void **state)
{
    struct fixture *f = *state;
    struct json_object *parsed;
    struct json_object *node;
    struct json_object *player;

    moved(f);
    parsed = state_of(f);
    node = json_object_array_get_idx(get(parsed, "nodes"), 0);
    assert_string_equal(json_object_get_string(get(node, "name")), "n1");
    assert_int_equal(json_object_get_int64(get(get(node, "cpu"), "hi")), 1500);
    assert_int_equal(json_object_get_int64(get(node, "agents")), 1);
    assert_true(json_object_get_double(get(get(node, "cpu"), "potential")) ==
                -1.25);

    struct json_object *shown =
        json_object_array_get_idx(get(parsed, "agents"), 0);
    assert_string_equal(json_object_get_string(get(shown, "pod")), "a");
    assert_true(json_object_get_boolean(get(shown, "heard")));
    player = get(json_object_array_get_idx(get(shown, "containers"), 0), "cpu");
    assert_int_equal(json_object_get_int64(get(player, "current")), 1500);
    json_object_put(parsed);
}

static void
an_empty_house_is_valid_too(void **state)
{
    struct fixture *f = *state;
    struct json_object *parsed = state_of(f);

    assert_false(json_object_get_boolean(get(parsed, "synced")));
    assert_int_equal(json_object_array_length(get(parsed, "nodes")), 0);
    json_object_put(parsed);
    assert_non_null(strstr(metrics(f), "\ngtcas_arbiter_synced 0\n"));
}

static void
strange_names_and_numbers_leave_the_json_valid(void **state)
{
    struct fixture *f = *state;
    struct wire_strategy a = agent("a", 1000);
    struct json_object *parsed;

    node_says(f, KUBE_WATCH_ADDED, "n\"2\\\n", 1000);
    cpu_of(&a)->value = -1e308;
    hear(f, &a);
    struct wire_strategy b = agent("b", 1000);
    cpu_of(&b)->value = -1e308;
    hear(f, &b);
    parsed = state_of(f);

    assert_int_equal(json_object_array_length(get(parsed, "nodes")), 2);
    json_object_put(parsed);
}

static void
what_does_not_fit_overflows(void **state)
{
    struct fixture *f = *state;
    struct gt_buf out;
    char little[100];

    gt_buf_init(&out, little, sizeof(little));
    show_state(f->arbiter, (struct gt_time){.mono_ms = f->now_ms}, &out);
    assert_true(out.overflow);
    gt_buf_init(&out, little, sizeof(little));
    show_metrics(f->arbiter, &out);
    assert_true(out.overflow);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(metrics_tell_of_nodes_messages_lights_and_moves),
        TEST(the_state_is_json_with_nodes_and_agents),
        cmocka_unit_test_setup_teardown(an_empty_house_is_valid_too, make,
                                        stop),
        TEST(strange_names_and_numbers_leave_the_json_valid),
        TEST(what_does_not_fit_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
