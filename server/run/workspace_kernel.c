/* What a workspace knows of its kernel. */
#include "run/workspace_private.h"

#include "base/log.h"

static const char *why_gone(const struct workspace *workspace, const struct language_version *version)
{
    switch (workspace->row.kernel) {
    case WORKSPACE_KERNEL_SLEPT:
        return "the workspace slept";
    case WORKSPACE_KERNEL_RESTARTED:
        return "the server was restarted";
    case WORKSPACE_KERNEL_LOST:
        return "its container was lost";
    case WORKSPACE_KERNEL_LIVES:
        return workspace->kernel_version != version ? "the kernel of another language took its place"
                                                    : "it ended between two executions";
    default:
        return NULL;
    }
}

void workspace_kernel_set(struct workspace *workspace, enum workspace_kernel kernel)
{
    if (workspace->row.kernel == kernel)
        return;
    workspace->row.kernel = kernel;
    workspace_row_write(workspace->all, &workspace->row, workspace);
}

void workspace_kernel_gone(struct workspace *workspace, enum workspace_kernel how)
{
    if (workspace->row.kernel == WORKSPACE_KERNEL_LIVES)
        workspace_kernel_set(workspace, workspace->ends_kernel ? WORKSPACE_KERNEL_NONE : how);
    workspace->ends_kernel = false;
}

const char *workspace_kernel_ended(struct workspace_use *use, bool fresh, bool lives)
{
    struct workspace *workspace = use->workspace;
    const char *why = fresh ? why_gone(workspace, use->version) : NULL;

    workspace->kernel_version = use->version;
    workspace_kernel_set(workspace, lives ? WORKSPACE_KERNEL_LIVES : WORKSPACE_KERNEL_NONE);
    return why;
}

void workspace_kernel_step(struct workspace *workspace)
{
    if (!workspace->ends_kernel || workspace->state != WORKSPACE_READY)
        return;
    if (cell_is_attached(workspace->cell))
        cell_kernel_end(workspace->cell);
    workspace->ends_kernel = false;
    workspace_kernel_set(workspace, WORKSPACE_KERNEL_NONE);
    log_event(LOG_DEBUG, "workspace.kernel_ended", LOG_STR("session", workspace->session_id));
}

void workspace_kernel_end(struct workspace *workspace)
{
    workspace->ends_kernel = workspace->cell != NULL || workspace->reading;
    if (!workspace->ends_kernel) /* nobody is told of a kernel that it had before */
        workspace_kernel_set(workspace, WORKSPACE_KERNEL_NONE);
    workspace_step(workspace);
}
