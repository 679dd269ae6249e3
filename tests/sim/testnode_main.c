/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock_io.h"
#include "common/program_io.h"
#include "proto/quantity.h"
#include "tests/sim/testbed.h"
#include "tests/sim/testnode_io.h"

/* The options as they are typed. */
struct flags {
    struct testnode_options options;
    const char *node_cpu;
    const char *node_memory;
};

#define AT(member)    offsetof(struct flags, options.member)
#define SAFE_INTEGERS 9007199254740992.0

static const struct gt_conf_option rows[] = {
    {"listen",                                                        "HOST:PORT", GT_CONF_TEXT,    AT(listen),                                                            "127.0.0.1:0", 0,                                                        0,
     "where the API is served; port 0: any"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    },
    {"port-file",                                                     "FILE",      GT_CONF_TEXT,    AT(port_file),                                                         "",            0,                                                        0,
     "write the bound port here; empty: nowhere"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               },
    {"trace",                                                         "FILE",      GT_CONF_TEXT,    AT(trace),                                                             NULL,          0,                                                        0,
     "demand: CSV second,pod,cpu_cores,mem_bytes, gzip or plain"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               },
    {"start",                                                         "SECOND",    GT_CONF_INTEGER, AT(start_second),                                                      "3600",
     -SAFE_INTEGERS,                                                                                                                                                                                                                                SAFE_INTEGERS,                                                                        "of the trace, where the run begins"                                                                                                                                                                                                                                                                 },
    {"static-window",                                                 "SECONDS",   GT_CONF_INTEGER, AT(static_window_s),                                                   "3600",
     1,                                                                                                                                                                                                                                             604800,                                                                               "before it, that the first requests are made from"                                                                                                                                                                                                                                                   },
    {"nodes",                                                         "COUNT",     GT_CONF_INTEGER, AT(nodes),                                                             "2",           1,                                                        TESTBED_NODES_MAX,
     "nodes; pods go round robin"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              },
    {"node-cpu",                                                      "QUANTITY",  GT_CONF_TEXT,    offsetof(struct flags,                                                 node_cpu),
     "4",                                                                                                                                                                                                                                           0,                                                                                    0,                                                                                                                                                                                                                                                                                                     "allocatable CPU of each"},
    {"node-memory",                                                               "QUANTITY",                                                              GT_CONF_TEXT,
     offsetof(struct flags, node_memory),                                                                                                                                                               "2Gi",                                                                                                                                                                                                           0,                                                                                                                            0,
     "allocatable memory of each"},
    {"limit-ratio",                                    "RATIO",                                               GT_CONF_REAL,                                                  AT(limit_ratio),                                                                             "1",                                1,                        100,
     "limits as a multiple of requests; 1: Guaranteed pods"                                                                                                                                                                                                                                                                                                 },
    {"annotate",          "KEY=VALUE,...",                     GT_CONF_TEXT,                           AT(annotate),
     "scaling.mesh/strategy=potential-game",                                                     0,                                                                       0,                                                                                                                                                                                                                                                                                              "annotations of every pod"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             },
    {"releasable",                                     "SHARE",                                                GT_CONF_REAL,                                                    AT(releasable),                                                                              "0.2",                                0,                       1,
     "of its memory that an app gives back if asked"},
    {"cache-share",                 "SHARE",                            GT_CONF_REAL,                               AT(cache_share),                                                                             "0.1",                                                   0,                                                              10,
     "page cache, of anonymous memory"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               },
    {"noise",                               "SIGMA",                                          GT_CONF_REAL,                                                   AT(noise),                                                                                   "0.15",                                           0,                                        1,
     "of the lognormal factor on the CPU demand of each 100 ms"},
    {"step",      NULL,                 GT_CONF_SWITCH,                           AT(step),                                                                                       NULL,                                                                      0,                                                                                            0,
     "demand stays until the next point, instead of a straight line"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      },
    {"patch-latency", "SECONDS",            GT_CONF_REAL,             AT(patch_latency_s),                                                                         "0.15",
     NODE_SYNC_MS / 1000.0,                                                                                        60,                                                                                              "from an accepted resize to its enforcement"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     },
    {"measure-after",                   "SECONDS",                              GT_CONF_REAL,                               AT(measure_after_s),                                                                         "0",                                             0,
     86400,"throttling that began before is not sampled"},
    {"cgroup-out",                  "DIR",                             GT_CONF_TEXT,                                 AT(cgroup_out),                                                                                "",                                                     0,                                                               0,
     "write DIR/POD/CONTAINER/cpu.stat and so on; empty: nowhere"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                },
    {"history",    "COUNT",               GT_CONF_INTEGER,                      AT(history),                                                                                 "1000",                                                                 1,                                                                                         SAFE_INTEGERS,
     "changes that a watch may lie behind"},
    {"seed",                           "NUMBER",                                      GT_CONF_INTEGER,                                                AT(seed),                                                                                   "1",                                            0,                                             SAFE_INTEGERS,
     "of the noise"                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          },
    {"speed",                                                  "FACTOR",                                                             GT_CONF_REAL,                                                                      AT(speed),                                                                                  "1",                       0.01, GT_CLOCK_SPEED_MAX,
     "mesh seconds per second"},
};

static const struct gt_conf_table table = {
    .program = "gtcas-testnode",
    .purpose = "Kubernetes nodes in miniature, for demos and tests",
    .env_prefix = "GTCAS_TESTNODE",
    .options = rows,
    .len = GT_ARRAY_LEN(rows),
};

static int
take_amount(const char *flag, const char *text, enum gt_resource resource,
            struct flags *flags, struct gt_err *err)
{
    if (quantity_decode(resource, text, &flags->options.node[resource]) !=
            QUANTITY_OK ||
        flags->options.node[resource] == 0) {
        return gt_err_set(err, GT_CONF_E_USAGE, "%s: not an amount", flag);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const struct gt_conf_input input = {.argv = argv, .envp = environ};
    struct flags flags;
    struct gt_err err;

    (void)argc;
    enum gt_conf_outcome outcome = gt_conf_read(&table, &input, &flags, &err);
    if (outcome != GT_CONF_E_USAGE && outcome != GT_CONF_RUN) {
        return gt_program_tell(outcome, &table, &flags);
    }
    if (outcome == GT_CONF_E_USAGE ||
        take_amount("--node-cpu", flags.node_cpu, GT_CPU, &flags, &err) != 0 ||
        take_amount("--node-memory", flags.node_memory, GT_MEMORY, &flags,
                    &err) != 0) {
        gt_program_complain(&table, &err);
        return GT_PROGRAM_USAGE;
    }
    if (testnode_run(&flags.options, &err) != 0) {
        gt_program_complain(&table, &err);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
