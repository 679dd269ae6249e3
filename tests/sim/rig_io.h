/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real programs on this machine: one testnode, one arbiter, an agent a pod,
 * all on loopback.  For the demo and for tests with real processes.
 *
 * Calls block.  A program that does not start in time, or answers nonsense, is
 * an error in words.  Every program is ended by rig_stop(), and by the kernel
 * when the caller dies.
 */
#ifndef TESTS_SIM_RIG_IO_H
#define TESTS_SIM_RIG_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define RIG_PODS_MAX  64
#define RIG_FLAGS_MAX 48

/* A started program. */
struct rig_program {
    char name[64];     /* of its log file as well: DIR/NAME.log */
    pid_t pid;         /* 0: not running */
    int status;        /* of waitpid(), once it ended */
    uint16_t port;     /* HTTP */
    uint16_t bus_port; /* arbiter only */
};

struct rig_pod {
    char space[64];
    char name[256];
    char uid[64];
    char node[256];
    struct rig_program agent;
};

/* Texts are borrowed for the life of the mesh. */
struct rig_config {
    const char *build; /* folder of the programs */
    const char *dir;   /* for logs, port files, cgroup files; made afresh */
    double speed;
    const char *const *testnode_flags; /* NULL-terminated, or NULL */
    const char *const *arbiter_flags;
    const char *const *agent_flags;
    const char *wrap; /* put before daemons, words by blanks; NULL: nothing */
};

struct rig {
    struct rig_config config;
    struct rig_program testnode;
    struct rig_program arbiter;
    size_t pods_len;
    struct rig_pod pods[RIG_PODS_MAX];
};

/* Starts everything; on failure what was started is ended. */
int rig_start(struct rig *rig, const struct rig_config *config,
              struct gt_err *err);

/* Starts the arbiter (on its old ports) or a pod's agent again. */
int rig_start_arbiter(struct rig *rig, struct gt_err *err);
int rig_start_agent(struct rig *rig, size_t index, struct gt_err *err);

/* Sends @signal and waits for the end. */
void rig_kill(struct rig_program *program, int signal);

/* Ends agents, arbiter and testnode by SIGTERM; false when one of them did not
 * exit with 0 or had to be killed. */
bool rig_stop(struct rig *rig);

/* True while the program runs; reaps it when it has ended. */
bool rig_runs(struct rig_program *program);

#endif
