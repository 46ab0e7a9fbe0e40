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
    unsigned shared;        /* used cells that count toward the target, because every request can have them */
    unsigned making;        /* cells that are being made, for the shelf or for a request */
    unsigned requests;      /* requests that wait for a cell */
    unsigned unmet;         /* how many of them have no cell on its way */
    unsigned rank;          /* of the first unmet request; only with unmet > 0 */
    uint64_t oldest_ns;     /* when that request came; only with unmet > 0 */
    uint64_t not_before_ns; /* no creation earlier, because creations failed */
    bool unasked;           /* it has no minimum, and no request has asked for it yet */
    unsigned prewarmed;     /* how many of the idle cells are prewarmed */
    unsigned settled;       /* cells that could be prewarmed in a quiet moment */
    unsigned kept;          /* kept cells that could be prewarmed now */
    uint64_t surplus_ns;    /* since when there are more than target; only then */
};

/* The pool as a whole. */
struct pool_moment {
    unsigned making, creations; /* creations under way, and the most that may be */
    unsigned ending;            /* removals under way */
    unsigned taken;             /* cells that requests have */
    unsigned returning;         /* requests that wait for a cell that is being reset */
    unsigned room;              /* how many more cells the budget allows to be idle */
    bool prewarming;            /* a cell is being prewarmed */
    uint64_t fill_ns;           /* programs run: no work in advance before this moment */
    uint64_t now_ns;
};

enum pool_action {
    POOL_NOTHING,
    POOL_FOR_REQUEST,  /* make a cell for a request that waits */
    POOL_FOR_SHELF,    /* make a cell to be idle */
    POOL_SURPLUS,      /* end an idle cell that is not wanted any more */
    POOL_PREWARM,      /* prewarm a settled cell */
    POOL_PREWARM_KEPT, /* prewarm a kept cell */
};

struct pool_decision {
    enum pool_action action;
    size_t language; /* index into the views */
};

/* The next thing to do. POOL_NOTHING: nothing is missing, or it cannot be done yet. The first of these that applies:
 * 1. A cell for a request: the lowest rank first, then the oldest. But a request with a rank above 1 comes after the
 *    first cell for a language that has none idle, because that cell is for another key.
 * 2. While no request waits and a processor is free: prewarming of a kept cell, because its next job may come at once.
 * Nothing below happens before fill_ns.
 * 3. A cell for the shelf that lacks the largest part of its target. For a language that no request has asked for, one
 *    creation is left free, so that a request that comes now need not wait for it. While a request waits for a cell
 * that is being reset, this is done only for a language that has no idle cell. Nothing below happens while a request
 * waits.
 * 4. The end of an idle cell, of the language with the largest surplus, one removal at a time.
 * 5. While no cell is being made: prewarming, one cell at a time, of the language with the fewest prewarmed cells. */
struct pool_decision policy_decide(const struct pool_view *views, size_t count, const struct pool_moment *moment);

/* How long shelves wait to be filled while programs run: making a cell uses the processors for 100 ms, which would slow
 * down a short program. It is also how long a cell must be idle before it is prewarmed: if cells are handed out as fast
 * as they are made, prewarming would be wasted work. */
#define POOL_SETTLE_NS 50000000u

/* How long a language must have more cells than its target before one of them ends, because targets vary. */
#define POOL_SURPLUS_NS 5000000000u

/* How long a request waits for a cell that is being reset before another cell is made for it. A reset takes a few
 * milliseconds, but many times that if all processors are busy; making cells then would keep them busy. The keeper
 * gives up after this time if the last job's memory is still in use. */
#define POOL_COMING_NS 500000000u

/* How long a cell that every request may have after its job counts as one that is about to come back. Most programs are
 * shorter than this. After a longer one began, the shelf is filled. */
#define POOL_LENT_NS 200000000u

/* After a request that cannot use such cells, they do not count toward the target for this long: as long as the burst
 * of such requests is remembered (size.h). */
#define POOL_UNSHARED_NS 600000000000u

/* When a used cell is old, so that it ends after its job. */
#define POOL_AGE_NS 3600000000000u
#define POOL_GROWN_BYTES ((uint64_t)16 << 20)

/* Idle cells, and cells that are being made to be idle. */
unsigned policy_coming(const struct pool_view *view);

/* Whether cells may be prewarmed, provided that no request waits. */
bool policy_quiet(const struct pool_moment *moment);

/* The pause after `failures` failures in a row: 0.25 s, doubled each time, at most 30 s. */
uint64_t policy_pause_ns(unsigned failures);

/* A used cell. */
struct pool_wear {
    unsigned jobs, jobs_max;     /* that it was given; that a cell may be given */
    uint64_t age_ns;             /* since it was ready first */
    uint64_t first_bytes, bytes; /* what it held then, and when it was ready last; 0: unknown */
};
bool policy_old(const struct pool_wear *wear);

/* Whether three quarters of the cell's jobs or of its time are over. From then on it may be replaced at a moment when
 * that disturbs nobody. The cells of a busy key were made together, and to replace all of them together takes the
 * processors for a second. */
bool policy_worn(const struct pool_wear *wear);

/* Whether a worn cell may end now: no cell is being made or removed, and the language has an idle cell and all that it
 * wants. So one cell is replaced at a time, and no request waits for its successor. */
bool policy_may_replace(const struct pool_view *view, const struct pool_moment *moment);

/* A client that sends one request after another without a pause finds its last cell while that is reset. So a
 * key may have this many cells that it uses in turn. A third one gains nothing where there are two processors. */
#define POOL_IN_TURN 2u

/* Whether a request takes an idle cell instead of waiting for one that is being reset. `cells`: kept and
 * resetting cells of its key. `taken`: cells that requests have. Under load a key has a cell for each program that runs
 * anyway. */
bool policy_takes_another(unsigned cells, unsigned taken);

/* Whether kept cells must end: together with the targets of all shelves they exceed the budget. */
bool policy_over(struct pool_budget kept, struct pool_budget targets, struct pool_budget budget);

/* A job gets the cell of its shelf that has the lowest rank. `defaults`: the job has its language's default limits
 * and command, so it can use a prewarmed interpreter. */
unsigned policy_rank(enum cell_warmth warmth, bool defaults);

/* Lowers *next_ns to when_ns if when_ns is in the future. 0 in *next_ns means that there is no deadline yet. */
void policy_sooner(uint64_t *next_ns, uint64_t when_ns, uint64_t now_ns);

#endif
