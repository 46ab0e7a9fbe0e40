/* Which server's executions are lost when one server of several starts. */
#include "store/records_fixture.h"

#include "store/migrate.h"

static const char first_id[] = "11111111-1111-4111-8111-111111111111";
static const char second_id[] = "22222222-2222-4222-8222-222222222222";

/* A handle on the database of the server whose data directory has this id. */
static struct db *open_as(const struct fixture *fixture, const char *id)
{
    char path[128], sql[128];

    fixture_file(fixture, path);
    db_close(fixture_open(fixture->dir)); /* so that there is a schema */
    snprintf(sql, sizeof sql, "UPDATE instance SET id = '%s'", id);
    fixture_foreign(path, sql);
    struct db *db = fixture_open(fixture->dir);
    assert_string_equal(db_instance(db), id);
    return db;
}

static long mark_lost(struct db *db)
{
    struct error error = {0};
    int64_t newest = -1;
    long marked, all = 0;

    while ((marked = records_mark_lost(db, &newest, &error)) > 0)
        all += marked;
    check((int)marked, &error);
    return all;
}

static void a_server_marks_only_its_own_executions_as_lost(void **state)
{
    struct fixture *fixture = *state;
    struct db *first = open_as(fixture, first_id), *second = open_as(fixture, second_id);
    int64_t key = new_key(first);
    struct record lost = insert(first, key, "", "c"), ended = insert(first, key, "", "c"),
                  running = insert(second, key, "", "c");

    assert_true(db_server(first) != db_server(second));
    finish(first, &ended, RECORD_COMPLETED);
    db_close(first);
    first = open_as(fixture, first_id); /* it starts again, while the second server runs */
    assert_int_equal(mark_lost(first), 1);
    assert_int_equal(get(second, key, lost.id).status, RECORD_LOST);
    assert_int_equal(get(second, key, ended.id).status, RECORD_COMPLETED);
    assert_int_equal(get(second, key, running.id).status, RECORD_PENDING);
    finish(second, &running, RECORD_COMPLETED);
    assert_int_equal(get(first, key, running.id).status, RECORD_COMPLETED);
    assert_int_equal(mark_lost(second), 0);
    db_close(first);
    db_close(second);
}

/* What tells a running execution's end that its record was removed stays until that server starts again. */
static void a_server_keeps_another_servers_notes(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct db *first = open_as(fixture, first_id), *second = open_as(fixture, second_id);
    int64_t key = new_key(first);
    struct record running = insert(second, key, "s", "c");

    check(sessions_delete(first, key, "s", &error), &error);
    purge(first);
    assert_int_equal(mark_lost(first), 0);
    finish(second, &running, RECORD_COMPLETED);
    assert_int_equal(rows(first), 0);

    running = insert(second, key, "s", "c");
    check(sessions_delete(first, key, "s", &error), &error);
    purge(first);
    assert_int_equal(fixture_number(first, "SELECT count(*) FROM removed"), 1);
    assert_int_equal(mark_lost(second), 0);
    assert_int_equal(fixture_number(first, "SELECT count(*) FROM removed"), 0);
    db_close(first);
    db_close(second);
}

/* The records that an older Codecell left are of the one server that it allowed. */
static void older_executions_are_the_only_servers(void **state)
{
    const struct migration before[] = {migrations[0], migrations[1], migrations[2], migrations[3], {0}};
    struct fixture *fixture = *state;
    struct error error = {0};
    char path[128];

    fixture_file(fixture, path);
    struct driver *driver = fixture_driver(path);
    assert_int_equal(migrate_apply(driver, before, &error), 0);
    driver->calls->close(driver);
    fixture_foreign(path,
                    "INSERT INTO instance (one, id, created_ms) VALUES (1, '33333333-3333-4333-8333-333333333333', 1);"
                    "INSERT INTO keys VALUES (5, 'oldold00', zeroblob(32), 'old', 3, 9, 0, -1, 1, 0, 0, -1);"
                    "INSERT INTO executions (id, key_row, language, version, status, created_ms, code_bytes) VALUES"
                    " ('open', 5, 'c', '1', 0, 1, 1), ('runs', 5, 'c', '1', 1, 1, 1), ('ended', 5, 'c', '1', 2, 1, 1);"
                    "INSERT INTO removed VALUES ('gone')");
    fixture->db = fixture_open(fixture->dir);
    assert_int_equal(mark_lost(fixture->db), 2);
    assert_int_equal(get(fixture->db, 5, "runs").status, RECORD_LOST);
    assert_int_equal(get(fixture->db, 5, "ended").status, RECORD_COMPLETED);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM removed"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_dir(a_server_marks_only_its_own_executions_as_lost),
        fixture_test_dir(a_server_keeps_another_servers_notes),
        fixture_test_dir(older_executions_are_the_only_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
