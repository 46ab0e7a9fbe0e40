/* Executions that are counted after the head: all or none, shown to the client, and a client that goes away. */
#include "api/charge.h"

#include "api/fakes.h"

static const struct http_route charges_route = {"POST", "/charges", NULL, API_KEY | API_EXECUTE | API_CHARGES};
static const struct http_route run_route = {"POST", "/run", NULL, API_KEY | API_EXECUTE | API_COUNTS};

struct outcome {
    bool fired, said_rate;
    struct rate_verdict rate;
    struct error error;
};

static void on_charged(void *arg, const struct rate_verdict *rate, const struct error *error)
{
    struct outcome *outcome = arg;

    assert_false(outcome->fired);
    *outcome = (struct outcome){.fired = true, .said_rate = rate != NULL};
    if (rate != NULL)
        outcome->rate = *rate;
    if (error != NULL)
        outcome->error = *error;
}

static struct http_exchange admitted(const struct http_route *route)
{
    struct http_exchange ex = {.route = route, .headers = {{"X-API-Key", fake_key}}};

    api_admit(&ex);
    fake_settle();
    return ex;
}

static struct outcome charge(struct http_exchange *ex, int64_t count)
{
    struct outcome outcome = {.fired = false};
    const struct charge_options options = {.count = count, .done = on_charged, .arg = &outcome};
    struct charge *charge;

    api_charge(&charge, ex, &options);
    while (!outcome.fired)
        uv_run(&fake_loop, UV_RUN_ONCE);
    assert_null(charge);
    return outcome;
}

/* The rate is 3 a minute. */
static void test_all_are_counted_or_none(void **state)
{
    (void)state;
    static const struct {
        int64_t count, remaining;
        bool allowed;
    } table[] = {{4, 3, false}, {2, 1, true}, {2, 1, false}, {1, 0, true}, {1, 0, false}};
    struct http_exchange ex = admitted(&charges_route);

    assert_true(ex.admitted);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct outcome outcome = charge(&ex, table[i].count);
        assert_true(outcome.said_rate);
        assert_int_equal(outcome.rate.allowed, table[i].allowed);
        assert_int_equal(outcome.rate.remaining, table[i].remaining);
        assert_int_equal(outcome.error.code, table[i].allowed ? ERROR_NONE : ERROR_RATE);
        if (!table[i].allowed)
            assert_string_equal(outcome.error.text, "Rate limit exceeded. Please try again later.");
    }
    fake_expect(&ex, 0, NULL);
    struct http_exchange next = admitted(&run_route); /* it is the rate that other routes count against */
    fake_expect(&next, 429, NULL);
}

static void test_admission_counts_and_shows_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct http_exchange ex = admitted(&charges_route);
        assert_true(ex.admitted);
        assert_string_equal(ex.added, "");
        fake_expect(&ex, 0, NULL);
    }
    struct http_exchange large = {
        .route = &charges_route, .headers = {{"X-API-Key", fake_key}}, .content_length = 1 << 20};
    api_admit(&large);
    fake_settle();
    assert_true(large.admitted);
    fake_expect(&large, 0, NULL);
}

static void test_the_headers(void **state)
{
    (void)state;
    struct http_exchange ex = admitted(&charges_route);
    struct outcome outcome = charge(&ex, 3);

    api_show_rate(&ex, &outcome.rate);
    assert_string_equal(ex.added, "X-RateLimit-Limit: 3\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1700000060\n"
                                  "RateLimit-Policy: \"default\";q=3;w=60\nRateLimit: \"default\";r=0;t=20\n");
    outcome = charge(&ex, 1);
    ex.added[0] = '\0';
    api_show_rate(&ex, &outcome.rate);
    assert_non_null(strstr(ex.added, "\nRetry-After: 20\n"));
    fake_expect(&ex, 0, NULL);
}

static void test_a_client_that_leaves(void **state)
{
    (void)state;
    struct http_exchange ex = admitted(&charges_route);
    struct outcome outcome = {.fired = false};
    const struct charge_options options = {.count = 1, .done = on_charged, .arg = &outcome};
    struct charge *charge;

    api_charge(&charge, &ex, &options);
    charge_leave(charge);
    assert_null(charge);
    fake_settle();
    assert_false(outcome.fired);
    fake_expect(&ex, 0, NULL);
}

static int no_rates(struct db *db, struct error *error)
{
    return db_driver(db)->calls->run_script(db_driver(db), "ALTER TABLE rates RENAME TO gone", error);
}

static void test_a_database_that_fails(void **state)
{
    (void)state;
    struct http_exchange ex = admitted(&charges_route);

    fake_store(no_rates);
    struct outcome outcome = charge(&ex, 1);
    assert_false(outcome.said_rate);
    assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
    outcome = charge(&ex, 1); /* the store knows by now */
    assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
    fake_expect(&ex, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_are_counted_or_none, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admission_counts_and_shows_nothing, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_the_headers, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_client_that_leaves, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_database_that_fails, fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
