/* How fast the bodies of one party are read while other parties are there.
 *
 * A byte of a body costs the server's thread and a worker a few nanoseconds, and a party may send as many as its
 * machine can. So while others ask, too, the bodies of all its connections come in at `rate` together, after
 * `burst` bytes at any speed. A party that is alone is read as fast as it sends.
 *
 * Pure. It knows the HTTP_INFLOW_PARTIES parties that were seen last. */
#ifndef CODECELL_HTTP_INFLOW_H
#define CODECELL_HTTP_INFLOW_H

#include "http/party.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_INFLOW_PARTIES 64
#define HTTP_INFLOW_BURST (4u << 20)                  /* bytes: the server's `burst` */
#define HTTP_INFLOW_COMPANY_NS UINT64_C(1000000000)   /* a party is there for so long after http_inflow_see() */
#define HTTP_INFLOW_REST_MAX_NS UINT64_C(10000000000) /* however many connections of a party send */

struct http_inflow_party {
    struct http_party party;
    uint64_t seen_ns; /* of the last http_inflow_see(); 0: there was none */
    uint64_t free_ns; /* when all that it has sent has been let in at `rate` */
};

struct http_inflow {
    uint64_t rate;  /* bytes a second; 0: no limit */
    uint64_t burst; /* bytes */
    struct http_inflow_party parties[HTTP_INFLOW_PARTIES];
};

/* A request of the party has come that others should make room for: one with a key, not a health check. Times are of
 * the monotonic clock. Returns whether another party is there. */
bool http_inflow_see(struct http_inflow *inflow, const struct http_party *party, uint64_t now_ns);

/* So many bytes of the party's bodies were read. How many ns must pass before more of the same connection is: at most
 * HTTP_INFLOW_REST_MAX_NS; 0: none. */
uint64_t http_inflow_take(struct http_inflow *inflow, const struct http_party *party, size_t bytes, uint64_t now_ns);

#endif
