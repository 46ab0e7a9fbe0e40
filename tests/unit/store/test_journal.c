/* Accepted executions: every order of a few events against a model of one, what a restart takes up, the room that there
 * is, and webhooks. */
#include "lib/repeats.h"
#include "store/records_fixture.h"

#include "store/credits.h"
#include "store/journal.h"
#include "store/webhooks.h"

#define PRICE 3
#define CREDITS 10
#define LOST "{\"lost\":1}"

static const struct journal_room wide = {.executions = 100, .request_bytes = 10000, .result_bytes = 10000};

static int64_t prepaid_key(struct db *db)
{
    struct error error = {0};
    struct key key = {.name = "prepaid", .scopes = KEY_EXECUTE, .rate_per_minute = 1, .credits = CREDITS};
    char text[KEY_TEXT_LEN + 1];
    check(keys_create(db, &key, text, &error), &error);
    return key.row;
}

static int64_t credits_of(struct db *db, int64_t key)
{
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT credits FROM keys WHERE row = %lld", (long long)key);
    return fixture_number(db, sql);
}

/* What the triggers keep is what there is. */
static void assert_sums(struct db *db)
{
    assert_int_equal(fixture_number(db, "SELECT executions FROM journal_totals"),
                     fixture_number(db, "SELECT count(*) FROM journal WHERE state < 2"));
    assert_int_equal(fixture_number(db, "SELECT request_bytes FROM journal_totals"),
                     fixture_number(db, "SELECT coalesce(sum(request_bytes), 0) FROM journal"));
    assert_int_equal(fixture_number(db, "SELECT result_bytes FROM journal_totals"),
                     fixture_number(db, "SELECT coalesce(sum(length(result)), 0) FROM journal"));
    assert_int_equal(fixture_number(db, "SELECT coalesce(sum(executions), 0) FROM journal_shares"),
                     fixture_number(db, "SELECT executions FROM journal_totals"));
    assert_int_equal(fixture_number(db, "SELECT coalesce(sum(request_bytes), 0) FROM journal_shares"),
                     fixture_number(db, "SELECT request_bytes FROM journal_totals"));
}

static int try_accept(struct db *db, int64_t key, const char *session, const char *request,
                      const struct journal_room *room, struct record *record, struct error *error)
{
    struct journal_work work = {
        .request = request, .request_len = strlen(request), .url = "http://x", .secret = "whsec_x"};
    *record = pending(key, session, "python");
    record->accepted = true;
    if (credits_reserve(db, key, PRICE, &work.reservation, error) != 0)
        return -1;
    if (journal_accept(db, record, &work, room, error) == 0)
        return 0;
    check(credits_give_back(db, work.reservation, NULL), error);
    return -1;
}

static struct record accept_one(struct db *db, int64_t key, const char *session)
{
    struct error error = {0};
    struct record record;
    check(try_accept(db, key, session, "request", &wide, &record, &error), &error);
    return record;
}

static bool take(struct db *db, int64_t key, struct journal_taken *out)
{
    struct error error = {0};
    *out = (struct journal_taken){.key_row = 0};
    int found = journal_take(db, key, out, &error);
    check(found, &error);
    free(out->request);
    out->request = NULL;
    return found == 1;
}

static void start(struct db *db, const struct journal_taken *taken)
{
    struct error error = {0};
    check(journal_start(db, taken->id, NOW_MS + 5, &error), &error);
}

static void end(struct db *db, const struct journal_taken *taken, const char *result)
{
    struct error error = {0};
    struct record record = {.key_row = taken->key_row,
                            .status = RECORD_COMPLETED,
                            .ended_by_itself = true,
                            .started_ms = NOW_MS + 6,
                            .completed_ms = NOW_MS + 9,
                            .reservation = taken->reservation,
                            .used = true};
    snprintf(record.id, sizeof record.id, "%s", taken->id);
    check(journal_finish(db, &record, result, strlen(result), &wide, NOW_MS + 9, &error), &error);
}

static long recover(struct db *db)
{
    struct error error = {0};
    int64_t newest = -1;
    long changed, all = 0;
    while ((changed = records_mark_lost(db, &newest, &error)) > 0) {
    }
    check((int)changed, &error);
    while ((changed = credits_recover(db, &error)) > 0) {
    }
    check((int)changed, &error);
    while ((changed = journal_recover(db, LOST, &wide, NOW_MS + 20, &error)) > 0)
        all += changed;
    check((int)changed, &error);
    return all;
}

static struct journal_view view(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct journal_view out;
    check(journal_get(db, key, id, &out, &error), &error);
    return out;
}

/* ---- one execution, in every order of up to five events ---- */

enum event { TAKE, START, FINISH, PUT_BACK, RESTART, EVENTS };

struct model {
    enum journal_state state;
    int64_t attempts;
    bool started; /* since it was taken */
    bool lost;
};

static void step(struct fixture *fixture, struct model *model, const struct record *record, struct journal_taken *taken,
                 enum event event)
{
    struct error error = {0};
    struct journal_taken now;
    switch (event) {
    case TAKE:
        assert_int_equal(take(fixture->db, record->key_row, &now), model->state == JOURNAL_WAITING);
        if (model->state != JOURNAL_WAITING)
            return;
        *taken = now;
        model->state = JOURNAL_RUNNING;
        model->started = false;
        assert_int_equal(now.attempts, model->attempts + 1);
        assert_int_equal(now.created_ms, record->created_ms);
        return;
    case START: /* also a second time */
        if (taken->attempts == 0)
            return;
        start(fixture->db, taken);
        if (model->state != JOURNAL_RUNNING || model->started)
            return;
        model->started = true;
        model->attempts++;
        return;
    case FINISH: /* also a second time, and one that was put back meanwhile */
        if (taken->attempts == 0)
            return;
        end(fixture->db, taken, "{}");
        model->state = JOURNAL_DONE;
        return;
    case PUT_BACK:
        if (taken->attempts == 0 || model->state != JOURNAL_RUNNING)
            return;
        check(journal_put_back(fixture->db, taken->id, taken->reservation, &error), &error);
        model->state = JOURNAL_WAITING;
        model->attempts -= model->started;
        return;
    default:
        db_close(fixture->db);
        fixture->db = fixture_open(fixture->dir);
        assert_int_equal(recover(fixture->db), model->state == JOURNAL_RUNNING);
        if (model->state == JOURNAL_RUNNING) {
            model->lost = model->attempts == JOURNAL_ATTEMPTS_MAX;
            model->state = model->lost ? JOURNAL_DONE : JOURNAL_WAITING;
        }
        taken->attempts = 0; /* its holder is gone */
    }
}

static void verify(struct fixture *fixture, const struct model *model, const struct record *record)
{
    struct journal_view seen = view(fixture->db, record->key_row, record->id);
    bool done = model->state == JOURNAL_DONE;
    assert_int_equal(seen.state, model->state);
    assert_int_equal(seen.record.attempts, model->attempts);
    assert_int_equal(seen.record.status, !done ? RECORD_PENDING : model->lost ? RECORD_LOST : RECORD_COMPLETED);
    assert_int_equal(seen.result != NULL, done);
    if (done)
        assert_string_equal(seen.result, model->lost ? LOST : "{}");
    journal_view_clear(&seen);
    assert_int_equal(credits_of(fixture->db, record->key_row), model->lost ? CREDITS : CREDITS - PRICE);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM reservations"), !done);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM webhooks WHERE state = 1"), done);
    assert_sums(fixture->db);
}

static void nothing_is_lost_and_nothing_is_charged_twice(void **state)
{
    struct fixture *fixture = *state;
    for (int order = 0; order < EVENTS * EVENTS * EVENTS * EVENTS; order += unless_short(1, 11)) {
        struct model model = {.state = JOURNAL_WAITING};
        struct journal_taken taken = {.attempts = 0};
        struct record record = accept_one(fixture->db, prepaid_key(fixture->db), "");
        for (int left = order, i = 0; i < 4; i++, left /= EVENTS) {
            step(fixture, &model, &record, &taken, (enum event)(left % EVENTS));
            verify(fixture, &model, &record);
        }
        fixture_run(fixture->db, "DELETE FROM executions");
        fixture_run(fixture->db, "DELETE FROM reservations");
    }
}

static void after_three_attempts_it_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct model model = {.state = JOURNAL_WAITING};
    struct journal_taken taken = {.attempts = 0};
    struct record record = accept_one(fixture->db, prepaid_key(fixture->db), "");
    for (int i = 0; i < JOURNAL_ATTEMPTS_MAX; i++) {
        step(fixture, &model, &record, &taken, TAKE);
        step(fixture, &model, &record, &taken, START);
        step(fixture, &model, &record, &taken, RESTART);
        verify(fixture, &model, &record);
    }
    assert_true(model.lost);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM usage WHERE language <> 'python'"), 0);
}

/* It may be what ends the server before its program starts. */
static void what_is_taken_again_and_again_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct model model = {.state = JOURNAL_WAITING};
    struct journal_taken taken = {.attempts = 0};
    struct record record = accept_one(fixture->db, prepaid_key(fixture->db), "");
    for (int i = 1; i <= JOURNAL_TAKES_MAX; i++) {
        assert_true(take(fixture->db, record.key_row, &taken));
        db_close(fixture->db);
        fixture->db = fixture_open(fixture->dir);
        assert_int_equal(recover(fixture->db), 1);
    }
    model.lost = true;
    model.state = JOURNAL_DONE;
    verify(fixture, &model, &record);
}

/* ---- order, keys, sessions ---- */

static void the_oldest_of_a_key_comes_first(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t one = new_key(db), other = new_key(db), key = 0;
    struct record records[3];
    struct journal_taken taken;
    for (int i = 0; i < 3; i++)
        records[i] = accept_one(db, i == 1 ? other : one, "");
    assert_int_equal(journal_next_key(db, 0, &key, &error), 1);
    assert_int_equal(key, one);
    assert_int_equal(journal_next_key(db, key, &key, &error), 1);
    assert_int_equal(key, other);
    assert_int_equal(journal_next_key(db, key, &key, &error), 0);
    assert_true(take(db, one, &taken));
    assert_string_equal(taken.id, records[0].id);
    assert_true(take(db, one, &taken));
    assert_string_equal(taken.id, records[2].id);
    assert_false(take(db, one, &taken));
    assert_int_equal(journal_next_key(db, 0, &key, &error), 1);
    assert_int_equal(key, other);
}

static void another_key_finds_none(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_view out;
    int64_t key = new_key(db);
    struct record record = accept_one(db, key, ""), plain = insert(db, key, "", "python");
    assert_int_equal(journal_get(db, new_key(db), record.id, &out, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(journal_get(db, key, plain.id, &out, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

/* A removed session takes with it what waits. What runs settles its credits at its end. */
static void a_removed_session(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_taken taken, none;
    struct journal_view out;
    int64_t key = prepaid_key(db);
    struct record first = accept_one(db, key, "s"), second = accept_one(db, key, "s");
    assert_true(take(db, key, &taken));
    check(sessions_delete(db, key, "s", &error), &error);
    assert_false(take(db, key, &none)); /* before its rows are purged, too */
    assert_int_equal(journal_get(db, key, second.id, &out, &error), -1);
    purge(db);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM journal"), 0);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM webhooks"), 0);
    assert_int_equal(credits_of(db, key), CREDITS - PRICE);
    end(db, &taken, "{}");
    assert_string_equal(taken.id, first.id);
    assert_int_equal(credits_of(db, key), CREDITS - PRICE);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM reservations"), 0);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM executions"), 0);
    assert_sums(db);
}

/* A row that a restart gives up after its session was removed, and before its rows are purged. */
static void what_is_lost_after_its_removal(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct journal_taken taken;
    int64_t key = prepaid_key(fixture->db);
    struct record record = accept_one(fixture->db, key, "s");
    for (int i = 0; i < JOURNAL_ATTEMPTS_MAX; i++) {
        assert_true(take(fixture->db, key, &taken));
        start(fixture->db, &taken);
        if (i == JOURNAL_ATTEMPTS_MAX - 1)
            check(sessions_delete(fixture->db, key, "s", &error), &error);
        db_close(fixture->db);
        fixture->db = fixture_open(fixture->dir);
        assert_int_equal(recover(fixture->db), 1);
    }
    assert_string_equal(taken.id, record.id);
    assert_int_equal(credits_of(fixture->db, key), CREDITS);
    purge(fixture->db);
    assert_int_equal(credits_of(fixture->db, key), CREDITS);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM journal"), 0);
    assert_sums(fixture->db);
}

static void what_is_put_back_after_its_removal_costs_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_taken taken;
    int64_t key = prepaid_key(db);
    accept_one(db, key, "s");
    assert_true(take(db, key, &taken));
    check(sessions_delete(db, key, "s", &error), &error);
    purge(db);
    check(journal_put_back(db, taken.id, taken.reservation, &error), &error);
    assert_int_equal(credits_of(db, key), CREDITS);
}

/* ---- room ---- */

static void a_key_has_as_much_as_is_free(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct record record;
    int64_t one = new_key(db), other = new_key(db);
    const struct journal_room few = {.executions = 4, .request_bytes = 1000, .result_bytes = 1000},
                              small = {.executions = 100, .request_bytes = 20, .result_bytes = 1000};
    assert_int_equal(try_accept(db, one, "", "request", &few, &record, &error), 0);
    assert_int_equal(try_accept(db, one, "", "request", &few, &record, &error), 0);
    assert_int_equal(try_accept(db, one, "", "request", &few, &record, &error), -1);
    assert_int_equal(error.code, ERROR_BUSY); /* which puts the store in no doubt */
    assert_string_equal(error.text, "The queue is full. Please try again later.");
    assert_int_equal(try_accept(db, other, "", "request", &few, &record, &error), 0);
    assert_int_equal(try_accept(db, other, "", "", &small, &record, &error), -1); /* 21 bytes are there */
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM executions"), 3);
    assert_sums(db);
}

static void the_oldest_results_go(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_taken taken;
    struct record records[3];
    int64_t key = new_key(db);
    const struct journal_room small = {.executions = 100, .request_bytes = 1000, .result_bytes = 10};
    for (int i = 0; i < 3; i++) {
        records[i] = accept_one(db, key, "");
        assert_true(take(db, key, &taken));
        struct record end_record = {.key_row = key, .status = RECORD_COMPLETED, .completed_ms = NOW_MS};
        snprintf(end_record.id, sizeof end_record.id, "%s", taken.id);
        check(journal_finish(db, &end_record, "12345", 5, &small, NOW_MS, &error), &error);
        assert_sums(db);
    }
    for (int i = 0; i < 3; i++) {
        struct journal_view seen = view(db, key, records[i].id);
        assert_int_equal(seen.state, JOURNAL_DONE);
        assert_int_equal(seen.result != NULL, i > 0);
        journal_view_clear(&seen);
    }
}

/* ---- webhooks ---- */

static void a_webhook_is_due_when_its_execution_is_done(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_taken taken;
    struct webhook_row row;
    int64_t key = new_key(db), found = 0, next = 0;
    struct record record = accept_one(db, key, "");
    assert_int_equal(webhooks_next_key(db, 0, &found, &next, &error), 0);
    assert_int_equal(webhooks_get(db, record.id, &row, &error), 1);
    assert_int_equal(row.state, WEBHOOK_ASLEEP);
    webhook_row_clear(&row);
    assert_true(take(db, key, &taken));
    end(db, &taken, "{}");
    assert_int_equal(webhooks_next_key(db, 0, &found, &next, &error), 1);
    assert_int_equal(found, key);
    assert_int_equal(next, NOW_MS + 9);
    assert_int_equal(webhooks_next_key(db, key, &found, &next, &error), 0);
}

static void a_webhooks_tries(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_taken taken;
    struct webhook_row row;
    int64_t key = new_key(db), found = 0, next = 0;
    accept_one(db, key, "");
    assert_true(take(db, key, &taken));
    end(db, &taken, "{}");
    assert_int_equal(webhooks_take(db, key, NOW_MS + 100, &row, &error), 1);
    assert_string_equal(row.url, "http://x");
    assert_string_equal(row.secret, "whsec_x");
    webhook_row_clear(&row);
    assert_int_equal(webhooks_next_key(db, 0, &found, &next, &error), 1);
    assert_int_equal(next, NOW_MS + 100); /* the lease */
    check(webhooks_failed(db, taken.id, "why", NOW_MS + 50, &error), &error);
    assert_int_equal(webhooks_get(db, taken.id, &row, &error), 1);
    assert_int_equal(row.state, WEBHOOK_DUE);
    assert_int_equal(row.attempts, 1);
    assert_int_equal(row.next_ms, NOW_MS + 50);
    assert_string_equal(row.last_error, "why");
    webhook_row_clear(&row);
    check(webhooks_delivered(db, taken.id, &error), &error);
    check(webhooks_failed(db, taken.id, "late", 0, &error), &error); /* changes nothing any more */
    assert_int_equal(webhooks_get(db, taken.id, &row, &error), 1);
    assert_int_equal(row.state, WEBHOOK_DELIVERED);
    assert_int_equal(row.attempts, 2);
    assert_int_equal(row.next_ms, 0);
    assert_string_equal(row.last_error, "");
    webhook_row_clear(&row);
    assert_int_equal(webhooks_next_key(db, 0, &found, &next, &error), 0);
}

static void no_statement_scans_a_table(void **state)
{
    static const char *const tables[] = {"journal", "webhooks", NULL};
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct journal_taken taken;
    struct webhook_row row;
    int64_t key = new_key(db), found, next;
    accept_one(db, key, "");
    take(db, key, &taken);
    start(db, &taken);
    check(journal_put_back(db, taken.id, taken.reservation, &error), &error);
    take(db, key, &taken);
    end(db, &taken, "{}");
    journal_next_key(db, 0, &found, &error);
    webhooks_next_key(db, 0, &found, &next, &error);
    webhooks_take(db, key, NOW_MS, &row, &error);
    webhook_row_clear(&row);
    recover(db);
    assert_true(fixture_scans_nothing(db, tables) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(nothing_is_lost_and_nothing_is_charged_twice),
        fixture_test(after_three_attempts_it_is_lost),
        fixture_test(what_is_taken_again_and_again_is_lost),
        fixture_test(the_oldest_of_a_key_comes_first),
        fixture_test(another_key_finds_none),
        fixture_test(a_removed_session),
        fixture_test(what_is_lost_after_its_removal),
        fixture_test(what_is_put_back_after_its_removal_costs_nothing),
        fixture_test(a_key_has_as_much_as_is_free),
        fixture_test(the_oldest_results_go),
        fixture_test(a_webhook_is_due_when_its_execution_is_done),
        fixture_test(a_webhooks_tries),
        fixture_test(no_statement_scans_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
