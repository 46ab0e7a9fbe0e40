/* The commands of `codecell` except serve. Each gets the arguments after its own words and the checked settings, writes
 * its answer to standard output and everything else to standard error, and returns the exit status: 0, 1 if it failed,
 * 2 if it was called wrongly. */
#ifndef CODECELL_CLI_H
#define CODECELL_CLI_H

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

enum cli_status { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

typedef int cli_run(int argc, char **argv, const struct config *config);

cli_run cli_key_create; /* --name N [--rate N] [--scopes LIST] [--expires WHEN] [--max-timeout S] */
cli_run cli_key_list;
cli_run cli_key_revoke; /* ID */
cli_run cli_config;     /* [--markdown] */
cli_run cli_languages;  /* 1 if one of them is broken */
cli_run cli_mcp;        /* until standard input ends */
cli_run cli_health;     /* 0 if the server that listens at the settings' address is well */

/* An option takes a value (`--rate 5` or `--rate=5`) or is a flag. A list ends with a name of NULL. */
struct cli_option {
    const char *name;   /* with its dashes */
    const char **value; /* the place for the value; NULL: a flag */
    bool *flag;         /* set if the flag is there */
};

/* Reads the arguments of a command. If `operand` is not NULL, there must be exactly one argument that is not an option,
 * and it goes there. If it is NULL, there must be none. `options` may be NULL. CLI_OK, or CLI_USAGE after a sentence on
 * standard error. */
int cli_parse(int argc, char **argv, const struct cli_option *options, const char **operand);

/* Prints a sentence and how to get help on standard error. Returns CLI_USAGE. */
int cli_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a sentence on standard error. Returns CLI_FAILED. */
int cli_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
