/* SPDX-License-Identifier: Apache-2.0 */
#include "common/loop_io.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_MAX 64 /* taken from epoll in one turn */
#define NS_PER_MS  1000000U
#define NS_PER_S   1000000000U

struct gt_loop_source {
    struct gt_loop *loop;
    int fd;
    gt_loop_ready_fn *ready; /* NULL: unwatched, waits for its burial */
    void *arg;
    LIST_ENTRY(gt_loop_source) link;
};

LIST_HEAD(source_list, gt_loop_source);
TAILQ_HEAD(timer_list, gt_loop_timer);
TAILQ_HEAD(work_list, gt_loop_work);

struct gt_loop {
    const struct gt_clock *clock;
    int epoll_fd, timer_fd, signal_fd;
    bool stopped;
    struct source_list watched;
    struct source_list graveyard; /* epoll's batch may still name them */
    struct timer_list timers;     /* the earliest first */
    uint64_t armed_ns;            /* of timer_fd; UINT64_MAX: disarmed */
    struct work_list works;
    void (*caught)(void *arg, int signal);
    void *caught_arg;
};

static void
read_timer(void *arg, uint32_t events)
{
    struct gt_loop *loop = arg;
    uint64_t expirations;

    (void)events;
    /* Only to make the fd quiet; the timers are looked at every turn. */
    if (read(loop->timer_fd, &expirations, sizeof(expirations)) > 0) {
        loop->armed_ns = UINT64_MAX;
    }
}

static void
read_signal(void *arg, uint32_t events)
{
    struct gt_loop *loop = arg;
    struct signalfd_siginfo info;

    (void)events;
    if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info)) {
        return;
    }
    int signal = (int)info.ssi_signo;
    if (loop->caught != NULL) {
        loop->caught(loop->caught_arg, signal);
    } else if (signal == SIGTERM || signal == SIGINT) {
        loop->stopped = true;
    }
}

static int
open_signals(void)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    int code = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (code != 0) {
        errno = code;
        return -1;
    }
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static bool
open_fds(struct gt_loop *loop)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd =
        timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop->signal_fd = open_signals();
    return loop->epoll_fd >= 0 && loop->timer_fd >= 0 && loop->signal_fd >= 0 &&
           gt_loop_watch(loop, loop->timer_fd, EPOLLIN, read_timer, loop) &&
           gt_loop_watch(loop, loop->signal_fd, EPOLLIN, read_signal, loop);
}

struct gt_loop *
gt_loop_new(const struct gt_clock *clock, struct gt_err *err)
{
    struct gt_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL) {
        (void)gt_err_set(err, -ENOMEM, "no memory for the loop");
        return NULL;
    }
    loop->clock = clock;
    loop->armed_ns = UINT64_MAX;
    LIST_INIT(&loop->watched);
    LIST_INIT(&loop->graveyard);
    TAILQ_INIT(&loop->timers);
    TAILQ_INIT(&loop->works);
    if (!open_fds(loop)) {
        (void)gt_err_set(err, -errno, "cannot set up the loop: %s",
                         strerror(errno));
        return gt_loop_free(loop);
    }
    return loop;
}

static void
free_sources(struct source_list *list)
{
    while (!LIST_EMPTY(list)) {
        struct gt_loop_source *source = LIST_FIRST(list);
        LIST_REMOVE(source, link);
        free(source);
    }
}

struct gt_loop *
gt_loop_free(struct gt_loop *loop)
{
    int fds[] = {loop->epoll_fd, loop->timer_fd, loop->signal_fd};

    free_sources(&loop->watched);
    free_sources(&loop->graveyard);
    for (size_t i = 0; i < GT_ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]); /* nothing was written */
        }
    }
    free(loop);
    return NULL;
}

struct gt_time
gt_loop_now(const struct gt_loop *loop)
{
    return gt_clock_now(loop->clock);
}

void
gt_loop_stop(struct gt_loop *loop)
{
    loop->stopped = true;
}

void
gt_loop_on_signal(struct gt_loop *loop, void (*caught)(void *arg, int signal),
                  void *arg)
{
    loop->caught = caught;
    loop->caught_arg = arg;
}

struct gt_loop_source *
gt_loop_watch(struct gt_loop *loop, int fd, uint32_t events,
              gt_loop_ready_fn *ready, void *arg)
{
    struct gt_loop_source *source = calloc(1, sizeof(*source));
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (source == NULL) {
        return NULL;
    }
    *source = (struct gt_loop_source){
        .loop = loop, .fd = fd, .ready = ready, .arg = arg};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(source);
        return NULL;
    }
    LIST_INSERT_HEAD(&loop->watched, source, link);
    return source;
}

int
gt_loop_rewatch(struct gt_loop_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    return epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event)
               ? -errno
               : 0;
}

struct gt_loop_source *
gt_loop_unwatch(struct gt_loop_source *source)
{
    if (source == NULL) {
        return NULL;
    }
    /* Fails where the fd was closed too early; then epoll forgot it. */
    (void)epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->ready = NULL;
    LIST_REMOVE(source, link);
    LIST_INSERT_HEAD(&source->loop->graveyard, source, link);
    return NULL;
}

void
gt_loop_timer_init(struct gt_loop_timer *timer, struct gt_loop *loop,
                   void (*fire)(void *arg), void *arg)
{
    *timer = (struct gt_loop_timer){.loop = loop, .fire = fire, .arg = arg};
}

static void
set_timer(struct gt_loop_timer *timer, uint64_t due_ns)
{
    struct timer_list *timers = &timer->loop->timers;
    struct gt_loop_timer *later;
    uint64_t now_ns = gt_clock_wall_ns();

    gt_loop_timer_stop(timer);
    /* Never before now: see fire_timers(). */
    timer->due_ns = due_ns < now_ns ? now_ns : due_ns;
    timer->set = true;
    later = TAILQ_FIRST(timers);
    while (later != NULL && later->due_ns <= timer->due_ns) {
        later = TAILQ_NEXT(later, link);
    }
    if (later != NULL) {
        TAILQ_INSERT_BEFORE(later, timer, link);
    } else {
        TAILQ_INSERT_TAIL(timers, timer, link);
    }
}

void
gt_loop_timer_at(struct gt_loop_timer *timer, uint64_t mono_ms)
{
    if (mono_ms == GT_NEVER_MS) {
        gt_loop_timer_stop(timer);
        return;
    }
    set_timer(timer, gt_clock_moment_ns(timer->loop->clock, mono_ms));
}

void
gt_loop_timer_in(struct gt_loop_timer *timer, uint64_t wall_ms)
{
    set_timer(timer, gt_clock_wall_ns() + wall_ms * NS_PER_MS);
}

void
gt_loop_timer_stop(struct gt_loop_timer *timer)
{
    if (timer->set) {
        TAILQ_REMOVE(&timer->loop->timers, timer, link);
        timer->set = false;
    }
}

void
gt_loop_work_init(struct gt_loop_work *work, struct gt_loop *loop,
                  bool (*step)(void *arg), void *arg)
{
    *work = (struct gt_loop_work){.loop = loop, .step = step, .arg = arg};
}

void
gt_loop_work_start(struct gt_loop_work *work)
{
    if (!work->set) {
        TAILQ_INSERT_TAIL(&work->loop->works, work, link);
        work->set = true;
    }
}

void
gt_loop_work_stop(struct gt_loop_work *work)
{
    if (work->set) {
        TAILQ_REMOVE(&work->loop->works, work, link);
        work->set = false;
    }
}

/* Arms timer_fd for the first timer; a system call only for a change. */
static void
arm(struct gt_loop *loop)
{
    const struct gt_loop_timer *first = TAILQ_FIRST(&loop->timers);
    uint64_t due_ns = first == NULL ? UINT64_MAX : first->due_ns;
    struct itimerspec at = {0};

    if (due_ns == loop->armed_ns) {
        return;
    }
    loop->armed_ns = due_ns;
    if (first != NULL) {
        at.it_value.tv_sec = (time_t)(due_ns / NS_PER_S);
        at.it_value.tv_nsec = (long)(due_ns % NS_PER_S);
    }
    /* Cannot fail: the fd and the time are valid. */
    (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
fire_timers(struct gt_loop *loop)
{
    uint64_t now_ns = gt_clock_wall_ns();
    struct gt_loop_timer *first;

    /* A timer set from here on is due after @now_ns, so in a later turn. */
    while ((first = TAILQ_FIRST(&loop->timers)) != NULL &&
           first->due_ns < now_ns) {
        gt_loop_timer_stop(first);
        first->fire(first->arg);
    }
}

/* One step of each, as far as they were there at the start of the turn. */
static void
do_works(struct gt_loop *loop)
{
    struct gt_loop_work *work;
    size_t len = 0;

    TAILQ_FOREACH(work, &loop->works, link)
    {
        len++;
    }
    while (len-- > 0 && (work = TAILQ_FIRST(&loop->works)) != NULL) {
        gt_loop_work_stop(work);
        if (work->step(work->arg)) {
            gt_loop_work_start(work);
        }
    }
}

static int
turn(struct gt_loop *loop)
{
    struct epoll_event events[EVENTS_MAX];

    arm(loop);
    int timeout_ms = TAILQ_EMPTY(&loop->works) ? -1 : 0;
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, timeout_ms);
    if (n < 0 && errno != EINTR) {
        return -errno;
    }
    for (int i = 0; i < n; i++) {
        struct gt_loop_source *source = events[i].data.ptr;
        if (source->ready != NULL) {
            source->ready(source->arg, events[i].events);
        }
    }
    fire_timers(loop);
    do_works(loop);
    free_sources(&loop->graveyard);
    return 0;
}

int
gt_loop_run(struct gt_loop *loop)
{
    int code = 0;

    while (code == 0 && !loop->stopped) {
        code = turn(loop);
    }
    loop->stopped = false;
    return code;
}
