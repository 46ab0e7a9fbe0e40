/* All executions of a server: which wait, which run, and the end of service. */
#ifndef CODECELL_RUN_RUNNER_H
#define CODECELL_RUN_RUNNER_H

#include "docker/pool/pool.h"
#include "run/execution.h"
#include "run/scheduler.h"

#include <uv.h>

struct history;
struct runner;
struct store;
struct workspaces;

struct runner_options {
    struct pool *pool;
    struct store *store;
    struct workspaces *workspaces; /* NULL: no request has one */
    struct scheduler_options turns;
    bool keep_output;        /* records hold stdout and stderr */
    bool keep_code;          /* and the code */
    struct history *history; /* gets each end (history.h); NULL: none */
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

/* Sends a signal to the program that runs in the kernel of a key's session. False: none runs. */
bool runner_signal_kernel(struct runner *runner, int64_t key_row, const char *session_id, uint32_t number);

struct runner_counts {
    unsigned queued, running; /* running: has a cell or waits for one */
};
struct runner_counts runner_counts(const struct runner *runner);

/* An execution that is not done, as an operator may see it. The texts are its own. */
struct runner_view {
    int64_t key_row;
    const char *id, *language, *version, *session_id; /* session_id NULL: none */
    const char *state;                                /* of runner_states */
    int64_t created_ms, started_ms;                   /* started_ms 0: its program has not been started */
};
extern const char *const runner_states[]; /* waiting, placed, compiling, running, recording; NULL after the last */

/* Calls each() for every execution, the oldest first, until it returns false. */
void runner_each(const struct runner *runner, bool (*each)(const struct runner_view *view, void *arg), void *arg);

/* The cells of a language, by state. Ready cells may also be prewarmed or kept. */
struct runner_cells {
    unsigned creating, ready, prewarmed, kept, target, running, ending; /* target: idle cells that the pool wants */
};
struct runner_cells runner_cells(const struct runner *runner, const char *language);
struct pool_isolation runner_isolation(const struct runner *runner); /* docker/pool/pool.h */
bool runner_engine_is_up(const struct runner *runner);
bool runner_can_run(const struct runner *runner); /* the engine is up and all that a cell needs is there */

/* Accepts no more. `idle` fires when nothing is queued or running. */
void runner_drain(struct runner *runner, void (*idle)(void *arg), void *arg);
void runner_cancel_all(struct runner *runner); /* at the end of a drain; they end as cancelled */

#endif
