/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
gt_program_tell(enum gt_conf_outcome what, const struct gt_conf_table *table,
                const void *config)
{
    char text[8192];
    struct gt_buf out;

    gt_buf_init(&out, text, sizeof(text));
    if (what == GT_CONF_HELP) {
        gt_conf_help(table, &out);
    } else if (what == GT_CONF_PRINT) {
        gt_conf_print(table, config, &out);
    } else {
        gt_buf_format(&out, "%s " GTCAS_VERSION "\n", table->program);
    }
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE
                                                          : EXIT_SUCCESS;
}

void
gt_program_complain(const struct gt_conf_table *table, const struct gt_err *err)
{
    (void)fprintf(stderr, "%s: %s\n", table->program, err->text);
}

int
gt_program_api_server(const char **url, struct gt_buf *memory,
                      struct gt_err *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");

    if ((*url)[0] != '\0') {
        return 0;
    }
    if (host != NULL && port != NULL) {
        bool six = strchr(host, ':') != NULL;

        gt_buf_format(memory, "https://%s%s%s:%s", six ? "[" : "", host,
                      six ? "]" : "", port);
    }
    if (memory->len == 0 || memory->overflow) {
        return gt_err_set(err, GT_CONF_E_USAGE,
                          "--api-server: KUBERNETES_SERVICE_HOST and _PORT "
                          "do not say where it is");
    }
    *url = memory->data;
    return 0;
}

int
gt_program_port_file(const char *path, uint16_t first, uint16_t second,
                     struct gt_err *err)
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
    if (file == NULL || fprintf(file, "%u %u\n", first, second) < 0 ||
        fclose(file) != 0 || rename(part, path) != 0) {
        return gt_err_set(err, -errno, "--port-file: cannot write %s: %s", path,
                          strerror(errno));
    }
    return 0;
}

static void
write_all(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, text, len);

        if (n < 0 && errno != EINTR) {
            return; /* nobody reads the log */
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

void
gt_program_flush(struct gt_log *log)
{
    bool overflow = log->out->overflow;

    write_all(log->out->data, log->out->len);
    gt_buf_reset(log->out);
    if (overflow) {
        gt_log_event(log, GT_LOG_WARNING, "log_lines_lost");
        write_all(log->out->data, log->out->len);
        gt_buf_reset(log->out);
    }
}
