/* The pool's structs, shared by pool.c (what others call), pool_cells.c (wishes, and what becomes of a cell),
 * pool_balance.c (what is made next) and pool_close.c. */
#ifndef CODECELL_DOCKER_POOL_PRIVATE_H
#define CODECELL_DOCKER_POOL_PRIVATE_H

#include "docker/cells.h"
#include "docker/engine.h"
#include "docker/pool.h"
#include "docker/reaper.h"
#include "docker/volume.h"

#define SHELVES_MAX 200

struct shelf {
    const struct cell_kind *kind;
    unsigned want, ready, making;
    struct cell *first; /* that wait */
    unsigned failures;  /* creations that failed in a row */
    uint64_t not_before_ns;
};

struct pool {
    uv_loop_t *loop;
    struct cells cells;
    struct cell_owner owner;
    struct volume volume;
    struct reaper reaper;
    struct shelf shelves[SHELVES_MAX];
    size_t shelves_len;
    struct pool_wish *first, *last; /* oldest first */
    unsigned creations, making;
    unsigned taken;   /* cells that others have and have not ended */
    uint64_t fill_ns; /* shelves are not filled before; 0: nothing holds them up */
    bool up, swept, closing, last_swept, leaving;
    unsigned volume_failures;
    uint64_t volume_not_before_ns;
    uv_timer_t timer; /* the end of the next pause; while closing, of the patience */
    unsigned handles;
    void (*on_change)(void *arg);
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* pool_balance.c: the one that decides. A wish came, a cell changed, the engine or a pause changed. */
void pool_balance(struct pool *pool);

/* pool_cells.c */
struct shelf *pool_shelf_of(struct pool *pool, const struct cell_kind *kind);
/* Whether a cell has these limits, or can be given them while it waits: disk_mb never, and on Podman none. */
bool pool_suits(const struct pool *pool, const struct cell *cell, const struct cell_limits *limits);
void pool_shelf_remove(struct shelf *shelf, struct cell *cell);
void pool_wish_unlink(struct pool *pool, struct pool_wish *wish);
void pool_wish_finish(struct pool *pool, struct pool_wish *wish, struct cell *cell, const struct error *error);
void pool_wishes_fail(struct pool *pool, const struct cell_kind *kind, const struct error *error); /* NULL: all */
int pool_make(struct pool *pool, struct shelf *shelf, struct pool_wish *wish); /* NULL: for the shelf */
void pool_on_ready(void *arg, struct cell *cell);                              /* struct cell_owner's */
void pool_on_ending(void *arg, struct cell *cell, const struct error *error);
void pool_on_gone(void *arg, struct cell *cell);

/* pool_close.c: goes on with closing, as far as it can. */
void pool_close_step(struct pool *pool);

#endif
