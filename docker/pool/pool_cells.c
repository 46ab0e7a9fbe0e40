/* Wishes and cells: a wish is met by a cell kept for its key, by one that waits, by the one that is made for it, or by
 * whichever of its language is ready first. */
#include "docker/pool/pool_private.h"

#include "base/log.h"
#include "base/seam.h"

#define HELD_ROOM ((uint64_t)8 << 20) /* for the agent, and what moves while a cell waits */

bool pool_limits_same(const struct cell_limits *a, const struct cell_limits *b)
{
    return a->milli_cpus == b->milli_cpus && a->memory_mb == b->memory_mb && a->disk_mb == b->disk_mb &&
           a->processes == b->processes;
}

bool pool_limits_suit(const struct pool *pool, const struct cell_limits *has, const struct cell_limits *limits)
{
    return pool->cells.podman ? pool_limits_same(has, limits) : has->disk_mb == limits->disk_mb;
}

/* The kernel refuses a memory limit below what is held already, and the limit is set before the agent ends an
 * interpreter that the job will not use. What one that is still being started holds is known of others. */
static bool leaves_room(struct cell *cell, const struct cell_limits *limits)
{
    uint64_t held = 0;

    if (limits->memory_mb >= cell_limits(cell)->memory_mb)
        return true;
    if (cell_waiting(cell) == CELL_HELD)
        held = cell_waiting_bytes(cell);
    else if (cell_waiting(cell) == CELL_PREPARING)
        held = 2 * pool_cell_bytes(cell_place(cell)->shelf);
    return held + HELD_ROOM <= (uint64_t)cell_memory_bytes(cell_kind(cell), limits);
}

bool pool_suits(const struct pool *pool, struct cell *cell, const struct cell_limits *limits)
{
    return pool_limits_suit(pool, cell_limits(cell), limits) && leaves_room(cell, limits);
}

struct shelf *pool_shelf_of(struct pool *pool, const struct cell_kind *kind)
{
    for (size_t i = 0; i < pool->shelves_len; i++)
        if (pool->shelves[i].kind == kind)
            return &pool->shelves[i];
    return NULL;
}

void pool_changed(struct pool *pool)
{
    if (pool->on_change != NULL)
        pool->on_change(pool->arg);
}

/* The shelf's list of waiting cells, oldest last. */

static void shelf_put(struct shelf *shelf, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);

    place->role = PLACE_WAITING;
    place->since_ns = seam()->monotonic_ns();
    place->prev = NULL;
    place->next = shelf->first;
    if (shelf->first != NULL)
        cell_place(shelf->first)->prev = cell;
    shelf->first = cell;
    shelf->ready++;
}

void pool_shelf_remove(struct shelf *shelf, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);

    if (place->prev != NULL)
        cell_place(place->prev)->next = place->next;
    else
        shelf->first = place->next;
    if (place->next != NULL)
        cell_place(place->next)->prev = place->prev;
    shelf->ready--;
}

struct cell *pool_shelf_least(const struct shelf *shelf)
{
    struct cell *least = shelf->first;

    for (struct cell *cell = shelf->first; cell != NULL; cell = cell_place(cell)->next)
        if (cell_waiting(least) == CELL_HELD || cell_waiting(cell) != CELL_HELD)
            least = cell;
    return least;
}

/* Cells of a shelf are alike but for their interpreters. */
static struct cell *shelf_find(const struct pool *pool, const struct shelf *shelf, const struct cell_limits *limits)
{
    bool usual = pool_limits_same(limits, &shelf->kind->limits);
    struct cell *best = NULL;

    for (struct cell *cell = shelf->first; cell != NULL; cell = cell_place(cell)->next)
        if (pool_suits(pool, cell, limits) &&
            (best == NULL || pool_rank(cell_waiting(cell), usual) < pool_rank(cell_waiting(best), usual)))
            best = cell;
    return best;
}

/* A cell leaves its place. */
static void leave(struct pool *pool, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);
    struct shelf *shelf = place->shelf;

    if (pool->preparing == cell)
        pool->preparing = NULL;
    switch (place->role) {
    case PLACE_MAKING:
        pool->making--;
        shelf->making--;
        break;
    case PLACE_WAITING:
        pool_shelf_remove(shelf, cell);
        break;
    case PLACE_RESETTING:
    case PLACE_KEPT:
        pool_kept_remove(pool, cell);
        break;
    case PLACE_TAKEN:
        pool->taken--;
        break;
    }
}

/* Wishes. */

void pool_wish_unlink(struct pool *pool, struct pool_wish *wish)
{
    if (wish->prev != NULL)
        wish->prev->next = wish->next;
    else
        pool->first = wish->next;
    if (wish->next != NULL)
        wish->next->prev = wish->prev;
    else
        pool->last = wish->prev;
    wish->queued = false;
}

void pool_wish_finish(struct pool *pool, struct pool_wish *wish, struct cell *cell, const struct error *error)
{
    if (wish->queued)
        pool_wish_unlink(pool, wish);
    wish->making = NULL;
    if (cell != NULL) {
        leave(pool, cell);
        cell_place(cell)->role = PLACE_TAKEN;
        pool->taken++;
        if (pool->fill_ns == 0)
            pool->fill_ns = seam()->monotonic_ns() + POOL_SETTLE_NS;
    }
    wish->on_cell(wish, cell, error);
}

void pool_hand(struct pool *pool, struct pool_wish *wish, struct cell *cell)
{
    if (cell_jobs(cell) == 0)
        pool_asked(pool, wish);
    pool_wish_finish(pool, wish, cell, NULL);
}

struct cell *pool_find(struct pool *pool, const struct pool_wish *wish, uint64_t now_ns)
{
    struct cell *kept = pool_kept_find(pool, wish);

    if (kept != NULL || pool_kept_coming(pool, wish, now_ns))
        return kept;
    const struct shelf *shelf = pool_shelf_of(pool, wish->kind);
    if (wish->rank > 1 && shelf->ready == 1)
        return NULL;
    return shelf_find(pool, shelf, &wish->limits);
}

static bool anything_waits(const struct pool *pool)
{
    size_t i = 0;

    while (i < pool->shelves_len && pool->shelves[i].ready == 0)
        i++;
    return i < pool->shelves_len || pool->kept_len > pool->resetting;
}

/* Begins anew after each: whoever gets a cell may ask for more, or take a wish back. */
void pool_serve(struct pool *pool, uint64_t now_ns)
{
    struct pool_wish *wish = pool->first;

    while (wish != NULL && anything_waits(pool)) {
        struct cell *cell = pool_find(pool, wish, now_ns);
        if (cell != NULL)
            pool_hand(pool, wish, cell);
        wish = cell != NULL ? pool->first : wish->next;
    }
}

void pool_wishes_fail(struct pool *pool, const struct cell_kind *kind, const struct error *error)
{
    for (struct pool_wish *wish = pool->first, *next; wish != NULL; wish = next) {
        next = wish->next;
        if (kind == NULL || wish->kind == kind)
            pool_wish_finish(pool, wish, NULL, error);
    }
}

/* The wish that a cell is being made for; NULL: for the shelf, or its wish was taken back. */
static struct pool_wish *wish_behind(struct pool *pool, const struct cell *cell)
{
    struct pool_wish *wish = pool->first;

    while (wish != NULL && wish->making != cell)
        wish = wish->next;
    return wish;
}

/* The first that the cell suits, but one that had better wait for its key's own cell. */
static struct pool_wish *first_suited(struct pool *pool, struct cell *cell, uint64_t now_ns)
{
    struct pool_wish *wish = pool->first;

    while (wish != NULL && (wish->kind != cell_kind(cell) || !pool_suits(pool, cell, &wish->limits) ||
                            pool_kept_coming(pool, wish, now_ns)))
        wish = wish->next;
    return wish;
}

static bool may_keep(const struct pool *pool, struct cell *cell)
{
    const struct shelf *shelf = cell_place(cell)->shelf;

    return !pool_keeps_none(&shelf->keep) && pool_limits_same(cell_limits(cell), &shelf->kind->limits) &&
           !pool->closing;
}

/* The one that it was made for, or one of a lower rank that came since: then they change cells. The only ready one of a
 * language waits for a wish of rank 1 (pool_find). */
static struct pool_wish *wish_for(struct pool *pool, struct cell *cell, uint64_t now_ns)
{
    struct pool_wish *own = wish_behind(pool, cell), *first = first_suited(pool, cell, now_ns);

    if (own == NULL && first != NULL && first->rank > 1 && pool_shelf_of(pool, first->kind)->ready == 0 &&
        may_keep(pool, cell))
        return NULL;
    if (own == NULL || first == NULL)
        return own != NULL ? own : first;
    if (first->rank >= own->rank)
        return own;
    own->making = first->making;
    first->making = cell;
    return first;
}

/* Cells. */

static void made(struct pool *pool, struct shelf *shelf, struct cell *cell)
{
    uint64_t now = seam()->monotonic_ns();
    struct pool_wish *wish = wish_for(pool, cell, now);

    shelf->failures = 0;
    shelf->not_before_ns = 0;
    pool_demand_made(&shelf->demand, now - cell_place(cell)->since_ns);
    if (wish != NULL) {
        pool_hand(pool, wish, cell);
    } else if (may_keep(pool, cell)) {
        leave(pool, cell);
        shelf_put(shelf, cell); /* one too many ends in a quiet moment */
    } else {
        cell_end(cell);
    }
}

void pool_on_ready(void *arg, struct cell *cell)
{
    struct pool *pool = arg;

    if (cell_place(cell)->role == PLACE_RESETTING)
        pool_kept_ready(pool, cell);
    else
        made(pool, cell_place(cell)->shelf, cell);
    pool_changed(pool);
    pool_balance(pool);
}

static void creation_failed(struct pool *pool, struct shelf *shelf, struct cell *cell, const struct error *error)
{
    uint64_t now = seam()->monotonic_ns();
    struct pool_wish *wish = wish_behind(pool, cell);

    if (error->code == ERROR_NONE)
        return;                        /* by cell_end */
    if (now >= shelf->not_before_ns) { /* those that were under way together count once */
        shelf->failures++;
        shelf->not_before_ns = now + pool_pause_ns(shelf->failures);
    }
    if (shelf->failures > 1)
        pool->volume.filled = false; /* somebody may have pruned it: filled again before the next try */
    log_event(LOG_WARN, "cell.failed", LOG_STR("language", shelf->kind->language), LOG_STR("reason", error->text),
              LOG_INT("failures", shelf->failures));
    if (wish != NULL) {
        wish->making = NULL;
        if (++wish->failures >= POOL_WISH_TRIES || error->code == ERROR_NOT_FOUND) /* no such image: none will be */
            pool_wish_finish(pool, wish, NULL, error);
    }
}

void pool_on_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct pool *pool = arg;
    struct shelf *shelf = cell_place(cell)->shelf;
    enum cell_role role = cell_place(cell)->role;

    if (pool->preparing == cell && error->code != ERROR_NONE)
        pool_unheld(shelf);
    leave(pool, cell);
    pool->ending++;
    if (role == PLACE_MAKING)
        creation_failed(pool, shelf, cell, error);
    else if (role != PLACE_TAKEN && error->code != ERROR_NONE)
        log_event(LOG_WARN, role == PLACE_RESETTING ? "cell.not_reset" : "cell.died",
                  LOG_STR("language", shelf->kind->language), LOG_STR("reason", error->text));
    pool_changed(pool);
    pool_balance(pool);
}

void pool_on_gone(void *arg, struct cell *cell)
{
    struct pool *pool = arg;

    (void)cell;
    pool->ending--;
    if (pool->closing)
        pool_close_step(pool);
    else
        pool_balance(pool);
}

int pool_make(struct pool *pool, struct shelf *shelf, struct pool_wish *wish)
{
    const struct cell_limits *limits = wish != NULL ? &wish->limits : &shelf->kind->limits;
    struct cell *cell = cell_make(&pool->cells, shelf->kind, limits, &pool->owner);

    if (cell == NULL)
        return -1;
    cell_place(cell)->shelf = shelf;
    cell_place(cell)->role = PLACE_MAKING;
    cell_place(cell)->since_ns = seam()->monotonic_ns();
    shelf->making++;
    pool->making++;
    if (wish != NULL)
        wish->making = cell;
    return 0;
}
