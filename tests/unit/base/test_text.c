#include "base/buf.h"
#include "base/seam.h"
#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define FFFD "\xef\xbf\xbd"

/* --- UUIDs, hex --- */

static void count_up(void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)out)[i] = (unsigned char)(0xf0 + i);
}

static void uuid_has_its_form(void **state)
{
    (void)state;
    struct seam made_up = seam_system;
    made_up.random = count_up;
    char text[UUID_LEN + 1], other[UUID_LEN + 1];
    seam_set(&made_up);
    text_uuid(text);
    seam_set(&seam_system);
    assert_string_equal(text, "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff");
    text_uuid(text);
    text_uuid(other);
    assert_true(text_is_uuid(text));
    assert_string_not_equal(text, other);
}

static void uuid_is_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"550e8400-e29b-41d4-a716-446655440000", true},
        {"550E8400-E29B-41D4-A716-446655440000", true},
        {"", false},
        {"550e8400-e29b-41d4-a716-44665544000", false},
        {"550e8400-e29b-41d4-a716-4466554400000", false},
        {"550e8400e29b-41d4-a716-4466554400000", false},
        {"550e8400-e29b-41d4-a716-44665544000g", false},
        {"550e8400-e29b-41d4-a716_446655440000", false},
        {"5", false},
        {"550e8400-", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(text_is_uuid(cases[i].text), cases[i].is);
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    char out[9];
    text_hex("\x00\x7f\x80\xff", 4, out);
    assert_string_equal(out, "007f80ff");
    text_hex("", 0, out);
    assert_string_equal(out, "");
}

/* --- Times --- */

static void times_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1767323045678, "2026-01-02T03:04:05.678Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[TIME_LEN + 1];
        text_time(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00.000Z", 0},
        {"2026-01-02T03:04:05.678Z", 1767323045678},
        {"2026-01-02T03:04:05Z", 1767323045000},
        {"2026-01-02T03:04:05", 1767323045000},
        {"2026-01-02t03:04:05.6z", 1767323045600},
        {"2026-01-02 03:04:05.6789999999999", 1767323045678},
        {"2026-01-02T05:04:05+02:00", 1767323045000},
        {"2026-01-01T21:34:05-05:30", 1767323045000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1969-12-31T23:59:59.999Z", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = 77;
        assert_int_equal(text_parse_time(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-01-02",
        "2026-01-02T",
        "2026-01-02T03:04",
        "2026-1-02T03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05ZZ",
        "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+02:60",
        "2026-01-02T03:04:05*02:00",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05 ",
        "+026-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms;
        if (text_parse_time(cases[i], &ms) == 0)
            fail_msg("taken for a time: %s", cases[i]);
    }
}

/* --- UTF-8 --- */

/* Cleans, and holds the whole and every place of it against is_utf8. */
static void check_clean(const char *data, size_t len, bool cut, const char *expected, size_t expected_len)
{
    /* A copy of the exact size: reading past it is seen. */
    char *exact = malloc(len > 0 ? len : 1);
    memcpy(exact, data, len);
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(text_utf8_clean(&out, exact, len, cut), 0);
    assert_int_equal(out.len, expected_len);
    assert_memory_equal(out.data != NULL ? out.data : "", expected, expected_len);
    assert_int_equal(text_is_utf8(exact, len), len == expected_len && memcmp(data, expected, len) == 0);
    assert_true(text_is_utf8(expected, expected_len));
    buf_free(&out);
    free(exact);
}

#define CLEAN(data, cut, expected)                                  \
    {                                                               \
        data, sizeof(data) - 1, cut, expected, sizeof(expected) - 1 \
    }

static void bad_bytes_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
        bool cut;
        const char *expected;
        size_t expected_len;
    } cases[] = {
        CLEAN("", false, ""),
        CLEAN("plain", false, "plain"),
        CLEAN("with\0nul", false, "with\0nul"),
        CLEAN("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", false, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
        CLEAN("a\xff"
              "b",
              false, "a" FFFD "b"),
        CLEAN("\x80\xbf", false, FFFD FFFD),
        CLEAN("\xc0\xaf", false, FFFD FFFD),                                     /* overlong */
        CLEAN("\xc1\xbf", false, FFFD FFFD),                                     /* overlong */
        CLEAN("\xe0\x9f\xbf", false, FFFD FFFD FFFD),                            /* overlong */
        CLEAN("\xf0\x8f\xbf\xbf", false, FFFD FFFD FFFD FFFD),                   /* overlong */
        CLEAN("\xed\xa0\x80\xed\xbf\xbf", false, FFFD FFFD FFFD FFFD FFFD FFFD), /* surrogates */
        CLEAN("\xed\x9f\xbf\xee\x80\x80", false, "\xed\x9f\xbf\xee\x80\x80"),    /* beside them */
        CLEAN("\xf4\x8f\xbf\xbf", false, "\xf4\x8f\xbf\xbf"),                    /* U+10FFFF */
        CLEAN("\xf4\x90\x80\x80", false, FFFD FFFD FFFD FFFD),                   /* past it */
        CLEAN("\xf5\x80\x80\x80", false, FFFD FFFD FFFD FFFD),
        CLEAN("\xe2\x82z", false, FFFD FFFD "z"),
        CLEAN("\xe2\x82\xc3\xa4", false, FFFD FFFD "\xc3\xa4"),
        CLEAN("x\xe2\x82", false, "x" FFFD FFFD),
        CLEAN("x\xe2\x82", true, "x"),
        CLEAN("x\xf0\x9f\x98", true, "x"),
        CLEAN("x\xc3", true, "x"),
        CLEAN("\xe2\x82\xac", true, "\xe2\x82\xac"),
        CLEAN("x\xe0\x80", true, "x" FFFD FFFD), /* no beginning of anything */
        CLEAN("x\xff", true, "x" FFFD),
        CLEAN("x\xe2\x82y\xe2", true, "x" FFFD FFFD "y"),
        CLEAN("12345678\xff"
              "12345678",
              false, "12345678" FFFD "12345678"),
        CLEAN("1234567\xc3\xa4"
              "1234567",
              false,
              "1234567\xc3\xa4"
              "1234567"),
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_clean(cases[i].data, cases[i].len, cases[i].cut, cases[i].expected, cases[i].expected_len);
}

/* Each code point as it is encoded by RFC 3629's table. */
static size_t encode(unsigned long c, unsigned char out[4])
{
    static const unsigned long ends[] = {0x80, 0x800, 0x10000, 0x110000};
    static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
    size_t len = 1;
    while (c >= ends[len - 1])
        len++;
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)(marks[len - 1] | c);
    return len;
}

static void every_code_point_passes_but_surrogates(void **state)
{
    (void)state;
    for (unsigned long c = 0; c < 0x110000; c++) {
        unsigned char bytes[4];
        size_t len = encode(c, bytes);
        if (text_is_utf8((const char *)bytes, len) != (c < 0xd800 || c > 0xdfff))
            fail_msg("U+%04lX", c);
        if (len > 1 && text_is_utf8((const char *)bytes, len - 1))
            fail_msg("the beginning of U+%04lX", c);
    }
}

static void clean_stops_at_the_maximum(void **state)
{
    (void)state;
    for (size_t max = 3; max < 12; max++) {
        struct buf out;
        buf_init(&out, max);
        buf_puts(&out, "ab");
        bool fits = max >= 2 + 8;
        assert_int_equal(text_utf8_clean(&out, "xy\xff\xff", 4, false), fits ? 0 : -1);
        assert_string_equal(out.data, fits ? "abxy" FFFD FFFD : "ab");
        buf_free(&out);
    }
}

/* --- Base64 --- */

static void base64_is_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long len;
        const char *expected;
    } cases[] = {
        {"", 0, ""},
        {"Zg==", 1, "f"},
        {"Zm8=", 2, "fo"},
        {"Zm9v", 3, "foo"},
        {"Zm9vYg==", 4, "foob"},
        {"Zm9vYmE=", 5, "fooba"},
        {"Zm9vYmFy", 6, "foobar"},
        {"AAECAw==", 4, "\0\1\2\3"},
        {"+/+/", 3, "\xfb\xff\xbf"},
        {"Zg", -1, NULL},
        {"Zg=", -1, NULL},
        {"Zg===", -1, NULL},
        {"====", -1, NULL},
        {"=", -1, NULL},
        {"Z===", -1, NULL},
        {"Zg==Zg==", -1, NULL},
        {"Zm9v\n", -1, NULL},
        {"Zm 9v===", -1, NULL},
        {"-_-_", -1, NULL},
        {"Zh==", -1, NULL}, /* bits left over */
        {"Zm9=", -1, NULL},
        {"Zm\xc3\xa4", -1, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);
        unsigned char *out = malloc(len / 4 * 3 + 1);
        assert_int_equal(text_base64_decode(cases[i].text, len, out), cases[i].len);
        if (cases[i].len > 0)
            assert_memory_equal(out, cases[i].expected, (size_t)cases[i].len);
        free(out);
    }
}

static void test_utf8_tail(void **state)
{
    static const struct {
        const char *text;
        size_t len, tail;
    } cases[] = {{"", 0, 0},
                 {"a", 1, 0},
                 {"a\xc3", 2, 1},
                 {"\xc3\xa4", 2, 0},
                 {"\xe2\x82", 2, 2},
                 {"\xe2\x82\xac", 3, 0},
                 {"\xf0\x9f\x98", 3, 3},
                 {"\xf0\x9f\x98\x80", 4, 0},
                 {"\xff", 1, 0},
                 {"\x80\x80\x80", 3, 0},
                 {"\xe0\x80", 2, 0},
                 {"\xc3\xc3", 2, 1},
                 {"\xf4\x90\x80", 3, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(text_utf8_tail(cases[i].text, cases[i].len), cases[i].tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_tail),
        cmocka_unit_test(uuid_has_its_form),
        cmocka_unit_test(uuid_is_recognized),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(bad_bytes_are_replaced),
        cmocka_unit_test(every_code_point_passes_but_surrogates),
        cmocka_unit_test(clean_stops_at_the_maximum),
        cmocka_unit_test(base64_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
