/* The pool. Three things call pool_balance(), which alone decides: a wish came, a cell changed, the engine or a
 * pause changed. A wish is met by a cell that waits, by the one that is made for it, or by whichever of its
 * language is ready first. */
#include "docker/pool.h"

#include "base/log.h"
#include "base/seam.h"
#include "docker/cells.h"
#include "docker/codec.h"
#include "docker/engine.h"
#include "docker/pool_policy.h"
#include "docker/reaper.h"
#include "docker/volume.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define SHELVES_MAX 200

struct shelf {
    const struct cell_kind *kind;
    unsigned want, ready, making;
    struct cell *first; /* that wait */
    unsigned failures;  /* creations that failed in a row */
    uint64_t not_before_ns;
};

struct pool {
    uv_loop_t *loop;
    struct cells cells;
    struct cell_owner owner;
    struct volume volume;
    struct reaper reaper;
    struct shelf shelves[SHELVES_MAX];
    size_t shelves_len;
    struct pool_wish *first, *last; /* oldest first */
    unsigned creations, making;
    unsigned taken;   /* cells that others have and have not ended */
    uint64_t fill_ns; /* shelves are not filled before; 0: nothing holds them up */
    bool up, swept, closing, leaving;
    unsigned volume_failures;
    uint64_t volume_not_before_ns;
    uv_timer_t timer; /* the end of the next pause; while closing, of the patience */
    unsigned handles;
    void (*on_change)(void *arg);
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
};

static void balance(struct pool *pool);
static void close_step(struct pool *pool);

static bool limits_same(const struct cell_limits *a, const struct cell_limits *b)
{
    return a->milli_cpus == b->milli_cpus && a->memory_mb == b->memory_mb && a->disk_mb == b->disk_mb &&
           a->processes == b->processes;
}

/* Whether a cell has these limits, or can be given them while it waits: disk_mb never, and on Podman none. */
static bool suits(const struct pool *pool, const struct cell *cell, const struct cell_limits *limits)
{
    const struct cell_limits *has = cell_limits(cell);

    return pool->cells.podman ? limits_same(has, limits) : has->disk_mb == limits->disk_mb;
}

static struct shelf *shelf_of(struct pool *pool, const struct cell_kind *kind)
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

static void shelf_remove(struct shelf *shelf, struct cell *cell)
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

static void wish_unlink(struct pool *pool, struct pool_wish *wish)
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

static void wish_finish(struct pool *pool, struct pool_wish *wish, struct cell *cell, const struct error *error)
{
    if (wish->queued)
        wish_unlink(pool, wish);
    wish->making = NULL;
    if (cell != NULL) {
        cell_place(cell)->role = PLACE_TAKEN;
        pool->taken++;
        if (pool->fill_ns == 0)
            pool->fill_ns = seam()->monotonic_ns() + POOL_SETTLE_NS;
    }
    wish->on_cell(wish, cell, error);
}

static void wishes_fail(struct pool *pool, const struct cell_kind *kind, const struct error *error)
{
    for (struct pool_wish *wish = pool->first, *next; wish != NULL; wish = next) {
        next = wish->next;
        if (kind == NULL || wish->kind == kind)
            wish_finish(pool, wish, NULL, error);
    }
}

static struct pool_wish *wish_for(struct pool *pool, const struct cell *cell)
{
    struct pool_wish *oldest = NULL;

    for (struct pool_wish *wish = pool->first; wish != NULL; wish = wish->next) {
        if (wish->making == cell)
            return wish;
        if (oldest == NULL && wish->kind == cell_kind(cell) && suits(pool, cell, &wish->limits))
            oldest = wish;
    }
    return oldest;
}

void pool_take(struct pool *pool, struct pool_wish *wish)
{
    struct shelf *shelf = shelf_of(pool, wish->kind);

    wish->making = NULL;
    wish->queued = false;
    wish->failures = 0;
    if (shelf == NULL || pool->closing || !pool->up) {
        struct error error;
        error_set(&error, ERROR_UNAVAILABLE, "the container engine is not reachable");
        wish_finish(pool, wish, NULL, &error);
        return;
    }
    if (shelf->first != NULL && suits(pool, shelf->first, &wish->limits)) {
        struct cell *cell = shelf->first;
        shelf_remove(shelf, cell);
        wish_finish(pool, wish, cell, NULL);
    } else {
        wish->queued = true;
        wish->since_ns = seam()->monotonic_ns();
        wish->next = NULL;
        wish->prev = pool->last;
        if (pool->last != NULL)
            pool->last->next = wish;
        else
            pool->first = wish;
        pool->last = wish;
    }
    balance(pool);
}

void pool_cancel(struct pool *pool, struct pool_wish *wish)
{
    if (wish->queued)
        wish_unlink(pool, wish);
    wish->making = NULL; /* the cell that was made for it goes to another wish, to the shelf, or ends */
}

/* Cells. */

static void discard(struct pool *pool, struct cell *cell)
{
    cell_place(cell)->role = PLACE_TAKEN;
    pool->taken++;
    cell_end(cell);
}

static void on_ready(void *arg, struct cell *cell)
{
    struct pool *pool = arg;
    struct shelf *shelf = cell_place(cell)->shelf;
    struct pool_wish *wish = wish_for(pool, cell);

    pool->making--;
    shelf->making--;
    shelf->failures = 0;
    shelf->not_before_ns = 0;
    if (wish != NULL)
        wish_finish(pool, wish, cell, NULL);
    else if (shelf->ready < shelf->want && limits_same(cell_limits(cell), &shelf->kind->limits) && !pool->closing)
        shelf_put(shelf, cell);
    else
        discard(pool, cell);
    changed(pool);
    balance(pool);
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
            wish_finish(pool, wish, NULL, error);
    }
}

static void on_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct pool *pool = arg;
    struct cell_place *place = cell_place(cell);
    struct shelf *shelf = place->shelf;

    if (place->role == PLACE_MAKING) {
        creation_failed(pool, shelf, cell, error);
    } else if (place->role == PLACE_WAITING) {
        shelf_remove(shelf, cell);
        if (error->code != ERROR_NONE)
            log_event(LOG_WARN, "cell.died", LOG_STR("language", shelf->kind->language),
                      LOG_STR("reason", error->text));
    } else {
        pool->taken--;
    }
    changed(pool);
    balance(pool);
}

static void on_gone(void *arg, struct cell *cell)
{
    struct pool *pool = arg;

    (void)cell;
    if (pool->closing)
        close_step(pool);
}

static int make(struct pool *pool, struct shelf *shelf, struct pool_wish *wish)
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

/* Balancing. */

static struct pool_wish *unmet_wish(struct pool *pool, const struct cell_kind *kind)
{
    struct pool_wish *wish = pool->first;

    while (wish != NULL && (wish->kind != kind || wish->making != NULL))
        wish = wish->next;
    return wish;
}

static void view(struct pool *pool, struct pool_view *views)
{
    for (size_t i = 0; i < pool->shelves_len; i++) {
        const struct shelf *shelf = &pool->shelves[i];
        views[i] = (struct pool_view){
            .want = shelf->want, .ready = shelf->ready, .making = shelf->making, .not_before_ns = shelf->not_before_ns};
    }
    for (struct pool_wish *wish = pool->first; wish != NULL; wish = wish->next) {
        struct pool_view *v = &views[shelf_of(pool, wish->kind) - pool->shelves];
        v->wishes++;
        if (wish->making == NULL && v->unmet++ == 0)
            v->oldest_ns = wish->since_ns;
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    balance(timer->data);
}

static void wait_until(struct pool *pool, uint64_t when_ns, uint64_t now_ns)
{
    uv_timer_start(&pool->timer, on_pause_over, when_ns > now_ns ? (when_ns - now_ns) / 1000000 + 1 : 0, 0);
}

/* The next pause that ends, where one is on. */
static void wait_for_pause(struct pool *pool, uint64_t now_ns)
{
    uint64_t next = pool->fill_ns > now_ns ? pool->fill_ns : 0;

    for (size_t i = 0; i < pool->shelves_len; i++) {
        uint64_t when = pool->shelves[i].not_before_ns;
        if (when > now_ns && (next == 0 || when < next))
            next = when;
    }
    if (next != 0)
        wait_until(pool, next, now_ns);
}

static void on_volume_filled(void *arg, const struct error *error)
{
    struct pool *pool = arg;

    if (pool->closing) {
        close_step(pool);
        return;
    }
    if (error != NULL) {
        pool->volume_failures++;
        pool->volume_not_before_ns = seam()->monotonic_ns() + pool_pause_ns(pool->volume_failures);
        log_event(LOG_WARN, "agent.volume_failed", LOG_STR("reason", error->text));
        if (pool->volume_failures >= POOL_WISH_TRIES)
            wishes_fail(pool, NULL, error);
    } else {
        pool->volume_failures = 0;
    }
    balance(pool);
}

static void fill_volume(struct pool *pool, uint64_t now_ns)
{
    if (pool->volume.call != NULL)
        return;
    if (pool->volume_not_before_ns > now_ns)
        wait_until(pool, pool->volume_not_before_ns, now_ns);
    else
        volume_fill(&pool->volume, pool->shelves[pool->volume_failures % pool->shelves_len].kind->image,
                    on_volume_filled, pool);
}

static void balance(struct pool *pool)
{
    struct pool_view views[SHELVES_MAX];
    uint64_t now = seam()->monotonic_ns();

    if (pool->closing || !pool->up || !pool->swept || pool->shelves_len == 0)
        return;
    if (!pool->volume.filled) {
        fill_volume(pool, now);
        return;
    }
    if (pool->taken == 0)
        pool->fill_ns = 0;
    for (;;) {
        view(pool, views);
        struct pool_decision next =
            pool_decide(views, pool->shelves_len, pool->making, pool->creations, pool->fill_ns, now);
        if (next.action == POOL_NOTHING)
            break;
        struct shelf *shelf = &pool->shelves[next.language];
        if (make(pool, shelf, next.action == POOL_FOR_WISH ? unmet_wish(pool, shelf->kind) : NULL) != 0) {
            shelf->not_before_ns = now + pool_pause_ns(++shelf->failures);
            break;
        }
    }
    if (pool->fill_ns <= now)
        pool->fill_ns = 0; /* what was lacking is on its way: the next taken cell begins another pause */
    wait_for_pause(pool, now);
}

void pool_add(struct pool *pool, const struct cell_kind *kind, unsigned waiting)
{
    struct shelf *shelf = shelf_of(pool, kind);

    if (shelf == NULL) {
        assert(pool->shelves_len < SHELVES_MAX);
        shelf = &pool->shelves[pool->shelves_len++];
        *shelf = (struct shelf){.kind = kind};
    }
    shelf->want = waiting;
    while (shelf->ready > shelf->want)
        cell_end(shelf->first);
    balance(pool);
}

/* The engine. */

static void end_all(struct pool *pool)
{
    for (struct cell *cell = pool->cells.first, *next; cell != NULL; cell = next) {
        next = cells_next(cell);
        if (cell_place(cell)->role != PLACE_TAKEN)
            cell_end(cell);
    }
}

static void on_swept(void *arg)
{
    struct pool *pool = arg;

    pool->swept = true;
    balance(pool);
}

void pool_engine_changed(struct pool *pool, bool up)
{
    struct error error;

    pool->up = up;
    if (pool->closing) {
        if (!up && !pool->leaving)
            volume_cancel(&pool->volume);
        close_step(pool);
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
    wishes_fail(pool, NULL, &error);
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
    pool->on_change = options->on_change;
    pool->arg = options->arg;
    pool->cells = (struct cells){.loop = loop,
                                 .engine = options->engine,
                                 .instance = options->instance,
                                 .runtime = options->runtime,
                                 .volume = pool->volume.name};
    seam()->random(&pool->cells.next_uid, sizeof pool->cells.next_uid);
    pool->cells.next_uid %= CELL_UID_COUNT;
    pool->owner = (struct cell_owner){on_ready, on_ending, on_gone, pool};
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

void pool_counts(const struct pool *pool, const char *language, struct pool_counts *out)
{
    *out = (struct pool_counts){0};
    for (const struct cell *cell = pool->cells.first; cell != NULL; cell = cells_next(cell))
        if (language == NULL || strcmp(cell_language(cell), language) == 0)
            (*count_of(out, cell_state(cell)))++;
}

/* Closing: cells end, then the volume is removed, then the handles close, then `closed`. */

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

static void close_step(struct pool *pool)
{
    if (pool->cells.count > 0 || pool->volume.call != NULL || pool->leaving)
        return;
    pool->leaving = true;
    if (!pool->up)
        close_handles(pool);
    else
        volume_remove(&pool->volume, on_volume_removed, pool);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct pool *pool = timer->data;

    for (struct cell *cell = pool->cells.first; cell != NULL; cell = cells_next(cell))
        cell_abandon(cell);
    volume_cancel(&pool->volume);
    if (pool->leaving)
        close_handles(pool); /* the volume's removal was not answered */
    else
        close_step(pool);
}

void pool_close(struct pool *pool, uint64_t limit_ms, void (*closed)(void *arg), void *arg)
{
    struct error error;

    pool->closing = true;
    pool->closed = closed;
    pool->closed_arg = arg;
    error_set(&error, ERROR_UNAVAILABLE, "the server is shutting down");
    wishes_fail(pool, NULL, &error);
    reaper_stop(&pool->reaper);
    uv_timer_start(&pool->timer, on_patience_over, limit_ms, 0);
    for (struct cell *cell = pool->cells.first, *next; cell != NULL; cell = next) {
        next = cells_next(cell);
        cell_end(cell);
    }
    close_step(pool);
}
