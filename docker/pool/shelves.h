/* The pool's cells, each in its place: a shelf of idle cells for each kind of cell, and one list of the cells that are
 * kept for keys. This is bookkeeping: it moves, counts, finds and measures cells. balance.h decides what is done with
 * them. Nothing here calls back.
 *
 *   making ─ idle ─ taken ─ resetting ─ kept     (enum cell_role)
 *      └─────────────┘└──────────────────┘
 *
 * A cell that ends leaves its place, whichever it is: shelves_remove(). */
#ifndef CODECELL_DOCKER_POOL_SHELVES_H
#define CODECELL_DOCKER_POOL_SHELVES_H

#include "base/list.h"
#include "docker/cell/cell.h"
#include "docker/cell/cells.h"
#include "docker/pool/policy.h"
#include "docker/pool/pool.h"
#include "docker/pool/size.h"

#define SHELVES_MAX POOL_LANGUAGES_MAX

/* The idle cells of one kind, and what the pool knows about the kind. */
struct shelf {
    const struct cell_kind *kind;
    struct pool_keep keep;
    struct pool_demand demand;
    unsigned target;                /* how many idle cells the pool wants */
    unsigned making;                /* cells that are being made */
    unsigned idle_len;              /* cells in `idle` */
    struct list idle;               /* the newest first; kept cells are not among them */
    struct list lent;               /* cells that requests with POOL_KEY_ANY took: the newest first */
    unsigned shared;                /* kept and resetting cells with POOL_KEY_ANY */
    uint64_t unshared_ns;           /* when a client's request without POOL_KEY_ANY came last; 0: never */
    unsigned failures;              /* creations that failed in a row */
    uint64_t not_before_ns;         /* no creation earlier, because of the failures; 0: no wait */
    uint64_t bytes;                 /* memory of a prewarmed cell, a moving average; 0: never measured */
    uint64_t surplus_ns;            /* since when idle_len exceeds the target; 0: it does not */
    unsigned prewarm_failures;      /* in a row */
    uint64_t prewarm_not_before_ns; /* no prewarming earlier, because of the failures; 0: no wait */
};

struct shelves {
    const struct cells *cells; /* whether the engine is Podman */
    struct shelf all[SHELVES_MAX];
    size_t len;
    size_t order[SHELVES_MAX]; /* indices into `all`, in the order of the languages' ids */
    struct list kept;          /* kept and resetting cells of all keys: the last used first */
    unsigned kept_len;         /* cells in `kept` */
    unsigned resetting;        /* cells in `kept` that are being reset */
    unsigned making;           /* cells that are being made, of all kinds */
    unsigned taken;            /* cells that requests got, until they end or are given back */
    struct cell *prewarming;   /* the cell whose interpreter is being started; NULL: none */
};

void shelves_init(struct shelves *shelves, const struct cells *cells);

/* NULL: the pool has no shelf for this kind. */
struct shelf *shelves_find(struct shelves *shelves, const struct cell_kind *kind);

/* Adds a shelf; there may be SHELVES_MAX of them. `creations`: how many cells the engine makes at once. */
struct shelf *shelves_add(struct shelves *shelves, const struct cell_kind *kind, unsigned creations);

/* Moves. A cell that leaves its place is not `prewarming` any more. */
void shelves_begin(struct shelves *shelves, struct shelf *shelf, struct cell *cell, uint64_t now_ns); /* to making */
void shelves_put(struct shelves *shelves, struct cell *cell, uint64_t now_ns);                 /* from making to idle */
void shelves_take(struct shelves *shelves, struct cell *cell, int64_t key, uint64_t now_ns);   /* to taken */
void shelves_return(struct shelves *shelves, struct cell *cell, int64_t key, uint64_t now_ns); /* to resetting */
void shelves_keep(struct shelves *shelves, struct cell *cell);   /* from resetting to kept */
void shelves_remove(struct shelves *shelves, struct cell *cell); /* the cell ends */

/* Limits. */
bool shelves_limits_same(const struct cell_limits *a, const struct cell_limits *b);
/* Whether a cell with the limits `has` can be given `limits`: only with capsules can disk_mb change, and on Podman
 * no limit can. */
bool shelves_limits_suit(const struct shelves *shelves, const struct cell_limits *has,
                         const struct cell_limits *limits);
/* The same for this cell; in addition, the memory of its interpreter must fit into `limits`. */
bool shelves_suits(const struct shelves *shelves, struct cell *cell, const struct cell_limits *limits);
/* Whether this kept or resetting cell may serve the request, by key, kind and limits. */
bool shelves_may_have(const struct shelves *shelves, const struct pool_request *request, struct cell *cell);

/* Finding a cell; NULL: there is none. */

/* The idle cell that a request should get (policy_rank). */
struct cell *shelf_best(const struct shelves *shelves, const struct shelf *shelf, const struct pool_request *request);
/* The idle cell that should end first: one that is not prewarmed, and the oldest of these. */
struct cell *shelf_expendable(const struct shelf *shelf);
/* The kept cell that the request should get: the last used, and if possible one that has its limits already. */
struct cell *shelves_kept_for(const struct shelves *shelves, const struct pool_request *request);
/* How many cells with POOL_KEY_ANY count toward the shelf's target: kept ones, and those that were lent a short time
 * ago and so are about to come back. None counts for POOL_UNSHARED_NS after a request that could not use them. *next_ns
 * is lowered to the moment at which the number changes. */
unsigned shelves_shared(const struct shelf *shelf, uint64_t now_ns, uint64_t *next_ns);
/* The kept or resetting cell that was used longest ago among those that no target counts. */
struct cell *shelves_kept_spare(const struct shelves *shelves, uint64_t now_ns);
/* The kept or resetting cell that was used longest ago. */
struct cell *shelves_kept_oldest(const struct shelves *shelves);
/* A kept or resetting cell of this kind. */
struct cell *shelves_kept_of(const struct shelves *shelves, const struct shelf *shelf);

/* How many resetting cells may serve the request; and how many cells, kept ones among them. */
unsigned shelves_resetting_for(const struct shelves *shelves, const struct pool_request *request);
unsigned shelves_cells_for(const struct shelves *shelves, const struct pool_request *request);
bool shelves_have_idle(const struct shelves *shelves); /* whether any cell is idle or kept */

/* Prewarming. A blank cell is settled once it has been idle or kept for POOL_SETTLE_NS. */

/* Adds to each view how many kept cells are blank. */
void shelves_view_kept(const struct shelves *shelves, struct pool_view *views, uint64_t now_ns);
/* A kept cell of the shelf that is blank: the last used. */
struct cell *shelves_kept_blank(const struct shelves *shelves, const struct shelf *shelf);

/* Adds to each view how many cells are prewarmed and how many are settled, and lowers *next_ns to the moment at which
 * another cell will be settled. Kinds that may not be prewarmed now are left out. */
void shelves_view_prewarming(const struct shelves *shelves, struct pool_view *views, uint64_t now_ns,
                             uint64_t *next_ns);
/* A settled cell of the shelf. A kept cell is the second choice, because it serves one key only. */
struct cell *shelves_settled(const struct shelves *shelves, const struct shelf *shelf, uint64_t now_ns);

/* What is learned about a kind. */
void shelf_note_made(struct shelf *shelf, uint64_t took_ns);    /* a cell was made */
void shelf_note_failure(struct shelf *shelf, uint64_t now_ns);  /* a creation failed: the next one must wait */
void shelf_note_prewarmed(struct shelf *shelf, uint64_t bytes); /* bytes: the cell's memory; 0: not known */
/* Prewarming failed. After PREWARM_TRIES failures in a row it must wait for a long time; true: that begins now. */
bool shelf_note_prewarm_failure(struct shelf *shelf, uint64_t now_ns);

/* Sums for the budget. */
uint64_t shelf_cell_bytes(const struct shelf *shelf); /* memory of one idle cell: measured, or assumed */
struct pool_budget shelves_kept_sum(const struct shelves *shelves, uint64_t after_ns); /* kept cells used after this */
/* As if all targets were met, without the kept cells that count toward them. */
struct pool_budget shelves_target_sum(const struct shelves *shelves, uint64_t now_ns);

#endif
