/* The object of an execution in the background, as clients and webhooks see it. */
#include "api/accepted.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "{\"execution_id\":\"11111111-1111-4111-8111-111111111111\","
#define MADE "\"created_at\":\"2023-11-14T22:13:20.000Z\","

static void expect(const struct journal_view *view, enum record_status status, const struct webhook_row *webhook,
                   const char *text)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(accepted_text(&out, view, status, webhook), 0);
    assert_string_equal(out.data, text);
    buf_free(&out);
}

static struct journal_view view_of(enum journal_state state, enum record_status status)
{
    return (struct journal_view){
        .state = state,
        .record = {.id = "11111111-1111-4111-8111-111111111111", .status = status, .created_ms = 1700000000000}};
}

static void from_acceptance_to_the_end(void **state)
{
    (void)state;
    struct journal_view view = view_of(JOURNAL_WAITING, RECORD_PENDING);
    expect(&view, RECORD_PENDING, NULL,
           HEAD "\"status\":\"pending\"," MADE "\"started_at\":null,\"completed_at\":null,\"result\":null}");
    view.state = JOURNAL_RUNNING;
    view.started_ms = 1700000001000;
    expect(&view, RECORD_RUNNING, NULL,
           HEAD "\"status\":\"running\"," MADE
                "\"started_at\":\"2023-11-14T22:13:21.000Z\",\"completed_at\":null,\"result\":null}");
    view = view_of(JOURNAL_DONE, RECORD_COMPLETED);
    view.record.started_ms = 1700000001500;
    view.record.completed_ms = 1700000002000;
    view.result = (char[]){"{\"stdout\":\"x\"}"};
    view.result_len = strlen(view.result);
    expect(&view, RECORD_RUNNING, NULL,
           HEAD "\"status\":\"completed\"," MADE "\"started_at\":\"2023-11-14T22:13:21.500Z\","
                "\"completed_at\":\"2023-11-14T22:13:22.000Z\",\"result\":{\"stdout\":\"x\"}}");
}

static void every_other_end_is_failed(void **state)
{
    (void)state;
    for (int status = RECORD_FAILED; status < RECORD_STATUSES; status++) {
        struct journal_view view = view_of(JOURNAL_DONE, (enum record_status)status);
        expect(&view, RECORD_RUNNING, NULL,
               HEAD "\"status\":\"failed\"," MADE "\"started_at\":null,\"completed_at\":null,\"result\":null}");
    }
}

static void with_a_webhook(void **state)
{
    (void)state;
    struct journal_view view = view_of(JOURNAL_WAITING, RECORD_PENDING);
    struct webhook_row row = {.state = WEBHOOK_DUE, .attempts = 1, .next_ms = 1700000001000, .last_error = "why"};
    static const char shape[] = HEAD "\"status\":\"pending\"," MADE "\"started_at\":null,\"completed_at\":null,"
                                     "\"result\":null,\"webhook\":{\"status\":\"%s\",\"attempts\":%d,\"last_error\":%s,"
                                     "\"next_attempt_at\":%s}}";
    static const struct {
        enum webhook_state state;
        const char *status, *next;
    } cases[] = {{WEBHOOK_ASLEEP, "pending", "null"},
                 {WEBHOOK_DUE, "pending", "\"2023-11-14T22:13:21.000Z\""},
                 {WEBHOOK_DELIVERED, "delivered", "null"},
                 {WEBHOOK_GIVEN_UP, "failed", "null"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        row.state = cases[i].state;
        snprintf(text, sizeof text, shape, cases[i].status, 1, "\"why\"", cases[i].next);
        expect(&view, RECORD_PENDING, &row, text);
    }
}

static void too_large_for_its_buffer(void **state)
{
    (void)state;
    struct journal_view view = view_of(JOURNAL_WAITING, RECORD_PENDING);
    for (size_t max = 0; max < 150; max += 10) {
        struct buf out;
        buf_init(&out, max);
        assert_int_equal(accepted_text(&out, &view, RECORD_PENDING, NULL), -1);
        buf_free(&out);
    }
}

static void a_refusal(void **state)
{
    (void)state;
    size_t len;
    char *text = accepted_refusal("a \"b\"", &len);
    assert_string_equal(text, "{\"detail\":\"a \\\"b\\\"\"}");
    assert_int_equal(len, strlen(text));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_acceptance_to_the_end),
        cmocka_unit_test(every_other_end_is_failed),
        cmocka_unit_test(with_a_webhook),
        cmocka_unit_test(too_large_for_its_buffer),
        cmocka_unit_test(a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
