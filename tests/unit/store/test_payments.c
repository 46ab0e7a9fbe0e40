/* Payments: each pays for one run alone, whatever happens between its claim and its settlement. */
#include "lib/repeats.h"
#include "store/records_fixture.h"

#include "store/payments.h"

#include <uv.h>

static struct payment payment_of(const char *network, const char *nonce)
{
    struct payment payment = {.valid_before_ms = NOW_MS + 60000};
    snprintf(payment.network, sizeof(payment.network), "%s", network);
    snprintf(payment.nonce, sizeof(payment.nonce), "%s", nonce);
    return payment;
}

static enum payment_outcome claim_at(struct db *db, struct payment payment, int64_t now_ms, int64_t *claim)
{
    struct error error = {0};
    enum payment_outcome outcome;
    check(payments_claim(db, &payment, now_ms, &outcome, claim, &error), &error);
    assert_int_equal(*claim > 0, outcome == PAYMENT_FRESH);
    return outcome;
}

static enum payment_outcome claim_of(struct db *db, const char *network, const char *nonce)
{
    int64_t claim;
    return claim_at(db, payment_of(network, nonce), NOW_MS, &claim);
}

static long expire(struct db *db, int64_t now_ms)
{
    struct error error = {0};
    long gone, all = 0;
    while ((gone = payments_expire(db, now_ms, &error)) > 0)
        all += gone;
    check((int)gone, &error);
    return all;
}

/* Every order of up to five events, against a model of one payment. */
enum event { CLAIM, SETTLE, CONSUME, RELEASE, RELEASE_FIRST, RESTART, LATER, EVENTS };

struct model {
    enum { NONE, CLAIMED, SETTLING, CONSUMED } state;
    bool left; /* by an earlier run */
    int64_t now_ms, claim, first;
};

static void model_claim(struct db *db, struct model *model)
{
    int64_t claim;
    enum payment_outcome outcome = claim_at(db, payment_of("base", "0xA"), model->now_ms, &claim), expected;
    if (model->state == NONE || (model->state == CLAIMED && model->left))
        expected = PAYMENT_FRESH;
    else if (model->state == CONSUMED || (model->state == SETTLING && model->left))
        expected = PAYMENT_CONSUMED;
    else
        expected = PAYMENT_IN_FLIGHT;
    assert_int_equal(outcome, expected);
    if (outcome != PAYMENT_FRESH)
        return;
    assert_int_not_equal(claim, model->claim);
    model->state = CLAIMED;
    model->left = false;
    model->claim = claim;
    model->first = model->first ? model->first : claim;
}

static void model_settle(struct db *db, struct model *model)
{
    struct error error = {0};
    int result = payments_settle(db, model->claim, &error);
    assert_int_equal(result, model->state == CLAIMED ? 0 : -1);
    assert_int_equal(error.code, model->state == CLAIMED ? ERROR_NONE : ERROR_CONFLICT);
    model->state = model->state == CLAIMED ? SETTLING : model->state;
}

static void model_release(struct db *db, struct model *model, int64_t claim)
{
    struct error error = {0};
    check(payments_release(db, claim, &error), &error);
    if (claim == model->claim && model->state != CONSUMED)
        model->state = NONE;
}

static void model_step(struct db *db, struct model *model, enum event event)
{
    struct error error = {0};
    switch (event) {
    case CLAIM:
        model_claim(db, model);
        return;
    case SETTLE:
        model_settle(db, model);
        return;
    case CONSUME:
        check(payments_consume(db, model->claim, &error), &error);
        model->state = model->state == NONE ? NONE : CONSUMED;
        return;
    case RELEASE:
        model_release(db, model, model->claim);
        return;
    case RELEASE_FIRST: /* late, when the payment may be another request's */
        model_release(db, model, model->first);
        return;
    case RESTART:
        fixture_run(db, "UPDATE payments SET run = -1");
        model->left = true;
        return;
    default:
        model->now_ms += PAYMENT_KEPT_MS + 60000;
        expire(db, model->now_ms);
        model->state = NONE;
    }
}

static void every_order_of_events(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    for (int order = 0; order < EVENTS * EVENTS * EVENTS * EVENTS * EVENTS; order += unless_short(1, 41)) {
        struct error error = {0};
        struct model model = {.now_ms = NOW_MS};
        check(db_begin(db, &error), &error);
        for (int i = 0, rest = order; i < 5; i++, rest /= EVENTS) {
            model_step(db, &model, (enum event)(rest % EVENTS));
            assert_int_equal(fixture_number(db, "SELECT coalesce(min(state), -1) FROM payments"), (int)model.state - 1);
        }
        db_rollback(db);
    }
}

static void a_payment_is_its_network_and_its_nonce_in_any_case(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    assert_int_equal(claim_of(db, "base", "0xABCdef"), PAYMENT_FRESH);
    assert_int_equal(claim_of(db, "base", "0xabcDEF"), PAYMENT_IN_FLIGHT);
    assert_int_equal(claim_of(db, "base", "0XABCDEF"), PAYMENT_IN_FLIGHT);
    assert_int_equal(claim_of(db, "base", "0xABCdef0"), PAYMENT_FRESH);
    assert_int_equal(claim_of(db, "base-sepolia", "0xABCdef"), PAYMENT_FRESH);
}

/* A real restart at each point of the way. */
static void a_server_that_ends_leaves_no_payment_unclear(void **state)
{
    static const enum payment_outcome then[] = {PAYMENT_FRESH, PAYMENT_CONSUMED, PAYMENT_CONSUMED, PAYMENT_FRESH};
    struct fixture *fixture = *state;
    for (int point = 0; point < 4; point++) {
        struct error error = {0};
        struct payment payment = payment_of("base", (const char *[]){"a", "b", "c", "d"}[point]);
        int64_t claim;
        assert_int_equal(claim_at(fixture->db, payment, NOW_MS, &claim), PAYMENT_FRESH);
        if (point == 1 || point == 2)
            check(payments_settle(fixture->db, claim, &error), &error);
        if (point == 2)
            check(payments_consume(fixture->db, claim, &error), &error);
        if (point == 3)
            check(payments_release(fixture->db, claim, &error), &error);
        db_close(fixture->db);
        fixture->db = fixture_open(fixture->dir);
        assert_int_equal(claim_at(fixture->db, payment, NOW_MS, &claim), then[point]);
        assert_int_equal(claim_at(fixture->db, payment, NOW_MS, &claim),
                         then[point] == PAYMENT_FRESH ? PAYMENT_IN_FLIGHT : PAYMENT_CONSUMED);
    }
}

static void another_servers_payment_stays_in_flight(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(claim_of(fixture->db, "base", "a"), PAYMENT_FRESH);
    fixture_run(fixture->db, "UPDATE payments SET server = server + 1");
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_int_equal(claim_of(fixture->db, "base", "a"), PAYMENT_IN_FLIGHT);
}

/* Long after it has become invalid, whatever its time says. */
static void how_long_a_row_is_kept(void **state)
{
    static const struct {
        int64_t valid_before_ms, keep_ms;
    } cases[] = {
        {0, NOW_MS + PAYMENT_KEPT_MS},
        {-5, NOW_MS + PAYMENT_KEPT_MS},
        {NOW_MS - 1, NOW_MS + PAYMENT_KEPT_MS},
        {NOW_MS + 60000, NOW_MS + 60000 + PAYMENT_KEPT_MS},
        {INT64_MAX, INT64_MAX},
    };
    struct db *db = ((struct fixture *)*state)->db;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error = {0};
        struct payment payment = payment_of("base", "a");
        int64_t claim;
        payment.valid_before_ms = cases[i].valid_before_ms;
        claim_at(db, payment, NOW_MS, &claim);
        check(payments_consume(db, claim, &error), &error);
        assert_int_equal(expire(db, cases[i].keep_ms - 1), 0);
        assert_int_equal(claim_at(db, payment, cases[i].keep_ms - 1, &claim), PAYMENT_CONSUMED);
        assert_int_equal(expire(db, cases[i].keep_ms), 1);
    }
}

static void old_rows_go_in_slices(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int slices;
    fixture_run(db, "INSERT INTO payments WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                    " SELECT i, 'base', 'n' || i, i % 3, i, 1, 1 FROM n");
    fixture_step_ns = STORE_UPKEEP_SLICE_NS;
    for (slices = 0; payments_expire(db, 90, &error) > 0; slices++) {
    }
    assert_int_equal(slices, 6); /* of 16 rows */
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM payments WHERE keep_ms > 90"), 10);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM payments"), 10);
}

struct claimer {
    uv_thread_t thread;
    struct db *db;
    int fresh;
};

enum { CLAIMERS = 4, PAYMENTS = 50 };

static void claim_all(void *arg)
{
    struct claimer *claimer = arg;
    for (int i = 0; i < PAYMENTS; i++) {
        struct error error = {0};
        struct payment payment = payment_of("base", "");
        enum payment_outcome outcome;
        int64_t claim;
        snprintf(payment.nonce, sizeof(payment.nonce), "%d", i);
        assert_int_equal(db_begin(claimer->db, &error), 0);
        assert_int_equal(payments_claim(claimer->db, &payment, NOW_MS, &outcome, &claim, &error), 0);
        assert_int_equal(db_commit(claimer->db, &error), 0);
        claimer->fresh += outcome == PAYMENT_FRESH;
    }
}

static void of_many_at_once_one_is_fresh(void **state)
{
    struct fixture *fixture = *state;
    struct claimer claimers[CLAIMERS] = {0};
    int fresh = 0;
    for (int i = 0; i < CLAIMERS; i++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "UPDATE instance SET id = '%d1111111-1111-4111-8111-111111111111'", i);
        fixture_run(fixture->db, sql); /* each is a server of its own */
        claimers[i].db = fixture_open(fixture->dir);
    }
    for (int i = 0; i < CLAIMERS; i++)
        assert_int_equal(uv_thread_create(&claimers[i].thread, claim_all, &claimers[i]), 0);
    for (int i = 0; i < CLAIMERS; i++) {
        uv_thread_join(&claimers[i].thread);
        fresh += claimers[i].fresh;
        db_close(claimers[i].db);
    }
    assert_int_equal(fresh, PAYMENTS);
}

static void nothing_scans_a_table(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t claim, second;
    claim_at(db, payment_of("base", "a"), NOW_MS, &claim);
    claim_at(db, payment_of("base", "a"), NOW_MS, &second);
    check(payments_settle(db, claim, &error), &error);
    check(payments_consume(db, claim, &error), &error);
    check(payments_release(db, claim, &error), &error);
    expire(db, NOW_MS);
    assert_int_equal(fixture_scans_nothing(db, (const char *const[]){"payments", NULL}), 7);
}

static void a_database_that_fails_claims_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct payment payment = payment_of("base", "a");
    enum payment_outcome outcome;
    int64_t claim = 7;
    fixture_run(db, "ALTER TABLE payments RENAME TO gone");
    assert_int_equal(payments_claim(db, &payment, NOW_MS, &outcome, &claim, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(claim, 0);
    assert_int_equal(payments_settle(db, 1, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(payments_consume(db, 1, &error), -1);
    assert_int_equal(payments_release(db, 1, &error), -1);
    assert_int_equal(payments_expire(db, NOW_MS, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(every_order_of_events),
        fixture_test(a_payment_is_its_network_and_its_nonce_in_any_case),
        fixture_test(a_server_that_ends_leaves_no_payment_unclear),
        fixture_test(another_servers_payment_stays_in_flight),
        fixture_test(how_long_a_row_is_kept),
        fixture_test(old_rows_go_in_slices),
        fixture_test(of_many_at_once_one_is_fresh),
        fixture_test(nothing_scans_a_table),
        fixture_test(a_database_that_fails_claims_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
