/* One execution's way. The happy path: execution_place -> pool_take -> on_cell -> cell_run -> on_output,
 * on_step_end -> on_cell_done -> conclude -> the record's job -> on_recorded -> on_done. Every way out, also of a
 * cancelled or a failed one, goes through conclude(), which lets the cell and the turn go and records. With reuse, a
 * cell whose program ended within its limits goes back to the pool there, and is reset while the record is committed.
 */
#include "run/execution.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "run/execution_private.h"
#include "run/metrics.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_TROUBLE "The database can't be used. Please try again later."

#define FROM(state) (1u << (state))

static const unsigned legal_from[EXECUTION_STATES] = {
    [EXECUTION_QUEUED] = 0,
    [EXECUTION_PLACED] = FROM(EXECUTION_QUEUED),
    [EXECUTION_COMPILING] = FROM(EXECUTION_PLACED),
    [EXECUTION_RUNNING] = FROM(EXECUTION_PLACED) | FROM(EXECUTION_COMPILING),
    [EXECUTION_RECORDING] =
        FROM(EXECUTION_QUEUED) | FROM(EXECUTION_PLACED) | FROM(EXECUTION_COMPILING) | FROM(EXECUTION_RUNNING),
    [EXECUTION_DONE] = FROM(EXECUTION_RECORDING),
};

static void set_state(struct execution *execution, enum execution_state state)
{
    assert(legal_from[state] & FROM(execution->state));
    execution->state = state;
}

static void let_go(struct execution *execution)
{
    if (execution->cell != NULL)
        cell_end(execution->cell);
    execution->cell = NULL;
}

/* Whether the next program of the same key may have its cell. One that ran into a limit was killed in the midst of
 * whatever it did, or more than it was meant to: a reset would have more to undo, and its cell is not worth that. */
static bool may_give_back(const struct execution *execution)
{
    const struct execution_result *result = &execution->result;
    const struct execution_output *run = &result->run, *compile = &result->compile;

    return execution->request.reuse && !result->timed_out && !result->compile_timed_out && !result->memory_struck &&
           !run->out_cut && !run->err_cut && !compile->out_cut && !compile->err_cut;
}

static void give_back(struct execution *execution)
{
    struct cell *cell = execution->cell;

    execution->cell = NULL;
    pool_return(execution->runner->options.pool, cell, execution->key_row);
}

/* The end: record, then tell. */

static char *kept(const struct buf *text, bool keep, size_t *len)
{
    *len = keep ? text->len : 0;
    return keep ? text->data : NULL;
}

/* Its texts stay the execution's. */
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
        .stdout_bytes = (int64_t)result->run.out.len,
        .stderr_bytes = (int64_t)result->run.err.len,
    };

    text_copy(record.id, sizeof record.id, execution->id);
    if (request->session_id != NULL)
        text_copy(record.session_id, sizeof record.session_id, request->session_id);
    text_copy(record.language, sizeof record.language, request->language->id);
    text_copy(record.version, sizeof record.version, execution->version);
    record.out = kept(&result->run.out, keep, &record.out_len);
    record.err = kept(&result->run.err, keep, &record.err_len);
    *out = record;
}

static int record_work(struct db *db, struct store_job *job, struct error *error)
{
    struct record record;

    fill_record(container_of(job, struct execution, record_job), &record);
    return records_finish(db, &record, error);
}

/* The program has run: its answer is given, and its record is written when that can be done. */
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
    json_array_append_new(execution->request.warnings,
                          json_string(owed ? "its record could not be written yet" : "its record was lost"));
}

static void log_done(const struct execution *execution)
{
    const struct execution_result *result = &execution->result;

    log_event(LOG_INFO, "execution.done", LOG_STR("id", execution->id),
              LOG_STR("language", execution->request.language->id),
              LOG_STR("status", record_status_name(result->status)), LOG_STR("failure", result->failure),
              LOG_INT("exit_code", result->exit_code), LOG_INT("stdout_bytes", result->run.out.len),
              LOG_INT("stderr_bytes", result->run.err.len), LOG_REAL("ms", (double)result->wall_ns / 1e6),
              LOG_REAL("queue_ms", (double)result->queue_ns / 1e6));
}

static void on_recorded(struct store_job *job, const struct error *error)
{
    struct execution *execution = container_of(job, struct execution, record_job);

    if (error != NULL)
        owe_record(execution, error);
    set_state(execution, EXECUTION_DONE);
    log_done(execution);
    if (execution->on_done != NULL)
        execution->on_done(execution->arg, execution);
    let_go(execution);
    runner_forget(execution);
}

/* It runs no more, whatever happened: lets go of what it holds, and records. A cell whose agent has said that nothing
 * is left in it (`clean`) is removed behind the answer's back, or at once given back, for a reset is quick; any other
 * is removed at once. */
static void conclude(struct execution *execution, bool clean)
{
    struct execution_result *result = &execution->result;

    if (!clean)
        let_go(execution);
    job_free(execution);
    execution->completed_ms = seam_wall_ms();
    if (result->queue_ns < 0)
        result->queue_ns = (int64_t)(seam()->monotonic_ns() - execution->created_ns);
    set_state(execution, EXECUTION_RECORDING);
    if (execution->turn.of != NULL)
        scheduler_leave(&execution->runner->scheduler, &execution->turn, seam()->monotonic_ns());
    measure_end(execution->request.language->id, result);
    execution->record_job = (struct store_job){.work = record_work, .done = on_recorded};
    store_submit(execution->runner->options.store, &execution->record_job);
    if (clean && may_give_back(execution)) /* the database works meanwhile */
        give_back(execution);
    runner_schedule(execution->runner);
}

static void fail(struct execution *execution, const char *failure, bool unavailable)
{
    execution->result.status = RECORD_FAILED;
    execution->result.failure = failure;
    execution->result.unavailable = unavailable;
    conclude(execution, false);
}

void execution_refuse(struct execution *execution, const char *sentence)
{
    fail(execution, sentence, true);
}

/* The program's events. */

static void append(struct buf *buf, bool *cut, const uint8_t *data, size_t len)
{
    size_t room = buf->max - buf->len;

    if (len > room)
        *cut = true;
    if (buf_append(buf, data, len < room ? len : room) != 0)
        *cut = true;
}

static void on_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len)
{
    struct execution *execution = arg;
    struct execution_output *output = step == FRAME_STEP_COMPILE ? &execution->result.compile : &execution->result.run;

    if (channel == FRAME_STDOUT)
        append(&output->out, &output->out_cut, data, len);
    else if (channel == FRAME_STDERR)
        append(&output->err, &output->err_cut, data, len);
}

static void note_cuts(struct execution_output *output, uint32_t flags)
{
    output->out_cut |= (flags & FRAME_STDOUT_TRUNCATED) != 0;
    output->err_cut |= (flags & FRAME_STDERR_TRUNCATED) != 0;
}

/* No program ran: what the compiler took is what it all took. */
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
        set_state(execution, EXECUTION_RUNNING);
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
    result->exit_code = (int)end->exit_code;
    result->signal = (int)end->signal;
    result->timed_out = (end->flags & FRAME_TIMED_OUT) != 0;
    result->memory_struck = (end->flags & FRAME_OUT_OF_MEMORY) != 0;
    result->wall_ns = (int64_t)end->wall_ns;
    result->cpu_ns = (int64_t)end->cpu_ns;
    result->peak_bytes = (int64_t)end->peak_bytes;
    if (result->timed_out)
        result->status = RECORD_TIMED_OUT;
    else if (result->memory_struck && result->exit_code != 0)
        result->status = RECORD_OUT_OF_MEMORY;
    else
        result->status = result->exit_code == 0 ? RECORD_COMPLETED : RECORD_FAILED;
}

static void on_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct execution *execution = arg;

    if (step == FRAME_STEP_COMPILE && execution->state == EXECUTION_COMPILING)
        compile_ended(execution, end);
    else if (step == FRAME_STEP_RUN && execution->state == EXECUTION_RUNNING)
        run_ended(execution, end);
}

static void killed(struct execution *execution, enum record_status status, int exit_code)
{
    execution->result.status = status;
    execution->result.exit_code = exit_code;
    execution->result.signal = SIGKILL;
    if (execution->started_ms > 0 && execution->result.wall_ns < 0)
        execution->result.wall_ns = (seam_wall_ms() - execution->started_ms) * 1000000;
}

/* Behind what the compiler said, on a line of its own. */
static void say(struct buf *err, const char *format, const char *name)
{
    char sentence[512];
    size_t len = (size_t)snprintf(sentence, sizeof sentence - 1, format, name);

    len = len < sizeof sentence - 2 ? len : sizeof sentence - 2;
    sentence[len++] = '\n';
    err->max += len + 1; /* although it may have said as much as it could */
    if (err->len > 0 && err->data[err->len - 1] != '\n')
        (void)buf_append(err, "\n", 1);
    (void)buf_append(err, sentence, len);
}

/* The compiler found nothing wrong, but what it made cannot be run. */
static void nothing_to_run(struct execution *execution)
{
    struct execution_result *result = &execution->result;

    say(&result->compile.err,
        "codecell: the compiler succeeded but left no program %s to run (a library, or a program without a main "
        "function?)",
        execution->request.version->run[0]);
    result->status = RECORD_COMPILE_FAILED;
    result->exit_code = result->compile_exit_code = 1;
    compiler_was_all(result);
    conclude(execution, false);
}

/* The container is gone with all that was in it. */
static void struck(struct execution *execution)
{
    struct execution_result *result = &execution->result;

    result->memory_struck = true;
    killed(execution, RECORD_OUT_OF_MEMORY, 128 + SIGKILL);
    if (execution->state == EXECUTION_COMPILING) {
        result->compiled = true;
        result->compile_exit_code = 128 + SIGKILL;
        result->compile_wall_ns = result->wall_ns;
        result->wall_ns = 0;
    }
    conclude(execution, false);
}

static void on_cell_done(void *arg, enum cell_outcome outcome)
{
    struct execution *execution = arg;

    switch (outcome) {
    case CELL_DONE:
        execution->result.over_ns = seam()->monotonic_ns();
        if (execution->result.status == RECORD_PENDING) /* the agent skipped the end that it owed */
            fail(execution, "the container ended unexpectedly", false);
        else
            conclude(execution, true);
        return;
    case CELL_OUT_OF_MEMORY:
        struck(execution);
        return;
    case CELL_UNRESPONSIVE:
        execution->result.timed_out = true;
        killed(execution, RECORD_TIMED_OUT, 124);
        conclude(execution, false);
        return;
    case CELL_NO_SPACE:
        fail(execution, "the program and its files do not fit into limits.disk_mb", false);
        return;
    case CELL_BAD_FILE:
        fail(execution, "a file of the request could not be written", false);
        return;
    case CELL_NO_PROGRAM:
        if (execution->result.compiled)
            nothing_to_run(execution);
        else
            fail(execution, "the language's program could not be started", false);
        return;
    case CELL_LOST:
        fail(execution, "the container ended unexpectedly", false);
        return;
    }
}

static const struct cell_events cell_events = {
    .on_output = on_output,
    .on_step_end = on_step_end,
    .on_done = on_cell_done,
};

/* From the queue to a cell. */

static const char *how_taken(const struct execution *execution, const struct cell *cell)
{
    if (cell_jobs(cell) > 0)
        return "kept";
    if (execution->awaited)
        return "made";
    return cell_waiting(cell) == CELL_HELD ? "held" : "blank";
}

static void on_cell(struct pool_wish *wish, struct cell *cell, const struct error *error)
{
    struct execution *execution = container_of(wish, struct execution, wish);

    if (cell == NULL && error->code == ERROR_UNAVAILABLE) {
        fail(execution, "The container engine is not reachable. Please try again later.", true);
        return;
    }
    if (cell == NULL) {
        fail(execution, "its container could not be made", false);
        return;
    }
    execution->cell = cell;
    if (job_build(execution) != 0) {
        fail(execution, "out of memory", false);
        return;
    }
    uint64_t now = seam()->monotonic_ns();
    measure_cell(execution->request.language->id, now - execution->placed_ns);
    measure_taken(execution->request.language->id, how_taken(execution, cell));
    execution->started_ms = seam_wall_ms();
    execution->result.queue_ns = (int64_t)(now - execution->created_ns);
    set_state(execution, execution->job.compile.argv != NULL ? EXECUTION_COMPILING : EXECUTION_RUNNING);
    if (execution->awaited)
        execution->waited_ns += now - execution->placed_ns;
    cell_run(cell, &execution->job, &execution->request.limits.cell, &cell_events, execution);
    if (execution->turn.is_known) /* it has waited for its cell for as long */
        cell_yield(cell);
    if (execution->request.arrived_ns > 0 &&
        cell_state(cell) == CELL_RUNNING) /* its limits need not be changed first */
        measure_share("to_job", seam()->monotonic_ns() - execution->request.arrived_ns - execution->waited_ns);
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
    set_state(execution, EXECUTION_PLACED);
    execution->placed_ns = seam()->monotonic_ns();
    measure_queue(execution->placed_ns - execution->created_ns);
    if (execution->runner->accepting != execution)
        execution->waited_ns = execution->placed_ns - execution->created_ns;
    execution->wish = (struct pool_wish){.kind = &execution->request.version->kind,
                                         .limits = execution->request.limits.cell,
                                         .key = execution->request.reuse ? execution->key_row : 0,
                                         .rank = scheduler_rank(&execution->runner->scheduler, &execution->turn),
                                         .on_cell = on_cell};
    pool_take(execution->runner->options.pool, &execution->wish);
    execution->awaited = execution->cell == NULL; /* it comes from the loop, later */
}

/* Cancelling. */

void execution_cancel(struct execution *execution)
{
    if (execution->state >= EXECUTION_RECORDING)
        return;
    if (execution->state == EXECUTION_PLACED)
        pool_cancel(execution->runner->options.pool, &execution->wish);
    killed(execution, RECORD_CANCELLED, 128 + SIGKILL);
    conclude(execution, false);
}

void execution_abandon(struct execution *execution)
{
    execution->on_done = NULL;
    execution_cancel(execution);
}

/* What others ask. */

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
