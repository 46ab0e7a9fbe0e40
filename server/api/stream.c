/* The happy path: stream_run -> run_start -> stream_on_start, which sends the head -> events -> stream_on_done -> the
 * result's text (a large one on a worker thread) -> stream_finish. If the client goes, the run is left; what a worker
 * has in hand is freed when it comes back. */
#include "api/stream.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/event_answer.h"
#include "api/execute_answer.h"
#include "api/pending.h"
#include "api/run.h"
#include "api/run_events.h"
#include "api/work.h"
#include "base/container_of.h"

#include <stdlib.h>
#include <string.h>

struct stream {
    struct pending pending;
    struct api *api;
    struct http_claim claim; /* for the request */
    struct limits maxima;
    struct run *run; /* NULL: over */
    struct run_events events;
    struct event_answer *out;
    bool begun;      /* the head is sent */
    bool held;       /* the client is slower than the program */
    uint64_t newest; /* the number of the newest event */
    struct execute_answer answer;
    struct work work;
    bool works;
    char *result; /* its JSON; NULL: out of memory */
    size_t result_len;
    int failed; /* an ordinary answer could not be made */
};

bool stream_is_accepted(const struct http_exchange *ex)
{
    const char *accept = http_header(ex, "Accept");

    return accept != NULL && strcasestr(accept, "text/event-stream") != NULL;
}

/* The answer's events end with it, or are dropped with the stream. */
static void stream_free(struct stream *stream)
{
    event_answer_drop(stream->out);
    execute_answer_free(&stream->answer);
    free(stream->result);
    http_claim_close(&stream->claim);
    free(stream);
}

static void stream_on_gone(struct pending *pending)
{
    struct stream *stream = container_of(pending, struct stream, pending);

    if (stream->works)
        return; /* freed when it comes back */
    if (stream->run != NULL)
        run_leave(stream->run);
    stream_free(stream);
}

/* Events. */

static struct execution *stream_execution(const struct stream *stream)
{
    return stream->run != NULL ? run_execution(stream->run) : NULL;
}

static void stream_hold(struct stream *stream, struct execution *execution, bool hold)
{
    if (stream->held == hold)
        return;
    stream->held = hold;
    execution_hold(execution, hold);
}

static void stream_on_room(void *arg)
{
    struct stream *stream = arg;
    struct execution *execution = stream_execution(stream);

    if (execution != NULL)
        stream_hold(stream, execution, false);
}

static void stream_send(struct stream *stream, const char *name, const char *json, size_t len)
{
    struct execution *execution = stream_execution(stream);

    if (!event_answer_send(stream->out, ++stream->newest, name, json, len) && execution != NULL)
        stream_hold(stream, execution, true);
}

static void stream_on_event(void *arg, const char *name, const char *json, size_t len)
{
    stream_send(arg, name, json, len);
}

static void stream_begin(struct stream *stream)
{
    stream->begun = true;
    event_answer_begin(stream->out, stream->pending.ex);
}

static void stream_on_start(void *arg, struct execution *execution)
{
    struct stream *stream = arg;

    stream_begin(stream);
    run_events_start(&stream->events, execution);
}

static void stream_on_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                             const uint8_t *data, size_t len)
{
    struct stream *stream = arg;

    (void)execution;
    run_events_output(&stream->events, step, channel, data, len);
}

static void stream_on_step_end(void *arg, struct execution *execution, enum frame_step step)
{
    struct stream *stream = arg;

    run_events_step_end(&stream->events, execution, step);
}

static void stream_on_result(void *arg, struct execution *execution)
{
    struct stream *stream = arg;

    run_events_end(&stream->events, execution);
}

/* The end. */

static void stream_finish(struct stream *stream)
{
    struct event_answer *out = stream->out;
    bool whole = stream->result != NULL && !stream->events.failed;

    (void)pending_end(&stream->pending);
    if (whole)
        event_answer_send(out, ++stream->newest, "result", stream->result, stream->result_len);
    stream->out = NULL;
    event_answer_end(out, whole);
    stream_free(stream);
}

/* It has failed before its program was started. */
static void stream_respond(struct stream *stream)
{
    struct http_exchange *ex = pending_end(&stream->pending);
    struct execute_answer *answer = &stream->answer;

    if (stream->failed != 0) {
        api_respond_sentence(ex, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
    } else {
        if (answer->result.unavailable)
            http_header_add(ex, "Retry-After", "1");
        http_respond(ex, answer->status, answer->type, answer->text, answer->len);
    }
    stream_free(stream);
}

/* One that was cancelled before its start has no error, and is a stream of its result. */
static bool stream_is_ordinary(const struct stream *stream)
{
    return !stream->begun && stream->answer.result.failure != NULL;
}

static void stream_encode(struct work *work)
{
    struct stream *stream = container_of(work, struct stream, work);

    if (stream_is_ordinary(stream))
        stream->failed = execute_answer_encode(&stream->answer);
    else
        stream->result = run_events_result(&stream->answer, &stream->result_len);
}

static void stream_encoded(struct work *work)
{
    struct stream *stream = container_of(work, struct stream, work);

    stream->works = false;
    if (stream->pending.ex == NULL) {
        stream_free(stream);
    } else if (stream_is_ordinary(stream)) {
        stream_respond(stream);
    } else {
        if (!stream->begun)
            stream_begin(stream);
        stream_finish(stream);
    }
}

static void stream_on_done(void *arg, struct execution *execution)
{
    struct stream *stream = arg;

    execute_answer_take(&stream->answer, execution);
    stream->works = true;
    stream->work = (struct work){.run = stream_encode, .done = stream_encoded};
    work_start(&stream->work, stream->api->loop, stream->answer.result.report.len);
}

static const struct execution_listener stream_listener = {.on_start = stream_on_start,
                                                          .on_output = stream_on_output,
                                                          .on_step_end = stream_on_step_end,
                                                          .on_result = stream_on_result,
                                                          .on_done = stream_on_done};

/* The beginning. */

static void stream_on_refused(void *arg, enum error_code code, const char *sentence)
{
    struct stream *stream = arg;

    api_respond_sentence(pending_end(&stream->pending), code, sentence);
    stream_free(stream);
}

static struct stream *stream_new(struct http_exchange *ex, const struct limits *maxima, struct http_claim claim)
{
    struct stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL)
        return NULL;
    stream->out = event_answer_new(api_of(ex)->loop, stream_on_room, stream);
    if (stream->out == NULL) {
        free(stream);
        return NULL;
    }
    stream->api = api_of(ex);
    stream->maxima = *maxima;
    stream->claim = claim;
    run_events_init(&stream->events, stream_on_event, stream);
    pending_begin(&stream->pending, ex, stream_on_gone);
    return stream;
}

void stream_run(struct http_exchange *ex, struct execution_request *request, const struct limits *maxima,
                struct http_claim claim)
{
    struct stream *stream = stream_new(ex, maxima, claim);

    if (stream == NULL) {
        http_claim_close(&claim);
        api_respond_sentence(ex, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    struct run_options options = {.maxima = &stream->maxima,
                                  .arrived_ns = http_arrived(ex),
                                  .listener = &stream_listener,
                                  .refused = stream_on_refused,
                                  .arg = stream};
    run_options_of(&options, ex);
    run_start(&stream->run, stream->api, request, &options);
}
