/* The commands of `codecell` except serve. Each gets the arguments after its own words and the checked settings, writes
 * its answer to standard output and everything else to standard error, and returns the exit status: 0, 1 if it failed,
 * 2 if it was called wrongly. */
#ifndef CODECELL_CLI_H
#define CODECELL_CLI_H

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

enum cli_status { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
#define CLI_NOT_RUN 125 /* a program did not run; `docker run` says the same */

typedef int cli_run(int argc, char **argv, const struct config *config);

cli_run cli_key_create; /* --name N, and options for all that a key has */
cli_run cli_key_list;
cli_run cli_key_revoke; /* ID */
cli_run cli_config;     /* [--markdown] */
cli_run cli_languages;  /* [--remote]; 1 if one of them is broken */
cli_run cli_mcp;        /* until standard input ends */
cli_run cli_run_file;   /* [OPTIONS] [-i] FILE [ARGS…]; the exit status is the program's, 125 if it did not run */
cli_run cli_repl;       /* LANGUAGE; until the input ends; 1 if an input that nobody types did not run */
cli_run cli_session_list;
cli_run cli_session_create; /* prints its id */
cli_run cli_session_delete; /* ID */
cli_run cli_push;           /* SESSION PATH [TO] */
cli_run cli_pull;           /* SESSION PATH [TO] */
cli_run cli_health;         /* 0 if the server that listens at the settings' address is well */

#define CLI_LIST_MAX 128

/* The values of an option that may come more than once. */
struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t len;
};

/* An option takes a value (`--rate 5` or `--rate=5`) or is a flag. A list ends with a name of NULL. */
struct cli_option {
    const char *name;      /* with its dashes */
    const char **value;    /* the place for the value; NULL: a flag, or a list */
    bool *flag;            /* set if the flag is there */
    struct cli_list *list; /* each value is added here; NULL: the option comes once */
};

/* Reads the arguments of a command. If `operand` is not NULL, there must be exactly one argument that is not an option,
 * and it goes there. If it is NULL, there must be none. `options` may be NULL. CLI_OK, or CLI_USAGE after a sentence on
 * standard error. */
int cli_parse(int argc, char **argv, const struct cli_option *options, const char **operand);

/* Reads the options that come before the first other argument, or before "--"; there an option may have one dash.
 * *used: how many arguments these are,
 * with the "--". */
int cli_parse_first(int argc, char **argv, const struct cli_option *options, int *used);

/* Prints a sentence and how to get help on standard error. Returns CLI_USAGE. */
int cli_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a sentence on standard error. Returns CLI_FAILED. */
int cli_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
