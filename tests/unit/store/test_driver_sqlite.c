#include "store/fixture.h"

#include "store/driver_sqlite.h"

#include <sqlite3.h>

/* A database that fails is a 503, a statement that is wrong is not. */
static void each_result_of_sqlite_has_its_meaning(void **state)
{
    static const struct {
        enum error_code code;
        int results[16];
    } meanings[] = {
        {ERROR_UNAVAILABLE,
         {SQLITE_FULL, SQLITE_IOERR, SQLITE_IOERR_WRITE, SQLITE_READONLY, SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT,
          SQLITE_LOCKED, SQLITE_CORRUPT, SQLITE_READONLY_DBMOVED, SQLITE_CANTOPEN, SQLITE_NOTADB, SQLITE_PROTOCOL,
          SQLITE_ERROR}},
        {ERROR_MEMORY, {SQLITE_NOMEM, SQLITE_IOERR_NOMEM}},
        {ERROR_BUSY, {SQLITE_INTERRUPT}},
        {ERROR_INTERNAL, {SQLITE_CONSTRAINT, SQLITE_MISUSE, SQLITE_RANGE, SQLITE_TOOBIG, SQLITE_MISMATCH}},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        for (const int *result = meanings[i].results; *result != 0; result++) {
            assert_int_equal(driver_sqlite_error(&error, *result), -1);
            assert_int_equal(error.code, meanings[i].code);
            assert_true(error.code != ERROR_UNAVAILABLE || strstr(error.text, DRIVER_TROUBLE) == error.text);
        }
}

static void a_file_that_is_missing_is_not_made(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver;
    struct error error = {0};
    char path[128];

    fixture_file(fixture, path);
    assert_int_equal(driver_sqlite.open(&driver, path, &error), -1);
    assert_null(driver);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_schema_is_empty_foreign_or_ours(void **state)
{
    struct fixture *fixture = *state;
    struct driver_schema schema;
    struct error error = {0};
    char path[128];

    fixture_file(fixture, path);
    struct driver *driver = fixture_driver(path);
    assert_int_equal(driver_sqlite.read_schema(driver, &schema, &error), 0);
    assert_true(schema.empty && !schema.ours && schema.version == 0);
    assert_int_equal(driver_sqlite.run_script(driver, "CREATE TABLE t (a)", &error), 0);
    assert_int_equal(driver_sqlite.read_schema(driver, &schema, &error), 0);
    assert_true(!schema.empty && !schema.ours && schema.version == 0);
    assert_int_equal(driver_sqlite.mark_schema(driver, 7, &error), 0);
    assert_int_equal(driver_sqlite.read_schema(driver, &schema, &error), 0);
    assert_true(!schema.empty && schema.ours && schema.version == 7);
    driver_sqlite.close(driver);
}

static void only_a_missing_table_or_column_is_a_lack(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = db_driver(fixture->db);
    struct error error = {0};

    assert_null(driver_sqlite.prepare(driver, "SELECT nothing FROM keys", &error));
    assert_true(driver_sqlite.lacks_schema(driver));
    assert_int_equal(driver_sqlite.run_script(driver, "INSERT INTO rates VALUES (12345, 1)", &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_false(driver_sqlite.lacks_schema(driver));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_of_sqlite_has_its_meaning),
        fixture_test_dir(a_file_that_is_missing_is_not_made),
        fixture_test_dir(a_schema_is_empty_foreign_or_ours),
        fixture_test(only_a_missing_table_or_column_is_a_lack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
