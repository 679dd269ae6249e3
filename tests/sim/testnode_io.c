/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/testnode_io.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/http_io.h"
#include "common/log.h"
#include "common/program_io.h"
#include "proto/quantity.h"
#include "tests/sim/apiserver_io.h"
#include "tests/sim/cgroupfs_io.h"
#include "tests/sim/ledger.h"
#include "tests/sim/testbed.h"
#include "tests/sim/trace_io.h"

#define PRIORITY     (-10)
#define TICK_WALL_MS 5 /* no more often are files and watches written */
#define API_BODY_MAX (3U << 20) /* as the real server */
#define STATE_MAX    (4U << 20)

struct testnode {
    const struct testnode_options *options;
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *http;
    struct gt_loop_timer tick;
    struct trace trace;
    struct testbed bed;
    struct node_config config;
    struct node_sim *live;
    struct node_sim *fixed;
    struct apiserver_io *api;
    struct cgroupfs *cgroups;
    uint64_t written_ms; /* the cgroup files */
    uint64_t down_until_ms;
    struct gt_err error; /* of the running loop */
    char *state;         /* STATE_MAX */
};

/* Both worlds live up to now. */
static uint64_t
catch_up(struct testnode *t)
{
    uint64_t now_ms = gt_loop_now(t->loop).mono_ms;

    node_advance(t->live, now_ms);
    node_advance(t->fixed, now_ms);
    return now_ms;
}

static void
log_line(const struct testnode *t, const char *event, const char *key,
         const char *value)
{
    char memory[512];
    struct gt_buf out;
    struct gt_log log = {.out = &out,
                         .threshold = GT_LOG_INFO,
                         .who = "testnode",
                         .mono_ms = gt_loop_now(t->loop).mono_ms};

    gt_buf_init(&out, memory, sizeof(memory));
    gt_log_line(&log, GT_LOG_INFO, event, "%s=%s", key, value);
    (void)fputs(memory, stderr); /* nowhere else to say it */
}

static void
write_cgroups(struct testnode *t, uint64_t now_ms)
{
    if (t->cgroups == NULL || now_ms < t->written_ms + NODE_PERIOD_MS) {
        return;
    }
    t->written_ms = now_ms;
    if (cgroupfs_write(t->cgroups, &t->error) != 0) {
        gt_loop_stop(t->loop);
    }
}

static void
tick(void *arg)
{
    struct testnode *t = arg;
    uint64_t now_ms = catch_up(t);

    write_cgroups(t, now_ms);
    apiserver_io_pump(t->api, now_ms);
    gt_loop_timer_in(&t->tick, TICK_WALL_MS);
}

static void
answer_text(struct gt_http_request *request, unsigned status, const char *text)
{
    gt_http_answer(request, &(struct gt_http_reply){.status = status,
                                                    .body = text,
                                                    .len = strlen(text)});
}

static void
serve_api(struct gt_http_request *request, void *arg)
{
    struct testnode *t = arg;
    uint64_t now_ms = catch_up(t);

    if (now_ms < t->down_until_ms) {
        answer_text(request, 503, "the API server is down by request\n");
        return;
    }
    apiserver_io_answer(t->api, request, now_ms);
}

static void
serve_state(struct gt_http_request *request, void *arg)
{
    struct testnode *t = arg;
    double mesh_s = (double)(catch_up(t) - t->config.start_ms) / 1000;
    const struct ledger ledger = {
        .live = t->live,
        .fixed = t->fixed,
        .mesh_s = mesh_s,
        .trace_second = t->config.trace_second + mesh_s,
    };
    struct gt_buf out;

    gt_buf_init(&out, t->state, STATE_MAX);
    ledger_encode(&ledger, &out);
    gt_http_answer(request, &(struct gt_http_reply){
                                .status = out.overflow ? 500 : 200,
                                .content_type = "application/json",
                                .body = out.data,
                                .len = out.len,
                            });
}

static void
serve_fault(struct gt_http_request *request, void *arg)
{
    struct testnode *t = arg;
    const char *seconds;
    const char *api;
    char *end;

    if (gt_http_query(request, "api", &api) != GT_HTTP_OK ||
        strcmp(api, "down") != 0 ||
        gt_http_query(request, "seconds", &seconds) != GT_HTTP_OK) {
        answer_text(request, 400, "known: api=down&seconds=SECONDS\n");
        return;
    }
    double s = strtod(seconds, &end);
    if (*seconds == '\0' || *end != '\0' || !(s >= 0 && s <= 86400)) {
        answer_text(request, 400, "seconds: not within 0 to 86400\n");
        return;
    }
    t->down_until_ms = catch_up(t) + (uint64_t)(s * 1000);
    apiserver_io_cut(t->api);
    log_line(t, "fault", "api", "down");
    answer_text(request, 200, "");
}

static void
release(struct testnode *t, struct gt_http_request *request, size_t pod)
{
    const char *text;
    int64_t target_bytes;

    if (gt_http_query(request, "target", &text) != GT_HTTP_OK ||
        quantity_decode(GT_MEMORY, text, &target_bytes) != QUANTITY_OK) {
        answer_text(request, 400, "target: not an amount of bytes\n");
        return;
    }
    (void)catch_up(t); /* the time is of no interest */
    if (node_release(t->live, pod, target_bytes) >= target_bytes) {
        answer_text(request, 409, "more than that is in use\n");
        return;
    }
    answer_text(request, 200, "");
}

static void
serve_hook(struct gt_http_request *request, void *arg)
{
    struct testnode *t = arg;
    const char *name = gt_http_path(request) + strlen("/hooks/");
    size_t pod = node_find(t->live, TESTBED_SPACE, name);
    const char *phase;

    if (pod == node_pods(t->live)) {
        answer_text(request, 404, "no such pod\n");
    } else if (gt_http_query(request, "phase", &phase) != GT_HTTP_OK) {
        answer_text(request, 400, "phase: missing\n");
    } else if (strcmp(phase, "release") == 0) {
        release(t, request, pod);
    } else if (strcmp(phase, "restore") == 0) {
        answer_text(request, 200, ""); /* the model keeps no ceiling */
    } else {
        answer_text(request, 400, "phase: neither release nor restore\n");
    }
}

static const struct gt_http_route routes[] = {
    {"GET",    "/version",   serve_api,   0           },
    {"GET",    "/api/*",     serve_api,   API_BODY_MAX},
    {"PATCH",  "/api/*",     serve_api,   API_BODY_MAX},
    {"POST",   "/api/*",     serve_api,   API_BODY_MAX},
    {"PUT",    "/api/*",     serve_api,   API_BODY_MAX},
    {"DELETE", "/api/*",     serve_api,   API_BODY_MAX},
    {"GET",    "/sim/state", serve_state, 0           },
    {"POST",   "/sim/fault", serve_fault, 4096        },
    {"POST",   "/hooks/*",   serve_hook,  4096        },
};

static int
open_server(struct testnode *t, struct gt_err *err)
{
    const struct gt_http_config config = {
        .listen = t->options->listen,
        .routes = routes,
        .routes_len = GT_ARRAY_LEN(routes),
        .arg = t,
        .connections_max = 1024,
    };

    t->clock.speed = t->options->speed;
    t->loop = gt_loop_new(&t->clock, err);
    if (t->loop == NULL) {
        return err->code;
    }
    t->http = gt_http_new(t->loop, &config, err);
    return t->http == NULL ? err->code : 0;
}

/* The nodes and pods; the release hooks are told the bound port. */
static int
plan(struct testnode *t, struct gt_err *err)
{
    const struct testnode_options *o = t->options;
    size_t pods = t->trace.series_len;
    size_t nodes = (size_t)o->nodes;
    struct testbed_config config = {
        .trace = &t->trace,
        .nodes_len = nodes,
        .start_second = o->start_second,
        .window_s = o->static_window_s,
        .limit_ratio = o->limit_ratio,
        .releasable = o->releasable,
        .hook_port = gt_http_port(t->http),
        .annotate = o->annotate,
    };

    if (pods == 0 || nodes == 0) {
        return gt_err_set(err, -EINVAL, "%s: no pods, or no nodes", o->trace);
    }
    memcpy(config.node, o->node, sizeof(config.node));
    t->bed.nodes = calloc(nodes, sizeof(*t->bed.nodes));
    t->bed.node_texts = calloc(nodes, sizeof(*t->bed.node_texts));
    t->bed.pods = calloc(pods, sizeof(*t->bed.pods));
    t->bed.pod_texts = calloc(pods, sizeof(*t->bed.pod_texts));
    if (t->bed.nodes == NULL || t->bed.node_texts == NULL ||
        t->bed.pods == NULL || t->bed.pod_texts == NULL) {
        return gt_err_set(err, -ENOMEM, "out of memory");
    }
    return testbed_fill(&t->bed, &config, err);
}

static struct node_sim *
start_world(const struct testnode *t)
{
    void *memory = malloc(node_size(&t->config));

    return memory == NULL ? NULL : node_init(memory, &t->config);
}

static int
start_worlds(struct testnode *t, struct gt_err *err)
{
    const struct testnode_options *o = t->options;
    uint64_t now_ms = gt_loop_now(t->loop).mono_ms;

    t->config = (struct node_config){
        .nodes = t->bed.nodes,
        .nodes_len = (size_t)o->nodes,
        .pods = t->bed.pods,
        .pods_len = t->trace.series_len,
        .shape = o->step ? TRACE_STEP : TRACE_LINEAR,
        .trace_second = (double)o->start_second,
        .start_ms = now_ms,
        .latency_ms = (uint64_t)llround(o->patch_latency_s * 1000),
        .measure_ms = now_ms + (uint64_t)llround(o->measure_after_s * 1000),
        .noise = o->noise,
        .cache_share = o->cache_share,
        .seed = (uint64_t)o->seed,
    };
    t->live = start_world(t);
    t->fixed = start_world(t);
    t->state = malloc(STATE_MAX);
    t->api = t->live == NULL ? NULL
                             : apiserver_io_new(t->live, (uint64_t)o->history);
    return t->api == NULL || t->fixed == NULL || t->state == NULL
               ? gt_err_set(err, -ENOMEM, "out of memory")
               : 0;
}

static int
open_cgroups(struct testnode *t, struct gt_err *err)
{
    if (t->options->cgroup_out[0] == '\0') {
        return 0;
    }
    t->cgroups = cgroupfs_new(t->live, t->options->cgroup_out, err);
    return t->cgroups == NULL ? err->code : cgroupfs_write(t->cgroups, err);
}

/* Whole at once, so that who waits for it never reads a part. */
static int
write_port_file(struct testnode *t, struct gt_err *err)
{
    return gt_program_port_file(t->options->port_file, gt_http_port(t->http), 0,
                                err);
}

static int
run_loop(struct testnode *t, struct gt_err *err)
{
    char port[16];

    (void)snprintf(port, sizeof(port), "%u", gt_http_port(t->http));
    log_line(t, "listening", "port", port);
    /* A kernel is not kept waiting by its pods; without the right to it the
     * figures are a little less even. */
    (void)setpriority(PRIO_PROCESS, 0, PRIORITY);
    gt_loop_timer_init(&t->tick, t->loop, tick, t);
    gt_loop_timer_in(&t->tick, 0);
    int error = gt_loop_run(t->loop);
    gt_loop_timer_stop(&t->tick);
    if (error != 0) {
        return gt_err_set(err, error, "the loop: %s", strerror(-error));
    }
    *err = t->error;
    return t->error.code;
}

static int
start_and_run(struct testnode *t, struct gt_err *err)
{
    static int (*const steps[])(struct testnode *, struct gt_err *) = {
        open_server,     plan,     start_worlds, open_cgroups,
        write_port_file, run_loop,
    };
    int error = trace_read(&t->trace, t->options->trace, err);

    for (size_t i = 0; i < GT_ARRAY_LEN(steps) && error == 0; i++) {
        error = steps[i](t, err);
    }
    return error;
}

static void
stop(struct testnode *t)
{
    t->api = apiserver_io_free(t->api);
    t->http = t->http == NULL ? NULL : gt_http_free(t->http);
    t->loop = t->loop == NULL ? NULL : gt_loop_free(t->loop);
    t->cgroups = cgroupfs_free(t->cgroups);
    free(t->live);
    free(t->fixed);
    free(t->state);
    free(t->bed.nodes);
    free(t->bed.node_texts);
    free(t->bed.pods);
    free(t->bed.pod_texts);
    trace_fini(&t->trace);
}

int
testnode_run(const struct testnode_options *options, struct gt_err *err)
{
    struct testnode t = {.options = options};

    int error = start_and_run(&t, err);
    stop(&t);
    return error;
}
