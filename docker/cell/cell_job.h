/* One job in a cell: variables, files and standard input in; at most two steps (compile, run); their output and their
 * ends out.
 *
 *   cell_run ─ on_input_wanted / cell_input ─ … ─ cell_input_end
 *        └ on_output ─ … ─ on_step_end ─ on_output ─ … ─ on_step_end ─ on_done
 */
#ifndef CODECELL_DOCKER_CELL_CELL_JOB_H
#define CODECELL_DOCKER_CELL_CELL_JOB_H

#include "docker/wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cell;
struct cell_limits;

#define CELL_GRACE_MS 15000u               /* past a job's own times; then the cell counts as unresponsive */
#define CELL_INPUT_MAX ((size_t)256 << 10) /* bytes of standard input that one call takes */

struct cell_file {
    const char *path;
    const void *data;
    size_t len;
    uint32_t mode; /* 0644 */
};

struct cell_step {
    const char *const *argv; /* NULL after the last */
    uint64_t timeout_ms;
    uint64_t output_max;    /* bytes per stream */
    uint32_t memory_mb;     /* for this step, if the cell's limit is lower; 0: the cell's own */
    uint64_t report_max;    /* bytes of a report, which comes as FRAME_RESULT; 0: it is not asked for */
    struct frame_size size; /* of the run step's terminal; both 0: it has pipes */
    bool kernel;            /* the run step, without a compile step and a terminal: the kernel runs `code` */
    const void *code;       /* code_len bytes: the message RUN (docker/wire/frame.h), for a kernel */
    size_t code_len;
};

/* One job; everything is the caller's and must live until on_done (or cell_end). */
struct cell_job {
    const char *const *env; /* "NAME=value", NULL after the last */
    const struct cell_file *files;
    size_t files_len;
    struct cell_step compile; /* argv NULL: none */
    struct cell_step run;
    bool ahead; /* the limits that the cell has are enough, too: if it is to get larger ones, the engine is told beside
                 */
};

enum cell_outcome {
    CELL_DONE,          /* the job is over; its step ends tell the rest */
    CELL_NO_SPACE,      /* the job's files do not fit into disk_mb */
    CELL_BAD_FILE,      /* a file of the job could not be written: paths that collide */
    CELL_NO_PROGRAM,    /* argv[0] could not be executed */
    CELL_OUT_OF_MEMORY, /* the kernel killed the agent because of the container's memory limit */
    CELL_UNRESPONSIVE,  /* the agent has not answered by the deadline */
    CELL_LOST,          /* the stream ended, or the engine failed, for a reason that we do not know */
};

/* The flags of a step's end after which a cell is not kept for a further program: a reset would have to wait for much
 * memory to be freed. After a time limit all processes are killed, so the reset finds nothing of them. */
#define CELL_SPENT ((uint32_t)FRAME_OUT_OF_MEMORY)

/* Only on_input_wanted fires from within the caller's own call, and only from within cell_run(). */
struct cell_events {
    void (*on_output)(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len);
    void (*on_step_end)(void *arg, enum frame_step step, const struct frame_step_end *end);
    void (*on_done)(void *arg, enum cell_outcome outcome); /* once, last; then the caller calls cell_end() */
    /* The cell takes standard input now: first when the job has been sent, then whenever cell_input() took less than it
     * was given and there is room again. NULL: the standard input is empty. */
    void (*on_input_wanted)(void *arg);
};

/* Gives the cell its job: in state ready, or after on_done with CELL_DONE. Then the job follows in the same capsule,
 * with the working folder and /tmp as the job before has left them. The cell gets these `limits` first if they differ
 * from its own; NULL: they stay. disk_mb can differ only in state ready, and if the cell makes capsules: it is then
 * reset first. */
void cell_run(struct cell *cell, const struct cell_job *job, const struct cell_limits *limits,
              const struct cell_events *events, void *arg);

/* Standard input while the job runs, in pieces. Takes the first bytes of `data` (copied), at most CELL_INPUT_MAX of
 * them, and returns their number; on_input_wanted fires later if it is less than `len`. At most CELL_INPUT_MAX +
 * ATTACH_LOW bytes (docker/engine/attach.h) wait here to be written; the agent takes them as fast as the program reads
 * them. Input that comes after cell_input_end() or after the program's end is dropped, and counts as taken. */
size_t cell_input(struct cell *cell, const void *data, size_t len);
/* End-of-file, after the bytes that were taken. Allowed as soon as the job was given; a second call does nothing. */
void cell_input_end(struct cell *cell);

/* Sends the program a signal, one of frame_signals, after the input that was taken. It is dropped if the run step does
 * not run, and if CELL_ORDERS_MAX bytes more than the most of the input wait to be written. */
void cell_signal(struct cell *cell, uint32_t number);
/* Changes the size of the program's terminal, which the job must have; dropped in the same cases. Before the job has
 * been sent it does nothing: the caller changes the job's step. */
void cell_resize(struct cell *cell, const struct frame_size *size);
#define CELL_ORDERS_MAX ((size_t)64 << 10)

/* Holds the output while the caller cannot take more, and lets it go on. A held cell is not read from: at most
 * CELL_FRAMES_MAX (cell_private.h) and what one read brought wait here, then the engine's stream, the agent's pipe and
 * the program itself wait. It never counts as unresponsive; its deadline begins anew when it goes on. Events that were
 * held back fire later, from the loop. The job's own time limits go on, so the caller must not hold a cell for ever. */
void cell_hold(struct cell *cell, bool hold);

/* What the agent said when the last job ended as CELL_DONE. Only in a cell that cell_watch() was called for, `changed`
 * is anything but true. */
const struct frame_done *cell_done(const struct cell *cell);
/* From the next job on, the agent looks after each job whether files in the working folder have changed. */
void cell_watch(struct cell *cell);
/* Whether a job that ended since the last call may have changed files. */
bool cell_take_changed(struct cell *cell);

/* Ends the kernel, if there is one: after on_done with CELL_DONE. The next job waits until it has ended. */
void cell_kernel_end(struct cell *cell);

/* For the other files of docker/cell: the cell was reset for the job; a frame came from the agent while the job runs;
 * more may be written; the stream has ended; the job is over. */
void cell_job_begin(struct cell *cell);
void cell_job_start(struct cell *cell); /* and has its limits */
void cell_job_frame(struct cell *cell, const struct frame *frame);
void cell_job_feed(struct cell *cell);
void cell_job_stream_end(struct cell *cell);
void cell_job_finish(struct cell *cell, enum cell_outcome outcome);

/* Frames for the agent, appended to `out`. 0, or -1: `out` is full, or the frame would be too long. */
int cell_put(struct buf *out, enum frame_type type, const void *payload, size_t len);
int cell_put_env(struct buf *out, const char *variable);
int cell_put_step(struct buf *out, enum frame_step step, const struct cell_step *spec,
                  const struct cell_limits *limits);

#endif
