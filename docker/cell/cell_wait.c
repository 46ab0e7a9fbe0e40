/* What a cell does before its job and between two. Ahead of a job: cell_prepare -> PREPARE -> the agent's PREPARED ->
 * on_prepared; a job may come at any point of that, and PREPARED then is read as it comes, or never does. After
 * one: cell_reset -> RESET -> the agent's READY -> on_ready. Whatever else comes, or a deadline, ends the cell. What
 * cannot even be sent is told from the loop: the owner never hears of a cell from within its own call. */
#include "docker/cell/cell_private.h"

#include <assert.h>

#define ASK_MAX ((size_t)1 << 20) /* the variables of a job without any of its own, and its argv */

enum cell_waiting cell_waiting(const struct cell *cell)
{
    return cell->waiting;
}

uint64_t cell_waiting_bytes(const struct cell *cell)
{
    return cell->waiting_bytes;
}

unsigned cell_jobs(const struct cell *cell)
{
    return cell->jobs;
}

static void on_unsent(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "the agent could not be asked");
}

/* Sends what was put together, if it could be, and waits for the answer. */
static void ask(struct cell *cell, struct buf *out, int failed, uv_timer_cb on_deadline, uint64_t limit_ms)
{
    if (failed == 0)
        failed = attach_write(cell->attach, out->data, out->len);
    buf_free(out);
    uv_timer_start(&cell->timer, failed == 0 ? on_deadline : on_unsent, failed == 0 ? limit_ms : 0, 0);
}

/* Preparing. */

static void on_not_prepared(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "its interpreter was not started within %u ms", CELL_PREPARE_MS);
}

static int put_prepare(const struct cell *cell, struct buf *out)
{
    const struct cell_kind *kind = cell->kind;
    uint8_t hold[FRAME_PREPARE_SIZE];
    /* Its time and its output's are the job's to say: an agent does not look at these. */
    struct cell_step step = {.argv = kind->waiting_argv, .timeout_ms = 1, .output_max = 0};
    enum frame_step which = kind->waiting_step == FRAME_STEP_COMPILE ? FRAME_STEP_COMPILE : FRAME_STEP_RUN;

    if (which == FRAME_STEP_COMPILE)
        step.memory_mb = kind->compile_memory_mb;

    for (size_t i = 0; kind->waiting_env[i] != NULL; i++)
        if (cell_put_env(out, kind->waiting_env[i]) != 0)
            return -1;
    frame_prepare_put(hold, kind->waiting_hold);
    if (cell_put_step(out, which, &step, &cell->limits) != 0)
        return -1;
    return cell_put(out, FRAME_PREPARE, hold, sizeof hold);
}

void cell_prepare(struct cell *cell)
{
    struct buf out;

    assert(cell->state == CELL_READY && cell->waiting == CELL_BLANK);
    assert(cell->kind->waiting_env != NULL && cell->kind->waiting_argv != NULL);
    cell->waiting = CELL_PREPARING;
    buf_init(&out, ASK_MAX);
    int failed = put_prepare(cell, &out);
    ask(cell, &out, failed, on_not_prepared, CELL_PREPARE_MS);
}

bool cell_wait_prepared(struct cell *cell, const struct frame *frame)
{
    struct frame_prepared prepared;

    if (cell->waiting != CELL_PREPARING || frame->type != FRAME_PREPARED || !frame_prepared_get(frame, &prepared))
        return false;
    cell->waiting = prepared.held ? CELL_HELD : CELL_UNHELD;
    cell->waiting_bytes = prepared.bytes;
    if (cell->state != CELL_READY) /* a job was faster */
        return true;
    uv_timer_stop(&cell->timer);
    if (cell->owner->on_prepared != NULL)
        cell->owner->on_prepared(cell->owner->arg, cell);
    return true;
}

/* Resetting. */

static void on_not_reset(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "not reset after %u ms", CELL_RESET_MS);
}

/* A program may end without having read its input: the agent is owed the end of it, and drops it. */
static int put_reset(const struct cell *cell, struct buf *out)
{
    if (cell->feed.at != SEND_INPUT_END && cell_put(out, FRAME_STDIN_END, NULL, 0) != 0)
        return -1;
    return cell_put(out, FRAME_RESET, NULL, 0);
}

void cell_reset(struct cell *cell)
{
    struct buf out;

    assert(cell->state == CELL_RUNNING && cell->events == NULL && cell->outcome == CELL_DONE);
    cell_set_state(cell, CELL_RESETTING);
    cell_shares_restore(cell);
    buf_init(&out, ASK_MAX);
    int failed = cell->attach != NULL ? put_reset(cell, &out) : -1; /* its stream may have ended since */
    ask(cell, &out, failed, on_not_reset, CELL_RESET_MS);
}

void cell_wait_reset(struct cell *cell, const struct frame *frame)
{
    struct frame_failed failed;

    if (cell_said_ready(frame)) {
        cell->waiting = CELL_BLANK;
        cell->waiting_bytes = 0;
        cell_be_ready(cell);
    } else if (frame->type == FRAME_FAILED && frame_failed_get(frame, &failed)) {
        cell_fail(cell, ERROR_INTERNAL, "not reset: the agent's failure %u, errno %u", failed.failure, failed.error);
    } else {
        cell_fail(cell, ERROR_INTERNAL, "not reset: a frame out of turn (type %u)", frame->type);
    }
}
