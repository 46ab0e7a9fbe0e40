/* The variables and the argv of a language's step. Jobs and prewarmed interpreters get theirs from the one function
 * here, so that they are equal, byte by byte, if the job adds nothing. */
#ifndef CODECELL_LANGUAGES_COMMAND_H
#define CODECELL_LANGUAGES_COMMAND_H

#include "docker/cell/cell_job.h"

struct command {
    const char **env;  /* "NAME=value", NULL after the last: those of all languages, of this one, of the job */
    const char **argv; /* NULL after the last: the language's, then the job's */
    char threads[2][40];
    char **filled; /* texts in which the job's figures (figures.h) were filled in, NULL after the last */
};

/* Builds the variables and the argv of a step. `argv` and `language_env` are the language's, and `limits` fills in
 * their figures. `env` and `args` are the job's (NULL: none). Lists end with NULL and are kept by pointer. 0, or -1 out
 * of memory. Call command_clear() in both cases. `out` must not move. */
int command_build(struct command *out, char *const *argv, char *const *language_env, const struct cell_limits *limits,
                  const char *const *env, const char *const *args);

/* The limits for the figures of a compile step: they have the step's own memory if the job's memory is below it. */
struct cell_limits command_compile_limits(const struct cell_limits *limits, uint32_t compile_memory_mb);
void command_clear(struct command *command); /* also allowed if it is all zero */

#endif
