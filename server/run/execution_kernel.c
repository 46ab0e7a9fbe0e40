#include "run/execution_kernel.h"

#include "base/container_of.h"
#include "run/execution_private.h"
#include "run/runner_private.h"

#include <signal.h>
#include <stdlib.h>

/* Ending it early. The kernel gets a signal, a few times, because one that comes before it has begun with the code is
 * lost. If the step does not end (it may ignore SIGINT, and a signal waits behind input that nobody reads), its cell is
 * ended. The timer's closing may outlive the execution. */

#define MERCY_TRIES 8u

struct execution_mercy {
    uv_timer_t timer;
    struct execution *execution;
    uint32_t number; /* the signal */
    unsigned tries;
};

static void mercy_is_over(struct execution *execution)
{
    if (execution->interrupted) {
        execution_stop(execution);
        return;
    }
    execution_killed(execution, RECORD_FAILED, 128 + SIGKILL);
    execution_conclude(execution, false);
}

static void on_mercy_timer(uv_timer_t *timer)
{
    struct execution_mercy *mercy = container_of(timer, struct execution_mercy, timer);

    if (mercy->tries++ < MERCY_TRIES)
        cell_signal(mercy->execution->cell, mercy->number);
    else if (execution_is_at_work(mercy->execution))
        mercy_is_over(mercy->execution);
}

static void on_mercy_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct execution_mercy, timer));
}

static struct execution_mercy *mercy_new(struct execution *execution)
{
    struct execution_mercy *mercy = calloc(1, sizeof *mercy);

    if (mercy == NULL)
        return NULL;
    mercy->execution = execution;
    uv_timer_init(execution->runner->timer.loop, &mercy->timer);
    return mercy;
}

/* Who asks again does not put it off. SIGKILL takes SIGINT's place, but not the other way round. False: out of memory.
 */
static bool mercy_begin(struct execution *execution, uint32_t number)
{
    struct execution_mercy *mercy = execution->mercy;

    if (mercy != NULL && (mercy->number == number || mercy->number == SIGKILL))
        return true;
    if (mercy == NULL && (mercy = mercy_new(execution)) == NULL)
        return false;
    execution->mercy = mercy;
    mercy->number = number;
    mercy->tries = 0;
    uv_timer_start(&mercy->timer, on_mercy_timer, 0, FRAME_KERNEL_GRACE_MS / MERCY_TRIES);
    return true;
}

static bool runs_in_kernel(const struct execution *execution)
{
    return execution->request.kernel && execution->state == EXECUTION_RUNNING && execution_is_at_work(execution) &&
           !execution->kernel_told;
}

bool execution_kernel_interrupt(struct execution *execution)
{
    if (!runs_in_kernel(execution))
        return false;
    if (execution->interrupted)
        return true;
    if (!mercy_begin(execution, SIGINT))
        return false;
    execution->interrupted = true;
    execution_killed(execution, RECORD_CANCELLED, 128 + SIGINT);
    execution->result.signal = SIGINT;
    cell_hold(execution->cell, false);
    return true;
}

bool execution_kernel_signal(struct execution *execution, uint32_t number)
{
    if (!runs_in_kernel(execution))
        return false;
    if (number != SIGKILL || !mercy_begin(execution, number))
        cell_signal(execution->cell, number);
    return true;
}

/* What the client is told. */

static const char *what_became(const struct frame_step_end *end)
{
    bool lives = (end->flags & FRAME_KERNEL_LIVES) != 0, late = (end->flags & FRAME_TIMED_OUT) != 0;

    if (lives && (late || (end->flags & FRAME_INTERRUPTED) != 0))
        return "The kernel was interrupted; its state is still there.";
    if (lives)
        return NULL;
    return late ? "The kernel was ended; its state is gone." : "The kernel has ended; its state is gone.";
}

/* The agent says 124 of what it has killed; here also of what the interrupt has ended. */
static void note_timeout(struct execution_result *result)
{
    if (!result->timed_out)
        return;
    result->exit_code = 124;
    result->signal = 0;
}

void execution_kernel_step_end(struct execution *execution, const struct frame_step_end *end)
{
    struct execution_request *request = &execution->request;
    bool fresh = (end->flags & FRAME_KERNEL_NEW) != 0, lives = (end->flags & FRAME_KERNEL_LIVES) != 0;

    if (!request->kernel)
        return;
    const char *gone = workspace_kernel_ended(&execution->use, fresh, lives), *became = what_became(end);
    if (gone != NULL)
        (void)request_warn(request, "The kernel is new: what the one before it held is gone (%s).", gone);
    if (became != NULL)
        (void)request_warn(request, "%s", became);
    if ((end->flags & FRAME_REPORT_TRUNCATED) != 0)
        (void)request_warn(request, "results: what came after %zu bytes was left out", KERNEL_REPORT_MAX);
    execution->kernel_told = true;
    note_timeout(&execution->result);
}

/* The cell ends under the kernel. If nobody hears that now, the next execution in a kernel is told. */
static void kernel_lost(struct execution *execution)
{
    (void)request_warn(&execution->request, "The kernel has ended; its state is gone.");
    (void)workspace_kernel_ended(&execution->use, false, false);
}

void execution_kernel_over(struct execution *execution, bool clean)
{
    if (execution->mercy != NULL)
        uv_close((uv_handle_t *)&execution->mercy->timer, on_mercy_closed);
    execution->mercy = NULL;
    if (execution->request.kernel && !clean && execution->cell != NULL && execution->listener != NULL &&
        execution->result.failure == NULL)
        kernel_lost(execution);
}
