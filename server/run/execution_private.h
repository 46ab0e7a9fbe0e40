/* The structs behind execution.h, shared by runner.c (whose turn, who is there), execution.c (one's way) and
 * job.c (what the cell gets). */
#ifndef CODECELL_RUN_EXECUTION_PRIVATE_H
#define CODECELL_RUN_EXECUTION_PRIVATE_H

#include "docker/pool/pool.h"
#include "run/execution.h"
#include "run/scheduler.h"
#include "store/store.h"

enum execution_state {
    EXECUTION_QUEUED,
    EXECUTION_PLACED,
    EXECUTION_COMPILING,
    EXECUTION_RUNNING,
    EXECUTION_RECORDING,
    EXECUTION_DONE,
    EXECUTION_STATES
};

struct job_text; /* what job.c made for the cell */

struct execution {
    struct runner *runner;
    struct execution *next, *prev; /* in runner->first */
    enum execution_state state;
    char id[UUID_LEN + 1];
    char version[VERSION_REPORTED_MAX + 1]; /* as it was reported when it was accepted */
    int64_t key_row;
    struct execution_request request;
    struct execution_result result;
    struct turn turn;
    struct pool_wish wish;
    struct cell *cell;
    bool awaited;       /* no cell was ready for it */
    uint64_t waited_ns; /* for its turn, and for a cell that was not ready */
    struct cell_job job;
    struct job_text *text;
    struct store_job record_job;
    int64_t created_ms, started_ms, completed_ms;
    uint64_t created_ns, placed_ns; /* monotonic: for queue_time and metrics */
    execution_done *on_done;        /* NULL: the client is gone */
    void *arg;
};

struct runner {
    struct runner_options options;
    struct scheduler scheduler;
    struct execution *first;
    unsigned count;
    uv_timer_t timer; /* scheduler_when() */
    bool draining, scheduling;
    const struct execution *accepting; /* runner_submit has it in hand: a turn that it gets now was not waited for */
    void (*idle)(void *arg);
    void *idle_arg;
};

/* runner.c */
void runner_schedule(struct runner *runner);
void runner_forget(struct execution *execution); /* its last step: off the lists, freed */

/* execution.c */
void execution_yield(struct execution *execution);                        /* it has run for long: others come first */
void execution_place(struct execution *execution);                        /* its turn has come */
void execution_refuse(struct execution *execution, const char *sentence); /* evicted from the queue: a 503 */

/* job.c: fills execution->job; 0, or -1 out of memory. */
int job_build(struct execution *execution);
void job_free(struct execution *execution);

#endif
