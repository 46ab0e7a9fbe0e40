#include "store/db.h"

#include "base/seam.h"
#include "base/text.h"
#include "store/directory.h"
#include "store/migrate.h"
#include "store/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEADLINE_STEPS 10000 /* of SQLite's machine, between two looks at the clock: below a millisecond */

struct statement {
    const char *sql; /* by address */
    sqlite3_stmt *prepared;
};

struct db {
    sqlite3 *handle;
    char instance[UUID_LEN + 1];
    unsigned char cursor_key[DB_CURSOR_KEY];
    struct statement statements[DB_STATEMENTS_MAX];
    size_t count;
    uint64_t deadline_ns;      /* 0: none */
    const atomic_bool *wanted; /* may be NULL */
    int log_pages, log_copied; /* how long the write-ahead log is, and was when it was last copied */
};

static int is_wal(void *arg, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)arg = columns == 1 && strcmp(values[0], "wal") == 0;
    return 0;
}

/* SQLite does not wait where two programs turn to WAL at once: the busy handler can't solve what might be
 * a deadlock. Both want the same here, so the second tries again. */
static int set_wal(sqlite3 *handle, struct error *error)
{
    bool wal = false;
    int result = SQLITE_BUSY;
    for (int waited = 0; waited < DB_BUSY_MS && (result & 0xff) == SQLITE_BUSY; waited += 10) {
        if (waited)
            sqlite3_sleep(10);
        result = sqlite3_exec(handle, "PRAGMA journal_mode = WAL", is_wal, &wal, NULL);
    }
    if (result != SQLITE_OK)
        return sql_error(error, result);
    return wal ? 0 : error_set(error, ERROR_INTERNAL, "its file system can't hold a write-ahead log");
}

/* A file without a schema where there was one: somebody put it there. */
static int check_evidence(sqlite3 *handle, const char *evidence, struct error *error)
{
    bool empty;
    if (migrate_check(handle, migrations, &empty, error) < 0)
        return -1;
    return empty && directory_is_mark(evidence) ? directory_refuse(evidence, "without content", error) : 0;
}

static int set_up(sqlite3 *handle, const char *evidence, struct error *error)
{
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, DB_BUSY_MS);
    if (sqlite3_db_readonly(handle, "main") == 1)
        return error_set(error, ERROR_INTERNAL, "it can't be written: the file or its disk is read-only");
    /* The check comes first: a file that isn't ours stays untouched. */
    if (check_evidence(handle, evidence, error) < 0 || set_wal(handle, error) < 0)
        return -1;
    int result = sqlite3_exec(handle, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return result == SQLITE_OK ? migrate_apply(handle, migrations, error) : sql_error(error, result);
}

/* The id and the cursors' key, as far as they are there. 1 where both are, 0, or -1. */
static int read_instance(struct db *db, struct error *error)
{
    sqlite3_stmt *statement;
    int row = sql_first(db, "SELECT id, cursor_key FROM instance", NULL, &statement, error);
    if (row != 1)
        return row;
    sql_copy(db->instance, sizeof(db->instance), statement, 0);
    bool whole = sqlite3_column_bytes(statement, 1) == DB_CURSOR_KEY;
    if (whole)
        memcpy(db->cursor_key, sqlite3_column_blob(statement, 1), DB_CURSOR_KEY);
    sqlite3_reset(statement);
    return whole;
}

/* What is in the file; first ones where there are none. */
static int load_instance(struct db *db, struct error *error)
{
    char id[UUID_LEN + 1];
    unsigned char cursor_key[DB_CURSOR_KEY];
    int there = read_instance(db, error);
    if (there != 0)
        return there < 0 ? -1 : 0;
    text_uuid(id);
    seam()->random(cursor_key, sizeof(cursor_key));
    if (sql_run(db,
                "INSERT INTO instance (one, id, created_ms, cursor_key) VALUES (1, ?, ?, ?)"
                " ON CONFLICT (one) DO UPDATE SET cursor_key = coalesce(cursor_key, excluded.cursor_key)",
                SQL_VALUES(SQL_T(id), SQL_I(seam_wall_ms()), SQL_B(cursor_key, sizeof(cursor_key))), error) < 0)
        return -1;
    there = read_instance(db, error);
    return there == 0 ? error_set(error, ERROR_INTERNAL, "its instance is missing") : there < 0 ? -1 : 0;
}

/* After each commit. A log that is shorter than before was all copied and begins anew. */
static int on_log(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = arg;
    (void)handle;
    (void)name;
    if (pages < db->log_pages)
        db->log_copied = 0;
    db->log_pages = pages;
    return SQLITE_OK;
}

static int is_over(void *arg)
{
    const struct db *db = arg;
    return db->deadline_ns != 0 && seam()->monotonic_ns() >= db->deadline_ns;
}

void db_deadline(struct db *db, uint64_t monotonic_ns)
{
    db->deadline_ns = monotonic_ns;
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
    return db->log_pages - db->log_copied >= pages;
}

void db_checkpoint_begun(struct db *db)
{
    db->log_copied = db->log_pages;
}

bool db_log_is_long(const struct db *db, int pages)
{
    return db->log_pages >= pages;
}

void db_checkpoint(struct db *db, int pages)
{
    if (!db_checkpoint_due(db, pages))
        return;
    /* Where a reader or the disk keeps it from going through, the next one goes on with it. */
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    db->log_copied = db->log_pages;
}

static int open_file(struct db *db, const char *data_dir, const char *path, struct error *error)
{
    const char *evidence = directory_evidence(data_dir);
    if (directory_check(data_dir, evidence, error) < 0)
        return error_wrap(error, "The database %s can't be used", path);
    if (directory_make_file(path, error) < 0)
        return -1;
    int result = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK)
        sql_error(error, result);
    if (result != SQLITE_OK || set_up(db->handle, evidence, error) < 0 || load_instance(db, error) < 0)
        return error_wrap(error, "The database %s can't be used", path);
    directory_mark(data_dir, db->instance);
    sqlite3_wal_hook(db->handle, on_log, db); /* instead of SQLite's own checkpoints */
    sqlite3_progress_handler(db->handle, DEADLINE_STEPS, is_over, db);
    return 0;
}

int db_open(struct db **out, const char *data_dir, struct error *error)
{
    *out = NULL;
    if (directory_make(data_dir, error) < 0)
        return -1;
    struct db *db = calloc(1, sizeof(*db));
    char *path = directory_path(data_dir, DIRECTORY_DATABASE);
    int result = db && path ? open_file(db, data_dir, path, error) : error_set(error, ERROR_INTERNAL, "Out of memory");
    free(path);
    if (result == 0)
        *out = db;
    else
        db_close(db);
    return result;
}

/* ---- whether it is as it should be ---- */

static int pragma_number(struct db *db, const char *sql, int64_t *number, struct error *error)
{
    sqlite3_stmt *statement;
    if (sql_first(db, sql, NULL, &statement, error) != 1)
        return -1;
    *number = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

int db_check_whole(struct db *db, struct error *error)
{
    int64_t pages, page_size;
    struct stat found;
    const char *path = sqlite3_db_filename(db->handle, "main");
    sqlite3_stmt *statement;
    char said[8];
    if (pragma_number(db, "PRAGMA page_count", &pages, error) < 0 ||
        pragma_number(db, "PRAGMA page_size", &page_size, error) < 0)
        return -1;
    if (stat(path, &found) == 0 && found.st_size >= pages * page_size)
        return 0;
    if (sql_first(db, "PRAGMA quick_check(1)", NULL, &statement, error) != 1)
        return error_wrap(error, "The database %s can't be used", path);
    sql_copy(said, sizeof(said), statement, 0);
    sqlite3_reset(statement);
    return strcmp(said, "ok") == 0 ? 0
                                   : error_set(error, ERROR_INVALID,
                                               "The database %s can't be used: it is cut short: put a backup in its "
                                               "place",
                                               path);
}

int db_check_place(struct db *db, struct error *error)
{
    struct stat found;
    int moved = 0;
    if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved == 0 &&
        stat(sqlite3_db_filename(db->handle, "main"), &found) == 0 && found.st_size > 0)
        return 0;
    return error_set(error, ERROR_UNAVAILABLE, SQL_TROUBLE "its file was removed or emptied");
}

void db_patience(struct db *db, int ms)
{
    sqlite3_busy_timeout(db->handle, ms);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->count; i++)
        sqlite3_finalize(db->statements[i].prepared);
    sqlite3_close(db->handle);
    free(db);
}

const char *db_instance(const struct db *db)
{
    return db->instance;
}

const unsigned char *db_cursor_key(const struct db *db)
{
    return db->cursor_key;
}

sqlite3 *db_handle(struct db *db)
{
    return db->handle;
}

static sqlite3_stmt *prepare_new(struct db *db, const char *sql, struct error *error)
{
    if (db->count == DB_STATEMENTS_MAX) {
        error_set(error, ERROR_INTERNAL, "The database failed: more than %d statements", DB_STATEMENTS_MAX);
        return NULL;
    }
    struct statement *slot = &db->statements[db->count];
    int result = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->prepared, NULL);
    if (result != SQLITE_OK) {
        sql_error(error, result);
        return NULL;
    }
    slot->sql = sql;
    db->count++;
    return slot->prepared;
}

sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct error *error)
{
    for (size_t i = 0; i < db->count; i++) {
        if (db->statements[i].sql != sql)
            continue;
        sqlite3_reset(db->statements[i].prepared);
        sqlite3_clear_bindings(db->statements[i].prepared);
        return db->statements[i].prepared;
    }
    return prepare_new(db, sql, error);
}

int db_run(struct db *db, sqlite3_stmt *statement, struct error *error)
{
    (void)db;
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (result == SQLITE_ROW)
        return error_set(error, ERROR_INTERNAL, "The database failed: a row came where none was expected");
    return result == SQLITE_DONE ? 0 : sql_error(error, result);
}

int db_begin(struct db *db, struct error *error)
{
    return sql_run(db, "BEGIN IMMEDIATE", NULL, error) < 0 ? -1 : 0;
}

int db_begin_read(struct db *db, struct error *error)
{
    return sql_run(db, "BEGIN", NULL, error) < 0 ? -1 : 0;
}

int db_commit(struct db *db, struct error *error)
{
    if (sql_run(db, "COMMIT", NULL, error) >= 0)
        return 0;
    db_rollback(db);
    return -1;
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        sql_run(db, "ROLLBACK", NULL, NULL);
}

char *db_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? strdup((const char *)text) : NULL;
}
