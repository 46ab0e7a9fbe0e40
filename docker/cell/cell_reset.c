/* Resetting. The happy path: cell_reset -> RESET -> the agent's READY -> on_ready. Any other answer, or the deadline,
 * ends the cell. */
#include "docker/cell/cell_reset.h"

#include "docker/cell/cell_private.h"
#include "docker/cell/cell_shares.h"

#include <assert.h>

#define RESET_MAX 64u /* bytes of two frames without payload, and more */

static void on_not_reset(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "not reset within %u ms", CELL_RESET_MS);
}

/* The agent still expects the rest of the input if the program ended without reading it. The input's end is enough. */
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
    buf_init(&out, RESET_MAX);
    int failed = cell->attach != NULL ? put_reset(cell, &out) : -1; /* NULL: the stream has ended since the job */
    cell_ask(cell, &out, failed, on_not_reset, CELL_RESET_MS);
}

void cell_reset_frame(struct cell *cell, const struct frame *frame)
{
    struct frame_failed failed;

    if (cell_said_ready(frame)) {
        cell_prewarm_forget(cell);
        cell_be_ready(cell);
    } else if (frame->type == FRAME_FAILED && frame_failed_get(frame, &failed)) {
        cell_fail(cell, ERROR_INTERNAL, "not reset: the agent failed (failure %u, errno %u)", failed.failure,
                  failed.error);
    } else {
        cell_fail(cell, ERROR_INTERNAL, "not reset: unexpected frame of type %u", frame->type);
    }
}
