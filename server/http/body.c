#include "http/body.h"

#include "http/connection.h"
#include "http/exchange_private.h"

#include <assert.h>

int http_body_keep(struct http_exchange *ex, const char *data, size_t len)
{
    return buf_append(&ex->request_body, data, len);
}

void http_body_flows(struct http_exchange *ex, http_body_piece *on_piece)
{
    assert(ex->connection->state == HTTP_CONN_ADMITTING);
    ex->on_piece = on_piece;
}

void http_body_limit(struct http_exchange *ex, uint64_t bytes)
{
    assert(ex->connection->state == HTTP_CONN_ADMITTING && ex->on_piece != NULL);
    ex->request.body_max = bytes;
}

void http_body_pace(struct http_exchange *ex, size_t len)
{
    ex->body_paced += len;
    if (ex->on_piece == NULL || ex->body_paced < HTTP_BODY_PACE)
        return;
    ex->body_paced = 0;
    http_connection_refresh(ex->connection);
}

void http_body_hold(struct http_exchange *ex)
{
    assert(ex->connection->state == HTTP_CONN_BODY);
    ex->body_held = true;
    http_connection_refresh(ex->connection);
}

void http_body_go_on(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;

    if (!ex->body_held)
        return;
    ex->body_held = false;
    if (conn->peer == HTTP_PEER_LOST) {
        http_connection_close(conn);
        return;
    }
    http_connection_refresh(conn);
    conn->proceed(conn);
}
