/* Executions that were accepted to run in the background. Each has a row from its acceptance on, and a record. The row
 * holds what is needed to run it, and then its result:
 *
 *   journal_accept ─ waiting ─ journal_take ─ running ─ journal_start ─ journal_finish ─ done
 *                       ▲                        ├ journal_put_back
 *                       └────────────────────────┴ the server ends ─ journal_recover
 *
 * What was accepted runs at least once. journal_finish() writes the record, settles the credits, keeps the result and
 * makes the webhook due, all in one transaction, so that each of these happens once. Rows are a server's own, and go
 * with their records. All functions are for the database's thread, in a transaction. */
#ifndef CODECELL_STORE_JOURNAL_H
#define CODECELL_STORE_JOURNAL_H

#include "store/records.h"

/* An execution whose program was started so often, and never ended, is lost. So is one that was taken so often, because
 * it may be what ends the server. */
#define JOURNAL_ATTEMPTS_MAX 3
#define JOURNAL_TAKES_MAX 20

/* Most of what the journal holds. A key may have as much as is still free. */
struct journal_room {
    int64_t executions;    /* that are not done */
    int64_t request_bytes; /* of these */
    int64_t result_bytes;  /* the oldest results go */
};

enum journal_state { JOURNAL_WAITING, JOURNAL_RUNNING, JOURNAL_DONE };

struct journal_work {
    const char *request; /* its bytes, as the caller writes them */
    size_t request_len;
    int64_t reservation;      /* of its key's credits (credits.h); 0: none. From now on it outlives the server */
    const char *url, *secret; /* of its webhook; NULL: none */
};

/* `record` is as for records_insert(). ERROR_BUSY: there is no room. The job should be `durable` (store.h). */
int journal_accept(struct db *db, const struct record *record, const struct journal_work *work,
                   const struct journal_room *room, struct error *error);

struct journal_taken {
    char id[UUID_LEN + 1];
    int64_t key_row;
    int64_t created_ms;
    int64_t reservation;
    int64_t attempts; /* with this one, if its program is started */
    char *request;    /* free() */
    size_t request_len;
};

/* Takes the key's oldest execution that waits; it runs from now on. 1, 0: none waits, or -1. */
int journal_take(struct db *db, int64_t key_row, struct journal_taken *out, struct error *error);

/* Its program was started: from now on this attempt counts. */
int journal_start(struct db *db, const char *id, int64_t now_ms, struct error *error);

/* It could not run now, so this attempt does not count. If its row is gone, its credits are given back. */
int journal_put_back(struct db *db, const char *id, int64_t reservation, struct error *error);

/* The end: `record` is as for records_finish(). A row that is done or gone stays as it is, and so does its record; the
 * credits are settled in each case. */
int journal_finish(struct db *db, const struct record *record, const char *result, size_t len,
                   const struct journal_room *room, int64_t now_ms, struct error *error);

/* The end of one whose program did not end, with `status`: the rest of its record is as at its acceptance, and its
 * credits are given back. */
int journal_fail(struct db *db, const struct journal_taken *taken, enum record_status status, const char *result,
                 size_t len, const struct journal_room *room, int64_t now_ms, struct error *error);

/* Of this server, the first key above `after` that has an execution that waits: 1, 0 or -1. */
int journal_next_key(struct db *db, int64_t after, int64_t *key_row, struct error *error);

/* What a client may see. */
struct journal_view {
    struct record record; /* without its texts */
    enum journal_state state;
    int64_t reservation, started_ms; /* 0: its program was not started */
    char *result;                    /* free(); NULL: not done, or not kept any more */
    size_t result_len;
};
void journal_view_clear(struct journal_view *view);

/* ERROR_NOT_FOUND: the key has none. */
int journal_get(struct db *db, int64_t key_row, const char *id, struct journal_view *out, struct error *error);

/* How many executions are not done, of all servers. 0, or -1. */
int journal_open(struct db *db, int64_t *executions, struct error *error);

/* At start, one slice of STORE_UPKEEP_SLICE_NS: what earlier runs of this server have left running waits again, or is
 * lost after JOURNAL_ATTEMPTS_MAX attempts, with `result`. How many rows it changed, or -1; 0: nothing is left. */
long journal_recover(struct db *db, const char *result, const struct journal_room *room, int64_t now_ms,
                     struct error *error);

#endif
