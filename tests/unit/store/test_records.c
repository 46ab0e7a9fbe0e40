#include "store/fixture.h"

#include "store/records.h"
#include "store/store.h"

#define NOW_MS (FIXTURE_NOW_NS / 1000000)

static void check(int result, const struct error *error)
{
    if (result < 0)
        fail_msg("%s", error->text);
}

static int64_t new_key(struct db *db)
{
    char text[KEY_TEXT_LEN + 1];
    return fixture_key(db, text).row;
}

static struct record pending(int64_t key, const char *session, const char *language)
{
    struct record record = {.key_row = key,
                            .created_ms = NOW_MS,
                            .execution_ns = -1,
                            .queue_ns = -1,
                            .cpu_ns = -1,
                            .memory_bytes = -1,
                            .code_bytes = 12};
    text_uuid(record.id);
    snprintf(record.session_id, sizeof(record.session_id), "%s", session);
    snprintf(record.language, sizeof(record.language), "%s", language);
    strcpy(record.version, "3.11.2");
    return record;
}

static struct record insert(struct db *db, int64_t key, const char *session, const char *language)
{
    struct error error = {0};
    struct record record = pending(key, session, language);
    check(records_insert(db, &record, &error), &error);
    return record;
}

static void finish(struct db *db, struct record *record, enum record_status status)
{
    struct error error = {0};
    record->status = status;
    record->ended_by_itself = true;
    record->exit_code = status == RECORD_COMPLETED ? 0 : 3;
    record->started_ms = record->created_ms + 2;
    record->completed_ms = record->created_ms + 10;
    record->execution_ns = 7000000;
    record->queue_ns = 2000000;
    record->cpu_ns = 5000000;
    record->memory_bytes = 9000000;
    record->stdout_bytes = 6;
    record->stderr_bytes = 0;
    check(records_finish(db, record, &error), &error);
}

static struct record get(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct record record = {0};
    check(records_get(db, key, id, &record, &error), &error);
    return record;
}

static void assert_no_record(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct record record;
    assert_int_equal(records_get(db, key, id, &record, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "Execution not found");
}

static struct session session_of(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct session session = {.executions = -1};
    check(sessions_get(db, key, id, &session, &error), &error);
    return session;
}

static void assert_no_session(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct session session;
    assert_int_equal(sessions_get(db, key, id, &session, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "Session not found");
}

/* All slices of it. */
static long purge(struct db *db)
{
    struct error error = {0};
    long gone, all = 0;
    while ((gone = records_purge(db, &error)) > 0)
        all += gone;
    check((int)gone, &error);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM purges"), 0);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM sessions WHERE removed"), 0);
    return all;
}

static int64_t rows(struct db *db)
{
    return fixture_number(db, "SELECT count(*) FROM executions");
}

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
    assert_false(session.workspace);
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

static int count_sessions(struct db *db, int64_t key);

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

struct page {
    int count;
    char ids[256][UUID_LEN + 1];
    int64_t last;
    int slices;
    bool more;
};

static bool add_record(struct record *record, void *arg)
{
    struct page *page = arg;
    assert_true(page->last == 0 || record->sequence < page->last);
    memcpy(page->ids[page->count++], record->id, sizeof(record->id));
    page->last = record->sequence;
    return true;
}

static struct page list(struct db *db, struct record_filter filter)
{
    struct error error = {0};
    struct page page = {0};
    int result;
    do {
        result = records_list(db, &filter, add_record, &page, &page.more, &error);
        check(result, &error);
        page.slices++;
    } while (result == STORE_MORE);
    return page;
}

/* They stand before what is listed, and cost slices, but no page. */
static void lists_pass_over_what_was_removed(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record old = insert(db, key, "", "python"), older;
    fixture_fill(db, key, "", 3);
    insert(db, key, "s", "python");
    fixture_fill(db, key, "s", 50000);
    older = insert(db, key, "", "bash");
    check(sessions_delete(db, key, "s", &error), &error);
    for (int i = 0; i < 2; i++) {
        struct record_filter filter = {.key_row = key, .status = -1, .limit = 3};
        fixture_step_ns = i ? STORE_READING_SLICE_NS : 0;
        struct page page = list(db, filter);
        assert_int_equal(page.count, 3);
        assert_string_equal(page.ids[0], older.id);
        assert_true(page.more);
        assert_true(i == 0 || page.slices >= 50000);
        filter.before = page.last;
        page = list(db, filter);
        assert_int_equal(page.count, 2);
        assert_string_equal(page.ids[1], old.id);
        assert_false(page.more);
    }
}

static void lists_are_newest_first_and_go_on_by_cursor(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    struct record made[5];
    struct record_filter filter = {.key_row = key, .status = -1, .limit = 2};
    assert_int_equal(list(db, filter).count, 0);
    assert_false(list(db, filter).more);
    for (int i = 0; i < 5; i++)
        made[i] = insert(db, key, "", "python");
    for (int i = 4; i >= 0; i -= 2) {
        struct page page = list(db, filter);
        assert_int_equal(page.count, i > 0 ? 2 : 1);
        assert_string_equal(page.ids[0], made[i].id);
        assert_int_equal(page.more, i > 0);
        filter.before = page.last;
        if (i == 4)
            insert(db, key, "", "python"); /* what comes meanwhile moves nothing */
    }
    filter.limit = 6;
    filter.before = 0;
    assert_int_equal(list(db, filter).count, 6);
    assert_false(list(db, filter).more); /* exactly all */
}

static void filters_alone_and_together(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), other = new_key(db);
    static const struct {
        const char *session, *language;
        enum record_status status;
    } made[] = {
        {"a", "python", RECORD_COMPLETED}, {"a", "bash", RECORD_FAILED}, {"b", "python", RECORD_FAILED},
        {"", "python", RECORD_COMPLETED},  {"", "c", RECORD_PENDING},
    };
    static const struct {
        const char *session, *language;
        int status, count;
    } asked[] = {
        {NULL, NULL, -1, 5},
        {"a", NULL, -1, 2},
        {"b", NULL, -1, 1},
        {"c", NULL, -1, 0},
        {NULL, "python", -1, 3},
        {NULL, "cobol", -1, 0},
        {NULL, NULL, RECORD_FAILED, 2},
        {NULL, NULL, RECORD_PENDING, 1},
        {NULL, NULL, RECORD_LOST, 0},
        {"a", "python", -1, 1},
        {"a", NULL, RECORD_FAILED, 1},
        {NULL, "python", RECORD_COMPLETED, 2},
        {"a", "python", RECORD_COMPLETED, 1},
        {"a", "python", RECORD_FAILED, 0},
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        struct record record = insert(db, key, made[i].session, made[i].language);
        if (made[i].status != RECORD_PENDING)
            finish(db, &record, made[i].status);
    }
    insert(db, other, "a", "python");
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct record_filter filter = {.key_row = key,
                                       .session_id = asked[i].session,
                                       .language = asked[i].language,
                                       .status = asked[i].status,
                                       .limit = 200};
        if (list(db, filter).count != asked[i].count)
            fail_msg("filter %zu: %d", i, list(db, filter).count);
    }
}

static void a_limit_out_of_range_is_refused(void **state)
{
    static const unsigned limits[] = {0, 201};
    struct db *db = ((struct fixture *)*state)->db;
    for (size_t i = 0; i < 2; i++) {
        struct error error = {0};
        struct page page = {0};
        struct record_filter filter = {.key_row = 1, .status = -1, .limit = limits[i]};
        assert_int_equal(records_list(db, &filter, add_record, &page, &page.more, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, "limit: must be an integer from 1 to 200");
        assert_int_equal(sessions_list(db, 1, 0, limits[i], NULL, NULL, &page.more, &error), -1);
    }
}

static void add_session(const struct session *session, void *arg)
{
    struct page *page = arg;
    assert_true(page->last == 0 || session->sequence < page->last);
    snprintf(page->ids[page->count++], sizeof(page->ids[0]), "%.36s", session->id);
    page->last = session->sequence;
}

static void assert_no_scan(struct db *db, const char *query)
{
    char sql[2048];
    sqlite3_stmt *plan;
    snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", query);
    assert_int_equal(sqlite3_prepare_v2(db_handle(db), sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if ((strstr(step, "SCAN") && !strstr(step, "SCAN CONSTANT ROW") && !strstr(step, "SCAN purges")) ||
            strstr(step, "TEMP B-TREE"))
            fail_msg("%s: %s", query, step);
    }
    sqlite3_finalize(plan);
}

/* All that GET /executions can filter by, together and alone. */
static void list_all_combinations(struct db *db, int64_t key)
{
    for (unsigned by = 0; by < 8; by++)
        list(db, (struct record_filter){.key_row = key,
                                        .session_id = by & 1 ? "s" : NULL,
                                        .language = by & 2 ? "c" : NULL,
                                        .status = by & 4 ? RECORD_COMPLETED : -1,
                                        .limit = 1});
}

/* Each statement on records and sessions that the functions have prepared is answered from an index, in its order. */
static void nothing_scans_a_table(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct page page = {0};
    int64_t key = new_key(db);
    int checked = 0;
    struct record made = insert(db, key, "s", "c"), other = insert(db, key, "s", "c"), never = pending(key, "", "c");
    finish(db, &made, RECORD_COMPLETED);
    finish(db, &never, RECORD_COMPLETED);
    list_all_combinations(db, key);
    check(sessions_list(db, key, 0, 1, add_session, &page, &page.more, &error), &error);
    session_of(db, key, "s");
    get(db, key, made.id);
    check(sessions_delete(db, key, "s", &error), &error);
    finish(db, &other, RECORD_COMPLETED);
    insert(db, key, "s", "c");
    purge(db);
    assert_int_equal(records_mark_lost(db, &(int64_t){-1}, &error), 1);
    assert_int_equal(records_expire(db, NOW_MS, &error), 0);
    for (sqlite3_stmt *kept = NULL; (kept = sqlite3_next_stmt(db_handle(db), kept));) {
        if (!strstr(sqlite3_sql(kept), "executions") && !strstr(sqlite3_sql(kept), "sessions"))
            continue;
        assert_no_scan(db, sqlite3_sql(kept));
        checked++;
    }
    assert_true(checked >= 27);
}

/* With rows in it SQLite chooses as it does without: each list uses all of its filters' columns. */
static void each_combination_of_filters_has_its_index(void **state)
{
    static const char *const columns[] = {"session_id=?", "language=?", "status=?"};
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    int lists = 0;
    list_all_combinations(db, key);
    for (sqlite3_stmt *kept = NULL; (kept = sqlite3_next_stmt(db_handle(db), kept));) {
        const char *sql = sqlite3_sql(kept), *filters = strstr(sql, "sequence < ?");
        sqlite3_stmt *plan;
        char explain[2048];
        if (!filters)
            continue;
        snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
        assert_int_equal(sqlite3_prepare_v2(db_handle(db), explain, -1, &plan, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        assert_non_null(strstr(step, "SEARCH e USING"));
        assert_non_null(strstr(step, "key_row=?"));
        assert_non_null(strstr(step, "rowid<?"));
        for (size_t i = 0; i < 3; i++) {
            char filter[32];
            snprintf(filter, sizeof(filter), "%.*s = ?", (int)strcspn(columns[i], "="), columns[i]);
            if (!strstr(step, columns[i]) != !strstr(filters, filter))
                fail_msg("%s: %s", sql, step);
        }
        sqlite3_finalize(plan);
        lists++;
    }
    assert_int_equal(lists, 8);
}

static int count_sessions(struct db *db, int64_t key)
{
    struct error error = {0};
    struct page page = {0};
    check(sessions_list(db, key, 0, 200, add_session, &page, &page.more, &error), &error);
    return page.count;
}

static void sessions_newest_first(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct page page = {0}, rest = {0};
    insert(db, key, "one", "python");
    insert(db, key, "two", "python");
    insert(db, key, "three", "python");
    insert(db, key, "one", "python"); /* used again, but not newer */
    insert(db, new_key(db), "other", "python");
    check(sessions_list(db, key, 0, 2, add_session, &page, &page.more, &error), &error);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.ids[0], "three");
    assert_string_equal(page.ids[1], "two");
    assert_true(page.more);
    check(sessions_list(db, key, page.last, 2, add_session, &rest, &rest.more, &error), &error);
    assert_int_equal(rest.count, 1);
    assert_string_equal(rest.ids[0], "one");
    assert_false(rest.more);
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
    snprintf(sql, sizeof(sql), "UPDATE sessions SET expires_ms = iif(id = 'later', %lld, %lld)", (long long)NOW_MS,
             (long long)cut - 1);
    assert_int_equal(sqlite3_exec(db_handle(db), sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(records_expire(db, cut, &error), 3); /* two records and a session */
    assert_int_equal(records_expire(db, cut, &error), 0);
    assert_no_session(db, key, "expired");
    assert_int_equal(session_of(db, key, "later").expires_ms, NOW_MS);
    assert_int_equal(records_expire(db, NOW_MS + 1, &error), 1);
    assert_no_session(db, key, "later");
}

static void statuses_in_words(void **state)
{
    (void)state;
    static const char *const names[] = {"pending",       "running",        "completed", "failed", "timed_out",
                                        "out_of_memory", "compile_failed", "cancelled", "lost"};
    enum record_status status = RECORD_LOST;
    assert_int_equal(sizeof(names) / sizeof(names[0]), RECORD_STATUSES);
    for (int i = 0; i < RECORD_STATUSES; i++) {
        assert_string_equal(record_status_name((enum record_status)i), names[i]);
        assert_int_equal(record_status_parse(names[i], &status), 0);
        assert_int_equal(status, i);
    }
    assert_int_equal(record_status_parse("Pending", &status), -1);
    assert_int_equal(record_status_parse("", &status), -1);
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
    assert_int_equal(sqlite3_exec(db_handle(db),
                                  "PRAGMA foreign_keys = OFF; DROP TABLE executions; DROP TABLE sessions;"
                                  " DROP TABLE probes; DROP TABLE removed",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
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
    assert_int_equal(probes_get(db, "x", "y", &facts, &error), -1);
    assert_null(facts);
    assert_int_equal(probes_put(db, "x", "y", "{}", &error), -1);
}

static void assert_facts(struct db *db, const char *language, const char *fingerprint, const char *expected)
{
    struct error error = {0};
    char *facts;
    check(probes_get(db, language, fingerprint, &facts, &error), &error);
    if (expected)
        assert_string_equal(facts, expected);
    else
        assert_null(facts);
    free(facts);
}

static void probes_are_kept_and_replaced(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    char fingerprint[16];
    assert_facts(db, "python", "sha256:a", NULL);
    check(probes_put(db, "python", "sha256:a", "{\"v\":1}", &error), &error);
    check(probes_put(db, "bash", "sha256:a", "{}", &error), &error);
    check(probes_put(db, "python", "sha256:a", "{\"v\":2}", &error), &error);
    assert_facts(db, "python", "sha256:a", "{\"v\":2}");
    assert_facts(db, "python", "sha256:b", NULL);
    for (int i = 0; i < PROBES_MAX; i++) {
        fixture_now_ns += 1000000;
        snprintf(fingerprint, sizeof(fingerprint), "n%d", i);
        check(probes_put(db, "python", fingerprint, "{}", &error), &error);
    }
    assert_facts(db, "python", "sha256:a", NULL); /* the oldest made room */
    assert_facts(db, "python", "n0", "{}");
    assert_facts(db, "bash", "sha256:a", "{}");
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM probes"), PROBES_MAX + 1);
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
        fixture_test(lists_pass_over_what_was_removed),
        fixture_test(each_combination_of_filters_has_its_index),
        fixture_test(a_restart_marks_what_was_lost),
        fixture_test(lists_are_newest_first_and_go_on_by_cursor),
        fixture_test(filters_alone_and_together),
        fixture_test(a_limit_out_of_range_is_refused),
        fixture_test(nothing_scans_a_table),
        fixture_test(sessions_newest_first),
        fixture_test(retention_takes_what_is_old_in_portions),
        fixture_test(sessions_go_once_expired_unused_and_empty),
        cmocka_unit_test(statuses_in_words),
        fixture_test(a_record_of_no_key_is_an_error),
        fixture_test(a_failing_database_is_said_by_each),
        fixture_test(probes_are_kept_and_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
