/* How many cells each language is to have: demand is noted where it shows, and now and then goes to pool_size() (pure).
 */
#include "docker/pool/pool_private.h"

#include "base/seam.h"

/* Not sooner again, however many requests come; and this often while demand may fade unseen. */
#define WANT_PAUSE_NS 20000000u
#define WANT_PERIOD_NS 1000000000u

/* What a cell holds until one was measured: the agent, the container's own bookkeeping in the kernel, and with an
 * interpreter started ahead about what Python's has. */
#define ASSUMED_BYTES ((uint64_t)2 << 20)
#define ASSUMED_WAITING_BYTES ((uint64_t)16 << 20)
/* The engine's process beside each container (containerd-shim), which is in no container's account. */
#define ENGINE_BYTES ((uint64_t)6 << 20)

uint64_t pool_cell_bytes(const struct shelf *shelf)
{
    uint64_t own = shelf->kind->prewarm_argv != NULL ? ASSUMED_WAITING_BYTES : ASSUMED_BYTES;

    return ENGINE_BYTES + (shelf->bytes != 0 ? shelf->bytes : own);
}

void pool_measured(struct shelf *shelf, uint64_t bytes)
{
    if (bytes == 0)
        return;
    shelf->bytes = shelf->bytes == 0 ? bytes : (7 * shelf->bytes + bytes) / 8;
}

void pool_asked(struct pool *pool, struct pool_wish *wish)
{
    struct shelf *shelf = pool_shelf_of(pool, wish->kind);

    if (wish->counted || !pool_limits_suit(pool, &wish->kind->limits, &wish->limits))
        return; /* no waiting cell would do for it */
    wish->counted = true;
    pool_demand_arrival(&shelf->demand, seam()->monotonic_ns());
    pool->asked = true;
}

/* The budget that is left by the kept cells that are in use. */
static struct pool_budget for_shelves(const struct pool *pool, uint64_t now_ns)
{
    struct pool_budget budget = pool->budget, busy = pool_kept_busy(pool, now_ns);

    budget.cells -= busy.cells < budget.cells ? busy.cells : budget.cells;
    budget.bytes -= busy.bytes < budget.bytes ? busy.bytes : budget.bytes;
    return budget;
}

void pool_want(struct pool *pool, uint64_t now_ns)
{
    struct pool_size_view views[SHELVES_MAX];
    unsigned want[SHELVES_MAX];
    struct pool_budget budget = for_shelves(pool, now_ns);

    for (size_t i = 0; i < pool->shelves_len; i++) {
        const struct shelf *shelf = &pool->shelves[pool->order[i]];
        views[i] =
            (struct pool_size_view){.demand = shelf->demand, .keep = shelf->keep, .bytes = pool_cell_bytes(shelf)};
    }
    pool_size(views, pool->shelves_len, &budget, now_ns, want);
    for (size_t i = 0; i < pool->shelves_len; i++)
        pool->shelves[pool->order[i]].want = want[i];
    pool->sized_ns = now_ns;
    pool->asked = false;
}

uint64_t pool_want_next(const struct pool *pool)
{
    if (pool->asked)
        return pool->sized_ns + WANT_PAUSE_NS;
    for (size_t i = 0; i < pool->shelves_len; i++) {
        const struct shelf *shelf = &pool->shelves[i];
        if (shelf->want > shelf->keep.least && shelf->want > shelf->keep.usual)
            return pool->sized_ns + WANT_PERIOD_NS;
    }
    return 0;
}
