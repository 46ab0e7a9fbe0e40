/* A sale: a program that runs for a payment. The key pays with its credits, or the client with an x402 payment. What
 * may follow what is decided in sale_order.h. The database's part of each step is one transaction:
 *
 *   sale_start ─ Idempotency-Key begins; credits are reserved, or the payment is claimed
 *              ─ (x402: verified) ─ run() ─ sale_ran ─ (x402: settled)
 *              ─ credits are taken, or the payment is consumed; the answer is kept for its Idempotency-Key ─ over()
 *              └ it did not run, or was not paid: all of this is given back ─ over() */
#ifndef CODECELL_FACES_SALE_H
#define CODECELL_FACES_SALE_H

#include "base/error.h"
#include "faces/sale_order.h"
#include "faces/till.h"
#include "faces/x402.h"
#include "store/idempotency.h"
#include "store/store.h"

#include <stdbool.h>

#define SALE_SENTENCE_MAX 300
#define SALE_IDEMPOTENCY_MAX 255 /* bytes of an Idempotency-Key */

/* How it ended. All is good for the call of over() alone. */
struct sale_end {
    enum order_outcome outcome;
    int version;          /* of x402; 0: the key pays */
    const char *sentence; /* why not; "": it was paid */
    enum error_code code; /* UNAVAILABLE: why */
    const char *receipt;  /* the text of the receipt's header; NULL: none */
    int64_t credits;      /* that the key has; -1: it is not prepaid, or does not pay */
    char *body;           /* of sale_ran(), to be sent now: free() it; NULL: none */
    size_t body_len;
    bool conflict;                          /* REPEATED: the Idempotency-Key came with another request */
    const struct idempotency_answer *again; /* REPEATED: the answer of the same request; NULL: it is under way */
};

struct sale_options {
    struct till *till;
    struct store *store;
    int64_t key_row;
    int64_t credits;                     /* that the key pays; 0: it is not prepaid, or does not pay */
    struct x402_payment *payment;        /* taken over, and emptied; NULL: the key pays */
    struct x402_requirement requirement; /* that the payment fits */
    const char *idempotency;             /* the header; NULL: none; copied */
    const char *route;                   /* what its request must have, too; static */
    unsigned char body_sha256[IDEMPOTENCY_HASH_LEN];
    void (*run)(void *arg); /* paid for, as far as can be known: run it. sale_ran() or sale_not_ran() may come within */
    void (*over)(void *arg, const struct sale_end *end); /* once, last; the sale is gone */
    void *arg;
};

struct sale;

/* run() and over() come later. NULL: out of memory. */
struct sale *sale_start(const struct sale_options *options);

/* A program of the language (its id) ran, and `body` is the answer, which the sale takes over. over() comes later. */
void sale_ran(struct sale *sale, const char *language, char *body, size_t len);
void sale_not_ran(struct sale *sale);

/* The client is gone. Nothing fires after this. The caller ends its run. A settlement that has begun goes on. */
void sale_leave(struct sale *sale);

/* For till_close(): the question to the facilitator ends without an answer. */
void sale_abort_all(struct till *till);

#endif
