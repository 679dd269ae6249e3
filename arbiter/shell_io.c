/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/shell_io.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "arbiter/admin_io.h"
#include "arbiter/watch_io.h"
#include "common/bus_io.h"
#include "common/program_io.h"

#define LINES_SIZE 65536
/* Sending goes on for as long before messages are heard again. */
#define SLICE_US 2000

struct shell_io {
    const struct flags *flags;
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_loop_timer wake;
    struct gt_loop_work sending;
    struct arbiter_config config;
    struct arbiter *arbiter;
    struct gt_log log;
    struct gt_buf lines;
    char lines_memory[LINES_SIZE];
    struct wire_strategy strategy; /* just heard */
    struct wire_signal signal;     /* being sent */
    char message[WIRE_MESSAGE_MAX];
    struct gt_bus_hub *bus;
    struct watch_io *pods, *nodes;
    struct admin_io *admin;
};

/* A failure of the shell in a line of its own. */
static void
complain(struct shell_io *s, const char *event, const char *why)
{
    char quoted[GT_LOG_QUOTE_MAX];

    s->log.mono_ms = gt_loop_now(s->loop).mono_ms;
    gt_log_line(&s->log, GT_LOG_WARNING, event, "reason=%s",
                gt_log_quote(quoted, why));
    gt_program_flush(&s->log);
}

static void
step(struct shell_io *s, struct arbiter_event event)
{
    struct arbiter_update update;

    event.now = gt_loop_now(s->loop);
    arbiter_step(s->arbiter, &event, &update);
    gt_program_flush(&s->log);
    if (update.todo & ARBITER_DO_SIGNAL) {
        gt_loop_work_start(&s->sending);
    } else {
        gt_loop_timer_at(&s->wake, update.wake_ms);
    }
}

static void
send_part(struct shell_io *s)
{
    struct gt_buf text;

    gt_buf_init(&text, s->message, sizeof(s->message));
    wire_signal_encode(&s->signal, &text);
    if (text.overflow) {
        complain(s, "signal_unsent", "it does not fit");
    } else if (gt_bus_hub_send(s->bus, wire_slot(s->signal.node),
                               s->signal.node, text.data, text.len) != 0) {
        complain(s, "signal_unsent", "the bus refused it");
    }
}

/* Sends what is due, in slices. */
static bool
send_slice(void *arg)
{
    struct shell_io *s = arg;
    uint64_t end_us = gt_clock_wall_us() + SLICE_US;

    do {
        if (!arbiter_next_signal(s->arbiter, gt_loop_now(s->loop),
                                 &s->signal)) {
            gt_program_flush(&s->log);
            gt_loop_timer_at(&s->wake, 0);
            return false;
        }
        gt_program_flush(&s->log);
        send_part(s);
    } while (gt_clock_wall_us() < end_us);
    return true;
}

static void
on_wake(void *arg)
{
    step(arg, (struct arbiter_event){.kind = ARBITER_WAKE});
}

static void
on_message(void *arg, const char *bytes, size_t len)
{
    struct shell_io *s = arg;
    enum wire_outcome outcome = wire_strategy_decode(&s->strategy, bytes, len);

    if (outcome == WIRE_OK) {
        step(s, (struct arbiter_event){.kind = ARBITER_HEARD,
                                       .strategy = &s->strategy});
    } else {
        step(s, (struct arbiter_event){.kind = ARBITER_GARBLED,
                                       .garbled = outcome});
    }
}

static void
on_watch(void *arg, const struct arbiter_event *event)
{
    step(arg, *event);
}

static void
on_trouble(void *arg, const char *why)
{
    complain(arg, "api_trouble", why);
}

static void
on_signal(void *arg, int number)
{
    struct shell_io *s = arg;

    if (number == SIGTERM || number == SIGINT) {
        step(s, (struct arbiter_event){.kind = ARBITER_STOP});
        gt_loop_stop(s->loop);
    }
}

static bool
open_bus(struct shell_io *s, const struct flags_bus *at, struct gt_err *err)
{
    struct gt_bus_hub_config config = {
        .host = at->host,
        .port = at->port,
        .slots = WIRE_SLOTS,
        .heard = on_message,
        .arg = s,
    };

    s->bus = gt_bus_hub_new(s->loop, &config, err);
    if (s->bus == NULL) {
        (void)gt_err_wrap(err, "--bus %s", s->flags->bus);
    }
    return s->bus != NULL;
}

static struct watch_io *
open_watch(struct shell_io *s, enum kube_object object, uint64_t seed,
           struct gt_err *err)
{
    bool tls = strncmp(s->flags->api_server, "https:", 6) == 0;
    struct watch_io_config config = {
        .client = {.base_url = s->flags->api_server,
                   .ca_file = tls ? s->flags->ca_file : NULL,
                   .token_file = tls ? s->flags->token_file : NULL},
        .object = object,
        .seed = seed,
        .arg = s,
        .tell = on_watch,
        .complain = on_trouble,
    };
    struct watch_io *watch = watch_io_new(s->loop, &config, err);

    if (watch == NULL) {
        (void)gt_err_wrap(err, "--api-server %s", s->flags->api_server);
    }
    return watch;
}

/* Everything that may fail, before the first event. */
static bool
open_all(struct shell_io *s, const struct flags_bus *bus, uint64_t seed,
         struct gt_err *err)
{
    s->admin = admin_io_new(s->loop, s->flags->listen, s->arbiter, err);
    if (s->admin == NULL || !open_bus(s, bus, err)) {
        return false;
    }
    s->nodes = open_watch(s, KUBE_OBJECT_NODE, seed, err);
    s->pods =
        s->nodes != NULL ? open_watch(s, KUBE_OBJECT_POD, ~seed, err) : NULL;
    return s->pods != NULL;
}

static bool
make_arbiter(struct shell_io *s, uint64_t seed)
{
    struct gt_time now = gt_loop_now(s->loop);
    void *memory;

    gt_loop_timer_init(&s->wake, s->loop, on_wake, s);
    gt_loop_work_init(&s->sending, s->loop, send_slice, s);
    gt_loop_on_signal(s->loop, on_signal, s);
    gt_buf_init(&s->lines, s->lines_memory, sizeof(s->lines_memory));
    s->log = (struct gt_log){
        .out = &s->lines,
        .threshold = (enum gt_log_level)gt_log_level_parse(s->flags->log_level),
        .who = "arbiter",
        .mono_ms = now.mono_ms,
    };
    s->config = flags_config(s->flags);
    s->config.incarnation = (uint64_t)now.wall_s << 24 | seed >> 40;
    memory = calloc(1, arbiter_size(&s->config));
    if (memory != NULL) {
        s->arbiter = arbiter_init(memory, &s->config, &s->log);
    }
    return memory != NULL;
}

static uint64_t
random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        seed = gt_clock_wall_ns() ^ (uint64_t)getpid() << 32;
    }
    return seed;
}

struct shell_io *
shell_io_new(const struct flags *flags, const struct flags_bus *bus,
             struct gt_err *err)
{
    struct shell_io *s = calloc(1, sizeof(*s));
    uint64_t seed = random_seed();

    (void)gt_err_set(err, -ENOMEM, "no memory");
    if (s == NULL) {
        return NULL;
    }
    s->flags = flags;
    s->clock.speed = flags->speed;
    s->loop = gt_loop_new(&s->clock, err);
    if (s->loop == NULL || !make_arbiter(s, seed) ||
        !open_all(s, bus, seed, err)) {
        return shell_io_free(s);
    }
    return s;
}

struct shell_io *
shell_io_free(struct shell_io *s)
{
    if (s == NULL) {
        return NULL;
    }
    watch_io_free(s->pods);
    watch_io_free(s->nodes);
    admin_io_free(s->admin);
    if (s->bus != NULL) {
        gt_bus_hub_free(s->bus);
    }
    gt_bus_fini();
    if (s->loop != NULL) {
        gt_loop_free(s->loop);
    }
    free(s->arbiter);
    free(s);
    return NULL;
}

int
shell_io_run(struct shell_io *s)
{
    step(s, (struct arbiter_event){.kind = ARBITER_START});
    return gt_loop_run(s->loop);
}

uint16_t
shell_io_http_port(const struct shell_io *s)
{
    return admin_io_port(s->admin);
}

uint16_t
shell_io_bus_port(const struct shell_io *s)
{
    return gt_bus_hub_port(s->bus);
}
