/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an agent hears and sees, in whatever order: its rules hold. */
#include "agent/agent.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"
#include "tests/sim/solo.h"

#define SEEDS 40
#define STEPS 3000

/* How the app fares for a while. */
struct mood {
    double cores, mib;
    bool is_short;
};

static bool
chance(struct gt_rng *rng, double share)
{
    return gt_rng_unit(rng) < share;
}

/* A load that no honest arbiter would tell. */
static void
lie(struct gt_rng *rng, struct wire_signal *signal)
{
    for (int r = 0; r < GT_RESOURCES; r++) {
        struct wire_load *load = &signal->loads[r];

        load->lo = (int64_t)gt_rng_below(rng, (uint64_t)load->capacity);
        load->hi = load->lo + (int64_t)gt_rng_below(rng, 1 << 30);
        load->capacity = chance(rng, 0.2) ? 0 : load->capacity;
        load->p1 = gt_rng_unit(rng) * 1e9;
    }
    signal->known_len = chance(rng, 0.8);
    signal->valid_ms = (uint32_t)gt_rng_below(rng, 60000);
}

/* Lights: some true, some of them wrong in one way. */
static void
lighten(struct gt_rng *rng, const struct solo *s, struct wire_signal *signal)
{
    for (int i = 0; i < 4; i++) {
        struct wire_light *light = &signal->lights[signal->lights_len++];
        size_t container = gt_rng_below(rng, 3);
        enum gt_resource r = (enum gt_resource)gt_rng_below(rng, 2);

        *light = (struct wire_light){
            .id = "5a7b0c6e-solo",
            .seq = s->said.seq - (chance(rng, 0.2) ? 1 : 0),
            .container = (uint8_t)container,
            .resource = r,
            .color = chance(rng, 0.8) ? WIRE_GREEN : WIRE_RED,
            .amount = s->said.containers[container % 2].players[r].want,
        };
        if (chance(rng, 0.3)) {
            light->amount = (int64_t)gt_rng_below(rng, 1 << 30);
        }
    }
}

static void
hear_something(struct gt_rng *rng, struct solo *s)
{
    struct wire_signal signal = solo_signal(s);

    if (chance(rng, 0.3)) {
        lie(rng, &signal);
    }
    if (chance(rng, 0.1)) {
        signal.epoch -= gt_rng_below(rng, 3);
    }
    if (chance(rng, 0.02)) {
        signal.incarnation = ++s->arbiter;
    }
    lighten(rng, s, &signal);
    solo_hear(s, &signal);
}

static void
answer_something(struct gt_rng *rng, struct solo *s)
{
    static const enum kube_outcome no[] = {
        KUBE_E_TRANSPORT,     KUBE_E_ANSWER, KUBE_E_FORBIDDEN, KUBE_E_CONFLICT,
        KUBE_E_NODE_CAPACITY, KUBE_E_SERVER, KUBE_E_THROTTLED,
    };

    if (chance(rng, 0.2)) {
        solo_answer(s, no[gt_rng_below(rng, GT_ARRAY_LEN(no))]);
        return;
    }
    if (s->sent) {
        solo_accept(s);
        s->pod.resize = (enum kube_resize)gt_rng_below(rng, 5);
    }
    if (chance(rng, 0.7)) {
        solo_enforce(s);
    }
    solo_answer(s, KUBE_APPLIED);
}

static void
change_mood(struct gt_rng *rng, struct mood *mood)
{
    mood->is_short = chance(rng, 0.2);
    mood->cores = mood->is_short ? 0.5 : 0.2 * gt_rng_unit(rng);
    mood->mib = chance(rng, 0.2) ? 500 : 50 + 100 * gt_rng_unit(rng);
}

static void
do_something(struct gt_rng *rng, const struct mood *mood, struct solo *s)
{
    struct agent_event event = {.kind = AGENT_PROPOSED};

    switch (gt_rng_below(rng, 40)) {
    case 0:
        hear_something(rng, s);
        hear_something(rng, s);
        break;
    case 1:
        s->blind = chance(rng, 0.3);
        break;
    case 2:
        s->figures.of[0].sample.usage_us = 0; /* it restarted */
        break;
    case 3:
        event.target_bytes = (int64_t)gt_rng_below(rng, 1 << 30);
        solo_step(s, &event);
        break;
    case 4:
        solo_event(s, AGENT_CONNECTED);
        break;
    case 5:
        s->figures.of[0].sample.oom_kills += chance(rng, 0.005);
        break;
    case 6:
        s->ms += gt_rng_below(rng, 100000);
        break;
    default:
        solo_second(s, mood->cores, mood->is_short ? 1.0 : 0.0, mood->mib);
    }
}

static void
amounts_are_allowed(const struct solo *s, size_t index)
{
    const struct kube_change *change = &s->update.patch.changes[index];
    size_t container = strcmp(change->name, "app") == 0 ? 0 : 1;

    for (int r = 0; r < GT_RESOURCES; r++) {
        const struct player *p = &s->agent->containers[container].players[r];
        int64_t request = change->to.requests[r];

        if (request == KUBE_ABSENT) {
            continue; /* left alone */
        }
        assert_true(request >= p->floor || request >= p->current);
        assert_true(request <= p->max || request <= p->current ||
                    request <= p->floor);
    }
    if (change->to.limits[GT_MEMORY] != KUBE_ABSENT &&
        change->to.limits[GT_MEMORY] <
            s->pod.containers[container].actual.limits[GT_MEMORY]) {
        assert_int_equal(s->agent->handshake.phase, HANDSHAKE_HOLDING);
        assert_int_equal(change->to.limits[GT_MEMORY],
                         s->agent->handshake.target_bytes);
    }
}

static void
the_rules_hold(const struct solo *s)
{
    if (s->update.todo & AGENT_DO_PATCH &&
        s->agent->resize.phase == RESIZE_SENT) {
        assert_false(s->agent->blind);
        for (size_t i = 0; i < s->update.patch.changes_len; i++) {
            amounts_are_allowed(s, i);
        }
    }
    for (size_t i = 0; i < s->agent->containers_len; i++) {
        for (int r = 0; r < GT_RESOURCES; r++) {
            const struct player *p = &s->agent->containers[i].players[r];

            assert_true(isfinite(p->gain) && isfinite(player_value(p)));
            assert_true(p->current > 0 && p->target > 0 && p->want > 0);
        }
    }
}

/* What was said can be said and read on the bus. */
static void
the_message_is_sound(const struct solo *s)
{
    static struct wire_strategy back;
    char bytes[WIRE_MESSAGE_MAX];
    struct gt_buf buf;

    if (s->update.todo & AGENT_DO_PUBLISH) {
        gt_buf_init(&buf, bytes, sizeof(bytes));
        wire_strategy_encode(&s->update.message, &buf);
        assert_false(buf.overflow);
        assert_int_equal(wire_strategy_decode(&back, bytes, buf.len), WIRE_OK);
    }
}

static void
check(const struct solo *s)
{
    the_rules_hold(s);
    the_message_is_sound(s);
}

static void
live(uint64_t seed)
{
    struct gt_rng rng = {.state = seed};
    struct mood mood = {0};
    struct solo *s = malloc(sizeof(*s));

    assert_non_null(s);
    solo_init(s);
    solo_add_container(s, "second");
    solo_begin(s);
    for (int i = 0; i < STEPS && s->agent->phase == AGENT_PLAYING; i++) {
        if (i % 500 == 0) {
            change_mood(&rng, &mood);
        }
        do_something(&rng, &mood, s);
        check(s);
        while (s->asked > 0 && chance(&rng, 0.9)) {
            s->ms += gt_rng_below(&rng, 1000);
            answer_something(&rng, s);
            check(s);
        }
        solo_forget(s);
    }
    assert_true(s->patches > 0);
    solo_fini(s);
    free(s);
}

static void
no_order_of_events_breaks_a_rule(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(seed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_events_breaks_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
