/* A cell: one container with our agent in it, made ahead of time, given one job, then destroyed.
 *
 *                                   ┌──────────── resetting ──────────┐ (reuse: pool_return)
 *   creating ─ attaching ─ starting ─ ready ─ (updating ─) running ────┴─ ending ─ gone
 *        └──────────┴──────────┴────────┴───────────┴─────────┴────────────┘ (any failure, or cell_end)
 *
 * The owner (pool.c) makes it and hears that it is ready or gone. Whoever took it from the pool runs one job in
 * it and then ends it, or gives it back to the pool for the same key; removal happens behind the answer's back.
 * While it is ready, its owner may have the interpreter of its language started ahead of the job (cell_prepare):
 * the job then goes on in it, where that makes no difference but in time; the agent decides that. */
#ifndef CODECELL_DOCKER_CELL_CELL_H
#define CODECELL_DOCKER_CELL_CELL_H

#include "base/error.h"
#include "docker/wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell;
struct cells; /* what all cells of a server share: cell_owner.h */

/* What a cell is allowed; API.md, `limits`. */
struct cell_limits {
    uint32_t milli_cpus; /* 1000 is one core */
    uint32_t memory_mb;  /* the program's: what it holds beside its files in /tmp */
    uint32_t disk_mb;    /* its tmpfs */
    uint32_t processes;  /* processes and threads of the program; the agent's own come on top */
};

/* What a cell is made from. Strings belong to the language and outlive the cell. */
struct cell_kind {
    const char *language;       /* id */
    const char *image;          /* reference, or the image's id */
    struct cell_limits limits;  /* the language's defaults: what waiting cells have */
    uint32_t compile_memory_mb; /* that the compile step may hold, where the job's limit is lower; 0: the job's own */
    /* What a job without variables and arguments of its own runs with, for cell_prepare; both NULL where nothing is
     * started ahead (a language without an interpreter, CODECELL_WAITING=off). */
    const char *const *waiting_env;  /* "NAME=value" in the order of such a job's, NULL after the last */
    const char *const *waiting_argv; /* the step's, NULL after the last */
    enum frame_step waiting_step;    /* the one that is started ahead: the job's first */
    enum frame_hold waiting_hold;    /* where it is held */
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
    uint32_t memory_mb;  /* that it may hold, where the cell's limit is lower; 0: the cell's own */
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
    CELL_DONE,          /* the agent said so; the step ends tell the rest */
    CELL_NO_SPACE,      /* the job's files do not fit into disk_mb */
    CELL_BAD_FILE,      /* a file of the job could not be written: paths that collide */
    CELL_NO_PROGRAM,    /* argv[0] could not be executed */
    CELL_OUT_OF_MEMORY, /* the agent itself was killed for the cgroup's memory */
    CELL_UNRESPONSIVE,  /* no word past the deadline: it is being killed */
    CELL_LOST,          /* the stream ended, or the engine failed, without a reason that we know */
};

struct cell_events {
    void (*on_output)(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len);
    void (*on_step_end)(void *arg, enum frame_step step, const struct frame_step_end *end);
    void (*on_done)(void *arg, enum cell_outcome outcome); /* once, last; then cell_end() is the caller's to call */
};

/* Gives the cell its job. Only in state ready. `limits` (NULL: as it is) are set through the engine first
 * where they differ; disk_mb must be the cell's own. */
void cell_run(struct cell *cell, const struct cell_job *job, const struct cell_limits *limits,
              const struct cell_events *events, void *arg);

/* While its job runs: from now on it gives way to other cells where the processors are not enough for all. Not on
 * Podman, whose updates change nothing. */
void cell_yield(struct cell *cell);

/* Destroys it, whatever it does: no event after this. The struct is freed by its owner's machinery once
 * the engine has removed the container: touch it no more. */
void cell_end(struct cell *cell);

/* Whether its interpreter has been started ahead. */
enum cell_waiting {
    CELL_BLANK,     /* no */
    CELL_PREPARING, /* it is being started */
    CELL_HELD,      /* it waits for its program */
    CELL_UNHELD,    /* it could not be held (an engine or a kernel that forbids ptrace): jobs start their own */
};
enum cell_waiting cell_waiting(const struct cell *cell);
uint64_t cell_waiting_bytes(const struct cell *cell); /* memory of the container with it; 0: not known */
unsigned cell_jobs(const struct cell *cell);          /* that it has been given */

enum cell_state cell_state(const struct cell *cell);
const char *cell_state_name(enum cell_state state);
const char *cell_id(const struct cell *cell); /* the container's id; "" before it has one */
const char *cell_language(const struct cell *cell);

#endif
