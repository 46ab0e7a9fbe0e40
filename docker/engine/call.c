/* One call: engine_call -> an easy handle in the engine's multi -> on_transfer_done -> finish -> the caller's
 * `done`. What cannot be started goes to the engine's list of refused calls and fails at the next turn: `done`
 * never fires from within engine_call. */
#include "docker/engine/engine_private.h"

#include "base/container_of.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/seam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LEN 1900 /* of an URL's path with its query */

static void list_add(struct call_list *list, struct call *call)
{
    call->next = NULL;
    call->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = call;
    list->last = call;
    list->count++;
}

static void list_remove(struct call_list *list, struct call *call)
{
    *(call->prev != NULL ? &call->prev->next : &list->first) = call->next;
    *(call->next != NULL ? &call->next->prev : &list->last) = call->prev;
    list->count--;
}

static struct call *list_take_first(struct call_list *list)
{
    struct call *call = list->first;

    list->first = call->next;
    *(call->next != NULL ? &call->next->prev : &list->last) = NULL;
    list->count--;
    return call;
}

void engine_count(struct engine *engine, const char *metric, const char *result)
{
    const char *const labels[METRIC_LABELS_MAX + 1] = {metric, result};

    metric_add(metric_series(engine->calls_total, labels), 1);
}

void engine_observe(struct engine *engine, const char *metric, uint64_t started_ns)
{
    const char *const labels[METRIC_LABELS_MAX + 1] = {metric};

    metric_observe(metric_series(engine->call_seconds, labels), (double)(seam()->monotonic_ns() - started_ns) / 1e9);
}

/* Out of the list that it is in. */
static void withdraw(struct call *call)
{
    if (!call->refused)
        curl_loop_remove(&call->engine->calls, &call->transfer);
    list_remove(call->refused ? &call->engine->refused : &call->engine->under_way, call);
}

static void release(struct call *call)
{
    curl_easy_cleanup(call->transfer.easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    buf_free(&call->reply);
    free(call);
}

/* Of one that is in no list any more. */
static void finish(struct call *call, int status, json_t *reply, const struct error *error)
{
    call_done *done = call->done;
    void *arg = call->arg;

    engine_count(call->engine, call->metric, status == 0 ? "failed" : status < 400 ? "ok" : "error");
    if (status != 0)
        engine_observe(call->engine, call->metric, call->started_ns);
    release(call);
    done(arg, status, reply, error);
    json_decref(reply);
}

void engine_explain(CURLcode code, struct error *error)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        error_set(error, ERROR_UNAVAILABLE, "the container engine did not answer in time");
        break;
    case CURLE_WRITE_ERROR:
        error_set(error, ERROR_INTERNAL, "the container engine's answer is larger than %d MiB",
                  (int)(ENGINE_REPLY_MAX >> 20));
        break;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        error_set(error, ERROR_UNAVAILABLE, "the container engine cannot be reached");
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        error_set(error, ERROR_UNAVAILABLE, "the connection to the container engine broke");
        break;
    default:
        error_set(error, ERROR_UNAVAILABLE, "no answer from the container engine: %s", curl_easy_strerror(code));
    }
}

/* For a status from 400: the engine's own words. */
static void explain_status(int status, const json_t *reply, struct error *error)
{
    const char *message = json_string_value(json_object_get(reply, "message"));
    enum error_code code = status == 404 ? ERROR_NOT_FOUND : status == 409 ? ERROR_CONFLICT : ERROR_INTERNAL;

    if (message != NULL)
        error_set(error, code, "%s", message);
    else
        error_set(error, code, "the container engine answered %d", status);
}

static json_t *parse_reply(const struct call *call, struct error *error)
{
    const char *type = NULL;

    curl_easy_getinfo(call->transfer.easy, CURLINFO_CONTENT_TYPE, &type);
    if (call->reply.len == 0 || type == NULL || strncmp(type, "application/json", 16) != 0)
        return NULL;
    json_t *reply = json_parse(call->reply.data, call->reply.len, error);
    if (reply == NULL)
        error_wrap(error, "the container engine's answer");
    return reply;
}

static void on_transfer_done(struct transfer *transfer, CURLcode code)
{
    struct call *call = container_of(transfer, struct call, transfer);
    struct error error = {0};
    json_t *reply = NULL;
    long status = 0;

    if (code == CURLE_OK && !call->head_whole)
        code = CURLE_RECV_ERROR;
    engine_heard(call->engine, code);
    if (code != CURLE_OK) {
        engine_explain(code, &error);
    } else {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        reply = parse_reply(call, &error);
        if (status >= 400)
            explain_status((int)status, reply, &error);
        if (call->inspect != NULL)
            call->inspect(call->engine, transfer->easy);
    }
    withdraw(call);
    finish(call, (int)status, reply, &error);
}

static size_t on_body(char *data, size_t size, size_t len, void *arg)
{
    struct call *call = arg;

    (void)size; /* 1, says curl */
    return buf_append(&call->reply, data, len) == 0 ? len : 0;
}

/* curl takes an answer that is cut in its head for a whole one. */
static size_t on_header(char *line, size_t size, size_t len, void *arg)
{
    struct call *call = arg;

    (void)size;
    call->head_whole = len == 2 && line[0] == '\r';
    return len;
}

/* The body, and what curl would add to it by itself: no Expect, and a type only where there is something. */
static int set_body(struct call *call, const struct call_options *options)
{
    CURL *easy = call->transfer.easy;
    const char *type = options->raw != NULL    ? "Content-Type: application/x-tar"
                       : options->body != NULL ? "Content-Type: application/json"
                                               : "Content-Type:";
    size_t len = 0;

    if (options->body != NULL) {
        call->body = json_text(options->body, &len);
    } else if ((call->body = malloc(options->raw_len + 1)) != NULL) {
        len = options->raw != NULL ? options->raw_len : 0;
        if (len > 0)
            memcpy(call->body, options->raw, len);
    }
    call->headers = curl_slist_append(NULL, "Expect:");
    if (call->body == NULL || call->headers == NULL || curl_slist_append(call->headers, type) == NULL)
        return -1;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK ? 0 : -1;
}

static int set_up(struct call *call, const struct call_options *options, const char *path)
{
    CURL *easy = call->transfer.easy = curl_easy_init();
    bool plain = strcmp(options->method, "GET") == 0;

    if (easy == NULL || endpoint_apply(&call->engine->endpoint, easy, path) != 0)
        return -1;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->deadline_ms);
    if (!plain && set_body(call, options) != 0)
        return -1;
    return plain || curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method) == CURLE_OK ? 0 : -1;
}

static void refuse_new(struct call *call)
{
    call->refused = true;
    list_add(&call->engine->refused, call);
    engine_later(call->engine);
}

/* 0 where it is under way; else `call->error` says why not. */
static int send_call(struct call *call, const struct call_options *options, const char *path)
{
    struct engine *engine = call->engine;

    if (engine->under_way.count >= ENGINE_CALLS_MAX)
        return error_set(&call->error, ERROR_UNAVAILABLE, "more than %u calls to the container engine at once",
                         ENGINE_CALLS_MAX);
    if (set_up(call, options, path) != 0 || curl_loop_add(&engine->calls, &call->transfer) != 0)
        return error_set(&call->error, ERROR_INTERNAL, "the call could not be made ready");
    list_add(&engine->under_way, call);
    return 0;
}

static struct call *call_new(struct engine *engine, const struct call_options *options, call_done *done, void *arg)
{
    struct call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->engine = engine;
    call->transfer.done = on_transfer_done;
    call->metric = options->metric;
    call->started_ns = seam()->monotonic_ns();
    call->done = done;
    call->arg = arg;
    buf_init(&call->reply, ENGINE_REPLY_MAX);
    return call;
}

struct call *call_start(struct engine *engine, const struct call_options *options, const char *path,
                        void (*inspect)(struct engine *engine, CURL *easy), call_done *done, void *arg)
{
    struct call *call = call_new(engine, options, done, arg);

    if (call == NULL)
        return NULL;
    call->inspect = inspect;
    if (send_call(call, options, path) != 0)
        refuse_new(call);
    return call;
}

struct call *engine_call(struct engine *engine, const struct call_options *options, call_done *done, void *arg)
{
    char path[PATH_MAX_LEN];
    struct error error = {0};
    struct call *call;

    int len = snprintf(path, sizeof path, "/v%s%s", engine->version, options->path);
    if (!engine_refuses(engine, &error) && len >= (int)sizeof path)
        error_set(&error, ERROR_INTERNAL, "a path longer than %d", PATH_MAX_LEN);
    if (error.code == ERROR_NONE) {
        call = call_start(engine, options, path, NULL, done, arg);
    } else if ((call = call_new(engine, options, done, arg)) != NULL) {
        call->error = error;
        refuse_new(call);
    }
    json_decref(options->body);
    return call;
}

void call_refuse(struct call *call, enum error_code code, const char *text)
{
    withdraw(call);
    error_set(&call->error, code, "%s", text);
    refuse_new(call);
}

/* Those that are there now: what their callbacks start is for the turn after. */
void call_fire_refused(struct engine *engine)
{
    for (size_t n = engine->refused.count; n > 0 && engine->refused.first != NULL; n--) {
        struct call *call = list_take_first(&engine->refused);
        struct error error = call->error;
        finish(call, 0, NULL, &error);
    }
}

void call_cancel(struct call *call)
{
    engine_count(call->engine, call->metric, "cancelled");
    withdraw(call);
    release(call);
}
