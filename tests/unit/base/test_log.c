#include "base/json.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/text.h"
#include "unit.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 2026-01-02T03:04:05.678Z */
static int64_t made_up_wall(void)
{
    return 1767323045678000000;
}

static int ends[2]; /* of the pipe that the log writes to */

static int setup(void **state)
{
    (void)state;
    static struct seam made_up;
    made_up = seam_system;
    made_up.wall_ns = made_up_wall;
    seam_set(&made_up);
    return pipe2(ends, O_CLOEXEC);
}

static int teardown(void **state)
{
    (void)state;
    seam_set(&seam_system);
    log_setup(LOG_INFO, LOG_TEXT, STDERR_FILENO);
    return close(ends[0]) | close(ends[1]);
}

/* What one write(2) put into the pipe, which is drained by one read(2) as long as it is below PIPE_BUF. */
static const char *written(void)
{
    static char text[131072];
    ssize_t n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    return text;
}

#define HEAD "ts=2026-01-02T03:04:05.678Z level=info event=test"

static void fields_as_key_and_value(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    log_event(LOG_INFO, "test", LOG_STR("id", "a1"), LOG_INT("code", -7), LOG_REAL("time", 0.25), LOG_BOOL("ok", 2),
              LOG_STR("absent", NULL), LOG_BOOL("bad", 0));
    assert_string_equal(written(), HEAD " id=a1 code=-7 time=0.25 ok=true bad=false\n");
    log_write(LOG_ERROR, "test", &(struct log_field){.key = NULL});
    assert_string_equal(written(), "ts=2026-01-02T03:04:05.678Z level=error event=test\n");
}

static void values_are_quoted_where_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } cases[] = {
        {"", "\"\""},
        {"plain/text:8002", "plain/text:8002"},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nbreak", "\"line\\nbreak\""},
        {"\x1b[31m", "\"\\u001b[31m\""},
        {"\x7f", "\"\\u007f\""},
        {"\xc2\x9b"
         "31m",
         "\"\\u009b31m\""},
        {"\xc2\xa0\xc3\xa4\xe2\x82\xac", "\xc2\xa0\xc3\xa4\xe2\x82\xac"},
        {"bad\xff", "bad\xef\xbf\xbd"},
        {"\xc2", "\xef\xbf\xbd"},
    };
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[200];
        snprintf(expected, sizeof expected, HEAD " v=%s\n", cases[i].shown);
        log_event(LOG_INFO, "test", LOG_STR("v", cases[i].value));
        assert_string_equal(written(), expected);
    }
}

static void json_is_valid_for_any_bytes(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JSON, ends[1]);
    for (int byte = 1; byte < 256; byte++) {
        const char value[] = {'<', (char)byte, '>', '\0'};
        log_event(LOG_INFO, "test", LOG_STR("v", value), LOG_REAL("nan", NAN), LOG_REAL("inf", INFINITY),
                  LOG_INT("n", INT64_MIN));
        const char *line = written();
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_null(memchr(line, '\n', strlen(line) - 1));
        struct error *none = NULL;
        json_t *parsed = json_parse(line, strlen(line), none);
        assert_string_equal(json_string_value(json_object_get(parsed, "v")), byte < 128 ? value : "<\xef\xbf\xbd>");
        assert_true(json_is_null(json_object_get(parsed, "nan")));
        assert_int_equal(json_integer_value(json_object_get(parsed, "n")), INT64_MIN);
        json_decref(parsed);
    }
}

static void json_has_its_fields_in_order(void **state)
{
    (void)state;
    log_setup(LOG_DEBUG, LOG_JSON, ends[1]);
    log_event(LOG_DEBUG, "test", LOG_STR("id", "a \"1\""), LOG_BOOL("ok", true), LOG_REAL("t", 0.5));
    assert_string_equal(written(), "{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"debug\",\"event\":\"test\","
                                   "\"id\":\"a \\\"1\\\"\",\"ok\":true,\"t\":0.5}\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    log_setup(LOG_WARN, LOG_TEXT, ends[1]);
    log_event(LOG_INFO, "test", LOG_INT("n", 1));
    log_event(LOG_WARN, "test", LOG_INT("n", 2));
    assert_string_equal(written(), "ts=2026-01-02T03:04:05.678Z level=warn event=test n=2\n");
}

/* A value that is too long is cut between characters; a field that does not fit is left out whole. */
static void long_lines_are_capped(void **state)
{
    (void)state;
    char value[100001];
    memset(value, ' ', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (enum log_format format = LOG_TEXT; format <= LOG_JSON; format++) {
        log_setup(LOG_INFO, format, ends[1]);
        memcpy(value + 2046, "\xe2\x82\xac", 3);
        log_event(LOG_INFO, "test", LOG_STR("a", value), LOG_STR("b", value), LOG_STR("c", value), LOG_STR("d", value),
                  LOG_STR("e", value), LOG_STR("f", value), LOG_STR("g", value), LOG_STR("h", value),
                  LOG_STR("i", value), LOG_INT("n", 5));
        const char *line = written();
        size_t len = strlen(line);
        assert_in_range(len, 14000, 16384);
        assert_true(text_is_utf8(line, len));
        assert_int_equal(line[len - 1], '\n');
        assert_non_null(strstr(line, format == LOG_TEXT ? " g=\"" : ",\"g\":\""));
        assert_null(strstr(line, format == LOG_TEXT ? " i=\"" : ",\"i\":\""));
        assert_non_null(strstr(line, format == LOG_TEXT ? "n=5\n" : "\"n\":5}\n"));
    }
}

#define THREADS 4
#define LINES 200

static void *write_lines(void *name)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "test", LOG_STR("from", name), LOG_INT("n", i));
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    FILE *in = fdopen(dup(ends[0]), "r");
    int next[THREADS] = {0};
    for (int i = 0; i < THREADS * LINES; i++) {
        char line[200], expected[200];
        assert_non_null(fgets(line, sizeof line, in));
        char from = line[strlen(HEAD " from=")];
        assert_in_range(from, 'a', 'a' + THREADS - 1);
        snprintf(expected, sizeof expected, HEAD " from=%c n=%d\n", from, next[from - 'a']++);
        assert_string_equal(line, expected);
    }
    fclose(in);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void gathered_lines_wait_for_the_flush(void **state)
{
    (void)state;
    struct pollfd pipe = {.fd = ends[0], .events = POLLIN};
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    log_gather(true);
    log_event(LOG_INFO, "test", LOG_INT("n", 1));
    log_event(LOG_INFO, "test", LOG_INT("n", 2));
    assert_int_equal(poll(&pipe, 1, 0), 0);
    log_flush();
    assert_string_equal(written(), HEAD " n=1\n" HEAD " n=2\n");
    log_flush();
    assert_int_equal(poll(&pipe, 1, 0), 0);
    log_event(LOG_INFO, "test", LOG_INT("n", 3));
    log_write(LOG_WARN, "test", &(struct log_field){.key = NULL}); /* trouble is told at once, in its place */
    assert_string_equal(written(), HEAD " n=3\nts=2026-01-02T03:04:05.678Z level=warn event=test\n");
    for (int i = 0; i < 1000; i++) /* more than is kept */
        log_event(LOG_INFO, "test", LOG_INT("n", 4));
    assert_int_equal(poll(&pipe, 1, 0), 1);
    log_gather(false);
    log_event(LOG_INFO, "test", LOG_INT("n", 5));
    size_t lines = 0;
    for (const char *at = written(); (at = strstr(at, "event=test")) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_as_key_and_value, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_quoted_where_they_must, setup, teardown),
        cmocka_unit_test_setup_teardown(json_is_valid_for_any_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(json_has_its_fields_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_below_the_level_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_are_capped, setup, teardown),
        cmocka_unit_test_setup_teardown(gathered_lines_wait_for_the_flush, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_do_not_mix_their_lines, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
