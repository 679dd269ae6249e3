/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reactor: one thread, epoll, timers, signals, and work cut into slices.
 *
 * Make the loop first: gt_loop_new() blocks SIGTERM, SIGINT, SIGHUP and
 * SIGCHLD and ignores SIGPIPE, and the threads that nng starts later must
 * inherit that.  Spawned children inherit it too: give them an empty mask.
 *
 * A callback may watch, unwatch, set and stop anything, itself included; the
 * callback of what was removed is not called again.  Callbacks never nest.
 */
#ifndef COMMON_LOOP_IO_H
#define COMMON_LOOP_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "common/clock_io.h"
#include "common/err.h"

struct gt_loop;
struct gt_loop_source;

/* @clock is borrowed for the loop's life.  NULL sets @err. */
struct gt_loop *gt_loop_new(const struct gt_clock *clock, struct gt_err *err);

/* Sources still watched are dropped, their fds stay open.  Returns NULL. */
struct gt_loop *gt_loop_free(struct gt_loop *loop);

/* Turns until gt_loop_stop(), which may come first; 0, or -errno when epoll
 * itself failed. */
int gt_loop_run(struct gt_loop *loop);
void gt_loop_stop(struct gt_loop *loop);

/* Mesh time now. */
struct gt_time gt_loop_now(const struct gt_loop *loop);

/* @events as epoll says: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP. */
typedef void gt_loop_ready_fn(void *arg, uint32_t events);

/*
 * Watches @fd, level-triggered; the fd stays the caller's and is unwatched
 * before it is closed.  NULL: no memory, or the fd cannot be watched.
 */
struct gt_loop_source *gt_loop_watch(struct gt_loop *loop, int fd,
                                     uint32_t events, gt_loop_ready_fn *ready,
                                     void *arg);

/* Watches for other events; 0 or -errno. */
int gt_loop_rewatch(struct gt_loop_source *source, uint32_t events);

/* Returns NULL; NULL is allowed. */
struct gt_loop_source *gt_loop_unwatch(struct gt_loop_source *source);

/*
 * One shot; in the caller's memory, which must outlive it or stop it first.
 * Setting a timer that is set moves it.
 */
struct gt_loop_timer {
    struct gt_loop *loop;
    void (*fire)(void *arg);
    void *arg;
    uint64_t due_ns; /* private */
    bool set;        /* read only */
    TAILQ_ENTRY(gt_loop_timer) link;
};

void gt_loop_timer_init(struct gt_loop_timer *timer, struct gt_loop *loop,
                        void (*fire)(void *arg), void *arg);

/* Fires once mesh time is @mono_ms or later; GT_NEVER_MS stops it. */
void gt_loop_timer_at(struct gt_loop_timer *timer, uint64_t mono_ms);

/* Fires in @wall_ms of the machine's own time: network deadlines. */
void gt_loop_timer_in(struct gt_loop_timer *timer, uint64_t wall_ms);

void gt_loop_timer_stop(struct gt_loop_timer *timer);

/*
 * @step is called once a turn, after fds and timers, until it returns false:
 * a long deed in slices, or something that must not happen where it was asked
 * for.  In the caller's memory, as timers are; a step that frees it returns
 * false.
 */
struct gt_loop_work {
    struct gt_loop *loop;
    bool (*step)(void *arg);
    void *arg;
    bool set; /* read only */
    TAILQ_ENTRY(gt_loop_work) link;
};

void gt_loop_work_init(struct gt_loop_work *work, struct gt_loop *loop,
                       bool (*step)(void *arg), void *arg);
void gt_loop_work_start(struct gt_loop_work *work);
void gt_loop_work_stop(struct gt_loop_work *work);

/*
 * SIGTERM, SIGINT, SIGHUP and SIGCHLD go to @caught.  Without it SIGTERM and
 * SIGINT stop the loop and the others are dropped.  One SIGCHLD may stand for
 * several children.
 */
void gt_loop_on_signal(struct gt_loop *loop,
                       void (*caught)(void *arg, int signal), void *arg);

#endif
