#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "unit.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static json_t *parse(const char *text)
{
    struct error error = {.code = ERROR_NONE};
    json_t *value = json_parse(text, strlen(text), &error);
    if (value == NULL)
        fail_msg("%s: %s", text, error.text);
    return value;
}

static void what_is_right_comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"z\":1,\"a\":[true,false,null],\"m\":{}}",
        "\"any top-level value\"",
        "null",
        "-12",
        "0.017",
        "\"\\u0000 between\"",
        "\"\xf0\x9f\x98\x80 and \xc3\xa4\"",
        "\"quote \\\" and \\\\ backslash\"",
        "{\"a[{\":\"]}\\\"\"}",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *value = parse(cases[i]);
        size_t len;
        char *text = json_text(value, &len);
        assert_string_equal(text, cases[i]);
        assert_int_equal(len, strlen(cases[i]));
        free(text);
        json_decref(value);
    }
}

/* Every character below 128 in names and values, other UTF-8, all kinds of numbers, and empty containers. */
static json_t *all_kinds(void)
{
    static const double reals[] = {0.0,  -4.0, 0.017,     1.0 / 3, -1e-300 / 3, 1e300 / 7,
                                   1e15, 1e16, 0.1 + 0.2, DBL_MAX, DBL_MIN,     123456789012345678.0};
    char text[128];

    for (int i = 0; i < 128; i++)
        text[i] = (char)i;
    json_t *strings = json_object(), *numbers = json_array();
    json_object_setn_new(strings, text + 1, 127, json_stringn(text, 128));
    json_object_set_new(strings, "", json_string(""));
    json_object_set_new(strings, "\xc3\xa4", json_string("\xf0\x9f\x98\x80 and \xc3\xa4"));
    json_object_set_new(strings, "controls", json_stringn(text, 32));
    for (int i = 0; i < 63; i++)
        json_array_append_new(numbers, json_integer((i % 2 == 0 ? 1 : -1) * ((json_int_t)1 << i)));
    json_array_append_new(numbers, json_integer(INT64_MIN));
    for (size_t i = 0; i < COUNT(reals); i++)
        json_array_append_new(numbers, json_real(reals[i]));
    return json_pack("[o,o,b,b,n,[],{},[[],[{}]],{s:{s:[n]},s:i}]", strings, numbers, 1, 0, "a", "b", "c", 1);
}

static void a_text_is_as_jansson_writes_it(void **state)
{
    (void)state;
    json_t *value = all_kinds();
    char *ours, *theirs = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    size_t len;

    assert_non_null(theirs);
    ours = json_text(value, &len);
    assert_string_equal(ours, theirs);
    assert_int_equal(len, strlen(theirs));
    free(ours);
    free(theirs);
    json_decref(value);
    assert_null(json_text(NULL, &len));
}

static void what_is_not_utf8_has_no_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        json_t *value = json_pack("[o]", json_string_nocheck(bad[i]));
        json_t *named = json_object();
        json_object_set_new_nocheck(named, bad[i], json_true());
        assert_null(json_text(value, NULL));
        assert_null(json_text(named, NULL));
        json_decref(value);
        json_decref(named);
    }
}

static void what_is_wrong_is_said_in_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "malformed JSON: the text is empty"},
        {"{", "malformed JSON: the text ends too early at line 1, column 1"},
        {"{\"a\":1,\n \"b\":}", "malformed JSON: syntax error at line 2, column 6"},
        {"{} x", "malformed JSON: something follows the value at line 1, column 4"},
        {"{\"a\" 1}", "malformed JSON: syntax error at line 1, column 6"},
        {"[1,]", "malformed JSON: syntax error at line 1, column 4"},
        {"'a'", "malformed JSON: syntax error at line 1, column 1"},
        {"NaN", "malformed JSON: syntax error at line 1, column 3"},
        {"\"a\nb\"", "malformed JSON: syntax error at line 1, column 2"},
        {"\"\\ud800\"", "malformed JSON: syntax error at line 1, column 8"},
        {"\"\\udc00\"", "malformed JSON: syntax error at line 1, column 8"},
        {"\"\\ud800\\u0041\"", "malformed JSON: syntax error at line 1, column 14"},
        {"\"\xff\"", "malformed JSON: not UTF-8 at line 1, column 1"},
        {"\"\xed\xa0\x80\"", "malformed JSON: not UTF-8 at line 1, column 1"},
        {"[99999999999999999999]", "malformed JSON: a number is too large at line 1, column 21"},
        {"[1e999]", "malformed JSON: a number is too large at line 1, column 6"},
        {"{\"a\\u0000b\":1}", "malformed JSON: a name holds NUL at line 1, column 11"},
        {"{\"a\":1,\"a\":2}", "name given twice: \"a\""},
        {"{\"x\":{\"say \\\"hi\\\"\":1,\"say \\\"hi\\\"\":2}}", "name given twice: \"say \\\"hi\\\"\""},
        {"{\"\":1,\"\":2}", "name given twice: \"\""},
        {"{\"a\\\\\":1, \"a\\\\\" :2}", "name given twice: \"a\\\\\""},
        {"{\"a\":1,\"\\u0061\":2}", "name given twice: \"\\u0061\""},
        {"{\"a name of more than twenty bytes\":1,\"a name of more than twenty bytes\":1}",
         "name given twice: \"a name of more than twenty bytes\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {.code = ERROR_NONE};
        assert_null(json_parse(cases[i].text, strlen(cases[i].text), &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, cases[i].sentence);
    }
}

static void the_length_counts_not_a_nul(void **state)
{
    (void)state;
    struct error error;
    assert_null(json_parse("{}\0{}", 5, &error));
    assert_null(json_parse("[1] ", 2, &error));
    assert_null(json_parse("{}\0", 3, &error));
    assert_string_equal(error.text, "malformed JSON: a NUL byte at line 1, column 3");
    assert_null(json_parse("[1,\n \"a\0b\"]\0", 12, &error));
    assert_string_equal(error.text, "malformed JSON: a NUL byte at line 2, column 4");
    assert_null(json_parse("\0", 1, &error));
    assert_null(json_parse("\0{}", 3, &error));
    assert_null(json_parse("{}\n\0\0", 5, &error));
    assert_null(json_parse(NULL, 0, &error));
    json_t *value = json_parse("12345", 2, &error);
    assert_int_equal(json_integer_value(value), 12);
    json_decref(value);
}

/* `depth` opening brackets and their closing ones, of both kinds by turns. */
static json_t *parse_nested(size_t depth, struct error *error)
{
    struct buf text;
    buf_init(&text, depth * 8 + 16);
    for (size_t i = 0; i < depth; i++)
        buf_puts(&text, i % 2 == 0 ? "[" : "{\"\":");
    buf_puts(&text, "\"[[[{{{\"");
    for (size_t i = depth; i-- > 0;)
        buf_puts(&text, i % 2 == 0 ? "]" : "}");
    json_t *value = json_parse(text.data, text.len, error);
    buf_free(&text);
    return value;
}

static void nesting_is_capped(void **state)
{
    (void)state;
    struct error error = {.code = ERROR_NONE};
    json_t *value = parse_nested(JSON_DEPTH_MAX, &error);
    assert_non_null(value);
    json_decref(value);
    assert_null(parse_nested(JSON_DEPTH_MAX + 1, &error));
    assert_string_equal(error.text, "malformed JSON: nested deeper than 64");
    assert_null(parse_nested(1000000, &error));
    assert_string_equal(error.text, "malformed JSON: nested deeper than 64");
    assert_int_equal(error.code, ERROR_INVALID);
}

static void brackets_side_by_side_are_not_nested(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 100000);
    buf_puts(&text, "[[]");
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, ",[{}]");
    buf_puts(&text, "]");
    struct error error;
    json_t *value = json_parse(text.data, text.len, &error);
    assert_int_equal(json_array_size(value), 1001);
    json_decref(value);
    buf_free(&text);
}

static void integers_may_be_written_as_reals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        int64_t value;
    } cases[] = {
        {"30", 0, 30},
        {"30.0", 0, 30},
        {"3e1", 0, 30},
        {"-0.0", 0, 0},
        {"-7", 0, -7},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"-9223372036854775808.0", 0, INT64_MIN},
        {"9223372036854775808.0", -1, 0},
        {"-9.3e18", -1, 0},
        {"1e300", -1, 0},
        {"1.5", -1, 0},
        {"1e-5", -1, 0},
        {"\"30\"", -1, 0},
        {"true", -1, 0},
        {"null", -1, 0},
        {"[30]", -1, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *value = parse(cases[i].text);
        int64_t out = 0;
        assert_int_equal(json_as_integer(value, &out), cases[i].result);
        assert_int_equal(out, cases[i].value);
        json_decref(value);
    }
    int64_t out;
    assert_int_equal(json_as_integer(NULL, &out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_comes_back_as_it_was),   cmocka_unit_test(a_text_is_as_jansson_writes_it),
        cmocka_unit_test(what_is_not_utf8_has_no_text),         cmocka_unit_test(what_is_wrong_is_said_in_a_sentence),
        cmocka_unit_test(the_length_counts_not_a_nul),          cmocka_unit_test(nesting_is_capped),
        cmocka_unit_test(brackets_side_by_side_are_not_nested), cmocka_unit_test(integers_may_be_written_as_reals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
