/* Work on the database that nobody waits for, in slices: a job of the line `upkeep` (turns.h) goes on until there is
 * nothing left of its kind. */
#ifndef CODECELL_STORE_UPKEEP_H
#define CODECELL_STORE_UPKEEP_H

#include "store/store.h"

/* Deletes what records_purge has to, as far as is known when its turn comes. On the loop's thread. */
void upkeep_purge(struct store *store);

/* Deletes what records_expire has to. `done` (may be NULL) is called on the loop when it is over, however it went. */
void upkeep_expire(struct store *store, int64_t before_ms, void (*done)(void *arg), void *arg);

#endif
