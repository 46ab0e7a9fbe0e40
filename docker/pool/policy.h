/* What the pool does next: pure functions of what it has and what is asked of it. */
#ifndef CODECELL_DOCKER_POOL_POLICY_H
#define CODECELL_DOCKER_POOL_POLICY_H

#include "docker/cell/cell_prewarm.h"
#include "docker/pool/size.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One language, as the policy sees it. */
struct pool_view {
    unsigned target;        /* how many idle cells the pool wants */
    unsigned minimum;       /* how many of them it wants even if that exceeds the budget */
    unsigned ready;         /* idle cells; kept cells are not among them */
    unsigned making;        /* cells that are being made, for the shelf or for a request */
    unsigned requests;      /* requests that wait for a cell */
    unsigned unmet;         /* how many of them have no cell on its way */
    unsigned rank;          /* of the first unmet request; only with unmet > 0 */
    uint64_t oldest_ns;     /* when that request came; only with unmet > 0 */
    uint64_t not_before_ns; /* no creation earlier, because creations failed */
    bool unasked;           /* it has no minimum, and no request has asked for it yet */
    unsigned prewarmed;     /* how many of the idle cells are prewarmed */
    unsigned settled;       /* cells that could be prewarmed now */
    uint64_t surplus_ns;    /* since when ready exceeds target; only with ready > target */
};

/* The pool as a whole. */
struct pool_moment {
    unsigned making, creations; /* creations under way, and the most that may be */
    unsigned ending;            /* removals under way */
    unsigned room;              /* how many more cells the budget allows to be idle */
    bool prewarming;            /* a cell is being prewarmed */
    uint64_t fill_ns;           /* programs run: no work in advance before this moment */
    uint64_t now_ns;
};

enum pool_action {
    POOL_NOTHING,
    POOL_FOR_REQUEST, /* make a cell for a request that waits */
    POOL_FOR_SHELF,   /* make a cell to be idle */
    POOL_SURPLUS,     /* end an idle cell that is not wanted any more */
    POOL_PREWARM,     /* prewarm a settled cell */
};

struct pool_decision {
    enum pool_action action;
    size_t language; /* index into the views */
};

/* The next thing to do. POOL_NOTHING: nothing is missing, or it cannot be done yet. The first of these that applies:
 * 1. A cell for a request: the lowest rank first, then the oldest. But a request with a rank above 1 comes after the
 *    first cell for a language that has none idle, because that cell is for another key.
 * Nothing below happens before fill_ns.
 * 2. A cell for the shelf that lacks the largest part of its target. For a language that no request has asked for, one
 *    creation is left free, so that a request that comes now need not wait for it.
 * Nothing below happens while a request waits.
 * 3. The end of an idle cell, of the language with the largest surplus, one removal at a time.
 * 4. While no cell is being made: prewarming, one cell at a time, of the language with the fewest prewarmed cells. */
struct pool_decision policy_decide(const struct pool_view *views, size_t count, const struct pool_moment *moment);

/* How long shelves wait to be filled while programs run: making a cell uses the processors for 100 ms, which would slow
 * down a short program. It is also how long a cell must be idle before it is prewarmed: if cells are handed out as fast
 * as they are made, prewarming would be wasted work. */
#define POOL_SETTLE_NS 50000000u

/* How long a language must have more cells than its target before one of them ends, because targets vary. */
#define POOL_SURPLUS_NS 5000000000u

/* How long a request waits for a cell that is being reset before another cell is made for it: about what making one
 * takes. A reset takes less than a millisecond, but many times that if all processors are busy; making cells then would
 * keep them busy. */
#define POOL_COMING_NS 100000000u

/* Idle cells, and cells that are being made to be idle. */
unsigned policy_coming(const struct pool_view *view);

/* Whether cells may be prewarmed, provided that no request waits. */
bool policy_quiet(const struct pool_moment *moment);

/* The pause after `failures` failures in a row: 0.25 s, doubled each time, at most 30 s. */
uint64_t policy_pause_ns(unsigned failures);

/* Whether kept cells must end: together with the targets of all shelves they exceed the budget. */
bool policy_over(struct pool_budget kept, struct pool_budget targets, struct pool_budget budget);

/* A job gets the cell of its shelf that has the lowest rank. `defaults`: the job has its language's default limits
 * and command, so it can use a prewarmed interpreter. */
unsigned policy_rank(enum cell_warmth warmth, bool defaults);

/* Lowers *next_ns to when_ns if when_ns is in the future. 0 in *next_ns means that there is no deadline yet. */
void policy_sooner(uint64_t *next_ns, uint64_t when_ns, uint64_t now_ns);

#endif
