/* The cell's struct, and what its other files need of cell.c: cell_job.c (its job), cell_ready.c, cell_prewarm.c,
 * cell_reset.c (before and after a job), cell_shares.c, cells.c. */
#ifndef CODECELL_DOCKER_CELL_CELL_PRIVATE_H
#define CODECELL_DOCKER_CELL_CELL_PRIVATE_H

#include "base/buf.h"
#include "docker/cell/cell.h"
#include "docker/cell/cell_job.h"
#include "docker/cell/cell_prewarm.h"
#include "docker/cell/cell_ready.h"
#include "docker/cell/cell_stop.h"
#include "docker/cell/cells.h"
#include "docker/engine/attach.h"
#include "docker/engine/call.h"

#define CELL_CONTAINER_ID_MAX 72
#define CELL_FRAMES_MAX ((size_t)2 * (FRAME_HEADER + FRAME_PAYLOAD_MAX)) /* bytes in cell->frames */

/* How far a job has been sent to the agent. */
enum cell_sending { SEND_ENV, SEND_FILES, SEND_STEPS, SEND_CODE, SEND_INPUT, SEND_INPUT_END };

struct cell_feed {
    enum cell_sending at;
    size_t index;  /* variable or file */
    size_t offset; /* bytes of the file, or of the kernel's code, that were sent; SIZE_MAX before the file's head */
};

/* Who stops the job (cell_stop.h). */
struct cell_stopping {
    cell_stopped *stopped;
    void *arg;
    unsigned tries;
    uint32_t flags;
};

struct cell {
    struct cells *cells;
    struct list node; /* in cells->all */
    struct cell_place place;
    const struct cell_kind *kind;
    struct cell_limits limits;
    const struct cell_owner *owner;
    enum cell_state state;

    char name[CELL_NAME_MAX];
    char id[CELL_CONTAINER_ID_MAX + 1]; /* "" before the engine gave it one */
    uint32_t uid;
    bool capsules;     /* a keeper makes capsules in it */
    struct call *call; /* the call that the state waits for: create, start, update, inspect or remove */
    struct attach *attach;
    uv_timer_t timer;   /* the state's deadline; the pause before another try to remove it */
    unsigned removals;  /* tries */
    struct buf frames;  /* bytes of a frame that is not whole yet, or of whole ones while the cell is held */
    struct error error; /* the failure that ended it */

    struct cell_ready ready;
    uint64_t held_bytes; /* of the last READY */

    enum cell_warmth warmth;
    uint64_t prewarmed_bytes;
    unsigned jobs; /* that it was given */

    const struct cell_job *job;
    const struct cell_events *events; /* NULL: no job runs */
    void *events_arg;
    struct cell_feed feed;
    struct buf *pass;          /* frames that are being put together; NULL: none */
    bool input_wanted;         /* on_input_wanted must fire when there is room */
    bool input_over;           /* cell_input_end() was called */
    bool stale;                /* the engine must be told the cell's limits before the job */
    bool ahead;                /* the job does not wait for that */
    struct call *update_call;  /* that tells the engine beside a job; NULL: none */
    bool unsent;               /* something could not be sent: the job fails at the next turn */
    bool held;                 /* cell_hold() */
    enum cell_outcome outcome; /* of the last job, after it */
    struct frame_done done;    /* of the last job that ended as CELL_DONE */
    struct cell_stopping stopping;
    bool watched; /* cell_watch() */
    bool changed; /* for cell_take_changed() */

    bool yields;              /* it should have the smaller share of the processors */
    bool yielded;             /* the share that the engine was told last is the smaller one */
    struct list shares_node;  /* in cells->shares.waiting */
    uint64_t shares_due_ns;   /* the engine should be told then */
    struct call *shares_call; /* that tells the engine */
};

/* A failure: the job ends as lost, or, without a job, the cell ends. */
void cell_fail(struct cell *cell, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cell_set_state(struct cell *cell, enum cell_state state);

/* The container's own limit of processes. */
uint32_t cell_pids(const struct cell *cell);

/* Handles the whole frames in cell->frames. */
void cell_read_held(struct cell *cell);

void cell_be_ready(struct cell *cell); /* from starting or resetting; a job that waits for it starts */

/* Sends `out` to the agent, frees it, and waits for the answer: on_late fires after limit_ms. `failed` is not 0:
 * `out` could not be made; then the cell fails, from the loop. */
void cell_ask(struct cell *cell, struct buf *out, int failed, uv_timer_cb on_late, uint64_t limit_ms);

#endif
