#include "http/upgrade.h"

#include "base/container_of.h"
#include "http/answer.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/request_head.h"
#include "http/response.h"

#include <assert.h>

static bool header_has(const struct http_exchange *ex, const char *name, const char *token)
{
    const char *value = http_request_header(&ex->request, name);

    return value != NULL && http_list_has(value, token);
}

bool http_upgrade_asked(const struct http_exchange *ex, const char *protocol)
{
    return ex->request.minor >= 1 && header_has(ex, "Connection", "upgrade") && header_has(ex, "Upgrade", protocol);
}

static void hand_socket_over(struct http_connection *conn, const struct http_switch *to)
{
    http_connection_set(conn, HTTP_CONN_UPGRADED);
    if (conn->reading)
        conn->transport->kind->read_stop(conn->transport);
    conn->reading = false;
    list_forget(&conn->resting);
    conn->socket = (struct http_socket){.transport = conn->transport};
    to->opened(to->arg, &conn->socket, conn->pending.data, conn->pending.len);
    buf_free(&conn->pending);
    if (conn->server->state != HTTP_SERVING && conn->state == HTTP_CONN_UPGRADED)
        http_connection_dismiss(conn);
}

static void on_switched(struct http_write *write, int status)
{
    struct http_exchange *ex = container_of(write, struct http_exchange, write);
    struct http_connection *conn = ex->connection;
    struct http_switch to = ex->switches;
    bool lost = status != 0 || conn->peer == HTTP_PEER_LOST || conn->state == HTTP_CONN_CLOSING;

    conn->exchange = NULL;
    http_exchange_end(ex, lost ? 0 : ex->status);
    if (!lost) {
        hand_socket_over(conn, &to);
        return;
    }
    http_connection_close(conn);
    to.opened(to.arg, NULL, NULL, 0);
}

static int write_switch(struct http_exchange *ex, const char *protocol)
{
    struct http_transport *transport = ex->connection->transport;

    if (http_response_build_switch(ex, protocol) != 0)
        return -1;
    ex->write.done = on_switched;
    uv_buf_t part = {.base = ex->head.data + ex->probes, .len = ex->head.len - ex->probes};
    return transport->kind->write(transport, &ex->write, &part, 1);
}

int http_upgrade(struct http_exchange *ex, const char *protocol,
                 void (*opened)(void *arg, struct http_socket *socket, const char *early, size_t len), void *arg)
{
    struct http_connection *conn = ex->connection;

    assert(conn->state == HTTP_CONN_WORKING);
    if (ex->headers_bad || write_switch(ex, protocol) != 0) {
        buf_reset(&ex->head);
        return -1;
    }
    ex->gone = NULL;
    ex->switches = (struct http_switch){opened, arg};
    http_connection_set(conn, HTTP_CONN_ANSWERING);
    conn->untaken = conn->transport->kind->untaken(conn->transport);
    return 0;
}

void http_socket_close(struct http_socket *socket)
{
    http_connection_close(container_of(socket, struct http_connection, socket));
}
