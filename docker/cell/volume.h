/* The volume that holds the agent. It is made and filled through the engine alone, so that this works in a container
 * that has only the engine's socket. There is one volume for each data directory and version of the agent; the lock on
 * the data directory makes us its only writer.
 *
 * create the volume ─ create a container that mounts it ─ PUT an archive ─ PUT its folder ─ remove the container ─
 * filled
 */
#ifndef CODECELL_DOCKER_CELL_VOLUME_H
#define CODECELL_DOCKER_CELL_VOLUME_H

#include "base/error.h"
#include "docker/cell/cells.h"
#include "docker/engine/call.h"

struct volume {
    struct cells *cells;
    const void *agent; /* static ELF */
    size_t agent_len;
    char name[96];
    struct call *call;             /* under way; NULL: none */
    char container[CELL_NAME_MAX]; /* name of the container that fills it; "": there is none */
    const char *image;
    struct error error;
    void (*done)(void *arg, const struct error *error);
    void *arg;
};

/* Sets the volume's name; makes no call. */
void volume_init(struct volume *volume, struct cells *cells, const void *agent, size_t len);

/* Makes and fills the volume, with a container of `image` that is never started. `done` fires once, later; error NULL:
 * it is filled. Not while a call is under way. */
void volume_fill(struct volume *volume, const char *image, void (*done)(void *arg, const struct error *error),
                 void *arg);
/* Removes the volume from the engine. `done` as of engine_call(); it must set volume->call to NULL. */
void volume_remove(struct volume *volume, call_done *done, void *arg);
void volume_cancel(struct volume *volume); /* no `done` after this */

#endif
