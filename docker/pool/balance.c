#include "docker/pool/balance.h"

#include "base/container_of.h"
#include "base/seam.h"
#include "docker/cell/cell_prewarm.h"
#include "docker/pool/policy.h"
#include "docker/pool/pool_private.h"

/* Targets are set again no sooner than this after the last time, however many requests come; and this often while they
 * may fall, because demand fades without any event. */
#define RESIZE_PAUSE_NS 20000000u
#define RESIZE_PERIOD_NS 1000000000u

/* A kept cell that was used this short a time ago counts as in use, as its language does. */
#define BUSY_NS 2000000000u

static struct pool_request *request_at(struct list *node)
{
    return container_of(node, struct pool_request, node);
}

/* Targets. */

/* The budget without the kept cells that are in use. */
static struct pool_budget budget_for_shelves(const struct pool *pool, uint64_t now_ns)
{
    struct pool_budget budget = pool->budget;
    struct pool_budget busy = shelves_kept_sum(&pool->shelves, now_ns > BUSY_NS ? now_ns - BUSY_NS : 0);

    budget.cells -= busy.cells < budget.cells ? busy.cells : budget.cells;
    budget.bytes -= busy.bytes < budget.bytes ? busy.bytes : budget.bytes;
    return budget;
}

/* Whether the target is there by demand alone, so that it falls when demand fades. */
static bool target_may_fall(const struct shelf *shelf)
{
    return shelf->target > shelf->keep.minimum && shelf->target > shelf->keep.preferred;
}

void balance_resize(struct pool *pool, uint64_t now_ns)
{
    struct shelves *shelves = &pool->shelves;
    struct pool_size_view views[SHELVES_MAX];
    unsigned targets[SHELVES_MAX];
    struct pool_budget budget = budget_for_shelves(pool, now_ns);

    for (size_t i = 0; i < shelves->len; i++) {
        const struct shelf *shelf = &shelves->all[shelves->order[i]];
        views[i] =
            (struct pool_size_view){.demand = shelf->demand, .keep = shelf->keep, .bytes = shelf_cell_bytes(shelf)};
    }
    size_targets(views, shelves->len, &budget, now_ns, targets);
    pool->sized_ns = now_ns;
    pool->resize_ns = 0;
    for (size_t i = 0; i < shelves->len; i++) {
        struct shelf *shelf = &shelves->all[shelves->order[i]];
        shelf->target = targets[i];
        if (target_may_fall(shelf))
            pool->resize_ns = now_ns + RESIZE_PERIOD_NS;
    }
}

/* The request needs a cell that nobody has used. It counts once, and only if an idle cell could serve it. */
static void note_demand(struct pool *pool, struct pool_request *request)
{
    if (request->counted || !shelves_limits_suit(&pool->shelves, &request->kind->limits, &request->limits))
        return;
    request->counted = true;
    size_note_request(&shelves_find(&pool->shelves, request->kind)->demand, seam()->monotonic_ns());
    pool->resize_ns = pool->sized_ns + RESIZE_PAUSE_NS;
}

/* Requests. */

static void request_queue(struct pool *pool, struct pool_request *request)
{
    struct list *place = &pool->requests;

    while (place->prev != &pool->requests && request_at(place->prev)->rank > request->rank)
        place = place->prev;
    list_insert(place, &request->node);
}

/* `cell` is the caller's from now on; NULL: there is none, because of `error`. */
static void request_finish(struct pool *pool, struct pool_request *request, struct cell *cell,
                           const struct error *error)
{
    list_forget(&request->node);
    request->making = NULL;
    if (cell != NULL) {
        uint64_t now = seam()->monotonic_ns();
        shelves_take(&pool->shelves, cell, request->key, now);
        if (pool->fill_ns == 0)
            pool->fill_ns = now + POOL_SETTLE_NS;
    }
    request->on_cell(request, cell, error);
}

static void request_hand(struct pool *pool, struct pool_request *request, struct cell *cell)
{
    if (cell_jobs(cell) == 0)
        note_demand(pool, request);
    request_finish(pool, request, cell, NULL);
}

/* Whether the request should wait for a cell of its key that is being reset, and that no request before it waits for.
 */
static bool reset_is_coming(const struct pool *pool, const struct pool_request *request, uint64_t now_ns)
{
    unsigned before = 0;

    if (request->key == 0 || pool->shelves.resetting == 0 || now_ns >= request->since_ns + POOL_COMING_NS)
        return false;
    LIST_EACH (node, &pool->requests) {
        const struct pool_request *other = request_at(node);
        if (other == request)
            break;
        before += other->key == request->key && other->kind == request->kind && other->making == NULL;
    }
    return shelves_resetting_for(&pool->shelves, request) > before;
}

/* The last idle cell of a language is left for a request of rank 1. */
static struct cell *idle_for(struct pool *pool, const struct pool_request *request)
{
    const struct shelf *shelf = shelves_find(&pool->shelves, request->kind);

    return request->rank > 1 && shelf->idle_len == 1 ? NULL : shelf_best(&pool->shelves, shelf, request);
}

/* Whether the request, for which a cell is being reset, takes an idle cell instead. */
static bool takes_another(const struct pool *pool, const struct pool_request *request)
{
    return policy_takes_another(shelves_cells_for(&pool->shelves, request), pool->shelves.taken);
}

/* The cell that the request gets now; NULL: it has to wait. */
static struct cell *cell_for(struct pool *pool, const struct pool_request *request, uint64_t now_ns)
{
    struct cell *kept = shelves_kept_for(&pool->shelves, request);

    if (kept != NULL || (reset_is_coming(pool, request, now_ns) && !takes_another(pool, request)))
        return kept;
    return idle_for(pool, request);
}

void balance_request(struct pool *pool, struct pool_request *request)
{
    if (pool->cells.capsules && request->key != POOL_KEY_ANY && !request->own)
        shelves_find(&pool->shelves, request->kind)->unshared_ns = request->since_ns;
    struct cell *cell = cell_for(pool, request, request->since_ns);

    if (cell != NULL)
        request_hand(pool, request, cell);
    else
        request_queue(pool, request);
}

void balance_fail_requests(struct pool *pool, const struct error *error)
{
    struct list failed;

    list_init(&failed);
    LIST_EACH (node, &pool->requests) {
        list_remove(node);
        list_push(&failed, node);
    }
    while (!list_is_empty(&failed))
        request_finish(pool, request_at(list_first(&failed)), NULL, error);
}

/* Hands a cell to the first request that can have one. False: there is none. */
static bool serve_one(struct pool *pool, uint64_t now_ns)
{
    LIST_EACH (node, &pool->requests) {
        struct cell *cell = cell_for(pool, request_at(node), now_ns);
        if (cell != NULL) {
            request_hand(pool, request_at(node), cell);
            return true;
        }
    }
    return false;
}

/* New cells. */

/* The request that the cell was made for; NULL: it was made for its shelf, or the request was cancelled. */
static struct pool_request *request_of(struct pool *pool, const struct cell *cell)
{
    LIST_EACH (node, &pool->requests)
        if (request_at(node)->making == cell)
            return request_at(node);
    return NULL;
}

/* The first request that can use the cell and should not wait for a reset instead. */
static struct pool_request *first_suited(struct pool *pool, struct cell *cell, uint64_t now_ns)
{
    LIST_EACH (node, &pool->requests) {
        struct pool_request *request = request_at(node);
        if (request->kind == cell_kind(cell) && shelves_suits(&pool->shelves, cell, &request->limits) &&
            !reset_is_coming(pool, request, now_ns))
            return request;
    }
    return NULL;
}

/* Whether a new cell may be idle on its shelf. */
static bool may_be_idle(struct cell *cell)
{
    const struct shelf *shelf = cell_place(cell)->shelf;

    return !size_keeps_none(&shelf->keep) && shelves_limits_same(cell_limits(cell), &shelf->kind->limits);
}

/* The request that gets a new cell: its own, or one of a lower rank that has come since. Then the two change cells. The
 * only idle cell of a language is left for a request of rank 1, as in cell_for(). */
static struct pool_request *request_for(struct pool *pool, struct cell *cell, uint64_t now_ns)
{
    struct pool_request *own = request_of(pool, cell), *first = first_suited(pool, cell, now_ns);
    const struct shelf *shelf = cell_place(cell)->shelf;

    if (own == NULL && first != NULL && first->rank > 1 && shelf->idle_len == 0 && may_be_idle(cell))
        return NULL;
    if (own == NULL || first == NULL)
        return own != NULL ? own : first;
    if (first->rank >= own->rank)
        return own;
    own->making = first->making;
    first->making = cell;
    return first;
}

/* A cell that its shelf does not need ends in a quiet moment. */
void balance_made(struct pool *pool, struct cell *cell)
{
    uint64_t now = seam()->monotonic_ns();
    struct shelf *shelf = cell_place(cell)->shelf;
    struct pool_request *request = request_for(pool, cell, now);

    shelf_note_made(shelf, now - cell_place(cell)->since_ns);
    cell_place(cell)->made_ns = now;
    cell_place(cell)->first_bytes = cell_held_bytes(cell);
    if (request != NULL)
        request_hand(pool, request, cell);
    else if (may_be_idle(cell))
        shelves_put(&pool->shelves, cell, now);
    else
        cell_end(cell);
}

/* If the image is missing, another try would fail too. */
void balance_not_made(struct pool *pool, struct cell *cell, const struct error *error)
{
    struct pool_request *request = request_of(pool, cell);

    if (request == NULL)
        return;
    request->making = NULL;
    if (++request->failures >= POOL_REQUEST_TRIES || error->code == ERROR_NOT_FOUND)
        request_finish(pool, request, NULL, error);
}

/* Kept cells. */

/* The cell itself may be one of the shared cells. */
static bool may_replace(const struct pool *pool, const struct shelf *shelf, uint64_t now_ns)
{
    uint64_t when = 0;
    unsigned shared = shelves_shared(shelf, now_ns, &when);

    return policy_may_replace(
        &(struct pool_view){.target = shelf->target, .ready = shelf->idle_len, .shared = shared > 0 ? shared - 1 : 0},
        &(struct pool_moment){.making = pool->shelves.making, .ending = pool->ending, .now_ns = now_ns});
}

bool balance_is_old(const struct pool *pool, struct cell *cell, uint64_t now_ns)
{
    const struct cell_place *place = cell_place(cell);
    const struct pool_wear wear = {.jobs = cell_jobs(cell),
                                   .jobs_max = pool->reuse_jobs,
                                   .age_ns = now_ns - place->made_ns,
                                   .first_bytes = place->first_bytes,
                                   .bytes = cell_held_bytes(cell)};

    return policy_old(&wear) || (policy_worn(&wear) && may_replace(pool, place->shelf, now_ns));
}

void balance_reset(struct pool *pool, struct cell *cell)
{
    if (balance_is_old(pool, cell, seam()->monotonic_ns())) {
        cell_end(cell);
        return;
    }
    shelves_keep(&pool->shelves, cell);
    LIST_EACH (node, &pool->requests)
        if (shelves_may_have(&pool->shelves, request_at(node), cell)) {
            request_hand(pool, request_at(node), cell);
            return;
        }
}

/* When the kept cell that was used longest ago has waited too long; 0: no cell is kept that may end. */
static uint64_t kept_until_ns(const struct pool *pool, uint64_t now_ns)
{
    struct cell *oldest = shelves_kept_spare(&pool->shelves, now_ns);

    return oldest != NULL ? cell_place(oldest)->since_ns + pool->reuse_idle_ns : 0;
}

static bool kept_are_over(const struct pool *pool, uint64_t now_ns)
{
    return policy_over(shelves_kept_sum(&pool->shelves, 0), shelves_target_sum(&pool->shelves, now_ns), pool->budget);
}

static void end_kept(struct pool *pool, uint64_t now_ns)
{
    for (uint64_t until; (until = kept_until_ns(pool, now_ns)) != 0 && now_ns >= until;)
        cell_end(shelves_kept_spare(&pool->shelves, now_ns));
    if (pool->shelves.kept_len == 0 || !kept_are_over(pool, now_ns))
        return;
    balance_resize(pool, now_ns); /* so that the targets leave room for the kept cells that are in use */
    while (kept_are_over(pool, now_ns))
        cell_end(shelves_kept_oldest(&pool->shelves));
}

void balance_serve(struct pool *pool, uint64_t now_ns)
{
    if (pool->resize_ns != 0 && pool->resize_ns <= now_ns)
        balance_resize(pool, now_ns);
    end_kept(pool, now_ns);
    while (!list_is_empty(&pool->requests) && shelves_have_idle(&pool->shelves) && serve_one(pool, now_ns))
        ;
}

/* What is done next. */

/* Whether no cell is being made for the request and none is coming back for it. */
static bool request_is_unmet(const struct pool *pool, const struct pool_request *request, uint64_t now_ns)
{
    return request->making == NULL && !reset_is_coming(pool, request, now_ns);
}

static struct pool_request *first_unmet(struct pool *pool, const struct cell_kind *kind, uint64_t now_ns)
{
    LIST_EACH (node, &pool->requests)
        if (request_at(node)->kind == kind && request_is_unmet(pool, request_at(node), now_ns))
            return request_at(node);
    return NULL;
}

/* A request with a key may yet be served by a cell that its key has in use, so it does not count as demand yet. */
static void view_unmet(struct pool *pool, struct pool_view *view, struct pool_request *request)
{
    if (request->key == 0)
        note_demand(pool, request);
    if (view->unmet++ == 0) {
        view->rank = request->rank;
        view->oldest_ns = request->since_ns;
    }
}

static void view_requests(struct pool *pool, struct pool_view *views, struct pool_moment *moment, uint64_t *next_ns)
{
    uint64_t now_ns = moment->now_ns;

    LIST_EACH (node, &pool->requests) {
        struct pool_request *request = request_at(node);
        struct pool_view *view = &views[shelves_find(&pool->shelves, request->kind) - pool->shelves.all];
        view->requests++;
        if (request_is_unmet(pool, request, now_ns))
            view_unmet(pool, view, request);
        else if (request->making == NULL) {
            moment->returning++;
            policy_sooner(next_ns, request->since_ns + POOL_COMING_NS, now_ns);
        }
    }
}

static void note_surplus(struct shelf *shelf, unsigned shared, uint64_t now_ns)
{
    if (shelf->idle_len == 0 || shelf->idle_len + shared <= shelf->target)
        shelf->surplus_ns = 0;
    else if (shelf->surplus_ns == 0)
        shelf->surplus_ns = now_ns;
}

static struct pool_view view_shelf(struct shelf *shelf, uint64_t now_ns, uint64_t *next_ns)
{
    unsigned shared = shelves_shared(shelf, now_ns, next_ns);

    note_surplus(shelf, shared, now_ns);
    if (shelf->surplus_ns != 0)
        policy_sooner(next_ns, shelf->surplus_ns + POOL_SURPLUS_NS, now_ns);
    return (struct pool_view){.target = shelf->target,
                              .minimum = shelf->keep.minimum,
                              .ready = shelf->idle_len,
                              .shared = shared,
                              .making = shelf->making,
                              .unasked = shelf->keep.minimum == 0 && shelf->demand.arrivals == 0,
                              .surplus_ns = shelf->surplus_ns,
                              .not_before_ns = shelf->not_before_ns};
}

/* How many more cells the budget allows to be idle. */
static unsigned room_for_idle(const struct pool *pool, const struct pool_view *views)
{
    unsigned idle = pool->shelves.kept_len;

    for (size_t i = 0; i < pool->shelves.len; i++)
        idle += policy_coming(&views[i]);
    return pool->budget.cells > idle ? pool->budget.cells - idle : 0;
}

static void view_pool(struct pool *pool, struct pool_view *views, struct pool_moment *moment, uint64_t *next_ns)
{
    struct shelves *shelves = &pool->shelves;

    for (size_t i = 0; i < shelves->len; i++)
        views[i] = view_shelf(&shelves->all[i], moment->now_ns, next_ns);
    view_requests(pool, views, moment, next_ns);
    moment->room = room_for_idle(pool, views);
    moment->making = shelves->making;
    moment->ending = pool->ending;
    moment->taken = shelves->taken;
    moment->prewarming = shelves->prewarming != NULL;
    if (!moment->prewarming && list_is_empty(&pool->requests))
        shelves_view_kept(shelves, views, moment->now_ns);
    if (policy_quiet(moment) && list_is_empty(&pool->requests))
        shelves_view_prewarming(shelves, views, moment->now_ns, next_ns);
}

/* request NULL: for the shelf. */
static int make_cell(struct pool *pool, struct shelf *shelf, struct pool_request *request, uint64_t now_ns)
{
    const struct cell_limits *limits = request != NULL ? &request->limits : &shelf->kind->limits;
    struct cell *cell = cell_make(&pool->cells, shelf->kind, limits, &pool->owner);

    if (cell == NULL)
        return -1;
    shelves_begin(&pool->shelves, shelf, cell, now_ns);
    if (request != NULL)
        request->making = cell;
    return 0;
}

static int carry_out(struct pool *pool, struct pool_decision what, uint64_t now_ns)
{
    struct shelf *shelf = &pool->shelves.all[what.language];

    switch (what.action) {
    case POOL_SURPLUS:
        cell_end(shelf_expendable(shelf));
        return 0;
    case POOL_PREWARM:
        pool->shelves.prewarming = shelves_settled(&pool->shelves, shelf, now_ns);
        cell_prewarm(pool->shelves.prewarming);
        return 0;
    case POOL_PREWARM_KEPT:
        pool->shelves.prewarming = shelves_kept_blank(&pool->shelves, shelf);
        cell_prewarm(pool->shelves.prewarming);
        return 0;
    case POOL_FOR_REQUEST:
        return make_cell(pool, shelf, first_unmet(pool, shelf->kind, now_ns), now_ns);
    case POOL_FOR_SHELF:
        return make_cell(pool, shelf, NULL, now_ns);
    case POOL_NOTHING:
        break;
    }
    return -1;
}

/* Lowers *next_ns to the moments that the views do not tell. */
static void next_moment(const struct pool *pool, uint64_t *next_ns, uint64_t now_ns)
{
    policy_sooner(next_ns, pool->fill_ns, now_ns);
    policy_sooner(next_ns, pool->resize_ns, now_ns);
    policy_sooner(next_ns, kept_until_ns(pool, now_ns), now_ns);
    for (size_t i = 0; i < pool->shelves.len; i++)
        policy_sooner(next_ns, pool->shelves.all[i].not_before_ns, now_ns);
}

uint64_t balance_cells(struct pool *pool, uint64_t now_ns)
{
    struct pool_view views[SHELVES_MAX];
    uint64_t next_ns;

    if (pool->shelves.taken == 0)
        pool->fill_ns = 0;
    for (;;) {
        struct pool_moment moment = {.creations = pool->creations, .fill_ns = pool->fill_ns, .now_ns = now_ns};
        next_ns = 0;
        view_pool(pool, views, &moment, &next_ns);
        struct pool_decision next = policy_decide(views, pool->shelves.len, &moment);
        if (next.action == POOL_NOTHING)
            break;
        if (carry_out(pool, next, now_ns) != 0) {
            shelf_note_failure(&pool->shelves.all[next.language], now_ns);
            break;
        }
    }
    if (pool->fill_ns <= now_ns)
        pool->fill_ns = 0; /* what was missing is being made: the next cell that is taken begins another wait */
    next_moment(pool, &next_ns, now_ns);
    return next_ns;
}
