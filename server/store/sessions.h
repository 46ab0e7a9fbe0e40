/* Sessions, which group a key's executions. Each function takes the key's row, and finds no session of another key. All
 * functions are for the database's thread. */
#ifndef CODECELL_STORE_SESSIONS_H
#define CODECELL_STORE_SESSIONS_H

#include "store/db.h"

#define SESSION_ID_MAX 128

struct session {
    char id[SESSION_ID_MAX + 1];
    int64_t created_ms, last_used_ms;
    int64_t expires_ms; /* 0: the retention of records decides */
    bool workspace;
    int64_t executions;
    int64_t execution_ns; /* in total */
    int64_t sequence;     /* its place in the order of creation, which a cursor holds */
};

/* Lists at most `limit` (1 to 200) sessions, the newest first. before: only smaller sequences; 0: from the newest.
 * each() gets a session that is valid during the call. *more: further sessions follow. */
int sessions_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                  void (*each)(const struct session *session, void *arg), void *arg, bool *more, struct error *error);

/* ERROR_NOT_FOUND: there is none. */
int sessions_get(struct db *db, int64_t key_row, const char *id, struct session *out, struct error *error);

/* Removes the session and the records of its executions. From then on no function finds them, and the id is free; their
 * rows are deleted by records_purge(). ERROR_NOT_FOUND: there is none. */
int sessions_delete(struct db *db, int64_t key_row, const char *id, struct error *error);

/* For records.c. */

/* Makes the session if it is missing, and marks it as used. */
int sessions_touch(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error);

/* Adds executions and their time to the session's totals, and marks the session as used. A session that was removed
 * stays removed. */
int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error);

/* Deletes at most `limit` of the sessions that records_expire() may delete. How many, or -1. */
long sessions_expire(struct db *db, int64_t before_ms, long limit, struct error *error);

#endif
