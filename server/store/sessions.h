/* Sessions, which group a key's executions. Each function takes the key's row, and finds no session of another key. All
 * functions are for the database's thread. */
#ifndef CODECELL_STORE_SESSIONS_H
#define CODECELL_STORE_SESSIONS_H

#include "store/db.h"

#define SESSION_ID_MAX 128

struct session {
    char id[SESSION_ID_MAX + 1];
    int64_t created_ms, last_used_ms, expires_ms; /* expires_ms 0: with retention */
    bool workspace;
    int64_t executions;
    int64_t execution_ns; /* in total */
    int64_t sequence;
};

int sessions_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                  void (*each)(const struct session *session, void *arg), void *arg, bool *more, struct error *error);
int sessions_get(struct db *db, int64_t key_row, const char *id, struct session *out, struct error *error);
/* Removes the session and its executions' records: from now on nobody sees them, and the id is free; their rows go with
 * records_purge. ERROR_NOT_FOUND. */
int sessions_delete(struct db *db, int64_t key_row, const char *id, struct error *error);

/* Makes the session where it is missing, and marks it as used. */
int sessions_touch(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error);

/* Counts executions and their time, and marks the session as used. One that is gone stays so. */
int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error);

/* Deletes at most `limit` sessions as records_expire says. How many, or -1. */
long sessions_expire(struct db *db, int64_t before_ms, long limit, struct error *error);

#endif
