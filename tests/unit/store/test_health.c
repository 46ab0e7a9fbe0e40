/* Whether a record can be written: what the store finds out, when it trusts again, and what it owes meanwhile. */
#include "store/fixture.h"

#include "base/log.h"
#include "base/metrics.h"
#include "store/credits.h"
#include "store/health.h"
#include "store/owed.h"
#include "store/sql.h"
#include "store/store.h"

#include <sys/resource.h>

/* A store on a loop, with a key; time goes on by itself, and by `ahead`. */
struct stage {
    struct fixture *fixture;
    uv_loop_t loop;
    struct store *store;
    int64_t key_row;
    bool closed;
};

static _Atomic uint64_t ahead_ns;

static uint64_t monotonic_ahead(void)
{
    return seam_system.monotonic_ns() + ahead_ns;
}

struct ask {
    struct store_job job;
    int (*work)(struct db *db, struct error *error);
    bool done;
    struct error error;
};

static int ask_work(struct db *db, struct store_job *job, struct error *error)
{
    return ((struct ask *)job)->work(db, error);
}

static void ask_done(struct store_job *job, const struct error *error)
{
    struct ask *ask = (struct ask *)job;
    ask->done = true;
    ask->error = error ? *error : (struct error){.code = ERROR_NONE};
}

/* Runs `work` on the store's thread; how it ended. */
static enum error_code ask_with(struct stage *stage, int (*work)(struct db *db, struct error *error), bool reads,
                                bool proves)
{
    struct ask ask = {.job = {.work = ask_work, .done = ask_done, .reads = reads, .proves = proves}, .work = work};
    store_submit(stage->store, &ask.job);
    while (!ask.done)
        uv_run(&stage->loop, UV_RUN_ONCE);
    return ask.error.code;
}

static int nothing(struct db *db, struct error *error)
{
    (void)db, (void)error;
    return 0;
}

static int write_row(struct db *db, struct error *error)
{
    return sql_run(db, "INSERT INTO removed (id) VALUES (hex(randomblob(8)))", NULL, error) < 0 ? -1 : 0;
}

static int run_pragma(struct db *db, const char *sql)
{
    return db_driver(db)->calls->run_script(db_driver(db), sql, NULL);
}

static int read_only(struct db *db, struct error *error)
{
    (void)error;
    return run_pragma(db, "PRAGMA query_only = ON");
}

static int writable(struct db *db, struct error *error)
{
    (void)error;
    return run_pragma(db, "PRAGMA query_only = OFF");
}

static int no_room(struct db *db, struct error *error)
{
    (void)error;
    return run_pragma(db, "PRAGMA max_page_count = 1"); /* as many as there are */
}

static int little_room(struct db *db, struct error *error)
{
    char sql[64];
    struct statement *pages;
    if (sql_first(db, "PRAGMA page_count", NULL, &pages, error) != 1)
        return -1;
    snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", (int)statement_int(pages, 0) + 3);
    statement_reset(pages);
    return run_pragma(db, sql);
}

static int much_room(struct db *db, struct error *error)
{
    (void)error;
    return run_pragma(db, "PRAGMA max_page_count = 1000000");
}

static int write_much(struct db *db, struct error *error)
{
    return sql_run(db, "INSERT INTO removed (id) VALUES (hex(randomblob(100000)))", NULL, error) < 0 ? -1 : 0;
}

static int impatient(struct db *db, struct error *error)
{
    (void)error;
    db_patience(db, 1);
    return 0;
}

/* Asks for a proof after the last one's time. */
static bool proves(struct stage *stage)
{
    ahead_ns += UINT64_C(2000000000);
    ask_with(stage, nothing, true, true);
    return !store_trouble(stage->store, NULL);
}

static void expect_trouble(struct stage *stage, const char *reason)
{
    struct error error = {.code = ERROR_NONE};
    assert_true(store_trouble(stage->store, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    if (!strstr(error.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", error.text, reason);
}

static void stage_open(struct stage *stage, void **state)
{
    static struct seam made_up;
    struct error error = {0};
    char text[KEY_TEXT_LEN + 1];
    *stage = (struct stage){.fixture = *state};
    made_up = *seam();
    made_up.monotonic_ns = monotonic_ahead;
    seam_set(&made_up);
    log_setup(LOG_ERROR + 1, LOG_TEXT, 2);
    struct db *db = fixture_open(stage->fixture->dir);
    stage->key_row = fixture_key(db, text).row;
    db_close(db);
    assert_int_equal(uv_loop_init(&stage->loop), 0);
    if (store_open(&stage->store, &stage->loop, stage->fixture->dir, &error) < 0)
        fail_msg("store_open: %s", error.text);
    assert_int_equal(ask_with(stage, nothing, true, false), ERROR_NONE); /* behind the first proof */
}

static void on_closed(void *arg)
{
    ((struct stage *)arg)->closed = true;
}

static void stage_close(struct stage *stage)
{
    store_close(stage->store, on_closed, stage);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_true(stage->closed);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
    metrics_reset();
}

/* The end of an execution that is nowhere yet. */
static struct record ended(const struct stage *stage, const char *id)
{
    struct record record = {.key_row = stage->key_row,
                            .session_id = "s",
                            .language = "bash",
                            .version = "1",
                            .status = RECORD_COMPLETED,
                            .ended_by_itself = true,
                            .created_ms = 5,
                            .completed_ms = 6,
                            .execution_ns = 7,
                            .queue_ns = -1,
                            .cpu_ns = -1,
                            .memory_bytes = -1};
    snprintf(record.id, sizeof(record.id), "%s", id);
    return record;
}

static int64_t number(const struct stage *stage, const char *sql)
{
    struct db *db = fixture_open(stage->fixture->dir);
    int64_t found = fixture_number(db, sql);
    db_close(db);
    return found;
}

static void a_check_leaves_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    bool lacks_schema;
    assert_int_equal(health_try_record(db, &lacks_schema, &error), 0);
    assert_false(lacks_schema);
    assert_int_equal(health_check(db, false, &error), 0);
    assert_int_equal(health_check(db, true, &error), 0);
    assert_false(db_in_transaction(db));
    assert_int_equal(fixture_number(db, "SELECT (SELECT count(*) FROM executions) + (SELECT count(*) FROM sessions)"
                                        " + (SELECT count(*) FROM rates) + (SELECT count(*) FROM removed)"),
                     0);
    assert_int_equal(fixture_number(db, "SELECT room IS NULL AND written_ms > 0 FROM instance"), 1);
}

static void a_check_misses_each_table(void **state)
{
    static const char *const tables[] = {"executions", "sessions", "rates", "removed", "instance", "reservations"};
    struct db *db = ((struct fixture *)*state)->db;
    char sql[128];
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct error error = {0};
        snprintf(sql, sizeof(sql), "PRAGMA legacy_alter_table = ON; ALTER TABLE %s RENAME TO gone", tables[i]);
        fixture_run(db, sql);
        assert_int_equal(health_check(db, false, &error), -1);
        assert_int_equal(error.code, ERROR_UNAVAILABLE);
        assert_non_null(strstr(error.text, "its schema is not ours"));
        assert_false(db_in_transaction(db));
        snprintf(sql, sizeof(sql), "ALTER TABLE gone RENAME TO %s", tables[i]);
        fixture_run(db, sql);
        assert_int_equal(health_check(db, false, &error), 0);
    }
}

static void a_failing_write_makes_doubt_and_a_check_ends_it(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    assert_false(store_trouble(stage.store, NULL));
    assert_int_equal(ask_with(&stage, read_only, true, false), ERROR_NONE);
    assert_false(store_trouble(stage.store, NULL));
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_UNAVAILABLE);
    expect_trouble(&stage, "it is read-only");
    assert_int_equal(ask_with(&stage, nothing, true, false), ERROR_NONE); /* who only reads goes on */
    assert_false(proves(&stage));
    assert_int_equal(ask_with(&stage, writable, true, false), ERROR_NONE);
    assert_true(proves(&stage));
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_NONE);
    stage_close(&stage);
}

/* Without a request that fails, and without one that asks. */
static void the_store_finds_its_way_back_by_itself(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    ask_with(&stage, read_only, true, false);
    assert_false(proves(&stage));
    ask_with(&stage, writable, true, false);
    while (store_trouble(stage.store, NULL))
        uv_sleep(10);
    stage_close(&stage);
}

static void what_need_not_wait_makes_doubt_too(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    struct ask ask = {.job = {.work = ask_work, .done = ask_done, .early = true}, .work = write_row};
    ask_with(&stage, read_only, true, false);
    store_submit(stage.store, &ask.job);
    while (!ask.done)
        uv_run(&stage.loop, UV_RUN_ONCE);
    assert_int_equal(ask.error.code, ERROR_UNAVAILABLE);
    expect_trouble(&stage, "it is read-only");
    stage_close(&stage);
}

static void a_job_that_fails_by_itself_makes_none(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    struct db *db = fixture_open(stage.fixture->dir);
    fixture_run(db, "CREATE TRIGGER t BEFORE INSERT ON removed BEGIN SELECT raise(ABORT, 'no'); END");
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_INTERNAL);
    assert_false(store_trouble(stage.store, NULL));
    db_close(db);
    stage_close(&stage);
}

static void a_missing_table_is_found_when_asked(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    struct db *db = fixture_open(stage.fixture->dir);
    fixture_run(db, "ALTER TABLE executions RENAME TO gone");
    assert_false(proves(&stage));
    expect_trouble(&stage, "its schema is not ours");
    fixture_run(db, "ALTER TABLE gone RENAME TO executions");
    assert_true(proves(&stage));
    db_close(db);
    stage_close(&stage);
}

/* A page or two is not enough to be trusted again: the next record would be refused. */
static void a_full_disk_is_trusted_with_room_for_a_record(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    assert_int_equal(ask_with(&stage, no_room, true, false), ERROR_NONE);
    assert_int_equal(ask_with(&stage, write_much, false, false), ERROR_UNAVAILABLE);
    expect_trouble(&stage, "its disk is full");
    assert_false(proves(&stage));
    assert_int_equal(ask_with(&stage, little_room, true, false), ERROR_NONE);
    assert_false(proves(&stage));
    assert_int_equal(ask_with(&stage, much_room, true, false), ERROR_NONE);
    assert_true(proves(&stage));
    stage_close(&stage);
}

static void another_program_that_holds_the_lock(void **state)
{
    struct stage stage;
    struct error error = {0};
    stage_open(&stage, state);
    struct db *db = fixture_open(stage.fixture->dir);
    assert_int_equal(ask_with(&stage, impatient, true, false), ERROR_NONE);
    assert_int_equal(db_begin(db, &error), 0);
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_UNAVAILABLE);
    expect_trouble(&stage, "another program holds it");
    assert_false(proves(&stage));
    db_rollback(db);
    assert_true(proves(&stage));
    db_close(db);
    stage_close(&stage);
}

static void a_file_that_is_removed_or_emptied(void **state)
{
    struct stage stage;
    char path[128], away[160];
    stage_open(&stage, state);
    fixture_file(stage.fixture, path);
    snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_false(proves(&stage));
    expect_trouble(&stage, "its file was removed or emptied");
    assert_int_equal(rename(away, path), 0);
    assert_true(proves(&stage));
    assert_int_equal(truncate(path, 0), 0);
    assert_false(proves(&stage));
    expect_trouble(&stage, "its file was removed or emptied");
    stage_close(&stage);
}

static void a_start_without_a_table_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct store *store;
    uv_loop_t loop;
    fixture_run(fixture->db, "PRAGMA foreign_keys = OFF; DROP TABLE executions");
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(store_open(&store, &loop, fixture->dir, &error), -1);
    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.text, "a table or a column of its schema is missing"));
    assert_non_null(strstr(error.text, fixture->dir));
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- what is owed ---- */

static void what_is_owed_is_written_once_it_can_be(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    ask_with(&stage, read_only, true, false);
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_UNAVAILABLE);
    for (int i = 0; i < 3; i++) {
        struct record record = ended(&stage, (const char *[]){"a", "b", "a"}[i]); /* one of them twice */
        record.out = (char[]){"text"};
        record.out_len = 4;
        assert_int_equal(store_owe(stage.store, &record), 0);
    }
    assert_false(proves(&stage));
    assert_int_equal(number(&stage, "SELECT count(*) FROM executions"), 0);
    ask_with(&stage, writable, true, false);
    assert_true(proves(&stage));
    assert_int_equal(number(&stage, "SELECT count(*) FROM executions WHERE status = 2 AND out = X'74657874'"), 2);
    assert_int_equal(number(&stage, "SELECT executions FROM sessions"), 2);
    assert_int_equal(number(&stage, "SELECT execution_ns FROM sessions"), 14);
    stage_close(&stage);
}

static int reserve_four(struct db *db, struct error *error)
{
    int64_t reservation;
    for (int i = 0; i < 2; i++)
        if (credits_reserve(db, 1, 2, &reservation, error) != 0)
            return -1;
    return 0;
}

/* The reservation comes with the record: one of two is taken, the other given back. */
static void what_is_owed_settles_its_reservation(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    struct db *beside = fixture_open(stage.fixture->dir);
    fixture_run(beside, "UPDATE keys SET credits = 9");
    db_close(beside);
    assert_int_equal(ask_with(&stage, reserve_four, false, false), ERROR_NONE);
    assert_int_equal(number(&stage, "SELECT credits FROM keys"), 5);
    ask_with(&stage, read_only, true, false);
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_UNAVAILABLE);
    for (int i = 0; i < 2; i++) {
        struct record record = ended(&stage, i == 0 ? "a" : "b");
        record.reservation =
            number(&stage, i == 0 ? "SELECT min(row) FROM reservations" : "SELECT max(row) FROM reservations");
        record.used = i == 0;
        assert_int_equal(store_owe(stage.store, &record), 0);
    }
    assert_false(proves(&stage));
    assert_int_equal(number(&stage, "SELECT count(*) FROM reservations"), 2);
    ask_with(&stage, writable, true, false);
    assert_true(proves(&stage));
    assert_int_equal(number(&stage, "SELECT count(*) FROM reservations"), 0);
    assert_int_equal(number(&stage, "SELECT credits FROM keys"), 7);
    stage_close(&stage);
}

/* As where the store's queue was full for a moment: nothing is in doubt. */
static void what_is_owed_without_trouble_is_written_by_itself(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    struct record record = ended(&stage, "a");
    assert_int_equal(store_owe(stage.store, &record), 0);
    while (number(&stage, "SELECT count(*) FROM executions WHERE status = 2") == 0)
        uv_sleep(10);
    assert_false(store_trouble(stage.store, NULL));
    stage_close(&stage);
}

static void one_that_can_never_be_written_holds_up_nobody(void **state)
{
    struct stage stage;
    stage_open(&stage, state);
    ask_with(&stage, read_only, true, false);
    assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_UNAVAILABLE);
    struct record bad = ended(&stage, "bad"), good = ended(&stage, "good");
    bad.key_row = 999;
    assert_int_equal(store_owe(stage.store, &bad), 0);
    assert_int_equal(store_owe(stage.store, &good), 0);
    ask_with(&stage, writable, true, false);
    assert_true(proves(&stage));
    assert_int_equal(number(&stage, "SELECT count(*) FROM executions"), 1);
    stage_close(&stage);
}

static void closing_tries_once_more(void **state)
{
    for (int good = 0; good < 2; good++) {
        struct stage stage;
        stage_open(&stage, state);
        ask_with(&stage, read_only, true, false);
        assert_int_equal(ask_with(&stage, write_row, false, false), ERROR_UNAVAILABLE);
        struct record record = ended(&stage, "a");
        assert_int_equal(store_owe(stage.store, &record), 0);
        if (good)
            ask_with(&stage, writable, true, false);
        stage_close(&stage);
        assert_int_equal(number(&stage, "SELECT count(*) FROM executions"), good);
    }
}

static void what_is_owed_has_caps(void **state)
{
    struct owed owed;
    owed_init(&owed);
    struct record record = {.id = "x"};
    size_t half = OWED_TEXT_MAX / 2 + 1;
    char *text = calloc(1, half);
    (void)state;
    assert_non_null(text);
    record.code = record.out = text;
    record.code_len = 5;
    record.out_len = half;
    assert_int_equal(owed_add(&owed, &record), 0);
    assert_int_equal(owed_add(&owed, &record), 0); /* without its text */
    assert_int_equal(owed.text_len, half);
    record.out = NULL;
    record.out_len = 0;
    while (owed.count < OWED_MAX)
        assert_int_equal(owed_add(&owed, &record), 0);
    assert_int_equal(owed_add(&owed, &record), -1);
    struct owed_record *first = owed_take(&owed);
    assert_null(first->record.code);
    assert_ptr_not_equal(first->record.out, text);
    assert_int_equal(owed.text_len, 0);
    owed_put_back(&owed, first);
    assert_int_equal(owed.text_len, half);
    assert_int_equal(owed.count, OWED_MAX);
    assert_ptr_equal(owed_take(&owed), first);
    owed_free(first);
    first = owed_take(&owed);
    assert_null(first->record.out);
    owed_free(first);
    while ((first = owed_take(&owed)))
        owed_free(first);
    assert_int_equal(owed.count, 0);
    assert_true(list_is_empty(&owed.records));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_check_leaves_nothing),
        fixture_test(a_check_misses_each_table),
        fixture_test_dir(a_failing_write_makes_doubt_and_a_check_ends_it),
        fixture_test_dir(the_store_finds_its_way_back_by_itself),
        fixture_test_dir(what_need_not_wait_makes_doubt_too),
        fixture_test_dir(a_job_that_fails_by_itself_makes_none),
        fixture_test_dir(a_missing_table_is_found_when_asked),
        fixture_test_dir(a_full_disk_is_trusted_with_room_for_a_record),
        fixture_test_dir(another_program_that_holds_the_lock),
        fixture_test_dir(a_file_that_is_removed_or_emptied),
        fixture_test(a_start_without_a_table_is_refused),
        fixture_test_dir(what_is_owed_is_written_once_it_can_be),
        fixture_test_dir(what_is_owed_settles_its_reservation),
        fixture_test_dir(what_is_owed_without_trouble_is_written_by_itself),
        fixture_test_dir(one_that_can_never_be_written_holds_up_nobody),
        fixture_test_dir(closing_tries_once_more),
        cmocka_unit_test(what_is_owed_has_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
