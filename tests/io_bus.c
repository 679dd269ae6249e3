/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>

#include "common/bus_io.h"
#include "tests/peer.h"

#define SLOTS    8
#define SPOKES   100
#define LIMIT_MS 60000 /* a test that takes longer has failed */

struct bench;

struct listener {
    struct bench *bench;
    char heard[16]; /* the last signal */
    unsigned signals;
};

/* What a test sees; it runs the loop until @wanted events came. */
struct bench {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_loop_timer limit, repeat;
    struct gt_bus_hub *hub;
    uint16_t port;
    struct gt_bus_spoke *spokes[SPOKES];
    struct listener listeners[SPOKES];
    unsigned ups, downs, heard, listening;
    unsigned *counter, wanted;
    size_t len;
    char last[GT_BUS_MESSAGE_MAX_BYTES + 1];
};

static void
count(struct bench *b, unsigned *counter)
{
    ++*counter;
    if (b->counter == counter && *counter >= b->wanted) {
        gt_loop_stop(b->loop);
    }
}

static void
keep(struct bench *b, const char *bytes, size_t len)
{
    assert_true(len < sizeof(b->last));
    memcpy(b->last, bytes, len);
    b->last[len] = '\0';
    b->len = len;
}

static void
heard(void *arg, const char *bytes, size_t len)
{
    struct bench *b = arg;

    keep(b, bytes, len);
    count(b, &b->heard);
}

static void
signaled(void *arg, const char *bytes, size_t len)
{
    struct listener *listener = arg;
    struct bench *b = listener->bench;

    snprintf(listener->heard, sizeof(listener->heard), "%.*s", (int)len, bytes);
    if (listener->signals++ == 0) {
        count(b, &b->listening);
    }
}

static void
linked(void *arg, enum gt_bus_link link)
{
    struct listener *listener = arg;
    struct bench *b = listener->bench;

    count(b, link == GT_BUS_UP ? &b->ups : &b->downs);
}

static void
too_late(void *arg)
{
    struct bench *b = arg;

    gt_loop_stop(b->loop);
}

/* Runs the loop until @counter is at least @wanted. */
static void
run_until(struct bench *b, unsigned *counter, unsigned wanted)
{
    b->counter = counter;
    b->wanted = wanted;
    if (*counter < wanted) {
        gt_loop_timer_in(&b->limit, LIMIT_MS);
        assert_int_equal(gt_loop_run(b->loop), 0);
        gt_loop_timer_stop(&b->limit);
    }
    assert_true(*counter >= wanted);
}

static int
open_hub(struct bench *b, uint16_t port)
{
    struct gt_bus_hub_config config = {
        .host = "localhost",
        .port = port,
        .slots = SLOTS,
        .heard = heard,
        .arg = b,
    };
    struct gt_err err = {0};

    b->hub = gt_bus_hub_new(b->loop, &config, &err);
    if (b->hub == NULL) {
        return err.code;
    }
    b->port = gt_bus_hub_port(b->hub);
    return 0;
}

static void
open_spoke(struct bench *b, unsigned index, unsigned slot, const char *topic)
{
    struct gt_bus_spoke_config config = {
        .host = "localhost",
        .port = b->port,
        .slot = slot,
        .topic = topic,
        .reconnect_min_ms = 20,
        .reconnect_max_ms = 50,
        .heard = signaled,
        .linked = linked,
        .arg = &b->listeners[index],
    };
    struct gt_err err = {0};

    b->listeners[index].bench = b;
    b->spokes[index] = gt_bus_spoke_new(b->loop, &config, &err);
    assert_non_null(b->spokes[index]);
}

static int
set_up(void **state)
{
    static struct bench bench;
    struct gt_err err = {0};

    memset(&bench, 0, sizeof(bench));
    bench.clock.speed = 1.0;
    bench.loop = gt_loop_new(&bench.clock, &err);
    assert_non_null(bench.loop);
    gt_loop_timer_init(&bench.limit, bench.loop, too_late, &bench);
    assert_int_equal(open_hub(&bench, 0), 0);
    *state = &bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < SPOKES; i++) {
        gt_bus_spoke_free(b->spokes[i]);
    }
    gt_bus_hub_free(b->hub);
    gt_loop_free(b->loop);
    return 0;
}

static void
what_a_spoke_sends_the_hub_hears(void **state)
{
    struct bench *b = *state;

    open_spoke(b, 0, 3, "node-a");
    run_until(b, &b->ups, 1);
    assert_int_equal(gt_bus_spoke_send(b->spokes[0], "hello", 5), 0);
    run_until(b, &b->heard, 1);
    assert_string_equal(b->last, "hello");
}

/* A peer that has just come up may miss the first: signals are repeated. */
static void
signal_both(void *arg)
{
    struct bench *b = arg;

    assert_int_equal(gt_bus_hub_send(b->hub, 3, "node-a", "for a", 5), 0);
    assert_int_equal(gt_bus_hub_send(b->hub, 3, "node-b", "for b", 5), 0);
    gt_loop_timer_in(&b->repeat, 50);
}

static void
a_signal_reaches_the_spokes_of_its_slot_and_topic(void **state)
{
    struct bench *b = *state;

    open_spoke(b, 0, 3, "node-a");
    open_spoke(b, 1, 3, "node-b");
    open_spoke(b, 2, 4, "node-a");
    run_until(b, &b->ups, 3);

    gt_loop_timer_init(&b->repeat, b->loop, signal_both, b);
    signal_both(b);

    run_until(b, &b->listening, 2);
    gt_loop_timer_stop(&b->repeat);
    assert_string_equal(b->listeners[0].heard, "for a");
    assert_string_equal(b->listeners[1].heard, "for b");
    assert_string_equal(b->listeners[2].heard, "");
}

static void
a_message_above_the_limit_is_refused(void **state)
{
    struct bench *b = *state;
    static const char bytes[GT_BUS_MESSAGE_MAX_BYTES + 1];

    open_spoke(b, 0, 0, "n");
    run_until(b, &b->ups, 1);
    assert_int_equal(gt_bus_spoke_send(b->spokes[0], bytes, sizeof(bytes)),
                     -EMSGSIZE);
    assert_int_equal(gt_bus_hub_send(b->hub, 0, "n", bytes, sizeof(bytes) - 1),
                     -EMSGSIZE);
    assert_int_equal(gt_bus_hub_send(b->hub, SLOTS, "n", "x", 1), -EINVAL);
}

static void
a_busy_port_is_named_as_such(void **state)
{
    struct bench *b = *state;
    struct gt_bus_hub *first = b->hub;

    assert_int_equal(open_hub(b, gt_bus_hub_port(first)), -EADDRINUSE);
    b->hub = first;
}

static void
an_address_to_listen_on_is_refused(void **state)
{
    struct bench *b = *state;
    struct gt_bus_hub_config config = {.host = "127.0.0.1", .heard = heard};
    struct gt_err err = {0};

    assert_null(gt_bus_hub_new(b->loop, &config, &err));
    assert_int_equal(err.code, -EINVAL);
}

/*
 * A hub in a process of its own, which is killed, as arbiters are: within one
 * process nng may leak what it closes while the other side dials.
 */
static pid_t
spawn_hub(uint16_t port)
{
    char name[] = "hub";
    char text[8];
    char *argv[] = {name, text, NULL};
    pid_t pid;

    (void)snprintf(text, sizeof(text), "%u", port);
    assert_int_equal(
        posix_spawn(&pid, program_invocation_name, NULL, NULL, argv, environ),
        0);
    return pid;
}

static void
kill_hub(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
ignore(void *arg, const char *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    (void)len;
}

static void
signal_all(void *arg)
{
    struct bench *b = arg;

    for (unsigned i = 0; i < SLOTS; i++) {
        assert_int_equal(gt_bus_hub_send(b->hub, i, "n", "here", 4), 0);
    }
    gt_loop_timer_in(&b->repeat, 20);
}

/* The child: signals on all slots until it is killed. */
static int
be_hub(uint16_t port)
{
    struct bench b = {.clock = {1}};
    struct gt_err err;

    b.loop = gt_loop_new(&b.clock, &err);
    b.hub = gt_bus_hub_new(
        b.loop,
        &(struct gt_bus_hub_config){
            .host = "localhost", .port = port, .slots = SLOTS, .heard = ignore},
        &err);
    if (b.hub == NULL) {
        return 1;
    }
    gt_loop_timer_init(&b.repeat, b.loop, signal_all, &b);
    signal_all(&b);
    return gt_loop_run(b.loop);
}

static void
spokes_come_back_to_a_hub_that_was_restarted(void **state)
{
    struct bench *b = *state;
    b->hub = gt_bus_hub_free(b->hub);
    pid_t pid = spawn_hub(b->port);
    for (unsigned i = 0; i < SPOKES; i++) {
        open_spoke(b, i, i % SLOTS, "n");
    }
    run_until(b, &b->listening, SPOKES);

    kill_hub(pid);
    run_until(b, &b->downs, SPOKES);
    for (unsigned i = 0; i < SPOKES; i++) {
        b->listeners[i].signals = 0;
    }
    pid = spawn_hub(b->port);
    run_until(b, &b->listening, 2 * SPOKES);

    kill_hub(pid);
    assert_true(b->ups >= 2 * SPOKES);
}

/* A peer without our limits. */
static nng_socket
dial_raw(const struct bench *b)
{
    nng_socket socket;
    char url[64];

    (void)snprintf(url, sizeof(url), "ws://localhost:%u/strategies",
                   gt_bus_hub_port(b->hub));
    assert_int_equal(nng_pub0_open(&socket), 0);
    assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, 20), 0);
    assert_int_equal(nng_dial(socket, url, NULL, 0), 0);
    return socket;
}

static void
say_hello(void *arg)
{
    struct bench *b = arg;

    assert_int_equal(gt_bus_spoke_send(b->spokes[0], "hello", 5), 0);
    gt_loop_timer_in(&b->repeat, 20);
}

static void
an_oversize_message_is_dropped_and_the_hub_goes_on(void **state)
{
    static char bytes[4 * GT_BUS_MESSAGE_MAX_BYTES];
    struct bench *b = *state;
    nng_socket raw = dial_raw(b);

    assert_int_equal(nng_send(raw, bytes, sizeof(bytes), 0), 0);
    open_spoke(b, 0, 0, "n");
    run_until(b, &b->ups, 1);
    gt_loop_timer_init(&b->repeat, b->loop, say_hello, b);
    say_hello(b);
    run_until(b, &b->heard, 3);

    gt_loop_timer_stop(&b->repeat);
    assert_string_equal(b->last, "hello");
    assert_int_equal(nng_close(raw), 0);
}

static void
what_is_no_websocket_is_refused_and_the_hub_goes_on(void **state)
{
    static const char *const texts[] = {
        "GET /strategies HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /signals/0 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "\r\n\r\n",
    };
    static struct peer peer = {.fd = -1};
    struct bench *b = *state;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        peer_dial(&peer, b->loop, gt_bus_hub_port(b->hub));
        peer_say(&peer, texts[i]);
        (void)shutdown(peer.fd, SHUT_WR);
        peer_await(&peer, NULL);
        assert_null(strstr(peer.text, " 101 "));
    }
    peer_hang_up(&peer);
    open_spoke(b, 0, 0, "n");
    run_until(b, &b->ups, 1);
    assert_int_equal(b->heard, 0);
}

static void
a_hub_on_a_name_is_dialled_by_that_name(void **state)
{
    struct bench *b = *state;
    nng_socket socket;
    char url[64];

    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/strategies",
                   gt_bus_hub_port(b->hub));
    assert_int_equal(nng_pub0_open(&socket), 0);
    assert_int_equal(nng_dial(socket, url, NULL, 0), NNG_ECONNREFUSED);
    assert_int_equal(nng_close(socket), 0);
}

/* The first sysconf() of all is the one that they call. */
static void
libraries_are_told_of_two_processors(void **state)
{
    union {
        void *symbol;
        long (*call)(int name);
    } seen = {dlsym(RTLD_DEFAULT, "sysconf")};
    union {
        void *symbol;
        long (*call)(int name);
    } libc = {dlsym(RTLD_NEXT, "sysconf")};

    (void)state;
    assert_true(seen.symbol != libc.symbol);
    assert_true(seen.call(_SC_NPROCESSORS_ONLN) <= 2);
    assert_int_equal(seen.call(_SC_PAGESIZE), libc.call(_SC_PAGESIZE));
}

static int
end_library(void **state)
{
    (void)state; /* of the whole group */
    gt_bus_fini();
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 2) {
        return be_hub((uint16_t)strtol(argv[1], NULL, 10));
    }
#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BUS_TEST(what_a_spoke_sends_the_hub_hears),
        BUS_TEST(a_signal_reaches_the_spokes_of_its_slot_and_topic),
        BUS_TEST(a_message_above_the_limit_is_refused),
        BUS_TEST(a_busy_port_is_named_as_such),
        BUS_TEST(an_address_to_listen_on_is_refused),
        BUS_TEST(spokes_come_back_to_a_hub_that_was_restarted),
        BUS_TEST(an_oversize_message_is_dropped_and_the_hub_goes_on),
        BUS_TEST(what_is_no_websocket_is_refused_and_the_hub_goes_on),
        BUS_TEST(a_hub_on_a_name_is_dialled_by_that_name),
        BUS_TEST(libraries_are_told_of_two_processors),
    };

    return cmocka_run_group_tests(tests, NULL, end_library);
}
