/* Work on the database that no request waits for, in slices. Each is a job of the line `upkeep` (turns.h) that goes on
 * until nothing of its kind is left. On the loop's thread. */
#ifndef CODECELL_STORE_UPKEEP_H
#define CODECELL_STORE_UPKEEP_H

#include "store/store.h"

/* Deletes the records of removed sessions (records_purge). */
void upkeep_purge(struct store *store);

/* Deletes old records and sessions (records_expire). done() (may be NULL) comes on the loop at the end, also after a
 * failure. */
void upkeep_expire(struct store *store, int64_t before_ms, void (*done)(void *arg), void *arg);

/* Takes expired sessions out of lists (sessions_end_expired). */
void upkeep_sessions(struct store *store);

/* Deletes answers that are not given again any more (idempotency_expire), and payments whose time is over
 * (payments_expire). */
void upkeep_tidy(struct store *store);

#endif
