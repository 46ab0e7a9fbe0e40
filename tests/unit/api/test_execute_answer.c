/* A result to an answer: its status, its fields and their order. */
#include "execute_stage.h"

#include "base/json.h"

#include <signal.h>

static struct execute_answer answer;

static void fill(struct buf *buf, const char *text, size_t len)
{
    buf_init(buf, 1 << 20);
    buf_append(buf, text, len);
}

/* A program that ran to its end. */
static struct execution_result *made(const char *out, size_t len)
{
    answer = (struct execute_answer){.id = "550e8400-e29b-41d4-a716-446655440000",
                                     .version = "3.13.5",
                                     .language = "python",
                                     .warnings = json_array()};
    answer.result = (struct execution_result){
        .status = RECORD_COMPLETED, .wall_ns = 17000000, .cpu_ns = 5000000, .queue_ns = 1000000, .peak_bytes = 3 << 20};
    fill(&answer.result.run.out, out, len);
    fill(&answer.result.run.err, "", 0);
    fill(&answer.result.compile.out, "", 0);
    fill(&answer.result.compile.err, "", 0);
    return &answer.result;
}

static json_t *encoded(int status)
{
    assert_int_equal(execute_answer_encode(&answer), 0);
    assert_int_equal(answer.status, status);
    assert_int_equal(strlen(answer.text), answer.len);
    json_t *value = json_parse(answer.text, answer.len, &read_error);
    assert_non_null(value);
    execute_answer_free(&answer);
    return value;
}

static const char *string(const json_t *value, const char *name)
{
    return json_string_value(json_object_get(value, name));
}

static void done(json_t *value)
{
    json_decref(value);
    free(answer.text);
}

static void test_letter_by_letter(void **state)
{
    (void)state;
    made("hi\n", 3);
    json_t *value = encoded(200);
    assert_string_equal(
        answer.text,
        "{\"execution_id\":\"550e8400-e29b-41d4-a716-446655440000\",\"stdout\":\"hi\\n\",\"stderr\":\"\","
        "\"exit_code\":0,\"execution_time\":0.017,\"language\":\"python\",\"session_id\":null,"
        "\"version\":\"3.13.5\",\"status\":\"completed\",\"signal\":null,\"timed_out\":false,"
        "\"stdout_truncated\":false,\"stderr_truncated\":false,\"cpu_time\":0.005,\"memory_mb\":3.0,\"compile\":null,"
        "\"queue_time\":0.001,\"warnings\":[]}");
    done(value);
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    made("a\0\xff\xc3", 4);
    json_t *value = encoded(200);
    assert_non_null(strstr(answer.text, "\"stdout\":\"a\\u0000\xef\xbf\xbd\xef\xbf\xbd\""));
    done(value);
    made("a\xc3", 2)->run.out_cut = true; /* the limit cut it, not the program */
    value = encoded(200);
    assert_string_equal(string(value, "stdout"), "a");
    assert_true(json_is_true(json_object_get(value, "stdout_truncated")));
    done(value);
}

static void test_evaluate(void **state)
{
    struct execution_result *result = made("", 0);

    (void)state;
    answer.evaluate = true;
    json_t *value = encoded(200);
    assert_non_null(strstr(answer.text, "\"queue_time\":0.001,\"result\":null,\"error\":null,\"warnings\":[]}"));
    done(value);
    made("", 0);
    answer.evaluate = true;
    result->evaluation = (struct evaluation){.result = {"5\xff\xc3", 3},
                                             .name = {"N", 1},
                                             .message = {"", 0},
                                             .traceback = {"t\xc3", 2},
                                             .result_cut = true};
    value = encoded(200);
    assert_non_null(strstr(answer.text, "\"result\":\"5\xef\xbf\xbd\",\"error\":{\"name\":\"N\",\"message\":\"\","
                                        "\"traceback\":\"t\xef\xbf\xbd\"},\"warnings\":[]}"));
    done(value);
}

static void test_timeout(void **state)
{
    (void)state;
    struct execution_result *result = made("so far", 6);
    result->status = RECORD_TIMED_OUT;
    result->timed_out = true;
    result->exit_code = 124;
    json_t *value = encoded(500);
    static const char start[] = "{\"detail\":\"Execution failed: container timeout\",\"execution_id\":";
    assert_memory_equal(answer.text, start, sizeof start - 1);
    assert_string_equal(string(value, "stdout"), "so far");
    assert_int_equal(json_integer_value(json_object_get(value, "exit_code")), 124);
    assert_string_equal(string(value, "status"), "timed_out");
    assert_true(json_is_true(json_object_get(value, "timed_out")));
    done(value);
}

static void test_signals(void **state)
{
    static const struct {
        int number;
        const char *name;
    } cases[] = {{SIGSEGV, "SIGSEGV"}, {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"}, {34, "SIG34"}, {64, "SIG64"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct execution_result *result = made("", 0);
        result->status = RECORD_FAILED;
        result->signal = cases[i].number;
        result->exit_code = 128 + cases[i].number;
        json_t *value = encoded(200);
        assert_string_equal(string(value, "signal"), cases[i].name);
        done(value);
    }
}

static void test_failed_compilation(void **state)
{
    (void)state;
    struct execution_result *result = made("", 0);
    result->status = RECORD_COMPILE_FAILED;
    result->exit_code = result->compile_exit_code = 1;
    result->compiled = true;
    result->compile_wall_ns = 250000000;
    result->wall_ns = 0;
    buf_puts(&result->compile.err, "main.c:1: error");
    json_t *value = encoded(200);
    assert_string_equal(string(value, "stderr"), "main.c:1: error");
    assert_string_equal(string(value, "status"), "compile_failed");
    json_t *compile = json_object_get(value, "compile");
    assert_string_equal(string(compile, "stderr"), "main.c:1: error");
    assert_int_equal(json_integer_value(json_object_get(compile, "exit_code")), 1);
    assert_true(json_real_value(json_object_get(compile, "execution_time")) == 0.25);
    done(value);
}

static const char *only_warning(const json_t *value)
{
    const json_t *warnings = json_object_get(value, "warnings");

    return json_array_size(warnings) == 1 ? json_string_value(json_array_get(warnings, 0)) : "(not one)";
}

static void test_warnings(void **state)
{
    (void)state;
    made("", 0)->memory_struck = true;
    json_t *value = encoded(200);
    assert_string_equal(only_warning(value), "a process of the program was killed for going over the memory limit");
    done(value);

    struct execution_result *result = made("", 0);
    result->memory_struck = true;
    result->status = RECORD_OUT_OF_MEMORY; /* that says it already */
    value = encoded(200);
    assert_int_equal(json_array_size(json_object_get(value, "warnings")), 0);
    done(value);

    result = made("", 0);
    result->status = RECORD_COMPILE_FAILED;
    result->compiled = result->compile_timed_out = true;
    result->compile_exit_code = 124;
    value = encoded(200);
    assert_string_equal(only_warning(value), "the compiler was killed for going over the language's compile limit");
    done(value);

    result = made("", 0);
    result->status = RECORD_OUT_OF_MEMORY;
    result->compiled = result->memory_struck = true;
    result->compile_exit_code = 1;
    assert_int_equal(buf_puts(&result->compile.err, "cc1 died"), 0);
    value = encoded(200);
    assert_string_equal(only_warning(value), "the compiler was killed for going over the memory limit");
    assert_string_equal(json_string_value(json_object_get(value, "stderr")), "cc1 died");
    assert_string_equal(json_string_value(json_object_get(value, "status")), "out_of_memory");
    done(value);

    result = made("", 0);
    result->status = RECORD_FAILED;
    result->signal = SIGSYS;
    value = encoded(200);
    assert_string_equal(only_warning(value), "the program was ended by SIGSYS: it made a system call that no program "
                                             "may make here; 32-bit system calls (int 0x80) are such");
    done(value);
}

static void test_what_could_not_be_run(void **state)
{
    (void)state;
    struct execution_result *result = made("half", 4);
    result->failure = "its container could not be made";
    json_t *value = encoded(500);
    assert_string_equal(answer.text, "{\"detail\":\"Execution failed: its container could not be made\"}");
    done(value);
    result = made("", 0);
    result->failure = "The queue is full. Please try again later.";
    result->unavailable = true;
    value = encoded(503);
    assert_string_equal(answer.text, "{\"detail\":\"The queue is full. Please try again later.\"}");
    done(value);
}

static void test_what_is_not_known(void **state)
{
    (void)state;
    struct execution_result *result = made("", 0);
    result->status = RECORD_CANCELLED;
    result->wall_ns = result->cpu_ns = result->peak_bytes = -1;
    strcpy(answer.session_id, "s1");
    json_t *value = encoded(200);
    assert_true(json_number_value(json_object_get(value, "execution_time")) == 0);
    assert_true(json_is_null(json_object_get(value, "cpu_time")));
    assert_true(json_is_null(json_object_get(value, "memory_mb")));
    assert_string_equal(string(value, "session_id"), "s1");
    done(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letter_by_letter),  cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_evaluate),          cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_signals),           cmocka_unit_test(test_failed_compilation),
        cmocka_unit_test(test_warnings),          cmocka_unit_test(test_what_could_not_be_run),
        cmocka_unit_test(test_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
