/* The end of a connection whose answer is written. If it were closed at once, the kernel would answer what the client
 * still sends with a reset, and a reset makes the client's kernel throw away the answer that it has not read yet. So
 * what still comes is read and dropped.
 *
 * A client that is refused while it sends its body may read nothing before it has sent it all (Python's http.client),
 * or take the end of our side for the end of the connection and fail (Node's). So, when all goes well: DISCARDING until
 * the body is there; our side is shut, LINGERING; the client shuts its side, and that is the end.
 *
 * The bounds: 2 s without a byte end DISCARDING, and another 2 s LINGERING. In all it takes as long as that many bytes
 * may take if they are wanted: body_ms for each body_max of what is to come. Of a body whose length is known that
 * much is dropped, and HTTP_DISCARD_MAX at most; of another one twice body_max. When the server drains, all has 2 s. */
#include "http/connection.h"

static void on_shutdown(uv_shutdown_t *request, int status)
{
    (void)request; /* the client's end of file, or the timer, ends the connection */
    (void)status;
}

static void shut(struct http_connection *conn)
{
    if (uv_shutdown(&conn->shutdown, &conn->socket.stream, on_shutdown) != 0)
        http_connection_close(conn);
    else
        http_connection_set(conn, HTTP_CONN_LINGERING);
}

static void set_bounds(struct http_connection *conn)
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
    conn->droppable = bytes + UINT64_C(2) * HTTP_READ_MAX; /* with what was sent behind it */
    conn->linger_end = uv_now(server->loop) + ms;
}

void http_linger(struct http_connection *conn)
{
    if (conn->peer != HTTP_PEER_HERE) {
        http_connection_close(conn);
        return;
    }
    set_bounds(conn);
    if (conn->unread > 0 && conn->server->state == HTTP_SERVING)
        http_connection_set(conn, HTTP_CONN_DISCARDING);
    else
        shut(conn);
    http_connection_run(conn, NULL, 0);
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
        shut(conn);
    else if (len > 0)
        http_connection_arm(conn);
}

void http_linger_over(struct http_connection *conn)
{
    if (conn->state == HTTP_CONN_DISCARDING && uv_now(conn->server->loop) < conn->linger_end)
        shut(conn);
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
        shut(conn);
    else
        http_connection_arm(conn);
}

uint64_t http_linger_ms(const struct http_connection *conn)
{
    uint64_t now = uv_now(conn->server->loop);
    uint64_t left = conn->linger_end > now ? conn->linger_end - now : 1;

    return left < HTTP_LINGER_MS ? left : HTTP_LINGER_MS;
}
