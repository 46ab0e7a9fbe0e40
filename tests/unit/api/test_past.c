/* The events of an execution that has ended, from its kept answer and from its record. */
#include "api/fakes.h"

#include "api/past.h"

static struct record record(void)
{
    return (struct record){.id = "11111111-1111-4111-8111-111111111111",
                           .language = "c",
                           .version = "14",
                           .status = RECORD_COMPLETED,
                           .ended_by_itself = true,
                           .started_ms = 1,
                           .completed_ms = 2};
}

/* "NAME:STEP:DATA NAME:… " of all events; the result's JSON is kept in `last`. */
static char last[1000];

static const char *read_all(struct past *past)
{
    static char seen[1000];
    struct feed_event event;
    enum feed_reading reading;
    uint64_t newest = past_newest(past), id = 0;

    *seen = '\0';
    while ((reading = past_read(past, &event)) == FEED_EVENT) {
        struct error error;
        json_t *value = json_parse(event.json, event.len, &error);
        const char *data = json_string_value(json_object_get(value, "data"));
        assert_int_equal(event.id, ++id);
        size_t used = strlen(seen);
        if (data == NULL)
            snprintf(seen + used, sizeof seen - used, "%s ", event.name);
        else
            snprintf(seen + used, sizeof seen - used, "%s:%s:%s ", event.name,
                     json_string_value(json_object_get(value, "step")), strlen(data) < 100 ? data : "long");
        snprintf(last, sizeof last, "%s", event.json);
        json_decref(value);
        free(event.json);
    }
    assert_int_equal(reading, FEED_ENDED);
    assert_int_equal(id, newest);
    past_close(past);
    return seen;
}

static const char *of_answer(const char *answer)
{
    static struct record kept;
    struct past past;

    kept = record();
    assert_int_equal(past_open(&past, &kept, answer, strlen(answer)), 0);
    return read_all(&past);
}

static void test_an_answer(void **state)
{
    (void)state;
    assert_string_equal(of_answer("{\"execution_id\":\"x\",\"stdout\":\"out\",\"stderr\":\"err\",\"exit_code\":0,"
                                  "\"compile\":{\"stdout\":\"\",\"stderr\":\"note\",\"exit_code\":0},\"files\":[]}"),
                        "start stderr:compile:note stdout:run:out stderr:run:err result ");
    assert_string_equal(last, "{\"execution_id\":\"x\",\"exit_code\":0,\"compile\":{\"exit_code\":0}}");
    assert_string_equal(of_answer("{\"execution_id\":\"x\",\"stdout\":\"\",\"stderr\":\"bad\",\"exit_code\":1,"
                                  "\"compile\":{\"stdout\":\"\",\"stderr\":\"bad\",\"exit_code\":1}}"),
                        "start stderr:compile:bad result ");
    assert_string_equal(of_answer("{\"execution_id\":\"x\",\"stdout\":\"out\",\"stderr\":\"\",\"exit_code\":0,"
                                  "\"files\":[{\"path\":\"a\"},{\"path\":\"b\"}]}"),
                        "start stdout:run:out file file result ");
    assert_null(strstr(last, "files"));
    assert_string_equal(of_answer("{\"detail\":\"Execution failed: lost\"}"), "start result ");
    assert_non_null(strstr(last, "\"execution_id\":\"11111111-1111-4111-8111-111111111111\""));
    assert_non_null(strstr(last, "\"detail\":\"Execution failed: lost\""));
}

static void test_a_record(void **state)
{
    struct record kept = record();
    struct past past;

    (void)state;
    kept.out = (char[]){"out"};
    kept.out_len = 3;
    kept.stdout_bytes = 3;
    assert_true(past_is_kept(&kept));
    assert_int_equal(past_open(&past, &kept, NULL, 0), 0);
    assert_string_equal(read_all(&past), "start stdout:run:out result ");
    assert_null(strstr(last, "stdout\":"));
    kept.out = NULL;
    kept.out_len = 0;
    assert_false(past_is_kept(&kept));
    kept.stdout_bytes = 0;
    kept.started_ms = 0;
    kept.status = RECORD_TIMED_OUT;
    assert_int_equal(past_open(&past, &kept, NULL, 0), 0);
    assert_string_equal(read_all(&past), "result ");
    assert_non_null(strstr(last, "\"detail\":\"Execution failed: container timeout\""));
}

static void test_long_output_comes_in_pieces(void **state)
{
    struct record kept = record();
    struct past past;
    size_t len = 2 * PAST_PIECE_MAX;
    char *text = malloc(len);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len);
    text[PAST_PIECE_MAX - 1] = '\xc3'; /* the character goes into the second piece */
    text[PAST_PIECE_MAX] = '\xa4';
    kept.out = text;
    kept.out_len = len;
    assert_int_equal(past_open(&past, &kept, NULL, 0), 0);
    assert_string_equal(read_all(&past), "start stdout:run:long stdout:run:long stdout:run:x result ");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_a_record),
        cmocka_unit_test(test_long_output_comes_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
