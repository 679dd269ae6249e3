/* SPDX-License-Identifier: Apache-2.0 */
/* The real agent against an API server that the test plays. */
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

#include "common/client_io.h"
#include "common/http_io.h"

#define PATIENCE_MS 20000
#define PATH        "/api/v1/namespaces/shop/pods/web-0/resize"
#define POD                                                                    \
    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"          \
    "\"web-0\",\"namespace\":\"shop\",\"uid\":\"uid-1\",\"resourceVersion\":"  \
    "\"9\",\"generation\":1},\"spec\":{\"nodeName\":\"node-1\","               \
    "\"containers\":[{\"name\":\"app\",\"resources\":{\"requests\":{\"cpu\":"  \
    "\"100m\",\"memory\":\"64Mi\"}}}]},\"status\":{\"phase\":\"Running\","     \
    "\"qosClass\":\"Burstable\",\"observedGeneration\":1}}"

struct fixture {
    struct gt_clock clock;
    struct gt_loop *loop;
    struct gt_loop_timer patience;
    bool late;
    struct gt_http *server;
    const char *body; /* of the API server's answers */
    unsigned reads;
    unsigned patches; /* that were not empty */
    char folder[64];
    char listen[32];
    pid_t pid;
    struct gt_client *client; /* of the agent's public server */
    unsigned status;          /* of its last answer */
    char answer[2048];
};

static void
resize(struct gt_http_request *request, void *arg)
{
    struct fixture *f = arg;
    size_t len = 0;
    struct gt_http_reply reply = {.status = 200,
                                  .content_type = "application/json",
                                  .body = f->body,
                                  .len = strlen(f->body)};

    if (strcmp(gt_http_body(request, &len), "{}") == 0) {
        f->reads++;
    } else {
        f->patches++;
    }
    gt_http_answer(request, &reply);
    gt_loop_stop(f->loop);
}

static const struct gt_http_route routes[] = {
    {"PATCH", PATH, resize, 4096}
};

static void
give_up(void *arg)
{
    struct fixture *f = arg;

    f->late = true;
    gt_loop_stop(f->loop);
}

static void
turn(struct fixture *f)
{
    assert_int_equal(gt_loop_run(f->loop), 0);
    assert_false(f->late);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct gt_err err;
    struct gt_http_config server = {.listen = "127.0.0.1:0",
                                    .routes = routes,
                                    .routes_len = GT_ARRAY_LEN(routes),
                                    .arg = f};

    f->clock.speed = 1.0;
    f->loop = gt_loop_new(&f->clock, &err);
    f->server = gt_http_new(f->loop, &server, &err);
    assert_non_null(f->server);
    gt_loop_timer_init(&f->patience, f->loop, give_up, f);
    gt_loop_timer_in(&f->patience, PATIENCE_MS);
    f->body = POD;
    strcpy(f->folder, "/tmp/gtcas-agent-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    strcpy(f->listen, "127.0.0.1:0");
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
    gt_http_free(f->server);
    gt_loop_timer_stop(&f->patience);
    gt_loop_free(f->loop);
    path_in(f, "port", path);
    unlink(path);
    path_in(f, "log", path);
    unlink(path);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Standard output and error of the agent go to the log. */
static void
become(const struct fixture *f, const char *const *argv)
{
    char path[128];
    int fd = -1;
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    path_in(f, "log", path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Starts an agent with @flag, if not NULL, besides what it needs. */
static void
start(struct fixture *f, const char *flag)
{
    const char *build = getenv("GTCAS_BUILD");
    char text[5][256];
    const char *argv[] = {text[0],
                          text[1],
                          text[2],
                          text[3],
                          text[4],
                          "--node=node-1",
                          "--namespace=shop",
                          "--pod=web-0",
                          "--pod-uid=uid-1",
                          "--arbiter=localhost:9",
                          "--cgroup-root=/nonexistent",
                          "--first-dial=3600",
                          "--admin-listen=127.0.0.1:0",
                          NULL,
                          NULL};

    snprintf(text[0], sizeof(text[0]), "%s/gtcas-agent",
             build != NULL ? build : "build");
    snprintf(text[1], sizeof(text[1]), "--api-server=http://127.0.0.1:%u",
             (unsigned)gt_http_port(f->server));
    snprintf(text[2], sizeof(text[2]), "--port-file=%s/port", f->folder);
    snprintf(text[3], sizeof(text[3]), "--listen=%s", f->listen);
    strcpy(text[4], "--log-level=debug");
    argv[GT_ARRAY_LEN(argv) - 2] = flag;
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        become(f, argv);
    }
}

/* The exit status of the agent; 256 and the signal where one ended it. */
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
    FILE *file = NULL;
    size_t len = 0;

    path_in(f, name, path);
    file = fopen(path, "r");
    len = file != NULL ? fread(text, 1, size - 1, file) : 0;
    text[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

static void
answered(void *arg, const struct gt_client_reply *reply)
{
    struct fixture *f = arg;

    f->status = reply->status;
    snprintf(f->answer, sizeof(f->answer), "%s", reply->body);
    gt_loop_stop(f->loop);
}

/* GET from the agent, once it has written its port. */
static unsigned
get(struct fixture *f, const char *path)
{
    struct gt_client_request request = {
        .method = "GET", .path = path, .done = answered, .arg = f};

    if (f->client == NULL) {
        char text[64];
        char url[64];
        struct gt_client_config config = {.base_url = url};
        struct gt_err err;

        read_file(f, "port", text, sizeof(text));
        snprintf(url, sizeof(url), "http://127.0.0.1:%lu",
                 strtoul(text, NULL, 10));
        f->client = gt_client_new(f->loop, &config, &err);
        assert_non_null(f->client);
    }
    f->status = 0;
    assert_non_null(gt_client_ask(f->client, &request));
    while (f->status == 0) {
        turn(f);
    }
    return f->status;
}

static void
bad_flags_are_named_and_nothing_is_started(void **state)
{
    static const char *const bad[][2] = {
        {"--colour=blue",              "--colour"          },
        {"--speed=fast",               "--speed"           },
        {"--arbiter=far.example:7400", "--insecure-bus"    },
        {"--admin-listen=0.0.0.0:0",   "--admin-token-file"},
        {"--first-dial",               "--first-dial"      },
        {"stray",                      "stray"             },
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
    assert_int_equal(f->reads, 0);
}

static void
questions_about_the_program_are_answered(void **state)
{
    struct fixture *f = *state;
    char text[8192];

    start(f, "--help");
    assert_int_equal(end_of(f), 0);
    read_file(f, "log", text, sizeof(text));
    assert_non_null(strstr(text, "--admin-token-file"));
    assert_non_null(strstr(text, "GTCAS_CGROUP_ROOT"));
    start(f, "--version");
    assert_int_equal(end_of(f), 0);
    read_file(f, "log", text, sizeof(text));
    assert_string_equal(text, "gtcas-agent " GTCAS_VERSION "\n");
    start(f, "--print-config");
    assert_int_equal(end_of(f), 0);
    read_file(f, "log", text, sizeof(text));
    assert_non_null(strstr(text, "node=node-1\n"));
}

static void
a_port_that_is_taken_is_named(void **state)
{
    struct fixture *f = *state;
    char text[4096];

    snprintf(f->listen, sizeof(f->listen), "127.0.0.1:%u",
             (unsigned)gt_http_port(f->server));
    start(f, NULL);
    assert_int_equal(end_of(f), 1);
    read_file(f, "log", text, sizeof(text));
    assert_non_null(strstr(text, "--listen"));
    assert_non_null(strstr(text, f->listen));
}

static void
a_blind_agent_says_why_and_resizes_nothing(void **state)
{
    struct fixture *f = *state;

    start(f, "--speed=20");
    while (f->reads == 0) {
        turn(f);
    }
    do {
        assert_int_equal(get(f, "/readyz"), 503);
    } while (strstr(f->answer, "/nonexistent/app") == NULL);
    assert_non_null(strstr(f->answer, "No such file or directory"));
    assert_int_equal(get(f, "/healthz"), 200);
    assert_int_equal(get(f, "/metrics"), 200);
    assert_non_null(strstr(f->answer, "gtcas_agent_blind 1\n"));
    assert_int_equal(f->patches, 0);
}

/* At speed 20 the agent reads again after a quarter of a second. */
static void
answers_that_are_no_pod_are_asked_again(void **state)
{
    static const char *const bodies[] = {
        "", "no JSON", "[1]", "{\"kind\":\"NodeList\",\"apiVersion\":\"v1\"}",
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":7}}"};
    struct fixture *f = *state;
    char *large = malloc(1 << 20);
    char text[16384];

    memset(large, '[', 1 << 20);
    large[(1 << 20) - 1] = '\0';
    start(f, "--speed=20");
    for (size_t i = 0; i <= GT_ARRAY_LEN(bodies); i++) {
        unsigned before = f->reads;

        f->body = i < GT_ARRAY_LEN(bodies) ? bodies[i] : large;
        while (f->reads == before) {
            turn(f);
        }
    }
    f->body = POD;
    while (get(f, "/readyz") != 503 ||
           strstr(f->answer, "/nonexistent/app") == NULL) {
        continue; /* until it has read the pod */
    }
    read_file(f, "log", text, sizeof(text));
    assert_non_null(strstr(text, "event=pod_unread"));
    assert_non_null(strstr(text, "event=playing"));
    free(large);
}

static void
sigterm_ends_it_with_success(void **state)
{
    struct fixture *f = *state;

    start(f, NULL);
    while (f->reads == 0) {
        turn(f);
    }
    kill(f->pid, SIGHUP);
    assert_int_equal(get(f, "/healthz"), 200);
    kill(f->pid, SIGTERM);
    assert_int_equal(end_of(f), 0);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(bad_flags_are_named_and_nothing_is_started),
        EACH(questions_about_the_program_are_answered),
        EACH(a_port_that_is_taken_is_named),
        EACH(a_blind_agent_says_why_and_resizes_nothing),
        EACH(answers_that_are_no_pod_are_asked_again),
        EACH(sigterm_ends_it_with_success),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
