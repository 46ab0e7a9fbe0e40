/* Interpreters started ahead: in cells that have waited for a while in a quiet pool, one at a time, since that takes a
 * processor for as long as the interpreter's start does. */
#include "docker/pool/pool_private.h"

#include "base/log.h"
#include "base/seam.h"

/* An engine or a kernel that forbids it forbids it for all: tried now and then again. */
#define UNHELD_TRIES 3
#define UNHELD_PAUSE_NS 300000000000u

static bool may_prepare(const struct shelf *shelf, uint64_t now_ns)
{
    return shelf->kind->prewarm_argv != NULL && now_ns >= shelf->prepare_not_before_ns &&
           shelf->ready <= shelf->want; /* else one of them is going to end */
}

static bool blank(struct cell *cell)
{
    return cell_place(cell)->role != PLACE_RESETTING && cell_warmth(cell) == CELL_BLANK;
}

static uint64_t settled_ns(struct cell *cell)
{
    return cell_place(cell)->since_ns + POOL_SETTLE_NS;
}

static void view_cell(struct cell *cell, struct pool_view *view, uint64_t now_ns, uint64_t *next_ns)
{
    if (!blank(cell))
        return;
    if (now_ns >= settled_ns(cell))
        view->settled++;
    else
        pool_sooner(next_ns, settled_ns(cell), now_ns);
}

void pool_prepare_view(const struct pool *pool, struct pool_view *views, uint64_t now_ns, uint64_t *next_ns)
{
    for (size_t i = 0; i < pool->shelves_len; i++) {
        if (!may_prepare(&pool->shelves[i], now_ns))
            continue;
        for (struct cell *cell = pool->shelves[i].first; cell != NULL; cell = cell_place(cell)->next) {
            views[i].held += cell_warmth(cell) == CELL_PREWARMED;
            view_cell(cell, &views[i], now_ns, next_ns);
        }
    }
    for (struct cell *cell = pool->kept; cell != NULL; cell = cell_place(cell)->next) {
        const struct shelf *shelf = cell_place(cell)->shelf;
        if (may_prepare(shelf, now_ns))
            view_cell(cell, &views[shelf - pool->shelves], now_ns, next_ns);
    }
}

/* A kept one is the last choice: it serves its key alone. */
static struct cell *settled_cell(struct pool *pool, const struct shelf *shelf, uint64_t now_ns)
{
    struct cell *cell = shelf->first;

    while (cell != NULL && !(blank(cell) && now_ns >= settled_ns(cell)))
        cell = cell_place(cell)->next;
    if (cell != NULL)
        return cell;
    cell = pool->kept;
    while (cell != NULL && !(cell_place(cell)->shelf == shelf && blank(cell) && now_ns >= settled_ns(cell)))
        cell = cell_place(cell)->next;
    return cell;
}

void pool_prepare(struct pool *pool, struct shelf *shelf, uint64_t now_ns)
{
    pool->preparing = settled_cell(pool, shelf, now_ns);
    cell_prewarm(pool->preparing);
}

void pool_unheld(struct shelf *shelf)
{
    if (++shelf->unheld < UNHELD_TRIES)
        return;
    shelf->prepare_not_before_ns = seam()->monotonic_ns() + UNHELD_PAUSE_NS;
    if (shelf->unheld == UNHELD_TRIES)
        log_event(LOG_WARN, "cell.prewarm_failed", LOG_STR("language", shelf->kind->language),
                  LOG_STR("reason", "interpreters can't be started ahead here; each job starts its own"));
}

void pool_on_prepared(void *arg, struct cell *cell)
{
    struct pool *pool = arg;
    struct shelf *shelf = cell_place(cell)->shelf;

    if (pool->preparing == cell)
        pool->preparing = NULL;
    if (cell_warmth(cell) == CELL_PREWARMED) {
        shelf->unheld = 0;
        pool_measured(shelf, cell_prewarmed_bytes(cell));
    } else {
        pool_unheld(shelf);
    }
    pool_changed(pool);
    pool_balance(pool);
}
