/* Records of executions. A record belongs to a key: each function that reads takes the key's row, and finds no record
 * of another key. All functions are for the database's thread. */
#ifndef CODECELL_STORE_RECORDS_H
#define CODECELL_STORE_RECORDS_H

#include "base/text.h"
#include "store/db.h"
#include "store/sessions.h"

/* These numbers are in the database: a new status gets the next number. */
enum record_status {
    RECORD_PENDING,
    RECORD_RUNNING,
    RECORD_COMPLETED, /* it ended by itself with exit code 0 */
    RECORD_FAILED,    /* it ended by itself with another exit code, or could not be run (exit_code is NULL) */
    RECORD_TIMED_OUT,
    RECORD_OUT_OF_MEMORY,
    RECORD_COMPILE_FAILED,
    RECORD_CANCELLED,
    RECORD_LOST, /* the server ended before it did */
    RECORD_STATUSES
};

const char *record_status_name(enum record_status status); /* "timed_out" */
extern const char *const record_status_names[];            /* by enum record_status; NULL after the last */

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
    int64_t attempts; /* how often it was started */
    bool accepted;    /* for records_insert(): the journal has it (journal.h), so it is pending until it is started */
    char *code, *out, *err; /* NULL unless the setting keeps them; the record's own, see record_clear() */
    size_t code_len, out_len, err_len;
    int64_t sequence;    /* its place in the order of creation, which a cursor holds */
    int64_t reservation; /* for records_finish(): what its key has reserved for it (credits.h); 0: nothing */
    bool used;           /* with a reservation: the program ran, so the credits are taken and not given back */
};

/* SQL: whether the execution `e` was removed with its session. Its row is there until records_purge() comes to it. */
#define RECORDS_REMOVED                                                                             \
    "EXISTS (SELECT 1 FROM purges AS p WHERE p.key_row = e.key_row AND p.session_id = e.session_id" \
    " AND p.upto >= e.sequence)"

void record_clear(struct record *record);

/* At acceptance. Writes id, key_row, session_id, language, version, created_ms, code_bytes and code, with the status
 * pending and this server as the owner. What is `accepted` has 0 attempts, else 1. If there is a session_id, its
 * session is made if it is missing, marked as used, and counts the execution. If the id exists already, nothing
 * changes. */
int records_insert(struct db *db, const struct record *record, struct error *error);

/* At the end. Writes status, exit code, times, figures, out and err, and adds to the session's totals. If
 * records_insert() has failed or was never called, it makes the record. A record that has ended already stays as it is.
 * A record that was removed with its session is not made again, and neither is the session: records_purge() notes which
 * executions had not ended. In each case the reservation is settled. The first end of an execution is counted in its
 * key's usage (usage.h). */
int records_finish(struct db *db, const struct record *record, struct error *error);

struct record_filter {
    int64_t key_row;
    const char *session_id, *language; /* NULL: any */
    int64_t before;                    /* only smaller sequences; 0: from the newest */
    int status;                        /* enum record_status; -1: any */
    unsigned limit;                    /* 1 to 200 */
    unsigned given;                    /* how many records were passed to each(); 0 at first */
};

/* Lists records, the newest first. each() gets a record that is valid during the call. It answers whether it takes the
 * record; if not, the page ends before it. each() may keep the texts if it sets the record's pointers to NULL. A page
 * of them may be large, so it should have a cap. *more: further records follow. 0, or -1, or STORE_MORE: the slice's
 * time is over, which happens if many rows are of removed sessions. Then a call with the same filter, whose `before`
 * and `given` have moved, continues. */
int records_list(struct db *db, struct record_filter *filter, bool (*each)(struct record *record, void *arg), void *arg,
                 bool *more, struct error *error);

/* ERROR_NOT_FOUND: there is none. */
int records_get(struct db *db, int64_t key_row, const char *id, struct record *out, struct error *error);

/* Each of the functions below does one slice (STORE_UPKEEP_SLICE_NS) and returns how many rows it changed, or -1. 0:
 * nothing is left to do. */

/* At start: marks as lost what an earlier run of this server (db_server()) left pending or running. When those
 * executions ended is not known, so completed_ms is 0. *newest is -1 at the first call, which sets it to the last
 * record before the start; later records are left alone. */
long records_mark_lost(struct db *db, int64_t *newest, struct error *error);

/* Deletes ended records that were created before `before_ms`. If none of these is left, deletes sessions that expired
 * before then, were not used since, and have no record. */
long records_expire(struct db *db, int64_t before_ms, struct error *error);

/* Deletes the records of removed sessions (sessions_delete()), the newest first. */
long records_purge(struct db *db, struct error *error);

#endif
