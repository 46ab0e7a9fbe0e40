/* One call: engine_call -> an easy handle in the engine's multi -> on_call_transferred -> call_finish -> the caller's
 * `done`. A call that cannot be started goes to the engine's list of refused calls and fails at the next turn, because
 * `done` must not fire from within engine_call. */
#include "docker/engine/call.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/seam.h"
#include "docker/engine/engine_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LEN 1900 /* of a URL's path and query */

struct call {
    struct engine *engine;
    struct list node; /* in engine->under_way or engine->refused */
    bool refused;
    struct transfer transfer;
    struct curl_slist *headers;
    char *body;
    bool head_whole;
    struct buf reply;
    struct error error; /* refused: why */
    const char *metric;
    uint64_t started_ns;
    call_inspect *inspect; /* NULL: none */
    call_done *done;
    void *arg;
};

/* Takes the call out of its list. */
static void call_withdraw(struct call *call)
{
    if (!call->refused) {
        curl_loop_remove(&call->engine->calls, &call->transfer);
        call->engine->under_way_count--;
    }
    list_remove(&call->node);
}

static void call_free(struct call *call)
{
    curl_easy_cleanup(call->transfer.easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    buf_free(&call->reply);
    free(call);
}

/* The call is in no list any more. */
static void call_finish(struct call *call, int status, json_t *reply, const struct error *error)
{
    call_done *done = call->done;
    void *arg = call->arg;

    engine_count(call->engine, call->metric, status == 0 ? "failed" : status < 400 ? "ok" : "error");
    if (status != 0)
        engine_observe(call->engine, call->metric, call->started_ns);
    call_free(call);
    done(arg, status, reply, error);
    json_decref(reply);
}

/* For a status from 400: the engine's own message. */
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

static void on_call_transferred(struct transfer *transfer, CURLcode code)
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
            call->inspect(call->engine, call, (int)status);
    }
    call_withdraw(call);
    call_finish(call, (int)status, reply, &error);
}

static size_t on_call_body(char *data, size_t size, size_t len, void *arg)
{
    struct call *call = arg;

    (void)size; /* always 1 */
    return buf_append(&call->reply, data, len) == 0 ? len : 0;
}

/* curl takes an answer whose head was cut off for a complete one, so we look for the empty line ourselves. */
static size_t on_call_header(char *line, size_t size, size_t len, void *arg)
{
    struct call *call = arg;

    (void)size;
    call->head_whole = len == 2 && line[0] == '\r';
    return len;
}

/* Sets the body. "Expect:" and "Content-Type:" without a value keep curl from adding these headers by itself. */
static int call_set_body(struct call *call, const struct call_options *options)
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

static int call_set_up(struct call *call, const struct call_options *options, const char *path)
{
    CURL *easy = call->transfer.easy = curl_easy_init();
    bool plain = strcmp(options->method, "GET") == 0;

    if (easy == NULL || endpoint_apply(&call->engine->endpoint, easy, path) != 0)
        return -1;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_call_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_call_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->deadline_ms);
    if (!plain && call_set_body(call, options) != 0)
        return -1;
    return plain || curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method) == CURLE_OK ? 0 : -1;
}

static void call_refuse(struct call *call)
{
    call->refused = true;
    list_push(&call->engine->refused, &call->node);
    engine_later(call->engine);
}

/* 0: the call is under way. -1: `call->error` says why it is not. */
static int call_send(struct call *call, const struct call_options *options, const char *path)
{
    struct engine *engine = call->engine;

    if (engine->under_way_count >= ENGINE_CALLS_MAX)
        return error_set(&call->error, ERROR_UNAVAILABLE, "more than %u calls to the container engine at once",
                         ENGINE_CALLS_MAX);
    if (call_set_up(call, options, path) != 0 || curl_loop_add(&engine->calls, &call->transfer) != 0)
        return error_set(&call->error, ERROR_INTERNAL, "the call could not be prepared");
    list_push(&engine->under_way, &call->node);
    engine->under_way_count++;
    return 0;
}

static struct call *call_new(struct engine *engine, const struct call_options *options, call_done *done, void *arg)
{
    struct call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->engine = engine;
    call->transfer.done = on_call_transferred;
    call->metric = options->metric;
    call->started_ns = seam()->monotonic_ns();
    call->done = done;
    call->arg = arg;
    buf_init(&call->reply, ENGINE_REPLY_MAX);
    return call;
}

struct call *call_ping(struct engine *engine, const struct call_options *options, call_inspect *inspect,
                       call_done *done, void *arg)
{
    struct call *call = call_new(engine, options, done, arg);

    if (call == NULL)
        return NULL;
    call->inspect = inspect;
    if (call_send(call, options, options->path) != 0)
        call_refuse(call);
    return call;
}

struct call *engine_call(struct engine *engine, const struct call_options *options, call_done *done, void *arg)
{
    struct call *call = call_new(engine, options, done, arg);
    char path[PATH_MAX_LEN];

    if (call != NULL) {
        int len = snprintf(path, sizeof path, "/v%s%s", engine->version, options->path);
        if (!engine_refuses(engine, &call->error) && len >= (int)sizeof path)
            error_set(&call->error, ERROR_INTERNAL, "a path longer than %d", PATH_MAX_LEN);
        if (call->error.code != ERROR_NONE || call_send(call, options, path) != 0)
            call_refuse(call);
    }
    json_decref(options->body);
    return call;
}

const char *call_header(const struct call *call, const char *name)
{
    struct curl_header *found;

    return curl_easy_header(call->transfer.easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : NULL;
}

void call_refuse_all(struct engine *engine, const struct error *error)
{
    LIST_EACH (node, &engine->under_way) {
        struct call *call = container_of(node, struct call, node);
        call_withdraw(call);
        call->error = *error;
        call_refuse(call);
    }
}

/* Fires those that are there now. A call that their callbacks start and that is refused waits for the turn after. */
void call_fire_refused(struct engine *engine)
{
    struct list now;

    list_init(&now);
    LIST_EACH (node, &engine->refused) {
        list_remove(node);
        list_push(&now, node);
    }
    for (struct list *node; (node = list_shift(&now)) != NULL;) {
        struct call *call = container_of(node, struct call, node);
        struct error error = call->error;
        call_finish(call, 0, NULL, &error);
    }
}

void call_cancel(struct call *call)
{
    engine_count(call->engine, call->metric, "cancelled");
    call_withdraw(call);
    call_free(call);
}
