/* Requests with an Idempotency-Key, whose clients leave at each moment. The store is the real one. */
#include "api/repeat.h"

#include "api/fakes.h"

static const struct http_route post_route = {"POST", "/api/v1/execute", NULL, API_KEY | API_EXECUTE};
static const unsigned char hash[IDEMPOTENCY_HASH_LEN] = {1}, other_hash[IDEMPOTENCY_HASH_LEN] = {2};

static struct {
    int calls;
    bool fresh;
} told;

static void on_done(void *arg, bool fresh)
{
    assert_ptr_equal(arg, &told);
    told.calls++;
    told.fresh = fresh;
}

static struct http_exchange admitted(const char *text)
{
    struct http_exchange ex = {.route = &post_route,
                               .headers = {{"X-API-Key", fake_key}, {text != NULL ? "Idempotency-Key" : NULL, text}}};
    api_admit(&ex);
    fake_settle();
    assert_true(ex.admitted);
    ex.added[0] = '\0';
    return ex;
}

static struct repeat *begin_with(struct http_exchange *ex, const unsigned char *of)
{
    struct repeat *repeat;
    memset(&told, 0, sizeof told);
    repeat_begin(&repeat, ex, of, on_done, &told);
    fake_settle();
    assert_int_equal(told.calls, 1);
    return repeat;
}

static void expect_answer(const char *text, const unsigned char *of, int status, const char *body, const char *headers)
{
    struct http_exchange ex = admitted(text);
    struct repeat *repeat = begin_with(&ex, of);
    assert_false(told.fresh);
    repeat_answer(repeat, &ex);
    assert_string_equal(ex.added, headers);
    fake_expect(&ex, status, body);
}

static void send_answer(struct repeat *repeat, struct http_exchange *ex, int status)
{
    char *body = strdup("{\"a\":1}");
    repeat_send(repeat, ex, status, "application/json", body, strlen(body));
    fake_settle();
}

static void test_without_the_header(void **state)
{
    (void)state;
    struct http_exchange ex = admitted(NULL);
    assert_false(repeat_is_wanted(&ex));
    struct repeat *repeat = begin_with(&ex, hash);
    assert_null(repeat);
    assert_true(told.fresh);
    send_answer(repeat, &ex, 200);
    fake_expect(&ex, 200, "{\"a\":1}");
}

static void test_the_same_answer_again(void **state)
{
    (void)state;
    struct http_exchange ex = admitted("one");
    struct repeat *repeat = begin_with(&ex, hash);
    assert_true(told.fresh);
    expect_answer("one", hash, 409, "{\"detail\":\"Idempotency-Key: the same request is under way\"}",
                  "Retry-After: 1\n");
    expect_answer("one", other_hash, 422, "{\"detail\":\"Idempotency-Key: it came with another request before\"}", "");
    send_answer(repeat, &ex, 500);
    fake_expect(&ex, 500, "{\"a\":1}");
    expect_answer("one", hash, 500, "{\"a\":1}", "Idempotency-Replayed: true\n");
    expect_answer("one", other_hash, 422, NULL, "");
}

static void expect_fresh(const char *text)
{
    struct http_exchange ex = admitted(text);
    struct repeat *repeat = begin_with(&ex, hash);
    assert_true(told.fresh);
    repeat_leave(repeat);
    fake_settle();
    api_exchange_done(&ex, 0, 1);
}

static void test_refusals_are_not_kept(void **state)
{
    (void)state;
    static const int refusals[] = {400, 402, 503};
    for (size_t i = 0; i < 3; i++) {
        struct http_exchange ex = admitted("two");
        struct repeat *repeat = begin_with(&ex, hash);
        assert_true(told.fresh);
        send_answer(repeat, &ex, refusals[i]);
        fake_expect(&ex, refusals[i], "{\"a\":1}");
    }
    expect_fresh("two");
    expect_fresh("two");
}

static void test_a_client_that_leaves(void **state)
{
    (void)state;
    struct repeat *repeat;
    struct http_exchange ex = admitted("three");
    memset(&told, 0, sizeof told);
    repeat_begin(&repeat, &ex, hash, on_done, &told);
    repeat_leave(repeat); /* while the database begins */
    fake_settle();
    fake_settle();
    assert_int_equal(told.calls, 0);
    repeat = begin_with(&ex, hash);
    assert_true(told.fresh);
    send_answer(repeat, NULL, 200); /* it ran, and its client has gone: the answer is kept */
    expect_answer("three", hash, 200, "{\"a\":1}", "Idempotency-Replayed: true\n");
    struct http_exchange late = admitted("four");
    repeat = begin_with(&late, hash);
    char *body = strdup("{}");
    repeat_send(repeat, &late, 200, "application/json", body, 2);
    late.gone(late.gone_arg); /* while it is being kept */
    fake_settle();
    expect_answer("four", hash, 200, "{}", "Idempotency-Replayed: true\n");
    api_exchange_done(&ex, 0, 1);
    api_exchange_done(&late, 0, 1);
}

static struct repeat *kept;

static int keep_it(struct db *db, struct error *error)
{
    return repeat_keep(kept, db, 202, "/there", "{}", 2, error);
}

static void test_an_answer_in_the_callers_transaction(void **state)
{
    (void)state;
    struct http_exchange ex = admitted("five");
    kept = begin_with(&ex, hash);
    fake_store(keep_it);
    repeat_over(kept);
    expect_answer("five", hash, 202, "{}", "Idempotency-Replayed: true\nLocation: /there\n");
    api_exchange_done(&ex, 0, 1);
    kept = NULL;
    fake_store(keep_it);
    repeat_over(kept);
}

static void test_the_header(void **state)
{
    (void)state;
    static char longest[REPEAT_TEXT_MAX + 2];
    static const char *const bad[] = {"", " ", "a b", "\xc3\xa4", "a\x7f", longest};
    struct error error;
    memset(longest, '~', REPEAT_TEXT_MAX);
    struct api_caller caller = {.anonymous = false};
    struct http_exchange ex = {.headers = {{"Idempotency-Key", longest}}, .user = &caller};
    assert_int_equal(repeat_check(&ex, &error), 0);
    longest[REPEAT_TEXT_MAX] = '~';
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ex.headers[0].value = bad[i];
        assert_int_equal(repeat_check(&ex, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, "Idempotency-Key: must be 1 to 255 visible ASCII characters");
    }
    caller.anonymous = true;
    assert_int_equal(repeat_check(&ex, &error), -1);
    assert_int_equal(error.code, ERROR_FORBIDDEN);
    assert_string_equal(error.text, "Idempotency-Key: needs a key");
    ex.headers[0].name = NULL;
    assert_int_equal(repeat_check(&ex, &error), 0);
}

#define repeat_test(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        repeat_test(test_without_the_header),
        repeat_test(test_the_same_answer_again),
        repeat_test(test_refusals_are_not_kept),
        repeat_test(test_a_client_that_leaves),
        repeat_test(test_an_answer_in_the_callers_transaction),
        cmocka_unit_test(test_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
