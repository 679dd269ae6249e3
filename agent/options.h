/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's flags: what gtcas-agent.8 documents.
 *
 * Pure.  Texts are borrowed from the command line and the environment.
 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "proto/wire.h"

struct options {
    const char *node;
    const char *space; /* namespace */
    const char *pod;
    const char *uid;
    const char *api_server; /* "": as the cluster's environment says */
    const char *token_file;
    const char *ca_file;
    const char *arbiter; /* HOST:PORT */
    bool insecure_bus;
    double first_dial_s;    /* mesh time */
    double reconnect_min_s; /* the machine's own time */
    double reconnect_max_s;
    const char *cgroup_root;
    const char *listen;
    const char *admin_listen;
    const char *admin_token_file; /* "": none */
    const char *port_file;        /* "": none */
    double resize_burst;
    double resizes_per_hour;
    double speed;
    int64_t seed; /* 0: from the machine */
    const char *log_level;
};

extern const struct gt_conf_table options_table;

/* What one flag alone cannot show; 0, or GT_CONF_E_USAGE and @err names the
 * flag. */
int options_check(const struct options *options, struct gt_err *err);

struct options_host {
    char name[WIRE_NAME_MAX];
    uint16_t port;
};

/* "HOST:PORT", "[::1]:PORT" or ":PORT"; false where it is none. */
bool options_host_read(struct options_host *out, const char *text);

/* Is it this machine alone?  An empty host is all addresses. */
bool options_host_is_loopback(const struct options_host *host);

#endif
