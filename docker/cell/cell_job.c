/* One job in a cell. The happy path: cell_run -> (update call) -> running: the job's frames are fed as fast
 * as the stream takes them, OUTPUT and STEP_END come back, DONE ends it (cell_job_finish, the only way out).
 * The agent keeps the job's times; ours only strikes where the agent does not answer. A stream that ends
 * without DONE means that the agent was killed: the engine is asked whether it was for memory. */
#include "docker/cell/cell_private.h"
#include "docker/engine/codec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void cell_job_finish(struct cell *cell, enum cell_outcome outcome)
{
    const struct cell_events *events = cell->events;
    void *arg = cell->events_arg;

    uv_timer_stop(&cell->timer);
    cell->events = NULL;
    cell->job = NULL;
    cell->outcome = outcome;
    events->on_done(arg, outcome);
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

int cell_put_step(struct buf *out, enum frame_step step, const struct cell_step *spec, const struct cell_limits *limits)
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
                                                    .memory_bytes = (uint64_t)memory_mb << 20});
    if (buf_append(out, head, sizeof head) != 0 || buf_append(out, fixed, sizeof fixed) != 0)
        return -1;
    for (size_t i = 0; spec->argv[i] != NULL; i++)
        if (buf_append(out, spec->argv[i], strlen(spec->argv[i]) + 1) != 0)
            return -1;
    return 0;
}

static int put_steps(struct cell *cell, struct buf *out)
{
    cell->feed = (struct cell_feed){.at = SEND_INPUT};
    if (cell->job->compile.argv != NULL &&
        cell_put_step(out, FRAME_STEP_COMPILE, &cell->job->compile, &cell->limits) != 0)
        return -1;
    if (cell_put_step(out, FRAME_STEP_RUN, &cell->job->run, &cell->limits) != 0)
        return -1;
    return cell_put(out, FRAME_START, NULL, 0);
}

static int put_input(struct cell *cell, struct buf *out)
{
    struct cell_feed *feed = &cell->feed;

    if (feed->offset == cell->job->input_len) {
        feed->at = SEND_INPUT_END;
        return cell_put(out, FRAME_STDIN_END, NULL, 0);
    }
    size_t part = chunk(cell->job->input_len, feed->offset);
    const char *data = cell->job->input + feed->offset;
    feed->offset += part;
    return cell_put(out, FRAME_STDIN, data, part);
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
    case SEND_INPUT:
        return put_input(cell, out);
    case SEND_INPUT_END:
        break;
    }
    return 0;
}

static bool more_to_send(const struct cell *cell)
{
    return cell->job != NULL && cell->feed.at != SEND_INPUT_END;
}

void cell_job_feed(struct cell *cell)
{
    /* A frame never crosses a pass: the pass ends where the largest frame would not fit any more. */
    while (more_to_send(cell) && cell->attach != NULL && attach_queued(cell->attach) <= ATTACH_LOW) {
        struct buf out;
        int failed;

        buf_init(&out, PASS_MAX);
        failed = buf_reserve(&out, PASS_FIRST);
        while (failed == 0 && more_to_send(cell) && out.len < PASS_FULL)
            failed = put_next(cell, &out);
        if (failed == 0 && out.len > 0)
            failed = attach_write(cell->attach, out.data, out.len);
        buf_free(&out);
        if (failed != 0) {
            cell_fail(cell, ERROR_INTERNAL, "the job could not be sent");
            return;
        }
    }
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

void cell_job_frame(struct cell *cell, const struct frame *frame)
{
    struct frame_step_end end;

    if (frame->type == FRAME_OUTPUT && step_known(frame) && frame->channel >= FRAME_STDOUT &&
        frame->channel <= FRAME_RESULT)
        cell->events->on_output(cell->events_arg, frame->step, frame->channel, frame->payload, frame->length);
    else if (frame->type == FRAME_STEP_END && step_known(frame) && frame_step_end_get(frame, &end))
        cell->events->on_step_end(cell->events_arg, frame->step, &end);
    else if (frame->type == FRAME_DONE && frame->length == 0)
        cell_job_finish(cell, CELL_DONE);
    else if (frame->type == FRAME_FAILED)
        cell_job_finish(cell, outcome_of_failure(frame));
    else if (!cell_wait_prepared(cell, frame))
        cell_fail(cell, ERROR_INTERNAL, "a frame that does not fit (type %u)", frame->type);
}

static void on_inspected(void *arg, int status, json_t *reply, const struct error *error)
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
        on_inspected, cell);
}

/* Starting. */

static void on_unresponsive(uv_timer_t *timer)
{
    cell_job_finish(timer->data, CELL_UNRESPONSIVE);
}

static void start_job(struct cell *cell)
{
    const struct cell_job *job = cell->job;
    uint64_t limit = job->run.timeout_ms + (job->compile.argv != NULL ? job->compile.timeout_ms : 0) + CELL_GRACE_MS;

    cell_set_state(cell, CELL_RUNNING);
    uv_timer_start(&cell->timer, on_unresponsive, limit, 0);
    cell->feed = (struct cell_feed){.at = SEND_ENV};
    cell_job_feed(cell);
}

static void on_updated(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)reply;
    cell->call = NULL;
    if (status >= 200 && status < 300)
        start_job(cell);
    else
        cell_fail(cell, ERROR_INTERNAL, "update: %s", error->text);
}

static bool limits_equal(const struct cell_limits *a, const struct cell_limits *b)
{
    return a->milli_cpus == b->milli_cpus && a->memory_mb == b->memory_mb && a->processes == b->processes;
}

static void update_limits(struct cell *cell, const struct cell_limits *limits)
{
    char path[CELL_CONTAINER_ID_MAX + 40];

    cell->limits = *limits;
    cell_set_state(cell, CELL_UPDATING);
    if (cell->call != NULL)
        call_cancel(cell->call);
    snprintf(path, sizeof path, "/containers/%s/update", cell->id);
    json_t *body = codec_update(cell_memory_bytes(cell->kind, limits), (int64_t)limits->milli_cpus * 1000000,
                                (int64_t)limits->processes + CELL_AGENT_PROCESSES);
    cell->call =
        engine_call(cell->cells->engine,
                    &(struct call_options){
                        .method = "POST", .path = path, .body = body, .deadline_ms = CELL_CALL_MS, .metric = "update"},
                    on_updated, cell);
}

void cell_run(struct cell *cell, const struct cell_job *job, const struct cell_limits *limits,
              const struct cell_events *events, void *arg)
{
    assert(cell->state == CELL_READY);
    assert(limits == NULL || limits->disk_mb == cell->limits.disk_mb);
    uv_timer_stop(&cell->timer); /* an interpreter that is still being started is the job's now */
    cell->jobs++;
    cell->job = job;
    cell->events = events;
    cell->events_arg = arg;
    if (limits == NULL || limits_equal(limits, &cell->limits))
        start_job(cell);
    else
        update_limits(cell, limits);
}
