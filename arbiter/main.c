/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arbiter/shell_io.h"

#define EXIT_USAGE 2

/* The cluster tells every pod where its API server is. */
static int
find_api_server(struct flags *flags, struct gt_buf *url, struct gt_err *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");

    if (flags->api_server[0] != '\0') {
        return 0;
    }
    if (host != NULL && port != NULL) {
        bool six = strchr(host, ':') != NULL;

        gt_buf_format(url, "https://%s%s%s:%s", six ? "[" : "", host,
                      six ? "]" : "", port);
    }
    if (url->len == 0 || url->overflow) {
        return gt_err_set(err, GT_CONF_E_USAGE,
                          "--api-server: KUBERNETES_SERVICE_HOST and _PORT "
                          "do not say where it is");
    }
    flags->api_server = url->data;
    return 0;
}

/* Whole at once, so that who waits for it never reads a part. */
static int
write_port_file(const char *path, const struct shell_io *s, struct gt_err *err)
{
    char part[4096];
    FILE *file = NULL;
    int n = snprintf(part, sizeof(part), "%s.part", path);

    if (path[0] == '\0') {
        return 0;
    }
    if (n < 0 || (size_t)n >= sizeof(part)) {
        return gt_err_set(err, -ENAMETOOLONG, "--port-file: too long");
    }
    file = fopen(part, "we");
    if (file == NULL ||
        fprintf(file, "%u %u\n", shell_io_http_port(s), shell_io_bus_port(s)) <
            0 ||
        fclose(file) != 0 || rename(part, path) != 0) {
        return gt_err_set(err, -errno, "--port-file: cannot write %s: %s", path,
                          strerror(errno));
    }
    return 0;
}

static int
run(const struct flags *flags, const struct flags_bus *bus)
{
    struct gt_err err;
    struct shell_io *s = shell_io_new(flags, bus, &err);
    int rc = s != NULL ? write_port_file(flags->port_file, s, &err) : err.code;

    if (s != NULL && rc == 0) {
        rc = shell_io_run(s);
        if (rc != 0) {
            (void)gt_err_set(&err, rc, "the loop: %s", strerror(-rc));
        }
    }
    if (rc != 0) {
        (void)fprintf(stderr, "gtcas-arbiter: %s\n", err.text);
    }
    shell_io_free(s);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --help, --version and --print-config. */
static int
tell(enum gt_conf_outcome what, const struct flags *flags)
{
    char text[8192];
    struct gt_buf out;

    gt_buf_init(&out, text, sizeof(text));
    if (what == GT_CONF_HELP) {
        gt_conf_help(&flags_table, &out);
    } else if (what == GT_CONF_PRINT) {
        gt_conf_print(&flags_table, flags, &out);
    } else {
        gt_buf_text(&out, "gtcas-arbiter " GTCAS_VERSION "\n");
    }
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE
                                                          : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct flags flags;
    struct flags_bus bus;
    struct gt_conf_input input = {.argv = argv, .envp = environ};
    struct gt_err err;
    char memory[512];
    struct gt_buf url;
    enum gt_conf_outcome outcome =
        gt_conf_read(&flags_table, &input, &flags, &err);

    (void)argc;
    gt_buf_init(&url, memory, sizeof(memory));
    if (outcome != GT_CONF_E_USAGE && outcome != GT_CONF_RUN) {
        return tell(outcome, &flags);
    }
    if (outcome == GT_CONF_E_USAGE || flags_check(&flags, &bus, &err) != 0 ||
        find_api_server(&flags, &url, &err) != 0) {
        (void)fprintf(stderr, "gtcas-arbiter: %s\n", err.text);
        return EXIT_USAGE;
    }
    return run(&flags, &bus);
}
