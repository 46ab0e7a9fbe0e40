#include "docker/pool/size.h"

#include <math.h>

const struct pool_tuning pool_tuning_chosen = {.misses = POOL_MISSES, .rate_s = 120, .hold_s = 600};

#define CREATIONS 2u /* on a machine with two cores */
#define LATELY_S 10.0
#define LATELY_LEAST 1.0    /* requests a second */
#define LEAD_S 0.05         /* the wait before a creation begins: POOL_SETTLE_NS, and creations under way */
#define MAKING_S 0.15       /* making a cell, until that was measured */
#define MAKING_LEAST_S 0.01 /* a shorter time is an error of the clock */
#define MAKING_MOST_S 5.0   /* an engine that is slower is out of order, and more cells would not help it */
#define MAKING_WEIGHT 0.2   /* of the newest in the average */
#define BACKLOG_MAX 1000.0
#define CELLS_MOST 1000u                   /* of one language, by demand */
#define BYTES_UNKNOWN ((uint64_t)16 << 20) /* memory of an idle cell that was not measured */

static const struct pool_tuning *tuning(const struct pool_demand *demand)
{
    return demand->tuning != NULL ? demand->tuning : &pool_tuning_chosen;
}

static double since_s(uint64_t then_ns, uint64_t now_ns)
{
    return now_ns > then_ns ? (double)(now_ns - then_ns) / 1e9 : 0;
}

static double making_s(const struct pool_demand *demand)
{
    return demand->making_s > 0 ? demand->making_s : MAKING_S;
}

static double faded(double rate, double past_s, double over_s)
{
    return rate * exp(-past_s / over_s);
}

/* The short average counts only if it is high enough to be more than chance: then a language has become busy. */
static double rate_at(const struct pool_demand *demand, uint64_t now_ns)
{
    double past = since_s(demand->last_ns, now_ns);
    double rate = faded(demand->rate, past, tuning(demand)->rate_s), lately = faded(demand->lately, past, LATELY_S);

    return lately >= LATELY_LEAST ? fmax(rate, lately) : rate;
}

static double burst_at(const struct pool_demand *demand, uint64_t now_ns)
{
    double age = since_s(demand->burst_ns, now_ns), hold = tuning(demand)->hold_s;

    return age < hold ? fmax(demand->burst[0], demand->burst[1]) : age < 2 * hold ? demand->burst[0] : 0;
}

static void note_backlog(struct pool_demand *demand)
{
    double age = since_s(demand->burst_ns, demand->last_ns), hold = tuning(demand)->hold_s;

    if (demand->arrivals == 0 || age >= hold) {
        demand->burst[1] = demand->arrivals > 0 && age < 2 * hold ? demand->burst[0] : 0;
        demand->burst[0] = 0;
        demand->burst_ns = demand->last_ns;
    }
    demand->burst[0] = fmax(demand->burst[0], demand->backlog);
}

/* The average rate is too low for a while after the first request; the backlog makes up for that. */
void size_note_request(struct pool_demand *demand, uint64_t now_ns)
{
    double past = demand->arrivals > 0 ? since_s(demand->last_ns, now_ns) : 0;
    double pace = (demand->creations > 0 ? demand->creations : CREATIONS) / making_s(demand);

    demand->rate = faded(demand->rate, past, tuning(demand)->rate_s) + 1 / tuning(demand)->rate_s;
    demand->lately = faded(demand->lately, past, LATELY_S) + 1 / LATELY_S;
    demand->backlog = fmin(fmax(demand->backlog - past * pace, 0) + 1, BACKLOG_MAX);
    if (now_ns > demand->last_ns || demand->arrivals == 0) /* a clock that goes back counts as one that stands still */
        demand->last_ns = now_ns;
    note_backlog(demand);
    demand->arrivals++;
}

void size_note_made(struct pool_demand *demand, uint64_t took_ns)
{
    double took = fmin(fmax((double)took_ns / 1e9, MAKING_LEAST_S), MAKING_MOST_S);

    demand->making_s = demand->making_s > 0 ? demand->making_s + MAKING_WEIGHT * (took - demand->making_s) : took;
}

/* A language while the budget is shared out. */
struct share {
    size_t index;
    double rate, lambda; /* requests a second; requests to expect while a cell is being made */
    double term, misses; /* P(requests = has); P(requests >= has): a request finds all `has` cells taken */
    double burst;        /* cells needed for a backlog like the last; 0: no recent request */
    double again;        /* expected backlogs a second */
    uint64_t bytes;
    unsigned has;
    unsigned preferred; /* cells to have if the budget allows */
    bool by_demand;
};

static void share_add(struct share *share)
{
    share->misses = fmax(share->misses - share->term, 0);
    share->has++;
    share->term *= share->lambda / share->has;
}

static struct share share_of(const struct pool_size_view *view, size_t index, uint64_t now_ns)
{
    const struct pool_demand *demand = &view->demand;
    double rate = demand->arrivals > 0 ? rate_at(demand, now_ns) : 0;
    double lambda = rate * (making_s(demand) + LEAD_S);
    struct share share = {.index = index,
                          .rate = rate,
                          .lambda = lambda,
                          .term = exp(-lambda),
                          .misses = 1,
                          .burst = floor(burst_at(demand, now_ns) + 0.5),
                          .again = 1 / tuning(demand)->hold_s,
                          .bytes = view->bytes != 0 ? view->bytes : BYTES_UNKNOWN,
                          .preferred = view->keep.preferred,
                          .by_demand = view->keep.by_demand};

    while (share.has < view->keep.minimum)
        share_add(&share);
    return share;
}

/* A language without recent requests needs no more than its minimum and its preferred number. */
static bool share_is_full(const struct share *share, const struct pool_demand *demand)
{
    if (share->has < share->preferred)
        return false;
    if (!share->by_demand || share->has >= CELLS_MOST || (share->has == 0 && share->burst == 0))
        return true;
    return share->has >= share->burst && share->misses <= tuning(demand)->misses;
}

/* How many misses a second the next cell saves, for each byte of its memory. */
static double share_worth(const struct share *share)
{
    double saved = share->rate * share->misses + (share->has < share->burst ? share->again : 0);

    return saved / (double)share->bytes;
}

/* Whether a is served before b. If a cell is worth the same to both, because neither has requests, order decides. */
static bool share_before(const struct share *a, const struct share *b)
{
    double left = share_worth(a), right = share_worth(b);

    return left != right ? left > right : a->index < b->index;
}

/* The share for which the next cell is worth the most; NULL: no share needs one. Shares that need no more, and those
 * whose next cell does not fit into the budget's bytes, are dropped from the array. */
static struct share *best_share(struct share *shares, size_t *open, const struct pool_size_view *views, uint64_t bytes,
                                uint64_t bytes_max)
{
    size_t best = 0;

    for (size_t i = 0; i < *open;) {
        struct share *share = &shares[i];

        if (share_is_full(share, &views[share->index].demand) || bytes + share->bytes > bytes_max) {
            *share = shares[--*open];
            continue;
        }
        if (share_before(share, &shares[best]))
            best = i;
        i++;
    }
    return *open > 0 ? &shares[best] : NULL;
}

void size_targets(const struct pool_size_view *views, size_t count, const struct pool_budget *budget, uint64_t now_ns,
                  unsigned *targets)
{
    struct share shares[POOL_LANGUAGES_MAX];
    size_t open = 0;
    uint64_t cells = 0, bytes = 0;

    for (size_t i = 0; i < count; i++) {
        targets[i] = views[i].keep.minimum;
        cells += targets[i];
        bytes += targets[i] * (views[i].bytes != 0 ? views[i].bytes : BYTES_UNKNOWN);
        if (!size_keeps_none(&views[i].keep) && open < POOL_LANGUAGES_MAX)
            shares[open++] = share_of(&views[i], i, now_ns);
    }
    for (; cells < budget->cells; cells++) {
        struct share *share = best_share(shares, &open, views, bytes, budget->bytes);

        if (share == NULL)
            break;
        bytes += share->bytes;
        share_add(share);
        targets[share->index] = share->has;
    }
}
