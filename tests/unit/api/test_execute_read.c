/* The body of POST /execute, field by field: what is taken, and the sentence for what is not. */
#include "execute_stage.h"

#include "api/settings.h"

static void test_all_of_it(void **state)
{
    (void)state;
    assert_int_equal(
        read_with("\"stdin\": \"a\\u0000b\", \"environment\": {\"A\": \"1\", \"_b2\": \"\"}, \"timeout\": 300, "
                  "\"session_id\": \"S.1:x-y_z\", \"args\": [\"a\", \"\"], \"limits\": {\"cpu\": 0.5}"),
        0);
    assert_string_equal(read_request.language_name, "python");
    assert_memory_equal(read_request.code, "x", 1);
    assert_int_equal(read_request.input_len, 3);
    assert_memory_equal(read_request.input, "a\0b", 3);
    assert_string_equal(read_request.env[0], "A=1");
    assert_string_equal(read_request.env[1], "_b2=");
    assert_null(read_request.env[2]);
    assert_int_equal(read_request.timeout_ms, 300000);
    assert_string_equal(read_request.session_id, "S.1:x-y_z");
    assert_string_equal(read_request.args[0], "a");
    assert_string_equal(read_request.args[1], "");
    assert_null(read_request.args[2]);
    assert_int_equal(read_request.warnings_len, 0);
    request_free(&read_request);
}

static void test_defaults(void **state)
{
    static const char *const bodies[] = {
        "", "\"stdin\": null, \"environment\": null, \"timeout\": null, \"session_id\": null, \"args\": null, "
            "\"files\": null, \"version\": null, \"limits\": null, \"outputs\": null, \"evaluate\": null, \"kernel\": "
            "null, "
            "\"stream\": null"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_with(bodies[i]), 0);
        assert_null(read_request.input);
        assert_int_equal(read_request.input_len, 0);
        assert_null(read_request.env);
        assert_null(read_request.args);
        assert_int_equal(read_request.files_len, 0);
        assert_int_equal(read_request.timeout_ms, 30000);
        assert_null(read_request.session_id);
        assert_int_equal(read_request.warnings_len, 0);
        request_free(&read_request);
    }
}

/* A key's own maximum limits the default, too. */
static void test_default_timeout_of_a_short_key(void **state)
{
    char body[] = "{\"code\": \"x\", \"language\": \"c\"}";
    struct execute_rules rules = stage_rules;

    (void)state;
    size_t cost;
    rules.max_timeout = 10;
    assert_int_equal(execute_read(&read_request, body, sizeof body - 1, &rules, &cost, &read_error), 0);
    assert_int_equal(read_request.timeout_ms, 10000);
    request_free(&read_request);
    char more[] = "{\"code\": \"x\", \"language\": \"c\", \"timeout\": 11}";
    assert_int_equal(execute_read(&read_request, more, sizeof more - 1, &rules, &cost, &read_error), -1);
    assert_string_equal(read_error.text, "timeout: must be an integer from 1 to 10");
    request_free(&read_request);
}

static void test_bodies_that_are_none(void **state)
{
    static const struct {
        const char *text, *sentence; /* how it begins */
    } cases[] = {
        {"", "malformed JSON: the text is empty"},
        {"{", "malformed JSON: "},
        {"{}}", "malformed JSON: something follows the value"},
        {"null", "the body must be a JSON object"},
        {"[]", "the body must be a JSON object"},
        {"\"text\"", "the body must be a JSON object"},
        {"17", "the body must be a JSON object"},
        {"{}", "code: is required"},
        {"{\"code\": null, \"language\": \"c\"}", "code: is required"},
        {"{\"code\": \"x\"}", "language: is required"},
        {"{\"code\": \"x\", \"language\": null}", "language: is required"},
        {"{\"code\": \"\", \"language\": \"c\"}", "code: must be a string that is not empty"},
        {"{\"code\": 1, \"language\": \"c\"}", "code: must be a string that is not empty"},
        {"{\"code\": [\"x\"], \"language\": \"c\"}", "code: must be a string that is not empty"},
        {"{\"code\": \"x\", \"language\": \"\"}", "language: must be a string of 1 to 64 bytes"},
        {"{\"code\": \"x\", \"language\": 7}", "language: must be a string of 1 to 64 bytes"},
        {"{\"code\": \"x\", \"language\": \"c\\u0000\"}", "language: must be a string of 1 to 64 bytes"},
        {"{\"code\": \"x\", \"code\": \"y\", \"language\": \"c\"}", "name given twice: \"code\""},
        {"{\"code\": \"x\", \"language\": \"c\", \"environment\": {\"A\": \"1\", \"A\": \"1\"}}",
         "name given twice: \"A\""},
        {"{\"code\": \"\\ud800\", \"language\": \"c\"}", "malformed JSON: "},
        {"{\"code\": \"\\udc00\\ud800\", \"language\": \"c\"}", "malformed JSON: "},
        {"{\"code\": \"\xff\", \"language\": \"c\"}", "malformed JSON: not UTF-8"},
        {"{\"code\": \"\xed\xa0\x80\", \"language\": \"c\"}", "malformed JSON: not UTF-8"},
        {"{\"code\": \"a\nb\", \"language\": \"c\"}", "malformed JSON: "},
        {"{\"code\": \"x\", \"language\": \"c\", \"timeout\": 1e400}", "malformed JSON: a number is too large"},
        {"{\"code\": \"x\", \"language\": \"c\", \"timeout\": 99999999999999999999}",
         "malformed JSON: a number is too large"},
        {"{\"code\": \"x\", \"language\": \"c\", \"timeout\": NaN}", "malformed JSON: "},
        {"{\"code\": \"x\", \"language\": \"c\", \"a\\u0000b\": 1}", "malformed JSON: a name holds NUL"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (read_text(cases[i].text, strlen(cases[i].text)) == 0)
            fail_msg("accepted: %s", cases[i].text);
        assert_int_equal(read_error.code, ERROR_INVALID);
        if (strncmp(read_error.text, cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s: %s", cases[i].text, read_error.text);
        request_free(&read_request);
    }
}

static void test_surrogate_pairs(void **state)
{
    char body[] = "{\"code\": \"\\ud83d\\ude00\\u0000\", \"language\": \"c\"}";

    (void)state;
    assert_int_equal(read_text(body, sizeof body - 1), 0);
    assert_int_equal(read_request.code_len, 5); /* NUL is allowed there */
    assert_memory_equal(read_request.code, "\xf0\x9f\x98\x80", 5);
    request_free(&read_request);
}

static void test_nesting(void **state)
{
    char *deep = repeated("[", 64);

    (void)state;
    assert_int_equal(read_text(deep, 64), -1);
    assert_non_null(strstr(read_error.text, "too early"));
    request_free(&read_request);
    char *deeper = repeated("[", 100000);
    assert_int_equal(read_text(deeper, 100000), -1);
    assert_string_equal(read_error.text, "malformed JSON: nested deeper than 64");
    request_free(&read_request);
    free(deep);
    free(deeper);
}

static void test_timeout(void **state)
{
    static const char sentence[] = "timeout: must be an integer from 1 to 300";
    static const char *const bad[] = {"0",    "301",    "-1",   "1.5",  "\"30\"",
                                      "true", "[30]",   "{}",   "1e19", "-1e300",
                                      "0.9",  "300.01", "\"\"", "-0",   "9223372036854775807"};
    static const struct {
        const char *text;
        uint64_t seconds;
    } good[] = {{"1", 1}, {"300", 300}, {"30.0", 30}, {"3e1", 30}, {"3E+2", 300}, {"10e-1", 1}};
    char more[100];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(more, sizeof more, "\"timeout\": %s", bad[i]);
        expect_refused(more, sentence);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(more, sizeof more, "\"timeout\": %s", good[i].text);
        assert_int_equal(read_with(more), 0);
        assert_int_equal(read_request.timeout_ms, good[i].seconds * 1000);
        request_free(&read_request);
    }
}

/* Sizes count bytes of UTF-8, after decoding. */
static void test_size_of_code(void **state)
{
    static const struct {
        const char *piece;
        size_t bytes;
    } pieces[] = {{"a", 1}, {"\\n", 1}, {"\xc3\xa9", 2}, {"\\u00e9", 2}, {"\\ud83d\\ude00", 4}};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (size_t over = 0; over < 2; over++) {
            char *code = repeated(pieces[i].piece, STAGE_CODE_MAX / pieces[i].bytes);
            char *body = format(
                over ? "{\"language\": \"c\", \"code\": \"%sb\"}" : "{\"language\": \"c\", \"code\": \"%s\"}", code);
            assert_int_equal(read_text(body, strlen(body)), over ? -1 : 0);
            if (over)
                assert_string_equal(read_error.text, "code: must be at most 1000 bytes");
            else
                assert_int_equal(read_request.code_len, STAGE_CODE_MAX);
            request_free(&read_request);
            free(body);
            free(code);
        }
}

static void test_size_of_stdin_and_language(void **state)
{
    char *input = repeated("i", STAGE_STDIN_MAX), *name = repeated("l", REQUEST_LANGUAGE_MAX);
    char *most = format("\"stdin\": \"%s\"", input), *over = format("\"stdin\": \"%si\"", input);
    char *named = format("{\"code\": \"x\", \"language\": \"%s\"}", name);
    char *longer = format("{\"code\": \"x\", \"language\": \"%sl\"}", name);

    (void)state;
    expect_accepted(most);
    expect_refused(over, "stdin: must be at most 2000 bytes");
    expect_refused("\"stdin\": 1", "stdin: must be a string or null");
    expect_refused("\"stdin\": [\"a\"]", "stdin: must be a string or null");
    expect_accepted("\"stdin\": \"\"");
    assert_int_equal(read_text(named, strlen(named)), 0);
    request_free(&read_request);
    assert_int_equal(read_text(longer, strlen(longer)), -1);
    assert_string_equal(read_error.text, "language: must be a string of 1 to 64 bytes");
    request_free(&read_request);
    free(input), free(name), free(most), free(over), free(named), free(longer);
}

static void test_environment(void **state)
{
    static const char sentence[] = "environment: a name must match [A-Za-z_][A-Za-z0-9_]*";
    static const char *const names[] = {"", "1A", "A-B", "A B", "A=B", "\\u00e9", "A.", "-", "A\\n"};
    char more[200];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(more, sizeof more, "\"environment\": {\"%s\": \"v\"}", names[i]);
        expect_refused(more, sentence);
    }
    expect_refused("\"environment\": []", "environment: must be an object of strings");
    expect_refused("\"environment\": \"A=b\"", "environment: must be an object of strings");
    expect_refused("\"environment\": {\"A\": 1}", "environment.A: must be a string without NUL");
    expect_refused("\"environment\": {\"A\": null}", "environment.A: must be a string without NUL");
    expect_refused("\"environment\": {\"A\": \"b\\u0000\"}", "environment.A: must be a string without NUL");
    expect_accepted("\"environment\": {}");
    expect_accepted("\"environment\": {\"_\": \"=\\n\", \"a9_\": \"\\u00e9\"}");
}

static char *variables(size_t count)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s\"V%zu\": \"\"", i > 0 ? ", " : "\"environment\": {", i);
    buf_puts(&out, "}");
    return buf_detach(&out, NULL);
}

static void test_size_of_environment(void **state)
{
    char *most = variables(SETTINGS_NAMES_MAX), *over = variables(SETTINGS_NAMES_MAX + 1);
    char *value = repeated("v", SETTINGS_ENVIRONMENT_MAX - 5); /* "A", "BC" and 2 bytes beside it */
    char *full = format("\"environment\": {\"A\": \"%s\", \"BC\": \"\\u00e9\"}", value);
    char *fuller = format("\"environment\": {\"A\": \"%s\", \"BCD\": \"\\u00e9\"}", value);

    (void)state;
    expect_accepted(most);
    expect_refused(over, "environment: must have at most 128 names");
    expect_accepted(full);
    expect_refused(fuller, "environment: must be at most 65536 bytes in all");
    free(most), free(over), free(value), free(full), free(fuller);
}

static void test_session_id(void **state)
{
    static const char sentence[] =
        "session_id: must be 1 to 128 characters of [A-Za-z0-9._:-], the first a letter or digit";
    static const char *const bad[] = {"\"\"",    "\"-a\"",  "\".a\"",       "\":a\"",      "\"_a\"",
                                      "\"a b\"", "\"a/b\"", "\"a\\u0000\"", "\"\\u00e9\"", "\"a\\n\"",
                                      "1",       "[\"a\"]", "true",         "\"a%\""};
    static const char *const good[] = {"\"a\"", "\"0\"", "\"Z._:-9\"", "\"550e8400-e29b-41d4-a716-446655440000\""};
    char *id = repeated("s", 128), *most = format("\"session_id\": \"%s\"", id),
         *over = format("\"session_id\": \"%ss\"", id);
    char more[100];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(more, sizeof more, "\"session_id\": %s", bad[i]);
        expect_refused(more, sentence);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(more, sizeof more, "\"session_id\": %s", good[i]);
        expect_accepted(more);
    }
    expect_accepted(most);
    expect_refused(over, sentence);
    free(id), free(most), free(over);
}

static void test_args(void **state)
{
    char *many = repeated("\"\",", EXECUTE_ARGS_MAX - 1), *most = format("\"args\": [%s\"\"]", many),
         *over = format("\"args\": [%s\"\",\"\"]", many);
    char *text = repeated("a", EXECUTE_ARGS_BYTES), *full = format("\"args\": [\"\", \"%s\"]", text),
         *fuller = format("\"args\": [\"%s\", \"b\"]", text);

    (void)state;
    expect_refused("\"args\": \"a\"", "args: must be an array of at most 1024 strings");
    expect_refused("\"args\": {}", "args: must be an array of at most 1024 strings");
    expect_refused("\"args\": [\"a\", 1]", "args[1]: must be a string without NUL");
    expect_refused("\"args\": [null]", "args[0]: must be a string without NUL");
    expect_refused("\"args\": [\"a\\u0000\"]", "args[0]: must be a string without NUL");
    expect_accepted("\"args\": []");
    expect_accepted(most);
    expect_refused(over, "args: must be an array of at most 1024 strings");
    expect_accepted(full);
    expect_refused(fuller, "args: must be at most 65536 bytes in all");
    free(many), free(most), free(over), free(text), free(full), free(fuller);
}

static void test_limits(void **state)
{
    (void)state;
    expect_refused("\"limits\": []", "limits: must be an object");
    expect_refused("\"limits\": 1", "limits: must be an object");
    expect_refused("\"limits\": {\"cpu\": 2.1}", "limits.cpu: must be a number from 0.1 to 2");
    expect_refused("\"limits\": {\"cpu\": \"1\"}", "limits.cpu: must be a number from 0.1 to 2");
    expect_refused("\"limits\": {\"memory_mb\": 31}", "limits.memory_mb: must be an integer from 32 to 2048");
    expect_refused("\"limits\": {\"disk_mb\": 0}", "limits.disk_mb: must be an integer from 1 to 1024");
    expect_refused("\"limits\": {\"processes\": 257}", "limits.processes: must be an integer from 8 to 256");
    expect_refused("\"limits\": {\"output_kb\": 1.5}", "limits.output_kb: must be an integer from 1 to 16384");
    expect_accepted("\"limits\": {}");
    expect_accepted("\"limits\": {\"cpu\": 2, \"memory_mb\": 2048.0, \"disk_mb\": null, \"processes\": 8}");
}

static void test_version(void **state)
{
    static const char *const bad[] = {"3",    "3.11",  "[]",           "{}",          "true",
                                      "\"\"", "\">\"", "\"3\\u0000\"", "\"one two\"", "\"\xc3\xa9\""};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *field = format("\"version\": %s", bad[i]);
        expect_refused(field, "version: must be a version or a range, such as 3, 3.11 or >=20");
        free(field);
    }
    expect_accepted("\"version\": \"3\"");
    expect_accepted("\"version\": \">=3.11 <3.14\"");
    expect_accepted("\"version\": \"clang-19\"");
    expect_accepted("\"version\": \"latest\"");
}

static void test_kernel(void **state)
{
    (void)state;
    expect_refused("\"kernel\": 1", "kernel: must be true or false");
    expect_refused("\"kernel\": true", "kernel: the session has no workspace");
    expect_refused("\"session_id\": \"s\", \"kernel\": true, \"args\": [\"\"]", "args: a kernel has none");
    expect_refused("\"session_id\": \"s\", \"kernel\": true, \"environment\": {\"A\": \"\"}",
                   "environment: a kernel has the session's");
    expect_accepted("\"kernel\": false, \"args\": [\"x\"]");
    expect_accepted("\"session_id\": \"s\", \"kernel\": true, \"args\": [], \"environment\": {}");
}

static void test_evaluate(void **state)
{
    (void)state;
    expect_refused("\"evaluate\": 1", "evaluate: must be true or false");
    expect_refused("\"evaluate\": \"true\"", "evaluate: must be true or false");
    expect_accepted("\"evaluate\": true");
    expect_accepted("\"evaluate\": false");
}

static void test_stream(void **state)
{
    (void)state;
    expect_refused("\"stream\": 1", "stream: must be true or false");
    expect_refused("\"stream\": true", "stream: only POST /api/v1/execute takes it");
    expect_accepted("\"stream\": false");
}

#define OUTPUTS_SENTENCE                                                                                    \
    "outputs: must be relative paths or globs of at most 1024 bytes and 62 names, without empty segments, " \
    "'.' or '..'"

static void test_outputs(void **state)
{
    (void)state;
    expect_accepted("\"outputs\": []");
    expect_accepted("\"outputs\": [\"a/**/[b]*.txt\", \"c d\"]");
    expect_refused("\"outputs\": [\"/a\"]", OUTPUTS_SENTENCE);
    expect_refused("\"outputs\": [\"a\", \"b/../c\"]", OUTPUTS_SENTENCE);
    expect_refused("\"outputs\": [\"\"]", OUTPUTS_SENTENCE);
    expect_refused("\"outputs\": [1]", "outputs[0]: must be a string without NUL");
}

static const char *warning(size_t i)
{
    return read_request.warnings[i];
}

static void test_unknown_fields(void **state)
{
    (void)state;
    assert_int_equal(read_with("\"tiemout\": 1, \"Code\": null, \"\": {}, \"limits\": {\"cpus\": 1}"), 0);
    assert_int_equal(read_request.warnings_len, 4);
    assert_string_equal(warning(0), "unknown field: limits.cpus");
    assert_string_equal(warning(1), "unknown field: tiemout");
    assert_string_equal(warning(2), "unknown field: Code");
    assert_string_equal(warning(3), "unknown field: ");
    request_free(&read_request);
}

/* A long name is quoted up to a whole character. */
static void test_long_unknown_names(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char *name = repeated("\xf0\x9f\x98\x80", 60), *pad = repeated("a", shift);
        char *field = format("\"%s", pad), *more = NULL;

        assert_true(asprintf(&more, "%s%s\": 1, \"limits\": {\"%s%s\": 2}", field, name, pad, name) > 0);
        assert_int_equal(read_with(more), 0);
        for (size_t i = 0; i < 2; i++)
            assert_in_range(strlen(warning(i)), strlen("unknown field: ") + 97, strlen("unknown field: limits.") + 100);
        request_free(&read_request);
        free(name), free(pad), free(field), free(more);
    }
}

static void test_many_unknown_fields(void **state)
{
    struct buf more;

    (void)state;
    buf_init(&more, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_printf(&more, "%s\"f%d\": 1", i > 0 ? "," : "", i);
    assert_int_equal(read_with(more.data), 0);
    assert_int_equal(read_request.warnings_len, REQUEST_WARNINGS_MAX);
    request_free(&read_request);
    buf_free(&more);
}

/* A name given twice is quoted in a sentence that stays UTF-8, however long. */
static void test_long_name_twice(void **state)
{
    char *name = repeated("\xc3\xa9", 600), *more = NULL;

    (void)state;
    assert_true(asprintf(&more, "\"%s\": 1, \"%s\": 2", name, name) > 0);
    assert_int_equal(read_with(more), -1);
    assert_true(text_is_utf8(read_error.text, strlen(read_error.text)));
    request_free(&read_request);
    free(name), free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_default_timeout_of_a_short_key),
        cmocka_unit_test(test_bodies_that_are_none),
        cmocka_unit_test(test_surrogate_pairs),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_size_of_code),
        cmocka_unit_test(test_size_of_stdin_and_language),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_size_of_environment),
        cmocka_unit_test(test_session_id),
        cmocka_unit_test(test_args),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_long_unknown_names),
        cmocka_unit_test(test_many_unknown_fields),
        cmocka_unit_test(test_long_name_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
