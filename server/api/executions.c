/* Records of executions. A row says pending until its execution has ended; whether it waits or runs is the
 * runner's to say, so the live status is put over such rows on the loop, after the database has answered. */
#include "api/executions.h"

#include "api/accepted.h"
#include "api/answers.h"
#include "api/background.h"

#include <stdlib.h>
#include <string.h>

/* Shape. */

/* NULL if the settings do not keep it. */
static void set_kept(json_t *object, const char *name, const char *data, size_t len)
{
    if (data == NULL)
        return;
    struct buf clean;
    buf_init(&clean, len * 3); /* U+FFFD is three bytes for one */
    if (text_utf8_clean(&clean, data, len, false) == 0)
        json_object_set_new(object, name, json_stringn(clean.data != NULL ? clean.data : "", clean.len));
    buf_free(&clean);
}

static const struct field record_list[] = {
    FIELD_OUT("execution_id", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_UUID),
    FIELD_OUT("session_id", FIELD_TEXT, "of its session, or null", .nullable = true),
    FIELD_OUT("language", FIELD_TEXT, "the language's id"),
    FIELD_OUT("version", FIELD_TEXT, "of the language; null until it is known", .nullable = true),
    FIELD_OUT("status", FIELD_CHOICE, "how it ended, or pending, running or lost", .choices = record_status_names),
    FIELD_OUT("exit_code", FIELD_INTEGER, "null unless it ended by itself", .nullable = true),
    FIELD_OUT("created_at", FIELD_TEXT, "when it was accepted", .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("started_at", FIELD_TEXT, "null: not yet", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("completed_at", FIELD_TEXT, "null: not yet", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("execution_time", FIELD_NUMBER, "seconds that the program ran", .nullable = true),
    FIELD_OUT("queue_time", FIELD_NUMBER, "seconds that it waited", .nullable = true),
    FIELD_OUT("cpu_time", FIELD_NUMBER, "seconds of all its processes", .nullable = true),
    FIELD_OUT("memory_mb", FIELD_NUMBER, "its peak in MiB", .nullable = true),
    FIELD_OUT("code_bytes", FIELD_INTEGER, "the length of its code"),
    FIELD_OUT("stdout_bytes", FIELD_INTEGER, "null: it has not ended", .nullable = true),
    FIELD_OUT("stderr_bytes", FIELD_INTEGER, "null: it has not ended", .nullable = true),
    FIELD_OUT("attempts", FIELD_INTEGER, "how often it was started"),
    FIELD_OUT_MAYBE("code", FIELD_TEXT, "if the server's settings keep it"),
    FIELD_OUT_MAYBE("stdout", FIELD_TEXT, "if the server's settings keep it"),
    FIELD_OUT_MAYBE("stderr", FIELD_TEXT, "if the server's settings keep it"),
};
const struct fields execution_fields = FIELDS(record_list, 0);

json_t *execution_json(const struct record *record)
{
    bool ended = record->completed_ms != 0;
    json_t *object = json_object();

    json_object_set_new(object, "execution_id", json_string(record->id));
    json_object_set_new(object, "session_id", api_text(record->session_id));
    json_object_set_new(object, "language", json_string(record->language));
    json_object_set_new(object, "version", api_text(record->version));
    json_object_set_new(object, "status", json_string(record_status_name(record->status)));
    json_object_set_new(object, "exit_code", record->ended_by_itself ? json_integer(record->exit_code) : json_null());
    json_object_set_new(object, "created_at", api_time(record->created_ms));
    json_object_set_new(object, "started_at", api_time(record->started_ms));
    json_object_set_new(object, "completed_at", api_time(record->completed_ms));
    json_object_set_new(object, "execution_time", api_seconds(record->execution_ns));
    json_object_set_new(object, "queue_time", api_seconds(record->queue_ns));
    json_object_set_new(object, "cpu_time", api_seconds(record->cpu_ns));
    json_object_set_new(object, "memory_mb", api_megabytes(record->memory_bytes));
    json_object_set_new(object, "code_bytes", json_integer(record->code_bytes));
    json_object_set_new(object, "stdout_bytes", ended ? json_integer(record->stdout_bytes) : json_null());
    json_object_set_new(object, "stderr_bytes", ended ? json_integer(record->stderr_bytes) : json_null());
    json_object_set_new(object, "attempts", json_integer(record->attempts));
    set_kept(object, "code", record->code, record->code_len);
    set_kept(object, "stdout", record->out, record->out_len);
    set_kept(object, "stderr", record->err, record->err_len);
    return object;
}

/* The live status. */

/* Of an execution that is not done. What has ended but has no committed record yet counts as running. */
static enum record_status live_status(const struct execution *execution)
{
    return execution_status(execution) == RECORD_PENDING ? RECORD_PENDING : RECORD_RUNNING;
}

static void put_live_status(struct api *api, struct record *record)
{
    const struct execution *execution =
        record->status == RECORD_PENDING ? runner_find(api->runner, record->key_row, record->id) : NULL;

    if (execution != NULL)
        record->status = live_status(execution);
}

/* Lists. */

static bool add_record(struct record *record, void *arg)
{
    return query_add_record(arg, record);
}

int executions_read(struct db *db, struct query *query, struct error *error)
{
    int result = records_list(db, &query->filter, add_record, query, &query->more, error);

    return result == 0 && query->more && query->count == 0 ? error_memory(error) : result;
}

static json_t *make_page(const struct query *query)
{
    json_t *items = json_array();

    for (size_t i = 0; i < query->count; i++)
        if (query->status < 0 || query->status == (int)query->records[i].status)
            json_array_append_new(items, execution_json(&query->records[i]));
    return query_page(query, items);
}

void executions_put_live(struct query *query)
{
    for (size_t i = 0; i < query->count; i++)
        put_live_status(query->api, &query->records[i]);
}

void executions_answer(struct query *query)
{
    executions_put_live(query);
    query_answer_records(query, make_page);
}

/* Copies what outlives the exchange. */
static int set_text(char **out, const char *text, struct error *error)
{
    if (text != NULL && (*out = strdup(text)) == NULL)
        return error_memory(error);
    return 0;
}

struct list_query {
    const char *language, *session_id; /* NULL: any */
    int status;                        /* enum record_status; -1: any */
};

static const struct field list_fields_list[] = {
    {.name = "status",
     .type = FIELD_CHOICE,
     .choices = record_status_names,
     .at = offsetof(struct list_query, status),
     .meaning = "only executions of this status"},
    {.name = "language",
     .type = FIELD_TEXT,
     .at = offsetof(struct list_query, language),
     .meaning = "only executions of this language"},
    {.name = "session_id",
     .type = FIELD_TEXT,
     .at = offsetof(struct list_query, session_id),
     .meaning = "only executions of this session"},
};
const struct fields executions_list_fields = FIELDS(list_fields_list, sizeof(struct list_query));

static int read_filter(struct query *query, struct error *error)
{
    const struct fields_reading reading = {.error = error};
    struct list_query list = {.status = -1};

    if (fields_read_query(&executions_list_fields, page_parameter, query->pending.ex, &reading, &list) != 0)
        return -1;
    query->status = list.status;
    /* The row of an execution that runs says pending. */
    query->filter.status = list.status == RECORD_RUNNING ? RECORD_PENDING : list.status;
    /* A language that is not offered any more still has records, under its id. */
    struct language_version *version;
    const struct language *known =
        list.language != NULL ? catalog_find(query->api->languages, list.language, &version) : NULL;
    if (set_text(&query->language, known != NULL ? known->id : list.language, error) != 0 ||
        set_text(&query->session_id, list.session_id, error) != 0)
        return -1;
    query->filter.language = query->language;
    query->filter.session_id = query->session_id;
    return 0;
}

void api_executions_list(struct http_exchange *ex)
{
    struct query *query = query_new_list(ex, PAGE_EXECUTIONS, executions_read, executions_answer);

    if (query == NULL)
        return;
    struct error error;
    if (read_filter(query, &error) == 0)
        query_start(query);
    else
        query_refuse(query, &error);
}

/* One. */

static int executions_read_one(struct db *db, struct query *query, struct error *error)
{
    struct record record;

    if (records_get(db, query->key_row, query->id, &record, error) != 0)
        return -1;
    bool taken = query_add_record(query, &record);
    record_clear(&record);
    return taken ? 0 : error_memory(error);
}

static json_t *make_one(const struct query *query)
{
    return execution_json(&query->records[0]);
}

static void answer_one(struct query *query)
{
    put_live_status(query->api, &query->records[0]);
    query_answer_records(query, make_one);
}

void api_executions_get(struct http_exchange *ex)
{
    struct query *query = query_new(ex, executions_read_one, answer_one);

    if (query != NULL)
        query_start(query);
}

/* Cancelling. What runs is the runner's. What was accepted to run in the background and waits is the journal's. On the
 * way from the one to the other it is neither's, so it is looked for a few times. */

#define DELETE_TRIES 3

static int delete_work(struct db *db, struct query *query, struct error *error)
{
    if (!query->cancelled) {
        int cancelled =
            accepted_cancel(db, query->key_row, query->id, &background_options(query->api->background)->room, error);
        if (cancelled < 0)
            return -1;
        query->cancelled = query->ended = cancelled == 1;
    }
    return executions_read_one(db, query, error);
}

static bool execution_is_under_way(const struct execution *execution)
{
    enum record_status status = execution_status(execution);

    return status == RECORD_PENDING || status == RECORD_RUNNING;
}

static void delete_try(struct query *query)
{
    struct api *api = query->api;
    struct execution *execution = runner_find(api->runner, query->key_row, query->id);

    if (execution != NULL && execution_is_under_way(execution)) {
        query->cancelled = true;
        execution_cancel(execution); /* which queues the job of its record */
    } else {
        background_release(api->background, query->id);
    }
    query->tries++;
    query_start(query);
}

static bool is_open(const struct record *record)
{
    return record->status == RECORD_PENDING || record->status == RECORD_RUNNING;
}

static void delete_answer(struct query *query)
{
    struct record *record = &query->records[0];
    struct error error;

    if (query->ended)
        background_ended(query->api->background, record->id);
    if (query->cancelled) {
        if (is_open(record)) /* its record comes later, because a large result is being encoded */
            record->status = RECORD_CANCELLED;
        query_answer_records(query, make_one);
    } else if (is_open(record) && query->tries < DELETE_TRIES) {
        query_forget_records(query);
        delete_try(query);
    } else {
        error_set(&error, ERROR_CONFLICT, "Execution %s is not running", query->id);
        query_refuse(query, &error);
    }
}

void api_executions_delete(struct http_exchange *ex)
{
    struct query *query = query_new(ex, delete_work, delete_answer);

    if (query == NULL)
        return;
    query->job.reader = 0; /* it may write, and comes after the jobs of records */
    delete_try(query);
}
