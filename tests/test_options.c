/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/options.h"

/* What every command line needs. */
#define NEEDED                                                                 \
    "gtcas-agent", "--node=node-1", "--namespace=shop", "--pod=web-0",         \
        "--pod-uid=6e1f4a4e-0d0c-4b8e-9d5e-0a1b2c3d4e5f",                      \
        "--cgroup-root=/run/cgroup", "--arbiter=localhost:7400"

/* Reads and checks; @flag, if not NULL, is added to what is needed. */
static int
read_flag(struct options *options, const char *flag, struct gt_err *err)
{
    const char *argv[] = {NEEDED, flag, NULL};
    char *const none[] = {NULL};
    struct gt_conf_input input = {.argv = (char *const *)(uintptr_t)argv,
                                  .envp = none};
    enum gt_conf_outcome outcome =
        gt_conf_read(&options_table, &input, options, err);

    return outcome == GT_CONF_RUN ? options_check(options, err) : (int)outcome;
}

static void
the_defaults_are_sound(void **state)
{
    struct options options;
    struct gt_err err;

    (void)state;
    assert_int_equal(read_flag(&options, NULL, &err), 0);
    assert_string_equal(options.space, "shop");
    assert_string_equal(options.listen, ":7080");
    assert_string_equal(options.admin_listen, "127.0.0.1:7081");
    assert_string_equal(options.api_server, "");
    assert_float_equal(options.first_dial_s, 5.0, 0.0);
    assert_float_equal(options.reconnect_min_s, 1.0, 0.0);
    assert_float_equal(options.reconnect_max_s, 60.0, 0.0);
    assert_float_equal(options.resize_burst, 8.0, 0.0);
    assert_float_equal(options.resizes_per_hour, 40.0, 0.0);
    assert_float_equal(options.speed, 1.0, 0.0);
    assert_int_equal(options.seed, 0);
    assert_false(options.insecure_bus);
}

static void
a_bad_flag_is_named(void **state)
{
    static const char *const bad[][2] = {
        {"--node=Node 1",               "--node"            },
        {"--node=",                     "--node"            },
        {"--namespace=a/b",             "--namespace"       },
        {"--pod=../x",                  "--pod"             },
        {"--pod-uid=",                  "--pod-uid"         },
        {"--pod-uid=a\nb",              "--pod-uid"         },
        {"--api-server=ftp://x",        "--api-server"      },
        {"--arbiter=localhost",         "--arbiter"         },
        {"--arbiter=localhost:0",       "--arbiter"         },
        {"--arbiter=:7400",             "--arbiter"         },
        {"--arbiter=localhost:65536",   "--arbiter"         },
        {"--arbiter=localhost:7400x",   "--arbiter"         },
        {"--arbiter=arbiter:7400",      "--insecure-bus"    },
        {"--arbiter=127.evil.org:7400", "--insecure-bus"    },
        {"--listen=7080",               "--listen"          },
        {"--admin-listen=::1:7081",     "--admin-listen"    },
        {"--admin-listen=:7081",        "--admin-token-file"},
        {"--admin-listen=0.0.0.0:7081", "--admin-token-file"},
        {"--admin-listen=[::]:7081",    "--admin-token-file"},
        {"--reconnect-max=0.5",         "--reconnect-max"   },
        {"--log-level=loud",            "--log-level"       },
        {"--speed=0",                   "--speed"           },
        {"--speed=nan",                 "--speed"           },
        {"--first-dial=-1",             "--first-dial"      },
        {"--seed=-1",                   "--seed"            },
        {"--seed=1.5",                  "--seed"            },
        {"--resize-burst=0",            "--resize-burst"    },
        {"--mode=off",                  "--mode"            },
    };

    (void)state;
    for (size_t i = 0; i < GT_ARRAY_LEN(bad); i++) {
        struct options options;
        struct gt_err err = {.text = ""};

        assert_int_equal(read_flag(&options, bad[i][0], &err), GT_CONF_E_USAGE);
        assert_non_null(strstr(err.text, bad[i][1]));
    }
}

static void
what_is_needed_is_asked_for(void **state)
{
    static const char *const argv[] = {NEEDED, NULL};

    (void)state;
    for (size_t left_out = 1; left_out + 2 < GT_ARRAY_LEN(argv); left_out++) {
        const char *fewer[GT_ARRAY_LEN(argv)] = {NULL};
        char *const none[] = {NULL};
        struct gt_conf_input input = {.argv = (char *const *)(uintptr_t)fewer,
                                      .envp = none};
        struct options options;
        struct gt_err err;
        size_t n = 0;

        for (size_t i = 0; argv[i] != NULL; i++) {
            if (i != left_out) {
                fewer[n++] = argv[i];
            }
        }
        assert_int_equal(gt_conf_read(&options_table, &input, &options, &err),
                         GT_CONF_E_USAGE);
    }
}

static void
what_is_allowed_beyond_this_machine_is_said(void **state)
{
    static const char *const good[] = {
        "--arbiter=127.0.0.1:7400",
        "--arbiter=[::1]:7400",
        "--admin-listen=localhost:7081",
        "--admin-listen=[::1]:0",
        "--listen=0.0.0.0:0",
    };
    struct options options;
    struct gt_err err;

    (void)state;
    for (size_t i = 0; i < GT_ARRAY_LEN(good); i++) {
        assert_int_equal(read_flag(&options, good[i], &err), 0);
    }
    assert_int_equal(read_flag(&options, "--insecure-bus", &err), 0);
    options.arbiter = "arbiter.mesh:7400";
    assert_int_equal(options_check(&options, &err), 0);
    options.admin_listen = ":7081";
    options.admin_token_file = "/run/token";
    assert_int_equal(options_check(&options, &err), 0);
}

static void
a_host_is_read_with_its_port(void **state)
{
    struct options_host host;

    (void)state;
    assert_true(options_host_read(&host, "[fe80::1]:65535"));
    assert_string_equal(host.name, "fe80::1");
    assert_int_equal(host.port, 65535);
    assert_true(options_host_read(&host, ":0"));
    assert_string_equal(host.name, "");
    assert_int_equal(host.port, 0);
    assert_false(options_host_read(&host, "host:"));
    assert_false(options_host_read(&host, "host:4294967376"));
    assert_false(options_host_is_loopback(
        &(struct options_host){.name = "", .port = 1}));
}

static void
a_name_that_fits_nowhere_is_refused(void **state)
{
    char flag[300] = "--node=";
    struct options options;
    struct gt_err err;

    (void)state;
    memset(flag + 7, 'a', WIRE_NODE_MAX - 1);
    assert_int_equal(read_flag(&options, flag, &err), 0);
    flag[7 + WIRE_NODE_MAX - 1] = 'a';
    assert_int_equal(read_flag(&options, flag, &err), GT_CONF_E_USAGE);
    memset(flag, 'a', sizeof(flag) - 1);
    memcpy(flag + sizeof(flag) - 5, ":80", 4);
    assert_false(options_host_read(&(struct options_host){.port = 0}, flag));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_sound),
        cmocka_unit_test(a_bad_flag_is_named),
        cmocka_unit_test(what_is_needed_is_asked_for),
        cmocka_unit_test(what_is_allowed_beyond_this_machine_is_said),
        cmocka_unit_test(a_host_is_read_with_its_port),
        cmocka_unit_test(a_name_that_fits_nowhere_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
