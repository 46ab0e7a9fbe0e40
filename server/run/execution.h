/* An execution: one request to run a program, from acceptance to its committed record.
 *
 *   queued ─ placed ─ compiling ─ running ─ recording ─ done
 *      └────────┴─────────┴──────────┴───────────┘ (cancelled, failed)
 *
 * queued: it waits for a slot (scheduler.h). placed: it has a slot and waits for a cell. recording: its record is being
 * committed; on_done fires after that. If the record cannot be written, the store keeps it for later (store_owe), and
 * the answer gets a warning. A cancelled execution goes the same way, with the status cancelled. */
#ifndef CODECELL_RUN_EXECUTION_H
#define CODECELL_RUN_EXECUTION_H

#include "base/buf.h"
#include "docker/cell/cell.h"
#include "run/evaluation.h"
#include "run/request.h"
#include "store/records.h"

struct execution;
struct outputs; /* outputs.h */

struct execution_output {
    struct buf out, err;     /* as the program wrote them; empty if the listener does not collect */
    size_t out_len, err_len; /* bytes that the program wrote and that were kept or passed on */
    bool out_cut, err_cut;   /* it wrote more than the limit */
};

struct execution_result {
    enum record_status status;
    const char *failure; /* a sentence for clients if the program could not be run; NULL: it ran */
    bool unavailable; /* with failure: it may work later (queue full, engine away, shutting down): a 503, not a 500 */
    int exit_code;
    int signal; /* 0: none */
    bool timed_out;
    int64_t wall_ns, cpu_ns, queue_ns, peak_bytes; /* -1: not known */
    struct execution_output run;
    bool compiled; /* there was a compile step; then these are set: */
    int compile_exit_code;
    int64_t compile_wall_ns, compile_cpu_ns, compile_peak_bytes;
    bool compile_timed_out;
    struct execution_output compile;
    struct buf report;            /* what the driver reported for a request with `evaluate` or `kernel`; else empty */
    struct evaluation evaluation; /* what it says, once the result is final; all null: nothing */
    struct outputs *outputs;      /* files that came back; NULL: nobody asked, or the program did not run to its end */
    bool memory_struck; /* the program or one of its processes was killed for memory, whatever the exit code */
    bool unrecorded;    /* the listener's record() was not committed */
    uint64_t over_ns;   /* monotonic: when the agent said that the program is over; 0: it did not */
};

/* Events of an execution, for the code that submitted it. All come from the loop. Each except on_done may be NULL. An
 * answer that waits for the end collects, and listens to on_done alone. An answer that streams passes the output on,
 * and holds the execution while its client cannot take more (execution_hold). */
struct execution_listener {
    bool collects; /* the result holds the output */
    /* A cell has the program: it compiles or runs from now on. Not for one that fails or is cancelled before. */
    void (*on_start)(void *arg, struct execution *execution);
    /* Bytes of FRAME_STDOUT or FRAME_STDERR, within the output limit. They are gone after the call. */
    void (*on_output)(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                      const uint8_t *data, size_t len);
    /* A step has ended by itself or by a limit: no more output of it follows. Not if the cell ended under it. */
    void (*on_step_end)(void *arg, struct execution *execution, enum frame_step step);
    /* The request's own input was taken, and the program takes more: the listener gives it (execution_input), or says
     * its end. Again whenever execution_input() took less than it was given and there is room. NULL: the end follows
     * the request's own input. */
    void (*on_input_wanted)(void *arg, struct execution *execution);
    /* The program is over and the result is final; its record is not committed yet. */
    void (*on_result)(void *arg, struct execution *execution);
    /* Writes the record instead of records_finish(), on the database's thread and in a transaction: the listener may
     * have more to write at the same time. Nothing is recorded before execution_record(), which on_result must call,
     * or somebody later. */
    int (*record)(void *arg, struct db *db, const struct record *record, struct error *error);
    /* Once, last: the record is committed, or the store keeps it for later, or it is lost (a warning says which). The
     * execution is freed after the call. */
    void (*on_done)(void *arg, struct execution *execution);
};

/* Holds the output of a program that runs, and lets it go on: no on_output fires meanwhile, and the program waits once
 * the pipes on the way are full. Its time limit goes on. No effect before on_start and after on_result. */
void execution_hold(struct execution *execution, bool hold);

/* After on_result of a listener with record(): the result was read, and may be recorded. */
void execution_record(struct execution *execution);

/* Cancels: the execution ends with the status cancelled, and its events fire as usual. A program that runs in a kernel
 * is interrupted, so that the kernel's state stays, and has FRAME_KERNEL_GRACE_MS to end before its cell is ended. */
void execution_cancel(struct execution *execution);

/* The same at once, whatever becomes of a kernel. */
void execution_stop(struct execution *execution);

/* Cancels, and no event fires after this: the client is gone. */
void execution_abandon(struct execution *execution);

const char *execution_id(const struct execution *execution);
const char *execution_version(const struct execution *execution); /* as it was reported at acceptance */
const struct execution_request *execution_request(const struct execution *execution);
struct execution_result *execution_result(struct execution *execution);
enum record_status execution_status(const struct execution *execution); /* pending, running, or its end */

#endif
