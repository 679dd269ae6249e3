/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <string.h>

#include "common/log.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

/* What a double counts exactly. */
#define SEED_MAX 9007199254740992.0

#define NUMBER(type, name, metavar, member, fallback, min, max, help)          \
    {                                                                          \
        name, metavar, type, offsetof(struct options, member), fallback, min,  \
            max, help                                                          \
    }
#define REAL(name, metavar, ...)                                               \
    NUMBER(GT_CONF_REAL, name, metavar, __VA_ARGS__)
#define TEXT(name, metavar, member, fallback, help)                            \
    NUMBER(GT_CONF_TEXT, name, metavar, member, fallback, 0, 0, help)
#define SWITCH(name, member, help)                                             \
    NUMBER(GT_CONF_SWITCH, name, NULL, member, "false", 0, 0, help)

static const struct gt_conf_option rows[] = {
    TEXT("node", "NAME", node, NULL, "the node that the pod runs on"),
    TEXT("namespace", "NAME", space, NULL, "the pod's namespace"),
    TEXT("pod", "NAME", pod, NULL, "the pod's name"),
    TEXT("pod-uid", "UID", uid, NULL, "the pod's uid"),
    TEXT("api-server", "URL", api_server, "",
         "the API server; empty: KUBERNETES_SERVICE_HOST and _PORT"),
    TEXT("token-file", "FILE", token_file, SERVICE_ACCOUNT "token",
         "bearer token for https"),
    TEXT("ca-file", "FILE", ca_file, SERVICE_ACCOUNT "ca.crt",
         "whom to believe, for https"),
    TEXT("arbiter", "HOST:PORT", arbiter, "gtcas-arbiter.gtcas-system:7400",
         "the arbiter's bus"),
    SWITCH("insecure-bus", insecure_bus,
           "allow a bus without TLS beyond this machine"),
    REAL("first-dial", "SECONDS", first_dial_s, "5", 0, 3600,
         "dial the bus after a random time of up to this"),
    REAL("reconnect-min", "SECONDS", reconnect_min_s, "1", 0.01, 3600,
         "shortest pause before the bus is dialled again, at any speed"),
    REAL("reconnect-max", "SECONDS", reconnect_max_s, "60", 0.01, 3600,
         "longest pause before the bus is dialled again, at any speed"),
    TEXT("cgroup-root", "DIR", cgroup_root, NULL,
         "one folder of cgroup files per container of the pod"),
    TEXT("listen", "HOST:PORT", listen, ":7080",
         "where /healthz, /readyz and /metrics are served"),
    TEXT("admin-listen", "HOST:PORT", admin_listen, "127.0.0.1:7081",
         "where /admin/shrink is served"),
    TEXT("admin-token-file", "FILE", admin_token_file, "",
         "bearer token that /admin asks for; empty: none, on loopback only"),
    TEXT("port-file", "FILE", port_file, "",
         "write the bound ports here; empty: nowhere"),
    REAL("resize-burst", "COUNT", resize_burst, "8", 1, 1000,
         "resizes that may follow one another"),
    REAL("resizes-per-hour", "COUNT", resizes_per_hour, "40", 1, 3600,
         "resizes in the long run"),
    REAL("speed", "FACTOR", speed, "1", 0.01, 1000, "mesh seconds per second"),
    NUMBER(GT_CONF_INTEGER, "seed", "NUMBER", seed, "0", 0, SEED_MAX,
           "of random choices; 0: from the machine"),
    TEXT("log-level", "WORD", log_level, "info",
         "error, warning, info or debug"),
};

const struct gt_conf_table options_table = {
    .program = "gtcas-agent",
    .purpose = "resizes its own pod, by agreement with its neighbours",
    .env_prefix = "GTCAS",
    .options = rows,
    .len = GT_ARRAY_LEN(rows),
};

bool
options_host_read(struct options_host *out, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    unsigned port = 0;
    const char *p = NULL;

    if (colon == NULL) {
        return false;
    }
    for (p = colon + 1; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++) {
        port = port * 10 + (unsigned)(*p - '0');
    }
    if (p == colon + 1 || *p != '\0' || port > UINT16_MAX) {
        return false;
    }
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return false;
    }
    if (len >= sizeof(out->name)) {
        return false;
    }
    memcpy(out->name, text, len);
    out->name[len] = '\0';
    out->port = (uint16_t)port;
    return true;
}

/* 127.a.b.c; a name that only begins like it is somebody's name. */
static bool
is_127(const char *name)
{
    return strncmp(name, "127.", 4) == 0 &&
           name[strspn(name, "0123456789.")] == '\0';
}

bool
options_host_is_loopback(const struct options_host *host)
{
    return strcmp(host->name, "localhost") == 0 ||
           strcmp(host->name, "::1") == 0 || is_127(host->name);
}

static int
complain(struct gt_err *err, const char *flag, const char *why)
{
    return gt_err_set(err, GT_CONF_E_USAGE, "--%s: %s", flag, why);
}

/* What Kubernetes calls a name may stand in a path and in a topic. */
static bool
is_name(const char *text, size_t size)
{
    size_t len = strlen(text);

    return len > 0 && len < size &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

static bool
is_uid(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len < WIRE_ID_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-._") == len;
}

static int
check_names(const struct options *options, struct gt_err *err)
{
    const struct {
        const char *flag, *value;
        size_t size;
    } names[] = {
        {"node",      options->node,  WIRE_NODE_MAX},
        {"namespace", options->space, WIRE_ID_MAX  },
        {"pod",       options->pod,   WIRE_NAME_MAX},
    };

    for (size_t i = 0; i < GT_ARRAY_LEN(names); i++) {
        if (!is_name(names[i].value, names[i].size)) {
            return complain(err, names[i].flag, "not a name of Kubernetes");
        }
    }
    return is_uid(options->uid) ? 0
                                : complain(err, "pod-uid", "not a pod's uid");
}

static int
check_hosts(const struct options *options, struct gt_err *err)
{
    struct options_host host;

    if (!options_host_read(&host, options->arbiter) || host.name[0] == '\0' ||
        host.port == 0) {
        return complain(err, "arbiter", "not HOST:PORT");
    }
    if (!options->insecure_bus && !options_host_is_loopback(&host)) {
        return complain(err, "arbiter",
                        "a bus without TLS beyond this machine needs "
                        "--insecure-bus");
    }
    if (!options_host_read(&host, options->listen)) {
        return complain(err, "listen", "not HOST:PORT");
    }
    if (!options_host_read(&host, options->admin_listen)) {
        return complain(err, "admin-listen", "not HOST:PORT");
    }
    if (!options_host_is_loopback(&host) &&
        options->admin_token_file[0] == '\0') {
        return complain(err, "admin-listen",
                        "beyond this machine it needs --admin-token-file");
    }
    return 0;
}

int
options_check(const struct options *options, struct gt_err *err)
{
    int rc = check_names(options, err);

    if (rc == 0) {
        rc = check_hosts(options, err);
    }
    if (rc != 0) {
        return rc;
    }
    if (options->api_server[0] != '\0' &&
        strncmp(options->api_server, "https://", 8) != 0 &&
        strncmp(options->api_server, "http://", 7) != 0) {
        return complain(err, "api-server", "not an http or https URL");
    }
    if (options->reconnect_max_s < options->reconnect_min_s) {
        return complain(err, "reconnect-max", "less than --reconnect-min");
    }
    if (gt_log_level_parse(options->log_level) < 0) {
        return complain(err, "log-level",
                        "not one of error, warning, info, debug");
    }
    return 0;
}
