#include "api/accepted.h"

#include "api/answers.h"
#include "api/execute_answer.h"
#include "base/json.h"
#include "base/seam.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The object. */

static const char *status_name(const struct journal_view *view, enum record_status status)
{
    if (view->state != JOURNAL_DONE)
        return record_status_name(status);
    return record_status_name(view->record.status == RECORD_COMPLETED ? RECORD_COMPLETED : RECORD_FAILED);
}

static json_t *webhook_value(const struct webhook_row *row)
{
    static const char *const names[] = {[WEBHOOK_ASLEEP] = "pending",
                                        [WEBHOOK_DUE] = "pending",
                                        [WEBHOOK_DELIVERED] = "delivered",
                                        [WEBHOOK_GIVEN_UP] = "failed"};
    json_t *value = json_object();

    json_object_set_new(value, "status", json_string(names[row->state]));
    json_object_set_new(value, "attempts", json_integer(row->attempts));
    json_object_set_new(value, "last_error", api_text(row->last_error));
    json_object_set_new(value, "next_attempt_at", api_time(row->state == WEBHOOK_DUE ? row->next_ms : 0));
    return value;
}

static const char *const accepted_statuses[] = {"pending", "running", "completed", "failed", NULL};
static const char *const webhook_states[] = {"pending", "delivered", "failed", NULL};

static const struct field accepted_webhook_list[] = {
    FIELD_OUT("status", FIELD_CHOICE, NULL, .choices = webhook_states),
    FIELD_OUT("attempts", FIELD_INTEGER, "tries so far"),
    FIELD_OUT("last_error", FIELD_TEXT, "why the last try failed", .nullable = true),
    FIELD_OUT("next_attempt_at", FIELD_TEXT, "null: there is none", .nullable = true, .schema = FIELD_SCHEMA_TIME),
};
static const struct fields accepted_webhook_fields = FIELDS(accepted_webhook_list, 0);

static const struct field accepted_list[] = {
    FIELD_OUT("execution_id", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_UUID),
    FIELD_OUT("status", FIELD_CHOICE, "failed: it has any other end than completed", .choices = accepted_statuses),
    FIELD_OUT("created_at", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("started_at", FIELD_TEXT, "null: not yet", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("completed_at", FIELD_TEXT, "null: not yet", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("result", FIELD_ANY, "what POST /api/v1/execute would have answered; null: not yet",
              .schema = "{\"anyOf\": [{\"$ref\": \"#/components/schemas/AnyAnswer\"}, {\"type\": \"null\"}]}"),
    FIELD_OUT_MAYBE("webhook", FIELD_OBJECT, "if the request named one", .inside = &accepted_webhook_fields),
};
const struct fields accepted_fields = FIELDS(accepted_list, 0);

static json_t *head_value(const struct journal_view *view, enum record_status status)
{
    const struct record *record = &view->record;
    json_t *value = json_object();

    json_object_set_new(value, "execution_id", json_string(record->id));
    json_object_set_new(value, "status", json_string(status_name(view, status)));
    json_object_set_new(value, "created_at", api_time(record->created_ms));
    json_object_set_new(value, "started_at",
                        api_time(view->state == JOURNAL_DONE ? record->started_ms : view->started_ms));
    json_object_set_new(value, "completed_at", api_time(record->completed_ms));
    return value;
}

/* Takes the value. 0, or -1 out of memory. */
static int put_value(struct buf *out, json_t *value, size_t cut)
{
    size_t len = 0;
    char *text = value != NULL ? json_text(value, &len) : NULL;
    int result = text != NULL ? buf_append(out, text, len - cut) : -1;

    json_decref(value);
    free(text);
    return result;
}

/* The result is JSON already, and may be large. */
int accepted_text(struct buf *out, const struct journal_view *view, enum record_status status,
                  const struct webhook_row *webhook)
{
    if (put_value(out, head_value(view, status), 1) != 0 || buf_puts(out, ",\"result\":") != 0)
        return -1;
    if ((view->result != NULL ? buf_append(out, view->result, view->result_len) : buf_puts(out, "null")) != 0)
        return -1;
    if (webhook != NULL && (buf_puts(out, ",\"webhook\":") != 0 || put_value(out, webhook_value(webhook), 0) != 0))
        return -1;
    return buf_puts(out, "}");
}

char *accepted_refusal(const char *sentence, size_t *len)
{
    json_t *value = json_pack("{s:s}", "detail", sentence);
    char *text = value != NULL ? json_text(value, len) : NULL;

    json_decref(value);
    return text;
}

/* Cancelling. */

/* The synchronous answer of one that was cancelled in the queue. */
static char *cancelled_text(const struct record *record, size_t *len)
{
    struct execute_answer answer = {.result = {.status = RECORD_CANCELLED,
                                               .exit_code = 128 + SIGKILL,
                                               .signal = SIGKILL,
                                               .wall_ns = -1,
                                               .cpu_ns = -1,
                                               .queue_ns = record->queue_ns,
                                               .peak_bytes = -1},
                                    .warnings = json_array()};

    text_copy(answer.id, sizeof answer.id, record->id);
    text_copy(answer.version, sizeof answer.version, record->version);
    text_copy(answer.language, sizeof answer.language, record->language);
    text_copy(answer.session_id, sizeof answer.session_id, record->session_id);
    int failed = execute_answer_encode(&answer);
    json_decref(answer.warnings);
    *len = answer.len;
    return failed == 0 ? answer.text : NULL;
}

static int cancel_waiting(struct db *db, struct journal_view *view, const struct journal_room *room,
                          struct error *error)
{
    struct record *record = &view->record;
    int64_t now_ms = seam_wall_ms();
    size_t len;

    record->status = RECORD_CANCELLED;
    record->completed_ms = now_ms;
    record->queue_ns = now_ms > record->created_ms ? (now_ms - record->created_ms) * 1000000 : 0;
    record->reservation = view->reservation;
    char *text = cancelled_text(record, &len);
    if (text == NULL)
        return error_memory(error);
    int result = journal_finish(db, record, text, len, room, now_ms, error);
    free(text);
    return result;
}

int accepted_cancel(struct db *db, int64_t key_row, const char *id, const struct journal_room *room,
                    struct error *error)
{
    struct journal_view view;

    if (journal_get(db, key_row, id, &view, error) != 0)
        return error->code == ERROR_NOT_FOUND ? 0 : -1;
    int result = 0;
    if (view.state == JOURNAL_WAITING)
        result = cancel_waiting(db, &view, room, error) == 0 ? 1 : -1;
    journal_view_clear(&view);
    return result;
}
