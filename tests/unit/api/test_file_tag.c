/* Conditions and ranges of files. */
#include "api/file_tag.h"

#include "unit.h"

static void expect_range(const char *header, uint64_t size, int result, bool partial, uint64_t offset, uint64_t length)
{
    struct file_range range;

    assert_int_equal(file_range_read(header, size, &range), result);
    if (result != 0)
        return;
    assert_int_equal(range.partial, partial);
    assert_int_equal(range.offset, offset);
    assert_int_equal(range.length, length);
}

static void test_ranges(void **state)
{
    (void)state;
    expect_range(NULL, 10, 0, false, 0, 10);
    expect_range("bytes=0-", 10, 0, true, 0, 10);
    expect_range("bytes=2-4", 10, 0, true, 2, 3);
    expect_range("bytes=2-400", 10, 0, true, 2, 8);
    expect_range("bytes=-3", 10, 0, true, 7, 3);
    expect_range("bytes=-30", 10, 0, true, 0, 10);
    expect_range("bytes=10-", 10, -1, false, 0, 0);
    expect_range("bytes=-0", 10, -1, false, 0, 0);
    expect_range("bytes=0-0", 0, -1, false, 0, 0);
    expect_range("bytes=18446744073709551615-", 10, -1, false, 0, 0);
    /* what is not understood counts as none */
    expect_range("bytes=4-2", 10, 0, false, 0, 10);
    expect_range("bytes=1-2,4-5", 10, 0, false, 0, 10);
    expect_range("bytes=", 10, 0, false, 0, 10);
    expect_range("bytes=-", 10, 0, false, 0, 10);
    expect_range("lines=1-2", 10, 0, false, 0, 10);
}

static void expect_condition(const char *match, const char *none_match, const char *expected)
{
    char out[FILE_CONDITION_MAX];
    struct error error;
    int result = file_condition(match, none_match, out, &error);

    assert_int_equal(result, expected != NULL ? 0 : -1);
    if (expected != NULL)
        assert_string_equal(out, expected);
    else
        assert_int_equal(error.code, ERROR_INVALID);
}

static void test_conditions(void **state)
{
    (void)state;
    expect_condition(NULL, NULL, "any");
    expect_condition(NULL, "*", "new");
    expect_condition("*", NULL, "old");
    expect_condition("\"1-2\"", NULL, "=1-2");
    expect_condition("\"1-2\", \"3-4\"", NULL, "=1-2,3-4");
    expect_condition("1-2", NULL, NULL);
    expect_condition("\"1,2\"", NULL, NULL);
    expect_condition("*", "*", NULL);
    expect_condition(NULL, "\"a\"", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges), cmocka_unit_test(test_conditions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
