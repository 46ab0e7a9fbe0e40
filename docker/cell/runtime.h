/* Which runtime the cells get (CODECELL_RUNTIME). `auto`: crun, where the engine has one and a trial container proves
 * that it works here (it refuses some hosts' cgroups), since it makes a cell with a fifth less of the
 * processor's time than runc; else the engine's default. Asked once each time that the engine comes up.
 *
 *   GET /info ─ no crun, or it is the default ──────────────────────────────┐
 *        └ a cell with crun ─ ready ─ cells->runtime = crun ─┐               │
 *                  └ a failure, RUNTIME_TRIAL_MS ────────────┴─ the default ─┴─ done
 *
 * The trial's cell stands among the server's own (cells->first), so the reaper knows it and a shutdown waits for it. */
#ifndef CODECELL_DOCKER_CELL_RUNTIME_H
#define CODECELL_DOCKER_CELL_RUNTIME_H

#include "docker/cell/cell.h"
#include "docker/cell/cells.h"

#define RUNTIME_AUTO "auto"
#define RUNTIME_FASTER "crun"
#define RUNTIME_TRIAL_MS 10000u /* from the trial container's creation to its agent's READY */

struct call;

struct runtime_trial {
    struct cells *cells; /* the server's: `runtime` of it is what is decided */
    const char *setting; /* a name, RUNTIME_AUTO, or NULL or "": the engine's default */
    struct cell_owner owner;
    struct call *call;            /* GET /info under way */
    struct cell *cell;            /* on trial; NULL once that is over */
    const struct cell_kind *kind; /* what it is made from */
    bool decided;
    void (*done)(void *arg);
    void (*gone)(void *arg); /* a trial's container is removed; also after runtime_cancel; NULL: nobody asks */
    void *arg;
};

/* Sets cells->runtime to the setting's, the engine's default for RUNTIME_AUTO until it is decided. `gone` is NULL. */
void runtime_init(struct runtime_trial *trial, struct cells *cells, const char *setting, void (*done)(void *arg),
                  void *arg);
/* Decides, then calls done (perhaps from within). `kind`: whose image the trial container is made from; the agent's
 * volume is filled. Where the engine goes away meanwhile, nothing is decided and done is not called. */
void runtime_decide(struct runtime_trial *trial, const struct cell_kind *kind);
/* The engine is away, or the end: no done after this, and nothing is decided that was not. */
void runtime_cancel(struct runtime_trial *trial);

#endif
