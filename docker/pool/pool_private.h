/* The pool's struct, which pool.c and balance.c share. */
#ifndef CODECELL_DOCKER_POOL_POOL_PRIVATE_H
#define CODECELL_DOCKER_POOL_POOL_PRIVATE_H

#include "base/states.h"
#include "docker/cell/isolation.h"
#include "docker/cell/reaper.h"
#include "docker/cell/runtime.h"
#include "docker/cell/volume.h"
#include "docker/pool/pool.h"
#include "docker/pool/shelves.h"

/*   away ─ sweeping ─ filling ─ choosing ─ trying ─ open ⇄ refilling   (the engine goes away in any: away again)
 *
 *   pool_close: ending ─ last sweep ─ leaving ─ closed
 *                  └────────┴─ giving up ──────────┘            (no engine, or its answers take too long)           */
enum pool_life {
    POOL_AWAY,       /* the engine is not reachable */
    POOL_SWEEPING,   /* removes what earlier servers left */
    POOL_FILLING,    /* fills the agent's volume, or waits to try that again */
    POOL_CHOOSING,   /* finds out which runtime the cells get */
    POOL_TRYING,     /* finds out whether they can have capsules */
    POOL_OPEN,       /* makes cells */
    POOL_REFILLING,  /* fills the volume once more: creations failed, so perhaps somebody removed it */
    POOL_ENDING,     /* waits for the removal of all cells */
    POOL_LAST_SWEEP, /* removes what else is ours */
    POOL_LEAVING,    /* removes the agent's volume */
    POOL_GIVING_UP,  /* waits for the cells without asking the engine for anything more */
    POOL_CLOSED,     /* its handles close */
    POOL_LIVES
};
extern const struct states pool_lives; /* the legal moves */

struct pool {
    enum pool_life life;
    /* Whether the pool is at work: a call that comes from within only asks for another turn. */
    enum pool_turn { POOL_REST, POOL_TURN, POOL_ANOTHER_TURN } turn;

    struct cells cells;
    struct cell_owner owner;
    struct volume volume;
    struct reaper reaper;
    struct runtime_trial runtime;
    struct isolation_trial isolation;
    struct shelves shelves;
    struct list requests; /* struct pool_request that wait: by rank, then the oldest first */

    unsigned creations; /* how many cells the engine makes at once */
    unsigned ending;    /* cells whose removal the engine has not answered */
    uint64_t fill_ns;   /* shelves are not filled earlier, because programs run; 0: no wait */

    struct pool_budget budget;
    uint64_t sized_ns;  /* when the targets were set */
    uint64_t resize_ns; /* when they must be set again; 0: no need */

    unsigned reuse_jobs;
    uint64_t reuse_idle_ns;

    unsigned volume_failures; /* in a row */
    uint64_t volume_not_before_ns;
    uv_timer_t timer; /* the next moment at which time alone changes something; while closing, the end of patience */
    unsigned handles; /* that are closing */
    void (*closed)(void *arg);
    void *closed_arg;
};

#endif
