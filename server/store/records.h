/* Records of executions. A record belongs to a key: each function that reads takes the key's row, and finds no record
 * of another key. All functions are for the database's thread. */
#ifndef CODECELL_STORE_RECORDS_H
#define CODECELL_STORE_RECORDS_H

#include "base/text.h"
#include "store/db.h"
#include "store/sessions.h"

/* The numbers are in the file: new ones at the end. */
enum record_status {
    RECORD_PENDING,
    RECORD_RUNNING,
    RECORD_COMPLETED, /* ran to its own end, exit code 0 */
    RECORD_FAILED,    /* ran to its own end with another exit code, or could not be run (exit_code is NULL) */
    RECORD_TIMED_OUT,
    RECORD_OUT_OF_MEMORY,
    RECORD_COMPILE_FAILED,
    RECORD_CANCELLED,
    RECORD_LOST, /* the server ended before it did */
    RECORD_STATUSES
};

const char *record_status_name(enum record_status status); /* "timed_out" */
extern const char *const record_status_names[];            /* by enum record_status, NULL after the last */

struct record {
    int64_t key_row;
    char id[UUID_LEN + 1];
    char session_id[SESSION_ID_MAX + 1]; /* "": none */
    char language[33];
    char version[65];
    enum record_status status;
    bool ended_by_itself; /* exit_code is known */
    int64_t exit_code;
    int64_t created_ms, started_ms, completed_ms;         /* 0: not yet */
    int64_t execution_ns, queue_ns, cpu_ns, memory_bytes; /* -1: not known */
    int64_t code_bytes, stdout_bytes, stderr_bytes;
    /* Only where the setting keeps them, else NULL; owned by the record, see record_clear. */
    char *code, *out, *err;
    size_t code_len, out_len, err_len;
    int64_t sequence; /* its place in the order of creation: what a cursor holds */
};

void record_clear(struct record *record);

/* At acceptance: id, key_row, session_id, language, version, created_ms, code_bytes and code, status pending;
 * makes or touches the session's row and counts the execution where session_id is not "". An id that is
 * there already changes nothing. */
int records_insert(struct db *db, const struct record *record, struct error *error);
/* At the end: status, exit code, times, figures, out and err; adds to the session's totals. Makes the record
 * where records_insert had failed or was never run. One that has ended stays as it is. One that was removed
 * with its session stays removed, and its session too: records_purge notes which executions had not ended. */
int records_finish(struct db *db, const struct record *record, struct error *error);

struct record_filter {
    int64_t key_row;
    const char *session_id, *language; /* NULL: any */
    int64_t before;                    /* only sequences below it; 0: from the newest */
    int status;                        /* enum record_status, -1: any */
    unsigned limit;                    /* 1 to 200 */
    unsigned given;                    /* 0 at first */
};

/* Newest first; `each` gets a record that is valid during the call, and answers whether it takes it: one that it does
 * not take ends the page. It may keep the texts if it sets the record's pointers to NULL: a page of them may be large,
 * so it must have a cap. `more` tells whether others follow. 0, or -1, or STORE_MORE: the slice is over (many rows may
 * be of sessions that were removed), and a call with the same filter, in which `before` and `given` have moved, goes
 * on. */
int records_list(struct db *db, struct record_filter *filter, bool (*each)(struct record *record, void *arg), void *arg,
                 bool *more, struct error *error);
int records_get(struct db *db, int64_t key_row, const char *id, struct record *out,
                struct error *error); /* ERROR_NOT_FOUND */

/* What is below does a slice (STORE_UPKEEP_SLICE_NS), and answers how many rows that changed, or -1. 0: all is done. */

/* At start: what was pending or running when a server ended is lost; when it ended is not known
 * (completed_ms 0). *newest, -1 at the first time, is the last record of before the start: what was accepted since then
 * is left. */
long records_mark_lost(struct db *db, int64_t *newest, struct error *error);

/* Deletes ended records created before `before_ms`, and when there is none of those left, sessions that expired before
 * it, were not used since and have no record. */
long records_expire(struct db *db, int64_t before_ms, struct error *error);

/* Deletes the records of removed sessions (sessions_delete), the newest first. */
long records_purge(struct db *db, struct error *error);

#endif
