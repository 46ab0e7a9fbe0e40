/* The struct of execution.h, and the functions that only the runner calls. */
#ifndef CODECELL_RUN_EXECUTION_PRIVATE_H
#define CODECELL_RUN_EXECUTION_PRIVATE_H

#include "base/list.h"
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

struct execution_job; /* what execution_job.c made for the cell */
struct runner;

struct execution {
    struct runner *runner;
    struct list node; /* in the runner's list */
    enum execution_state state;
    char id[UUID_LEN + 1];
    char version[VERSION_REPORTED_MAX + 1]; /* as it was reported at acceptance */
    int64_t key_row;
    struct execution_request request;
    struct execution_result result;
    struct turn turn;
    struct pool_request cell_request;
    struct cell *cell;
    bool awaited;       /* no cell was ready for it */
    bool collects;      /* the result holds the output, for the listener or for the record */
    bool out_of_memory; /* some of the output could not be kept */
    uint64_t waited_ns; /* for its slot, and for a cell that was not ready */
    struct cell_job job;
    struct execution_job *job_parts;
    char evaluation_key[EVALUATION_KEY_LEN + 1]; /* only for a request with `evaluate` */
    size_t input_fed;                            /* bytes of the request's input that the cell has taken */
    struct store_job record_job;
    int64_t created_ms, started_ms, completed_ms;
    uint64_t created_ns, placed_ns;            /* monotonic: for queue_time and metrics */
    const struct execution_listener *listener; /* NULL: the client is gone */
    void *arg;
};

/* Takes over the request, also on failure. NULL: out of memory. */
struct execution *execution_new(struct runner *runner, int64_t key_row, struct execution_request *request,
                                const struct execution_listener *listener, void *arg);
void execution_free(struct execution *execution);
void execution_yield(struct execution *execution); /* it has run for long: others come first from now on */
void execution_place(struct execution *execution); /* it has a slot */
void execution_refuse(struct execution *execution, const char *sentence); /* it lost its place in the queue: a 503 */

/* Fills execution->job. 0, or -1 out of memory. */
int execution_job_build(struct execution *execution);
void execution_job_free(struct execution *execution);

#endif
