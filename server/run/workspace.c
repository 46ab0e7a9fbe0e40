/* One workspace. Its callbacks note what happened and call workspace_step(), which does what the policy says:
 *
 *   wake: pool_take -> on_cell_taken -> workspace_restore -> workspace_woken
 *   serve: on_cell -> the use's job -> workspace_done
 *   save: workspace_store -> workspace_saved
 *   sleep: the cell ends
 */
#include "run/workspace_private.h"

#include "base/log.h"
#include "base/seam.h"
#include "base/states.h"
#include "base/text.h"
#include "docker/cell/cell_job.h"
#include "run/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REASON_CONTAINER "its container ended unexpectedly"
#define REASON_GIVEN_UP "the server ended before it was saved"

static const struct states workspace_states = {
    .subject = "workspace",
    .names = (const char *const[]){"asleep", "waking", "ready", "busy", "saving", "lost"},
    .next =
        (const uint32_t[]){
            [WORKSPACE_ASLEEP] = STATE(WORKSPACE_WAKING),
            [WORKSPACE_WAKING] = STATE(WORKSPACE_READY) | STATE(WORKSPACE_ASLEEP) | STATE(WORKSPACE_LOST),
            [WORKSPACE_READY] =
                STATE(WORKSPACE_BUSY) | STATE(WORKSPACE_SAVING) | STATE(WORKSPACE_ASLEEP) | STATE(WORKSPACE_LOST),
            [WORKSPACE_BUSY] = STATE(WORKSPACE_READY) | STATE(WORKSPACE_LOST),
            [WORKSPACE_SAVING] = STATE(WORKSPACE_READY) | STATE(WORKSPACE_LOST),
            [WORKSPACE_LOST] = STATE(WORKSPACE_WAKING),
        },
    .count = WORKSPACE_STATES,
};

void workspace_set_state(struct workspace *workspace, enum workspace_state state)
{
    states_move(&workspace_states, workspace->state, state, workspace->session_id);
    workspace->state = state;
}

/* Uses. */

static void use_over(struct workspace_use *use)
{
    struct workspace *workspace = use->workspace;

    if (workspace->turn == use)
        workspace->turn = NULL;
    list_forget(&use->node);
    use->workspace = NULL;
    use->wants = use->has = false;
    workspace->used_ns = seam()->monotonic_ns();
}

static void use_refuse(struct workspace_use *use, const struct error *error)
{
    use_over(use);
    use->events->on_cell(use, NULL, error);
}

void workspace_refuse(struct workspace *workspace, const struct error *error)
{
    struct list *node;

    while ((node = list_first(&workspace->waiting)) != NULL)
        use_refuse(container_of(node, struct workspace_use, node), error);
}

static void give_turn(struct workspace *workspace)
{
    struct list *node;

    while (workspace->turn == NULL && (node = list_shift(&workspace->waiting)) != NULL) {
        workspace->turn = container_of(node, struct workspace_use, node);
        workspace->turn->events->on_turn(workspace->turn); /* it may leave at once */
    }
}

/* The first execution decides whose image it is, unless the session says it. */
static void workspace_decide(struct workspace *workspace, const struct workspace_use *use)
{
    if (use->language != NULL && workspace->row.language[0] == '\0')
        text_copy(workspace->row.language, sizeof workspace->row.language, use->language);
}

/* What did not come back. */
static void workspace_warn(struct workspace *workspace, struct workspace_use *use)
{
    char saved[TIME_LEN + 1];

    if (!workspace->lost || use->warn == NULL)
        return;
    workspace->lost = false;
    if (workspace->set_aside || workspace->row.saved_ms == 0) {
        (void)request_warn(use->warn, "The workspace was lost (%s) and is empty now", workspace->row.reason);
    } else {
        text_time(workspace->row.saved_ms, saved);
        (void)request_warn(use->warn, "The workspace was lost (%s). Its files are those that were saved at %s",
                           workspace->row.reason, saved);
    }
}

static void workspace_serve(struct workspace *workspace)
{
    struct workspace_use *use = workspace->turn;

    workspace_set_state(workspace, WORKSPACE_BUSY);
    use->wants = false;
    use->has = true;
    workspace_decide(workspace, use);
    workspace_warn(workspace, use);
    use->events->on_cell(use, workspace->cell, NULL);
}

/* The cell. */

void workspace_end_cell(struct workspace *workspace)
{
    if (workspace->cell != NULL)
        cell_end(workspace->cell);
    workspace->cell = NULL;
    if (workspace->counted)
        workspace->all->awake--;
    workspace->counted = workspace->pressed = false;
}

static void on_cell_taken(struct pool_request *request, struct cell *cell, const struct error *error)
{
    struct workspace *workspace = container_of(request, struct workspace, request);

    workspace->cell = cell;
    if (cell == NULL) {
        workspace_woken(workspace, error, true);
        return;
    }
    cell_watch(cell);
    workspace_restore(workspace);
}

/* The workspace that was used longest ago makes room. False: all are in use. */
static bool press(struct workspaces *all)
{
    struct workspace *oldest = NULL;

    LIST_EACH (node, &all->list) {
        struct workspace *other = container_of(node, struct workspace, node);
        if (other->pressed)
            return true;
        if (other->counted && other->turn == NULL && list_is_empty(&other->waiting) &&
            (other->state == WORKSPACE_READY || other->state == WORKSPACE_SAVING) &&
            (oldest == NULL || other->used_ns < oldest->used_ns))
            oldest = other;
    }
    if (oldest == NULL)
        return false;
    oldest->pressed = true;
    workspace_step(oldest);
    return true;
}

static void workspace_wake(struct workspace *workspace)
{
    struct workspaces *all = workspace->all;
    struct workspace_use *use = workspace->turn;
    struct error error;

    if (all->awake >= all->options.awake_max && !press(all)) {
        error_set(&error, ERROR_BUSY, "Too many workspaces are awake. Please try again later.");
        use_refuse(use, &error);
        return;
    }
    if (all->awake >= all->options.awake_max)
        return; /* workspaces_step() comes when there is room */
    all->awake++;
    workspace->counted = true;
    workspace_set_state(workspace, WORKSPACE_WAKING);
    if (use->version != NULL)
        workspace->version = use->version;
    workspace->request = (struct pool_request){.kind = &workspace->version->kind,
                                               .limits = workspace->limits.cell,
                                               .rank = 1,
                                               .fresh = workspace->row.saved_ms > 0,
                                               .on_cell = on_cell_taken};
    pool_take(all->options.pool, &workspace->request);
}

/* What the cell has is what is stored. The job that read or wrote it has changed nothing else. */
static void workspace_is_saved(struct workspace *workspace)
{
    (void)cell_take_changed(workspace->cell);
    workspace->dirty = workspace->changed = false;
}

void workspace_woken(struct workspace *workspace, const struct error *error, bool cell_lost)
{
    struct error copy;

    assert(error != NULL || !cell_lost);
    if (error != NULL) {
        copy = *error;
        workspace_end_cell(workspace);
        workspace_set_state(workspace, WORKSPACE_ASLEEP);
        if (workspace->turn != NULL)
            use_refuse(workspace->turn, &copy);
    } else {
        workspace_is_saved(workspace);
        workspace->used_ns = seam()->monotonic_ns();
        workspace_set_state(workspace, WORKSPACE_READY);
    }
    workspace_step(workspace);
    if (error != NULL)
        workspaces_step(workspace->all);
}

static void workspace_sleep(struct workspace *workspace)
{
    workspace_kernel_gone(workspace, workspace->all->closing ? WORKSPACE_KERNEL_RESTARTED : WORKSPACE_KERNEL_SLEPT);
    workspace_end_cell(workspace);
    workspace_set_state(workspace, WORKSPACE_ASLEEP);
    workspaces_step(workspace->all);
}

/* Its cell is gone, and what it had not saved. */
static void workspace_fall(struct workspace *workspace, const char *reason)
{
    log_event(LOG_WARN, "workspace.lost", LOG_STR("session", workspace->session_id), LOG_STR("reason", reason));
    workspace_kernel_gone(workspace, WORKSPACE_KERNEL_LOST);
    workspace_end_cell(workspace);
    workspace->dirty = workspace->changed = false;
    workspace->lost = true;
    text_copy(workspace->row.reason, sizeof workspace->row.reason, reason);
    workspace_set_state(workspace, WORKSPACE_LOST);
    workspace_row_write(workspace->all, &workspace->row, workspace);
}

/* Saving. */

static void tell_owed(struct workspace *workspace, const struct error *error)
{
    struct workspace_use *use = workspace->owed;

    workspace->owed = NULL;
    if (use != NULL)
        use->events->on_saved(use, error);
}

void workspace_saved(struct workspace *workspace, const struct error *error, bool cell_lost)
{
    struct error copy = {.code = ERROR_NONE};

    if (error != NULL) {
        copy = *error;
        log_event(LOG_ERROR, "workspace.not_saved", LOG_STR("session", workspace->session_id),
                  LOG_STR("reason", copy.text));
        workspace->retry_ns = seam()->monotonic_ns() + WORKSPACE_RETRY_NS;
    }
    if (cell_lost || (error != NULL && workspace->given_up)) {
        workspace_fall(workspace, cell_lost ? REASON_CONTAINER : REASON_GIVEN_UP);
    } else {
        if (error == NULL)
            workspace_is_saved(workspace);
        workspace_set_state(workspace, WORKSPACE_READY);
    }
    tell_owed(workspace, error != NULL ? &copy : NULL);
    if (copy.code == ERROR_NOT_FOUND)
        workspace_remove(workspace);
    else
        workspace_step(workspace);
    workspaces_step(workspace->all);
}

/* The decider. */

static bool workspace_moves(const struct workspace *workspace)
{
    const struct workspace_use *use = workspace->turn;

    return use != NULL && use->version != NULL && workspace->version != NULL &&
           strcmp(use->version->kind.image, workspace->version->kind.image) != 0;
}

static struct workspace_view view_of(const struct workspace *workspace)
{
    const struct workspace_use *use = workspace->turn;

    return (struct workspace_view){
        .state = workspace->state,
        .used = use != NULL || !list_is_empty(&workspace->waiting),
        .wanted = use != NULL && use->wants,
        .changes = use != NULL && use->changes,
        .moves = workspace_moves(workspace),
        .dirty = workspace->dirty && !workspace->removed,
        .changed = workspace->changed,
        .owed = workspace->owed != NULL,
        .pressed = workspace->pressed,
        .writing = workspace->writing > 0,
        .ending = workspace->all->closing || workspace->removed,
        .since_ns = workspace->since_ns,
        .dirty_ns = workspace->dirty_ns,
        .used_ns = workspace->used_ns,
        .retry_ns = workspace->retry_ns,
        .idle_ns = workspace->all->options.idle_ns,
    };
}

static void on_workspace_closed(uv_handle_t *handle)
{
    struct workspace *workspace = handle->data;
    struct workspaces *all = workspace->all;

    list_remove(&workspace->node);
    free(workspace);
    workspaces_step(all);
}

static void workspace_forget(struct workspace *workspace)
{
    if (!uv_is_closing((uv_handle_t *)&workspace->timer))
        uv_close((uv_handle_t *)&workspace->timer, on_workspace_closed);
}

static void on_workspace_timer(uv_timer_t *timer)
{
    workspace_step(timer->data);
}

static void workspace_wait_until(struct workspace *workspace, uint64_t when, uint64_t now)
{
    if (uv_is_closing((uv_handle_t *)&workspace->timer))
        return;
    if (when != 0)
        uv_timer_start(&workspace->timer, on_workspace_timer, when > now ? (when - now) / 1000000 + 1 : 0, 0);
    else
        uv_timer_stop(&workspace->timer);
}

/* Whether its cell has died while nothing ran in it. Nothing tells that before the next job. */
static bool has_died(const struct workspace *workspace, enum workspace_step step)
{
    return (step == WORKSPACE_SERVE || step == WORKSPACE_SAVE) && !cell_is_attached(workspace->cell);
}

/* One thing. False: there is nothing to do now. */
static bool workspace_do(struct workspace *workspace)
{
    workspace_kernel_step(workspace);

    uint64_t when, now = seam()->monotonic_ns();
    struct workspace_view view = view_of(workspace);
    enum workspace_step step = workspace_next(&view, now, &when);
    enum workspace_state before = workspace->state;

    workspace_wait_until(workspace, when, now);
    if (has_died(workspace, step)) {
        workspace_fall(workspace, REASON_CONTAINER);
        return true;
    }
    switch (step) {
    case WORKSPACE_STAY:
        return false;
    case WORKSPACE_WAKE:
        workspace_wake(workspace);
        return workspace->state != before || workspace->turn == NULL;
    case WORKSPACE_SERVE:
        workspace_serve(workspace);
        return true;
    case WORKSPACE_SAVE:
        workspace_set_state(workspace, WORKSPACE_SAVING);
        workspace_store(workspace);
        return true;
    case WORKSPACE_SLEEP:
        workspace_sleep(workspace);
        return true;
    case WORKSPACE_FORGET:
        workspace_forget(workspace);
        return false;
    }
    return false;
}

/* A call from within, by a use's callback, is left to the loop that runs. */
void workspace_step(struct workspace *workspace)
{
    if (workspace->stepping || workspace->reading)
        return;
    workspace->stepping = true;
    do
        give_turn(workspace);
    while (workspace_do(workspace));
    workspace->stepping = false;
}

/* What uses call. */

/* NULL: out of memory. */
static struct workspace *workspace_new(struct workspaces *all, const struct workspace_plan *plan)
{
    struct workspace *workspace = calloc(1, sizeof *workspace);

    if (workspace == NULL)
        return NULL;
    workspace->all = all;
    workspace->row = plan->row;
    workspace->version = plan->version;
    workspace->limits = plan->limits;
    workspace->state = WORKSPACE_ASLEEP;
    text_copy(workspace->session_id, sizeof workspace->session_id, plan->session_id);
    list_init(&workspace->waiting);
    uv_timer_init(all->loop, &workspace->timer);
    workspace->timer.data = workspace;
    list_push(&all->list, &workspace->node);
    workspace_row_read(workspace);
    return workspace;
}

static int check_queue(const struct workspace *workspace, struct error *error)
{
    unsigned waiting = 0;

    for (const struct list *node = workspace->waiting.next; node != &workspace->waiting; node = node->next)
        waiting++;
    if (waiting < WORKSPACE_WAITS_MAX)
        return 0;
    return error_set(error, ERROR_RATE, "At most %u requests wait for a workspace. Please try again later.",
                     WORKSPACE_WAITS_MAX);
}

int workspace_enter(struct workspaces *all, const struct workspace_plan *plan, struct workspace_use *use,
                    struct error *error)
{
    struct workspace *workspace = workspaces_find(all, plan->row.row);

    if (all->closing)
        return error_set(error, ERROR_UNAVAILABLE, "The server is shutting down. Please try again later.");
    if (use->changes && workspaces_have_room(all, error) != 0)
        return -1;
    if (workspace != NULL && workspace->removed)
        return error_set(error, ERROR_NOT_FOUND, "Session not found");
    if (workspace == NULL && (workspace = workspace_new(all, plan)) == NULL)
        return error_memory(error);
    if (check_queue(workspace, error) != 0)
        return -1;
    use->workspace = workspace;
    list_push(&workspace->waiting, &use->node);
    workspace_step(workspace);
    return 0;
}

void workspace_want(struct workspace_use *use)
{
    assert(use->workspace != NULL && use->workspace->turn == use);
    use->wants = true;
    workspace_step(use->workspace);
}

void workspace_leave(struct workspace_use *use)
{
    struct workspace *workspace = use->workspace;

    if (workspace == NULL)
        return;
    assert(!use->has);
    use_over(use);
    workspace_step(workspace);
}

void workspace_done(struct workspace_use *use)
{
    struct workspace *workspace = use->workspace;
    uint64_t now = seam()->monotonic_ns();

    assert(use->has);
    bool changed = cell_take_changed(workspace->cell);

    workspace_set_state(workspace, WORKSPACE_READY);
    if (use->changes) {
        if (!workspace->dirty)
            workspace->since_ns = now;
        workspace->dirty = true;
        workspace->changed |= changed;
        workspace->dirty_ns = now;
        if (workspace->row.durable)
            workspace->owed = use;
    }
    use_over(use);
    workspace_step(workspace);
}

void workspace_lose(struct workspace_use *use, const char *reason)
{
    struct workspace *workspace = use->workspace;

    assert(use->has);
    workspace_fall(workspace, reason);
    use_over(use);
    workspace_step(workspace);
    workspaces_step(workspace->all);
}

const struct limits *workspace_limits(const struct workspace_use *use)
{
    return &use->workspace->limits;
}

/* The session is gone: whoever waits is told, and the cell ends when nobody has it any more. */
void workspace_remove(struct workspace *workspace)
{
    struct error error;

    error_set(&error, ERROR_NOT_FOUND, "Session not found");
    workspace->removed = true;
    workspace->row.row = 0; /* nobody finds it any more */
    workspace_refuse(workspace, &error);
    if (workspace->turn != NULL && workspace->turn->has)
        workspace->turn->events->on_removed(workspace->turn);
    else if (workspace->turn != NULL)
        use_refuse(workspace->turn, &error);
    tell_owed(workspace, &error);
    workspace_step(workspace);
}

void workspace_give_up(struct workspace *workspace)
{
    workspace->given_up = true;
    workspace_store_drop(workspace);
    if (workspace->state == WORKSPACE_SAVING && workspace->record.work != NULL)
        return; /* its files are stored, and the row is on its way: workspace_saved() comes */
    if (workspace->state == WORKSPACE_WAKING && workspace->cell == NULL)
        pool_cancel(workspace->all->options.pool, &workspace->request);
    if (workspace->cell != NULL)
        workspace_fall(workspace, REASON_GIVEN_UP);
    else if (workspace->state == WORKSPACE_WAKING)
        workspace_set_state(workspace, WORKSPACE_ASLEEP);
}
