/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/shell_io.h"
#include "common/clock_io.h"
#include "common/program_io.h"

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

static int
run(const struct options *options)
{
    struct gt_err err;
    struct shell_io *s = shell_io_new(options, &err);
    int rc = s == NULL
                 ? err.code
                 : gt_program_port_file(options->port_file, shell_io_port(s),
                                        shell_io_admin_port(s), &err);

    if (s != NULL && rc == 0) {
        rc = shell_io_run(s);
        if (rc != 0) {
            (void)gt_err_set(&err, rc, "the loop: %s", strerror(-rc));
        }
    }
    if (rc != 0) {
        gt_program_complain(&options_table, &err);
    }
    shell_io_free(s);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
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
        return gt_program_tell(outcome, &options_table, &options);
    }
    if (outcome == GT_CONF_E_USAGE || options_check(&options, &err) != 0 ||
        gt_program_api_server(&options.api_server, &url, &err) != 0) {
        gt_program_complain(&options_table, &err);
        return GT_PROGRAM_USAGE;
    }
    options.seed = options.seed != 0 ? options.seed : random_seed();
    return run(&options);
}
