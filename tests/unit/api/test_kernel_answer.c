/* What an answer has of a kernel's report: results, result, error, execution_count, and warnings about what is left
 * out. */
#include "api/kernel_answer.h"

#include "base/json.h"
#include "run/kernel.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf report;
static json_t *value, *warnings;

static int setup(void **state)
{
    (void)state;
    buf_init(&report, (size_t)32 << 20);
    value = json_object();
    warnings = json_array();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&report);
    json_decref(value);
    json_decref(warnings);
    return 0;
}

static void put_integer(size_t number)
{
    uint8_t bytes[] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), (uint8_t)(number >> 24)};

    assert_int_equal(buf_append(&report, bytes, sizeof bytes), 0);
}

static void put_text(uint32_t kind, const char *text)
{
    put_integer(kind);
    put_integer(strlen(text));
    assert_int_equal(buf_puts(&report, text), 0);
}

static void put_bundle(const char *mime, const char *data)
{
    put_integer(1);
    put_integer(12 + strlen(mime) + strlen(data));
    put_integer(1);
    put_integer(strlen(mime));
    put_integer(strlen(data));
    assert_int_equal(buf_puts(&report, mime), 0);
    assert_int_equal(buf_puts(&report, data), 0);
}

static void put_error(const char *name, const char *message, const char *traceback)
{
    put_integer(3);
    put_integer(12 + strlen(name) + strlen(message) + strlen(traceback));
    put_integer(strlen(name));
    put_integer(strlen(message));
    put_integer(strlen(traceback));
    assert_int_equal(buf_printf(&report, "%s%s%s", name, message, traceback), 0);
}

static void expect(const char *fields, const char *sentences)
{
    size_t len;

    assert_int_equal(kernel_answer_add(value, &report, warnings), 0);
    char *text = json_text(value, &len), *said = json_text(warnings, &len);
    assert_string_equal(text, fields);
    assert_string_equal(said, sentences);
    free(text);
    free(said);
}

/* `count` times 'x' and then a character of two bytes, the first of which is the last that fits. */
static char *filled(size_t count)
{
    char *text = malloc(count + 3);

    assert_non_null(text);
    memset(text, 'x', count);
    memcpy(text + count, "\xc3\xa4", 3);
    return text;
}

static void test_nothing(void **state)
{
    (void)state;
    expect("{\"results\":[],\"result\":null,\"error\":null,\"execution_count\":null}", "[]");
}

static void test_all(void **state)
{
    (void)state;
    put_integer(5);
    put_integer(4);
    put_integer(3);
    put_bundle("text/html", "<b>\"1\"</b>");
    put_bundle("application/json", " {\"b\": [1, 2.5, null], \"a\": \"\\u0000,[{:\"} ");
    put_bundle("application/vnd.x+json", "[]");
    put_bundle("image/png", "iVBOR");
    put_text(2, "42");
    put_text(4, "a note");
    put_error("ValueError", "m", "t");
    expect("{\"results\":[{\"text/html\":\"<b>\\\"1\\\"</b>\"},"
           "{\"application/json\":{\"b\":[1,2.5,null],\"a\":\"\\u0000,[{:\"}},{\"application/vnd.x+json\":[]},"
           "{\"image/png\":\"iVBOR\"}],\"result\":\"42\","
           "\"error\":{\"name\":\"ValueError\",\"message\":\"m\",\"traceback\":\"t\"},\"execution_count\":3}",
           "[\"a note\"]");
}

static void test_json_that_is_none(void **state)
{
    static const char *const bad[] = {"", "{", "nul", "[1,]", "{\"a\":1,\"a\":2}", "1 2"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        report.len = 0;
        json_array_clear(warnings);
        put_bundle("application/json", bad[i]);
        put_text(2, "1");
        expect("{\"results\":[],\"result\":\"1\",\"error\":null,\"execution_count\":null}",
               "[\"results: application/json is left out, because it is not JSON\"]");
    }
    char deep[2 * KERNEL_JSON_DEPTH + 3];
    memset(deep, '[', KERNEL_JSON_DEPTH + 1);
    memset(deep + KERNEL_JSON_DEPTH + 1, ']', KERNEL_JSON_DEPTH + 1);
    deep[sizeof deep - 1] = '\0';
    report.len = 0;
    json_array_clear(warnings);
    put_bundle("application/json", deep);
    expect("{\"results\":[],\"result\":null,\"error\":null,\"execution_count\":null}",
           "[\"results: application/json is left out, because it is nested deeper than 32\"]");
}

/* The values of all of them count. */
static void test_json_of_many_values(void **state)
{
    char *text = calloc(1, KERNEL_JSON_VALUES + 2);

    (void)state;
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 1; i < KERNEL_JSON_VALUES - 10; i++)
        text[i] = i % 2 != 0 ? '1' : ',';
    text[strlen(text)] = ']';
    for (size_t i = 0; i < 3; i++) /* about half of them each */
        put_bundle("application/json", text);
    assert_int_equal(kernel_answer_add(value, &report, warnings), 0);
    assert_int_equal(json_array_size(json_object_get(value, "results")), 2);
    assert_string_equal(json_string_value(json_array_get(warnings, 0)),
                        "results: application/json is left out, because it has more than 200000 values");
    free(text);
}

static void test_texts_that_are_cut(void **state)
{
    char *result = filled(KERNEL_RESULT_MAX - 1), *name = filled(KERNEL_ERROR_NAME_MAX - 1),
         *traceback = filled(KERNEL_ERROR_TEXT_MAX - 1);

    (void)state;
    put_text(2, result);
    put_error(name, "", traceback);
    put_text(4, traceback);
    assert_int_equal(kernel_answer_add(value, &report, warnings), 0);
    const json_t *error = json_object_get(value, "error");
    assert_int_equal(json_string_length(json_object_get(value, "result")), KERNEL_RESULT_MAX - 1);
    assert_int_equal(json_string_length(json_object_get(error, "name")), KERNEL_ERROR_NAME_MAX - 1);
    assert_int_equal(json_string_length(json_object_get(error, "traceback")), KERNEL_ERROR_TEXT_MAX - 1);
    assert_int_equal(json_array_size(warnings), 3);
    assert_string_equal(json_string_value(json_array_get(warnings, 0)), "result: is cut at 1048576 bytes");
    assert_string_equal(json_string_value(json_array_get(warnings, 1)),
                        "error: is cut at 256 bytes for the name and 65536 for each other text");
    assert_int_equal(json_string_length(json_array_get(warnings, 2)), KERNEL_NOTE_MAX);
    free(result), free(name), free(traceback);
}

static void test_what_is_malformed_ends_it(void **state)
{
    (void)state;
    put_text(2, "1");
    put_text(2, "\xff");
    put_text(2, "2");
    expect("{\"results\":[],\"result\":\"1\",\"error\":null,\"execution_count\":null}",
           "[\"results: what the kernel reported is malformed or not whole; the rest of it is left out\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_that_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_of_many_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts_that_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_malformed_ends_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
