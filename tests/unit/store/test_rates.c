#include "store/fixture.h"

#include "store/rates.h"

#define NOW FIXTURE_NOW_NS
#define MINUTE INT64_C(60000000000)

static int64_t interval_of(int64_t rate)
{
    return (MINUTE + rate - 1) / rate;
}

/* Takes `count` single requests at one instant; how many were allowed. */
static int64_t take_many(int64_t *tat, int64_t rate, int64_t count, int64_t now)
{
    int64_t allowed = 0;
    for (int64_t i = 0; i < count; i++) {
        struct rate_verdict verdict = rate_decide(*tat, rate, 1, now);
        allowed += verdict.allowed;
        if (verdict.allowed)
            *tat = verdict.tat_ns;
    }
    return allowed;
}

static void the_burst_is_the_rate_and_the_next_comes_after_one_interval(void **state)
{
    static const int64_t rates[] = {1, 2, 3, 7, 60, 99, 100, 977, 65536, 999983, 999999, 1000000};
    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        int64_t rate = rates[i], interval = interval_of(rate), tat = 0;
        assert_int_equal(take_many(&tat, rate, rate, NOW), rate);

        struct rate_verdict verdict = rate_decide(tat, rate, 1, NOW);
        assert_false(verdict.allowed);
        assert_int_equal(verdict.remaining, 0);
        assert_int_equal(verdict.retry_after_ns, interval);
        assert_int_equal(verdict.tat_ns, tat);
        assert_false(rate_decide(tat, rate, 1, NOW + interval - 1).allowed);
        assert_int_equal(rate_decide(tat, rate, 1, NOW + interval - 1).retry_after_ns, 1);

        verdict = rate_decide(tat, rate, 1, NOW + interval);
        assert_true(verdict.allowed);
        assert_int_equal(verdict.remaining, 0);
        assert_int_equal(verdict.retry_after_ns, 0);
        /* The interval is never shorter than the minute's part, nor a nanosecond longer. */
        assert_true(interval * rate >= MINUTE && (interval - 1) * rate < MINUTE);
    }
}

static void one_interval_gives_one_request(void **state)
{
    static const int64_t rates[] = {7, 100, 1000000};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int64_t rate = rates[i], interval = interval_of(rate), tat = 0;
        take_many(&tat, rate, rate, NOW);
        for (int64_t turn = 1; turn <= 50; turn++)
            assert_int_equal(take_many(&tat, rate, 3, NOW + turn * interval), 1);
    }
}

static void a_full_burst_is_back_after_the_minute(void **state)
{
    int64_t tat = 0;
    (void)state;
    assert_int_equal(take_many(&tat, 100, 200, NOW), 100);
    assert_int_equal(take_many(&tat, 100, 200, NOW + MINUTE - 1), 99);
    tat = NOW + MINUTE;
    assert_int_equal(take_many(&tat, 100, 200, NOW + MINUTE), 100);
}

static void what_a_verdict_says(void **state)
{
    static const struct {
        int64_t tat, rate, cost, now;
        bool allowed;
        int64_t tat_after, remaining, reset, retry;
    } cases[] = {
        /* never used; used long ago */
        {0, 60, 1, NOW, true, NOW + 1000000000, 59, NOW + 1000000000, 0},
        {NOW - MINUTE, 60, 1, NOW, true, NOW + 1000000000, 59, NOW + 1000000000, 0},
        /* asking without counting, with room and without */
        {0, 60, 0, NOW, true, NOW, 60, NOW, 0},
        {NOW + MINUTE, 60, 0, NOW, true, NOW + MINUTE, 0, NOW + MINUTE, 0},
        /* all or nothing */
        {0, 60, 60, NOW, true, NOW + MINUTE, 0, NOW + MINUTE, 0},
        {NOW + 50000000000, 60, 10, NOW, true, NOW + MINUTE, 0, NOW + MINUTE, 0},
        {NOW + 50000000000, 60, 11, NOW, false, NOW + 50000000000, 10, NOW + 50000000000, 1000000000},
        {NOW + 50000000001, 60, 10, NOW, false, NOW + 50000000001, 9, NOW + 50000000001, 1},
        /* over the burst: never */
        {0, 60, 61, NOW, false, NOW, 60, NOW, 1000000000},
        {NOW + 5000000000, 60, 61, NOW, false, NOW + 5000000000, 55, NOW + 5000000000, 5000000000},
        {0, 1, INT64_MAX, NOW, false, NOW, 1, NOW, MINUTE},
        /* the clock went back by an hour: clamped to an empty burst */
        {NOW + 3600000000000, 60, 1, NOW, false, NOW + MINUTE, 0, NOW + MINUTE, 1000000000},
        {INT64_MAX, 60, 1, NOW, false, NOW + MINUTE, 0, NOW + MINUTE, 1000000000},
        /* the clock went forward, or the number is nonsense: full */
        {NOW, 60, 1, NOW + 3600000000000, true, NOW + 3601000000000, 59, NOW + 3601000000000, 0},
        {INT64_MIN, 60, 1, NOW, true, NOW + 1000000000, 59, NOW + 1000000000, 0},
        /* a part of an interval is no request */
        {NOW + MINUTE, 60, 1, NOW + 999999999, false, NOW + MINUTE, 0, NOW + MINUTE, 1},
        {NOW + MINUTE, 60, 1, NOW + 1500000000, true, NOW + 61000000000, 0, NOW + 61000000000, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rate_verdict verdict = rate_decide(cases[i].tat, cases[i].rate, cases[i].cost, cases[i].now);
        if (verdict.allowed != cases[i].allowed)
            fail_msg("case %zu: allowed %d", i, verdict.allowed);
        assert_int_equal(verdict.limit, cases[i].rate);
        assert_int_equal(verdict.tat_ns, cases[i].tat_after);
        assert_int_equal(verdict.remaining, cases[i].remaining);
        assert_int_equal(verdict.reset_ns, cases[i].reset);
        assert_int_equal(verdict.retry_after_ns, cases[i].retry);
    }
}

static void retry_after_is_the_first_instant_that_is_allowed(void **state)
{
    static const int64_t rates[] = {1, 7, 100, 999983};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (int64_t cost = 1; cost <= 10 && cost <= rates[i]; cost++) {
            int64_t tat = NOW + interval_of(rates[i]) * rates[i] - cost / 2;
            struct rate_verdict verdict = rate_decide(tat, rates[i], cost, NOW);
            assert_false(verdict.allowed);
            assert_true(rate_decide(tat, rates[i], cost, NOW + verdict.retry_after_ns).allowed);
            assert_false(rate_decide(tat, rates[i], cost, NOW + verdict.retry_after_ns - 1).allowed);
        }
}

static struct rate_verdict take(struct db *db, int64_t key, int64_t rate, int64_t cost, int64_t now)
{
    struct error error = {0};
    struct rate_verdict verdict = {0};
    if (rates_take(db, key, rate, cost, now, &verdict, &error) < 0)
        fail_msg("rates_take: %s", error.text);
    return verdict;
}

static void the_state_is_kept_over_a_restart(void **state)
{
    struct fixture *fixture = *state;
    char text[KEY_TEXT_LEN + 1];
    int64_t key = fixture_key(fixture->db, text).row;
    assert_int_equal(take(fixture->db, key, 7, 5, NOW).remaining, 2);
    db_close(fixture->db);
    fixture->db = fixture_open(fixture->dir);
    assert_true(take(fixture->db, key, 7, 2, NOW).allowed);
    assert_false(take(fixture->db, key, 7, 1, NOW).allowed);
    assert_true(take(fixture->db, key, 7, 1, NOW + interval_of(7)).allowed);
}

static void keys_do_not_share_and_asking_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    char text[KEY_TEXT_LEN + 1];
    int64_t one = fixture_key(fixture->db, text).row, two = fixture_key(fixture->db, text).row;
    assert_int_equal(take(fixture->db, one, 2, 0, NOW).remaining, 2);
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM rates"), 0);
    assert_true(take(fixture->db, one, 2, 2, NOW).allowed);
    assert_int_equal(take(fixture->db, two, 2, 1, NOW).remaining, 1);
    assert_false(take(fixture->db, one, 2, 1, NOW).allowed);
    assert_int_equal(take(fixture->db, one, 2, 0, NOW).remaining, 0);
}

static void a_rolled_back_request_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    char text[KEY_TEXT_LEN + 1];
    int64_t key = fixture_key(fixture->db, text).row;
    assert_int_equal(db_begin(fixture->db, NULL), 0);
    assert_true(take(fixture->db, key, 1, 1, NOW).allowed);
    db_rollback(fixture->db);
    assert_true(take(fixture->db, key, 1, 1, NOW).allowed);
}

static void a_key_that_is_not_there_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct rate_verdict verdict;
    assert_int_equal(rates_take(fixture->db, 12345, 1, 1, NOW, &verdict, &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_burst_is_the_rate_and_the_next_comes_after_one_interval),
        cmocka_unit_test(one_interval_gives_one_request),
        cmocka_unit_test(a_full_burst_is_back_after_the_minute),
        cmocka_unit_test(what_a_verdict_says),
        cmocka_unit_test(retry_after_is_the_first_instant_that_is_allowed),
        fixture_test(the_state_is_kept_over_a_restart),
        fixture_test(keys_do_not_share_and_asking_writes_nothing),
        fixture_test(a_rolled_back_request_does_not_count),
        fixture_test(a_key_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
