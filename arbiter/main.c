/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arbiter/shell_io.h"
#include "common/program_io.h"

static int
run(const struct flags *flags, const struct flags_bus *bus)
{
    struct gt_err err;
    struct shell_io *s = shell_io_new(flags, bus, &err);
    int rc = s == NULL
                 ? err.code
                 : gt_program_port_file(flags->port_file, shell_io_http_port(s),
                                        shell_io_bus_port(s), &err);

    if (s != NULL && rc == 0) {
        rc = shell_io_run(s);
        if (rc != 0) {
            (void)gt_err_set(&err, rc, "the loop: %s", strerror(-rc));
        }
    }
    if (rc != 0) {
        gt_program_complain(&flags_table, &err);
    }
    shell_io_free(s);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
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
        return gt_program_tell(outcome, &flags_table, &flags);
    }
    if (outcome == GT_CONF_E_USAGE || flags_check(&flags, &bus, &err) != 0 ||
        gt_program_api_server(&flags.api_server, &url, &err) != 0) {
        gt_program_complain(&flags_table, &err);
        return GT_PROGRAM_USAGE;
    }
    return run(&flags, &bus);
}
