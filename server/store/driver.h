/* What the store needs of a database, as a table of functions: a second kind of database is a second table. A driver
 * knows connections and statements, and no table of Codecell's. No other file of the store names a function, a type or
 * a constant of the database's own library.
 *
 * A driver embeds struct driver (a connection) and struct statement in structs of its own. One thread at a time uses a
 * connection and its statements. A function that fails returns -1, or NULL, and sets the error to one of four codes:
 *
 *   ERROR_UNAVAILABLE  the database fails: another program holds it, its disk is full, it is damaged, a table is
 * missing ERROR_BUSY         the deadline has ended the statement ERROR_MEMORY       out of memory ERROR_INTERNAL the
 * statement is at fault: it breaks a constraint, or has too many values
 *
 * The sentence names no path and nothing of the schema, because clients read it. */
#ifndef CODECELL_STORE_DRIVER_H
#define CODECELL_STORE_DRIVER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRIVER_TROUBLE "The database can't be used: " /* how each sentence of ERROR_UNAVAILABLE begins */

struct driver_calls;

struct driver {
    const struct driver_calls *calls;
};

struct statement {
    const struct driver_calls *calls;
};

/* A value for a placeholder. Text and blobs are not copied: they must live until the statement has run. */
struct driver_value {
    enum { DRIVER_END, DRIVER_INT, DRIVER_TEXT, DRIVER_BLOB } type; /* DRIVER_END ends a list */
    int64_t num;
    const void *data; /* NULL: SQL's NULL */
    size_t len;       /* of a blob; a text ends with NUL */
};

struct driver_schema {
    bool empty;      /* there is no table yet */
    bool ours;       /* mark_schema() has marked it */
    int64_t version; /* the last migration */
};

struct driver_calls {
    /* Connects to the database at `path`, which must exist, and changes nothing in it. */
    int (*open)(struct driver **out, const char *path, struct error *error);
    /* Makes the settings of database and connection. It comes after a look at the schema, so that a database that is
     * not ours stays as it is. */
    int (*set_up)(struct driver *driver, struct error *error);
    void (*close)(struct driver *driver);              /* after all of its statements are finished */
    const char *(*place)(const struct driver *driver); /* a path for open(), for one more connection */

    /* The schema as one moment's view: another program's migration is seen whole or not at all. */
    int (*read_schema)(struct driver *driver, struct driver_schema *schema, struct error *error);
    int (*mark_schema)(struct driver *driver, int version, struct error *error);
    int (*run_script)(struct driver *driver, const char *sql, struct error *error); /* several statements; no values */

    /* ERROR_INVALID: the database is shorter than it should be. It is read whole only if there is a reason to. */
    int (*check_whole)(struct driver *driver, struct error *error);
    /* ERROR_UNAVAILABLE: what is written is lost, because the database was deleted or replaced. */
    int (*check_place)(struct driver *driver, struct error *error);

    void (*set_patience)(struct driver *driver, int ms); /* how long a write waits for another program's */
    /* Whether commits wait until the disk has them, so that a power cut loses none. Not within a transaction. */
    int (*set_durable)(struct driver *driver, bool durable, struct error *error);
    void (*set_deadline)(struct driver *driver, uint64_t monotonic_ns); /* when statements are ended; 0: never */

    /* A commit appends to a log, which is copied into the database now and then. checkpoint() waits for the disk, and
     * copies as much as it can. Due: the log has grown by `pages` since the last copy. A copy that another connection
     * makes is told by checkpoint_begun(). A log that was copied whole starts anew at the next commit; until then it is
     * as long as it was. */
    bool (*checkpoint_due)(const struct driver *driver, int pages);
    void (*checkpoint)(struct driver *driver);
    void (*checkpoint_begun)(struct driver *driver);
    bool (*log_is_long)(const struct driver *driver, int pages);

    bool (*in_transaction)(const struct driver *driver);
    bool (*lacks_schema)(const struct driver *driver); /* the last failure: a table or a column is missing */
    int64_t (*changes)(const struct driver *driver);   /* rows that the last statement wrote */

    struct statement *(*prepare)(struct driver *driver, const char *sql, struct error *error);
    void (*finish)(struct statement *statement);
    void (*restart)(struct statement *statement); /* as if it were new: no row, no values */
    int (*bind)(struct statement *statement, const struct driver_value *values, struct error *error);

    /* See the functions statement_… below. */
    int (*step)(struct statement *statement, struct error *error);
    void (*reset)(struct statement *statement);
    bool (*column_is_null)(struct statement *statement, int column);
    int64_t (*column_int)(struct statement *statement, int column);
    const char *(*column_text)(struct statement *statement, int column);
    const void *(*column_blob)(struct statement *statement, int column, size_t *len);

    /* Statements whose words differ from one database to the next. */
    const char *begin;      /* a transaction that writes: waits for the write lock */
    const char *begin_read; /* one that only reads: waits for no other */
    const char *defer_keys; /* foreign keys are checked when this transaction commits */
};

/* The next row: 1; 0: there is none left; or -1. The statement is reset in the last two cases. A caller that stops
 * earlier calls statement_reset(). */
static inline int statement_step(struct statement *statement, struct error *error)
{
    return statement->calls->step(statement, error);
}

static inline void statement_reset(struct statement *statement)
{
    statement->calls->reset(statement);
}

/* Columns of the row that statement_step() has found, from 0. */
static inline bool statement_is_null(struct statement *statement, int column)
{
    return statement->calls->column_is_null(statement, column);
}

/* 0 for SQL's NULL. */
static inline int64_t statement_int(struct statement *statement, int column)
{
    return statement->calls->column_int(statement, column);
}

/* Valid until the next step or reset. NULL for SQL's NULL. */
static inline const char *statement_text(struct statement *statement, int column)
{
    return statement->calls->column_text(statement, column);
}

/* As statement_text(). An empty blob is not NULL, and *len is 0. */
static inline const void *statement_blob(struct statement *statement, int column, size_t *len)
{
    return statement->calls->column_blob(statement, column, len);
}

#endif
