/* Who is admitted: the order of 401, 403 and 429, the headers, and a client that goes away meanwhile. */
#include "api/admission.h"

#include "api/fakes.h"

#define AT "X-RateLimit-Limit: 3\n"
#define POLICY "RateLimit-Policy: \"default\";q=3;w=60\n"

static const struct http_route run_route = {"POST", "/run", NULL, API_KEY | API_EXECUTE | API_COUNTS};
static const struct http_route read_route = {"GET", "/read", NULL, API_KEY | API_READ};
static const struct http_route open_route = {"GET", "/open", NULL, 0};
static const struct http_route metrics_route = {"GET", "/metrics", NULL, API_METRICS};

static void expect_key(const char *api_key, const char *authorization, const char *key)
{
    struct http_exchange ex = {.headers = {{"X-API-Key", api_key}, {"Authorization", authorization}}};
    const char *found = http_presented_key(&ex, api_manners[0]);
    if (key == NULL)
        assert_null(found);
    else
        assert_string_equal(found, key);
}

static void test_where_a_key_is_looked_for(void **state)
{
    (void)state;
    expect_key(NULL, NULL, NULL);
    expect_key("", NULL, NULL);
    expect_key(NULL, "Basic abc", NULL);
    expect_key(NULL, "Bearer", NULL);
    expect_key("a", NULL, "a");
    expect_key("a", "Bearer b", "a");
    expect_key("", "Bearer b", "b");
    expect_key(NULL, "bearer   b", "b");
    expect_key(NULL, "Bearer ", "");
}

static void test_what_a_key_may_not(void **state)
{
    (void)state;
    assert_null(auth_forbids(API_KEY, 0));
    assert_null(auth_forbids(API_EXECUTE, KEY_EXECUTE));
    assert_string_equal(auth_forbids(API_EXECUTE, KEY_READ | KEY_ADMIN), "run programs");
    assert_string_equal(auth_forbids(API_READ, KEY_EXECUTE), "read records");
    assert_string_equal(auth_forbids(API_ADMIN, KEY_EXECUTE | KEY_READ), "manage keys");
}

static void test_seconds_until_one_more(void **state)
{
    (void)state;
    const int64_t s = 1000000000, now = 1700000000 * s;
    assert_int_equal(auth_next_seconds(&(struct rate_verdict){.limit = 10, .remaining = 10, .reset_ns = now}, now), 0);
    /* One used: the burst is full again in 6 s. Four used, the oldest 5 s ago: one more in a second. */
    assert_int_equal(
        auth_next_seconds(&(struct rate_verdict){.limit = 10, .remaining = 9, .reset_ns = now + 6 * s}, now), 6);
    assert_int_equal(
        auth_next_seconds(&(struct rate_verdict){.limit = 10, .remaining = 6, .reset_ns = now + 19 * s}, now), 1);
    assert_int_equal(
        auth_next_seconds(&(struct rate_verdict){.limit = 10, .remaining = 0, .reset_ns = now + 60 * s}, now), 6);
    /* What is left of a second counts as one. */
    assert_int_equal(auth_next_seconds(&(struct rate_verdict){.limit = 10, .remaining = 9, .reset_ns = now + 1}, now),
                     1);
    assert_int_equal(auth_seconds_up(0), 0);
    assert_int_equal(auth_seconds_up(1), 1);
    assert_int_equal(auth_seconds_up(s), 1);
    assert_int_equal(auth_seconds_up(s + 1), 2);
}

/* The decision agrees with GCRA itself, at every step of a burst and past it. */
static void test_seconds_agree_with_the_rate(void **state)
{
    (void)state;
    static const int64_t rates[] = {1, 3, 7, 100, 999983};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int64_t now = 1700000000000000000, tat = 0;
        for (int step = 0; step < 200; step++, now += 100000000) {
            struct rate_verdict verdict = rate_decide(tat, rates[i], 1, now);
            tat = verdict.tat_ns;
            int64_t wait = auth_next_seconds(&verdict, now);
            struct rate_verdict later = rate_decide(tat, rates[i], verdict.remaining + 1, now + wait * 1000000000);
            assert_true(later.allowed || verdict.remaining == rates[i]);
            if (wait > 1)
                assert_false(rate_decide(tat, rates[i], verdict.remaining + 1, now + (wait - 1) * 1000000000).allowed);
        }
    }
}

static struct http_exchange exchange(const struct http_route *route, const char *key)
{
    return (struct http_exchange){.route = route, .headers = {{"X-API-Key", key}}};
}

static void admit(struct http_exchange *ex)
{
    api_admit(ex);
    fake_settle();
}

static void test_no_key_and_a_wrong_key(void **state)
{
    (void)state;
    struct http_exchange none = exchange(&run_route, NULL), wrong = exchange(&run_route, "cc_wrong");
    admit(&none);
    assert_string_equal(none.added, "WWW-Authenticate: ApiKey\n");
    fake_expect(&none, 401, "{\"detail\":\"API key is required\"}");
    admit(&wrong);
    assert_string_equal(wrong.added, "WWW-Authenticate: ApiKey\n");
    fake_expect(&wrong, 401, "{\"detail\":\"Invalid API key\"}");
}

static int no_table(struct db *db, struct error *error)
{
    return db_driver(db)->calls->run_script(db_driver(db), "ALTER TABLE rates RENAME TO gone", error);
}

/* Programs are refused, without being counted, once it is known that nothing can be recorded; a wrong key still is one,
 * and who only reads may. */
static void test_a_store_that_cannot_record(void **state)
{
    (void)state;
    fake_store(no_table);
    struct http_exchange first = exchange(&run_route, fake_key), wrong = exchange(&run_route, "cc_wrong");
    api_admit(&first);
    fake_await(&first); /* it finds out */
    assert_string_equal(first.added, "Retry-After: 1\n");
    fake_expect(&first, 503, NULL);
    assert_true(store_trouble(fake_api.store, NULL));
    admit(&wrong);
    fake_expect(&wrong, 401, "{\"detail\":\"Invalid API key\"}");
    struct http_exchange next = exchange(&run_route, fake_key);
    admit(&next);
    assert_false(next.admitted);
    fake_expect(&next, 503, "{\"detail\":\"The database can't be used: its schema is not ours (code 1)\"}");
}

static int read_only(struct db *db, struct error *error)
{
    return db_driver(db)->calls->run_script(db_driver(db), "PRAGMA query_only = ON", error);
}

static void test_a_store_that_is_read_only(void **state)
{
    (void)state;
    fake_store(read_only);
    struct http_exchange first = exchange(&run_route, fake_key), next = exchange(&run_route, fake_key);
    struct http_exchange reads = exchange(&read_route, fake_key);
    api_admit(&first);
    fake_await(&first);
    fake_expect(&first, 503, NULL);
    api_admit(&next);
    fake_await(&next);
    assert_false(next.admitted);
    assert_non_null(strstr(next.added, "X-RateLimit-Remaining: 3\n")); /* not counted */
    assert_non_null(strstr(next.added, "Retry-After: 1\n"));
    fake_expect(&next, 503, "{\"detail\":\"The database can't be used: it is read-only (code 8)\"}");
    api_admit(&reads);
    while (!reads.admitted && reads.status == 0)
        uv_run(&fake_loop, UV_RUN_ONCE);
    assert_true(reads.admitted);
    fake_expect(&reads, 0, NULL);
}

static void test_a_burst_and_what_follows_it(void **state)
{
    (void)state;
    static const char *const expected[] = {
        AT "X-RateLimit-Remaining: 2\nX-RateLimit-Reset: 1700000020\n" POLICY "RateLimit: \"default\";r=2;t=20\n",
        AT "X-RateLimit-Remaining: 1\nX-RateLimit-Reset: 1700000040\n" POLICY "RateLimit: \"default\";r=1;t=20\n",
        AT "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1700000060\n" POLICY "RateLimit: \"default\";r=0;t=20\n",
    };
    for (int i = 0; i < 3; i++) {
        struct http_exchange ex = exchange(&run_route, fake_key);
        admit(&ex);
        assert_true(ex.admitted);
        assert_int_equal(ex.owner, api_caller(&ex)->key.row);
        assert_true(ex.owner > 0);
        assert_string_equal(ex.added, expected[i]);
        assert_string_equal(api_caller(&ex)->key.name, "one");
        fake_expect(&ex, 0, NULL);
    }
    fake_wall_ns += 500000000;
    struct http_exchange limited = exchange(&run_route, fake_key), reads = exchange(&read_route, fake_key);
    admit(&limited);
    assert_false(limited.admitted);
    assert_string_equal(limited.added, AT "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1700000060\n" POLICY
                                          "RateLimit: \"default\";r=0;t=20\nRetry-After: 20\n");
    fake_expect(&limited, 429, "{\"detail\":\"Rate limit exceeded. Please try again later.\"}");
    admit(&reads);
    assert_true(reads.admitted);
    fake_expect(&reads, 0, NULL);
}

static void test_a_missing_scope_is_said_and_does_not_count(void **state)
{
    (void)state;
    struct http_exchange runs = exchange(&run_route, fake_reader_key), reads = exchange(&read_route, fake_reader_key);
    admit(&runs);
    assert_non_null(strstr(runs.added, "X-RateLimit-Remaining: 3\n"));
    fake_expect(&runs, 403, "{\"detail\":\"This key may not run programs\"}");
    admit(&reads);
    assert_true(reads.admitted);
    assert_non_null(strstr(reads.added, "X-RateLimit-Remaining: 3\n"));
    assert_non_null(strstr(reads.added, "RateLimit: \"default\";r=3;t=0\n"));
    fake_expect(&reads, 0, NULL);
}

/* The key may run 3 a minute, so it may read 18; neither takes from the other, and the headers tell of the former. */
static void test_reading_has_a_rate_of_its_own(void **state)
{
    (void)state;
    fake_api.reading.least = 0;
    for (int i = 0; i < 18; i++) {
        struct http_exchange reads = exchange(&read_route, fake_key);
        admit(&reads);
        assert_true(reads.admitted);
        assert_non_null(strstr(reads.added, "X-RateLimit-Limit: 3\nX-RateLimit-Remaining: 3\n"));
        fake_expect(&reads, 0, NULL);
    }
    struct http_exchange over = exchange(&read_route, fake_key), runs = exchange(&run_route, fake_key);
    struct http_exchange other = exchange(&read_route, fake_other_key);
    admit(&over);
    assert_false(over.admitted);
    assert_non_null(strstr(over.added, "X-RateLimit-Limit: 3\nX-RateLimit-Remaining: 3\n"));
    assert_non_null(strstr(over.added, "Retry-After: 4\n"));
    fake_expect(&over, 429, "{\"detail\":\"Rate limit exceeded. Please try again later.\"}");
    admit(&runs);
    assert_true(runs.admitted);
    fake_expect(&runs, 0, NULL);
    admit(&other);
    assert_true(other.admitted);
    fake_expect(&other, 0, NULL);
    fake_wall_ns += INT64_C(4000000000);
    struct http_exchange again = exchange(&read_route, fake_key);
    admit(&again);
    assert_true(again.admitted);
    fake_expect(&again, 0, NULL);
}

static void test_rates_of_reading(void **state)
{
    (void)state;
    struct reading_rates rates = {.least = 600};
    int64_t now = INT64_C(1700000000) * 1000000000;
    assert_int_equal(reading_rate(&rates, 1), 600);
    assert_int_equal(reading_rate(&rates, 100), 600);
    assert_int_equal(reading_rate(&rates, 101), 606);
    assert_int_equal(reading_rate(&rates, 1000000), 1000000);
    for (int key = 1; key <= READING_KEYS_MAX + 10; key++) /* never more places than there may be */
        assert_true(reading_take(&rates, key, 1, 1, now + key).allowed);
    assert_int_equal(rates.count, READING_KEYS_MAX);
    now += INT64_C(3600) * 1000000000;
    for (int i = 0; i < 600; i++)
        assert_true(reading_take(&rates, 7, 1, 1, now).allowed);
    assert_false(reading_take(&rates, 7, 1, 1, now).allowed);
    assert_int_equal(reading_take(&rates, 7, 1, 1, now).limit, 600);
    assert_true(reading_take(&rates, READING_KEYS_MAX + 11, 1, 1, now).allowed); /* takes an idle one's place */
    assert_int_equal(rates.count, READING_KEYS_MAX);
    assert_false(reading_take(&rates, 7, 1, 1, now).allowed);
    reading_free(&rates);
}

static void test_a_client_that_leaves_is_not_answered(void **state)
{
    (void)state;
    struct http_exchange *ex = calloc(1, sizeof *ex); /* freed while the job is under way: asan watches */
    *ex = exchange(&run_route, fake_key);
    api_admit(ex);
    assert_non_null(ex->gone);
    ex->gone(ex->gone_arg);
    free(ex);
    fake_settle();
}

static void test_a_bearer_token(void **state)
{
    (void)state;
    char value[64];
    snprintf(value, sizeof value, "Bearer %s", fake_key);
    struct http_exchange ex = {.route = &read_route, .headers = {{"Authorization", value}}};
    admit(&ex);
    assert_true(ex.admitted);
    fake_expect(&ex, 0, NULL);
}

/* A request to a face that serves requests without a key. */
static struct http_exchange anonymous(const struct http_route *route)
{
    static struct api_manners manners = {
        .http = {.prefix = "", .error_type = "application/json", .error_body = http_error_detail, .cost = 1},
        .face = "piston",
        .anonymous = "one",
    };

    manners.http.keys = api_manners[0]->keys;
    return (struct http_exchange){.route = route, .manners = &manners.http};
}

static void test_without_a_key_where_that_is_allowed(void **state)
{
    (void)state;
    struct http_exchange ex = anonymous(&run_route), wrong = ex, own = ex, reads = anonymous(&read_route);
    admit(&ex);
    assert_true(ex.admitted);
    assert_true(api_caller(&ex)->anonymous);
    assert_string_equal(api_caller(&ex)->key.name, "one");
    assert_non_null(strstr(ex.added, "X-RateLimit-Remaining: 2\n")); /* of the key's rate */
    fake_expect(&ex, 0, NULL);
    wrong.headers[0] = (struct pair){"X-API-Key", "cc_wrong"};
    admit(&wrong);
    fake_expect(&wrong, 401, "{\"detail\":\"Invalid API key\"}");
    admit(&reads);
    fake_expect(&reads, 401, "{\"detail\":\"API key is required\"}");
    own.headers[0] = (struct pair){"X-API-Key", fake_key};
    admit(&own);
    assert_true(own.admitted);
    assert_false(api_caller(&own)->anonymous);
    fake_expect(&own, 0, NULL);
}

/* The playground that the operator opened to all: its own Origin comes without a key, and nobody else. */
static void test_the_page_without_a_key(void **state)
{
    (void)state;
    static const struct http_route page_route = {"POST", "/run", NULL, API_KEY | API_EXECUTE | API_COUNTS | API_PAGE};
    const struct http_exchange page = {.route = &page_route,
                                       .headers = {{"Origin", "http://localhost:8002"}, {"Host", "localhost:8002"}}};
    struct http_exchange closed = page, open = page, foreign = page, other = page, elsewhere = page;
    admit(&closed);
    fake_expect(&closed, 401, "{\"detail\":\"API key is required\"}");
    fake_api.page_key = "one";
    admit(&open);
    assert_true(open.admitted && api_caller(&open)->anonymous);
    assert_string_equal(api_caller(&open)->key.name, "one");
    fake_expect(&open, 0, NULL);
    foreign.headers[0].value = "http://evil.example";
    admit(&foreign);
    fake_expect(&foreign, 403, "{\"detail\":\"Requests of pages of other servers need a key\"}");
    other.headers[0] = (struct pair){NULL, NULL};
    admit(&other);
    fake_expect(&other, 401, "{\"detail\":\"API key is required\"}");
    elsewhere.route = &run_route;
    admit(&elsewhere);
    fake_expect(&elsewhere, 401, "{\"detail\":\"API key is required\"}");
}

static void test_a_page_of_another_server_needs_a_key(void **state)
{
    (void)state;
    struct http_exchange foreign = anonymous(&run_route), own, keyed;
    foreign.headers[0] = (struct pair){"Origin", "http://evil.example"};
    foreign.headers[1] = (struct pair){"Host", "localhost:8002"};
    keyed = own = foreign;
    admit(&foreign);
    assert_false(foreign.admitted);
    fake_expect(&foreign, 403, "{\"detail\":\"Requests of pages of other servers need a key\"}");
    own.headers[0].value = "http://localhost:8002";
    admit(&own);
    assert_true(own.admitted);
    fake_expect(&own, 0, NULL);
    keyed.headers[2] = (struct pair){"X-API-Key", fake_key};
    admit(&keyed);
    assert_true(keyed.admitted);
    fake_expect(&keyed, 0, NULL);
}

static void test_an_address_without_a_key_has_a_rate(void **state)
{
    (void)state;
    fake_api.addresses.least = 1;
    struct http_exchange first = anonymous(&run_route), second = first, keyed = first, later = first;
    admit(&first);
    assert_true(first.admitted);
    fake_expect(&first, 0, NULL);
    api_admit(&second); /* answered without the database */
    assert_string_equal(second.added, "Retry-After: 60\n");
    fake_expect(&second, 429, "{\"detail\":\"Rate limit exceeded. Please try again later.\"}");
    keyed.headers[0] = (struct pair){"X-API-Key", fake_key};
    admit(&keyed);
    assert_true(keyed.admitted);
    fake_expect(&keyed, 0, NULL);
    fake_wall_ns += INT64_C(60000000000);
    admit(&later);
    assert_true(later.admitted);
    fake_expect(&later, 0, NULL);
}

static void test_keys_of_one_face(void **state)
{
    (void)state;
    assert_true(auth_face_fits("", NULL));
    assert_true(auth_face_fits("", "gateway"));
    assert_true(auth_face_fits("gateway", "gateway"));
    assert_false(auth_face_fits("gateway", NULL));
    assert_false(auth_face_fits("gateway", "piston"));
}

static void test_an_open_route_asks_nobody(void **state)
{
    (void)state;
    struct http_exchange ex = exchange(&open_route, NULL);
    api_admit(&ex);
    assert_true(ex.admitted);
    assert_string_equal(ex.added, "");
}

static void test_a_large_body_is_for_programs_alone(void **state)
{
    (void)state;
    struct http_exchange small = exchange(&open_route, NULL), large = small, chunked = small;
    small.content_length = 65536;
    api_admit(&small);
    assert_true(small.admitted);
    large.content_length = 65537;
    chunked.headers[1] = (struct pair){"Transfer-Encoding", "chunked"};
    api_admit(&large);
    api_admit(&chunked);
    fake_expect(&large, 413, "{\"detail\":\"Body: must be at most 64 KiB, with a Content-Length, for this endpoint\"}");
    fake_expect(&chunked, 413,
                "{\"detail\":\"Body: must be at most 64 KiB, with a Content-Length, for this endpoint\"}");
}

static void test_who_may_read_the_metrics(void **state)
{
    (void)state;
    static const struct {
        bool local;
        const char *key, *presented;
        bool may;
    } table[] = {
        {true, "", NULL, true},
        {true, "m-secret", NULL, true},
        {true, "m-secret", "Bearer other", true},
        {false, "", NULL, false},
        {false, "", "Bearer ", false},
        {false, "m-secret", "Bearer m-secret", true},
        {false, "m-secret", NULL, false},
        {false, "m-secret", "Bearer m-secreT", false},
        {false, "m-secret", "Bearer m-secret2", false},
        {false, "m-secret", "Bearer ", false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct http_exchange ex = {
            .route = &metrics_route, .is_local = table[i].local, .headers = {{"Authorization", table[i].presented}}};
        fake_api.metrics_key = table[i].key;
        api_admit(&ex);
        assert_int_equal(ex.admitted, table[i].may);
        if (!table[i].may)
            fake_expect(&ex, 403,
                        "{\"detail\":\"Metrics: only for direct connections from this machine, or with the metrics "
                        "key\"}");
    }
}

/* Another API's: the key is in the query, and one of its requests counts as three. */
static void test_other_manners(void **state)
{
    (void)state;
    static const struct http_key_place keys[] = {{HTTP_KEY_QUERY, "token"}, {HTTP_KEY_NONE, NULL}};
    static const struct api_manners manners = {.http = {.prefix = "/other",
                                                        .error_type = "application/json",
                                                        .error_body = http_error_detail,
                                                        .keys = keys,
                                                        .cost = 3}};
    struct http_exchange header = exchange(&run_route, fake_key);
    header.manners = &manners.http;
    admit(&header);
    fake_expect(&header, 401, "{\"detail\":\"API key is required\"}");
    struct http_exchange ex = {.route = &run_route, .manners = &manners.http, .queries = {{"token", fake_key}}};
    admit(&ex);
    assert_true(ex.admitted);
    const struct rate_verdict *rate = &api_caller(&ex)->rate;
    assert_int_equal(rate->limit - rate->remaining, 3);
    free(ex.user);
}

/* A key that comes later than the head. */

static struct later {
    bool fired;
    struct api_caller *caller;
    struct error error;
} later;

static void hear_later(void *arg, struct api_caller *caller, const struct error *error)
{
    struct later *said = arg;

    assert_false(said->fired);
    said->fired = true;
    said->caller = caller;
    if (error != NULL)
        said->error = *error;
}

static void admit_later_as(const char *text, const char *guest, unsigned flags)
{
    later = (struct later){.fired = false};
    api_admit_key(&fake_api, text, guest, flags, (const struct api_manners *)(const void *)api_manners[0], hear_later,
                  &later);
    fake_settle();
    assert_true(later.fired);
}

static void admit_later(const char *text, unsigned flags)
{
    admit_later_as(text, NULL, flags);
}

static void test_a_key_that_comes_later(void **state)
{
    (void)state;
    admit_later(fake_key, API_KEY | API_EXECUTE | API_CHARGES);
    assert_non_null(later.caller);
    assert_int_equal(later.caller->key.rate_per_minute, 3);
    assert_int_equal(later.caller->rate.remaining, 3); /* nothing was counted */
    free(later.caller);
    admit_later("cc_wrong", API_KEY | API_EXECUTE | API_CHARGES);
    assert_null(later.caller);
    assert_int_equal(later.error.code, ERROR_UNAUTHORIZED);
    assert_string_equal(later.error.text, "Invalid API key");
    admit_later(fake_reader_key, API_KEY | API_EXECUTE | API_CHARGES);
    assert_null(later.caller);
    assert_int_equal(later.error.code, ERROR_FORBIDDEN);
    assert_string_equal(later.error.text, "This key may not run programs");
}

/* A client that says that it has none: let in as the guest, if guests are let in. */
static void test_no_key_that_comes_later(void **state)
{
    (void)state;
    admit_later_as(NULL, NULL, API_KEY | API_EXECUTE | API_CHARGES);
    assert_string_equal(later.error.text, "API key is required");
    admit_later_as(NULL, "one", API_KEY | API_EXECUTE | API_CHARGES);
    assert_true(later.caller != NULL && later.caller->anonymous);
    free(later.caller);
    admit_later_as(fake_key, "one", API_KEY | API_EXECUTE | API_CHARGES);
    assert_true(later.caller != NULL && !later.caller->anonymous);
    free(later.caller);
}

/* A route that asks for the key itself lets requests in without one, and checks one that is shown. */
static void test_a_route_that_asks_itself(void **state)
{
    static const struct http_route later_route = {"GET", "/later", NULL,
                                                  API_KEY | API_EXECUTE | API_CHARGES | API_LATER};
    (void)state;
    struct http_exchange none = {.route = &later_route};
    api_admit(&none);
    assert_true(none.admitted);
    assert_null(none.user);
    struct http_exchange wrong = {.route = &later_route, .headers = {{"X-API-Key", "cc_wrong"}}};
    api_admit(&wrong);
    fake_await(&wrong);
    fake_expect(&wrong, 401, NULL);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_key_is_looked_for),
        cmocka_unit_test(test_what_a_key_may_not),
        cmocka_unit_test(test_seconds_until_one_more),
        cmocka_unit_test(test_seconds_agree_with_the_rate),
        cmocka_unit_test(test_rates_of_reading),
        STAGED(test_reading_has_a_rate_of_its_own),
        STAGED(test_no_key_and_a_wrong_key),
        STAGED(test_other_manners),
        STAGED(test_a_store_that_cannot_record),
        STAGED(test_a_store_that_is_read_only),
        STAGED(test_a_burst_and_what_follows_it),
        STAGED(test_a_missing_scope_is_said_and_does_not_count),
        STAGED(test_a_client_that_leaves_is_not_answered),
        STAGED(test_a_bearer_token),
        STAGED(test_without_a_key_where_that_is_allowed),
        STAGED(test_the_page_without_a_key),
        STAGED(test_a_page_of_another_server_needs_a_key),
        STAGED(test_an_address_without_a_key_has_a_rate),
        cmocka_unit_test(test_keys_of_one_face),
        STAGED(test_an_open_route_asks_nobody),
        STAGED(test_a_large_body_is_for_programs_alone),
        STAGED(test_who_may_read_the_metrics),
        STAGED(test_a_key_that_comes_later),
        STAGED(test_no_key_that_comes_later),
        STAGED(test_a_route_that_asks_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
