/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer on loopback that says and hears bytes, driven by the loop under test:
 * what no well-behaved client library would say.
 *
 * For tests; needs cmocka.h before it.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/loop_io.h"

#define PEER_TEXT_MAX    (1U << 16)
#define PEER_PATIENCE_MS 20000

struct peer {
    struct gt_loop *loop;
    int fd; /* -1: none */
    struct gt_loop_source *source;
    char text[PEER_TEXT_MAX]; /* what came, NUL-terminated */
    size_t len;
    bool closed;         /* by the other side */
    const char *awaited; /* stops the loop; NULL: the end does */
};

static inline void
peer_lose_patience(void *arg)
{
    (void)arg;
    fail_msg("nothing came in %d ms", PEER_PATIENCE_MS);
}

/* Turns the loop until something stops it; fails where nothing does. */
static inline void
turn_until_stopped(struct gt_loop *loop)
{
    struct gt_loop_timer patience;

    gt_loop_timer_init(&patience, loop, peer_lose_patience, NULL);
    gt_loop_timer_in(&patience, PEER_PATIENCE_MS);
    assert_int_equal(gt_loop_run(loop), 0);
    gt_loop_timer_stop(&patience);
}

static inline void
peer_stop_loop(void *arg)
{
    gt_loop_stop(arg);
}

/* Turns the loop for @wall_ms. */
static inline void
turn_for(struct gt_loop *loop, uint64_t wall_ms)
{
    struct gt_loop_timer timer;

    gt_loop_timer_init(&timer, loop, peer_stop_loop, loop);
    gt_loop_timer_in(&timer, wall_ms);
    while (timer.set) {
        assert_int_equal(gt_loop_run(loop), 0);
    }
}

static inline void
peer_read(void *arg, uint32_t events)
{
    struct peer *peer = arg;

    (void)events;
    ssize_t n = read(peer->fd, peer->text + peer->len,
                     sizeof(peer->text) - 1 - peer->len);
    if (n > 0) {
        peer->len += (size_t)n;
        peer->text[peer->len] = '\0';
    } else {
        peer->closed = true;
        peer->source = gt_loop_unwatch(peer->source);
    }
    if (peer->closed || peer->len == sizeof(peer->text) - 1 ||
        (peer->awaited != NULL && strstr(peer->text, peer->awaited))) {
        gt_loop_stop(peer->loop);
    }
}

static inline void
peer_hang_up(struct peer *peer)
{
    peer->source = gt_loop_unwatch(peer->source);
    if (peer->fd >= 0) {
        (void)close(peer->fd);
        peer->fd = -1;
    }
}

/* Takes @fd, a connection. */
static inline void
peer_adopt(struct peer *peer, struct gt_loop *loop, int fd)
{
    peer->loop = loop;
    peer->fd = fd;
    peer->len = 0;
    peer->text[0] = '\0';
    peer->closed = false;
    peer->awaited = NULL;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    peer->source = gt_loop_watch(loop, fd, EPOLLIN, peer_read, peer);
    assert_non_null(peer->source);
}

static inline void
peer_dial(struct peer *peer, struct gt_loop *loop, uint16_t port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const void *address = &to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    peer_hang_up(peer);
    assert_int_equal(connect(fd, address, sizeof(to)), 0);
    peer_adopt(peer, loop, fd);
}

/* All of it or, where the other side hung up, none: never SIGPIPE. */
static inline void
peer_send(struct peer *peer, const char *bytes, size_t len)
{
    ssize_t n = send(peer->fd, bytes, len, MSG_NOSIGNAL);

    assert_true(n == (ssize_t)len || n < 0);
}

static inline void
peer_say(struct peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
}

/* Turns the loop until @text came, or the other side hung up for NULL. */
static inline void
peer_await(struct peer *peer, const char *text)
{
    peer->awaited = text;
    while (!peer->closed &&
           (text == NULL || strstr(peer->text, text) == NULL)) {
        turn_until_stopped(peer->loop);
    }
    if (text != NULL && strstr(peer->text, text) == NULL) {
        fail_msg("awaited: %s\ncame: %s\n", text, peer->text);
    }
}

/* Turns the loop until the other side hung up; counts the @byte that came. */
static inline size_t
peer_drain(struct peer *peer, char byte)
{
    size_t count = 0;

    peer->awaited = NULL;
    do {
        for (size_t i = 0; i < peer->len; i++) {
            count += peer->text[i] == byte;
        }
        peer->len = 0;
        peer->text[0] = '\0';
        if (!peer->closed) {
            turn_until_stopped(peer->loop);
        }
    } while (!peer->closed || peer->len > 0);
    return count;
}

#endif
