#include "http/connection.h"

#include "base/container_of.h"
#include "base/states.h"
#include "http/exchange_private.h"

#include <stdlib.h>

#define ANSWERS (STATE(HTTP_CONN_FLOWING) | STATE(HTTP_CONN_ANSWERING))

static const struct states connection_states = {
    .subject = "http connection",
    .names = (const char *const[]){"fresh", "head", "admitting", "body", "working", "flowing", "answering", "upgraded",
                                   "idle", "discarding", "lingering", "closing"},
    .next =
        (const uint32_t[]){
            [HTTP_CONN_FRESH] = STATE(HTTP_CONN_HEAD) | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_HEAD] = STATE(HTTP_CONN_ADMITTING) | STATE(HTTP_CONN_ANSWERING) | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_ADMITTING] = STATE(HTTP_CONN_BODY) | ANSWERS | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_BODY] = STATE(HTTP_CONN_WORKING) | ANSWERS | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_WORKING] = ANSWERS | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_FLOWING] = STATE(HTTP_CONN_ANSWERING) | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_UPGRADED] = STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_ANSWERING] = STATE(HTTP_CONN_UPGRADED) | STATE(HTTP_CONN_IDLE) | STATE(HTTP_CONN_DISCARDING) |
                                    STATE(HTTP_CONN_LINGERING) | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_IDLE] = STATE(HTTP_CONN_HEAD) | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_DISCARDING] = STATE(HTTP_CONN_LINGERING) | STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_LINGERING] = STATE(HTTP_CONN_CLOSING),
            [HTTP_CONN_CLOSING] = 0,
        },
    .count = HTTP_CONN_STATES,
};

/* The state and its deadline. */

/* DISCARDING and LINGERING: until the next byte, but not beyond linger_end; at least 1. */
static uint64_t linger_ms(const struct http_connection *conn)
{
    uint64_t now = uv_now(conn->server->loop);
    uint64_t left = conn->linger_end > now ? conn->linger_end - now : 1;

    return left < HTTP_LINGER_MS ? left : HTTP_LINGER_MS;
}

/* Bytes of an answer are with the transport. */
static bool is_writing(const struct http_connection *conn)
{
    return conn->state == HTTP_CONN_ANSWERING || (conn->state == HTTP_CONN_FLOWING && conn->exchange->flow.writing);
}

/* The exchange's owner holds its body. */
static bool is_held(const struct http_connection *conn)
{
    return conn->state == HTTP_CONN_BODY && conn->exchange->body_held;
}

uint64_t http_connection_patience(const struct http_connection *conn)
{
    const struct http_options *options = &conn->server->options;

    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_HEAD:
        return options->header_ms;
    case HTTP_CONN_BODY:
        return is_held(conn) ? 0 : options->body_ms;
    case HTTP_CONN_FLOWING:
    case HTTP_CONN_ANSWERING:
        return is_writing(conn) ? options->write_ms : 0;
    case HTTP_CONN_IDLE:
        return options->idle_ms;
    case HTTP_CONN_DISCARDING:
    case HTTP_CONN_LINGERING:
        return linger_ms(conn);
    default:
        return 0;
    }
}

static void on_connection_timer(uv_timer_t *timer)
{
    struct http_connection *conn = timer->data;
    uint64_t paused_ms = conn->paused_ms;

    conn->paused_ms = 0;
    if (paused_ms > 0)
        uv_timer_start(timer, on_connection_timer, paused_ms, 0);
    else
        conn->expired(conn);
}

/* ms that it still rests; 0: it does not, or only until the loop's next turn. */
static uint64_t rest_left(const struct http_connection *conn)
{
    uint64_t now = uv_now(conn->server->loop);

    return list_has(&conn->resting) && conn->rest_end > now ? conn->rest_end - now : 0;
}

void http_connection_arm(struct http_connection *conn)
{
    uint64_t ms = http_connection_patience(conn);

    conn->paused_ms = rest_left(conn);
    uv_timer_stop(&conn->timer);
    if (ms > 0)
        uv_timer_start(&conn->timer, on_connection_timer, ms, 0);
}

/* Whether the connection waits for its client, and what the client would lose. */
static enum http_seat_state seat_state(const struct http_connection *conn)
{
    switch (conn->state) {
    case HTTP_CONN_ADMITTING:
    case HTTP_CONN_WORKING:
    case HTTP_CONN_UPGRADED:
        return HTTP_SEAT_BUSY;
    case HTTP_CONN_FLOWING:
        return is_writing(conn) ? HTTP_SEAT_MOVING : HTTP_SEAT_BUSY;
    case HTTP_CONN_BODY:
        return is_held(conn) ? HTTP_SEAT_BUSY : HTTP_SEAT_MOVING;
    case HTTP_CONN_ANSWERING:
        return HTTP_SEAT_MOVING;
    default:
        return HTTP_SEAT_IDLE;
    }
}

/* A trusted proxy's connection may lose its seat only after a request has told whose it is. */
static void set_seat(struct http_connection *conn)
{
    bool unknown = conn->is_trusted && conn->state == HTTP_CONN_FRESH;

    http_seats_set(&conn->server->seats, &conn->seat, unknown ? HTTP_SEAT_BUSY : seat_state(conn));
}

void http_connection_refresh(struct http_connection *conn)
{
    set_seat(conn);
    http_connection_arm(conn);
}

void http_connection_set(struct http_connection *conn, enum http_state state)
{
    states_move(&connection_states, conn->state, state, conn->address);
    conn->state = state;
    http_connection_refresh(conn);
}

bool http_connection_may(const struct http_connection *conn, enum http_state state)
{
    return states_legal(&connection_states, conn->state, state);
}

bool http_connection_waits(const struct http_connection *conn)
{
    return conn->state == HTTP_CONN_ADMITTING || conn->state == HTTP_CONN_WORKING || conn->state == HTTP_CONN_FLOWING ||
           is_held(conn);
}

/* The seat. */

bool http_connection_sit(struct http_connection *conn)
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

void http_connection_pass(struct http_connection *conn, const struct http_party *party)
{
    http_seats_pass(&conn->server->seats, &conn->seat, party);
}

/* The beginning and the end. */

struct http_connection *http_connection_new(struct http_server *server)
{
    struct http_connection *conn = calloc(1, sizeof *conn);

    if (conn == NULL)
        abort();
    conn->server = server;
    buf_init(&conn->pending, HTTP_READ_MAX);
    http_plain_init(&conn->plain, server->loop, server->is_unix);
    http_connection_ride(conn, &conn->plain.transport);
    uv_timer_init(server->loop, &conn->timer);
    conn->timer.data = conn;
    conn->handles = 2;
    list_unshift(&server->connections, &conn->node);
    server->open++;
    return conn;
}

static void connection_free(struct http_connection *conn)
{
    struct http_server *server = conn->server;

    list_remove(&conn->node);
    server->open--;
    server->refused -= conn->refused;
    buf_free(&conn->pending);
    free(conn);
    http_server_release(server);
}

void http_connection_keep(struct http_connection *conn)
{
    conn->handles++;
}

void http_connection_release(struct http_connection *conn)
{
    if (--conn->handles == 0)
        connection_free(conn);
}

static void on_timer_handle_closed(uv_handle_t *handle)
{
    http_connection_release(handle->data);
}

static void on_transport_closed(struct http_transport *transport)
{
    http_connection_release(transport->user);
}

void http_connection_ride(struct http_connection *conn, struct http_transport *transport)
{
    conn->transport = transport;
    transport->user = conn;
    transport->on_closed = on_transport_closed;
}

void http_connection_close(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;
    bool awaited = is_writing(conn) || (ex != NULL && ex->is_packing);

    if (conn->state == HTTP_CONN_CLOSING)
        return;
    http_connection_set(conn, HTTP_CONN_CLOSING);
    http_seats_leave(&conn->server->seats, &conn->seat);
    list_forget(&conn->resting);
    http_connection_ride(conn, conn->transport); /* its end is the connection's, also after an upgrade */
    conn->transport->kind->close(conn->transport);
    uv_close((uv_handle_t *)&conn->timer, on_timer_handle_closed);
    if (ex == NULL || awaited) /* the callback of the write, or of the worker, has yet to come, and ends it */
        return;
    conn->exchange = NULL;
    http_exchange_end(ex, 0);
}

void http_connection_dismiss(struct http_connection *conn)
{
    if (conn->socket.stop != NULL)
        conn->socket.stop(&conn->socket);
    else
        http_connection_close(conn);
}

void http_connection_lost(struct http_connection *conn)
{
    if (conn->state == HTTP_CONN_UPGRADED) {
        http_connection_dismiss(conn);
        return;
    }
    conn->peer = HTTP_PEER_LOST;
    if (http_connection_waits(conn) && conn->exchange->gone == NULL) {
        uv_timer_stop(&conn->timer);
        conn->transport->kind->read_stop(conn->transport);
        conn->reading = false;
        return;
    }
    http_connection_close(conn);
}
