/* Requests with an Idempotency-Key, and their answers, which are given again for a day. They are a key's own. A request
 * that is `fresh` runs, and its row is under way until it ends:
 *
 *   idempotency_begin ─ fresh ─ (commit) ─ it runs ─┬─ idempotency_finish ─ (commit) ─ the answer is sent
 *                     ├ under way (409)             └─ idempotency_forget   it was refused, or did not run
 *                     ├ answered: the same answer
 *                     └ conflict (422): it had another route or another body
 *
 * The answer is made from the record of the execution, so it is committed after the record, in a transaction of its
 * own. If the server ends between the two, no client has the answer, the row is forgotten, and the same request runs
 * again: what runs is run at least once, and what was answered is never run twice. If idempotency_finish() fails, the
 * answer should be sent without it, and idempotency_forget() should be tried.
 *
 * All functions are for the database's thread, in a transaction, and not in an `early` job (store.h): what began must
 * be committed before it runs. */
#ifndef CODECELL_STORE_IDEMPOTENCY_H
#define CODECELL_STORE_IDEMPOTENCY_H

#include "store/db.h"

#define IDEMPOTENCY_HASH_LEN 32
#define IDEMPOTENCY_KEPT_MS INT64_C(86400000) /* from the beginning, and then from the answer */

/* Of one key. What is over goes, the oldest answer first. */
#define IDEMPOTENCY_REQUESTS_MAX 10000
#define IDEMPOTENCY_BYTES_MAX ((int64_t)64 * 1024 * 1024) /* of answers; a larger one is not kept */

enum idempotency_outcome {
    IDEMPOTENCY_FRESH,
    IDEMPOTENCY_UNDER_WAY,
    IDEMPOTENCY_ANSWERED,
    IDEMPOTENCY_CONFLICT,
};

struct idempotency_request {
    int64_t key_row;
    const char *text;  /* what the header says */
    const char *route; /* method and path, or another word of the caller's for what should be the same */
    unsigned char body_sha256[IDEMPOTENCY_HASH_LEN];
};

struct idempotency_answer {
    int status;         /* HTTP's */
    char *content_type; /* "": none */
    char *headers;      /* what else the caller wants to send again, in a form of its own; "": nothing */
    char *body;         /* followed by NUL if idempotency_begin() has read it */
    size_t body_len;
};

void idempotency_clear(struct idempotency_answer *answer); /* frees what idempotency_begin() has read */

/* *row: the number for the functions below, if the outcome is fresh. *answer: filled if it is answered. ERROR_BUSY: the
 * key has IDEMPOTENCY_REQUESTS_MAX requests under way. */
int idempotency_begin(struct db *db, const struct idempotency_request *request, int64_t now_ms,
                      enum idempotency_outcome *outcome, int64_t *row, struct idempotency_answer *answer,
                      struct error *error);

/* Each ends what is under way; a row that was answered or forgotten stays as it is. */
int idempotency_finish(struct db *db, int64_t row, const struct idempotency_answer *answer, int64_t now_ms,
                       struct error *error);
int idempotency_forget(struct db *db, int64_t row, struct error *error);

/* Each does one slice (STORE_UPKEEP_SLICE_NS) and returns how many rows it deleted, or -1. 0: nothing is left to do. */

/* At start: forgets what earlier runs of this server have left under way. */
long idempotency_recover(struct db *db, struct error *error);

/* Deletes what is older than IDEMPOTENCY_KEPT_MS. */
long idempotency_expire(struct db *db, int64_t now_ms, struct error *error);

#endif
