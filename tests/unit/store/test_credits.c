/* Reserved credits: taken once, given back once, or neither, whatever happens in between. */
#include "store/records_fixture.h"

#include "store/credits.h"

#include <uv.h>

static int64_t prepaid_key(struct db *db, int64_t credits)
{
    struct error error = {0};
    struct key key = {.name = "prepaid", .scopes = KEY_EXECUTE, .rate_per_minute = 1, .credits = credits};
    char text[KEY_TEXT_LEN + 1];
    check(keys_create(db, &key, text, &error), &error);
    return key.row;
}

static int64_t credits_of(struct db *db, int64_t key)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SELECT credits FROM keys WHERE row = %lld", (long long)key);
    return fixture_number(db, sql);
}

static int64_t open_reservations(struct db *db)
{
    return fixture_number(db, "SELECT count(*) FROM reservations");
}

static int64_t reserve(struct db *db, int64_t key, int64_t amount)
{
    struct error error = {0};
    int64_t reservation = -1;
    check(credits_reserve(db, key, amount, &reservation, &error), &error);
    return reservation;
}

static void recover(struct db *db)
{
    struct error error = {0};
    long given_back;
    while ((given_back = credits_recover(db, &error)) > 0) {
    }
    check((int)given_back, &error);
}

static void a_reservation_takes_all_or_none(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = prepaid_key(db, 5), reservation = 7, left = 7;
    int64_t two = reserve(db, key, 2), three = reserve(db, key, 3);
    assert_true(two > 0 && three > 0 && two != three);
    assert_int_equal(credits_of(db, key), 0);
    assert_int_equal(credits_reserve(db, key, 1, &reservation, &error), -1);
    assert_int_equal(error.code, ERROR_CREDITS);
    assert_string_equal(error.text, "Out of credits");
    assert_int_equal(reservation, 0);
    assert_int_equal(reserve(db, key, 0), 0);
    check(credits_give_back(db, two, &error), &error);
    check(credits_balance(db, key, &left, &error), &error);
    assert_int_equal(left, 2);
    assert_int_equal(credits_reserve(db, key, 3, &reservation, &error), -1); /* 2 are there */
    assert_int_equal(credits_of(db, key), 2);
    assert_int_equal(open_reservations(db), 1);
}

static void a_key_that_is_not_prepaid_reserves_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db), reservation = 7, left = 7;
    assert_int_equal(reserve(db, key, 1000), 0);
    assert_int_equal(credits_of(db, key), -1);
    check(credits_balance(db, key, &left, &error), &error);
    assert_int_equal(left, -1);
    assert_int_equal(credits_balance(db, 999, &left, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(open_reservations(db), 0);
    check(credits_take(db, 0, "c", &error), &error);
    check(credits_give_back(db, 0, &error), &error);
    assert_int_equal(credits_reserve(db, 999, 1, &reservation, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

/* Everything that can happen to a reservation of 3, in each order: what comes first decides. */
enum event { TAKE, GIVE_BACK, FINISH_USED, FINISH_UNUSED, RESTART, EVENTS };

static void happen(struct fixture *fixture, enum event event, struct record *record)
{
    struct error error = {0};
    switch (event) {
    case TAKE:
        check(credits_take(fixture->db, record->reservation, "c", &error), &error);
        return;
    case GIVE_BACK:
        check(credits_give_back(fixture->db, record->reservation, &error), &error);
        return;
    case FINISH_USED:
    case FINISH_UNUSED:
        record->used = event == FINISH_USED;
        finish(fixture->db, record, RECORD_COMPLETED);
        return;
    default:
        db_close(fixture->db);
        fixture->db = fixture_open(fixture->dir);
        recover(fixture->db);
    }
}

static void the_first_end_settles_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    int64_t key = prepaid_key(fixture->db, 3), other = prepaid_key(fixture->db, 0);
    for (int order = 0; order < EVENTS * EVENTS * EVENTS; order++) {
        char sql[96];
        struct record record = insert(fixture->db, key, "", "c");
        record.reservation = reserve(fixture->db, key, 3);
        assert_int_equal(credits_of(fixture->db, key), 0);
        enum event first = (enum event)(order % EVENTS);
        for (int i = 0, rest = order; i < 3; i++, rest /= EVENTS) {
            happen(fixture, (enum event)(rest % EVENTS), &record);
            assert_int_equal(credits_of(fixture->db, key), first == TAKE || first == FINISH_USED ? 0 : 3);
            assert_int_equal(open_reservations(fixture->db), 0);
        }
        assert_int_equal(credits_of(fixture->db, other), 0);
        snprintf(sql, sizeof(sql), "UPDATE keys SET credits = 3 WHERE row = %lld", (long long)key);
        fixture_run(fixture->db, sql);
    }
}

/* The server is killed after each step of an execution that ran. A record without its credits, or credits without the
 * record, are never there. */
static void a_kill_between_any_two_steps(void **state)
{
    enum { BEGIN, RESERVE, COMMIT, BEGIN_END, FINISH, COMMIT_END, STEPS };
    struct fixture *fixture = *state;
    for (int killed = BEGIN; killed < STEPS; killed++) {
        struct error error = {0};
        int64_t key = prepaid_key(fixture->db, 4);
        struct record record = insert(fixture->db, key, "", "c");
        record.used = true;
        for (int step = BEGIN; step <= killed; step++) {
            if (step == BEGIN || step == BEGIN_END)
                check(db_begin(fixture->db, &error), &error);
            else if (step == RESERVE)
                record.reservation = reserve(fixture->db, key, 4);
            else if (step == FINISH)
                finish(fixture->db, &record, RECORD_COMPLETED);
            else
                check(db_commit(fixture->db, &error), &error);
        }
        db_close(fixture->db); /* what is not committed is gone */
        fixture->db = fixture_open(fixture->dir);
        if (killed >= COMMIT)
            assert_int_equal(credits_of(fixture->db, key), 0);
        recover(fixture->db);
        assert_int_equal(open_reservations(fixture->db), 0);
        assert_int_equal(get(fixture->db, key, record.id).status,
                         killed == COMMIT_END ? RECORD_COMPLETED : RECORD_PENDING);
        assert_int_equal(credits_of(fixture->db, key), killed == COMMIT_END ? 0 : 4);
    }
}

/* What an administrator may do to the key meanwhile. */
static void the_key_changes_meanwhile(void **state)
{
    static const struct {
        const char *change;
        int64_t taken, given_back;
    } cases[] = {
        {"UPDATE keys SET revoked_ms = 1", 6, 10},
        {"UPDATE keys SET credits = -1", -1, -1},
        {"UPDATE keys SET credits = 0", 0, 4},
        {"UPDATE keys SET credits = 1000000000000", 1000000000000, 1000000000004},
        {"DELETE FROM keys", 0, 0},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (enum event event = TAKE; event < EVENTS; event++) {
            int64_t key = prepaid_key(fixture->db, 10);
            struct record record = pending(key, "", "c");
            if (strncmp(cases[i].change, "DELETE", 6) == 0 && (event == FINISH_USED || event == FINISH_UNUSED))
                continue; /* a record holds its key */
            record.reservation = reserve(fixture->db, key, 4);
            fixture_run(fixture->db, cases[i].change);
            happen(fixture, event, &record);
            assert_int_equal(open_reservations(fixture->db), 0);
            if (fixture_number(fixture->db, "SELECT count(*) FROM keys") > 0)
                assert_int_equal(credits_of(fixture->db, key),
                                 event == TAKE || event == FINISH_USED ? cases[i].taken : cases[i].given_back);
            fixture_run(fixture->db, "DELETE FROM executions");
            fixture_run(fixture->db, "DELETE FROM keys");
        }
}

static void a_start_gives_back_its_own_alone(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    int64_t key = prepaid_key(fixture->db, 10);
    reserve(fixture->db, key, 1);
    fixture_run(fixture->db, "UPDATE reservations SET server = server + 1"); /* another server's, which may run */
    reserve(fixture->db, key, 2);
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    reserve(fixture->db, key, 4); /* of this run */
    assert_int_equal(credits_recover(fixture->db, &error), 1);
    assert_int_equal(credits_recover(fixture->db, &error), 0);
    assert_int_equal(credits_of(fixture->db, key), 10 - 1 - 4);
    assert_int_equal(open_reservations(fixture->db), 2);
}

static void recovery_goes_in_slices(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    int64_t key = prepaid_key(fixture->db, 5);
    for (int i = 0; i < 5; i++)
        reserve(fixture->db, key, 1);
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    fixture_step_ns = STORE_UPKEEP_SLICE_NS;
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(credits_recover(fixture->db, &error), 1);
        assert_int_equal(credits_of(fixture->db, key), i);
    }
    assert_int_equal(credits_recover(fixture->db, &error), 0);
}

/* Several servers use up one key at once. */
struct spender {
    uv_thread_t thread;
    struct db *db;
    int64_t key;
    unsigned seed;
    int64_t spent;
    bool below;
};

enum { SPENDERS = 4, ROUNDS = 60, START = 100 };

static unsigned draw(struct spender *spender, unsigned below)
{
    spender->seed = spender->seed * 1103515245u + 12345u;
    return (spender->seed >> 16) % below;
}

static void spend_once(struct spender *spender)
{
    struct error error = {0};
    int64_t amount = 1 + draw(spender, 3), reservation = 0;
    bool takes = draw(spender, 3) > 0;
    assert_int_equal(db_begin(spender->db, &error), 0);
    int refused = credits_reserve(spender->db, spender->key, amount, &reservation, &error);
    assert_true(refused == 0 || error.code == ERROR_CREDITS);
    spender->below |= credits_of(spender->db, spender->key) < 0;
    assert_int_equal(db_commit(spender->db, &error), 0);
    assert_int_equal(db_begin(spender->db, &error), 0);
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(takes ? credits_take(spender->db, reservation, "c", &error)
                               : credits_give_back(spender->db, reservation, &error),
                         0);
    assert_int_equal(db_commit(spender->db, &error), 0);
    spender->spent += refused == 0 && takes ? amount : 0;
}

static void spend(void *arg)
{
    struct spender *spender = arg;
    for (int i = 0; i < ROUNDS; i++)
        spend_once(spender);
}

static void many_at_once_never_go_below_zero(void **state)
{
    struct fixture *fixture = *state;
    struct spender spenders[SPENDERS] = {0};
    int64_t spent = 0, key = prepaid_key(fixture->db, START);
    for (unsigned i = 0; i < SPENDERS; i++) {
        spenders[i] = (struct spender){.db = fixture_open(fixture->dir), .key = key, .seed = i + 1};
        assert_int_equal(uv_thread_create(&spenders[i].thread, spend, &spenders[i]), 0);
    }
    for (int i = 0; i < SPENDERS; i++) {
        uv_thread_join(&spenders[i].thread);
        spent += spenders[i].spent;
        assert_false(spenders[i].below);
        db_close(spenders[i].db);
    }
    assert_int_equal(open_reservations(fixture->db), 0);
    assert_int_equal(credits_of(fixture->db, key), START - spent);
    assert_true(spent > START - 3); /* nothing was refused before that */
}

static void nothing_scans_a_table(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    int64_t key = prepaid_key(fixture->db, 1), reservation;
    reserve(fixture->db, key, 1);
    assert_int_equal(credits_reserve(fixture->db, key, 1, &reservation, &error), -1);
    fixture_run(fixture->db, "UPDATE reservations SET run = -1");
    recover(fixture->db);
    assert_int_equal(credits_of(fixture->db, key), 1);
    assert_true(fixture_scans_nothing(fixture->db, (const char *const[]){"reservations", "keys SET", NULL}) >= 4);
}

static void a_database_that_fails_is_not_out_of_credits(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = prepaid_key(db, 1), reservation = 7;
    fixture_run(db, "ALTER TABLE reservations RENAME TO gone");
    assert_int_equal(credits_reserve(db, key, 1, &reservation, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(reservation, 0);
    assert_int_equal(credits_take(db, 1, "c", &error), -1);
    assert_int_equal(credits_give_back(db, 1, &error), -1);
    assert_int_equal(credits_recover(db, &error), -1);
    struct record record = pending(key, "", "c");
    record.reservation = 1;
    assert_int_equal(records_finish(db, &record, &error), -1);
    assert_no_record(db, key, record.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_reservation_takes_all_or_none),
        fixture_test(a_key_that_is_not_prepaid_reserves_nothing),
        fixture_test(the_first_end_settles_and_no_other),
        fixture_test(a_kill_between_any_two_steps),
        fixture_test(the_key_changes_meanwhile),
        fixture_test(a_start_gives_back_its_own_alone),
        fixture_test(recovery_goes_in_slices),
        fixture_test(many_at_once_never_go_below_zero),
        fixture_test(nothing_scans_a_table),
        fixture_test(a_database_that_fails_is_not_out_of_credits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
