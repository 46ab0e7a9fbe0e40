/* GET /api/v1/execute/status/{id}. The happy path: api_status -> look_work -> status_looked -> the text (a large one on
 * a worker thread) -> http_respond. With ?wait, one that is not done is looked at again when background.h says that it
 * ended, or after that time. */
#include "api/status.h"

#include "api/accepted.h"
#include "api/answers.h"
#include "api/api.h"
#include "api/background.h"
#include "api/page.h"
#include "api/pending.h"
#include "api/work.h"
#include "base/container_of.h"
#include "base/fields.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MOST_S 60

struct status_call {
    struct pending pending;
    struct api *api;
    int64_t key_row;
    struct background_waiter waiter; /* its id is the execution's */
    bool waits;                      /* for the end */
    bool looks;                      /* the database has the call */
    bool again;                      /* it ended meanwhile */
    struct store_job job;
    struct journal_view view;
    struct webhook_row webhook;
    bool has_webhook;
    struct work work;
    bool works;
    enum record_status status;
    struct buf text;
    int failed;
    uv_timer_t timer; /* frees the call when it is closed */
};

static void status_clear(struct status_call *call)
{
    journal_view_clear(&call->view);
    webhook_row_clear(&call->webhook);
    call->has_webhook = false;
}

static void status_on_closed(uv_handle_t *handle)
{
    struct status_call *call = container_of(handle, struct status_call, timer);

    status_clear(call);
    buf_free(&call->text);
    free(call);
}

static void status_end(struct status_call *call)
{
    background_unwait(&call->waiter);
    uv_close((uv_handle_t *)&call->timer, status_on_closed);
}

static void status_on_gone(struct pending *pending)
{
    struct status_call *call = container_of(pending, struct status_call, pending);

    if (!call->works && !call->looks)
        status_end(call);
}

static void status_refuse(struct status_call *call, enum error_code code, const char *sentence)
{
    struct error error;

    error_set(&error, code, "%s", sentence);
    api_respond_error(pending_end(&call->pending), &error);
    status_end(call);
}

/* The answer. */

static void status_encode(struct work *work)
{
    struct status_call *call = container_of(work, struct status_call, work);

    buf_init(&call->text, PTRDIFF_MAX); /* its result is in memory already */
    call->failed = accepted_text(&call->text, &call->view, call->status, call->has_webhook ? &call->webhook : NULL);
}

static void status_encoded(struct work *work)
{
    struct status_call *call = container_of(work, struct status_call, work);
    size_t len = 0;

    call->works = false;
    if (call->pending.ex == NULL) {
        status_end(call);
        return;
    }
    char *text = call->failed == 0 ? buf_detach(&call->text, &len) : NULL;
    if (text == NULL) {
        status_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    http_respond(pending_end(&call->pending), 200, "application/json", text, len);
    status_end(call);
}

/* One that the runner has may wait for its slot still. */
static enum record_status status_now(const struct status_call *call)
{
    const struct execution *execution = runner_find(call->api->runner, call->key_row, call->waiter.id);

    if (execution == NULL)
        return call->view.state == JOURNAL_WAITING ? RECORD_PENDING : RECORD_RUNNING;
    return execution_status(execution) == RECORD_PENDING ? RECORD_PENDING : RECORD_RUNNING;
}

static void status_answer(struct status_call *call)
{
    if (call->view.state == JOURNAL_DONE && call->view.result == NULL) {
        status_refuse(call, ERROR_GONE, "The result of this execution is not kept any more");
        return;
    }
    call->status = status_now(call);
    call->works = true;
    call->work = (struct work){.run = status_encode, .done = status_encoded};
    work_start(&call->work, call->api->loop, call->view.result_len);
}

/* Looking. */

static int look_work(struct db *db, struct store_job *job, struct error *error)
{
    struct status_call *call = container_of(job, struct status_call, job);

    if (journal_get(db, call->key_row, call->waiter.id, &call->view, error) != 0)
        return -1;
    int found = webhooks_get(db, call->view.record.id, &call->webhook, error);
    call->has_webhook = found == 1;
    return found < 0 ? -1 : 0;
}

static void status_look(struct status_call *call);

static void status_looked(struct store_job *job, const struct error *error)
{
    struct status_call *call = container_of(job, struct status_call, job);
    bool again = call->again;

    call->looks = call->again = false;
    if (call->pending.ex == NULL) {
        status_end(call);
    } else if (error != NULL) {
        status_refuse(call, error->code, error->text);
    } else if (call->view.state == JOURNAL_DONE || !(call->waits || again)) {
        status_answer(call);
    } else if (again) {
        status_clear(call);
        status_look(call);
    } else {
        status_clear(call); /* until it ends */
    }
}

static void status_look(struct status_call *call)
{
    call->looks = true;
    call->job = (struct store_job){.work = look_work, .done = status_looked, .reader = call->key_row};
    store_submit(call->api->store, &call->job);
}

/* The wait is over. */
static void status_wake(struct status_call *call)
{
    if (!call->waits)
        return;
    call->waits = false;
    background_unwait(&call->waiter);
    uv_timer_stop(&call->timer);
    if (call->looks)
        call->again = true;
    else
        status_look(call);
}

static void status_on_end(struct background_waiter *waiter)
{
    status_wake(container_of(waiter, struct status_call, waiter));
}

static void status_on_time(uv_timer_t *timer)
{
    status_wake(container_of(timer, struct status_call, timer));
}

/* The request. */

struct status_query {
    int64_t wait_s;
};

static const struct field query_list[] = {
    {.name = "wait",
     .type = FIELD_INTEGER,
     .least = 0,
     .most = WAIT_MOST_S,
     .at = offsetof(struct status_query, wait_s),
     .fallback = "0",
     .meaning = "seconds to wait for its end"},
};
const struct fields status_query_fields = FIELDS(query_list, sizeof(struct status_query));

static void status_begin(struct status_call *call, struct http_exchange *ex, int64_t wait_s)
{
    call->api = api_of(ex);
    call->key_row = api_caller(ex)->key.row;
    text_copy(call->waiter.id, sizeof call->waiter.id, http_param(ex, "id"));
    call->waiter.wake = status_on_end;
    uv_timer_init(call->api->loop, &call->timer);
    pending_begin(&call->pending, ex, status_on_gone);
    if (wait_s > 0 && !call->api->draining) {
        call->waits = true;
        background_wait(call->api->background, &call->waiter);
        uv_timer_start(&call->timer, status_on_time, (uint64_t)wait_s * 1000, 0);
    }
    status_look(call);
}

void api_status(struct http_exchange *ex)
{
    struct status_query query = {.wait_s = 0};
    struct error error = {.code = ERROR_NONE};
    const struct fields_reading reading = {.error = &error};
    int result = fields_read_query(&status_query_fields, page_parameter, ex, &reading, &query);
    struct status_call *call = result == 0 ? calloc(1, sizeof *call) : NULL;

    if (call != NULL) {
        status_begin(call, ex, query.wait_s);
        return;
    }
    if (result == 0)
        error_memory(&error);
    api_respond_error(ex, &error);
}
