/* The pool: cells kept ready per language, and one made on demand when none is. A language here is one kind of cell: of
 * a language with several versions, each is one.
 *
 * How many to keep follows demand and what the language is to have in any case (struct pool_keep, `CODECELL_POOL`),
 * within a budget of cells and of memory: pool_size.h, a pure function. Creations are paced: at most as
 * many at once as there are cores, those that a request waits for first; what to make next is a pure function
 * too (pool_policy.h). A cell that has waited for POOL_SETTLE_NS in a quiet pool gets its interpreter started
 * (cell_prewarm), one at a time. A cell that dies while it waits is replaced; where creation fails again and again
 * for a language, it is tried with a growing pause.
 *
 * Reuse: a cell that was given back (pool_return) is reset and then kept for the same key alone. It counts in
 * the budget, is taken before any other by a wish of that key, and is ended after `reuse_jobs` jobs, after
 * `reuse_idle_ms` without one, or when the budget is wanted for a language in use. */
#ifndef CODECELL_DOCKER_POOL_POOL_H
#define CODECELL_DOCKER_POOL_POOL_H

#include "docker/cell/cell.h"
#include "docker/pool/pool_size.h"

#include <uv.h>

struct pool;
struct engine;

struct pool_options {
    struct engine *engine;
    const char *instance; /* label io.codecell.instance: the database's id */
    const char *runtime;  /* the setting: runtime.h */
    const void *agent;    /* the agent's program, static ELF */
    size_t agent_len;
    unsigned creations;           /* at once */
    unsigned max_waiting;         /* cells that wait or are kept, all languages; pool_keep.least may exceed it */
    uint64_t max_waiting_bytes;   /* memory that they hold, likewise */
    unsigned reuse_jobs;          /* that one cell may be given; then it is ended */
    uint64_t reuse_idle_ms;       /* that a kept cell waits for its key's next job */
    void (*on_change)(void *arg); /* ready cells or the pool's state changed; may be NULL */
    void *arg;
};

int pool_open(struct pool **out, uv_loop_t *loop, const struct pool_options *options, struct error *error);

/* Offers a language: so many cells are kept ready from now on. Where none is to be, those that wait are ended, kept
 * ones too. `kind` is kept by pointer; there are at most POOL_LANGUAGES_MAX. */
void pool_offer(struct pool *pool, const struct cell_kind *kind, struct pool_keep keep);

/* The same with none: no cell of it waits. */
void pool_withdraw(struct pool *pool, const struct cell_kind *kind);

/* The engine came or went (from engine_options.on_change): cells are made again, or forgotten. */
void pool_engine_changed(struct pool *pool, bool up);

/* A wish for one cell. Embedded in the caller's struct. */
struct pool_wish {
    const struct cell_kind *kind;
    struct cell_limits limits;
    int64_t key; /* whose kept cells will do; 0: a cell that nobody has used */
    /* The lower is met first; of equals, the older: so one that asks for many does not shut others out. Above 1 it
     * leaves the last ready cell of its language to who comes next. */
    unsigned rank;
    bool own; /* the server's own: says nothing of how many cells clients will want */
    void (*on_cell)(struct pool_wish *wish, struct cell *cell, const struct error *error); /* once: a ready
                                            cell, now the caller's, or NULL and why */
    /* the pool's own */
    struct pool_wish *next, *prev;
    struct cell *making; /* the cell that is being made for it */
    uint64_t since_ns;
    unsigned failures; /* creations that failed for it */
    bool queued;
    bool counted; /* as demand for cells that nobody has used */
};

#define POOL_WISH_TRIES 2 /* creations that may fail before a wish does */

/* on_cell may fire from within the call where a cell waits. */
void pool_take(struct pool *pool, struct pool_wish *wish);
void pool_cancel(struct pool *pool, struct pool_wish *wish); /* no on_cell after this */

/* Gives back a cell whose job ended as CELL_DONE, for jobs of the same key: instead of cell_end. */
void pool_return(struct pool *pool, struct cell *cell, int64_t key);

struct pool_counts {
    unsigned creating, ready, running, ending; /* cells by state; creating includes attaching and starting */
    unsigned held;                             /* of the ready ones: their interpreter waits */
    unsigned kept;                             /* of the ready ones: for one key; resetting ones too */
    unsigned want;                             /* cells to keep ready, by demand and minimum */
};
void pool_counts(const struct pool *pool, const char *language, struct pool_counts *out); /* NULL: all */

/* What cells need is there (leftovers gone, the agent's volume filled, the runtime decided): a wish is served at once.
 */
bool pool_can_make(const struct pool *pool);
bool pool_engine_is_up(const struct pool *pool); /* as pool_engine_changed() said last */

/* Makes no more, ends every cell, waits for their removal (at most `limit_ms`), then `closed`. */
void pool_close(struct pool *pool, uint64_t limit_ms, void (*closed)(void *arg), void *arg);

#endif
