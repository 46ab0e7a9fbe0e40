/* One execution's way. The happy path: execution_place -> pool_take -> on_cell -> cell_run -> on_output, on_step_end ->
 * on_cell_done -> execution_conclude -> the record's job -> on_recorded -> on_done. Every way out, also of a cancelled
 * or a failed execution, goes through execution_conclude(), which gives back the cell and the slot, and records. With
 * reuse, a cell whose program ended within its limits goes back to the pool there, and is reset while the record is
 * committed.
 */
#include "run/execution_private.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/states.h"
#include "docker/cell/cell_prewarm.h"
#include "docker/cell/cell_shares.h"
#include "run/execution_input.h"
#include "run/execution_kernel.h"
#include "run/metrics.h"
#include "run/runner_private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_TROUBLE "The database can't be used. Please try again later."

static const struct states execution_states = {
    .subject = "execution",
    .names = (const char *const[]){"queued", "placed", "compiling", "running", "recording", "done"},
    .next =
        (const uint32_t[]){
            [EXECUTION_QUEUED] = STATE(EXECUTION_PLACED) | STATE(EXECUTION_RECORDING),
            [EXECUTION_PLACED] = STATE(EXECUTION_COMPILING) | STATE(EXECUTION_RUNNING) | STATE(EXECUTION_RECORDING),
            [EXECUTION_COMPILING] = STATE(EXECUTION_RUNNING) | STATE(EXECUTION_RECORDING),
            [EXECUTION_RUNNING] = STATE(EXECUTION_RECORDING),
            [EXECUTION_RECORDING] = STATE(EXECUTION_DONE),
            [EXECUTION_DONE] = 0,
        },
    .count = EXECUTION_STATES,
};

static void execution_set_state(struct execution *execution, enum execution_state state)
{
    states_move(&execution_states, execution->state, state, execution->id);
    execution->state = state;
}

/* One that was accepted before keeps its id and its time. */
static void execution_date(struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    int64_t now_ms = seam_wall_ms();

    execution->created_ms = now_ms;
    execution->created_ns = seam()->monotonic_ns();
    if (request->accepted_id == NULL) {
        text_uuid(execution->id);
        return;
    }
    text_copy(execution->id, sizeof execution->id, request->accepted_id);
    execution->created_ms = request->accepted_ms;
    int64_t waited_ns = (now_ms - request->accepted_ms) * 1000000;
    if (waited_ns > 0 && (uint64_t)waited_ns < execution->created_ns)
        execution->created_ns -= (uint64_t)waited_ns;
}

struct execution *execution_new(struct runner *runner, int64_t key_row, struct execution_request *request,
                                const struct execution_listener *listener, void *arg)
{
    struct execution *execution = calloc(1, sizeof *execution);

    if (execution == NULL) {
        request_free(request);
        return NULL;
    }
    size_t output_max = (size_t)request->limits.output_kb << 10;
    execution->runner = runner;
    execution->key_row = key_row;
    execution->request = *request;
    *request = (struct execution_request){.code = NULL};
    execution->listener = listener;
    execution->arg = arg;
    execution->collects = listener->collects || runner->options.keep_output;
    execution->record = listener->record;
    execution->source = execution->request.workspace != NULL ? &cell_source_workspace : &cell_source_pool;
    execution_date(execution);
    execution->result = (struct execution_result){
        .status = RECORD_PENDING, .wall_ns = -1, .cpu_ns = -1, .queue_ns = -1, .peak_bytes = -1};
    buf_init(&execution->result.run.out, output_max);
    buf_init(&execution->result.run.err, output_max);
    buf_init(&execution->result.compile.out, output_max);
    buf_init(&execution->result.compile.err, output_max);
    buf_init(&execution->result.report, execution->request.kernel ? KERNEL_REPORT_MAX : EVALUATION_REPORT_MAX);
    if (execution->request.evaluate)
        evaluation_key(execution->evaluation_key);
    text_copy(execution->version, sizeof execution->version, execution->request.version->reported);
    return execution;
}

void execution_free(struct execution *execution)
{
    buf_free(&execution->result.run.out);
    buf_free(&execution->result.run.err);
    buf_free(&execution->result.compile.out);
    buf_free(&execution->result.compile.err);
    buf_free(&execution->result.report);
    outputs_free(execution->result.outputs);
    outputs_free(execution->collecting);
    request_free(&execution->request);
    free(execution);
}

static void execution_let_go(struct execution *execution)
{
    if (execution->cell != NULL)
        execution->source->end(execution);
}

/* The end: first the record, then the answer. */

static char *record_text(const struct buf *text, bool keep, size_t *len)
{
    *len = keep ? text->len : 0;
    return keep ? text->data : NULL;
}

/* The record's texts still belong to the execution. */
static void fill_record(const struct execution *execution, struct record *out)
{
    const struct execution_result *result = &execution->result;
    const struct execution_request *request = &execution->request;
    bool keep = execution->runner->options.keep_output;
    struct record record = {
        .key_row = execution->key_row,
        .status = result->status,
        .ended_by_itself = result->failure == NULL && result->status != RECORD_CANCELLED,
        .exit_code = result->exit_code,
        .created_ms = execution->created_ms,
        .started_ms = execution->started_ms,
        .completed_ms = execution->completed_ms,
        .execution_ns = result->wall_ns,
        .queue_ns = result->queue_ns,
        .cpu_ns = result->cpu_ns,
        .memory_bytes = result->peak_bytes,
        .code_bytes = (int64_t)request->code_len,
        .stdout_bytes = (int64_t)result->run.out_len,
        .stderr_bytes = (int64_t)result->run.err_len,
        .reservation = request->reservation,
        .used = result->failure == NULL && execution->started_ms > 0,
    };

    text_copy(record.id, sizeof record.id, execution->id);
    if (request->session_id != NULL)
        text_copy(record.session_id, sizeof record.session_id, request->session_id);
    text_copy(record.language, sizeof record.language, request->language->id);
    text_copy(record.version, sizeof record.version, execution->version);
    record.out = record_text(&result->run.out, keep, &record.out_len);
    record.err = record_text(&result->run.err, keep, &record.err_len);
    *out = record;
}

static int record_work(struct db *db, struct store_job *job, struct error *error)
{
    struct execution *execution = container_of(job, struct execution, record_job);
    struct record record;

    fill_record(execution, &record);
    return execution->record != NULL ? execution->record(execution->arg, db, &record, error)
                                     : records_finish(db, &record, error);
}

/* The record could not be written. The program has run, so the client gets its answer. If the database is unusable, the
 * store keeps the record and writes it later. */
static void owe_record(struct execution *execution, const struct error *error)
{
    struct record record;
    bool owed = false;

    if (error->code == ERROR_UNAVAILABLE) {
        fill_record(execution, &record);
        owed = store_owe(execution->runner->options.store, &record) == 0;
    }
    log_event(LOG_ERROR, "record.failed", LOG_STR("id", execution->id), LOG_STR("reason", error->text),
              LOG_STR("then", owed ? "kept for later" : "lost"));
    request_note(&execution->request, owed ? "its record could not be written yet" : "its record was lost");
}

static void log_done(const struct execution *execution)
{
    const struct execution_result *result = &execution->result;

    log_event(LOG_INFO, "execution.done", LOG_STR("id", execution->id),
              LOG_STR("language", execution->request.language->id),
              LOG_STR("status", record_status_name(result->status)), LOG_STR("failure", result->failure),
              LOG_INT("exit_code", result->exit_code), LOG_INT("stdout_bytes", result->run.out_len),
              LOG_INT("stderr_bytes", result->run.err_len), LOG_REAL("ms", (double)result->wall_ns / 1e6),
              LOG_REAL("queue_ms", (double)result->queue_ns / 1e6));
}

static void on_recorded(struct store_job *job, const struct error *error)
{
    struct execution *execution = container_of(job, struct execution, record_job);

    execution->result.unrecorded = error != NULL && execution->record != NULL;
    if (error != NULL && execution->record == NULL)
        owe_record(execution, error);
    execution_set_state(execution, EXECUTION_DONE);
    log_done(execution);
    if (execution->listener != NULL)
        execution->listener->on_done(execution->arg, execution);
    execution_let_go(execution);
    runner_forget(execution);
}

static bool is_within_memory(const struct execution *execution)
{
    return !execution->out_of_memory || execution->result.failure != NULL ||
           execution->result.status == RECORD_CANCELLED;
}

/* Reads the driver's report. A program that was ended by a limit has none. */
static void execution_evaluate(struct execution *execution)
{
    struct execution_request *request = &execution->request;
    struct execution_result *result = &execution->result;
    struct evaluation *evaluation = &result->evaluation;

    if (!request->evaluate || result->failure != NULL || result->status == RECORD_CANCELLED)
        return;
    if (result->report.len > 0 && !evaluation_read(evaluation, &result->report, execution->evaluation_key))
        (void)request_warn(request,
                           "evaluate: the program left a report that is not the driver's, so there is no result");
    else if (result->report.len == 0 && !result->timed_out && !result->memory_struck)
        (void)request_warn(request, "evaluate: the program ended before its result was reported");
    if (evaluation->result_cut)
        (void)request_warn(request, "evaluate: result is cut at %u bytes", EVALUATION_RESULT_MAX);
    if (evaluation->error_cut)
        (void)request_warn(request, "evaluate: error is cut at %u bytes for the name and %u for each other text",
                           EVALUATION_NAME_MAX, EVALUATION_TEXT_MAX);
}

void execution_conclude(struct execution *execution, bool clean)
{
    struct execution_result *result = &execution->result;

    if (!is_within_memory(execution)) {
        result->status = RECORD_FAILED;
        result->failure = ERROR_MEMORY_SENTENCE;
        result->unavailable = true;
    }
    execution_evaluate(execution);
    execution_kernel_over(execution, clean);
    if (!clean)
        execution_let_go(execution);
    execution_job_free(execution);
    execution->completed_ms = seam_wall_ms();
    if (result->queue_ns < 0)
        result->queue_ns = (int64_t)(seam()->monotonic_ns() - execution->created_ns);
    execution_set_state(execution, EXECUTION_RECORDING);
    if (execution->turn.of != NULL)
        scheduler_leave(&execution->runner->scheduler, &execution->turn, seam()->monotonic_ns());
    measure_end(execution->request.language->id, result);
    measure_minute(execution->runner->options.history, execution->completed_ms, execution->request.language->id, result,
                   seam()->monotonic_ns() - execution->created_ns);
    execution->unsaved = clean && execution->source->saves(execution);
    if (execution->listener != NULL && execution->listener->on_result != NULL)
        execution->listener->on_result(execution->arg, execution);
    if (execution->record == NULL)
        execution_record(execution);
    if (clean) /* while the database works */
        execution->source->keep(execution);
    runner_schedule(execution->runner);
}

static void execution_fail(struct execution *execution, const char *failure, bool unavailable)
{
    execution->result.status = RECORD_FAILED;
    execution->result.failure = failure;
    execution->result.unavailable = unavailable;
    execution_conclude(execution, false);
}

void execution_refuse(struct execution *execution, const char *sentence)
{
    execution->source->leave(execution);
    execution_fail(execution, sentence, true);
}

/* The program's events. */

/* Keeps output. If there is no memory for it, the execution fails, because it would look as if the program had written
 * less. */
static void output_append(struct execution *execution, struct buf *buf, const uint8_t *data, size_t len)
{
    if (execution->collects && buf_append(buf, data, len) != 0)
        execution->out_of_memory = true;
}

/* A report with more bytes than an agent sends is dropped. */
static void take_report(struct execution *execution, const uint8_t *data, size_t len)
{
    struct buf *report = &execution->result.report;

    if (!execution->request.evaluate && !execution->request.kernel)
        return;
    if (len > report->max - report->len) {
        buf_free(report);
        report->max = 0;
    } else if (buf_append(report, data, len) != 0) {
        execution->out_of_memory = true;
    }
}

static void execution_tell(struct execution *execution, enum frame_step step, enum frame_channel channel,
                           const void *data, size_t len)
{
    const struct execution_listener *listener = execution->listener;

    if (listener != NULL && listener->on_output != NULL && len > 0)
        listener->on_output(execution->arg, execution, step, channel, data, len);
}

static void execution_on_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                                size_t len)
{
    struct execution *execution = arg;
    struct execution_output *output = step == FRAME_STEP_COMPILE ? &execution->result.compile : &execution->result.run;
    bool is_out = channel == FRAME_STDOUT;
    struct buf *buf = is_out ? &output->out : &output->err;
    size_t *passed = is_out ? &output->out_len : &output->err_len, room = buf->max - *passed;

    if (channel == FRAME_RESULT) {
        take_report(execution, data, len);
        return;
    }
    if (len > room) {
        *(is_out ? &output->out_cut : &output->err_cut) = true;
        len = room;
    }
    *passed += len;
    output_append(execution, buf, data, len);
    execution_tell(execution, step, channel, data, len);
}

static void note_cuts(struct execution_output *output, uint32_t flags)
{
    output->out_cut |= (flags & FRAME_STDOUT_TRUNCATED) != 0;
    output->err_cut |= (flags & FRAME_STDERR_TRUNCATED) != 0;
}

/* No program ran, so the compiler's figures are the whole execution's. */
static void compiler_was_all(struct execution_result *result)
{
    result->cpu_ns = result->compile_cpu_ns;
    result->peak_bytes = result->compile_peak_bytes;
    result->wall_ns = 0;
}

static void compile_ended(struct execution *execution, const struct frame_step_end *end)
{
    struct execution_result *result = &execution->result;

    note_cuts(&result->compile, end->flags);
    result->compiled = true;
    result->compile_exit_code = (int)end->exit_code;
    result->compile_wall_ns = (int64_t)end->wall_ns;
    result->compile_cpu_ns = (int64_t)end->cpu_ns;
    result->compile_peak_bytes = (int64_t)end->peak_bytes;
    result->compile_timed_out = (end->flags & FRAME_TIMED_OUT) != 0;
    if (end->exit_code == 0) {
        execution_set_state(execution, EXECUTION_RUNNING);
        return;
    }
    result->memory_struck = (end->flags & FRAME_OUT_OF_MEMORY) != 0;
    result->status = result->memory_struck ? RECORD_OUT_OF_MEMORY : RECORD_COMPILE_FAILED;
    result->exit_code = (int)end->exit_code;
    result->signal = (int)end->signal;
    compiler_was_all(result);
}

static void run_ended(struct execution *execution, const struct frame_step_end *end)
{
    struct execution_result *result = &execution->result;

    note_cuts(&result->run, end->flags);
    result->wall_ns = (int64_t)end->wall_ns;
    result->cpu_ns = (int64_t)end->cpu_ns;
    result->peak_bytes = (int64_t)end->peak_bytes;
    if (execution->interrupted)
        return; /* it is cancelled */
    result->exit_code = (int)end->exit_code;
    result->signal = (int)end->signal;
    result->timed_out = (end->flags & FRAME_TIMED_OUT) != 0;
    result->memory_struck = (end->flags & FRAME_OUT_OF_MEMORY) != 0;
    if (result->timed_out)
        result->status = RECORD_TIMED_OUT;
    else if (result->memory_struck && result->exit_code != 0)
        result->status = RECORD_OUT_OF_MEMORY;
    else
        result->status = result->exit_code == 0 ? RECORD_COMPLETED : RECORD_FAILED;
}

static void execution_on_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct execution *execution = arg;

    execution->flags |= end->flags;
    if (step == FRAME_STEP_COMPILE && execution->state == EXECUTION_COMPILING)
        compile_ended(execution, end);
    else if (step == FRAME_STEP_RUN && execution->state == EXECUTION_RUNNING)
        run_ended(execution, end);
    else
        return;
    execution_kernel_step_end(execution, end);
    if (execution->listener != NULL && execution->listener->on_step_end != NULL)
        execution->listener->on_step_end(execution->arg, execution, step);
}

void execution_killed(struct execution *execution, enum record_status status, int exit_code)
{
    execution->result.status = status;
    execution->result.exit_code = exit_code;
    execution->result.signal = SIGKILL;
    if (execution->started_ms > 0 && execution->result.wall_ns < 0)
        execution->result.wall_ns = (seam_wall_ms() - execution->started_ms) * 1000000;
}

/* Adds a sentence after the compiler's own words, on a line of its own. */
static void compiler_say(struct execution *execution, const char *format, const char *name)
{
    struct buf *err = &execution->result.compile.err;
    char sentence[512] = "\n";
    size_t len = 1 + (size_t)snprintf(sentence + 1, sizeof sentence - 2, format, name);
    bool begins = execution->result.compile.err_len == 0 || (err->len > 0 && err->data[err->len - 1] == '\n');

    len = len < sizeof sentence - 2 ? len : sizeof sentence - 2;
    sentence[len++] = '\n';
    err->max += len; /* room for the sentence, even if the compiler's output is at its limit */
    output_append(execution, err, (const uint8_t *)sentence + begins, len - begins);
    execution_tell(execution, FRAME_STEP_COMPILE, FRAME_STDERR, sentence + begins, len - begins);
}

/* The compiler found nothing wrong, but what it made cannot be run. */
static void nothing_to_run(struct execution *execution)
{
    struct execution_result *result = &execution->result;

    compiler_say(execution,
                 "codecell: the compiler succeeded but left no program %s to run (a library, or a program without a "
                 "main function?)",
                 execution->request.version->run[0]);
    result->status = RECORD_COMPILE_FAILED;
    result->exit_code = result->compile_exit_code = 1;
    compiler_was_all(result);
    execution_conclude(execution, false);
}

/* The container was killed for memory, with all its processes. */
static void execution_struck(struct execution *execution)
{
    struct execution_result *result = &execution->result;

    result->memory_struck = true;
    execution_killed(execution, RECORD_OUT_OF_MEMORY, 128 + SIGKILL);
    if (execution->state == EXECUTION_COMPILING) {
        result->compiled = true;
        result->compile_exit_code = 128 + SIGKILL;
        result->compile_wall_ns = result->wall_ns;
        result->wall_ns = 0;
    }
    execution_conclude(execution, false);
}

static void on_cell_done(void *arg, enum cell_outcome outcome)
{
    struct execution *execution = arg;

    switch (outcome) {
    case CELL_DONE:
        execution->result.over_ns = seam()->monotonic_ns();
        if (execution->result.status == RECORD_PENDING) /* the agent did not report the step's end */
            execution_fail(execution, "the container ended unexpectedly", false);
        else if (!execution_collect(execution))
            execution_conclude(execution, true);
        return;
    case CELL_OUT_OF_MEMORY:
        execution_struck(execution);
        return;
    case CELL_UNRESPONSIVE:
        execution->result.timed_out = true;
        execution_killed(execution, RECORD_TIMED_OUT, 124);
        execution_conclude(execution, false);
        return;
    case CELL_NO_SPACE:
        execution_fail(execution, "the program and its files do not fit into limits.disk_mb", false);
        return;
    case CELL_BAD_FILE:
        execution_fail(execution, "a file of the request could not be written", false);
        return;
    case CELL_NO_PROGRAM:
        if (execution->result.compiled)
            nothing_to_run(execution);
        else
            execution_fail(execution, "the language's program could not be started", false);
        return;
    case CELL_LOST:
        execution_fail(execution, "the container ended unexpectedly", false);
        return;
    }
}

static const struct cell_events cell_events = {
    .on_output = execution_on_output,
    .on_step_end = execution_on_step_end,
    .on_input_wanted = execution_feed,
    .on_done = on_cell_done,
};

/* From the queue to a cell. */

static const char *how_taken(const struct execution *execution, const struct cell *cell)
{
    if (cell_jobs(cell) > 0)
        return "kept";
    if (execution->awaited)
        return "made";
    return cell_warmth(cell) == CELL_PREWARMED ? "prewarmed" : "blank";
}

void execution_on_cell(struct execution *execution, struct cell *cell, const struct error *error)
{
    if (cell == NULL && error->code == ERROR_UNAVAILABLE) {
        execution_fail(execution, "The container engine is not reachable. Please try again later.", true);
        return;
    }
    if (cell == NULL && error->code == ERROR_MEMORY) {
        execution_fail(execution, ERROR_MEMORY_SENTENCE, true);
        return;
    }
    if (cell == NULL && (error->code == ERROR_STORAGE || error->code == ERROR_NOT_FOUND)) {
        execution_fail(execution, "its workspace could not be woken", false);
        return;
    }
    if (cell == NULL && error->code == ERROR_BUSY) {
        execution_fail(execution, "Too many workspaces are awake. Please try again later.", true);
        return;
    }
    if (cell == NULL) {
        execution_fail(execution, "its container could not be made", false);
        return;
    }
    execution->cell = cell;
    if (execution_job_build(execution) != 0) {
        execution_fail(execution, ERROR_MEMORY_SENTENCE, true);
        return;
    }
    uint64_t now = seam()->monotonic_ns();
    measure_cell(execution->request.language->id, now - execution->placed_ns);
    measure_taken(execution->request.language->id, how_taken(execution, cell));
    execution->started_ms = seam_wall_ms();
    execution->result.queue_ns = (int64_t)(now - execution->created_ns);
    execution_set_state(execution, execution->job.compile.argv != NULL ? EXECUTION_COMPILING : EXECUTION_RUNNING);
    if (execution->awaited)
        execution->waited_ns += now - execution->placed_ns;
    cell_run(cell, &execution->job, &execution->request.limits.cell, &cell_events, execution);
    if (execution->turn.is_known) /* its slot is old already, because its cell came late */
        cell_yield(cell);
    if (execution->request.arrived_ns > 0 && cell_state(cell) == CELL_RUNNING) /* no update of its limits comes first */
        measure_share("to_job", seam()->monotonic_ns() - execution->request.arrived_ns - execution->waited_ns);
    if (execution->listener != NULL && execution->listener->on_start != NULL)
        execution->listener->on_start(execution->arg, execution);
}

void execution_yield(struct execution *execution)
{
    if (execution->cell != NULL)
        cell_yield(execution->cell);
}

void execution_place(struct execution *execution)
{
    if (store_trouble(execution->runner->options.store, NULL)) {
        execution_refuse(execution, SENTENCE_TROUBLE);
        return;
    }
    execution_set_state(execution, EXECUTION_PLACED);
    execution->placed_ns = seam()->monotonic_ns();
    measure_queue(execution->placed_ns - execution->created_ns);
    if (execution->runner->accepting != execution)
        execution->waited_ns = execution->placed_ns - execution->created_ns;
    execution->source->take(execution);
    execution->awaited = execution->cell == NULL; /* execution_on_cell() fires later, from the loop */
}

void execution_record(struct execution *execution)
{
    if (execution->unsaved) {
        execution->record_wanted = true;
        return;
    }
    execution->record_job = (struct store_job){.work = record_work, .done = on_recorded};
    store_submit(execution->runner->options.store, &execution->record_job);
}

void execution_saved(struct execution *execution, const struct error *error)
{
    if (error != NULL)
        (void)request_warn(&execution->request, "The workspace could not be saved yet: %s", error->text);
    execution->unsaved = false;
    if (execution->record_wanted)
        execution_record(execution);
}

void execution_hold(struct execution *execution, bool hold)
{
    if (execution_is_at_work(execution))
        cell_hold(execution->cell, hold);
}

/* Cancelling. */

void execution_cancel(struct execution *execution)
{
    if (!execution_kernel_interrupt(execution))
        execution_stop(execution);
}

void execution_stop(struct execution *execution)
{
    if (execution->state >= EXECUTION_RECORDING)
        return;
    if (execution->cell == NULL)
        execution->source->leave(execution);
    execution_killed(execution, RECORD_CANCELLED, 128 + SIGKILL);
    execution_conclude(execution, false);
}

void execution_abandon(struct execution *execution)
{
    execution->listener = NULL;
    execution_cancel(execution);
}

/* Getters. */

const char *execution_id(const struct execution *execution)
{
    return execution->id;
}

const char *execution_version(const struct execution *execution)
{
    return execution->version;
}

const struct execution_request *execution_request(const struct execution *execution)
{
    return &execution->request;
}

struct execution_result *execution_result(struct execution *execution)
{
    return &execution->result;
}

enum record_status execution_status(const struct execution *execution)
{
    switch (execution->state) {
    case EXECUTION_QUEUED:
        return RECORD_PENDING;
    case EXECUTION_PLACED:
    case EXECUTION_COMPILING:
    case EXECUTION_RUNNING:
        return RECORD_RUNNING;
    default:
        return execution->result.status;
    }
}
