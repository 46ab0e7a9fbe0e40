/* One call: every kind of answer, and of none. */
#include "engine_bench.h"

#include "docker/engine/engine_private.h"

#include <string.h>

#define JSON(body_len) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " #body_len "\r\n\r\n"

static void test_json_reply(void **state)
{
    static const struct fake_rule rules[] = {{.match = "GET /v1.41/a?b=1 ", .data = JSON(9) "{\"x\": 42}"}, {0}};
    struct bench bench;
    struct outcome outcome;

    (void)state;
    bench_open(&bench, rules);
    bench_get(&bench, "/a?b=1", &outcome);
    assert_int_equal(outcome.status, 200);
    assert_int_equal(json_integer_value(json_object_get(outcome.reply, "x")), 42);
    assert_int_equal(outcome.error.code, ERROR_NONE);
    json_decref(outcome.reply);
    bench_close(&bench);
}

static void test_connection_is_used_again(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/a", .data = JSON(2) "{}"}, {0}};
    struct bench bench;
    struct outcome outcome;

    (void)state;
    bench_open(&bench, rules);
    for (int i = 0; i < 5; i++) {
        bench_get(&bench, "/a", &outcome);
        assert_int_equal(outcome.status, 200);
        json_decref(outcome.reply);
    }
    assert_int_equal(bench.fake.connections, 1); /* the ping's */
    assert_int_equal(bench.fake.requests, 5);
    bench_close(&bench);
}

static void post(struct bench *bench, const struct call_options *options, struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    assert_non_null(engine_call(bench->engine, options, on_outcome, outcome));
    run_until(&bench->loop, &outcome->done);
}

static bool request_ends_with(const struct fake *fake, const void *bytes, size_t len)
{
    return fake->request.len > len && memcmp(fake->request.data + fake->request.len - len, bytes, len) == 0;
}

static void test_bodies(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/x", .data = "HTTP/1.1 204 No Content\r\n\r\n"}, {0}};
    static const char json[] = "\r\n\r\n{\"n\":1,\"s\":\"\\\"\xc3\xa9\"}";
    static const char raw[] = "tar\0bytes\r\n\r\n\xff";
    struct bench bench;
    struct outcome outcome;

    (void)state;
    bench_open(&bench, rules);
    post(&bench,
         &(struct call_options){.method = "POST",
                                .path = "/x",
                                .body = json_pack("{s:i, s:s}", "n", 1, "s", "\"\xc3\xa9"),
                                .deadline_ms = 10000,
                                .metric = "test"},
         &outcome);
    assert_int_equal(outcome.status, 204);
    assert_null(outcome.reply);
    assert_non_null(strstr(bench.fake.request.data, "POST /v1.41/x HTTP/1.1\r\n"));
    assert_non_null(strstr(bench.fake.request.data, "Content-Type: application/json\r\n"));
    assert_null(strcasestr(bench.fake.request.data, "Expect:"));
    assert_true(request_ends_with(&bench.fake, json, sizeof json - 1));

    post(&bench,
         &(struct call_options){
             .method = "PUT", .path = "/x", .raw = raw, .raw_len = sizeof raw, .deadline_ms = 10000, .metric = "test"},
         &outcome);
    assert_int_equal(outcome.status, 204);
    assert_non_null(strstr(bench.fake.request.data, "PUT /v1.41/x "));
    assert_non_null(strstr(bench.fake.request.data, "Content-Type: application/x-tar\r\n"));
    assert_true(request_ends_with(&bench.fake, raw, sizeof raw));

    post(&bench, &(struct call_options){.method = "DELETE", .path = "/x", .deadline_ms = 10000, .metric = "test"},
         &outcome);
    assert_int_equal(outcome.status, 204);
    assert_non_null(strstr(bench.fake.request.data, "DELETE /v1.41/x "));
    assert_non_null(strstr(bench.fake.request.data, "Content-Length: 0\r\n"));
    assert_null(strstr(bench.fake.request.data, "Content-Type:"));
    bench_close(&bench);
}

/* Answers that curl understands: what a caller gets of them. */
static void test_answers(void **state)
{
    static const struct {
        const char *answer;
        size_t piece;
        int status;
        bool reply;
        enum error_code code;
        const char *text; /* that the sentence holds */
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n"
         "{\"message\":\"No such image: no\"}",
         0, 404, true, ERROR_NOT_FOUND, "No such image: no"},
        {"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n"
         "{\"message\":\"taken\"}",
         1, 409, true, ERROR_CONFLICT, "taken"},
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, 500, false, ERROR_INTERNAL, "answered 500"},
        {"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"message\": 17}", 0, 400,
         true, ERROR_INTERNAL, "answered 400"},
        {"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]", 0, 400, true,
         ERROR_INTERNAL, "answered 400"},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", 0, 304, false, ERROR_NONE, ""},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 0, 200, false, ERROR_NONE, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0, 200, false, ERROR_NONE, ""},
        {JSON(5) "{\"x\":", 0, 200, false, ERROR_INVALID, "malformed JSON"},
        {JSON(5) "\xff\xfe{}\x01", 0, 200, false, ERROR_INVALID, "malformed JSON"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\n[1,\r\n4;ext=1\r\n2,3]\r\n0\r\n\r\n",
         1, 200, true, ERROR_NONE, ""},
        {"HTTP/1.0 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 4\r\n\r\nnull", 3, 200,
         true, ERROR_NONE, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_rule rules[] = {{.match = "/x", .data = cases[i].answer, .piece = cases[i].piece}, {0}};
        struct bench bench;
        struct outcome outcome;

        bench_open(&bench, rules);
        bench_get(&bench, "/x", &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_int_equal(outcome.reply != NULL, cases[i].reply);
        assert_int_equal(outcome.error.code, cases[i].code);
        assert_non_null(strstr(outcome.error.text, cases[i].text));
        json_decref(outcome.reply);
        assert_true(engine_is_up(bench.engine));
        bench_close(&bench);
    }
}

/* Answers that are none: status 0, a sentence without names, and the engine is asked whether it is there. */
static void test_failures(void **state)
{
    static const struct {
        const char *answer;
        const char *text;
    } cases[] = {
        {"", "broke"},
        {"HTTP/1.1 2", "container engine"},
        {"HTTP/1.1 200 OK\r\nContent-Le", "container engine"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":", "broke"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "container engine"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nhello", "container engine"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "container engine"},
        {"\x16\x03\x01\x02\x00\x01\x00\x01", "container engine"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_rule rules[] = {{.match = "/x", .data = cases[i].answer, .hangup = true}, {0}};
        struct bench bench;
        struct outcome outcome;

        bench_open(&bench, rules);
        bench_get(&bench, "/x", &outcome);
        assert_int_equal(outcome.status, 0);
        assert_null(outcome.reply);
        assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
        assert_non_null(strstr(outcome.error.text, cases[i].text));
        assert_null(strstr(outcome.error.text, "/tmp"));
        assert_true(engine_is_up(bench.engine)); /* pings are answered: one broken connection is not the end */
        bench_close(&bench);
    }
}

static void test_deadline(void **state)
{
    static const struct fake_rule rules[] = {
        {.match = "/silent", .data = NULL},
        {.match = "/half", .data = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"},
        {0}};
    static const char *const paths[] = {"/silent", "/half"};
    struct bench bench;

    (void)state;
    bench_open(&bench, rules);
    for (size_t i = 0; i < 2; i++) {
        struct outcome outcome = {0};
        const struct call_options options = {.method = "GET", .path = paths[i], .deadline_ms = 50, .metric = "test"};

        assert_non_null(engine_call(bench.engine, &options, on_outcome, &outcome));
        run_until(&bench.loop, &outcome.done);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
        assert_non_null(strstr(outcome.error.text, "in time"));
    }
    bench_close(&bench);
}

/* `len` bytes of JSON: an array of one string. */
static char *large_answer(size_t len, size_t *total)
{
    char *answer = malloc(len + 200);
    int head =
        snprintf(answer, 200, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", len);

    assert_true(head > 0);
    memset(answer + head, 'a', len);
    answer[head] = '[';
    answer[head + 1] = '"';
    answer[(size_t)head + len - 2] = '"';
    answer[(size_t)head + len - 1] = ']';
    *total = (size_t)head + len;
    return answer;
}

static void test_large_reply(void **state)
{
    static const size_t sizes[] = {1 << 20, ENGINE_REPLY_MAX, ENGINE_REPLY_MAX + 1};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bench bench;
        struct outcome outcome;
        size_t len;
        char *answer = large_answer(sizes[i], &len);
        struct fake_rule rules[] = {{.match = "/x", .data = answer, .len = len}, {0}};

        bench_open(&bench, rules);
        bench_get(&bench, "/x", &outcome);
        if (sizes[i] <= ENGINE_REPLY_MAX) {
            assert_int_equal(outcome.status, 200);
            assert_int_equal(json_string_length(json_array_get(outcome.reply, 0)), sizes[i] - 4);
            json_decref(outcome.reply);
        } else {
            assert_int_equal(outcome.status, 0);
            assert_int_equal(outcome.error.code, ERROR_INTERNAL);
            assert_non_null(strstr(outcome.error.text, "larger than 16 MiB"));
        }
        bench_close(&bench);
        free(answer);
    }
}

static void test_long_path(void **state)
{
    struct bench bench;
    struct outcome outcome;
    char path[4000];

    (void)state;
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    bench_open(&bench, NULL);
    bench_get(&bench, path, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.error.code, ERROR_INTERNAL);
    bench_close(&bench);
}

static void test_cancel(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/silent", .data = NULL}, {0}};
    struct bench bench;
    struct outcome early, late, other;

    (void)state;
    bench_open(&bench, rules);
    call_cancel(bench_start(&bench, "/silent", &early)); /* before the loop saw it */
    struct call *call = bench_start(&bench, "/silent", &late);
    bench_get(&bench, "/other", &other);
    assert_int_equal(other.status, 404);
    call_cancel(call);
    run_turns(&bench.loop, 10);
    assert_false(early.done);
    assert_false(late.done);
    bench_close(&bench);
}

struct canceller {
    struct outcome outcome;
    struct call *other;
};

static void cancel_other(void *arg, int status, json_t *reply, const struct error *error)
{
    struct canceller *canceller = arg;

    call_cancel(canceller->other);
    on_outcome(&canceller->outcome, status, reply, error);
}

/* From within a callback, also of one whose answer came in the same turn. */
static void test_cancel_within_done(void **state)
{
    struct bench bench;
    struct canceller canceller = {0};
    struct outcome other;
    const struct call_options options = {.method = "GET", .path = "/a", .deadline_ms = 10000, .metric = "test"};

    (void)state;
    bench_open(&bench, NULL);
    assert_non_null(engine_call(bench.engine, &options, cancel_other, &canceller));
    canceller.other = bench_start(&bench, "/b", &other);
    run_until(&bench.loop, &canceller.outcome.done);
    run_turns(&bench.loop, 10);
    assert_false(other.done);
    bench_close(&bench);
}

static void test_cancel_refused(void **state)
{
    struct bench bench;
    struct outcome a, b;

    (void)state;
    bench_open_idle(&bench);
    bench_connect(&bench);
    call_cancel(bench_start(&bench, "/a", &a)); /* not up yet: on the list of refused */
    bench_get(&bench, "/b", &b);
    assert_false(a.done);
    assert_int_equal(b.status, 0);
    assert_int_equal(b.error.code, ERROR_UNAVAILABLE);
    bench_close(&bench);
}

static void test_cap(void **state)
{
    static struct outcome outcomes[ENGINE_CALLS_MAX + 1];
    static struct call *calls[ENGINE_CALLS_MAX + 1];
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL);
    for (size_t i = 0; i <= ENGINE_CALLS_MAX; i++)
        calls[i] = bench_start(&bench, "/a", &outcomes[i]);
    for (size_t i = 0; i < ENGINE_CALLS_MAX; i++)
        call_cancel(calls[i]);
    run_until(&bench.loop, &outcomes[ENGINE_CALLS_MAX].done);
    assert_int_equal(outcomes[ENGINE_CALLS_MAX].error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(outcomes[ENGINE_CALLS_MAX].error.text, "1024"));
    bench_get(&bench, "/a", &outcomes[0]); /* there is room again */
    assert_int_equal(outcomes[0].status, 404);
    bench_close(&bench);
}

static void test_many(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/x", .data = JSON(2) "[]", .piece = 7}, {0}};
    struct bench bench;
    struct outcome outcomes[60];

    (void)state;
    bench_open(&bench, rules);
    for (size_t i = 0; i < 60; i++)
        bench_start(&bench, "/x", &outcomes[i]);
    for (size_t i = 0; i < 60; i++) {
        run_until(&bench.loop, &outcomes[i].done);
        assert_int_equal(outcomes[i].status, 200);
        assert_non_null(outcomes[i].reply);
        json_decref(outcomes[i].reply);
    }
    assert_int_equal(bench.fake.requests, 60);
    bench_close(&bench);
}

static void test_metrics(void **state)
{
    static const struct fake_rule rules[] = {
        {.match = "/ok", .data = JSON(2) "{}"}, {.match = "/cut", .data = "HTTP/1.1 200", .hangup = true}, {0}};
    static const char *const expected[] = {
        "codecell_engine_calls_total{operation=\"test\",result=\"ok\"} 2\n",
        "codecell_engine_calls_total{operation=\"test\",result=\"error\"} 1\n",
        "codecell_engine_calls_total{operation=\"test\",result=\"failed\"} 1\n",
        "codecell_engine_calls_total{operation=\"test\",result=\"cancelled\"} 1\n",
        "codecell_engine_call_seconds_count{operation=\"test\"} 3\n",
        "codecell_engine_up 1\n",
    };
    static const char *const paths[] = {"/ok", "/ok", "/no", "/cut"};
    struct bench bench;
    struct outcome outcome;
    struct buf text;

    (void)state;
    bench_open(&bench, rules);
    for (size_t i = 0; i < 4; i++) {
        bench_get(&bench, paths[i], &outcome);
        json_decref(outcome.reply);
    }
    call_cancel(bench_start(&bench, "/ok", &outcome));
    buf_init(&text, 1 << 20);
    assert_int_equal(metrics_text(&text), 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_non_null(strstr(text.data, expected[i]));
    buf_free(&text);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_reply),     cmocka_unit_test(test_connection_is_used_again),
        cmocka_unit_test(test_bodies),         cmocka_unit_test(test_answers),
        cmocka_unit_test(test_failures),       cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_large_reply),    cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_cancel),         cmocka_unit_test(test_cancel_within_done),
        cmocka_unit_test(test_cancel_refused), cmocka_unit_test(test_cap),
        cmocka_unit_test(test_many),           cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
