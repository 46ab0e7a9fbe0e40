/* Which runtime the cells get (CODECELL_RUNTIME). `auto` chooses crun if the engine has it and a trial container proves
 * that it works here (it refuses some hosts' cgroups), because crun makes a cell with a fifth less processor time than
 * runc. Otherwise `auto` chooses the engine's default. It chooses anew each time that the engine comes up.
 *
 *   GET /info ─ no crun, or it is the default ──────────────────────────────┐
 *        └ a cell with crun ─ ready ─ cells->runtime = crun ─┐               │
 *                  └ a failure, RUNTIME_TRIAL_MS ────────────┴─ the default ─┴─ done
 *
 * The trial's cell is one of the server's cells (cells->all), so the reaper spares it and a shutdown waits for it. */
#ifndef CODECELL_DOCKER_CELL_RUNTIME_H
#define CODECELL_DOCKER_CELL_RUNTIME_H

#include "docker/cell/cell.h"
#include "docker/cell/cells.h"

#define RUNTIME_AUTO "auto"
#define RUNTIME_FASTER "crun"
#define RUNTIME_TRIAL_MS 10000u /* from the trial container's creation to its agent's READY */

struct call;

struct runtime_trial {
    struct cells *cells; /* the server's; the trial sets their `runtime` */
    const char *setting; /* a name, RUNTIME_AUTO, or NULL or "": the engine's default */
    struct cell_owner owner;
    struct call *call;            /* GET /info under way */
    struct cell *cell;            /* on trial; NULL: none, or the trial is over */
    const struct cell_kind *kind; /* of the trial's cell */
    void (*done)(void *arg);
    void (*gone)(void *arg); /* the trial's container is removed, also after runtime_cancel(); NULL: no callback */
    void *arg;
};

/* Sets cells->runtime: the setting, or the engine's default until RUNTIME_AUTO is decided. `gone` is NULL. */
void runtime_init(struct runtime_trial *trial, struct cells *cells, const char *setting, void (*done)(void *arg),
                  void *arg);
/* Decides, then fires `done`, perhaps from within. `kind`: what the trial's cell is made from; the agent's volume must
 * be filled. If the engine goes away meanwhile, nothing is decided and `done` does not fire. */
void runtime_decide(struct runtime_trial *trial, const struct cell_kind *kind);
/* The engine is away, or the server stops: `done` does not fire any more. */
void runtime_cancel(struct runtime_trial *trial);

#endif
