/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent may do to its pod, and when: one resize at a time, alone,
 * blind. */
#include "agent/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"
#include "tests/sim/solo.h"

static int
setup(void **state)
{
    struct solo *s = malloc(sizeof(*s));

    assert_non_null(s);
    solo_init(s);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    solo_fini(*state);
    free(*state);
    return 0;
}

static const struct wire_player *
intended(const struct solo *s, enum gt_resource resource)
{
    return &s->intent.containers[0].players[resource];
}

static const struct player *
player(const struct solo *s, enum gt_resource resource)
{
    return &s->agent->containers[0].players[resource];
}

/* Whatever may have made the wish. */
static void
a_wish_outside_of_floor_and_max_is_never_put_in_force(void **state)
{
    struct solo *s = *state;
    struct player *p = &s->agent->containers[0].players[GT_CPU];
    const int64_t wishes[] = {20, 2001};

    solo_begin(s);
    for (size_t i = 0; i < GT_ARRAY_LEN(wishes); i++) {
        p->floor = 300;
        p->want = wishes[i];
        s->agent->intent_seq = s->said.seq;
        s->intent = s->said;
        s->intent.containers[0].players[GT_CPU].want = wishes[i];
        solo_light(s, WIRE_GREEN);

        assert_int_equal(s->agent->counts.green_lights, i + 1);
        assert_int_equal(s->patches, 0);
    }
}

/* A CPU growth is on its way. */
static void
start_growth(struct solo *s)
{
    solo_begin(s);
    solo_second(s, 0.5, 0.0, 100);
    for (int i = 0; i < 3 && s->intent.seq == 0; i++) {
        solo_second(s, 0.5, 1.0, 100);
    }
    solo_light(s, WIRE_GREEN);
    assert_int_equal(s->patches, 1);
    solo_accept(s);
    solo_answer(s, KUBE_APPLIED);
}

static void
a_second_growth_waits_for_the_first(void **state)
{
    struct solo *s = *state;

    start_growth(s);
    for (int i = 0; i < 9; i++) {
        solo_second(s, 0.5, 1.0, 100 + i * 60);
        solo_light(s, WIRE_GREEN);
        assert_int_equal(s->patches, 1);
    }
}

/* A CPU shrink is on its way. */
static void
start_shrink(struct solo *s)
{
    solo_begin(s);
    for (int i = 0; i < 3600 && s->intent.seq == 0; i++) {
        if (i % 15 == 0) {
            struct wire_signal signal = solo_signal(s);
            solo_hear(s, &signal);
        }
        solo_second(s, 0.05, 0.0, 300);
    }
    solo_light(s, WIRE_GREEN);
    assert_int_equal(s->patches, 1);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] < 500);
    solo_accept(s);
    solo_answer(s, KUBE_APPLIED);
    memset(&s->intent, 0, sizeof(s->intent));
}

static void
a_shrink_under_way_lets_no_other_shrink_pass(void **state)
{
    struct solo *s = *state;

    start_shrink(s);
    for (int i = 0; i < 50; i++) {
        solo_second(s, 0.02, 0.0, 100);
        solo_light(s, WIRE_GREEN);
    }

    assert_int_equal(s->patches, 1);
}

static void
growth_takes_the_place_of_a_shrink_under_way(void **state)
{
    struct solo *s = *state;

    start_shrink(s);
    for (int i = 0; i < 9 && s->intent.seq == 0; i++) {
        solo_second(s, 0.05, 0.0, 500); /* memory is short */
    }
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 2);
    assert_true(s->patch.changes[0].to.requests[GT_MEMORY] > 512 * SOLO_MIB);
    assert_int_equal(s->patch.changes[0].to.requests[GT_CPU], 500);
}

/* What the load is worth to others counts for it, too. */
static void
a_short_pod_on_a_crowded_node_gives_way_at_its_ticks(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "resources", "cpu");
    solo_annotate(s, "class", "batch");
    solo_begin(s);
    for (int i = 0; i < 1800; i++) { /* its mean is low: so is its floor */
        if (i % 15 == 0) {
            struct wire_signal signal = solo_signal(s);
            solo_hear(s, &signal);
        }
        solo_second(s, 0.3, 0.0, 100);
    }
    s->load_milli = 7900; /* of 8000 */
    for (int i = 0; i < 300 && s->patches == 0; i++) {
        struct wire_signal signal = solo_signal(s);
        solo_hear(s, &signal);
        solo_second(s, 0.5, 0.4, 100);
        if (s->intent.seq == s->said.seq &&
            intended(s, GT_CPU)->want < intended(s, GT_CPU)->target) {
            solo_light(s, WIRE_GREEN);
        }
    }

    assert_int_equal(s->patches, 1);
    assert_true(s->agent->containers[0].short_of[GT_CPU]);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] < 500);
}

static void
a_blind_agent_never_resizes(void **state)
{
    struct solo *s = *state;
    struct wire_signal signal;

    solo_begin(s);
    solo_second(s, 0.5, 1.0, 500);
    s->blind = true;
    solo_forget(s);
    s->intent.seq = 0;
    solo_seconds(s, 120, 0.5, 1.0, 500);

    assert_true(s->intent.seq == 0);
    assert_int_equal(s->patches, 0);
    assert_true(solo_logged(s, "event=blind"));
    assert_int_equal(s->agent->counts.blind_samples, 120);

    s->blind = false;
    signal = solo_signal(s);
    solo_hear(s, &signal);
    solo_seconds(s, 5, 0.5, 1.0, 500);
    assert_true(solo_logged(s, "event=seeing"));
    assert_true(s->intent.seq > 0);
}

static void
alone_only_urgent_growth_moves_one_step_and_in_its_slot(void **state)
{
    struct solo *s = *state;
    int64_t step = gt_grid_amount(GT_CPU, gt_grid_level_down(GT_CPU, 500) + 1);

    solo_begin(s);
    s->ms += 60000; /* the signal is old by now */
    for (int i = 0; i < 240 && s->patches == 0; i++) {
        solo_second(s, 0.5, 1.0, 100);
    }

    assert_int_equal(s->patches, 1);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] <= step);
    assert_int_equal((gt_rng_hash(s->config.uid) + s->ms / 15000) % 8, 0);
    assert_true(s->said.flags & WIRE_FLAG_ALONE);
    assert_true(solo_logged(s, "by=alone"));
}

static void
alone_nothing_grows_beyond_what_the_node_was_known_to_have(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "resources", "cpu");
    s->load_milli = s->capacity_milli;
    solo_begin(s);
    s->ms += 60000;
    solo_seconds(s, 240, 0.5, 1.0, 300);

    assert_int_equal(s->patches, 0);
}

static void
growth_takes_the_place_of_its_own_shrink(void **state)
{
    struct solo *s = *state;

    start_shrink(s);
    for (int i = 0; i < 9 && s->intent.seq == 0; i++) {
        solo_second(s, 0.5, 1.0, 300);
    }
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 2);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] > 500);
}

/* What grows while a shrink is under way grows above what is in force. */
static void
a_smaller_shrink_is_no_growth(void **state)
{
    struct solo *s = *state;

    start_shrink(s);
    s->agent->containers[0].players[GT_CPU].want =
        (s->patch.changes[0].to.requests[GT_CPU] + 500) / 2;
    s->agent->intent_seq = s->said.seq;
    s->intent = s->said;
    s->intent.containers[0].players[GT_CPU].want =
        s->agent->containers[0].players[GT_CPU].want;
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 1);
}

static void
alone_idleness_still_shrinks(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "resources", "cpu");
    solo_begin(s);
    s->ms += 60000;
    for (int i = 0; i < 3600 && s->patches == 0; i++) {
        solo_second(s, 0.05, 0.0, 100);
    }

    assert_int_equal(s->patches, 1);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] < 500);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] >=
                player(s, GT_CPU)->floor);
}

static void
a_wish_that_gains_without_urgency_waits_for_the_arbiter(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "resources", "cpu");
    solo_begin(s);
    s->ms += 60000;
    solo_seconds(s, 600, 0.48, 0.1, 100);

    assert_int_equal(s->patches, 0);
}

static void
containers_share_one_patch_in_pod_order(void **state)
{
    struct solo *s = *state;

    solo_add_container(s, "second");
    solo_begin(s);
    solo_second(s, 0.5, 0.0, 100);
    for (int i = 0; i < 3 && s->intent.seq == 0; i++) {
        solo_second(s, 0.5, 1.0, 100);
    }
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 1);
    assert_int_equal(s->patch.changes_len, 2);
    assert_string_equal(s->patch.changes[0].name, "app");
    assert_string_equal(s->patch.changes[1].name, "second");
    assert_true(s->patch.changes[1].to.requests[GT_CPU] > 500);
}

static void
where_only_requests_are_controlled_limits_stay(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "controlled", "requests");
    s->pod.qos = KUBE_BURSTABLE;
    s->pod.containers[0].spec.limits[GT_CPU] = 1000;
    s->pod.containers[0].actual.limits[GT_CPU] = 1000;
    solo_begin(s);
    for (int i = 0; i < 3600 && s->patches == 0; i++) {
        solo_second(s, 0.05, 0.0, 300);
        if (s->intent.seq != 0) {
            solo_light(s, WIRE_GREEN);
        }
    }

    assert_int_equal(s->patches, 1);
    assert_true(s->patch.changes[0].to.requests[GT_CPU] < 500);
    assert_int_equal(s->patch.changes[0].to.limits[GT_CPU], KUBE_ABSENT);
    assert_int_equal(s->patch.changes[0].to.limits[GT_MEMORY], KUBE_ABSENT);
}

#define WITH_SOLO(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SOLO(a_wish_outside_of_floor_and_max_is_never_put_in_force),
        WITH_SOLO(a_second_growth_waits_for_the_first),
        WITH_SOLO(a_shrink_under_way_lets_no_other_shrink_pass),
        WITH_SOLO(growth_takes_the_place_of_a_shrink_under_way),
        WITH_SOLO(a_short_pod_on_a_crowded_node_gives_way_at_its_ticks),
        WITH_SOLO(a_blind_agent_never_resizes),
        WITH_SOLO(alone_only_urgent_growth_moves_one_step_and_in_its_slot),
        WITH_SOLO(alone_nothing_grows_beyond_what_the_node_was_known_to_have),
        WITH_SOLO(growth_takes_the_place_of_its_own_shrink),
        WITH_SOLO(a_smaller_shrink_is_no_growth),
        WITH_SOLO(alone_idleness_still_shrinks),
        WITH_SOLO(a_wish_that_gains_without_urgency_waits_for_the_arbiter),
        WITH_SOLO(containers_share_one_patch_in_pod_order),
        WITH_SOLO(where_only_requests_are_controlled_limits_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
