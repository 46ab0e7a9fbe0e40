#include "store/db.h"

#include "base/seam.h"
#include "base/text.h"
#include "store/directory.h"
#include "store/driver_sqlite.h"
#include "store/migrate.h"
#include "store/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    const char *sql; /* by address */
    struct statement *statement;
};

struct db {
    struct driver *driver;
    char instance[UUID_LEN + 1];
    int64_t server, run;
    unsigned char cursor_key[DB_CURSOR_KEY];
    struct kept kept[DB_STATEMENTS_MAX];
    size_t count;
    const atomic_bool *wanted; /* may be NULL */
};

/* Statements. */

static struct statement *prepare_new(struct db *db, const char *sql, struct error *error)
{
    if (db->count == DB_STATEMENTS_MAX) {
        error_set(error, ERROR_INTERNAL, "The database failed: more than %d statements", DB_STATEMENTS_MAX);
        return NULL;
    }
    struct statement *statement = db->driver->calls->prepare(db->driver, sql, error);
    if (statement != NULL)
        db->kept[db->count++] = (struct kept){.sql = sql, .statement = statement};
    return statement;
}

struct statement *db_prepare(struct db *db, const char *sql, struct error *error)
{
    for (size_t i = 0; i < db->count; i++) {
        if (db->kept[i].sql != sql)
            continue;
        db->driver->calls->restart(db->kept[i].statement);
        return db->kept[i].statement;
    }
    return prepare_new(db, sql, error);
}

static int db_run(struct db *db, const char *sql, struct error *error)
{
    struct statement *statement = db_prepare(db, sql, error);

    return statement != NULL && statement_step(statement, error) == 0 ? 0 : -1;
}

int db_begin(struct db *db, struct error *error)
{
    return db_run(db, db->driver->calls->begin, error);
}

int db_begin_read(struct db *db, struct error *error)
{
    return db_run(db, db->driver->calls->begin_read, error);
}

int db_commit(struct db *db, struct error *error)
{
    if (db_run(db, "COMMIT", error) == 0)
        return 0;
    db_rollback(db);
    return -1;
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db))
        db_run(db, "ROLLBACK", NULL);
}

bool db_in_transaction(const struct db *db)
{
    return db->driver->calls->in_transaction(db->driver);
}

int db_defer_keys(struct db *db, struct error *error)
{
    return db_run(db, db->driver->calls->defer_keys, error);
}

int db_savepoint(struct db *db, struct error *error)
{
    return db_run(db, "SAVEPOINT part", error);
}

int db_savepoint_keep(struct db *db, struct error *error)
{
    return db_run(db, "RELEASE SAVEPOINT part", error);
}

int db_savepoint_undo(struct db *db, struct error *error)
{
    return db_run(db, "ROLLBACK TO SAVEPOINT part", error) == 0 ? db_savepoint_keep(db, error) : -1;
}

/* Who uses the database. */

/* 1: id, cursor key and number are there; 0: not all of them; or -1. */
static int read_instance(struct db *db, struct error *error)
{
    struct statement *statement = db_prepare(
        db, "SELECT i.id, i.cursor_key, s.row FROM instance AS i LEFT JOIN servers AS s ON s.id = i.id", error);
    int row = statement != NULL ? statement_step(statement, error) : -1;
    size_t len;

    if (row != 1)
        return row;
    snprintf(db->instance, sizeof db->instance, "%s", statement_text(statement, 0));
    const void *key = statement_blob(statement, 1, &len);
    bool whole = key != NULL && len == DB_CURSOR_KEY && !statement_is_null(statement, 2);
    if (whole)
        memcpy(db->cursor_key, key, DB_CURSOR_KEY);
    db->server = statement_int(statement, 2);
    statement_reset(statement);
    return whole;
}

/* Adds what is missing. Another program may do so at the same time, so what is there stays. */
static int write_instance(struct db *db, struct error *error)
{
    char id[UUID_LEN + 1];
    unsigned char cursor_key[DB_CURSOR_KEY];
    struct statement *statement =
        db_prepare(db,
                   "INSERT INTO instance (one, id, created_ms, cursor_key) VALUES (1, ?, ?, ?)"
                   " ON CONFLICT (one) DO UPDATE SET cursor_key = coalesce(cursor_key, excluded.cursor_key)",
                   error);

    text_uuid(id);
    seam()->random(cursor_key, sizeof cursor_key);
    const struct driver_value values[] = {{.type = DRIVER_TEXT, .data = id},
                                          {.type = DRIVER_INT, .num = seam_wall_ms()},
                                          {.type = DRIVER_BLOB, .data = cursor_key, .len = sizeof cursor_key},
                                          {.type = DRIVER_END}};
    if (statement == NULL || db->driver->calls->bind(statement, values, error) != 0)
        return -1;
    if (statement_step(statement, error) != 0)
        return -1;
    return db_run(db, "INSERT INTO servers (id) SELECT id FROM instance WHERE true ON CONFLICT (id) DO NOTHING", error);
}

static int load_instance(struct db *db, struct error *error)
{
    int there = read_instance(db, error);

    if (there == 0 && write_instance(db, error) != 0)
        return -1;
    if (there == 0)
        there = read_instance(db, error);
    return there == 0 ? error_set(error, ERROR_INTERNAL, "its instance is missing") : there < 0 ? -1 : 0;
}

/* Opening. */

/* A file without a schema in a directory that has held a database: it is not the file that was there. */
static int check_evidence(struct driver *driver, const char *evidence, struct error *error)
{
    bool empty;

    if (migrate_check(driver, migrations, &empty, error) != 0)
        return -1;
    return empty && directory_is_mark(evidence) ? directory_refuse(evidence, "without content", error) : 0;
}

/* The check comes first: a file that is not ours stays untouched. */
static int db_set_up(struct db *db, const char *evidence, struct error *error)
{
    if (check_evidence(db->driver, evidence, error) != 0 || db->driver->calls->set_up(db->driver, error) != 0)
        return -1;
    return migrate_apply(db->driver, migrations, error) == 0 ? load_instance(db, error) : -1;
}

static int open_file(struct db *db, const char *data_dir, const char *path, struct error *error)
{
    const char *evidence = directory_evidence(data_dir);

    if (directory_check(data_dir, evidence, error) != 0)
        return error_wrap(error, "The database %s can't be used", path);
    if (directory_make_file(path, error) != 0)
        return -1;
    if (driver_sqlite.open(&db->driver, path, error) != 0 || db_set_up(db, evidence, error) != 0)
        return error_wrap(error, "The database %s can't be used", path);
    directory_mark(data_dir, db->instance);
    return 0;
}

int db_open(struct db **out, const char *data_dir, struct error *error)
{
    *out = NULL;
    if (directory_make(data_dir, error) != 0)
        return -1;
    struct db *db = calloc(1, sizeof *db);
    if (db != NULL)
        db->run = sql_random();
    char *path = directory_path(data_dir, DIRECTORY_DATABASE);
    int result = db != NULL && path != NULL ? open_file(db, data_dir, path, error) : error_memory(error);

    free(path);
    if (result == 0)
        *out = db;
    else
        db_close(db);
    return result;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->count; i++)
        db->driver->calls->finish(db->kept[i].statement);
    if (db->driver != NULL)
        db->driver->calls->close(db->driver);
    free(db);
}

/* What is passed on. */

const char *db_instance(const struct db *db)
{
    return db->instance;
}

int64_t db_server(const struct db *db)
{
    return db->server;
}

int64_t db_run_number(const struct db *db)
{
    return db->run;
}

const unsigned char *db_cursor_key(const struct db *db)
{
    return db->cursor_key;
}

struct driver *db_driver(struct db *db)
{
    return db->driver;
}

int db_check_whole(struct db *db, struct error *error)
{
    return db->driver->calls->check_whole(db->driver, error);
}

int db_check_place(struct db *db, struct error *error)
{
    return db->driver->calls->check_place(db->driver, error);
}

void db_patience(struct db *db, int ms)
{
    db->driver->calls->set_patience(db->driver, ms);
}

int db_durable(struct db *db, bool durable, struct error *error)
{
    return db->driver->calls->set_durable(db->driver, durable, error);
}

void db_deadline(struct db *db, uint64_t monotonic_ns)
{
    db->driver->calls->set_deadline(db->driver, monotonic_ns);
}

void db_set_wanted(struct db *db, const atomic_bool *wanted)
{
    db->wanted = wanted;
}

const atomic_bool *db_wanted(const struct db *db)
{
    return db->wanted;
}

bool db_checkpoint_due(const struct db *db, int pages)
{
    return db->driver->calls->checkpoint_due(db->driver, pages);
}

void db_checkpoint(struct db *db, int pages)
{
    if (db_checkpoint_due(db, pages))
        db->driver->calls->checkpoint(db->driver);
}

void db_checkpoint_begun(struct db *db)
{
    db->driver->calls->checkpoint_begun(db->driver);
}

bool db_log_is_long(const struct db *db, int pages)
{
    return db->driver->calls->log_is_long(db->driver, pages);
}
