/* POST /api/v1/execute, and what each face does with its own body. The happy path: execute_as -> intake: the body is
 * read
 * -> execute_run -> run_start -> execute_on_done -> the answer is encoded (a large one on a worker thread) ->
 * repeat_send. A client that goes away ends the run. What a worker thread has in hand is then dropped when it comes
 * back. */
#include "api/execute.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "api/form.h"
#include "api/intake.h"
#include "api/run.h"
#include "api/stream.h"
#include "base/container_of.h"
#include "base/seam.h"
#include "run/metrics.h"

#include <stdlib.h>
#include <string.h>

/* One call, from its body to its answer. */
struct execute_call {
    struct intake in;
    const struct translation *translation;
    const void *context; /* the translation's */
    struct execution_request request;
    struct run *run; /* NULL: not begun, or over */
    struct execute_answer answer;
    bool out_of_memory; /* some of the answer could not be kept */
};

static struct execute_call *call_of(struct intake *in)
{
    return container_of(in, struct execute_call, in);
}

static void execute_free(struct intake *in)
{
    struct execute_call *call = call_of(in);

    request_free(&call->request);
    execute_answer_free(&call->answer);
    intake_close(in);
    free(call);
}

static void execute_on_gone(struct intake *in)
{
    struct execute_call *call = call_of(in);

    if (call->run != NULL)
        run_leave(call->run);
    repeat_leave(in->repeat);
    execute_free(in);
}

static void execute_refuse(struct intake *in, enum error_code code, const char *sentence)
{
    repeat_leave(in->repeat);
    api_respond_sentence(pending_end(&in->pending), code, sentence);
    execute_free(in);
}

/* The answer. */

static void execute_respond(struct execute_call *call)
{
    struct execute_answer *answer = &call->answer;
    struct http_exchange *ex = pending_end(&call->in.pending);

    if (call->in.failed != 0 || call->out_of_memory) {
        free(answer->text);
        repeat_leave(call->in.repeat);
        error_memory(&call->in.error);
        if (ex != NULL)
            api_respond_error(ex, &call->in.error);
    } else {
        if (answer->result.unavailable && ex != NULL)
            http_header_add(ex, "Retry-After", "1");
        repeat_send(call->in.repeat, ex, answer->status, answer->type, answer->text, answer->len);
        if (answer->result.over_ns > 0 && ex != NULL)
            measure_share("to_answer", seam()->monotonic_ns() - answer->result.over_ns);
    }
    execute_free(&call->in);
}

static void execute_encode(struct work *work)
{
    struct execute_call *call = container_of(work, struct execute_call, in.work);

    call->in.failed = call->translation->encode(call->context, &call->answer);
    execute_answer_drop(&call->answer);
}

static void execute_encoded(struct work *work)
{
    execute_respond(container_of(work, struct execute_call, in.work));
}

static void execute_on_done(void *arg, struct execution *execution)
{
    struct execute_call *call = arg;

    execute_answer_take(&call->answer, execution);
    call->in.works = true;
    call->in.work = (struct work){.run = execute_encode, .done = execute_encoded};
    work_start(&call->in.work, call->in.api->loop, execute_answer_size(&call->answer));
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

    execute_refuse(&call->in, code, sentence);
}

/* The stream takes over exchange, request and claim. */
static void execute_stream(struct execute_call *call)
{
    struct intake *in = &call->in;
    struct http_exchange *ex = pending_end(&in->pending);
    struct http_claim claim = in->claim;

    in->claim = (struct http_claim){.server = NULL};
    stream_run(ex, &call->request, &in->rules.maxima, claim);
    execute_free(in);
}

static void execute_run(struct intake *in)
{
    struct execute_call *call = call_of(in);

    if (call->translation->streams && (call->request.stream || stream_is_accepted(in->pending.ex))) {
        execute_stream(call);
        return;
    }
    struct run_options options = {.maxima = &call->in.rules.maxima,
                                  .arrived_ns = http_arrived(call->in.pending.ex),
                                  .listener = call->translation->interleaves ? &interleaving_listener : &plain_listener,
                                  .refused = execute_on_refused,
                                  .unknown_language = call->translation->unknown_language,
                                  .arg = call};

    run_options_of(&options, call->in.pending.ex);
    run_start(&call->run, call->in.api, &call->request, &options);
}

static int execute_read_body(struct intake *in)
{
    struct execute_call *call = call_of(in);

    if (call->translation->read(call->context, &call->request, in->body, in->body_len, &in->rules, &in->cost,
                                &in->error) != 0)
        return -1;
    return call->request.stream && in->repeats ? error_set(&in->error, ERROR_INVALID, STREAM_NO_REPEAT) : 0;
}

static const struct intake_kind execute_kind = {.read = execute_read_body,
                                                .go = execute_run,
                                                .refuse = execute_refuse,
                                                .gone = execute_on_gone,
                                                .free = execute_free};

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
    struct execute_call *call = intake_new(ex, translation->check_head, sizeof *call);

    if (call == NULL)
        return;
    call->translation = translation;
    call->context = context;
    call->in.rules = execute_rules(api_of(ex), &api_caller(ex)->key);
    call->in.rules.streams = translation->streams;
    intake_begin(&call->in, ex, &execute_kind, translation->repeats);
}

/* Our own API. */

int execute_check_head(const struct http_exchange *ex, struct error *error)
{
    if (form_check_type(ex, error) != 0)
        return -1;
    if (stream_is_accepted(ex))
        return error_set(error, ERROR_INVALID, "stream: " EXECUTE_STREAM_ELSEWHERE);
    return repeat_check(ex, error);
}

static int own_check_head(const struct http_exchange *ex, struct error *error)
{
    if (form_check_type(ex, error) != 0)
        return -1;
    if (stream_is_accepted(ex) && repeat_is_wanted(ex))
        return error_set(error, ERROR_INVALID, STREAM_NO_REPEAT);
    return repeat_check(ex, error);
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

static const struct translation own = {
    .repeats = true, .streams = true, .check_head = own_check_head, .read = own_read, .encode = own_encode};

void api_execute(struct http_exchange *ex)
{
    execute_as(ex, &own, NULL);
}
