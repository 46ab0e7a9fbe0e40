/* What records.c does to sessions (the functions for everyone are in records.h). */
#ifndef CODECELL_STORE_SESSIONS_H
#define CODECELL_STORE_SESSIONS_H

#include "store/db.h"

/* Makes the session where it is missing, and marks it as used. */
int sessions_touch(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error);

/* Counts executions and their time, and marks the session as used. One that is gone stays so. */
int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error);

/* Deletes at most `limit` sessions as records_expire says. How many, or -1. */
long sessions_expire(struct db *db, int64_t before_ms, long limit, struct error *error);

#endif
