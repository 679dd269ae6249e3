/* SPDX-License-Identifier: Apache-2.0 */
#include "common/loop_io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SPEED 1000.0

/* A loop and a transcript of what was called. */
struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    char said[64];
    int pipe[2][2];
    struct gt_loop_source *sources[2];
};

/* A callback's argument: who speaks, and when it is to end the loop. */
struct speaker {
    struct fixture *fixture;
    char name;
    int calls, calls_max;
    struct gt_loop_timer timer;
    struct gt_loop_work work;
    struct speaker *other;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct gt_err err;

    fixture = (struct fixture){.clock = {SPEED}};
    fixture.loop = gt_loop_new(&fixture.clock, &err);
    *state = &fixture;
    return fixture.loop == NULL || pipe(fixture.pipe[0]) ||
           pipe(fixture.pipe[1]);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        (void)close(f->pipe[i][0]);
        (void)close(f->pipe[i][1]);
    }
    f->loop = gt_loop_free(f->loop);
    return 0;
}

static void
say(struct speaker *speaker)
{
    char *end = strchr(speaker->fixture->said, '\0');

    end[0] = speaker->name;
    end[1] = '\0';
    speaker->calls++;
    if (speaker->calls == speaker->calls_max) {
        gt_loop_stop(speaker->fixture->loop);
    }
}

static void
say_once(void *arg)
{
    say(arg);
}

static void
say_again(void *arg)
{
    struct speaker *speaker = arg;

    say(speaker);
    gt_loop_timer_at(&speaker->timer, 1);
}

static void
silence_the_other(void *arg)
{
    struct speaker *speaker = arg;

    say(speaker);
    gt_loop_timer_stop(&speaker->other->timer);
}

static bool
step_three_times(void *arg)
{
    struct speaker *speaker = arg;

    say(speaker);
    return speaker->calls < 3;
}

static void
unwatch_both(void *arg, uint32_t events)
{
    struct speaker *speaker = arg;

    assert_true(events & EPOLLIN);
    say(speaker);
    for (int i = 0; i < 2; i++) {
        speaker->fixture->sources[i] =
            gt_loop_unwatch(speaker->fixture->sources[i]);
    }
    gt_loop_stop(speaker->fixture->loop);
}

static void
say_ready(void *arg, uint32_t events)
{
    assert_true(events & (EPOLLIN | EPOLLOUT));
    say(arg);
}

static void
say_signal(void *arg, int signal)
{
    struct speaker *speaker = arg;

    switch (signal) {
    case SIGHUP:
        speaker->name = 'h';
        break;
    case SIGCHLD:
        speaker->name = 'c';
        break;
    default:
        speaker->name = 't';
        break;
    }
    say(speaker);
}

static void
mesh_time_at_speed_one_is_the_machines(void **state)
{
    const struct gt_clock clock = {1};

    struct timespec before;
    struct timespec after;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &before), 0);
    uint64_t before_us = gt_clock_wall_us();
    struct gt_time now = gt_clock_now(&clock);

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &after), 0);
    assert_in_range(now.wall_s, before.tv_sec, after.tv_sec);
    assert_in_range(now.mono_ms, before_us / 1000, gt_clock_wall_us() / 1000);
    (void)state;
}

static void
mesh_time_runs_at_speed(void **state)
{
    const struct gt_clock clock = {20};
    struct gt_time first = gt_clock_now(&clock);
    uint64_t start_us = gt_clock_wall_us();

    while (gt_clock_wall_us() - start_us < 5000) {
    }

    struct gt_time second = gt_clock_now(&clock);
    assert_true(second.mono_ms - first.mono_ms >= 99);
    assert_in_range(first.wall_s - 1735689600, (time(NULL) - 1735689602) * 20,
                    (time(NULL) - 1735689598) * 20);
    (void)state;
}

static void
a_moment_is_never_before_its_mesh_time(void **state)
{
    static const double speeds[] = {0.3, 1, 7, 20, 999};

    for (size_t i = 0; i < GT_ARRAY_LEN(speeds); i++) {
        const struct gt_clock clock = {speeds[i]};
        for (uint64_t ms = 1; ms < UINT64_C(1) << 41; ms += ms / 4096 + 1) {
            uint64_t ns = gt_clock_moment_ns(&clock, ms);
            assert_true((uint64_t)((double)ns * clock.speed / 1e6) >= ms);
            assert_true(((double)ns - 4000) * clock.speed / 1e6 <= (double)ms);
        }
        assert_true(gt_clock_moment_ns(&clock, GT_NEVER_MS) == UINT64_MAX);
        assert_true(gt_clock_moment_ns(&clock, GT_NEVER_MS - 1) <= INT64_MAX);
    }
    (void)state;
}

static void
timers_fire_in_order_and_not_before_their_time(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a'};
    struct speaker b = {f, .name = 'b'};
    struct speaker c = {f, .name = 'c', .calls_max = 1};
    uint64_t now_ms = gt_loop_now(f->loop).mono_ms;

    gt_loop_timer_init(&a.timer, f->loop, say_once, &a);
    gt_loop_timer_init(&b.timer, f->loop, say_once, &b);
    gt_loop_timer_init(&c.timer, f->loop, say_once, &c);
    gt_loop_timer_at(&c.timer, now_ms + 9000);
    gt_loop_timer_at(&a.timer, now_ms + 1000);
    gt_loop_timer_at(&b.timer, now_ms + 3000);
    gt_loop_timer_at(&a.timer, now_ms + 5000);
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_string_equal(f->said, "bac");
    assert_true(gt_loop_now(f->loop).mono_ms >= now_ms + 9000);
    assert_false(a.timer.set);
}

static void
a_wall_timer_ignores_the_speed(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a', .calls_max = 1};
    uint64_t start_us = gt_clock_wall_us();

    gt_loop_timer_init(&a.timer, f->loop, say_once, &a);
    gt_loop_timer_in(&a.timer, 15);
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_true(gt_clock_wall_us() - start_us >= 15000);
}

static void
a_timer_stopped_by_another_does_not_fire(void **state)
{
    struct fixture *f = *state;
    struct speaker b = {f, .name = 'b'};
    struct speaker never = {f, .name = 'n'};
    struct speaker c = {f, .name = 'c', .calls_max = 1};
    struct speaker a = {f, .name = 'a', .other = &b};
    uint64_t now_ms = gt_loop_now(f->loop).mono_ms;

    gt_loop_timer_init(&a.timer, f->loop, silence_the_other, &a);
    gt_loop_timer_init(&b.timer, f->loop, say_once, &b);
    gt_loop_timer_init(&c.timer, f->loop, say_once, &c);
    gt_loop_timer_init(&never.timer, f->loop, say_once, &never);
    gt_loop_timer_at(&never.timer, now_ms);
    gt_loop_timer_at(&never.timer, GT_NEVER_MS);
    gt_loop_timer_at(&a.timer, now_ms);
    gt_loop_timer_at(&b.timer, now_ms);
    gt_loop_timer_at(&c.timer, now_ms + 1);
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_string_equal(f->said, "ac");
}

static void
a_timer_always_due_starves_nobody(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a'};
    struct speaker b = {f, .name = 'b', .calls_max = 1};

    gt_loop_timer_init(&a.timer, f->loop, say_again, &a);
    gt_loop_timer_at(&a.timer, 1);
    assert_int_equal(write(f->pipe[0][1], "x", 1), 1);
    assert_non_null(
        gt_loop_watch(f->loop, f->pipe[0][0], EPOLLIN, say_ready, &b));
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_non_null(strchr(f->said, 'b'));
    gt_loop_timer_stop(&a.timer);
}

static void
what_was_unwatched_is_not_called_in_the_same_batch(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a'};

    for (int i = 0; i < 2; i++) {
        assert_int_equal(write(f->pipe[i][1], "x", 1), 1);
        f->sources[i] =
            gt_loop_watch(f->loop, f->pipe[i][0], EPOLLIN, unwatch_both, &a);
    }
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_string_equal(f->said, "a");
}

static void
a_source_may_change_its_events(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a', .calls_max = 1};
    struct speaker b = {f, .name = 'b'};
    struct gt_loop_source *mute =
        gt_loop_watch(f->loop, f->pipe[1][1], EPOLLOUT, say_ready, &b);
    struct gt_loop_source *source =
        gt_loop_watch(f->loop, f->pipe[0][1], 0, say_ready, &a);

    assert_int_equal(gt_loop_rewatch(mute, 0), 0);
    assert_int_equal(gt_loop_rewatch(source, EPOLLOUT), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_string_equal(f->said, "a");
    assert_null(gt_loop_unwatch(NULL));
}

static void
an_fd_that_cannot_be_watched_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_null(gt_loop_watch(f->loop, -1, EPOLLIN, say_ready, NULL));
}

static void
work_goes_on_in_turns_with_fds_until_it_is_done(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a'};
    struct speaker b = {f, .name = 'b', .calls_max = 5};
    struct speaker c = {f, .name = 'c'};

    gt_loop_work_init(&a.work, f->loop, step_three_times, &a);
    gt_loop_work_init(&c.work, f->loop, step_three_times, &c);
    gt_loop_work_start(&a.work);
    gt_loop_work_start(&a.work);
    gt_loop_work_start(&c.work);
    gt_loop_work_stop(&c.work);
    assert_non_null(
        gt_loop_watch(f->loop, f->pipe[0][1], EPOLLOUT, say_ready, &b));
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_string_equal(f->said, "babababb");
}

static void
term_and_int_stop_a_loop_without_a_callback(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(raise(SIGPIPE), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);
}

static void
signals_reach_the_callback_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .calls_max = 3};

    gt_loop_on_signal(f->loop, say_signal, &a);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(raise(SIGCHLD), 0);
    assert_int_equal(gt_loop_run(f->loop), 0);

    assert_int_equal(strlen(f->said), 3);
    assert_non_null(strchr(f->said, 'h'));
    assert_non_null(strchr(f->said, 'c'));
    assert_non_null(strchr(f->said, 't'));
}

static void
a_stop_before_the_run_holds_once(void **state)
{
    struct fixture *f = *state;
    struct speaker a = {f, .name = 'a', .calls_max = 1};

    gt_loop_timer_init(&a.timer, f->loop, say_once, &a);
    gt_loop_timer_at(&a.timer, 1);
    gt_loop_stop(f->loop);
    assert_int_equal(gt_loop_run(f->loop), 0);
    assert_string_equal(f->said, "");

    assert_int_equal(gt_loop_run(f->loop), 0);
    assert_string_equal(f->said, "a");
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mesh_time_at_speed_one_is_the_machines),
        cmocka_unit_test(mesh_time_runs_at_speed),
        cmocka_unit_test(a_moment_is_never_before_its_mesh_time),
        LOOP_TEST(timers_fire_in_order_and_not_before_their_time),
        LOOP_TEST(a_wall_timer_ignores_the_speed),
        LOOP_TEST(a_timer_stopped_by_another_does_not_fire),
        LOOP_TEST(a_timer_always_due_starves_nobody),
        LOOP_TEST(what_was_unwatched_is_not_called_in_the_same_batch),
        LOOP_TEST(a_source_may_change_its_events),
        LOOP_TEST(an_fd_that_cannot_be_watched_is_refused),
        LOOP_TEST(work_goes_on_in_turns_with_fds_until_it_is_done),
        LOOP_TEST(term_and_int_stop_a_loop_without_a_callback),
        LOOP_TEST(signals_reach_the_callback_one_by_one),
        LOOP_TEST(a_stop_before_the_run_holds_once),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
