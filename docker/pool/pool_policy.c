#include "docker/pool/pool_policy.h"

unsigned pool_coming(const struct pool_view *view)
{
    unsigned for_wishes = view->wishes - view->unmet;

    return view->ready + (view->making > for_wishes ? view->making - for_wishes : 0);
}

bool pool_quiet(const struct pool_moment *moment)
{
    return moment->making == 0 && !moment->preparing && moment->now_ns >= moment->fill_ns;
}

static unsigned lacking(const struct pool_view *view, const struct pool_moment *moment)
{
    unsigned has = pool_coming(view);
    unsigned allowed = moment->room > 0 ? view->want : view->want < view->minimum ? view->want : view->minimum;

    return allowed > has ? allowed - has : 0;
}

static unsigned surplus(const struct pool_view *view)
{
    return view->ready > view->want ? view->ready - view->want : 0;
}

/* a lacks a larger part of what it wants than b; both want something. */
static bool lacks_more(const struct pool_view *a, const struct pool_view *b, const struct pool_moment *moment)
{
    return (uint64_t)lacking(a, moment) * b->want > (uint64_t)lacking(b, moment) * a->want;
}

/* A cell that nobody has asked for leaves one creation to a request that may come meanwhile. */
static bool may_fill(const struct pool_view *view, const struct pool_moment *moment)
{
    return moment->now_ns >= moment->fill_ns && lacking(view, moment) > 0 &&
           (!view->unasked || moment->making == 0 || moment->making + 1 < moment->creations);
}

/* The first unmet wish of a comes before that of b. */
static bool is_before(const struct pool_view *a, const struct pool_view *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->oldest_ns < b->oldest_ns;
}

/* Nothing is there for who comes next, and nothing on its way. */
static bool is_bare(const struct pool_view *view, const struct pool_moment *moment)
{
    return !view->unasked && pool_coming(view) == 0 && lacking(view, moment) > 0;
}

static struct pool_decision creation(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    struct pool_decision wish = {POOL_NOTHING, 0}, shelf = {POOL_NOTHING, 0}, bare = {POOL_NOTHING, 0};

    for (size_t i = 0; i < count; i++) {
        const struct pool_view *view = &views[i];

        if (view->not_before_ns > moment->now_ns)
            continue;
        if (view->unmet > 0 && (wish.action == POOL_NOTHING || is_before(view, &views[wish.language])))
            wish = (struct pool_decision){POOL_FOR_WISH, i};
        if (is_bare(view, moment) && bare.action == POOL_NOTHING)
            bare = (struct pool_decision){POOL_FOR_SHELF, i};
        if (may_fill(view, moment) &&
            (shelf.action == POOL_NOTHING || lacks_more(view, &views[shelf.language], moment)))
            shelf = (struct pool_decision){POOL_FOR_SHELF, i};
    }
    if (wish.action == POOL_NOTHING)
        return shelf;
    return views[wish.language].rank > 1 && bare.action != POOL_NOTHING ? bare : wish;
}

/* A language would have more, were there room. */
static bool crowded(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    size_t i = 0;

    if (moment->room > 0)
        return false;
    while (i < count && views[i].want <= pool_coming(&views[i]))
        i++;
    return i < count;
}

static struct pool_decision removal(const struct pool_view *views, size_t count, const struct pool_moment *moment)
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

static struct pool_decision preparation(const struct pool_view *views, size_t count)
{
    struct pool_decision least = {POOL_NOTHING, 0};

    for (size_t i = 0; i < count; i++)
        if (views[i].settled > 0 && (least.action == POOL_NOTHING || views[i].held < views[least.language].held))
            least = (struct pool_decision){POOL_PREPARE, i};
    return least;
}

static unsigned waiting_requests(const struct pool_view *views, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += views[i].wishes;
    return sum;
}

struct pool_decision pool_decide(const struct pool_view *views, size_t count, const struct pool_moment *moment)
{
    struct pool_decision next = {POOL_NOTHING, 0};

    if (moment->making < moment->creations)
        next = creation(views, count, moment);
    if (next.action != POOL_NOTHING || moment->now_ns < moment->fill_ns || waiting_requests(views, count) > 0)
        return next;
    if (moment->ending == 0)
        next = removal(views, count, moment);
    if (next.action == POOL_NOTHING && pool_quiet(moment))
        next = preparation(views, count);
    return next;
}

uint64_t pool_pause_ns(unsigned failures)
{
    uint64_t pause = 250000000u;

    for (unsigned i = 1; i < failures && pause < 30000000000u; i++)
        pause *= 2;
    return failures == 0 ? 0 : pause < 30000000000u ? pause : 30000000000u;
}

bool pool_over(struct pool_budget kept, struct pool_budget wanted, struct pool_budget budget)
{
    return kept.cells > 0 &&
           ((uint64_t)kept.cells + wanted.cells > budget.cells || kept.bytes + wanted.bytes > budget.bytes);
}

unsigned pool_rank(enum cell_waiting waiting, bool usual)
{
    /* One that is being started is soon of use; taken now, half of that work is for nothing. */
    static const unsigned usual_ranks[] = {[CELL_HELD] = 0, [CELL_BLANK] = 1, [CELL_UNHELD] = 1, [CELL_PREPARING] = 2};
    static const unsigned other_ranks[] = {[CELL_BLANK] = 0, [CELL_UNHELD] = 0, [CELL_PREPARING] = 1, [CELL_HELD] = 2};

    return usual ? usual_ranks[waiting] : other_ranks[waiting];
}
