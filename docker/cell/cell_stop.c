/* The happy path: cell_stop -> SIGNAL -> STEP_END, DONE -> the caller's function. It takes the taker's place, so that
 * the output that still comes is dropped. */
#include "docker/cell/cell_stop.h"

#include "docker/cell/cell_private.h"

#include <signal.h>

static void drop_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len)
{
    (void)arg;
    (void)step;
    (void)channel;
    (void)data;
    (void)len;
}

static void note_flags(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct cell *cell = arg;

    (void)step;
    cell->stopping.flags |= end->flags;
}

static void on_over(void *arg, enum cell_outcome outcome)
{
    struct cell *cell = arg;

    cell->stopping.stopped(cell->stopping.arg, cell, outcome, cell->stopping.flags);
}

static const struct cell_events stop_events = {.on_output = drop_output, .on_step_end = note_flags, .on_done = on_over};

static const char *const no_env[] = {NULL};
static const struct cell_job no_job = {.env = no_env}; /* all of the job was sent */

/* The turn at which a cell that was held goes on may be the next one, and its timer is ours now. */
static void stop_go_on(struct cell *cell)
{
    cell_read_held(cell);
    if (cell->events == &stop_events && cell->attach != NULL)
        attach_pause(cell->attach, false);
}

static void on_try(uv_timer_t *timer)
{
    struct cell *cell = timer->data;

    if (cell->stopping.tries == 0)
        stop_go_on(cell);
    if (cell->events != &stop_events)
        return; /* the job was over already */
    if (cell->stopping.tries++ < CELL_STOP_TRIES)
        cell_signal(cell, SIGKILL);
    else
        cell_job_finish(cell, CELL_UNRESPONSIVE);
}

/* What waits to be sent would come before the signal. */
static bool all_is_sent(const struct cell *cell)
{
    return cell->state == CELL_RUNNING && cell->events != NULL && !cell->unsent && cell->feed.at >= SEND_INPUT &&
           !cell->input_wanted && cell->attach != NULL && attach_queued(cell->attach) == 0;
}

bool cell_stop(struct cell *cell, cell_stopped *stopped, void *arg)
{
    if (!all_is_sent(cell) || cell->held)
        return false;
    cell->events = &stop_events;
    cell->events_arg = cell;
    cell->job = &no_job;
    cell->stopping = (struct cell_stopping){.stopped = stopped, .arg = arg};
    uv_timer_start(&cell->timer, on_try, 0, CELL_STOP_EVERY_MS);
    return true;
}
