/* The happy path: api_connect -> connect_on_open -> (connect_take_key -> connect_on_admitted) -> connect_take_start ->
 * connect_on_charged -> intake: the message is read -> connect_go -> run_start -> the execution's events are sent ->
 * connect_on_done -> connect_encoded -> the close. Every way out is connect_end(), after connect_fail() if the client
 * is told why. */
#include "api/connect.h"

#include "api/admission.h"
#include "api/answers.h"
#include "api/api.h"
#include "api/charge.h"
#include "api/connect_read.h"
#include "api/cors.h"
#include "api/execute.h"
#include "api/execute_answer.h"
#include "api/intake.h"
#include "api/manners.h"
#include "api/origin.h"
#include "api/run.h"
#include "api/run_events.h"
#include "base/container_of.h"
#include "base/json.h"
#include "base/seam.h"
#include "base/states.h"
#include "http/websocket.h"
#include "run/execution_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBPROTOCOL "codecell.v1"
#define INPUT_MAX (4u << 20) /* bytes: what is held, and the messages that were read with it */

enum connect_state {
    CONNECT_OPENING,
    CONNECT_AWAITS_KEY,
    CONNECT_ADMITTING,
    CONNECT_AWAITS_START,
    CONNECT_CHARGING,
    CONNECT_READING,
    CONNECT_RUNNING,
    CONNECT_ANSWERING,
    CONNECT_OVER,
    CONNECT_STATES
};

static const struct states connect_states = {
    .subject = "connect",
    .names = (const char *const[]){"opening", "key", "admitting", "start", "charging", "reading", "running",
                                   "answering", "over"},
    .next =
        (const uint32_t[]){
            [CONNECT_OPENING] = STATE(CONNECT_AWAITS_KEY) | STATE(CONNECT_AWAITS_START) | STATE(CONNECT_OVER),
            [CONNECT_AWAITS_KEY] = STATE(CONNECT_ADMITTING) | STATE(CONNECT_OVER),
            [CONNECT_ADMITTING] = STATE(CONNECT_AWAITS_START) | STATE(CONNECT_OVER),
            [CONNECT_AWAITS_START] = STATE(CONNECT_CHARGING) | STATE(CONNECT_OVER),
            [CONNECT_CHARGING] = STATE(CONNECT_READING) | STATE(CONNECT_OVER),
            [CONNECT_READING] = STATE(CONNECT_RUNNING) | STATE(CONNECT_OVER),
            [CONNECT_RUNNING] = STATE(CONNECT_ANSWERING) | STATE(CONNECT_OVER),
            [CONNECT_ANSWERING] = STATE(CONNECT_OVER),
            [CONNECT_OVER] = 0,
        },
    .count = CONNECT_STATES,
};

struct connect {
    struct intake in;
    enum connect_state state;
    struct websocket *ws; /* NULL: closed, or the client has gone */
    const struct api_manners *manners;
    const char *guest;         /* the name of the key of a client that has none; NULL: it needs one */
    struct api_caller *caller; /* NULL: no key yet */
    uv_timer_t deadline;       /* for the key, and for the start message */
    bool late;                 /* the start message has begun, and has its own time */
    struct charge *charge;
    char *start; /* its text, until it is read */
    size_t start_len;
    struct execution_request request;
    struct run *run;             /* NULL: not begun, or over */
    struct execution *execution; /* NULL: it does not run */
    struct run_events events;
    bool has_terminal;
    bool finished;                   /* the program has ended, and what still comes for it is dropped */
    bool started;                    /* the client was told so */
    struct request_terminal resized; /* before the execution began; both 0: it was not */
    struct buf input;                /* bytes for the program that it has not taken */
    size_t input_at;
    bool input_wanted, input_over, input_ended; /* by the program; eof came; the program was told */
    struct execute_answer answer;
    bool closing;  /* the deadline's handle is being closed, and then the struct is freed */
    unsigned busy; /* callbacks that have yet to come: of admission, of a worker */
};

static void connect_set_state(struct connect *c, enum connect_state state)
{
    states_move(&connect_states, c->state, state, c->execution != NULL ? execution_id(c->execution) : "new");
    c->state = state;
}

/* The end. */

static void connect_on_timer_closed(uv_handle_t *handle)
{
    struct connect *c = handle->data;

    request_free(&c->request);
    execute_answer_free(&c->answer);
    intake_close(&c->in);
    buf_free(&c->input);
    free(c->caller);
    free(c->start);
    free(c);
}

static void connect_free_when_idle(struct connect *c)
{
    if (c->state != CONNECT_OVER || c->busy > 0 || c->closing)
        return;
    c->closing = true;
    uv_close((uv_handle_t *)&c->deadline, connect_on_timer_closed);
}

/* Ends what is under way, whoever wants it. The WebSocket is closed, or the client has gone. */
static void connect_end(struct connect *c)
{
    enum connect_state state = c->state;

    if (state == CONNECT_OVER)
        return;
    c->ws = NULL;
    uv_timer_stop(&c->deadline);
    if (c->charge != NULL)
        charge_leave(c->charge);
    if (c->run != NULL)
        run_leave(c->run);
    c->run = NULL;
    c->execution = NULL;
    connect_set_state(c, CONNECT_OVER);
    if (state == CONNECT_READING)
        intake_leave(&c->in); /* frees it, now or later */
    else
        connect_free_when_idle(c);
}

static void connect_close(struct connect *c, enum websocket_code code, const char *reason)
{
    struct websocket *ws = c->ws;

    c->ws = NULL;
    if (ws != NULL)
        websocket_close(ws, code, reason);
    connect_end(c);
}

/* Messages to the client. */

/* Sends an object's text with its type before its members. */
static void connect_send(struct connect *c, const char *type, const char *json, size_t len)
{
    struct buf text;

    if (c->ws == NULL)
        return;
    buf_init(&text, len + 64);
    if (buf_printf(&text, "{\"type\":\"%s\",", type) != 0 || buf_append(&text, json + 1, len - 1) != 0)
        websocket_fail(c->ws);
    else if (!websocket_send(c->ws, text.data, text.len) && c->execution != NULL)
        execution_hold(c->execution, true);
    buf_free(&text);
}

static void connect_say_error(struct connect *c, int status, const char *sentence)
{
    json_t *value = json_pack("{s:i, s:s}", "status", status, "detail", sentence);
    size_t len = 0;
    char *text = value != NULL ? json_text(value, &len) : NULL;

    if (text != NULL)
        connect_send(c, "error", text, len);
    json_decref(value);
    free(text);
}

static enum websocket_code close_code(const struct connect *c, int status)
{
    switch (status) {
    case 413:
        return WEBSOCKET_TOO_LARGE;
    case 429:
        return WEBSOCKET_LATER;
    case 503:
        return c->in.api->draining ? WEBSOCKET_GOING_AWAY : WEBSOCKET_LATER;
    case 500:
        return WEBSOCKET_INTERNAL;
    default:
        return WEBSOCKET_RULES;
    }
}

static const char *close_reason(enum websocket_code code)
{
    switch (code) {
    case WEBSOCKET_NORMAL:
        return "";
    case WEBSOCKET_GOING_AWAY:
        return "shutting down";
    case WEBSOCKET_LATER:
        return "try again later";
    case WEBSOCKET_TOO_LARGE:
        return "too large";
    default:
        return "refused";
    }
}

static void connect_fail_with(struct connect *c, int status, const char *sentence)
{
    enum websocket_code code = close_code(c, status);

    connect_say_error(c, status, sentence);
    connect_close(c, code, close_reason(code));
}

static void connect_fail(struct connect *c, enum error_code code, const char *sentence)
{
    connect_fail_with(c, error_status(code), sentence);
}

/* The execution. */

static void connect_on_event(void *arg, const char *name, const char *json, size_t len)
{
    connect_send(arg, strcmp(name, "start") == 0 ? "started" : name, json, len);
}

/* Gives the program what it takes. What it leaves keeps the socket from being read. */
static void connect_feed(struct connect *c)
{
    size_t left = c->input.len - c->input_at;

    if (c->input_wanted && left > 0) {
        size_t taken = execution_input(c->execution, c->input.data + c->input_at, left);
        c->input_at += taken;
        c->input_wanted = taken == left;
    }
    if (c->input_at == c->input.len) {
        buf_reset(&c->input);
        c->input_at = 0;
        if (c->input_over && c->input_wanted && !c->input_ended)
            execution_input_end(c->execution);
        c->input_ended = c->input_over && c->input_wanted;
    }
    if (c->ws != NULL)
        websocket_hold(c->ws, c->input.len - c->input_at > CONNECT_INPUT_HELD);
}

static void connect_on_input_wanted(void *arg, struct execution *execution)
{
    struct connect *c = arg;

    c->execution = execution;
    c->input_wanted = true;
    connect_feed(c);
}

static void connect_on_start(void *arg, struct execution *execution)
{
    struct connect *c = arg;

    c->execution = execution;
    c->started = true;
    if (c->resized.columns > 0)
        execution_resize(execution, c->resized.columns, c->resized.rows);
    run_events_start(&c->events, execution);
}

static void connect_on_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                              const uint8_t *data, size_t len)
{
    struct connect *c = arg;

    (void)execution;
    run_events_output(&c->events, step, channel, data, len);
}

static void connect_on_step_end(void *arg, struct execution *execution, enum frame_step step)
{
    struct connect *c = arg;

    run_events_step_end(&c->events, execution, step);
}

static void connect_on_result(void *arg, struct execution *execution)
{
    struct connect *c = arg;

    c->execution = NULL;
    c->input_wanted = false;
    c->finished = true;
    buf_free(&c->input);
    c->input_at = 0;
    run_events_end(&c->events, execution);
    if (c->ws != NULL)
        websocket_hold(c->ws, false);
}

static void connect_encode(struct work *work)
{
    struct connect *c = container_of(work, struct connect, in.work);

    c->answer.text = run_events_result(&c->answer, &c->answer.len);
}

static void connect_encoded(struct work *work)
{
    struct connect *c = container_of(work, struct connect, in.work);
    enum websocket_code code = c->answer.result.unavailable ? close_code(c, 503) : WEBSOCKET_NORMAL;

    c->busy--;
    if (c->answer.text != NULL)
        connect_send(c, "result", c->answer.text, c->answer.len);
    free(c->answer.text);
    c->answer.text = NULL;
    if (c->state != CONNECT_OVER)
        connect_close(c, code, close_reason(code));
    connect_free_when_idle(c);
}

/* A program that never ran has no result. */
static void connect_tell_failure(struct connect *c)
{
    const struct execution_result *result = &c->answer.result;
    char sentence[sizeof((struct error *)NULL)->text];

    if (result->unavailable)
        connect_fail_with(c, 503, result->failure);
    else {
        snprintf(sentence, sizeof sentence, "Execution failed: %s", result->failure);
        connect_fail_with(c, 500, sentence);
    }
}

static void connect_on_done(void *arg, struct execution *execution)
{
    struct connect *c = arg;

    c->run = NULL;
    execute_answer_take(&c->answer, execution);
    if (!c->started && c->answer.result.failure != NULL) {
        connect_tell_failure(c);
        return;
    }
    connect_set_state(c, CONNECT_ANSWERING);
    c->busy++;
    c->in.work = (struct work){.run = connect_encode, .done = connect_encoded};
    work_start(&c->in.work, c->in.api->loop, execute_answer_size(&c->answer));
}

static const struct execution_listener connect_listener = {.on_start = connect_on_start,
                                                           .on_output = connect_on_output,
                                                           .on_step_end = connect_on_step_end,
                                                           .on_input_wanted = connect_on_input_wanted,
                                                           .on_result = connect_on_result,
                                                           .on_done = connect_on_done};

static void connect_on_refused(void *arg, enum error_code code, const char *sentence)
{
    connect_fail(arg, code, sentence);
}

/* The start message. */

static struct connect *connect_of(struct intake *in)
{
    return container_of(in, struct connect, in);
}

static int connect_read_it(struct intake *in)
{
    return connect_read_start(&connect_of(in)->request, in->body, in->body_len, &in->rules, &in->cost, &in->error);
}

static void connect_go(struct intake *in)
{
    struct connect *c = connect_of(in);
    struct run_options options = {
        .maxima = &in->rules.maxima, .listener = &connect_listener, .refused = connect_on_refused, .arg = c};

    c->has_terminal = c->request.terminal.columns > 0;
    c->request.stream = true;
    connect_set_state(c, CONNECT_RUNNING);
    websocket_limit(c->ws, CONNECT_MESSAGE_MAX);
    websocket_hold(c->ws, false);
    run_events_init(&c->events, connect_on_event, c);
    c->events.file_type = "media_type"; /* a message's `type` says which message it is */
    run_options_of_caller(&options, in->api, c->caller, c->manners);
    run_start(&c->run, in->api, &c->request, &options);
}

static void connect_refuse(struct intake *in, enum error_code code, const char *sentence)
{
    struct connect *c = connect_of(in);

    connect_set_state(c, CONNECT_RUNNING); /* the intake is over */
    connect_fail(c, code, sentence);
}

static void connect_over(struct intake *in)
{
    connect_free_when_idle(connect_of(in));
}

static const struct intake_kind connect_kind = {
    .read = connect_read_it, .go = connect_go, .refuse = connect_refuse, .gone = connect_over, .free = connect_over};

static void connect_on_charged(void *arg, const struct rate_verdict *rate, const struct error *error)
{
    struct connect *c = arg;
    char *text = c->start;

    (void)rate;
    if (error != NULL) {
        connect_fail(c, error->code, error->text);
        return;
    }
    c->start = NULL;
    connect_set_state(c, CONNECT_READING);
    c->in.rules = execute_rules(c->in.api, &c->caller->key);
    intake_begin_text(&c->in, &connect_kind, text, c->start_len);
}

static void connect_take_start(struct connect *c, char *text, size_t len)
{
    const struct charge_options options = {.count = 1, .done = connect_on_charged, .arg = c};

    uv_timer_stop(&c->deadline);
    c->start = text;
    c->start_len = len;
    connect_set_state(c, CONNECT_CHARGING);
    websocket_hold(c->ws, true);
    api_charge_key(&c->charge, c->in.api->store, &c->caller->key, c->manners->http.cost, &options);
}

/* The key. */

static void connect_on_late(uv_timer_t *timer)
{
    struct connect *c = timer->data;

    if (c->state == CONNECT_AWAITS_START && !c->late && websocket_is_receiving(c->ws)) {
        c->late = true;
        uv_timer_start(&c->deadline, connect_on_late, CONNECT_BODY_MS, 0);
    } else if (c->state == CONNECT_AWAITS_KEY) {
        connect_fail_with(c, 408, "the key did not come within 10 seconds");
    } else {
        connect_fail_with(c, 408, "start did not come in time");
    }
}

static void connect_await(struct connect *c, enum connect_state state, size_t message_max)
{
    connect_set_state(c, state);
    websocket_limit(c->ws, message_max);
    websocket_hold(c->ws, false);
    uv_timer_start(&c->deadline, connect_on_late, CONNECT_START_MS, 0);
    if (c->in.api->draining)
        connect_fail_with(c, 503, "The server is shutting down. Please try again later.");
}

static void connect_on_admitted(void *arg, struct api_caller *caller, const struct error *error)
{
    struct connect *c = arg;

    c->busy--;
    c->caller = caller;
    if (c->state == CONNECT_OVER)
        connect_free_when_idle(c);
    else if (caller == NULL)
        connect_fail(c, error->code, error->text);
    else
        connect_await(c, CONNECT_AWAITS_START, SIZE_MAX);
}

static void connect_take_key(struct connect *c, const struct connect_message *message)
{
    uv_timer_stop(&c->deadline);
    connect_set_state(c, CONNECT_ADMITTING);
    websocket_hold(c->ws, true);
    c->busy++;
    api_admit_key(c->in.api, message->key, c->guest, CONNECT_FLAGS, c->manners, connect_on_admitted, c);
}

/* Messages of a client whose execution is under way. */

static void connect_take_input(struct connect *c, const struct connect_message *message)
{
    if (c->input_over)
        connect_fail_with(c, 400, "stdin: comes after eof");
    else if (buf_append(&c->input, message->data, message->data_len) != 0)
        connect_fail(c, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
    else
        connect_feed(c);
}

static void connect_take_size(struct connect *c, const struct connect_message *message)
{
    if (!c->has_terminal) {
        connect_fail_with(c, 400, "resize: start asked for no terminal");
        return;
    }
    c->resized = (struct request_terminal){message->columns, message->rows};
    if (c->execution != NULL)
        execution_resize(c->execution, message->columns, message->rows);
}

static void connect_take_order(struct connect *c, const struct connect_message *message)
{
    switch (message->type) {
    case CONNECT_STDIN:
        connect_take_input(c, message);
        break;
    case CONNECT_EOF:
        c->input_over = true;
        connect_feed(c);
        break;
    case CONNECT_SIGNAL:
        if (c->execution != NULL)
            execution_signal(c->execution, message->number);
        break;
    case CONNECT_RESIZE:
        connect_take_size(c, message);
        break;
    default:
        connect_fail_with(c, 400, message->type == CONNECT_KEY ? "key: is known already" : "start: came already");
    }
}

static void connect_take(struct connect *c, char *text, size_t len)
{
    struct connect_message message = {.type = CONNECT_KEY};
    struct error error;

    if (connect_read(&message, text, len, &error) != 0)
        connect_fail(c, error.code, error.text);
    else if (c->state == CONNECT_RUNNING)
        connect_take_order(c, &message);
    else if (message.type == CONNECT_KEY)
        connect_take_key(c, &message);
    else
        connect_fail_with(c, 401, "API key is required");
    connect_message_free(&message);
    explicit_bzero(text, len); /* it may be the key */
    free(text);
}

static void connect_on_message(void *arg, char *text, size_t len)
{
    struct connect *c = arg;

    if (c->state == CONNECT_AWAITS_START)
        connect_take_start(c, text, len);
    else if (c->finished)
        free(text);
    else
        connect_take(c, text, len);
}

/* The WebSocket. */

static void connect_on_open(void *arg, struct websocket *ws)
{
    struct connect *c = arg;
    bool known = c->caller != NULL;

    c->ws = ws;
    connect_await(c, known ? CONNECT_AWAITS_START : CONNECT_AWAITS_KEY, known ? SIZE_MAX : CONNECT_KEY_MAX);
}

static void connect_on_drained(void *arg)
{
    struct connect *c = arg;

    if (c->execution != NULL)
        execution_hold(c->execution, false);
}

/* What waits for the client ends; a program may go on. */
static void connect_on_stop(void *arg)
{
    struct connect *c = arg;

    if (c->state == CONNECT_AWAITS_KEY || c->state == CONNECT_AWAITS_START)
        connect_fail_with(c, 503, "The server is shutting down. Please try again later.");
}

static void connect_on_bad(void *arg, enum websocket_code code, const char *reason)
{
    connect_say_error(arg, code == WEBSOCKET_TOO_LARGE ? 413 : code == WEBSOCKET_LATER ? 503 : 400, reason);
}

static void connect_on_gone(void *arg)
{
    connect_end(arg);
}

static const struct websocket_events connect_socket_events = {.on_open = connect_on_open,
                                                              .on_message = connect_on_message,
                                                              .on_drained = connect_on_drained,
                                                              .on_stop = connect_on_stop,
                                                              .on_bad = connect_on_bad,
                                                              .on_gone = connect_on_gone};

/* The request. */

/* NULL: out of memory. */
static struct connect *connect_new(struct http_exchange *ex)
{
    struct connect *c = calloc(1, sizeof *c);
    const struct api_caller *caller = http_user(ex);
    size_t len;

    if (c == NULL)
        return NULL;
    c->in.api = api_of(ex);
    c->manners = api_manners_of(ex);
    c->guest = origin_is_foreign(http_header(ex, "Origin"), http_header(ex, "Host")) ? NULL : api_guest_key(ex);
    free(http_claim_body(ex, &c->in.claim, &len)); /* for the start message */
    buf_init(&c->input, INPUT_MAX);
    uv_timer_init(c->in.api->loop, &c->deadline);
    c->deadline.data = c;
    if (caller != NULL && (c->caller = malloc(sizeof *caller)) != NULL)
        *c->caller = *caller;
    return c;
}

void api_connect(struct http_exchange *ex)
{
    const char *origin = http_header(ex, "Origin");
    struct error error;

    if (origin_is_foreign(origin, http_header(ex, "Host")) && !api_cors_allows(ex)) {
        error_set(&error, ERROR_FORBIDDEN, "Origin: pages of other servers need CODECELL_CORS");
        api_respond_error(ex, &error);
        return;
    }
    struct connect *c = connect_new(ex);
    if (c == NULL) {
        error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    const struct websocket_options options = {.subprotocol = SUBPROTOCOL,
                                              .ping_ms = CONNECT_PING_MS,
                                              .pong_ms = CONNECT_PONG_MS,
                                              .close_ms = CONNECT_CLOSE_MS,
                                              .events = &connect_socket_events,
                                              .arg = c};
    if (http_user(ex) != NULL && c->caller == NULL) {
        error_memory(&error);
        api_respond_error(ex, &error);
        connect_end(c);
    } else if (websocket_accept(ex, &options) != 0)
        connect_end(c);
}
