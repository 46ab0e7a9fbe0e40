/* The MIME type of a file: its first bytes count more than its name. */
#include "unit.h"

#include "api/media_type.h"

#include <string.h>

static void expect(const char *path, const char *data, size_t len, const char *type)
{
    assert_string_equal(media_type(path, data, len), type);
}

static void test_types(void **state)
{
    (void)state;
    expect("a", "\x89PNG\r\n\x1a\n....", 12, "image/png");
    expect("a.html", "GIF89a<script>", 14, "image/gif");
    expect("a.jpg", "\xff\xd8\xff\xe0", 4, "image/jpeg");
    expect("a.txt", "%PDF-1.7", 8, "application/pdf");
    expect("d/a.CSV", "a,b", 3, "text/csv");
    expect("a.b/c", "words\n", 6, "text/plain");
    expect("a", "", 0, "text/plain");
    expect("a", "a\0b", 3, "application/octet-stream");
    expect("a", "\xff\xfe", 2, "application/octet-stream");
    expect("a.svg", "<svg/>", 6, "image/svg+xml");
}

/* A character that lies across the end of what is looked at is no reason to doubt the text. */
static void test_long_text(void **state)
{
    char text[5000];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xa4';
    expect("a", text, sizeof text, "text/plain");
    memmove(text + 1, text, sizeof text - 1);
    text[0] = 'x';
    expect("a", text, sizeof text, "text/plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_long_text)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
