/* The two sources of cells. */
#include "run/cell_source.h"

#include "base/container_of.h"
#include "run/runner_private.h"
#include "run/workspace.h"

/* The pool: a cell that is given back is kept for the next program of its key. */

static bool may_give_back(const struct execution *execution)
{
    return execution->request.reuse != KEY_REUSE_OFF && (execution->flags & CELL_SPENT) == 0;
}

/* For whom the execution's cell is kept, and whose kept cell it may get: pool_request.key. */
static int64_t pool_key(const struct execution *execution)
{
    switch (execution->request.reuse) {
    case KEY_REUSE_KEY:
        return execution->key_row;
    case KEY_REUSE_ANY:
        return POOL_KEY_ANY;
    default:
        return 0;
    }
}

static int pool_enter(struct execution *execution, struct error *error)
{
    return runner_queue(execution, error);
}

static void on_pool_cell(struct pool_request *request, struct cell *cell, const struct error *error)
{
    execution_on_cell(container_of(request, struct execution, cell_request), cell, error);
}

static void pool_source_take(struct execution *execution)
{
    execution->cell_request =
        (struct pool_request){.kind = &execution->request.version->kind,
                              .limits = execution->request.limits.cell,
                              .key = pool_key(execution),
                              .fresh = execution->request.evaluate || execution->request.terminal.columns > 0,
                              .rank = scheduler_rank(&execution->runner->scheduler, &execution->turn),
                              .on_cell = on_pool_cell};
    pool_take(execution->runner->options.pool, &execution->cell_request);
}

static void pool_leave(struct execution *execution)
{
    if (execution->state == EXECUTION_PLACED)
        pool_cancel(execution->runner->options.pool, &execution->cell_request);
}

static void pool_keep(struct execution *execution)
{
    struct cell *cell = execution->cell;

    if (!may_give_back(execution))
        return;
    execution->cell = NULL;
    pool_return(execution->runner->options.pool, cell, pool_key(execution));
}

/* Cancelled while the program ran: only that needs to end. In a terminal the signal may go to another process. */
static bool may_be_stopped(const struct execution *execution)
{
    return execution->result.status == RECORD_CANCELLED && execution->result.failure == NULL &&
           execution->state == EXECUTION_RUNNING && execution_is_at_work(execution) &&
           execution->request.terminal.columns == 0 && may_give_back(execution);
}

static void pool_source_end(struct execution *execution)
{
    struct cell *cell = execution->cell;

    execution->cell = NULL;
    if (may_be_stopped(execution))
        pool_stop(execution->runner->options.pool, cell, pool_key(execution));
    else
        cell_end(cell);
}

static bool pool_saves(const struct execution *execution)
{
    (void)execution;
    return false;
}

const struct cell_source cell_source_pool = {.enter = pool_enter,
                                             .take = pool_source_take,
                                             .leave = pool_leave,
                                             .keep = pool_keep,
                                             .end = pool_source_end,
                                             .saves = pool_saves};

/* A workspace: its cell stays with it. */

static struct execution *execution_of(struct workspace_use *use)
{
    return container_of(use, struct execution, use);
}

static void on_turn(struct workspace_use *use)
{
    struct execution *execution = execution_of(use);
    struct error error;

    if (runner_queue(execution, &error) != 0)
        execution_refuse(execution, error.text);
    else
        runner_schedule(execution->runner);
}

static void on_workspace_cell(struct workspace_use *use, struct cell *cell, const struct error *error)
{
    struct execution *execution = execution_of(use);

    if (cell != NULL) /* another disk would be an empty one */
        execution->request.limits.cell.disk_mb = workspace_limits(use)->cell.disk_mb;
    execution_on_cell(execution, cell, error);
}

static void on_removed(struct workspace_use *use)
{
    execution_stop(execution_of(use));
}

static void on_saved(struct workspace_use *use, const struct error *error)
{
    execution_saved(execution_of(use), error);
}

static const struct workspace_use_events use_events = {
    .on_turn = on_turn, .on_cell = on_workspace_cell, .on_saved = on_saved, .on_removed = on_removed};

static int workspace_source_enter(struct execution *execution, struct error *error)
{
    struct execution_request *request = &execution->request;

    execution->use = (struct workspace_use){.events = &use_events,
                                            .changes = true,
                                            .version = request->version,
                                            .language = request->language->id,
                                            .warn = request};
    return workspace_enter(execution->runner->options.workspaces, request->workspace, &execution->use, error);
}

static void workspace_source_take(struct execution *execution)
{
    workspace_want(&execution->use);
}

static void workspace_source_leave(struct execution *execution)
{
    workspace_leave(&execution->use);
}

static void workspace_source_keep(struct execution *execution)
{
    execution->cell = NULL;
    workspace_done(&execution->use);
}

static const char *why_lost(const struct execution_result *result)
{
    if (result->memory_struck)
        return "its container was killed for memory";
    if (result->status == RECORD_CANCELLED)
        return "an execution was cancelled";
    if (result->timed_out)
        return "its container did not answer in time";
    if (result->failure == NULL)
        return "its kernel was restarted";
    return "its container ended unexpectedly";
}

static void workspace_source_end(struct execution *execution)
{
    execution->cell = NULL;
    workspace_lose(&execution->use, why_lost(&execution->result));
}

static bool workspace_saves(const struct execution *execution)
{
    return execution->request.workspace->row.durable;
}

const struct cell_source cell_source_workspace = {.enter = workspace_source_enter,
                                                  .take = workspace_source_take,
                                                  .leave = workspace_source_leave,
                                                  .keep = workspace_source_keep,
                                                  .end = workspace_source_end,
                                                  .saves = workspace_saves};
