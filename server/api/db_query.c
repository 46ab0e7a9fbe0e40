#include "api/db_query.h"

#include "api/answers.h"

#include "base/container_of.h"
#include "base/json.h"
#include "store/upkeep.h"

#include <stdlib.h>
#include <string.h>

void query_forget_records(struct query *query)
{
    for (size_t i = 0; i < query->count; i++)
        record_clear(&query->records[i]);
    query->count = 0;
    query->text_len = 0;
}

static void query_free(struct query *query)
{
    if (query->input != NULL)
        query->input_free(query->input);
    free(query->id);
    free(query->session_id);
    free(query->language);
    query_forget_records(query);
    free(query->records);
    json_decref(query->items);
    json_decref(query->value);
    free(query->text);
    free(query);
}

struct query *query_new(struct http_exchange *ex, int (*work)(struct db *db, struct query *query, struct error *error),
                        void (*answer)(struct query *query))
{
    struct query *query = calloc(1, sizeof *query);
    const char *id = http_param(ex, "id");
    struct error error;

    if (query == NULL || (id != NULL && (query->id = strdup(id)) == NULL)) {
        free(query);
        error_memory(&error);
        api_respond_error(ex, &error);
        return NULL;
    }
    pending_begin(&query->pending, ex, NULL);
    query->api = api_of(ex);
    query->key_row = api_caller(ex)->key.row;
    query->work = work;
    query->answer = answer;
    query->job.reader = query->key_row;
    query->code = 200;
    query->status = -1;
    query->filter = (struct record_filter){.key_row = query->key_row, .status = -1};
    return query;
}

static struct page_owner owner_of(const struct http_exchange *ex, enum page_list list)
{
    return (struct page_owner){
        .secret = store_cursor_key(api_of(ex)->store), .key_row = api_caller(ex)->key.row, .list = list};
}

struct query *query_new_list(struct http_exchange *ex, enum page_list list,
                             int (*work)(struct db *db, struct query *query, struct error *error),
                             void (*answer)(struct query *query))
{
    const struct page_owner owner = owner_of(ex, list);
    unsigned limit;
    int64_t before;
    struct error error;

    if (page_read(ex, &owner, &limit, &before, &error) != 0) {
        api_respond_error(ex, &error);
        return NULL;
    }
    struct query *query = query_new(ex, work, answer);
    if (query == NULL)
        return NULL;
    query->list = list;
    query->owner = owner;
    query->items = json_array();
    query->filter.limit = limit;
    query->filter.before = before;
    return query;
}

/* To the database and back. */

static int query_work(struct db *db, struct store_job *job, struct error *error)
{
    struct query *query = container_of(job, struct query, job);

    return query->work(db, query, error);
}

static void query_done(struct store_job *job, const struct error *error)
{
    struct query *query = container_of(job, struct query, job);

    if (error == NULL && query->purges)
        upkeep_purge(query->api->store);
    if (query->pending.ex == NULL)
        query_free(query);
    else if (error != NULL)
        query_refuse(query, error);
    else
        query->answer(query);
}

void query_start(struct query *query)
{
    query->job.work = query_work;
    query->job.done = query_done;
    store_submit(query->api->store, &query->job);
}

/* The answer. */

void query_refuse(struct query *query, const struct error *error)
{
    api_respond_error(pending_end(&query->pending), error);
    query_free(query);
}

static void query_finish(struct query *query)
{
    struct error error;
    struct http_exchange *ex = pending_end(&query->pending);

    if (ex != NULL && query->text == NULL) {
        error_memory(&error);
        api_respond_error(ex, &error);
    } else if (ex != NULL) {
        http_respond(ex, query->code, "application/json", query->text, query->len);
        query->text = NULL;
    }
    query_free(query);
}

static void query_encode(struct query *query)
{
    if (query->make != NULL)
        query->value = query->make(query);
    if (query->value != NULL)
        query->text = json_text(query->value, &query->len);
}

static void query_encode_apart(struct worker_job *encoding)
{
    query_encode(container_of(encoding, struct query, encoding));
}

static void query_encoded(struct worker_job *encoding)
{
    query_finish(container_of(encoding, struct query, encoding));
}

static void query_respond(struct query *query)
{
    if (query->text_len > QUERY_INLINE_MAX) {
        worker_queue(query->api->loop, &query->encoding, query_encode_apart, query_encoded);
        return;
    }
    query_encode(query);
    query_finish(query);
}

void query_answer_value(struct query *query)
{
    query_respond(query);
}

void query_answer_page(struct query *query)
{
    query->value = query_page(query, query->items);
    query->items = NULL;
    query_respond(query);
}

void query_answer_records(struct query *query, json_t *(*make)(const struct query *query))
{
    query->make = make;
    query_respond(query);
}

/* A page. */

json_t *query_page(const struct query *query, json_t *items)
{
    return page_json(items, &query->owner, query->more, query->last);
}

void query_add(struct query *query, json_t *item, int64_t sequence)
{
    query->last = sequence;
    json_array_append_new(query->items, item);
}

/* Room for all records that may come. */
static int query_make_room(struct query *query)
{
    if (query->records == NULL)
        query->records = calloc(query->list != 0 ? query->filter.limit : 1, sizeof *query->records);
    return query->records != NULL ? 0 : -1;
}

bool query_add_record(struct query *query, struct record *record)
{
    size_t text_len = record->code_len + record->out_len + record->err_len;
    bool full = query->count > 0 && text_len > QUERY_TEXT_MAX - query->text_len;

    if (full || query_make_room(query) != 0)
        return false;
    query->text_len = text_len < QUERY_TEXT_MAX - query->text_len ? query->text_len + text_len : QUERY_TEXT_MAX;
    query->last = record->sequence;
    query->records[query->count++] = *record;
    record->code = record->out = record->err = NULL;
    return true;
}
