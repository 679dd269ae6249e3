/* SPDX-License-Identifier: Apache-2.0 */
/* The real gtcas-testnode over HTTP on loopback. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "agent/cgroup.h"
#include "proto/kube.h"
#include "tests/sim/ask_io.h"

#define PATIENCE_MS 10000
#define BODY_MAX    (1U << 20)
#define FLAGS_MAX   16
#define POD_A       "/api/v1/namespaces/demo/pods/a"
#define MIB         (INT64_C(1) << 20)

/* A testnode with two pods at speed 10, and a folder for its files. */
struct fixture {
    char dir[64];
    pid_t pid;
    uint16_t port;
    char body[BODY_MAX];
    struct kube_pod pod;
};

/* Starts the program with @flags; its errors go to DIR/log. */
static pid_t
spawn(const struct fixture *f, const char *const *flags)
{
    const char *build = getenv("GTCAS_BUILD");
    char *argv[FLAGS_MAX] = {NULL};
    char program[PATH_MAX];
    char log[PATH_MAX];
    pid_t pid = fork();

    if (pid != 0) {
        assert_true(pid > 0);
        return pid;
    }
    (void)snprintf(program, sizeof(program), "%s/gtcas-testnode",
                   build == NULL ? "build" : build);
    (void)snprintf(log, sizeof(log), "%s/log", f->dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0 &&
        dup2(fd, STDOUT_FILENO) >= 0) {
        /* execv() changes none of them. */
        for (size_t i = 0; flags[i] != NULL; i++) {
            memcpy(&argv[i], &flags[i], sizeof(argv[i]));
        }
        execv(program, argv);
    }
    _exit(127);
}

/* The text of DIR/@name, "" where there is none. */
static const char *
slurp(const struct fixture *f, const char *name, char text[512])
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    FILE *file = fopen(path, "re");
    size_t len = file == NULL ? 0 : fread(text, 1, 511, file);
    text[len] = '\0';
    if (file != NULL) {
        (void)fclose(file); /* was only read */
    }
    return text;
}

static int
wait_end(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
write_trace(const struct fixture *f)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/trace.csv", f->dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs("second,pod,cpu_cores,mem_bytes\n"
                "0,a,0.2,67108864\n0,b,0.2,67108864\n"
                "3599,a,0.2,67108864\n3599,b,0.2,67108864\n"
                "3600,a,0.4,67108864\n3600,b,0.4,67108864\n",
                file);
    assert_int_equal(fclose(file), 0);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/gtcas-testnode-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    write_trace(f);
    *state = f;
    return 0;
}

static int
remove_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->pid > 0) {
        (void)kill(f->pid, SIGTERM);
        assert_int_equal(wait_end(f->pid), 0);
    }
    (void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static int
set_up_running(void **state)
{
    char trace[PATH_MAX];
    char port_file[PATH_MAX];
    char cgroup[PATH_MAX];
    char text[512];

    (void)set_up(state); /* returns 0 */
    struct fixture *f = *state;
    (void)snprintf(trace, sizeof(trace), "--trace=%s/trace.csv", f->dir);
    (void)snprintf(port_file, sizeof(port_file), "--port-file=%s/port", f->dir);
    (void)snprintf(cgroup, sizeof(cgroup), "--cgroup-out=%s/cgroup", f->dir);
    const char *const flags[] = {"gtcas-testnode", trace,        port_file,
                                 cgroup,           "--speed=10", "--nodes=1",
                                 "--step",         NULL};
    f->pid = spawn(f, flags);
    uint64_t until_ms = ask_clock_ms() + PATIENCE_MS;
    while (f->port == 0 && ask_clock_ms() < until_ms) {
        f->port = (uint16_t)strtoul(slurp(f, "port", text), NULL, 10);
        ask_pause_ms(5);
    }
    assert_int_not_equal(f->port, 0);
    return 0;
}

/* What of an answer a test keeps. */
struct answer {
    char *bytes;
    size_t len;
    const char *until; /* stop once this was read; NULL: read to the end */
};

static size_t
keep(char *bytes, size_t one, size_t len, void *arg)
{
    struct answer *answer = arg;
    size_t room = BODY_MAX - 1 - answer->len;
    size_t part = len < room ? len : room;

    (void)one; /* always 1 */
    memcpy(answer->bytes + answer->len, bytes, part);
    answer->len += part;
    answer->bytes[answer->len] = '\0';
    return answer->until != NULL && strstr(answer->bytes, answer->until) != NULL
               ? 0
               : len;
}

/* PATCHes @json, or GETs where that is NULL, into the body of @f. */
static long
ask(struct fixture *f, const char *path, const char *json, const char *until)
{
    struct answer answer = {.bytes = f->body, .until = until};
    struct curl_slist *headers = curl_slist_append(
        NULL, "Content-Type: application/strategic-merge-patch+json");
    CURL *curl = curl_easy_init();
    char url[512];
    long status = 0;

    f->body[0] = '\0';
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", f->port, path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (json != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PATCH");
    }
    (void)curl_easy_perform(curl); /* fails where it was stopped early */
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

static const struct kube_pod *
read_pod(struct fixture *f)
{
    assert_int_equal(ask(f, POD_A, NULL, NULL), 200);
    assert_int_equal(kube_pod_decode(&f->pod, f->body, strlen(f->body)),
                     KUBE_OK);
    return &f->pod;
}

static int
patch_limit(struct fixture *f, const char *cpu, const char *memory)
{
    char body[512];

    (void)snprintf(body, sizeof(body),
                   "{\"spec\":{\"containers\":[{\"name\":\"app\","
                   "\"resources\":{\"requests\":{\"cpu\":\"%s\","
                   "\"memory\":\"%s\"},\"limits\":{\"cpu\":\"%s\","
                   "\"memory\":\"%s\"}}}]}}",
                   cpu, memory, cpu, memory);
    return (int)ask(f, POD_A "/resize", body, NULL);
}

/* Has the file the text within the patience? */
static bool
comes_to_read(const struct fixture *f, const char *name, const char *wanted)
{
    uint64_t until_ms = ask_clock_ms() + PATIENCE_MS;
    char text[512];

    while (strcmp(slurp(f, name, text), wanted) != 0) {
        if (ask_clock_ms() > until_ms) {
            return false;
        }
        ask_pause_ms(5);
    }
    return true;
}

static void
it_serves_the_pods_and_nodes_of_its_trace(void **state)
{
    struct fixture *f = *state;
    enum kube_decode why;

    assert_int_equal(ask(f, "/api/v1/pods", NULL, NULL), 200);
    struct kube_list *pods =
        kube_list_open(KUBE_OBJECT_POD, f->body, strlen(f->body), &why);
    assert_int_equal(kube_list_len(pods), 2);
    (void)kube_list_free(pods); /* NULL */
    assert_int_equal(ask(f, "/api/v1/nodes/node-1", NULL, NULL), 200);

    /* 0.2 core for an hour, 1.1 times 64 MiB. */
    const struct kube_pod *pod = read_pod(f);
    assert_int_equal(pod->containers[0].spec.requests[GT_CPU], 200);
    assert_int_equal(pod->containers[0].spec.limits[GT_MEMORY], 71 * MIB);
    assert_string_equal(kube_pod_annotation(pod, "strategy"), "potential-game");
    assert_non_null(kube_pod_annotation(pod, "release"));
}

static void
a_resize_reaches_the_cgroup_files(void **state)
{
    struct fixture *f = *state;
    char text[512];

    assert_string_equal(slurp(f, "cgroup/a/app/cpu.max", text),
                        "20000 100000\n");
    assert_int_equal(patch_limit(f, "600m", "80Mi"), 200);

    assert_true(comes_to_read(f, "cgroup/a/app/cpu.max", "60000 100000\n"));
    assert_true(comes_to_read(f, "cgroup/a/app/memory.max", "83886080\n"));
    assert_true(kube_pod_settled(read_pod(f), 2));
}

static struct cgroup_sample
sample_b(const struct fixture *f)
{
    char texts[4][512];
    struct cgroup_sample sample;
    const struct cgroup_texts read = {
        .version = CGROUP_V2,
        .cpu_stat = slurp(f, "cgroup/b/app/cpu.stat", texts[0]),
        .memory_current = slurp(f, "cgroup/b/app/memory.current", texts[1]),
        .memory_stat = slurp(f, "cgroup/b/app/memory.stat", texts[2]),
        .memory_events = slurp(f, "cgroup/b/app/memory.events", texts[3]),
    };

    assert_int_equal(cgroup_parse(&sample, &read), CGROUP_OK);
    return sample;
}

static void
throttling_shows_in_the_cgroup_files(void **state)
{
    struct fixture *f = *state;
    uint64_t until_ms = ask_clock_ms() + PATIENCE_MS;
    struct cgroup_sample sample = sample_b(f);

    while (sample.periods < 30 && ask_clock_ms() < until_ms) {
        ask_pause_ms(5);
        sample = sample_b(f);
    }

    /* It wants 0.4 of a core and has 0.2. */
    assert_true(sample.periods >= 30);
    assert_true(sample.throttled_periods > sample.periods * 9 / 10);
    assert_true(sample.usage_us <= sample.periods * 20000);
    assert_int_equal(cgroup_floor_bytes(&sample), 64 * MIB);
}

static void
a_watch_streams_what_changes(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f,
                         "/api/v1/pods?watch=true&fieldSelector="
                         "metadata.name%3Da&timeoutSeconds=5"
                         "&allowWatchBookmarks=true",
                         NULL, "BOOKMARK"),
                     200);
    assert_memory_equal(f->body, "{\"type\":\"ADDED\"", 15);
    assert_null(strstr(f->body, "\"name\":\"b\""));
    assert_non_null(strstr(f->body, "BOOKMARK"));
}

static void
what_is_refused_is_refused_over_http_as_well(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(patch_limit(f, "5", "80Mi"), 403);
    assert_non_null(strstr(f->body, "NodeCapacity"));
    assert_int_equal(patch_limit(f, "1x", "80Mi"), 422);
    assert_int_equal(ask(f, "/api/v1/namespaces/demo/pods/z", NULL, NULL), 404);
    assert_int_equal(ask(f, "/api/v1/pods?resourceVersion=99999", NULL, NULL),
                     504);
    assert_int_equal(ask_post(f->port, POD_A "/resize", NULL, 0), 405);
}

static void
the_api_is_down_when_asked_to_be(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        ask_post(f->port, "/sim/fault?api=down&seconds=2", NULL, 0), 200);
    assert_int_equal(ask(f, POD_A, NULL, NULL), 503);
    assert_int_equal(ask(f, "/sim/state", NULL, NULL), 200);

    uint64_t until_ms = ask_clock_ms() + PATIENCE_MS;
    while (ask(f, POD_A, NULL, NULL) == 503 && ask_clock_ms() < until_ms) {
        ask_pause_ms(20);
    }
    assert_int_equal(ask(f, POD_A, NULL, NULL), 200);
    assert_int_equal(ask_post(f->port, "/sim/fault?api=up", NULL, 0), 400);
    assert_int_equal(
        ask_post(f->port, "/sim/fault?api=down&seconds=nan", NULL, 0), 400);
}

static void
the_release_hook_frees_memory(void **state)
{
    struct fixture *f = *state;
    static const char hook[] = "/hooks/a?phase=release&target=";
    char path[128];

    (void)snprintf(path, sizeof(path), "%s%d", hook, 60 * (1 << 20));
    assert_int_equal(ask_post(f->port, path, NULL, 0), 200);
    assert_int_equal(patch_limit(f, "200m", "60Mi"), 200);
    assert_true(comes_to_read(f, "cgroup/a/app/memory.max", "62914560\n"));

    (void)snprintf(path, sizeof(path), "%s%d", hook, 20 * (1 << 20));
    assert_int_equal(ask_post(f->port, path, NULL, 0), 409);
    assert_int_equal(ask_post(f->port, "/hooks/a?phase=release", NULL, 0), 400);
    assert_int_equal(ask_post(f->port, "/hooks/z?phase=restore", NULL, 0), 404);
    assert_int_equal(
        ask_post(f->port, "/hooks/a?phase=restore&limit=1", NULL, 0), 200);
}

static void
the_state_tells_both_worlds(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "/sim/state", NULL, NULL), 200);
    assert_non_null(strstr(f->body, "\"static\":{"));
    assert_non_null(strstr(f->body, "\"throttle_to_patch\":{"));
}

/* Runs it with one more flag; its exit code, and what it said. */
static int
run_with(struct fixture *f, const char *flag, char text[512])
{
    char trace[PATH_MAX];

    (void)snprintf(trace, sizeof(trace), "--trace=%s/trace.csv", f->dir);
    const char *const flags[] = {"gtcas-testnode", trace, flag, NULL};
    int code = wait_end(spawn(f, flags));
    (void)slurp(f, "log", text); /* the caller reads it */
    return code;
}

static void
bad_flags_are_named_and_nothing_starts(void **state)
{
    struct fixture *f = *state;
    char text[512];

    assert_int_equal(run_with(f, "--nodes=0", text), 2);
    assert_non_null(strstr(text, "--nodes"));
    assert_int_equal(run_with(f, "--node-cpu=lots", text), 2);
    assert_non_null(strstr(text, "--node-cpu"));
    assert_int_equal(run_with(f, "--annotate=x", text), 1);
    assert_non_null(strstr(text, "--annotate"));
    assert_int_equal(run_with(f, "--trace=/nowhere", text), 1);
    assert_non_null(strstr(text, "/nowhere"));
    assert_int_equal(run_with(f, "--node-memory=64Mi", text), 1);
    assert_non_null(strstr(text, "node-1"));
    assert_int_equal(run_with(f, "--cgroup-out=/proc/x", text), 1);
    assert_non_null(strstr(text, "/proc/x"));
    assert_int_equal(run_with(f, "--help", text), 0);
    assert_non_null(strstr(text, "gtcas-testnode"));
}

#define RUNNING(name)                                                          \
    cmocka_unit_test_setup_teardown(name, set_up_running, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RUNNING(it_serves_the_pods_and_nodes_of_its_trace),
        RUNNING(a_resize_reaches_the_cgroup_files),
        RUNNING(throttling_shows_in_the_cgroup_files),
        RUNNING(a_watch_streams_what_changes),
        RUNNING(what_is_refused_is_refused_over_http_as_well),
        RUNNING(the_api_is_down_when_asked_to_be),
        RUNNING(the_release_hook_frees_memory),
        RUNNING(the_state_tells_both_worlds),
        cmocka_unit_test_setup_teardown(bad_flags_are_named_and_nothing_starts,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
