#include "http/linger.h"

#include "http/connection.h"

static void linger_shut(struct http_connection *conn)
{
    if (conn->transport->kind->shutdown(conn->transport) != 0)
        http_connection_close(conn);
    else
        http_connection_set(conn, HTTP_CONN_LINGERING);
}

static void set_linger_bounds(struct http_connection *conn)
{
    const struct http_server *server = conn->server;
    const struct http_options *options = &server->options;
    bool known = conn->unread > 0 && conn->unread != HTTP_UNREAD_UNKNOWN;
    uint64_t bytes = known ? conn->unread : 2 * (uint64_t)options->body_max;
    uint64_t ms = HTTP_LINGER_MS;

    if (bytes > HTTP_DISCARD_MAX)
        bytes = HTTP_DISCARD_MAX;
    if (server->state == HTTP_SERVING)
        ms += options->body_ms * (1 + bytes / (options->body_max + 1));
    conn->droppable = bytes + UINT64_C(2) * HTTP_READ_MAX; /* and what was sent after it */
    conn->linger_end = uv_now(server->loop) + ms;
}

void http_linger(struct http_connection *conn)
{
    if (conn->peer != HTTP_PEER_HERE) {
        http_connection_close(conn);
        return;
    }
    set_linger_bounds(conn);
    if (conn->unread > 0 && conn->server->state == HTTP_SERVING)
        http_connection_set(conn, HTTP_CONN_DISCARDING);
    else
        linger_shut(conn);
    conn->proceed(conn);
}

void http_linger_drop(struct http_connection *conn)
{
    size_t len = conn->input_len;

    conn->input_len = 0;
    if (conn->peer != HTTP_PEER_HERE || len > conn->droppable) {
        http_connection_close(conn);
        return;
    }
    conn->droppable -= len;
    if (conn->unread != HTTP_UNREAD_UNKNOWN)
        conn->unread -= len < conn->unread ? len : conn->unread;
    if (conn->state == HTTP_CONN_DISCARDING && conn->unread == 0)
        linger_shut(conn);
    else if (len > 0)
        http_connection_arm(conn);
}

void http_linger_over(struct http_connection *conn)
{
    if (conn->state == HTTP_CONN_DISCARDING && uv_now(conn->server->loop) < conn->linger_end)
        linger_shut(conn);
    else
        http_connection_close(conn);
}

void http_linger_drain(struct http_connection *conn)
{
    uint64_t end = uv_now(conn->server->loop) + HTTP_LINGER_MS;

    if (conn->state != HTTP_CONN_DISCARDING && conn->state != HTTP_CONN_LINGERING)
        return;
    if (conn->linger_end > end)
        conn->linger_end = end;
    if (conn->state == HTTP_CONN_DISCARDING)
        linger_shut(conn);
    else
        http_connection_arm(conn);
}
