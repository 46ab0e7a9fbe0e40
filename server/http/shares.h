/* Who holds how much of the memory for bodies and answers.
 *
 * One owner's bodies must not shut the others out, and a single owner should not have to leave most of the memory
 * unused. So an owner may hold as much as is still free. A single owner can have half of all. If N owners want all that
 * they can get, each has one of N + 1 parts, and one part stays free for the next owner.
 *
 * Pure. An exchange holds a share as long as it lives. */
#ifndef CODECELL_HTTP_SHARES_H
#define CODECELL_HTTP_SHARES_H

#include "http/party.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_SHARE_SMALL 65536   /* bytes */
#define HTTP_SHARE_SMALL_TIMES 3 /* an owner that adds a small body may hold so many times what is free */

struct http_share {
    struct http_party owner;
    size_t bytes;   /* of all its exchanges */
    unsigned users; /* exchanges and claims; the share is freed with the last one */
    struct http_share *next;
};

struct http_shares {
    size_t total;    /* bytes of all exchanges, those without an owner included */
    size_t most;     /* bytes that may be held */
    unsigned claims; /* open, see http_claim_body() */
    struct http_share *first;
};

/* The owner's share, with one more user. There is at most one share for each connection, so a list will do. NULL: out
 * of memory. */
struct http_share *http_shares_join(struct http_shares *shares, const struct http_party *owner);

/* The user leaves the share, after it has given back what it held. */
void http_shares_leave(struct http_shares *shares, struct http_share *share);

/* One exchange holds `now` bytes instead of `before`. share NULL: it has no owner. */
void http_shares_move(struct http_shares *shares, struct http_share *share, size_t before, size_t now);

/* Whether an exchange may hold the `own` bytes that are counted already. An exchange without an owner is an owner of
 * its own. An owner may always hold HTTP_SHARE_SMALL in all, and its only body may take all that is left. Else it must
 * leave as much free as it holds, or a third of that if the body is a small one. So an owner that fills half with large
 * bodies can still send small ones, and N owners leave one of 3N + 1 parts free, however many small bodies they send.
 */
bool http_shares_fit(const struct http_shares *shares, const struct http_share *share, size_t own);

#endif
