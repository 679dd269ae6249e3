/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/shell_io.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin_io.h"
#include "agent/agent.h"
#include "agent/api_io.h"
#include "agent/cgroup_io.h"
#include "agent/release_io.h"
#include "agent/report.h"
#include "common/bus_io.h"
#include "common/program_io.h"

#define LINES_SIZE 16384
/* What was published last is still on its way to the arbiter. */
#define FAREWELL_MS 100

struct shell_io {
    const struct options *options;
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_loop_timer wake;
    struct gt_loop_timer farewell;
    struct agent_config config;
    struct agent *agent;
    struct gt_log log;
    struct gt_buf lines;
    char lines_memory[LINES_SIZE];
    struct agent_update update;
    struct agent_figures figures;
    struct wire_signal signal;
    char message[WIRE_MESSAGE_MAX];
    struct gt_err
        blindness; /* why the last sample failed; "" when it did not */
    struct report_shell report;
    struct api_io *api;
    struct gt_bus_spoke *bus;
    struct release_io *release;
    struct admin_io *admin;
    bool stopping;
};

static void step(struct shell_io *s, struct agent_event event);

/* A failure of the shell in a line of its own. */
static void
complain(struct shell_io *s, const char *event, const char *why)
{
    char quoted[GT_LOG_QUOTE_MAX];

    gt_log_line(&s->log, GT_LOG_WARNING, event, "reason=%s",
                gt_log_quote(quoted, why));
    gt_program_flush(&s->log);
}

static void
publish(struct shell_io *s, const struct wire_strategy *strategy)
{
    struct gt_buf text;

    gt_buf_init(&text, s->message, sizeof(s->message));
    wire_strategy_encode(strategy, &text);
    if (text.overflow) {
        complain(s, "message_unsent", "it does not fit");
        return;
    }
    if (gt_bus_spoke_send(s->bus, text.data, text.len) != 0) {
        complain(s, "message_unsent", "the bus refused it");
    }
    if (strategy->kind == WIRE_INTENT) {
        report_intent(&s->report, gt_clock_wall_us());
    }
}

static void
patch(struct shell_io *s, const struct agent_update *update)
{
    double seconds =
        update->granted ? report_patch(&s->report, gt_clock_wall_us()) : -1.0;

    if (seconds >= 0.0) {
        gt_log_line(&s->log, GT_LOG_INFO, "granted",
                    "intent_to_patch_wall_ms=%.1f", seconds * 1000.0);
    }
    api_io_patch(s->api, &update->patch);
}

static void
release(struct shell_io *s, const struct agent_release *lever)
{
    struct release_io_hook hook = {lever->port, lever->path,
                                   lever->limit_bytes};

    if (release_io_pull(s->release, &hook) != 0) {
        step(s, (struct agent_event){.kind = AGENT_RELEASED});
    }
}

static void
restore(struct shell_io *s, const struct agent_release *lever)
{
    struct release_io_hook hook = {lever->port, lever->path,
                                   lever->limit_bytes};

    if (release_io_restore(s->release, &hook) != 0) {
        complain(s, "restore_failed", "the hook could not be asked");
    }
}

/* Blindness is told when it begins and when its reason changes. */
static void
tell_blindness(struct shell_io *s, const struct gt_err *err)
{
    if (err->text[0] != '\0' && strcmp(err->text, s->blindness.text) != 0) {
        complain(s, "cgroup_unread", err->text);
    }
    s->blindness = *err;
}

static void
sample(struct shell_io *s)
{
    struct agent_figures *figures = &s->figures;
    struct gt_err err = {.code = 0};

    figures->len = s->agent->pod.containers_len;
    for (size_t i = 0; i < figures->len; i++) {
        figures->of[i].outcome = cgroup_io_read(
            s->options->cgroup_root, s->agent->pod.containers[i].name,
            &figures->of[i].sample, &err);
    }
    tell_blindness(s, &err);
    step(s, (struct agent_event){.kind = AGENT_SAMPLED, .figures = figures});
}

/* Releasing and sampling may step again, so they come last, and each where
 * nothing of @update is needed any more. */
static void
perform(struct shell_io *s, const struct agent_update *update)
{
    uint32_t todo = update->todo;

    if (todo & AGENT_DO_PATCH) {
        patch(s, update);
    }
    if (todo & AGENT_DO_READ) {
        api_io_read(s->api);
    }
    if (todo & AGENT_DO_PUBLISH) {
        publish(s, &update->message);
    }
    if (todo & AGENT_DO_RESTORE) {
        restore(s, &update->restore);
    }
    if (todo & AGENT_DO_REPLY) {
        admin_io_reply(s->admin, &update->reply);
    }
    if (todo & AGENT_DO_RELEASE) {
        release(s, &update->release);
    }
    if (todo & AGENT_DO_SAMPLE) {
        sample(s);
    }
}

static void
step(struct shell_io *s, struct agent_event event)
{
    if (s->stopping && event.kind != AGENT_STOP) {
        return; /* that was its last event */
    }
    event.now = gt_loop_now(s->loop);
    agent_step(s->agent, &event, &s->update);
    gt_program_flush(&s->log);
    gt_loop_timer_at(&s->wake, s->update.wake_ms);
    perform(s, &s->update);
}

static void
on_wake(void *arg)
{
    step(arg, (struct agent_event){.kind = AGENT_WAKE});
}

static void
on_answer(void *arg, const struct kube_answer *answer)
{
    step(arg, (struct agent_event){.kind = AGENT_ANSWERED, .answer = answer});
}

static void
on_released(void *arg, enum release_io_answer answer, const char *why)
{
    if (answer != RELEASE_DONE) {
        complain(arg, "release_failed", why);
    }
    step(arg, (struct agent_event){.kind = AGENT_RELEASED,
                                   .released = answer == RELEASE_DONE});
}

static void
on_message(void *arg, const char *bytes, size_t len)
{
    struct shell_io *s = arg;
    enum wire_outcome outcome = wire_signal_decode(&s->signal, bytes, len);

    if (outcome == WIRE_OK) {
        step(s, (struct agent_event){.kind = AGENT_SIGNALED,
                                     .signal = &s->signal});
    } else {
        step(s,
             (struct agent_event){.kind = AGENT_GARBLED, .garbled = outcome});
    }
}

static void
on_link(void *arg, enum gt_bus_link link)
{
    struct shell_io *s = arg;

    s->report.linked = link == GT_BUS_UP;
    s->log.mono_ms = gt_loop_now(s->loop).mono_ms;
    gt_log_event(&s->log, GT_LOG_INFO,
                 s->report.linked ? "bus_up" : "bus_down");
    gt_program_flush(&s->log);
    if (s->report.linked) {
        step(s, (struct agent_event){.kind = AGENT_CONNECTED});
    }
}

static void
on_proposed(void *arg, int64_t target_bytes)
{
    step(arg, (struct agent_event){.kind = AGENT_PROPOSED,
                                   .target_bytes = target_bytes});
}

static bool
on_ready(void *arg, struct gt_buf *why)
{
    struct shell_io *s = arg;
    const char *sentence = NULL;
    bool ready = agent_ready(s->agent, &sentence);

    gt_buf_text(why, sentence);
    if (s->blindness.text[0] != '\0') {
        gt_buf_format(why, ": %s", s->blindness.text);
    }
    return ready;
}

static void
on_metrics(void *arg, struct gt_buf *out)
{
    struct shell_io *s = arg;

    report_write(s->agent, &s->report, gt_loop_now(s->loop), out);
}

static const struct shrink_answer *
on_last(void *arg)
{
    const struct shell_io *s = arg;
    const struct shrink_answer *last = &s->agent->last_shrink;

    return last->target_bytes > 0 ? last : NULL;
}

static void
leave(void *arg)
{
    struct shell_io *s = arg;

    gt_loop_stop(s->loop);
}

static void
on_signal(void *arg, int number)
{
    struct shell_io *s = arg;

    if (number != SIGTERM && number != SIGINT) {
        return;
    }
    if (s->stopping) {
        leave(s);
        return;
    }
    s->stopping = true;
    step(s, (struct agent_event){.kind = AGENT_STOP});
    gt_loop_timer_stop(&s->wake);
    gt_loop_timer_in(&s->farewell, FAREWELL_MS);
}

/* Mesh seconds to milliseconds of the machine's own time. */
static unsigned
wall_ms(const struct shell_io *s, double mesh_s)
{
    return (unsigned)(mesh_s * 1000.0 / s->options->speed);
}

static bool
open_bus(struct shell_io *s, struct gt_rng *rng, struct gt_err *err)
{
    const struct options *o = s->options;
    struct options_host arbiter;
    struct gt_bus_spoke_config bus = {
        .host = arbiter.name,
        .slot = wire_slot(o->node),
        .topic = o->node,
        .dial_after_ms = wall_ms(s, o->first_dial_s * gt_rng_unit(rng)),
        .reconnect_min_ms = (unsigned)(o->reconnect_min_s * 1000.0),
        .reconnect_max_ms = (unsigned)(o->reconnect_max_s * 1000.0),
        .heard = on_message,
        .linked = on_link,
        .arg = s,
    };

    (void)options_host_read(&arbiter, o->arbiter); /* checked before */
    bus.port = arbiter.port;
    s->bus = gt_bus_spoke_new(s->loop, &bus, err);
    if (s->bus == NULL) {
        (void)gt_err_wrap(err, "--arbiter %s", o->arbiter);
    }
    return s->bus != NULL;
}

static bool
open_servers(struct shell_io *s, struct gt_err *err)
{
    const struct options *o = s->options;
    struct api_io_config api = {
        .base_url = o->api_server,
        .token_file = o->token_file,
        .ca_file = o->ca_file,
        .space = o->space,
        .pod = o->pod,
        .answered = on_answer,
        .arg = s,
    };
    struct release_io_config release_config = {
        .timeout_ms = wall_ms(s, HANDSHAKE_RELEASE_MS / 1000.0),
        .answered = on_released,
        .arg = s,
    };
    struct admin_io_config admin = {
        .listen = o->listen,
        .admin_listen = o->admin_listen,
        .token_file = o->admin_token_file,
        .arg = s,
        .proposed = on_proposed,
        .ready = on_ready,
        .metrics = on_metrics,
        .last = on_last,
    };

    s->api = api_io_new(s->loop, &api, err);
    s->release = release_io_new(s->loop, &release_config);
    s->admin = s->api != NULL ? admin_io_new(s->loop, &admin, err) : NULL;
    return s->admin != NULL && s->release != NULL;
}

/* Everything that may fail, before the first event. */
static bool
open_all(struct shell_io *s, struct gt_err *err)
{
    const struct options *o = s->options;
    struct gt_rng rng = {.state = (uint64_t)o->seed};
    struct gt_time now = gt_loop_now(s->loop);

    gt_loop_timer_init(&s->wake, s->loop, on_wake, s);
    gt_loop_timer_init(&s->farewell, s->loop, leave, s);
    gt_loop_on_signal(s->loop, on_signal, s);
    gt_buf_init(&s->lines, s->lines_memory, sizeof(s->lines_memory));
    s->log = (struct gt_log){
        .out = &s->lines,
        .threshold = (enum gt_log_level)gt_log_level_parse(o->log_level),
        .who = o->pod,
        .mono_ms = now.mono_ms,
    };
    s->config = (struct agent_config){
        .node = o->node,
        .space = o->space,
        .pod = o->pod,
        .uid = o->uid,
        .incarnation = (uint64_t)now.wall_s << 24 | gt_rng_next(&rng) >> 40,
        .resize_burst = o->resize_burst,
        .resizes_per_hour = o->resizes_per_hour,
    };
    agent_init(s->agent, &s->config, &s->log);
    report_init(&s->report);
    return open_servers(s, err) && open_bus(s, &rng, err);
}

struct shell_io *
shell_io_new(const struct options *options, struct gt_err *err)
{
    struct shell_io *s = calloc(1, sizeof(*s));

    (void)gt_err_set(err, -ENOMEM, "no memory");
    if (s == NULL) {
        return NULL;
    }
    s->options = options;
    s->clock.speed = options->speed;
    s->agent = calloc(1, sizeof(*s->agent));
    s->loop = gt_loop_new(&s->clock, err);
    if (s->agent == NULL || s->loop == NULL || !open_all(s, err)) {
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
    admin_io_free(s->admin);
    release_io_free(s->release);
    api_io_free(s->api);
    if (s->bus != NULL) {
        gt_bus_spoke_free(s->bus);
    }
    gt_bus_fini();
    if (s->loop != NULL) {
        gt_loop_free(s->loop);
    }
    free(s->agent);
    free(s);
    return NULL;
}

uint16_t
shell_io_port(const struct shell_io *s)
{
    return admin_io_port(s->admin);
}

uint16_t
shell_io_admin_port(const struct shell_io *s)
{
    return admin_io_admin_port(s->admin);
}

int
shell_io_run(struct shell_io *s)
{
    gt_log_line(&s->log, GT_LOG_INFO, "start",
                "version=" GTCAS_VERSION " incarnation=%" PRIx64,
                s->config.incarnation);
    step(s, (struct agent_event){.kind = AGENT_START});
    return gt_loop_run(s->loop);
}
