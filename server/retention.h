/* Records' age: what a server lost is marked at start, what is older than the retention is deleted, what was left of
 * removed sessions is deleted: all of it in slices between other work (store/upkeep.h). */
#ifndef CODECELL_RETENTION_H
#define CODECELL_RETENTION_H

#include "store/store.h"

#include <uv.h>

#define RETENTION_PERIOD_MS 10000u

struct retention {
    struct store *store;
    int64_t seconds; /* 0: for ever */
    uv_timer_t timer;
    struct store_job marking;
    int64_t newest;     /* as records_mark_lost has it */
    long lost;          /* marked so far */
    bool marks, marked; /* marking is under way; it is done */
    bool expires;       /* expiry is under way */
};

void retention_open(struct retention *retention, uv_loop_t *loop, struct store *store, int64_t seconds);
void retention_close(struct retention *retention);

#endif
