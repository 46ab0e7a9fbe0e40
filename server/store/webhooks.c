#include "store/webhooks.h"

#include "store/sql.h"

#include <stdlib.h>

#define COLUMNS "id, key_row, state, attempts, next_ms, last_error, url, secret"

void webhook_row_clear(struct webhook_row *row)
{
    free(row->url);
    free(row->secret);
    row->url = row->secret = NULL;
}

int webhooks_insert(struct db *db, const char *id, int64_t key_row, const char *url, const char *secret,
                    struct error *error)
{
    return sql_run(
               db,
               "INSERT INTO webhooks (id, key_row, server, url, secret, state, attempts) VALUES (?, ?, ?, ?, ?, 0, 0)",
               SQL_VALUES(SQL_T(id), SQL_I(key_row), SQL_I(db_server(db)), SQL_T(url), SQL_T(secret)), error) < 0
               ? -1
               : 0;
}

int webhooks_wake(struct db *db, const char *id, int64_t now_ms, struct error *error)
{
    return sql_run(db, "UPDATE webhooks SET state = 1, next_ms = ?2 WHERE id = ?1 AND state = 0",
                   SQL_VALUES(SQL_T(id), SQL_I(now_ms)), error) < 0
               ? -1
               : 0;
}

static int read_webhook(struct statement *statement, struct webhook_row *out, struct error *error)
{
    size_t len;

    *out = (struct webhook_row){.key_row = statement_int(statement, 1),
                                .state = (enum webhook_state)statement_int(statement, 2),
                                .attempts = statement_int(statement, 3),
                                .next_ms = statement_int(statement, 4)};
    sql_copy(out->id, sizeof out->id, statement, 0);
    sql_copy(out->last_error, sizeof out->last_error, statement, 5);
    int copied = sql_copy_blob(&out->url, &len, statement, 6) | sql_copy_blob(&out->secret, &len, statement, 7);
    statement_reset(statement);
    if (copied == 0)
        return 1;
    webhook_row_clear(out);
    return error_memory(error);
}

int webhooks_next_key(struct db *db, int64_t after, int64_t *key_row, int64_t *next_ms, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT key_row, next_ms FROM webhooks WHERE server = ? AND state = 1 AND key_row > ?"
                          " ORDER BY key_row, next_ms LIMIT 1",
                          SQL_VALUES(SQL_I(db_server(db)), SQL_I(after)), &statement, error);

    if (found != 1)
        return found;
    *key_row = statement_int(statement, 0);
    *next_ms = statement_int(statement, 1);
    statement_reset(statement);
    return 1;
}

int webhooks_take(struct db *db, int64_t key_row, int64_t lease_ms, struct webhook_row *out, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db,
                          "SELECT " COLUMNS " FROM webhooks WHERE server = ? AND state = 1 AND key_row = ?"
                          " ORDER BY next_ms LIMIT 1",
                          SQL_VALUES(SQL_I(db_server(db)), SQL_I(key_row)), &statement, error);

    if (found != 1 || read_webhook(statement, out, error) < 0)
        return found == 0 ? 0 : -1;
    if (sql_run(db, "UPDATE webhooks SET next_ms = ?2 WHERE id = ?1", SQL_VALUES(SQL_T(out->id), SQL_I(lease_ms)),
                error) >= 0)
        return 1;
    webhook_row_clear(out);
    return -1;
}

int webhooks_delivered(struct db *db, const char *id, struct error *error)
{
    return sql_run(db,
                   "UPDATE webhooks SET state = 2, attempts = attempts + 1, next_ms = NULL, last_error = NULL"
                   " WHERE id = ? AND state = 1",
                   SQL_VALUES(SQL_T(id)), error) < 0
               ? -1
               : 0;
}

int webhooks_failed(struct db *db, const char *id, const char *why, int64_t next_ms, struct error *error)
{
    return sql_run(
               db,
               "UPDATE webhooks SET state = ?2, attempts = attempts + 1, next_ms = nullif(?3, 0), last_error = ?4"
               " WHERE id = ?1 AND state = 1",
               SQL_VALUES(SQL_T(id), SQL_I(next_ms != 0 ? WEBHOOK_DUE : WEBHOOK_GIVEN_UP), SQL_I(next_ms), SQL_T(why)),
               error) < 0
               ? -1
               : 0;
}

int webhooks_get(struct db *db, const char *id, struct webhook_row *out, struct error *error)
{
    struct statement *statement;
    int found =
        sql_first(db, "SELECT " COLUMNS " FROM webhooks WHERE id = ?", SQL_VALUES(SQL_T(id)), &statement, error);

    return found == 1 ? read_webhook(statement, out, error) : found;
}
