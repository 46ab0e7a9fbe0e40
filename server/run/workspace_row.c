/* A workspace's row in the database: read once at first, and written whenever something changes that no save tells. */
#include "run/workspace_private.h"

#include "base/log.h"

#include <stdlib.h>

/* Reading. */

static int row_read_work(struct db *db, struct store_job *job, struct error *error)
{
    struct workspace *workspace = container_of(job, struct workspace, record);

    return workspaces_get(db, workspace->saving.row, &workspace->saving, error);
}

static void row_take(struct workspace *workspace)
{
    workspace->row = workspace->saving;
    workspace->lost = workspace->row.reason[0] != '\0';
    workspace->state = workspace->lost ? WORKSPACE_LOST : WORKSPACE_ASLEEP;
    if (workspace->row.kernel == WORKSPACE_KERNEL_LIVES) /* as an earlier server has left it */
        workspace->row.kernel = WORKSPACE_KERNEL_RESTARTED;
    if (workspace->ends_kernel)
        workspace_kernel_set(workspace, WORKSPACE_KERNEL_NONE);
    workspace->ends_kernel = false;
}

static void row_fail(struct workspace *workspace, const struct error *error)
{
    struct error copy = *error;

    if (copy.code != ERROR_NOT_FOUND) {
        error_wrap(&copy, "its workspace could not be read");
        copy.code = ERROR_STORAGE;
    }
    workspace_refuse(workspace, &copy);
}

static void on_row_read(struct store_job *job, const struct error *error)
{
    struct workspace *workspace = container_of(job, struct workspace, record);

    workspace->record.work = NULL;
    workspace->reading = false;
    if (error != NULL)
        row_fail(workspace, error);
    else if (!workspace->removed)
        row_take(workspace);
    workspace_step(workspace);
}

void workspace_row_read(struct workspace *workspace)
{
    workspace->reading = true;
    workspace->saving.row = workspace->row.row;
    workspace->record = (struct store_job){.work = row_read_work, .done = on_row_read, .reads = true};
    store_submit(workspace->all->options.store, &workspace->record);
}

/* Writing. */

struct row_write {
    struct store_job job;
    struct workspace_row row;
    struct workspace *workspace; /* NULL: it was not in memory */
};

static int row_write_work(struct db *db, struct store_job *job, struct error *error)
{
    const struct row_write *write = container_of(job, struct row_write, job);

    return workspaces_save(db, &write->row, error) == 0 || error->code == ERROR_NOT_FOUND ? 0 : -1;
}

static void on_row_written(struct store_job *job, const struct error *error)
{
    struct row_write *write = container_of(job, struct row_write, job);
    struct workspace *workspace = write->workspace;

    if (error != NULL)
        log_event(LOG_ERROR, "database.job_failed", LOG_STR("error", error->text));
    free(write);
    if (workspace == NULL)
        return;
    workspace->writing--;
    workspace_step(workspace);
}

void workspace_row_write(struct workspaces *all, const struct workspace_row *row, struct workspace *workspace)
{
    struct row_write *write = row->row != 0 ? calloc(1, sizeof *write) : NULL;

    if (write == NULL)
        return;
    *write = (struct row_write){
        .job = {.work = row_write_work, .done = on_row_written}, .row = *row, .workspace = workspace};
    if (workspace != NULL)
        workspace->writing++;
    store_submit(all->options.store, &write->job);
}
