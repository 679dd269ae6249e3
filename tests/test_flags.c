/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum gt_conf_outcome
read_flags(char *const *argv, struct flags *flags, struct gt_err *err)
{
    char *const envp[] = {NULL};
    struct gt_conf_input input = {.argv = argv, .envp = envp};

    return gt_conf_read(&flags_table, &input, flags, err);
}

static struct flags
defaults(void)
{
    char *const argv[] = {(char[]){"gtcas-arbiter"}, NULL};
    struct flags flags;
    struct gt_err err;

    assert_int_equal(read_flags(argv, &flags, &err), GT_CONF_RUN);
    return flags;
}

static void
the_defaults_are_those_of_the_core(void **state)
{
    struct flags flags = defaults();
    struct arbiter_config ours = flags_config(&flags);
    struct arbiter_config core = arbiter_defaults();
    (void)state;

    assert_int_equal(ours.max_agents, core.max_agents);
    assert_int_equal(ours.max_nodes, core.max_nodes);
    assert_int_equal(ours.max_pods, core.max_pods);
    assert_int_equal(ours.listen_first_ms, core.listen_first_ms);
    assert_true(ours.greens_per_s == core.greens_per_s);
    assert_true(ours.rho0 == core.rho0);
    assert_true(ours.p1 == core.p1);
    assert_true(ours.exponent == core.exponent);
    assert_int_equal(ours.simultaneous, core.simultaneous);
}

static void
the_default_bus_is_of_this_machine_alone(void **state)
{
    struct flags flags = defaults();
    struct flags_bus bus;
    struct gt_err err;
    (void)state;

    assert_int_equal(flags_check(&flags, &bus, &err), 0);
    assert_string_equal(bus.host, "localhost");
    assert_int_equal(bus.port, 7400);
}

static void
names(struct flags flags, const char *flag)
{
    struct flags_bus bus;
    struct gt_err err;

    assert_int_equal(flags_check(&flags, &bus, &err), GT_CONF_E_USAGE);
    assert_memory_equal(err.text, flag, strlen(flag));
}

static void
what_cannot_be_is_refused_by_name(void **state)
{
    static const char *const buses[] = {
        "localhost",
        "localhost:",
        ":7400",
        "localhost:x",
        "a b:1",
        "[::1]:7400",
        "*x:1",
        "localhost:65536",
        "localhost:-1",
        "127.0.0.1:7400",
        "localhost:99999999999999999999",
    };
    struct flags flags;
    (void)state;

    for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
        flags = defaults();
        flags.insecure_bus = true;
        flags.bus = buses[i];
        names(flags, "--bus: ");
    }
    flags = defaults();
    flags.api_server = "ftp://x";
    names(flags, "--api-server: ");
    flags = defaults();
    flags.max_pods = 10;
    names(flags, "--max-pods: ");
    flags = defaults();
    flags.log_level = "loud";
    names(flags, "--log-level: ");
}

static void
a_bus_for_everybody_must_be_asked_for(void **state)
{
    struct flags flags = defaults();
    struct flags_bus bus;
    struct gt_err err;
    (void)state;

    flags.bus = "*:7400";
    names(flags, "--bus: ");
    flags.insecure_bus = true;
    assert_int_equal(flags_check(&flags, &bus, &err), 0);
    assert_string_equal(bus.host, "*");
}

static void
an_unknown_flag_is_named(void **state)
{
    char *const argv[] = {(char[]){"gtcas-arbiter"}, (char[]){"--rho"},
                          (char[]){"1"}, NULL};
    struct flags flags;
    struct gt_err err;
    (void)state;

    assert_int_equal(read_flags(argv, &flags, &err), GT_CONF_E_USAGE);
    assert_non_null(strstr(err.text, "--rho"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_core),
        cmocka_unit_test(the_default_bus_is_of_this_machine_alone),
        cmocka_unit_test(what_cannot_be_is_refused_by_name),
        cmocka_unit_test(a_bus_for_everybody_must_be_asked_for),
        cmocka_unit_test(an_unknown_flag_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
