#include "http/connection_accept.h"

#include "http/answer.h"
#include "http/connection.h"
#include "http/connection_read.h"
#include "http/exchange_private.h"
#include "http/linger.h"

#include <string.h>

void http_connection_drain(struct http_connection *conn)
{
    if (conn->state == HTTP_CONN_FRESH || conn->state == HTTP_CONN_IDLE)
        http_connection_close(conn);
    else if (conn->state == HTTP_CONN_UPGRADED)
        http_connection_dismiss(conn);
    else
        http_linger_drain(conn);
}

/* Time. */

static void too_slow(struct http_connection *conn, const char *what)
{
    if (conn->state == HTTP_CONN_FRESH && !http_connection_begin(conn))
        return;
    http_request_fail(&conn->exchange->request, ERROR_SLOW, "Request timeout: the %s did not come within %llu seconds",
                      what, (unsigned long long)(http_connection_patience(conn) + 999) / 1000);
    http_refuse(conn->exchange);
}

static void on_connection_expired(struct http_connection *conn)
{
    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_HEAD:
        too_slow(conn, "head");
        break;
    case HTTP_CONN_BODY:
        too_slow(conn, "body");
        break;
    case HTTP_CONN_FLOWING:
    case HTTP_CONN_ANSWERING:
        http_check_pace(conn->exchange);
        break;
    case HTTP_CONN_DISCARDING:
    case HTTP_CONN_LINGERING:
        http_linger_over(conn);
        break;
    default:
        http_connection_close(conn);
    }
}

/* The beginning. */

static void set_peer_address(struct http_connection *conn)
{
    strcpy(conn->address, "unix");
    if (conn->server->is_unix) {
        conn->is_trusted = conn->server->proxies.local;
        return;
    }
    if (http_plain_peer(&conn->plain, &conn->ip)) {
        ip_text(&conn->ip, conn->address);
        conn->is_trusted = ip_nets_have(&conn->server->proxies, &conn->ip);
    } else {
        strcpy(conn->address, "unknown");
    }
}

/* Answers a connection over the cap without reading its request. */
static void refuse_connection(struct http_connection *conn)
{
    struct http_server *server = conn->server;

    conn->refused = true;
    server->refused++;
    if (server->refused > HTTP_REFUSED_MAX || !http_connection_begin(conn)) {
        http_connection_close(conn);
        return;
    }
    http_request_fail(&conn->exchange->request, ERROR_UNAVAILABLE, "Too many connections: at most %u at once",
                      server->options.connections);
    http_refuse(conn->exchange);
    http_connection_watch(conn);
}

/* Lays the options' transport over the socket. False: out of memory. */
static bool cover(struct http_connection *conn)
{
    const struct http_options *options = &conn->server->options;
    struct http_transport *transport = &conn->plain.transport;

    if (options->cover != NULL)
        transport = options->cover(transport, options->data);
    if (transport != NULL)
        http_connection_ride(conn, transport);
    return transport != NULL;
}

void http_connection_accept(struct http_server *server)
{
    struct http_connection *conn = http_connection_new(server);

    conn->expired = on_connection_expired;
    conn->proceed = http_connection_go_on;
    if (http_plain_accept(&conn->plain, &server->listener.stream) != 0 || !cover(conn)) {
        http_connection_close(conn);
        return;
    }
    set_peer_address(conn);
    if (!http_connection_sit(conn)) {
        refuse_connection(conn);
        return;
    }
    http_connection_arm(conn);
    http_connection_watch(conn);
}
