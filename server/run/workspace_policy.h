/* What a workspace does next. Pure: no clock, no loop. */
#ifndef CODECELL_RUN_WORKSPACE_POLICY_H
#define CODECELL_RUN_WORKSPACE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/*   asleep ─ waking ─ ready ─ busy ─ ready ─ saving ─ ready ─ asleep
 *     ▲         └────────┴───────┴──────┴─ lost (its cell is gone, and what it had not saved) ─ waking */
enum workspace_state {
    WORKSPACE_ASLEEP, /* it has no cell; its files are stored, or there are none */
    WORKSPACE_WAKING, /* it gets a cell, and its files are put into it */
    WORKSPACE_READY,  /* nothing runs in its cell */
    WORKSPACE_BUSY,   /* an execution, or an operation on files, has the cell */
    WORKSPACE_SAVING, /* its files are being stored */
    WORKSPACE_LOST,
    WORKSPACE_STATES
};

enum workspace_step {
    WORKSPACE_STAY,  /* nothing, until `when` or until something happens */
    WORKSPACE_WAKE,  /* take a cell */
    WORKSPACE_SERVE, /* give the cell to the user whose turn it is */
    WORKSPACE_SAVE,
    WORKSPACE_SLEEP, /* end the cell; all is saved */
    WORKSPACE_FORGET /* drop what memory holds; the database has the rest */
};

/* A change is saved this long after it if nobody uses the workspace. Less than the 5 s that clients are promised. */
#define WORKSPACE_SAVE_NS UINT64_C(1000000000)
/* A change that the agent cannot see (docker/agent/changes.h) is saved before a use once it may be so old. */
#define WORKSPACE_UNSEEN_NS UINT64_C(4000000000)
#define WORKSPACE_RETRY_NS UINT64_C(5000000000) /* after a save that failed */

struct workspace_view {
    enum workspace_state state;
    bool used;                  /* somebody has the turn, or waits for it */
    bool wanted;                /* whoever has the turn wants the cell */
    bool changes;               /* and may change files */
    bool moves;                 /* and needs a cell of another image */
    bool dirty;                 /* files may have changed since they were saved */
    bool changed;               /* and the agent does not say that they have not */
    bool owed;                  /* somebody waits until they are saved */
    bool writing;               /* the database has not yet what memory holds */
    bool pressed;               /* another workspace needs the room */
    bool ending;                /* the server shuts down, or the session is gone */
    uint64_t dirty_ns, used_ns; /* when it may have changed last, and was last used */
    uint64_t since_ns;          /* since when it is dirty */
    uint64_t retry_ns;          /* no save before */
    uint64_t idle_ns;           /* it sleeps when it has not been used for so long */
};

/* `*when`: when time alone changes the answer; 0: never. What has changed is saved before something else may change it,
 * so whatever a program does to its cell, nothing of an earlier program is lost. Where the agent says that nothing has
 * changed, the next use need not wait. */
enum workspace_step workspace_next(const struct workspace_view *view, uint64_t now_ns, uint64_t *when);

#endif
