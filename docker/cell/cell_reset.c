/* Resetting. The happy path: cell_reset -> RESET -> the agent ends -> the keeper's READY (cell_ready.c) -> on_ready.
 * Any other answer, or the deadline, ends the cell. */
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
    bool owes_input = cell->state == CELL_RUNNING && cell->feed.at != SEND_INPUT_END;

    if (owes_input && cell_put(out, FRAME_STDIN_END, NULL, 0) != 0)
        return -1;
    return cell_put(out, FRAME_RESET, NULL, 0);
}

static bool may_reset(const struct cell *cell)
{
    return cell->capsules && (cell->state == CELL_READY ||
                              (cell->state == CELL_RUNNING && cell->events == NULL && cell->outcome == CELL_DONE));
}

void cell_reset(struct cell *cell)
{
    struct buf out;

    assert(may_reset(cell));
    buf_init(&out, RESET_MAX);
    int failed = cell->attach != NULL ? put_reset(cell, &out) : -1; /* NULL: the stream has ended since the job */
    cell_set_state(cell, CELL_RESETTING);
    cell_ready_await(cell);
    cell_shares_restore(cell);
    cell_ask(cell, &out, failed, on_not_reset, CELL_RESET_MS);
}
