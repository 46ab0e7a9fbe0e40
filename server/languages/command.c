#include "languages/command.h"

#include "languages/figures.h"

#include <stdio.h>
#include <stdlib.h>

#define TERMINAL "TERM=xterm-256color"

static size_t command_count(const char *const *list)
{
    size_t n = 0;

    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static void command_append(const char **out, size_t *n, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        out[(*n)++] = *list;
}

/* a, then b, then c, then NULL. */
static const char **join(const char *const *a, const char *const *b, const char *const *c)
{
    const char **out = calloc(command_count(a) + command_count(b) + command_count(c) + 1, sizeof *out);
    size_t n = 0;

    if (out == NULL)
        return NULL;
    command_append(out, &n, a);
    command_append(out, &n, b);
    command_append(out, &n, c);
    return out;
}

/* Fills in the figures of `len` texts of the list, from its `from`th on. Each new text is added to *filled. */
static int fill_in(const char **list, size_t from, size_t len, const struct cell_limits *limits, char ***filled)
{
    for (size_t i = from; i < from + len; i++) {
        if (!figures_in(list[i]))
            continue;
        if ((**filled = figures_filled(list[i], limits)) == NULL)
            return -1;
        list[i] = *(*filled)++;
    }
    return 0;
}

/* Without their variables numpy and others start a thread for each core of the host, and die under a limit of
 * processes. TERM keeps clear and tput from failing. Programs print no colours all the same, because their streams are
 * not terminals. */
int command_build(struct command *out, char *const *argv, char *const *language_env, const struct cell_limits *limits,
                  const char *const *env, const char *const *args)
{
    const char *const *own_env = (const char *const *)language_env, *const *own_argv = (const char *const *)argv;
    unsigned threads = (limits->milli_cpus + 999) / 1000;

    *out = (struct command){0};
    snprintf(out->threads[0], sizeof out->threads[0], "OMP_NUM_THREADS=%u", threads);
    snprintf(out->threads[1], sizeof out->threads[1], "OPENBLAS_NUM_THREADS=%u", threads);
    const char *const first[] = {out->threads[0], out->threads[1], TERMINAL, NULL};
    out->env = join(first, own_env, env);
    out->argv = join(own_argv, args, NULL);
    out->filled = calloc(command_count(own_env) + command_count(own_argv) + 1, sizeof *out->filled);
    if (out->env == NULL || out->argv == NULL || out->filled == NULL)
        return -1;
    char **filled = out->filled;
    return fill_in(out->env, command_count(first), command_count(own_env), limits, &filled) == 0 &&
                   fill_in(out->argv, 0, command_count(own_argv), limits, &filled) == 0
               ? 0
               : -1;
}

struct cell_limits command_compile_limits(const struct cell_limits *limits, uint32_t compile_memory_mb)
{
    struct cell_limits out = *limits;

    if (out.memory_mb < compile_memory_mb)
        out.memory_mb = compile_memory_mb;
    return out;
}

void command_clear(struct command *command)
{
    free(command->env);
    free(command->argv);
    for (char **text = command->filled; text != NULL && *text != NULL; text++)
        free(*text);
    free(command->filled);
    *command = (struct command){0};
}
