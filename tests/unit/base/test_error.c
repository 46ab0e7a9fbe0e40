#include "base/error.h"
#include "base/text.h"
#include "unit.h"

#include <string.h>

static void sets_code_and_sentence(void **state)
{
    (void)state;
    struct error error = {.code = ERROR_NONE};
    assert_int_equal(error_set(&error, ERROR_INVALID, "timeout: must be from %d to %d", 1, 300), -1);
    assert_int_equal(error.code, ERROR_INVALID);
    assert_string_equal(error.text, "timeout: must be from 1 to 300");
    assert_int_equal(error_set(NULL, ERROR_INVALID, "nobody asks"), -1);
    assert_int_equal(error_wrap(NULL, "nobody asks"), -1);
}

static void memory_has_one_sentence(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(error_memory(&error), -1);
    assert_int_equal(error.code, ERROR_MEMORY);
    assert_string_equal(error.text, "The server is out of memory. Please try again later.");
    assert_int_equal(error_memory(NULL), -1);
}

static void wraps_and_keeps_the_code(void **state)
{
    (void)state;
    struct error error;
    error_set(&error, ERROR_UNAVAILABLE, "no answer");
    assert_int_equal(error_wrap(&error, "engine %s", "ping"), -1);
    assert_string_equal(error.text, "engine ping: no answer");
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    error_set(&error, error.code, "again: %s", error.text);
    assert_string_equal(error.text, "again: engine ping: no answer");
}

static void cuts_between_characters(void **state)
{
    (void)state;
    /* Every length around the room, ended by characters of one to four bytes. */
    static const char *const tails[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t t = 0; t < sizeof tails / sizeof *tails; t++) {
        for (int pad = 508; pad < 520; pad++) {
            struct error error;
            error_set(&error, ERROR_INVALID, "%*s%s%s", pad, "x", tails[t], tails[t]);
            assert_true(strlen(error.text) < sizeof error.text);
            assert_true(strlen(error.text) >= 508);
            assert_true(text_is_utf8(error.text, strlen(error.text)));
            error_wrap(&error, "%s", tails[t]);
            assert_true(text_is_utf8(error.text, strlen(error.text)));
        }
    }
}

static void every_code_has_its_status(void **state)
{
    (void)state;
    static const int expected[ERROR_CODES] = {200, 400, 401, 402, 403, 404, 405, 408, 409, 410, 412, 413, 414,
                                              415, 417, 422, 429, 431, 500, 501, 503, 503, 503, 505, 507};
    for (int code = 0; code < ERROR_CODES; code++)
        assert_int_equal(error_status((enum error_code)code), expected[code]);
    assert_int_equal(error_status(ERROR_CODES), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_code_and_sentence),    cmocka_unit_test(memory_has_one_sentence),
        cmocka_unit_test(wraps_and_keeps_the_code),  cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(every_code_has_its_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
