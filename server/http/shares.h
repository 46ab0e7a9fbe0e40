/* Who holds how much of the memory for bodies and answers. One owner's bodies must not shut the others out, and one
 * owner alone should not have to leave most of it unused: so an owner may hold as much as is still free. Alone that is
 * half of all; of N that want all they can get each has one of N + 1 parts, and one part stays free for the next.
 *
 * Pure; an exchange holds a share as long as it lives. */
#ifndef CODECELL_HTTP_SHARES_H
#define CODECELL_HTTP_SHARES_H

#include "http/party.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_SHARE_SMALL 65536   /* bytes */
#define HTTP_SHARE_SMALL_TIMES 3 /* times what is free: so much may an owner hold that adds a small body */

struct http_share {
    struct http_party owner;
    size_t bytes;   /* of all its exchanges */
    unsigned users; /* exchanges; freed with the last */
    struct http_share *next;
};

struct http_shares {
    size_t total;    /* bytes of all exchanges, those without an owner too */
    size_t most;     /* bytes that may be held */
    unsigned claims; /* open, see http_claim_body() */
    struct http_share *first;
};

/* The owner's share, with one more user. At most one share a connection, so a list will do. NULL: out of memory. */
struct http_share *http_shares_join(struct http_shares *shares, const struct http_party *owner);

/* The user goes; what it held was given back before. */
void http_shares_leave(struct http_shares *shares, struct http_share *share);

/* One exchange holds `now` bytes instead of `before`. `share` may be NULL: nobody's. */
void http_shares_move(struct http_shares *shares, struct http_share *share, size_t before, size_t now);

/* Whether an exchange may hold the `own` bytes that are counted already. An owner that holds no more than
 * HTTP_SHARE_SMALL in all always may: what has no owner counts as an owner of its own. Its only body may take what is
 * left; else it must leave as much free as it holds, and a third of that if the body is a small one: who fills half
 * with large bodies still sends small ones, and however many these are, N owners leave one of 3N + 1 parts free. */
bool http_shares_fit(const struct http_shares *shares, const struct http_share *share, size_t own);

#endif
