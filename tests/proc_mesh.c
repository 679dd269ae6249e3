/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real programs on loopback, and what happens when one of them is killed.
 * Every wait ends as soon as what it waits for is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/sim/ask_io.h"
#include "tests/sim/demo_view.h"
#include "tests/sim/rig_io.h"

#define SPEED     20.0
#define WAIT_MS   60000 /* then what was waited for did not happen */
#define STATE_MAX (4 << 20)
#define PATH_SIZE 512

struct mesh_test {
    char dir[64];
    struct rig rig;
    struct demo_view view;
    char body[STATE_MAX];
};

static const char *
build_folder(void)
{
    const char *build = getenv("GTCAS_BUILD");

    return build != NULL ? build : "build";
}

static int
set_up(void **state)
{
    static const char *const testnode[] = {"--trace", "tests/data/demo.csv.gz",
                                           NULL};
    static const char *const agent[] = {"--reconnect-min", "0.1",
                                        "--reconnect-max", "0.2", NULL};
    struct mesh_test *t = calloc(1, sizeof(*t));
    struct rig_config config = {
        .build = build_folder(),
        .speed = SPEED,
        .testnode_flags = testnode,
        .agent_flags = agent,
        .wrap = getenv("GTCAS_WRAP"),
    };
    struct gt_err err = {0};

    assert_non_null(t);
    snprintf(t->dir, sizeof(t->dir), "%s/proc-XXXXXX", build_folder());
    assert_non_null(mkdtemp(t->dir));
    config.dir = t->dir;
    if (rig_start(&t->rig, &config, &err) != 0) {
        fail_msg("%s", err.text);
    }
    *state = t;
    return 0;
}

static int
tear_down(void **state)
{
    struct mesh_test *t = *state;

    rig_stop(&t->rig);
    free(t);
    return 0;
}

static void
look(struct mesh_test *t)
{
    if (ask_get(t->rig.testnode.port, "/sim/state", t->body, STATE_MAX) ==
        200) {
        assert_true(demo_view_testnode(&t->view, t->body));
    }
    if (t->rig.arbiter.pid != 0 &&
        ask_get(t->rig.arbiter.port, "/state", t->body, STATE_MAX) == 200) {
        assert_true(demo_view_arbiter(&t->view, t->body));
    }
    assert_int_equal(t->view.books.overcommit_samples, 0);
    assert_int_equal(t->view.potential_drops, 0);
}

/* Looks until @seen says yes; fails in the end. */
static void
wait_until(struct mesh_test *t, bool (*seen)(const struct mesh_test *t))
{
    uint64_t deadline_ms = ask_clock_ms() + WAIT_MS;

    look(t);
    while (!seen(t) && ask_clock_ms() < deadline_ms) {
        ask_pause_ms(20);
        look(t);
    }
    assert_true(seen(t));
}

static bool
everybody_is_heard(const struct mesh_test *t)
{
    return t->view.agents == t->rig.pods_len;
}

static bool
one_is_missing(const struct mesh_test *t)
{
    return t->view.agents == t->rig.pods_len - 1;
}

static bool
pods_were_resized(const struct mesh_test *t)
{
    return t->view.books.resizes >= 5;
}

/* Lets @mesh_s of mesh time pass, looking all the while. */
static void
live_for(struct mesh_test *t, double mesh_s)
{
    double end_s;

    look(t);
    end_s = t->view.mesh_s + mesh_s;
    while (t->view.mesh_s < end_s) {
        ask_pause_ms(20);
        look(t);
    }
}

/* How often @words stand in the logs of all agents. */
static unsigned
count_in_logs(const struct mesh_test *t, const char *words)
{
    char path[PATH_SIZE];
    char line[4096];
    unsigned count = 0;

    for (size_t i = 0; i < t->rig.pods_len; i++) {
        snprintf(path, sizeof(path), "%s/%s.log", t->dir,
                 t->rig.pods[i].agent.name);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file) != NULL) {
            count += strstr(line, words) != NULL ? 1 : 0;
        }
        fclose(file);
    }
    return count;
}

/* The value of the first sample whose line begins with @metric. */
static double
metric(struct mesh_test *t, size_t pod, const char *name)
{
    const char *found;

    assert_int_equal(
        ask_get(t->rig.pods[pod].agent.port, "/metrics", t->body, STATE_MAX),
        200);
    found = strstr(t->body, name);
    assert_non_null(found);
    return strtod(found + strlen(name), NULL);
}

static void
a_mesh_starts_resizes_and_stops_cleanly(void **state)
{
    struct mesh_test *t = *state;

    wait_until(t, everybody_is_heard);
    wait_until(t, pods_were_resized);

    assert_true(rig_stop(&t->rig));
}

static void
no_pod_is_below_its_floor(struct mesh_test *t)
{
    static const char *const names[][2] = {
        {"gtcas_agent_cpu_floor_cores{container=\"app\"} ",
         "gtcas_agent_cpu_request_cores{container=\"app\"} "   },
        {"gtcas_agent_memory_floor_bytes{container=\"app\"} ",
         "gtcas_agent_memory_request_bytes{container=\"app\"} "},
    };

    for (size_t i = 0; i < t->rig.pods_len; i++) {
        for (int r = 0; r < 2; r++) {
            double floor = metric(t, i, names[r][0]);

            assert_true(metric(t, i, names[r][1]) >= floor);
        }
    }
}

static void
without_the_arbiter_pods_are_safe_and_with_it_growth_resumes(void **state)
{
    struct mesh_test *t = *state;
    struct gt_err err = {0};
    uint64_t before;
    unsigned green;

    wait_until(t, everybody_is_heard);
    wait_until(t, pods_were_resized);

    rig_kill(&t->rig.arbiter, SIGKILL);
    live_for(t, 60); /* what was said holds for 45 s */
    before = t->view.books.resizes;
    live_for(t, 120);
    /* no storm: a resize a pod and a quarter minute at the very most */
    assert_true(t->view.books.resizes - before <= 8 * t->rig.pods_len);
    no_pod_is_below_its_floor(t);

    assert_int_equal(rig_start_arbiter(&t->rig, &err), 0);
    green = count_in_logs(t, "by=green_light");
    wait_until(t, everybody_is_heard);
    for (int i = 0; i < 60 && count_in_logs(t, "by=green_light") == green;
         i++) {
        live_for(t, 10);
    }
    assert_true(count_in_logs(t, "by=green_light") > green);
}

static void
a_killed_agent_leaves_its_pod_alone_and_its_successor_resumes(void **state)
{
    struct mesh_test *t = *state;
    struct gt_err err = {0};
    int64_t request;
    int64_t memory;

    wait_until(t, everybody_is_heard);
    rig_kill(&t->rig.pods[0].agent, SIGKILL);
    live_for(t, 5); /* a resize that was under way ends */
    request = t->view.pods[0].request_milli;
    memory = t->view.pods[0].memory_limit_bytes;

    wait_until(t, one_is_missing);
    assert_int_equal(t->view.pods[0].request_milli, request);
    assert_int_equal(t->view.pods[0].memory_limit_bytes, memory);

    assert_int_equal(rig_start_agent(&t->rig, 0, &err), 0);
    wait_until(t, everybody_is_heard);
    assert_true(metric(t, 0, "gtcas_agent_samples_total ") > 0);
}

static void
an_api_server_that_is_gone_for_a_while_is_survived(void **state)
{
    struct mesh_test *t = *state;
    uint64_t before;

    wait_until(t, everybody_is_heard);
    assert_int_equal(ask_post(t->rig.testnode.port,
                              "/sim/fault?api=down&seconds=10", NULL, 0),
                     200);
    live_for(t, 12);
    before = t->view.books.resizes;
    for (int i = 0; i < 60 && t->view.books.resizes == before; i++) {
        live_for(t, 10);
    }
    assert_true(t->view.books.resizes > before);
    assert_true(everybody_is_heard(t));
}

static void
an_agent_that_cannot_see_says_so_and_resizes_nothing(void **state)
{
    struct mesh_test *t = *state;
    static const char *const blind[] = {"--cgroup-root", "/nowhere/at/all",
                                        NULL};
    struct gt_err err = {0};
    int64_t request;

    rig_kill(&t->rig.pods[0].agent, SIGKILL);
    t->rig.config.agent_flags = blind;
    live_for(t, 5);
    request = t->view.pods[0].request_milli;
    assert_int_equal(rig_start_agent(&t->rig, 0, &err), 0);
    live_for(t, 60);

    assert_int_equal(
        ask_get(t->rig.pods[0].agent.port, "/readyz", t->body, STATE_MAX), 503);
    assert_non_null(strstr(t->body, "cannot be read"));
    assert_int_equal(t->view.pods[0].request_milli, request);
}

int
main(void)
{
#define MESH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        MESH_TEST(a_mesh_starts_resizes_and_stops_cleanly),
        MESH_TEST(without_the_arbiter_pods_are_safe_and_with_it_growth_resumes),
        MESH_TEST(
            a_killed_agent_leaves_its_pod_alone_and_its_successor_resumes),
        MESH_TEST(an_api_server_that_is_gone_for_a_while_is_survived),
        MESH_TEST(an_agent_that_cannot_see_says_so_and_resizes_nothing),
    };

    if (getenv("GTCAS_TEST") != NULL) {
        cmocka_set_test_filter(getenv("GTCAS_TEST"));
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
