/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct settings {
    const char *zone;
    int64_t port;
    double tick_s;
    bool simultaneous;
};

/* clang-format off */
static const struct gt_conf_option options[] = {
    {"zone", "NAME-OF-ZONE", GT_CONF_TEXT, offsetof(struct settings, zone),
     NULL, 0, 0, "where it is"},
    {"port", "NUMBER", GT_CONF_INTEGER, offsetof(struct settings, port),
     "7400", 1, 65535, "its port"},
    {"tick-s", "SECONDS", GT_CONF_REAL, offsetof(struct settings, tick_s),
     "15", 0.5, 3600, "time between decisions"},
    {"simultaneous", NULL, GT_CONF_SWITCH,
     offsetof(struct settings, simultaneous), NULL, 0, 0, "no green light"},
};
/* clang-format on */

static const struct gt_conf_table table = {
    .program = "gtcas-toy",
    .purpose = "shows what a table can say",
    .env_prefix = "GTCAS",
    .options = options,
    .len = GT_ARRAY_LEN(options),
};

/* What a test types and what it gets. */
struct fixture {
    char words[2][8][48];
    char *argv[9];
    char *envp[9];
    struct settings settings;
    struct gt_err err;
};

static void
type(char *words[9], char memory[][48], const char *line)
{
    size_t len = 0;

    while (*line != '\0') {
        size_t word = strcspn(line, " ");
        memcpy(memory[len], line, word);
        memory[len][word] = '\0';
        words[len] = memory[len];
        len++;
        line += word;
        line += *line == ' ' ? 1 : 0;
    }
    words[len] = NULL;
}

/* Reads @flags and @variables, words separated by single blanks. */
static enum gt_conf_outcome
read_words(struct fixture *f, const char *flags, const char *variables)
{
    char line[256];
    struct gt_buf buf;

    gt_buf_init(&buf, line, sizeof(line));
    gt_buf_format(&buf, "gtcas-toy%s%s", *flags == '\0' ? "" : " ", flags);
    type(f->argv, f->words[0], line);
    type(f->envp, f->words[1], variables);
    f->settings = (struct settings){0};
    f->err = (struct gt_err){0};
    return gt_conf_read(
        &table, &(struct gt_conf_input){.argv = f->argv, .envp = f->envp},
        &f->settings, &f->err);
}

static void
defaults_hold_where_nothing_is_said(void **state)
{
    struct fixture f;
    (void)state;

    assert_int_equal(read_words(&f, "--zone a", ""), GT_CONF_RUN);

    assert_string_equal(f.settings.zone, "a");
    assert_int_equal(f.settings.port, 7400);
    assert_true(f.settings.tick_s == 15.0);
    assert_false(f.settings.simultaneous);
}

static void
flags_are_read_in_both_spellings(void **state)
{
    struct fixture f;
    (void)state;

    assert_int_equal(read_words(&f,
                                "--zone=a=b --port 1 --tick-s=.5 "
                                "--simultaneous",
                                ""),
                     GT_CONF_RUN);

    assert_string_equal(f.settings.zone, "a=b");
    assert_int_equal(f.settings.port, 1);
    assert_true(f.settings.tick_s == 0.5);
    assert_true(f.settings.simultaneous);
}

static void
a_flag_wins_over_its_variable_and_that_over_the_default(void **state)
{
    struct fixture f;
    (void)state;

    assert_int_equal(read_words(&f, "--port 1",
                                "GTCAS_PORT=x GTCAS_ZONE=env "
                                "GTCAS_TICK_S=20 GTCAS_SIMULTANEOUS=true"),
                     GT_CONF_RUN);

    assert_int_equal(f.settings.port, 1);
    assert_string_equal(f.settings.zone, "env");
    assert_true(f.settings.tick_s == 20.0);
    assert_true(f.settings.simultaneous);
}

static void
a_variable_of_a_longer_name_is_another_variable(void **state)
{
    struct fixture f;
    (void)state;

    assert_int_equal(
        read_words(&f, "--zone a", "GTCAS_PORTS=1 XGTCAS_PORT=2 GTCAS_PORT"),
        GT_CONF_RUN);

    assert_int_equal(f.settings.port, 7400);
}

static void
the_last_of_two_equal_flags_holds(void **state)
{
    struct fixture f;
    (void)state;

    assert_int_equal(read_words(&f, "--zone a --port 1 --port 2", ""),
                     GT_CONF_RUN);

    assert_int_equal(f.settings.port, 2);
}

static void
built_in_flags_are_told_apart(void **state)
{
    struct fixture f;
    (void)state;

    assert_int_equal(read_words(&f, "--help", ""), GT_CONF_HELP);
    assert_int_equal(read_words(&f, "--port 1 --version", ""), GT_CONF_VERSION);
    assert_int_equal(read_words(&f, "--print-config --zone a", ""),
                     GT_CONF_PRINT);
    assert_string_equal(f.settings.zone, "a");
    assert_int_equal(read_words(&f, "--print-config", ""), GT_CONF_E_USAGE);
}

static void
assert_refused(const char *flags, const char *variables, const char *complaint)
{
    struct fixture f;

    assert_int_equal(read_words(&f, flags, variables), GT_CONF_E_USAGE);
    assert_string_equal(f.err.text, complaint);
    assert_int_equal(f.err.code, GT_CONF_E_USAGE);
}

static void
a_bad_command_line_is_refused(void **state)
{
    (void)state;

    assert_refused("", "", "--zone (or GTCAS_ZONE) is required");
    assert_refused("--zone", "", "--zone: NAME-OF-ZONE is missing");
    assert_refused("--zon a", "", "unknown flag \"--zon\"");
    assert_refused("--zones a", "", "unknown flag \"--zones\"");
    assert_refused("--", "", "unknown flag \"--\"");
    assert_refused("a", "", "unexpected argument \"a\"");
    assert_refused("-z", "", "unexpected argument \"-z\"");
    assert_refused("--zone a --simultaneous=yes", "",
                   "--simultaneous: a switch takes no value");
}

static void
a_bad_value_is_refused_with_its_name(void **state)
{
    (void)state;

    assert_refused("--zone a --port 7x", "",
                   "--port: \"7x\" is not an integer");
    assert_refused("--zone a --port=", "", "--port: \"\" is not an integer");
    assert_refused("--zone a --port \t7", "",
                   "--port: \"\\t7\" is not an integer");
    assert_refused("--zone a --port 1.5", "",
                   "--port: \"1.5\" is not an integer");
    assert_refused("--zone a --port 0", "",
                   "--port: \"0\" is not within 1 to 65535");
    assert_refused("--zone a --port 65536", "",
                   "--port: \"65536\" is not within 1 to 65535");
    assert_refused(
        "--zone a --port -99999999999999999999", "",
        "--port: \"-99999999999999999999\" is not within 1 to 65535");
    assert_refused("--zone a", "GTCAS_PORT=x",
                   "GTCAS_PORT: \"x\" is not an integer");
    assert_refused("--zone a", "GTCAS_PORT=0",
                   "GTCAS_PORT: \"0\" is not within 1 to 65535");
    assert_refused("--zone a --tick-s nan", "",
                   "--tick-s: \"nan\" is not a number");
    assert_refused("--zone a --tick-s +nan", "",
                   "--tick-s: \"+nan\" is not a number");
    assert_refused("--zone a --tick-s inf", "",
                   "--tick-s: \"inf\" is not a number");
    assert_refused("--zone a --tick-s 1s", "",
                   "--tick-s: \"1s\" is not a number");
    assert_refused("--zone a --tick-s 1e999", "",
                   "--tick-s: \"1e999\" is not within 0.5 to 3600");
    assert_refused("--zone a --tick-s 0.4", "",
                   "--tick-s: \"0.4\" is not within 0.5 to 3600");
    assert_refused("--zone a", "GTCAS_SIMULTANEOUS=1",
                   "GTCAS_SIMULTANEOUS: \"1\" is not true or false");
}

static void
the_ends_of_a_range_are_in_it(void **state)
{
    struct fixture f;
    (void)state;

    errno = ERANGE; /* of somebody else */
    assert_int_equal(read_words(&f, "--zone a --port 65535 --tick-s 3600", ""),
                     GT_CONF_RUN);
    assert_int_equal(f.settings.port, 65535);

    assert_int_equal(read_words(&f, "--zone a --port 1 --tick-s 0.5", ""),
                     GT_CONF_RUN);
    assert_int_equal(f.settings.port, 1);
}

static void
help_shows_each_flag_with_variable_and_default(void **state)
{
    char memory[2048];
    struct gt_buf out;
    (void)state;

    gt_buf_init(&out, memory, sizeof(memory));
    gt_conf_help(&table, &out);

    assert_string_equal(
        out.data,
        "gtcas-toy: shows what a table can say\n"
        "\n"
        "Usage: gtcas-toy [FLAG]...\n"
        "\n"
        "A flag wins over the environment variable in brackets, "
        "which wins over "
        "the\n"
        "default.\n"
        "\n"
        "  --zone NAME-OF-ZONE  where it is\n"
        "                       [GTCAS_ZONE; required]\n"
        "  --port NUMBER        its port\n"
        "                       [GTCAS_PORT; default: 7400]\n"
        "  --tick-s SECONDS     time between decisions\n"
        "                       [GTCAS_TICK_S; default: 15]\n"
        "  --simultaneous       no green light\n"
        "                       [GTCAS_SIMULTANEOUS]\n"
        "  --help               print this text and exit\n"
        "  --version            print the version and exit\n"
        "  --print-config       print the settings in force and exit\n");
}

static void
the_configuration_is_printed_as_understood(void **state)
{
    char memory[256];
    struct gt_buf out;
    struct fixture f;
    (void)state;

    gt_buf_init(&out, memory, sizeof(memory));
    assert_int_equal(
        read_words(&f, "--zone a --port +010 --tick-s 1e1 --simultaneous", ""),
        GT_CONF_RUN);

    gt_conf_print(&table, &f.settings, &out);

    assert_string_equal(out.data, "zone=a\n"
                                  "port=10\n"
                                  "tick-s=10\n"
                                  "simultaneous=true\n");

    f.settings.simultaneous = false;
    gt_buf_reset(&out);
    gt_conf_print(&table, &f.settings, &out);

    assert_non_null(strstr(out.data, "simultaneous=false\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_where_nothing_is_said),
        cmocka_unit_test(flags_are_read_in_both_spellings),
        cmocka_unit_test(
            a_flag_wins_over_its_variable_and_that_over_the_default),
        cmocka_unit_test(a_variable_of_a_longer_name_is_another_variable),
        cmocka_unit_test(the_last_of_two_equal_flags_holds),
        cmocka_unit_test(built_in_flags_are_told_apart),
        cmocka_unit_test(a_bad_command_line_is_refused),
        cmocka_unit_test(a_bad_value_is_refused_with_its_name),
        cmocka_unit_test(the_ends_of_a_range_are_in_it),
        cmocka_unit_test(help_shows_each_flag_with_variable_and_default),
        cmocka_unit_test(the_configuration_is_printed_as_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
