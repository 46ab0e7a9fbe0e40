/* Prewarming. The happy path: cell_prewarm -> PREPARE -> the agent's PREPARED -> on_prewarmed. A job may come at any
 * point of that; then PREPARED is read while the job runs, or never comes. Any other answer, or the deadline, ends the
 * cell. */
#include "docker/cell/cell_prewarm.h"

#include "base/states.h"
#include "docker/cell/cell_private.h"

#include <assert.h>

#define PREPARE_MAX ((size_t)1 << 20) /* bytes: the variables of a job that brings none of its own, and its argv */

static const struct states warmth_states = {
    .subject = "warmth",
    .names = (const char *const[]){"blank", "prewarming", "prewarmed", "not_prewarmed"},
    .next =
        (const uint32_t[]){
            [CELL_BLANK] = STATE(CELL_PREWARMING),
            [CELL_PREWARMING] = STATE(CELL_PREWARMED) | STATE(CELL_NOT_PREWARMED) | STATE(CELL_BLANK),
            [CELL_PREWARMED] = STATE(CELL_BLANK),
            [CELL_NOT_PREWARMED] = STATE(CELL_BLANK),
        },
    .count = CELL_WARMTHS,
};

static void cell_set_warmth(struct cell *cell, enum cell_warmth warmth)
{
    states_move(&warmth_states, cell->warmth, warmth, cell->name);
    cell->warmth = warmth;
}

enum cell_warmth cell_warmth(const struct cell *cell)
{
    return cell->warmth;
}

uint64_t cell_prewarmed_bytes(const struct cell *cell)
{
    return cell->prewarmed_bytes;
}

static void on_not_prepared(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "the interpreter did not start within %u ms", CELL_PREWARM_MS);
}

static int put_prepare(const struct cell *cell, struct buf *out)
{
    const struct cell_kind *kind = cell->kind;
    uint8_t hold[FRAME_PREPARE_SIZE];
    /* The agent ignores these two limits, because the job brings its own. */
    struct cell_step step = {.argv = kind->prewarm_argv, .timeout_ms = 1, .output_max = 0};
    enum frame_step which = kind->prewarm_step == FRAME_STEP_COMPILE ? FRAME_STEP_COMPILE : FRAME_STEP_RUN;

    if (which == FRAME_STEP_COMPILE)
        step.memory_mb = kind->compile_memory_mb;

    for (size_t i = 0; kind->prewarm_env[i] != NULL; i++)
        if (cell_put_env(out, kind->prewarm_env[i]) != 0)
            return -1;
    frame_prepare_put(hold, kind->prewarm_hold);
    if (cell_put_step(out, which, &step, &cell->limits) != 0)
        return -1;
    return cell_put(out, FRAME_PREPARE, hold, sizeof hold);
}

void cell_prewarm(struct cell *cell)
{
    struct buf out;

    assert(cell->state == CELL_READY && cell->warmth == CELL_BLANK);
    assert(cell->kind->prewarm_env != NULL && cell->kind->prewarm_argv != NULL);
    cell_set_warmth(cell, CELL_PREWARMING);
    buf_init(&out, PREPARE_MAX);
    int failed = put_prepare(cell, &out);
    cell_ask(cell, &out, failed, on_not_prepared, CELL_PREWARM_MS);
}

bool cell_prewarm_frame(struct cell *cell, const struct frame *frame)
{
    struct frame_prepared prepared;

    if (cell->warmth != CELL_PREWARMING || frame->type != FRAME_PREPARED || !frame_prepared_get(frame, &prepared))
        return false;
    cell_set_warmth(cell, prepared.held ? CELL_PREWARMED : CELL_NOT_PREWARMED);
    cell->prewarmed_bytes = prepared.bytes;
    if (cell->state != CELL_READY) /* a job has come */
        return true;
    uv_timer_stop(&cell->timer);
    if (cell->owner->on_prewarmed != NULL)
        cell->owner->on_prewarmed(cell->owner->arg, cell);
    return true;
}

void cell_prewarm_forget(struct cell *cell)
{
    if (cell->warmth != CELL_BLANK)
        cell_set_warmth(cell, CELL_BLANK);
    cell->prewarmed_bytes = 0;
}
