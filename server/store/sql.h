/* Statements with their values, in one call: keys.c, rates.c, records.c … share them. */
#ifndef CODECELL_STORE_SQL_H
#define CODECELL_STORE_SQL_H

#include "store/db.h"

/* Marks a piece of an SQL text that only SQLite understands; docs/internals/store.md lists them. */
#define SQL_DIALECT(text) text

/* A list of values for the placeholders. Texts and blobs must live until the statement has run. */
#define SQL_I(v) ((struct driver_value){.type = DRIVER_INT, .num = (v)})
#define SQL_T(v) ((struct driver_value){.type = DRIVER_TEXT, .data = (v)})
#define SQL_B(v, n) ((struct driver_value){.type = DRIVER_BLOB, .data = (v), .len = (n)})
#define SQL_VALUES(...) ((const struct driver_value[]){__VA_ARGS__, {.type = DRIVER_END}})

/* db_prepare() and the values (NULL: none). NULL: it failed. */
struct statement *sql_prepare(struct db *db, const char *sql, const struct driver_value *values, struct error *error);

/* Runs a statement that gives no rows. How many rows it has written, or -1. */
long sql_run(struct db *db, const char *sql, const struct driver_value *values, struct error *error);

/* The first row of a statement: 1, 0 or -1 as statement_step(). */
int sql_first(struct db *db, const char *sql, const struct driver_value *values, struct statement **statement,
              struct error *error);

/* Copies a text column, cut to fit. */
void sql_copy(char *out, size_t size, struct statement *statement, int column);

/* A copy of a blob, followed by NUL, for the caller to free; NULL for NULL. 0, or -1: out of memory. */
int sql_copy_blob(char **out, size_t *len, struct statement *statement, int column);

/* A random number above 0, for a row that may not be taken for another one, also not for one that was rolled back. */
int64_t sql_random(void);

#endif
