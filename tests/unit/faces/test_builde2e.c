/* BuildE2E: its bodies to requests, results to its answers, our errors to its errors. */
#include "faces/face.h"
#include "faces/stage.h"

#define FACE face_builde2e.ways[0].translation
#define TAIL "\"exitCode\":0,\"executionTimeMs\":95.23,\"memoryUsageMb\":8.45,\"timedOut\":false,\"cost\":0.002}"

static void test_a_body(void **state)
{
    (void)state;
    assert_int_equal(stage_read(FACE, "{\"code\": \"print(1)\", \"language\": \"python\", \"other\": 1}"), 0);
    assert_memory_equal(stage_request.code, "print(1)", 9);
    assert_int_equal(stage_request.code_len, 8);
    assert_string_equal(stage_request.language_name, "python");
    assert_int_equal(stage_request.timeout_ms, 10000);
    const int64_t *limits = stage_request.overrides.value;
    assert_int_equal(limits[LIMIT_CPU], 500);
    assert_int_equal(limits[LIMIT_MEMORY], 256);
    assert_int_equal(limits[LIMIT_OUTPUT], 1024);
    assert_int_equal(limits[LIMIT_DISK], 0);
    assert_int_equal(limits[LIMIT_PROCESSES], 0);
    assert_true(stage_request.limits_rise);
    assert_null(stage_request.input);
    assert_null(stage_request.version_range);
    assert_int_equal(stage_read(FACE, "{\"language\": \"javascript\", \"code\": \"1\"}"), 0);
    assert_string_equal(stage_request.language_name, "javascript");
}

static void test_limits_of_the_server_and_the_key(void **state)
{
    const struct execute_rules before = stage_rules;

    (void)state;
    stage_rules.max_timeout = 5;
    stage_rules.maxima.cell.memory_mb = 128;
    stage_rules.maxima.cell.milli_cpus = 250;
    stage_rules.maxima.output_kb = 16;
    stage_rules.max_code = 1000;
    assert_int_equal(stage_read_long(FACE, 1000, ", \"language\": \"python\""), 0);
    assert_int_equal(stage_request.timeout_ms, 5000);
    assert_int_equal(stage_request.overrides.value[LIMIT_CPU], 250);
    assert_int_equal(stage_request.overrides.value[LIMIT_MEMORY], 128);
    assert_int_equal(stage_request.overrides.value[LIMIT_OUTPUT], 16);
    assert_int_equal(stage_read_long(FACE, 1001, ", \"language\": \"python\""), -1);
    assert_string_equal(stage_error.text, "code: must be at most 1000 bytes");
    assert_int_equal(error_status(stage_error.code), 413);
    stage_rules = before;
}

static void test_code_that_is_too_long(void **state)
{
    (void)state;
    assert_int_equal(stage_read_long(FACE, 102400, ", \"language\": \"python\""), 0);
    assert_int_equal(stage_request.code_len, 102400);
    assert_int_equal(stage_read_long(FACE, 102401, ", \"language\": \"python\""), -1);
    assert_string_equal(stage_error.text, "code: must be at most 102400 bytes");
    assert_int_equal(error_status(stage_error.code), 413);
}

static void test_bad_bodies(void **state)
{
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"[]", "the body must be a JSON object"},
        {"{}", "code: is required"},
        {"{\"code\": null, \"language\": \"python\"}", "code: is required"},
        {"{\"code\": \"\", \"language\": \"python\"}", "code: must be a string that is not empty"},
        {"{\"code\": 1, \"language\": \"python\"}", "code: must be a string that is not empty"},
        {"{\"code\": \"1\"}", "language: is required"},
        {"{\"code\": \"1\", \"language\": \"ruby\"}", "language: must be \"python\" or \"javascript\""},
        {"{\"code\": \"1\", \"language\": \"Python\"}", "language: must be \"python\" or \"javascript\""},
        {"{\"code\": \"1\", \"language\": [\"python\"]}", "language: must be \"python\" or \"javascript\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        stage_expect_refused(FACE, cases[i].body, ERROR_INVALID, cases[i].sentence);
    assert_int_equal(stage_read(FACE, "{\"code\": "), -1);
    assert_memory_equal(stage_error.text, "malformed JSON: ", 16);
}

static void test_a_language_that_the_server_has_not(void **state)
{
    struct buf sentence;

    (void)state;
    assert_int_equal(stage_read(FACE, "{\"code\": \"1\", \"language\": \"python\"}"), 0);
    buf_init(&sentence, 1000);
    (FACE)->unknown_language(&sentence, &stage_request);
    assert_string_equal(sentence.data, "language: python is not available on this server");
    buf_free(&sentence);
}

static void test_an_answer(void **state)
{
    (void)state;
    stage_result("python", "Hello, World!\n", "");
    stage_expect(FACE, 200, "{\"stdout\":\"Hello, World!\\n\",\"stderr\":\"\"," TAIL);
}

static void test_a_program_that_fails(void **state)
{
    (void)state;
    struct execution_result *result = stage_result("javascript", "", "oh\n");
    result->status = RECORD_FAILED;
    result->exit_code = 3;
    stage_expect(FACE, 200,
                 "{\"stdout\":\"\",\"stderr\":\"oh\\n\",\"exitCode\":3,\"executionTimeMs\":95.23,"
                 "\"memoryUsageMb\":8.45,\"timedOut\":false,\"cost\":0.002}");
}

static void test_a_timeout(void **state)
{
    (void)state;
    struct execution_result *result = stage_result("python", "so far", "");
    result->status = RECORD_TIMED_OUT;
    result->timed_out = true;
    result->exit_code = 124;
    result->wall_ns = 10023000000;
    result->peak_bytes = -1;
    stage_expect(FACE, 200,
                 "{\"stdout\":\"so far\",\"stderr\":\"\",\"exitCode\":124,\"executionTimeMs\":10000,"
                 "\"memoryUsageMb\":0.0,\"timedOut\":true,\"cost\":0.002}");
}

/* The file of the program has another name in tracebacks, and nowhere else. */
static void test_tracebacks(void **state)
{
    static const struct {
        const char *err, *shown;
    } cases[] = {
        {"  File \"/tmp/work/main.py\", line 1, in <module>\n", "  File \\\"<string>\\\", line 1, in <module>\\n"},
        {"a\n  File \"/tmp/work/main.py\", line 1\nb", "a\\n  File \\\"<string>\\\", line 1\\nb"},
        {"    |   File \"/tmp/work/main.py\", line 12", "    |   File \\\"<string>\\\", line 12"},
        {"  File \"/tmp/work/other.py\", line 1\n", "  File \\\"/tmp/work/other.py\\\", line 1\\n"},
        {"File \"/tmp/work/main.py\", line 1\n", "File \\\"/tmp/work/main.py\\\", line 1\\n"},
        {"x  File \"/tmp/work/main.py\", line 1\n", "x  File \\\"/tmp/work/main.py\\\", line 1\\n"},
        {"  File \"/tmp/work/main.py\", l", "  File \\\"/tmp/work/main.py\\\", l"},
        {"  ", "  "},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        stage_result("python", "", cases[i].err);
        snprintf(text, sizeof text, "{\"stdout\":\"\",\"stderr\":\"%s\",%s", cases[i].shown, TAIL);
        stage_expect(FACE, 200, text);
    }
    stage_result("javascript", "", "  File \"/tmp/work/main.py\", line 1");
    stage_expect(FACE, 200, "{\"stdout\":\"\",\"stderr\":\"  File \\\"/tmp/work/main.py\\\", line 1\"," TAIL);
}

static void test_output_that_was_cut(void **state)
{
    (void)state;
    struct execution_result *result = stage_result("python", "a\xc3", "b\xc3");
    result->run.out_cut = result->run.err_cut = true;
    stage_expect(FACE, 200, "{\"stdout\":\"a\",\"stderr\":\"b\"," TAIL);
}

static void test_a_sandbox_that_fails(void **state)
{
    (void)state;
    struct execution_result *result = stage_result("python", "", "");
    result->failure = "the container ended unexpectedly";
    stage_expect(FACE, 200,
                 "{\"stdout\":\"\",\"stderr\":\"\",\"exitCode\":1,\"executionTimeMs\":0,\"memoryUsageMb\":0,"
                 "\"timedOut\":false,\"cost\":0,\"error\":\"the container ended unexpectedly\"}");
    result = stage_result("python", "", "");
    result->failure = "The queue is full. Please try again later.";
    result->unavailable = true;
    stage_expect(FACE, 503, "{\"error\":\"The queue is full. Please try again later.\"}");
}

static void test_errors(void **state)
{
    size_t len;
    char *text = face_builde2e.manners.error_body(401, "API key is \"required\"", &len);

    (void)state;
    assert_non_null(text);
    assert_string_equal(text, "{\"error\":\"API key is \\\"required\\\"\"}");
    assert_int_equal(len, strlen(text));
    assert_null(face_builde2e.manners.error_status);
    free(text);
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
        cmocka_unit_test(test_limits_of_the_server_and_the_key),
        cmocka_unit_test(test_code_that_is_too_long),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_a_language_that_the_server_has_not),
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_a_program_that_fails),
        cmocka_unit_test(test_a_timeout),
        cmocka_unit_test(test_tracebacks),
        cmocka_unit_test(test_output_that_was_cut),
        cmocka_unit_test(test_a_sandbox_that_fails),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
