/* The cell's struct, shared by cell.c (its life), cell_job.c (its job) and cell_wait.c (before and after a job). */
#ifndef CODECELL_DOCKER_CELL_CELL_PRIVATE_H
#define CODECELL_DOCKER_CELL_CELL_PRIVATE_H

#include "base/buf.h"
#include "docker/cell/cell_owner.h"
#include "docker/engine/engine.h"

#define CELL_CONTAINER_ID_MAX 72
#define CELL_FRAMES_MAX ((size_t)2 * (FRAME_HEADER + FRAME_PAYLOAD_MAX))

/* How far a job has been handed to the agent. */
enum cell_sending { SEND_ENV, SEND_FILES, SEND_STEPS, SEND_INPUT, SEND_INPUT_END };

struct cell_feed {
    enum cell_sending at;
    size_t index;  /* variable or file */
    size_t offset; /* bytes of the file or of the input that were sent; files: SIZE_MAX before the head */
};

struct cell {
    struct cells *cells;
    struct cell *next, *prev; /* in cells->first */
    struct cell_place place;
    const struct cell_kind *kind;
    struct cell_limits limits;
    const struct cell_owner *owner;
    enum cell_state state;

    char name[CELL_NAME_MAX];
    char id[CELL_CONTAINER_ID_MAX + 1]; /* "" before the engine gave it one */
    uint32_t uid;
    struct call *call; /* the one that its state waits for: create, start, update, inspect or remove */
    struct attach *attach;
    uv_timer_t timer;   /* the state's deadline; removal's pause */
    unsigned removals;  /* tries */
    struct buf frames;  /* bytes of a frame that is not whole yet */
    struct error error; /* why it ended by itself */

    enum cell_waiting waiting;
    uint64_t waiting_bytes;
    unsigned jobs; /* that it was given */

    const struct cell_job *job;
    const struct cell_events *events;
    void *events_arg;
    struct cell_feed feed;
    enum cell_outcome outcome; /* of the last job, once it is over (events NULL) */

    bool yields;              /* its part of the processors is the smaller one */
    struct call *shares_call; /* that says so to the engine */
};

void cell_fail(struct cell *cell, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cell_set_state(struct cell *cell, enum cell_state state);

/* cell_job.c: bytes from the agent while a job runs; more may be written; the stream is over. */
void cell_job_frame(struct cell *cell, const struct frame *frame);
void cell_job_feed(struct cell *cell);
void cell_job_stream_end(struct cell *cell);
void cell_job_finish(struct cell *cell, enum cell_outcome outcome);

/* Frames for the agent, behind what `out` holds. 0, or -1 where it is full, or the frame would be too long. */
int cell_put(struct buf *out, enum frame_type type, const void *payload, size_t len);
int cell_put_env(struct buf *out, const char *variable);
int cell_put_step(struct buf *out, enum frame_step step, const struct cell_step *spec,
                  const struct cell_limits *limits);

/* cell_wait.c: the agent's answer to PREPARE (false: this frame is none, or nobody asked) and to RESET. */
bool cell_wait_prepared(struct cell *cell, const struct frame *frame);
void cell_wait_reset(struct cell *cell, const struct frame *frame);
/* cell_shares.c: its part of the processors is as at first, for a cell that is used again; a call about it is given up.
 */
void cell_shares_restore(struct cell *cell);
void cell_shares_forget(struct cell *cell);

/* cell.c: the agent said READY, as it must. Whether it did. */
bool cell_said_ready(const struct frame *frame);
void cell_be_ready(struct cell *cell);

#endif
