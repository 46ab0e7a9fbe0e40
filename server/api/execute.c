/* POST /api/v1/execute. The happy path: api_execute -> the body is read (on a worker thread where it is large) ->
 * submit (again, once it is known what the language's image holds) -> runner_submit -> on_done -> the answer is
 * encoded (likewise) -> http_respond. A client that goes away ends the execution; what a worker thread has in hand is
 * then dropped when it comes back. */
#include "api/execute.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/execute_answer.h"
#include "api/execute_read.h"
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
#define SUPPORTED_MAX (16u << 10)

struct exchange {
    struct http_exchange *ex; /* NULL: the client is gone */
    struct api *api;
    int64_t key_row;
    bool reuse;
    struct execute_rules rules;
    struct execution_request request;
    struct execution *execution; /* NULL: not under way */
    struct offers_wait wait;     /* for the language */
    bool waits, waited;
    struct execute_answer answer;
    struct error error;
    int failed; /* what the worker's function returned */
    uv_work_t work;
    char *body; /* until it was read */
    size_t body_len;
    size_t cost;             /* bytes that the request holds, when it was read */
    struct http_claim claim; /* for them: the exchange may go away under the worker */
};

static void exchange_free(struct exchange *exchange)
{
    request_free(&exchange->request);
    execute_answer_free(&exchange->answer);
    free(exchange->body);
    http_claim_close(&exchange->claim);
    free(exchange);
}

static void on_gone(void *arg)
{
    struct exchange *exchange = arg;

    exchange->ex = NULL;
    if (exchange->waits)
        offers_leave(exchange->api->offers, &exchange->wait);
    else if (exchange->execution == NULL)
        return; /* a worker has it: its end frees it */
    else
        execution_abandon(exchange->execution);
    exchange_free(exchange);
}

static void refuse(struct exchange *exchange)
{
    http_on_gone(exchange->ex, NULL, NULL);
    api_respond_error(exchange->ex, &exchange->error);
    exchange_free(exchange);
}

/* The answer. */

static void respond(struct exchange *exchange)
{
    struct execute_answer *answer = &exchange->answer;

    if (exchange->ex != NULL && exchange->failed != 0) {
        error_memory(&exchange->error);
        refuse(exchange);
        return;
    }
    if (exchange->ex != NULL) {
        http_on_gone(exchange->ex, NULL, NULL);
        if (answer->status == 503)
            http_header_add(exchange->ex, "Retry-After", "1");
        http_respond(exchange->ex, answer->status, "application/json", answer->text, answer->len);
        if (answer->result.over_ns > 0)
            measure_share("to_answer", seam()->monotonic_ns() - answer->result.over_ns);
    } else {
        free(answer->text);
    }
    exchange_free(exchange);
}

static void encode_work(uv_work_t *work)
{
    struct exchange *exchange = container_of(work, struct exchange, work);

    exchange->failed = execute_answer_encode(&exchange->answer);
}

static void after_encode(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    respond(container_of(work, struct exchange, work));
}

static void on_done(void *arg, struct execution *execution)
{
    struct exchange *exchange = arg;

    exchange->execution = NULL;
    execute_answer_take(&exchange->answer, execution);
    if (execute_answer_size(&exchange->answer) > INLINE_MAX &&
        uv_queue_work(exchange->api->loop, &exchange->work, encode_work, after_encode) == 0)
        return;
    exchange->failed = execute_answer_encode(&exchange->answer);
    respond(exchange);
}

/* This answer waits for the end. */
static const struct execution_listener listener = {.collects = true, .on_done = on_done};

/* The request. */

static char *supported(struct api *api, const char *name, size_t *len)
{
    struct buf text;
    bool first = true;

    buf_init(&text, SUPPORTED_MAX);
    buf_printf(&text, "Unsupported language: %s. Supported languages: ", name);
    for (size_t i = 0; i < languages_count(api->languages); i++) {
        const struct language *language = languages_at(api->languages, i);
        if (language_default(language) == NULL)
            continue;
        buf_printf(&text, "%s%s", first ? "" : ", ", language->id);
        first = false;
    }
    return buf_detach(&text, len);
}

static void refuse_language(struct exchange *exchange)
{
    size_t len;
    char *text = supported(exchange->api, exchange->request.language_name, &len);

    http_on_gone(exchange->ex, NULL, NULL);
    http_respond_error(exchange->ex, 400, text != NULL ? text : "Unsupported language");
    free(text);
    exchange_free(exchange);
}

static void submit(struct exchange *exchange);

static void on_known(struct offers_wait *wait)
{
    struct exchange *exchange = container_of(wait, struct exchange, wait);

    exchange->waits = false;
    submit(exchange);
}

/* Until it is known what the language's image holds, once, for as long as the program itself may take. */
static void await(struct exchange *exchange, struct language *language)
{
    bool waited = exchange->waited;

    exchange->wait = (struct offers_wait){.language = language, .done = on_known};
    exchange->waits = exchange->waited = true;
    error_set(&exchange->error, ERROR_UNAVAILABLE, "%s", REQUEST_NOT_YET);
    if (!waited &&
        offers_await(exchange->api->offers, &exchange->wait, exchange->request.timeout_s * 1000, &exchange->error) == 0)
        return; /* it may be answered by now */
    exchange->waits = false;
    refuse(exchange);
}

static void submit(struct exchange *exchange)
{
    struct api *api = exchange->api;
    const char *name = exchange->request.language_name;
    struct language_version *usual;
    struct language *language = languages_find(api->languages, name, &usual);
    struct language *expected = language == NULL ? languages_expected(api->languages, name) : NULL;

    if (expected != NULL) {
        await(exchange, expected);
        return;
    }
    if (language == NULL) {
        refuse_language(exchange);
        return;
    }
    exchange->request.reuse = exchange->reuse;
    exchange->request.arrived_ns = exchange->waited ? 0 : http_arrived(exchange->ex);
    int settled = request_settle(&exchange->request, language, usual, &exchange->rules.maxima, &exchange->error);
    if (settled != 0 && exchange->error.code == ERROR_UNAVAILABLE) {
        await(exchange, language);
        return;
    }
    if (settled == 0)
        exchange->execution =
            runner_submit(api->runner, exchange->key_row, &exchange->request, &listener, exchange, &exchange->error);
    if (exchange->execution == NULL)
        refuse(exchange);
}

static void after_read(struct exchange *exchange)
{
    free(exchange->body);
    exchange->body = NULL;
    http_claim_set(&exchange->claim, exchange->cost);
    if (exchange->ex == NULL)
        exchange_free(exchange);
    else if (exchange->failed != 0)
        refuse(exchange);
    else
        submit(exchange);
}

static void read_work(uv_work_t *work)
{
    struct exchange *exchange = container_of(work, struct exchange, work);

    exchange->failed = execute_read(&exchange->request, exchange->body, exchange->body_len, &exchange->rules,
                                    &exchange->cost, &exchange->error);
}

static void after_read_work(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    after_read(container_of(work, struct exchange, work));
}

static void read_body(struct exchange *exchange)
{
    size_t len = exchange->body_len;

    if (exchange->body == NULL) {
        error_memory(&exchange->error);
        refuse(exchange);
        return;
    }
    if (!http_claim_set(&exchange->claim, EXECUTE_READ_COST(len))) {
        error_set(&exchange->error, ERROR_UNAVAILABLE, "Too much is being sent at once. Please try again later.");
        refuse(exchange);
        return;
    }
    if (len > INLINE_MAX && uv_queue_work(exchange->api->loop, &exchange->work, read_work, after_read_work) == 0)
        return;
    read_work(&exchange->work);
    after_read(exchange);
}

/* Content-Type is application/json, whatever its parameters, and the answer is not wanted as a stream. */
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
    struct exchange *exchange = check_head(ex, &error) == 0 ? calloc(1, sizeof *exchange) : NULL;

    if (exchange == NULL) {
        if (error.code == ERROR_NONE)
            error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    exchange->ex = ex;
    exchange->api = api;
    exchange->key_row = key->row;
    exchange->reuse = key_reuses(key, api->reuse);
    exchange->rules = (struct execute_rules){
        .max_code = api->max_code, .max_stdin = api->max_stdin, .max_timeout = max_timeout(key), .maxima = api->maxima};
    http_on_gone(ex, on_gone, exchange);
    exchange->body = http_claim_body(ex, &exchange->claim, &exchange->body_len);
    read_body(exchange);
}
