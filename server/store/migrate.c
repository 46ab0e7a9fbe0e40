#include "store/migrate.h"

#include "store/sql.h"

#include <stdio.h>

struct schema {
    int64_t application_id, version, objects;
};

static int read_schema(sqlite3 *handle, struct schema *schema, struct error *error)
{
    /* One statement, so that another program's migration is seen whole or not at all. */
    static const char sql[] = "SELECT (SELECT application_id FROM pragma_application_id),"
                              " (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)";
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        schema->application_id = sqlite3_column_int64(statement, 0);
        schema->version = sqlite3_column_int64(statement, 1);
        schema->objects = sqlite3_column_int64(statement, 2);
    }
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : sql_error(error, result);
}

static int newest(const struct migration *steps)
{
    int number = 0;
    for (; steps->number; steps++)
        number = steps->number;
    return number;
}

int migrate_check(sqlite3 *handle, const struct migration *steps, bool *empty, struct error *error)
{
    struct schema schema = {0};
    if (read_schema(handle, &schema, error) < 0)
        return -1;
    bool nothing = schema.application_id == 0 && schema.version == 0 && schema.objects == 0;
    if (empty)
        *empty = nothing;
    if (!nothing && schema.application_id != MIGRATE_APPLICATION_ID)
        return error_set(error, ERROR_INVALID,
                         "it is not a database of Codecell: CODECELL_DATA_DIR must be a folder of Codecell's own");
    if (schema.version > newest(steps))
        return error_set(error, ERROR_INVALID,
                         "a newer Codecell made it (schema %lld, this program knows %d): use that version or later",
                         (long long)schema.version, newest(steps));
    return 0;
}

static int run(sqlite3 *handle, const char *sql, struct error *error)
{
    int result = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : sql_error(error, result);
}

static int apply_missing(sqlite3 *handle, const struct migration *steps, struct error *error)
{
    struct schema schema = {0};
    char mark[128];
    /* Again, for only now nobody else can change it. */
    if (migrate_check(handle, steps, NULL, error) < 0 || read_schema(handle, &schema, error) < 0)
        return -1;
    for (const struct migration *step = steps; step->number; step++) {
        if (step->number <= schema.version)
            continue;
        if (run(handle, step->sql, error) < 0)
            return error_wrap(error, "migration %s", step->name);
        snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d", MIGRATE_APPLICATION_ID,
                 step->number);
        if (run(handle, mark, error) < 0)
            return -1;
    }
    return 0;
}

int migrate_apply(sqlite3 *handle, const struct migration *steps, struct error *error)
{
    struct schema schema = {0};
    if (read_schema(handle, &schema, error) < 0)
        return -1;
    if (schema.version == newest(steps))
        return 0;
    if (run(handle, "BEGIN IMMEDIATE", error) < 0)
        return -1;
    if (apply_missing(handle, steps, error) == 0 && run(handle, "COMMIT", error) == 0)
        return 0;
    sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}
