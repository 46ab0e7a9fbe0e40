/* How many cells of each language to keep ready: a pure function of what was asked for lately.
 *
 * A language's demand is kept as a few numbers (struct pool_demand), brought up to date at each arrival. The
 * arrivals to expect while a cell is being made are taken as a Poisson variable; cells are handed out one at a time,
 * each to the language where the next one saves the most misses for its memory, until no language misses more than
 * POOL_MISSES of its requests or the budget is used up. tests/bench/pool_simulation.c replays traces against it;
 * docs/benchmarks.md has the table by which the constants were chosen. */
#ifndef CODECELL_DOCKER_POOL_SIZE_H
#define CODECELL_DOCKER_POOL_SIZE_H

#include <stddef.h>
#include <stdint.h>

#define POOL_MISSES 0.01 /* of requests that find no cell ready: the target */

struct pool_demand {
    uint64_t last_ns;   /* of the last arrival; 0: none yet */
    uint64_t arrivals;  /* all of them */
    double rate;        /* a second, a moving average */
    double burst;       /* arrivals within one making time: a maximum that fades */
    double making_s;    /* making a cell, from decision to ready, a moving average; 0: not known */
    uint64_t window_ns; /* where the window began that `window` counts arrivals in */
    unsigned window;
};

void pool_demand_arrival(struct pool_demand *demand, uint64_t now_ns);
void pool_demand_made(struct pool_demand *demand, uint64_t took_ns);

struct pool_size_view {
    struct pool_demand demand;
    unsigned minimum; /* CODECELL_POOL; 0: none ever waits */
    uint64_t bytes;   /* what one waiting cell holds */
};

struct pool_budget {
    unsigned cells;
    uint64_t bytes;
};

/* `want[i]` cells to keep ready of language i. Minima are met whatever the budget says. */
void pool_size(const struct pool_size_view *views, size_t count, const struct pool_budget *budget, uint64_t now_ns,
               unsigned *want);

#endif
