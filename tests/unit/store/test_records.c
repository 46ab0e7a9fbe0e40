#include "store/records_fixture.h"

#include "store/image_facts.h"
#include "store/slice.h"

static void a_record_from_acceptance_to_end(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    struct record made = insert(db, key, "", "python"), found = get(db, key, made.id);
    assert_string_equal(found.id, made.id);
    assert_int_equal(found.key_row, key);
    assert_string_equal(found.session_id, "");
    assert_string_equal(found.language, "python");
    assert_string_equal(found.version, "3.11.2");
    assert_int_equal(found.status, RECORD_PENDING);
    assert_false(found.ended_by_itself);
    assert_int_equal(found.created_ms, NOW_MS);
    assert_int_equal(found.started_ms, 0);
    assert_int_equal(found.completed_ms, 0);
    assert_int_equal(found.execution_ns, -1);
    assert_int_equal(found.queue_ns, -1);
    assert_int_equal(found.cpu_ns, -1);
    assert_int_equal(found.memory_bytes, -1);
    assert_int_equal(found.code_bytes, 12);
    assert_null(found.code);
    assert_true(found.sequence > 0);

    finish(db, &made, RECORD_FAILED);
    found = get(db, key, made.id);
    assert_int_equal(found.status, RECORD_FAILED);
    assert_true(found.ended_by_itself);
    assert_int_equal(found.exit_code, 3);
    assert_int_equal(found.started_ms, NOW_MS + 2);
    assert_int_equal(found.completed_ms, NOW_MS + 10);
    assert_int_equal(found.execution_ns, 7000000);
    assert_int_equal(found.queue_ns, 2000000);
    assert_int_equal(found.cpu_ns, 5000000);
    assert_int_equal(found.memory_bytes, 9000000);
    assert_int_equal(found.stdout_bytes, 6);
    assert_int_equal(found.stderr_bytes, 0);
    assert_null(found.out);
    assert_null(found.err);
}

static void what_is_kept_comes_back_byte_by_byte(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    char code[] = "a\0b", out[] = "\xff\0\n";
    struct record made = pending(key, "", "c");
    made.code = code;
    made.code_len = 3;
    check(records_insert(db, &made, &error), &error);
    made.out = out;
    made.out_len = 3;
    made.err = out;
    made.err_len = 0;
    finish(db, &made, RECORD_COMPLETED);
    struct record found = get(db, key, made.id);
    assert_int_equal(found.code_len, 3);
    assert_memory_equal(found.code, "a\0b", 4);
    assert_int_equal(found.out_len, 3);
    assert_memory_equal(found.out, "\xff\0\n", 4);
    assert_int_equal(found.err_len, 0);
    assert_string_equal(found.err, "");
    record_clear(&found);
    assert_null(found.out);
}

static void an_end_that_is_not_known_stays_null(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record made = insert(db, key, "s", "bash");
    made.status = RECORD_CANCELLED;
    made.completed_ms = NOW_MS + 1;
    check(records_finish(db, &made, &error), &error);
    struct record found = get(db, key, made.id);
    assert_int_equal(found.status, RECORD_CANCELLED);
    assert_false(found.ended_by_itself);
    assert_int_equal(found.started_ms, 0);
    assert_int_equal(found.execution_ns, -1);
    assert_int_equal(session_of(db, key, "s").execution_ns, 0);
}

static void inserting_twice_changes_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record made = insert(db, key, "s", "python");
    check(records_insert(db, &made, &error), &error);
    finish(db, &made, RECORD_COMPLETED);
    check(records_insert(db, &made, &error), &error);
    assert_int_equal(rows(db), 1);
    assert_int_equal(get(db, key, made.id).status, RECORD_COMPLETED);
    assert_int_equal(session_of(db, key, "s").executions, 1);
}

static void finishing_twice_counts_once(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    struct record made = insert(db, key, "s", "python");
    finish(db, &made, RECORD_COMPLETED);
    finish(db, &made, RECORD_FAILED);
    assert_int_equal(rows(db), 1);
    assert_int_equal(get(db, key, made.id).status, RECORD_COMPLETED);
    assert_int_equal(session_of(db, key, "s").executions, 1);
    assert_int_equal(session_of(db, key, "s").execution_ns, 7000000);
}

static void finishing_without_an_insert_leaves_the_record(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    struct record made = pending(key, "s", "python");
    finish(db, &made, RECORD_TIMED_OUT);
    assert_int_equal(get(db, key, made.id).status, RECORD_TIMED_OUT);
    assert_int_equal(session_of(db, key, "s").executions, 1);
    assert_int_equal(session_of(db, key, "s").execution_ns, 7000000);
    finish(db, &made, RECORD_COMPLETED);
    assert_int_equal(get(db, key, made.id).status, RECORD_TIMED_OUT);
    assert_int_equal(session_of(db, key, "s").executions, 1);
}

static void a_session_counts_its_executions(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record first = insert(db, key, "work-1", "python"), second = pending(key, "work-1", "bash");
    struct session session = session_of(db, key, "work-1");
    assert_string_equal(session.id, "work-1");
    assert_int_equal(session.created_ms, NOW_MS);
    assert_int_equal(session.last_used_ms, NOW_MS);
    assert_int_equal(session.expires_ms, 0);
    assert_false(session.workspace.row != 0);
    assert_int_equal(session.executions, 1);
    assert_int_equal(session.execution_ns, 0);

    second.created_ms = NOW_MS + 1000;
    check(records_insert(db, &second, &error), &error);
    finish(db, &first, RECORD_COMPLETED); /* before the second began: last use stays */
    session = session_of(db, key, "work-1");
    assert_int_equal(session.last_used_ms, NOW_MS + 1000);
    finish(db, &second, RECORD_FAILED);
    session = session_of(db, key, "work-1");
    assert_int_equal(session.created_ms, NOW_MS);
    assert_int_equal(session.last_used_ms, NOW_MS + 1010);
    assert_int_equal(session.executions, 2);
    assert_int_equal(session.execution_ns, 14000000);
}

static void a_key_sees_its_own_only(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t mine = new_key(db), other = new_key(db);
    struct record made = insert(db, mine, "same", "python");
    insert(db, other, "same", "python");
    assert_no_record(db, other, made.id);
    assert_int_equal(session_of(db, mine, "same").executions, 1);
    made.key_row = other; /* nor finishes another's */
    finish(db, &made, RECORD_COMPLETED);
    assert_int_equal(get(db, mine, made.id).status, RECORD_PENDING);
    check(sessions_delete(db, other, "same", &error), &error);
    assert_no_session(db, other, "same");
    assert_int_equal(session_of(db, mine, "same").executions, 1);
    assert_int_equal(get(db, mine, made.id).status, RECORD_PENDING);
}

static void a_deleted_session_takes_its_records(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record ended = insert(db, key, "s", "python"), kept = insert(db, key, "t", "python");
    finish(db, &ended, RECORD_COMPLETED);
    check(sessions_delete(db, key, "s", &error), &error);
    assert_no_session(db, key, "s");
    assert_no_record(db, key, ended.id);
    assert_int_equal(get(db, key, kept.id).status, RECORD_PENDING);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM removed"), 0);
    assert_int_equal(sessions_delete(db, key, "s", &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "Session not found");
    assert_int_equal(rows(db), 2);
    assert_true(purge(db) > 0);
    assert_int_equal(rows(db), 1);
    assert_int_equal(get(db, key, kept.id).status, RECORD_PENDING);
}

static void what_runs_in_a_deleted_session_does_not_come_back(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record one = insert(db, key, "s", "python"), two = insert(db, key, "s", "python");
    check(sessions_delete(db, key, "s", &error), &error);
    finish(db, &one, RECORD_CANCELLED);
    assert_no_record(db, key, one.id);
    assert_no_session(db, key, "s");

    struct record later = insert(db, key, "s", "python"); /* a new session of the same name */
    finish(db, &two, RECORD_CANCELLED);
    assert_no_record(db, key, two.id);
    assert_int_equal(session_of(db, key, "s").executions, 1);
    assert_int_equal(session_of(db, key, "s").execution_ns, 0);
    finish(db, &later, RECORD_COMPLETED);
    assert_int_equal(session_of(db, key, "s").execution_ns, 7000000);
    purge(db);
    assert_int_equal(rows(db), 1);
    assert_int_equal(get(db, key, later.id).status, RECORD_COMPLETED);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM removed"), 0); /* nothing is left noted */
}

/* The same, but the rows have gone before the end comes. */
static void what_ends_after_its_row_has_gone_does_not_come_back(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record one = insert(db, key, "s", "python");
    check(sessions_delete(db, key, "s", &error), &error);
    purge(db);
    assert_int_equal(rows(db), 0);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM removed"), 1);
    finish(db, &one, RECORD_CANCELLED);
    assert_int_equal(rows(db), 0);
    assert_no_session(db, key, "s");
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM removed"), 0);
}

static void a_removed_sessions_id_is_free_at_once(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record old = insert(db, key, "s", "python"), between = insert(db, key, "t", "python");
    finish(db, &old, RECORD_COMPLETED);
    fixture_fill(db, key, "s", 1000);
    int64_t sequence = session_of(db, key, "s").sequence, after = session_of(db, key, "t").sequence;
    check(sessions_delete(db, key, "s", &error), &error);
    assert_int_equal(count_sessions(db, key), 1);
    struct record fresh = pending(key, "s", "bash");
    fresh.created_ms = NOW_MS + 5;
    check(records_insert(db, &fresh, &error), &error);
    struct session session = session_of(db, key, "s");
    assert_int_equal(session.created_ms, NOW_MS + 5);
    assert_int_equal(session.last_used_ms, NOW_MS + 5);
    assert_int_equal(session.executions, 1);
    assert_int_equal(session.execution_ns, 0);
    assert_true(session.sequence > sequence && session.sequence > after); /* it is the newest */
    assert_int_equal(count_sessions(db, key), 2);
    check(sessions_delete(db, key, "s", &error), &error); /* and once more, before the first has gone */
    assert_no_record(db, key, fresh.id);
    struct record last = insert(db, key, "s", "bash");
    assert_int_equal(rows(db), 1004);
    assert_true(purge(db) > 1000);
    assert_int_equal(rows(db), 2);
    assert_int_equal(session_of(db, key, "s").executions, 1);
    assert_int_equal(get(db, key, last.id).status, RECORD_PENDING);
    assert_int_equal(get(db, key, between.id).status, RECORD_PENDING);
}

static void a_slice_ends_early_for_what_is_short(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    atomic_bool wanted = false;
    int64_t key = new_key(fixture->db);
    db_set_wanted(fixture->db, &wanted);
    insert(fixture->db, key, "s", "python");
    fixture_fill(fixture->db, key, "s", 999);
    check(sessions_delete(fixture->db, key, "s", &error), &error);
    fixture_step_ns = SLICE_LEAST_NS;
    long alone = records_purge(fixture->db, &error);
    atomic_store(&wanted, true);
    long beside = records_purge(fixture->db, &error);
    assert_in_range(beside, 1, alone / 5);
    db_set_wanted(fixture->db, NULL);
}

/* A slice does a portion at least, and no more once its time is over; a program that ends between two of them leaves
 * the rest to the next. */
static void what_is_long_goes_in_slices(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    int64_t key = new_key(fixture->db), before = 1000, newest = -1;
    insert(fixture->db, key, "s", "python");
    fixture_fill(fixture->db, key, "s", 999);
    check(sessions_delete(fixture->db, key, "s", &error), &error);
    fixture_step_ns = STORE_READING_SLICE_NS;
    int slices = 0;
    for (long gone; (gone = records_purge(fixture->db, &error)) > 0; slices++) {
        assert_in_range(gone, 1, 100);
        if (slices != 5)
            continue;
        db_close(fixture->db);
        fixture->db = fixture_open(fixture->dir);
    }
    assert_true(slices >= 10);
    assert_int_equal(rows(fixture->db), 0);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM sessions"), 0);

    fixture_fill(fixture->db, key, "", 1000);
    fixture_run(fixture->db, "UPDATE executions SET status = 0 WHERE sequence % 2 = 0");
    for (slices = 0; records_mark_lost(fixture->db, &newest, &error) > 0; slices++)
        ;
    assert_in_range(slices, 5, 500);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM executions WHERE status = 8"), 500);
    for (slices = 0; records_expire(fixture->db, NOW_MS, &error) > 0; slices++) {
        assert_true(rows(fixture->db) >= 1000 - (slices + 1) * 100);
        before = rows(fixture->db);
    }
    assert_in_range(slices, 10, 1000);
    assert_int_equal(before, 0);
}

static void a_restart_marks_what_was_lost(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    int64_t key = new_key(fixture->db);
    struct record open = insert(fixture->db, key, "s", "python"), running = insert(fixture->db, key, "", "python"),
                  ended = insert(fixture->db, key, "", "python"), gone = insert(fixture->db, key, "x", "python");
    finish(fixture->db, &ended, RECORD_COMPLETED);
    finish(fixture->db, &running, RECORD_RUNNING);
    check(sessions_delete(fixture->db, key, "x", &error), &error);
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_int_equal(records_mark_lost(fixture->db, &(int64_t){-1}, &error), 3);
    assert_int_equal(records_mark_lost(fixture->db, &(int64_t){-1}, &error), 0);
    assert_int_equal(get(fixture->db, key, open.id).status, RECORD_LOST);
    assert_int_equal(get(fixture->db, key, open.id).completed_ms, 0);
    assert_int_equal(get(fixture->db, key, running.id).status, RECORD_LOST);
    assert_int_equal(get(fixture->db, key, ended.id).status, RECORD_COMPLETED);
    assert_no_record(fixture->db, key, gone.id);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM removed"), 0);
}

static struct record insert_at(struct db *db, int64_t key, const char *session, int64_t created_ms, bool ended)
{
    struct error error = {0};
    struct record record = pending(key, session, "python");
    record.created_ms = created_ms;
    check(records_insert(db, &record, &error), &error);
    if (ended)
        finish(db, &record, RECORD_COMPLETED);
    return record;
}

static void retention_takes_what_is_old_in_portions(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db), old = NOW_MS - 100000, cut = NOW_MS - 50000;
    for (int i = 0; i < 5; i++)
        insert_at(db, key, i % 2 ? "old" : "", old + i, true);
    insert_at(db, key, "mixed", old, true);
    struct record young = insert_at(db, key, "mixed", NOW_MS, true), edge = insert_at(db, key, "", cut, true),
                  running = insert_at(db, key, "runs", old, false);
    assert_int_equal(records_expire(db, old, &error), 0);
    fixture_step_ns = STORE_READING_SLICE_NS;
    assert_int_equal(records_expire(db, cut, &error), 6);
    assert_int_equal(rows(db), 3);
    assert_int_equal(session_of(db, key, "old").executions, 2); /* its turn is later; its count stays */
    assert_int_equal(records_expire(db, cut, &error), 1);
    assert_int_equal(records_expire(db, cut, &error), 0);
    assert_no_session(db, key, "old");
    assert_int_equal(session_of(db, key, "mixed").executions, 2);
    assert_int_equal(get(db, key, young.id).status, RECORD_COMPLETED);
    assert_int_equal(get(db, key, edge.id).status, RECORD_COMPLETED);
    assert_int_equal(get(db, key, running.id).status, RECORD_PENDING);
    assert_int_equal(session_of(db, key, "runs").executions, 1);
}

static void sessions_go_once_expired_unused_and_empty(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db), old = NOW_MS - 100000, cut = NOW_MS - 50000;
    insert_at(db, key, "later", old, true);
    insert_at(db, key, "expired", old, true);
    char sql[128];
    snprintf(sql, sizeof(sql), "UPDATE sessions SET expires_ms = iif(id = 'later', %lld, %lld)", (long long)NOW_MS + 1,
             (long long)cut - 1);
    fixture_run(db, sql);
    assert_int_equal(records_expire(db, cut, &error), 3); /* two records and a session */
    assert_int_equal(records_expire(db, cut, &error), 0);
    assert_no_session(db, key, "expired");
    assert_int_equal(session_of(db, key, "later").expires_ms, NOW_MS + 1);
    assert_int_equal(records_expire(db, NOW_MS + 2, &error), 1);
    assert_no_session(db, key, "later");
}

static void statuses_in_words(void **state)
{
    (void)state;
    static const char *const names[] = {"pending",       "running",        "completed", "failed", "timed_out",
                                        "out_of_memory", "compile_failed", "cancelled", "lost"};
    assert_int_equal(sizeof(names) / sizeof(names[0]), RECORD_STATUSES);
    for (int i = 0; i < RECORD_STATUSES; i++) {
        assert_string_equal(record_status_name((enum record_status)i), names[i]);
        assert_string_equal(record_status_names[i], names[i]);
    }
    assert_null(record_status_names[RECORD_STATUSES]);
}

static void a_record_of_no_key_is_an_error(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct record record = pending(999, "", "python"), grouped = pending(999, "s", "python");
    assert_int_equal(records_insert(db, &record, &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_int_equal(records_insert(db, &grouped, &error), -1);
    assert_int_equal(records_finish(db, &record, &error), -1);
    assert_int_equal(rows(db), 0);
}

static void a_failing_database_is_said_by_each(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct record record = pending(1, "", "python");
    struct record_filter filter = {.key_row = 1, .status = -1, .limit = 1};
    struct session session;
    struct page page = {0};
    struct error error = {0};
    char *facts;
    fixture_run(db, "PRAGMA foreign_keys = OFF; DROP TABLE executions; DROP TABLE sessions;"
                    " DROP TABLE image_facts; DROP TABLE removed");
    assert_int_equal(records_insert(db, &record, &error), -1);
    assert_int_equal(records_finish(db, &record, &error), -1);
    assert_int_equal(records_get(db, 1, "x", &record, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(records_list(db, &filter, add_record, &page, &page.more, &error), -1);
    assert_int_equal(records_mark_lost(db, &(int64_t){-1}, &error), -1);
    assert_int_equal(records_expire(db, 1, &error), -1);
    assert_int_equal(sessions_get(db, 1, "x", &session, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(sessions_list(db, 1, 0, 1, add_session, &page, &page.more, &error), -1);
    assert_int_equal(sessions_delete(db, 1, "x", &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(records_purge(db, &error), 0); /* it has a table of its own */
    fixture_run(db, "INSERT INTO purges VALUES (1, 'x', 1)");
    assert_int_equal(records_purge(db, &error), -1);
    assert_int_equal(stored_facts_get(db, "x", "y", &facts, &error), -1);
    assert_null(facts);
    assert_int_equal(stored_facts_put(db, "x", "y", "{}", &error), -1);
}

static void assert_facts(struct db *db, const char *language, const char *fingerprint, const char *expected)
{
    struct error error = {0};
    char *facts;
    check(stored_facts_get(db, language, fingerprint, &facts, &error), &error);
    if (expected)
        assert_string_equal(facts, expected);
    else
        assert_null(facts);
    free(facts);
}

static void image_facts_are_kept_and_replaced(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    char fingerprint[16];
    assert_facts(db, "python", "sha256:a", NULL);
    check(stored_facts_put(db, "python", "sha256:a", "{\"v\":1}", &error), &error);
    check(stored_facts_put(db, "bash", "sha256:a", "{}", &error), &error);
    check(stored_facts_put(db, "python", "sha256:a", "{\"v\":2}", &error), &error);
    assert_facts(db, "python", "sha256:a", "{\"v\":2}");
    assert_facts(db, "python", "sha256:b", NULL);
    for (int i = 0; i < STORED_FACTS_MAX; i++) {
        fixture_now_ns += 1000000;
        snprintf(fingerprint, sizeof(fingerprint), "n%d", i);
        check(stored_facts_put(db, "python", fingerprint, "{}", &error), &error);
    }
    assert_facts(db, "python", "sha256:a", NULL); /* the oldest made room */
    assert_facts(db, "python", "n0", "{}");
    assert_facts(db, "bash", "sha256:a", "{}");
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM image_facts"), STORED_FACTS_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_record_from_acceptance_to_end),
        fixture_test(what_is_kept_comes_back_byte_by_byte),
        fixture_test(an_end_that_is_not_known_stays_null),
        fixture_test(inserting_twice_changes_nothing),
        fixture_test(finishing_twice_counts_once),
        fixture_test(finishing_without_an_insert_leaves_the_record),
        fixture_test(a_session_counts_its_executions),
        fixture_test(a_key_sees_its_own_only),
        fixture_test(a_deleted_session_takes_its_records),
        fixture_test(what_runs_in_a_deleted_session_does_not_come_back),
        fixture_test(what_ends_after_its_row_has_gone_does_not_come_back),
        fixture_test(a_removed_sessions_id_is_free_at_once),
        fixture_test(what_is_long_goes_in_slices),
        fixture_test(a_slice_ends_early_for_what_is_short),
        fixture_test(a_restart_marks_what_was_lost),
        fixture_test(retention_takes_what_is_old_in_portions),
        fixture_test(sessions_go_once_expired_unused_and_empty),
        cmocka_unit_test(statuses_in_words),
        fixture_test(a_record_of_no_key_is_an_error),
        fixture_test(a_failing_database_is_said_by_each),
        fixture_test(image_facts_are_kept_and_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
