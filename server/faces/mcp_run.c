/* The happy path: mcp_run_read (any thread) -> mcp_run_start -> api_charge -> run_start -> the execution's events ->
 * run_encode (a large answer on a worker thread) -> mcp_call_answer_text. */
#include "faces/mcp_run.h"

#include "api/charge.h"
#include "api/run.h"
#include "base/container_of.h"
#include "base/json.h"
#include "base/text.h"
#include "faces/mcp_call.h"
#include "faces/mcp_stream.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The calls that can be cancelled: those with a run or on their way to one. There is one loop. */
static struct list under_way = {&under_way, &under_way};

static struct mcp_call *call_of(struct mcp_run *run)
{
    return container_of(run, struct mcp_call, run);
}

/* The arguments. */

static json_t *no_arguments(struct mcp_call *call)
{
    json_t *object = json_object();

    return object != NULL && arena_adopt(&call->run.request.arena, object, json_release) == 0 ? object : NULL;
}

/* The execution may outlive the message, so that its request keeps the tree, too. */
int mcp_run_read(struct mcp_call *call)
{
    struct mcp_run *run = &call->run;
    const json_t *arguments = json_object_get(call->message.params, "arguments");

    if (arguments == NULL || json_is_null(arguments))
        arguments = no_arguments(call);
    if (arguments == NULL || arena_adopt(&run->request.arena, json_incref(call->message.root), json_release) != 0)
        return error_memory(&run->error);
    return execute_read_tree(&run->request, arguments, &run->rules, &run->error);
}

/* The result. */

static bool ends_line(const struct buf *text)
{
    return text->len == 0 || text->data[text->len - 1] == '\n';
}

static int add_note(struct buf *text, const char *note)
{
    return buf_printf(text, "%s[%s]\n", ends_line(text) ? "" : "\n", note);
}

static int add_stream(struct buf *text, const char *title, const struct buf *bytes, bool cut)
{
    if (bytes->len > 0 && title != NULL && add_note(text, title) != 0)
        return -1;
    if (text_utf8_clean(text, bytes->data != NULL ? bytes->data : "", bytes->len, cut) != 0)
        return -1;
    return cut ? add_note(text, "the rest was cut") : 0;
}

/* The value of the last expression, if the program was evaluated and has one. */
static int add_value(struct buf *text, const struct evaluation *evaluation)
{
    if (evaluation->result.data == NULL)
        return 0;
    if (add_note(text, "result") != 0 ||
        text_utf8_clean(text, evaluation->result.data, evaluation->result.len, evaluation->result_cut) != 0)
        return -1;
    return buf_puts(text, "\n");
}

static int add_end(struct buf *text, const struct execution_result *result)
{
    char note[80];
    const char *signal = result->signal > 0 ? sigabbrev_np(result->signal) : NULL;

    switch (result->status) {
    case RECORD_COMPLETED:
        return text->len > 0 ? 0 : add_note(text, "no output");
    case RECORD_TIMED_OUT:
        return add_note(text, "timed out");
    case RECORD_OUT_OF_MEMORY:
        return add_note(text, "out of memory");
    case RECORD_CANCELLED:
        return add_note(text, "cancelled");
    case RECORD_COMPILE_FAILED:
        return add_note(text, "the program does not compile");
    default:
        break;
    }
    if (signal != NULL)
        snprintf(note, sizeof note, "ended by SIG%s", signal);
    else
        snprintf(note, sizeof note, "exit code %d", result->exit_code);
    return add_note(text, note);
}

int mcp_run_text(struct buf *text, const struct execution_result *result)
{
    const struct execution_output *output = execute_answer_ended_in_compiler(result) ? &result->compile : &result->run;

    if (add_stream(text, NULL, &output->out, output->out_cut) != 0 ||
        add_stream(text, "stderr", &output->err, output->err_cut) != 0 || add_value(text, &result->evaluation) != 0)
        return -1;
    return add_end(text, result);
}

static json_t *ran(struct execute_answer *answer)
{
    struct buf text;
    json_t *result = NULL;

    buf_init(&text, PTRDIFF_MAX);
    if (mcp_run_text(&text, &answer->result) == 0)
        result = json_pack("{s:[{s:s, s:o}], s:o}", "content", "type", "text", "text",
                           json_stringn_nocheck(text.data != NULL ? text.data : "", text.len), "structuredContent",
                           execute_answer_object(answer));
    buf_free(&text);
    return result;
}

static json_t *failed(const struct execution_result *result)
{
    char sentence[600];

    snprintf(sentence, sizeof sentence, "%s%s", result->unavailable ? "" : "Execution failed: ", result->failure);
    return mcp_told(sentence);
}

static void run_encode(struct work *work)
{
    struct mcp_call *call = container_of(work, struct mcp_call, work);
    struct execute_answer *answer = &call->run.answer;
    json_t *result = answer->result.failure != NULL ? failed(&answer->result) : ran(answer);
    json_t *value = mcp_result(&call->message, result);

    call->text = value != NULL ? json_text(value, &call->text_len) : NULL;
    json_decref(value);
}

static void run_encoded(struct work *work)
{
    struct mcp_call *call = container_of(work, struct mcp_call, work);

    call->works = false;
    if (call->pending.ex != NULL) {
        mcp_call_answer_text(call);
        return;
    }
    mcp_call_drop(call);
}

/* Progress. */

static void tell_progress(struct mcp_call *call, const char *message)
{
    struct mcp_run *run = &call->run;

    run->told_bytes = run->bytes;
    mcp_stream_send(call->stream, json_pack("{s:s, s:s, s:{s:O, s:I, s:s}}", "jsonrpc", "2.0", "method",
                                            "notifications/progress", "params", "progressToken", call->message.progress,
                                            "progress", (json_int_t)run->bytes, "message", message));
}

/* The last line of the newest output. */
static void tell_output(struct mcp_call *call)
{
    struct mcp_run *run = &call->run;
    struct buf line;
    size_t end = run->tail_len, start;

    while (end > 0 && (run->tail[end - 1] == '\n' || run->tail[end - 1] == '\0'))
        end--;
    for (start = end; start > 0 && run->tail[start - 1] != '\n';)
        start--;
    buf_init(&line, 3 * MCP_TAIL_MAX + 1);
    if (text_utf8_clean(&line, run->tail + start, end - start, true) == 0)
        tell_progress(call, line.data != NULL ? line.data : "");
    buf_free(&line);
}

static void run_on_tick(void *arg)
{
    struct mcp_call *call = arg;

    if (call->run.bytes > call->run.told_bytes)
        tell_output(call);
}

static bool wants_progress(const struct mcp_call *call)
{
    const char *accept = http_header(call->pending.ex, "Accept");

    return call->message.progress != NULL && accept != NULL && strcasestr(accept, "text/event-stream") != NULL;
}

static void run_on_start(void *arg, struct execution *execution)
{
    struct mcp_call *call = arg;
    char message[LANGUAGE_ID_MAX + VERSION_REPORTED_MAX + 16];

    if (!wants_progress(call))
        return;
    mcp_call_show_rate(call);
    call->stream = mcp_stream_begin(call->pending.ex, call->api->loop, run_on_tick, call);
    if (call->stream == NULL)
        return; /* the answer comes without progress */
    snprintf(message, sizeof message, "%s %s has started", execution_request(execution)->language->id,
             execution_version(execution));
    tell_progress(call, message);
}

static void run_on_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                          const uint8_t *data, size_t len)
{
    struct mcp_call *call = arg;
    struct mcp_run *run = &call->run;
    size_t taken = len < MCP_TAIL_MAX ? len : MCP_TAIL_MAX;

    (void)execution;
    (void)step;
    (void)channel;
    run->bytes += (int64_t)len;
    memcpy(run->tail, data + len - taken, taken);
    run->tail_len = taken;
}

static void run_on_done(void *arg, struct execution *execution)
{
    struct mcp_call *call = arg;

    list_forget(&call->run.node);
    execute_answer_take(&call->run.answer, execution);
    call->work = (struct work){.run = run_encode, .done = run_encoded};
    call->works = true;
    work_start(&call->work, call->api->loop, execute_answer_size(&call->run.answer));
}

static const struct execution_listener listener = {
    .collects = true, .on_start = run_on_start, .on_output = run_on_output, .on_done = run_on_done};

/* The way to a run. */

static void run_on_refused(void *arg, enum error_code code, const char *sentence)
{
    (void)code;
    mcp_call_tell(arg, sentence);
}

static void run_on_charged(void *arg, const struct rate_verdict *rate, const struct error *error)
{
    struct mcp_call *call = arg;
    struct mcp_run *run = &call->run;
    struct run_options options = {.maxima = &run->rules.maxima,
                                  .arrived_ns = http_arrived(call->pending.ex),
                                  .listener = &listener,
                                  .refused = run_on_refused,
                                  .arg = call};

    run_options_of(&options, call->pending.ex);
    run->charged = rate != NULL;
    if (rate != NULL)
        run->rate = *rate;
    if (error != NULL)
        mcp_call_tell(call, error->text);
    else
        run_start(&run->run, call->api, &run->request, &options);
}

void mcp_run_start(struct mcp_call *call)
{
    const struct charge_options options = {.count = 1, .done = run_on_charged, .arg = call};

    list_push(&under_way, &call->run.node);
    api_charge(&call->run.charge, call->pending.ex, &options);
}

void mcp_run_leave(struct mcp_call *call)
{
    list_forget(&call->run.node);
    if (call->run.charge != NULL)
        charge_leave(call->run.charge);
    if (call->run.run != NULL)
        run_leave(call->run.run);
}

void mcp_run_free(struct mcp_call *call)
{
    list_forget(&call->run.node);
    request_free(&call->run.request);
    execute_answer_free(&call->run.answer);
}

/* Cancelling. */

static bool is_meant(const struct mcp_run *run, const struct mcp_run *by, const json_t *id)
{
    return run->key_row == by->key_row && strcmp(run->session, by->session) == 0 &&
           json_equal(call_of((struct mcp_run *)run)->message.id, id);
}

/* Clients of one key count their requests alike, and only their sessions tell them apart. */
static struct mcp_call *find_meant(const struct mcp_run *by, const json_t *id)
{
    struct mcp_call *found = NULL;

    LIST_EACH (node, &under_way) {
        struct mcp_run *run = container_of(node, struct mcp_run, node);
        if (!is_meant(run, by, id))
            continue;
        if (found != NULL)
            return NULL;
        found = call_of(run);
    }
    return found;
}

/* Strangers share a key, so that one of them must show the session that it was given. */
void mcp_run_cancel(const struct mcp_call *call, const json_t *id)
{
    bool stranger = api_caller(call->pending.ex)->anonymous && *call->run.session == '\0';
    struct mcp_call *meant = id != NULL && !stranger ? find_meant(&call->run, id) : NULL;
    struct execution *execution = meant != NULL && meant->run.run != NULL ? run_execution(meant->run.run) : NULL;

    if (execution != NULL) {
        execution_cancel(execution);
    } else if (meant != NULL) {
        mcp_run_leave(meant);
        mcp_call_tell(meant, "Cancelled before it ran");
    }
}
