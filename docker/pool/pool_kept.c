/* Cells kept for a key. The happy path: pool_return -> cell_reset -> pool_kept_ready -> pool_kept_find by a wish of the
 * same key -> pool_return, and so on, until it was given its number of jobs, or nobody came for a while. In
 * the list the last used is the first; those that are being reset are in it. */
#include "docker/pool/pool_private.h"

#include "base/seam.h"
#include "docker/cell/cell_reset.h"

/* A kept cell that was used this short a while ago is in use as much as a language is. */
#define BUSY_NS 2000000000u

static void put_first(struct pool *pool, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);

    place->prev = NULL;
    place->next = pool->kept;
    if (pool->kept != NULL)
        cell_place(pool->kept)->prev = cell;
    else
        pool->kept_last = cell;
    pool->kept = cell;
    pool->kept_len++;
}

void pool_kept_remove(struct pool *pool, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);

    if (place->prev != NULL)
        cell_place(place->prev)->next = place->next;
    else
        pool->kept = place->next;
    if (place->next != NULL)
        cell_place(place->next)->prev = place->prev;
    else
        pool->kept_last = place->prev;
    pool->kept_len--;
    if (place->role == PLACE_RESETTING)
        pool->resetting--;
}

/* A cell for the wish: of its key, its language, and limits that it can be given. */
static bool may_have(const struct pool *pool, const struct pool_wish *wish, struct cell *cell)
{
    return wish->key != 0 && cell_place(cell)->key == wish->key && cell_kind(cell) == wish->kind &&
           pool_suits(pool, cell, &wish->limits);
}

struct cell *pool_kept_find(struct pool *pool, const struct pool_wish *wish)
{
    struct cell *found = NULL;

    if (wish->key == 0)
        return NULL;
    for (struct cell *cell = pool->kept; cell != NULL; cell = cell_place(cell)->next) {
        if (cell_place(cell)->role != PLACE_KEPT || !may_have(pool, wish, cell))
            continue;
        if (pool_limits_same(cell_limits(cell), &wish->limits))
            return cell; /* the engine need not be asked for others */
        if (found == NULL)
            found = cell;
    }
    return found;
}

bool pool_kept_coming(const struct pool *pool, const struct pool_wish *wish, uint64_t now_ns)
{
    unsigned coming = 0, before = 0;

    if (wish->key == 0 || pool->resetting == 0 || now_ns >= wish->since_ns + POOL_COMING_NS)
        return false;
    for (struct cell *cell = pool->kept; cell != NULL; cell = cell_place(cell)->next)
        coming += cell_place(cell)->role == PLACE_RESETTING && may_have(pool, wish, cell);
    for (const struct pool_wish *w = pool->first; w != NULL && w != wish; w = w->next)
        before += w->key == wish->key && w->kind == wish->kind && w->making == NULL;
    return coming > before;
}

void pool_kept_ready(struct pool *pool, struct cell *cell)
{
    struct pool_wish *wish = pool->first;

    cell_place(cell)->role = PLACE_KEPT;
    pool->resetting--;
    while (wish != NULL && !may_have(pool, wish, cell))
        wish = wish->next;
    if (wish != NULL)
        pool_hand(pool, wish, cell);
}

/* Giving up. */

struct pool_budget pool_kept_busy(const struct pool *pool, uint64_t now_ns)
{
    struct pool_budget sum = {0};

    for (struct cell *cell = pool->kept; cell != NULL; cell = cell_place(cell)->next)
        if (now_ns < cell_place(cell)->since_ns + BUSY_NS) {
            sum.cells++;
            sum.bytes += pool_cell_bytes(cell_place(cell)->shelf);
        }
    return sum;
}

static bool over(const struct pool *pool)
{
    struct pool_budget kept = {0}, wanted = {0};

    for (struct cell *cell = pool->kept; cell != NULL; cell = cell_place(cell)->next) {
        kept.cells++;
        kept.bytes += pool_cell_bytes(cell_place(cell)->shelf);
    }
    for (size_t i = 0; i < pool->shelves_len; i++) {
        wanted.cells += pool->shelves[i].want;
        wanted.bytes += pool->shelves[i].want * pool_cell_bytes(&pool->shelves[i]);
    }
    return pool_over(kept, wanted, pool->budget);
}

void pool_kept_trim(struct pool *pool, uint64_t now_ns)
{
    while (pool->kept_last != NULL && now_ns >= cell_place(pool->kept_last)->since_ns + pool->reuse_idle_ns)
        cell_end(pool->kept_last);
    if (pool->kept_len == 0 || !over(pool))
        return;
    pool_want(pool, now_ns); /* which sees the kept cells that are in use */
    while (over(pool))
        cell_end(pool->kept_last);
}

/* Begins anew after each: an end may change the list. */
void pool_kept_end(struct pool *pool, const struct cell_kind *kind)
{
    struct cell *cell = pool->kept;

    while (cell != NULL) {
        if (cell_kind(cell) == kind)
            cell_end(cell);
        cell = cell_kind(cell) == kind ? pool->kept : cell_place(cell)->next;
    }
}

uint64_t pool_kept_next(const struct pool *pool)
{
    return pool->kept_last != NULL ? cell_place(pool->kept_last)->since_ns + pool->reuse_idle_ns : 0;
}

/* Giving back. */

static bool may_keep(const struct pool *pool, struct cell *cell, int64_t key)
{
    const struct shelf *shelf = cell_place(cell)->shelf;

    return key != 0 && pool->up && !pool->closing && !pool_keeps_none(&shelf->keep) &&
           cell_jobs(cell) < pool->reuse_jobs;
}

void pool_return(struct pool *pool, struct cell *cell, int64_t key)
{
    struct cell_place *place = cell_place(cell);
    uint64_t now = seam()->monotonic_ns();

    if (!may_keep(pool, cell, key)) {
        cell_end(cell);
        return;
    }
    pool->taken--;
    place->role = PLACE_RESETTING;
    place->key = key;
    place->since_ns = now;
    put_first(pool, cell);
    pool->resetting++;
    cell_reset(cell);
    pool_kept_trim(pool, now);
    pool_changed(pool);
    pool_balance(pool);
}
