#include "store/records.h"

#include "store/sessions.h"
#include "store/sql.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 200

#define COLUMNS                                                                                                      \
    "sequence, id, key_row, coalesce(session_id, ''), language, version, status, exit_code, created_ms, started_ms," \
    " completed_ms, coalesce(execution_ns, -1), coalesce(queue_ns, -1), coalesce(cpu_ns, -1),"                       \
    " coalesce(memory_bytes, -1), code_bytes, stdout_bytes, stderr_bytes, code, out, err"

static const char *const status_names[RECORD_STATUSES] = {
    [RECORD_PENDING] = "pending",
    [RECORD_RUNNING] = "running",
    [RECORD_COMPLETED] = "completed",
    [RECORD_FAILED] = "failed",
    [RECORD_TIMED_OUT] = "timed_out",
    [RECORD_OUT_OF_MEMORY] = "out_of_memory",
    [RECORD_COMPILE_FAILED] = "compile_failed",
    [RECORD_CANCELLED] = "cancelled",
    [RECORD_LOST] = "lost",
};

const char *record_status_name(enum record_status status)
{
    return status_names[status];
}

int record_status_parse(const char *name, enum record_status *status)
{
    for (int i = 0; i < RECORD_STATUSES; i++) {
        if (strcmp(status_names[i], name) != 0)
            continue;
        *status = (enum record_status)i;
        return 0;
    }
    return -1;
}

void record_clear(struct record *record)
{
    free(record->code);
    free(record->out);
    free(record->err);
    memset(record, 0, sizeof(*record));
}

/* SQL's NULL for a session that there isn't. */
static const char *session_of(const struct record *record)
{
    return record->session_id[0] ? record->session_id : NULL;
}

/* How many rows were written: 0 where the id is there already. */
static long insert_row(struct db *db, const struct record *record, struct error *error)
{
    return sql_run(db,
                   "INSERT INTO executions (id, key_row, session_id, language, version, status, created_ms,"
                   " code_bytes, code) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                   SQL_VALUES(SQL_T(record->id), SQL_I(record->key_row), SQL_T(session_of(record)),
                              SQL_T(record->language), SQL_T(record->version), SQL_I(record->created_ms),
                              SQL_I(record->code_bytes), SQL_B(record->code, record->code_len)),
                   error);
}

int records_insert(struct db *db, const struct record *record, struct error *error)
{
    const char *session = session_of(record);
    if (session && sessions_touch(db, record->key_row, session, record->created_ms, error) < 0)
        return -1;
    long written = insert_row(db, record, error);
    if (written <= 0 || !session)
        return written < 0 ? -1 : 0;
    return sessions_add(db, record->key_row, session, 1, 0, record->created_ms, error);
}

/* How many rows were written: 0 where the record is not there, or has ended. */
static long finish_row(struct db *db, const struct record *record, struct error *error)
{
    return sql_run(db,
                   "UPDATE executions SET status = ?3, exit_code = iif(?4, ?5, NULL), started_ms = nullif(?6, 0),"
                   " completed_ms = nullif(?7, 0), execution_ns = nullif(?8, -1), queue_ns = nullif(?9, -1),"
                   " cpu_ns = nullif(?10, -1), memory_bytes = nullif(?11, -1), stdout_bytes = ?12,"
                   " stderr_bytes = ?13, out = ?14, err = ?15 WHERE id = ?1 AND key_row = ?2 AND status <= 1",
                   SQL_VALUES(SQL_T(record->id), SQL_I(record->key_row), SQL_I(record->status),
                              SQL_I(record->ended_by_itself), SQL_I(record->exit_code), SQL_I(record->started_ms),
                              SQL_I(record->completed_ms), SQL_I(record->execution_ns), SQL_I(record->queue_ns),
                              SQL_I(record->cpu_ns), SQL_I(record->memory_bytes), SQL_I(record->stdout_bytes),
                              SQL_I(record->stderr_bytes), SQL_B(record->out, record->out_len),
                              SQL_B(record->err, record->err_len)),
                   error);
}

/* The record wasn't there to finish: makes it, unless it was removed or has ended. As finish_row. */
static long finish_missing(struct db *db, const struct record *record, struct error *error)
{
    long removed = sql_run(db, "DELETE FROM removed WHERE id = ?", SQL_VALUES(SQL_T(record->id)), error);
    if (removed != 0)
        return removed < 0 ? -1 : 0;
    return records_insert(db, record, error) < 0 ? -1 : finish_row(db, record, error);
}

int records_finish(struct db *db, const struct record *record, struct error *error)
{
    const char *session = session_of(record);
    int64_t execution_ns = record->execution_ns > 0 ? record->execution_ns : 0;
    long written = finish_row(db, record, error);
    if (written == 0)
        written = finish_missing(db, record, error);
    if (written <= 0 || !session)
        return written < 0 ? -1 : 0;
    return sessions_add(db, record->key_row, session, 0, execution_ns, record->completed_ms, error);
}

/* A copy of a blob; NULL for NULL. One that is empty is a copy of nothing. */
static int copy_blob(sqlite3_stmt *statement, int column, char **data, size_t *len)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return 0;
    const void *blob = sqlite3_column_blob(statement, column);
    *len = (size_t)sqlite3_column_bytes(statement, column);
    *data = malloc(*len + 1);
    if (!*data || (*len && !blob))
        return -1;
    if (*len)
        memcpy(*data, blob, *len);
    (*data)[*len] = '\0';
    return 0;
}

static int read_record(sqlite3_stmt *statement, struct record *record, struct error *error)
{
    memset(record, 0, sizeof(*record));
    record->sequence = sqlite3_column_int64(statement, 0);
    sql_copy(record->id, sizeof(record->id), statement, 1);
    record->key_row = sqlite3_column_int64(statement, 2);
    sql_copy(record->session_id, sizeof(record->session_id), statement, 3);
    sql_copy(record->language, sizeof(record->language), statement, 4);
    sql_copy(record->version, sizeof(record->version), statement, 5);
    record->status = (enum record_status)sqlite3_column_int(statement, 6);
    record->ended_by_itself = sqlite3_column_type(statement, 7) != SQLITE_NULL;
    record->exit_code = sqlite3_column_int64(statement, 7);
    record->created_ms = sqlite3_column_int64(statement, 8);
    record->started_ms = sqlite3_column_int64(statement, 9); /* NULL reads as 0 */
    record->completed_ms = sqlite3_column_int64(statement, 10);
    record->execution_ns = sqlite3_column_int64(statement, 11);
    record->queue_ns = sqlite3_column_int64(statement, 12);
    record->cpu_ns = sqlite3_column_int64(statement, 13);
    record->memory_bytes = sqlite3_column_int64(statement, 14);
    record->code_bytes = sqlite3_column_int64(statement, 15);
    record->stdout_bytes = sqlite3_column_int64(statement, 16);
    record->stderr_bytes = sqlite3_column_int64(statement, 17);
    if (copy_blob(statement, 18, &record->code, &record->code_len) == 0 &&
        copy_blob(statement, 19, &record->out, &record->out_len) == 0 &&
        copy_blob(statement, 20, &record->err, &record->err_len) == 0)
        return 0;
    record_clear(record);
    return error_set(error, ERROR_INTERNAL, "Out of memory");
}

int records_get(struct db *db, int64_t key_row, const char *id, struct record *out, struct error *error)
{
    sqlite3_stmt *statement;
    int row = sql_first(db, "SELECT " COLUMNS " FROM executions WHERE id = ? AND key_row = ?",
                        SQL_VALUES(SQL_T(id), SQL_I(key_row)), &statement, error);
    if (row <= 0)
        return row < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Execution not found");
    int result = read_record(statement, out, error);
    sqlite3_reset(statement);
    return result;
}

/* A statement for each filter that has an index; what is left of the filter is applied to its rows. */
#define LIST_FROM "SELECT " COLUMNS " FROM executions WHERE key_row = ?1 AND sequence < ?2"
#define LIST_ORDER " ORDER BY sequence DESC LIMIT ?3"

static const char list_session[] = LIST_FROM " AND session_id = ?4 AND (?5 IS NULL OR language = ?5)"
                                             " AND (?6 < 0 OR status = ?6)" LIST_ORDER;
static const char list_status[] = LIST_FROM " AND status = ?6 AND (?4 IS NULL OR session_id = ?4)"
                                            " AND (?5 IS NULL OR language = ?5)" LIST_ORDER;
static const char list_language[] = LIST_FROM " AND language = ?5 AND (?4 IS NULL OR session_id = ?4)"
                                              " AND (?6 < 0 OR status = ?6)" LIST_ORDER;
static const char list_all[] = LIST_FROM " AND (?4 IS NULL OR session_id = ?4) AND (?5 IS NULL OR language = ?5)"
                                         " AND (?6 < 0 OR status = ?6)" LIST_ORDER;

static const char *list_statement(const struct record_filter *filter)
{
    if (filter->session_id)
        return list_session;
    if (filter->status >= 0)
        return list_status;
    return filter->language ? list_language : list_all;
}

static sqlite3_stmt *list_start(struct db *db, const struct record_filter *filter, struct error *error)
{
    const char *sql = list_statement(filter);
    const struct sql_value *values = SQL_VALUES(
        SQL_I(filter->key_row), SQL_I(filter->before ? filter->before : INT64_MAX),
        /* One more than asked for tells whether others follow. */
        SQL_I((int64_t)filter->limit + 1), SQL_T(filter->session_id), SQL_T(filter->language), SQL_I(filter->status));
    if (filter->limit >= 1 && filter->limit <= LIST_MAX)
        return sql_prepare(db, sql, values, error);
    error_set(error, ERROR_INVALID, "limit: must be an integer from 1 to %d", LIST_MAX);
    return NULL;
}

int records_list(struct db *db, const struct record_filter *filter,
                 void (*each)(const struct record *record, void *arg), void *arg, bool *more, struct error *error)
{
    struct record record;
    unsigned given = 0;
    int row, result = 0;
    sqlite3_stmt *statement = list_start(db, filter, error);
    if (!statement)
        return -1;
    while ((row = sql_step(statement, error)) == 1 && given < filter->limit) {
        result = read_record(statement, &record, error);
        if (result < 0)
            break;
        each(&record, arg);
        record_clear(&record);
        given++;
    }
    *more = row == 1;
    sqlite3_reset(statement);
    return row < 0 ? -1 : result;
}

static int find_newest(struct db *db, int64_t *newest, struct error *error)
{
    sqlite3_stmt *statement;
    if (sql_first(db, "SELECT coalesce(max(sequence), 0) FROM executions", NULL, &statement, error) != 1)
        return -1;
    *newest = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

long records_mark_lost(struct db *db, int64_t *newest, struct error *error)
{
    bool first = *newest < 0;
    if (first && find_newest(db, newest, error) < 0)
        return -1;
    /* Nothing that could still end is running: the notes about it have done their work. */
    if (first && sql_run(db, "DELETE FROM removed", NULL, error) < 0)
        return -1;
    return sql_run(db, "UPDATE executions SET status = ? WHERE status <= 1 AND sequence <= ?",
                   SQL_VALUES(SQL_I(RECORD_LOST), SQL_I(*newest)), error);
}

long records_expire(struct db *db, int64_t before_ms, unsigned batch, struct error *error)
{
    long limit = (long)batch;
    long records = sql_run(db,
                           "DELETE FROM executions WHERE sequence IN (SELECT sequence FROM executions"
                           " WHERE created_ms < ? AND status > 1 ORDER BY created_ms LIMIT ?)",
                           SQL_VALUES(SQL_I(before_ms), SQL_I(limit)), error);
    if (records < 0 || records == limit)
        return records;
    long sessions = sessions_expire(db, before_ms, limit - records, error);
    return sessions < 0 ? -1 : records + sessions;
}
