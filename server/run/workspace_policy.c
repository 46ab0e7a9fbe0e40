#include "run/workspace_policy.h"

static uint64_t workspace_save_at(const struct workspace_view *view)
{
    uint64_t due = view->dirty_ns + WORKSPACE_SAVE_NS;

    if (view->owed || view->wanted || view->pressed || view->ending)
        due = 0;
    return due > view->retry_ns ? due : view->retry_ns;
}

/* Whether who wants the cell may have it before what is dirty is saved: a reader, or anybody if nothing has changed. */
static bool need_not_wait(const struct workspace_view *view, uint64_t now_ns)
{
    bool saved = !view->changed && now_ns < view->since_ns + WORKSPACE_UNSEEN_NS;

    return view->wanted && !view->moves && (!view->changes || saved);
}

static enum workspace_step next_of_dirty(const struct workspace_view *view, uint64_t now_ns, uint64_t *when)
{
    uint64_t at = workspace_save_at(view);

    if (now_ns >= at && (view->owed || !need_not_wait(view, now_ns)))
        return WORKSPACE_SAVE;
    if (view->wanted && !view->moves)
        return WORKSPACE_SERVE;
    *when = at;
    return WORKSPACE_STAY;
}

static enum workspace_step next_of_clean(const struct workspace_view *view, uint64_t now_ns, uint64_t *when)
{
    uint64_t at = view->pressed || view->ending ? 0 : view->used_ns + view->idle_ns;

    if (view->wanted)
        return view->moves ? WORKSPACE_SLEEP : WORKSPACE_SERVE;
    if (view->used)
        return WORKSPACE_STAY;
    if (now_ns >= at)
        return WORKSPACE_SLEEP;
    *when = at;
    return WORKSPACE_STAY;
}

enum workspace_step workspace_next(const struct workspace_view *view, uint64_t now_ns, uint64_t *when)
{
    *when = 0;
    switch (view->state) {
    case WORKSPACE_ASLEEP:
    case WORKSPACE_LOST:
        if (view->wanted)
            return WORKSPACE_WAKE;
        return view->used || view->writing ? WORKSPACE_STAY : WORKSPACE_FORGET;
    case WORKSPACE_READY:
        return view->dirty ? next_of_dirty(view, now_ns, when) : next_of_clean(view, now_ns, when);
    default:
        return WORKSPACE_STAY;
    }
}
