#include "http/claim.h"

#include "http/connection.h"
#include "http/exchange_private.h"

char *http_claim_body(struct http_exchange *ex, struct http_claim *claim, size_t *len)
{
    struct buf *body = &ex->request_body;
    struct http_server *server = ex->connection->server;

    *claim = (struct http_claim){.server = server, .share = ex->share};
    if (ex->share != NULL)
        ex->share->users++;
    server->shares.claims++;
    http_claim_set(claim, body->cap);
    *len = 0;
    char *text = buf_detach(body, len);
    http_exchange_hold(ex);
    return text;
}

bool http_claim_set(struct http_claim *claim, size_t bytes)
{
    struct http_shares *shares = &claim->server->shares;

    http_shares_move(shares, claim->share, claim->bytes, bytes);
    claim->bytes = bytes;
    return http_shares_fit(shares, claim->share, bytes);
}

void http_claim_close(struct http_claim *claim)
{
    struct http_server *server = claim->server;

    if (server == NULL)
        return;
    http_claim_set(claim, 0);
    if (claim->share != NULL)
        http_shares_leave(&server->shares, claim->share);
    claim->server = NULL;
    server->shares.claims--;
    http_server_release(server);
}
