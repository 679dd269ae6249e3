/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/node_fixture.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
