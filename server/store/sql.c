#include "store/sql.h"

#include <stdio.h>

static int bind(sqlite3_stmt *statement, int place, const struct sql_value *value)
{
    if (value->type == SQL_INT)
        return sqlite3_bind_int64(statement, place, value->num);
    if (!value->data)
        return sqlite3_bind_null(statement, place);
    if (value->type == SQL_TEXT)
        return sqlite3_bind_text(statement, place, value->data, -1, SQLITE_STATIC);
    return sqlite3_bind_blob64(statement, place, value->data, value->len, SQLITE_STATIC);
}

sqlite3_stmt *sql_prepare(struct db *db, const char *sql, const struct sql_value *values, struct error *error)
{
    sqlite3_stmt *statement = db_prepare(db, sql, error);
    if (!statement)
        return NULL;
    for (int i = 0; values && values[i].type != SQL_END; i++) {
        int result = bind(statement, i + 1, &values[i]);
        if (result != SQLITE_OK) {
            sql_error(error, result);
            return NULL;
        }
    }
    return statement;
}

long sql_run(struct db *db, const char *sql, const struct sql_value *values, struct error *error)
{
    sqlite3_stmt *statement = sql_prepare(db, sql, values, error);
    if (!statement || db_run(db, statement, error) < 0)
        return -1;
    return (long)sqlite3_changes64(db_handle(db));
}

int sql_step(sqlite3_stmt *statement, struct error *error)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? 0 : sql_error(error, result);
}

int sql_first(struct db *db, const char *sql, const struct sql_value *values, sqlite3_stmt **statement,
              struct error *error)
{
    *statement = sql_prepare(db, sql, values, error);
    return *statement ? sql_step(*statement, error) : -1;
}

void sql_copy(char *out, size_t size, sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    snprintf(out, size, "%s", text ? (const char *)text : "");
}

/* What a database suffers from; NULL: SQLite's own words. What is not here is the statement's fault. */
static const struct {
    int result;
    const char *words;
} troubles[] = {
    {SQLITE_BUSY, "another program holds it"},
    {SQLITE_LOCKED, "another program holds it"},
    {SQLITE_FULL, "its disk is full"},
    {SQLITE_READONLY, "it is read-only"},
    {SQLITE_CORRUPT, "it is damaged"},
    {SQLITE_ERROR, "its schema is not ours"},
    {SQLITE_SCHEMA, "its schema is not ours"},
    {SQLITE_NOTADB, NULL},
    {SQLITE_IOERR, NULL},
    {SQLITE_CANTOPEN, NULL},
    {SQLITE_NOMEM, NULL},
    {SQLITE_PERM, NULL},
    {SQLITE_AUTH, NULL},
    {SQLITE_NOLFS, NULL},
    {SQLITE_PROTOCOL, NULL},
};

int sql_error(struct error *error, int result)
{
    if ((result & 0xff) == SQLITE_INTERRUPT)
        return error_set(error, ERROR_BUSY, "The database took too long for this: ask for less, or again later");
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) /* clients read it */
        if (troubles[i].result == (result & 0xff))
            return error_set(error, ERROR_UNAVAILABLE, SQL_TROUBLE "%s (code %d)",
                             troubles[i].words ? troubles[i].words : sqlite3_errstr(result), result);
    return error_set(error, ERROR_INTERNAL, "The database failed: %s (code %d)", sqlite3_errstr(result), result);
}
