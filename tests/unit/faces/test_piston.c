/* Piston's bodies and answers. The engine's part is in tests/faces/piston.jsonl. */
#include "faces/face.h"

#include "faces/stage.h"
#include "lib/repeats.h"

#include <signal.h>

#define HEAD "{\"language\": \"python\", \"version\": \"*\", "
#define FILES "\"files\": [{\"content\": \"print(1)\"}]"

static const struct translation *piston(void)
{
    return face_piston.ways[0].translation;
}

static void expect_read(const char *body)
{
    if (stage_read(piston(), body) != 0)
        fail_msg("%s: %s", body, stage_error.text);
}

static void refuse(const char *body, const char *sentence)
{
    stage_expect_refused(piston(), body, ERROR_INVALID, sentence);
}

static void test_least_body(void **state)
{
    (void)state;
    expect_read(HEAD FILES "}");
    assert_string_equal(stage_request.language_name, "python");
    assert_string_equal(stage_request.version_range, "*");
    assert_string_equal(stage_request.code, "print(1)");
    assert_int_equal(stage_request.code_len, 8);
    assert_string_equal(stage_request.input, "\n");
    assert_int_equal(stage_request.input_len, 1);
    assert_null(stage_request.args);
    assert_int_equal(stage_request.files_len, 0);
    assert_int_equal(stage_request.timeout_ms, 3000);
    assert_true(stage_request.limits_rise);
    for (enum limit limit = 0; limit < LIMITS; limit++)
        assert_int_equal(stage_request.overrides.value[limit], 0);
}

static void test_files(void **state)
{
    (void)state;
    expect_read(HEAD "\"files\": [{\"content\": \"00ff\", \"encoding\": \"hex\"},"
                     "{\"name\": \"main.py\", \"content\": \"1\", \"encoding\": \"other\"},"
                     "{\"name\": \"a/b\", \"content\": \"YWI=\", \"encoding\": \"base64\"},"
                     "{\"name\": \"\", \"content\": \"\"}]}");
    assert_string_equal(stage_request.code, "1");
    assert_int_equal(stage_request.files_len, 3);
    assert_string_equal(stage_request.files[0].path, "file0.code");
    assert_int_equal(stage_request.files[0].len, 2);
    assert_memory_equal(stage_request.files[0].data, "\0\xff", 2);
    assert_int_equal(stage_request.files[0].kind, REQUEST_FILE_BINARY);
    assert_string_equal(stage_request.files[1].path, "a/b");
    assert_int_equal(stage_request.files[1].len, 2);
    assert_memory_equal(stage_request.files[1].data, "ab", 2);
    assert_string_equal(stage_request.files[2].path, "file3.code");
    assert_int_equal(stage_request.files[2].len, 0);
    assert_int_equal(stage_request.files[2].kind, REQUEST_FILE_TEXT);
}

/* A body with one program and one file of `len` bytes of `fill`. */
static void refuse_large(size_t len, char fill, const char *encoding, bool first, const char *sentence)
{
    char *content = malloc(len + 1);
    struct buf body;

    assert_non_null(content);
    memset(content, fill, len);
    content[len] = '\0';
    buf_init(&body, len + 500);
    assert_int_equal(buf_printf(&body,
                                HEAD "\"files\": [%s{\"name\": \"a\", \"content\": \"%s\", \"encoding\": \"%s\"}]}",
                                first ? "" : "{\"content\": \"1\"}, ", content, encoding),
                     0);
    refuse(body.data, sentence);
    buf_free(&body);
    free(content);
}

static void test_sizes_are_checked_before_decoding(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        char fill;
        const char *encoding;
        bool first;
        const char *sentence;
    } cases[] = {
        /* 'g' is not hex, and '#' not base64: these sentences show that nothing was decoded. */
        {(2u << 20) + 2, 'g', "hex", true, "files[0].content: must be at most 1048576 bytes"},
        {(1u << 20) + 1, 'x', "utf8", true, "files[0].content: must be at most 1048576 bytes"},
        {(10u << 20) + 1, 'x', "utf8", false, "files: must be at most 10485760 bytes in all"},
        {14u << 20, '#', "base64", false, "files: must be at most 10485760 bytes in all"},
        {(20u << 20) + 2, 'g', "hex", false, "files: must be at most 10485760 bytes in all"},
        {20u << 20, 'g', "hex", false, "files[1].content: must be hex"},
    };

    for (int i = 0; i < unless_short(sizeof cases / sizeof *cases, 3); i++)
        refuse_large(cases[i].len, cases[i].fill, cases[i].encoding, cases[i].first, cases[i].sentence);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int64_t timeout_ms, memory_mb;
    } cases[] = {
        {"\"run_timeout\": 0", 3000, 0},
        {"\"run_timeout\": null", 3000, 0},
        {"\"run_timeout\": \"\"", 3000, 0},
        {"\"run_timeout\": 1", 1, 0},
        {"\"run_timeout\": 300000", 300000, 0},
        {"\"run_memory_limit\": -1", 3000, 0},
        {"\"run_memory_limit\": 0", 3000, 0},
        {"\"run_memory_limit\": 1", 3000, 32},
        {"\"run_memory_limit\": 134217728", 3000, 128},
        {"\"run_memory_limit\": 134217727", 3000, 127},
        {"\"run_memory_limit\": 2147483648", 3000, 2048},
        {"\"compile_timeout\": 15000, \"run_cpu_time\": 1, \"compile_cpu_time\": 1", 3000, 0},
        {"\"compile_memory_limit\": 1000000", 3000, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[300];
        snprintf(body, sizeof body, "%s%s, %s}", HEAD, FILES, cases[i].fields);
        expect_read(body);
        assert_int_equal(stage_request.timeout_ms, cases[i].timeout_ms);
        assert_int_equal(stage_request.overrides.value[LIMIT_MEMORY], cases[i].memory_mb);
    }
}

static void test_a_key_with_a_short_timeout(void **state)
{
    (void)state;
    stage_rules.max_timeout = 2;
    expect_read(HEAD FILES "}");
    assert_int_equal(stage_request.timeout_ms, 2000);
    refuse(HEAD FILES ", \"run_timeout\": 2001}", "run_timeout: must be an integer from 0 to 2000");
    stage_rules.max_timeout = 300;
}

static void test_input(void **state)
{
    (void)state;
    static const struct {
        const char *json, *input;
        size_t len;
    } cases[] = {
        {"\"\"", "\n", 1},      {"null", "\n", 1},    {"\"a\"", "a\n", 2},
        {"\"a\\n\"", "a\n", 2}, {"\"\\n\"", "\n", 1}, {"\"\\u0000\"", "\0\n", 2},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[300];
        snprintf(body, sizeof body, "%s%s, \"stdin\": %s}", HEAD, FILES, cases[i].json);
        expect_read(body);
        assert_int_equal(stage_request.input_len, cases[i].len);
        assert_memory_equal(stage_request.input, cases[i].input, cases[i].len);
    }
}

static void test_unknown_versions(void **state)
{
    (void)state;
    refuse("{\"language\": \"c\", \"version\": \"a b\", " FILES "}", "c-a b runtime is unknown");
    expect_read("{\"language\": \"c\", \"version\": \"99\", " FILES "}");
    struct buf sentence;
    buf_init(&sentence, 200);
    piston()->unknown_language(&sentence, &stage_request);
    assert_string_equal(sentence.data, "c-99 runtime is unknown");
    buf_free(&sentence);
}

/* The end of a program that wrote "out" and "err". */
static struct execution_result *ended(int exit_code)
{
    struct execution_result *result = stage_result("python", "out", "err");

    text_copy(stage_answer.version, sizeof stage_answer.version, "3.13.5");
    for (size_t i = 0; i < 2; i++)
        buf_init(&stage_answer.both[i], 100);
    assert_int_equal(buf_puts(&stage_answer.both[1], "oeurtr"), 0);
    result->exit_code = exit_code;
    result->status = exit_code == 0 ? RECORD_COMPLETED : RECORD_FAILED;
    return result;
}

#define STAGE(SIGNAL, CODE, MESSAGE, STATUS)                                                                \
    "{\"signal\":" SIGNAL ",\"stdout\":\"out\",\"stderr\":\"err\",\"code\":" CODE ",\"output\":\"oeurtr\"," \
    "\"memory\":8860467,\"message\":" MESSAGE ",\"status\":" STATUS ",\"cpu_time\":5,\"wall_time\":95}"
#define ANSWER(STAGE) "{\"run\":" STAGE ",\"language\":\"python\",\"version\":\"3.13.5\"}"

static void test_ends_of_programs(void **state)
{
    (void)state;
    ended(0);
    stage_expect(piston(), 200, ANSWER(STAGE("null", "0", "null", "null")));

    ended(3);
    stage_expect(piston(), 200, ANSWER(STAGE("null", "3", "\"Exited with error status 3\"", "\"RE\"")));

    ended(139)->signal = SIGSEGV;
    stage_expect(piston(), 200, ANSWER(STAGE("\"SIGSEGV\"", "null", "\"Caught fatal signal 11\"", "\"SG\"")));

    struct execution_result *late = ended(124);
    late->timed_out = true;
    late->status = RECORD_TIMED_OUT;
    stage_expect(piston(), 200, ANSWER(STAGE("\"SIGKILL\"", "null", "\"Time limit exceeded (wall clock)\"", "\"TO\"")));

    struct execution_result *large = ended(1);
    large->memory_struck = true;
    large->status = RECORD_OUT_OF_MEMORY;
    stage_expect(piston(), 200, ANSWER(STAGE("\"SIGKILL\"", "null", "\"Memory limit exceeded\"", "\"SG\"")));

    ended(0)->run.out_cut = true;
    stage_expect(piston(), 200, ANSWER(STAGE("null", "0", "\"stdout length exceeded\"", "null")));

    ended(2)->run.err_cut = true;
    stage_expect(piston(), 200, ANSWER(STAGE("null", "2", "\"stderr length exceeded\"", "\"RE\"")));
}

static void test_unknown_figures_are_null(void **state)
{
    (void)state;
    struct execution_result *result = ended(0);

    result->peak_bytes = result->cpu_ns = result->wall_ns = -1;
    stage_expect(piston(), 200,
                 ANSWER("{\"signal\":null,\"stdout\":\"out\",\"stderr\":\"err\",\"code\":0,\"output\":\"oeurtr\","
                        "\"memory\":null,\"message\":null,\"status\":null,\"cpu_time\":null,\"wall_time\":null}"));
}

#define COMPILE(SIGNAL, CODE, MESSAGE, STATUS)                                                      \
    "{\"signal\":" SIGNAL ",\"stdout\":\"\",\"stderr\":\"\",\"code\":" CODE ",\"output\":\"said\"," \
    "\"memory\":2048,\"message\":" MESSAGE ",\"status\":" STATUS ",\"cpu_time\":1,\"wall_time\":2}"

static struct execution_result *compiled(int exit_code)
{
    struct execution_result *result = ended(0);

    result->compiled = true;
    result->compile_exit_code = exit_code;
    result->compile_peak_bytes = 2048;
    result->compile_cpu_ns = 1000000;
    result->compile_wall_ns = 2400000;
    assert_int_equal(buf_puts(&stage_answer.both[0], "said"), 0);
    return result;
}

#define BOTH(STAGE) "{\"run\":" STAGE ",\"compile\":" STAGE ",\"language\":\"python\",\"version\":\"3.13.5\"}"

static void test_compilers(void **state)
{
    (void)state;
    compiled(0);
    stage_expect(piston(), 200,
                 "{\"run\":" STAGE("null", "0", "null", "null") ",\"compile\":" COMPILE("null", "0", "null", "null") //
                 ",\"language\":\"python\",\"version\":\"3.13.5\"}");

    compiled(1)->status = RECORD_COMPILE_FAILED;
    stage_expect(piston(), 200, BOTH(COMPILE("null", "1", "\"Exited with error status 1\"", "\"RE\"")));

    compiled(124)->compile_timed_out = true;
    stage_expect(piston(), 200, BOTH(COMPILE("\"SIGKILL\"", "null", "\"Time limit exceeded (wall clock)\"", "\"TO\"")));

    compiled(1)->memory_struck = true;
    stage_expect(piston(), 200, BOTH(COMPILE("null", "1", "\"Memory limit exceeded\"", "\"RE\"")));
}

static void test_programs_that_could_not_run(void **state)
{
    (void)state;
    ended(0)->failure = "the container could not be started";
    stage_expect(piston(), 500, "{\"message\":\"the container could not be started\"}");

    struct execution_result *later = ended(0);
    later->failure = "The queue is full. Please try again later.";
    later->unavailable = true;
    stage_expect(piston(), 429, "{\"message\":\"The queue is full. Please try again later.\"}");
}

static void expect_error(int status, int there, const char *text)
{
    size_t len;
    char *body = face_piston.manners.error_body(status, "a \"sentence\"", &len);

    assert_int_equal(face_piston.manners.error_status(status), there);
    assert_string_equal(body, text);
    assert_int_equal(len, strlen(text));
    free(body);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error(400, 400, "{\"message\":\"a \\\"sentence\\\"\"}");
    expect_error(401, 401, "{\"message\":\"a \\\"sentence\\\"\"}");
    expect_error(404, 404, "{\"message\":\"Not Found\"}");
    expect_error(429, 429, "{\"message\":\"a \\\"sentence\\\"\"}");
    expect_error(500, 500, "{\"message\":\"a \\\"sentence\\\"\"}");
    expect_error(503, 429, "{\"message\":\"a \\\"sentence\\\"\"}");
}

static int free_request(void **state)
{
    (void)state;
    request_free(&stage_request);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_body),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sizes_are_checked_before_decoding),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_key_with_a_short_timeout),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_unknown_versions),
        cmocka_unit_test(test_ends_of_programs),
        cmocka_unit_test(test_unknown_figures_are_null),
        cmocka_unit_test(test_compilers),
        cmocka_unit_test(test_programs_that_could_not_run),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, free_request);
}
