/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/player.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base.h"
#include "common/rng.h"

#define TICK_MS 15000
#define MIB     ((int64_t)1 << 20)

/* A player with its clock, on a node with room unless it is crowded. */
struct play {
    struct player p;
    uint64_t ms;
    struct gt_congestion node;
    double load; /* units, this player included */
    double contention;
};

static const struct player_start cpu_start = {
    .resource = GT_CPU,
    .request = 500,
    .beta = 1.0,
    .min = 10,
    .max = 2000,
    .penalty = 20.0,
    .moves = true,
};

static struct play *
begin(struct play *play, const struct player_start *start)
{
    *play = (struct play){
        .ms = 1000,
        .node = {.capacity = start->resource == GT_CPU ? 8.0 : 8192.0,
                 .rho0 = GT_GAME_RHO0,
                 .p1 = GT_GAME_P1,
                 .exponent = GT_GAME_EXPONENT},
        .load = start->resource == GT_CPU ? 2.0 : 2048.0,
    };
    player_init(&play->p, start);
    return play;
}

static struct play *
begin_cpu(struct play *play)
{
    return begin(play, &cpu_start);
}

static enum player_verdict
decide(struct play *play, bool urgent, bool strong)
{
    struct player_view view = {
        .now = {.mono_ms = play->ms},
        .node = &play->node,
        .load_lo = play->load,
        .load_hi = play->load,
        .urgent = urgent,
        .strong = strong,
        .contention = play->contention,
    };

    return player_decide(&play->p, &view);
}

/* A second of @usage after another, without a decision. */
static void
use(struct play *play, double usage, double throttled, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        play->ms += 1000;
        player_sample(&play->p, usage, throttled, 1.0);
    }
}

/* A tick of it, and the decision at its end. */
static enum player_verdict
tick(struct play *play, double usage)
{
    use(play, usage, 0.0, TICK_MS / 1000);
    player_tick(&play->p);
    return decide(play, false, false);
}

/* Ticks until there is a wish, at most @most; how many it took. */
static int
ticks_until_a_wish(struct play *play, double usage, int most)
{
    for (int i = 1; i <= most; i++) {
        tick(play, usage);
        if (player_wishes(&play->p)) {
            return i;
        }
    }
    return most + 1;
}

/* A few ticks at the limit now and then, enough to learn from; undecided. */
static void
busy_ticks(struct play *play)
{
    for (int i = 0; i < 4; i++) {
        use(play, 0.42, 0.3, TICK_MS / 1000);
        player_tick(&play->p);
    }
}

static void
a_new_player_holds_what_the_pod_has_and_wishes_nothing(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    assert_int_equal(p->current, 500);
    assert_int_equal(p->target, 500);
    assert_false(player_wishes(p));
    assert_true(isfinite(player_value(p)) && player_value(p) < 0);
}

static void
steady_use_near_the_limit_grows_at_the_tick(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    busy_ticks(&play);

    assert_int_equal(decide(&play, false, false), PLAYER_GROW);
    assert_int_equal(p->reason, PLAYER_BY_GAIN);
    assert_int_equal(p->urgency, GUARD_GROW);
    assert_true(p->want > 500 && p->want <= 2000);
    assert_true(p->gain > 0);
    assert_false(player_wishes_less(p));
}

static void
a_player_below_its_floor_grows_to_it_whatever_the_price(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    play.load = 100.0;
    use(&play, 0.6, 0.0, 3600);
    player_tick(p);
    decide(&play, false, false);

    assert_true(p->floor > 500);
    assert_int_equal(p->verdict, PLAYER_GROW);
    assert_int_equal(p->reason, PLAYER_BY_FLOOR);
    assert_int_equal(p->urgency, GUARD_VITAL);
    assert_true(p->want >= p->floor);
}

/* Ten quiet minutes, then short of everything for two seconds. */
static void
wake_up(struct play *play)
{
    for (int i = 0; i < 40; i++) {
        tick(play, 0.1);
    }
    player_settle(&play->p, 150);
    use(play, 0.15, 1.0, 2);
}

static void
strong_evidence_beats_what_was_learnt(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    int64_t learnt;
    (void)state;

    p->penalty = 5.0; /* class batch: the curve asks for little */
    wake_up(&play);
    decide(&play, true, false);
    learnt = p->best;

    assert_int_equal(decide(&play, true, true), PLAYER_GROW);
    assert_int_equal(p->reason, PLAYER_BY_EVIDENCE);
    assert_int_equal(p->urgency, GUARD_URGENT);
    assert_true(p->want > learnt && p->want <= 300 + 60);
}

static void
evidence_asks_for_no_more_than_the_node_can_bear(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    wake_up(&play);
    play.load = 7.9; /* of 8 cores */

    decide(&play, true, true);
    assert_true(p->want < 250);
}

static void
a_full_node_makes_growth_too_dear(void **state)
{
    struct play play;
    (void)state;

    begin_cpu(&play);
    play.load = 8.5;
    busy_ticks(&play);
    assert_int_not_equal(decide(&play, false, false), PLAYER_GROW);

    play.load = 2.0;
    assert_int_equal(decide(&play, false, false), PLAYER_GROW);
}

static void
idleness_shrinks_after_patience_and_not_below_the_floor(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    assert_int_equal(tick(&play, 0.05), PLAYER_VOTE);
    assert_false(player_wishes(p));
    assert_in_range(ticks_until_a_wish(&play, 0.05, 40), 1, 24);

    assert_int_equal(p->verdict, PLAYER_SHRINK);
    assert_int_equal(p->reason, PLAYER_BY_PATIENCE);
    assert_int_equal(p->urgency, GUARD_SHRINK);
    assert_true(player_wishes_less(p));
    assert_true(p->want >= p->floor);
    assert_true(p->gain > 0);
}

static void
an_urgent_look_never_shrinks(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    for (int i = 0; i < 40; i++) {
        use(&play, 0.05, 0.0, 15);
        player_tick(p);
        decide(&play, true, false);
        assert_false(player_wishes(p));
    }
}

static void
a_burst_starts_the_votes_afresh(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    (void)state;

    tick(&play, 0.05);
    assert_true(p->votes.len > 0);
    use(&play, 0.5, 1.0, 2);
    decide(&play, true, true);

    assert_int_equal(p->votes.len, 0);
}

static void
a_refused_amount_is_not_asked_for_again_soon(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    int64_t refused;
    (void)state;

    use(&play, 0.5, 1.0, 15);
    player_tick(p);
    decide(&play, false, false);
    refused = p->want;
    player_block(p, refused, play.ms + 60000);
    player_settle(p, 500);

    assert_int_equal(decide(&play, false, false), PLAYER_BLOCKED);
    assert_false(player_wishes(p));
    play.ms += 60000;
    assert_int_equal(decide(&play, false, false), PLAYER_GROW);
    assert_int_equal(p->want, refused);
}

/* After how many milliseconds the next urgent decision is due. */
static uint64_t
urgent_gap_ms(struct player *p, int64_t load)
{
    uint64_t ms = 0;
    struct gt_time now = {.mono_ms = p->urgent_ms};

    while (!player_urgent_due(p, load, now)) {
        now.mono_ms += 100;
        ms += 100;
    }
    return ms;
}

static void
red_lights_are_thought_over_at_once_and_then_ever_more_rarely(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    const uint64_t gaps_ms[] = {1800, 3600, 7200, 14400, 15000};
    (void)state;

    use(&play, 0.5, 1.0, 1);
    decide(&play, true, true);
    assert_int_equal(urgent_gap_ms(p, 7000), 900);

    player_red(p, 7000);
    assert_false(player_wishes(p));
    assert_true(
        player_urgent_due(p, 7000, (struct gt_time){.mono_ms = play.ms}));
    for (size_t i = 0; i < GT_ARRAY_LEN(gaps_ms); i++) {
        decide(&play, true, true);
        player_red(p, 7000);
        assert_int_equal(urgent_gap_ms(p, 7000), gaps_ms[i]);
    }
    assert_int_equal(urgent_gap_ms(p, 6999), 900);

    decide(&play, true, true);
    player_move(p, (struct gt_time){.mono_ms = play.ms});
    assert_int_equal(urgent_gap_ms(p, 7000), 900);
}

static void
a_resource_that_may_not_move_stays(void **state)
{
    struct player_start start = cpu_start;
    struct play play;
    (void)state;

    start.moves = false;
    begin(&play, &start);
    use(&play, 0.5, 1.0, 15);
    player_tick(&play.p);

    assert_int_equal(decide(&play, true, true), PLAYER_STAY);
    assert_false(player_wishes(&play.p));
}

static void
a_wish_lasts_until_it_is_dropped_moved_or_settled(void **state)
{
    struct play play;
    struct player *p = &begin_cpu(&play)->p;
    struct gt_time now;
    int64_t want;
    (void)state;

    use(&play, 0.5, 1.0, 15);
    player_tick(p);
    decide(&play, false, false);
    want = p->want;
    now.mono_ms = play.ms;

    player_drop(p);
    assert_false(player_wishes(p));
    assert_int_equal(p->current, 500);

    decide(&play, false, false);
    player_move(p, now);
    assert_false(player_wishes(p));
    assert_int_equal(p->target, want);
    assert_int_equal(p->current, 500);

    player_settle(p, want);
    assert_false(player_wishes(p));
    assert_int_equal(p->current, want);
}

static void
without_a_limit_demand_counts_as_much_as_the_node_is_contended(void **state)
{
    struct player_start start = cpu_start;
    struct play idle;
    struct play busy;
    (void)state;

    start.beta = 0.0;
    begin(&idle, &start);
    begin(&busy, &start);
    busy.contention = 1.0;
    for (int i = 0; i < 8; i++) {
        tick(&idle, 0.6);
        tick(&busy, 0.6);
    }

    assert_false(busy.p.limited);
    assert_int_equal(busy.p.verdict, PLAYER_GROW);
    assert_true(busy.p.best > idle.p.best);
}

static void
an_oom_kill_raises_the_floor_above_the_limit_that_killed(void **state)
{
    struct player_start start = {
        .resource = GT_MEMORY,
        .request = 256 * MIB,
        .beta = 2.0,
        .min = 32 * MIB,
        .max = 1024 * MIB,
        .penalty = 40000.0,
        .moves = true,
    };
    struct play play;
    struct gt_time now;
    (void)state;

    begin(&play, &start);
    use(&play, 200.0, 0.0, 5);
    now.mono_ms = play.ms;
    player_oom(&play.p, now);

    assert_int_equal(decide(&play, true, true), PLAYER_GROW);
    assert_int_equal(play.p.urgency, GUARD_VITAL);
    assert_true(play.p.floor * 2 >= 614 * MIB);
    assert_true(play.p.want >= play.p.floor);

    for (int i = 0; i < 40; i++) { /* what was used is forgotten by then */
        tick(&play, 100.0);
    }
    assert_true(play.p.floor * 2 >= 595 * MIB);
}

/* Whatever happens, a wish lies within floor and max and all is finite. */
static void
no_history_wishes_below_the_floor_or_above_the_max(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct gt_rng rng = {.state = seed};
        struct play play;
        struct player *p = &begin_cpu(&play)->p;

        for (int i = 0; i < 2000; i++) {
            double limit = (double)p->current / 1000.0;
            double usage = fmin(gt_rng_unit(&rng) * 1.5, limit);
            bool urgent = gt_rng_unit(&rng) < 0.3;

            use(&play, usage, urgent ? gt_rng_unit(&rng) : 0.0, 1);
            play.load = gt_rng_unit(&rng) * 10.0;
            if (i % 15 == 14) {
                player_tick(p);
            }
            decide(&play, urgent, urgent && gt_rng_unit(&rng) < 0.5);
            if (player_wishes(p)) {
                assert_true(p->want <= p->max);
                assert_true(p->want >= p->floor);
                player_settle(p, p->want);
            }
            assert_true(isfinite(p->gain) && isfinite(player_value(p)));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_new_player_holds_what_the_pod_has_and_wishes_nothing),
        cmocka_unit_test(steady_use_near_the_limit_grows_at_the_tick),
        cmocka_unit_test(
            a_player_below_its_floor_grows_to_it_whatever_the_price),
        cmocka_unit_test(strong_evidence_beats_what_was_learnt),
        cmocka_unit_test(evidence_asks_for_no_more_than_the_node_can_bear),
        cmocka_unit_test(a_full_node_makes_growth_too_dear),
        cmocka_unit_test(
            idleness_shrinks_after_patience_and_not_below_the_floor),
        cmocka_unit_test(an_urgent_look_never_shrinks),
        cmocka_unit_test(a_burst_starts_the_votes_afresh),
        cmocka_unit_test(a_refused_amount_is_not_asked_for_again_soon),
        cmocka_unit_test(
            red_lights_are_thought_over_at_once_and_then_ever_more_rarely),
        cmocka_unit_test(a_resource_that_may_not_move_stays),
        cmocka_unit_test(a_wish_lasts_until_it_is_dropped_moved_or_settled),
        cmocka_unit_test(
            without_a_limit_demand_counts_as_much_as_the_node_is_contended),
        cmocka_unit_test(
            an_oom_kill_raises_the_floor_above_the_limit_that_killed),
        cmocka_unit_test(no_history_wishes_below_the_floor_or_above_the_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
