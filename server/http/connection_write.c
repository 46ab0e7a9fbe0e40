/* The last part of an exchange: its answer is written, and the connection goes on or ends. */
#include "http/connection.h"
#include "http/exchange.h"

#include <assert.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

/* What is in libuv's queue moves only once a third of the kernel's buffer is free, which may be megabytes: a slow
 * reader would look like one that does not read. So what is in that buffer counts too. */
size_t http_connection_untaken(const struct http_connection *conn)
{
    int fd, queued = 0;

    if (uv_fileno(&conn->socket.handle, &fd) != 0 || ioctl(fd, SIOCOUTQ, &queued) != 0)
        queued = 0;
    return uv_stream_get_write_queue_size(&conn->socket.stream) + (size_t)queued;
}

static void on_answered(uv_write_t *write, int status)
{
    struct http_connection *conn = write->handle->data;
    struct http_exchange *ex = conn->exchange;
    bool keep = ex->keep_alive;

    conn->exchange = NULL;
    http_exchange_end(ex, status == 0 ? ex->status : 0);
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    if (status != 0) {
        http_connection_close(conn);
    } else if (keep && conn->server->state == HTTP_SERVING) {
        http_connection_set(conn, HTTP_CONN_IDLE);
        http_connection_run(conn, NULL, 0);
    } else {
        http_linger(conn);
    }
}

/* Kept open only where the request was read to its end and both sides want it. */
static bool may_keep(const struct http_connection *conn)
{
    const struct http_request *request = &conn->exchange->request;
    bool read =
        conn->state == HTTP_CONN_WORKING || (conn->state == HTTP_CONN_ADMITTING && !http_request_has_body(request));

    return read && request->keep_alive && conn->server->state == HTTP_SERVING;
}

/* What the client has yet to send of the request. 0 where it need not, or where nobody knows which bytes those are. */
static uint64_t unread(const struct http_connection *conn)
{
    const struct http_request *request = &conn->exchange->request;
    bool begun = conn->state == HTTP_CONN_BODY;
    bool asked = request->expects && !begun && conn->input_len == 0 && conn->pending.len == 0;

    if ((!begun && conn->state != HTTP_CONN_ADMITTING) || !http_request_has_body(request) || asked)
        return 0;
    if (request->status == 400 || request->status == 408)
        return 0;
    return request->chunked ? HTTP_UNREAD_UNKNOWN : request->left;
}

void http_respond(struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    struct http_connection *conn = ex->connection;

    assert(http_connection_may(conn, HTTP_CONN_ANSWERING));
    ex->gone = NULL;
    ex->keep_alive = may_keep(conn);
    conn->unread = unread(conn);
    if (http_response_build(ex, status, type, body, len) != 0 || conn->peer == HTTP_PEER_LOST) {
        http_connection_close(conn);
        return;
    }
    http_exchange_hold(ex);
    /* What connection_presence.c sent ahead is left out. */
    uv_buf_t parts[2] = {{.base = ex->head.data + ex->probes, .len = ex->head.len - ex->probes},
                         {.base = ex->body, .len = ex->body_len}};
    if (uv_write(&ex->write, &conn->socket.stream, parts, ex->body_len > 0 ? 2 : 1, on_answered) != 0) {
        http_connection_close(conn);
        return;
    }
    http_connection_set(conn, HTTP_CONN_ANSWERING);
    conn->untaken = http_connection_untaken(conn);
}

void http_connection_refuse(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;

    if (ex->request.status == 503)
        http_header_add(ex, "Retry-After", "1");
    if (ex->request.status == 415)
        http_header_add(ex, "Accept-Encoding", "identity");
    buf_free(&ex->request.body); /* what came of it is held for nobody, and the answer may wait for its client */
    http_respond_error(ex, ex->request.status, ex->request.detail);
}
