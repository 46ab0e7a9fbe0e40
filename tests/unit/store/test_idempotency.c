/* Requests with an Idempotency-Key: what the same request gets, whatever has happened to the first one. */
#include "lib/repeats.h"
#include "store/records_fixture.h"

#include "store/idempotency.h"

static struct idempotency_request request_of(int64_t key, const char *text, const char *route, int body)
{
    struct idempotency_request request = {.key_row = key, .text = text, .route = route};
    memset(request.body_sha256, body, sizeof(request.body_sha256));
    return request;
}

static enum idempotency_outcome begin(struct db *db, struct idempotency_request request, int64_t now_ms, int64_t *row)
{
    struct error error = {0};
    struct idempotency_answer answer = {0};
    enum idempotency_outcome outcome;
    check(idempotency_begin(db, &request, now_ms, &outcome, row, &answer, &error), &error);
    assert_int_equal(answer.status != 0, outcome == IDEMPOTENCY_ANSWERED);
    idempotency_clear(&answer);
    return outcome;
}

static void answer_with(struct db *db, int64_t row, char *body, size_t len, int64_t now_ms)
{
    struct error error = {0};
    struct idempotency_answer answer = {.status = 200,
                                        .content_type = (char[]){"application/json"},
                                        .headers = (char[]){"X: y\n"},
                                        .body = body,
                                        .body_len = len};
    check(idempotency_finish(db, row, &answer, now_ms, &error), &error);
}

static void forget(struct db *db, int64_t row)
{
    struct error error = {0};
    check(idempotency_forget(db, row, &error), &error);
}

static long recover(struct db *db)
{
    struct error error = {0};
    long gone, all = 0;
    while ((gone = idempotency_recover(db, &error)) > 0)
        all += gone;
    check((int)gone, &error);
    return all;
}

static long expire(struct db *db, int64_t now_ms)
{
    struct error error = {0};
    long gone, all = 0;
    while ((gone = idempotency_expire(db, now_ms, &error)) > 0)
        all += gone;
    check((int)gone, &error);
    return all;
}

static void assert_shares_are_right(struct db *db)
{
    assert_int_equal(fixture_number(db, "SELECT coalesce(sum(requests), 0) FROM idempotency_shares"),
                     fixture_number(db, "SELECT count(*) FROM idempotency"));
    assert_int_equal(fixture_number(db, "SELECT coalesce(sum(bytes), 0) FROM idempotency_shares"),
                     fixture_number(db, "SELECT coalesce(sum(bytes), 0) FROM idempotency"));
}

/* Every order of up to four events, against a model of one request. */
enum event { BEGIN, BEGIN_OTHER, FINISH, FINISH_FIRST, FORGET, RESTART, DAY, TIDY, EVENTS };

struct model {
    enum { NONE, UNDER_WAY, ANSWERED } state;
    bool other; /* it has the other body */
    bool left;  /* by an earlier run */
    bool old;   /* a day has passed */
    int64_t now_ms, row, first;
};

static void model_begin(struct db *db, struct model *model, int64_t key, bool other)
{
    int64_t row = 0;
    enum idempotency_outcome outcome = begin(db, request_of(key, "one", "POST /execute", other), model->now_ms, &row),
                             expected;
    if (model->state == NONE || model->old || (model->state == UNDER_WAY && model->left))
        expected = IDEMPOTENCY_FRESH;
    else if (model->other != other)
        expected = IDEMPOTENCY_CONFLICT;
    else
        expected = model->state == UNDER_WAY ? IDEMPOTENCY_UNDER_WAY : IDEMPOTENCY_ANSWERED;
    assert_int_equal(outcome, expected);
    if (outcome != IDEMPOTENCY_FRESH)
        return;
    model->state = UNDER_WAY;
    model->other = other;
    model->left = model->old = false;
    model->first = model->first ? model->first : row;
    model->row = row;
}

static void model_finish(struct db *db, struct model *model, int64_t row)
{
    answer_with(db, row, (char[]){"body"}, 4, model->now_ms);
    if (model->state != UNDER_WAY || row != model->row)
        return;
    model->state = ANSWERED;
    model->old = false;
}

static void model_step(struct db *db, struct model *model, int64_t key, enum event event)
{
    switch (event) {
    case BEGIN:
    case BEGIN_OTHER:
        model_begin(db, model, key, event == BEGIN_OTHER);
        return;
    case FINISH:
        model_finish(db, model, model->row);
        return;
    case FINISH_FIRST:
        model_finish(db, model, model->first);
        return;
    case FORGET:
        forget(db, model->row);
        model->state = model->state == UNDER_WAY ? NONE : model->state;
        return;
    case RESTART:
        fixture_run(db, "UPDATE idempotency SET run = -1");
        model->left = true;
        return;
    case DAY:
        model->now_ms += IDEMPOTENCY_KEPT_MS;
        model->old = true;
        return;
    default:
        recover(db);
        expire(db, model->now_ms);
        if (model->old || (model->state == UNDER_WAY && model->left))
            model->state = NONE;
    }
}

static void every_order_of_events(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    for (int order = 0; order < EVENTS * EVENTS * EVENTS * EVENTS; order += unless_short(1, 41)) {
        struct error error = {0};
        struct model model = {.now_ms = NOW_MS};
        check(db_begin(db, &error), &error);
        model_step(db, &model, key, BEGIN);
        for (int i = 0, rest = order; i < 4; i++, rest /= EVENTS) {
            model_step(db, &model, key, (enum event)(rest % EVENTS));
            if (model.state == NONE)
                assert_int_equal(fixture_number(db, "SELECT count(*) FROM idempotency WHERE since_ms >= 0"), 0);
        }
        assert_shares_are_right(db);
        db_rollback(db);
    }
}

static void the_same_answer_comes_again(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    int64_t key = new_key(fixture->db), row;
    struct idempotency_request request = request_of(key, "one", "POST /execute", 7);
    assert_int_equal(begin(fixture->db, request, NOW_MS, &row), IDEMPOTENCY_FRESH);
    answer_with(fixture->db, row, (char[]){"a\0b"}, 3, NOW_MS + 5);
    answer_with(fixture->db, row, (char[]){"late"}, 4, NOW_MS + 6); /* changes nothing */
    forget(fixture->db, row);
    db_close(fixture->db); /* and it survives a restart */
    fixture->db = fixture_open(fixture->dir);
    recover(fixture->db);
    for (int i = 0; i < 2; i++) {
        struct idempotency_answer answer = {0};
        enum idempotency_outcome outcome;
        int64_t now_ms = NOW_MS + 5 + (i == 0 ? 0 : IDEMPOTENCY_KEPT_MS - 1);
        check(idempotency_begin(fixture->db, &request, now_ms, &outcome, &row, &answer, &error), &error);
        assert_int_equal(outcome, IDEMPOTENCY_ANSWERED);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.content_type, "application/json");
        assert_string_equal(answer.headers, "X: y\n");
        assert_int_equal(answer.body_len, 3);
        assert_memory_equal(answer.body, "a\0b", 4);
        idempotency_clear(&answer);
    }
    assert_int_equal(begin(fixture->db, request, NOW_MS + 5 + IDEMPOTENCY_KEPT_MS, &row), IDEMPOTENCY_FRESH);
}

static void an_answer_may_be_empty(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct idempotency_answer answer = {.status = 204, .content_type = (char[]){""}, .headers = (char[]){""}};
    enum idempotency_outcome outcome;
    int64_t row;
    struct idempotency_request request = request_of(new_key(db), "one", "r", 0);
    begin(db, request, NOW_MS, &row);
    check(idempotency_finish(db, row, &answer, NOW_MS, &error), &error);
    check(idempotency_begin(db, &request, NOW_MS, &outcome, &row, &answer, &error), &error);
    assert_int_equal(answer.status, 204);
    assert_string_equal(answer.content_type, "");
    assert_string_equal(answer.headers, "");
    assert_int_equal(answer.body_len, 0);
    idempotency_clear(&answer);
}

static void what_differs_is_a_conflict(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), other = new_key(db), row;
    for (int answered = 0; answered < 2; answered++) {
        const char *text = answered ? "a" : "b";
        assert_int_equal(begin(db, request_of(key, text, "POST /a", 1), NOW_MS, &row), IDEMPOTENCY_FRESH);
        if (answered)
            answer_with(db, row, (char[]){"x"}, 1, NOW_MS);
        assert_int_equal(begin(db, request_of(key, text, "POST /b", 1), NOW_MS, &row), IDEMPOTENCY_CONFLICT);
        assert_int_equal(begin(db, request_of(key, text, "POST /a", 2), NOW_MS, &row), IDEMPOTENCY_CONFLICT);
        assert_int_equal(begin(db, request_of(key, text, "POST /a", 1), NOW_MS, &row),
                         answered ? IDEMPOTENCY_ANSWERED : IDEMPOTENCY_UNDER_WAY);
        assert_int_equal(begin(db, request_of(other, text, "POST /b", 2), NOW_MS, &row), IDEMPOTENCY_FRESH);
        assert_int_equal(begin(db, request_of(key, answered ? "A" : "B", "POST /a", 2), NOW_MS, &row),
                         IDEMPOTENCY_FRESH);
    }
    assert_shares_are_right(db);
}

/* As many requests as a key may have, of `kind` (a value of the column status), the oldest first, and one of another
 * key. */
static void fill(struct db *db, int64_t key, int64_t other, const char *status)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "INSERT INTO idempotency (key_row, text, route, body_sha256, since_ms, server, run, bytes, status)"
             " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " SELECT %lld, 'k' || i, 'r', zeroblob(32), %lld + i, %lld, 1, 0, %s FROM n",
             IDEMPOTENCY_REQUESTS_MAX, (long long)key, (long long)NOW_MS - IDEMPOTENCY_REQUESTS_MAX,
             (long long)db_server(db), status);
    fixture_run(db, sql);
    fixture_run(db, "INSERT INTO idempotency_shares SELECT key_row, count(*), 0 FROM idempotency GROUP BY key_row");
    int64_t row;
    begin(db, request_of(other, "k1", "r", 0), NOW_MS, &row);
    answer_with(db, row, (char[]){"x"}, 1, 1); /* older than all */
}

static void the_oldest_answers_make_room(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), other = new_key(db), row;
    fill(db, key, other, "200");
    assert_int_equal(begin(db, request_of(key, "k10001", "r", 0), NOW_MS, &row), IDEMPOTENCY_FRESH);
    assert_int_equal(begin(db, request_of(key, "k2", "r", 0), NOW_MS, &row), IDEMPOTENCY_ANSWERED);
    assert_int_equal(begin(db, request_of(key, "k1", "r", 0), NOW_MS, &row), IDEMPOTENCY_FRESH);
    assert_int_equal(begin(db, request_of(key, "k2", "r", 0), NOW_MS, &row), IDEMPOTENCY_FRESH);
    assert_int_equal(begin(db, request_of(other, "k1", "r", 0), 2, &row), IDEMPOTENCY_ANSWERED);
    assert_int_equal(fixture_number(db, "SELECT requests FROM idempotency_shares ORDER BY key_row LIMIT 1"),
                     IDEMPOTENCY_REQUESTS_MAX);
    assert_shares_are_right(db);
}

static void what_is_under_way_makes_none(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    enum idempotency_outcome outcome;
    struct idempotency_answer answer;
    int64_t key = new_key(db), row;
    fill(db, key, new_key(db), "NULL");
    struct idempotency_request request = request_of(key, "more", "r", 0);
    assert_int_equal(idempotency_begin(db, &request, NOW_MS, &outcome, &row, &answer, &error), -1);
    assert_int_equal(error.code, ERROR_BUSY);
    assert_string_equal(error.text, "Too many requests with an Idempotency-Key are under way. Please try again later.");
    assert_int_equal(recover(db), IDEMPOTENCY_REQUESTS_MAX); /* of a run that is over */
    assert_int_equal(begin(db, request, NOW_MS, &row), IDEMPOTENCY_FRESH);
    assert_shares_are_right(db);
}

static void answers_have_a_size_in_all(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), rows_[3];
    const char *const texts[] = {"a", "b", "c"};
    size_t third = IDEMPOTENCY_BYTES_MAX / 3 + 1000;
    char *body = calloc(1, IDEMPOTENCY_BYTES_MAX + 1);
    assert_non_null(body);
    for (int i = 0; i < 3; i++)
        begin(db, request_of(key, texts[i], "r", 0), NOW_MS, &rows_[i]);
    for (int i = 0; i < 3; i++)
        answer_with(db, rows_[i], body, third, NOW_MS + i);
    assert_int_equal(begin(db, request_of(key, "c", "r", 0), NOW_MS, rows_), IDEMPOTENCY_ANSWERED);
    assert_int_equal(begin(db, request_of(key, "b", "r", 0), NOW_MS, rows_), IDEMPOTENCY_ANSWERED);
    assert_int_equal(begin(db, request_of(key, "a", "r", 0), NOW_MS, rows_), IDEMPOTENCY_FRESH);
    answer_with(db, rows_[0], body, IDEMPOTENCY_BYTES_MAX + 1, NOW_MS); /* not kept, and puts no other out */
    assert_int_equal(begin(db, request_of(key, "b", "r", 0), NOW_MS, rows_), IDEMPOTENCY_ANSWERED);
    assert_int_equal(begin(db, request_of(key, "a", "r", 0), NOW_MS, rows_), IDEMPOTENCY_FRESH);
    assert_shares_are_right(db);
    free(body);
}

static void a_start_forgets_its_own_alone(void **state)
{
    struct fixture *fixture = *state;
    int64_t key = new_key(fixture->db), row;
    begin(fixture->db, request_of(key, "theirs", "r", 0), NOW_MS, &row);
    fixture_run(fixture->db, "UPDATE idempotency SET server = server + 1"); /* another server's, which may run */
    begin(fixture->db, request_of(key, "left", "r", 0), NOW_MS, &row);
    begin(fixture->db, request_of(key, "found", "r", 0), NOW_MS, &row);
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_int_equal(begin(fixture->db, request_of(key, "found", "r", 1), NOW_MS, &row), IDEMPOTENCY_FRESH);
    assert_int_equal(recover(fixture->db), 1);
    assert_int_equal(begin(fixture->db, request_of(key, "found", "r", 1), NOW_MS, &row), IDEMPOTENCY_UNDER_WAY);
    assert_int_equal(begin(fixture->db, request_of(key, "theirs", "r", 0), NOW_MS, &row), IDEMPOTENCY_UNDER_WAY);
    assert_int_equal(begin(fixture->db, request_of(key, "left", "r", 0), NOW_MS, &row), IDEMPOTENCY_FRESH);
    assert_shares_are_right(fixture->db);
}

static void old_answers_go_in_slices(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db), row;
    const char *const texts[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        begin(db, request_of(key, texts[i], "r", 0), NOW_MS, &row);
        answer_with(db, row, (char[]){"x"}, 1, NOW_MS + i);
    }
    fixture_step_ns = STORE_UPKEEP_SLICE_NS;
    for (int i = 0; i < 2; i++)
        assert_int_equal(idempotency_expire(db, NOW_MS + 1 + IDEMPOTENCY_KEPT_MS, &error), 1);
    assert_int_equal(idempotency_expire(db, NOW_MS + 1 + IDEMPOTENCY_KEPT_MS, &error), 0);
    assert_int_equal(begin(db, request_of(key, "c", "r", 0), NOW_MS, &row), IDEMPOTENCY_ANSWERED);
    assert_shares_are_right(db);
}

static void nothing_scans_a_table(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), row;
    fill(db, key, new_key(db), "200");
    begin(db, request_of(key, "k10001", "r", 0), NOW_MS, &row);
    answer_with(db, row, (char[]){"x"}, 1, NOW_MS);
    begin(db, request_of(key, "k10001", "r", 0), NOW_MS, &row);
    recover(db);
    expire(db, NOW_MS);
    assert_true(fixture_scans_nothing(db, (const char *const[]){" idempotency WHERE", "idempotency SET",
                                                                "idempotency_shares SET",
                                                                "FROM idempotency_shares WHERE", NULL}) >= 10);
}

static void a_database_that_fails_begins_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct idempotency_answer answer = {.status = 200, .content_type = (char[]){""}, .headers = (char[]){""}};
    enum idempotency_outcome outcome;
    int64_t row;
    struct idempotency_request request = request_of(new_key(db), "one", "r", 0);
    begin(db, request, NOW_MS, &row);
    fixture_run(db, "ALTER TABLE idempotency_shares RENAME TO gone");
    request.text = "two";
    assert_int_equal(idempotency_begin(db, &request, NOW_MS, &outcome, &row, &answer, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(idempotency_finish(db, row, &answer, NOW_MS, &error), -1);
    assert_int_equal(idempotency_forget(db, row, &error), -1);
    fixture_run(db, "ALTER TABLE idempotency RENAME TO gone_too");
    assert_int_equal(idempotency_begin(db, &request, NOW_MS, &outcome, &row, &answer, &error), -1);
    assert_int_equal(idempotency_recover(db, &error), -1);
    assert_int_equal(idempotency_expire(db, NOW_MS, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(every_order_of_events),
        fixture_test(the_same_answer_comes_again),
        fixture_test(an_answer_may_be_empty),
        fixture_test(what_differs_is_a_conflict),
        fixture_test(the_oldest_answers_make_room),
        fixture_test(what_is_under_way_makes_none),
        fixture_test(answers_have_a_size_in_all),
        fixture_test(a_start_forgets_its_own_alone),
        fixture_test(old_answers_go_in_slices),
        fixture_test(nothing_scans_a_table),
        fixture_test(a_database_that_fails_begins_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
