/* agent402's pure parts: bodies to requests, and ends to answers. */
#include "base/text.h"
#include "faces/agent402.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct agent402_product small = {
    .slug = "small", .path = "/api/small", .seconds = 30, .characters = 10, .output_kb = 1};

static struct execute_rules rules(void)
{
    return (struct execute_rules){
        .max_code = 1000, .max_stdin = 1000, .max_timeout = 300, .maxima = {.output_kb = 16384}};
}

static int read_body(struct execution_request *request, const char *body, const struct agent402_query *query,
                     struct error *error)
{
    static const struct agent402_query none;
    const struct execute_rules allowed = rules();
    char text[500];

    text_copy(text, sizeof text, body);
    return agent402_read(request, &small, query != NULL ? query : &none, text, strlen(text), &allowed, error);
}

static void test_bodies(void **state)
{
    static const struct {
        const char *body, *code, *language;
    } cases[] = {
        {"{\"code\": \" 1 \\n\"}", "1", "python"},
        {"{\"code\": \"\\u2028\\u3000a\\u00a0b\\ufeff\"}", "a\u00a0b", "python"},
        {"{\"code\": \"\\u00e9\"}", "é", "python"},
        {"{\"code\": \"1\", \"language\": \" JavaScript\\t\"}", "1", "javascript"},
        {"{\"code\": \"1\", \"language\": null, \"more\": [1]}", "1", "python"},
        {"{\"params\": {\"code\": \"1\", \"language\": \"javascript\"}}", "1", "javascript"},
        {"{\"input\": {\"code\": \"1\"}, \"args\": {\"code\": \"2\", \"language\": \"javascript\"}}", "1",
         "javascript"},
        {"{\"code\": \"0\", \"params\": {\"code\": \"1\"}}", "0", "python"},
        {"{\"code\": \"0123456789\"}", "0123456789", "python"},
        {"{\"code\": \"\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\"}", "😀😀😀😀😀", "python"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct execution_request request;
        struct error error = {0};
        assert_int_equal(read_body(&request, cases[i].body, NULL, &error), 0);
        assert_int_equal(request.code_len, strlen(cases[i].code));
        assert_memory_equal(request.code, cases[i].code, request.code_len);
        assert_string_equal(request.language_name, cases[i].language);
        assert_int_equal(request.timeout_ms, 30000);
        assert_true(request.evaluate);
        assert_int_equal(request.overrides.value[LIMIT_OUTPUT], 1);
        request_free(&request);
    }
}

static void test_wrong_bodies(void **state)
{
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"", "code is required"},
        {" \n", "code is required"},
        {"{}", "code is required"},
        {"{\"params\": {}}", "code is required"},
        {"{\"code\": \"\"}", "code must not be blank"},
        {"{\"code\": \" \\ufeff\\n\"}", "code must not be blank"},
        {"{\"code\": \"01234567890\"}", "code must be at most 10 characters"},
        {"{\"code\": \"\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00.\"}",
         "code must be at most 10 characters"},
        {"{\"code\": [1]}", "code: must be a string or null"},
        {"{\"params\": {\"code\": 1}}", "params.code: must be a string or null"},
        {"{\"code\": \"1\", \"args\": \"x\"}", "args: must be an object"},
        {"{\"code\": \"1\", \"language\": \"cobol\"}", "language must be \"python\" or \"javascript\""},
        {"{\"code\": \"1\", \"language\": \"\"}", "language must be \"python\" or \"javascript\""},
        {"[]", "the body must be a JSON object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct execution_request request;
        struct error error = {0};
        assert_int_equal(read_body(&request, cases[i].body, NULL, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, cases[i].sentence);
        request_free(&request);
    }
}

static void test_the_query_fills_in(void **state)
{
    const struct agent402_query query = {.code = " 7", .language = "JAVASCRIPT"};
    struct execution_request request;
    struct error error = {0};

    (void)state;
    assert_int_equal(read_body(&request, "", &query, &error), 0);
    assert_string_equal(request.code, "7");
    assert_string_equal(request.language_name, "javascript");
    request_free(&request);
    assert_int_equal(read_body(&request, "{\"code\": \"8\"}", &query, &error), 0);
    assert_string_equal(request.code, "8");
    assert_string_equal(request.language_name, "javascript");
    request_free(&request);
}

static void test_a_key_s_limits_hold(void **state)
{
    struct execute_rules allowed = rules();
    const struct agent402_query query = {.code = "1"};
    struct execution_request request;
    struct error error = {0};
    char text[] = "";

    (void)state;
    allowed.max_timeout = 5;
    allowed.maxima.output_kb = 1;
    assert_int_equal(agent402_read(&request, &agent402_products[1], &query, text, 0, &allowed, &error), 0);
    assert_int_equal(request.timeout_ms, 5000);
    assert_int_equal(request.overrides.value[LIMIT_OUTPUT], 1);
    request_free(&request);
}

static void test_products(void **state)
{
    (void)state;
    assert_ptr_equal(agent402_product_of("/api/code-run"), &agent402_products[0]);
    assert_ptr_equal(agent402_product_of("/p/api/code-run/"), &agent402_products[0]);
    assert_ptr_equal(agent402_product_of("/api/code-run-pro"), &agent402_products[1]);
    assert_null(agent402_product_of("/api/pricing"));
}

/* Answers. */

static void put(struct buf *buf, const char *text, size_t times)
{
    buf_init(buf, 1 << 20);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(buf_puts(buf, text), 0);
}

static void check_answer(struct execute_answer *answer, int status, const char *text)
{
    char *got;
    size_t len;
    const char *sentence = NULL;

    text_copy(answer->language, sizeof answer->language, "python");
    assert_int_equal(agent402_answer(&small, answer, &got, &len, &sentence), status);
    if (status == 200) {
        assert_string_equal(got, text);
        assert_int_equal(len, strlen(text));
    } else {
        assert_null(got);
        assert_string_equal(sentence, text);
    }
    free(got);
    execute_answer_free(answer);
}

#define START "{\"language\":\"python\",\"stdout\":"

static void test_answers(void **state)
{
    struct execute_answer answer = {0};

    (void)state;
    put(&answer.result.run.out, "hi\n", 1);
    put(&answer.result.run.err, "\xff", 1);
    answer.result.exit_code = 3;
    check_answer(&answer, 200, START "\"hi\\n\",\"stderr\":\"\ufffd\",\"result\":null,\"error\":null}");

    answer = (struct execute_answer){
        .result = {
            .exit_code = 1,
            .evaluation = {.result = {"[1, 2]", 6}, .name = {"E", 1}, .message = {"", 0}, .traceback = {"T\n", 2}}}};
    check_answer(&answer, 200,
                 START
                 "\"\",\"stderr\":\"\",\"result\":\"[1, 2]\",\"error\":{\"name\":\"E\",\"message\":\"\",\"traceback\":"
                 "\"T\\n\"}}");
    answer = (struct execute_answer){.result = {.signal = 11, .exit_code = 139}};
    check_answer(&answer, 200,
                 START "\"\",\"stderr\":\"\",\"result\":null,\"error\":{\"name\":\"SIGSEGV\",\"message\":\"The program "
                       "was ended by SIGSEGV\",\"traceback\":\"\"}}");
    answer = (struct execute_answer){.result = {.signal = 9, .exit_code = 137, .memory_struck = true}};
    check_answer(&answer, 200,
                 START "\"\",\"stderr\":\"\",\"result\":null,\"error\":{\"name\":\"MemoryError\",\"message\":\"The "
                       "program was killed for going over the memory limit\",\"traceback\":\"\"}}");
    answer = (struct execute_answer){.result = {.timed_out = true, .signal = 9}};
    check_answer(&answer, 504, "The program ran out of time");
    answer = (struct execute_answer){.result = {.failure = "The queue is full", .unavailable = true}};
    check_answer(&answer, 503, "The queue is full");
    answer = (struct execute_answer){.result = {.failure = "Execution failed: x"}};
    check_answer(&answer, 502, "Execution failed: x");
}

/* One budget for all texts, in their order, cut between characters. */
static void test_the_budget(void **state)
{
    struct execute_answer answer = {0};
    char *text;
    size_t len;
    const char *sentence;

    (void)state;
    put(&answer.result.run.out, "x", 1021);
    put(&answer.result.run.err, "é", 10);
    assert_int_equal(agent402_answer(&small, &answer, &text, &len, &sentence), 200);
    assert_non_null(strstr(text, "x\",\"stderr\":\"é\",\"result\":null,\"error\":null,\"truncated\":true}"));
    free(text);
    execute_answer_free(&answer);

    answer = (struct execute_answer){
        .result = {
            .evaluation = {.result = {"abcdef", 6}, .name = {"E", 1}, .message = {"m", 1}, .traceback = {"t", 1}}}};
    put(&answer.result.run.out, "x", 1021);
    assert_int_equal(agent402_answer(&small, &answer, &text, &len, &sentence), 200);
    assert_non_null(
        strstr(text, "x\",\"stderr\":\"\",\"result\":\"abc\",\"error\":{\"name\":\"\",\"message\":\"\",\"traceback\":"
                     "\"\"},\"truncated\":true}"));
    free(text);
    execute_answer_free(&answer);

    answer = (struct execute_answer){.result = {.run = {.out_cut = true}}};
    put(&answer.result.run.out, "a\xc3", 1);
    check_answer(&answer, 200, START "\"a\",\"stderr\":\"\",\"result\":null,\"error\":null,\"truncated\":true}");
    answer = (struct execute_answer){0};
    put(&answer.result.run.out, "x", 1024);
    assert_int_equal(agent402_answer(&small, &answer, &text, &len, &sentence), 200);
    assert_null(strstr(text, "truncated"));
    free(text);
    execute_answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_wrong_bodies),
        cmocka_unit_test(test_the_query_fills_in),
        cmocka_unit_test(test_a_key_s_limits_hold),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_the_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
