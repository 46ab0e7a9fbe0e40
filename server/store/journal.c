#include "store/journal.h"

#include "store/credits.h"
#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"
#include "store/webhooks.h"

#include <stdlib.h>
#include <string.h>

/* Acceptance. */

/* 1: there is room; 0, or -1. */
static int has_room(struct db *db, int64_t key_row, int64_t bytes, const struct journal_room *room, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT t.executions + coalesce(s.executions, 0) < ?2 AND"
                          " t.request_bytes + coalesce(s.request_bytes, 0) + ?3 <= ?4"
                          " FROM journal_totals AS t LEFT JOIN journal_shares AS s ON s.key_row = ?1 WHERE t.one = 1",
                          SQL_VALUES(SQL_I(key_row), SQL_I(room->executions), SQL_I(bytes), SQL_I(room->request_bytes)),
                          &statement, error);

    if (found != 1)
        return found < 0 ? -1 : error_set(error, ERROR_INTERNAL, "The database failed: a row is missing");
    int fits = statement_int(statement, 0) != 0;
    statement_reset(statement);
    return fits;
}

static int insert_work(struct db *db, const struct record *record, const struct journal_work *work, struct error *error)
{
    long written =
        sql_run(db,
                "INSERT INTO journal (id, key_row, server, run, state, attempts, reservation, request_bytes,"
                " result_bytes, request) VALUES (?, ?, ?, 0, 0, 0, ?, ?, 0, ?)",
                SQL_VALUES(SQL_T(record->id), SQL_I(record->key_row), SQL_I(db_server(db)), SQL_I(work->reservation),
                           SQL_I((int64_t)work->request_len), SQL_B(work->request, work->request_len)),
                error);

    return written < 0 ? -1 : 0;
}

int journal_accept(struct db *db, const struct record *record, const struct journal_work *work,
                   const struct journal_room *room, struct error *error)
{
    int fits = has_room(db, record->key_row, (int64_t)work->request_len, room, error);

    if (fits <= 0)
        return fits < 0 ? -1 : error_set(error, ERROR_BUSY, "The queue is full. Please try again later.");
    if (records_insert(db, record, error) != 0 || insert_work(db, record, work, error) != 0 ||
        credits_keep(db, work->reservation, error) != 0)
        return -1;
    return work->url == NULL ? 0 : webhooks_insert(db, record->id, record->key_row, work->url, work->secret, error);
}

/* Taking and putting back. */

static int mark_running(struct db *db, const struct journal_taken *taken, struct error *error)
{
    return sql_run(db, "UPDATE journal SET state = 1, run = ?2, takes = takes + 1, started_ms = NULL WHERE id = ?1",
                   SQL_VALUES(SQL_T(taken->id), SQL_I(db_run_number(db))), error) < 0
               ? -1
               : 0;
}

int journal_take(struct db *db, int64_t key_row, struct journal_taken *out, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT j.id, e.created_ms, j.reservation, j.attempts + 1, j.request FROM journal AS j"
                          " JOIN executions AS e ON e.id = j.id WHERE j.server = ? AND j.key_row = ? AND j.state = 0"
                          " AND NOT " RECORDS_REMOVED " ORDER BY j.sequence LIMIT 1",
                          SQL_VALUES(SQL_I(db_server(db)), SQL_I(key_row)), &statement, error);

    if (found != 1)
        return found;
    *out = (struct journal_taken){.key_row = key_row,
                                  .created_ms = statement_int(statement, 1),
                                  .reservation = statement_int(statement, 2),
                                  .attempts = statement_int(statement, 3)};
    sql_copy(out->id, sizeof out->id, statement, 0);
    int copied = sql_copy_blob(&out->request, &out->request_len, statement, 4);
    statement_reset(statement);
    if (copied != 0)
        return error_memory(error);
    if (mark_running(db, out, error) == 0)
        return 1;
    free(out->request);
    return -1;
}

/* Changes how often it was started, in its row and in its record. How many rows it changed: 0: it is done or gone. */
static long change_attempts(struct db *db, const char *id, const char *sql, const struct driver_value *values,
                            struct error *error)
{
    long changed = sql_run(db, sql, values, error);

    if (changed <= 0)
        return changed;
    return sql_run(db, "UPDATE executions SET attempts = (SELECT attempts FROM journal WHERE id = ?1) WHERE id = ?1",
                   SQL_VALUES(SQL_T(id)), error);
}

int journal_start(struct db *db, const char *id, int64_t now_ms, struct error *error)
{
    long changed = change_attempts(db, id,
                                   "UPDATE journal SET attempts = attempts + 1, started_ms = ?2"
                                   " WHERE id = ?1 AND state = 1 AND started_ms IS NULL",
                                   SQL_VALUES(SQL_T(id), SQL_I(now_ms)), error);

    return changed < 0 ? -1 : 0;
}

int journal_put_back(struct db *db, const char *id, int64_t reservation, struct error *error)
{
    long changed = change_attempts(db, id,
                                   "UPDATE journal SET state = 0, run = 0, takes = takes - 1, started_ms = NULL,"
                                   " attempts = attempts - CASE WHEN started_ms IS NULL THEN 0 ELSE 1 END"
                                   " WHERE id = ? AND state = 1",
                                   SQL_VALUES(SQL_T(id)), error);

    return changed != 0 ? (changed < 0 ? -1 : 0) : credits_give_back(db, reservation, error);
}

/* The end. */

/* Drops the oldest results until all fit. */
static int make_room(struct db *db, int64_t result_bytes, struct error *error)
{
    struct statement *statement;
    int over;

    while ((over = sql_first(db, "SELECT 1 FROM journal_totals WHERE one = 1 AND result_bytes > ?",
                             SQL_VALUES(SQL_I(result_bytes)), &statement, error)) == 1) {
        statement_reset(statement);
        if (sql_run(db,
                    "UPDATE journal SET result = NULL, result_bytes = 0 WHERE sequence = (SELECT sequence FROM journal"
                    " WHERE result_bytes > 0 ORDER BY sequence LIMIT 1)",
                    NULL, error) < 0)
            return -1;
    }
    return over;
}

static long finish_work(struct db *db, const char *id, const char *result, size_t len, struct error *error)
{
    return sql_run(db,
                   "UPDATE journal SET state = 2, run = 0, request = NULL, request_bytes = 0, result = ?2,"
                   " result_bytes = ?3 WHERE id = ?1 AND state < 2",
                   SQL_VALUES(SQL_T(id), SQL_B(result, len), SQL_I((int64_t)len)), error);
}

int journal_finish(struct db *db, const struct record *record, const char *result, size_t len,
                   const struct journal_room *room, int64_t now_ms, struct error *error)
{
    if (records_finish(db, record, error) != 0)
        return -1;
    long written = finish_work(db, record->id, result, len, error);
    if (written <= 0)
        return written < 0 ? -1 : 0;
    return make_room(db, room->result_bytes, error) != 0 ? -1 : webhooks_wake(db, record->id, now_ms, error);
}

/* It was removed with its session, and nobody is told. */
static int fail_removed(struct db *db, const struct journal_taken *taken, struct error *error)
{
    if (credits_give_back(db, taken->reservation, error) != 0)
        return -1;
    return finish_work(db, taken->id, NULL, 0, error) < 0 ? -1 : 0;
}

int journal_fail(struct db *db, const struct journal_taken *taken, enum record_status status, const char *result,
                 size_t len, const struct journal_room *room, int64_t now_ms, struct error *error)
{
    struct record record;

    if (records_get(db, taken->key_row, taken->id, &record, error) != 0)
        return error->code == ERROR_NOT_FOUND ? fail_removed(db, taken, error) : -1;
    record.status = status;
    record.completed_ms = now_ms;
    record.reservation = taken->reservation;
    int failed = journal_finish(db, &record, result, len, room, now_ms, error);
    record_clear(&record);
    return failed;
}

/* Looking. */

int journal_next_key(struct db *db, int64_t after, int64_t *key_row, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT key_row FROM journal WHERE server = ? AND state = 0 AND key_row > ?"
                          " ORDER BY key_row LIMIT 1",
                          SQL_VALUES(SQL_I(db_server(db)), SQL_I(after)), &statement, error);

    if (found != 1)
        return found;
    *key_row = statement_int(statement, 0);
    statement_reset(statement);
    return 1;
}

void journal_view_clear(struct journal_view *view)
{
    record_clear(&view->record);
    free(view->result);
    view->result = NULL;
}

int journal_get(struct db *db, int64_t key_row, const char *id, struct journal_view *out, struct error *error)
{
    struct statement *statement;

    *out = (struct journal_view){.result = NULL};
    if (records_get(db, key_row, id, &out->record, error) != 0)
        return -1;
    int found = sql_first(db, "SELECT state, reservation, started_ms, result FROM journal WHERE id = ?",
                          SQL_VALUES(SQL_T(out->record.id)), &statement, error);
    if (found != 1) {
        record_clear(&out->record);
        return found < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Execution not found");
    }
    out->state = (enum journal_state)statement_int(statement, 0);
    out->reservation = statement_int(statement, 1);
    out->started_ms = statement_int(statement, 2);
    int copied = sql_copy_blob(&out->result, &out->result_len, statement, 3);
    statement_reset(statement);
    if (copied == 0)
        return 0;
    journal_view_clear(out);
    return error_memory(error);
}

/* After a start. */

struct left {
    struct journal_taken taken; /* without its request */
    bool gives_up;
};

/* 1: there is one; 0, or -1. */
static int next_left(struct db *db, struct left *left, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT id, key_row, attempts, takes, reservation FROM journal WHERE server = ? AND state = 1"
                          " AND run <> ? LIMIT 1",
                          SQL_VALUES(SQL_I(db_server(db)), SQL_I(db_run_number(db))), &statement, error);

    if (found != 1)
        return found;
    *left = (struct left){.taken = {.key_row = statement_int(statement, 1), .reservation = statement_int(statement, 4)},
                          .gives_up = statement_int(statement, 2) >= JOURNAL_ATTEMPTS_MAX ||
                                      statement_int(statement, 3) >= JOURNAL_TAKES_MAX};
    sql_copy(left->taken.id, sizeof left->taken.id, statement, 0);
    statement_reset(statement);
    return 1;
}

static int recover_one(struct db *db, const struct left *left, const char *result, const struct journal_room *room,
                       int64_t now_ms, struct error *error)
{
    if (left->gives_up)
        return journal_fail(db, &left->taken, RECORD_LOST, result, strlen(result), room, now_ms, error);
    return sql_run(db, "UPDATE journal SET state = 0, run = 0, started_ms = NULL WHERE id = ?",
                   SQL_VALUES(SQL_T(left->taken.id)), error) < 0
               ? -1
               : 0;
}

long journal_recover(struct db *db, const char *result, const struct journal_room *room, int64_t now_ms,
                     struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    struct left left;
    long all = 0;
    int found;

    while ((found = next_left(db, &left, error)) == 1) {
        if (recover_one(db, &left, result, room, now_ms, error) != 0)
            return -1;
        all++;
        if (slice_over(&slice))
            break;
    }
    return found < 0 ? -1 : all;
}

int journal_open(struct db *db, int64_t *executions, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT executions FROM journal_totals WHERE one = 1", NULL, &statement, error);

    *executions = 0;
    if (row != 1)
        return row;
    *executions = statement_int(statement, 0);
    statement_reset(statement);
    return 0;
}
