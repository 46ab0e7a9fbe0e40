/* POST /api/v1/execute/async. The happy path: api_async -> intake: the body is read, and encoded for the journal ->
 * async_go -> run_start, which finds out whether it could run and reserves its credits -> async_on_ready ->
 * accept_work: the row, its record and the answer to repeat, in one transaction that is on the disk before the 202 ->
 * accept_done. */
#include "api/async.h"

#include "api/accepted.h"
#include "api/answers.h"
#include "api/api.h"
#include "api/background.h"
#include "api/execute.h"
#include "api/intake.h"
#include "api/run.h"
#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "run/request_codec.h"
#include "store/credits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_DRAINING "The server is shutting down. Please try again later."
#define LOCATION "/api/v1/execute/status/%s"
#define LOCATION_MAX 80

struct async_call {
    struct intake in;
    struct execution_request request;
    struct buf encoded; /* the request, for the journal */
    struct run *run;    /* NULL: not begun, or over */
    bool accepts;       /* the database has it: it is accepted, whether or not its client waits */
    struct store_job job;
    struct journal_view view; /* of what is accepted */
    struct buf answer;
    char location[LOCATION_MAX];
};

static struct async_call *call_of(struct intake *in)
{
    return container_of(in, struct async_call, in);
}

static void async_free(struct intake *in)
{
    struct async_call *call = call_of(in);

    request_free(&call->request);
    buf_free(&call->encoded);
    buf_free(&call->answer);
    intake_close(in);
    free(call);
}

static void async_on_gone(struct intake *in)
{
    struct async_call *call = call_of(in);

    if (call->accepts)
        return; /* freed when the database has answered */
    if (call->run != NULL)
        run_leave(call->run);
    repeat_leave(in->repeat);
    async_free(in);
}

static void async_refuse(struct intake *in, enum error_code code, const char *sentence)
{
    struct http_exchange *ex = pending_end(&in->pending);

    repeat_leave(in->repeat);
    if (ex != NULL)
        api_respond_sentence(ex, code, sentence);
    async_free(in);
}

/* Acceptance. */

static int accept_work(struct db *db, struct store_job *job, struct error *error)
{
    struct async_call *call = container_of(job, struct async_call, job);
    const struct journal_work work = {.request = call->encoded.data,
                                      .request_len = call->encoded.len,
                                      .reservation = call->request.reservation,
                                      .url = call->request.webhook_url,
                                      .secret = call->request.webhook_secret};

    if (journal_accept(db, &call->view.record, &work, &background_options(call->in.api->background)->room, error) != 0)
        return -1;
    return repeat_keep(call->in.repeat, db, 202, call->location, call->answer.data, call->answer.len, error);
}

static void accept_done(struct store_job *job, const struct error *error)
{
    struct async_call *call = container_of(job, struct async_call, job);
    size_t len = 0;

    if (error != NULL) {
        credits_give_back_later(call->in.api->store, call->request.reservation);
        async_refuse(&call->in, error->code, error->text);
        return;
    }
    log_event(LOG_INFO, "execution.accepted", LOG_STR("id", call->view.record.id),
              LOG_STR("language", call->request.language->id));
    background_added(call->in.api->background, call->view.record.key_row);
    repeat_over(call->in.repeat);
    struct http_exchange *ex = pending_end(&call->in.pending);
    char *text = ex != NULL ? buf_detach(&call->answer, &len) : NULL;
    if (ex != NULL) {
        http_header_add(ex, "Location", "%s", call->location);
        http_respond(ex, 202, "application/json", text, len);
    }
    async_free(&call->in);
}

/* The record's texts are the request's. */
static void async_fill_record(struct async_call *call, int64_t key_row)
{
    const struct execution_request *request = &call->request;
    struct record *record = &call->view.record;

    *record = (struct record){.key_row = key_row,
                              .status = RECORD_PENDING,
                              .created_ms = seam_wall_ms(),
                              .execution_ns = -1,
                              .queue_ns = -1,
                              .cpu_ns = -1,
                              .memory_bytes = -1,
                              .code_bytes = (int64_t)request->code_len,
                              .accepted = true};
    text_uuid(record->id);
    if (request->session_id != NULL)
        text_copy(record->session_id, sizeof record->session_id, request->session_id);
    text_copy(record->language, sizeof record->language, request->language->id);
    text_copy(record->version, sizeof record->version, request->version->reported);
    if (background_options(call->in.api->background)->keep_code) {
        record->code = (char *)request->code;
        record->code_len = request->code_len;
    }
}

static void async_on_ready(void *arg)
{
    struct async_call *call = arg;

    run_take(call->run, &call->request);
    async_fill_record(call, api_caller(call->in.pending.ex)->key.row);
    snprintf(call->location, sizeof call->location, LOCATION, call->view.record.id);
    buf_init(&call->answer, 1024);
    if (accepted_text(&call->answer, &call->view, RECORD_PENDING, NULL) != 0) {
        credits_give_back_later(call->in.api->store, call->request.reservation);
        async_refuse(&call->in, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    call->accepts = true;
    call->job = (struct store_job){.work = accept_work, .done = accept_done, .durable = true};
    store_submit(call->in.api->store, &call->job);
}

static void async_on_refused(void *arg, enum error_code code, const char *sentence)
{
    struct async_call *call = arg;

    async_refuse(&call->in, code, sentence);
}

static void async_go(struct intake *in)
{
    struct async_call *call = call_of(in);

    if (call->in.api->draining) {
        async_refuse(&call->in, ERROR_UNAVAILABLE, SENTENCE_DRAINING);
        return;
    }
    struct run_options options = {
        .maxima = &call->in.rules.maxima, .refused = async_on_refused, .ready = async_on_ready, .arg = call};
    static const struct execution_listener nobody = {.collects = false}; /* it never begins */
    options.listener = &nobody;
    run_options_of(&options, call->in.pending.ex);
    run_start(&call->run, call->in.api, &call->request, &options);
}

/* The body. */

static int async_read(struct intake *in)
{
    struct async_call *call = call_of(in);
    int failed = execute_read(&call->request, in->body, in->body_len, &in->rules, &in->cost, &in->error);

    buf_init(&call->encoded, PTRDIFF_MAX); /* as large as the request, which is in memory already */
    if (failed == 0 && (failed = request_encode(&call->request, &call->encoded)) != 0)
        error_memory(&in->error);
    in->cost += call->encoded.cap;
    return failed;
}

static const struct intake_kind async_kind = {
    .read = async_read, .go = async_go, .refuse = async_refuse, .gone = async_on_gone, .free = async_free};

void api_async(struct http_exchange *ex)
{
    struct async_call *call = intake_new(ex, execute_check_head, sizeof *call);

    if (call == NULL)
        return;
    call->in.rules = execute_rules(api_of(ex), &api_caller(ex)->key);
    call->in.rules.background = true;
    intake_begin(&call->in, ex, &async_kind, true);
}
