/* Payments that clients present for a run (x402), so that each pays for one run alone. A payment is known by its
 * network and its nonce. Its way:
 *
 *   claimed ─ payments_settle ─ settling ─ payments_consume ─ consumed
 *      └─────── payments_release ───┘ (the row goes, and the client may present the payment again)
 *
 * claimed: it may be verified, and its program runs. settling: the facilitator may have been asked to settle it, so
 * payments_settle() must be committed before the question is sent. Consume it after a success, and also if it stays
 * unknown whether it was settled. Release it if its program could not run, or if the facilitator has refused it.
 *
 * If the server ends meanwhile, its next run knows the row as an earlier run's: what was claimed is free, because it
 * was not settled. What was settling counts as consumed, because it may have been. Another server's row is in flight
 * until its time is over.
 *
 * All functions are for the database's thread, in a transaction, and not in an `early` job (store.h). */
#ifndef CODECELL_STORE_PAYMENTS_H
#define CODECELL_STORE_PAYMENTS_H

#include "store/db.h"

#define PAYMENT_NETWORK_MAX 64
#define PAYMENT_NONCE_MAX 128
#define PAYMENT_KEPT_MS INT64_C(604800000) /* a row is kept so long after its payment has become invalid: a week */

enum payment_outcome { PAYMENT_FRESH, PAYMENT_IN_FLIGHT, PAYMENT_CONSUMED };

struct payment {
    char
        network[PAYMENT_NETWORK_MAX + 1]; /* one name for each network, whatever the version of the protocol calls it */
    char nonce[PAYMENT_NONCE_MAX + 1];    /* in any case; without one, a hash of what was presented */
    int64_t valid_before_ms;              /* Unix; 0: not known */
};

/* Fresh: the payment is claimed, and *claim is the number for the functions below. */
int payments_claim(struct db *db, const struct payment *payment, int64_t now_ms, enum payment_outcome *outcome,
                   int64_t *claim, struct error *error);

/* From claimed to settling. ERROR_CONFLICT: the claim is not claimed any more, so the payment must not be settled. */
int payments_settle(struct db *db, int64_t claim, struct error *error);

/* From claimed or settling. A claim that has ended stays as it is. */
int payments_consume(struct db *db, int64_t claim, struct error *error);
int payments_release(struct db *db, int64_t claim, struct error *error);

/* Deletes the rows whose time is over. Does one slice (STORE_UPKEEP_SLICE_NS), and returns how many rows it deleted, or
 * -1. 0: nothing is left to do. */
long payments_expire(struct db *db, int64_t now_ms, struct error *error);

#endif
