#include "store/sessions.h"

#include "store/sql.h"

#include <string.h>

#define LIST_MAX 200
#define COLUMNS "sequence, id, created_ms, last_used_ms, expires_ms, workspace, executions, execution_ns"

/* The row of one that was removed is there until its records are gone: the new one takes it, with a new place. */
static long revive(struct db *db, int64_t key_row, const char *id, int64_t now_ms, struct error *error)
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
                           " ON CONFLICT (key_row, id) DO UPDATE SET last_used_ms = max(last_used_ms, ?3)"
                           " WHERE removed = 0",
                           SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(now_ms)), error);
    if (changed == 0)
        changed = revive(db, key_row, id, now_ms, error);
    return changed < 0 ? -1 : 0;
}

int sessions_add(struct db *db, int64_t key_row, const char *id, int64_t executions, int64_t execution_ns,
                 int64_t now_ms, struct error *error)
{
    long changed =
        sql_run(db,
                "UPDATE sessions SET executions = executions + ?3, execution_ns = execution_ns + ?4,"
                " last_used_ms = max(last_used_ms, ?5) WHERE key_row = ?1 AND id = ?2"
                " AND removed = 0",
                SQL_VALUES(SQL_I(key_row), SQL_T(id), SQL_I(executions), SQL_I(execution_ns), SQL_I(now_ms)), error);
    return changed < 0 ? -1 : 0;
}

static void read_session(sqlite3_stmt *statement, struct session *session)
{
    memset(session, 0, sizeof(*session));
    session->sequence = sqlite3_column_int64(statement, 0);
    sql_copy(session->id, sizeof(session->id), statement, 1);
    session->created_ms = sqlite3_column_int64(statement, 2);
    session->last_used_ms = sqlite3_column_int64(statement, 3);
    session->expires_ms = sqlite3_column_int64(statement, 4);
    session->workspace = sqlite3_column_int(statement, 5) != 0;
    session->executions = sqlite3_column_int64(statement, 6);
    session->execution_ns = sqlite3_column_int64(statement, 7);
}

int sessions_list(struct db *db, int64_t key_row, int64_t before, unsigned limit,
                  void (*each)(const struct session *session, void *arg), void *arg, bool *more, struct error *error)
{
    if (limit < 1 || limit > LIST_MAX)
        return error_set(error, ERROR_INVALID, "limit: must be an integer from 1 to %d", LIST_MAX);
    /* One more than asked for tells whether others follow. */
    sqlite3_stmt *statement =
        sql_prepare(db,
                    "SELECT " COLUMNS " FROM sessions WHERE key_row = ? AND removed = 0 AND sequence < ?"
                    " ORDER BY sequence DESC LIMIT ?",
                    SQL_VALUES(SQL_I(key_row), SQL_I(before ? before : INT64_MAX), SQL_I((int64_t)limit + 1)), error);
    if (!statement)
        return -1;
    struct session session;
    unsigned given = 0;
    int row;
    while ((row = sql_step(statement, error)) == 1 && given < limit) {
        read_session(statement, &session);
        each(&session, arg);
        given++;
    }
    *more = row == 1;
    sqlite3_reset(statement);
    return row < 0 ? -1 : 0;
}

int sessions_get(struct db *db, int64_t key_row, const char *id, struct session *out, struct error *error)
{
    sqlite3_stmt *statement;
    int row = sql_first(db, "SELECT " COLUMNS " FROM sessions WHERE key_row = ? AND id = ? AND removed = 0",
                        SQL_VALUES(SQL_I(key_row), SQL_T(id)), &statement, error);
    if (row <= 0)
        return row < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Session not found");
    read_session(statement, out);
    sqlite3_reset(statement);
    return 0;
}

int sessions_delete(struct db *db, int64_t key_row, const char *id, struct error *error)
{
    const struct sql_value *which = SQL_VALUES(SQL_I(key_row), SQL_T(id));
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
    /* The index is on this very expression. */
    return sql_run(db,
                   "DELETE FROM sessions WHERE sequence IN (SELECT sequence FROM sessions AS s"
                   " WHERE removed = 0 AND max(last_used_ms, expires_ms) < ?1 AND NOT EXISTS"
                   " (SELECT 1 FROM executions AS e WHERE e.key_row = s.key_row AND e.session_id = s.id)"
                   " ORDER BY max(last_used_ms, expires_ms) LIMIT ?2)",
                   SQL_VALUES(SQL_I(before_ms), SQL_I(limit)), error);
}
