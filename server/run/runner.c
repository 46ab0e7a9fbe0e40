/* All executions of a server: who waits, who runs, and the end of service. */
#include "run/execution_private.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_FULL "The queue is full. Please try again later."
#define SENTENCE_DRAINING "The server is shutting down. Please try again later."

int runner_open(struct runner **out, uv_loop_t *loop, const struct runner_options *options, struct error *error)
{
    struct runner *runner = calloc(1, sizeof *runner);

    if (runner == NULL)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    runner->options = *options;
    scheduler_init(&runner->scheduler, &options->turns);
    uv_timer_init(loop, &runner->timer);
    runner->timer.data = runner;
    *out = runner;
    return 0;
}

void runner_close(struct runner *runner)
{
    assert(runner->first == NULL);
    scheduler_free(&runner->scheduler);
    free(runner);
}

void execution_request_free(struct execution_request *request)
{
    for (size_t i = 0; request->env != NULL && request->env[i] != NULL; i++)
        free((void *)request->env[i]);
    free(request->env);
    free(request->args);
    for (size_t i = 0; i < request->files_len; i++)
        free((void *)request->files[i].data);
    free(request->files);
    json_decref(request->warnings);
    json_decref(request->root);
    *request = (struct execution_request){0};
}

static void link_execution(struct runner *runner, struct execution *execution)
{
    execution->next = runner->first;
    if (runner->first != NULL)
        runner->first->prev = execution;
    runner->first = execution;
    runner->count++;
}

static void execution_free(struct execution *execution)
{
    buf_free(&execution->result.run.out);
    buf_free(&execution->result.run.err);
    buf_free(&execution->result.compile.out);
    buf_free(&execution->result.compile.err);
    execution_request_free(&execution->request);
    free(execution);
}

static void tell_if_idle(struct runner *runner)
{
    void (*idle)(void *arg) = runner->idle;

    if (runner->first != NULL || idle == NULL)
        return;
    runner->idle = NULL;
    uv_close((uv_handle_t *)&runner->timer, NULL); /* nobody will wait any more */
    idle(runner->idle_arg);
}

void runner_forget(struct execution *execution)
{
    struct runner *runner = execution->runner;

    if (execution->prev != NULL)
        execution->prev->next = execution->next;
    else
        runner->first = execution->next;
    if (execution->next != NULL)
        execution->next->prev = execution->prev;
    runner->count--;
    execution_free(execution);
    tell_if_idle(runner);
}

/* The record at acceptance: queued and not waited for, so that the next start can mark what was lost. */

struct acceptance {
    struct store_job job;
    struct record record;
};

static int acceptance_work(struct db *db, struct store_job *job, struct error *error)
{
    struct acceptance *acceptance = container_of(job, struct acceptance, job);
    return records_insert(db, &acceptance->record, error);
}

/* Where it failed, the record's end makes the row; the store doubts by itself. */
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
        return; /* the record's end makes the row then */
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

static struct execution *execution_new(struct runner *runner, int64_t key_row, struct execution_request *request,
                                       execution_done *on_done, void *arg)
{
    struct execution *execution = calloc(1, sizeof *execution);

    if (execution == NULL)
        return NULL;
    size_t output_max = (size_t)request->limits.output_kb << 10;
    execution->runner = runner;
    execution->key_row = key_row;
    execution->request = *request;
    execution->on_done = on_done;
    execution->arg = arg;
    execution->created_ms = seam_wall_ms();
    execution->created_ns = seam()->monotonic_ns();
    execution->result = (struct execution_result){
        .status = RECORD_PENDING, .wall_ns = -1, .cpu_ns = -1, .queue_ns = -1, .peak_bytes = -1};
    buf_init(&execution->result.run.out, output_max);
    buf_init(&execution->result.run.err, output_max);
    buf_init(&execution->result.compile.out, output_max);
    buf_init(&execution->result.compile.err, output_max);
    text_uuid(execution->id);
    text_copy(execution->version, sizeof execution->version, request->version->reported);
    return execution;
}

struct execution *runner_submit(struct runner *runner, int64_t key_row, struct execution_request *request,
                                execution_done *on_done, void *arg, struct error *error)
{
    struct execution *execution = NULL;
    struct turn *evicted = NULL;

    if (runner->draining) {
        error_set(error, ERROR_UNAVAILABLE, SENTENCE_DRAINING);
    } else if (store_trouble(runner->options.store, error)) {
        ; /* nothing is run whose record can't be written */
    } else if ((execution = execution_new(runner, key_row, request, on_done, arg)) == NULL) {
        error_set(error, ERROR_INTERNAL, "out of memory");
    } else if (scheduler_push(&runner->scheduler, &execution->turn, key_row, seam()->monotonic_ns(), &evicted) !=
               SCHEDULER_ACCEPTED) {
        error_set(error, ERROR_UNAVAILABLE, SENTENCE_FULL);
        free(execution);
        execution = NULL;
    }
    if (execution == NULL) {
        execution_request_free(request);
        return NULL;
    }
    *request = (struct execution_request){0};
    link_execution(runner, execution);
    if (evicted != NULL)
        execution_refuse(container_of(evicted, struct execution, turn), SENTENCE_FULL);
    runner->accepting = execution;
    runner_schedule(runner);
    runner->accepting = NULL;
    /* Behind the job, for the database's thread would have the CPU. */
    if (execution->state < EXECUTION_RECORDING)
        record_acceptance(execution);
    return execution;
}

static void on_moment(uv_timer_t *timer)
{
    runner_schedule(timer->data);
}

/* The next moment at which time alone changes something: somebody may get a turn, or a program becomes a long one. */
static void set_timer(struct runner *runner)
{
    uint64_t now = seam()->monotonic_ns(), when = scheduler_when(&runner->scheduler, now);
    uint64_t grows = scheduler_grows(&runner->scheduler);

    if (grows != 0 && (when == 0 || grows < when))
        when = grows;
    if (when != 0)
        uv_timer_start(&runner->timer, on_moment, when > now ? (when - now) / 1000000 + 1 : 0, 0);
    else if (uv_is_active((uv_handle_t *)&runner->timer))
        uv_timer_stop(&runner->timer);
}

void runner_schedule(struct runner *runner)
{
    struct turn *turn;

    if (runner->scheduling)
        return; /* called from below: the loop further up goes on */
    runner->scheduling = true;
    while ((turn = scheduler_next(&runner->scheduler, seam()->monotonic_ns())) != NULL)
        execution_place(container_of(turn, struct execution, turn));
    while ((turn = scheduler_grown(&runner->scheduler, seam()->monotonic_ns())) != NULL)
        execution_yield(container_of(turn, struct execution, turn));
    runner->scheduling = false;
    set_timer(runner);
}

struct execution *runner_find(struct runner *runner, int64_t key_row, const char *id)
{
    struct execution *execution = runner->first;

    while (execution != NULL && (execution->key_row != key_row || strcasecmp(execution->id, id) != 0))
        execution = execution->next;
    return execution;
}

unsigned runner_cancel_session(struct runner *runner, int64_t key_row, const char *session_id)
{
    unsigned cancelled = 0;

    for (struct execution *execution = runner->first, *next; execution != NULL; execution = next) {
        next = execution->next;
        if (execution->key_row == key_row && execution->request.session_id != NULL &&
            strcmp(execution->request.session_id, session_id) == 0 && execution->state < EXECUTION_RECORDING) {
            execution_cancel(execution);
            cancelled++;
        }
    }
    return cancelled;
}

struct runner_counts runner_counts(const struct runner *runner)
{
    return (struct runner_counts){.queued = runner->scheduler.waiting, .running = runner->scheduler.running};
}

struct runner_cells runner_cells(const struct runner *runner, const char *language)
{
    struct pool_counts counts;

    pool_counts(runner->options.pool, language, &counts);
    return (struct runner_cells){.creating = counts.creating,
                                 .ready = counts.ready,
                                 .held = counts.held,
                                 .kept = counts.kept,
                                 .want = counts.want,
                                 .running = counts.running,
                                 .ending = counts.ending};
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
    tell_if_idle(runner);
}

void runner_cancel_all(struct runner *runner)
{
    for (struct execution *execution = runner->first, *next; execution != NULL; execution = next) {
        next = execution->next;
        if (execution->state < EXECUTION_RECORDING) {
            execution->result.failure = SENTENCE_DRAINING;
            execution->result.unavailable = true;
        }
        execution_cancel(execution);
    }
}
