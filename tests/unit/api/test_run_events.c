/* An execution's events, and its feed: pieces in whole characters, however the output is cut, the same for every
 * reader. */
#include "api/fakes.h"

#include "api/execute_answer.h"
#include "api/feed.h"
#include "api/run_events.h"

static struct language python = {.id = "python"};
static struct execution execution;
static char trace[4096], said[2][4096]; /* said: stdout and stderr of the events */

static void clear(void)
{
    execution = (struct execution){.id = "11111111-1111-4111-8111-111111111111", .version = "3.13.5"};
    execution.request.language = &python;
    assert_string_equal(execution_id(&execution), execution.id); /* the made-up one */
    execution.result = (struct execution_result){.wall_ns = 1000000, .cpu_ns = -1, .queue_ns = 0, .peak_bytes = -1};
    *trace = *said[0] = *said[1] = '\0';
}

static void add(char *out, size_t room, const char *text)
{
    size_t used = strlen(out);

    assert_true(used + strlen(text) < room);
    snprintf(out + used, room - used, "%s", text);
}

static void on_event(void *arg, const char *name, const char *json, size_t len)
{
    size_t used = strlen(trace);
    struct error error;
    json_t *value = json_parse(json, len, &error);

    assert_ptr_equal(arg, trace);
    assert_non_null(value);
    snprintf(trace + used, sizeof trace - used, "%s %s\n", name, json);
    const char *data = json_string_value(json_object_get(value, "data"));
    if (data != NULL)
        add(said[strcmp(name, "stdout") == 0 ? 0 : 1], sizeof said[0], data);
    json_decref(value);
}

static void output(struct run_events *events, enum frame_channel channel, const char *text, size_t len)
{
    run_events_output(events, FRAME_STEP_RUN, channel, (const uint8_t *)text, len);
}

static void test_the_events(void **state)
{
    struct run_events events;

    (void)state;
    clear();
    run_events_init(&events, on_event, trace);
    run_events_start(&events, &execution);
    run_events_output(&events, FRAME_STEP_COMPILE, FRAME_STDERR, (const uint8_t *)"note\n", 5);
    run_events_step_end(&events, &execution, FRAME_STEP_COMPILE);
    output(&events, FRAME_STDOUT, "a\0b\xc3", 4);
    output(&events, FRAME_STDERR, "\xff", 1);
    output(&events, FRAME_STDOUT, "\xa4", 1);
    output(&events, FRAME_STDOUT, "\xe2\x82", 2);
    run_events_end(&events, &execution);
    assert_string_equal(trace,
                        "start {\"execution_id\":\"11111111-1111-4111-8111-111111111111\",\"language\":\"python\","
                        "\"version\":\"3.13.5\",\"session_id\":null}\n"
                        "stderr {\"data\":\"note\\n\",\"step\":\"compile\"}\n"
                        "stdout {\"data\":\"a\\u0000b\",\"step\":\"run\"}\n"
                        "stderr {\"data\":\"\xef\xbf\xbd\",\"step\":\"run\"}\n"
                        "stdout {\"data\":\"\xc3\xa4\",\"step\":\"run\"}\n"
                        "stdout {\"data\":\"\xef\xbf\xbd\xef\xbf\xbd\",\"step\":\"run\"}\n");
    assert_false(events.failed);
}

/* Every cut of a text into two or three gives what the plain answer shows. */
static void test_any_cut_is_the_plain_text(void **state)
{
    static const char text[] = "x\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xff\xc3\x41\xe2\x82\xf0\x9f\xc3\xa4\xf0\x9f\x98";
    const size_t len = sizeof text - 1;

    (void)state;
    for (size_t i = 0; i <= len; i++) {
        for (size_t j = i; j <= 2 * len; j += j < len ? 1 : len) {
            struct run_events events;
            struct buf plain;
            size_t second = j < len ? j : len;
            clear();
            execution.result.run.out_cut = j > len; /* then its incomplete end is the limit's */
            buf_init(&plain, 1000);
            assert_int_equal(text_utf8_clean(&plain, text, len, execution.result.run.out_cut), 0);
            run_events_init(&events, on_event, trace);
            output(&events, FRAME_STDOUT, text, i);
            output(&events, FRAME_STDOUT, text + i, second - i);
            output(&events, FRAME_STDOUT, text + second, len - second);
            run_events_end(&events, &execution);
            assert_string_equal(said[0], plain.data);
            buf_free(&plain);
        }
    }
}

static void test_byte_by_byte(void **state)
{
    static const char text[] = "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    struct run_events events;

    (void)state;
    clear();
    run_events_init(&events, on_event, trace);
    for (size_t i = 0; i < sizeof text - 1; i++)
        output(&events, FRAME_STDOUT, text + i, 1);
    assert_string_equal(trace, "stdout {\"data\":\"\xc3\xa4\",\"step\":\"run\"}\n"
                               "stdout {\"data\":\"\xe2\x82\xac\",\"step\":\"run\"}\n"
                               "stdout {\"data\":\"\xf0\x9f\x98\x80\",\"step\":\"run\"}\n");
}

static char *result_of(void)
{
    struct execute_answer answer = {.warnings = NULL};
    size_t len;

    execute_answer_borrow(&answer, &execution);
    char *text = run_events_result(&answer, &len);
    assert_non_null(text);
    assert_int_equal(strlen(text), len);
    json_decref(answer.warnings);
    return text;
}

static void test_the_result_has_no_output(void **state)
{
    (void)state;
    clear();
    execution.result.status = RECORD_COMPLETED;
    execution.result.compiled = true;
    char *text = result_of();
    assert_null(strstr(text, "stdout\":"));
    assert_null(strstr(text, "detail"));
    assert_non_null(strstr(text, "\"compile\":{\"exit_code\":0,\"execution_time\":"));
    free(text);
    execution.result.timed_out = true;
    text = result_of();
    assert_non_null(strstr(text, "{\"detail\":\"Execution failed: container timeout\",\"execution_id\":"));
    free(text);
    execution.result.failure = "the container ended unexpectedly";
    text = result_of();
    assert_non_null(strstr(text, "{\"detail\":\"Execution failed: the container ended unexpectedly\","));
    assert_non_null(strstr(text, "\"exit_code\":null"));
    free(text);
}

/* The feed. */

struct reader {
    struct follower follower;
    uint64_t last;
    char seen[4096];
    enum feed_reading reading;
    int called;
};

static void read_on(struct reader *reader)
{
    struct feed_event event;

    while ((reader->reading = feed_read(reader->follower.feed, reader->last, &event)) == FEED_EVENT) {
        size_t used = strlen(reader->seen);
        assert_int_equal(event.id, reader->last + 1);
        reader->last = event.id;
        snprintf(reader->seen + used, sizeof reader->seen - used, "%s ", event.name);
        free(event.json);
    }
}

static void on_more(struct follower *follower)
{
    struct reader *reader = container_of(follower, struct reader, follower);

    reader->called++;
    if (follower->feed != NULL)
        read_on(reader);
}

static void reader_open(struct reader *reader, struct feeds *feeds, int64_t key_row, uint64_t last)
{
    *reader = (struct reader){.follower = {.key_row = key_row, .more = on_more}, .last = last};
    text_copy(reader->follower.id, sizeof reader->follower.id, execution.id);
    feeds_follow(feeds, &reader->follower);
    if (reader->follower.feed != NULL)
        read_on(reader);
}

static void feed_text(struct feed *feed, enum frame_channel channel, const char *text)
{
    feed_output(feed, FRAME_STEP_RUN, channel, (const uint8_t *)text, strlen(text));
}

static void test_a_feed_is_the_same_for_all(void **state)
{
    struct feeds *feeds = feeds_open();
    struct reader early, late, other, behind;

    (void)state;
    clear();
    reader_open(&early, feeds, 1, 0);
    reader_open(&other, feeds, 2, 0);
    assert_null(early.follower.feed);
    struct feed *feed = feed_new(feeds, 1, FEED_MAX);
    feed_start(feed, &execution);
    feed_text(feed, FRAME_STDOUT, "a\xc3");
    feed_text(feed, FRAME_STDERR, "e");
    reader_open(&late, feeds, 1, 0);
    assert_string_equal(late.seen, "start stdout stderr ");
    assert_int_equal(late.reading, FEED_WAIT);
    feed_step_end(feed, &execution, FRAME_STEP_RUN);
    feed_over(feed, &execution);
    reader_open(&behind, feeds, 1, 3);
    assert_string_equal(early.seen, "start stdout stderr stdout result ");
    assert_string_equal(late.seen, early.seen);
    assert_string_equal(behind.seen, "stdout result ");
    assert_int_equal(early.reading, FEED_ENDED);
    assert_int_equal(other.called, 0);
    feeds_unfollow(&early.follower);
    feeds_unfollow(&late.follower);
    feeds_unfollow(&behind.follower);
    feeds_unfollow(&other.follower);
    feeds_free(feeds);
}

static void test_a_feed_has_a_cap(void **state)
{
    struct feeds *feeds = feeds_open();
    struct feed *feed = feed_new(feeds, 1, 1000);
    struct reader slow, quick;

    (void)state;
    clear();
    feed_start(feed, &execution);
    for (int i = 0; i < 100; i++)
        feed_text(feed, FRAME_STDOUT, "some text of the program\n");
    reader_open(&slow, feeds, 1, 1);
    assert_int_equal(slow.reading, FEED_LOST);
    assert_string_equal(slow.seen, "");
    reader_open(&quick, feeds, 1, feed_newest(feed) - 2);
    assert_string_equal(quick.seen, "stdout stdout ");
    feeds_unfollow(&slow.follower);
    feeds_unfollow(&quick.follower);
    feed_over(feed, &execution);
    feeds_free(feeds);
}

static void test_a_dropped_feed_is_followed_by_another(void **state)
{
    struct feeds *feeds = feeds_open();
    struct feed *feed = feed_new(feeds, 1, FEED_MAX);
    struct reader reader;

    (void)state;
    clear();
    reader_open(&reader, feeds, 1, 0);
    feed_start(feed, &execution);
    feed_drop(feed);
    assert_null(reader.follower.feed);
    reader.last = 0;
    feed_over(feed_new(feeds, 1, FEED_MAX), &execution);
    assert_string_equal(reader.seen, "start result ");
    feeds_unfollow(&reader.follower);
    feeds_free(feeds);
}

static void test_ended_feeds_are_kept_as_long_as_there_is_room(void **state)
{
    struct feeds *feeds = feeds_open();
    char first[] = "00000000-0000-4000-8000-000000000000";
    struct reader reader;

    (void)state;
    clear();
    for (unsigned i = 0; i <= FEEDS_KEPT_MAX; i++) {
        snprintf(first, 9, "%08x", i);
        first[8] = '-';
        execution.id = first;
        feed_over(feed_new(feeds, 1, FEED_MAX), &execution);
    }
    reader_open(&reader, feeds, 1, 0);
    assert_string_equal(reader.seen, "result ");
    feeds_unfollow(&reader.follower);
    memset(first, '0', 8);
    reader_open(&reader, feeds, 1, 0);
    assert_null(reader.follower.feed);
    feeds_unfollow(&reader.follower);
    feeds_free(feeds);
}

static void test_without_feeds_nothing_is_kept(void **state)
{
    (void)state;
    clear();
    struct feed *feed = feed_new(NULL, 1, FEED_MAX);
    assert_null(feed);
    feed_start(feed, &execution);
    feed_text(feed, FRAME_STDOUT, "a");
    feed_step_end(feed, &execution, FRAME_STEP_RUN);
    feed_over(feed, &execution);
    feed_drop(feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_events),
        cmocka_unit_test(test_any_cut_is_the_plain_text),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_the_result_has_no_output),
        cmocka_unit_test(test_a_feed_is_the_same_for_all),
        cmocka_unit_test(test_a_feed_has_a_cap),
        cmocka_unit_test(test_a_dropped_feed_is_followed_by_another),
        cmocka_unit_test(test_ended_feeds_are_kept_as_long_as_there_is_room),
        cmocka_unit_test(test_without_feeds_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
