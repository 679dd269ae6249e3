/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/shell_io.h"
#include "common/clock_io.h"

#define EXIT_USAGE 2

/* 53 bits, so that --print-config shows what may be typed. */
static int64_t
random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        seed = gt_clock_wall_ns() ^ (uint64_t)getpid() << 32;
    }
    return (int64_t)(seed >> 11) | 1;
}

/* The cluster tells every pod where its API server is. */
static int
find_api_server(struct options *options, struct gt_buf *url, struct gt_err *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");

    if (options->api_server[0] != '\0') {
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
    options->api_server = url->data;
    return 0;
}

/* Whole at once, so that who waits for it never reads a part. */
static int
write_port_file(const struct options *options, const struct shell_io *s,
                struct gt_err *err)
{
    const char *path = options->port_file;
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
        fprintf(file, "%u %u\n", shell_io_port(s), shell_io_admin_port(s)) <
            0 ||
        fclose(file) != 0 || rename(part, path) != 0) {
        return gt_err_set(err, -errno, "--port-file: cannot write %s: %s", path,
                          strerror(errno));
    }
    return 0;
}

static int
run(const struct options *options)
{
    struct gt_err err;
    struct shell_io *s = shell_io_new(options, &err);
    int rc = s != NULL ? write_port_file(options, s, &err) : err.code;

    if (s != NULL && rc == 0) {
        rc = shell_io_run(s);
        if (rc != 0) {
            (void)gt_err_set(&err, rc, "the loop: %s", strerror(-rc));
        }
    }
    if (rc != 0) {
        (void)fprintf(stderr, "gtcas-agent: %s\n", err.text);
    }
    shell_io_free(s);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --help, --version and --print-config. */
static int
tell(enum gt_conf_outcome what, const struct options *options)
{
    char text[8192];
    struct gt_buf out;

    gt_buf_init(&out, text, sizeof(text));
    if (what == GT_CONF_HELP) {
        gt_conf_help(&options_table, &out);
    } else if (what == GT_CONF_PRINT) {
        gt_conf_print(&options_table, options, &out);
    } else {
        gt_buf_text(&out, "gtcas-agent " GTCAS_VERSION "\n");
    }
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE
                                                          : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct gt_conf_input input = {.argv = argv, .envp = environ};
    struct gt_err err;
    char memory[512];
    struct gt_buf url;
    enum gt_conf_outcome outcome =
        gt_conf_read(&options_table, &input, &options, &err);

    (void)argc;
    gt_buf_init(&url, memory, sizeof(memory));
    if (outcome != GT_CONF_E_USAGE && outcome != GT_CONF_RUN) {
        return tell(outcome, &options);
    }
    if (outcome == GT_CONF_E_USAGE || options_check(&options, &err) != 0 ||
        find_api_server(&options, &url, &err) != 0) {
        (void)fprintf(stderr, "gtcas-agent: %s\n", err.text);
        return EXIT_USAGE;
    }
    options.seed = options.seed != 0 ? options.seed : random_seed();
    return run(&options);
}
