/* Records' age: what a server lost is marked at start, what is older than the retention is deleted, a batch at a time
 * so that requests are not held up. */
#ifndef CODECELL_RETENTION_H
#define CODECELL_RETENTION_H

#include "store/store.h"

#include <uv.h>

#define RETENTION_PERIOD_MS 10000u
#define RETENTION_BATCH 2000u /* rows a period: 200 a second, more than are made */

struct retention {
    struct store *store;
    int64_t seconds;  /* 0: for ever */
    uv_timer_t timer; /* stops where there is nothing left to do */
    struct store_job marking;
    int64_t newest;     /* as records_mark_lost has it */
    bool marks, marked; /* marking is under way; it is done */
};

void retention_open(struct retention *retention, uv_loop_t *loop, struct store *store, int64_t seconds);
void retention_close(struct retention *retention);

#endif
