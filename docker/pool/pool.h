/* The pool: all idle cells, and the making of new ones.
 *
 * A request (struct pool_request) asks for one cell. It gets a cell that is kept for its key, else an idle cell of its
 * language, else a new cell that is made for it. A language here means a variant: a language in one version, which is
 * one kind of cell.
 *
 * How many idle cells a language has follows demand and CODECELL_POOL (struct pool_keep), within a budget of cells and
 * memory (size.h). The options limit how many cells are made at once; cells for requests come first (policy.h). A
 * cell that has been idle for POOL_SETTLE_NS while little happens is prewarmed, one cell at a time. An idle cell that
 * dies is replaced. If the creation of a language's cells fails again and again, the pool waits longer before each try.
 *
 * Reuse: a cell that was given back (pool_return) is reset, and then kept for the same key alone. It counts in the
 * budget. It ends after `reuse_jobs` jobs, after `reuse_idle_ms` without a job, or if the budget is needed for a
 * language in use.
 *
 * docs/internals/pool.md tells the whole of it. */
#ifndef CODECELL_DOCKER_POOL_POOL_H
#define CODECELL_DOCKER_POOL_POOL_H

#include "base/list.h"
#include "docker/cell/cell.h"
#include "docker/pool/size.h"

#include <uv.h>

struct pool;
struct engine;

/* The key of all requests that share their cells with each other. The keys of others are above 0. */
#define POOL_KEY_ANY INT64_C(-1)

struct pool_options {
    struct engine *engine;
    const char *instance; /* label io.codecell.instance: the database's id */
    const char *runtime;  /* the setting: runtime.h */
    bool capsules;        /* asked for, by the setting: isolation.h */
    const char *apparmor; /* the profile of cells; NULL: the engine's own */
    const void *agent;    /* the agent's program, static ELF */
    size_t agent_len;
    unsigned creations;      /* how many cells the engine makes at once */
    unsigned max_idle;       /* idle and kept cells of all languages; pool_keep.minimum may exceed it */
    uint64_t max_idle_bytes; /* their memory; pool_keep.minimum may exceed it too */
    unsigned reuse_jobs;     /* how many jobs one cell may be given before it ends */
    uint64_t reuse_idle_ms;  /* how long a kept cell waits for the next job of its key */
};

int pool_open(struct pool **out, uv_loop_t *loop, const struct pool_options *options, struct error *error);

/* Offers a language: from now on the pool has idle cells of it, as `keep` says. If `keep` is all zero, its idle and
 * kept cells end. `kind` is kept by pointer. There are at most POOL_LANGUAGES_MAX of them. */
void pool_offer(struct pool *pool, const struct cell_kind *kind, struct pool_keep keep);

/* pool_offer() with a `keep` of all zero. Requests for the language still get cells. */
void pool_withdraw(struct pool *pool, const struct cell_kind *kind);

/* The engine came or went (from engine_options.on_change): cells are made again, or all of them end. */
void pool_engine_changed(struct pool *pool, bool up);

/* A request for one cell. It is embedded in the caller's struct and starts as all zero, except the caller's fields. */
struct pool_request {
    const struct cell_kind *kind;
    struct cell_limits limits;
    int64_t key; /* the key whose kept cells may serve it; 0: only a cell that nobody has used */
    /* The lower rank is served first, and of equal ranks the older request. So a key with many requests does not shut
     * out another. A request with a rank above 1 leaves the last idle cell of its language to others. */
    unsigned rank;
    bool fresh; /* its job starts another command than what is prewarmed: a blank cell is the better one */
    bool own;   /* the server's own request: it does not count as demand of clients */
    /* Fires once, with a ready cell that is now the caller's, or with NULL and the reason. */
    void (*on_cell)(struct pool_request *request, struct cell *cell, const struct error *error);
    /* The rest is the pool's own. */
    struct list node;    /* while it waits */
    struct cell *making; /* the cell that is being made for it */
    uint64_t since_ns;
    unsigned failures; /* creations that failed for it */
    bool counted;      /* it has been counted as demand, or must not be */
};

#define POOL_REQUEST_TRIES 2 /* failed creations after which a request fails */

/* on_cell may fire from within pool_take(). It may call any function of the pool, pool_take() included. */
void pool_take(struct pool *pool, struct pool_request *request);
void pool_cancel(struct pool *pool, struct pool_request *request); /* no on_cell after this */

/* Gives back a cell whose job ended as CELL_DONE, for further jobs of the same key. Replaces cell_end(). The pool ends
 * the cell if there are no capsules, or if the cell is old. */
void pool_return(struct pool *pool, struct cell *cell, int64_t key);

/* The same for a cell whose job is still running: its program is killed (cell_stop.h). If that fails, or the program
 * was out of memory (CELL_SPENT), the pool ends the cell. */
void pool_stop(struct pool *pool, struct cell *cell, int64_t key);

struct pool_counts {
    unsigned creating, ready, running, ending; /* cells by state; creating includes attaching and starting */
    unsigned prewarmed;                        /* how many of the ready cells are prewarmed */
    unsigned kept;   /* how many of the ready cells are kept for a key or being reset for it */
    unsigned target; /* how many idle cells the pool wants; kept cells do not count */
};
void pool_counts(const struct pool *pool, const char *language, struct pool_counts *out); /* language NULL: all */

/* Whether the pool can make cells now: leftovers are removed, the agent's volume is filled, the runtime is chosen. */
bool pool_can_make(const struct pool *pool);

/* What parts programs from each other. */
struct pool_isolation {
    bool chosen, asked, capsules; /* known since the engine came; capsules are asked for; they are used */
    const char *reason;           /* a sentence; the pool's own, until the next choice */
};
struct pool_isolation pool_isolation(const struct pool *pool);

bool pool_engine_is_up(const struct pool *pool); /* as pool_engine_changed() last said */

/* Makes no more cells, ends all of them, waits at most `limit_ms` for their removal, then calls `closed`. Requests that
 * wait fail from within the call. The pool is freed before `closed`. */
void pool_close(struct pool *pool, uint64_t limit_ms, void (*closed)(void *arg), void *arg);

#endif
