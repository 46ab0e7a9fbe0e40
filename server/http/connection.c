/* A connection's way, when all goes well: FRESH until the first byte; HEAD; the route is found, ADMITTING
 * until the owner says http_admit(); BODY; WORKING until it says http_respond(); ANSWERING; IDLE, and
 * again HEAD. What came early waits in `pending`, so that answers keep the order of their requests.
 *
 * A request that is wrong is answered where it is, and the connection ends, for nobody knows where its
 * next request would begin: connection_linger.c.
 *
 * Callbacks of uv and of the owner note what happened; http_connection_run() goes on from there, one
 * step after another and never inside itself: a thousand pipelined requests must not nest. */
#include "http/connection.h"

#include "base/container_of.h"
#include "http/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S 60 /* a client whose machine is gone is noticed while a program runs */

static void on_timer(uv_timer_t *timer);

#define MOVE(state) (1u << (state))

static const unsigned moves[HTTP_CONN_STATES] = {
    [HTTP_CONN_FRESH] = MOVE(HTTP_CONN_HEAD) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_HEAD] = MOVE(HTTP_CONN_ADMITTING) | MOVE(HTTP_CONN_ANSWERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_ADMITTING] = MOVE(HTTP_CONN_BODY) | MOVE(HTTP_CONN_ANSWERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_BODY] = MOVE(HTTP_CONN_WORKING) | MOVE(HTTP_CONN_ANSWERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_WORKING] = MOVE(HTTP_CONN_ANSWERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_ANSWERING] =
        MOVE(HTTP_CONN_IDLE) | MOVE(HTTP_CONN_DISCARDING) | MOVE(HTTP_CONN_LINGERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_IDLE] = MOVE(HTTP_CONN_HEAD) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_DISCARDING] = MOVE(HTTP_CONN_LINGERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_LINGERING] = MOVE(HTTP_CONN_CLOSING),
};

/* How long a state may last; 0 without end. */
static uint64_t state_ms(const struct http_connection *conn)
{
    const struct http_options *options = &conn->server->options;

    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_HEAD:
        return options->header_ms;
    case HTTP_CONN_BODY:
        return options->body_ms;
    case HTTP_CONN_ANSWERING:
        return options->write_ms;
    case HTTP_CONN_IDLE:
        return options->idle_ms;
    case HTTP_CONN_DISCARDING:
    case HTTP_CONN_LINGERING:
        return http_linger_ms(conn);
    default:
        return 0;
    }
}

void http_connection_arm(struct http_connection *conn)
{
    uint64_t ms = state_ms(conn);

    uv_timer_stop(&conn->timer);
    if (ms > 0)
        uv_timer_start(&conn->timer, on_timer, ms, 0);
}

bool http_connection_may(const struct http_connection *conn, enum http_state state)
{
    return (moves[conn->state] & MOVE(state)) != 0;
}

/* Whether the server waits for the client, and with what at stake. */
static enum http_seat_state seat_state(const struct http_connection *conn)
{
    switch (conn->state) {
    case HTTP_CONN_ADMITTING:
    case HTTP_CONN_WORKING:
        return HTTP_SEAT_BUSY;
    case HTTP_CONN_BODY:
    case HTTP_CONN_ANSWERING:
        return HTTP_SEAT_MOVING;
    default:
        return HTTP_SEAT_IDLE;
    }
}

/* An idle connection of a trusted proxy goes only once it is known whose requests it carries. */
static void set_seat(struct http_connection *conn)
{
    bool unknown = conn->is_trusted && conn->state == HTTP_CONN_FRESH;

    http_seats_set(&conn->server->seats, &conn->seat, unknown ? HTTP_SEAT_BUSY : seat_state(conn));
}

void http_connection_pass(struct http_connection *conn, const struct http_party *party)
{
    http_seats_pass(&conn->server->seats, &conn->seat, party);
}

void http_connection_set(struct http_connection *conn, enum http_state state)
{
    assert(http_connection_may(conn, state));
    conn->state = state;
    set_seat(conn);
    http_connection_arm(conn);
}

bool http_connection_waits(const struct http_connection *conn)
{
    return conn->state == HTTP_CONN_ADMITTING || conn->state == HTTP_CONN_WORKING;
}

/* ── The end ── */

static void connection_free(struct http_connection *conn)
{
    struct http_server *server = conn->server;

    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        server->connections = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    server->open--;
    server->refused -= conn->refused;
    buf_free(&conn->pending);
    free(conn);
    http_server_release(server);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *conn = handle->data;

    if (--conn->handles == 0)
        connection_free(conn);
}

void http_connection_close(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;
    enum http_state was = conn->state;

    if (was == HTTP_CONN_CLOSING)
        return;
    http_connection_set(conn, HTTP_CONN_CLOSING);
    http_seats_leave(&conn->server->seats, &conn->seat);
    uv_close(&conn->socket.handle, on_closed);
    uv_close((uv_handle_t *)&conn->timer, on_closed);
    if (ex == NULL || was == HTTP_CONN_ANSWERING) /* then its write's callback is still to come, and ends it */
        return;
    conn->exchange = NULL;
    http_exchange_end(ex, 0);
}

void http_connection_lost(struct http_connection *conn)
{
    conn->peer = HTTP_PEER_LOST;
    if (http_connection_waits(conn) && conn->exchange->gone == NULL) {
        uv_timer_stop(&conn->timer);
        uv_read_stop(&conn->socket.stream);
        conn->reading = false;
        return;
    }
    http_connection_close(conn);
}

void http_connection_drain(struct http_connection *conn)
{
    if (conn->state == HTTP_CONN_FRESH || conn->state == HTTP_CONN_IDLE)
        http_connection_close(conn);
    else
        http_linger_drain(conn);
}

/* ── Time ── */

static void too_slow(struct http_connection *conn, const char *what)
{
    if (conn->state == HTTP_CONN_FRESH && !http_connection_begin(conn))
        return;
    http_request_fail(&conn->exchange->request, 408, "Request timeout: the %s did not come within %llu seconds", what,
                      (unsigned long long)(state_ms(conn) + 999) / 1000);
    http_connection_refuse(conn);
}

/* Whether the client took what it must of the answer since the timer was set. */
static void check_pace(struct http_connection *conn)
{
    size_t untaken = http_connection_untaken(conn);

    if (untaken + HTTP_PACE > conn->untaken) {
        http_connection_close(conn);
        return;
    }
    conn->untaken = untaken;
    http_connection_arm(conn);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_connection *conn = timer->data;

    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_HEAD:
        too_slow(conn, "head");
        break;
    case HTTP_CONN_BODY:
        too_slow(conn, "body");
        break;
    case HTTP_CONN_ANSWERING:
        check_pace(conn);
        break;
    case HTTP_CONN_DISCARDING:
    case HTTP_CONN_LINGERING:
        http_linger_over(conn);
        break;
    default:
        http_connection_close(conn);
    }
}

/* ── The beginning ── */

static void set_address(struct http_connection *conn)
{
    struct sockaddr_storage peer;
    int len = sizeof peer;

    strcpy(conn->address, "unix");
    if (conn->server->is_unix) {
        conn->is_trusted = conn->server->proxies.local;
        return;
    }
    uv_tcp_nodelay(&conn->socket.tcp, 1);
    uv_tcp_keepalive(&conn->socket.tcp, 1, KEEPALIVE_S);
    if (uv_tcp_getpeername(&conn->socket.tcp, (struct sockaddr *)&peer, &len) == 0 &&
        ip_of((struct sockaddr *)&peer, &conn->ip)) {
        ip_text(&conn->ip, conn->address);
        conn->is_trusted = ip_nets_have(&conn->server->proxies, &conn->ip);
    } else {
        strcpy(conn->address, "unknown");
    }
}

static struct http_connection *connection_new(struct http_server *server)
{
    struct http_connection *conn = calloc(1, sizeof *conn);

    if (conn == NULL)
        abort(); /* uv cannot be rid of the connection it reports without a handle to put it in */
    conn->server = server;
    buf_init(&conn->pending, HTTP_READ_MAX);
    if (server->is_unix)
        uv_pipe_init(server->loop, &conn->socket.pipe, 0);
    else
        uv_tcp_init(server->loop, &conn->socket.tcp);
    uv_timer_init(server->loop, &conn->timer);
    conn->socket.handle.data = conn;
    conn->timer.data = conn;
    conn->handles = 2;
    conn->next = server->connections;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->connections = conn;
    server->open++;
    return conn;
}

/* One over the cap: told so without its request being read. */
static void refuse_connection(struct http_connection *conn)
{
    struct http_server *server = conn->server;

    conn->refused = true;
    server->refused++;
    if (server->refused > HTTP_REFUSED_MAX || !http_connection_begin(conn)) {
        http_connection_close(conn);
        return;
    }
    http_request_fail(&conn->exchange->request, 503, "Too many connections: at most %u at once",
                      server->options.connections);
    http_connection_refuse(conn);
    http_connection_watch(conn);
}

/* Takes a place, another connection's if all are taken. False: there is none. */
static bool find_seat(struct http_connection *conn)
{
    struct http_server *server = conn->server;
    struct http_party party = http_party_address(&conn->ip);

    if (server->seats.taken >= server->options.connections) {
        struct http_seat *victim = http_seats_victim(&server->seats, &party);
        if (victim == NULL)
            return false;
        http_connection_close(container_of(victim, struct http_connection, seat));
    }
    if (!http_seats_take(&server->seats, &conn->seat, &party))
        return false;
    set_seat(conn);
    return true;
}

void http_connection_accept(struct http_server *server)
{
    struct http_connection *conn = connection_new(server);

    if (uv_accept(&server->listener.stream, &conn->socket.stream) != 0) {
        http_connection_close(conn);
        return;
    }
    set_address(conn);
    if (!find_seat(conn)) {
        refuse_connection(conn);
        return;
    }
    http_connection_arm(conn);
    http_connection_watch(conn);
}
