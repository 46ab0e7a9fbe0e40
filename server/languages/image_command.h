/* A question to an image: one command, run in a cell like any program, and its output. */
#ifndef CODECELL_LANGUAGES_IMAGE_COMMAND_H
#define CODECELL_LANGUAGES_IMAGE_COMMAND_H

#include "base/buf.h"
#include "docker/pool/pool.h"
#include "languages/language.h"

#define IMAGE_COMMAND_TIMEOUT_MS 20000u
#define IMAGE_COMMAND_OUTPUT_MAX (256u << 10)

struct image_command {
    struct pool *pool;
    const struct language_version *version;
    struct pool_request cell_request;
    struct cell *cell;
    struct cell_job job;
    struct buf output; /* standard output, then standard error, as they came */
    int exit_code;     /* -1: it did not run to its end */
    bool under_way;
    /* Fires once, later. The caller may read the output until image_command_free(). */
    void (*done)(struct image_command *command);
    void *arg;
};

/* Runs argv (NULL after the last) in a cell of the version's. */
void image_command_run(struct image_command *command, struct pool *pool, const struct language_version *version,
                       char **argv, void (*done)(struct image_command *command), void *arg);
void image_command_cancel(struct image_command *command); /* no `done` after this */
void image_command_free(struct image_command *command);

#endif
