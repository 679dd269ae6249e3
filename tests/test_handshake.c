/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/handshake.h"
#include "common/rng.h"

#define MIB INT64_C(1048576)

/* Fits a limit of 400 MiB with its margin of 40 MiB. */
static struct handshake_figures
fitting(void)
{
    return (struct handshake_figures){
        .seen = true,
        .floor_bytes = 300 * MIB,
        .gate_bytes = 350 * MIB,
        .peak_bytes = 380 * MIB,
    };
}

static enum shrink_reason
propose(struct handshake *h, enum handshake_owner owner, uint64_t now_ms)
{
    struct handshake_proposal proposal = {
        .owner = owner,
        .container = 1,
        .target_bytes = 400 * MIB,
        .punishment_bytes = 390 * MIB,
    };

    return handshake_propose(h, &proposal, now_ms);
}

static enum handshake_verdict
check(struct handshake *h, const struct handshake_figures *figures,
      uint64_t now_ms)
{
    enum shrink_reason reason = SHRINK_OK;

    return handshake_check(h, figures, now_ms, &reason);
}

/* An own proposal that is refused by its figures at @now_ms. */
static void
refuse_one(struct handshake *h, uint64_t now_ms)
{
    struct handshake_figures figures = fitting();

    figures.floor_bytes = 390 * MIB;
    assert_int_equal(propose(h, HANDSHAKE_OWN, now_ms), SHRINK_OK);
    handshake_released(h, true, now_ms);
    assert_int_equal(check(h, &figures, now_ms + HANDSHAKE_SETTLE_MS),
                     HANDSHAKE_REFUSED);
}

static void
the_margin_is_the_largest_of_share_minimum_and_growth(void **state)
{
    (void)state;
    assert_int_equal(handshake_margin_bytes(100 * MIB, 0), 32 * MIB);
    assert_int_equal(handshake_margin_bytes(1000 * MIB, 0), 100 * MIB);
    assert_int_equal(handshake_margin_bytes(1000 * MIB, 50 * MIB), 250 * MIB);
    assert_int_equal(handshake_margin_bytes(1000 * MIB, -50 * MIB), 100 * MIB);
    assert_true(handshake_margin_bytes(1, INT64_MAX) == INT64_MAX);
    assert_true(handshake_margin_bytes(1, INT64_MAX / 2) == INT64_MAX);
}

static void
figures_that_fit_are_verified_to_the_byte(void **state)
{
    struct handshake_figures figures = fitting();

    (void)state;
    figures.floor_bytes = 360 * MIB;
    figures.gate_bytes = 400 * MIB - 1;
    figures.peak_bytes = 400 * MIB;
    assert_int_equal(handshake_verify(&figures, 400 * MIB), SHRINK_OK);
}

static void
each_figure_that_does_not_fit_has_its_reason(void **state)
{
    struct handshake_figures figures = fitting();

    (void)state;
    figures.peak_bytes = 400 * MIB + 1;
    assert_int_equal(handshake_verify(&figures, 400 * MIB), SHRINK_CEILING);
    figures.gate_bytes = 400 * MIB;
    assert_int_equal(handshake_verify(&figures, 400 * MIB), SHRINK_GATE);
    figures.floor_bytes = 360 * MIB + 1;
    assert_int_equal(handshake_verify(&figures, 400 * MIB), SHRINK_FLOOR);
    figures.seen = false;
    assert_int_equal(handshake_verify(&figures, 400 * MIB), SHRINK_BLIND);
}

static void
growth_without_bounds_and_a_tiny_target_are_refused(void **state)
{
    struct handshake_figures figures = fitting();

    (void)state;
    figures.growth_bytes_s = INT64_MAX;
    assert_int_equal(handshake_verify(&figures, INT64_MAX), SHRINK_FLOOR);
    figures = fitting();
    figures.floor_bytes = 0;
    assert_int_equal(handshake_verify(&figures, 1), SHRINK_FLOOR);
}

static void
a_proposal_is_released_settled_and_held(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();

    (void)state;
    handshake_init(&h);
    assert_int_equal(h.phase, HANDSHAKE_IDLE);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 1000), SHRINK_OK);
    assert_int_equal(h.phase, HANDSHAKE_RELEASING);
    assert_int_equal(h.container, 1);
    assert_int_equal(h.target_bytes, 400 * MIB);
    assert_int_equal(check(&h, &figures, 1500), HANDSHAKE_OPEN);

    handshake_released(&h, true, 2000);
    assert_int_equal(h.phase, HANDSHAKE_SETTLING);

    assert_int_equal(check(&h, &figures, 2100), HANDSHAKE_VERIFIED);
    assert_int_equal(h.phase, HANDSHAKE_HOLDING);
    assert_int_equal(h.deadline_ms, 2100 + HANDSHAKE_EXPIRY_MS);
    assert_int_equal(check(&h, &figures, 2200), HANDSHAKE_OPEN);
}

static void
figures_may_come_down_while_settling(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();

    (void)state;
    handshake_init(&h);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 0), SHRINK_OK);
    handshake_released(&h, true, 0);
    figures.gate_bytes = 500 * MIB;
    assert_int_equal(check(&h, &figures, HANDSHAKE_SETTLE_MS - 1),
                     HANDSHAKE_OPEN);

    assert_int_equal(
        check(&h, &(struct handshake_figures){.seen = true, .gate_bytes = MIB},
              HANDSHAKE_SETTLE_MS),
        HANDSHAKE_VERIFIED);
}

static void
figures_that_stay_up_are_refused_with_their_reason(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();
    enum shrink_reason reason = SHRINK_OK;

    (void)state;
    handshake_init(&h);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 0), SHRINK_OK);
    handshake_released(&h, true, 0);
    figures.gate_bytes = 500 * MIB;

    assert_int_equal(
        handshake_check(&h, &figures, HANDSHAKE_SETTLE_MS, &reason),
        HANDSHAKE_REFUSED);

    assert_int_equal(reason, SHRINK_GATE);
    assert_int_equal(h.phase, HANDSHAKE_IDLE);
    assert_int_equal(check(&h, &figures, HANDSHAKE_SETTLE_MS), HANDSHAKE_OPEN);
}

static void
a_lever_that_does_not_answer_times_out(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();
    enum shrink_reason reason = SHRINK_OK;

    (void)state;
    handshake_init(&h);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 500), SHRINK_OK);
    assert_int_equal(check(&h, &figures, 500 + HANDSHAKE_RELEASE_MS - 1),
                     HANDSHAKE_OPEN);

    assert_int_equal(
        handshake_check(&h, &figures, 500 + HANDSHAKE_RELEASE_MS, &reason),
        HANDSHAKE_REFUSED);
    assert_int_equal(reason, SHRINK_TIMEOUT);

    handshake_released(&h, true, 500 + HANDSHAKE_RELEASE_MS + 1);
    assert_int_equal(h.phase, HANDSHAKE_IDLE);
}

static void
an_app_that_cannot_release_is_not_shrunk_by_its_figures(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();
    enum shrink_reason reason = SHRINK_OK;

    (void)state;
    handshake_init(&h);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 0), SHRINK_OK);
    handshake_released(&h, false, 10);

    assert_int_equal(handshake_check(&h, &figures, 11, &reason),
                     HANDSHAKE_REFUSED);
    assert_int_equal(reason, SHRINK_CEILING);

    assert_int_equal(propose(&h, HANDSHAKE_EXTERNAL, 20), SHRINK_OK);
    handshake_released(&h, false, 20);
    figures.floor_bytes = 390 * MIB;
    assert_int_equal(handshake_check(&h, &figures, 20, &reason),
                     HANDSHAKE_REFUSED);
    assert_int_equal(reason, SHRINK_FLOOR);
}

static void
a_second_proposal_is_busy_in_every_open_phase(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();

    (void)state;
    handshake_init(&h);
    assert_int_equal(propose(&h, HANDSHAKE_EXTERNAL, 0), SHRINK_OK);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 0), SHRINK_BUSY);
    handshake_released(&h, true, 0);
    assert_int_equal(propose(&h, HANDSHAKE_EXTERNAL, 0), SHRINK_BUSY);
    assert_int_equal(check(&h, &figures, 0), HANDSHAKE_VERIFIED);
    assert_int_equal(propose(&h, HANDSHAKE_EXTERNAL, 1), SHRINK_BUSY);
    assert_int_equal(h.owner, HANDSHAKE_EXTERNAL);
}

static void
a_target_below_the_punishment_level_is_refused_at_once(void **state)
{
    struct handshake h;
    struct handshake_proposal proposal = {
        .owner = HANDSHAKE_EXTERNAL,
        .target_bytes = 100 * MIB - 1,
        .punishment_bytes = 100 * MIB,
    };

    (void)state;
    handshake_init(&h);
    assert_int_equal(handshake_propose(&h, &proposal, 0),
                     SHRINK_BELOW_PUNISHMENT_LEVEL);
    assert_int_equal(h.phase, HANDSHAKE_IDLE);
    proposal.target_bytes++;
    assert_int_equal(handshake_propose(&h, &proposal, 0), SHRINK_OK);
}

static void
an_answer_that_is_not_used_expires(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();

    (void)state;
    handshake_init(&h);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, 0), SHRINK_OK);
    handshake_released(&h, true, 0);
    assert_int_equal(check(&h, &figures, 0), HANDSHAKE_VERIFIED);

    assert_int_equal(check(&h, &figures, HANDSHAKE_EXPIRY_MS - 1),
                     HANDSHAKE_OPEN);
    assert_int_equal(check(&h, &figures, HANDSHAKE_EXPIRY_MS),
                     HANDSHAKE_EXPIRED);

    assert_int_equal(h.phase, HANDSHAKE_IDLE);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, HANDSHAKE_EXPIRY_MS),
                     SHRINK_OK);
}

static void
own_refusals_back_off_for_twice_as_long_each_time(void **state)
{
    struct handshake h;
    uint64_t now_ms = 1;
    uint64_t pause_ms = HANDSHAKE_BACKOFF_MIN_MS;

    (void)state;
    handshake_init(&h);
    for (int i = 0; i < 10; i++) {
        refuse_one(&h, now_ms);
        assert_int_equal(h.blocked_until_ms,
                         now_ms + HANDSHAKE_SETTLE_MS + pause_ms);
        assert_int_equal(propose(&h, HANDSHAKE_OWN, h.blocked_until_ms - 1),
                         SHRINK_BUSY);
        now_ms = h.blocked_until_ms;
        pause_ms = 2 * pause_ms < HANDSHAKE_BACKOFF_MAX_MS
                       ? 2 * pause_ms
                       : HANDSHAKE_BACKOFF_MAX_MS;
    }
    assert_int_equal(h.backoff_ms, HANDSHAKE_BACKOFF_MAX_MS);
}

static void
an_external_proposal_neither_waits_for_the_back_off_nor_adds_to_it(void **state)
{
    struct handshake h;
    uint64_t blocked_until_ms = 0;

    (void)state;
    handshake_init(&h);
    refuse_one(&h, 0);
    blocked_until_ms = h.blocked_until_ms;

    assert_int_equal(propose(&h, HANDSHAKE_EXTERNAL, 20000), SHRINK_OK);
    handshake_close(&h, false, 20001);
    assert_int_equal(h.blocked_until_ms, blocked_until_ms);
    assert_int_equal(propose(&h, HANDSHAKE_EXTERNAL, 20002), SHRINK_OK);
    handshake_close(&h, true, 20003);
    assert_int_equal(h.blocked_until_ms, blocked_until_ms);
    refuse_one(&h, blocked_until_ms);
    blocked_until_ms = h.blocked_until_ms;
    handshake_close(&h, false, blocked_until_ms);
    assert_int_equal(h.blocked_until_ms, blocked_until_ms);
}

static void
a_committed_shrink_clears_the_back_off(void **state)
{
    struct handshake h;
    struct handshake_figures figures = fitting();
    uint64_t now_ms = 0;

    (void)state;
    handshake_init(&h);
    refuse_one(&h, 0);
    now_ms = h.blocked_until_ms;
    assert_int_equal(propose(&h, HANDSHAKE_OWN, now_ms), SHRINK_OK);
    handshake_released(&h, true, now_ms);
    assert_int_equal(check(&h, &figures, now_ms), HANDSHAKE_VERIFIED);

    handshake_close(&h, true, now_ms);

    assert_int_equal(h.phase, HANDSHAKE_IDLE);
    assert_int_equal(h.backoff_ms, 0);
    assert_int_equal(propose(&h, HANDSHAKE_OWN, now_ms), SHRINK_OK);
}

/* Whatever happens in whatever order, a shrink is verified by figures alone. */
static void
nothing_is_ever_verified_against_figures_that_fail(void **state)
{
    struct gt_rng rng = {.state = 7};
    struct handshake h;
    uint64_t now_ms = 1;
    unsigned verified = 0;

    (void)state;
    handshake_init(&h);
    for (int i = 0; i < 200000; i++) {
        struct handshake_figures figures = {
            .seen = gt_rng_below(&rng, 4) != 0,
            .floor_bytes = (int64_t)gt_rng_below(&rng, 400) * MIB,
            .gate_bytes = (int64_t)gt_rng_below(&rng, 500) * MIB,
            .peak_bytes = (int64_t)gt_rng_below(&rng, 500) * MIB,
            .growth_bytes_s = (int64_t)gt_rng_below(&rng, 20) * MIB,
        };
        bool released = h.phase == HANDSHAKE_SETTLING && h.released;
        enum shrink_reason fits = handshake_verify(&figures, h.target_bytes);

        now_ms += gt_rng_below(&rng, 20000);
        switch (gt_rng_below(&rng, 5)) {
        case 0:
            propose(&h,
                    gt_rng_below(&rng, 2) ? HANDSHAKE_OWN : HANDSHAKE_EXTERNAL,
                    now_ms);
            break;
        case 1:
            handshake_released(&h, gt_rng_below(&rng, 3) != 0, now_ms);
            break;
        case 2:
            if (gt_rng_below(&rng, 10) == 0) {
                handshake_close(&h, gt_rng_below(&rng, 2) != 0, now_ms);
            }
            break;
        default:
            if (check(&h, &figures, now_ms) == HANDSHAKE_VERIFIED) {
                assert_true(released);
                assert_int_equal(fits, SHRINK_OK);
                verified++;
            }
            break;
        }
    }
    assert_true(verified > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_margin_is_the_largest_of_share_minimum_and_growth),
        cmocka_unit_test(figures_that_fit_are_verified_to_the_byte),
        cmocka_unit_test(each_figure_that_does_not_fit_has_its_reason),
        cmocka_unit_test(growth_without_bounds_and_a_tiny_target_are_refused),
        cmocka_unit_test(a_proposal_is_released_settled_and_held),
        cmocka_unit_test(figures_may_come_down_while_settling),
        cmocka_unit_test(figures_that_stay_up_are_refused_with_their_reason),
        cmocka_unit_test(a_lever_that_does_not_answer_times_out),
        cmocka_unit_test(
            an_app_that_cannot_release_is_not_shrunk_by_its_figures),
        cmocka_unit_test(a_second_proposal_is_busy_in_every_open_phase),
        cmocka_unit_test(
            a_target_below_the_punishment_level_is_refused_at_once),
        cmocka_unit_test(an_answer_that_is_not_used_expires),
        cmocka_unit_test(own_refusals_back_off_for_twice_as_long_each_time),
        cmocka_unit_test(
            an_external_proposal_neither_waits_for_the_back_off_nor_adds_to_it),
        cmocka_unit_test(a_committed_shrink_clears_the_back_off),
        cmocka_unit_test(nothing_is_ever_verified_against_figures_that_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
