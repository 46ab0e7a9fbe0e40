/* A cell: one container with our agent in it, made ahead of time, given one job, then destroyed or reset.
 *
 *                                   ┌──────────── resetting ──────────┐ (the next capsule: cell_reset)
 *   creating ─ attaching ─ starting ─ ready ─ (updating ─) running ────┴─ ending ─ gone
 *        └──────────┴──────────┴────────┴───────────┴─────────┴────────────┘ (any failure, or cell_end)
 *
 * The owner (the pool) makes a cell, and hears that it is ready or gone. The taker (an execution) gets a ready cell
 * from the pool, runs one job in it (cell_job.h), and then ends it or gives it back to the pool. The container is
 * removed after the answer was sent.
 * If the container makes capsules (`capsules` in cells.h), each job has a capsule of its own: fresh namespaces that end
 * with it. Only such a cell can be reset.
 * While a cell is ready, its owner may prewarm it: start the interpreter of its language ahead of the job
 * (cell_prewarm.h). */
#ifndef CODECELL_DOCKER_CELL_CELL_H
#define CODECELL_DOCKER_CELL_CELL_H

#include "base/error.h"
#include "base/list.h"
#include "docker/wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell;
struct cells; /* cells.h */

/* The share of a container's memory, and of its processes, that the agent and its keeper have. Without capsules there
 * is no keeper. */
#define CELL_AGENT_MB 8u
#define CELL_AGENT_PROCESSES 1u
#define CELL_KEEPER_PROCESSES 1u
#define CELL_TMP_INODES 16384u /* files in /tmp */

#define CELL_READY_MS 30000u /* from creation to READY */
#define CELL_CREATE_MS                                                                                               \
    35000u                   /* the create call: longer than CELL_READY_MS, so that the cell's deadline is the first \
                              */
#define CELL_REMOVE_TRIES 5u /* then the container is left to the reaper */

/* What a cell is allowed; API.md, `limits`. */
struct cell_limits {
    uint32_t milli_cpus; /* 1000 is one core */
    uint32_t memory_mb;  /* for the program, besides its files in /tmp */
    uint32_t disk_mb;    /* its tmpfs */
    uint32_t processes;  /* processes and threads of the program; the agent's own come on top */
};

/* What a cell is made from. Strings belong to the language and outlive the cell. */
struct cell_kind {
    const char *language;       /* id */
    const char *image;          /* reference, or the image's id */
    struct cell_limits limits;  /* the language's defaults: what idle cells have */
    uint32_t compile_memory_mb; /* for the compile step, if the job's limit is lower; 0: the job's own */
    /* The first step of a job without variables and arguments of its own, for cell_prewarm(). Both lists are NULL if
     * nothing is prewarmed: the language has no interpreter, or CODECELL_WAITING is off. */
    const char *const *prewarm_env;  /* "NAME=value" in the order of such a job's, NULL after the last */
    const char *const *prewarm_argv; /* the step's, NULL after the last */
    enum frame_step prewarm_step;    /* which step that is */
    enum frame_hold prewarm_hold;    /* the point at which the process is held */
};

enum cell_state {
    CELL_CREATING,
    CELL_ATTACHING,
    CELL_STARTING,
    CELL_READY,
    CELL_UPDATING,
    CELL_RUNNING,
    CELL_RESETTING,
    CELL_ENDING,
    CELL_GONE,
    CELL_STATES
};

/* What the owner hears of a cell. None of these fires from within the owner's own call, except on_ending from within
 * cell_end(). */
struct cell_owner {
    void (*on_ready)(void *arg, struct cell *cell);     /* once, and again after each cell_reset() */
    void (*on_prewarmed)(void *arg, struct cell *cell); /* cell_prewarm() is over (cell_warmth()); in state ready */
    /* Once: the cell left for ending, by a failure (error says which) or by cell_end() (error->code ERROR_NONE). */
    void (*on_ending)(void *arg, struct cell *cell, const struct error *error);
    void (*on_gone)(void *arg, struct cell *cell); /* once, last: the container is removed; freed after this call */
    void *arg;
};

/* Starts making one. NULL: out of memory, or there are CELLS_MAX of them. `kind` and `owner` are kept by pointer. */
struct cell *cell_make(struct cells *cells, const struct cell_kind *kind, const struct cell_limits *limits,
                       const struct cell_owner *owner);

/* The cell must become ready within `ms` from now instead of CELL_READY_MS, or it fails. Only before it is ready. */
void cell_hurry(struct cell *cell, uint64_t ms);

/* Destroys the cell, in any state. Its taker hears nothing after this, and must not touch the cell any more: it is
 * freed once the engine has removed the container. */
void cell_end(struct cell *cell);

/* Gives a cell that is ending up, without waiting for the engine: for a shutdown that has lasted too long. */
void cell_abandon(struct cell *cell);

enum cell_state cell_state(const struct cell *cell);
const char *cell_state_name(enum cell_state state);
const char *cell_language(const struct cell *cell);
const struct cell_kind *cell_kind(const struct cell *cell);
const struct cell_limits *cell_limits(const struct cell *cell);
bool cell_is_attached(const struct cell *cell); /* its stream is open: nothing has told that its agent has died */
unsigned cell_jobs(const struct cell *cell);    /* how many jobs it has been given */
/* Bytes that its container held when it last became ready, without the page cache; 0: unknown. */
uint64_t cell_held_bytes(const struct cell *cell);

/* Memory limit of a container with these limits, in bytes. The agent holds the program to its own limit; this one also
 * counts the files in /tmp and what the kernel keeps for the program. */
int64_t cell_memory_bytes(const struct cell_kind *kind, const struct cell_limits *limits);

/* The owner's own mark and links on a cell. */
struct cell_place {
    struct list node; /* among the idle cells of a shelf, its lent cells, or the kept cells; or in no list */
    void *shelf;
    enum cell_role { PLACE_MAKING, PLACE_IDLE, PLACE_RESETTING, PLACE_KEPT, PLACE_TAKEN } role;
    int64_t key;          /* resetting, kept: the key that it is kept for */
    int64_t stop_key;     /* taken, and its job is being stopped: the key that it will be kept for */
    uint64_t since_ns;    /* when this role began; resetting and kept count as one */
    uint64_t made_ns;     /* when it was ready first */
    uint64_t first_bytes; /* cell_held_bytes() at that time */
};
struct cell_place *cell_place(struct cell *cell);
struct cell *cell_of(struct cell_place *place); /* the reverse */

#endif
