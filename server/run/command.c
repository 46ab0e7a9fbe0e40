#include "run/command.h"

#include <stdio.h>
#include <stdlib.h>

#define TERMINAL "TERM=xterm-256color"

static size_t count(const char *const *list)
{
    size_t n = 0;

    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static void append(const char **out, size_t *n, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        out[(*n)++] = *list;
}

/* a, then b, then c, then NULL. */
static const char **join(const char *const *a, const char *const *b, const char *const *c)
{
    const char **out = calloc(count(a) + count(b) + count(c) + 1, sizeof *out);
    size_t n = 0;

    if (out == NULL)
        return NULL;
    append(out, &n, a);
    append(out, &n, b);
    append(out, &n, c);
    return out;
}

/* numpy and others start a thread per core of the host, and die under a limit of processes. A terminal's name keeps
 * clear and tput from failing; that there is no terminal, programs see at their streams, and print no colours. */
int run_command_build(struct run_command *out, char *const *run, char *const *language_env, uint32_t milli_cpus,
                      const char *const *env, const char *const *args)
{
    unsigned threads = (milli_cpus + 999) / 1000;

    *out = (struct run_command){0};
    snprintf(out->threads[0], sizeof out->threads[0], "OMP_NUM_THREADS=%u", threads);
    snprintf(out->threads[1], sizeof out->threads[1], "OPENBLAS_NUM_THREADS=%u", threads);
    out->env = join((const char *const[]){out->threads[0], out->threads[1], TERMINAL, NULL},
                    (const char *const *)language_env, env);
    out->argv = join((const char *const *)run, args, NULL);
    return out->env != NULL && out->argv != NULL ? 0 : -1;
}

void run_command_clear(struct run_command *command)
{
    free(command->env);
    free(command->argv);
    *command = (struct run_command){0};
}
