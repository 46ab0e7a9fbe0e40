/* Sessions with a time to live: they expire after their last use, and their records stay. */
#include "store/records_fixture.h"

#define TTL INT64_C(60000)

static void create(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    check(sessions_create(db, key, id, &(struct session_plan){.ttl_ms = TTL}, &error), &error);
}

/* The clock goes on. */
static void pass(int64_t ms)
{
    fixture_now_ns += ms * 1000000;
}

static int64_t now(void)
{
    return fixture_now_ns / 1000000;
}

static struct record run(struct db *db, int64_t key, const char *session)
{
    struct error error = {0};
    struct record record = pending(key, session, "c");
    record.created_ms = now();
    check(records_insert(db, &record, &error), &error);
    return record;
}

static long end_expired(struct db *db)
{
    struct error error = {0};
    long ended, all = 0;
    while ((ended = sessions_end_expired(db, &error)) > 0)
        all += ended;
    check((int)ended, &error);
    return all;
}

static void a_session_is_made_once(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db), other = new_key(db);
    create(db, key, "s");
    create(db, other, "s");
    struct session session = session_of(db, key, "s");
    assert_int_equal(session.created_ms, now());
    assert_int_equal(session.last_used_ms, now());
    assert_int_equal(session.expires_ms, now() + TTL);
    assert_int_equal(session.executions, 0);
    assert_int_equal(sessions_create(db, key, "s", &(struct session_plan){.ttl_ms = TTL}, &error), -1);
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.text, "Session s is there already");
    run(db, key, "implicit");
    assert_int_equal(sessions_create(db, key, "implicit", &(struct session_plan){.ttl_ms = TTL}, &error), -1);
    assert_int_equal(session_of(db, key, "implicit").expires_ms, 0);
    assert_int_equal(count_sessions(db, key), 2);
}

static void it_lives_on_with_each_use(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    create(db, key, "s");
    for (int i = 1; i <= 3; i++) {
        pass(TTL - 1);
        struct record record = run(db, key, "s");
        record.created_ms -= 10; /* finish() adds 10 */
        finish(db, &record, RECORD_COMPLETED);
        assert_int_equal(session_of(db, key, "s").expires_ms, now() + TTL);
        assert_int_equal(session_of(db, key, "s").executions, i);
    }
    pass(TTL - 1);
    assert_int_equal(session_of(db, key, "s").executions, 3);
    pass(1);
    assert_no_session(db, key, "s");
    assert_int_equal(count_sessions(db, key), 0);
}

/* Its program may run longer than the session's time to live. */
static void it_does_not_expire_while_it_is_in_use(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    create(db, key, "s");
    struct record record = run(db, key, "s");
    pass(5 * TTL);
    assert_int_equal(count_sessions(db, key), 1);
    assert_int_equal(end_expired(db), 0);
    record.created_ms = now() - 10;
    finish(db, &record, RECORD_COMPLETED);
    assert_int_equal(session_of(db, key, "s").expires_ms, now() + TTL);
    assert_int_equal(session_of(db, key, "s").execution_ns, 7000000);
}

static void its_time_to_live_changes(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    create(db, key, "s");
    pass(30000);
    check(sessions_change(db, key, "s", 2 * TTL, &error), &error);
    assert_int_equal(session_of(db, key, "s").expires_ms, now() + 2 * TTL);
    assert_int_equal(session_of(db, key, "s").last_used_ms, now());
    pass(TTL + 1);
    run(db, key, "s");
    assert_int_equal(session_of(db, key, "s").expires_ms, now() + 2 * TTL);
    run(db, key, "implicit");
    check(sessions_change(db, key, "implicit", TTL, &error), &error);
    assert_int_equal(session_of(db, key, "implicit").expires_ms, now() + TTL);
    assert_int_equal(sessions_change(db, key, "none", TTL, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(sessions_change(db, new_key(db), "s", TTL, &error), -1);
}

/* With its row as it was, and after upkeep. */
static void an_expired_session_is_gone_and_its_records_stay(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    for (int ended = 0; ended < 2; ended++) {
        const char *id = ended ? "two" : "one";
        create(db, key, id);
        struct record record = run(db, key, id);
        record.created_ms = now() - 10;
        finish(db, &record, RECORD_COMPLETED);
        pass(TTL);
        if (ended)
            assert_int_equal(end_expired(db), 1);
        assert_no_session(db, key, id);
        assert_int_equal(count_sessions(db, key), 0);
        assert_int_equal(sessions_delete(db, key, id, &error), -1);
        assert_int_equal(sessions_change(db, key, id, TTL, &error), -1);
        assert_string_equal(get(db, key, record.id).session_id, id);
        assert_int_equal(get(db, key, record.id).status, RECORD_COMPLETED);

        run(db, key, id); /* makes one without a time to live, which has all records */
        struct session again = session_of(db, key, id);
        assert_int_equal(again.created_ms, now());
        assert_int_equal(again.expires_ms, 0);
        assert_int_equal(again.executions, 2);
        assert_int_equal(again.execution_ns, 7000000);
        check(sessions_delete(db, key, id, &error), &error);
        assert_no_record(db, key, record.id);
        create(db, key, id); /* while the rows of the removed one are still there */
        assert_int_equal(session_of(db, key, id).executions, 0);
        purge(db);
        assert_int_equal(session_of(db, key, id).expires_ms, now() + TTL);
        check(sessions_delete(db, key, id, &error), &error);
        purge(db);
    }
}

/* A session of a removed session's name may expire before the purge comes to its end. */
static void a_purge_leaves_an_expired_sessions_records(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record record = run(db, key, "s");
    finish(db, &record, RECORD_COMPLETED);
    check(sessions_delete(db, key, "s", &error), &error);
    create(db, key, "s");
    record = run(db, key, "s");
    record.created_ms = now() - 10;
    finish(db, &record, RECORD_COMPLETED);
    pass(TTL);
    assert_int_equal(end_expired(db), 1);
    while (records_purge(db, &error) > 0) {
    }
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM purges"), 0);
    assert_int_equal(get(db, key, record.id).status, RECORD_COMPLETED);
    assert_int_equal(rows(db), 1);
}

static void upkeep_takes_many_out_of_lists(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    char id[16];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "s%d", i);
        create(db, key, id);
    }
    pass(TTL);
    create(db, key, "young");
    assert_int_equal(end_expired(db), 100);
    assert_int_equal(end_expired(db), 0);
    assert_int_equal(count_sessions(db, key), 1);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM sessions WHERE removed = 0"), 1);
    assert_true(fixture_scans_nothing(db, (const char *const[]){"sessions", NULL}) >= 3);
}

static void rows_of_expired_sessions_go_with_the_retention(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    create(db, key, "unused");
    create(db, key, "used");
    struct record record = run(db, key, "used");
    record.created_ms = now() - 10;
    finish(db, &record, RECORD_COMPLETED);
    pass(TTL);
    assert_int_equal(end_expired(db), 2);
    assert_int_equal(records_expire(db, now(), &error), 1); /* the record */
    pass(1);
    assert_int_equal(records_expire(db, now(), &error), 2);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM sessions"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_session_is_made_once),
        fixture_test(it_lives_on_with_each_use),
        fixture_test(it_does_not_expire_while_it_is_in_use),
        fixture_test(its_time_to_live_changes),
        fixture_test(an_expired_session_is_gone_and_its_records_stay),
        fixture_test(a_purge_leaves_an_expired_sessions_records),
        fixture_test(upkeep_takes_many_out_of_lists),
        fixture_test(rows_of_expired_sessions_go_with_the_retention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
