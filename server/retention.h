/* What happens to records with time. At the start, executions that an earlier run left open are marked as lost, and the
 * credits reserved for them are given back. From
 * then on, records that are older than the retention are deleted, and so are the rows of removed sessions. All of this
 * goes in slices between other work (store/upkeep.h). */
#ifndef CODECELL_RETENTION_H
#define CODECELL_RETENTION_H

#include "store/store.h"

#include <uv.h>

#define RETENTION_PERIOD_MS 10000u

struct retention {
    struct store *store;
    int64_t seconds; /* how long records are kept; 0: for ever */
    uv_timer_t timer;
    struct store_job marking;
    int64_t newest;     /* see records_mark_lost() */
    long lost;          /* executions marked so far */
    long given_back;    /* reservations of credits given back so far */
    bool marks, marked; /* marking is under way; marking is done */
    bool expires;       /* records are being deleted */
};

void retention_open(struct retention *retention, uv_loop_t *loop, struct store *store, int64_t seconds);
void retention_close(struct retention *retention);

#endif
