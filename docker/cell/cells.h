/* What all cells of one server share: the engine, the instance's id, the agent's volume, the range of user ids, and the
 * labels of our containers. */
#ifndef CODECELL_DOCKER_CELL_CELLS_H
#define CODECELL_DOCKER_CELL_CELLS_H

#include "base/list.h"
#include "docker/cell/cell_shares.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct cell;
struct engine;

/* Where the volume with the agent is mounted in every cell, and the agent's path in it. */
#define CELL_AGENT_FOLDER "/codecell"
#define CELL_AGENT_PATH CELL_AGENT_FOLDER "/agent"
#define CELL_AGENT_CAPSULES "capsules" /* its argument if it should make capsules */

#define CELL_NAME_MAX 64    /* bytes of one of our containers' names, with the NUL */
#define CELL_CALL_MS 30000u /* deadline of an engine call for a cell, except its creation */

/* User ids of cells: the base image names them all `sandbox` (images/base/Dockerfile). */
#define CELL_UID_FIRST 10000u
#define CELL_UID_COUNT 2000u
#define CELLS_MAX                                                                                       \
    1800u /* at once: as many as the settings allow (server/config.h); so some user ids are always free \
           */

#define LABEL_INSTANCE "io.codecell.instance"
#define LABEL_ROLE "io.codecell.role"
#define LABEL_ROLE_CELL LABEL_ROLE "=cell"
#define LABEL_ROLE_AGENT LABEL_ROLE "=agent"
#define LABEL_LANGUAGE "io.codecell.language"
#define LABEL_CREATED "io.codecell.created"
#define LABEL_NAME "io.codecell.name"

struct cells {
    uv_loop_t *loop;
    struct engine *engine;
    const char *instance; /* value of LABEL_INSTANCE */
    const char *runtime;  /* NULL: the engine's default */
    const char *volume;   /* name of the volume that holds the agent */
    bool capsules;        /* new cells make capsules */
    char *seccomp[2];     /* profiles as JSON text, without capsules and with; NULL: the engine's own (Podman) */
    bool podman;          /* the engine is Podman, by its last ping */
    const char *apparmor; /* name of an AppArmor profile; NULL: the engine's default */
    uint32_t next_uid;    /* offset into the range of user ids; drawn at random at the start */
    struct list all;      /* every cell that has not been freed, the newest first */
    unsigned count;       /* of them */
    struct cell_shares_line shares;
};

/* Strings are kept by pointer. `runtime` and `apparmor` are NULL and `capsules` is false at first. */
void cells_init(struct cells *cells, uv_loop_t *loop, struct engine *engine, const char *instance, const char *volume);

/* When no cell is left. The handle's data is the cells. */
void cells_close(struct cells *cells, uv_close_cb closed);

/* Makes the profiles if the engine takes them; Podman takes a profile only as a path on its own host. */
void cells_set_seccomp(struct cells *cells);
void cells_forget_seccomp(struct cells *cells);

struct cell *cells_first(const struct cells *cells);          /* NULL: there is no cell */
struct cell *cells_next(const struct cell *cell);             /* NULL: it was the last */
bool cells_know(const struct cells *cells, const char *name); /* whether a cell has this name (LABEL_NAME) */
uint32_t cells_take_uid(struct cells *cells);                 /* a user id that no cell has */

#endif
