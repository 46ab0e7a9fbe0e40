/* What works on an exchange's answer while the client may go away: a job on the database's thread, an execution, a body
 * that another thread reads. It is a member of what works:
 *
 *   pending_begin() ─ … ─ pending_end(): the exchange, to be answered now
 *         │                     └ NULL: the client has gone in the meantime
 *         └ the client goes: `ex` is NULL from then on, and gone() is called */
#ifndef CODECELL_API_PENDING_H
#define CODECELL_API_PENDING_H

#include "http/http.h"

struct pending {
    struct http_exchange *ex;              /* NULL: the client has gone, or it has been answered */
    void (*gone)(struct pending *pending); /* may free what `pending` is a member of; NULL: nothing to do */
};

void pending_begin(struct pending *pending, struct http_exchange *ex, void (*gone)(struct pending *pending));

/* The exchange, whose client going away is of no interest from now on. NULL: it has gone already. */
struct http_exchange *pending_end(struct pending *pending);

#endif
