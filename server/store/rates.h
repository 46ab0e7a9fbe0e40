/* Rate limit per key: GCRA whose burst is the rate, one number a key (the theoretical arrival time of
 * the next request, `tat`, nanoseconds of wall time). The decision is a pure function.
 * The interval between requests is 60e9/rate nanoseconds rounded up to a whole one, the burst is rate times
 * that: exactly `rate` requests at one instant, and the next at the first nanosecond at which 60/rate seconds
 * are over. Where the rate does not divide 60e9 a full burst is back up to `rate` ns after the minute. */
#ifndef CODECELL_STORE_RATES_H
#define CODECELL_STORE_RATES_H

#include "store/db.h"

struct rate_verdict {
    bool allowed;
    int64_t tat_ns;         /* the state after: store it where allowed and `cost` is not 0 */
    int64_t limit;          /* requests a minute, and the burst */
    int64_t remaining;      /* requests that would be allowed right now, after this one */
    int64_t reset_ns;       /* wall time at which the full burst is back */
    int64_t retry_after_ns; /* refused: from now until `cost` would be allowed (a cost over the burst never is:
                               then until the burst is full, at least one interval); else 0 */
};

/* One decision. `tat_ns` as stored (0: never used); one further ahead than a burst (a clock's jump) is
 * clamped. rate_per_minute 1 to KEY_RATE_MAX. All of `cost` (>= 0) is taken or nothing; 0 asks without
 * counting (always allowed). */
struct rate_verdict rate_decide(int64_t tat_ns, int64_t rate_per_minute, int64_t cost, int64_t now_ns);

/* The decision for a key, its state read from and written to the database. 0 whatever the verdict is. */
int rates_take(struct db *db, int64_t key_row, int64_t rate_per_minute, int64_t cost, int64_t now_ns,
               struct rate_verdict *verdict, struct error *error);

#endif
