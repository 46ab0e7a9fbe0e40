#include "store/records.h"

#include "store/credits.h"
#include "store/record_row.h"
#include "store/sessions.h"
#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"
#include "store/usage.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 200
#define PORTION 16 /* rows that one statement of a slice writes in less than a millisecond */

#define REMOVED RECORDS_REMOVED

const char *const record_status_names[RECORD_STATUSES + 1] = {
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
    return record_status_names[status];
}

void record_clear(struct record *record)
{
    free(record->code);
    free(record->out);
    free(record->err);
    memset(record, 0, sizeof *record);
}

/* NULL: none. */
static const char *session_of(const struct record *record)
{
    return record->session_id[0] != '\0' ? record->session_id : NULL;
}

/* How many rows were written; 0: the id exists already. Or -1. */
static long insert_row(struct db *db, const struct record *record, struct error *error)
{
    return sql_run(db,
                   "INSERT INTO executions (id, key_row, session_id, language, version, status, created_ms,"
                   " code_bytes, code, server, attempts) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (id) DO NOTHING",
                   SQL_VALUES(SQL_T(record->id), SQL_I(record->key_row), SQL_T(session_of(record)),
                              SQL_T(record->language), SQL_T(record->version), SQL_I(record->created_ms),
                              SQL_I(record->code_bytes), SQL_B(record->code, record->code_len),
                              SQL_I(record->accepted ? -db_server(db) : db_server(db)),
                              SQL_I(record->accepted ? 0 : 1)),
                   error);
}

int records_insert(struct db *db, const struct record *record, struct error *error)
{
    const char *session = session_of(record);

    if (session != NULL && sessions_touch(db, record->key_row, session, record->created_ms, error) != 0)
        return -1;
    long written = insert_row(db, record, error);
    if (written <= 0 || session == NULL)
        return written < 0 ? -1 : 0;
    return sessions_add(db, record->key_row, session, 1, 0, record->created_ms, error);
}

/* How many rows were written; 0: the record is missing, has ended, or was removed with its session. Or -1. */
static long finish_row(struct db *db, const struct record *record, struct error *error)
{
    return sql_run(
        db,
        "UPDATE executions AS e SET status = ?3, exit_code = CASE ?4 WHEN 1 THEN ?5 END, started_ms = nullif(?6, 0),"
        " completed_ms = nullif(?7, 0), execution_ns = nullif(?8, -1), queue_ns = nullif(?9, -1),"
        " cpu_ns = nullif(?10, -1), memory_bytes = nullif(?11, -1), stdout_bytes = ?12,"
        " stderr_bytes = ?13, out = ?14, err = ?15 WHERE id = ?1 AND key_row = ?2 AND status <= 1"
        " AND NOT " REMOVED,
        SQL_VALUES(SQL_T(record->id), SQL_I(record->key_row), SQL_I(record->status), SQL_I(record->ended_by_itself),
                   SQL_I(record->exit_code), SQL_I(record->started_ms), SQL_I(record->completed_ms),
                   SQL_I(record->execution_ns), SQL_I(record->queue_ns), SQL_I(record->cpu_ns),
                   SQL_I(record->memory_bytes), SQL_I(record->stdout_bytes), SQL_I(record->stderr_bytes),
                   SQL_B(record->out, record->out_len), SQL_B(record->err, record->err_len)),
        error);
}

/* 1: there is such a row, of any key; 0, or -1. */
static int record_exists(struct db *db, const char *id, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT 1 FROM executions WHERE id = ?", SQL_VALUES(SQL_T(id)), &statement, error);

    if (row == 1)
        statement_reset(statement);
    return row;
}

/* If the record was removed with its session, deletes its row. Because the execution has ended now, no note about it is
 * needed. */
static long drop_removed(struct db *db, const struct record *record, struct error *error)
{
    return sql_run(db, "DELETE FROM executions AS e WHERE id = ? AND key_row = ? AND status <= 1 AND " REMOVED,
                   SQL_VALUES(SQL_T(record->id), SQL_I(record->key_row)), error);
}

/* What became of a record at its execution's end. */
enum finish {
    FINISH_FAILED = -1,
    FINISH_AGAIN, /* it has ended already */
    FINISH_WRITTEN,
    FINISH_REMOVED /* it was removed with its session, so nothing is written */
};

static enum finish finish_of(long rows, enum finish written)
{
    return rows < 0 ? FINISH_FAILED : rows == 0 ? FINISH_AGAIN : written;
}

/* No record could be finished. Makes it, unless it was removed or has ended. */
static enum finish finish_missing(struct db *db, const struct record *record, struct error *error)
{
    int there = record_exists(db, record->id, error);

    if (there != 0)
        return there < 0 ? FINISH_FAILED : finish_of(drop_removed(db, record, error), FINISH_REMOVED);
    long noted = sql_run(db, "DELETE FROM removed WHERE id = ?", SQL_VALUES(SQL_T(record->id)), error);
    if (noted != 0)
        return finish_of(noted, FINISH_REMOVED);
    return records_insert(db, record, error) != 0 ? FINISH_FAILED
                                                  : finish_of(finish_row(db, record, error), FINISH_WRITTEN);
}

static enum finish finish_record(struct db *db, const struct record *record, struct error *error)
{
    enum finish finish = finish_of(finish_row(db, record, error), FINISH_WRITTEN);

    return finish == FINISH_AGAIN ? finish_missing(db, record, error) : finish;
}

static int64_t known(int64_t figure)
{
    return figure > 0 ? figure : 0;
}

static int count_usage(struct db *db, const struct record *record, struct error *error)
{
    const struct usage usage = {.executions = 1,
                                .completed = record->status == RECORD_COMPLETED,
                                .execution_ns = known(record->execution_ns),
                                .cpu_ns = known(record->cpu_ns),
                                .output_bytes = record->stdout_bytes + record->stderr_bytes};

    return usage_add(db, record->key_row, usage_day(record->completed_ms), record->language, &usage, error);
}

static int settle_reservation(struct db *db, const struct record *record, struct error *error)
{
    return record->used ? credits_take(db, record->reservation, record->language, error)
                        : credits_give_back(db, record->reservation, error);
}

int records_finish(struct db *db, const struct record *record, struct error *error)
{
    const char *session = session_of(record);

    if (settle_reservation(db, record, error) != 0)
        return -1;
    enum finish finish = finish_record(db, record, error);
    if (finish == FINISH_FAILED || (finish != FINISH_AGAIN && count_usage(db, record, error) != 0))
        return -1;
    if (finish != FINISH_WRITTEN || session == NULL)
        return 0;
    return sessions_add(db, record->key_row, session, 0, known(record->execution_ns), record->completed_ms, error);
}

static int read_record(struct statement *statement, struct record *record, struct error *error)
{
    record_row_read(statement, record);
    if (sql_copy_blob(&record->code, &record->code_len, statement, RECORD_ROW_COLUMNS) == 0 &&
        sql_copy_blob(&record->out, &record->out_len, statement, RECORD_ROW_COLUMNS + 1) == 0 &&
        sql_copy_blob(&record->err, &record->err_len, statement, RECORD_ROW_COLUMNS + 2) == 0)
        return 0;
    record_clear(record);
    return error_memory(error);
}

/* The record of this sequence, which must exist. */
static int read_sequence(struct db *db, int64_t sequence, struct record *out, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT " RECORD_ROW ", e.code, e.out, e.err FROM executions AS e WHERE e.sequence = ?",
                        SQL_VALUES(SQL_I(sequence)), &statement, error);

    if (row <= 0)
        return row < 0 ? -1 : error_set(error, ERROR_INTERNAL, "The database failed: a row is missing");
    int result = read_record(statement, out, error);
    statement_reset(statement);
    return result;
}

int records_get(struct db *db, int64_t key_row, const char *id, struct record *out, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT sequence FROM executions AS e WHERE id = ? AND key_row = ? AND NOT " REMOVED,
                        SQL_VALUES(SQL_T(id), SQL_I(key_row)), &statement, error);

    if (row <= 0)
        return row < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Execution not found");
    int64_t sequence = statement_int(statement, 0);
    statement_reset(statement);
    return read_sequence(db, sequence, out, error);
}

/* There is a statement for each combination of filters, and an index for each statement, which gives exactly the rows
 * that match in their order. Some of these are removed. The columns are read by a second statement, so that a removed
 * row costs little. */
enum { BY_SESSION = 1, BY_LANGUAGE = 2, BY_STATUS = 4, BY_ALL = 7 };

#define SESSION " AND session_id = ?"
#define LANGUAGE " AND language = ?"
#define STATUS " AND status = ?"
#define LIST(filters)                                                                              \
    "SELECT sequence, " REMOVED " FROM executions AS e WHERE key_row = ? AND sequence < ?" filters \
    " ORDER BY sequence DESC"

static const char *const lists[BY_ALL + 1] = {
    [0] = LIST(""),
    [BY_SESSION] = LIST(SESSION),
    [BY_LANGUAGE] = LIST(LANGUAGE),
    [BY_SESSION | BY_LANGUAGE] = LIST(SESSION LANGUAGE),
    [BY_STATUS] = LIST(STATUS),
    [BY_SESSION | BY_STATUS] = LIST(SESSION STATUS),
    [BY_LANGUAGE | BY_STATUS] = LIST(LANGUAGE STATUS),
    [BY_ALL] = LIST(SESSION LANGUAGE STATUS),
};

static struct statement *start_record_list(struct db *db, const struct record_filter *filter, struct error *error)
{
    struct driver_value values[6] = {SQL_I(filter->key_row), SQL_I(filter->before != 0 ? filter->before : INT64_MAX)};
    size_t count = 2;
    unsigned by = 0;

    if (filter->session_id != NULL) {
        values[count++] = SQL_T(filter->session_id);
        by |= BY_SESSION;
    }
    if (filter->language != NULL) {
        values[count++] = SQL_T(filter->language);
        by |= BY_LANGUAGE;
    }
    if (filter->status >= 0) {
        values[count++] = SQL_I(filter->status);
        by |= BY_STATUS;
    }
    return sql_prepare(db, lists[by], values, error);
}

/* Lists one row. 0: go on; 1: the page is full; or -1. */
static int list_row(struct db *db, struct statement *statement, struct record_filter *filter,
                    bool (*each)(struct record *record, void *arg), void *arg, struct error *error)
{
    int64_t sequence = statement_int(statement, 0);
    bool removed = statement_int(statement, 1) != 0;
    struct record record;

    if (!removed && filter->given == filter->limit)
        return 1;
    if (!removed && read_sequence(db, sequence, &record, error) != 0)
        return -1;
    if (!removed) {
        bool taken = each(&record, arg);
        record_clear(&record);
        if (!taken)
            return 1;
        filter->given++;
    }
    filter->before = sequence;
    return 0;
}

int records_list(struct db *db, struct record_filter *filter, bool (*each)(struct record *record, void *arg), void *arg,
                 bool *more, struct error *error)
{
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return error_set(error, ERROR_INVALID, "limit: must be an integer from 1 to %d", LIST_MAX);
    struct statement *statement = start_record_list(db, filter, error);
    if (statement == NULL)
        return -1;
    struct slice slice = slice_begin(STORE_READING_SLICE_NS, db_wanted(db));
    int row = 1, result = 0;
    bool over = false;
    while (result == 0 && !over && (row = statement_step(statement, error)) == 1) {
        result = list_row(db, statement, filter, each, arg, error);
        over = result == 0 && slice_over(&slice);
    }
    statement_reset(statement);
    if (over)
        return STORE_MORE;
    *more = result == 1;
    return row < 0 || result < 0 ? -1 : 0;
}

static int find_newest(struct db *db, int64_t *newest, struct error *error)
{
    struct statement *statement;

    if (sql_first(db, "SELECT coalesce(max(sequence), 0) FROM executions", NULL, &statement, error) != 1)
        return -1;
    *newest = statement_int(statement, 0);
    statement_reset(statement);
    return 0;
}

/* Also drops this server's notes about removed executions, because none of those executions can end any more. */
static int begin_marking(struct db *db, int64_t *newest, struct error *error)
{
    if (find_newest(db, newest, error) != 0)
        return -1;
    return sql_run(db, "DELETE FROM removed WHERE server IN (?1, -?1)", SQL_VALUES(SQL_I(db_server(db))), error) < 0
               ? -1
               : 0;
}

long records_mark_lost(struct db *db, int64_t *newest, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    long marked, all = 0;

    if (*newest < 0 && begin_marking(db, newest, error) != 0)
        return -1;
    do {
        marked = sql_run(db,
                         "UPDATE executions SET status = ? WHERE sequence IN (SELECT sequence FROM executions"
                         " WHERE status <= 1 AND server = ? AND sequence <= ? LIMIT ?)",
                         SQL_VALUES(SQL_I(RECORD_LOST), SQL_I(db_server(db)), SQL_I(*newest), SQL_I(PORTION)), error);
        all += marked;
    } while (marked > 0 && !slice_over(&slice));
    return marked < 0 ? -1 : all;
}

static long expire_portion(struct db *db, int64_t before_ms, struct error *error)
{
    return sql_run(db,
                   "DELETE FROM executions WHERE sequence IN (SELECT sequence FROM executions"
                   " WHERE created_ms < ? AND status > 1 ORDER BY created_ms LIMIT ?)",
                   SQL_VALUES(SQL_I(before_ms), SQL_I(PORTION)), error);
}

long records_expire(struct db *db, int64_t before_ms, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    long gone, all = 0;

    do {
        gone = expire_portion(db, before_ms, error);
        if (gone == 0)
            gone = sessions_expire(db, before_ms, PORTION, error);
        all += gone;
    } while (gone > 0 && !slice_over(&slice));
    return gone < 0 ? -1 : all;
}

/* Records of removed sessions. */

struct purge {
    int64_t key_row, upto;
    char session_id[SESSION_ID_MAX + 1];
};

/* 1: there is one; 0, or -1. */
static int next_purge(struct db *db, struct purge *purge, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT key_row, session_id, upto FROM purges LIMIT 1", NULL, &statement, error);

    if (row != 1)
        return row;
    purge->key_row = statement_int(statement, 0);
    sql_copy(purge->session_id, sizeof purge->session_id, statement, 1);
    purge->upto = statement_int(statement, 2);
    statement_reset(statement);
    return 1;
}

#define PURGED                                                                                \
    "(SELECT sequence FROM executions WHERE key_row = ? AND session_id = ? AND sequence <= ?" \
    " ORDER BY sequence DESC LIMIT ?)" /* lists begin with the newest */

/* The end of an execution that still runs will find no record. The note in `removed` says that it should not make one.
 */
static long purge_portion(struct db *db, const struct purge *purge, struct error *error)
{
    const struct driver_value *which =
        SQL_VALUES(SQL_I(purge->key_row), SQL_T(purge->session_id), SQL_I(purge->upto), SQL_I(PORTION));

    if (sql_run(db,
                "INSERT INTO removed (id, server) SELECT id, server FROM executions WHERE status <= 1 AND sequence "
                "IN " PURGED " ON CONFLICT (id) DO NOTHING",
                which, error) < 0)
        return -1;
    return sql_run(db, "DELETE FROM executions WHERE sequence IN " PURGED, which, error);
}

/* All records of the purge are deleted. Deletes the session, too, unless it was made again: then it may have expired
 * meanwhile, and have records. */
static long end_purge(struct db *db, const struct purge *purge, struct error *error)
{
    const struct driver_value *which = SQL_VALUES(SQL_I(purge->key_row), SQL_T(purge->session_id));

    if (sql_run(db, "DELETE FROM purges WHERE key_row = ? AND session_id = ?", which, error) < 0)
        return -1;
    long sessions = sql_run(db,
                            "DELETE FROM sessions AS s WHERE key_row = ? AND id = ? AND removed = 1 AND NOT EXISTS"
                            " (SELECT 1 FROM executions AS e WHERE e.key_row = s.key_row AND e.session_id = s.id)",
                            which, error);
    return sessions < 0 ? -1 : sessions + 1;
}

long records_purge(struct db *db, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    struct purge purge;
    long gone = 0, all = 0;
    int found;

    while ((found = next_purge(db, &purge, error)) == 1) {
        gone = purge_portion(db, &purge, error);
        if (gone == 0)
            gone = end_purge(db, &purge, error);
        all += gone;
        if (gone < 0 || slice_over(&slice))
            break;
    }
    return found < 0 || gone < 0 ? -1 : all;
}
