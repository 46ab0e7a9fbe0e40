/* What a handler holds of the memory for bodies and answers. A claim may outlive its exchange, and the server waits for
 * it before it ends. */
#ifndef CODECELL_HTTP_CLAIM_H
#define CODECELL_HTTP_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

struct http_exchange;
struct http_server;
struct http_share;

struct http_claim {
    struct http_server *server; /* NULL: closed, or never opened */
    struct http_share *share;   /* the owner's, as of the exchange */
    size_t bytes;
};

/* Takes the body out of the exchange: free() it; NULL: out of memory. The claim holds its bytes instead. */
char *http_claim_body(struct http_exchange *ex, struct http_claim *claim, size_t *len);

/* The claim is `bytes` now. False: all claims and bodies together exceed what may be held, or the owner's do; the bytes
 * are counted all the same. */
bool http_claim_set(struct http_claim *claim, size_t bytes);

/* Gives all back. A claim that was never opened may be closed. */
void http_claim_close(struct http_claim *claim);

#endif
