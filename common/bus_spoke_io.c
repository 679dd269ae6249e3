/* SPDX-License-Identifier: Apache-2.0 */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/bus_ear_io.h"

/* A pipe of a spoke: which one is up is written by nng's threads. */
struct line {
    struct gt_bus_spoke *spoke;
    _Atomic int pipe; /* 0: down */
    int known;        /* as the loop saw it last */
};

enum { UPLINK, DOWNLINK, LINES };

struct gt_bus_spoke {
    struct gt_loop *loop;
    struct gt_bus_ear signals;
    nng_socket strategies;
    struct line lines[LINES];
    int changed_fd; /* eventfd: a pipe came or went */
    struct gt_loop_source *changed;
    struct gt_loop_timer dial;
    char url[LINES][GT_BUS_URL_MAX];
    enum gt_bus_link link;
    void (*linked)(void *arg, enum gt_bus_link link);
    void *arg;
};

/* On a thread of nng's. */
static void
pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    struct line *line = arg;
    int id = nng_pipe_id(pipe);
    uint64_t one = 1;

    if (event == NNG_PIPE_EV_ADD_POST) {
        atomic_store(&line->pipe, id);
    } else {
        /* also told of pipes that never were up: those change nothing */
        atomic_compare_exchange_strong(&line->pipe, &id, 0);
    }
    if (write(line->spoke->changed_fd, &one, sizeof(one)) < 0) {
        return; /* full: the loop is to be woken anyway */
    }
}

static void
tell(struct gt_bus_spoke *spoke, enum gt_bus_link link)
{
    if (link != spoke->link) {
        spoke->link = link;
        spoke->linked(spoke->arg, link);
    }
}

/* A pipe that was replaced between two looks counts as lost, too. */
static void
lines_changed(void *arg, uint32_t events)
{
    struct gt_bus_spoke *spoke = arg;
    bool changed = false;
    bool all_up = true;
    uint64_t count;

    (void)events; /* only EPOLLIN is watched */
    if (read(spoke->changed_fd, &count, sizeof(count)) < 0) {
        return;
    }
    for (int i = 0; i < LINES; i++) {
        int pipe = atomic_load(&spoke->lines[i].pipe);

        changed = changed || pipe != spoke->lines[i].known;
        all_up = all_up && pipe != 0;
        spoke->lines[i].known = pipe;
    }
    if (changed) {
        tell(spoke, GT_BUS_DOWN);
    }
    if (all_up) {
        tell(spoke, GT_BUS_UP);
    }
}

static int
line_open(struct gt_bus_spoke *spoke, nng_socket socket, int which,
          const struct gt_bus_spoke_config *config)
{
    struct line *line = &spoke->lines[which];
    int min_ms =
        config->reconnect_min_ms != 0 ? (int)config->reconnect_min_ms : 1000;
    int max_ms =
        config->reconnect_max_ms != 0 ? (int)config->reconnect_max_ms : 60000;
    int error;

    line->spoke = spoke;
    error = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, min_ms);
    if (error == 0) {
        error = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, max_ms);
    }
    if (error == 0) {
        error =
            nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, pipe_changed, line);
    }
    if (error == 0) {
        error =
            nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, pipe_changed, line);
    }
    return error;
}

static void
spoke_dial(void *arg)
{
    struct gt_bus_spoke *spoke = arg;

    /* Only a malformed URL fails here, and gt_bus_spoke_new() parsed it. */
    (void)nng_dial(spoke->signals.socket, spoke->url[DOWNLINK], NULL,
                   NNG_FLAG_NONBLOCK);
    (void)nng_dial(spoke->strategies, spoke->url[UPLINK], NULL,
                   NNG_FLAG_NONBLOCK);
}

static int
check_url(const char *text)
{
    nng_url *url;
    int error = nng_url_parse(&url, text);

    if (error == 0) {
        nng_url_free(url);
    }
    return error;
}

static int
spoke_open(struct gt_bus_spoke *spoke, const struct gt_bus_spoke_config *config)
{
    int error = check_url(spoke->url[DOWNLINK]);

    if (error == 0) {
        error = nng_socket_set_size(spoke->strategies, NNG_OPT_RECVMAXSZ,
                                    GT_BUS_MESSAGE_MAX_BYTES);
    }
    if (error == 0) {
        error = line_open(spoke, spoke->strategies, UPLINK, config);
    }
    if (error == 0) {
        error = line_open(spoke, spoke->signals.socket, DOWNLINK, config);
    }
    if (error == 0) {
        error = gt_bus_ear_watch(&spoke->signals, spoke->loop);
    }
    return error;
}

/* The sockets and the eventfd; nothing is half open when it fails. */
static int
spoke_make(struct gt_bus_spoke *spoke, const struct gt_bus_spoke_config *config)
{
    char topic[GT_BUS_URL_MAX];
    int error;

    snprintf(topic, sizeof(topic), "%s\n", config->topic);
    spoke->changed_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (spoke->changed_fd < 0) {
        return NNG_ENOMEM;
    }
    error = gt_bus_ear_open(&spoke->signals, topic);
    if (error == 0) {
        error = nng_pub0_open(&spoke->strategies);
        if (error != 0) {
            nng_close(spoke->signals.socket);
        }
    }
    if (error != 0) {
        close(spoke->changed_fd);
    }
    return error;
}

struct gt_bus_spoke *
gt_bus_spoke_new(struct gt_loop *loop, const struct gt_bus_spoke_config *config,
                 struct gt_err *err)
{
    struct gt_bus_spoke *spoke = calloc(1, sizeof(*spoke));
    int error = spoke == NULL ? NNG_ENOMEM : spoke_make(spoke, config);

    if (error != 0) {
        gt_bus_fail(err, error, "open", "the bus");
        free(spoke);
        return NULL;
    }
    spoke->loop = loop;
    spoke->signals.heard = config->heard;
    spoke->signals.arg = config->arg;
    spoke->linked = config->linked;
    spoke->arg = config->arg;
    snprintf(spoke->url[UPLINK], GT_BUS_URL_MAX, "ws://%s:%u/strategies",
             config->host, config->port);
    snprintf(spoke->url[DOWNLINK], GT_BUS_URL_MAX, "ws://%s:%u/signals/%u",
             config->host, config->port, config->slot);
    gt_loop_timer_init(&spoke->dial, loop, spoke_dial, spoke);
    spoke->changed =
        gt_loop_watch(loop, spoke->changed_fd, EPOLLIN, lines_changed, spoke);
    error = spoke->changed == NULL ? NNG_ENOMEM : spoke_open(spoke, config);
    if (error != 0) {
        gt_bus_fail(err, error, "dial", spoke->url[UPLINK]);
        return gt_bus_spoke_free(spoke);
    }
    gt_loop_timer_in(&spoke->dial, config->dial_after_ms);
    return spoke;
}

struct gt_bus_spoke *
gt_bus_spoke_free(struct gt_bus_spoke *spoke)
{
    if (spoke != NULL) {
        gt_loop_timer_stop(&spoke->dial);
        nng_close(spoke->strategies);
        gt_bus_ear_close(&spoke->signals);
        gt_loop_unwatch(spoke->changed);
        close(spoke->changed_fd);
        free(spoke);
    }
    return NULL;
}

int
gt_bus_spoke_send(struct gt_bus_spoke *spoke, const char *bytes, size_t len)
{
    return gt_bus_send(spoke->strategies, NULL, bytes, len);
}
