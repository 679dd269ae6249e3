/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arbiter's flags: what gtcas-arbiter.8 documents.
 *
 * Pure.  Texts are borrowed from the command line and the environment.
 */
#ifndef ARBITER_FLAGS_H
#define ARBITER_FLAGS_H

#include "arbiter/arbiter.h"
#include "common/conf.h"

struct flags {
    const char *api_server; /* "": as the cluster's environment says */
    const char *token_file;
    const char *ca_file;
    const char *listen;
    const char *bus; /* HOST:PORT */
    bool insecure_bus;
    const char *port_file; /* "": none */
    double speed;
    int64_t max_agents, max_nodes, max_pods;
    bool simultaneous;
    double listen_first_s; /* mesh time */
    double greens_per_s;
    double rho0, p1, exponent;
    const char *log_level;
};

extern const struct gt_conf_table flags_table;

#define FLAGS_HOST_MAX 256

/* Where the bus listens. */
struct flags_bus {
    char host[FLAGS_HOST_MAX]; /* "*" or a name */
    uint16_t port;
};

/* What one flag alone cannot show, and the bus; 0, or GT_CONF_E_USAGE and @err
 * names the flag. */
int flags_check(const struct flags *flags, struct flags_bus *bus,
                struct gt_err *err);

/* All but the incarnation. */
struct arbiter_config flags_config(const struct flags *flags);

#endif
