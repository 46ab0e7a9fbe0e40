/* All executions of a server: which wait, which run, and the end of service. */
#ifndef CODECELL_RUN_RUNNER_H
#define CODECELL_RUN_RUNNER_H

#include "run/execution.h"
#include "run/scheduler.h"

#include <uv.h>

struct pool;
struct runner;
struct store;

struct runner_options {
    struct pool *pool;
    struct store *store;
    struct scheduler_options turns;
    bool keep_output; /* records hold stdout and stderr */
    bool keep_code;   /* and the code */
};

int runner_open(struct runner **out, uv_loop_t *loop, const struct runner_options *options, struct error *error);
void runner_close(struct runner *runner); /* only when idle */

/* Accepts a settled request. Takes over what `request` holds, also on failure (then it gives the reservation back).
 * NULL with ERROR_UNAVAILABLE (the queue
 * is full, the server is shutting down, or no record can be written) or ERROR_MEMORY. `listener` must outlive the
 * execution. Events may fire within the call, except on_done, which comes later from the loop. */
struct execution *runner_submit(struct runner *runner, int64_t key_row, struct execution_request *request,
                                const struct execution_listener *listener, void *arg, struct error *error);

/* The key's execution of this id, if it is not done. NULL: none. */
struct execution *runner_find(struct runner *runner, int64_t key_row, const char *id);

/* Cancels all of a key's session; returns how many. */
unsigned runner_cancel_session(struct runner *runner, int64_t key_row, const char *session_id);

struct runner_counts {
    unsigned queued, running; /* running: has a cell or waits for one */
};
struct runner_counts runner_counts(const struct runner *runner);

/* The cells of a language, by state. Ready cells may also be prewarmed or kept. */
struct runner_cells {
    unsigned creating, ready, prewarmed, kept, target, running, ending; /* target: idle cells that the pool wants */
};
struct runner_cells runner_cells(const struct runner *runner, const char *language);
bool runner_engine_is_up(const struct runner *runner);
bool runner_can_run(const struct runner *runner); /* the engine is up and all that a cell needs is there */

/* Accepts no more. `idle` fires when nothing is queued or running. */
void runner_drain(struct runner *runner, void (*idle)(void *arg), void *arg);
void runner_cancel_all(struct runner *runner); /* at the end of a drain; they end as cancelled */

#endif
