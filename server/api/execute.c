/* POST /api/v1/execute, and what each face does with its own body. The happy path: execute_as -> the body is read (a
 * large one on a worker thread) -> run_start -> execute_on_done -> the answer is encoded (a large one on a worker
 * thread) -> http_respond. A client that goes away ends the run. What a worker thread has in hand is then dropped when
 * it comes back. */
#include "api/execute.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "api/pending.h"
#include "api/run.h"
#include "api/work.h"
#include "base/container_of.h"
#include "base/seam.h"
#include "run/metrics.h"

#include <stdlib.h>
#include <string.h>

/* One call, from its body to its answer. */
struct execute_call {
    struct pending pending;
    struct api *api;
    const struct translation *translation;
    const void *context; /* the translation's */
    struct execute_rules rules;
    struct execution_request request;
    struct run *run; /* NULL: not begun, or over */
    struct execute_answer answer;
    bool out_of_memory; /* some of the answer could not be kept */
    struct error error;
    int failed; /* what the worker's function returned */
    struct work work;
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

    if (call->run == NULL)
        return; /* a worker has the call, and frees it when it comes back */
    run_leave(call->run);
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
    } else if (call->failed != 0 || call->out_of_memory) {
        free(answer->text);
        error_memory(&call->error);
        api_respond_error(ex, &call->error);
    } else {
        if (answer->result.unavailable)
            http_header_add(ex, "Retry-After", "1");
        http_respond(ex, answer->status, answer->type, answer->text, answer->len);
        if (answer->result.over_ns > 0)
            measure_share("to_answer", seam()->monotonic_ns() - answer->result.over_ns);
    }
    execute_free(call);
}

static void execute_encode(struct work *work)
{
    struct execute_call *call = container_of(work, struct execute_call, work);

    call->failed = call->translation->encode(call->context, &call->answer);
}

static void execute_encoded(struct work *work)
{
    execute_respond(container_of(work, struct execute_call, work));
}

static void execute_on_done(void *arg, struct execution *execution)
{
    struct execute_call *call = arg;

    execute_answer_take(&call->answer, execution);
    call->work = (struct work){.run = execute_encode, .done = execute_encoded};
    work_start(&call->work, call->api->loop, execute_answer_size(&call->answer));
}

static void execute_on_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                              const uint8_t *data, size_t len)
{
    struct execute_call *call = arg;

    (void)channel;
    if (execute_answer_add(&call->answer, execution_request(execution), step, data, len) != 0)
        call->out_of_memory = true;
}

/* The plain answer waits for the end of the execution. */
static const struct execution_listener plain_listener = {.collects = true, .on_done = execute_on_done},
                                       interleaving_listener = {.collects = true,
                                                                .on_output = execute_on_output,
                                                                .on_done = execute_on_done};

/* The request. */

static void execute_on_refused(void *arg, enum error_code code, const char *sentence)
{
    struct execute_call *call = arg;

    api_respond_sentence(pending_end(&call->pending), code, sentence);
    execute_free(call);
}

static void execute_run(struct execute_call *call)
{
    struct run_options options = {.maxima = &call->rules.maxima,
                                  .arrived_ns = http_arrived(call->pending.ex),
                                  .listener = call->translation->interleaves ? &interleaving_listener : &plain_listener,
                                  .refused = execute_on_refused,
                                  .unknown_language = call->translation->unknown_language,
                                  .arg = call};

    run_options_of(&options, call->pending.ex);
    run_start(&call->run, call->api, &call->request, &options);
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
        execute_run(call);
}

static void execute_read_work(struct work *work)
{
    struct execute_call *call = container_of(work, struct execute_call, work);

    call->failed = call->translation->read(call->context, &call->request, call->body, call->body_len, &call->rules,
                                           &call->cost, &call->error);
}

static void execute_body_read(struct work *work)
{
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
    call->work = (struct work){.run = execute_read_work, .done = execute_body_read};
    work_start(&call->work, call->api->loop, len);
}

struct execute_rules execute_rules(const struct api *api, const struct key *key)
{
    bool lower = key->max_timeout > 0 && key->max_timeout < EXECUTE_TIMEOUT_MAX;

    return (struct execute_rules){.max_code = api->max_code,
                                  .max_stdin = api->max_stdin,
                                  .max_timeout = lower ? key->max_timeout : EXECUTE_TIMEOUT_MAX,
                                  .maxima = api->maxima};
}

void execute_as(struct http_exchange *ex, const struct translation *translation, const void *context)
{
    struct api *api = api_of(ex);
    struct error error = {0};
    bool fine = translation->check_head == NULL || translation->check_head(ex, &error) == 0;
    struct execute_call *call = fine ? calloc(1, sizeof *call) : NULL;

    if (call == NULL) {
        if (error.code == ERROR_NONE)
            error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    call->api = api;
    call->translation = translation;
    call->context = context;
    call->rules = execute_rules(api, &api_caller(ex)->key);
    pending_begin(&call->pending, ex, execute_on_gone);
    call->body = http_claim_body(ex, &call->claim, &call->body_len);
    execute_read_body(call);
}

/* Our own API. */

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

static int own_read(const void *context, struct execution_request *request, char *text, size_t len,
                    const struct execute_rules *rules, size_t *cost, struct error *error)
{
    (void)context;
    return execute_read(request, text, len, rules, cost, error);
}

static int own_encode(const void *context, struct execute_answer *answer)
{
    (void)context;
    return execute_answer_encode(answer);
}

static const struct translation own = {.check_head = check_head, .read = own_read, .encode = own_encode};

void api_execute(struct http_exchange *ex)
{
    execute_as(ex, &own, NULL);
}
