/* GET: the entry (`read` of no bytes), then the bytes (`read`). DELETE: `remove`. The list: `list`. */
#include "api/session_files.h"

#include "api/answers.h"
#include "api/file_call.h"
#include "api/file_fields.h"
#include "api/file_input.h"
#include "api/file_tag.h"
#include "base/container_of.h"
#include "base/fields.h"
#include "http/etag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER 24 /* bytes of a number as text */

/* The list. */

struct file_list {
    struct file_call call;
    int64_t depth, limit;
    const char *path, *after; /* in the call's arena */
    char depth_text[NUMBER], limit_text[NUMBER];
    json_t *items;
    bool more;
    char *last; /* the last item's path */
};

static struct file_list *list_of(struct file_call *call)
{
    return container_of(call, struct file_list, call);
}

static const char *parameter(const void *ex, const char *name)
{
    return http_query(ex, name);
}

/* The folder itself is not among its items. */
static void list_on_entry(struct file_call *call, const struct entry *entry)
{
    struct file_list *list = list_of(call);
    bool itself = entry->type == ENTRY_DIRECTORY && entry->path_len == strlen(list->path) &&
                  memcmp(entry->path, list->path, entry->path_len) == 0;

    if (itself)
        return;
    if (json_array_size(list->items) == (size_t)list->limit) {
        list->more = true;
        return;
    }
    free(list->last);
    list->last = strndup(entry->path, entry->path_len);
    json_array_append_new(list->items, file_info_json(entry));
}

static void list_answer(struct file_call *call)
{
    struct file_list *list = list_of(call);
    json_t *cursor = list->more && list->last != NULL ? json_string(list->last) : json_null();

    api_respond(pending_end(&call->pending), 200,
                json_pack("{soso}", "items", list->items, "next_cursor", cursor != NULL ? cursor : json_null()));
    list->items = NULL;
}

static void list_on_end(struct file_call *call, enum file_exit exit)
{
    if (exit == FILE_DONE)
        file_call_finish(call, list_answer);
    else
        file_call_fail(call, exit);
}

static const struct file_step list_step = {.on_entry = list_on_entry, .on_end = list_on_end};

static void list_begin(struct file_call *call)
{
    struct file_list *list = list_of(call);
    const char *const args[] = {"list", list->path, list->depth_text, list->after, list->limit_text, NULL};

    file_call_run(call, &list_step, args);
}

static void list_clear(struct file_call *call)
{
    struct file_list *list = list_of(call);

    json_decref(list->items);
    free(list->last);
}

static const struct file_operation list_operation = {
    .size = sizeof(struct file_list), .sleeps = true, .begin = list_begin, .clear = list_clear};

void api_files_list(struct http_exchange *ex)
{
    struct error error;
    struct files_query query = {.path = "", .cursor = "", .depth = 1, .limit = 200};
    struct file_call *call = file_call_new(ex, &list_operation);

    if (call == NULL)
        return;
    struct file_list *list = list_of(call);
    const struct fields_reading reading = {.arena = &call->arena, .error = &error};
    if (fields_read_query(&files_query_fields, parameter, ex, &reading, &query) != 0) {
        file_call_refuse(call, error.code, error.text);
        return;
    }
    list->depth = query.depth;
    list->limit = query.limit;
    list->items = json_array();
    list->path = arena_printf(&call->arena, "%s", query.path);
    list->after = arena_printf(&call->arena, "%s", query.cursor);
    free(call->path);
    call->path = strdup(query.path);
    if (list->path == NULL || list->after == NULL || call->path == NULL) {
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    snprintf(list->depth_text, sizeof list->depth_text, "%lld", (long long)query.depth);
    snprintf(list->limit_text, sizeof list->limit_text, "%lld", (long long)query.limit + 2); /* itself, and one more */
    file_call_start(call);
}

/* One file. */

struct file_get {
    struct file_call call;
    bool found;
    struct entry entry; /* without its texts */
    struct file_range range;
    char offset[NUMBER], length[NUMBER];
    char tag[FILE_TAG_MAX];
    int status;
    bool began, same; /* the answer has begun; the second step's entry is that of the first */
    struct buf rest;  /* what the client has not taken yet */
};

static struct file_get *get_of(struct file_call *call)
{
    return container_of(call, struct file_get, call);
}

static void note_entry(struct file_call *call, const struct entry *entry)
{
    struct file_get *get = get_of(call);

    get->found = true;
    get->entry = *entry;
    get->entry.path = get->entry.target = NULL;
}

static void get_headers(struct file_get *get, struct http_exchange *ex)
{
    char date[64];

    file_date(get->entry.mtime_ns, date, sizeof date);
    http_header_add(ex, "ETag", "\"%s\"", get->tag);
    http_header_add(ex, "Last-Modified", "%s", date);
    http_header_add(ex, "Accept-Ranges", "bytes");
    http_header_add(ex, "Content-Disposition", "attachment");
    http_header_add(ex, "X-Content-Type-Options", "nosniff");
}

static void get_answer_unchanged(struct file_call *call)
{
    struct http_exchange *ex = pending_end(&call->pending);

    get_headers(get_of(call), ex);
    http_respond(ex, 304, NULL, NULL, 0);
}

static void get_answer_range(struct file_call *call)
{
    struct http_exchange *ex = pending_end(&call->pending);

    http_header_add(ex, "Content-Range", "bytes */%llu", (unsigned long long)get_of(call)->entry.size);
    http_respond_error(ex, 416, "Range: the file is shorter");
}

/* The bytes, with the pace of the client. */

static void get_drained(void *arg)
{
    struct file_get *get = arg;
    size_t taken = http_flow_write(get->call.pending.ex, get->rest.data, get->rest.len);

    buf_consume(&get->rest, taken);
    if (get->rest.len > 0)
        return;
    if (get->call.step != NULL)
        file_call_hold(&get->call, false);
}

static void get_begin_answer(struct file_get *get)
{
    struct http_exchange *ex = get->call.pending.ex;
    uint64_t last = get->range.offset + get->range.length - 1;

    get->began = true;
    get_headers(get, ex);
    if (get->range.partial)
        http_header_add(ex, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)get->range.offset,
                        (unsigned long long)last, (unsigned long long)get->entry.size);
    http_flow_begin(ex, get->range.partial ? 206 : 200, "application/octet-stream");
    http_flow_on_drained(ex, get_drained, get);
}

static void get_on_same(struct file_call *call, const struct entry *entry)
{
    struct file_get *get = get_of(call);

    get->same = entry->size == get->entry.size && entry->mtime_ns == get->entry.mtime_ns;
    if (get->same)
        get_begin_answer(get);
}

static void get_on_data(struct file_call *call, const uint8_t *data, size_t len)
{
    struct file_get *get = get_of(call);
    size_t taken = 0;

    if (!get->began)
        return;
    if (get->rest.len == 0)
        taken = http_flow_write(call->pending.ex, (const char *)data, len);
    if (taken == len)
        return;
    file_call_hold(call, true);
    if (buf_append(&get->rest, data + taken, len - taken) != 0)
        get->same = false; /* the answer is cut below */
}

/* The rest is written while the workspace is free again. */
static void get_end_flow(struct file_call *call)
{
    struct file_get *get = get_of(call);
    struct http_exchange *ex = pending_end(&call->pending);

    if (get->same)
        http_flow_end(ex);
    else
        http_flow_abort(ex);
}

static void get_on_read(struct file_call *call, enum file_exit exit)
{
    struct file_get *get = get_of(call);

    if (!get->began) {
        file_call_fail(call, exit == FILE_DONE ? FILE_SYSTEM : exit);
        return;
    }
    get->same = get->same && exit == FILE_DONE && get->rest.len == 0;
    file_call_finish(call, get_end_flow);
}

static const struct file_step read_step = {.on_entry = get_on_same, .on_data = get_on_data, .on_end = get_on_read};

static void get_on_found(struct file_call *call, enum file_exit exit)
{
    struct file_get *get = get_of(call);
    struct http_exchange *ex = call->pending.ex;
    char quoted[FILE_TAG_MAX + 2];

    if (exit != FILE_DONE || !get->found) {
        file_call_fail(call, exit != FILE_DONE ? exit : FILE_NOT_FOUND);
        return;
    }
    file_tag(&get->entry, get->tag);
    snprintf(quoted, sizeof quoted, "\"%s\"", get->tag);
    if (http_etag_fits(http_header(ex, "If-None-Match"), quoted)) {
        file_call_finish(call, get_answer_unchanged);
        return;
    }
    if (file_range_read(http_header(ex, "Range"), get->entry.size, &get->range) != 0) {
        file_call_finish(call, get_answer_range);
        return;
    }
    snprintf(get->offset, sizeof get->offset, "%llu", (unsigned long long)get->range.offset);
    snprintf(get->length, sizeof get->length, "%llu", (unsigned long long)get->range.length);
    file_call_run(call, &read_step, (const char *const[]){"read", call->path, get->offset, get->length, NULL});
}

static const struct file_step find_step = {.on_entry = note_entry, .on_end = get_on_found};

static void get_begin(struct file_call *call)
{
    buf_init(&get_of(call)->rest, (size_t)1 << 20);
    file_call_run(call, &find_step, (const char *const[]){"read", call->path, "0", "0", NULL});
}

static void get_clear(struct file_call *call)
{
    buf_free(&get_of(call)->rest);
}

static const struct file_operation get_operation = {
    .size = sizeof(struct file_get), .sleeps = true, .begin = get_begin, .clear = get_clear};

void api_files_get(struct http_exchange *ex)
{
    struct file_call *call = file_call_new(ex, &get_operation);

    if (call != NULL)
        file_call_start(call);
}

/* Removing. */

struct file_remove {
    struct file_call call;
    char condition[FILE_CONDITION_MAX];
};

static void remove_answer(struct file_call *call)
{
    http_respond(pending_end(&call->pending), 204, NULL, NULL, 0);
}

static void remove_on_end(struct file_call *call, enum file_exit exit)
{
    if (exit == FILE_DONE)
        file_call_finish(call, remove_answer);
    else
        file_call_fail(call, exit);
}

static const struct file_step remove_step = {.on_end = remove_on_end};

static void remove_begin(struct file_call *call)
{
    struct file_remove *remove = container_of(call, struct file_remove, call);

    file_call_run(call, &remove_step, (const char *const[]){"remove", call->path, remove->condition, NULL});
}

static const struct file_operation remove_operation = {
    .size = sizeof(struct file_remove), .changes = true, .begin = remove_begin};

void api_files_delete(struct http_exchange *ex)
{
    struct file_call *call = file_call_new(ex, &remove_operation);
    struct error error;

    if (call == NULL)
        return;
    struct file_remove *remove = container_of(call, struct file_remove, call);
    if (file_condition(http_header(ex, "If-Match"), NULL, remove->condition, &error) != 0)
        file_call_refuse(call, error.code, error.text);
    else
        file_call_start(call);
}

/* Writing. The body is read once the agent takes it. */

struct file_put {
    struct file_call call;
    struct file_input input;
    char condition[FILE_CONDITION_MAX], tag[FILE_TAG_MAX];
    bool existed, written;
};

static struct file_put *put_of(struct file_call *call)
{
    return container_of(call, struct file_put, call);
}

static void put_answer(struct file_call *call)
{
    struct file_put *put = put_of(call);
    struct http_exchange *ex = pending_end(&call->pending);

    if (put->written)
        http_header_add(ex, "ETag", "\"%s\"", put->tag);
    if (!put->existed)
        http_header_add(ex, "Location", "%s", http_path(ex));
    http_respond(ex, put->existed ? 204 : 201, NULL, NULL, 0);
}

static void put_on_written(struct file_call *call, const struct entry *entry)
{
    put_of(call)->written = true;
    file_tag(entry, put_of(call)->tag);
}

static void put_on_end(struct file_call *call, enum file_exit exit)
{
    if (exit == FILE_DONE)
        file_call_finish(call, put_answer);
    else
        file_call_fail(call, exit);
}

static void put_on_input_wanted(struct file_call *call)
{
    file_input_feed(&put_of(call)->input, call);
}

static const struct file_step write_step = {
    .on_entry = put_on_written, .on_input_wanted = put_on_input_wanted, .on_end = put_on_end};

static int put_piece(struct http_exchange *ex, const char *data, size_t len)
{
    struct file_put *put = put_of(file_call_of(ex));

    if (file_input_data(&put->input, data, len) != 0)
        return -1;
    http_body_hold(ex);
    file_input_feed(&put->input, &put->call);
    return 0;
}

void api_files_put(struct http_exchange *ex)
{
    struct file_put *put = put_of(file_call_of(ex));

    file_input_end(&put->input, file_input_file_end(&put->input) == 0);
    file_input_feed(&put->input, &put->call);
}

static void put_on_found(struct file_call *call, enum file_exit exit)
{
    struct file_put *put = put_of(call);

    if (exit != FILE_DONE && exit != FILE_NOT_FOUND) {
        file_call_fail(call, exit);
        return;
    }
    put->existed = exit == FILE_DONE;
    if (file_input_file(&put->input, call->path) != 0) {
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    file_call_run(call, &write_step, (const char *const[]){"write", put->condition, NULL});
    file_input_admit(&put->input, call, put_piece, (uint64_t)call->plan.limits.cell.disk_mb << 20);
}

static const struct file_step exists_step = {.on_end = put_on_found};

static void put_begin(struct file_call *call)
{
    file_call_run(call, &exists_step, (const char *const[]){"list", call->path, "0", "", "1", NULL});
}

static void put_clear(struct file_call *call)
{
    file_input_free(&put_of(call)->input);
}

static const struct file_operation put_operation = {
    .size = sizeof(struct file_put), .changes = true, .begin = put_begin, .clear = put_clear};

void api_files_put_begin(struct http_exchange *ex)
{
    struct file_call *call = file_call_new(ex, &put_operation);
    struct error error;

    if (call == NULL)
        return;
    struct file_put *put = put_of(call);
    file_input_init(&put->input);
    if (file_condition(http_header(ex, "If-Match"), http_header(ex, "If-None-Match"), put->condition, &error) != 0)
        file_call_refuse(call, error.code, error.text);
    else
        file_call_start(call);
}
