/* An operation on files in a cell: a job whose program is the agent's own (docs/internals/files-tool.md). Its standard
 * input and output are streams of entries. */
#ifndef CODECELL_RUN_FILE_JOB_H
#define CODECELL_RUN_FILE_JOB_H

#include "docker/cell/cell.h"
#include "docker/cell/cell_job.h"

#define FILE_JOB_ARGS 6
#define FILE_JOB_MS 3600000u /* whoever waits for it keeps a shorter time */

struct file_job_events {
    void (*on_output)(void *arg, const void *data, size_t len);
    void (*on_input_wanted)(void *arg); /* as of cell_events; NULL: no input */
    /* Once, last. `exit_code` is of enum file_exit if the outcome is CELL_DONE. */
    void (*on_done)(void *arg, enum cell_outcome outcome, int exit_code);
};

struct file_job {
    struct cell *cell; /* NULL: it is over */
    const char *argv[FILE_JOB_ARGS + 3];
    struct cell_job job;
    const struct file_job_events *events;
    void *arg;
    int exit_code;
};

/* `args`: the operation and its arguments, at most FILE_JOB_ARGS, NULL after the last; they must live until on_done.
 * file_job_start_ahead(): the limits that the cell has are enough, too (struct cell_job). */
void file_job_start(struct file_job *job, struct cell *cell, const struct cell_limits *limits, const char *const *args,
                    const struct file_job_events *events, void *arg);
void file_job_start_ahead(struct file_job *job, struct cell *cell, const struct cell_limits *limits,
                          const char *const *args, const struct file_job_events *events, void *arg);

#endif
