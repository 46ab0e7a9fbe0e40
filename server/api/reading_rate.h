/* How often a key may read: requests with a key that run nothing have a rate of their own, apart from that of
 * executions (store/rates.h, whose decision it shares). Requests without a key are counted in the same way, by their
 * client's address in the place of a key's row (admission.c). Its state is kept in memory: after a restart each key has
 * its burst again. It runs on the loop. */
#ifndef CODECELL_API_READING_RATE_H
#define CODECELL_API_READING_RATE_H

#include "store/rates.h"

#include <stddef.h>

/* A key that runs much polls much, so it may send at least this many requests for each program that it may run. */
#define READING_PER_EXECUTION 6

/* Keys that are remembered. One more takes the place of the one that is nearest to its full burst. */
#define READING_KEYS_MAX 16384

struct reading_key {
    int64_t key_row, tat_ns;
};

/* All zero except `least`: no key has read yet. */
struct reading_rates {
    int64_t least; /* requests a minute of every key: CODECELL_READ_RATE */
    struct reading_key *keys;
    size_t count, room;
};

/* Requests a minute of a key that may run `rate_per_minute`. */
int64_t reading_rate(const struct reading_rates *rates, int64_t rate_per_minute);

/* Counts a request of a key as `cost` requests, if it is allowed. Without memory it is allowed and not counted. */
struct rate_verdict reading_take(struct reading_rates *rates, int64_t key_row, int64_t rate_per_minute, int64_t cost,
                                 int64_t now_ns);

void reading_free(struct reading_rates *rates);

#endif
