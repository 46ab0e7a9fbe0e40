#include "http/connection_read.h"

#include "base/error.h"
#include "base/seam.h"
#include "http/answer.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/linger.h"
#include "http/presence.h"
#include "http/turns.h"

#include <string.h>

static void connection_run(struct http_connection *conn, const char *data, size_t len);

static void find_route(struct http_exchange *ex)
{
    struct http_server *server = ex->connection->server;
    struct http_match *match = &ex->match;

    http_router_find(match, server->options.routes, http_method(ex), &ex->request.target);
    if (match->route != NULL) {
        server->options.admit(ex);
        return;
    }
    if (*match->allow == '\0') {
        http_respond_error(ex, error_status(ERROR_NOT_FOUND), "Not found: no such path");
        return;
    }
    http_header_add(ex, "Allow", "%s", match->allow);
    if (strcmp(http_method(ex), "OPTIONS") == 0)
        http_respond(ex, 204, NULL, NULL, 0);
    else
        http_respond_error(ex, error_status(ERROR_METHOD), "Method not allowed: see the header Allow");
}

bool http_connection_begin(struct http_connection *conn)
{
    conn->exchange = http_exchange_new(conn);
    if (conn->exchange == NULL) {
        http_connection_close(conn);
        return false;
    }
    http_connection_set(conn, HTTP_CONN_HEAD);
    return true;
}

static bool step_wait(struct http_connection *conn)
{
    if (conn->input_len > 0)
        return http_connection_begin(conn);
    if (conn->peer != HTTP_PEER_HERE)
        http_connection_close(conn);
    return false;
}

static void know_client(struct http_exchange *ex)
{
    if (!http_exchange_know_client(ex))
        return;
    struct http_party party = http_party_address(&ex->client);
    http_connection_pass(ex->connection, &party);
}

static bool step_head(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;

    switch (http_request_head(&ex->request, &conn->input, &conn->input_len)) {
    case HTTP_READY:
        http_exchange_name(ex);
        http_exchange_behave(ex);
        know_client(ex);
        http_connection_set(conn, HTTP_CONN_ADMITTING);
        find_route(ex);
        return true;
    case HTTP_FAILED:
        http_refuse(conn->exchange);
        return false;
    default:
        if (conn->peer != HTTP_PEER_HERE)
            http_connection_close(conn);
        return false;
    }
}

/* Whether the step after it may follow. The piece's taker may have answered, and so ended the exchange. */
static bool give_piece(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;
    http_body_piece *on_piece = ex->on_piece != NULL ? ex->on_piece : http_body_keep;
    int rc = on_piece(ex, ex->request.piece, ex->request.piece_len);

    if (conn->state != HTTP_CONN_BODY)
        return true;
    http_body_pace(ex, ex->request.piece_len);
    if (rc != 0)
        http_request_out_of_memory(&ex->request);
    else if (!http_exchange_hold(ex))
        http_request_fail(&ex->request, ERROR_BUSY,
                          "The server is holding too many request bodies. Please try again later.");
    if (ex->request.failure == ERROR_NONE)
        return !ex->body_held;
    http_refuse(ex);
    return false;
}

static bool step_body(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;
    enum http_progress progress = HTTP_READY;

    if (ex->body_held)
        return false;
    if (http_request_has_body(&ex->request))
        progress = http_request_body(&ex->request, &conn->input, &conn->input_len);
    switch (progress) {
    case HTTP_PIECE:
        return give_piece(conn);
    case HTTP_READY:
        ex->arrived = conn->read_ns;
        http_connection_set(conn, HTTP_CONN_WORKING);
        ex->match.route->handler(ex);
        return true;
    case HTTP_FAILED:
        http_refuse(ex);
        return false;
    default:
        if (conn->peer != HTTP_PEER_HERE)
            http_connection_close(conn);
        return false;
    }
}

static bool connection_step(struct http_connection *conn)
{
    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_IDLE:
        return step_wait(conn);
    case HTTP_CONN_HEAD:
        return step_head(conn);
    case HTTP_CONN_BODY:
        return step_body(conn);
    case HTTP_CONN_DISCARDING:
    case HTTP_CONN_LINGERING:
        http_linger_drop(conn);
        return false;
    default:
        return false;
    }
}

static void on_connection_alloc(struct http_transport *transport, uv_buf_t *buf)
{
    struct http_connection *conn = transport->user;

    *buf = uv_buf_init(conn->server->input, (unsigned)(HTTP_READ_MAX - conn->pending.len));
}

/* The owner of its exchange. After the exchange, whose seat it is; NULL: over the cap. */
static const struct http_party *party_of(const struct http_connection *conn)
{
    const struct http_exchange *ex = conn->exchange;

    return ex != NULL && ex->share != NULL ? &ex->share->owner : http_seats_party(&conn->seat);
}

/* `len` bytes came. If more of a body is to come, or of what is dropped, others have their turn first. */
static void rest_in_bulk(struct http_connection *conn, size_t len)
{
    if (conn->state != HTTP_CONN_BODY && conn->state != HTTP_CONN_DISCARDING && conn->state != HTTP_CONN_LINGERING)
        return;
    const struct http_party *party = party_of(conn);
    http_turns_rest(conn, party != NULL ? http_inflow_take(&conn->server->inflow, party, len, conn->read_ns) : 0);
    http_connection_watch(conn);
}

static void on_connection_read(struct http_transport *transport, ssize_t n, const char *data)
{
    struct http_connection *conn = transport->user;

    if (n > 0) {
        conn->read_ns = seam()->monotonic_ns();
        connection_run(conn, data, (size_t)n);
        rest_in_bulk(conn, (size_t)n);
    } else if (n == UV_EOF) {
        conn->peer = HTTP_PEER_SHUT;
        conn->reading = false;
        connection_run(conn, NULL, 0);
    } else {
        http_connection_lost(conn);
    }
}

static bool read_start(struct http_connection *conn)
{
    struct http_transport *transport = conn->transport;

    transport->on_alloc = on_connection_alloc;
    transport->on_read = on_connection_read;
    return transport->kind->read_start(transport) == 0;
}

void http_connection_watch(struct http_connection *conn)
{
    bool rests = list_has(&conn->resting);
    bool wanted = conn->peer == HTTP_PEER_HERE && conn->pending.len < HTTP_READ_MAX && !rests;

    if (conn->state == HTTP_CONN_CLOSING)
        return;
    if (wanted && !conn->reading && !read_start(conn)) {
        http_connection_close(conn);
        return;
    }
    if (!wanted && conn->reading)
        conn->transport->kind->read_stop(conn->transport);
    conn->reading = wanted;
    http_presence_watch(conn);
}

static int keep_rest(struct http_connection *conn, bool was_pending)
{
    if (!was_pending)
        return conn->input_len == 0 ? 0 : buf_append(&conn->pending, conn->input, conn->input_len);
    buf_consume(&conn->pending, conn->pending.len - conn->input_len);
    if (conn->pending.len == 0)
        buf_free(&conn->pending);
    return 0;
}

/* `data`: what came now; NULL: nothing. */
static void connection_run(struct http_connection *conn, const char *data, size_t len)
{
    if (conn->running)
        return;
    bool from_pending = conn->pending.len > 0 || data == NULL;
    if (from_pending && len > 0 && buf_append(&conn->pending, data, len) != 0) {
        http_connection_close(conn);
        return;
    }
    conn->input = from_pending ? conn->pending.data : data;
    conn->input_len = from_pending ? conn->pending.len : len;
    conn->running = true;
    while (connection_step(conn))
        ;
    conn->running = false;
    if (keep_rest(conn, from_pending) != 0)
        http_connection_close(conn);
    conn->input_len = 0;
    http_connection_watch(conn);
}

void http_connection_go_on(struct http_connection *conn)
{
    connection_run(conn, NULL, 0);
}
