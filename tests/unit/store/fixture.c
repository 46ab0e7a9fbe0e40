#include "store/fixture.h"

#include <sqlite3.h>

int64_t fixture_now_ns;

static int64_t fixture_wall_ns(void)
{
    return fixture_now_ns;
}

_Atomic uint64_t fixture_step_ns;

static uint64_t fixture_monotonic_ns(void)
{
    static _Atomic uint64_t made_up_ns;
    uint64_t step = fixture_step_ns;
    if (step == 0)
        return seam_system.monotonic_ns();
    return atomic_fetch_add(&made_up_ns, step) + step;
}

static void fixture_clock(void)
{
    static struct seam made_up;
    fixture_step_ns = 0;
    made_up = seam_system;
    made_up.monotonic_ns = fixture_monotonic_ns;
    made_up.wall_ns = fixture_wall_ns;
    fixture_now_ns = FIXTURE_NOW_NS;
    seam_set(&made_up);
}

struct db *fixture_open(const char *dir)
{
    struct error error = {0};
    struct db *db = NULL;
    if (db_open(&db, dir, &error) < 0)
        fail_msg("db_open: %s", error.text);
    return db;
}

void fixture_remove(const char *dir)
{
    char path[512];
    DIR *open = opendir(dir);
    for (struct dirent *entry = open ? readdir(open) : NULL; entry; entry = readdir(open)) {
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        unlink(path);
    }
    if (open)
        closedir(open);
    rmdir(dir);
}

int fixture_set_up_dir(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->dir, "/tmp/codecell-store-XXXXXX");
    if (!mkdtemp(fixture->dir))
        return -1;
    fixture_clock();
    *state = fixture;
    return 0;
}

int fixture_set_up(void **state)
{
    if (fixture_set_up_dir(state) < 0)
        return -1;
    struct fixture *fixture = *state;
    fixture_step_ns = 1;
    fixture->db = fixture_open(fixture->dir);
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    db_close(fixture->db);
    fixture_remove(fixture->dir);
    free(fixture);
    seam_set(&seam_system);
    return 0;
}

struct key fixture_key(struct db *db, char text[KEY_TEXT_LEN + 1])
{
    struct error error = {0};
    struct key key = {
        .name = "test", .scopes = KEY_EXECUTE | KEY_READ, .rate_per_minute = KEY_RATE_DEFAULT, .credits = -1};
    if (keys_create(db, &key, text, &error) < 0)
        fail_msg("keys_create: %s", error.text);
    return key;
}

int64_t fixture_number(struct db *db, const char *sql)
{
    struct driver *driver = db_driver(db);
    struct error error = {0};
    struct statement *statement = driver->calls->prepare(driver, sql, &error);
    int64_t number = -1;
    if (statement != NULL && statement_step(statement, &error) == 1)
        number = statement_int(statement, 0);
    else
        fail_msg("%s: %s", sql, error.text);
    if (statement != NULL)
        driver->calls->finish(statement);
    return number;
}

void fixture_run(struct db *db, const char *sql)
{
    struct error error = {0};
    if (db_driver(db)->calls->run_script(db_driver(db), sql, &error) != 0)
        fail_msg("%s: %s", sql, error.text);
}

void fixture_fill(struct db *db, int64_t key, const char *session, int count)
{
    char sql[1024];
    snprintf(sql, sizeof(sql),
             "INSERT INTO executions (id, key_row, session_id, language, version, status, created_ms, completed_ms,"
             " code_bytes, server) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " SELECT lower(hex(randomblob(18))), %lld, nullif('%s', ''), iif(i %% 2, 'python', 'bash'), '1',"
             " iif(i %% 10, 2, 3), 1000 + i, 2000 + i, 1, %lld FROM n",
             count, (long long)key, session, (long long)db_server(db));
    fixture_run(db, sql);
}

void fixture_file(const struct fixture *fixture, char path[128])
{
    snprintf(path, 128, "%s/codecell.db", fixture->dir);
}

void fixture_open_fails(const char *dir, const char *why)
{
    struct error error = {0};
    struct db *db = NULL;
    assert_int_equal(db_open(&db, dir, &error), -1);
    assert_null(db);
    if (!strstr(error.text, why))
        fail_msg("\"%s\" does not say \"%s\"", error.text, why);
    assert_non_null(strstr(error.text, dir));
}

struct driver *fixture_driver(const char *path)
{
    struct error error = {0};
    struct driver *driver = NULL;
    if (directory_make_file(path, &error) != 0 || driver_sqlite.open(&driver, path, &error) != 0)
        fail_msg("%s: %s", path, error.text);
    return driver;
}

void fixture_foreign(const char *path, const char *sql)
{
    struct driver *driver = fixture_driver(path);
    struct error error = {0};
    if (driver->calls->run_script(driver, sql, &error) != 0)
        fail_msg("%s: %s", sql, error.text);
    driver->calls->close(driver);
}

int64_t fixture_log_size(const struct fixture *fixture)
{
    char path[128];
    struct stat found;
    snprintf(path, sizeof(path), "%s/codecell.db-wal", fixture->dir);
    assert_int_equal(stat(path, &found), 0);
    return found.st_size;
}

void fixture_grow_log(struct db *db)
{
    fixture_run(db, "INSERT INTO removed (id) VALUES (hex(randomblob(100000)))");
}

static void assert_no_scan(sqlite3 *handle, const char *query)
{
    char sql[2048];
    sqlite3_stmt *plan;
    snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", query);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if ((strstr(step, "SCAN") && !strstr(step, "SCAN CONSTANT ROW") && !strstr(step, "SCAN purges")) ||
            strstr(step, "TEMP B-TREE"))
            fail_msg("%s: %s", query, step);
    }
    sqlite3_finalize(plan);
}

int fixture_scans_nothing(struct db *db, const char *const *tables)
{
    sqlite3 *handle = driver_sqlite_handle(db_driver(db));
    int checked = 0;
    for (sqlite3_stmt *kept = NULL; (kept = sqlite3_next_stmt(handle, kept));)
        for (const char *const *table = tables; *table; table++) {
            if (!strstr(sqlite3_sql(kept), *table))
                continue;
            assert_no_scan(handle, sqlite3_sql(kept));
            checked++;
            break;
        }
    return checked;
}
