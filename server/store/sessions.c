#include "store/sessions.h"

#include "store/sql.h"

#include <string.h>

#define LIST_MAX 200
#define COLUMNS "sequence, id, created_ms, last_used_ms, expires_ms, workspace, executions, execution_ns"

#define LAST_USED SQL_DIALECT("max(last_used_ms, ?3)")         /* the clock may have gone back */
#define IN_USE_TO SQL_DIALECT("max(last_used_ms, expires_ms)") /* an index is on this very expression */

/* A removed session's row is there until its records are gone. A new session of this name takes the row over, with a
 * new place in the order. */
static long revive_session(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error)
{
    return sql_run(db,
                   "UPDATE sessions SET sequence = (SELECT max(sequence) + 1 FROM sessions), created_ms = ?3,"
                   " last_used_ms = ?3, expires_ms = 0, workspace = 0, executions = 0, execution_ns = 0, removed = 0"
                   " WHERE key_row = ?1 AND id = ?2",
                   SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(now_ms)), error);
}

int sessions_touch(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error)
{
    long changed = sql_run(db,
                           "INSERT INTO sessions (key_row, id, created_ms, last_used_ms) VALUES (?1, ?2, ?3, ?3)"
                           " ON CONFLICT (key_row, id) DO UPDATE SET last_used_ms = " LAST_USED " WHERE removed = 0",
                           SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(now_ms)), error);

    if (changed == 0)
        changed = revive_session(db, key_row, id, now_ms, error);
    return changed < 0 ? -1 : 0;
}

int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error)
{
    long changed =
        sql_run(db,
                "UPDATE sessions SET executions = executions + ?4, execution_ns = execution_ns + ?5,"
                " last_used_ms = " LAST_USED " WHERE key_row = ?1 AND id = ?2 AND removed = 0",
                SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(now_ms), SQL_I(executions), SQL_I(execution_ns)), error);

    return changed < 0 ? -1 : 0;
}

static void read_session(struct statement *statement, struct session *session)
{
    memset(session, 0, sizeof *session);
    session->sequence = statement_int(statement, 0);
    sql_copy(session->id, sizeof session->id, statement, 1);
    session->created_ms = statement_int(statement, 2);
    session->last_used_ms = statement_int(statement, 3);
    session->expires_ms = statement_int(statement, 4);
    session->workspace = statement_int(statement, 5) != 0;
    session->executions = statement_int(statement, 6);
    session->execution_ns = statement_int(statement, 7);
}

/* The limit is one more than was asked for, so that the last row tells whether more follow. */
static struct statement *start_session_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                                            struct error *error)
{
    return sql_prepare(db,
                       "SELECT " COLUMNS " FROM sessions WHERE key_row = ? AND removed = 0 AND sequence < ?"
                       " ORDER BY sequence DESC LIMIT ?",
                       SQL_VALUES(SQL_I(key_row), SQL_I(before != 0 ? before : INT64_MAX), SQL_I((int64_t)limit + 1)),
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
        read_session(statement, &session);
        each(&session, arg);
        given++;
    }
    *more = row == 1;
    statement_reset(statement);
    return row < 0 ? -1 : 0;
}

int sessions_get(struct db *db, int64_t key_row, const char *id, struct session *out, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT " COLUMNS " FROM sessions WHERE key_row = ? AND id = ? AND removed = 0",
                        SQL_VALUES(SQL_I(key_row), SQL_T(id)), &statement, error);

    if (row <= 0)
        return row < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Session not found");
    read_session(statement, out);
    statement_reset(statement);
    return 0;
}

int sessions_delete(struct db *db, int64_t key_row, const char *id, struct error *error)
{
    const struct driver_value *which = SQL_VALUES(SQL_I(key_row), SQL_T(id));
    long removed =
        sql_run(db, "UPDATE sessions SET removed = 1 WHERE key_row = ? AND id = ? AND removed = 0", which, error);

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
                   " WHERE removed = 0 AND " IN_USE_TO " < ?1 AND NOT EXISTS"
                   " (SELECT 1 FROM executions AS e WHERE e.key_row = s.key_row AND e.session_id = s.id)"
                   " ORDER BY " IN_USE_TO " LIMIT ?2)",
                   SQL_VALUES(SQL_I(before_ms), SQL_I(limit)), error);
}
