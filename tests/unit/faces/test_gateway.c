/* agent-gateway's code runner: its bodies to requests, results to its answers, and the keys of a day. */
#include "faces/face.h"
#include "faces/gateway_quota.h"
#include "faces/stage.h"

#define FACE face_gateway.ways[0].translation
#define HEAD "{\"id\":\"550e8400-e29b-41d4-a716-446655440000\",\"language\":\"python\","
#define DAY_MS 86400000LL

static void test_a_body(void **state)
{
    static const char *const languages[] = {"python", "javascript", "typescript", "bash"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char body[100];
        snprintf(body, sizeof body, "{\"code\": \"echo\", \"language\": \"%s\"}", languages[i]);
        assert_int_equal(stage_read(FACE, body), 0);
        assert_string_equal(stage_request.language_name, languages[i]);
        assert_int_equal(stage_request.code_len, 4);
        assert_int_equal(stage_request.timeout_ms, 10000);
        assert_int_equal(stage_request.overrides.value[LIMIT_OUTPUT], 64);
        assert_int_equal(stage_request.overrides.value[LIMIT_MEMORY], 0);
        assert_int_equal(stage_request.overrides.value[LIMIT_CPU], 0);
        assert_null(stage_request.input);
    }
    assert_int_equal(stage_read(FACE, "{\"code\": \"cat\", \"language\": \"bash\", \"stdin\": \"a\\u0000b\"}"), 0);
    assert_int_equal(stage_request.input_len, 3);
    assert_memory_equal(stage_request.input, "a\0b", 4);
}

static void test_bad_bodies(void **state)
{
    static const char *const choices = "language: must be \"python\", \"javascript\", \"typescript\" or \"bash\"";
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"null", "the body must be a JSON object"},
        {"{\"language\": \"bash\"}", "code: is required"},
        {"{\"code\": \"\", \"language\": \"bash\"}", "code: must be a string that is not empty"},
        {"{\"code\": true, \"language\": \"bash\"}", "code: must be a string that is not empty"},
        {"{\"code\": \"1\"}", "language: is required"},
        {"{\"code\": \"1\", \"language\": \"bash\", \"stdin\": 1}", "stdin: must be a string or null"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        stage_expect_refused(FACE, cases[i].body, ERROR_INVALID, cases[i].sentence);
    stage_expect_refused(FACE, "{\"code\": \"1\", \"language\": \"ruby\"}", ERROR_INVALID, choices);
    stage_expect_refused(FACE, "{\"code\": \"1\", \"language\": 1}", ERROR_INVALID, choices);
}

static void test_texts_that_are_too_long(void **state)
{
    char more[STAGE_STDIN_MAX + 100];

    (void)state;
    assert_int_equal(stage_read_long(FACE, 65536, ", \"language\": \"bash\""), 0);
    assert_int_equal(stage_read_long(FACE, 65537, ", \"language\": \"bash\""), -1);
    assert_string_equal(stage_error.text, "code: must be at most 65536 bytes");
    assert_int_equal(error_status(stage_error.code), 400);
    int len = snprintf(more, sizeof more, ", \"language\": \"bash\", \"stdin\": \"");
    memset(more + len, 'x', STAGE_STDIN_MAX + 1);
    memcpy(more + len + STAGE_STDIN_MAX + 1, "\"", 2);
    assert_int_equal(stage_read_long(FACE, 1, more), -1);
    assert_string_equal(stage_error.text, "stdin: must be at most 2000 bytes");
    memcpy(more + len + STAGE_STDIN_MAX, "\"", 2);
    assert_int_equal(stage_read_long(FACE, 1, more), 0);
    assert_int_equal(stage_request.input_len, STAGE_STDIN_MAX);
}

/* One newline is left out, and no more. */
static void test_answers(void **state)
{
    static const struct {
        const char *out, *shown;
    } cases[] = {{"5050\n", "5050"}, {"5050", "5050"}, {"a\n\n", "a\\n"}, {"\n", ""}, {"", ""}, {"a\r\n", "a\\r"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        stage_result("python", cases[i].out, "e\n");
        snprintf(text, sizeof text,
                 HEAD "\"exitCode\":0,\"stdout\":\"%s\",\"stderr\":\"e\\n\",\"duration\":95,\"timedOut\":false}",
                 cases[i].shown);
        stage_expect(FACE, 200, text);
    }
}

static void test_a_timeout(void **state)
{
    (void)state;
    struct execution_result *result = stage_result("python", "", "");
    result->status = RECORD_TIMED_OUT;
    result->timed_out = true;
    result->exit_code = 124;
    result->wall_ns = 10000500000;
    stage_expect(FACE, 200,
                 HEAD "\"exitCode\":124,\"stdout\":\"\",\"stderr\":\"\",\"duration\":10001,\"timedOut\":true}");
}

static void test_output_that_was_cut(void **state)
{
    (void)state;
    stage_result("python", "a\xc3", "")->run.out_cut = true;
    stage_expect(FACE, 200,
                 HEAD "\"exitCode\":0,\"stdout\":\"a\",\"stderr\":\"\",\"duration\":95,\"timedOut\":false,"
                      "\"truncated\":true}");
    stage_result("python", "", "b")->run.err_cut = true;
    stage_expect(FACE, 200,
                 HEAD "\"exitCode\":0,\"stdout\":\"\",\"stderr\":\"b\",\"duration\":95,\"timedOut\":false,"
                      "\"truncated\":true}");
}

static void test_a_compiler_that_fails(void **state)
{
    (void)state;
    struct execution_result *result = stage_result("python", "", "");
    result->status = RECORD_COMPILE_FAILED;
    result->compiled = true;
    result->compile_exit_code = result->exit_code = 1;
    result->wall_ns = -1;
    assert_int_equal(buf_puts(&result->compile.err, "no"), 0);
    stage_expect(FACE, 200, HEAD "\"exitCode\":1,\"stdout\":\"\",\"stderr\":\"no\",\"duration\":0,\"timedOut\":false}");
}

static void test_a_sandbox_that_fails(void **state)
{
    (void)state;
    stage_result("python", "", "")->failure = "the container ended unexpectedly";
    stage_expect(FACE, 500, "{\"error\":\"the container ended unexpectedly\"}");
    struct execution_result *result = stage_result("python", "", "");
    result->failure = "The queue is full. Please try again later.";
    result->unavailable = true;
    stage_expect(FACE, 503, "{\"error\":\"The queue is full. Please try again later.\"}");
}

static void test_errors(void **state)
{
    size_t len;
    char *text = face_gateway.manners.error_body(402, "Out of credits", &len);

    (void)state;
    assert_non_null(text);
    assert_string_equal(text, "{\"error\":\"Out of credits\"}");
    free(text);
    assert_int_equal(face_gateway.credits, 1);
}

/* Keys a day. */

static struct ip address_of(const char *text)
{
    struct ip address;

    assert_true(ip_parse(text, strlen(text), &address));
    return address;
}

static void test_a_day_of_keys(void **state)
{
    struct gateway_quota quota = {.most = 2};
    const struct ip one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
    const struct ip six = address_of("2001:db8::1"), neighbour = address_of("2001:db8::2");

    (void)state;
    assert_true(gateway_quota_take(&quota, &one, 5));
    assert_true(gateway_quota_take(&quota, &one, 6));
    assert_false(gateway_quota_take(&quota, &one, DAY_MS - 1));
    assert_true(gateway_quota_take(&quota, &other, DAY_MS - 1));
    assert_true(gateway_quota_take(&quota, &six, DAY_MS - 1));
    assert_true(gateway_quota_take(&quota, &neighbour, DAY_MS - 1));
    assert_false(gateway_quota_take(&quota, &six, DAY_MS - 1)); /* one network, one client */
    assert_true(gateway_quota_take(&quota, &one, DAY_MS));      /* the next day */
    gateway_quota_give_back(&quota, &one);
    gateway_quota_give_back(&quota, &one);
    gateway_quota_give_back(&quota, &other); /* it made none today */
    assert_true(gateway_quota_take(&quota, &one, DAY_MS));
    assert_true(gateway_quota_take(&quota, &one, DAY_MS));
    assert_false(gateway_quota_take(&quota, &one, DAY_MS));
    gateway_quota_free(&quota);
    assert_int_equal(quota.most, 2);
    assert_int_equal(quota.count, 0);
}

static void test_no_keys(void **state)
{
    struct gateway_quota quota = {.most = 0};
    const struct ip one = address_of("192.0.2.1");

    (void)state;
    assert_false(gateway_quota_take(&quota, &one, 0));
    assert_null(quota.makers);
}

static void test_too_many_addresses(void **state)
{
    struct gateway_quota quota = {.most = 1};
    struct ip address = address_of("10.0.0.0");

    (void)state;
    for (unsigned i = 0; i < GATEWAY_MAKERS_MAX; i++) {
        address.bytes[14] = (uint8_t)(i >> 8);
        address.bytes[15] = (uint8_t)i;
        assert_true(gateway_quota_take(&quota, &address, 0));
    }
    address.bytes[13] = 1;
    assert_false(gateway_quota_take(&quota, &address, 0));
    assert_true(gateway_quota_take(&quota, &address, DAY_MS));
    gateway_quota_free(&quota);
}

static void test_the_wait_for_the_next_day(void **state)
{
    (void)state;
    assert_int_equal(gateway_quota_wait_s(0), 86400);
    assert_int_equal(gateway_quota_wait_s(1), 86400);
    assert_int_equal(gateway_quota_wait_s(1000), 86399);
    assert_int_equal(gateway_quota_wait_s(DAY_MS - 1), 1);
}

static int clean(void **state)
{
    (void)state;
    request_free(&stage_request);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_texts_that_are_too_long),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_a_timeout),
        cmocka_unit_test(test_output_that_was_cut),
        cmocka_unit_test(test_a_compiler_that_fails),
        cmocka_unit_test(test_a_sandbox_that_fails),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_a_day_of_keys),
        cmocka_unit_test(test_no_keys),
        cmocka_unit_test(test_too_many_addresses),
        cmocka_unit_test(test_the_wait_for_the_next_day),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
