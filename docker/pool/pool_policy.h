/* What the pool does next: a pure function of what it has and what is asked of it. */
#ifndef CODECELL_DOCKER_POOL_POOL_POLICY_H
#define CODECELL_DOCKER_POOL_POOL_POLICY_H

#include "docker/cell/cell.h"
#include "docker/pool/pool_size.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One language, as the policy sees it. */
struct pool_view {
    unsigned want;          /* cells to keep ready */
    unsigned minimum;       /* of these, those that are kept whatever the budget says */
    unsigned ready;         /* that wait */
    unsigned making;        /* on their way, for the shelf or for a wish */
    unsigned wishes;        /* requests that wait for a cell */
    unsigned unmet;         /* of these, those that no cell is on its way for */
    unsigned rank;          /* of the first unmet wish; with unmet > 0 */
    uint64_t oldest_ns;     /* when that came */
    uint64_t not_before_ns; /* after failures: no creation earlier */
    bool unasked;           /* wanted by `*` alone: no request has asked for one yet */
    unsigned held;          /* of the ready ones: their interpreter waits */
    unsigned settled;       /* cells whose interpreter could be started now */
    uint64_t surplus_ns;    /* since when more are ready than wanted; with ready > want */
};

/* The pool as a whole. */
struct pool_moment {
    unsigned making, creations; /* creations under way, and as many as may be */
    unsigned ending;            /* removals under way */
    unsigned room;              /* cells that may wait besides those that do */
    bool preparing;             /* an interpreter is being started ahead */
    uint64_t fill_ns;           /* a program runs: no work for later before this */
    uint64_t now_ns;
};

enum pool_action {
    POOL_NOTHING,
    POOL_FOR_WISH,  /* make a cell for a request that waits */
    POOL_FOR_SHELF, /* make one to keep */
    POOL_SURPLUS,   /* end one that is not wanted any more */
    POOL_PREPARE,   /* start an interpreter ahead */
};

struct pool_decision {
    enum pool_action action;
    size_t language; /* index into the views */
};

/* The next thing to do, or POOL_NOTHING: it can't be done yet, or nothing is missing. A waiting request comes before
 * all, the lowest rank first, then the oldest; but one of a rank above 1 comes after the first cell of a language that
 * has none ready: that is another key's. Then, not before fill_ns: the shelf that lacks the largest part of what it
 * wants; then, while no request waits for a creation, the largest surplus, one removal at a time; and while none is
 * made at all, an interpreter for the language that has fewest. */
struct pool_decision pool_decide(const struct pool_view *views, size_t count, const struct pool_moment *moment);

/* How long shelves wait to be filled while programs run: making a cell takes the processors for 100 ms, which a short
 * program would pay for. And how long a cell waits before its interpreter is started ahead: where cells are
 * handed out as fast as they are made, that would be work for nothing. */
#define POOL_SETTLE_NS 50000000u

/* How long a language has more cells than it wants until one is ended: the estimates sway. */
#define POOL_SURPLUS_NS 5000000000u

/* How long a wish waits for a reset before another cell is made for it: about what making one takes. A reset takes
 * under a millisecond, but many times that where all processors are busy, and making cells then would keep them so. */
#define POOL_COMING_NS 100000000u

/* Cells that wait, and those on their way that no request waits for. */
unsigned pool_coming(const struct pool_view *view);

/* Whether interpreters may be started ahead, provided that no request waits. */
bool pool_quiet(const struct pool_moment *moment);

/* The pause after `failures` creations failed in a row: 0.25 s, doubled each time, at most 30 s. */
uint64_t pool_pause_ns(unsigned failures);

/* Whether kept cells have to go, the budget being what it is and the shelves wanting what they want. */
bool pool_over(struct pool_budget kept, struct pool_budget wanted, struct pool_budget budget);

/* Which of a shelf's cells a job gets: the one with the lowest rank. `usual`: the job has its language's default
 * limits, so that an interpreter that was started ahead is of use to it. */
unsigned pool_rank(enum cell_waiting waiting, bool usual);

#endif
