/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world itself: its order, its faults, and that it notices what
 * must never happen. */
#include "arbiter/books.h"
#include "tests/sim/fault.h"
#include "tests/sim/queue.h"
#include "tests/sim/world_state.h"
#include "tests/story_fixture.h"

static void
events_come_by_time_kind_index_and_sequence(void **state)
{
    static const struct queue_event expected[] = {
        {.at_ms = 10, .kind = 2, .index = 7, .seq = 1},
        {.at_ms = 20, .kind = 0, .index = 9, .seq = 3},
        {.at_ms = 20, .kind = 1, .index = 4, .seq = 4},
        {.at_ms = 20, .kind = 1, .index = 5, .seq = 2},
        {.at_ms = 20, .kind = 1, .index = 5, .seq = 5},
        {.at_ms = 30, .kind = 0, .index = 0, .seq = 0},
    };
    struct queue q = {0};
    (void)state;

    assert_true(queue_due_ms(&q) == GT_NEVER_MS);
    for (uint64_t seq = 0; seq < GT_ARRAY_LEN(expected); seq++) {
        for (size_t i = 0; i < GT_ARRAY_LEN(expected); i++) {
            if (expected[i].seq == seq) {
                queue_push(&q, expected[i].at_ms, expected[i].kind,
                           expected[i].index, NULL);
            }
        }
    }
    for (size_t i = 0; i < GT_ARRAY_LEN(expected); i++) {
        assert_true(queue_due_ms(&q) == expected[i].at_ms);
        assert_true(queue_pop(&q).seq == expected[i].seq);
    }
    queue_fini(&q);
}

static void
thousands_of_events_stay_in_order(void **state)
{
    struct queue q = {0};
    struct gt_rng rng = {.state = 1};
    uint64_t last_ms = 0;
    (void)state;

    for (int i = 0; i < 5000; i++) {
        queue_push(&q, gt_rng_below(&rng, 1000), 0, 0, calloc(1, 1));
    }
    for (int i = 0; i < 4000; i++) {
        struct queue_event event = queue_pop(&q);

        assert_true(event.at_ms >= last_ms);
        last_ms = event.at_ms;
        free(event.data);
    }
    queue_fini(&q); /* frees the rest */
}

static void
a_fault_waits_then_strikes_then_is_over(void **state)
{
    struct fault fault = {.countdown = 2, .repeat = 3};
    (void)state;

    for (int i = 0; i < 10; i++) {
        assert_int_equal(fault_strikes(&fault), i >= 2 && i < 5);
    }
}

/* One settled pod after half a minute, and what its agent might do next. */
static struct agent_update
begin(struct story *s)
{
    struct agent_update update = {.todo = AGENT_DO_PATCH};
    struct kube_change *change = &update.patch.changes[0];

    story_node(s, "node-a", 2000, 4096);
    story_pod(s, "web", 500, 512);
    story_demand(s, 0, 0, 0.4, 300);
    story_begin(s);
    story_until(s, 30);
    update.patch.changes_len = 1;
    memcpy(change->name, "app", sizeof("app"));
    for (int r = 0; r < GT_RESOURCES; r++) {
        change->to.requests[r] = KUBE_ABSENT;
        change->to.limits[r] = KUBE_ABSENT;
    }
    assert_null(world_violation(s->world));
    return update;
}

/* The patch is noticed, and so are its time and pod. */
static void
notices(struct story *s, enum resize_phase was,
        const struct agent_update *update, const char *rule)
{
    world_check_step(s->world, 0, was, update);
    assert_non_null(world_violation(s->world));
    assert_non_null(strstr(world_violation(s->world), rule));
    assert_non_null(strstr(world_violation(s->world), "t=31.000 web: "));
}

static void
a_request_below_the_floor_is_noticed(void **state)
{
    struct agent_update update = begin(*state);

    update.patch.changes[0].to.requests[GT_CPU] = 50;
    notices(*state, RESIZE_IDLE, &update, "below the floor");
}

static void
a_request_above_the_max_is_noticed(void **state)
{
    struct agent_update update = begin(*state);

    update.patch.changes[0].to.requests[GT_CPU] = 2001;
    notices(*state, RESIZE_IDLE, &update, "above the max");
}

static void
growth_without_a_light_is_noticed(void **state)
{
    struct agent_update update = begin(*state);

    update.patch.changes[0].to.requests[GT_CPU] = 600;
    notices(*state, RESIZE_IDLE, &update, "without a green light");
}

static void
a_memory_shrink_without_a_handshake_is_noticed(void **state)
{
    struct agent_update update = begin(*state);

    update.patch.changes[0].to.limits[GT_MEMORY] = 480 * STORY_MIB;
    notices(*state, RESIZE_IDLE, &update, "without a handshake");
}

static void
a_second_resize_in_flight_is_noticed(void **state)
{
    struct agent_update update = begin(*state);

    update.patch.changes[0].to.requests[GT_CPU] = 480;
    notices(*state, RESIZE_FOLLOWING, &update, "in flight");
}

static void
a_grant_beyond_the_node_is_noticed(void **state)
{
    struct story *s = *state;
    struct wire_signal signal = {
        .node = "node-a",
        .epoch = 1000,
        .deadline_ms = 5000,
        .lights_len = 1,
        .lights = {{.id = "uid-web", .amount = 2000}},
    };

    begin(s);
    world_check_signal(s->world, &signal);
    assert_null(world_violation(s->world));
    signal.lights[0].amount = 2001;
    world_check_signal(s->world, &signal);
    assert_non_null(strstr(world_violation(s->world), "more granted"));
}

static void
a_fall_of_the_potential_is_noticed(void **state)
{
    struct story *s = *state;

    begin(s);
    world_arbiter(s->world)->counts.potential_drops = 1;
    story_until(s, 60);

    assert_non_null(strstr(world_violation(s->world), "the potential fell"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_by_time_kind_index_and_sequence),
        cmocka_unit_test(thousands_of_events_stay_in_order),
        cmocka_unit_test(a_fault_waits_then_strikes_then_is_over),
        A_STORY(a_request_below_the_floor_is_noticed),
        A_STORY(a_request_above_the_max_is_noticed),
        A_STORY(growth_without_a_light_is_noticed),
        A_STORY(a_memory_shrink_without_a_handshake_is_noticed),
        A_STORY(a_second_resize_in_flight_is_noticed),
        A_STORY(a_grant_beyond_the_node_is_noticed),
        A_STORY(a_fall_of_the_potential_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
