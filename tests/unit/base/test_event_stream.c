/* Server-sent events, however their bytes are cut. */
#include "base/event_stream.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

struct seen {
    char text[256]; /* each event in brackets, after its name */
};

static void on_event(void *arg, const char *name, const char *data, size_t len)
{
    struct seen *seen = arg;
    size_t at = strlen(seen->text);

    snprintf(seen->text + at, sizeof seen->text - at, "%s[%.*s]", name, (int)len, data);
}

static const struct {
    const char *bytes, *seen;
} table[] = {
    {"data: a\n\n", "[a]"},
    {"event: message\ndata: {\"a\": 1}\n\nid: 4\ndata:b\n\n", "message[{\"a\": 1}][b]"},
    {"event: a\n\nevent:b\nevents: c\ndata: 1\n\ndata: 2\n\n", "b[1][2]"},
    {"data: one\ndata:  two\n\n", "[one\n two]"},
    {":\n\n: ping\n\ndata: x\r\n\r\n", "[x]"},
    {"data\n\ndatax: no\n\n", ""},
    {"data:\n\n", "[]"},
    {"data: an event without its end\n", ""},
};

static void test_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (size_t step = 1; step <= strlen(table[i].bytes); step++) {
            struct seen seen = {.text = ""};
            struct event_stream stream;
            event_stream_init(&stream, 64, on_event, &seen);
            for (size_t at = 0, len = strlen(table[i].bytes); at < len; at += step)
                assert_int_equal(event_stream_feed(&stream, table[i].bytes + at, len - at < step ? len - at : step), 0);
            assert_string_equal(seen.text, table[i].seen);
            event_stream_free(&stream);
        }
}

static void test_an_event_that_is_too_large(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct event_stream stream;

    event_stream_init(&stream, 10, on_event, &seen);
    assert_int_equal(event_stream_feed(&stream, "data: 123\n", 10), 0);
    assert_int_equal(event_stream_feed(&stream, "data: 4567890", 13), -1);
    event_stream_free(&stream);
    event_stream_init(&stream, 10, on_event, &seen);
    assert_int_equal(event_stream_feed(&stream, "data: 123\ndata: 456\n", 20), 0);
    assert_int_equal(event_stream_feed(&stream, "data: 789\n", 10), -1);
    event_stream_free(&stream);
    assert_string_equal(seen.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_an_event_that_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
