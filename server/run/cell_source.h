/* Where an execution gets its cell from, and where the cell goes afterwards: the pool, or a workspace (workspaces.h).
 * execution_cell.c has both. */
#ifndef CODECELL_RUN_CELL_SOURCE_H
#define CODECELL_RUN_CELL_SOURCE_H

#include "base/error.h"

#include <stdbool.h>

struct execution;

struct cell_source {
    /* The execution is accepted. It calls runner_queue() when it may wait for a slot, now or later. -1: it is refused,
     * and `error` says why. */
    int (*enter)(struct execution *execution, struct error *error);
    /* The execution has a slot. execution_on_cell() follows, now or later. */
    void (*take)(struct execution *execution);
    /* It gives up: it has no cell, and gets none any more. May be called in any state before it has one. */
    void (*leave)(struct execution *execution);
    /* Its program ended, and no process is left of it. The source may take the cell (execution->cell is NULL then). */
    void (*keep)(struct execution *execution);
    /* The cell is of no use any more. */
    void (*end)(struct execution *execution);
    /* Whether its record must wait for execution_saved(), which keep() leads to. */
    bool (*saves)(const struct execution *execution);
};

extern const struct cell_source cell_source_pool, cell_source_workspace;

#endif
