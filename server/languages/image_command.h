/* A question to an image: one command, run in a cell like any program, and its output. */
#ifndef CODECELL_LANGUAGES_IMAGE_COMMAND_H
#define CODECELL_LANGUAGES_IMAGE_COMMAND_H

#include "base/buf.h"
#include "docker/pool/pool.h"
#include "languages/catalog.h"

#define PROBE_TIMEOUT_MS 20000u
#define PROBE_OUTPUT_MAX (256u << 10)

struct probe {
    struct pool *pool;
    const struct language_version *version;
    struct pool_wish wish;
    struct cell *cell;
    struct cell_job job;
    struct buf output; /* standard output, then standard error, as they came */
    int exit_code;     /* -1: it did not run to its end */
    bool under_way;
    void (*done)(struct probe *probe); /* once, later; the output is the caller's to read until probe_free */
    void *arg;
};

/* Runs argv (NULL after the last) in a cell of the version's. */
void probe_ask(struct probe *probe, struct pool *pool, const struct language_version *version, char **argv,
               void (*done)(struct probe *probe), void *arg);
void probe_cancel(struct probe *probe); /* no `done` after this */
void probe_free(struct probe *probe);

#endif
