/* The volume that holds the agent: made and filled through the engine alone, so that it works from a container that
 * only has the socket. One volume a data directory and version of the agent: its lock makes us its only writer.
 *
 * volume create ─ container create (writable mount) ─ PUT archive ─ PUT its folder ─ container remove ─ filled */
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
    bool filled;
    struct call *call; /* under way; NULL: none */
    char container[CELL_NAME_MAX];
    const char *image;
    struct error error;
    void (*done)(void *arg, const struct error *error);
    void *arg;
};

/* Names it; calls nothing. */
void volume_init(struct volume *volume, struct cells *cells, const void *agent, size_t len);

/* Makes and fills it, with a container of `image` that is never started. `done` fires once, later; error NULL: filled.
 * Only one at a time. */
void volume_fill(struct volume *volume, const char *image, void (*done)(void *arg, const struct error *error),
                 void *arg);
/* Removes it from the engine; `done` as of an engine call (it sets volume->call to NULL), not after volume_cancel. */
void volume_remove(struct volume *volume, call_done *done, void *arg);
void volume_cancel(struct volume *volume); /* no `done` after this */

#endif
