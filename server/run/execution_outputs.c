/* After the run step: a second job in the same cell collects the files that the request wants back. Whatever happens to
 * it, the program's own result stays as it is. */
#include "run/execution_private.h"

static void on_collected_bytes(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                               size_t len)
{
    struct execution *execution = arg;

    (void)step;
    if (channel == FRAME_STDOUT)
        outputs_take(execution->collecting, &execution->request, data, len);
}

static void on_collected_step(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct execution *execution = arg;

    (void)step;
    execution->collecting->late = (end->flags & FRAME_TIMED_OUT) != 0;
}

static void on_collected(void *arg, enum cell_outcome outcome)
{
    struct execution *execution = arg;

    outputs_finish(execution->collecting, &execution->request, outcome);
    execution->result.outputs = execution->collecting;
    execution->collecting = NULL;
    execution_conclude(execution, outcome == CELL_DONE);
}

static const struct cell_events collecting_events = {
    .on_output = on_collected_bytes,
    .on_step_end = on_collected_step,
    .on_done = on_collected,
};

bool execution_collect(struct execution *execution)
{
    const struct execution_request *request = &execution->request;

    if (request->outputs == NULL || request->outputs[0] == NULL || execution->state != EXECUTION_RUNNING ||
        execution->interrupted)
        return false;
    execution->collecting = outputs_new(request);
    execution->out_of_memory |= execution->collecting == NULL;
    if (execution->collecting == NULL)
        return false;
    cell_run(execution->cell, &execution->collecting->job, NULL, &collecting_events, execution);
    return true;
}
