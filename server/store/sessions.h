/* Sessions, which group a key's executions. A session with a time to live expires that long after its last use, but not
 * while an execution of it is open. No function finds an expired session, and its name is free; its records stay. A new
 * session of the name has these records, too. Each function takes the key's row, and finds no session of another key.
 * All functions are for the database's thread. */
#ifndef CODECELL_STORE_SESSIONS_H
#define CODECELL_STORE_SESSIONS_H

#include "store/db.h"
#include "store/workspaces.h"

#define SESSION_ID_MAX 128

struct session {
    char id[SESSION_ID_MAX + 1];
    int64_t created_ms, last_used_ms;
    int64_t expires_ms; /* its last use and its time to live; 0: it has none, and the retention of records decides */
    char *settings;     /* what its executions take from it, as JSON; NULL: nothing. session_clear() frees it */
    struct workspace_row workspace; /* row 0: it has none */
    int64_t executions;
    int64_t execution_ns; /* in total */
    int64_t sequence;     /* its place in the order of creation, which a cursor holds */
};

void session_clear(struct session *session);

/* What a new session is told. */
struct session_plan {
    int64_t ttl_ms;       /* it lives so long after each use */
    const char *settings; /* JSON; NULL: none */
    bool workspace, durable;
    int64_t workspaces_max; /* that its key may have */
};

/* Lists at most `limit` (1 to 200) sessions, the newest first. before: only smaller sequences; 0: from the newest.
 * each() gets a session that is valid during the call and is cleared then. *more: further sessions follow. */
int sessions_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                  void (*each)(const struct session *session, void *arg), void *arg, bool *more, struct error *error);

/* ERROR_NOT_FOUND: there is none. Clear it afterwards. */
int sessions_get(struct db *db, int64_t key_row, const char *id, struct session *out, struct error *error);

/* Removes the session and the records of its executions. From then on no function finds them, and the id is free; their
 * rows are deleted by records_purge(). ERROR_NOT_FOUND: there is none. */
int sessions_delete(struct db *db, int64_t key_row, const char *id, struct error *error);

/* Makes a session. ERROR_CONFLICT: there is one. ERROR_RATE: its key may have no more workspaces. */
int sessions_create(struct db *db, int64_t key_row, const char *id, const struct session_plan *plan,
                    struct error *error);

/* The session was used now, without an execution. ERROR_NOT_FOUND: there is none. */
int sessions_use(struct db *db, int64_t key_row, const char *id, struct error *error);

/* The session lives for ttl_ms from now, and after each use. ERROR_NOT_FOUND: there is none. */
int sessions_change(struct db *db, int64_t key_row, const char *id, int64_t ttl_ms, struct error *error);

/* Takes expired sessions out of lists. Does one slice (STORE_UPKEEP_SLICE_NS) and returns how many rows it changed, or
 * -1. 0: nothing is left to do. */
long sessions_end_expired(struct db *db, struct error *error);

/* For records.c. */

/* Makes the session, without a time to live, if it is missing, and marks it as used. */
int sessions_touch(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error);

/* Adds executions and their time to the session's totals, and marks the session as used. A session that was removed
 * stays removed. */
int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error);

/* Deletes at most `limit` of the sessions that records_expire() may delete. How many, or -1. */
long sessions_expire(struct db *db, int64_t before_ms, long limit, struct error *error);

#endif
