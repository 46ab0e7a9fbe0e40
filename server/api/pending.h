/* Work on an exchange's answer, during which the client may go away: a job on the database's thread, an execution, a
 * body that another thread reads. The struct is a member of that work's struct:
 *
 *   pending_begin() ─ … ─ pending_end(): the exchange, to be answered now
 *         │                     └ NULL: the client has gone in the meantime
 *         └ the client goes: `ex` is NULL from then on, and gone() is called */
#ifndef CODECELL_API_PENDING_H
#define CODECELL_API_PENDING_H

#include "http/http.h"

struct pending {
    struct http_exchange *ex;              /* NULL: the client has gone, or it has been answered */
    void (*gone)(struct pending *pending); /* may free the struct around `pending`; NULL: nothing to do */
};

void pending_begin(struct pending *pending, struct http_exchange *ex, void (*gone)(struct pending *pending));

/* The exchange. gone() is not called any more. NULL: the client has gone already. */
struct http_exchange *pending_end(struct pending *pending);

#endif
