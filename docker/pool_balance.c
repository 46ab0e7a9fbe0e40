/* What is made next: the state of things goes to pool_decide() (pure), and what it says is done, until it says no more.
 */
#include "docker/pool_private.h"

#include "base/log.h"
#include "base/seam.h"
#include "docker/pool_policy.h"

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
        struct pool_view *v = &views[pool_shelf_of(pool, wish->kind) - pool->shelves];
        v->wishes++;
        if (wish->making == NULL && v->unmet++ == 0)
            v->oldest_ns = wish->since_ns;
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    pool_balance(timer->data);
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
        pool_close_step(pool);
        return;
    }
    if (error != NULL) {
        pool->volume_failures++;
        pool->volume_not_before_ns = seam()->monotonic_ns() + pool_pause_ns(pool->volume_failures);
        log_event(LOG_WARN, "agent.volume_failed", LOG_STR("reason", error->text));
        if (pool->volume_failures >= POOL_WISH_TRIES)
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

void pool_balance(struct pool *pool)
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
        if (pool_make(pool, shelf, next.action == POOL_FOR_WISH ? unmet_wish(pool, shelf->kind) : NULL) != 0) {
            shelf->not_before_ns = now + pool_pause_ns(++shelf->failures);
            break;
        }
    }
    if (pool->fill_ns <= now)
        pool->fill_ns = 0; /* what was lacking is on its way: the next taken cell begins another pause */
    wait_for_pause(pool, now);
}
