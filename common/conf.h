/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration by flags and environment: one table a program, filled once
 * into a struct of the program's own.  The table also prints --help and
 * --print-config, so the three cannot disagree.
 *
 * `--name VALUE` and `--name=VALUE`; a flag wins over the environment variable
 * PREFIX_NAME (upper case, '-' becomes '_'), which wins over the default.
 * Switches take no value (environment: true or false).  Of a flag given twice
 * the last one holds; --help, --version and --print-config are built in.
 *
 * Pure: argv and envp are the caller's, texts are borrowed from them.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include "common/buf.h"
#include "common/err.h"

enum gt_conf_type {
    GT_CONF_SWITCH,  /* bool */
    GT_CONF_INTEGER, /* int64_t, within [min, max] */
    GT_CONF_REAL,    /* double, within [min, max], finite */
    GT_CONF_TEXT,    /* const char *, borrowed */
};

struct gt_conf_option {
    const char *name;    /* without the dashes */
    const char *metavar; /* "SECONDS"; NULL for a switch */
    enum gt_conf_type type;
    size_t offset;        /* offsetof the member that takes the value */
    const char *fallback; /* default as one would type it; NULL: required,
                             and false for a switch */
    double min, max;      /* numbers only */
    const char *help;     /* one line, units included */
};

struct gt_conf_table {
    const char *program;    /* "gtcas-agent" */
    const char *purpose;    /* first line of --help */
    const char *env_prefix; /* "GTCAS" */
    const struct gt_conf_option *options;
    size_t len;
};

enum gt_conf_outcome {
    GT_CONF_RUN,     /* @config is filled */
    GT_CONF_HELP,    /* --help was given: print gt_conf_help(), exit 0 */
    GT_CONF_VERSION, /* --version was given */
    GT_CONF_PRINT,   /* --print-config: @config is filled, print, exit 0 */
    GT_CONF_E_USAGE, /* @err names the flag or variable: exit 2 */
};

/* What main() hands over; the vectors are NULL-terminated. */
struct gt_conf_input {
    char *const *argv;
    char *const *envp;
};

/*
 * Fills @config.  Unknown flags, missing or malformed values, values out of
 * range and positional arguments are GT_CONF_E_USAGE.
 */
enum gt_conf_outcome gt_conf_read(const struct gt_conf_table *table,
                                  const struct gt_conf_input *input,
                                  void *config, struct gt_err *err);

/* Appends the help text. */
void gt_conf_help(const struct gt_conf_table *table, struct gt_buf *out);

/* Appends the configuration as understood, `name=value` lines. */
void gt_conf_print(const struct gt_conf_table *table, const void *config,
                   struct gt_buf *out);

#endif
