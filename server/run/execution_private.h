/* The struct of execution.h, and the functions that only the runner calls. */
#ifndef CODECELL_RUN_EXECUTION_PRIVATE_H
#define CODECELL_RUN_EXECUTION_PRIVATE_H

#include "base/list.h"
#include "docker/pool/pool.h"
#include "run/cell_source.h"
#include "run/execution.h"
#include "run/kernel.h"
#include "run/outputs.h"
#include "run/scheduler.h"
#include "run/workspace.h"
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

struct execution_job;   /* what execution_job.c made for the cell */
struct execution_mercy; /* execution_kernel.c */
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
    const struct cell_source *source;
    struct pool_request cell_request; /* of the source pool */
    struct workspace_use use;         /* of the source workspace */
    struct cell *cell;
    uint32_t flags;     /* of enum frame_flag, of all its steps */
    bool unsaved;       /* its record waits for execution_saved() */
    bool record_wanted; /* meanwhile execution_record() was called */
    bool awaited;       /* no cell was ready for it */
    bool collects;      /* the result holds the output, for the listener or for the record */
    bool out_of_memory; /* some of the output could not be kept */
    uint64_t waited_ns; /* for its slot, and for a cell that was not ready */
    struct cell_job job;
    struct execution_job *job_parts;
    char evaluation_key[EVALUATION_KEY_LEN + 1]; /* only for a request with `evaluate` */
    bool kernel_told;                            /* the end of its kernel step was told */
    bool interrupted;                            /* it is cancelled, and its kernel was asked to end the step */
    struct execution_mercy *mercy;               /* how long the kernel may take for that; NULL: it was not asked */
    size_t input_fed;                            /* bytes of the request's input that the cell has taken */
    bool fed;                                    /* all of them: the listener gives the rest */
    struct outputs *collecting;                  /* the files that come back; NULL: they do not come now */
    struct store_job record_job;
    int (*record)(void *arg, struct db *db, const struct record *record, struct error *error); /* the listener's */
    int64_t created_ms, started_ms, completed_ms;
    uint64_t created_ns, placed_ns;            /* monotonic: for queue_time and metrics */
    const struct execution_listener *listener; /* NULL: the client is gone */
    void *arg;
};

/* The cell has the program, which is not over. */
static inline bool execution_is_at_work(const struct execution *execution)
{
    bool runs = execution->state == EXECUTION_COMPILING || execution->state == EXECUTION_RUNNING;

    return runs && execution->collecting == NULL;
}

/* Takes over the request, also on failure. NULL: out of memory. */
struct execution *execution_new(struct runner *runner, int64_t key_row, struct execution_request *request,
                                const struct execution_listener *listener, void *arg);
void execution_free(struct execution *execution);
void execution_yield(struct execution *execution); /* it has run for long: others come first from now on */
void execution_place(struct execution *execution); /* it has a slot */
void execution_refuse(struct execution *execution, const char *sentence); /* it lost its place in the queue: a 503 */

/* It is over, for whatever reason: gives back what it holds, and records it. A cell is `clean` if its agent has
 * reported that no process of the program is left. A clean cell is given back at once, because a reset is quick, or is
 * removed after the answer. Any other cell is removed at once. */
void execution_conclude(struct execution *execution, bool clean);

/* The run step is over: collects the request's outputs, then concludes. False: there is nothing to collect. */
bool execution_collect(struct execution *execution);

/* From its source: the cell, or NULL and the reason; and that what it left is saved, or why it is not yet. */
void execution_on_cell(struct execution *execution, struct cell *cell, const struct error *error);
void execution_saved(struct execution *execution, const struct error *error);

/* Ends it with this status and exit code, as if SIGKILL had. execution_conclude() follows. */
void execution_killed(struct execution *execution, enum record_status status, int exit_code);

/* Fills execution->job. 0, or -1 out of memory. */
int execution_job_build(struct execution *execution);
void execution_job_free(struct execution *execution);

#endif
