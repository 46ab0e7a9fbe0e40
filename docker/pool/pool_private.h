/* The pool's structs, shared by its files:
 *   pool.c          what others call           pool_cells.c   wishes, and what becomes of a cell
 *   pool_balance.c  what is done next          pool_want.c    how many cells each language is to have
 *   pool_kept.c     cells kept for a key       pool_prepare.c interpreters started ahead
 *   pool_close.c    the end
 * What they decide is in pool_policy.c and pool_size.c, which are pure. */
#ifndef CODECELL_DOCKER_POOL_POOL_PRIVATE_H
#define CODECELL_DOCKER_POOL_POOL_PRIVATE_H

#include "docker/cell/cell_prewarm.h"
#include "docker/cell/cells.h"
#include "docker/cell/reaper.h"
#include "docker/cell/runtime.h"
#include "docker/cell/volume.h"
#include "docker/engine/engine.h"
#include "docker/pool/pool.h"
#include "docker/pool/pool_policy.h"
#include "docker/pool/pool_size.h"

#define SHELVES_MAX POOL_LANGUAGES_MAX

struct shelf {
    const struct cell_kind *kind;
    struct pool_keep keep;
    unsigned want, ready, making;
    struct cell *first; /* that wait: the newest first; kept ones are not among them */
    unsigned failures;  /* creations that failed in a row */
    uint64_t not_before_ns;
    struct pool_demand demand;
    uint64_t bytes;      /* what a waiting cell holds: a moving average; 0: never measured */
    uint64_t surplus_ns; /* since when more are ready than wanted; 0: they are not */
    unsigned unheld;     /* cells in a row whose interpreter could not be held */
    uint64_t prepare_not_before_ns;
};

struct pool {
    uv_loop_t *loop;
    struct cells cells;
    struct cell_owner owner;
    struct volume volume;
    struct reaper reaper;
    struct runtime_trial runtime;
    bool deciding; /* the runtime's trial is under way */
    struct shelf shelves[SHELVES_MAX];
    size_t shelves_len;
    size_t order[SHELVES_MAX];      /* indices of shelves, in the order of their languages' ids */
    struct pool_wish *first, *last; /* by rank, then oldest first */
    unsigned creations, making;
    unsigned taken;   /* cells that others have and have not ended */
    unsigned ending;  /* cells whose removal the engine has not answered */
    uint64_t fill_ns; /* shelves are not filled before; 0: nothing holds them up */

    struct pool_budget budget;
    uint64_t sized_ns; /* when `want` was set last */
    bool asked;        /* since then a cell was asked for */

    struct cell *kept, *kept_last; /* for their keys, resetting ones too: the last used first */
    unsigned kept_len, resetting;
    unsigned reuse_jobs;
    uint64_t reuse_idle_ns;

    struct cell *preparing; /* whose interpreter is being started ahead; NULL: none */

    bool up, swept, closing, last_swept, leaving;
    unsigned volume_failures;
    uint64_t volume_not_before_ns;
    uv_timer_t timer; /* the next moment at which time alone changes something; while closing, the patience */
    unsigned handles;
    void (*on_change)(void *arg);
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* pool_balance.c: the one that decides. A wish came, a cell changed, the engine or a pause changed. */
void pool_balance(struct pool *pool);
void pool_on_runtime(void *arg); /* runtime.h: done */
/* *next becomes `when`, where that is to come and the sooner one; 0: none. */
void pool_sooner(uint64_t *next, uint64_t when_ns, uint64_t now_ns);

/* pool_cells.c */
struct shelf *pool_shelf_of(struct pool *pool, const struct cell_kind *kind);
bool pool_limits_same(const struct cell_limits *a, const struct cell_limits *b);
/* Whether a cell with the limits `has` can be given these while it waits: disk_mb never, and on Podman none. */
bool pool_limits_suit(const struct pool *pool, const struct cell_limits *has, const struct cell_limits *limits);
/* The same of a cell, of which also what has been started in it ahead must fit into less memory. */
bool pool_suits(const struct pool *pool, struct cell *cell, const struct cell_limits *limits);
void pool_shelf_remove(struct shelf *shelf, struct cell *cell);
/* The cell that goes first where one is too many: rather one that nothing was started in, rather the oldest. */
struct cell *pool_shelf_least(const struct shelf *shelf);
struct cell *pool_find(struct pool *pool, const struct pool_wish *wish, uint64_t now_ns); /* NULL: it has to wait */
void pool_serve(struct pool *pool, uint64_t now_ns); /* hands out what waits and is waited for */
void pool_hand(struct pool *pool, struct pool_wish *wish, struct cell *cell);
void pool_wish_unlink(struct pool *pool, struct pool_wish *wish);
void pool_wish_finish(struct pool *pool, struct pool_wish *wish, struct cell *cell, const struct error *error);
void pool_wishes_fail(struct pool *pool, const struct cell_kind *kind, const struct error *error); /* NULL: all */
int pool_make(struct pool *pool, struct shelf *shelf, struct pool_wish *wish); /* NULL: for the shelf */
void pool_on_ready(void *arg, struct cell *cell);                              /* struct cell_owner's */
void pool_on_ending(void *arg, struct cell *cell, const struct error *error);
void pool_on_gone(void *arg, struct cell *cell);
void pool_changed(struct pool *pool);

/* pool_want.c */
void pool_want(struct pool *pool, uint64_t now_ns);         /* sets `want` of each shelf anew */
uint64_t pool_want_next(const struct pool *pool);           /* when it is to be done again; 0: no need */
void pool_asked(struct pool *pool, struct pool_wish *wish); /* it takes a cell that nobody has used; counts once */
void pool_measured(struct shelf *shelf, uint64_t bytes);    /* what a waiting cell of it holds; 0: not known */
uint64_t pool_cell_bytes(const struct shelf *shelf);        /* the same on average, or assumed */

/* pool_kept.c */
struct cell *pool_kept_find(struct pool *pool, const struct pool_wish *wish); /* NULL: none that waits */
void pool_kept_remove(struct pool *pool, struct cell *cell);
void pool_kept_ready(struct pool *pool, struct cell *cell); /* it was reset */
/* Whether the wish had better wait: for a cell of its key that is being reset, and that no older wish waits for. */
bool pool_kept_coming(const struct pool *pool, const struct pool_wish *wish, uint64_t now_ns);
void pool_kept_trim(struct pool *pool, uint64_t now_ns); /* ends those past their time or the budget */
void pool_kept_end(struct pool *pool, const struct cell_kind *kind);
struct pool_budget pool_kept_busy(const struct pool *pool, uint64_t now_ns); /* those used a short while ago */
uint64_t pool_kept_next(const struct pool *pool);                            /* when one is past its time; 0: none */

/* pool_prepare.c */
void pool_prepare_view(const struct pool *pool, struct pool_view *views, uint64_t now_ns, uint64_t *next_ns);
void pool_prepare(struct pool *pool, struct shelf *shelf, uint64_t now_ns);
void pool_unheld(struct shelf *shelf); /* a cell's interpreter could not be held, or its cell died of it */
void pool_on_prepared(void *arg, struct cell *cell);

/* pool_close.c: goes on with closing, as far as it can. */
void pool_close_step(struct pool *pool);
void pool_on_trial_gone(void *arg); /* runtime.h: gone */

#endif
