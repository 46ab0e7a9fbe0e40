/* Counts executions against the rate of an admitted request's key after its body was read: for a route whose requests
 * do not all run one program (API_CHARGES). Admission counts nothing of the rate of executions then, and shows no
 * headers about it.
 *
 *   api_charge() ─ (database) rate ─ done()
 *        └ charge_leave(): the client is gone, and done() does not fire */
#ifndef CODECELL_API_CHARGE_H
#define CODECELL_API_CHARGE_H

#include "api/api.h"

struct charge;

struct charge_options {
    int64_t count; /* executions, at least 1: all are counted or none */
    /* Once. error NULL: they were counted. Else ERROR_RATE, or why nothing can be run now (ERROR_UNAVAILABLE). `rate`
     * is the key's new state; NULL: the database did not say. */
    void (*done)(void *arg, const struct rate_verdict *rate, const struct error *error);
    void *arg;
};

/* Sets *out, which is NULL again when done() fires. done() may come within the call. */
void api_charge(struct charge **out, struct http_exchange *ex, const struct charge_options *options);

/* The same for a key that has no request under way. `cost`: of each execution (manners.h). */
void api_charge_key(struct charge **out, struct store *store, const struct key *key, int64_t cost,
                    const struct charge_options *options);

void charge_leave(struct charge *charge);

#endif
