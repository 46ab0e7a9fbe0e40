#include "store/fixture.h"

#include "base/text.h"
#include "lib/repeats.h"
#include "store/copier.h"
#include "store/directory.h"
#include "store/migrate.h"
#include "store/sql.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <uv.h>

static void a_new_file_is_set_up(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    struct stat found;
    rmdir(fixture->dir);
    fixture->db = fixture_open(fixture->dir);
    assert_int_equal(stat(fixture->dir, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    fixture_file(fixture, path);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    snprintf(path, sizeof(path), "%s/codecell.db-wal", fixture->dir);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_int_equal(fixture_number(fixture->db, "PRAGMA application_id"), DRIVER_SQLITE_APPLICATION_ID);
    assert_int_equal(fixture_number(fixture->db, "PRAGMA synchronous"), 1);
    assert_int_equal(fixture_number(fixture->db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(fixture_number(fixture->db, "PRAGMA busy_timeout"), 5000);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"),
                     1);
    int newest = 0;
    for (const struct migration *step = migrations; step->number; step++) {
        assert_true(step->number == newest + 1);
        newest = step->number;
    }
    assert_true(newest >= 1);
    assert_int_equal(fixture_number(fixture->db, "PRAGMA user_version"), newest);
}

static void the_instance_stays(void **state)
{
    struct fixture *fixture = *state;
    char first[UUID_LEN + 1];
    snprintf(first, sizeof(first), "%s", db_instance(fixture->db));
    assert_true(text_is_uuid(first));
    struct db *second = fixture_open(fixture->dir);
    assert_string_equal(db_instance(second), first);
    db_close(second);
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_string_equal(db_instance(fixture->db), first);
}

static void a_newer_file_is_refused_untouched(void **state)
{
    struct fixture *fixture = *state;
    fixture_run(fixture->db, "PRAGMA user_version = 9999");
    db_close(fixture->db);
    fixture->db = NULL;
    fixture_open_fails(fixture->dir, "a newer Codecell made it (schema 9999");
}

static void a_file_that_is_not_ours_is_refused(void **state)
{
    static const char *const foreign[] = {"CREATE TABLE t (a)", "PRAGMA user_version = 1",
                                          "PRAGMA application_id = 17"};
    struct fixture *fixture = *state;
    char path[128], content[64];
    fixture_file(fixture, path);
    for (size_t i = 0; i < 3; i++) {
        fixture_foreign(path, foreign[i]);
        fixture_open_fails(fixture->dir, "it is not a database of Codecell");
        unlink(path);
    }
    FILE *file = fopen(path, "w");
    fputs("This is a text of no database, and long enough to be looked at as one by SQLite, which wants 100 bytes.",
          file);
    fclose(file);
    fixture_open_fails(fixture->dir, "file is not a database");
    file = fopen(path, "r");
    assert_non_null(fgets(content, sizeof(content), file));
    fclose(file);
    assert_memory_equal(content, "This is a text", 14);
}

static void a_directory_that_cannot_be_is_named(void **state)
{
    struct fixture *fixture = *state;
    char path[160];
    snprintf(path, sizeof(path), "%s/a/b", fixture->dir);
    fixture_open_fails(path, "No such file or directory");
    snprintf(path, sizeof(path), "%s/file", fixture->dir);
    fclose(fopen(path, "w"));
    fixture_open_fails(path, "is not a directory");
    fixture_file(fixture, path);
    mkdir(path, 0700);
    fixture_open_fails(fixture->dir, "unable to open database file");
    rmdir(path);
    assert_int_equal(symlink("nowhere/codecell.db", path), 0);
    fixture_open_fails(fixture->dir, "unable to open database file");
}

static void migrations_go_on_from_where_the_file_is(void **state)
{
    static const struct migration one[] = {{1, "0001_a", "CREATE TABLE a (x)"}, {0}};
    static const struct migration two[] = {
        {1, "0001_a", "CREATE TABLE a (x)"}, {2, "0002_b", "CREATE TABLE b (x); INSERT INTO b VALUES (7)"}, {0}};
    struct fixture *fixture = *state;
    struct error error = {0};
    char path[128];
    fixture_file(fixture, path);
    struct driver *driver = fixture_driver(path);
    assert_int_equal(migrate_apply(driver, one, &error), 0);
    assert_int_equal(migrate_apply(driver, one, &error), 0);
    assert_int_equal(migrate_apply(driver, two, &error), 0);
    assert_int_equal(driver->calls->run_script(driver, "INSERT INTO a SELECT x FROM b", &error), 0);
    assert_int_equal(migrate_check(driver, two, NULL, &error), 0);
    assert_int_equal(migrate_check(driver, one, NULL, &error), -1);
    assert_int_equal(migrate_apply(driver, one, &error), -1);
    driver->calls->close(driver);
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
    static const struct migration bad[] = {
        {1, "0001_a", "CREATE TABLE a (x)"}, {2, "0002_b", "CREATE TABLE b (x); CREATE TABLE b (x)"}, {0}};
    static const struct migration good[] = {{1, "0001_a", "CREATE TABLE a (x)"}, {0}};
    struct fixture *fixture = *state;
    struct error error = {0};
    char path[128];
    fixture_file(fixture, path);
    struct driver *driver = fixture_driver(path);
    assert_int_equal(migrate_apply(driver, bad, &error), -1);
    assert_non_null(strstr(error.text, "migration 0002_b"));
    assert_false(driver->calls->in_transaction(driver));
    assert_int_equal(migrate_apply(driver, good, &error), 0); /* not even the first was left */
    driver->calls->close(driver);
}

static void statements_are_kept_up_to_a_number(void **state)
{
    static char texts[DB_STATEMENTS_MAX + 1][16];
    struct fixture *fixture = *state;
    struct error error = {0};
    unsigned kept = 0;
    struct statement *first = NULL;
    for (unsigned i = 0; i <= DB_STATEMENTS_MAX; i++) {
        snprintf(texts[i], sizeof(texts[i]), "SELECT ?+%u", i);
        struct statement *statement = db_prepare(fixture->db, texts[i], &error);
        if (!statement)
            break;
        if (i == 0)
            first = statement;
        kept++;
    }
    assert_true(kept > DB_STATEMENTS_MAX / 2 && kept <= DB_STATEMENTS_MAX); /* opening kept some */
    assert_int_equal(error.code, ERROR_INTERNAL);
    struct statement *again = db_prepare(fixture->db, texts[0], &error);
    assert_ptr_equal(again, first);
    assert_int_equal(again->calls->bind(again, SQL_VALUES(SQL_I(5)), &error), 0);
    assert_int_equal(statement_step(again, &error), 1);
    again = db_prepare(fixture->db, texts[0], &error);
    assert_ptr_equal(again, first);
    assert_int_equal(statement_step(again, &error), 1); /* reset, and without the 5 */
    assert_true(statement_is_null(again, 0));
    statement_reset(again);
}

static void statements_that_fail(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    assert_null(db_prepare(fixture->db, "SELECT nonsense FROM nowhere", &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_null(strstr(error.text, "nowhere"));
    assert_int_equal(sql_run(fixture->db, "SELECT 1", NULL, &error), -1);
    assert_int_equal(sql_run(fixture->db, "SELECT ?", SQL_VALUES(SQL_I(1), SQL_I(2)), &error), -1);
    assert_int_equal(
        sql_run(fixture->db, "INSERT INTO instance (one, id, created_ms) VALUES (2, 'x', 0)", NULL, &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_null(strstr(error.text, "instance"));
}

static void values_go_in_and_out(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct statement *row;
    char small[4], *copy;
    size_t len;
    assert_int_equal(sql_first(fixture->db, "SELECT ?, ?, ?, ?, ?",
                               SQL_VALUES(SQL_I(INT64_MIN), SQL_T("text"), SQL_B("\0\1", 2), SQL_T(NULL), SQL_B("", 0)),
                               &row, &error),
                     1);
    assert_int_equal(statement_int(row, 0), INT64_MIN);
    assert_string_equal(statement_text(row, 1), "text");
    sql_copy(small, sizeof(small), row, 1);
    assert_string_equal(small, "tex");
    assert_int_equal(sql_copy_blob(&copy, &len, row, 2), 0);
    assert_int_equal(len, 2);
    assert_memory_equal(copy, "\0\1", 3);
    free(copy);
    assert_null(statement_text(row, 3));
    assert_true(statement_is_null(row, 3));
    assert_int_equal(sql_copy_blob(&copy, &len, row, 3), 0);
    assert_null(copy);
    sql_copy(small, sizeof(small), row, 3);
    assert_string_equal(small, "");
    assert_false(statement_is_null(row, 4));
    assert_int_equal(sql_copy_blob(&copy, &len, row, 4), 0);
    assert_int_equal(len, 0);
    assert_string_equal(copy, "");
    free(copy);
    assert_int_equal(statement_step(row, &error), 0);
}

static void transactions(void **state)
{
    struct fixture *fixture = *state;
    struct db *other = fixture_open(fixture->dir);
    struct error error = {0};
    db_patience(other, 1);
    assert_int_equal(db_begin(fixture->db, &error), 0);
    fixture_run(fixture->db, "INSERT INTO removed (id) VALUES ('a')");
    assert_int_equal(db_begin_read(other, &error), 0); /* readers don't wait for a writer */
    assert_int_equal(fixture_number(other, "SELECT count(*) FROM removed"), 0);
    assert_int_equal(db_commit(other, &error), 0);
    assert_int_equal(db_begin(other, &error), -1); /* a second writer does */
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(db_commit(fixture->db, &error), 0);
    assert_int_equal(db_begin(other, &error), 0);
    fixture_run(other, "INSERT INTO removed (id) VALUES ('b')");
    db_rollback(other);
    db_rollback(other);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM removed"), 1);
    db_close(other);
}

static void a_commit_that_fails_is_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    assert_int_equal(db_commit(fixture->db, &error), -1); /* without a transaction */
    assert_int_equal(db_begin(fixture->db, &error), 0);
    fixture_run(fixture->db, "PRAGMA defer_foreign_keys = ON");
    fixture_run(fixture->db, "INSERT INTO rates VALUES (12345, 1)");
    assert_int_equal(db_commit(fixture->db, &error), -1);
    assert_false(db_in_transaction(fixture->db));
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM rates"), 0);
}

static void a_full_disk_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    fixture_number(fixture->db, "PRAGMA max_page_count = 1"); /* as many as there are */
    assert_int_equal(sql_run(fixture->db, "INSERT INTO removed (id) VALUES (hex(zeroblob(1000000)))", NULL, &error),
                     -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.text, "full"));
}

static void the_log_is_copied_when_asked_and_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 40; i++)
        fixture_grow_log(fixture->db); /* past 1000 pages, where SQLite would by itself */
    int64_t size = fixture_log_size(fixture);
    assert_true(size > INT64_C(1000) * 4096);
    db_checkpoint(fixture->db, 1000000); /* not long enough for that */
    fixture_grow_log(fixture->db);
    assert_true(fixture_log_size(fixture) > size);
    size = fixture_log_size(fixture);
    for (int turn = 0; turn < 40; turn++) {
        db_checkpoint(fixture->db, 50);
        fixture_grow_log(fixture->db);
        assert_int_equal(fixture_log_size(fixture), size); /* written over from its start */
    }
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM removed"), 81);
}

static void copy_beside(struct copier *copier)
{
    assert_true(copier_ask(copier));
    while (copier_works(copier))
        uv_sleep(1);
}

static void the_log_is_copied_by_another_thread(void **state)
{
    struct fixture *fixture = *state;
    struct copier *copier = copier_open(fixture->db);
    assert_non_null(copier);
    for (int i = 0; i < 20; i++)
        fixture_grow_log(fixture->db);
    int64_t size = fixture_log_size(fixture);
    for (int turn = 0; turn < 20; turn++) {
        copy_beside(copier);
        fixture_grow_log(fixture->db);
        assert_int_equal(fixture_log_size(fixture), size); /* written over from its start */
    }
    assert_true(copier_ask(copier));
    copier_close(copier); /* may be in the middle of it */
    assert_false(copier_ask(NULL) || copier_works(NULL));
    copier_close(NULL);
}

static void a_reader_does_not_stop_the_log(void **state)
{
    struct fixture *fixture = *state;
    struct db *reader = fixture_open(fixture->dir);
    assert_int_equal(db_begin_read(reader, NULL), 0);
    assert_int_equal(fixture_number(reader, "SELECT count(*) FROM removed"), 0);
    for (int turn = 0; turn < 5; turn++) {
        fixture_grow_log(fixture->db);
        db_checkpoint(fixture->db, 10);
    }
    assert_int_equal(fixture_number(reader, "SELECT count(*) FROM removed"), 0);
    db_rollback(reader);
    db_close(reader);
    fixture_grow_log(fixture->db);
    db_checkpoint(fixture->db, 10);
    int64_t size = fixture_log_size(fixture);
    fixture_grow_log(fixture->db);
    assert_int_equal(fixture_log_size(fixture), size);
}

/* In a child: what it answers with its exit status. */
static int in_child(int (*work)(const char *dir), const char *dir)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(work(dir));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_without_room(const char *dir)
{
    struct rlimit limit = {4096, 4096};
    struct error error = {0};
    struct db *db;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || db_open(&db, dir, &error) == 0)
        return 1;
    return error.text[0] && strstr(error.text, dir) ? 0 : 2;
}

static void what_could_not_be_written_is_no_half_database(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(in_child(open_without_room, fixture->dir), 0);
    fixture->db = fixture_open(fixture->dir);
    assert_true(text_is_uuid(db_instance(fixture->db)));
}

static int open_read_only(const char *dir)
{
    struct error error = {0};
    struct db *db;
    if (geteuid() == 0 && setuid(65534) < 0) /* root may write whatever the mode says */
        return 1;
    if (db_open(&db, dir, &error) == 0)
        return 2;
    return strstr(error.text, "read-only") && strstr(error.text, dir) ? 0 : 3;
}

static void a_file_that_cannot_be_written_is_said(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    db_close(fixture->db);
    fixture->db = NULL;
    fixture_file(fixture, path);
    assert_int_equal(chmod(fixture->dir, 0755), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(in_child(open_read_only, fixture->dir), 0);
}

static int open_once(const char *dir)
{
    struct error error = {0};
    struct db *db;
    char text[KEY_TEXT_LEN + 1];
    struct key key = {.name = "race", .scopes = KEY_EXECUTE, .rate_per_minute = 1, .credits = -1};
    int result = db_open(&db, dir, &error);
    if (result < 0 || keys_create(db, &key, text, &error) < 0)
        fprintf(stderr, "%s\n", error.text);
    else
        db_close(db);
    return error.code == ERROR_NONE ? 0 : 1;
}

static void many_may_open_first(void **state)
{
    enum { PROGRAMS_MAX = 6, TURNS = 5 };
    int programs = unless_short(PROGRAMS_MAX, 3); /* each waits for the others' migrations, for 5 s at most */
    struct fixture *fixture = *state;
    for (int turn = 0; turn < TURNS; turn++) {
        pid_t children[PROGRAMS_MAX];
        int start[2];
        char path[128];
        assert_int_equal(pipe(start), 0);
        for (int i = 0; i < programs; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                char none;
                close(start[1]);
                _exit(read(start[0], &none, 1) == 0 ? open_once(fixture->dir) : 2); /* all at once */
            }
        }
        close(start[0]);
        close(start[1]);
        for (int i = 0; i < programs; i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        struct db *db = fixture_open(fixture->dir);
        assert_int_equal(fixture_number(db, "SELECT count(*) FROM keys"), programs);
        assert_int_equal(fixture_number(db, "SELECT count(*) FROM instance"), 1);
        db_close(db);
        fixture_file(fixture, path);
        unlink(path);
        snprintf(path, sizeof(path), "%s/instance", fixture->dir);
        assert_int_equal(unlink(path), 0);
    }
}

/* Commits one row after another and tells the number of each after its commit, until it is killed. */
static void write_for_ever(const char *dir, int out)
{
    struct error error = {0};
    struct db *db;
    if (db_open(&db, dir, &error) < 0)
        _exit(1);
    for (int64_t i = 1;; i++) {
        if (db_begin(db, &error) < 0 ||
            sql_run(db, "INSERT INTO removed (id) VALUES (? || hex(zeroblob(2000)))", SQL_VALUES(SQL_I(i)), &error) <
                0 ||
            db_commit(db, &error) < 0 || write(out, &i, sizeof(i)) != sizeof(i))
            _exit(1);
    }
}

static void what_was_committed_survives_a_kill(void **state)
{
    struct fixture *fixture = *state;
    int64_t last = 0, next;
    int told[2], status;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0)
        write_for_ever(fixture->dir, told[1]);
    close(told[1]);
    while (last < 500 && read(told[0], &next, sizeof(next)) == sizeof(next))
        last = next;
    kill(child, SIGKILL);
    while (read(told[0], &next, sizeof(next)) == sizeof(next))
        last = next;
    close(told[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(last >= 500);

    fixture->db = fixture_open(fixture->dir);
    int64_t rows = fixture_number(fixture->db, "SELECT count(*) FROM removed");
    assert_true(rows == last || rows == last + 1); /* killed between a commit and its telling */
    assert_int_equal(
        fixture_number(fixture->db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static int lock_once(const char *dir)
{
    struct error error = {0};
    if (directory_lock(dir, &error) >= 0)
        return 1;
    return error.code == ERROR_CONFLICT && strstr(error.text, dir) ? 0 : 2;
}

static void one_server_at_a_time_holds_a_directory(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct stat found;
    rmdir(fixture->dir);
    int lock = directory_lock(fixture->dir, &error);
    assert_true(lock >= 0);
    assert_int_equal(stat(fixture->dir, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    assert_int_equal(lock_once(fixture->dir), 0);
    assert_int_equal(in_child(lock_once, fixture->dir), 0);
    struct db *db = fixture_open(fixture->dir); /* a command may, while a server runs */
    db_close(db);
    close(lock);
    lock = directory_lock(fixture->dir, &error);
    assert_true(lock >= 0);
    close(lock);
}

static void a_lock_that_cannot_be_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    char path[160];
    assert_int_equal(directory_lock("/proc/nowhere", &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
    snprintf(path, sizeof(path), "%s/lock", fixture->dir);
    mkdir(path, 0700);
    assert_int_equal(directory_lock(fixture->dir, &error), -1);
    assert_non_null(strstr(error.text, "can't be locked"));
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_dir(a_new_file_is_set_up),
        fixture_test(the_instance_stays),
        fixture_test(a_newer_file_is_refused_untouched),
        fixture_test_dir(a_file_that_is_not_ours_is_refused),
        fixture_test_dir(a_directory_that_cannot_be_is_named),
        fixture_test_dir(migrations_go_on_from_where_the_file_is),
        fixture_test_dir(a_migration_that_fails_leaves_the_file_as_it_was),
        fixture_test(statements_are_kept_up_to_a_number),
        fixture_test(statements_that_fail),
        fixture_test(values_go_in_and_out),
        fixture_test(transactions),
        fixture_test(a_commit_that_fails_is_rolled_back),
        fixture_test(a_full_disk_is_said),
        fixture_test(the_log_is_copied_when_asked_and_begins_anew),
        fixture_test(the_log_is_copied_by_another_thread),
        fixture_test(a_reader_does_not_stop_the_log),
        fixture_test_dir(what_could_not_be_written_is_no_half_database),
        fixture_test(a_file_that_cannot_be_written_is_said),
        fixture_test_dir(many_may_open_first),
        fixture_test_dir(what_was_committed_survives_a_kill),
        fixture_test_dir(one_server_at_a_time_holds_a_directory),
        fixture_test_dir(a_lock_that_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
