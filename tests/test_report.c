/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/report.h"

#define TEXT_SIZE 32768

struct fixture {
    struct agent agent;
    struct agent_config config;
    struct gt_log log;
    struct gt_buf lines;
    struct report_shell shell;
    struct gt_buf out;
    char memory[1024];
    char text[TEXT_SIZE];
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    gt_buf_init(&f->lines, f->memory, sizeof(f->memory));
    gt_buf_init(&f->out, f->text, sizeof(f->text));
    f->log = (struct gt_log){.out = &f->lines, .who = "web-0"};
    f->config = (struct agent_config){
        .node = "node-1", .space = "shop", .pod = "web-0", .uid = "uid-1"};
    agent_init(&f->agent, &f->config, &f->log);
    report_init(&f->shell);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    free(*state);
    return 0;
}

static const char *
report(struct fixture *f)
{
    gt_buf_reset(&f->out);
    report_write(&f->agent, &f->shell, (struct gt_time){.mono_ms = 5000},
                 &f->out);
    assert_false(f->out.overflow);
    return f->text;
}

#define assert_has(text, line) assert_non_null(strstr(text, line "\n"))

static void
an_agent_that_just_started_has_a_report(void **state)
{
    const char *text = report(*state);

    assert_has(text, "gtcas_agent_info{version=\"" GTCAS_VERSION "\"} 1");
    assert_has(text, "gtcas_agent_ready 0");
    assert_has(text, "gtcas_agent_bus_up 0");
    assert_has(text, "gtcas_agent_alone 1");
    assert_has(text, "gtcas_agent_samples_total 0");
    assert_has(text, "gtcas_agent_resizes_total{end=\"done\"} 0");
    assert_null(strstr(text, "end=\"open\""));
    assert_null(strstr(text, "outcome=\"applied\""));
    assert_null(strstr(text, "container="));
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void
every_counter_has_its_line(void **state)
{
    struct fixture *f = *state;
    struct agent_counts *n = &f->agent.counts;
    const char *text = NULL;

    n->samples = 7;
    n->blind_samples = 2;
    n->oom_kills = 3;
    n->intents = 11;
    n->patches = 5;
    n->garbled = 1;
    n->green_lights = 4;
    n->red_lights = 6;
    n->handshakes_ok = 8;
    n->handshakes_refused = 9;
    n->resizes[RESIZE_WITHDRAWN_DEFERRED] = 12;
    n->refusals[KUBE_E_QUOTA] = 13;
    n->signals[MESH_E_STALE] = 14;
    f->shell.linked = true;
    text = report(f);

    assert_has(text, "gtcas_agent_samples_total 7");
    assert_has(text, "gtcas_agent_blind_samples_total 2");
    assert_has(text, "gtcas_agent_oom_kills_total 3");
    assert_has(text, "gtcas_agent_intents_total 11");
    assert_has(text, "gtcas_agent_patches_total 5");
    assert_has(text, "gtcas_agent_garbled_messages_total 1");
    assert_has(text, "gtcas_agent_lights_total{color=\"green\"} 4");
    assert_has(text, "gtcas_agent_lights_total{color=\"red\"} 6");
    assert_has(text, "gtcas_agent_handshakes_total{answer=\"verified\"} 8");
    assert_has(text, "gtcas_agent_handshakes_total{answer=\"refused\"} 9");
    assert_has(text,
               "gtcas_agent_resizes_total{end=\"withdrawn_deferred\"} 12");
    assert_has(text, "gtcas_agent_api_refusals_total{outcome=\"quota\"} 13");
    assert_has(text, "gtcas_agent_signals_total{outcome=\"stale\"} 14");
    assert_has(text, "gtcas_agent_bus_up 1");
}

static void
the_amounts_of_every_container_are_in_base_units(void **state)
{
    struct fixture *f = *state;
    struct agent_container *container = &f->agent.containers[1];
    const char *text = NULL;

    f->agent.phase = AGENT_PLAYING;
    f->agent.containers_len = 2;
    strcpy(f->agent.pod.containers[0].name, "app");
    strcpy(f->agent.pod.containers[1].name, "log");
    container->players[GT_CPU].current = 250;
    container->players[GT_CPU].target = 300;
    container->players[GT_CPU].want = 350;
    container->players[GT_CPU].floor = 100;
    container->players[GT_CPU].max = 2000;
    container->players[GT_MEMORY].current = 67108864;
    container->rates.cpu_cores = 0.125;
    container->rates.throttled_share = 0.5;
    container->rates.working_set_bytes = 4096;
    text = report(f);

    assert_has(text, "gtcas_agent_cpu_request_cores{container=\"log\"} 0.25");
    assert_has(text, "gtcas_agent_cpu_target_cores{container=\"log\"} 0.3");
    assert_has(text, "gtcas_agent_cpu_want_cores{container=\"log\"} 0.35");
    assert_has(text, "gtcas_agent_cpu_floor_cores{container=\"log\"} 0.1");
    assert_has(text, "gtcas_agent_cpu_max_cores{container=\"log\"} 2");
    assert_has(text,
               "gtcas_agent_memory_request_bytes{container=\"log\"} 67108864");
    assert_has(text, "gtcas_agent_cpu_usage_cores{container=\"log\"} 0.125");
    assert_has(text, "gtcas_agent_cpu_throttled_ratio{container=\"log\"} 0.5");
    assert_has(text,
               "gtcas_agent_memory_working_set_bytes{container=\"log\"} 4096");
    assert_has(text, "gtcas_agent_cpu_request_cores{container=\"app\"} 0");
}

static void
an_intent_is_timed_to_its_patch_once(void **state)
{
    struct fixture *f = *state;
    const char *text = NULL;

    assert_true(report_patch(&f->shell, 1000) < 0.0);
    report_intent(&f->shell, 1000000);
    assert_float_equal(report_patch(&f->shell, 1012000), 0.012, 1e-9);
    assert_true(report_patch(&f->shell, 1013000) < 0.0);

    text = report(f);
    assert_has(text, "gtcas_agent_intent_to_patch_wall_seconds_count 1");
    assert_has(
        text, "gtcas_agent_intent_to_patch_wall_seconds_bucket{le=\"0.02\"} 1");
    assert_has(
        text, "gtcas_agent_intent_to_patch_wall_seconds_bucket{le=\"0.01\"} 0");
}

static void
a_full_pod_with_the_longest_names_fits(void **state)
{
    struct fixture *f = *state;

    f->agent.phase = AGENT_PLAYING;
    f->agent.containers_len = KUBE_CONTAINERS_MAX;
    for (size_t i = 0; i < KUBE_CONTAINERS_MAX; i++) {
        struct kube_container *container = &f->agent.pod.containers[i];

        memset(container->name, 'a', sizeof(container->name) - 1);
        for (int r = 0; r < GT_RESOURCES; r++) {
            f->agent.containers[i].players[r].max = INT64_MAX;
        }
    }
    report(f);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(an_agent_that_just_started_has_a_report),
        EACH(every_counter_has_its_line),
        EACH(the_amounts_of_every_container_are_in_base_units),
        EACH(an_intent_is_timed_to_its_patch_once),
        EACH(a_full_pod_with_the_longest_names_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
