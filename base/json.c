#include "base/json.h"

#include "base/error.h"
#include "base/json_scan.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What is wrong, in our words, by jansson's code. */
static const char *const faults[] = {
    [json_error_unknown] = "not understood",
    [json_error_out_of_memory] = "too large for the memory there is",
    [json_error_stack_overflow] = "nested too deeply",
    [json_error_invalid_utf8] = "not UTF-8",
    [json_error_premature_end_of_input] = "the text ends too early",
    [json_error_end_of_input_expected] = "something follows the value",
    [json_error_invalid_syntax] = "syntax error",
    [json_error_null_byte_in_key] = "a name holds NUL",
    [json_error_numeric_overflow] = "a number is too large",
};

static const char *fault(enum json_error_code code)
{
    const char *text = (size_t)code < sizeof faults / sizeof *faults ? faults[code] : NULL;

    return text != NULL ? text : faults[json_error_invalid_syntax];
}

/* jansson's parser recurses, so the depth is checked before it starts. Brackets in strings do not count. */
static bool too_deep(const char *text, size_t len)
{
    size_t depth = 0;
    bool string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
        else if (string)
            continue;
        else if ((c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX)
            return true;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

/* Whether there is a quote at `at` that is not escaped. */
static bool opens_string(const char *text, size_t at)
{
    size_t slashes = 0;

    while (slashes < at && text[at - slashes - 1] == '\\')
        slashes++;
    return text[at] == '"' && slashes % 2 == 0;
}

/* The parser stopped right after the second of two equal names. The sentence quotes it as it was written. */
static int fail_twice(const char *text, size_t len, const json_error_t *at, struct error *error)
{
    size_t end = at->position > 1 && (size_t)at->position <= len ? (size_t)at->position : len;
    size_t start = end - 2;

    while (start > 0 && !opens_string(text, start))
        start--;
    return error_set(error, ERROR_INVALID, "name given twice: %.*s", (int)(end - start), text + start);
}

static int json_fail(const char *text, size_t len, const json_error_t *at, struct error *error)
{
    enum json_error_code code = json_error_code(at);

    if (code == json_error_duplicate_key)
        return fail_twice(text, len, at, error);
    return error_set(error, ERROR_INVALID, "malformed JSON: %s at line %d, column %d", fault(code), at->line,
                     at->column);
}

/* No JSON text holds the byte NUL. jansson would take one after the value for the end of the text. */
static int fail_nul(const char *text, const char *nul, struct error *error)
{
    int line = 1;
    const char *start = text;

    for (const char *at = text; at < nul; at++) {
        if (*at == '\n') {
            line++;
            start = at + 1;
        }
    }
    return error_set(error, ERROR_INVALID, "malformed JSON: a NUL byte at line %d, column %d", line,
                     (int)(nul - start) + 1);
}

/* The checks before all others: the text is not empty, holds no NUL and is not nested too deeply. */
static int check_bytes(const char *text, size_t len, struct error *error)
{
    if (len == 0)
        return error_set(error, ERROR_INVALID, "malformed JSON: the text is empty");
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL)
        return fail_nul(text, nul, error);
    if (too_deep(text, len))
        return error_set(error, ERROR_INVALID, "malformed JSON: nested deeper than %d", JSON_DEPTH_MAX);
    return 0;
}

static json_t *load(const char *text, size_t len, struct error *error)
{
    json_error_t at;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);

    if (value == NULL)
        json_fail(text, len, &at, error);
    return value;
}

json_t *json_parse(const char *text, size_t len, struct error *error)
{
    return check_bytes(text, len, error) == 0 ? load(text, len, error) : NULL;
}

/* Parses a malformed text that the first pass has shortened, for the sentence that says what is wrong. */
static int fail_scanned(const char *text, size_t len, struct error *error)
{
    json_t *value = load(text, len, error);

    if (value == NULL)
        return -1;
    json_decref(value);
    return error_set(error, ERROR_INVALID, "malformed JSON: %s", faults[json_error_unknown]);
}

static bool is_container(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && strchr(" \t\n\r", text[at]) != NULL)
        at++;
    return at < len && (text[at] == '{' || text[at] == '[');
}

json_t *json_parse_shape(char *text, size_t len, const struct json_shape *shape, size_t *cost, struct error *error)
{
    struct json_scan_fault twice;

    *cost = 0;
    if (check_bytes(text, len, error) != 0)
        return NULL;
    if (!is_container(text, len)) {
        *cost = len;
        return load(text, len, error);
    }
    switch (json_scan(text, &len, &twice)) {
    case JSON_SCAN_GOOD:
        *cost = json_keep(text, &len, shape);
        return load(text, len, error);
    case JSON_SCAN_TWICE:
        error_set(error, ERROR_INVALID, "name given twice: %.*s", (int)twice.len, text + twice.at);
        return NULL;
    case JSON_SCAN_NO_MEMORY:
        error_memory(error);
        return NULL;
    default:
        fail_scanned(text, len, error);
        return NULL;
    }
}

int json_as_integer(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return 0;
    }
    double real = json_is_real(value) ? json_real_value(value) : NAN;
    /* -2^63 and 2^63 are doubles: the range of int64_t without rounding. */
    if (!(real >= -0x1p63 && real < 0x1p63) || real != (double)(int64_t)real)
        return -1;
    *out = (int64_t)real;
    return 0;
}

void json_release(void *value)
{
    json_decref(value);
}
