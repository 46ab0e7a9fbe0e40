/* What parts the programs that run in cells (CODECELL_ISOLATION). Capsules are used if they are asked for and a trial
 * cell proves that this engine and its host can make them, one after another. Otherwise each cell runs one program. The
 * choice is made anew each time that the engine comes up, after the runtime's (runtime.h).
 *
 *   container is asked for ─────────────────────────────────────────────────────────────────────────┐
 *   capsule: a cell with capsules ─ ready ─ reset ─ ready ─ cells->capsules stays true ──┐          │
 *                └─────────────────────┴──────┴ a failure, a deadline ─ false ───────────┴──────────┴─ done
 *
 * cells->capsules is true during the trial, because its cell is made that way. The trial's cell is one of the server's
 * cells (cells->all), so the reaper spares it and a shutdown waits for it. */
#ifndef CODECELL_DOCKER_CELL_ISOLATION_H
#define CODECELL_DOCKER_CELL_ISOLATION_H

#include "docker/cell/cell.h"
#include "docker/cell/cells.h"

#define ISOLATION_TRIAL_MS 10000u /* from the trial container's creation to its first READY */

struct isolation_trial {
    struct cells *cells; /* the server's; the trial sets their `capsules` */
    bool asked;          /* the setting asks for capsules */
    struct cell_owner owner;
    struct cell *cell; /* on trial; NULL: none, or the trial is over */
    bool was_reset;    /* the trial's cell was ready once */
    bool chosen;       /* since the engine came up */
    char reason[256];  /* of the last choice: a sentence; "" before the first */
    void (*done)(void *arg);
    void (*gone)(void *arg); /* the trial's container is removed, also after isolation_cancel(); NULL: no callback */
    void *arg;
};

/* `capsules`: what the setting asks for. `gone` is NULL. */
void isolation_init(struct isolation_trial *trial, struct cells *cells, bool capsules, void (*done)(void *arg),
                    void *arg);
/* Decides, then fires `done`, perhaps from within. `kind`: what the trial's cell is made from; the agent's volume must
 * be filled. If the engine goes away meanwhile, nothing is decided and `done` does not fire. */
void isolation_decide(struct isolation_trial *trial, const struct cell_kind *kind);
/* The engine is away, came anew, or the server stops: nothing is chosen, and `done` does not fire any more. */
void isolation_cancel(struct isolation_trial *trial);

#endif
