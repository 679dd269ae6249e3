/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* A value and what a complaint calls it: "--tick-s" or "GTCAS_TICK_S". */
struct setting {
    char name[96];
    const char *value; /* borrowed; NULL: not given */
};

/* One flag of the command line. */
struct flag {
    enum gt_conf_outcome asks;           /* GT_CONF_RUN: sets @option */
    const struct gt_conf_option *option; /* NULL for the built-in flags */
    const char *value;                   /* borrowed */
    size_t args_len;                     /* 2 where the value stands alone */
};

static const struct {
    const char *flag;
    const char *help;
    enum gt_conf_outcome asks;
} built_in[] = {
    {"--help",         "print this text and exit",             GT_CONF_HELP   },
    {"--version",      "print the version and exit",           GT_CONF_VERSION},
    {"--print-config", "print the settings in force and exit", GT_CONF_PRINT  },
};

static void
name_flag(const struct gt_conf_option *option, struct setting *out)
{
    struct gt_buf name;

    gt_buf_init(&name, out->name, sizeof(out->name));
    gt_buf_format(&name, "--%s", option->name);
}

/* As --help shows it: "--tick-s SECONDS". */
static void
name_usage(const struct gt_conf_option *option, struct setting *out)
{
    struct gt_buf name;

    gt_buf_init(&name, out->name, sizeof(out->name));
    gt_buf_format(&name, "--%s", option->name);
    if (option->metavar != NULL) {
        gt_buf_format(&name, " %s", option->metavar);
    }
}

static void
name_variable(const struct gt_conf_table *table,
              const struct gt_conf_option *option, struct setting *out)
{
    struct gt_buf name;

    gt_buf_init(&name, out->name, sizeof(out->name));
    gt_buf_format(&name, "%s_%s", table->env_prefix, option->name);
    for (char *c = out->name; *c != '\0'; c++) {
        if (*c == '-') {
            *c = '_';
        } else if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
}

static int
complain(struct gt_err *err, const struct setting *setting, const char *what)
{
    char quoted[GT_LOG_QUOTE_MAX];

    return gt_err_set(err, GT_CONF_E_USAGE, "%s: %s is not %s", setting->name,
                      gt_log_quote(quoted, setting->value), what);
}

static int
complain_range(struct gt_err *err, const struct setting *setting,
               const struct gt_conf_option *option)
{
    char quoted[GT_LOG_QUOTE_MAX];

    return gt_err_set(err, GT_CONF_E_USAGE,
                      "%s: %s is not within %.15g to %.15g", setting->name,
                      gt_log_quote(quoted, setting->value), option->min,
                      option->max);
}

/* The strto* family skips white space; we do not. */
static bool
starts_number(const char *text)
{
    return *text != '\0' && strchr("+-.0123456789", *text) != NULL;
}

static int
set_switch(const struct setting *setting, bool *out, struct gt_err *err)
{
    if (strcmp(setting->value, "true") == 0) {
        *out = true;
    } else if (strcmp(setting->value, "false") == 0) {
        *out = false;
    } else {
        return complain(err, setting, "true or false");
    }
    return 0;
}

static int
set_integer(const struct gt_conf_option *option, const struct setting *setting,
            int64_t *out, struct gt_err *err)
{
    char *end;

    errno = 0;
    long long value = strtoll(setting->value, &end, 10);
    bool clamped = errno == ERANGE;
    if (!starts_number(setting->value) || *end != '\0') {
        return complain(err, setting, "an integer");
    }
    if (clamped || (double)value < option->min || (double)value > option->max) {
        return complain_range(err, setting, option);
    }
    *out = value;
    return 0;
}

static int
set_real(const struct gt_conf_option *option, const struct setting *setting,
         double *out, struct gt_err *err)
{
    char *end;

    double value = strtod(setting->value, &end);
    if (!starts_number(setting->value) || *end != '\0' || isnan(value)) {
        return complain(err, setting, "a number");
    }
    if (!isfinite(value) || value < option->min || value > option->max) {
        return complain_range(err, setting, option);
    }
    *out = value;
    return 0;
}

static int
set_member(const struct gt_conf_option *option, const struct setting *setting,
           void *config, struct gt_err *err)
{
    void *member = (char *)config + option->offset;

    switch (option->type) {
    case GT_CONF_SWITCH:
        return set_switch(setting, member, err);
    case GT_CONF_INTEGER:
        return set_integer(option, setting, member, err);
    case GT_CONF_REAL:
        return set_real(option, setting, member, err);
    case GT_CONF_TEXT:
        *(const char **)member = setting->value;
        return 0;
    }
    return 0;
}

static const struct gt_conf_option *
find_option(const struct gt_conf_table *table, const char *name, size_t len)
{
    for (size_t i = 0; i < table->len; i++) {
        const char *candidate = table->options[i].name;
        if (strncmp(candidate, name, len) == 0 && candidate[len] == '\0') {
            return &table->options[i];
        }
    }
    return NULL;
}

/* Finds what @flag is of, from the argument's text up to a '='. */
static int
name_argument(const struct gt_conf_table *table, const char *arg,
              struct flag *flag, struct gt_err *err)
{
    char quoted[GT_LOG_QUOTE_MAX];

    for (size_t i = 0; i < GT_ARRAY_LEN(built_in); i++) {
        if (strcmp(arg, built_in[i].flag) == 0) {
            flag->asks = built_in[i].asks;
            return 0;
        }
    }
    if (strncmp(arg, "--", 2) != 0) {
        return gt_err_set(err, GT_CONF_E_USAGE, "unexpected argument %s",
                          gt_log_quote(quoted, arg));
    }
    flag->option = find_option(table, arg + 2, strcspn(arg + 2, "="));
    if (flag->option == NULL) {
        return gt_err_set(err, GT_CONF_E_USAGE, "unknown flag %s",
                          gt_log_quote(quoted, arg));
    }
    return 0;
}

/* Reads the flag that begins at @args. */
static int
read_flag(const struct gt_conf_table *table, char *const *args,
          struct flag *flag, struct gt_err *err)
{
    *flag = (struct flag){.asks = GT_CONF_RUN, .args_len = 1};
    int outcome = name_argument(table, args[0], flag, err);
    if (outcome != 0 || flag->option == NULL) {
        return outcome;
    }
    const char *equals = strchr(args[0], '=');
    if (flag->option->type == GT_CONF_SWITCH) {
        flag->value = "true";
        return equals == NULL ? 0
                              : gt_err_set(err, GT_CONF_E_USAGE,
                                           "--%s: a switch takes no value",
                                           flag->option->name);
    }
    if (equals != NULL) {
        flag->value = equals + 1;
        return 0;
    }
    flag->value = args[1];
    flag->args_len = 2;
    return flag->value != NULL
               ? 0
               : gt_err_set(err, GT_CONF_E_USAGE, "--%s: %s is missing",
                            flag->option->name, flag->option->metavar);
}

/* Is the command line well-formed, and which built-in flag decides? */
static enum gt_conf_outcome
check_flags(const struct gt_conf_table *table, char *const *argv,
            struct gt_err *err)
{
    enum gt_conf_outcome outcome = GT_CONF_RUN;
    struct flag flag;

    for (size_t i = 1; argv[i] != NULL; i += flag.args_len) {
        if (read_flag(table, argv + i, &flag, err) != 0) {
            return GT_CONF_E_USAGE;
        }
        if (flag.asks == GT_CONF_HELP || flag.asks == GT_CONF_VERSION) {
            return flag.asks;
        }
        outcome = flag.asks == GT_CONF_PRINT ? GT_CONF_PRINT : outcome;
    }
    return outcome;
}

/* The last value on a command line that check_flags() has passed. */
static const char *
value_on_line(const struct gt_conf_table *table,
              const struct gt_conf_option *option, char *const *argv)
{
    const char *value = NULL;
    struct gt_err unused;
    struct flag flag;

    for (size_t i = 1; argv[i] != NULL; i += flag.args_len) {
        (void)read_flag(table, argv + i, &flag, &unused); /* has passed */
        value = flag.option == option ? flag.value : value;
    }
    return value;
}

static const char *
value_in_environment(const char *name, char *const *envp)
{
    size_t len = strlen(name);

    for (; *envp != NULL; envp++) {
        if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=') {
            return *envp + len + 1;
        }
    }
    return NULL;
}

/* Flag, else variable, else default. */
static void
choose(const struct gt_conf_table *table, const struct gt_conf_option *option,
       const struct gt_conf_input *input, struct setting *out)
{
    name_flag(option, out);
    out->value = value_on_line(table, option, input->argv);
    if (out->value != NULL) {
        return;
    }
    name_variable(table, option, out);
    out->value = value_in_environment(out->name, input->envp);
    if (out->value != NULL) {
        return;
    }
    name_flag(option, out);
    out->value = option->fallback;
    if (out->value == NULL && option->type == GT_CONF_SWITCH) {
        out->value = "false";
    }
}

enum gt_conf_outcome
gt_conf_read(const struct gt_conf_table *table,
             const struct gt_conf_input *input, void *config,
             struct gt_err *err)
{
    enum gt_conf_outcome outcome = check_flags(table, input->argv, err);

    if (outcome != GT_CONF_RUN && outcome != GT_CONF_PRINT) {
        return outcome;
    }
    for (size_t i = 0; i < table->len; i++) {
        const struct gt_conf_option *option = &table->options[i];
        struct setting setting;
        choose(table, option, input, &setting);
        if (setting.value == NULL) {
            name_variable(table, option, &setting);
            (void)gt_err_set(err, GT_CONF_E_USAGE, "--%s (or %s) is required",
                             option->name, setting.name);
            return GT_CONF_E_USAGE;
        }
        if (set_member(option, &setting, config, err) != 0) {
            return GT_CONF_E_USAGE;
        }
    }
    return outcome;
}

static int
usage_width(const struct gt_conf_table *table)
{
    struct setting usage;
    size_t widest = strlen("--print-config");

    for (size_t i = 0; i < table->len; i++) {
        name_usage(&table->options[i], &usage);
        size_t width = strlen(usage.name);
        widest = width > widest ? width : widest;
    }
    return (int)widest;
}

static void
help_option(const struct gt_conf_table *table,
            const struct gt_conf_option *option, int width, struct gt_buf *out)
{
    struct setting usage;
    struct setting variable;

    name_usage(option, &usage);
    name_variable(table, option, &variable);
    gt_buf_format(out, "  %-*s  %s\n  %*s  ", width, usage.name, option->help,
                  width, "");
    if (option->type == GT_CONF_SWITCH) {
        gt_buf_format(out, "[%s]\n", variable.name);
    } else if (option->fallback == NULL) {
        gt_buf_format(out, "[%s; required]\n", variable.name);
    } else {
        gt_buf_format(out, "[%s; default: %s]\n", variable.name,
                      option->fallback);
    }
}

void
gt_conf_help(const struct gt_conf_table *table, struct gt_buf *out)
{
    int width = usage_width(table);

    gt_buf_format(out, "%s: %s\n\nUsage: %s [FLAG]...\n\n", table->program,
                  table->purpose, table->program);
    gt_buf_text(out, "A flag wins over the environment variable in brackets, "
                     "which wins over the\ndefault.\n\n");
    for (size_t i = 0; i < table->len; i++) {
        help_option(table, &table->options[i], width, out);
    }
    for (size_t i = 0; i < GT_ARRAY_LEN(built_in); i++) {
        gt_buf_format(out, "  %-*s  %s\n", width, built_in[i].flag,
                      built_in[i].help);
    }
}

static void
print_member(const struct gt_conf_option *option, const void *member,
             struct gt_buf *out)
{
    switch (option->type) {
    case GT_CONF_SWITCH:
        gt_buf_text(out, *(const bool *)member ? "true" : "false");
        break;
    case GT_CONF_INTEGER:
        gt_buf_format(out, "%" PRId64, *(const int64_t *)member);
        break;
    case GT_CONF_REAL:
        gt_buf_format(out, "%.15g", *(const double *)member);
        break;
    case GT_CONF_TEXT:
        gt_buf_text(out, *(const char *const *)member);
        break;
    }
}

void
gt_conf_print(const struct gt_conf_table *table, const void *config,
              struct gt_buf *out)
{
    for (size_t i = 0; i < table->len; i++) {
        const struct gt_conf_option *option = &table->options[i];
        gt_buf_format(out, "%s=", option->name);
        print_member(option, (const char *)config + option->offset, out);
        gt_buf_text(out, "\n");
    }
}
