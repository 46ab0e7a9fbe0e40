#include "docker/pool/policy.h"

void policy_sooner(uint64_t *next_ns, uint64_t when_ns, uint64_t now_ns)
{
    if (when_ns > now_ns && (*next_ns == 0 || when_ns < *next_ns))
        *next_ns = when_ns;
}

unsigned policy_coming(const struct pool_view *view)
{
    unsigned for_requests = view->requests - view->unmet;

    return view->ready + (view->making > for_requests ? view->making - for_requests : 0);
}

bool policy_quiet(const struct pool_moment *moment)
{
    return moment->making == 0 && !moment->prewarming && moment->now_ns >= moment->fill_ns;
}

static unsigned lacking(const struct pool_view *view, const struct pool_moment *moment)
{
    unsigned has = policy_coming(view) + view->shared;
    unsigned allowed = moment->room > 0 ? view->target : view->target < view->minimum ? view->target : view->minimum;

    return allowed > has ? allowed - has : 0;
}

static unsigned surplus(const struct pool_view *view)
{
    unsigned has = view->ready + view->shared, extra = has > view->target ? has - view->target : 0;

    return extra < view->ready ? extra : view->ready;
}

/* Whether a lacks a larger part of its target than b. Neither target is 0. */
static bool lacks_more(const struct pool_view *a, const struct pool_view *b, const struct pool_moment *moment)
{
    return (uint64_t)lacking(a, moment) * b->target > (uint64_t)lacking(b, moment) * a->target;
}

/* A language that no request has asked for leaves one creation free for a request that may come meanwhile. */
static bool may_fill(const struct pool_view *view, const struct pool_moment *moment)
{
    return moment->now_ns >= moment->fill_ns && moment->returning == 0 && lacking(view, moment) > 0 &&
           (!view->unasked || moment->making == 0 || moment->making + 1 < moment->creations);
}

/* Whether the first unmet request of a comes before that of b. */
static bool is_before(const struct pool_view *a, const struct pool_view *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->oldest_ns < b->oldest_ns;
}

/* Whether the language has no idle cell for the next request, and none is being made. */
static bool is_bare(const struct pool_view *view, const struct pool_moment *moment)
{
    return !view->unasked && policy_coming(view) + view->shared == 0 && lacking(view, moment) > 0;
}

static struct pool_decision next_creation(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    struct pool_decision request = {POOL_NOTHING, 0}, shelf = {POOL_NOTHING, 0}, bare = {POOL_NOTHING, 0};

    for (size_t i = 0; i < count; i++) {
        const struct pool_view *view = &views[i];

        if (view->not_before_ns > moment->now_ns)
            continue;
        if (view->unmet > 0 && (request.action == POOL_NOTHING || is_before(view, &views[request.language])))
            request = (struct pool_decision){POOL_FOR_REQUEST, i};
        if (is_bare(view, moment) && bare.action == POOL_NOTHING)
            bare = (struct pool_decision){POOL_FOR_SHELF, i};
        if (may_fill(view, moment) &&
            (shelf.action == POOL_NOTHING || lacks_more(view, &views[shelf.language], moment)))
            shelf = (struct pool_decision){POOL_FOR_SHELF, i};
    }
    if (request.action == POOL_NOTHING)
        return moment->returning > 0 && moment->now_ns >= moment->fill_ns ? bare : shelf;
    return views[request.language].rank > 1 && bare.action != POOL_NOTHING ? bare : request;
}

/* Whether a language lacks cells because there is no room. */
static bool crowded(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    size_t i = 0;

    if (moment->room > 0)
        return false;
    while (i < count && views[i].target <= policy_coming(&views[i]) + views[i].shared)
        i++;
    return i < count;
}

static struct pool_decision next_removal(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    struct pool_decision most = {POOL_NOTHING, 0};
    bool now = crowded(views, count, moment);

    for (size_t i = 0; i < count; i++) {
        const struct pool_view *view = &views[i];

        if (surplus(view) > 0 && (now || moment->now_ns >= view->surplus_ns + POOL_SURPLUS_NS) &&
            (most.action == POOL_NOTHING || surplus(view) > surplus(&views[most.language])))
            most = (struct pool_decision){POOL_SURPLUS, i};
    }
    return most;
}

static struct pool_decision next_prewarming(const struct pool_view *views, size_t count)
{
    struct pool_decision least = {POOL_NOTHING, 0};

    for (size_t i = 0; i < count; i++)
        if (views[i].settled > 0 &&
            (least.action == POOL_NOTHING || views[i].prewarmed < views[least.language].prewarmed))
            least = (struct pool_decision){POOL_PREWARM, i};
    return least;
}

/* Another program, or a creation, has the processors otherwise. */
static struct pool_decision next_kept(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    if (moment->prewarming || moment->taken + moment->making >= moment->creations)
        return (struct pool_decision){POOL_NOTHING, 0};
    for (size_t i = 0; i < count; i++)
        if (views[i].kept > 0)
            return (struct pool_decision){POOL_PREWARM_KEPT, i};
    return (struct pool_decision){POOL_NOTHING, 0};
}

static unsigned waiting_requests(const struct pool_view *views, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += views[i].requests;
    return sum;
}

struct pool_decision policy_decide(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    struct pool_decision next = {POOL_NOTHING, 0}, kept = {POOL_NOTHING, 0};

    if (moment->making < moment->creations)
        next = next_creation(views, count, moment);
    if (waiting_requests(views, count) == 0)
        kept = next_kept(views, count, moment);
    if (kept.action != POOL_NOTHING)
        return kept;
    if (next.action != POOL_NOTHING || moment->now_ns < moment->fill_ns || waiting_requests(views, count) > 0)
        return next;
    if (moment->ending == 0)
        next = next_removal(views, count, moment);
    if (next.action == POOL_NOTHING && policy_quiet(moment))
        next = next_prewarming(views, count);
    return next;
}

uint64_t policy_pause_ns(unsigned failures)
{
    uint64_t pause = 250000000u;

    for (unsigned i = 1; i < failures && pause < 30000000000u; i++)
        pause *= 2;
    return failures == 0 ? 0 : pause < 30000000000u ? pause : 30000000000u;
}

bool policy_old(const struct pool_wear *wear)
{
    return wear->jobs >= wear->jobs_max || wear->age_ns >= POOL_AGE_NS ||
           (wear->first_bytes != 0 && wear->bytes > wear->first_bytes + POOL_GROWN_BYTES);
}

bool policy_worn(const struct pool_wear *wear)
{
    return 4 * (uint64_t)wear->jobs >= 3 * (uint64_t)wear->jobs_max || wear->age_ns >= POOL_AGE_NS / 4 * 3;
}

bool policy_may_replace(const struct pool_view *view, const struct pool_moment *moment)
{
    return moment->making == 0 && moment->ending == 0 && view->ready + view->shared > 0 &&
           view->ready + view->shared >= view->target;
}

bool policy_takes_another(unsigned cells, unsigned taken)
{
    return cells < POOL_IN_TURN && taken == 0;
}

bool policy_over(struct pool_budget kept, struct pool_budget targets, struct pool_budget budget)
{
    return kept.cells > 0 &&
           ((uint64_t)kept.cells + targets.cells > budget.cells || kept.bytes + targets.bytes > budget.bytes);
}

unsigned policy_rank(enum cell_warmth warmth, bool defaults)
{
    /* A cell that is being prewarmed comes late, because taking it now wastes that work. */
    static const unsigned default_ranks[] = {
        [CELL_PREWARMED] = 0, [CELL_BLANK] = 1, [CELL_NOT_PREWARMED] = 1, [CELL_PREWARMING] = 2};
    static const unsigned other_ranks[] = {
        [CELL_BLANK] = 0, [CELL_NOT_PREWARMED] = 0, [CELL_PREWARMING] = 1, [CELL_PREWARMED] = 2};

    return defaults ? default_ranks[warmth] : other_ranks[warmth];
}
