/* POST /api/v1/execute. The happy path: api_execute -> the body is read (a large one on a worker thread) -> call_submit
 * (twice if it is not known yet what the language's image holds) -> runner_submit -> call_on_done -> the answer is
 * encoded (a large one on a worker thread) -> http_respond. A client that goes away ends the execution. What a worker
 * thread has in hand is then dropped when it comes back. */
#include "api/execute.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "api/pending.h"
#include "base/buf.h"
#include "base/container_of.h"
#include "base/seam.h"
#include "languages/availability.h"
#include "run/metrics.h"
#include "run/runner.h"

#include <stdlib.h>
#include <string.h>

/* Bodies and outputs up to this size are handled on the loop: about a millisecond. */
#define INLINE_MAX (256u << 10)
#define SUPPORTED_MAX (16u << 10) /* bytes of the sentence that lists all languages */

/* One call, from its body to its answer. */
struct execute_call {
    struct pending pending;
    struct api *api;
    int64_t key_row;
    bool reuse;
    struct execute_rules rules;
    struct execution_request request;
    struct execution *execution;   /* NULL: not under way */
    struct availability_wait wait; /* until it is known what the language's image holds */
    bool waits, waited;            /* waits now; has waited */
    struct execute_answer answer;
    struct error error;
    int failed; /* what the worker's function returned */
    uv_work_t work;
    char *body; /* until it was read */
    size_t body_len;
    size_t cost;             /* bytes that the request holds, once it was read */
    struct http_claim claim; /* for these bytes: a worker may have them after the exchange has gone */
};

static void execute_free(struct execute_call *call)
{
    request_free(&call->request);
    execute_answer_free(&call->answer);
    free(call->body);
    http_claim_close(&call->claim);
    free(call);
}

static void execute_on_gone(struct pending *pending)
{
    struct execute_call *call = container_of(pending, struct execute_call, pending);

    if (call->waits)
        availability_leave(call->api->availability, &call->wait);
    else if (call->execution == NULL)
        return; /* a worker has the call, and frees it when it comes back */
    else
        execution_abandon(call->execution);
    execute_free(call);
}

static void execute_refuse(struct execute_call *call)
{
    api_respond_error(pending_end(&call->pending), &call->error);
    execute_free(call);
}

/* The answer. */

static void execute_respond(struct execute_call *call)
{
    struct execute_answer *answer = &call->answer;
    struct http_exchange *ex = pending_end(&call->pending);

    if (ex == NULL) {
        free(answer->text);
    } else if (call->failed != 0) {
        error_memory(&call->error);
        api_respond_error(ex, &call->error);
    } else {
        if (answer->status == 503)
            http_header_add(ex, "Retry-After", "1");
        http_respond(ex, answer->status, "application/json", answer->text, answer->len);
        if (answer->result.over_ns > 0)
            measure_share("to_answer", seam()->monotonic_ns() - answer->result.over_ns);
    }
    execute_free(call);
}

static void execute_encode(uv_work_t *work)
{
    struct execute_call *call = container_of(work, struct execute_call, work);

    call->failed = execute_answer_encode(&call->answer);
}

static void execute_encoded(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    execute_respond(container_of(work, struct execute_call, work));
}

static void execute_on_done(void *arg, struct execution *execution)
{
    struct execute_call *call = arg;

    call->execution = NULL;
    execute_answer_take(&call->answer, execution);
    if (execute_answer_size(&call->answer) > INLINE_MAX &&
        uv_queue_work(call->api->loop, &call->work, execute_encode, execute_encoded) == 0)
        return;
    call->failed = execute_answer_encode(&call->answer);
    execute_respond(call);
}

/* The plain answer waits for the end of the execution. */
static const struct execution_listener plain_listener = {.collects = true, .on_done = execute_on_done};

/* The request. */

static char *supported(struct api *api, const char *name, size_t *len)
{
    struct buf text;
    bool first = true;

    buf_init(&text, SUPPORTED_MAX);
    buf_printf(&text, "Unsupported language: %s. Supported languages: ", name);
    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        const struct language *language = catalog_at(api->languages, i);
        if (language_default(language) == NULL)
            continue;
        buf_printf(&text, "%s%s", first ? "" : ", ", language->id);
        first = false;
    }
    return buf_detach(&text, len);
}

static void execute_refuse_language(struct execute_call *call)
{
    size_t len;
    char *text = supported(call->api, call->request.language_name, &len);

    http_respond_error(pending_end(&call->pending), 400, text != NULL ? text : "Unsupported language");
    free(text);
    execute_free(call);
}

static void execute_submit(struct execute_call *call);

static void execute_on_known(struct availability_wait *wait)
{
    struct execute_call *call = container_of(wait, struct execute_call, wait);

    call->waits = false;
    execute_submit(call);
}

/* Waits until it is known what the language's image holds: once, and at most for the program's own timeout. */
static void execute_await(struct execute_call *call, struct language *language)
{
    bool waited = call->waited;

    call->wait = (struct availability_wait){.language = language, .done = execute_on_known};
    call->waits = call->waited = true;
    error_set(&call->error, ERROR_UNAVAILABLE, "%s", REQUEST_NOT_YET);
    if (!waited && availability_await(call->api->availability, &call->wait, (uint64_t)call->request.timeout_s * 1000,
                                      &call->error) == 0)
        return; /* the call may be answered and freed by now */
    call->waits = false;
    execute_refuse(call);
}

static void execute_submit(struct execute_call *call)
{
    struct api *api = call->api;
    const char *name = call->request.language_name;
    struct language_version *default_version;
    struct language *language = catalog_find(api->languages, name, &default_version);
    struct language *expected = language == NULL ? catalog_expected(api->languages, name) : NULL;

    if (expected != NULL) {
        execute_await(call, expected);
        return;
    }
    if (language == NULL) {
        execute_refuse_language(call);
        return;
    }
    call->request.reuse = call->reuse;
    call->request.arrived_ns = call->waited ? 0 : http_arrived(call->pending.ex);
    int settled = request_settle(&call->request, language, default_version, &call->rules.maxima, &call->error);
    if (settled != 0 && call->error.code == ERROR_UNAVAILABLE) {
        execute_await(call, language);
        return;
    }
    if (settled == 0)
        call->execution =
            runner_submit(api->runner, call->key_row, &call->request, &plain_listener, call, &call->error);
    if (call->execution == NULL)
        execute_refuse(call);
}

static void execute_after_read(struct execute_call *call)
{
    free(call->body);
    call->body = NULL;
    http_claim_set(&call->claim, call->cost);
    if (call->pending.ex == NULL)
        execute_free(call);
    else if (call->failed != 0)
        execute_refuse(call);
    else
        execute_submit(call);
}

static void execute_read_work(uv_work_t *work)
{
    struct execute_call *call = container_of(work, struct execute_call, work);

    call->failed = execute_read(&call->request, call->body, call->body_len, &call->rules, &call->cost, &call->error);
}

static void execute_body_read(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    execute_after_read(container_of(work, struct execute_call, work));
}

static void execute_read_body(struct execute_call *call)
{
    size_t len = call->body_len;

    if (call->body == NULL) {
        error_memory(&call->error);
        execute_refuse(call);
        return;
    }
    if (!http_claim_set(&call->claim, EXECUTE_READ_COST(len))) {
        error_set(&call->error, ERROR_UNAVAILABLE,
                  "The server is holding too many request bodies. Please try again later.");
        execute_refuse(call);
        return;
    }
    if (len > INLINE_MAX && uv_queue_work(call->api->loop, &call->work, execute_read_work, execute_body_read) == 0)
        return;
    execute_read_work(&call->work);
    execute_after_read(call);
}

/* Checks that Content-Type is application/json, with any parameters, and that the client does not ask for a stream. */
static int check_head(const struct http_exchange *ex, struct error *error)
{
    const char *type = http_header(ex, "content-type");
    const char *accept = http_header(ex, "accept");
    size_t len = type != NULL ? strcspn(type, "; \t") : 0;

    if (len != strlen("application/json") || strncasecmp(type, "application/json", len) != 0)
        return error_set(error, ERROR_MEDIA_TYPE, "Content-Type must be application/json");
    if (accept != NULL && strcasestr(accept, "text/event-stream") != NULL)
        return error_set(error, ERROR_INVALID, "stream: not supported yet");
    return 0;
}

static int64_t max_timeout(const struct key *key)
{
    return key->max_timeout > 0 && key->max_timeout < EXECUTE_TIMEOUT_MAX ? key->max_timeout : EXECUTE_TIMEOUT_MAX;
}

void api_execute(struct http_exchange *ex)
{
    struct api *api = api_of(ex);
    const struct key *key = &api_caller(ex)->key;
    struct error error = {0};
    struct execute_call *call = check_head(ex, &error) == 0 ? calloc(1, sizeof *call) : NULL;

    if (call == NULL) {
        if (error.code == ERROR_NONE)
            error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    call->api = api;
    call->key_row = key->row;
    call->reuse = key_reuses(key, api->reuse);
    call->rules = (struct execute_rules){
        .max_code = api->max_code, .max_stdin = api->max_stdin, .max_timeout = max_timeout(key), .maxima = api->maxima};
    pending_begin(&call->pending, ex, execute_on_gone);
    call->body = http_claim_body(ex, &call->claim, &call->body_len);
    execute_read_body(call);
}
