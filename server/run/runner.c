#include "run/runner_private.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/notices.h"
#include "base/seam.h"
#include "run/execution_kernel.h"
#include "store/credits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_FULL "The queue is full. Please try again later."
#define SENTENCE_DRAINING "The server is shutting down. Please try again later."

int runner_open(struct runner **out, uv_loop_t *loop, const struct runner_options *options, struct error *error)
{
    struct runner *runner = calloc(1, sizeof *runner);

    if (runner == NULL)
        return error_memory(error);
    list_init(&runner->executions);
    runner->options = *options;
    scheduler_init(&runner->scheduler, &options->turns);
    uv_timer_init(loop, &runner->timer);
    runner->timer.data = runner;
    *out = runner;
    return 0;
}

void runner_close(struct runner *runner)
{
    assert(list_is_empty(&runner->executions));
    scheduler_free(&runner->scheduler);
    free(runner);
}

static void runner_tell_if_idle(struct runner *runner)
{
    void (*idle)(void *arg) = runner->idle;

    if (!list_is_empty(&runner->executions) || idle == NULL)
        return;
    runner->idle = NULL;
    uv_close((uv_handle_t *)&runner->timer, NULL); /* there will be no execution any more */
    idle(runner->idle_arg);
}

void runner_forget(struct execution *execution)
{
    struct runner *runner = execution->runner;

    list_remove(&execution->node);
    execution_free(execution);
    runner_tell_if_idle(runner);
}

/* The record at acceptance is queued, and nothing waits for it. It tells the next start which executions were lost. */

struct acceptance {
    struct store_job job;
    struct record record;
};

static int acceptance_work(struct db *db, struct store_job *job, struct error *error)
{
    struct acceptance *acceptance = container_of(job, struct acceptance, job);

    return records_insert(db, &acceptance->record, error);
}

/* If the job failed, the record at the end makes the row, and the store reports its own trouble. */
static void acceptance_done(struct store_job *job, const struct error *error)
{
    struct acceptance *acceptance = container_of(job, struct acceptance, job);

    if (error != NULL)
        log_event(LOG_WARN, "record.failed", LOG_STR("id", acceptance->record.id), LOG_STR("reason", error->text));
    record_clear(&acceptance->record);
    free(acceptance);
}

static void record_acceptance(const struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    struct acceptance *acceptance = calloc(1, sizeof *acceptance);

    if (acceptance == NULL)
        return; /* the record at the end makes the row */
    struct record *record = &acceptance->record;
    acceptance->job.work = acceptance_work;
    acceptance->job.done = acceptance_done;
    *record = (struct record){.key_row = execution->key_row,
                              .status = RECORD_PENDING,
                              .created_ms = execution->created_ms,
                              .execution_ns = -1,
                              .queue_ns = -1,
                              .cpu_ns = -1,
                              .memory_bytes = -1,
                              .code_bytes = (int64_t)request->code_len};
    text_copy(record->id, sizeof record->id, execution->id);
    if (request->session_id != NULL)
        text_copy(record->session_id, sizeof record->session_id, request->session_id);
    text_copy(record->language, sizeof record->language, request->language->id);
    text_copy(record->version, sizeof record->version, execution->version);
    if (execution->runner->options.keep_code && (record->code = malloc(request->code_len + 1)) != NULL) {
        memcpy(record->code, request->code, request->code_len);
        record->code_len = request->code_len;
    }
    store_submit(execution->runner->options.store, &acceptance->job);
}

/* 0, or -1 if nothing is accepted now. Nothing is run if its record cannot be written. */
static int runner_accepts(const struct runner *runner, struct error *error)
{
    if (runner->draining)
        return error_set(error, ERROR_UNAVAILABLE, SENTENCE_DRAINING);
    return store_trouble(runner->options.store, error) ? -1 : 0;
}

/* The log has the request that was turned away; this is for the operator's page. */
static void note_full(void)
{
    notices_note("queue.full", false, "", seam_wall_ms());
}

int runner_queue(struct execution *execution, struct error *error)
{
    struct turn *evicted = NULL;

    if (scheduler_push(&execution->runner->scheduler, &execution->turn, execution->key_row, seam()->monotonic_ns(),
                       &evicted) != SCHEDULER_ACCEPTED) {
        note_full();
        return error_set(error, ERROR_UNAVAILABLE, SENTENCE_FULL);
    }
    if (evicted != NULL) {
        note_full();
        execution_refuse(container_of(evicted, struct execution, turn), SENTENCE_FULL);
    }
    return 0;
}

/* NULL: it is not accepted, and the request is freed. */
static struct execution *runner_accept(struct runner *runner, int64_t key_row, struct execution_request *request,
                                       const struct execution_listener *listener, void *arg, struct error *error)
{
    if (runner_accepts(runner, error) != 0) {
        request_free(request);
        return NULL;
    }
    struct execution *execution = execution_new(runner, key_row, request, listener, arg);
    if (execution == NULL) {
        error_memory(error);
        return NULL;
    }
    list_unshift(&runner->executions, &execution->node);
    if (execution->source->enter(execution, error) != 0) {
        list_remove(&execution->node);
        execution_free(execution);
        return NULL;
    }
    return execution;
}

struct execution *runner_submit(struct runner *runner, int64_t key_row, struct execution_request *request,
                                const struct execution_listener *listener, void *arg, struct error *error)
{
    int64_t reservation = request->reservation;
    struct execution *execution = runner_accept(runner, key_row, request, listener, arg, error);

    if (execution == NULL) {
        credits_give_back_later(runner->options.store, reservation);
        return NULL;
    }
    runner->accepting = execution;
    runner_schedule(runner);
    runner->accepting = NULL;
    /* The record is queued after the job was written: on a busy machine the database's thread would otherwise run first
     * and delay the program. */
    if (execution->state < EXECUTION_RECORDING && execution->request.accepted_id == NULL)
        record_acceptance(execution);
    return execution;
}

static void runner_on_timer(uv_timer_t *timer)
{
    runner_schedule(timer->data);
}

/* Wakes the runner at the next moment at which time alone changes something: an execution may get a slot, or a program
 * becomes a long one. */
static void runner_set_timer(struct runner *runner)
{
    uint64_t now = seam()->monotonic_ns(), when = scheduler_when(&runner->scheduler, now);
    uint64_t grows = scheduler_grows(&runner->scheduler);

    if (grows != 0 && (when == 0 || grows < when))
        when = grows;
    if (when != 0)
        uv_timer_start(&runner->timer, runner_on_timer, when > now ? (when - now) / 1000000 + 1 : 0, 0);
    else if (uv_is_active((uv_handle_t *)&runner->timer))
        uv_timer_stop(&runner->timer);
}

void runner_schedule(struct runner *runner)
{
    struct turn *turn;

    if (runner->scheduling)
        return; /* called from within the loops below, which go on */
    runner->scheduling = true;
    while ((turn = scheduler_next(&runner->scheduler, seam()->monotonic_ns())) != NULL)
        execution_place(container_of(turn, struct execution, turn));
    while ((turn = scheduler_grown(&runner->scheduler, seam()->monotonic_ns())) != NULL)
        execution_yield(container_of(turn, struct execution, turn));
    runner->scheduling = false;
    runner_set_timer(runner);
}

struct execution *runner_find(struct runner *runner, int64_t key_row, const char *id)
{
    LIST_EACH (node, &runner->executions) {
        struct execution *execution = container_of(node, struct execution, node);
        if (execution->key_row == key_row && strcasecmp(execution->id, id) == 0)
            return execution;
    }
    return NULL;
}

static bool is_of_session(const struct execution *execution, int64_t key_row, const char *session_id)
{
    return execution->key_row == key_row && execution->request.session_id != NULL &&
           strcmp(execution->request.session_id, session_id) == 0 && execution->state < EXECUTION_RECORDING;
}

/* Cancelling one execution may end another at once (the slot goes to one that cannot be placed), but frees none:
 * records are committed on another thread. So the list may be walked meanwhile. */
unsigned runner_cancel_session(struct runner *runner, int64_t key_row, const char *session_id)
{
    unsigned cancelled = 0;

    LIST_EACH (node, &runner->executions) {
        struct execution *execution = container_of(node, struct execution, node);
        if (is_of_session(execution, key_row, session_id)) {
            execution_stop(execution);
            cancelled++;
        }
    }
    return cancelled;
}

bool runner_signal_kernel(struct runner *runner, int64_t key_row, const char *session_id, uint32_t number)
{
    LIST_EACH (node, &runner->executions) {
        struct execution *execution = container_of(node, struct execution, node);
        if (is_of_session(execution, key_row, session_id) && execution_kernel_signal(execution, number))
            return true;
    }
    return false;
}

struct runner_counts runner_counts(const struct runner *runner)
{
    return (struct runner_counts){.queued = runner->scheduler.queued, .running = runner->scheduler.running};
}

const char *const runner_states[] = {"waiting", "placed", "compiling", "running", "recording", NULL};

static const char *state_text(enum execution_state state)
{
    static const size_t places[EXECUTION_STATES] = {
        [EXECUTION_QUEUED] = 0,  [EXECUTION_PLACED] = 1,    [EXECUTION_COMPILING] = 2,
        [EXECUTION_RUNNING] = 3, [EXECUTION_RECORDING] = 4, [EXECUTION_DONE] = 4};

    return runner_states[places[state]];
}

void runner_each(const struct runner *runner, bool (*each)(const struct runner_view *view, void *arg), void *arg)
{
    for (const struct list *node = runner->executions.prev; node != &runner->executions; node = node->prev) {
        const struct execution *execution = container_of(node, const struct execution, node);
        const struct runner_view view = {.key_row = execution->key_row,
                                         .id = execution->id,
                                         .language = execution->request.language->id,
                                         .version = execution->version,
                                         .session_id = execution->request.session_id,
                                         .state = state_text(execution->state),
                                         .created_ms = execution->created_ms,
                                         .started_ms = execution->started_ms};
        if (!each(&view, arg))
            return;
    }
}

struct runner_cells runner_cells(const struct runner *runner, const char *language)
{
    struct pool_counts counts;

    pool_counts(runner->options.pool, language, &counts);
    return (struct runner_cells){.creating = counts.creating,
                                 .ready = counts.ready,
                                 .prewarmed = counts.prewarmed,
                                 .kept = counts.kept,
                                 .target = counts.target,
                                 .running = counts.running,
                                 .ending = counts.ending};
}

struct pool_isolation runner_isolation(const struct runner *runner)
{
    return pool_isolation(runner->options.pool);
}

bool runner_engine_is_up(const struct runner *runner)
{
    return pool_engine_is_up(runner->options.pool);
}

bool runner_can_run(const struct runner *runner)
{
    return pool_can_make(runner->options.pool);
}

void runner_drain(struct runner *runner, void (*idle)(void *arg), void *arg)
{
    runner->draining = true;
    runner->idle = idle;
    runner->idle_arg = arg;
    runner_tell_if_idle(runner);
}

void runner_cancel_all(struct runner *runner)
{
    LIST_EACH (node, &runner->executions) {
        struct execution *execution = container_of(node, struct execution, node);
        if (execution->state < EXECUTION_RECORDING) {
            execution->result.failure = SENTENCE_DRAINING;
            execution->result.unavailable = true;
        }
        execution_stop(execution);
    }
}
