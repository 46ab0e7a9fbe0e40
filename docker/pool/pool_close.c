/* Closing: cells end, what else is ours is swept, then the volume is removed, then the handles close, then `closed`.
 * What the engine does not answer in time is given up. */
#include "docker/pool/pool_private.h"

#include <stdlib.h>

static void on_handle_closed(struct pool *pool)
{
    if (--pool->handles > 0)
        return;
    void (*closed)(void *arg) = pool->closed;
    void *arg = pool->closed_arg;
    free(pool->cells.seccomp);
    free(pool);
    closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void on_reaper_closed(uv_handle_t *handle)
{
    struct reaper *reaper = handle->data;

    on_handle_closed(reaper->arg);
}

static void close_handles(struct pool *pool)
{
    reaper_stop(&pool->reaper);
    pool->handles = 2;
    uv_close((uv_handle_t *)&pool->timer, on_timer_closed);
    reaper_close(&pool->reaper, on_reaper_closed);
}

static void on_volume_removed(void *arg, int status, json_t *reply, const struct error *error)
{
    struct pool *pool = arg;

    (void)status, (void)reply, (void)error; /* one that stays is filled again at the next start */
    pool->volume.call = NULL;
    close_handles(pool);
}

void pool_close_step(struct pool *pool)
{
    if (pool->cells.count > 0 || pool->volume.call != NULL || pool->leaving)
        return;
    if (pool->up && !pool->last_swept) {
        reaper_sweep(&pool->reaper);
        return;
    }
    pool->leaving = true;
    if (!pool->up)
        close_handles(pool);
    else
        volume_remove(&pool->volume, on_volume_removed, pool);
}

void pool_on_trial_gone(void *arg)
{
    struct pool *pool = arg;

    if (pool->closing)
        pool_close_step(pool);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct pool *pool = timer->data;

    for (struct cell *cell = cells_first(&pool->cells); cell != NULL; cell = cells_next(cell))
        cell_abandon(cell);
    volume_cancel(&pool->volume);
    reaper_stop(&pool->reaper);
    pool->up = false; /* nothing more is asked of it */
    if (pool->leaving)
        close_handles(pool); /* the volume's removal was not answered */
    else
        pool_close_step(pool);
}

void pool_close(struct pool *pool, uint64_t limit_ms, void (*closed)(void *arg), void *arg)
{
    struct error error;

    pool->closing = true;
    pool->closed = closed;
    pool->closed_arg = arg;
    error_set(&error, ERROR_UNAVAILABLE, "the server is shutting down");
    pool_wishes_fail(pool, NULL, &error);
    reaper_stop(&pool->reaper);
    runtime_cancel(&pool->runtime);
    uv_timer_start(&pool->timer, on_patience_over, limit_ms, 0);
    for (struct cell *cell = cells_first(&pool->cells), *next; cell != NULL; cell = next) {
        next = cells_next(cell);
        cell_end(cell);
    }
    pool_close_step(pool);
}
