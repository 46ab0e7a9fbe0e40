/* Wishes and cells: a wish is met by a cell that waits, by the one that is made for it, or by whichever of its language
 * is ready first. */
#include "docker/pool_private.h"

#include "base/log.h"
#include "base/seam.h"
#include "docker/pool_policy.h"

static bool limits_same(const struct cell_limits *a, const struct cell_limits *b)
{
    return a->milli_cpus == b->milli_cpus && a->memory_mb == b->memory_mb && a->disk_mb == b->disk_mb &&
           a->processes == b->processes;
}

bool pool_suits(const struct pool *pool, const struct cell *cell, const struct cell_limits *limits)
{
    const struct cell_limits *has = cell_limits(cell);

    return pool->cells.podman ? limits_same(has, limits) : has->disk_mb == limits->disk_mb;
}

struct shelf *pool_shelf_of(struct pool *pool, const struct cell_kind *kind)
{
    for (size_t i = 0; i < pool->shelves_len; i++)
        if (pool->shelves[i].kind == kind)
            return &pool->shelves[i];
    return NULL;
}

static void changed(struct pool *pool)
{
    if (pool->on_change != NULL)
        pool->on_change(pool->arg);
}

/* The shelf's list of waiting cells, oldest last. */

static void shelf_put(struct shelf *shelf, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);

    place->role = PLACE_WAITING;
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
        cell_place(cell)->role = PLACE_TAKEN;
        pool->taken++;
        if (pool->fill_ns == 0)
            pool->fill_ns = seam()->monotonic_ns() + POOL_SETTLE_NS;
    }
    wish->on_cell(wish, cell, error);
}

void pool_wishes_fail(struct pool *pool, const struct cell_kind *kind, const struct error *error)
{
    for (struct pool_wish *wish = pool->first, *next; wish != NULL; wish = next) {
        next = wish->next;
        if (kind == NULL || wish->kind == kind)
            pool_wish_finish(pool, wish, NULL, error);
    }
}

static struct pool_wish *wish_for(struct pool *pool, const struct cell *cell)
{
    struct pool_wish *oldest = NULL;

    for (struct pool_wish *wish = pool->first; wish != NULL; wish = wish->next) {
        if (wish->making == cell)
            return wish;
        if (oldest == NULL && wish->kind == cell_kind(cell) && pool_suits(pool, cell, &wish->limits))
            oldest = wish;
    }
    return oldest;
}

/* Cells. */

static void discard(struct pool *pool, struct cell *cell)
{
    cell_place(cell)->role = PLACE_TAKEN;
    pool->taken++;
    cell_end(cell);
}

void pool_on_ready(void *arg, struct cell *cell)
{
    struct pool *pool = arg;
    struct shelf *shelf = cell_place(cell)->shelf;
    struct pool_wish *wish = wish_for(pool, cell);

    pool->making--;
    shelf->making--;
    shelf->failures = 0;
    shelf->not_before_ns = 0;
    if (wish != NULL)
        pool_wish_finish(pool, wish, cell, NULL);
    else if (shelf->ready < shelf->want && limits_same(cell_limits(cell), &shelf->kind->limits) && !pool->closing)
        shelf_put(shelf, cell);
    else
        discard(pool, cell);
    changed(pool);
    pool_balance(pool);
}

static void creation_failed(struct pool *pool, struct shelf *shelf, struct cell *cell, const struct error *error)
{
    struct pool_wish *wish = wish_for(pool, cell);

    pool->making--;
    shelf->making--;
    if (error->code == ERROR_NONE)
        return; /* by cell_end */
    uint64_t now = seam()->monotonic_ns();
    if (now >= shelf->not_before_ns) { /* those that were under way together count once */
        shelf->failures++;
        shelf->not_before_ns = now + pool_pause_ns(shelf->failures);
    }
    if (shelf->failures > 1)
        pool->volume.filled = false; /* somebody may have pruned it: filled again before the next try */
    log_event(LOG_WARN, "cell.failed", LOG_STR("language", shelf->kind->language), LOG_STR("reason", error->text),
              LOG_INT("failures", shelf->failures));
    if (wish != NULL && wish->making == cell) {
        wish->making = NULL;
        if (++wish->failures >= POOL_WISH_TRIES || error->code == ERROR_NOT_FOUND) /* no such image: none will be */
            pool_wish_finish(pool, wish, NULL, error);
    }
}

void pool_on_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct pool *pool = arg;
    struct cell_place *place = cell_place(cell);
    struct shelf *shelf = place->shelf;

    if (place->role == PLACE_MAKING) {
        creation_failed(pool, shelf, cell, error);
    } else if (place->role == PLACE_WAITING) {
        pool_shelf_remove(shelf, cell);
        if (error->code != ERROR_NONE)
            log_event(LOG_WARN, "cell.died", LOG_STR("language", shelf->kind->language),
                      LOG_STR("reason", error->text));
    } else {
        pool->taken--;
    }
    changed(pool);
    pool_balance(pool);
}

void pool_on_gone(void *arg, struct cell *cell)
{
    struct pool *pool = arg;

    (void)cell;
    if (pool->closing)
        pool_close_step(pool);
}

int pool_make(struct pool *pool, struct shelf *shelf, struct pool_wish *wish)
{
    const struct cell_limits *limits = wish != NULL ? &wish->limits : &shelf->kind->limits;
    struct cell *cell = cell_make(&pool->cells, shelf->kind, limits, &pool->owner);

    if (cell == NULL)
        return -1;
    cell_place(cell)->shelf = shelf;
    cell_place(cell)->role = PLACE_MAKING;
    shelf->making++;
    pool->making++;
    if (wish != NULL)
        wish->making = cell;
    return 0;
}
