/* One job in a cell. The happy path: cell_run -> (update call) -> running: the job's frames are sent as fast as the
 * stream takes them, OUTPUT and STEP_END come back, DONE ends the job (cell_job_finish, the only way out). The agent
 * keeps the job's time limits; our deadline is for an agent that does not answer. A stream that ends without DONE means
 * that the agent was killed: the engine is asked whether the reason was memory. */
#include "docker/cell/cell_job.h"

#include "docker/cell/cell_private.h"
#include "docker/cell/cell_reset.h"
#include "docker/cell/cell_update.h"
#include "docker/engine/codec_read.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cell_job_finish(struct cell *cell, enum cell_outcome outcome)
{
    const struct cell_events *events = cell->events;
    void *arg = cell->events_arg;

    uv_timer_stop(&cell->timer);
    cell->events = NULL;
    cell->job = NULL;
    cell->outcome = outcome;
    cell->held = false;
    if (cell->attach != NULL)
        attach_pause(cell->attach, false);
    events->on_done(arg, outcome);
}

/* The deadline. */

static void on_unresponsive(uv_timer_t *timer)
{
    cell_job_finish(timer->data, CELL_UNRESPONSIVE);
}

static void on_job_unsent(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "the job could not be sent");
}

/* Starts the timer anew. */
static void cell_job_watch(struct cell *cell)
{
    const struct cell_job *job = cell->job;

    if (cell->unsent)
        uv_timer_start(&cell->timer, on_job_unsent, 0, 0);
    else if (cell->held)
        uv_timer_stop(&cell->timer);
    else
        uv_timer_start(&cell->timer, on_unresponsive,
                       job->run.timeout_ms + (job->compile.argv != NULL ? job->compile.timeout_ms : 0) + CELL_GRACE_MS,
                       0);
}

/* Sending. A pass gathers frames into one buffer, so that a small job is one write. */

#define PASS_MAX (512u << 10)
#define PASS_FIRST 4096u /* most jobs fit */
/* Past it another frame, or the frames of the steps, might not fit. */
#define PASS_FULL (PASS_MAX - 3 * (size_t)(FRAME_HEADER + FRAME_PAYLOAD_MAX))

int cell_put(struct buf *out, enum frame_type type, const void *payload, size_t len)
{
    uint8_t head[FRAME_HEADER];

    if (len > FRAME_PAYLOAD_MAX)
        return -1;
    frame_header(head, (uint8_t)type, 0, 0, (uint32_t)len);
    return buf_append(out, head, sizeof head) != 0 || buf_append(out, payload, len) != 0 ? -1 : 0;
}

int cell_put_env(struct buf *out, const char *variable)
{
    return cell_put(out, FRAME_ENV, variable, strlen(variable));
}

static int put_env(struct cell *cell, struct buf *out)
{
    const char *variable = cell->job->env[cell->feed.index];

    if (variable == NULL) {
        cell->feed = (struct cell_feed){.at = SEND_FILES, .offset = SIZE_MAX};
        return 0;
    }
    cell->feed.index++;
    return cell_put_env(out, variable);
}

static int put_file_head(struct buf *out, const struct cell_file *file)
{
    uint8_t head[FRAME_HEADER], mode[FRAME_FILE_HEAD];
    size_t len = strlen(file->path);

    frame_header(head, FRAME_FILE, 0, 0, (uint32_t)(sizeof mode + len));
    frame_file_put(mode, file->mode);
    return buf_append(out, head, sizeof head) != 0 || buf_append(out, mode, sizeof mode) != 0 ||
                   buf_append(out, file->path, len) != 0
               ? -1
               : 0;
}

static size_t chunk(size_t len, size_t offset)
{
    return len - offset < FRAME_PAYLOAD_MAX ? len - offset : FRAME_PAYLOAD_MAX;
}

static int put_file(struct cell *cell, struct buf *out)
{
    struct cell_feed *feed = &cell->feed;

    if (feed->index == cell->job->files_len) {
        *feed = (struct cell_feed){.at = SEND_STEPS};
        return 0;
    }
    const struct cell_file *file = &cell->job->files[feed->index];
    if (feed->offset == SIZE_MAX) {
        feed->offset = 0;
        return put_file_head(out, file);
    }
    if (feed->offset == file->len) {
        feed->index++;
        feed->offset = SIZE_MAX;
        return 0;
    }
    size_t part = chunk(file->len, feed->offset);
    const char *data = (const char *)file->data + feed->offset;
    feed->offset += part;
    return cell_put(out, FRAME_FILE_DATA, data, part);
}

static int put_step(struct buf *out, enum frame_step step, const struct cell_step *spec,
                    const struct cell_limits *limits, bool changes)
{
    uint8_t head[FRAME_HEADER], fixed[FRAME_STEP_HEAD];
    size_t len = sizeof fixed;
    uint32_t memory_mb = spec->memory_mb > limits->memory_mb ? spec->memory_mb : limits->memory_mb;

    for (size_t i = 0; spec->argv[i] != NULL; i++)
        len += strlen(spec->argv[i]) + 1;
    if (len > FRAME_PAYLOAD_MAX)
        return -1;
    frame_header(head, FRAME_STEP, (uint8_t)step, 0, (uint32_t)len);
    frame_step_put(fixed, &(struct frame_step_spec){.timeout_ms = spec->timeout_ms,
                                                    .output_max = spec->output_max,
                                                    .memory_bytes = (uint64_t)memory_mb << 20,
                                                    .report_max = spec->report_max,
                                                    .size = spec->size,
                                                    .kernel = spec->kernel ? FRAME_KERNEL_USE : FRAME_KERNEL_NONE,
                                                    .changes = changes});
    if (buf_append(out, head, sizeof head) != 0 || buf_append(out, fixed, sizeof fixed) != 0)
        return -1;
    for (size_t i = 0; spec->argv[i] != NULL; i++)
        if (buf_append(out, spec->argv[i], strlen(spec->argv[i]) + 1) != 0)
            return -1;
    return 0;
}

int cell_put_step(struct buf *out, enum frame_step step, const struct cell_step *spec, const struct cell_limits *limits)
{
    return put_step(out, step, spec, limits, false);
}

static int put_steps(struct cell *cell, struct buf *out)
{
    cell->feed = (struct cell_feed){.at = SEND_CODE};
    if (cell->job->compile.argv != NULL &&
        cell_put_step(out, FRAME_STEP_COMPILE, &cell->job->compile, &cell->limits) != 0)
        return -1;
    if (put_step(out, FRAME_STEP_RUN, &cell->job->run, &cell->limits, cell->watched) != 0)
        return -1;
    return cell_put(out, FRAME_START, NULL, 0);
}

static int put_code(struct cell *cell, struct buf *out)
{
    const struct cell_step *run = &cell->job->run;
    struct cell_feed *feed = &cell->feed;
    size_t len = run->kernel ? run->code_len : 0, part = chunk(len, feed->offset);

    if (part == 0) {
        *feed = (struct cell_feed){.at = SEND_INPUT};
        cell->input_wanted = true;
        return 0;
    }
    const char *data = (const char *)run->code + feed->offset;
    feed->offset += part;
    return cell_put(out, FRAME_CODE, data, part);
}

static int put_input(struct buf *out, const char *data, size_t len)
{
    int failed = 0;

    for (size_t at = 0, part; failed == 0 && at < len; at += part) {
        part = chunk(len, at);
        failed = cell_put(out, FRAME_STDIN, data + at, part);
    }
    return failed;
}

static int put_input_end(struct cell *cell, struct buf *out)
{
    cell->feed.at = SEND_INPUT_END;
    return cell_put(out, FRAME_STDIN_END, NULL, 0);
}

/* The taker answers with cell_input() and cell_input_end(), which put frames into the pass. */
static void want_input(struct cell *cell, struct buf *out)
{
    cell->input_wanted = false;
    cell->pass = out;
    cell->events->on_input_wanted(cell->events_arg);
    cell->pass = NULL;
}

static int put_next(struct cell *cell, struct buf *out)
{
    switch (cell->feed.at) {
    case SEND_ENV:
        return put_env(cell, out);
    case SEND_FILES:
        return put_file(cell, out);
    case SEND_STEPS:
        return put_steps(cell, out);
    case SEND_CODE:
        return put_code(cell, out);
    case SEND_INPUT:
        if (cell->input_over)
            return put_input_end(cell, out);
        want_input(cell, out);
        return 0;
    case SEND_INPUT_END:
        break;
    }
    return 0;
}

static bool more_to_send(const struct cell *cell)
{
    return cell->job != NULL && cell->attach != NULL && !cell->unsent && cell->feed.at != SEND_INPUT_END &&
           (cell->feed.at != SEND_INPUT || cell->input_wanted || cell->input_over);
}

/* The job fails at the next turn, because no event may fire from within the taker's call. */
static void cell_job_unsent(struct cell *cell)
{
    cell->unsent = true;
    cell_job_watch(cell);
}

/* A frame never crosses a pass: the pass ends when the largest frame would not fit any more. */
static void send_pass(struct cell *cell)
{
    struct buf out;

    buf_init(&out, PASS_MAX);
    int failed = buf_reserve(&out, PASS_FIRST);
    while (failed == 0 && more_to_send(cell) && out.len < PASS_FULL)
        failed = put_next(cell, &out);
    if (failed == 0 && out.len > 0 && cell->attach != NULL) /* NULL: the taker ended the cell */
        failed = attach_write(cell->attach, &out);
    buf_free(&out);
    if (failed != 0 && cell->job != NULL)
        cell_job_unsent(cell);
}

void cell_job_feed(struct cell *cell)
{
    while (more_to_send(cell) && attach_queued(cell->attach) < ATTACH_LOW)
        send_pass(cell);
}

/* Input. */

static bool takes_input(const struct cell *cell)
{
    return cell->job != NULL && cell->attach != NULL && !cell->unsent && !cell->input_over;
}

static bool has_room_for_input(const struct cell *cell)
{
    if (cell->state != CELL_RUNNING || cell->feed.at != SEND_INPUT)
        return false;
    return cell->pass != NULL ? cell->pass->len < PASS_FULL : attach_queued(cell->attach) < ATTACH_LOW;
}

/* Into the pass, or as a write of its own. */
static int send_input(struct cell *cell, const char *data, size_t len)
{
    struct buf out;

    if (cell->pass != NULL)
        return put_input(cell->pass, data, len);
    buf_init(&out, len + (len / FRAME_PAYLOAD_MAX + 1) * FRAME_HEADER); /* no more: large blocks cost page faults */
    int failed = buf_reserve(&out, out.max) != 0 || put_input(&out, data, len) != 0;
    if (!failed)
        failed = attach_write(cell->attach, &out);
    buf_free(&out);
    return failed;
}

size_t cell_input(struct cell *cell, const void *data, size_t len)
{
    size_t part = len < CELL_INPUT_MAX ? len : CELL_INPUT_MAX;

    if (!takes_input(cell))
        return len;
    if (!has_room_for_input(cell))
        part = 0;
    if (part < len)
        cell->input_wanted = true;
    if (part > 0 && send_input(cell, data, part) != 0)
        cell_job_unsent(cell);
    return part;
}

void cell_input_end(struct cell *cell)
{
    if (!takes_input(cell))
        return;
    cell->input_over = true;
    if (cell->pass == NULL && cell->state == CELL_RUNNING)
        cell_job_feed(cell);
}

/* Orders. */

/* The agent has START, and may still run the program. */
static bool takes_orders(const struct cell *cell)
{
    return cell->job != NULL && cell->attach != NULL && !cell->unsent && cell->state == CELL_RUNNING &&
           cell->feed.at >= SEND_CODE && attach_queued(cell->attach) < ATTACH_LOW + CELL_INPUT_MAX + CELL_ORDERS_MAX;
}

/* Into the pass, or as a write of its own. */
static void send_order(struct cell *cell, enum frame_type type, const uint8_t *payload, size_t len)
{
    struct buf out;
    int failed;

    if (!takes_orders(cell))
        return;
    buf_init(&out, PASS_MAX);
    failed = cell_put(cell->pass != NULL ? cell->pass : &out, type, payload, len);
    if (failed == 0 && cell->pass == NULL)
        failed = attach_write(cell->attach, &out);
    buf_free(&out);
    if (failed != 0)
        cell_job_unsent(cell);
}

void cell_signal(struct cell *cell, uint32_t number)
{
    uint8_t payload[FRAME_SIGNAL_SIZE];

    frame_signal_put(payload, number);
    send_order(cell, FRAME_SIGNAL, payload, sizeof payload);
}

void cell_resize(struct cell *cell, const struct frame_size *size)
{
    uint8_t payload[FRAME_RESIZE_SIZE];

    frame_resize_put(payload, size);
    send_order(cell, FRAME_RESIZE, payload, sizeof payload);
}

/* Holding. */

/* The frames that came while the cell was held are first; one of them may make the taker hold it again. */
static void on_go_on(uv_timer_t *timer)
{
    struct cell *cell = timer->data;

    cell_job_watch(cell);
    cell_read_held(cell);
    if (cell->attach != NULL && !cell->held)
        attach_pause(cell->attach, false);
}

/* Pauses the stream, or lets it go on at the next turn. */
static void cell_job_pause(struct cell *cell)
{
    if (!cell->held) {
        uv_timer_start(&cell->timer, on_go_on, 0, 0);
        return;
    }
    if (cell->attach != NULL)
        attach_pause(cell->attach, true);
    cell_job_watch(cell);
}

void cell_hold(struct cell *cell, bool hold)
{
    if (cell->job == NULL || cell->held == hold)
        return;
    cell->held = hold;
    if (cell->state == CELL_RUNNING && !cell->unsent) /* otherwise cell_job_start() pauses, or the job fails */
        cell_job_pause(cell);
}

/* Receiving. */

static enum cell_outcome outcome_of_failure(const struct frame *frame)
{
    struct frame_failed failed;

    if (!frame_failed_get(frame, &failed))
        return CELL_LOST;
    switch (failed.failure) {
    case FRAME_FAIL_SPACE:
        return CELL_NO_SPACE;
    case FRAME_FAIL_FILE:
        return CELL_BAD_FILE;
    case FRAME_FAIL_EXEC:
        return CELL_NO_PROGRAM;
    default:
        return CELL_LOST;
    }
}

static bool step_known(const struct frame *frame)
{
    return frame->step == FRAME_STEP_COMPILE || frame->step == FRAME_STEP_RUN;
}

/* After the run step nothing reads the input any more. */
static void on_step_end_frame(struct cell *cell, const struct frame *frame, const struct frame_step_end *end)
{
    if (frame->step == FRAME_STEP_RUN)
        cell->input_over = true;
    cell->events->on_step_end(cell->events_arg, frame->step, end);
}

static void on_done_frame(struct cell *cell)
{
    cell->changed |= cell->done.changed;
    cell_job_finish(cell, CELL_DONE);
}

void cell_job_frame(struct cell *cell, const struct frame *frame)
{
    struct frame_step_end end;

    if (frame->type == FRAME_OUTPUT && step_known(frame) && frame->channel >= FRAME_STDOUT &&
        frame->channel <= FRAME_RESULT)
        cell->events->on_output(cell->events_arg, frame->step, frame->channel, frame->payload, frame->length);
    else if (frame->type == FRAME_STEP_END && step_known(frame) && frame_step_end_get(frame, &end))
        on_step_end_frame(cell, frame, &end);
    else if (frame->type == FRAME_DONE && frame_done_get(frame, &cell->done))
        on_done_frame(cell);
    else if (frame->type == FRAME_FAILED)
        cell_job_finish(cell, outcome_of_failure(frame));
    else if (!cell_prewarm_frame(cell, frame))
        cell_fail(cell, ERROR_INTERNAL, "unexpected frame of type %u", frame->type);
}

static void on_cell_inspected(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;
    struct container_state state = {0};

    (void)error;
    cell->call = NULL;
    bool killed = status == 200 && codec_state(reply, &state) == 0 && state.oom_killed;
    cell_job_finish(cell, killed ? CELL_OUT_OF_MEMORY : CELL_LOST);
}

void cell_job_stream_end(struct cell *cell)
{
    char path[CELL_CONTAINER_ID_MAX + 40];

    assert(cell->call == NULL || cell->state == CELL_RUNNING);
    if (cell->call != NULL)
        call_cancel(cell->call); /* a start call whose answer is still on its way */
    snprintf(path, sizeof path, "/containers/%s/json", cell->id);
    cell->call = engine_call(
        cell->cells->engine,
        &(struct call_options){.method = "GET", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "inspect"},
        on_cell_inspected, cell);
}

/* Starting. */

void cell_job_start(struct cell *cell)
{
    if (cell->state != CELL_RUNNING)
        cell_set_state(cell, CELL_RUNNING);
    if (cell->held)
        cell_job_pause(cell);
    else
        cell_job_watch(cell);
    cell_job_feed(cell);
}

static bool limits_equal(const struct cell_limits *a, const struct cell_limits *b)
{
    return a->milli_cpus == b->milli_cpus && a->memory_mb == b->memory_mb && a->processes == b->processes;
}

void cell_job_begin(struct cell *cell)
{
    if (cell->stale && !cell->ahead) {
        cell_update(cell);
    } else if (cell->stale) {
        cell_update_beside(cell);
        cell_job_start(cell);
    } else if (cell_update_is_beside(cell)) {
        cell_update_await(cell);
    } else {
        cell_job_start(cell);
    }
}

/* Whether the job need not wait for its limits: they allow more than the cell has. */
static bool may_go_ahead(const struct cell *cell, const struct cell_limits *limits)
{
    return cell->job->ahead && cell_memory_bytes(cell->kind, limits) >= cell_memory_bytes(cell->kind, &cell->limits);
}

/* The container's memory limit counts the files in /tmp, so another disk_mb is another limit of the container, too. */
static void take_limits(struct cell *cell, const struct cell_limits *limits)
{
    bool resize = limits->disk_mb != cell->limits.disk_mb;

    assert(!resize || (cell->capsules && cell->state == CELL_READY));
    cell->stale = resize || !limits_equal(limits, &cell->limits);
    cell->ahead = cell->stale && may_go_ahead(cell, limits);
    cell->limits = *limits;
    if (resize)
        cell_reset(cell);
    else
        cell_job_begin(cell);
}

static int write_empty(struct cell *cell, enum frame_type type)
{
    struct buf out;

    buf_init(&out, FRAME_HEADER);
    int failed = cell_put(&out, type, NULL, 0);
    if (failed == 0)
        failed = attach_write(cell->attach, &out);
    buf_free(&out);
    return failed;
}

/* The agent still expects the rest of the earlier job's input if the program ended without reading it. 0, or -1: the
 * stream has ended since that job. */
static int cell_job_settle(struct cell *cell)
{
    if (cell->state == CELL_READY)
        return 0;
    if (cell->attach == NULL)
        return -1;
    if (cell->feed.at == SEND_INPUT_END)
        return 0;
    cell->feed.at = SEND_INPUT_END;
    return write_empty(cell, FRAME_STDIN_END);
}

static bool may_run(const struct cell *cell)
{
    return cell->state == CELL_READY ||
           (cell->state == CELL_RUNNING && cell->events == NULL && cell->outcome == CELL_DONE);
}

void cell_run(struct cell *cell, const struct cell_job *job, const struct cell_limits *limits,
              const struct cell_events *events, void *arg)
{
    assert(may_run(cell));
    int failed = cell_job_settle(cell);
    uv_timer_stop(&cell->timer); /* the deadline of an interpreter that is still being started */
    cell->jobs++;
    cell->job = job;
    cell->feed = (struct cell_feed){.at = SEND_ENV};
    cell->input_wanted = cell->unsent = cell->held = cell->stale = false;
    cell->input_over = events->on_input_wanted == NULL;
    cell->events = events;
    cell->events_arg = arg;
    if (failed != 0) {
        cell_job_unsent(cell);
        return;
    }
    take_limits(cell, limits != NULL ? limits : &cell->limits);
}

/* After a job. */

const struct frame_done *cell_done(const struct cell *cell)
{
    return &cell->done;
}

void cell_watch(struct cell *cell)
{
    cell->watched = true;
}

bool cell_take_changed(struct cell *cell)
{
    bool changed = cell->changed;

    cell->changed = false;
    return changed;
}

/* What cannot be sent, the next job notices. */
void cell_kernel_end(struct cell *cell)
{
    assert(may_run(cell));
    if (cell->state != CELL_RUNNING || cell->attach == NULL || !cell->done.kernel)
        return;
    cell->done.kernel = false;
    if (cell_job_settle(cell) != 0 || write_empty(cell, FRAME_KERNEL_END) != 0)
        cell_fail(cell, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
}
