/* SPDX-License-Identifier: Apache-2.0 */
/* How memory goes down: lever, handshake, light, and a last look. */
#include "agent/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* Half an hour of little use, the arbiter there but with red lights for CPU,
 * until the agent asks for lights for a memory shrink. */
static void
hold_a_handshake(struct solo *s)
{
    solo_annotate(s, "resources", "memory");
    solo_begin(s);
    for (int i = 0; i < 3600 && s->intent.seq == 0; i++) {
        if (i % 15 == 0) {
            struct wire_signal signal = solo_signal(s);
            solo_hear(s, &signal);
        }
        solo_second(s, 0.2, 0.0, 100);
    }
    assert_true(s->intent.seq > 0);
    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_HOLDING);
    assert_true(intended(s, GT_MEMORY)->want < 512 * SOLO_MIB);
    solo_forget(s);
}

static void
memory_goes_down_by_handshake_light_and_a_last_look(void **state)
{
    struct solo *s = *state;

    hold_a_handshake(s);
    solo_light(s, WIRE_GREEN);

    assert_true(s->seen & AGENT_DO_SAMPLE);
    assert_int_equal(s->patches, 1);
    assert_int_equal(s->patch.changes[0].to.limits[GT_MEMORY],
                     s->agent->handshake.target_bytes);
    solo_complete(s);
    assert_int_equal(s->said.kind, WIRE_ACK);
    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_IDLE);
}

static void
a_handshake_holds_until_its_shrink_is_done(void **state)
{
    struct solo *s = *state;

    hold_a_handshake(s);
    solo_light(s, WIRE_GREEN);
    solo_accept(s);
    solo_answer(s, KUBE_APPLIED);
    for (int i = 0; i < 40; i++) { /* the kubelet takes its time */
        solo_second(s, 0.2, 0.0, 100);
        solo_answer(s, KUBE_APPLIED);
    }
    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_HOLDING);

    solo_enforce(s);
    solo_answer(s, KUBE_APPLIED);
    assert_int_equal(s->said.kind, WIRE_ACK);
    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_IDLE);
    assert_int_equal(s->patches, 1);
}

static void
memory_that_grew_between_light_and_commit_stays(void **state)
{
    struct solo *s = *state;

    hold_a_handshake(s);
    s->figures.of[0].sample.memory_bytes = 400 * SOLO_MIB;
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 0);
    assert_int_equal(s->said.kind, WIRE_REFUSE);
    assert_string_equal(s->said.reason, "handshake");
}

/* The lever is pulled: at @done it has answered. */
static void
pull(struct solo *s, bool done)
{
    struct agent_event released = {.kind = AGENT_RELEASED, .released = done};

    solo_annotate(s, "resources", "memory");
    solo_annotate(s, "release", "http:8080/release");
    solo_begin(s);
    for (int i = 0; i < 3600 && !(s->seen & AGENT_DO_RELEASE); i++) {
        solo_second(s, 0.2, 0.0, 100);
    }
    assert_true(s->update.todo & AGENT_DO_RELEASE);
    assert_int_equal(s->update.release.port, 8080);
    assert_string_equal(s->update.release.path, "/release");
    assert_true(s->update.release.limit_bytes < 512 * SOLO_MIB);
    solo_step(s, &released);
}

static void
an_app_whose_shrink_is_given_up_gets_its_ceiling_back(void **state)
{
    struct solo *s = *state;

    pull(s, true);
    for (int i = 0; i < 5 && s->intent.seq == 0; i++) {
        struct wire_signal signal = solo_signal(s);

        solo_hear(s, &signal);
        solo_second(s, 0.2, 0.0, 100);
    }
    s->figures.of[0].sample.memory_bytes = 400 * SOLO_MIB;
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 0);
    assert_true(s->update.todo & AGENT_DO_RESTORE);
    assert_int_equal(s->update.restore.limit_bytes, 512 * SOLO_MIB);
    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_IDLE);
}

static void
a_blind_agent_commits_no_shrink(void **state)
{
    struct solo *s = *state;

    hold_a_handshake(s);
    s->blind = true;
    solo_light(s, WIRE_GREEN);

    assert_int_equal(s->patches, 0);
    assert_int_equal(s->said.kind, WIRE_REFUSE);
}

static void
memory_never_shrinks_where_the_owner_forbids_it(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "release", "none");
    solo_annotate(s, "resources", "memory");
    solo_begin(s);
    solo_seconds(s, 7200, 0.2, 0.0, 100);

    assert_true(solo_logged(s, "verdict=shrink"));
    assert_int_equal(s->patches, 0);
    assert_true(s->intent.seq == 0);
}

static void
the_app_is_asked_by_its_own_hook(void **state)
{
    struct solo *s = *state;

    pull(s, true);

    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_HOLDING);
    assert_false(s->seen & AGENT_DO_RESTORE);
}

static void
an_app_that_cannot_release_keeps_its_ceiling(void **state)
{
    struct solo *s = *state;

    pull(s, false);

    assert_int_equal(s->agent->handshake.phase, HANDSHAKE_IDLE);
    assert_true(s->update.todo & AGENT_DO_RESTORE);
    assert_int_equal(s->update.restore.limit_bytes, 512 * SOLO_MIB);
    solo_seconds(s, 300, 0.2, 0.0, 100);
    assert_int_equal(s->patches, 0);
}

/* POST /admin/shrink; the answer, at once or after its release. */
static enum shrink_reason
post(struct solo *s, int64_t target_bytes)
{
    struct agent_event event = {
        .kind = AGENT_PROPOSED,
        .target_bytes = target_bytes,
    };

    solo_forget(s);
    solo_step(s, &event);
    for (int i = 0; i < 60 && !(s->seen & AGENT_DO_REPLY); i++) {
        solo_second(s, 0.2, 0.0, 100);
    }
    assert_true(s->seen & AGENT_DO_REPLY);
    return s->reply.reason;
}

static void
a_post_is_verified_and_answered_but_never_patched(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "mode", "recommend");
    solo_begin(s);
    solo_seconds(s, 20, 0.2, 0.0, 100); /* the floor is known by then */

    assert_int_equal(post(s, 256 * SOLO_MIB), SHRINK_OK);
    assert_int_equal(s->reply.target_bytes, 256 * SOLO_MIB);
    assert_int_equal(s->reply.gate_bytes, 100 * SOLO_MIB);
    assert_int_equal(s->reply.expires_ms, HANDSHAKE_EXPIRY_MS);
    assert_int_equal(post(s, 256 * SOLO_MIB), SHRINK_BUSY);
    solo_seconds(s, 40, 0.2, 0.0, 100);
    assert_int_equal(s->patches, 0);
    assert_int_equal(post(s, 256 * SOLO_MIB), SHRINK_OK);
}

static void
a_post_that_expires_looks_at_the_pod_before_the_ceiling_goes_up(void **state)
{
    struct solo *s = *state;
    struct agent_event released = {.kind = AGENT_RELEASED, .released = true};
    struct agent_event event = {
        .kind = AGENT_PROPOSED,
        .target_bytes = 256 * SOLO_MIB,
    };

    solo_annotate(s, "mode", "recommend");
    solo_annotate(s, "release", "http:8080/release");
    solo_begin(s);
    solo_seconds(s, 20, 0.2, 0.0, 100);
    solo_step(s, &event);
    assert_true(s->update.todo & AGENT_DO_RELEASE);
    solo_step(s, &released);
    /* whoever asked lowers the limit meanwhile */
    s->pod.containers[0].spec.requests[GT_MEMORY] = 256 * SOLO_MIB;
    s->pod.containers[0].spec.limits[GT_MEMORY] = 256 * SOLO_MIB;
    solo_enforce(s);
    solo_forget(s);
    solo_seconds(s, 32, 0.2, 0.0, 100);
    assert_true(s->seen & AGENT_DO_READ);
    assert_false(s->seen & AGENT_DO_RESTORE);

    solo_answer(s, KUBE_APPLIED);

    assert_true(s->update.todo & AGENT_DO_RESTORE);
    assert_int_equal(s->update.restore.limit_bytes, 256 * SOLO_MIB);
    assert_true(solo_logged(s, "event=resized_by_others"));
    assert_int_equal(s->agent->containers[0].players[GT_MEMORY].current,
                     256 * SOLO_MIB);
}

static void
an_app_is_told_when_its_memory_has_grown(void **state)
{
    struct solo *s = *state;
    int64_t want;

    solo_annotate(s, "resources", "memory");
    solo_annotate(s, "release", "http:8080/release");
    solo_begin(s);
    for (int i = 0; i < 60 && s->intent.seq == 0; i++) {
        struct wire_signal signal = solo_signal(s);

        solo_hear(s, &signal);
        solo_second(s, 0.2, 0.0, 500);
    }
    want = intended(s, GT_MEMORY)->want;
    assert_true(want > 512 * SOLO_MIB);
    solo_light(s, WIRE_GREEN);
    solo_forget(s);
    solo_complete(s);

    assert_true(s->seen & AGENT_DO_RESTORE);
    assert_int_equal(s->update.restore.limit_bytes, want);
}

static void
a_cpu_resize_that_ends_leaves_the_memory_wish_alone(void **state)
{
    struct solo *s = *state;
    struct player *memory = &s->agent->containers[0].players[GT_MEMORY];
    struct player *cpu = &s->agent->containers[0].players[GT_CPU];
    int64_t want;

    solo_begin(s);
    for (int i = 0; i < 60 && s->intent.seq == 0; i++) {
        struct wire_signal signal = solo_signal(s);

        solo_hear(s, &signal);
        solo_second(s, 0.5, 1.0, 100); /* throttled */
    }
    assert_true(cpu->want > cpu->current);
    solo_light(s, WIRE_GREEN);
    memory->want = 256 * SOLO_MIB; /* as if a handshake were about to hold */
    want = memory->want;
    solo_complete(s);

    assert_true(cpu->current > 500);
    assert_int_equal(memory->want, want);
}

static void
a_post_that_cannot_be_met_is_refused(void **state)
{
    struct solo *s = *state;

    solo_annotate(s, "mode", "recommend");
    solo_begin(s);
    solo_seconds(s, 20, 0.2, 0.0, 100);
    assert_int_equal(post(s, 105 * SOLO_MIB), SHRINK_BELOW_PUNISHMENT_LEVEL);
    assert_int_equal(post(s, 120 * SOLO_MIB), SHRINK_FLOOR);
}

static void
a_post_to_an_agent_that_cannot_see_is_refused(void **state)
{
    struct solo *s = *state;

    solo_event(s, AGENT_START);
    assert_int_equal(post(s, 256 * SOLO_MIB), SHRINK_BLIND);
    solo_answer(s, KUBE_APPLIED);
    s->blind = true;
    solo_second(s, 0.2, 0.0, 100);
    assert_int_equal(post(s, 256 * SOLO_MIB), SHRINK_BLIND);
}

static void
a_post_to_one_of_two_containers_is_ambiguous(void **state)
{
    struct solo *s = *state;

    solo_add_container(s, "second");
    solo_begin(s);

    assert_int_equal(post(s, 256 * SOLO_MIB), SHRINK_AMBIGUOUS);
}

#define WITH_SOLO(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SOLO(memory_goes_down_by_handshake_light_and_a_last_look),
        WITH_SOLO(a_handshake_holds_until_its_shrink_is_done),
        WITH_SOLO(memory_that_grew_between_light_and_commit_stays),
        WITH_SOLO(an_app_whose_shrink_is_given_up_gets_its_ceiling_back),
        WITH_SOLO(a_blind_agent_commits_no_shrink),
        WITH_SOLO(memory_never_shrinks_where_the_owner_forbids_it),
        WITH_SOLO(the_app_is_asked_by_its_own_hook),
        WITH_SOLO(an_app_that_cannot_release_keeps_its_ceiling),
        WITH_SOLO(a_post_is_verified_and_answered_but_never_patched),
        WITH_SOLO(
            a_post_that_expires_looks_at_the_pod_before_the_ceiling_goes_up),
        WITH_SOLO(an_app_is_told_when_its_memory_has_grown),
        WITH_SOLO(a_cpu_resize_that_ends_leaves_the_memory_wish_alone),
        WITH_SOLO(a_post_that_cannot_be_met_is_refused),
        WITH_SOLO(a_post_to_an_agent_that_cannot_see_is_refused),
        WITH_SOLO(a_post_to_one_of_two_containers_is_ambiguous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
