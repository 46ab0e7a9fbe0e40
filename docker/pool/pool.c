#include "docker/pool/pool.h"

#include "base/log.h"
#include "base/seam.h"
#include "docker/cell/cell_prewarm.h"
#include "docker/cell/cell_reset.h"
#include "docker/cell/cell_shares.h"
#include "docker/cell/cell_stop.h"
#include "docker/engine/engine.h"
#include "docker/pool/balance.h"
#include "docker/pool/policy.h"
#include "docker/pool/pool_private.h"

#include <stdlib.h>
#include <string.h>

/* What may follow while the engine is up and the pool is not closing: the engine went, came anew, or pool_close(). */
#define STOPS (STATE(POOL_AWAY) | STATE(POOL_SWEEPING) | STATE(POOL_ENDING))

const struct states pool_lives = {
    .subject = "pool",
    .names = (const char *const[]){"away", "sweeping", "filling", "choosing", "trying", "open", "refilling", "ending",
                                   "last_sweep", "leaving", "giving_up", "closed"},
    .next =
        (const uint32_t[]){
            [POOL_AWAY] = STATE(POOL_AWAY) | STATE(POOL_SWEEPING) | STATE(POOL_GIVING_UP),
            [POOL_SWEEPING] = STOPS | STATE(POOL_FILLING),
            [POOL_FILLING] = STOPS | STATE(POOL_CHOOSING),
            [POOL_CHOOSING] = STOPS | STATE(POOL_TRYING),
            [POOL_TRYING] = STOPS | STATE(POOL_OPEN),
            [POOL_OPEN] = STOPS | STATE(POOL_REFILLING),
            [POOL_REFILLING] = STOPS | STATE(POOL_OPEN),
            [POOL_ENDING] = STATE(POOL_LAST_SWEEP) | STATE(POOL_GIVING_UP),
            [POOL_LAST_SWEEP] = STATE(POOL_LEAVING) | STATE(POOL_GIVING_UP),
            [POOL_LEAVING] = STATE(POOL_CLOSED),
            [POOL_GIVING_UP] = STATE(POOL_ENDING) | STATE(POOL_CLOSED),
            [POOL_CLOSED] = 0,
        },
    .count = POOL_LIVES,
};

static void pool_step(struct pool *pool);

static void pool_set_life(struct pool *pool, enum pool_life life)
{
    states_move(&pool_lives, pool->life, life, NULL);
    pool->life = life;
}

static bool pool_is_closing(const struct pool *pool)
{
    return pool->life >= POOL_ENDING;
}

/* The engine comes: sweep, fill the agent's volume, choose the runtime, make cells. */

static void on_pool_timer(uv_timer_t *timer)
{
    pool_step(timer->data);
}

/* when_ns 0: nothing changes by time alone. */
static void pool_wait_until(struct pool *pool, uint64_t when_ns, uint64_t now_ns)
{
    if (when_ns != 0)
        uv_timer_start(&pool->timer, on_pool_timer, when_ns > now_ns ? (when_ns - now_ns) / 1000000 + 1 : 0, 0);
    else
        uv_timer_stop(&pool->timer);
}

static void on_isolation_chosen(void *arg)
{
    struct pool *pool = arg;

    pool_set_life(pool, POOL_OPEN);
    pool_step(pool);
}

static void on_runtime_chosen(void *arg)
{
    struct pool *pool = arg;

    pool_set_life(pool, POOL_TRYING);
    isolation_decide(&pool->isolation, pool->shelves.all[0].kind);
}

/* The runtime and the isolation are chosen once, after the engine came. */
static void volume_filled(struct pool *pool)
{
    pool->volume_failures = 0;
    if (pool->life == POOL_REFILLING)
        pool_set_life(pool, POOL_OPEN);
    if (pool->life == POOL_FILLING) {
        pool_set_life(pool, POOL_CHOOSING);
        runtime_decide(&pool->runtime, pool->shelves.all[0].kind);
    }
}

static void pool_volume_failed(struct pool *pool, const struct error *error)
{
    pool->volume_failures++;
    pool->volume_not_before_ns = seam()->monotonic_ns() + policy_pause_ns(pool->volume_failures);
    log_event(LOG_WARN, "agent.volume_failed", LOG_STR("reason", error->text));
    if (pool->volume_failures >= POOL_REQUEST_TRIES)
        balance_fail_requests(pool, error);
}

static void on_volume_filled(void *arg, const struct error *error)
{
    struct pool *pool = arg;

    if (error == NULL)
        volume_filled(pool);
    else if (!pool_is_closing(pool))
        pool_volume_failed(pool, error);
    pool_step(pool);
}

/* After a failure another image is tried: perhaps the engine does not have this one. */
static void fill_volume(struct pool *pool, uint64_t now_ns)
{
    size_t next = pool->volume_failures % pool->shelves.len;

    if (pool->volume.call != NULL)
        return;
    if (pool->volume_not_before_ns > now_ns)
        pool_wait_until(pool, pool->volume_not_before_ns, now_ns);
    else
        volume_fill(&pool->volume, pool->shelves.all[next].kind->image, on_volume_filled, pool);
}

static void learn_engine(struct pool *pool)
{
    pool->cells.podman = engine_is_podman(pool->cells.engine);
    cells_set_seccomp(&pool->cells);
}

static void engine_came(struct pool *pool)
{
    if (pool->life == POOL_GIVING_UP)
        pool_set_life(pool, POOL_ENDING);
    if (pool_is_closing(pool)) {
        pool_step(pool);
        return;
    }
    learn_engine(pool);
    pool_set_life(pool, POOL_SWEEPING);
    reaper_sweep(&pool->reaper);
}

/* Ends the cells that are the pool's own; the others end when their takers notice. */
static void end_untaken(struct pool *pool)
{
    for (struct cell *cell = cells_first(&pool->cells), *next; cell != NULL; cell = next) {
        next = cells_next(cell);
        if (cell_place(cell)->role != PLACE_TAKEN)
            cell_end(cell);
    }
}

static void engine_went(struct pool *pool)
{
    struct error error;

    if (pool->life == POOL_LEAVING || pool->life == POOL_CLOSED)
        return; /* the call that removes the volume fails, and on_volume_removed() goes on */
    volume_cancel(&pool->volume);
    if (pool_is_closing(pool)) {
        if (pool->life != POOL_GIVING_UP)
            pool_set_life(pool, POOL_GIVING_UP);
        pool_step(pool);
        return;
    }
    pool_set_life(pool, POOL_AWAY);
    error_set(&error, ERROR_UNAVAILABLE, "the container engine is not reachable");
    balance_fail_requests(pool, &error);
    end_untaken(pool);
}

void pool_engine_changed(struct pool *pool, bool up)
{
    runtime_cancel(&pool->runtime);
    isolation_cancel(&pool->isolation);
    if (up)
        engine_came(pool);
    else
        engine_went(pool);
}

/* The end: the cells, then what else is ours, then the agent's volume, then the handles. What the engine does not
 * answer in time is left behind. */

static void on_pool_handle_closed(struct pool *pool)
{
    if (--pool->handles > 0)
        return;
    void (*closed)(void *arg) = pool->closed;
    void *arg = pool->closed_arg;
    cells_forget_seccomp(&pool->cells);
    free(pool);
    closed(arg);
}

static void on_pool_timer_closed(uv_handle_t *handle)
{
    on_pool_handle_closed(handle->data);
}

static void on_cells_closed(uv_handle_t *handle)
{
    struct cells *cells = handle->data;

    on_pool_handle_closed(container_of(cells, struct pool, cells));
}

static void on_reaper_closed(uv_handle_t *handle)
{
    struct reaper *reaper = handle->data;

    on_pool_handle_closed(reaper->arg);
}

static void close_handles(struct pool *pool)
{
    pool_set_life(pool, POOL_CLOSED);
    reaper_stop(&pool->reaper);
    pool->handles = 3;
    cells_close(&pool->cells, on_cells_closed);
    uv_close((uv_handle_t *)&pool->timer, on_pool_timer_closed);
    reaper_close(&pool->reaper, on_reaper_closed);
}

/* A volume that could not be removed is filled again at the next start. */
static void on_volume_removed(void *arg, int status, json_t *reply, const struct error *error)
{
    struct pool *pool = arg;

    (void)status, (void)reply, (void)error;
    pool->volume.call = NULL;
    close_handles(pool);
}

static void on_swept(void *arg)
{
    struct pool *pool = arg;

    if (pool->life == POOL_SWEEPING)
        pool_set_life(pool, POOL_FILLING);
    if (pool->life == POOL_LAST_SWEEP) {
        pool_set_life(pool, POOL_LEAVING);
        volume_remove(&pool->volume, on_volume_removed, pool);
    }
    pool_step(pool);
}

static void close_step(struct pool *pool)
{
    if (pool->cells.count > 0 || pool->volume.call != NULL)
        return;
    if (pool->life == POOL_ENDING) {
        pool_set_life(pool, POOL_LAST_SWEEP);
        reaper_sweep(&pool->reaper);
    } else if (pool->life == POOL_GIVING_UP) {
        close_handles(pool);
    }
}

static void on_pool_patience_over(uv_timer_t *timer)
{
    struct pool *pool = timer->data;

    for (struct cell *cell = cells_first(&pool->cells); cell != NULL; cell = cells_next(cell))
        cell_abandon(cell);
    volume_cancel(&pool->volume);
    reaper_stop(&pool->reaper);
    if (pool->life == POOL_LEAVING) {
        close_handles(pool);
        return;
    }
    if (pool->life != POOL_GIVING_UP)
        pool_set_life(pool, POOL_GIVING_UP);
    pool_step(pool);
}

void pool_close(struct pool *pool, uint64_t limit_ms, void (*closed)(void *arg), void *arg)
{
    struct error error;

    pool_set_life(pool, pool->life == POOL_AWAY ? POOL_GIVING_UP : POOL_ENDING);
    pool->closed = closed;
    pool->closed_arg = arg;
    error_set(&error, ERROR_UNAVAILABLE, "the server is shutting down");
    reaper_stop(&pool->reaper);
    runtime_cancel(&pool->runtime);
    isolation_cancel(&pool->isolation);
    uv_timer_start(&pool->timer, on_pool_patience_over, limit_ms, 0);
    balance_fail_requests(pool, &error);
    for (struct cell *cell = cells_first(&pool->cells), *next; cell != NULL; cell = next) {
        next = cells_next(cell);
        cell_end(cell);
    }
    pool_step(pool);
}

/* What is next, by the pool's life. */

static void pool_do_turn(struct pool *pool)
{
    uint64_t now = seam()->monotonic_ns();

    if (pool_is_closing(pool)) {
        close_step(pool);
        return;
    }
    if (pool->life == POOL_AWAY || pool->life == POOL_SWEEPING || pool->shelves.len == 0)
        return;
    balance_serve(pool, now);
    if (pool->life == POOL_FILLING || pool->life == POOL_REFILLING)
        fill_volume(pool, now);
    else if (pool->life == POOL_OPEN) /* still: a request's on_cell may have closed the pool */
        pool_wait_until(pool, balance_cells(pool, now), now);
}

/* Each callback records what happened and then calls this. A call from within a turn, by an on_cell or by a cell that
 * ends, is remembered: the turn is finished first, and another one follows. */
static void pool_step(struct pool *pool)
{
    if (pool->turn != POOL_REST) {
        pool->turn = POOL_ANOTHER_TURN;
        return;
    }
    do {
        pool->turn = POOL_TURN;
        pool_do_turn(pool);
    } while (pool->turn == POOL_ANOTHER_TURN);
    pool->turn = POOL_REST;
}

/* What cells tell. */

static void on_cell_ready(void *arg, struct cell *cell)
{
    struct pool *pool = arg;

    if (cell_place(cell)->role == PLACE_RESETTING)
        balance_reset(pool, cell);
    else
        balance_made(pool, cell);
    pool_step(pool);
}

static void prewarm_failed(struct shelf *shelf)
{
    if (shelf_note_prewarm_failure(shelf, seam()->monotonic_ns()))
        log_event(LOG_WARN, "cell.prewarm_failed", LOG_STR("language", shelf->kind->language),
                  LOG_STR("reason", "cells can't be prewarmed here; each job starts its own interpreter"));
}

static void on_cell_prewarmed(void *arg, struct cell *cell)
{
    struct pool *pool = arg;
    struct shelf *shelf = cell_place(cell)->shelf;

    if (pool->shelves.prewarming == cell)
        pool->shelves.prewarming = NULL;
    if (cell_warmth(cell) == CELL_PREWARMED)
        shelf_note_prewarmed(shelf, cell_prewarmed_bytes(cell));
    else
        prewarm_failed(shelf);
    pool_step(pool);
}

/* Creations that were under way together count as one failure. */
static void creation_failed(struct pool *pool, struct cell *cell, const struct error *error)
{
    uint64_t now = seam()->monotonic_ns();
    struct shelf *shelf = cell_place(cell)->shelf;

    if (now >= shelf->not_before_ns)
        shelf_note_failure(shelf, now);
    if (shelf->failures > 1 && pool->life == POOL_OPEN)
        pool_set_life(pool, POOL_REFILLING);
    log_event(LOG_WARN, "cell.failed", LOG_STR("language", shelf->kind->language), LOG_STR("reason", error->text),
              LOG_INT("failures", shelf->failures));
    balance_not_made(pool, cell, error);
}

/* error->code ERROR_NONE: somebody called cell_end(). */
static void on_cell_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct pool *pool = arg;
    struct shelf *shelf = cell_place(cell)->shelf;
    enum cell_role role = cell_place(cell)->role;
    bool failed = error->code != ERROR_NONE;

    if (pool->shelves.prewarming == cell && failed)
        prewarm_failed(shelf);
    shelves_remove(&pool->shelves, cell);
    pool->ending++;
    if (role == PLACE_MAKING && failed)
        creation_failed(pool, cell, error);
    else if (role != PLACE_TAKEN && failed)
        log_event(LOG_WARN, role == PLACE_RESETTING ? "cell.not_reset" : "cell.died",
                  LOG_STR("language", shelf->kind->language), LOG_STR("reason", error->text));
    pool_step(pool);
}

static void on_cell_gone(void *arg, struct cell *cell)
{
    struct pool *pool = arg;

    (void)cell;
    pool->ending--;
    pool_step(pool);
}

static void pool_on_trial_gone(void *arg)
{
    pool_step(arg);
}

/* The surface. */

int pool_open(struct pool **out, uv_loop_t *loop, const struct pool_options *options, struct error *error)
{
    struct pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return error_memory(error);
    pool->creations = options->creations;
    pool->budget = (struct pool_budget){.cells = options->max_idle, .bytes = options->max_idle_bytes};
    pool->reuse_jobs = options->reuse_jobs;
    pool->reuse_idle_ns = options->reuse_idle_ms * 1000000;
    cells_init(&pool->cells, loop, options->engine, options->instance, pool->volume.name);
    pool->owner = (struct cell_owner){.on_ready = on_cell_ready,
                                      .on_prewarmed = on_cell_prewarmed,
                                      .on_ending = on_cell_ending,
                                      .on_gone = on_cell_gone,
                                      .arg = pool};
    shelves_init(&pool->shelves, &pool->cells);
    list_init(&pool->requests);
    runtime_init(&pool->runtime, &pool->cells, options->runtime, on_runtime_chosen, pool);
    pool->runtime.gone = pool_on_trial_gone;
    isolation_init(&pool->isolation, &pool->cells, options->capsules, on_isolation_chosen, pool);
    pool->isolation.gone = pool_on_trial_gone;
    pool->cells.apparmor = options->apparmor;
    volume_init(&pool->volume, &pool->cells, options->agent, options->agent_len);
    reaper_init(&pool->reaper, &pool->cells, &pool->volume, on_swept, pool);
    uv_timer_init(loop, &pool->timer);
    pool->timer.data = pool;
    *out = pool;
    return 0;
}

static void end_shelf(struct pool *pool, struct shelf *shelf)
{
    struct cell *cell;

    while ((cell = shelf_expendable(shelf)) != NULL || (cell = shelves_kept_of(&pool->shelves, shelf)) != NULL)
        cell_end(cell);
}

void pool_offer(struct pool *pool, const struct cell_kind *kind, struct pool_keep keep)
{
    struct shelf *shelf = shelves_find(&pool->shelves, kind);

    if (shelf == NULL)
        shelf = shelves_add(&pool->shelves, kind, pool->creations);
    if (keep.minimum < shelf->keep.minimum || keep.preferred < shelf->keep.preferred)
        shelf->surplus_ns = 1; /* an operator wants fewer cells: they end now, and not after a while */
    shelf->keep = keep;
    balance_resize(pool, seam()->monotonic_ns());
    if (size_keeps_none(&keep))
        end_shelf(pool, shelf);
    pool_step(pool);
}

void pool_withdraw(struct pool *pool, const struct cell_kind *kind)
{
    pool_offer(pool, kind, (struct pool_keep){0});
}

void pool_take(struct pool *pool, struct pool_request *request)
{
    struct error error;

    request->node = (struct list){0};
    request->making = NULL;
    request->counted = request->own;
    request->failures = 0;
    request->since_ns = seam()->monotonic_ns();
    if (!pool->cells.capsules)
        request->key = 0; /* cells are used once */
    if (!pool_engine_is_up(pool) || pool_is_closing(pool) || shelves_find(&pool->shelves, request->kind) == NULL) {
        error_set(&error, ERROR_UNAVAILABLE, "the container engine is not reachable");
        request->on_cell(request, NULL, &error);
        return;
    }
    balance_request(pool, request);
    pool_step(pool);
}

/* A cell that is being made for the request then goes to another request, to the shelf, or ends. */
void pool_cancel(struct pool *pool, struct pool_request *request)
{
    (void)pool;
    list_forget(&request->node);
    request->making = NULL;
}

static bool cell_may_be_kept(const struct pool *pool, struct cell *cell, int64_t key)
{
    const struct shelf *shelf = cell_place(cell)->shelf;

    return key != 0 && pool->cells.capsules && pool->life != POOL_TRYING && pool_engine_is_up(pool) &&
           !pool_is_closing(pool) && !size_keeps_none(&shelf->keep) &&
           !balance_is_old(pool, cell, seam()->monotonic_ns());
}

void pool_return(struct pool *pool, struct cell *cell, int64_t key)
{
    if (!cell_may_be_kept(pool, cell, key)) {
        cell_end(cell);
        return;
    }
    shelves_return(&pool->shelves, cell, key, seam()->monotonic_ns());
    cell_reset(cell);
    if (key == POOL_KEY_ANY)
        cell_shares_hurry(cell);
    pool_step(pool);
}

static void on_stopped(void *arg, struct cell *cell, enum cell_outcome outcome, uint32_t flags)
{
    if (outcome == CELL_DONE && (flags & CELL_SPENT) == 0)
        pool_return(arg, cell, cell_place(cell)->stop_key);
    else
        cell_end(cell);
}

void pool_stop(struct pool *pool, struct cell *cell, int64_t key)
{
    cell_place(cell)->stop_key = key;
    if (!cell_may_be_kept(pool, cell, key) || !cell_stop(cell, on_stopped, pool))
        cell_end(cell);
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
    out->prewarmed += cell_warmth(cell) == CELL_PREWARMED;
    out->kept += place->role == PLACE_RESETTING || place->role == PLACE_KEPT;
}

void pool_counts(const struct pool *pool, const char *language, struct pool_counts *out)
{
    *out = (struct pool_counts){0};
    for (struct cell *cell = cells_first(&pool->cells); cell != NULL; cell = cells_next(cell))
        if (language == NULL || strcmp(cell_language(cell), language) == 0)
            count_cell(cell, out);
    for (size_t i = 0; i < pool->shelves.len; i++)
        if (language == NULL || strcmp(pool->shelves.all[i].kind->language, language) == 0)
            out->target += pool->shelves.all[i].target;
}

struct pool_isolation pool_isolation(const struct pool *pool)
{
    const struct isolation_trial *trial = &pool->isolation;

    return (struct pool_isolation){.chosen = trial->chosen,
                                   .asked = trial->asked,
                                   .capsules = trial->chosen && pool->cells.capsules,
                                   .reason = trial->reason};
}

bool pool_engine_is_up(const struct pool *pool)
{
    return pool->life != POOL_AWAY && pool->life != POOL_GIVING_UP;
}

bool pool_can_make(const struct pool *pool)
{
    return pool->life == POOL_OPEN;
}
