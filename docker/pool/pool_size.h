/* How many cells of each language to keep ready: a pure function of what was asked for lately.
 *
 * A language's demand is kept as a few numbers (struct pool_demand), brought up to date at each arrival: how often, and
 * how many cells at most were lacking at once while the engine made others. Arrivals are taken as a Poisson variable;
 * cells are handed out one at a time, each to the language where the next one saves the most misses for its memory,
 * until no language misses more than POOL_MISSES of its requests or the budget is used up.
 * tests/bench/pool_simulation.c replays traces against it; docs/benchmarks.md has the table by which the constants were
 * chosen. */
#ifndef CODECELL_DOCKER_POOL_POOL_SIZE_H
#define CODECELL_DOCKER_POOL_POOL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_MISSES 0.003       /* of requests that find no cell ready: the target */
#define POOL_LANGUAGES_MAX 200u /* that pool_size() shares out between; more keep their `least` */

/* The constants. */
struct pool_tuning {
    double misses; /* POOL_MISSES */
    double rate_s; /* over which the rate is averaged */
    double hold_s; /* the greatest backlog counts for so long, and for twice as long at most */
};
extern const struct pool_tuning pool_tuning_chosen;

/* All zero at first. */
struct pool_demand {
    const struct pool_tuning *tuning; /* NULL: pool_tuning_chosen */
    uint64_t last_ns;                 /* of the last arrival; with arrivals > 0 */
    uint64_t arrivals;                /* all of them */
    double rate;                      /* a second, at last_ns: a moving average */
    double lately;                    /* the same over LATELY_S */
    double backlog;     /* cells that arrivals took and the engine, at its full pace, has not replaced, at last_ns */
    double burst[2];    /* the greatest backlog within the window of hold_s that is on, and within the one before */
    uint64_t burst_ns;  /* where the window that is on began */
    unsigned creations; /* that the engine has under way at once; 0: two */
    double making_s;    /* making a cell, from decision to ready, a moving average; 0: not known */
};

void pool_demand_arrival(struct pool_demand *demand, uint64_t now_ns);
void pool_demand_made(struct pool_demand *demand, uint64_t took_ns);

/* How many cells of a language are to wait; all zero: none ever does. */
struct pool_keep {
    unsigned minimum;   /* at least, whatever the budget says */
    unsigned preferred; /* at least, as far as the budget goes: in all, not beside `least` */
    bool by_demand;     /* and more, where requests ask for more */
};

/* No cell of it ever waits. */
static inline bool pool_keeps_none(const struct pool_keep *keep)
{
    return keep->minimum == 0 && keep->preferred == 0 && !keep->by_demand;
}

struct pool_size_view {
    struct pool_demand demand;
    struct pool_keep keep;
    uint64_t bytes; /* what one waiting cell holds */
};

struct pool_budget {
    unsigned cells;
    uint64_t bytes;
};

/* `want[i]` cells to keep ready of language i. `least` is met whatever the budget says. What the budget has beyond it
 * goes to the languages that it saves most misses for; what they leave, to those that lack of `usual`, in their order.
 * A language without either waits while it was asked for lately. */
void pool_size(const struct pool_size_view *views, size_t count, const struct pool_budget *budget, uint64_t now_ns,
               unsigned *want);

#endif
