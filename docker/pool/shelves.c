#include "docker/pool/shelves.h"

#include "base/container_of.h"
#include <assert.h>
#include <string.h>

/* Memory of a cell that was not measured yet: the agent's, the kernel's bookkeeping for the container, and in a
 * prewarmed cell an interpreter like Python's. */
#define ASSUMED_BYTES ((uint64_t)2 << 20)
#define ASSUMED_PREWARMED_BYTES ((uint64_t)16 << 20)

/* The engine's process for each container (containerd-shim). No container's own figure includes it. */
#define ENGINE_BYTES ((uint64_t)6 << 20)

/* Memory that must be free in a prewarmed cell under a new limit: for the agent, and for what changes until its job. */
#define PREWARMED_ROOM ((uint64_t)8 << 20)

/* An engine or a kernel that forbids prewarming forbids it in all cells of a kind. */
#define PREWARM_TRIES 3
#define PREWARM_PAUSE_NS 300000000000u

static struct cell_place *place_at(struct list *node)
{
    return container_of(node, struct cell_place, node);
}

void shelves_init(struct shelves *shelves, const struct cells *cells)
{
    *shelves = (struct shelves){.cells = cells};
    list_init(&shelves->kept);
}

struct shelf *shelves_find(struct shelves *shelves, const struct cell_kind *kind)
{
    for (size_t i = 0; i < shelves->len; i++)
        if (shelves->all[i].kind == kind)
            return &shelves->all[i];
    return NULL;
}

/* Cells point to their shelves, so a shelf never moves. The order is a list of indices. */
struct shelf *shelves_add(struct shelves *shelves, const struct cell_kind *kind, unsigned creations)
{
    size_t index = shelves->len, at = index;
    struct shelf *shelf = &shelves->all[index];

    assert(index < SHELVES_MAX);
    *shelf = (struct shelf){.kind = kind, .demand.creations = creations};
    list_init(&shelf->idle);
    list_init(&shelf->lent);
    shelves->len++;
    while (at > 0 && strcmp(shelves->all[shelves->order[at - 1]].kind->language, kind->language) > 0) {
        shelves->order[at] = shelves->order[at - 1];
        at--;
    }
    shelves->order[at] = index;
    return shelf;
}

/* Moves. */

static void leave_kept(struct shelves *shelves, struct cell_place *place)
{
    list_remove(&place->node);
    shelves->kept_len--;
    ((struct shelf *)place->shelf)->shared -= place->key == POOL_KEY_ANY;
    shelves->resetting -= place->role == PLACE_RESETTING;
}

void shelves_remove(struct shelves *shelves, struct cell *cell)
{
    struct cell_place *place = cell_place(cell);
    struct shelf *shelf = place->shelf;

    if (shelves->prewarming == cell)
        shelves->prewarming = NULL;
    switch (place->role) {
    case PLACE_MAKING:
        shelves->making--;
        shelf->making--;
        break;
    case PLACE_IDLE:
        list_remove(&place->node);
        shelf->idle_len--;
        break;
    case PLACE_RESETTING:
    case PLACE_KEPT:
        leave_kept(shelves, place);
        break;
    case PLACE_TAKEN:
        shelves->taken--;
        list_forget(&place->node);
        break;
    }
}

void shelves_begin(struct shelves *shelves, struct shelf *shelf, struct cell *cell, uint64_t now_ns)
{
    struct cell_place *place = cell_place(cell);

    place->shelf = shelf;
    place->role = PLACE_MAKING;
    place->since_ns = now_ns;
    shelf->making++;
    shelves->making++;
}

void shelves_put(struct shelves *shelves, struct cell *cell, uint64_t now_ns)
{
    struct cell_place *place = cell_place(cell);
    struct shelf *shelf = place->shelf;

    shelves_remove(shelves, cell);
    place->role = PLACE_IDLE;
    place->since_ns = now_ns;
    list_unshift(&shelf->idle, &place->node);
    shelf->idle_len++;
}

void shelves_take(struct shelves *shelves, struct cell *cell, int64_t key, uint64_t now_ns)
{
    struct cell_place *place = cell_place(cell);
    struct shelf *shelf = place->shelf;

    shelves_remove(shelves, cell);
    place->role = PLACE_TAKEN;
    place->since_ns = now_ns;
    shelves->taken++;
    if (key == POOL_KEY_ANY)
        list_unshift(&shelf->lent, &place->node);
}

void shelves_return(struct shelves *shelves, struct cell *cell, int64_t key, uint64_t now_ns)
{
    struct cell_place *place = cell_place(cell);

    shelves_remove(shelves, cell);
    place->role = PLACE_RESETTING;
    place->key = key;
    place->since_ns = now_ns;
    list_unshift(&shelves->kept, &place->node);
    shelves->kept_len++;
    shelves->resetting++;
    ((struct shelf *)place->shelf)->shared += key == POOL_KEY_ANY;
}

void shelves_keep(struct shelves *shelves, struct cell *cell)
{
    cell_place(cell)->role = PLACE_KEPT;
    shelves->resetting--;
}

/* Limits. */

bool shelves_limits_same(const struct cell_limits *a, const struct cell_limits *b)
{
    return a->milli_cpus == b->milli_cpus && a->memory_mb == b->memory_mb && a->disk_mb == b->disk_mb &&
           a->processes == b->processes;
}

bool shelves_limits_suit(const struct shelves *shelves, const struct cell_limits *has, const struct cell_limits *limits)
{
    if (shelves->cells->podman)
        return shelves_limits_same(has, limits);
    return shelves->cells->capsules || has->disk_mb == limits->disk_mb;
}

/* The limit is set before the agent ends an interpreter that the job does not use, and the kernel refuses a memory
 * limit below what is in use. While an interpreter is being started, its use is estimated from other cells. */
static bool leaves_room(struct cell *cell, const struct cell_limits *limits)
{
    uint64_t used = 0;

    if (limits->memory_mb >= cell_limits(cell)->memory_mb)
        return true;
    if (cell_warmth(cell) == CELL_PREWARMED)
        used = cell_prewarmed_bytes(cell);
    else if (cell_warmth(cell) == CELL_PREWARMING)
        used = 2 * shelf_cell_bytes(cell_place(cell)->shelf);
    return used + PREWARMED_ROOM <= (uint64_t)cell_memory_bytes(cell_kind(cell), limits);
}

bool shelves_suits(const struct shelves *shelves, struct cell *cell, const struct cell_limits *limits)
{
    return shelves_limits_suit(shelves, cell_limits(cell), limits) && leaves_room(cell, limits);
}

bool shelves_may_have(const struct shelves *shelves, const struct pool_request *request, struct cell *cell)
{
    return request->key != 0 && cell_place(cell)->key == request->key && cell_kind(cell) == request->kind &&
           shelves_suits(shelves, cell, &request->limits);
}

/* Finding. */

struct cell *shelf_best(const struct shelves *shelves, const struct shelf *shelf, const struct pool_request *request)
{
    const struct cell_limits *limits = &request->limits;
    bool defaults = !request->fresh && shelves_limits_same(limits, &shelf->kind->limits);
    struct cell *best = NULL;

    LIST_EACH (node, &shelf->idle) {
        struct cell *cell = cell_of(place_at(node));
        if (shelves_suits(shelves, cell, limits) &&
            (best == NULL || policy_rank(cell_warmth(cell), defaults) < policy_rank(cell_warmth(best), defaults)))
            best = cell;
    }
    return best;
}

struct cell *shelf_expendable(const struct shelf *shelf)
{
    struct cell *found = NULL;

    LIST_EACH (node, &shelf->idle) {
        struct cell *cell = cell_of(place_at(node));
        if (found == NULL || cell_warmth(found) == CELL_PREWARMED || cell_warmth(cell) != CELL_PREWARMED)
            found = cell;
    }
    return found;
}

/* The lower one is the better cell. The engine need not set limits that the cell has already. */
static unsigned rank_kept(const struct pool_request *request, struct cell *cell)
{
    const struct shelf *shelf = cell_place(cell)->shelf;
    bool same = shelves_limits_same(cell_limits(cell), &request->limits);
    bool defaults = !request->fresh && shelves_limits_same(&request->limits, &shelf->kind->limits);

    return (same ? 0 : 4) + policy_rank(cell_warmth(cell), defaults);
}

struct cell *shelves_kept_for(const struct shelves *shelves, const struct pool_request *request)
{
    struct cell *found = NULL;

    if (request->key == 0)
        return NULL;
    LIST_EACH (node, &shelves->kept) {
        struct cell *cell = cell_of(place_at(node));
        if (place_at(node)->role != PLACE_KEPT || !shelves_may_have(shelves, request, cell))
            continue;
        if (found == NULL || rank_kept(request, cell) < rank_kept(request, found))
            found = cell;
    }
    return found;
}

struct cell *shelves_kept_oldest(const struct shelves *shelves)
{
    struct list *last = list_last(&shelves->kept);

    return last != NULL ? cell_of(place_at(last)) : NULL;
}

unsigned shelves_shared(const struct shelf *shelf, uint64_t now_ns, uint64_t *next_ns)
{
    unsigned count = shelf->shared;

    if (shelf->unshared_ns != 0 && now_ns < shelf->unshared_ns + POOL_UNSHARED_NS) {
        if (count > 0)
            policy_sooner(next_ns, shelf->unshared_ns + POOL_UNSHARED_NS, now_ns);
        return 0;
    }
    LIST_EACH (node, &shelf->lent) {
        uint64_t until = place_at(node)->since_ns + POOL_LENT_NS;
        if (now_ns >= until)
            break;
        policy_sooner(next_ns, until, now_ns);
        count++;
    }
    return count;
}

/* Whether the pool would make another cell in its place. */
static bool counts_for_target(const struct cell_place *place, uint64_t now_ns)
{
    const struct shelf *shelf = place->shelf;
    uint64_t when = 0;

    return place->key == POOL_KEY_ANY && shelves_shared(shelf, now_ns, &when) > 0 &&
           shelf->idle_len + shelf->shared <= shelf->target;
}

struct cell *shelves_kept_spare(const struct shelves *shelves, uint64_t now_ns)
{
    struct cell *found = NULL;

    LIST_EACH (node, &shelves->kept)
        if (!counts_for_target(place_at(node), now_ns))
            found = cell_of(place_at(node));
    return found;
}

struct cell *shelves_kept_of(const struct shelves *shelves, const struct shelf *shelf)
{
    LIST_EACH (node, &shelves->kept)
        if (place_at(node)->shelf == shelf)
            return cell_of(place_at(node));
    return NULL;
}

unsigned shelves_resetting_for(const struct shelves *shelves, const struct pool_request *request)
{
    unsigned count = 0;

    LIST_EACH (node, &shelves->kept) {
        struct cell_place *place = place_at(node);
        count += place->role == PLACE_RESETTING && shelves_may_have(shelves, request, cell_of(place));
    }
    return count;
}

unsigned shelves_cells_for(const struct shelves *shelves, const struct pool_request *request)
{
    unsigned count = 0;

    LIST_EACH (node, &shelves->kept)
        count += shelves_may_have(shelves, request, cell_of(place_at(node)));
    return count;
}

bool shelves_have_idle(const struct shelves *shelves)
{
    size_t i = 0;

    while (i < shelves->len && shelves->all[i].idle_len == 0)
        i++;
    return i < shelves->len || shelves->kept_len > shelves->resetting;
}

/* Prewarming. */

static bool may_prewarm(const struct shelf *shelf, uint64_t now_ns)
{
    return shelf->kind->prewarm_argv != NULL && now_ns >= shelf->prewarm_not_before_ns &&
           shelf->idle_len <= shelf->target; /* else one of its cells will end soon */
}

static bool is_blank(struct cell_place *place)
{
    return place->role != PLACE_RESETTING && cell_warmth(cell_of(place)) == CELL_BLANK;
}

static bool is_settled(struct cell_place *place, uint64_t now_ns)
{
    return is_blank(place) && now_ns >= place->since_ns + POOL_SETTLE_NS;
}

static void view_place(struct cell_place *place, struct pool_view *view, uint64_t now_ns, uint64_t *next_ns)
{
    if (is_settled(place, now_ns))
        view->settled++;
    else if (is_blank(place))
        policy_sooner(next_ns, place->since_ns + POOL_SETTLE_NS, now_ns);
}

void shelves_view_prewarming(const struct shelves *shelves, struct pool_view *views, uint64_t now_ns, uint64_t *next_ns)
{
    for (size_t i = 0; i < shelves->len; i++)
        if (may_prewarm(&shelves->all[i], now_ns))
            LIST_EACH (node, &shelves->all[i].idle) {
                views[i].prewarmed += cell_warmth(cell_of(place_at(node))) == CELL_PREWARMED;
                view_place(place_at(node), &views[i], now_ns, next_ns);
            }
    LIST_EACH (node, &shelves->kept) {
        const struct shelf *shelf = place_at(node)->shelf;
        if (may_prewarm(shelf, now_ns))
            view_place(place_at(node), &views[shelf - shelves->all], now_ns, next_ns);
    }
}

void shelves_view_kept(const struct shelves *shelves, struct pool_view *views, uint64_t now_ns)
{
    LIST_EACH (node, &shelves->kept) {
        const struct shelf *shelf = place_at(node)->shelf;
        views[shelf - shelves->all].kept +=
            is_blank(place_at(node)) && shelf->kind->prewarm_argv != NULL && now_ns >= shelf->prewarm_not_before_ns;
    }
}

struct cell *shelves_kept_blank(const struct shelves *shelves, const struct shelf *shelf)
{
    LIST_EACH (node, &shelves->kept)
        if (place_at(node)->shelf == shelf && is_blank(place_at(node)))
            return cell_of(place_at(node));
    return NULL;
}

struct cell *shelves_settled(const struct shelves *shelves, const struct shelf *shelf, uint64_t now_ns)
{
    LIST_EACH (node, &shelf->idle)
        if (is_settled(place_at(node), now_ns))
            return cell_of(place_at(node));
    LIST_EACH (node, &shelves->kept)
        if (place_at(node)->shelf == shelf && is_settled(place_at(node), now_ns))
            return cell_of(place_at(node));
    return NULL;
}

/* Measures. */

uint64_t shelf_cell_bytes(const struct shelf *shelf)
{
    uint64_t assumed = shelf->kind->prewarm_argv != NULL ? ASSUMED_PREWARMED_BYTES : ASSUMED_BYTES;

    return ENGINE_BYTES + (shelf->bytes != 0 ? shelf->bytes : assumed);
}

void shelf_note_prewarmed(struct shelf *shelf, uint64_t bytes)
{
    shelf->prewarm_failures = 0;
    if (bytes != 0)
        shelf->bytes = shelf->bytes == 0 ? bytes : (7 * shelf->bytes + bytes) / 8;
}

bool shelf_note_prewarm_failure(struct shelf *shelf, uint64_t now_ns)
{
    if (++shelf->prewarm_failures < PREWARM_TRIES)
        return false;
    shelf->prewarm_not_before_ns = now_ns + PREWARM_PAUSE_NS;
    return shelf->prewarm_failures == PREWARM_TRIES;
}

void shelf_note_made(struct shelf *shelf, uint64_t took_ns)
{
    shelf->failures = 0;
    shelf->not_before_ns = 0;
    size_note_made(&shelf->demand, took_ns);
}

void shelf_note_failure(struct shelf *shelf, uint64_t now_ns)
{
    shelf->not_before_ns = now_ns + policy_pause_ns(++shelf->failures);
}

struct pool_budget shelves_kept_sum(const struct shelves *shelves, uint64_t after_ns)
{
    struct pool_budget sum = {0};

    LIST_EACH (node, &shelves->kept)
        if (place_at(node)->since_ns > after_ns) {
            sum.cells++;
            sum.bytes += shelf_cell_bytes(place_at(node)->shelf);
        }
    return sum;
}

struct pool_budget shelves_target_sum(const struct shelves *shelves, uint64_t now_ns)
{
    struct pool_budget sum = {0};

    for (size_t i = 0; i < shelves->len; i++) {
        const struct shelf *shelf = &shelves->all[i];
        uint64_t when = 0;
        unsigned shared = shelves_shared(shelf, now_ns, &when);
        unsigned counted = shared < shelf->shared ? shared : shelf->shared;
        unsigned cells = shelf->target > counted ? shelf->target - counted : 0;
        sum.cells += cells;
        sum.bytes += cells * shelf_cell_bytes(shelf);
    }
    return sum;
}
