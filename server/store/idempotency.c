#include "store/idempotency.h"

#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

/* A row, without its answer. */
struct request_row {
    int64_t row, key_row, bytes, since_ms, server, run;
    bool answered;
    bool same; /* it has the route and the body of the request that looks for it */
};

#define COLUMNS "row, key_row, bytes, since_ms, server, run, status IS NOT NULL"

static void read_request_row(struct statement *statement, struct request_row *out)
{
    *out = (struct request_row){.row = statement_int(statement, 0),
                                .key_row = statement_int(statement, 1),
                                .bytes = statement_int(statement, 2),
                                .since_ms = statement_int(statement, 3),
                                .server = statement_int(statement, 4),
                                .run = statement_int(statement, 5),
                                .answered = statement_int(statement, 6) != 0};
}

/* The first row of a statement that selects COLUMNS: 1, 0 or -1. */
static int first_request_row(struct db *db, const char *sql, const struct driver_value *values, struct request_row *out,
                             struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, sql, values, &statement, error);

    if (found != 1)
        return found;
    read_request_row(statement, out);
    statement_reset(statement);
    return 1;
}

static int change_share(struct db *db, int64_t key_row, int64_t requests, int64_t bytes, struct error *error)
{
    const struct driver_value *values = SQL_VALUES(SQL_I(key_row), SQL_I(requests), SQL_I(bytes));
    long changed =
        sql_run(db, "UPDATE idempotency_shares SET requests = requests + ?2, bytes = bytes + ?3 WHERE key_row = ?1",
                values, error);

    if (changed == 0)
        changed =
            sql_run(db, "INSERT INTO idempotency_shares (key_row, requests, bytes) VALUES (?, ?, ?)", values, error);
    return changed < 0 ? -1 : 0;
}

static int drop_request(struct db *db, const struct request_row *row, struct error *error)
{
    if (sql_run(db, "DELETE FROM idempotency WHERE row = ?", SQL_VALUES(SQL_I(row->row)), error) < 0)
        return -1;
    return change_share(db, row->key_row, -1, -row->bytes, error);
}

/* Makes room for one more request or for an answer's bytes. 1: there is room; 0: all of the key's requests are under
 * way; or -1. */
static int make_room(struct db *db, int64_t key_row, int64_t requests, int64_t bytes, struct error *error)
{
    struct request_row oldest;
    int found = 1;

    while (found == 1) {
        struct statement *statement;
        int over =
            sql_first(db, "SELECT 1 FROM idempotency_shares WHERE key_row = ? AND (requests + ? > ? OR bytes + ? > ?)",
                      SQL_VALUES(SQL_I(key_row), SQL_I(requests), SQL_I(IDEMPOTENCY_REQUESTS_MAX), SQL_I(bytes),
                                 SQL_I(IDEMPOTENCY_BYTES_MAX)),
                      &statement, error);
        if (over != 1)
            return over < 0 ? -1 : 1;
        statement_reset(statement);
        found = first_request_row(db,
                                  "SELECT " COLUMNS " FROM idempotency WHERE key_row = ? AND status IS NOT NULL"
                                  " ORDER BY since_ms LIMIT 1",
                                  SQL_VALUES(SQL_I(key_row)), &oldest, error);
        if (found == 1 && drop_request(db, &oldest, error) != 0)
            return -1;
    }
    return found;
}

void idempotency_clear(struct idempotency_answer *answer)
{
    free(answer->content_type);
    free(answer->headers);
    free(answer->body);
    memset(answer, 0, sizeof *answer);
}

/* 1, with *out; 0, or -1. */
static int find_request(struct db *db, const struct idempotency_request *request, struct request_row *out,
                        struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT " COLUMNS ", route = ?3 AND body_sha256 = ?4 FROM idempotency"
                          " WHERE key_row = ?1 AND text = ?2",
                          SQL_VALUES(SQL_I(request->key_row), SQL_T(request->text), SQL_T(request->route),
                                     SQL_B(request->body_sha256, IDEMPOTENCY_HASH_LEN)),
                          &statement, error);

    if (found != 1)
        return found;
    read_request_row(statement, out);
    out->same = statement_int(statement, 7) != 0;
    statement_reset(statement);
    return 1;
}

/* A row that upkeep or the start has not come to yet. */
static bool is_request_over(const struct db *db, const struct request_row *row, int64_t now_ms)
{
    bool left = !row->answered && row->server == db_server(db) && row->run != db_run_number(db);

    return left || now_ms - row->since_ms >= IDEMPOTENCY_KEPT_MS;
}

static int insert_request(struct db *db, const struct idempotency_request *request, int64_t now_ms, int64_t *row,
                          struct error *error)
{
    struct statement *statement;
    int room = make_room(db, request->key_row, 1, 0, error);

    if (room == 0)
        return error_set(error, ERROR_BUSY,
                         "Too many requests with an Idempotency-Key are under way. Please try again later.");
    if (room < 0 ||
        sql_first(db,
                  "INSERT INTO idempotency (key_row, text, route, body_sha256, since_ms, server, run, bytes)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, 0) RETURNING row",
                  SQL_VALUES(SQL_I(request->key_row), SQL_T(request->text), SQL_T(request->route),
                             SQL_B(request->body_sha256, IDEMPOTENCY_HASH_LEN), SQL_I(now_ms), SQL_I(db_server(db)),
                             SQL_I(db_run_number(db))),
                  &statement, error) != 1)
        return -1;
    *row = statement_int(statement, 0);
    if (statement_step(statement, error) != 0) /* the statement's end writes it */
        return -1;
    return change_share(db, request->key_row, 1, 0, error);
}

static int read_text(char **out, struct statement *statement, int column)
{
    const char *text = statement_text(statement, column);

    *out = strdup(text != NULL ? text : "");
    return *out != NULL ? 0 : -1;
}

static int read_answer(struct db *db, int64_t row, struct idempotency_answer *out, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT status, content_type, headers, body FROM idempotency WHERE row = ?",
                          SQL_VALUES(SQL_I(row)), &statement, error);

    if (found <= 0)
        return found < 0 ? -1 : error_set(error, ERROR_INTERNAL, "The database failed: a row is missing");
    *out = (struct idempotency_answer){.status = (int)statement_int(statement, 0)};
    bool bad = read_text(&out->content_type, statement, 1) != 0 || read_text(&out->headers, statement, 2) != 0 ||
               sql_copy_blob(&out->body, &out->body_len, statement, 3) != 0;
    statement_reset(statement);
    if (!bad)
        return 0;
    idempotency_clear(out);
    return error_memory(error);
}

int idempotency_begin(struct db *db, const struct idempotency_request *request, int64_t now_ms,
                      enum idempotency_outcome *outcome, int64_t *row, struct idempotency_answer *answer,
                      struct error *error)
{
    struct request_row found = {.row = 0};
    int there = find_request(db, request, &found, error);

    if (there == 1 && is_request_over(db, &found, now_ms))
        there = drop_request(db, &found, error);
    if (there < 0)
        return -1;
    if (there == 0) {
        *outcome = IDEMPOTENCY_FRESH;
        return insert_request(db, request, now_ms, row, error);
    }
    if (!found.same || !found.answered) {
        *outcome = found.same ? IDEMPOTENCY_UNDER_WAY : IDEMPOTENCY_CONFLICT;
        return 0;
    }
    *outcome = IDEMPOTENCY_ANSWERED;
    return read_answer(db, found.row, answer, error);
}

/* 1, with *out; 0: it is not under way any more; or -1. */
static int find_under_way(struct db *db, int64_t row, struct request_row *out, struct error *error)
{
    return first_request_row(db, "SELECT " COLUMNS " FROM idempotency WHERE row = ? AND status IS NULL",
                             SQL_VALUES(SQL_I(row)), out, error);
}

int idempotency_forget(struct db *db, int64_t row, struct error *error)
{
    struct request_row found;
    int there = find_under_way(db, row, &found, error);

    return there == 1 ? drop_request(db, &found, error) : there;
}

static int write_answer(struct db *db, const struct request_row *row, const struct idempotency_answer *answer,
                        int64_t bytes, int64_t now_ms, struct error *error)
{
    if (make_room(db, row->key_row, 0, bytes, error) < 0 || change_share(db, row->key_row, 0, bytes, error) != 0)
        return -1;
    return sql_run(db,
                   "UPDATE idempotency SET since_ms = ?, bytes = ?, status = ?, content_type = ?, headers = ?,"
                   " body = ? WHERE row = ?",
                   SQL_VALUES(SQL_I(now_ms), SQL_I(bytes), SQL_I(answer->status), SQL_T(answer->content_type),
                              SQL_T(answer->headers), SQL_B(answer->body, answer->body_len), SQL_I(row->row)),
                   error) < 0
               ? -1
               : 0;
}

int idempotency_finish(struct db *db, int64_t row, const struct idempotency_answer *answer, int64_t now_ms,
                       struct error *error)
{
    int64_t bytes = (int64_t)(strlen(answer->content_type) + strlen(answer->headers) + answer->body_len);
    struct request_row found;
    int there = find_under_way(db, row, &found, error);

    if (there != 1)
        return there;
    if (bytes > IDEMPOTENCY_BYTES_MAX)
        return drop_request(db, &found, error);
    return write_answer(db, &found, answer, bytes, now_ms, error);
}

/* Upkeep. */

static long drop_each(struct db *db, const char *sql, const struct driver_value *values, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    struct request_row row;
    long gone = 0;
    int found;

    while ((found = first_request_row(db, sql, values, &row, error)) == 1) {
        if (drop_request(db, &row, error) != 0)
            return -1;
        gone++;
        if (slice_over(&slice))
            break;
    }
    return found < 0 ? -1 : gone;
}

long idempotency_recover(struct db *db, struct error *error)
{
    return drop_each(db, "SELECT " COLUMNS " FROM idempotency WHERE server = ? AND status IS NULL AND run <> ? LIMIT 1",
                     SQL_VALUES(SQL_I(db_server(db)), SQL_I(db_run_number(db))), error);
}

long idempotency_expire(struct db *db, int64_t now_ms, struct error *error)
{
    return drop_each(db, "SELECT " COLUMNS " FROM idempotency WHERE since_ms <= ? ORDER BY since_ms LIMIT 1",
                     SQL_VALUES(SQL_I(now_ms - IDEMPOTENCY_KEPT_MS)), error);
}
