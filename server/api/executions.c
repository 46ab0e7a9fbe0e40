/* Records of executions. A row says pending until its execution has ended; whether it waits or runs is the
 * runner's to say, so the live status is put over such rows on the loop, after the database has answered. */
#include "api/executions.h"

#include "api/answers.h"

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

void executions_answer(struct query *query)
{
    for (size_t i = 0; i < query->count; i++)
        put_live_status(query->api, &query->records[i]);
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

/* Cancelling. */

/* The key has the execution, but it does not run. */
static void answer_ended(struct query *query)
{
    struct error error;

    error_set(&error, ERROR_CONFLICT, "Execution %s is not running", query->id);
    query_refuse(query, &error);
}

static bool execution_is_under_way(const struct execution *execution)
{
    enum record_status status = execution_status(execution);

    return status == RECORD_PENDING || status == RECORD_RUNNING;
}

void api_executions_delete(struct http_exchange *ex)
{
    int64_t key_row = api_caller(ex)->key.row;
    struct execution *execution = runner_find(api_of(ex)->runner, key_row, http_param(ex, "id"));

    if (execution == NULL || !execution_is_under_way(execution)) {
        struct query *query = query_new(ex, executions_read_one, answer_ended);
        if (query != NULL)
            query_start(query);
        return;
    }
    json_t *message = json_sprintf("Execution %s cancelled", execution_id(execution));
    execution_cancel(execution);
    api_respond(ex, 200, json_pack("{so}", "message", message));
}
