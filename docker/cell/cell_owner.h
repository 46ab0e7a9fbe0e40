/* What all cells of one server share, and a cell's life as its owner (pool.c) and the reaper see it. */
#ifndef CODECELL_DOCKER_CELL_CELL_OWNER_H
#define CODECELL_DOCKER_CELL_CELL_OWNER_H

#include "base/list.h"
#include "docker/cell/cell.h"

#include <uv.h>

struct engine;

/* Where the volume with the agent is mounted in every cell, and the agent's path in it. */
#define CELL_AGENT_FOLDER "/codecell"
#define CELL_AGENT_PATH CELL_AGENT_FOLDER "/agent"

#define CELL_NAME_MAX 64 /* of a container of ours, with its NUL */

/* User ids of cells: the base image names them all `sandbox` (images/shared/base/Dockerfile). */
#define CELL_UID_FIRST 10000u
#define CELL_UID_COUNT 2000u
#define CELLS_MAX 1600u /* at once: as many as may wait and run by the settings (server/config.h); ids stay free */

/* The agent's share of a container's memory, and of its processes. */
#define CELL_AGENT_MB 8u
#define CELL_AGENT_PROCESSES 1u

#define CELL_READY_MS 30000u /* from creation to the agent's READY */
#define CELL_CREATE_MS \
    35000u                  /* the create call: longer than CELL_READY_MS, so that it is always the cell that is late */
#define CELL_CALL_MS 30000u /* each other engine call for a cell */
#define CELL_GRACE_MS 15000u   /* past a job's own times, before a cell counts as unresponsive */
#define CELL_PREPARE_MS 25000u /* an interpreter's start ahead of its job; then the cell fails */
#define CELL_RESET_MS 5000u    /* a reset: deleting a full tmpfs of small files takes tens of milliseconds */
#define CELL_REMOVE_TRIES 5u   /* then it is the reaper's */

/* A cell's weight among all cells while processors are short (cgroup v1's cpu.shares; the engine turns them into v2's
 * weight): Docker's default, and of a program that has run for long. An eighth, because the agent lives of it too. */
#define CELL_SHARES 1024u
#define CELL_SHARES_LONG 128u

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
    char *seccomp;        /* profile as JSON text; NULL: the engine's own (Podman takes a path only) */
    bool podman;          /* what the engine is, as its last ping said */
    uint32_t next_uid;    /* offset into the range, drawn at random at start */
    struct cell *first;   /* every cell that is not freed */
    unsigned count;
};

/* What the owner hears of a cell, in this order; ending and gone once. */
struct cell_owner {
    void (*on_ready)(void *arg, struct cell *cell); /* once, and again after each cell_reset that succeeds */
    void (*on_prepared)(void *arg,
                        struct cell *cell); /* cell_waiting() is CELL_HELD or CELL_UNHELD now, in state ready */
    /* It left for ending: on its own (error says why) or by cell_end (error->code ERROR_NONE). */
    void (*on_ending)(void *arg, struct cell *cell, const struct error *error);
    void (*on_gone)(void *arg, struct cell *cell); /* the container is removed; freed after this call */
    void *arg;
};

/* Starts making one. NULL: out of memory, or CELLS_MAX of them. `owner` and `kind` are kept by pointer. */
struct cell *cell_make(struct cells *cells, const struct cell_kind *kind, const struct cell_limits *limits,
                       const struct cell_owner *owner);

/* Starts the interpreter ahead (kind->waiting_argv). Only in state ready and CELL_BLANK. on_prepared follows, unless a
 * job comes first, or on_ending; neither from within the call. */
void cell_prepare(struct cell *cell);

/* After on_done with CELL_DONE, instead of cell_end: the agent puts the cell back to its first state and proves it;
 * on_ready follows, or on_ending where it fails or takes longer than CELL_RESET_MS; neither from within the call. Its
 * limits stay what the last job set. */
void cell_reset(struct cell *cell);

/* Ready within `ms` from now instead of CELL_READY_MS, or it fails. Only before it is ready. */
void cell_hurry(struct cell *cell, uint64_t ms);

const struct cell_limits *cell_limits(const struct cell *cell);
const struct cell_kind *cell_kind(const struct cell *cell);
struct cell *cells_next(const struct cell *cell);             /* the next in cells->first */
bool cells_know(const struct cells *cells, const char *name); /* by LABEL_NAME */

/* Memory of a container for these limits, in bytes. It is not what a program is held to: its agent sees to that, but
 * what the kernel keeps for it counts here alone, and so do its files in /tmp. */
int64_t cell_memory_bytes(const struct cell_kind *kind, const struct cell_limits *limits);

/* Gives a cell that is ending up without waiting for the engine: for the end of a shutdown's patience. */
void cell_abandon(struct cell *cell);

/* The owner's own mark and links on a cell. */
struct cell_place {
    struct list node; /* among the idle cells of a shelf, or among the kept cells */
    void *shelf;
    enum cell_role { PLACE_MAKING, PLACE_IDLE, PLACE_RESETTING, PLACE_KEPT, PLACE_TAKEN } role;
    int64_t key;       /* resetting, kept: whose it is */
    uint64_t since_ns; /* when this role began; resetting and kept are one */
};
struct cell_place *cell_place(struct cell *cell);
struct cell *cell_of(struct cell_place *place); /* the reverse */

#endif
