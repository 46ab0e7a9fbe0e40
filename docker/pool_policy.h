/* What the pool makes next: a pure function of what it has and what is asked of it. */
#ifndef CODECELL_DOCKER_POOL_POLICY_H
#define CODECELL_DOCKER_POOL_POLICY_H

#include <stddef.h>
#include <stdint.h>

/* One language, as the policy sees it. */
struct pool_view {
    unsigned want;          /* cells to keep ready */
    unsigned ready;         /* that wait */
    unsigned making;        /* on their way, for the shelf or for a wish */
    unsigned wishes;        /* requests that wait for a cell */
    unsigned unmet;         /* of these, those that no cell is being made for */
    uint64_t oldest_ns;     /* when the oldest unmet wish came; with unmet > 0 */
    uint64_t not_before_ns; /* after failures: no creation earlier */
};

enum pool_action { POOL_NOTHING, POOL_FOR_WISH, POOL_FOR_SHELF };

struct pool_decision {
    enum pool_action action;
    size_t language; /* index into the views */
};

/* The next creation, or POOL_NOTHING: all creations are under way that may be (`making` of `creations`),
 * or nothing is missing, or what is missing has to wait. A waiting request comes before any shelf, the
 * oldest first; then the shelf that lacks the largest part of what it wants, but none before `fill_ns`. */
struct pool_decision pool_decide(const struct pool_view *views, size_t count, unsigned making, unsigned creations,
                                 uint64_t fill_ns, uint64_t now_ns);

/* How long shelves wait to be filled while programs run: making a cell takes the processors for 100 ms, which a short
 * program would pay for. */
#define POOL_SETTLE_NS 50000000u

/* The pause after `failures` creations failed in a row: 0.25 s, doubled each time, at most 30 s. */
uint64_t pool_pause_ns(unsigned failures);

#endif
