/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/flags.h"

#include <string.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

#define AT(member) offsetof(struct flags, member)

static const struct gt_conf_option rows[] = {
    {
     .name = "api-server",
     .metavar = "URL",
     .type = GT_CONF_TEXT,
     .offset = AT(api_server),
     .fallback = "",
     .help = "the API server; empty: KUBERNETES_SERVICE_HOST and _PORT",
     },
    {
     .name = "token-file",
     .metavar = "FILE",
     .type = GT_CONF_TEXT,
     .offset = AT(token_file),
     .fallback = SERVICE_ACCOUNT "token",
     .help = "bearer token for https",
     },
    {
     .name = "ca-file",
     .metavar = "FILE",
     .type = GT_CONF_TEXT,
     .offset = AT(ca_file),
     .fallback = SERVICE_ACCOUNT "ca.crt",
     .help = "whom to believe, for https",
     },
    {
     .name = "listen",
     .metavar = "HOST:PORT",
     .type = GT_CONF_TEXT,
     .offset = AT(listen),
     .fallback = ":7480",
     .help = "where /healthz, /readyz, /metrics and /state are served",
     },
    {
     .name = "bus",
     .metavar = "HOST:PORT",
     .type = GT_CONF_TEXT,
     .offset = AT(bus),
     .fallback = "localhost:7400",
     .help = "where agents dial; a name or *, never an address",
     },
    {
     .name = "insecure-bus",
     .type = GT_CONF_SWITCH,
     .offset = AT(insecure_bus),
     .fallback = "false",
     .help = "allow a bus without TLS beyond this machine",
     },
    {
     .name = "port-file",
     .metavar = "FILE",
     .type = GT_CONF_TEXT,
     .offset = AT(port_file),
     .fallback = "",
     .help = "write the bound ports here, HTTP and bus; empty: nowhere",
     },
    {
     .name = "max-agents",
     .metavar = "COUNT",
     .type = GT_CONF_INTEGER,
     .offset = AT(max_agents),
     .fallback = "10000",
     .min = 1,
     .max = 100000,
     .help = "room for as many agents",
     },
    {
     .name = "max-nodes",
     .metavar = "COUNT",
     .type = GT_CONF_INTEGER,
     .offset = AT(max_nodes),
     .fallback = "1024",
     .min = 1,
     .max = 10000,
     .help = "room for as many nodes",
     },
    {
     .name = "max-pods",
     .metavar = "COUNT",
     .type = GT_CONF_INTEGER,
     .offset = AT(max_pods),
     .fallback = "20000",
     .min = 1,
     .max = 100000,
     .help = "room for as many pods, with agents or without",
     },
    {
     .name = "listen-first",
     .metavar = "SECONDS",
     .type = GT_CONF_REAL,
     .offset = AT(listen_first_s),
     .fallback = "15",
     .min = 0,
     .max = 3600,
     .help = "no growth before: what agents hold is not known",
     },
    {
     .name = "greens",
     .metavar = "RATE",
     .type = GT_CONF_REAL,
     .offset = AT(greens_per_s),
     .fallback = "20",
     .min = 0.01,
     .max = 1e6,
     .help = "green lights a second for the pods of one node",
     },
    {
     .name = "rho0",
     .metavar = "SHARE",
     .type = GT_CONF_REAL,
     .offset = AT(rho0),
     .fallback = "0.9",
     .min = 0,
     .max = 0.99,
     .help = "load share of a node from which on it has a price",
     },
    {
     .name = "p1",
     .metavar = "PRICE",
     .type = GT_CONF_REAL,
     .offset = AT(p1),
     .fallback = "3200",
     .min = 0,
     .max = 1e9,
     .help = "price at capacity; 0: none, only the capacity counts",
     },
    {
     .name = "exponent",
     .metavar = "NUMBER",
     .type = GT_CONF_REAL,
     .offset = AT(exponent),
     .fallback = "3",
     .min = 1,
     .max = 16,
     .help = "how steeply the price rises",
     },
    {
     .name = "simultaneous",
     .type = GT_CONF_SWITCH,
     .offset = AT(simultaneous),
     .fallback = "false",
     .help = "control run: every wish is green, nothing is asked",
     },
    {
     .name = "speed",
     .metavar = "FACTOR",
     .type = GT_CONF_REAL,
     .offset = AT(speed),
     .fallback = "1",
     .min = 0.01,
     .max = 1000,
     .help = "mesh seconds per second",
     },
    {
     .name = "log-level",
     .metavar = "WORD",
     .type = GT_CONF_TEXT,
     .offset = AT(log_level),
     .fallback = "info",
     .help = "error, warning, info or debug",
     },
};

const struct gt_conf_table flags_table = {
    .program = "gtcas-arbiter",
    .purpose = "the table at which the agents of a cluster play",
    .env_prefix = "GTCAS",
    .options = rows,
    .len = GT_ARRAY_LEN(rows),
};

/* Addresses make the bus slow (and IPv6 ones have colons): names only. */
static bool
is_host(const char *text, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

    if (len == 1 && text[0] == '*') {
        return true;
    }
    return len > 0 && len < FLAGS_HOST_MAX && strspn(text, letters) >= len &&
           strspn(text, "0123456789.") < len;
}

static bool
read_bus(const char *text, struct flags_bus *bus)
{
    const char *colon = strrchr(text, ':');
    unsigned port = 0;

    if (colon == NULL || colon[1] == '\0' ||
        !is_host(text, (size_t)(colon - text))) {
        return false;
    }
    for (const char *p = colon + 1; *p != '\0'; p++) {
        port = port * 10 + (unsigned)(*p - '0');
        if (*p < '0' || *p > '9' || port > UINT16_MAX) {
            return false;
        }
    }
    memset(bus, 0, sizeof(*bus));
    memcpy(bus->host, text, (size_t)(colon - text));
    bus->port = (uint16_t)port;
    return true;
}

static int
complain(struct gt_err *err, const char *flag, const char *why)
{
    return gt_err_set(err, GT_CONF_E_USAGE, "--%s: %s", flag, why);
}

int
flags_check(const struct flags *flags, struct flags_bus *bus,
            struct gt_err *err)
{
    if (!read_bus(flags->bus, bus)) {
        return complain(err, "bus", "not HOST:PORT with a name or * as host");
    }
    if (!flags->insecure_bus && strcmp(bus->host, "localhost") != 0) {
        return complain(err, "bus",
                        "a bus without TLS beyond localhost needs "
                        "--insecure-bus");
    }
    if (flags->api_server[0] != '\0' &&
        strncmp(flags->api_server, "https://", 8) != 0 &&
        strncmp(flags->api_server, "http://", 7) != 0) {
        return complain(err, "api-server", "not an http or https URL");
    }
    if (flags->max_pods < flags->max_agents) {
        return complain(err, "max-pods", "less than --max-agents");
    }
    if (gt_log_level_parse(flags->log_level) < 0) {
        return complain(err, "log-level",
                        "not one of error, warning, info, debug");
    }
    return 0;
}

struct arbiter_config
flags_config(const struct flags *flags)
{
    return (struct arbiter_config){
        .max_agents = (uint32_t)flags->max_agents,
        .max_nodes = (uint32_t)flags->max_nodes,
        .max_pods = (uint32_t)flags->max_pods,
        .listen_first_ms = (uint32_t)(flags->listen_first_s * 1000.0),
        .greens_per_s = flags->greens_per_s,
        .rho0 = flags->rho0,
        .p1 = flags->p1,
        .exponent = flags->exponent,
        .simultaneous = flags->simultaneous,
    };
}
