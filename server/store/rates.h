/* The rate limit of a key: GCRA, whose burst is the rate, with one number for each key. That number is the theoretical
 * arrival time of the next request, `tat`, in nanoseconds of wall time. The decision is a pure function.
 *
 * The interval between requests is 60e9/rate nanoseconds, rounded up, and the burst is rate times the interval. So
 * exactly `rate` requests are allowed at one instant, and the next one is allowed in the first nanosecond after 60/rate
 * seconds. If the rate does not divide 60e9, the full burst is back up to `rate` nanoseconds after the minute. */
#ifndef CODECELL_STORE_RATES_H
#define CODECELL_STORE_RATES_H

#include "store/db.h"

struct rate_verdict {
    bool allowed;
    int64_t tat_ns;         /* the new state: to be stored if allowed and `cost` is not 0 */
    int64_t limit;          /* requests a minute, and the burst */
    int64_t remaining;      /* requests that would be allowed at once after this one */
    int64_t reset_ns;       /* wall time at which the full burst is back */
    int64_t retry_after_ns; /* 0 if allowed; else the time until `cost` will be allowed. A cost above the burst never
                               is: then the time until the burst is full, at least one interval */
};

/* Decides on a request. `tat_ns` is the stored state (0: never used). A state more than a burst ahead, after a jump of
 * the clock, counts as a burst ahead. rate_per_minute is 1 to KEY_RATE_MAX. `cost` (>= 0) is taken whole or not at all;
 * 0 is always allowed and counts nothing. */
struct rate_verdict rate_decide(int64_t tat_ns, int64_t rate_per_minute, int64_t cost, int64_t now_ns);

/* Decides for a key, whose state it reads from and writes to the database. 0 for each verdict. On the database's
 * thread.
 */
int rates_take(struct db *db, int64_t key_row, int64_t rate_per_minute, int64_t cost, int64_t now_ns,
               struct rate_verdict *verdict, struct error *error);

#endif
