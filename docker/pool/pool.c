#include "docker/pool/pool_private.h"

#include "base/seam.h"
#include "docker/engine/codec_seccomp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* In its place by rank, after its equals. */
static void queue(struct pool *pool, struct pool_wish *wish)
{
    struct pool_wish *before = pool->last;

    while (before != NULL && before->rank > wish->rank)
        before = before->prev;
    wish->queued = true;
    wish->prev = before;
    wish->next = before != NULL ? before->next : pool->first;
    if (before != NULL)
        before->next = wish;
    else
        pool->first = wish;
    if (wish->next != NULL)
        wish->next->prev = wish;
    else
        pool->last = wish;
}

void pool_take(struct pool *pool, struct pool_wish *wish)
{
    struct error error;

    wish->making = NULL;
    wish->queued = false;
    wish->counted = wish->own;
    wish->failures = 0;
    wish->since_ns = seam()->monotonic_ns();
    if (pool_shelf_of(pool, wish->kind) == NULL || pool->closing || !pool->up) {
        error_set(&error, ERROR_UNAVAILABLE, "the container engine is not reachable");
        pool_wish_finish(pool, wish, NULL, &error);
        return;
    }
    struct cell *cell = pool_find(pool, wish, wish->since_ns);
    if (cell != NULL)
        pool_hand(pool, wish, cell);
    else
        queue(pool, wish);
    pool_balance(pool);
}

void pool_cancel(struct pool *pool, struct pool_wish *wish)
{
    if (wish->queued)
        pool_wish_unlink(pool, wish);
    wish->making = NULL; /* the cell that was made for it goes to another wish, to the shelf, or ends */
}

/* Shelves stay where they are, for cells point to them; their order is apart. */
static struct shelf *add_shelf(struct pool *pool, const struct cell_kind *kind)
{
    size_t index = pool->shelves_len, at = index;

    assert(index < SHELVES_MAX);
    pool->shelves[index] = (struct shelf){.kind = kind, .demand.creations = pool->creations};
    pool->shelves_len++;
    while (at > 0 && strcmp(pool->shelves[pool->order[at - 1]].kind->language, kind->language) > 0) {
        pool->order[at] = pool->order[at - 1];
        at--;
    }
    pool->order[at] = index;
    return &pool->shelves[index];
}

void pool_offer(struct pool *pool, const struct cell_kind *kind, struct pool_keep keep)
{
    struct shelf *shelf = pool_shelf_of(pool, kind);

    if (shelf == NULL)
        shelf = add_shelf(pool, kind);
    if (keep.least < shelf->keep.least || keep.usual < shelf->keep.usual)
        shelf->surplus_ns = 1; /* somebody's will, and no estimate: those that are too many end now */
    shelf->keep = keep;
    pool_want(pool, seam()->monotonic_ns());
    if (pool_keeps_none(&keep)) {
        while (shelf->first != NULL)
            cell_end(shelf->first);
        pool_kept_end(pool, kind);
    }
    pool_balance(pool);
}

void pool_withdraw(struct pool *pool, const struct cell_kind *kind)
{
    pool_offer(pool, kind, (struct pool_keep){0});
}

/* The engine. */

static void end_all(struct pool *pool)
{
    for (struct cell *cell = cells_first(&pool->cells), *next; cell != NULL; cell = next) {
        next = cells_next(cell);
        if (cell_place(cell)->role != PLACE_TAKEN)
            cell_end(cell);
    }
}

static void on_swept(void *arg)
{
    struct pool *pool = arg;

    pool->swept = true;
    pool->last_swept = pool->closing;
    if (pool->closing)
        pool_close_step(pool);
    else
        pool_balance(pool);
}

void pool_engine_changed(struct pool *pool, bool up)
{
    struct error error;

    pool->up = up;
    runtime_cancel(&pool->runtime);
    pool->runtime.decided = pool->deciding = false;
    if (pool->closing) {
        if (!up && !pool->leaving)
            volume_cancel(&pool->volume);
        pool_close_step(pool);
        return;
    }
    if (up) {
        pool->cells.podman = engine_is_podman(pool->cells.engine);
        if (pool->cells.podman) {
            free(pool->cells.seccomp); /* Podman takes a path on its own host only; the agent's filter must do */
            pool->cells.seccomp = NULL;
        } else if (pool->cells.seccomp == NULL) {
            pool->cells.seccomp = codec_seccomp();
        }
        pool->swept = false;
        reaper_sweep(&pool->reaper);
        return;
    }
    volume_cancel(&pool->volume);
    pool->volume.filled = false;
    error_set(&error, ERROR_UNAVAILABLE, "the container engine is not reachable");
    pool_wishes_fail(pool, NULL, &error);
    end_all(pool);
}

/* Open, count, close. */

int pool_open(struct pool **out, uv_loop_t *loop, const struct pool_options *options, struct error *error)
{
    struct pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    pool->loop = loop;
    pool->creations = options->creations;
    pool->budget = (struct pool_budget){.cells = options->max_waiting, .bytes = options->max_waiting_bytes};
    pool->reuse_jobs = options->reuse_jobs;
    pool->reuse_idle_ns = options->reuse_idle_ms * 1000000;
    pool->on_change = options->on_change;
    pool->arg = options->arg;
    cells_init(&pool->cells, loop, options->engine, options->instance, pool->volume.name);
    pool->owner = (struct cell_owner){.on_ready = pool_on_ready,
                                      .on_prewarmed = pool_on_prepared,
                                      .on_ending = pool_on_ending,
                                      .on_gone = pool_on_gone,
                                      .arg = pool};
    runtime_init(&pool->runtime, &pool->cells, options->runtime, pool_on_runtime, pool);
    pool->runtime.gone = pool_on_trial_gone;
    volume_init(&pool->volume, &pool->cells, options->agent, options->agent_len);
    reaper_init(&pool->reaper, &pool->cells, &pool->volume, on_swept, pool);
    uv_timer_init(loop, &pool->timer);
    pool->timer.data = pool;
    *out = pool;
    return 0;
}

static unsigned *count_of(struct pool_counts *counts, enum cell_state state)
{
    switch (state) {
    case CELL_READY:
    case CELL_RESETTING:
        return &counts->ready;
    case CELL_UPDATING:
    case CELL_RUNNING:
        return &counts->running;
    case CELL_ENDING:
    case CELL_GONE:
        return &counts->ending;
    default:
        return &counts->creating;
    }
}

static void count_cell(struct cell *cell, struct pool_counts *out)
{
    unsigned *count = count_of(out, cell_state(cell));
    const struct cell_place *place = cell_place(cell);

    (*count)++;
    if (count != &out->ready)
        return;
    out->held += cell_warmth(cell) == CELL_PREWARMED;
    out->kept += place->role == PLACE_RESETTING || place->role == PLACE_KEPT;
}

void pool_counts(const struct pool *pool, const char *language, struct pool_counts *out)
{
    *out = (struct pool_counts){0};
    for (struct cell *cell = cells_first(&pool->cells); cell != NULL; cell = cells_next(cell))
        if (language == NULL || strcmp(cell_language(cell), language) == 0)
            count_cell(cell, out);
    for (size_t i = 0; i < pool->shelves_len; i++)
        if (language == NULL || strcmp(pool->shelves[i].kind->language, language) == 0)
            out->want += pool->shelves[i].want;
}

bool pool_engine_is_up(const struct pool *pool)
{
    return pool->up;
}

bool pool_can_make(const struct pool *pool)
{
    return pool->up && pool->swept && pool->volume.filled && pool->runtime.decided;
}
