/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/capacity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arbiter/roster.h"
#include "common/rng.h"

#define NODES 2
#define PODS  8

struct fixture {
    struct capacity capacity;
    void *memory;
};

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->memory = calloc(1, capacity_size(NODES, PODS));
    assert_non_null(f->memory);
    capacity_init(&f->capacity, f->memory, NODES, PODS);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;

    free(f->memory);
    free(f);
    return 0;
}

static struct kube_node
node(const char *name, int64_t cpu)
{
    struct kube_node out = {
        .allocatable = {cpu, 1000}
    };

    strcpy(out.name, name);
    return out;
}

static struct kube_pod
pod(const char *uid, const char *on)
{
    struct kube_pod out = {.containers_len = 1};

    strcpy(out.uid, uid);
    strcpy(out.node, on);
    strcpy(out.containers[0].name, "app");
    return out;
}

static void
claim(struct capacity *c, uint32_t taken, int64_t lo, int64_t hi)
{
    struct capacity_claim claims[GT_RESOURCES] = {
        {lo, hi, hi},
        {0,  0,  0 }
    };

    capacity_claim(c, taken, claims);
}

static const struct capacity_claim *
cpu_of(const struct capacity *c, const char *name)
{
    return &capacity_node(c, capacity_find_node(c, name))->loads[GT_CPU];
}

static void
a_nodes_load_is_the_sum_of_its_pods_claims(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    uint32_t a = capacity_have_pod(c, "a", "n1");
    uint32_t b = capacity_have_pod(c, "b", "n1");

    claim(c, a, 100, 200);
    claim(c, b, 10, 20);
    claim(c, a, 150, 150);

    assert_int_equal(cpu_of(c, "n1")->lo, 160);
    assert_int_equal(cpu_of(c, "n1")->hi, 170);
    capacity_drop_pod(c, a);
    assert_int_equal(cpu_of(c, "n1")->hi, 20);
}

static void
a_pod_that_is_not_bound_burdens_nobody(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct kube_pod p = pod("a", "");
    uint32_t a = capacity_take_pod(c, &p);

    claim(c, a, 100, 100);
    assert_int_equal(capacity_pod(c, a)->node, TABLE_NONE);

    p = pod("a", "n1");
    assert_int_equal(capacity_take_pod(c, &p), a);
    assert_int_equal(cpu_of(c, "n1")->hi, 100);
}

static void
a_node_lives_while_the_api_or_a_pod_names_it(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct kube_node n = node("n1", 4000);
    uint32_t n1 = capacity_take_node(c, &n);
    uint32_t a = capacity_have_pod(c, "a", "n1");

    capacity_drop_node(c, n1);
    assert_int_equal(capacity_find_node(c, "n1"), n1);
    assert_int_equal(capacity_node(c, n1)->allocatable[GT_CPU], 0);
    capacity_drop_pod(c, a);
    assert_int_equal(capacity_find_node(c, "n1"), TABLE_NONE);
}

static void
another_node_in_the_same_place_has_another_serial(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct kube_node n = node("n1", 4000);
    uint32_t n1 = capacity_take_node(c, &n);
    uint64_t serial = capacity_node(c, n1)->serial;

    capacity_drop_node(c, n1);
    n = node("n2", 4000);

    assert_int_equal(capacity_take_node(c, &n), n1);
    assert_int_not_equal(capacity_node(c, n1)->serial, serial);
}

static void
a_containers_interval_is_its_spec_and_actual_request(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct kube_pod p = pod("a", "n1");
    struct kube_container *app = &p.containers[0];

    app->spec.requests[GT_CPU] = 300;
    app->actual.requests[GT_CPU] = 200;
    app->spec.requests[GT_MEMORY] = KUBE_ABSENT;
    const struct capacity_pod *a = capacity_pod(c, capacity_take_pod(c, &p));
    assert_int_equal(a->containers[0].lo[GT_CPU], 300); /* no status yet */

    app->has_actual = true;
    capacity_take_pod(c, &p);
    assert_int_equal(a->containers[0].lo[GT_CPU], 200);
    assert_int_equal(a->containers[0].hi[GT_CPU], 300);
    assert_int_equal(a->containers[0].hi[GT_MEMORY], 0);
}

static void
absurd_requests_are_bounded(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct kube_pod p = pod("a", "n1");

    p.containers[0].spec.requests[GT_MEMORY] = INT64_MAX;
    p.sidecar_requests[GT_MEMORY] = INT64_MAX;
    const struct capacity_pod *a = capacity_pod(c, capacity_take_pod(c, &p));

    assert_int_equal(a->containers[0].hi[GT_MEMORY], ROSTER_AMOUNT_MAX);
    assert_int_equal(a->sidecars[GT_MEMORY], ROSTER_AMOUNT_MAX);
}

static void
what_a_list_did_not_name_is_stale_unless_the_bus_alone_knows_it(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct kube_pod p = pod("old", "n1");
    uint32_t cursor = 0;

    uint32_t old = capacity_take_pod(c, &p);
    capacity_have_pod(c, "bus", "n1");
    capacity_listing(c, KUBE_OBJECT_POD);
    p = pod("new", "n1");
    capacity_take_pod(c, &p);

    assert_int_equal(capacity_stale_pod(c, &cursor), old);
    assert_int_equal(capacity_stale_pod(c, &cursor), TABLE_NONE);
}

static void
full_books_take_no_more_and_keep_nothing_half(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    char uid[16];

    capacity_have_pod(c, "a", "n1");
    capacity_have_pod(c, "b", "n2");
    assert_int_equal(capacity_have_pod(c, "c", "n3"), TABLE_NONE);
    struct kube_pod p = pod("c", "n3");
    assert_int_equal(capacity_take_pod(c, &p), TABLE_NONE);
    assert_int_equal(capacity_find_pod(c, "c"), TABLE_NONE);

    for (int i = 2; i < PODS; i++) {
        snprintf(uid, sizeof(uid), "p%d", i);
        assert_int_not_equal(capacity_have_pod(c, uid, "n1"), TABLE_NONE);
    }
    assert_int_equal(capacity_have_pod(c, "d", "n1"), TABLE_NONE);
}

static void
random_changes_leave_the_sum_of_the_claims(void **state)
{
    struct capacity *c = &((struct fixture *)*state)->capacity;
    struct gt_rng rng = {.state = 9};
    char uid[16];

    for (int step = 0; step < 5000; step++) {
        snprintf(uid, sizeof(uid), "p%u", (unsigned)gt_rng_below(&rng, PODS));
        struct kube_pod p = pod(uid, gt_rng_below(&rng, 2) ? "n1" : "n2");
        uint32_t taken = capacity_take_pod(c, &p);

        claim(c, taken, 1, (int64_t)gt_rng_below(&rng, 1000));
        if (gt_rng_below(&rng, 3) == 0) {
            capacity_drop_pod(c, taken);
        }
        uint32_t cursor = 0;
        for (uint32_t n; (n = table_next(&c->nodes, &cursor)) != TABLE_NONE;) {
            const struct capacity_node *on = capacity_node(c, n);
            int64_t sum = 0;
            uint32_t pods = 0;

            for (uint32_t at = on->first; at != TABLE_NONE;
                 at = capacity_next_pod(c, at)) {
                sum += capacity_pod(c, at)->claims[GT_CPU].hi;
                pods++;
            }
            assert_int_equal(on->loads[GT_CPU].hi, sum);
            assert_int_equal(on->pods, pods);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_nodes_load_is_the_sum_of_its_pods_claims),
        TEST(a_pod_that_is_not_bound_burdens_nobody),
        TEST(a_node_lives_while_the_api_or_a_pod_names_it),
        TEST(another_node_in_the_same_place_has_another_serial),
        TEST(a_containers_interval_is_its_spec_and_actual_request),
        TEST(absurd_requests_are_bounded),
        TEST(what_a_list_did_not_name_is_stale_unless_the_bus_alone_knows_it),
        TEST(full_books_take_no_more_and_keep_nothing_half),
        TEST(random_changes_leave_the_sum_of_the_claims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
