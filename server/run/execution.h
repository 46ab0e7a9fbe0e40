/* An execution: one request to run a program, from acceptance to its committed record.
 *
 *   queued ─ placed ─ compiling ─ running ─ recording ─ done
 *      └────────┴─────────┴──────────┴───────────┘ (cancelled, failed)
 *
 * queued: it waits for its turn (scheduler.h); placed: it waits for a cell, then for its program to
 * start; recording: its record is being committed, and only then does on_done fire. Where that fails, the store keeps
 * the record for later (store_owe) and the answer is given with a warning. Cancelling (the client
 * left, the session was deleted) goes the same way with status cancelled. */
#ifndef CODECELL_RUN_EXECUTION_H
#define CODECELL_RUN_EXECUTION_H

#include "base/buf.h"
#include "languages/catalog.h"
#include "languages/limits.h"
#include "run/scheduler.h"
#include "store/records.h"

#include <uv.h>

struct pool;
struct store;
struct runner;    /* what all executions of a server share */
struct execution; /* one */

/* What is asked for. Text belongs to `root`, what was made from it (env, argv, files' contents) to the struct. */
struct execution_request {
    json_t *root; /* the parsed body's object; holds every string below */
    struct language *language;
    struct language_version *version; /* one of its */
    const char *code;
    size_t code_len;
    const char *input; /* stdin */
    size_t input_len;
    const char **env;        /* "NAME=value" of `environment`, NULL after the last; each malloc'ed */
    const char **args;       /* NULL after the last; pointers into root */
    struct cell_file *files; /* of `files`, code not among them */
    size_t files_len;
    uint64_t timeout_s;
    const char *session_id; /* NULL: none */
    bool reuse;             /* its cell may have run the same key's programs before, and is kept for the next one */
    struct limits limits;
    json_t *warnings;    /* array of strings */
    uint64_t arrived_ns; /* monotonic: its last byte was read; 0: not known */
};

void execution_request_free(struct execution_request *request);

struct execution_output {
    struct buf out, err; /* as the program wrote them */
    bool out_cut, err_cut;
};

struct execution_result {
    enum record_status status;
    const char *failure; /* for clients: why it could not be run ("Execution failed: …"); NULL: it ran */
    bool unavailable;    /* with failure: a 503 (queue full, engine away, shutting down) rather than a 500 */
    int exit_code;
    int signal; /* 0: none */
    bool timed_out;
    int64_t wall_ns, cpu_ns, queue_ns, peak_bytes; /* -1: not known */
    struct execution_output run;
    bool compiled; /* there was a compile step: */
    int compile_exit_code;
    int64_t compile_wall_ns, compile_cpu_ns, compile_peak_bytes;
    bool compile_timed_out;
    struct execution_output compile;
    bool memory_struck; /* it, or a process of it, was killed for memory, whatever the exit code */
    uint64_t over_ns;   /* monotonic: the agent said that it is over; 0: it did not */
};

typedef void execution_done(void *arg, struct execution *execution);

struct runner_options {
    struct pool *pool;
    struct store *store;
    struct languages *languages;
    struct scheduler_options turns;
    bool keep_output; /* records hold stdout and stderr */
    bool keep_code;   /* and the code */
};

int runner_open(struct runner **out, uv_loop_t *loop, const struct runner_options *options, struct error *error);

/* Accepts. Takes over what `request` holds (also on failure). NULL with ERROR_UNAVAILABLE: the queue is full, the
 * server is shutting down, or it is known that no record can be written. `on_done` fires once, later, from the loop;
 * the execution is freed after it. */
struct execution *runner_submit(struct runner *runner, int64_t key_row, struct execution_request *request,
                                execution_done *on_done, void *arg, struct error *error);

/* The client is gone: no on_done after this; whatever runs is ended and recorded as cancelled. */
void execution_abandon(struct execution *execution);

/* Cancels: it ends as status cancelled, on_done fires as usual. */
void execution_cancel(struct execution *execution);

/* By id, among those that are not done; the key must own it. NULL: none. */
struct execution *runner_find(struct runner *runner, int64_t key_row, const char *id);

/* Cancels all of a key's session; returns how many. */
unsigned runner_cancel_session(struct runner *runner, int64_t key_row, const char *session_id);

const char *execution_id(const struct execution *execution);
const char *execution_version(const struct execution *execution); /* as it was reported when it was accepted */
const struct execution_request *execution_request(const struct execution *execution);
struct execution_result *execution_result(struct execution *execution);
enum record_status execution_status(const struct execution *execution); /* pending, running, or its end */

struct runner_counts {
    unsigned queued, running; /* running: has a cell or waits for one */
};
struct runner_counts runner_counts(const struct runner *runner);

/* The cells of a language, by state; ready ones may be held or kept, too. */
struct runner_cells {
    unsigned creating, ready, held, kept, want, running, ending; /* want: as many should be ready */
};
struct runner_cells runner_cells(const struct runner *runner, const char *language);
bool runner_engine_is_up(const struct runner *runner);
bool runner_can_run(const struct runner *runner); /* the engine is up and all that a cell needs is there */

/* Accepts no more. `idle` fires when nothing is queued or running. */
void runner_drain(struct runner *runner, void (*idle)(void *arg), void *arg);
void runner_cancel_all(struct runner *runner); /* for the drain's end; they finish as cancelled */
void runner_close(struct runner *runner);      /* only when idle */

#endif
