#include "store/sql.h"

#include "base/seam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct statement *sql_prepare(struct db *db, const char *sql, const struct driver_value *values, struct error *error)
{
    struct statement *statement = db_prepare(db, sql, error);

    if (statement != NULL && values != NULL && statement->calls->bind(statement, values, error) != 0)
        return NULL;
    return statement;
}

long sql_run(struct db *db, const char *sql, const struct driver_value *values, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, sql, values, &statement, error);

    if (row == 1) {
        statement_reset(statement);
        return error_set(error, ERROR_INTERNAL, "The database failed: a row came but none was expected");
    }
    return row == 0 ? (long)db_driver(db)->calls->changes(db_driver(db)) : -1;
}

int sql_first(struct db *db, const char *sql, const struct driver_value *values, struct statement **statement,
              struct error *error)
{
    *statement = sql_prepare(db, sql, values, error);
    return *statement != NULL ? statement_step(*statement, error) : -1;
}

void sql_copy(char *out, size_t size, struct statement *statement, int column)
{
    const char *text = statement_text(statement, column);

    snprintf(out, size, "%s", text != NULL ? text : "");
}

int sql_copy_blob(char **out, size_t *len, struct statement *statement, int column)
{
    const void *blob = statement_blob(statement, column, len);

    *out = blob != NULL ? malloc(*len + 1) : NULL;
    if (*out == NULL)
        return blob != NULL || *len > 0 ? -1 : 0;
    memcpy(*out, blob, *len);
    (*out)[*len] = '\0';
    return 0;
}

int64_t sql_random(void)
{
    uint64_t number;

    seam()->random(&number, sizeof number);
    return (int64_t)(number >> 1) | 1;
}
