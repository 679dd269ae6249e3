/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/node_fixture.h"

static void
a_resize_is_seen_then_enforced_then_done(void **state)
{
    struct fixture *f = *state;

    start(f);
    node_advance(f->sim, START + 1000);
    resize(f, 0, amounts(800, 128));
    assert_int_equal(view(f, 0).generation, 2);
    assert_int_equal(view(f, 0).observed_generation, 1);

    node_advance(f->sim, START + 1020);
    assert_int_equal(view(f, 0).observed_generation, 2);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_IN_PROGRESS);
    assert_int_equal(view(f, 0).containers[0].actual.limits[GT_CPU], 500);

    assert_int_equal(node_wake_ms(f->sim), START + 1150);
    node_advance(f->sim, START + 1149);
    assert_int_equal(cgroup(f, 0).quota_us, 50000);
    node_advance(f->sim, START + 1150);
    assert_int_equal(cgroup(f, 0).quota_us, 80000);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_NONE);
    assert_int_equal(view(f, 0).containers[0].actual.limits[GT_CPU], 800);
    assert_int_equal(node_wake_ms(f->sim), GT_NEVER_MS);
}

static void
asking_for_what_is_wished_already_writes_nothing(void **state)
{
    struct fixture *f = *state;

    start(f);
    uint64_t version = node_version(f->sim);
    resize(f, 0, amounts(500, 128));

    assert_int_equal(view(f, 0).generation, 1);
    assert_int_equal(node_version(f->sim), version);
    assert_int_equal(books(f, 0).resizes, 0);
}

static void
requests_above_the_whole_node_are_refused(void **state)
{
    struct fixture *f = *state;
    struct kube_resources cpu = amounts(2001, 128);
    struct kube_resources memory = amounts(500, 1025);

    start(f);

    assert_int_equal(node_resize(f->sim, 0, &cpu), NODE_E_CAPACITY);
    assert_int_equal(node_resize(f->sim, 0, &memory), NODE_E_CAPACITY);
    assert_int_equal(view(f, 0).generation, 1);
    assert_int_equal(books(f, 0).refused, 2);
}

static void
a_change_of_the_qos_class_is_refused(void **state)
{
    struct fixture *f = *state;
    struct kube_resources burstable = amounts(500, 128);
    struct kube_resources removed = amounts(500, 128);
    struct kube_resources upside_down = amounts(500, 128);

    burstable.limits[GT_CPU] = 600;
    removed.limits[GT_CPU] = KUBE_ABSENT;
    upside_down.limits[GT_CPU] = 400;
    start(f);

    assert_int_equal(node_resize(f->sim, 0, &burstable), NODE_E_INVALID);
    assert_int_equal(node_resize(f->sim, 0, &removed), NODE_E_INVALID);
    assert_int_equal(node_resize(f->sim, 0, &upside_down), NODE_E_INVALID);
    assert_int_equal(view(f, 0).qos, KUBE_GUARANTEED);
}

static void
what_does_not_fit_beside_the_others_is_deferred_until_it_does(void **state)
{
    struct fixture *f = *state;

    start(f);
    resize(f, 0, amounts(1600, 128));
    node_advance(f->sim, START + 20);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_DEFERRED);
    assert_string_equal(view(f, 0).resize_message,
                        "Node didn't have enough resource: cpu, requested: "
                        "1600, used: 500, capacity: 2000");
    assert_int_equal(view(f, 0).observed_generation, 2);

    node_advance(f->sim, START + 5000);
    assert_int_equal(cgroup(f, 0).quota_us, 50000);
    resize(f, 1, amounts(400, 128));
    node_advance(f->sim, START + 6000);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_NONE);
    assert_int_equal(cgroup(f, 0).quota_us, 160000);
    assert_int_equal(books(f, 0).deferred, 1);
}

static void
a_smaller_ask_while_deferred_is_applied(void **state)
{
    struct fixture *f = *state;

    start(f);
    resize(f, 0, amounts(1600, 128));
    node_advance(f->sim, START + 1000);
    resize(f, 0, amounts(1500, 128));
    node_advance(f->sim, START + 1200);

    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_NONE);
    assert_int_equal(cgroup(f, 0).quota_us, 150000);
}

static void
a_deferred_pod_holds_back_its_other_changes(void **state)
{
    struct fixture *f = *state;

    start(f);
    resize(f, 0, amounts(1600, 128));
    node_advance(f->sim, START + 1000);
    resize(f, 0, amounts(1600, 256));
    node_advance(f->sim, START + 5000);

    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_DEFERRED);
    assert_int_equal(cgroup(f, 0).memory_limit, 128 * MIB);
}

static void
memory_is_not_lowered_under_usage(void **state)
{
    struct fixture *f = *state;

    start(f);
    resize(f, 0, amounts(500, 32));
    node_advance(f->sim, START + 1000);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_IN_PROGRESS);

    node_advance(f->sim, START + 13200);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_ERROR);
    assert_int_equal(cgroup(f, 0).memory_limit, 128 * MIB);
    assert_int_equal(cgroup(f, 0).sample.oom_kills, 0);

    /* It blocks every other change. */
    resize(f, 0, amounts(700, 32));
    node_advance(f->sim, START + 20000);
    assert_int_equal(cgroup(f, 0).quota_us, 50000);

    /* Withdrawn, it is gone at once. */
    resize(f, 0, amounts(500, 128));
    node_advance(f->sim, START + 20020);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_NONE);
    assert_int_equal(view(f, 0).observed_generation, 4);
}

static void
a_stuck_decrease_is_applied_once_the_app_has_freed_the_memory(void **state)
{
    struct fixture *f = *state;

    then(f, 0, 5,
         (struct trace_point){
             0, {0.1, 16 * MIB}
    });
    start(f);
    resize(f, 0, amounts(500, 32));
    node_advance(f->sim, START + 13100);
    assert_int_equal(cgroup(f, 0).memory_limit, 128 * MIB);
    node_advance(f->sim, START + 13200);

    assert_int_equal(cgroup(f, 0).memory_limit, 32 * MIB);
    assert_int_equal(view(f, 0).resize, KUBE_RESIZE_NONE);
}

static void
released_memory_comes_back_only_as_the_demand_grows(void **state)
{
    struct fixture *f = *state;

    f->pods[0].releasable = 0.25;
    f->config.cache_share = 0.1;
    then(f, 0, 10,
         (struct trace_point){
             0, {0.1, 80 * MIB}
    });
    start(f);

    int64_t current = node_release(f->sim, 0, 50 * MIB);
    assert_true(current < 50 * MIB);
    assert_int_equal(cgroup(f, 0).anon_bytes, 48 * MIB);
    node_advance(f->sim, START + 9000);
    assert_int_equal(cgroup(f, 0).anon_bytes, 48 * MIB);
    node_advance(f->sim, START + 11000);
    assert_int_equal(cgroup(f, 0).anon_bytes, 64 * MIB);
}

static void
overcommit_is_counted_each_second(void **state)
{
    struct fixture *f = *state;
    struct node_books node;

    start(f);
    resize(f, 0, amounts(1600, 128));
    node_advance(f->sim, START + 4500);
    resize(f, 0, amounts(500, 128));
    node_advance(f->sim, START + 9000);
    node_node_books(f->sim, 0, &node);

    assert_int_equal(node.overcommit_samples, 4);
    assert_int_equal(node.resizes, 2);
}

static void
throttle_to_growth_is_measured_from_the_first_throttled_period(void **state)
{
    struct fixture *f = *state;
    const struct node_latency *samples;

    then(f, 0, 10,
         (struct trace_point){
             0, {0.6, 64 * MIB}
    });
    start(f);
    node_advance(f->sim, START + 11350);
    resize(f, 0, amounts(700, 128));

    assert_int_equal(node_latencies(f->sim, &samples), 1);
    assert_int_equal(samples[0].pod, 0);
    assert_int_equal(samples[0].start_ms, START + 10000);
    assert_int_equal(samples[0].latency_ms, 1350);
    assert_false(samples[0].contended);
}

static void
throttling_that_passes_or_is_contended_is_told_apart(void **state)
{
    struct fixture *f = *state;
    const struct node_latency *samples;

    then(f, 0, 1,
         (struct trace_point){
             0, {0.6, 64 * MIB}
    });
    then(f, 0, 2,
         (struct trace_point){
             0, {0.1, 64 * MIB}
    });
    demand(f, 1, 0.7, 64);
    f->pods[1].containers[0].resources = amounts(600, 128);
    start(f);
    node_advance(f->sim, START + 10000);
    resize(f, 0, amounts(1390, 128));
    assert_int_equal(node_latencies(f->sim, &samples), 0);

    resize(f, 1, amounts(610, 128));
    assert_int_equal(node_latencies(f->sim, &samples), 1);
    assert_true(samples[0].contended);
}

static void
a_throttled_period_now_and_then_is_no_run(void **state)
{
    struct fixture *f = *state;
    const struct node_latency *samples;

    then(f, 0, 1,
         (struct trace_point){
             0, {0.6, 64 * MIB}
    });
    then(f, 0, 2,
         (struct trace_point){
             0, {0.4, 64 * MIB}
    });
    start(f);
    /* 10 of 10, then one of 10. */
    node_advance(f->sim, START + 2900);
    resize(f, 0, amounts(700, 128));

    assert_int_equal(node_latencies(f->sim, &samples), 0);
}

static void
throttling_before_the_measured_time_is_no_sample(void **state)
{
    struct fixture *f = *state;
    const struct node_latency *samples;

    demand(f, 0, 0.6, 64);
    f->config.measure_ms = START + 1;
    start(f);
    node_advance(f->sim, START + 5000);
    resize(f, 0, amounts(700, 128));

    assert_int_equal(node_latencies(f->sim, &samples), 0);
}

static void
a_patch_is_guarded_by_the_uid_and_by_names(void **state)
{
    struct fixture *f = *state;
    struct kube_answer answer;
    struct kube_patch patch = {
        .uid = "uid-a",
        .changes_len = 1,
        .changes = {{"app", {{600, KUBE_ABSENT}, {600, KUBE_ABSENT}}}},
    };

    start(f);
    node_patch(f->sim, 1, &patch, &answer);
    assert_int_equal(answer.outcome, KUBE_E_INVALID);

    patch.changes[0].name[0] = 'x';
    node_patch(f->sim, 0, &patch, &answer);
    assert_int_equal(answer.outcome, KUBE_E_INVALID);

    patch.changes[0].name[0] = 'a';
    node_patch(f->sim, 0, &patch, &answer);
    assert_int_equal(answer.outcome, KUBE_APPLIED);
    assert_int_equal(answer.pod.generation, 2);
    assert_int_equal(answer.pod.containers[0].spec.limits[GT_CPU], 600);
    assert_int_equal(answer.pod.containers[0].spec.limits[GT_MEMORY],
                     128 * MIB);
}

static void
an_empty_patch_reads_the_pod(void **state)
{
    struct fixture *f = *state;
    struct kube_answer answer;

    f->pods[0].annotations_len = 2;
    f->pods[0].annotations[0] =
        (struct node_annotation){"scaling.mesh/mode", "apply"};
    f->pods[0].annotations[1] = (struct node_annotation){"other", "x"};
    start(f);
    node_patch(f->sim, 0, &(struct kube_patch){.changes_len = 0}, &answer);

    assert_int_equal(answer.outcome, KUBE_APPLIED);
    assert_int_equal(answer.pod.generation, 1);
    assert_int_equal(answer.pod.annotations_len, 1);
    assert_string_equal(answer.pod.annotations[0].key, "mode");
    assert_string_equal(answer.pod.node, "n1");
    assert_int_equal(node_find(f->sim, "lab", "b"), 1);
    assert_int_equal(node_find(f->sim, "other", "b"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_resize_is_seen_then_enforced_then_done),
        TEST(asking_for_what_is_wished_already_writes_nothing),
        TEST(requests_above_the_whole_node_are_refused),
        TEST(a_change_of_the_qos_class_is_refused),
        TEST(what_does_not_fit_beside_the_others_is_deferred_until_it_does),
        TEST(a_smaller_ask_while_deferred_is_applied),
        TEST(a_deferred_pod_holds_back_its_other_changes),
        TEST(memory_is_not_lowered_under_usage),
        TEST(a_stuck_decrease_is_applied_once_the_app_has_freed_the_memory),
        TEST(released_memory_comes_back_only_as_the_demand_grows),
        TEST(overcommit_is_counted_each_second),
        TEST(throttle_to_growth_is_measured_from_the_first_throttled_period),
        TEST(throttling_that_passes_or_is_contended_is_told_apart),
        TEST(a_throttled_period_now_and_then_is_no_run),
        TEST(throttling_before_the_measured_time_is_no_sample),
        TEST(a_patch_is_guarded_by_the_uid_and_by_names),
        TEST(an_empty_patch_reads_the_pod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
