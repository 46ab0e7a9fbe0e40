/* A workspace: one folder that the executions of a session share, one after another, in one cell that it keeps.
 *
 *   workspace_enter ─ on_turn ─ workspace_want ─ on_cell ─ a job ─ workspace_done (─ on_saved)
 *         │              │             │                     └ workspace_lose: the cell is of no use any more
 *         └──────────────┴─────────────┴ workspace_leave
 *
 * A use is an execution or an operation on files. Uses have their turn in the order in which they came. Who has the
 * turn and wants the cell gets it once the workspace is awake. docs/internals/workspace.md tells the whole of it. */
#ifndef CODECELL_RUN_WORKSPACE_H
#define CODECELL_RUN_WORKSPACE_H

#include "base/error.h"
#include "base/list.h"
#include "languages/language.h"
#include "store/workspaces.h"

struct cell;
struct execution_request;
struct workspace;
struct workspaces;
struct workspace_use;

#define WORKSPACE_WAITS_MAX 16 /* uses that wait behind the one that has the turn */

/* What a workspace is made from. `version` decides its image; NULL: not known yet, and the first execution decides. */
struct workspace_plan {
    struct workspace_row row;
    const char *session_id;
    struct language_version *version;
    struct limits limits;
};

/* All come from the loop, on_turn and on_cell perhaps from within workspace_enter() and workspace_want(). */
struct workspace_use_events {
    void (*on_turn)(struct workspace_use *use);
    /* A cell in which a job may run (cell_run), or NULL and the reason: the use is over then. It may come before
     * on_turn if the session is removed. */
    void (*on_cell)(struct workspace_use *use, struct cell *cell, const struct error *error);
    /* After workspace_done() in a durable workspace if the use may have changed files: they are saved, or `error` says
     * why they are not yet. */
    void (*on_saved)(struct workspace_use *use, const struct error *error);
    /* The session is removed while the use has the cell. The use must end its work now; the cell ends. */
    void (*on_removed)(struct workspace_use *use);
};

/* A member of the caller's struct. The caller sets the first group. */
struct workspace_use {
    const struct workspace_use_events *events;
    struct language_version *version; /* whose image the cell must have; NULL: any */
    const char *language;             /* its id, which an undecided workspace takes; NULL: none */
    struct execution_request *warn;   /* gets sentences about what did not come back; NULL: nobody */
    bool changes;                     /* it may change files */

    struct workspace *workspace; /* NULL: it is over, or has not entered */
    struct list node;            /* while it waits for its turn */
    bool wants, has;             /* it wants the cell; it has it */
    bool entered_busy;           /* for on_saved: it is the one that waits */
};

/* Enters the queue of the plan's workspace. -1: ERROR_RATE (WORKSPACE_WAITS_MAX wait), ERROR_STORAGE (no room to store
 * more), ERROR_UNAVAILABLE, ERROR_MEMORY. */
int workspace_enter(struct workspaces *all, const struct workspace_plan *plan, struct workspace_use *use,
                    struct error *error);
void workspace_want(struct workspace_use *use);
void workspace_leave(struct workspace_use *use); /* before it has the cell; also when it is over already */
void workspace_done(struct workspace_use *use);  /* its last job ended as CELL_DONE */
void workspace_lose(struct workspace_use *use, const char *reason);

/* A kernel step of a use that has the cell is over. `fresh`: the kernel was started for it; `lives`: it is there for
 * the next one. Returns why the state of an earlier kernel is gone, or NULL: there is nothing to tell. */
const char *workspace_kernel_ended(struct workspace_use *use, bool fresh, bool lives);

/* The limits and the kind that its cell has; for jobs of a use that has it. */
const struct limits *workspace_limits(const struct workspace_use *use);

#endif
