#include "base/buf.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* Under the address sanitizer an allocation that is too large fails as it does without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void grows_and_ends_with_nul(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    assert_null(b.data);
    char expected[100000];
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (char)('a' + i % 26);
        assert_int_equal(buf_append(&b, &expected[i], 1), 0);
        assert_int_equal(b.data[b.len], 0);
    }
    assert_int_equal(b.len, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);
    assert_true(b.cap <= b.max + 1);
    buf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 100000);
    assert_int_equal(buf_puts(&b, "again"), 0);
    buf_free(&b);
}

static void refuses_past_the_maximum_and_keeps_what_is_there(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    assert_int_equal(buf_puts(&b, "1234567"), 0);
    assert_int_equal(buf_puts(&b, "89"), -1);
    assert_int_equal(buf_printf(&b, "%d", 89), -1);
    assert_int_equal(buf_reserve(&b, 2), -1);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
    assert_string_equal(b.data, "1234567");
    assert_int_equal(b.len, 7);
    assert_int_equal(buf_printf(&b, "%d", 8), 0);
    assert_string_equal(b.data, "12345678");
    assert_int_equal(buf_append(&b, NULL, 0), 0);
    buf_free(&b);
}

static void a_maximum_of_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_int_equal(buf_puts(&b, "a"), -1);
    assert_int_equal(buf_puts(&b, ""), 0);
    assert_string_equal(b.data, "");
    buf_free(&b);
}

static void an_allocation_that_fails(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    assert_int_equal(buf_puts(&b, "kept"), 0);
    assert_int_equal(buf_reserve(&b, (size_t)1 << 46), -1); /* past any address space */
    assert_string_equal(b.data, "kept");
    buf_free(&b);
}

static void consumes_from_the_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_consume(&b, 5); /* nothing there */
    buf_puts(&b, "head and tail");
    buf_consume(&b, 9);
    assert_string_equal(b.data, "tail");
    size_t cap = b.cap;
    buf_consume(&b, 100);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_puts(&b, "x");
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap);
    buf_free(&b);
}

static void hands_its_memory_over(void **state)
{
    (void)state;
    struct buf b;
    size_t len = 99;
    buf_init(&b, 100);
    char *empty = buf_detach(&b, &len);
    assert_string_equal(empty, "");
    assert_int_equal(len, 0);
    buf_append(&b, "a\0b", 3);
    char *text = buf_detach(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
    free(empty);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_ends_with_nul), cmocka_unit_test(refuses_past_the_maximum_and_keeps_what_is_there),
        cmocka_unit_test(a_maximum_of_nothing),    cmocka_unit_test(an_allocation_that_fails),
        cmocka_unit_test(consumes_from_the_front), cmocka_unit_test(hands_its_memory_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
