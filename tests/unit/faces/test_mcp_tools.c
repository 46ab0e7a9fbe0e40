/* The tools, what is kept of their arguments, who may reach them, and the text of a result. */
#include "faces/mcp_tools.h"

#include "base/json.h"
#include "base/json_scan.h"
#include "faces/mcp_call.h"
#include "faces/mcp_reach.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void test_the_tools(void **state)
{
    (void)state;
    assert_string_equal(mcp_tool_find("execute_code")->name, "execute_code");
    assert_true(mcp_tool_find("list_languages")->reads_only);
    assert_null(mcp_tool_find("execute"));
    assert_null(mcp_tool_find(""));
}

static void expect_kept(const char *body, const char *expected)
{
    struct arena arena = {0};
    const struct json_shape *shape = mcp_tools_shape(&arena);
    char *text = strdup(body);
    size_t cost, len;
    struct error error;

    assert_non_null(shape);
    json_t *value = json_parse_shape(text, strlen(text), shape, &cost, &error);
    char *kept = json_text(value, &len);
    assert_string_equal(kept, expected);
    free(kept);
    free(text);
    json_decref(value);
    arena_free(&arena);
}

static void test_what_is_kept_of_arguments(void **state)
{
    (void)state;
    expect_kept("{\"code\":\"x\",\"args\":[\"a\",[1]],\"other\":{\"deep\":[[]]}}",
                "{\"code\":\"x\",\"args\":[\"a\",[]],\"other\":0}");
    expect_kept("{\"files\":[{\"path\":\"a\",\"content\":\"b\",\"x\":[1]}]}",
                "{\"files\":[{\"path\":\"a\",\"content\":\"b\",\"x\":0}]}");
}

static void test_who_may_reach_it(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host;
        bool direct, may;
    } table[] = {
        {NULL, "localhost:8002", true, true},
        {NULL, "LOCALHOST", true, true},
        {NULL, "127.0.0.1:8002", true, true},
        {NULL, "127.3.4.5", true, true},
        {NULL, "[::1]:8002", true, true},
        {NULL, "[::1]", true, true},
        {NULL, "evil.example:8002", true, false},
        {NULL, "localhost.evil.example", true, false},
        {NULL, "127.0.0.1.evil.example", true, false},
        {NULL, "10.0.0.1", true, false},
        {NULL, NULL, true, false},
        {NULL, "run.example.org", false, true},
        {NULL, NULL, false, true},
        {"http://localhost:8002", "localhost:8002", true, true},
        {"http://evil.example:8002", "evil.example:8002", true, false},
        {"http://evil.example", "localhost:8002", true, false},
        {"http://localhost:3000", "localhost:8002", true, false},
        {"null", "localhost:8002", true, false},
        {"https://run.example.org", "run.example.org", false, true},
        {"https://evil.example", "run.example.org", false, false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(mcp_unreachable(table[i].origin, table[i].host, table[i].direct) == NULL, table[i].may);
}

static void put(struct buf *out, const char *text)
{
    buf_init(out, 1000);
    assert_int_equal(buf_puts(out, text), 0);
}

static void test_texts_of_results(void **state)
{
    (void)state;
    static const struct {
        const char *out, *err;
        enum record_status status;
        int exit_code, signal;
        bool cut;
        const char *text;
    } table[] = {
        {"5\n", "", RECORD_COMPLETED, 0, 0, false, "5\n"},
        {"5", "", RECORD_COMPLETED, 0, 0, false, "5"},
        {"", "", RECORD_COMPLETED, 0, 0, false, "[no output]\n"},
        {"", "w\n", RECORD_COMPLETED, 0, 0, false, "[stderr]\nw\n"},
        {"a", "b", RECORD_FAILED, 3, 0, false, "a\n[stderr]\nb\n[exit code 3]\n"},
        {"", "", RECORD_FAILED, 139, 11, false, "[ended by SIGSEGV]\n"},
        {"a\n", "", RECORD_TIMED_OUT, 124, 0, false, "a\n[timed out]\n"},
        {"", "", RECORD_OUT_OF_MEMORY, 137, 9, false, "[out of memory]\n"},
        {"", "", RECORD_CANCELLED, 137, 9, false, "[cancelled]\n"},
        {"abc", "", RECORD_COMPLETED, 0, 0, true, "abc\n[the rest was cut]\n"},
        {"\xff", "", RECORD_COMPLETED, 0, 0, false, "\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct execution_result result = {
            .status = table[i].status, .exit_code = table[i].exit_code, .signal = table[i].signal};
        struct buf text;
        put(&result.run.out, table[i].out);
        put(&result.run.err, table[i].err);
        result.run.out_cut = table[i].cut;
        buf_init(&text, 1000);
        assert_int_equal(mcp_run_text(&text, &result), 0);
        assert_string_equal(text.data, table[i].text);
        buf_free(&text);
        buf_free(&result.run.out);
        buf_free(&result.run.err);
    }
}

static void test_the_text_of_an_evaluation(void **state)
{
    (void)state;
    struct execution_result result = {.status = RECORD_COMPLETED,
                                      .evaluation = {.result = {.data = "4\xff", .len = 2}}};
    struct buf text;

    put(&result.run.out, "a");
    put(&result.run.err, "");
    buf_init(&text, 1000);
    assert_int_equal(mcp_run_text(&text, &result), 0);
    assert_string_equal(text.data, "a\n[result]\n4\xef\xbf\xbd\n");
    buf_free(&text);
    buf_free(&result.run.out);
    buf_free(&result.run.err);
}

static void test_the_text_of_a_failed_compilation(void **state)
{
    (void)state;
    struct execution_result result = {
        .status = RECORD_COMPILE_FAILED, .exit_code = 1, .compiled = true, .compile_exit_code = 1};
    struct buf text;

    put(&result.compile.out, "");
    put(&result.compile.err, "a.c:1: error");
    buf_init(&text, 1000);
    assert_int_equal(mcp_run_text(&text, &result), 0);
    assert_string_equal(text.data, "[stderr]\na.c:1: error\n[the program does not compile]\n");
    buf_free(&text);
    buf_free(&result.compile.out);
    buf_free(&result.compile.err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tools),
        cmocka_unit_test(test_what_is_kept_of_arguments),
        cmocka_unit_test(test_who_may_reach_it),
        cmocka_unit_test(test_texts_of_results),
        cmocka_unit_test(test_the_text_of_an_evaluation),
        cmocka_unit_test(test_the_text_of_a_failed_compilation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
