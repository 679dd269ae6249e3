/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB   (INT64_C(1) << 20)
#define START 5000

/* Two pods on a node of 2 cores and 1 GiB, without noise or page cache. */
struct fixture {
    struct trace_point points[2][4];
    struct trace_series series[2];
    struct node_pod_spec pods[2];
    struct node_spec node;
    struct node_config config;
    void *memory;
    struct node_sim *sim;
};

static struct kube_resources
amounts(int64_t milli, int64_t mib)
{
    return (struct kube_resources){
        {milli, mib * MIB},
        {milli, mib * MIB}
    };
}

/* @cores and @mib all the time. */
static void
demand(struct fixture *f, size_t pod, double cores, double mib)
{
    f->points[pod][0] = (struct trace_point){
        0, {cores, mib * MIB}
    };
    f->series[pod].len = 1;
}

/* ... and then from @second on. */
static void
then(struct fixture *f, size_t pod, int64_t second, struct trace_point to)
{
    to.second = second;
    f->points[pod][f->series[pod].len++] = to;
}

static int
set_up(void **state)
{
    static const char *const names[] = {"a", "b"};
    static const char *const uids[] = {"uid-a", "uid-b"};
    struct fixture *f = calloc(1, sizeof(*f));

    for (size_t i = 0; i < 2; i++) {
        f->series[i].points = f->points[i];
        f->pods[i] = (struct node_pod_spec){
            .name = names[i],
            .space = "lab",
            .uid = uids[i],
            .workload = "",
            .containers_len = 1,
            .containers = {{"app", 1, amounts(500, 128)}},
            .series = &f->series[i],
        };
        demand(f, i, 0.1, 64);
    }
    f->node = (struct node_spec){
        "n1", {2000, 1024 * MIB}
    };
    f->config = (struct node_config){
        .nodes = &f->node,
        .nodes_len = 1,
        .pods = f->pods,
        .pods_len = 2,
        .shape = TRACE_STEP,
        .start_ms = START,
        .latency_ms = NODE_LATENCY_MS,
    };
    *state = f;
    return 0;
}

static void
start(struct fixture *f)
{
    f->memory = malloc(node_size(&f->config));
    f->sim = node_init(f->memory, &f->config);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->memory);
    free(f);
    return 0;
}

static struct kube_pod
view(const struct fixture *f, size_t pod)
{
    struct kube_pod out;

    node_pod_view(f->sim, pod, &out);
    return out;
}

static struct node_cgroup
cgroup(const struct fixture *f, size_t pod)
{
    struct node_cgroup out;

    node_cgroup(f->sim, pod, 0, &out);
    return out;
}

static struct node_books
books(const struct fixture *f, size_t pod)
{
    struct node_books out;

    node_pod_books(f->sim, pod, &out);
    return out;
}

static void
resize(struct fixture *f, size_t pod, struct kube_resources to)
{
    assert_int_equal(node_resize(f->sim, pod, &to), NODE_OK);
}

static void
demand_under_the_limit_is_served(void **state)
{
    struct fixture *f = *state;

    start(f);
    node_advance(f->sim, START + 10000);

    assert_int_equal(cgroup(f, 0).sample.usage_us, 1000000);
    assert_int_equal(cgroup(f, 0).sample.periods, 100);
    assert_int_equal(cgroup(f, 0).sample.throttled_periods, 0);
    assert_float_equal(books(f, 0).used_core_s, 1, 1e-9);
    assert_float_equal(books(f, 0).unserved_core_s, 0, 1e-9);
    assert_float_equal(books(f, 0).allocated_core_s, 5, 1e-9);
}

static void
demand_above_the_limit_is_throttled(void **state)
{
    struct fixture *f = *state;

    demand(f, 0, 1, 64);
    start(f);
    node_advance(f->sim, START + 10000);

    struct node_cgroup g = cgroup(f, 0);
    assert_int_equal(g.sample.usage_us, 5000000);
    assert_int_equal(g.sample.throttled_periods, 100);
    assert_int_equal(g.sample.throttled_us, 5000000);
    assert_int_equal(g.quota_us, 50000);
    assert_true(g.pressure_avg10 > 30);
    assert_float_equal(books(f, 0).unserved_core_s, 5, 1e-9);
    assert_int_equal(books(f, 0).throttled_periods, 100);
}

static void
without_a_limit_there_are_no_periods(void **state)
{
    struct fixture *f = *state;

    demand(f, 0, 1, 64);
    f->pods[0].containers[0].resources.limits[GT_CPU] = KUBE_ABSENT;
    start(f);
    node_advance(f->sim, START + 1000);

    assert_false(cgroup(f, 0).sample.has_periods);
    assert_int_equal(cgroup(f, 0).quota_us, KUBE_ABSENT);
    assert_int_equal(cgroup(f, 0).sample.usage_us, 1000000);
    assert_float_equal(books(f, 0).allocated_core_s, 0.5, 1e-9);
}

static void
a_full_node_is_shared_by_request(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        demand(f, i, 3, 64);
        f->pods[i].containers[0].resources.limits[GT_CPU] = KUBE_ABSENT;
    }
    f->pods[1].containers[0].resources.requests[GT_CPU] = 1500;
    start(f);
    node_advance(f->sim, START + 1000);

    assert_int_equal(cgroup(f, 0).sample.usage_us, 500000);
    assert_int_equal(cgroup(f, 1).sample.usage_us, 1500000);
    assert_int_equal(cgroup(f, 1).sample.pressure_us, 500000);
}

static void
what_one_pod_does_not_want_goes_to_the_other(void **state)
{
    struct fixture *f = *state;

    demand(f, 0, 0.25, 64);
    demand(f, 1, 3, 64);
    f->pods[1].containers[0].resources.limits[GT_CPU] = KUBE_ABSENT;
    start(f);
    node_advance(f->sim, START + 1000);

    assert_int_equal(cgroup(f, 0).sample.usage_us, 250000);
    assert_int_equal(cgroup(f, 1).sample.usage_us, 1750000);
}

static void
containers_share_the_demand_of_their_pod(void **state)
{
    struct fixture *f = *state;

    f->pods[0].containers_len = 2;
    f->pods[0].containers[0].share = 0.25;
    f->pods[0].containers[1] =
        (struct node_container_spec){"two", 0.75, amounts(500, 128)};
    start(f);
    node_advance(f->sim, START + 10000);

    struct node_cgroup second;
    node_cgroup(f->sim, 0, 1, &second);
    assert_int_equal(cgroup(f, 0).sample.usage_us, 250000);
    assert_int_equal(second.sample.usage_us, 750000);
    assert_int_equal(second.anon_bytes, 48 * MIB);
}

static void
noise_keeps_the_mean_and_depends_on_the_seed_alone(void **state)
{
    struct fixture *f = *state;
    uint64_t usage[3];

    f->config.noise = 0.15;
    for (size_t i = 0; i < 3; i++) {
        f->config.seed = i / 2;
        free(f->memory);
        start(f);
        /* Steps of any length make the same world. */
        for (uint64_t t = 0; t <= 600000; t += 1000 + 700 * i) {
            node_advance(f->sim, START + t);
        }
        node_advance(f->sim, START + 600000);
        usage[i] = cgroup(f, 0).sample.usage_us;
    }

    assert_int_equal(usage[0], usage[1]);
    assert_int_not_equal(usage[0], usage[2]);
    assert_true(usage[0] > 59400000 && usage[0] < 60600000);
}

static void
memory_above_the_limit_kills_and_comes_back_within_a_minute(void **state)
{
    struct fixture *f = *state;

    then(f, 0, 10,
         (struct trace_point){
             0, {0.1, 200 * MIB}
    });
    then(f, 0, 11,
         (struct trace_point){
             0, {0.1, 100 * MIB}
    });
    start(f);
    node_advance(f->sim, START + 10000);
    assert_int_equal(cgroup(f, 0).sample.oom_kills, 0);

    node_advance(f->sim, START + 10100);
    struct node_cgroup g = cgroup(f, 0);
    assert_int_equal(g.sample.oom_kills, 1);
    assert_int_equal(g.anon_bytes, 60 * MIB);
    assert_int_equal(view(f, 0).containers[0].restarts, 1);

    node_advance(f->sim, START + 70200);
    assert_int_equal(cgroup(f, 0).anon_bytes, 100 * MIB);
    assert_int_equal(books(f, 0).oom_kills, 1);
    /* 0.1 core for 60 s, on average 35 % of it missing. */
    assert_float_equal(books(f, 0).unserved_core_s, 2.1, 0.02);
}

static void
a_restart_makes_a_new_container_id(void **state)
{
    struct fixture *f = *state;

    then(f, 0, 10,
         (struct trace_point){
             0, {0.1, 200 * MIB}
    });
    start(f);
    struct kube_pod before = view(f, 0);
    node_advance(f->sim, START + 10100);
    struct kube_pod after = view(f, 0);

    assert_string_not_equal(before.containers[0].container_id,
                            after.containers[0].container_id);
    assert_string_not_equal(before.resource_version, after.resource_version);
}

static void
page_cache_counts_as_usage_and_yields_to_the_limit(void **state)
{
    struct fixture *f = *state;

    f->config.cache_share = 1;
    start(f);
    node_advance(f->sim, START + 60000);

    struct node_cgroup g = cgroup(f, 0);
    assert_int_equal(g.anon_bytes, 64 * MIB);
    assert_true(g.file_bytes > 60 * MIB && g.file_bytes < 64 * MIB);
    assert_true(g.sample.memory_bytes <= 128 * MIB);
    assert_int_equal(g.sample.memory_bytes,
                     g.anon_bytes + g.file_bytes +
                         g.sample.slab_reclaimable_bytes);
    assert_int_equal(cgroup_floor_bytes(&g.sample), g.anon_bytes);
    assert_true(g.memory_max_events > 0);
    assert_int_equal(g.sample.oom_kills, 0);
}

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
        TEST(demand_under_the_limit_is_served),
        TEST(demand_above_the_limit_is_throttled),
        TEST(without_a_limit_there_are_no_periods),
        TEST(a_full_node_is_shared_by_request),
        TEST(what_one_pod_does_not_want_goes_to_the_other),
        TEST(containers_share_the_demand_of_their_pod),
        TEST(noise_keeps_the_mean_and_depends_on_the_seed_alone),
        TEST(memory_above_the_limit_kills_and_comes_back_within_a_minute),
        TEST(a_restart_makes_a_new_container_id),
        TEST(page_cache_counts_as_usage_and_yields_to_the_limit),
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
        TEST(throttling_before_the_measured_time_is_no_sample),
        TEST(a_patch_is_guarded_by_the_uid_and_by_names),
        TEST(an_empty_patch_reads_the_pod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
