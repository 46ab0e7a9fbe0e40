#include "store/sessions.h"

#include "base/seam.h"
#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 200
#define PORTION 16 /* rows that one statement of a slice writes in less than a millisecond */
#define COLUMNS "sequence, id, created_ms, last_used_ms, expires_ms, settings, workspace, executions, execution_ns"

/* Whether records of the session `s`, which was removed, still have rows. */
#define PURGED "EXISTS (SELECT 1 FROM purges AS p WHERE p.key_row = s.key_row AND p.session_id = s.id)"

#define LAST_USED SQL_DIALECT("max(last_used_ms, ?3)")         /* the clock may have gone back */
#define IN_USE_TO SQL_DIALECT("max(last_used_ms, expires_ms)") /* an index is on this very expression */

/* Whether the session `s` has not expired at a time. One that is in use does not expire. */
#define ALIVE_AT(now)                                                                                                  \
    "(s.expires_ms = 0 OR s.expires_ms > " now " OR EXISTS (SELECT 1 FROM executions AS e WHERE e.key_row = s.key_row" \
    " AND e.session_id = s.id AND e.status <= 1))"

#define ALIVE ALIVE_AT("?3")
#define EXPIRED "expires_ms > 0 AND expires_ms <= ?1 AND NOT " ALIVE_AT("?1")

/* Of the session ?2 of the key ?1. */
#define THE_SESSION " WHERE s.key_row = ?1 AND s.id = ?2 AND s.removed = 0"

/* A session was used at ?3. */
#define USED "last_used_ms = " LAST_USED ", expires_ms = CASE ttl_ms WHEN 0 THEN 0 ELSE " LAST_USED " + ttl_ms END"

/* The values of a new session: ?1 to ?7. */
#define PLANNED                                                                                    \
    SQL_I(key_row), SQL_T(id), SQL_I(now_ms), SQL_I(plan->ttl_ms > 0 ? now_ms + plan->ttl_ms : 0), \
        SQL_I(plan->ttl_ms), SQL_T(plan->settings != NULL ? plan->settings : ""), SQL_I(plan->workspace)

/* The row of a session that was removed or has expired is there until its records are gone. A new session of this name
 * takes the row over, with a new place in the order. The records of an expired session are the new one's, too. */
static long revive_session(struct db *db, int64_t key_row, const char *id, int64_t now_ms,
                           const struct session_plan *plan, struct error *error)
{
    return sql_run(db,
                   "UPDATE sessions AS s SET sequence = (SELECT max(sequence) + 1 FROM sessions), created_ms = ?3,"
                   " last_used_ms = ?3, expires_ms = ?4, ttl_ms = ?5, settings = ?6, workspace = ?7, removed = 0,"
                   " executions = CASE WHEN " PURGED " THEN 0 ELSE executions END,"
                   " execution_ns = CASE WHEN " PURGED " THEN 0 ELSE execution_ns END"
                   " WHERE key_row = ?1 AND id = ?2 AND (removed = 1 OR NOT " ALIVE ")",
                   SQL_VALUES(PLANNED), error);
}

/* How many rows were written; 0: there is such a session. Or -1. */
static long make_session(struct db *db, int64_t key_row, const char *id, int64_t now_ms,
                         const struct session_plan *plan, struct error *error)
{
    long made =
        sql_run(db,
                "INSERT INTO sessions (key_row, id, created_ms, last_used_ms, expires_ms, ttl_ms, settings, workspace)"
                " VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key_row, id) DO NOTHING",
                SQL_VALUES(PLANNED), error);

    return made != 0 ? made : revive_session(db, key_row, id, now_ms, plan, error);
}

/* A workspace belongs to the sequence that its session has now. */
static int make_workspace(struct db *db, int64_t key_row, const char *id, const struct session_plan *plan,
                          struct error *error)
{
    struct statement *statement;

    if (!plan->workspace)
        return 0;
    if (sql_first(db, "SELECT sequence FROM sessions AS s" THE_SESSION, SQL_VALUES(SQL_I(key_row), SQL_T(id)),
                  &statement, error) != 1)
        return -1;
    int64_t sequence = statement_int(statement, 0);
    statement_reset(statement);
    return workspaces_create(db, key_row, sequence, plan->durable, plan->workspaces_max, error);
}

int sessions_create(struct db *db, int64_t key_row, const char *id, const struct session_plan *plan,
                    struct error *error)
{
    long made = make_session(db, key_row, id, seam_wall_ms(), plan, error);

    if (made == 0)
        return error_set(error, ERROR_CONFLICT, "Session %s is there already", id);
    return made < 0 ? -1 : make_workspace(db, key_row, id, plan, error);
}

int sessions_use(struct db *db, int64_t key_row, const char *id, struct error *error)
{
    long changed = sql_run(db, "UPDATE sessions AS s SET " USED THE_SESSION " AND " ALIVE,
                           SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(seam_wall_ms())), error);

    if (changed == 0)
        return error_set(error, ERROR_NOT_FOUND, "Session not found");
    return changed < 0 ? -1 : 0;
}

int sessions_change(struct db *db, int64_t key_row, const char *id, int64_t ttl_ms, struct error *error)
{
    long changed = sql_run(db,
                           "UPDATE sessions AS s SET ttl_ms = ?4, last_used_ms = " LAST_USED ", expires_ms = " LAST_USED
                           " + ?4" THE_SESSION " AND " ALIVE,
                           SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(seam_wall_ms()), SQL_I(ttl_ms)), error);

    if (changed == 0)
        return error_set(error, ERROR_NOT_FOUND, "Session not found");
    return changed < 0 ? -1 : 0;
}

int sessions_touch(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error)
{
    long changed = sql_run(db, "UPDATE sessions AS s SET " USED THE_SESSION " AND " ALIVE,
                           SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(now_ms)), error);

    if (changed == 0)
        changed = make_session(db, key_row, id, now_ms, &(struct session_plan){.ttl_ms = 0}, error);
    return changed < 0 ? -1 : 0;
}

int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error)
{
    long changed = sql_run(
        db,
        "UPDATE sessions AS s SET executions = executions + ?4, execution_ns = execution_ns + ?5, " USED THE_SESSION,
        SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(now_ms), SQL_I(executions), SQL_I(execution_ns)), error);

    return changed < 0 ? -1 : 0;
}

void session_clear(struct session *session)
{
    free(session->settings);
    session->settings = NULL;
}

/* 0, or -1: out of memory. */
static int read_session_row(struct statement *statement, struct session *session, struct error *error)
{
    const char *settings = statement_text(statement, 5);

    memset(session, 0, sizeof *session);
    session->sequence = statement_int(statement, 0);
    sql_copy(session->id, sizeof session->id, statement, 1);
    session->created_ms = statement_int(statement, 2);
    session->last_used_ms = statement_int(statement, 3);
    session->expires_ms = statement_int(statement, 4);
    session->workspace.row = statement_int(statement, 6);
    session->executions = statement_int(statement, 7);
    session->execution_ns = statement_int(statement, 8);
    if (settings == NULL || *settings == '\0')
        return 0;
    session->settings = strdup(settings);
    return session->settings != NULL ? 0 : error_memory(error);
}

/* The session of the current row, with its workspace. */
static int read_session(struct db *db, struct statement *statement, struct session *session, struct error *error)
{
    if (read_session_row(statement, session, error) != 0)
        return -1;
    if (session->workspace.row == 0)
        return 0;
    int result = workspaces_of_session(db, session->sequence, &session->workspace, error);
    if (result != 0)
        session_clear(session);
    return result;
}

/* The limit is one more than was asked for, so that the last row tells whether more follow. */
static struct statement *start_session_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                                            struct error *error)
{
    return sql_prepare(db,
                       "SELECT " COLUMNS " FROM sessions AS s WHERE key_row = ?1 AND removed = 0 AND sequence < ?2"
                       " AND " ALIVE " ORDER BY sequence DESC LIMIT ?4",
                       SQL_VALUES(SQL_I(key_row), SQL_I(before != 0 ? before : INT64_MAX), SQL_I(seam_wall_ms()),
                                  SQL_I((int64_t)limit + 1)),
                       error);
}

int sessions_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                  void (*each)(const struct session *session, void *arg), void *arg, bool *more, struct error *error)
{
    if (limit < 1 || limit > LIST_MAX)
        return error_set(error, ERROR_INVALID, "limit: must be an integer from 1 to %d", LIST_MAX);
    struct statement *statement = start_session_list(db, key_row, before, limit, error);
    if (statement == NULL)
        return -1;
    struct session session;
    unsigned given = 0;
    int row;
    while ((row = statement_step(statement, error)) == 1 && given < limit) {
        if (read_session(db, statement, &session, error) != 0) {
            row = -1;
            break;
        }
        each(&session, arg);
        session_clear(&session);
        given++;
    }
    *more = row == 1;
    statement_reset(statement);
    return row < 0 ? -1 : 0;
}

int sessions_get(struct db *db, int64_t key_row, const char *id, struct session *out, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT " COLUMNS " FROM sessions AS s" THE_SESSION " AND " ALIVE,
                        SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(seam_wall_ms())), &statement, error);

    if (row <= 0)
        return row < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Session not found");
    row = read_session(db, statement, out, error);
    statement_reset(statement);
    return row;
}

int sessions_delete(struct db *db, int64_t key_row, const char *id, struct error *error)
{
    const struct driver_value *which = SQL_VALUES(SQL_I(key_row), SQL_T(id));
    long removed = sql_run(db, "UPDATE sessions AS s SET removed = 1" THE_SESSION " AND " ALIVE,
                           SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(seam_wall_ms())), error);

    if (removed <= 0)
        return removed < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Session not found");
    long noted = sql_run(db,
                         "INSERT INTO purges (key_row, session_id, upto) VALUES (?1, ?2, coalesce((SELECT sequence"
                         " FROM executions WHERE key_row = ?1 AND session_id = ?2 ORDER BY sequence DESC LIMIT 1), 0))"
                         " ON CONFLICT (key_row, session_id) DO UPDATE SET upto = excluded.upto",
                         which, error);
    return noted < 0 ? -1 : 0;
}

long sessions_expire(struct db *db, int64_t before_ms, long limit, struct error *error)
{
    return sql_run(db,
                   "DELETE FROM sessions WHERE sequence IN (SELECT sequence FROM sessions AS s"
                   " WHERE " IN_USE_TO " < ?1 AND NOT EXISTS"
                   " (SELECT 1 FROM executions AS e WHERE e.key_row = s.key_row AND e.session_id = s.id)"
                   " ORDER BY " IN_USE_TO " LIMIT ?2)",
                   SQL_VALUES(SQL_I(before_ms), SQL_I(limit)), error);
}

/* Its row is like a removed session's, except that its records stay. So lists do not pass over it. */
long sessions_end_expired(struct db *db, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    long ended, all = 0;

    do {
        ended = sql_run(db,
                        "UPDATE sessions SET removed = 1 WHERE sequence IN (SELECT sequence FROM sessions AS s"
                        " WHERE removed = 0 AND " EXPIRED " ORDER BY expires_ms LIMIT ?2)",
                        SQL_VALUES(SQL_I(seam_wall_ms()), SQL_I(PORTION)), error);
        all += ended;
    } while (ended > 0 && !slice_over(&slice));
    return ended < 0 ? -1 : all;
}
