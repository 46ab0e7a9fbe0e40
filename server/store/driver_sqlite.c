#include "store/driver_sqlite.h"

#include "base/container_of.h"
#include "base/seam.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEADLINE_STEPS 10000 /* of SQLite's virtual machine between two looks at the clock: less than a millisecond */

struct sqlite {
    struct driver driver;
    sqlite3 *handle;
    uint64_t deadline_ns;      /* 0: none */
    int log_pages, log_copied; /* the write-ahead log's length now, and at its last copy */
};

struct sqlite_statement {
    struct statement statement;
    sqlite3_stmt *prepared;
};

static struct sqlite *sqlite_of(const struct driver *driver)
{
    return container_of(driver, struct sqlite, driver);
}

static sqlite3_stmt *prepared_of(struct statement *statement)
{
    return container_of(statement, struct sqlite_statement, statement)->prepared;
}

sqlite3 *driver_sqlite_handle(const struct driver *driver)
{
    return sqlite_of(driver)->handle;
}

static const char *sqlite_path(const struct driver *driver)
{
    return sqlite3_db_filename(sqlite_of(driver)->handle, "main");
}

/* Errors. */

/* Results that mean that the database fails; any other result is the statement's fault. NULL: SQLite's own words. */
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
    {SQLITE_PERM, NULL},
    {SQLITE_AUTH, NULL},
    {SQLITE_NOLFS, NULL},
    {SQLITE_PROTOCOL, NULL},
};

int driver_sqlite_error(struct error *error, int result)
{
    if (result == SQLITE_NOMEM || result == SQLITE_IOERR_NOMEM)
        return error_memory(error);
    if ((result & 0xff) == SQLITE_INTERRUPT)
        return error_set(error, ERROR_BUSY, "The database took too long for this: ask for less, or again later");
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
        if (troubles[i].result == (result & 0xff))
            return error_set(error, ERROR_UNAVAILABLE, DRIVER_TROUBLE "%s (code %d)",
                             troubles[i].words != NULL ? troubles[i].words : sqlite3_errstr(result), result);
    return error_set(error, ERROR_INTERNAL, "The database failed: %s (code %d)", sqlite3_errstr(result), result);
}

static int sqlite_check(int result, struct error *error)
{
    return result == SQLITE_OK ? 0 : driver_sqlite_error(error, result);
}

/* Connections. */

static void sqlite_close(struct driver *driver)
{
    struct sqlite *sqlite = sqlite_of(driver);

    sqlite3_close(sqlite->handle);
    free(sqlite);
}

static int sqlite_connect(struct sqlite *sqlite, const char *path, struct error *error)
{
    int result = sqlite3_open_v2(path, &sqlite->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (result != SQLITE_OK)
        return driver_sqlite_error(error, result);
    sqlite3_extended_result_codes(sqlite->handle, 1);
    sqlite3_busy_timeout(sqlite->handle, DRIVER_SQLITE_PATIENCE_MS);
    if (sqlite3_db_readonly(sqlite->handle, "main") == 1)
        return error_set(error, ERROR_INTERNAL, "it can't be written: the file or its disk is read-only");
    return 0;
}

static int sqlite_open(struct driver **out, const char *path, struct error *error)
{
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);

    *out = NULL;
    if (sqlite == NULL)
        return error_memory(error);
    sqlite->driver.calls = &driver_sqlite;
    if (sqlite_connect(sqlite, path, error) != 0) {
        sqlite_close(&sqlite->driver);
        return -1;
    }
    *out = &sqlite->driver;
    return 0;
}

static int on_journal_mode(void *arg, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)arg = columns == 1 && strcmp(values[0], "wal") == 0;
    return 0;
}

/* If two programs turn to the log at once, SQLite does not wait: it takes that for a deadlock. Both programs want the
 * same, so this one tries again. */
static int sqlite_set_log(sqlite3 *handle, struct error *error)
{
    bool log = false;
    int result = SQLITE_BUSY;

    for (int waited = 0; waited < DRIVER_SQLITE_PATIENCE_MS && (result & 0xff) == SQLITE_BUSY; waited += 10) {
        if (waited != 0)
            sqlite3_sleep(10);
        result = sqlite3_exec(handle, "PRAGMA journal_mode = WAL", on_journal_mode, &log, NULL);
    }
    if (result != SQLITE_OK)
        return driver_sqlite_error(error, result);
    return log ? 0 : error_set(error, ERROR_INTERNAL, "its file system can't hold a write-ahead log");
}

/* SQLite calls this after each commit. A log that is shorter than before was copied whole, and starts anew. */
static int on_log(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct sqlite *sqlite = arg;

    (void)handle;
    (void)name;
    if (pages < sqlite->log_pages)
        sqlite->log_copied = 0;
    sqlite->log_pages = pages;
    return SQLITE_OK;
}

/* SQLite calls this while a statement runs, and ends the statement if the answer is not 0. */
static int on_progress(void *arg)
{
    const struct sqlite *sqlite = arg;

    return sqlite->deadline_ns != 0 && seam()->monotonic_ns() >= sqlite->deadline_ns;
}

static int sqlite_set_up(struct driver *driver, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(driver);

    if (sqlite_set_log(sqlite->handle, error) != 0)
        return -1;
    sqlite3_wal_hook(sqlite->handle, on_log, sqlite); /* replaces the checkpoints that SQLite makes by itself */
    sqlite3_progress_handler(sqlite->handle, DEADLINE_STEPS, on_progress, sqlite);
    /* temp_store: else each statement that changes several rows makes, fills and deletes a file to undo itself */
    return sqlite_check(
        sqlite3_exec(sqlite->handle,
                     "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY", NULL, NULL,
                     NULL),
        error);
}

static void sqlite_set_patience(struct driver *driver, int ms)
{
    sqlite3_busy_timeout(sqlite_of(driver)->handle, ms);
}

static int sqlite_set_durable(struct driver *driver, bool durable, struct error *error)
{
    const char *sql = durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";

    return sqlite_check(sqlite3_exec(sqlite_of(driver)->handle, sql, NULL, NULL, NULL), error);
}

static void sqlite_set_deadline(struct driver *driver, uint64_t monotonic_ns)
{
    sqlite_of(driver)->deadline_ns = monotonic_ns;
}

static bool sqlite_checkpoint_due(const struct driver *driver, int pages)
{
    const struct sqlite *sqlite = sqlite_of(driver);

    return sqlite->log_pages - sqlite->log_copied >= pages;
}

static void sqlite_checkpoint_begun(struct driver *driver)
{
    struct sqlite *sqlite = sqlite_of(driver);

    sqlite->log_copied = sqlite->log_pages;
}

static void sqlite_checkpoint(struct driver *driver)
{
    /* If a reader or the disk stops it, the next checkpoint continues. */
    sqlite3_wal_checkpoint_v2(sqlite_of(driver)->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite_checkpoint_begun(driver);
}

static bool sqlite_log_is_long(const struct driver *driver, int pages)
{
    return sqlite_of(driver)->log_pages >= pages;
}

static bool sqlite_in_transaction(const struct driver *driver)
{
    return sqlite3_get_autocommit(sqlite_of(driver)->handle) == 0;
}

static bool sqlite_lacks_schema(const struct driver *driver)
{
    return sqlite3_errcode(sqlite_of(driver)->handle) == SQLITE_ERROR;
}

static int64_t sqlite_changes(const struct driver *driver)
{
    return sqlite3_changes64(sqlite_of(driver)->handle);
}

/* Statements. */

static struct statement *sqlite_prepare(struct driver *driver, const char *sql, struct error *error)
{
    struct sqlite_statement *made = calloc(1, sizeof *made);

    if (made == NULL) {
        error_memory(error);
        return NULL;
    }
    int result =
        sqlite3_prepare_v3(sqlite_of(driver)->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &made->prepared, NULL);
    if (result != SQLITE_OK) {
        driver_sqlite_error(error, result);
        free(made);
        return NULL;
    }
    made->statement.calls = &driver_sqlite;
    return &made->statement;
}

static void sqlite_finish(struct statement *statement)
{
    sqlite3_finalize(prepared_of(statement));
    free(container_of(statement, struct sqlite_statement, statement));
}

static void sqlite_reset(struct statement *statement)
{
    sqlite3_reset(prepared_of(statement));
}

static void sqlite_restart(struct statement *statement)
{
    sqlite3_reset(prepared_of(statement));
    sqlite3_clear_bindings(prepared_of(statement));
}

static int sqlite_bind_one(sqlite3_stmt *prepared, int place, const struct driver_value *value)
{
    if (value->type == DRIVER_INT)
        return sqlite3_bind_int64(prepared, place, value->num);
    if (value->data == NULL)
        return sqlite3_bind_null(prepared, place);
    if (value->type == DRIVER_TEXT)
        return sqlite3_bind_text(prepared, place, value->data, -1, SQLITE_STATIC);
    return sqlite3_bind_blob64(prepared, place, value->data, value->len, SQLITE_STATIC);
}

static int sqlite_bind(struct statement *statement, const struct driver_value *values, struct error *error)
{
    int result = SQLITE_OK;

    for (int i = 0; result == SQLITE_OK && values[i].type != DRIVER_END; i++)
        result = sqlite_bind_one(prepared_of(statement), i + 1, &values[i]);
    return sqlite_check(result, error);
}

static int sqlite_step(struct statement *statement, struct error *error)
{
    sqlite3_stmt *prepared = prepared_of(statement);
    int result = sqlite3_step(prepared);

    if (result == SQLITE_ROW)
        return 1;
    sqlite3_reset(prepared);
    return result == SQLITE_DONE ? 0 : driver_sqlite_error(error, result);
}

static bool sqlite_column_is_null(struct statement *statement, int column)
{
    return sqlite3_column_type(prepared_of(statement), column) == SQLITE_NULL;
}

static int64_t sqlite_column_int(struct statement *statement, int column)
{
    return sqlite3_column_int64(prepared_of(statement), column);
}

static const char *sqlite_column_text(struct statement *statement, int column)
{
    return (const char *)sqlite3_column_text(prepared_of(statement), column);
}

/* SQLite gives NULL for an empty blob, too. */
static const void *sqlite_column_blob(struct statement *statement, int column, size_t *len)
{
    sqlite3_stmt *prepared = prepared_of(statement);
    const void *blob = sqlite3_column_blob(prepared, column);

    *len = (size_t)sqlite3_column_bytes(prepared, column);
    return blob == NULL && sqlite3_column_type(prepared, column) != SQLITE_NULL && *len == 0 ? "" : blob;
}

static int sqlite_run_script(struct driver *driver, const char *sql, struct error *error)
{
    return sqlite_check(sqlite3_exec(sqlite_of(driver)->handle, sql, NULL, NULL, NULL), error);
}

/* One row of a statement that is not kept. `columns` numbers, which must be there. */
static int sqlite_numbers(struct driver *driver, const char *sql, int64_t *numbers, int columns, struct error *error)
{
    sqlite3_stmt *prepared;
    int result = sqlite3_prepare_v2(sqlite_of(driver)->handle, sql, -1, &prepared, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(prepared);
    for (int i = 0; result == SQLITE_ROW && i < columns; i++)
        numbers[i] = sqlite3_column_int64(prepared, i);
    sqlite3_finalize(prepared);
    if (result == SQLITE_ROW)
        return 0;
    driver_sqlite_error(error, result);
    return -1;
}

/* The schema's marks are two numbers in the file's header. */

static int sqlite_read_schema(struct driver *driver, struct driver_schema *schema, struct error *error)
{
    int64_t found[3];

    if (sqlite_numbers(driver,
                       "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM"
                       " pragma_user_version), (SELECT count(*) FROM sqlite_master)",
                       found, 3, error) != 0)
        return -1;
    *schema = (struct driver_schema){.empty = found[0] == 0 && found[1] == 0 && found[2] == 0,
                                     .ours = found[0] == DRIVER_SQLITE_APPLICATION_ID,
                                     .version = found[1]};
    return 0;
}

static int sqlite_mark_schema(struct driver *driver, int version, struct error *error)
{
    char sql[128];

    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", DRIVER_SQLITE_APPLICATION_ID,
             version);
    return sqlite_run_script(driver, sql, error);
}

/* The file. */

static int on_quick_check(void *arg, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)arg = columns == 1 && strcmp(values[0], "ok") == 0;
    return 0;
}

static int sqlite_read_whole(struct driver *driver, struct error *error)
{
    bool whole = false;
    int result = sqlite3_exec(sqlite_of(driver)->handle, "PRAGMA quick_check(1)", on_quick_check, &whole, NULL);

    if (result != SQLITE_OK)
        return driver_sqlite_error(error, result);
    return whole ? 0 : error_set(error, ERROR_INVALID, "it is cut short: put a backup in its place");
}

/* A file may rightly be shorter than its header says, while the log holds the rest. Then only SQLite can tell. */
static int sqlite_check_whole(struct driver *driver, struct error *error)
{
    int64_t pages, page_size;
    struct stat found;

    if (sqlite_numbers(driver, "PRAGMA page_count", &pages, 1, error) != 0 ||
        sqlite_numbers(driver, "PRAGMA page_size", &page_size, 1, error) != 0)
        return -1;
    if ((stat(sqlite_path(driver), &found) == 0 && found.st_size >= pages * page_size) ||
        sqlite_read_whole(driver, error) == 0)
        return 0;
    return error_wrap(error, "The database %s can't be used", sqlite_path(driver));
}

static int sqlite_check_place(struct driver *driver, struct error *error)
{
    struct stat found;
    int moved = 0;

    if (sqlite3_file_control(sqlite_of(driver)->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
        moved == 0 && stat(sqlite_path(driver), &found) == 0 && found.st_size > 0)
        return 0;
    return error_set(error, ERROR_UNAVAILABLE, DRIVER_TROUBLE "its file was removed or emptied");
}

const struct driver_calls driver_sqlite = {
    .open = sqlite_open,
    .set_up = sqlite_set_up,
    .close = sqlite_close,
    .place = sqlite_path,
    .read_schema = sqlite_read_schema,
    .mark_schema = sqlite_mark_schema,
    .run_script = sqlite_run_script,
    .check_whole = sqlite_check_whole,
    .check_place = sqlite_check_place,
    .set_patience = sqlite_set_patience,
    .set_durable = sqlite_set_durable,
    .set_deadline = sqlite_set_deadline,
    .checkpoint_due = sqlite_checkpoint_due,
    .checkpoint = sqlite_checkpoint,
    .checkpoint_begun = sqlite_checkpoint_begun,
    .log_is_long = sqlite_log_is_long,
    .in_transaction = sqlite_in_transaction,
    .lacks_schema = sqlite_lacks_schema,
    .changes = sqlite_changes,
    .prepare = sqlite_prepare,
    .finish = sqlite_finish,
    .restart = sqlite_restart,
    .bind = sqlite_bind,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .column_is_null = sqlite_column_is_null,
    .column_int = sqlite_column_int,
    .column_text = sqlite_column_text,
    .column_blob = sqlite_column_blob,
    .begin = "BEGIN IMMEDIATE",
    .begin_read = "BEGIN",
    .defer_keys = "PRAGMA defer_foreign_keys = ON",
};
