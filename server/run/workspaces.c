#include "run/workspaces.h"

#include "base/log.h"
#include "base/seam.h"
#include "base/text.h"
#include "run/workspace_private.h"
#include "run/workspaces_start.h"
#include "store/directory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "workspaces"

struct workspace *workspaces_find(const struct workspaces *all, int64_t row)
{
    for (const struct list *node = all->list.next; node != &all->list; node = node->next) {
        struct workspace *workspace = container_of(node, struct workspace, node);
        if (workspace->row.row == row && !uv_is_closing((uv_handle_t *)&workspace->timer))
            return workspace;
    }
    return NULL;
}

enum workspace_state workspaces_look(const struct workspaces *all, struct workspace_row *row)
{
    const struct workspace *workspace = workspaces_find(all, row->row);

    if (workspace == NULL || workspace->reading)
        return row->reason[0] != '\0' ? WORKSPACE_LOST : WORKSPACE_ASLEEP;
    *row = workspace->row;
    return workspace->state;
}

bool workspaces_look_by_name(const struct workspaces *all, int64_t key_row, const char *session_id,
                             struct workspace_row *row, enum workspace_state *state)
{
    for (const struct list *node = all->list.next; node != &all->list; node = node->next) {
        const struct workspace *workspace = container_of(node, struct workspace, node);
        if (workspace->row.row == 0 || workspace->reading || workspace->row.key_row != key_row ||
            strcmp(workspace->session_id, session_id) != 0 || uv_is_closing((const uv_handle_t *)&workspace->timer))
            continue;
        *row = workspace->row;
        *state = workspace->state;
        return true;
    }
    return false;
}

int workspaces_have_room(const struct workspaces *all, struct error *error)
{
    if (all->stored < all->options.stored_max)
        return 0;
    return error_set(error, ERROR_STORAGE, "The server has no room for more files of workspaces");
}

char *workspaces_file(const struct workspaces *all, const struct workspace_row *row)
{
    return directory_path(all->folder, row->file);
}

const char *workspaces_folder(const struct workspaces *all)
{
    return all->folder;
}

void workspaces_unlink(struct workspaces *all, const struct workspace_row *row)
{
    char *path = workspaces_file(all, row);

    if (path != NULL && unlink(path) != 0 && errno != ENOENT)
        log_event(LOG_ERROR, "workspace.not_removed", LOG_STR("file", path), LOG_STR("reason", strerror(errno)));
    free(path);
}

void workspaces_end_kernel(struct workspaces *all, const struct workspace_row *row)
{
    struct workspace *workspace = workspaces_find(all, row->row);
    struct workspace_row copy = *row;

    if (workspace != NULL) {
        workspace_kernel_end(workspace);
        return;
    }
    copy.kernel = WORKSPACE_KERNEL_NONE;
    workspace_row_write(all, &copy, NULL);
}

/* Sessions that are gone. */

struct sweep {
    struct store_job job;
    struct workspaces *all;
    struct workspace_row orphan;
    int found;
};

static int sweep_work(struct db *db, struct store_job *job, struct error *error)
{
    struct sweep *sweep = container_of(job, struct sweep, job);

    sweep->found = workspaces_take_orphan(db, &sweep->orphan, error);
    return sweep->found < 0 ? -1 : 0;
}

static void sweep_start(struct sweep *sweep);

static void remove_orphan(struct workspaces *all, const struct workspace_row *orphan)
{
    struct workspace *workspace = workspaces_find(all, orphan->row);

    if (workspace != NULL)
        workspace_remove(workspace);
    all->stored -= orphan->stored_bytes;
    workspaces_unlink(all, orphan);
    log_event(LOG_INFO, "workspace.removed", LOG_INT("key", orphan->key_row), LOG_INT("bytes", orphan->stored_bytes));
}

static void sweep_done(struct store_job *job, const struct error *error)
{
    struct sweep *sweep = container_of(job, struct sweep, job);
    struct workspaces *all = sweep->all;

    if (error == NULL && sweep->found == 1) {
        remove_orphan(all, &sweep->orphan);
        sweep_start(sweep);
        return;
    }
    all->sweeping = false;
    free(sweep);
    workspaces_step(all);
}

static void sweep_start(struct sweep *sweep)
{
    sweep->job = (struct store_job){.work = sweep_work, .done = sweep_done};
    store_submit(sweep->all->options.store, &sweep->job);
}

void workspaces_sweep(struct workspaces *all)
{
    struct sweep *sweep = all->sweeping || all->closing ? NULL : calloc(1, sizeof *sweep);

    if (sweep == NULL)
        return; /* the next one does the work */
    all->sweeping = true;
    sweep->all = all;
    sweep_start(sweep);
}

static void on_sweep_timer(uv_timer_t *timer)
{
    workspaces_sweep(timer->data);
}

/* The beginning. */

static int make_folder(const char *folder, struct error *error)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return 0;
    return error_set(error, ERROR_INTERNAL, "%s: %s", folder, strerror(errno));
}

static void on_counted(void *arg, int64_t stored)
{
    struct workspaces *all = arg;

    all->stored += stored;
}

int workspaces_open(struct workspaces **out, uv_loop_t *loop, const struct workspaces_options *options,
                    struct error *error)
{
    struct workspaces *all = calloc(1, sizeof *all);

    if (all == NULL || (all->folder = directory_path(options->data_dir, FOLDER)) == NULL) {
        free(all);
        return error_memory(error);
    }
    all->options = *options;
    all->loop = loop;
    list_init(&all->list);
    if (make_folder(all->folder, error) != 0 ||
        workspaces_start(options->store, all->folder, on_counted, all, error) != 0) {
        workspaces_free(all);
        return -1;
    }
    uv_timer_init(loop, &all->timer);
    all->timer.data = all;
    uv_timer_start(&all->timer, on_sweep_timer, WORKSPACES_SWEEP_MS, WORKSPACES_SWEEP_MS);
    *out = all;
    return 0;
}

/* The end. */

static void on_all_closed(uv_handle_t *handle)
{
    struct workspaces *all = handle->data;

    all->closed(all->closed_arg);
}

static void close_if_over(struct workspaces *all)
{
    if (all->closing && list_is_empty(&all->list) && !all->sweeping && !uv_is_closing((uv_handle_t *)&all->timer))
        uv_close((uv_handle_t *)&all->timer, on_all_closed);
}

void workspaces_step(struct workspaces *all)
{
    LIST_EACH (node, &all->list)
        workspace_step(container_of(node, struct workspace, node));
    close_if_over(all);
}

static void on_close_late(uv_timer_t *timer)
{
    struct workspaces *all = timer->data;

    log_event(LOG_ERROR, "workspaces.not_saved", LOG_STR("reason", "the time to save them at the end is over"));
    LIST_EACH (node, &all->list)
        workspace_give_up(container_of(node, struct workspace, node));
    workspaces_step(all);
}

void workspaces_close(struct workspaces *all, uint64_t limit_ms, void (*closed)(void *arg), void *arg)
{
    all->closing = true;
    all->closed = closed;
    all->closed_arg = arg;
    uv_timer_start(&all->timer, on_close_late, limit_ms, 0);
    workspaces_step(all);
}

void workspaces_free(struct workspaces *all)
{
    if (all == NULL)
        return;
    free(all->folder);
    free(all);
}
