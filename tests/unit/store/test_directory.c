/* What the data directory holds when a database is opened: a file that is gone, empty, cut short, or moves. */
#include "store/fixture.h"

#include "base/text.h"

static void put_file(const struct fixture *fixture, const char *name, const char *content)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

/* The file of this name is as long as it was, or missing where `size` is -1. */
static void assert_size(const struct fixture *fixture, const char *name, off_t size)
{
    char path[128];
    struct stat found = {.st_size = -1};
    snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
    if (stat(path, &found) < 0)
        found.st_size = -1;
    assert_int_equal(found.st_size, size);
}

/* Neither with the note of a database that was opened once, nor with a log alone. Nothing is made or changed. */
static void a_database_that_is_gone_is_not_made_anew(void **state)
{
    static const char *const names[] = {"instance", "codecell.db-wal"};
    struct fixture *fixture = *state;
    char path[128];
    fixture_file(fixture, path);
    for (int i = 0; i < 2; i++) {
        put_file(fixture, names[i], "left");
        fixture_open_fails(fixture->dir, "it is missing, but");
        fixture_open_fails(fixture->dir, names[i]);
        assert_size(fixture, "codecell.db", -1);
        put_file(fixture, "codecell.db", "");
        fixture_open_fails(fixture->dir, "it is empty, but");
        assert_size(fixture, "codecell.db", 0);
        assert_size(fixture, names[i], 4);
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s", fixture->dir, names[i]);
        unlink(path);
        fixture_file(fixture, path);
    }
}

static void a_database_that_was_opened_is_noted(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    assert_size(fixture, "instance", UUID_LEN + 1);
    db_close(fixture->db);
    fixture->db = NULL;
    fixture_file(fixture, path);
    assert_int_equal(truncate(path, 0), 0);
    fixture_open_fails(fixture->dir, "it is empty, but instance beside it");
    unlink(path);
    fixture_foreign(path, "VACUUM"); /* a page without a schema */
    fixture_open_fails(fixture->dir, "it is without content, but instance");
}

/* What a first start that failed leaves is no sign of a database. */
static void a_lock_alone_says_nothing(void **state)
{
    struct fixture *fixture = *state;
    put_file(fixture, "lock", "");
    put_file(fixture, "codecell.db", "");
    put_file(fixture, "codecell.db-wal", "");
    fixture->db = fixture_open(fixture->dir);
}

static void a_file_that_is_cut_short_is_refused(void **state)
{
    static const off_t sizes[] = {100, 4096, 40960};
    struct fixture *fixture = *state;
    char path[128];
    for (int i = 0; i < 10; i++)
        fixture_grow_log(fixture->db);
    db_close(fixture->db);
    fixture->db = NULL;
    fixture_file(fixture, path);
    for (int i = 2; i >= 0; i--) {
        assert_int_equal(truncate(path, sizes[i]), 0);
        fixture_open_fails(fixture->dir, "it is damaged");
        assert_size(fixture, "codecell.db", sizes[i]);
    }
}

static void copy_file(const char *from, const char *dir, const char *name)
{
    char command[512];
    snprintf(command, sizeof(command), "cp %s/%s %s/%s", from, name, dir, name);
    assert_int_equal(system(command), 0);
}

/* A server that was killed leaves a file that may be shorter than it says: the log has the rest, or has not. */
static void what_the_log_does_not_have_is_missed(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    char copy[] = "/tmp/codecell-store-XXXXXX", path[128];
    assert_non_null(mkdtemp(copy));
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    for (int i = 0; i < 10; i++)
        fixture_grow_log(fixture->db);
    for (int cut = 0; cut < 2; cut++) {
        copy_file(fixture->dir, copy, "codecell.db");
        copy_file(fixture->dir, copy, "codecell.db-wal");
        snprintf(path, sizeof(path), "%s/codecell.db", copy);
        if (cut)
            assert_int_equal(truncate(path, (off_t)100 * 4096), 0);
        struct db *db = fixture_open(copy);
        assert_int_equal(db_check_whole(db, &error), cut ? -1 : 0);
        assert_true(!cut || strstr(error.text, "it is cut short"));
        db_close(db);
        fixture_remove(copy);
        mkdir(copy, 0700);
        if (cut)
            continue;
        db_checkpoint(fixture->db, 1); /* now the file has the pages, and the log only the last change */
        fixture_run(fixture->db, "INSERT INTO removed (id) VALUES ('last')");
    }
    fixture_remove(copy);
}

static void cursors_have_a_key_that_stays(void **state)
{
    static const unsigned char nothing[DB_CURSOR_KEY];
    struct fixture *fixture = *state;
    unsigned char first[DB_CURSOR_KEY];
    memcpy(first, db_cursor_key(fixture->db), sizeof(first));
    assert_memory_not_equal(first, nothing, sizeof(first));
    fixture_run(fixture->db, "UPDATE instance SET cursor_key = cursor_key");
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_memory_equal(db_cursor_key(fixture->db), first, sizeof(first));
    fixture_run(fixture->db, "UPDATE instance SET cursor_key = NULL"); /* as a database of before has it */
    char instance[UUID_LEN + 1];
    snprintf(instance, sizeof(instance), "%s", db_instance(fixture->db));
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_memory_not_equal(db_cursor_key(fixture->db), first, sizeof(first));
    assert_memory_not_equal(db_cursor_key(fixture->db), nothing, sizeof(first));
    assert_string_equal(db_instance(fixture->db), instance);
}

static void a_file_that_moves_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    char path[128], away[160];
    fixture_file(fixture, path);
    snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(db_check_place(fixture->db, &error), 0);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(db_check_place(fixture->db, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(db_check_place(fixture->db, &error), 0);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(db_check_place(fixture->db, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_dir(a_database_that_is_gone_is_not_made_anew),
        fixture_test(a_database_that_was_opened_is_noted),
        fixture_test_dir(a_lock_alone_says_nothing),
        fixture_test(a_file_that_is_cut_short_is_refused),
        fixture_test(what_the_log_does_not_have_is_missed),
        fixture_test(cursors_have_a_key_that_stays),
        fixture_test(a_file_that_moves_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
