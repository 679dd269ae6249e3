/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtcas-demo: the mesh on this machine, every process the real program.  Shows
 * a live table in a terminal, plain lines elsewhere, and ends by itself with a
 * summary; see --help.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/program_io.h"
#include "tests/sim/ask_io.h"
#include "tests/sim/demo_print.h"
#include "tests/sim/rig_io.h"

#define STATE_MAX (4 << 20)
#define TEXT_MAX  (64 << 10)
#define PATH_SIZE 512
#define LINE_SIZE 4096

struct options {
    const char *build, *dir, *trace, *start, *nodes, *node_cpu, *node_memory;
    int64_t seconds;
    double speed;
    bool simultaneous, step, check;
};

#define TEXT(flag, metavar, member, fallback, help)                            \
    {                                                                          \
        flag, metavar, GT_CONF_TEXT, offsetof(struct options, member),         \
            fallback, 0, 0, help                                               \
    }

static const struct gt_conf_option rows[] = {
    {"seconds",      "SECONDS", GT_CONF_INTEGER, offsetof(struct options, seconds),
     "60",                                                                                     1,   86400, "how long to run, in the machine's own time"},
    {"speed",        "N",       GT_CONF_REAL,    offsetof(struct options, speed),        "20", 0.1,
     100,                                                                                                  "mesh seconds a second"                     },
    TEXT("build", "DIR", build, "build", "where the programs are"),
    TEXT("dir", "DIR", dir, "build/demo", "for logs and summary.json"),
    TEXT("trace", "FILE", trace, "tests/data/demo.csv.gz", "demand to play"),
    TEXT("start", "SECOND", start, "3600", "second of the trace to begin at"),
    TEXT("nodes", "N", nodes, "2", "nodes"),
    TEXT("node-cpu", "CPU", node_cpu, "3600m", "CPU of a node"),
    TEXT("node-memory", "BYTES", node_memory, "2Gi", "memory of a node"),
    {"simultaneous", NULL,      GT_CONF_SWITCH,
     offsetof(struct options,                                             simultaneous), NULL, 0,   0,
     "control run: the arbiter says green to everybody"                                                                                                },
    {"step",         NULL,      GT_CONF_SWITCH,  offsetof(struct options, step),         NULL, 0,   0,
     "demand jumps from point to point of the trace"                                                                                                   },
    {"check",        NULL,      GT_CONF_SWITCH,  offsetof(struct options, check),        NULL, 0,   0,
     "exit with 1 when the summary breaks a promise"                                                                                                   },
};

static const struct gt_conf_table table = {
    .program = "gtcas-demo",
    .purpose = "Runs a mesh of agents, arbiter and testnode on this machine.",
    .env_prefix = "GTCAS_DEMO",
    .options = rows,
    .len = sizeof(rows) / sizeof(rows[0]),
};

struct demo {
    const struct options *options;
    struct rig rig;
    struct demo_view view;
    struct demo_run run;
    FILE *logs[RIG_PODS_MAX]; /* of the agents */
    char state[STATE_MAX];
    char text[TEXT_MAX];
};

static void
read_log(struct demo *d, size_t index)
{
    char path[PATH_SIZE];
    char line[LINE_SIZE];
    long before;

    if (d->logs[index] == NULL) {
        snprintf(path, sizeof(path), "%s/%s.log", d->options->dir,
                 d->rig.pods[index].agent.name);
        d->logs[index] = fopen(path, "re");
    }
    while (d->logs[index] != NULL) {
        before = ftell(d->logs[index]);
        if (fgets(line, sizeof(line), d->logs[index]) == NULL) {
            clearerr(d->logs[index]);
            return;
        }
        if (strchr(line, '\n') == NULL) { /* still being written */
            fseek(d->logs[index], before, SEEK_SET);
            return;
        }
        demo_view_line(&d->view, index, line);
    }
}

static bool
look(struct demo *d)
{
    bool seen = ask_get(d->rig.testnode.port, "/sim/state", d->state,
                        sizeof(d->state)) == 200 &&
                demo_view_testnode(&d->view, d->state);

    seen = ask_get(d->rig.arbiter.port, "/state", d->state, sizeof(d->state)) ==
               200 &&
           demo_view_arbiter(&d->view, d->state) && seen;
    for (size_t i = 0; i < d->rig.pods_len; i++) {
        read_log(d, i);
    }
    return seen;
}

static void
show(struct demo *d)
{
    struct gt_buf text;

    gt_buf_init(&text, d->text, sizeof(d->text));
    if (isatty(STDOUT_FILENO)) {
        gt_buf_text(&text, "\033[H\033[J");
        demo_print_table(&d->view, &text);
    } else {
        demo_print_line(&d->view, &text);
    }
    fputs(d->text, stdout);
    fflush(stdout);
}

/* Until the time is up, a signal came, or a program died. */
static int
watch(struct demo *d, const sigset_t *ending)
{
    uint64_t end_ms = ask_clock_ms() + (uint64_t)d->options->seconds * 1000;
    struct timespec second = {.tv_sec = 1};

    while (ask_clock_ms() < end_ms) {
        if (sigtimedwait(ending, NULL, &second) > 0) {
            return 0;
        }
        if (!look(d)) {
            fputs("gtcas-demo: a program does not answer; logs are in ",
                  stderr);
            fprintf(stderr, "%s\n", d->options->dir);
            return 1;
        }
        show(d);
    }
    return 0;
}

static void
weigh(struct demo *d, pid_t pid)
{
    char path[64];
    char line[256];
    uint64_t rss = 0;
    uint64_t private = 0;
    unsigned long kib;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        kib = strtoul(line + strcspn(line, " "), NULL, 10);
        rss += strncmp(line, "Rss:", 4) == 0 ? kib : 0;
        private += strncmp(line, "Private_", 8) == 0 ? kib : 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    d->run.rss_kib_max = rss > d->run.rss_kib_max ? rss : d->run.rss_kib_max;
    if (private > d->run.private_kib_max) {
        d->run.private_kib_max = private;
    }
}

static int
write_summary(struct demo *d)
{
    char path[PATH_SIZE];
    struct gt_buf text;
    FILE *file;

    gt_buf_init(&text, d->text, sizeof(d->text));
    demo_print_json(&d->view, &d->run, &text);
    snprintf(path, sizeof(path), "%s/summary.json", d->options->dir);
    file = fopen(path, "we");
    if (file == NULL || fputs(d->text, file) == EOF || fclose(file) != 0) {
        fprintf(stderr, "gtcas-demo: cannot write %s: %s\n", path,
                strerror(errno));
        return 1;
    }
    return 0;
}

static int
conclude(struct demo *d)
{
    struct gt_buf text;
    bool good;

    for (size_t i = 0; i < d->rig.pods_len; i++) {
        weigh(d, d->rig.pods[i].agent.pid);
    }
    look(d);
    d->run.duration_s = d->view.mesh_s;
    d->run.clean = rig_stop(&d->rig);
    gt_buf_init(&text, d->text, sizeof(d->text));
    demo_print_summary(&d->view, &d->run, &text);
    good = demo_print_check(&d->view, &d->run, &text);
    fputs(d->text, stdout);
    fflush(stdout);
    return write_summary(d) != 0 || (d->options->check && !good) ? 1 : 0;
}

static int
play(struct demo *d, const sigset_t *ending)
{
    const struct options *o = d->options;
    const char *testnode[] = {"--trace",
                              o->trace,
                              "--start",
                              o->start,
                              "--nodes",
                              o->nodes,
                              "--node-cpu",
                              o->node_cpu,
                              "--node-memory",
                              o->node_memory,
                              "--measure-after",
                              "16",
                              o->step ? "--step" : NULL,
                              NULL};
    const char *arbiter[] = {o->simultaneous ? "--simultaneous" : NULL, NULL};
    const char *agent[] = {"--reconnect-min", "0.1", "--reconnect-max", "0.5",
                           NULL};
    struct rig_config config = {
        .build = o->build,
        .dir = o->dir,
        .speed = o->speed,
        .testnode_flags = testnode,
        .arbiter_flags = arbiter,
        .agent_flags = agent,
    };
    struct gt_err err = {0};
    int status;

    if (rig_start(&d->rig, &config, &err) != 0) {
        fprintf(stderr, "gtcas-demo: %s\n", err.text);
        return 1;
    }
    status = watch(d, ending);
    if (status != 0) {
        rig_stop(&d->rig);
        return status;
    }
    return conclude(d);
}

static int
run_demo(const struct options *options)
{
    struct demo *d = calloc(1, sizeof(*d));
    sigset_t ending;
    int status;

    if (d == NULL) {
        return 1;
    }
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    d->options = options;
    d->run.speed = options->speed;
    d->run.simultaneous = options->simultaneous;
    status = play(d, &ending);
    for (size_t i = 0; i < RIG_PODS_MAX; i++) {
        if (d->logs[i] != NULL) {
            fclose(d->logs[i]);
        }
    }
    free(d);
    return status;
}

int
main(int argc, char **argv, char **envp)
{
    struct gt_conf_input input = {argv, envp};
    struct options options;
    struct gt_err err = {0};
    enum gt_conf_outcome outcome = gt_conf_read(&table, &input, &options, &err);

    (void)argc; /* argv ends with NULL */
    if (outcome == GT_CONF_E_USAGE) {
        gt_program_complain(&table, &err);
        return GT_PROGRAM_USAGE;
    }
    return outcome == GT_CONF_RUN ? run_demo(&options)
                                  : gt_program_tell(outcome, &table, &options);
}
