/* POST /api/v1/execute/batch. The happy path: api_batch -> intake -> batch_go -> batch_on_charged ->
 * run_start for each item -> batch_decide: all are ready, so all go on -> each item's end -> batch_encode ->
 * repeat_send.
 *
 * Until all items are ready, one that is refused refuses the batch, and nothing runs. After that each has an answer of
 * its own. Callbacks note what happened and call batch_decide(). */
#include "api/batch.h"

#include "api/admission.h"
#include "api/answers.h"
#include "api/batch_read.h"
#include "api/charge.h"
#include "api/execute.h"
#include "api/execute_answer.h"
#include "api/intake.h"
#include "api/run.h"
#include "base/container_of.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct batch_call;

struct batch_item {
    struct batch_call *call;
    struct run *run; /* NULL: not begun, or over */
    struct execute_answer answer;
    bool ran;     /* the answer is of an execution's end, else its text is ready */
    bool waiting; /* until all items are ready */
    bool over;
};

struct batch_call {
    struct intake in;
    struct execution_request requests[BATCH_MAX];
    struct batch_item items[BATCH_MAX];
    size_t count;
    bool starts;    /* within the loop that starts the items, or lets them go on */
    bool goes;      /* all were ready */
    char *sentence; /* why the batch is refused */
    enum error_code code;
    struct charge *charge;
    struct buf text; /* the answer */
};

static struct batch_call *call_of(struct intake *in)
{
    return container_of(in, struct batch_call, in);
}

static void batch_free(struct batch_call *call)
{
    for (size_t i = 0; i < BATCH_MAX; i++) {
        request_free(&call->requests[i]);
        free(call->items[i].answer.text);
        execute_answer_free(&call->items[i].answer);
    }
    free(call->sentence);
    buf_free(&call->text);
    intake_close(&call->in);
    free(call);
}

static void batch_drop(struct intake *in)
{
    batch_free(call_of(in));
}

static void batch_leave_runs(struct batch_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->items[i].run != NULL)
            run_leave(call->items[i].run);
}

static void batch_on_gone(struct intake *in)
{
    struct batch_call *call = call_of(in);

    batch_leave_runs(call);
    if (call->charge != NULL)
        charge_leave(call->charge);
    repeat_leave(in->repeat);
    batch_free(call);
}

/* Nothing has run. */
static void batch_refuse(struct batch_call *call, enum error_code code, const char *sentence)
{
    batch_leave_runs(call);
    repeat_leave(call->in.repeat);
    api_respond_sentence(pending_end(&call->in.pending), code, sentence);
    batch_free(call);
}

/* The answer. */

/* Adds an item's answer, and frees its parts. 0, or -1 out of memory. */
static int batch_add_item(struct batch_call *call, struct batch_item *item, bool first)
{
    struct execute_answer *answer = &item->answer;

    if (item->ran && execute_answer_encode(answer) != 0)
        return -1;
    if (answer->text == NULL || buf_puts(&call->text, first ? "[" : ",") != 0 ||
        buf_append(&call->text, answer->text, answer->len) != 0)
        return -1;
    free(answer->text);
    answer->text = NULL;
    execute_answer_drop(answer);
    return 0;
}

static void batch_encode(struct work *work)
{
    struct batch_call *call = container_of(work, struct batch_call, in.work);

    call->in.failed = 0;
    buf_init(&call->text, PTRDIFF_MAX); /* what it is made of is in memory already */
    for (size_t i = 0; i < call->count && call->in.failed == 0; i++)
        call->in.failed = batch_add_item(call, &call->items[i], i == 0);
    if (call->in.failed == 0)
        call->in.failed = buf_puts(&call->text, "]");
}

static void batch_encoded(struct work *work)
{
    struct batch_call *call = container_of(work, struct batch_call, in.work);
    struct http_exchange *ex = pending_end(&call->in.pending);
    size_t len = 0;
    char *text = call->in.failed == 0 ? buf_detach(&call->text, &len) : NULL;

    if (text != NULL) {
        repeat_send(call->in.repeat, ex, 200, "application/json", text, len);
    } else {
        repeat_leave(call->in.repeat);
        error_memory(&call->in.error);
        if (ex != NULL)
            api_respond_error(ex, &call->in.error);
    }
    batch_free(call);
}

static size_t batch_count_over(const struct batch_call *call)
{
    size_t over = 0;

    for (size_t i = 0; i < call->count; i++)
        over += call->items[i].over;
    return over;
}

static void batch_answer(struct batch_call *call)
{
    size_t size = 0;

    for (size_t i = 0; i < call->count; i++)
        size += execute_answer_size(&call->items[i].answer);
    call->in.works = true;
    call->in.work = (struct work){.run = batch_encode, .done = batch_encoded};
    work_start(&call->in.work, call->in.api->loop, size);
}

/* The runs. */

static bool batch_is_ready(const struct batch_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (!call->items[i].waiting)
            return false;
    return true;
}

static void batch_go_on(struct batch_call *call)
{
    call->goes = call->starts = true;
    for (size_t i = 0; i < call->count; i++)
        run_go_on(call->items[i].run);
    call->starts = false;
}

static void batch_decide(struct batch_call *call)
{
    if (call->starts)
        return;
    if (call->sentence != NULL) {
        batch_refuse(call, call->code, call->sentence);
        return;
    }
    if (!call->goes && batch_is_ready(call))
        batch_go_on(call);
    if (call->goes && batch_count_over(call) == call->count)
        batch_answer(call);
}

static void item_on_ready(void *arg)
{
    struct batch_item *item = arg;

    item->waiting = true;
    batch_decide(item->call);
}

/* The first refusal is the batch's. */
static void batch_note_refusal(struct batch_call *call, size_t index, enum error_code code, const char *sentence)
{
    bool names = code == ERROR_INVALID;

    if (call->sentence != NULL)
        return;
    call->code = code;
    if ((names ? asprintf(&call->sentence, "[%zu]%s%s", index, batch_joint(sentence), sentence)
               : asprintf(&call->sentence, "%s", sentence)) < 0) {
        call->code = ERROR_MEMORY;
        call->sentence = strdup(""); /* if there is none for this either, the batch waits for its client to leave */
    }
}

static void item_on_refused(void *arg, enum error_code code, const char *sentence)
{
    struct batch_item *item = arg;
    struct batch_call *call = item->call;

    if (!call->goes) {
        batch_note_refusal(call, (size_t)(item - call->items), code, sentence);
    } else {
        json_t *value = json_pack("{s:s}", "detail", sentence);
        item->answer.text = value != NULL ? json_text(value, &item->answer.len) : NULL;
        json_decref(value);
        item->over = true;
    }
    batch_decide(call);
}

static void item_on_done(void *arg, struct execution *execution)
{
    struct batch_item *item = arg;

    execute_answer_take(&item->answer, execution);
    item->ran = item->over = true;
    batch_decide(item->call);
}

static const struct execution_listener item_listener = {.collects = true, .on_done = item_on_done};

static void batch_start_item(struct batch_call *call, size_t i)
{
    struct run_options options = {.maxima = &call->in.rules.maxima,
                                  .arrived_ns = http_arrived(call->in.pending.ex),
                                  .listener = &item_listener,
                                  .refused = item_on_refused,
                                  .ready = item_on_ready,
                                  .arg = &call->items[i]};

    call->items[i].call = call;
    run_options_of(&options, call->in.pending.ex);
    run_start(&call->items[i].run, call->in.api, &call->requests[i], &options);
}

static void batch_start(struct batch_call *call)
{
    call->starts = true;
    for (size_t i = 0; i < call->count && call->sentence == NULL; i++)
        batch_start_item(call, i);
    call->starts = false;
    batch_decide(call);
}

/* Admission has counted one execution. */

static void batch_on_charged(void *arg, const struct rate_verdict *rate, const struct error *error)
{
    struct batch_call *call = arg;

    if (rate != NULL)
        api_show_rate_again(call->in.pending.ex, rate);
    if (error != NULL)
        batch_refuse(call, error->code, error->text);
    else
        batch_start(call);
}

static void batch_go(struct intake *in)
{
    struct batch_call *call = call_of(in);

    if (call->count == 1) {
        batch_start(call);
        return;
    }
    const struct charge_options options = {.count = (int64_t)call->count - 1, .done = batch_on_charged, .arg = call};
    api_charge(&call->charge, in->pending.ex, &options);
}

/* The body. */

static int batch_read_body(struct intake *in)
{
    struct batch_call *call = call_of(in);

    return batch_read(call->requests, &call->count, in->body, in->body_len, &in->rules, &in->cost, &in->error);
}

static void batch_refuse_body(struct intake *in, enum error_code code, const char *sentence)
{
    batch_refuse(call_of(in), code, sentence);
}

static const struct intake_kind batch_kind = {
    .read = batch_read_body, .go = batch_go, .refuse = batch_refuse_body, .gone = batch_on_gone, .free = batch_drop};

void api_batch(struct http_exchange *ex)
{
    struct batch_call *call = intake_new(ex, execute_check_head, sizeof *call);

    if (call == NULL)
        return;
    call->in.rules = execute_rules(api_of(ex), &api_caller(ex)->key);
    intake_begin(&call->in, ex, &batch_kind, true);
}
