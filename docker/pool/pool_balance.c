/* What is done next: the state of things goes to pool_decide() (pure), and what it says is done, until it says no more.
 * Then the timer is set to the next moment at which time alone changes something; in an idle server that wants no more
 * than its minima there is none. */
#include "docker/pool/pool_private.h"

#include "base/log.h"
#include "base/seam.h"

void pool_sooner(uint64_t *next, uint64_t when_ns, uint64_t now_ns)
{
    if (when_ns > now_ns && (*next == 0 || when_ns < *next))
        *next = when_ns;
}

/* No cell is made for it and none is coming back for it. */
static bool unmet(const struct pool *pool, const struct pool_request *wish, uint64_t now_ns)
{
    return wish->making == NULL && !pool_kept_coming(pool, wish, now_ns);
}

static struct pool_request *unmet_wish(struct pool *pool, const struct cell_kind *kind, uint64_t now_ns)
{
    struct pool_request *wish = pool->first;

    while (wish != NULL && (wish->kind != kind || !unmet(pool, wish, now_ns)))
        wish = wish->next;
    return wish;
}

static void view_wishes(struct pool *pool, struct pool_view *views, uint64_t now_ns, uint64_t *next_ns)
{
    for (struct pool_request *wish = pool->first; wish != NULL; wish = wish->next) {
        struct pool_view *v = &views[pool_shelf_of(pool, wish->kind) - pool->shelves];
        v->requests++;
        if (unmet(pool, wish, now_ns)) {
            if (wish->key == 0) /* else it may yet be met by a cell that its key has in use */
                pool_asked(pool, wish);
            if (v->unmet++ == 0) {
                v->rank = wish->rank;
                v->oldest_ns = wish->since_ns;
            }
        } else if (wish->making == NULL) {
            pool_sooner(next_ns, wish->since_ns + POOL_COMING_NS, now_ns);
        }
    }
}

/* Cells that wait, and that are on their way to do so. */
static unsigned waiting(const struct pool *pool, const struct pool_view *views)
{
    unsigned sum = pool->kept_len;

    for (size_t i = 0; i < pool->shelves_len; i++)
        sum += pool_coming(&views[i]);
    return sum;
}

static void note_surplus(struct shelf *shelf, uint64_t now_ns)
{
    if (shelf->ready <= shelf->target)
        shelf->surplus_ns = 0;
    else if (shelf->surplus_ns == 0)
        shelf->surplus_ns = now_ns;
}

static void view(struct pool *pool, struct pool_view *views, struct pool_moment *moment, uint64_t *next_ns)
{
    for (size_t i = 0; i < pool->shelves_len; i++) {
        struct shelf *shelf = &pool->shelves[i];

        note_surplus(shelf, moment->now_ns);
        if (shelf->surplus_ns != 0)
            pool_sooner(next_ns, shelf->surplus_ns + POOL_SURPLUS_NS, moment->now_ns);
        views[i] = (struct pool_view){.target = shelf->target,
                                      .minimum = shelf->keep.minimum,
                                      .ready = shelf->ready,
                                      .making = shelf->making,
                                      .unasked = shelf->keep.minimum == 0 && shelf->demand.arrivals == 0,
                                      .surplus_ns = shelf->surplus_ns,
                                      .not_before_ns = shelf->not_before_ns};
    }
    view_wishes(pool, views, moment->now_ns, next_ns);
    unsigned waits = waiting(pool, views);
    moment->room = pool->budget.cells > waits ? pool->budget.cells - waits : 0;
    moment->making = pool->making;
    moment->ending = pool->ending;
    moment->preparing = pool->preparing != NULL;
    if (pool_quiet(moment) && pool->first == NULL)
        pool_prepare_view(pool, views, moment->now_ns, next_ns);
}

static void on_moment(uv_timer_t *timer)
{
    pool_balance(timer->data);
}

static void wait_until(struct pool *pool, uint64_t when_ns, uint64_t now_ns)
{
    uv_timer_start(&pool->timer, on_moment, when_ns > now_ns ? (when_ns - now_ns) / 1000000 + 1 : 0, 0);
}

static void set_timer(struct pool *pool, uint64_t next_ns, uint64_t now_ns)
{
    pool_sooner(&next_ns, pool->fill_ns, now_ns);
    pool_sooner(&next_ns, pool_want_next(pool), now_ns);
    pool_sooner(&next_ns, pool_kept_next(pool), now_ns);
    for (size_t i = 0; i < pool->shelves_len; i++)
        pool_sooner(&next_ns, pool->shelves[i].not_before_ns, now_ns);
    if (next_ns != 0)
        wait_until(pool, next_ns, now_ns);
    else
        uv_timer_stop(&pool->timer);
}

static void on_volume_filled(void *arg, const struct error *error)
{
    struct pool *pool = arg;

    if (pool->closing) {
        pool_close_step(pool);
        return;
    }
    if (error != NULL) {
        pool->volume_failures++;
        pool->volume_not_before_ns = seam()->monotonic_ns() + pool_pause_ns(pool->volume_failures);
        log_event(LOG_WARN, "agent.volume_failed", LOG_STR("reason", error->text));
        if (pool->volume_failures >= POOL_REQUEST_TRIES)
            pool_wishes_fail(pool, NULL, error);
    } else {
        pool->volume_failures = 0;
    }
    pool_balance(pool);
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

static int carry_out(struct pool *pool, struct pool_decision what, uint64_t now_ns)
{
    struct shelf *shelf = &pool->shelves[what.language];

    switch (what.action) {
    case POOL_SURPLUS:
        cell_end(pool_shelf_least(shelf));
        return 0;
    case POOL_PREPARE:
        pool_prepare(pool, shelf, now_ns);
        return 0;
    case POOL_FOR_REQUEST:
        return pool_make(pool, shelf, unmet_wish(pool, shelf->kind, now_ns));
    case POOL_FOR_SHELF:
        return pool_make(pool, shelf, NULL);
    case POOL_NOTHING:
        break;
    }
    return -1;
}

static void decide(struct pool *pool, uint64_t now_ns)
{
    struct pool_view views[SHELVES_MAX];
    uint64_t next_ns;

    for (;;) {
        struct pool_moment moment = {.creations = pool->creations, .fill_ns = pool->fill_ns, .now_ns = now_ns};
        next_ns = 0;
        view(pool, views, &moment, &next_ns);
        struct pool_decision next = pool_decide(views, pool->shelves_len, &moment);
        if (next.action == POOL_NOTHING)
            break;
        if (carry_out(pool, next, now_ns) != 0) {
            struct shelf *shelf = &pool->shelves[next.language];
            shelf->not_before_ns = now_ns + pool_pause_ns(++shelf->failures);
            break;
        }
    }
    if (pool->fill_ns <= now_ns)
        pool->fill_ns = 0; /* what was lacking is on its way: the next taken cell begins another pause */
    set_timer(pool, next_ns, now_ns);
}

static void decide_runtime(struct pool *pool)
{
    if (pool->deciding)
        return;
    pool->deciding = true;
    runtime_decide(&pool->runtime, pool->shelves[0].kind);
}

void pool_on_runtime(void *arg)
{
    struct pool *pool = arg;

    pool->deciding = false;
    pool_balance(pool);
}

void pool_balance(struct pool *pool)
{
    uint64_t now = seam()->monotonic_ns();

    if (pool->closing || !pool->up || !pool->swept || pool->shelves_len == 0)
        return;
    uint64_t size_ns = pool_want_next(pool);
    if (size_ns != 0 && size_ns <= now)
        pool_want(pool, now);
    pool_kept_trim(pool, now);
    pool_serve(pool, now);
    if (pool->closing || !pool->up)
        return; /* since, by one who got a cell */
    if (!pool->volume.filled) {
        fill_volume(pool, now);
        return;
    }
    if (!pool->runtime.decided) {
        decide_runtime(pool);
        return;
    }
    if (pool->taken == 0)
        pool->fill_ns = 0;
    decide(pool, now);
}
