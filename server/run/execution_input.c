#include "run/execution_input.h"

#include "run/execution_private.h"

void execution_feed(void *arg)
{
    struct execution *execution = arg;
    const struct execution_request *request = &execution->request;
    size_t left = request->input_len - execution->input_fed;

    if (left > 0)
        execution->input_fed += cell_input(execution->cell, request->input + execution->input_fed, left);
    if (execution->input_fed < request->input_len)
        return;
    execution->fed = true;
    if (execution->listener != NULL && execution->listener->on_input_wanted != NULL)
        execution->listener->on_input_wanted(execution->arg, execution);
    else
        cell_input_end(execution->cell);
}

size_t execution_input(struct execution *execution, const void *data, size_t len)
{
    if (execution->state >= EXECUTION_RECORDING || execution->collecting != NULL)
        return len; /* the program is over */
    return execution_is_at_work(execution) && execution->fed ? cell_input(execution->cell, data, len) : 0;
}

void execution_input_end(struct execution *execution)
{
    if (execution_is_at_work(execution))
        cell_input_end(execution->cell);
}

void execution_signal(struct execution *execution, uint32_t number)
{
    if (execution->state == EXECUTION_RUNNING && execution_is_at_work(execution))
        cell_signal(execution->cell, number);
}

void execution_resize(struct execution *execution, int64_t columns, int64_t rows)
{
    execution->request.terminal = (struct request_terminal){columns, rows};
    execution->job.run.size = (struct frame_size){(uint32_t)columns, (uint32_t)rows};
    if (execution_is_at_work(execution))
        cell_resize(execution->cell, &execution->job.run.size);
}
