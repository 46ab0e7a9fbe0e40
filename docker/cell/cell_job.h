/* One job in a cell: files and variables in, at most two steps (compile, run), their output and their ends out. */
#ifndef CODECELL_DOCKER_CELL_CELL_JOB_H
#define CODECELL_DOCKER_CELL_CELL_JOB_H

#include "docker/wire/frame.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct cell;
struct cell_limits;

#define CELL_GRACE_MS 15000u /* past a job's own times; then the cell counts as unresponsive */

struct cell_file {
    const char *path;
    const void *data;
    size_t len;
    uint32_t mode; /* 0644 */
};

struct cell_step {
    const char *const *argv; /* NULL after the last */
    uint64_t timeout_ms;
    uint64_t output_max; /* bytes per stream */
    uint32_t memory_mb;  /* for this step, if the cell's limit is lower; 0: the cell's own */
};

/* One job; everything is the caller's and must live until on_done (or cell_end). */
struct cell_job {
    const char *const *env; /* "NAME=value", NULL after the last */
    const struct cell_file *files;
    size_t files_len;
    struct cell_step compile; /* argv NULL: none */
    struct cell_step run;
    const char *input; /* standard input; then end-of-file */
    size_t input_len;
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

struct cell_events {
    void (*on_output)(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len);
    void (*on_step_end)(void *arg, enum frame_step step, const struct frame_step_end *end);
    void (*on_done)(void *arg, enum cell_outcome outcome); /* once, last; then the caller calls cell_end() */
};

/* Gives the cell its job. Only in state ready. The cell gets these `limits` first if they differ from its own; NULL:
 * they stay. disk_mb cannot differ. */
void cell_run(struct cell *cell, const struct cell_job *job, const struct cell_limits *limits,
              const struct cell_events *events, void *arg);

/* For the other files of docker/cell: a frame came from the agent while the job runs; more may be written; the stream
 * has ended; the job is over. */
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
