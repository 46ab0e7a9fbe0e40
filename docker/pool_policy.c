#include "docker/pool_policy.h"

#include <stdbool.h>

static unsigned lacking(const struct pool_view *view)
{
    unsigned coming =
        view->ready + (view->making > view->wishes - view->unmet ? view->making - (view->wishes - view->unmet) : 0);

    return view->want > coming ? view->want - coming : 0;
}

/* a lacks a larger part of what it wants than b; both want something. */
static bool lacks_more(const struct pool_view *a, const struct pool_view *b)
{
    return (uint64_t)lacking(a) * b->want > (uint64_t)lacking(b) * a->want;
}

struct pool_decision pool_decide(const struct pool_view *views, size_t count, unsigned making, unsigned creations,
                                 uint64_t fill_ns, uint64_t now_ns)
{
    struct pool_decision wish = {POOL_NOTHING, 0}, shelf = {POOL_NOTHING, 0};

    if (making >= creations)
        return wish;
    for (size_t i = 0; i < count; i++) {
        const struct pool_view *view = &views[i];

        if (view->not_before_ns > now_ns)
            continue;
        if (view->unmet > 0 && (wish.action == POOL_NOTHING || view->oldest_ns < views[wish.language].oldest_ns))
            wish = (struct pool_decision){POOL_FOR_WISH, i};
        if (now_ns >= fill_ns && lacking(view) > 0 &&
            (shelf.action == POOL_NOTHING || lacks_more(view, &views[shelf.language])))
            shelf = (struct pool_decision){POOL_FOR_SHELF, i};
    }
    return wish.action != POOL_NOTHING ? wish : shelf;
}

uint64_t pool_pause_ns(unsigned failures)
{
    uint64_t pause = 250000000u;

    for (unsigned i = 1; i < failures && pause < 30000000000u; i++)
        pause *= 2;
    return failures == 0 ? 0 : pause < 30000000000u ? pause : 30000000000u;
}
