/* SPDX-License-Identifier: Apache-2.0 */
/* The real arbiter against an API server and an agent that the test plays. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/bus_io.h"
#include "common/client_io.h"
#include "common/http_io.h"
#include "proto/wire.h"
#include "tests/peer.h"

#define LIST(kind, items)                                                      \
    "{\"kind\":\"" kind "\",\"metadata\":{\"resourceVersion\":\"7\"},"         \
    "\"items\":[" items "]}"
#define NODE                                                                   \
    "{\"kind\":\"Node\",\"metadata\":{\"name\":\"node-1\","                    \
    "\"resourceVersion\":\"5\"},\"status\":{\"allocatable\":{\"cpu\":\"4\","   \
    "\"memory\":\"8Gi\"}}}"

struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_http *server;
    char folder[64];
    char bus[32];
    pid_t pid;
    unsigned port, bus_port;
    struct gt_client *client;
    unsigned status; /* of the last answer */
    char answer[1 << 16];
    struct gt_bus_spoke *spoke;
    bool linked;
    struct wire_signal signal; /* the last one heard */
    unsigned signals;
    struct gt_loop_timer again; /* what the bus may have lost is said again */
    struct wire_strategy said;
};

static void
answer_list(struct gt_http_request *request, const char *body)
{
    const char *version = NULL;
    bool stream =
        gt_http_query(request, "resourceVersion", &version) == GT_HTTP_OK;
    struct gt_http_reply reply = {.status = 200,
                                  .content_type = "application/json",
                                  .body = stream ? "" : body,
                                  .len = stream ? 0 : strlen(body)};

    if (stream) {
        gt_http_stream_begin(request, &reply);
    } else {
        gt_http_answer(request, &reply);
    }
}

static void
get_nodes(struct gt_http_request *request, void *arg)
{
    (void)arg;
    answer_list(request, LIST("NodeList", NODE));
}

static void
get_pods(struct gt_http_request *request, void *arg)
{
    (void)arg;
    answer_list(request, LIST("PodList", ""));
}

static const struct gt_http_route routes[] = {
    {"GET", "/api/v1/nodes", get_nodes, 0},
    {"GET", "/api/v1/pods",  get_pods,  0},
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gt_err err;
    struct gt_http_config server = {.listen = "127.0.0.1:0",
                                    .routes = routes,
                                    .routes_len = GT_ARRAY_LEN(routes),
                                    .arg = f};

    assert_non_null(f);
    f->clock.speed = 1.0;
    f->loop = gt_loop_new(&f->clock, &err);
    f->server = gt_http_new(f->loop, &server, &err);
    assert_non_null(f->server);
    strcpy(f->folder, "/tmp/gtcas-arbiter-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    strcpy(f->bus, "localhost:0");
    *state = f;
    return 0;
}

static void
path_in(const struct fixture *f, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", f->folder, name);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    char path[128];

    if (f->pid > 0) {
        kill(f->pid, SIGKILL);
        waitpid(f->pid, NULL, 0);
    }
    if (f->client != NULL) {
        gt_client_free(f->client);
    }
    if (f->spoke != NULL) {
        gt_bus_spoke_free(f->spoke);
    }
    gt_http_free(f->server);
    gt_loop_free(f->loop);
    path_in(f, "port", path);
    unlink(path);
    path_in(f, "log", path);
    unlink(path);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Standard output and error of the arbiter go to the log. */
static void
become(const struct fixture *f, const char *const *argv)
{
    char path[128];
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    path_in(f, "log", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Starts an arbiter with @flag, if not NULL, besides what it needs. */
static void
start(struct fixture *f, const char *flag)
{
    const char *build = getenv("GTCAS_BUILD");
    char text[4][256];
    const char *argv[] = {
        text[0], text[1], text[2], text[3], "--listen=127.0.0.1:0", flag, NULL};

    snprintf(text[0], sizeof(text[0]), "%s/gtcas-arbiter",
             build != NULL ? build : "build");
    snprintf(text[1], sizeof(text[1]), "--api-server=http://127.0.0.1:%u",
             (unsigned)gt_http_port(f->server));
    snprintf(text[2], sizeof(text[2]), "--port-file=%s/port", f->folder);
    snprintf(text[3], sizeof(text[3]), "--bus=%s", f->bus);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        become(f, argv);
    }
}

/* The exit status of the arbiter; 256 and the signal where one ended it. */
static int
end_of(struct fixture *f)
{
    int status = 0;

    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    f->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void
read_file(const struct fixture *f, const char *name, char *text, size_t size)
{
    char path[128];

    path_in(f, name, path);
    FILE *file = fopen(path, "r");
    size_t len = file != NULL ? fread(text, 1, size - 1, file) : 0;
    text[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

/* Waits for the port file. */
static void
await_ports(struct fixture *f)
{
    char text[64];

    for (int i = 0; i < PEER_PATIENCE_MS / 10; i++) {
        read_file(f, "port", text, sizeof(text));
        if (sscanf(text, "%u %u", &f->port, &f->bus_port) == 2) {
            return;
        }
        turn_for(f->loop, 10);
    }
    fail_msg("the arbiter did not come up");
}

static void
answered(void *arg, const struct gt_client_reply *reply)
{
    struct fixture *f = arg;

    f->status = reply->status;
    snprintf(f->answer, sizeof(f->answer), "%s", reply->body);
    gt_loop_stop(f->loop);
}

static unsigned
get(struct fixture *f, const char *path)
{
    struct gt_client_request request = {
        .method = "GET", .path = path, .done = answered, .arg = f};
    struct gt_err err;

    if (f->client == NULL) {
        char url[64];
        struct gt_client_config config = {.base_url = url};

        snprintf(url, sizeof(url), "http://127.0.0.1:%u", f->port);
        f->client = gt_client_new(f->loop, &config, &err);
        assert_non_null(f->client);
    }
    f->status = 0;
    assert_non_null(gt_client_ask(f->client, &request));
    while (f->status == 0) {
        turn_until_stopped(f->loop);
    }
    return f->status;
}

/* Asks until the answer holds @text. */
static void
await_answer(struct fixture *f, const char *path, const char *text)
{
    for (int i = 0; i < PEER_PATIENCE_MS / 20; i++) {
        get(f, path);
        if (strstr(f->answer, text) != NULL) {
            return;
        }
        turn_for(f->loop, 20);
    }
    fail_msg("awaited %s in %s", text, f->answer);
}

static void
on_bytes(void *arg, const char *bytes, size_t len)
{
    struct fixture *f = arg;

    assert_int_equal(wire_signal_decode(&f->signal, bytes, len), WIRE_OK);
    f->signals++;
    gt_loop_stop(f->loop);
}

static void
on_link(void *arg, enum gt_bus_link link)
{
    struct fixture *f = arg;

    f->linked = link == GT_BUS_UP;
    gt_loop_stop(f->loop);
}

static void
dial(struct fixture *f)
{
    struct gt_bus_spoke_config config = {.host = "localhost",
                                         .port = (uint16_t)f->bus_port,
                                         .slot = wire_slot("node-1"),
                                         .topic = "node-1",
                                         .heard = on_bytes,
                                         .linked = on_link,
                                         .arg = f};
    struct gt_err err;

    f->spoke = gt_bus_spoke_new(f->loop, &config, &err);
    assert_non_null(f->spoke);
    while (!f->linked) {
        turn_until_stopped(f->loop);
    }
}

static void
say(void *arg)
{
    struct fixture *f = arg;
    char text[WIRE_MESSAGE_MAX];
    struct gt_buf out;

    f->said.seq++;
    gt_buf_init(&out, text, sizeof(text));
    wire_strategy_encode(&f->said, &out);
    assert_false(out.overflow);
    assert_int_equal(gt_bus_spoke_send(f->spoke, out.data, out.len), 0);
    gt_loop_timer_in(&f->again, 1000);
}

/* Says it until a signal comes that knows us, with a light if we asked. */
static void
converse(struct fixture *f)
{
    bool asks = f->said.kind == WIRE_INTENT;
    gt_loop_timer_init(&f->again, f->loop, say, f);
    say(f);
    do {
        turn_until_stopped(f->loop);
    } while (f->signal.known_len == 0 || (asks && f->signal.lights_len == 0));
    gt_loop_timer_stop(&f->again);
}

static void
become_agent(struct fixture *f)
{
    struct wire_container *app = &f->said.containers[0];

    f->said = (struct wire_strategy){
        .kind = WIRE_HELLO, .incarnation = 5, .containers_len = 1};
    strcpy(f->said.id, "uid-1");
    strcpy(f->said.node, "node-1");
    strcpy(f->said.space, "shop");
    strcpy(f->said.pod, "web-0");
    strcpy(app->name, "app");
    app->weight = 1.0;
    for (int r = 0; r < GT_RESOURCES; r++) {
        app->players[r] = (struct wire_player){
            .current = 500, .target = 500, .want = 500, .max = 1000000};
    }
}

static void
an_agent_says_hello_and_gets_its_light(void **state)
{
    struct fixture *f = *state;

    start(f, "--listen-first=0");
    await_ports(f);
    await_answer(f, "/readyz", "are known");
    dial(f);
    become_agent(f);
    converse(f);
    assert_string_equal(f->signal.known[0], "uid-1");
    assert_int_equal(f->signal.loads[GT_CPU].capacity, 4000);

    f->said.kind = WIRE_INTENT;
    f->said.containers[0].players[GT_CPU].want = 800;
    f->said.containers[0].players[GT_CPU].gain = 5.0;
    converse(f);
    assert_int_equal(f->signal.lights[0].color, WIRE_GREEN);
    assert_int_equal(f->signal.lights[0].amount, 800);

    assert_int_equal(get(f, "/state"), 200);
    assert_non_null(strstr(f->answer, "\"pod\":\"web-0\""));
    assert_int_equal(get(f, "/healthz"), 200);
    kill(f->pid, SIGTERM);
    assert_int_equal(end_of(f), 0);
    read_file(f, "log", f->answer, sizeof(f->answer));
    assert_non_null(strstr(f->answer, "event=joined node=node-1"));
    assert_non_null(strstr(f->answer, "event=stopped"));
}

static void
garbage_on_the_bus_is_counted_and_survived(void **state)
{
    static char big[GT_BUS_MESSAGE_MAX_BYTES - 64];
    static const char *const garbage[] = {
        "",          "{",
        "{\"v\":1}", "{\"v\":2,\"kind\":\"hello\"}",
        "\xff\xfe",  "{\"v\":1,\"kind\":\"hello\",\"id\":7}",
    };
    struct fixture *f = *state;

    start(f, NULL);
    memset(big, '[', sizeof(big));
    await_ports(f);
    dial(f);
    /* The first of them may find the uplink not yet open. */
    for (int i = 0; i < 10; i++) {
        for (size_t k = 0; k < GT_ARRAY_LEN(garbage); k++) {
            (void)gt_bus_spoke_send(f->spoke, garbage[k], strlen(garbage[k]));
        }
        (void)gt_bus_spoke_send(f->spoke, big, sizeof(big));
        turn_for(f->loop, 50);
    }
    await_answer(f, "/metrics", "gtcas_arbiter_garbled_total");
    assert_null(strstr(f->answer, "garbled_total{reason=\"syntax\"} 0\n"));
    assert_null(strstr(f->answer, "garbled_total{reason=\"version\"} 0\n"));
    become_agent(f);
    converse(f);
}

static void
bad_flags_are_named_and_nothing_is_started(void **state)
{
    static const char *const bad[][2] = {
        {"--colour=blue",  "--colour"      },
        {"--speed=fast",   "--speed"       },
        {"--bus=*:0",      "--insecure-bus"},
        {"--rho0=1",       "--rho0"        },
        {"--max-agents",   "--max-agents"  },
        {"--max-agents=0", "--max-agents"  },
        {"stray",          "stray"         },
    };
    struct fixture *f = *state;
    char text[4096];

    for (size_t i = 0; i < GT_ARRAY_LEN(bad); i++) {
        start(f, bad[i][0]);
        assert_int_equal(end_of(f), 2);
        read_file(f, "log", text, sizeof(text));
        assert_non_null(strstr(text, bad[i][1]));
        assert_null(strstr(text, "event="));
        read_file(f, "port", text, sizeof(text));
        assert_string_equal(text, "");
    }
}

static void
a_bus_port_that_is_taken_is_named(void **state)
{
    struct fixture *f = *state;
    char text[4096];

    snprintf(f->bus, sizeof(f->bus), "localhost:%u",
             (unsigned)gt_http_port(f->server));
    start(f, NULL);

    assert_int_equal(end_of(f), 1);
    read_file(f, "log", text, sizeof(text));
    assert_non_null(strstr(text, "--bus"));
}

static void
questions_about_the_program_are_answered(void **state)
{
    static const char *const questions[][2] = {
        {"--help",         "GTCAS_MAX_AGENTS"                 },
        {"--version",      "gtcas-arbiter " GTCAS_VERSION "\n"},
        {"--print-config", "rho0=0.9\n"                       },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GT_ARRAY_LEN(questions); i++) {
        start(f, questions[i][0]);
        assert_int_equal(end_of(f), 0);
        read_file(f, "log", f->answer, sizeof(f->answer));
        assert_non_null(strstr(f->answer, questions[i][1]));
    }
}

static int
end_bus(void **state)
{
    (void)state;
    gt_bus_fini();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_agent_says_hello_and_gets_its_light),
        TEST(garbage_on_the_bus_is_counted_and_survived),
        TEST(bad_flags_are_named_and_nothing_is_started),
        TEST(a_bus_port_that_is_taken_is_named),
        TEST(questions_about_the_program_are_answered),
    };

    return cmocka_run_group_tests(tests, NULL, end_bus);
}
