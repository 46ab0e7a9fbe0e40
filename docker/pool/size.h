/* How many idle cells of each language the pool wants: a pure function of the recent requests.
 *
 * A language's demand is a few numbers (struct pool_demand), which each request updates: how often cells are asked for,
 * and the most cells that were missing at one time while the engine made others. Requests are taken as a Poisson
 * process. Cells are given out one at a time, each to the language where the next cell saves the most misses for its
 * memory, until no language misses more than POOL_MISSES of its requests or the budget is used up. A miss is a request
 * that finds no idle cell.
 * tests/bench/pool_simulation.c replays traces against this; docs/benchmarks.md has the table by which the constants
 * were chosen. */
#ifndef CODECELL_DOCKER_POOL_SIZE_H
#define CODECELL_DOCKER_POOL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_MISSES 0.003 /* the part of all requests that may find no idle cell */
#define POOL_LANGUAGES_MAX                                                                    \
    200u /* size_targets() shares the budget among these; further languages get their minimum \
          */

/* The constants. */
struct pool_tuning {
    double misses; /* POOL_MISSES */
    double rate_s; /* the time over which the rate is averaged */
    double hold_s; /* the length of a window: the greatest backlog counts for one to two windows */
};
extern const struct pool_tuning pool_tuning_chosen;

/* All zero at first. */
struct pool_demand {
    const struct pool_tuning *tuning; /* NULL: pool_tuning_chosen */
    uint64_t last_ns;                 /* when the last request came; only with arrivals > 0 */
    uint64_t arrivals;                /* requests so far */
    double rate;                      /* requests a second, at last_ns: a moving average over rate_s */
    double lately;                    /* the same over LATELY_S */
    double backlog;     /* cells that requests took and the engine, at its full pace, has not replaced, at last_ns */
    double burst[2];    /* the greatest backlog within the current window of hold_s, and within the one before */
    uint64_t burst_ns;  /* when the current window began */
    unsigned creations; /* how many cells the engine makes at once; 0: two */
    double making_s; /* the time from the decision to make a cell until it is ready: a moving average; 0: not known */
};

void size_note_request(struct pool_demand *demand,
                       uint64_t now_ns);                           /* a request asked for a cell that nobody has used */
void size_note_made(struct pool_demand *demand, uint64_t took_ns); /* a cell became ready */

/* How many idle cells of a language the pool should have. All zero: none, and no cell is kept for a key either. */
struct pool_keep {
    unsigned minimum;   /* at least so many, even if that exceeds the budget */
    unsigned preferred; /* at least so many if the budget allows; the minimum counts toward it */
    bool by_demand;     /* more than that if requests need more */
};

static inline bool size_keeps_none(const struct pool_keep *keep)
{
    return keep->minimum == 0 && keep->preferred == 0 && !keep->by_demand;
}

struct pool_size_view {
    struct pool_demand demand;
    struct pool_keep keep;
    uint64_t bytes; /* memory of one idle cell; 0: not known */
};

struct pool_budget {
    unsigned cells;
    uint64_t bytes;
};

/* targets[i]: how many idle cells of language i the pool wants. Every language gets its minimum even if that exceeds
 * the budget. Each further cell goes to the language where it prevents the most misses. What is left fills languages up
 * to `preferred`, in their order. A language with neither has a target only while it has recent requests. */
void size_targets(const struct pool_size_view *views, size_t count, const struct pool_budget *budget, uint64_t now_ns,
                  unsigned *targets);

#endif
