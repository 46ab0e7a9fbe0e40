/* The pool: cells kept ready per language, and one made on demand when none is.
 *
 * The number to keep is fixed per language (`CODECELL_POOL`). Creations are paced: at most as many at
 * once as there are cores, those that a request waits for first. A cell that dies while it waits is
 * replaced; where creation fails again and again for a language, it is tried with a growing pause. The
 * decision what to make next is a pure function (pool_policy.h). */
#ifndef CODECELL_DOCKER_POOL_H
#define CODECELL_DOCKER_POOL_H

#include "docker/cell.h"

#include <uv.h>

struct pool;
struct engine;

struct pool_options {
    struct engine *engine;
    const char *instance; /* label io.codecell.instance: the database's id */
    const char *runtime;  /* HostConfig.Runtime, NULL: the engine's default */
    const void *agent;    /* the agent's program, static ELF */
    size_t agent_len;
    unsigned creations;           /* at once */
    void (*on_change)(void *arg); /* ready cells or the pool's state changed; may be NULL */
    void *arg;
};

int pool_open(struct pool **out, uv_loop_t *loop, const struct pool_options *options, struct error *error);

/* Offers a language: `waiting` cells are kept ready from now on; those that wait beyond that are ended. `kind` is kept
 * by pointer. */
void pool_add(struct pool *pool, const struct cell_kind *kind, unsigned waiting);

/* The engine came or went (from engine_options.on_change): cells are made again, or forgotten. */
void pool_engine_changed(struct pool *pool, bool up);

/* A wish for one cell. Embedded in the caller's struct. */
struct pool_wish {
    const struct cell_kind *kind;
    struct cell_limits limits;
    void (*on_cell)(struct pool_wish *wish, struct cell *cell, const struct error *error); /* once: a ready
                                            cell, now the caller's, or NULL and why */
    /* the pool's own */
    struct pool_wish *next, *prev;
    struct cell *making; /* the cell that is being made for it */
    uint64_t since_ns;
    unsigned failures; /* creations that failed for it */
    bool queued;
};

#define POOL_WISH_TRIES 2 /* creations that may fail before a wish does */

/* on_cell may fire from within the call where a cell waits. */
void pool_take(struct pool *pool, struct pool_wish *wish);
void pool_cancel(struct pool *pool, struct pool_wish *wish); /* no on_cell after this */

struct pool_counts {
    unsigned creating, ready, running, ending; /* cells by state; creating includes attaching and starting */
};
void pool_counts(const struct pool *pool, const char *language, struct pool_counts *out); /* NULL: all */

/* Makes no more, ends every cell, waits for their removal (at most `limit_ms`), then `closed`. */
void pool_close(struct pool *pool, uint64_t limit_ms, void (*closed)(void *arg), void *arg);

#endif
