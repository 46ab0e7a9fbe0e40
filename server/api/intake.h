/* The body of a request that runs something, from the exchange to the moment at which the run may begin. It is read, on
 * a worker thread if it is large, and the memory for it is claimed. A request that comes again (repeat.h) gets its kept
 * answer. The struct is a member of the caller's struct, a call:
 *
 *   intake_new() ─ intake_begin() ─ read() ─┬─ go()                 the call goes on
 *                                           ├─ refuse()             the call answers, and frees itself
 *                                           └─ free()               answered already, or the client has gone
 *
 * If the client goes, gone() is called, except while a worker has the call: then free() follows when it comes back. */
#ifndef CODECELL_API_INTAKE_H
#define CODECELL_API_INTAKE_H

#include "api/execute_read.h"
#include "api/pending.h"
#include "api/repeat.h"
#include "api/work.h"
#include "http/claim.h"

struct api;
struct intake;

struct intake_kind {
    /* Reads in->body by in->rules, and sets in->cost. 0, or -1 with in->error. Any thread. */
    int (*read)(struct intake *in);
    void (*go)(struct intake *in);
    void (*refuse)(struct intake *in, enum error_code code, const char *sentence);
    void (*gone)(struct intake *in);
    void (*free)(struct intake *in); /* frees the call, with intake_close() */
};

struct intake {
    const struct intake_kind *kind;
    struct pending pending;
    struct api *api;
    struct execute_rules rules;
    struct repeat *repeat;
    bool repeats; /* the request has an Idempotency-Key that counts */
    unsigned char hash[IDEMPOTENCY_HASH_LEN];
    struct work work; /* for the answer, too, once the body was read */
    bool works;       /* a worker has the call */
    bool left;        /* the client has gone */
    int failed;       /* what the worker's function returned */
    struct error error;
    char *body; /* until it was read */
    size_t body_len;
    size_t cost;             /* bytes that the request holds, once it was read */
    struct http_claim claim; /* for these bytes: a worker may have them after the exchange has gone */
};

/* A call of `size` bytes, all zero. NULL: check_head() (NULL: nothing to check) has refused the request, or there is no
 * memory; the exchange was answered. */
void *intake_new(struct http_exchange *ex, int (*check_head)(const struct http_exchange *ex, struct error *error),
                 size_t size);

/* `repeats`: whether an Idempotency-Key counts here. The caller may change in->rules before, from execute_rules(). Any
 * of the kind's functions may be called from within. */
void intake_begin(struct intake *in, struct http_exchange *ex, const struct intake_kind *kind, bool repeats);

/* The same for a text of a client without a request under way. Takes `body` over. in->api, in->rules and in->claim are
 * set before. No Idempotency-Key counts. */
void intake_begin_text(struct intake *in, const struct intake_kind *kind, char *body, size_t len);
/* Such a client has gone: gone() or free() is called as above. Only until go() or refuse(). */
void intake_leave(struct intake *in);

/* Frees the body, and gives the claim back. */
void intake_close(struct intake *in);

#endif
