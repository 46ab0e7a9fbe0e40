/* Which runtime the cells get (CODECELL_RUNTIME). `auto`: crun, where the engine has one and a trial container proves
 * that it works here (it refuses some hosts' cgroups), since it makes a cell with a fifth less of the
 * processor's time than runc; else the engine's default. Asked once each time that the engine comes up. */
#ifndef CODECELL_DOCKER_RUNTIME_H
#define CODECELL_DOCKER_RUNTIME_H

#include "docker/cells.h"

#define RUNTIME_AUTO "auto"
#define RUNTIME_FASTER "crun"

struct runtime_trial {
    struct cells *cells; /* the server's: `runtime` of it is what is decided */
    const char *setting; /* a name, RUNTIME_AUTO, or NULL or "": the engine's default */
    struct cells trial;  /* the same with the runtime on trial */
    struct cell_owner owner;
    struct call *call;
    struct cell *cell;
    bool decided;
    void (*done)(void *arg);
    void *arg;
};

void runtime_init(struct runtime_trial *trial, struct cells *cells, const char *setting, void (*done)(void *arg),
                  void *arg);
/* Decides, then calls done (perhaps from within). `kind`: whose image the trial container is made from; the agent's
 * volume is filled. */
void runtime_decide(struct runtime_trial *trial, const struct cell_kind *kind);
void runtime_cancel(struct runtime_trial *trial); /* the engine is away, or the end: no done after this */

#endif
