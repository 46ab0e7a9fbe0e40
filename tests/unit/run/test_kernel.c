/* A kernel's messages: what goes to the driver, byte by byte, and what is read of its report, also of malformed ones.
 */
#include "base/text.h"
#include "run/kernel.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct buf report;

static int setup(void **state)
{
    (void)state;
    buf_init(&report, (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&report);
    return 0;
}

static void put_integer(uint32_t value)
{
    uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};

    assert_int_equal(buf_append(&report, bytes, sizeof bytes), 0);
}

static void put_head(uint32_t kind, size_t len)
{
    put_integer(kind);
    put_integer((uint32_t)len);
}

static void put_text(const char *text)
{
    assert_int_equal(buf_puts(&report, text), 0);
}

static void put_message(uint32_t kind, const char *text)
{
    put_head(kind, strlen(text));
    put_text(text);
}

/* A bundle of one entry. */
static void put_bundle(uint32_t flags, const char *mime, const char *data)
{
    put_head(1, 12 + strlen(mime) + strlen(data));
    put_integer(flags);
    put_integer((uint32_t)strlen(mime));
    put_integer((uint32_t)strlen(data));
    put_text(mime);
    put_text(data);
}

static void expect_text(const struct kernel_text *text, const char *expected)
{
    assert_int_equal(text->len, strlen(expected));
    assert_memory_equal(text->data, expected, text->len);
}

static struct kernel_reader reader_of(size_t len)
{
    return (struct kernel_reader){.at = (const uint8_t *)report.data, .left = len};
}

/* The event after `before` good ones. */
static enum kernel_event event_after(size_t before)
{
    struct kernel_reader reader = reader_of(report.len);
    struct kernel_message message;

    for (size_t i = 0; i < before; i++)
        assert_int_not_equal(kernel_read(&reader, &message), KERNEL_BROKEN);
    enum kernel_event event = kernel_read(&reader, &message);
    if (event == KERNEL_BROKEN) /* and that was all */
        assert_int_equal(kernel_read(&reader, &message), KERNEL_OVER);
    return event;
}

static void test_run(void **state)
{
    static const char expected[] = "\1\0\0\0\x1b\0\0\0"
                                   "\x04\x03\x02\x01\0\0\x40\0\0\0\x7f\0\7\0\0\0main.pya\0b\xff";

    (void)state;
    assert_int_equal(kernel_put_run(&report, 0x01020304, "main.py", "a\0b\xff", 4), 0);
    assert_int_equal(report.len, sizeof expected - 1);
    assert_memory_equal(report.data, expected, report.len);
    struct buf small;
    for (size_t max = 0; max < report.len; max++) {
        buf_init(&small, max);
        assert_int_equal(kernel_put_run(&small, 1, "main.py", "a\0b\xff", 4), -1);
        buf_free(&small);
    }
}

static void test_read(void **state)
{
    struct kernel_message message;

    (void)state;
    put_head(5, 4);
    put_integer(7);
    put_head(1, 4 + 2 * 8 + 9 + 1 + 10 + 2);
    put_integer(0);
    put_integer(9);
    put_integer(1);
    put_text("text/html1");
    put_integer(10);
    put_integer(2);
    put_text("text/plain\xc3\xa4");
    put_bundle(1, "application/vnd.plotly.v1+json", "");
    put_head(1, 4);
    put_integer(0);
    put_message(2, "42");
    put_head(3, 12 + 3);
    put_integer(1);
    put_integer(0);
    put_integer(2);
    put_text("Ntt");
    put_message(4, "a note");
    struct kernel_reader reader = reader_of(report.len);
    assert_int_equal(kernel_read(&reader, &message), KERNEL_COUNT);
    assert_int_equal(message.count, 7);
    assert_int_equal(kernel_read(&reader, &message), KERNEL_BUNDLE);
    assert_false(message.is_value);
    assert_int_equal(message.entries_len, 2);
    expect_text(&message.entries[0].mime, "text/html");
    expect_text(&message.entries[0].data, "1");
    expect_text(&message.entries[1].mime, "text/plain");
    expect_text(&message.entries[1].data, "\xc3\xa4");
    assert_int_equal(kernel_read(&reader, &message), KERNEL_BUNDLE);
    assert_true(message.is_value);
    assert_int_equal(message.entries_len, 1);
    expect_text(&message.entries[0].mime, "application/vnd.plotly.v1+json");
    assert_int_equal(kernel_read(&reader, &message), KERNEL_BUNDLE);
    assert_int_equal(message.entries_len, 0);
    assert_int_equal(kernel_read(&reader, &message), KERNEL_RESULT);
    expect_text(&message.text, "42");
    assert_int_equal(kernel_read(&reader, &message), KERNEL_ERROR);
    expect_text(&message.name, "N");
    expect_text(&message.text, "");
    expect_text(&message.traceback, "tt");
    assert_int_equal(kernel_read(&reader, &message), KERNEL_NOTE);
    expect_text(&message.text, "a note");
    assert_int_equal(kernel_read(&reader, &message), KERNEL_OVER);
    assert_int_equal(kernel_read(&reader, &message), KERNEL_OVER);
}

/* Wherever a report is cut, what is whole before that counts. */
static void test_cut(void **state)
{
    struct kernel_message message;

    (void)state;
    put_message(2, "1");
    size_t first = report.len;
    put_bundle(0, "text/plain", "x");
    for (size_t len = 0; len < report.len; len++) {
        struct kernel_reader reader = reader_of(len);
        enum kernel_event event = kernel_read(&reader, &message);
        if (len >= first) {
            assert_int_equal(event, KERNEL_RESULT);
            event = kernel_read(&reader, &message);
        }
        assert_int_equal(event, len == 0 || len == first ? KERNEL_OVER : KERNEL_BROKEN);
    }
}

static void test_mime_types(void **state)
{
    static const char *const good[] = {"a/b", "text/html", "image/svg+xml", "application/vnd.x-y_z.v1+json", "1/2"};
    static const char *const bad[] = {"",      "a",      "/",          "a/",         "/b",       "a/b/c",    "a//b",
                                      "a b/c", "text/ä", "text/.html", "text/a;b=c", "te\"xt/a", "text/a\n", "+a/b"};
    char longest[KERNEL_MIME_MAX + 2] = "a/";

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        report.len = 0;
        put_bundle(0, good[i], "");
        assert_int_equal(event_after(0), KERNEL_BUNDLE);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        report.len = 0;
        put_bundle(0, bad[i], "");
        assert_int_equal(event_after(0), KERNEL_BROKEN);
    }
    memset(longest + 2, 'x', KERNEL_MIME_MAX - 2);
    report.len = 0;
    put_bundle(0, longest, "");
    assert_int_equal(event_after(0), KERNEL_BUNDLE);
    longest[KERNEL_MIME_MAX] = 'x';
    report.len = 0;
    put_bundle(0, longest, "");
    assert_int_equal(event_after(0), KERNEL_BROKEN);
}

static void test_malformed(void **state)
{
    static const struct {
        size_t len;
        const char *bytes;
    } cases[] = {
        {8, "\6\0\0\0\0\0\0\0"},                   /* unknown kinds: the end, which the agent keeps, and others */
        {8, "\11\0\0\0\0\0\0\0"},                  /* */
        {8, "\0\0\0\0\0\0\0\0"},                   /* */
        {8, "\2\1\0\0\0\0\0\0"},                   /* bytes of the head that must be 0 */
        {8, "\2\0\0\1\0\0\0\0"},                   /* */
        {8, "\2\0\0\0\xff\xff\xff\xff"},           /* longer than what is there */
        {7, "\2\0\0\0\0\0\0"},                     /* no whole head */
        {9, "\2\0\0\0\1\0\0\0\xff"},               /* not UTF-8 */
        {10, "\4\0\0\0\2\0\0\0\xc3("},             /* */
        {11, "\5\0\0\0\3\0\0\0\1\0\0"},            /* a short count */
        {13, "\5\0\0\0\5\0\0\0\1\0\0\0\0"},        /* a long one */
        {8, "\1\0\0\0\0\0\0\0"},                   /* a bundle without flags */
        {12, "\1\0\0\0\4\0\0\0\2\0\0\0"},          /* with unknown flags */
        {16, "\1\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0"}, /* with half an entry */
        {23, "\1\0\0\0\17\0\0\0\0\0\0\0\3\0\0\0\1\0\0\0a/b"},  /* whose datum is missing */
        {24, "\3\0\0\0\20\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0abcd"}, /* an error that is longer than its texts */
        {22, "\3\0\0\0\16\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0ab"},   /* and shorter */
        {20, "\3\0\0\0\14\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        report.len = 0;
        put_message(2, "before");
        assert_int_equal(buf_append(&report, cases[i].bytes, cases[i].len), 0);
        put_message(2, "behind");
        if (cases[i].len < 8 || i == 5) /* what is behind would complete it */
            report.len -= 14;
        assert_int_equal(event_after(1), KERNEL_BROKEN);
    }
}

static void test_twice_and_too_many(void **state)
{
    (void)state;
    put_head(1, 4 + 2 * (8 + 3));
    put_integer(0);
    for (size_t i = 0; i < 2; i++) {
        put_integer(3);
        put_integer(0);
        put_text("a/b");
    }
    assert_int_equal(event_after(0), KERNEL_BROKEN);
    for (size_t entries = KERNEL_ENTRIES_MAX; entries <= KERNEL_ENTRIES_MAX + 1; entries++) {
        report.len = 0;
        put_head(1, 4 + entries * (8 + 4));
        put_integer(0);
        for (size_t i = 0; i < entries; i++) {
            put_integer(4);
            put_integer(0);
            assert_int_equal(buf_printf(&report, "a/%02zu", i), 0);
        }
        assert_int_equal(event_after(0), entries <= KERNEL_ENTRIES_MAX ? KERNEL_BUNDLE : KERNEL_BROKEN);
    }
    report.len = 0;
    for (size_t i = 0; i <= KERNEL_BUNDLES_MAX; i++)
        put_bundle(0, "a/b", "x");
    assert_int_equal(event_after(KERNEL_BUNDLES_MAX), KERNEL_BROKEN);
    report.len = 0;
    for (size_t i = 0; i <= KERNEL_NOTES_MAX; i++)
        put_message(4, "x");
    assert_int_equal(event_after(KERNEL_NOTES_MAX), KERNEL_BROKEN);
}

static void test_the_largest_datum(void **state)
{
    char *data = malloc(KERNEL_DATUM_MAX + 2);

    (void)state;
    assert_non_null(data);
    memset(data, 'x', KERNEL_DATUM_MAX + 1);
    data[KERNEL_DATUM_MAX + 1] = '\0';
    put_bundle(0, "a/b", data);
    assert_int_equal(event_after(0), KERNEL_BROKEN);
    data[KERNEL_DATUM_MAX] = '\0';
    report.len = 0;
    put_bundle(0, "a/b", data);
    assert_int_equal(event_after(0), KERNEL_BUNDLE);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mime_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_twice_and_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_largest_datum, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
