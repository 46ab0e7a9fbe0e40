/* Statements with their values, in one call: what keys.c, rates.c, records.c … share. */
#ifndef CODECELL_STORE_SQL_H
#define CODECELL_STORE_SQL_H

#include "store/db.h"

#include <stddef.h>

/* A value for the next `?`. Text and blobs are not copied: they must live until the statement has run. */
struct sql_value {
    enum { SQL_END, SQL_INT, SQL_TEXT, SQL_BLOB } type; /* SQL_END ends a list */
    int64_t num;
    const void *data; /* NULL: SQL's NULL */
    size_t len;       /* of a blob; text ends with NUL */
};

#define SQL_I(v) ((struct sql_value){.type = SQL_INT, .num = (v)})
#define SQL_T(v) ((struct sql_value){.type = SQL_TEXT, .data = (v)})
#define SQL_B(v, n) ((struct sql_value){.type = SQL_BLOB, .data = (v), .len = (n)})
#define SQL_VALUES(...) ((const struct sql_value[]){__VA_ARGS__, {.type = SQL_END}})

/* db_prepare and the values. */
sqlite3_stmt *sql_prepare(struct db *db, const char *sql, const struct sql_value *values, struct error *error);

/* Runs a statement that gives no rows. How many rows it changed, or -1. */
long sql_run(struct db *db, const char *sql, const struct sql_value *values, struct error *error);

/* The next row: 1, 0 where there is none left, or -1; the statement is reset in the last two cases.
 * Who stops earlier calls sqlite3_reset. */
int sql_step(sqlite3_stmt *statement, struct error *error);

/* The first row of a statement, as sql_step answers. */
int sql_first(struct db *db, const char *sql, const struct sql_value *values, sqlite3_stmt **statement,
              struct error *error);

/* Copies a text column, cut to fit. */
void sql_copy(char *out, size_t size, sqlite3_stmt *statement, int column);

/* What SQLite's result means, without a path or a name of the schema: ERROR_UNAVAILABLE where the database is what
 * fails (locked, its disk full or broken, its schema not ours), ERROR_BUSY where the statement was ended (db_deadline),
 * ERROR_INTERNAL where it is what fails. Returns -1. */
#define SQL_TROUBLE "The database can't be used: "
int sql_error(struct error *error, int result);

#endif
