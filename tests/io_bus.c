/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/bus_io.h"

#define SLOTS    8
#define SPOKES   20
#define LIMIT_MS 20000 /* a test that takes longer has failed */

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
    return b->hub != NULL ? 0 : err.code;
}

static void
open_spoke(struct bench *b, unsigned index, unsigned slot, const char *topic)
{
    struct gt_bus_spoke_config config = {
        .host = "localhost",
        .port = gt_bus_hub_port(b->hub),
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

/* What is said just as a link comes up may be lost: agents repeat, too. */
static void
all_say(void *arg)
{
    struct bench *b = arg;

    for (unsigned i = 0; i < SPOKES; i++) {
        assert_int_equal(gt_bus_spoke_send(b->spokes[i], "back", 4), 0);
    }
    gt_loop_timer_in(&b->repeat, 100);
}

static void
spokes_come_back_to_a_hub_that_was_restarted(void **state)
{
    struct bench *b = *state;
    uint16_t port = gt_bus_hub_port(b->hub);

    for (unsigned i = 0; i < SPOKES; i++) {
        open_spoke(b, i, i % SLOTS, "n");
    }
    run_until(b, &b->ups, SPOKES);

    b->hub = gt_bus_hub_free(b->hub);
    run_until(b, &b->downs, SPOKES);
    assert_int_equal(open_hub(b, port), 0);

    run_until(b, &b->ups, 2 * SPOKES);
    gt_loop_timer_init(&b->repeat, b->loop, all_say, b);
    all_say(b);
    run_until(b, &b->heard, SPOKES);
    gt_loop_timer_stop(&b->repeat);
}

static int
threads_of_this_process(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[128];
    int threads = -1;

    assert_non_null(file);
    while (threads < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Threads: %d", &threads) != 1) {
            threads = -1;
        }
    }
    fclose(file);
    return threads;
}

static void
the_bus_starts_few_threads_on_any_machine(void **state)
{
    (void)state; /* the hub of set_up() is enough */
    assert_true(sysconf(_SC_NPROCESSORS_ONLN) <= 2);
    assert_true(sysconf(_SC_PAGESIZE) >= 4096);
    assert_in_range(threads_of_this_process(), 2, 16);
}

static int
end_library(void **state)
{
    (void)state; /* of the whole group */
    gt_bus_fini();
    return 0;
}

int
main(void)
{
#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BUS_TEST(what_a_spoke_sends_the_hub_hears),
        BUS_TEST(a_signal_reaches_the_spokes_of_its_slot_and_topic),
        BUS_TEST(a_message_above_the_limit_is_refused),
        BUS_TEST(a_busy_port_is_named_as_such),
        BUS_TEST(an_address_to_listen_on_is_refused),
        BUS_TEST(spokes_come_back_to_a_hub_that_was_restarted),
        BUS_TEST(the_bus_starts_few_threads_on_any_machine),
    };

    return cmocka_run_group_tests(tests, NULL, end_library);
}
