/* A connection's way, when all goes well: FRESH until the first byte; HEAD; the route is found, ADMITTING
 * until the owner says http_admit(); BODY; WORKING until it says http_respond(); ANSWERING; IDLE, and
 * again HEAD. What came early waits in `pending`, so that answers keep the order of their requests.
 *
 * A request that is wrong is answered where it is, and the connection ends, for nobody knows where its
 * next request would begin. It ends in LINGERING: our side is shut, and what the client still sends is
 * read and dropped for a moment. Closed at once, the kernel would answer those bytes with a reset, and a
 * reset makes the client's kernel throw away the answer that it has not read yet.
 *
 * Callbacks of uv and of the owner note what happened; http_connection_run() goes on from there, one
 * step after another and never inside itself: a thousand pipelined requests must not nest. */
#include "http/connection.h"

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
    [HTTP_CONN_ANSWERING] = MOVE(HTTP_CONN_IDLE) | MOVE(HTTP_CONN_LINGERING) | MOVE(HTTP_CONN_CLOSING),
    [HTTP_CONN_IDLE] = MOVE(HTTP_CONN_HEAD) | MOVE(HTTP_CONN_CLOSING),
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
    case HTTP_CONN_LINGERING:
        return HTTP_LINGER_MS;
    default:
        return 0;
    }
}

static void arm(struct http_connection *conn)
{
    uint64_t ms = state_ms(conn);

    uv_timer_stop(&conn->timer);
    if (ms > 0)
        uv_timer_start(&conn->timer, on_timer, ms, 0);
}

static void set_state(struct http_connection *conn, enum http_state state)
{
    assert((moves[conn->state] & MOVE(state)) != 0);
    conn->state = state;
    arm(conn);
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
    set_state(conn, HTTP_CONN_CLOSING);
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
}

/* ── Answering ── */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    (void)request; /* the client's end of file, or the timer, ends the connection */
    (void)status;
}

static void linger(struct http_connection *conn)
{
    if (conn->peer != HTTP_PEER_HERE || uv_shutdown(&conn->shutdown, &conn->socket.stream, on_shutdown) != 0) {
        http_connection_close(conn);
        return;
    }
    set_state(conn, HTTP_CONN_LINGERING);
    http_connection_run(conn, NULL, 0);
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
        set_state(conn, HTTP_CONN_IDLE);
        http_connection_run(conn, NULL, 0);
    } else {
        linger(conn);
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

void http_respond(struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    struct http_connection *conn = ex->connection;

    assert((moves[conn->state] & MOVE(HTTP_CONN_ANSWERING)) != 0);
    ex->gone = NULL;
    ex->keep_alive = may_keep(conn);
    if (http_response_build(ex, status, type, body, len) != 0 || conn->peer == HTTP_PEER_LOST) {
        http_connection_close(conn);
        return;
    }
    /* What presence.c sent ahead is left out. */
    uv_buf_t parts[2] = {{.base = ex->head.data + ex->probes, .len = ex->head.len - ex->probes},
                         {.base = ex->body, .len = ex->body_len}};
    if (uv_write(&ex->write, &conn->socket.stream, parts, ex->body_len > 0 ? 2 : 1, on_answered) != 0) {
        http_connection_close(conn);
        return;
    }
    set_state(conn, HTTP_CONN_ANSWERING);
    conn->unwritten = uv_stream_get_write_queue_size(&conn->socket.stream);
}

/* Answers what request.c found wrong. */
static void refuse(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;

    if (ex->request.status == 503)
        http_header_add(ex, "Retry-After", "1");
    http_respond_error(ex, ex->request.status, ex->request.detail);
}

/* ── Reading ── */

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
        http_respond_error(ex, 404, "Not found: no such path");
        return;
    }
    http_header_add(ex, "Allow", "%s", match->allow);
    if (strcmp(http_method(ex), "OPTIONS") == 0)
        http_respond(ex, 204, NULL, NULL, 0);
    else
        http_respond_error(ex, 405, "Method not allowed: the header Allow names those that are");
}

static bool begin(struct http_connection *conn)
{
    conn->exchange = http_exchange_new(conn);
    if (conn->exchange == NULL) {
        http_connection_close(conn);
        return false;
    }
    set_state(conn, HTTP_CONN_HEAD);
    return true;
}

static bool step_wait(struct http_connection *conn)
{
    if (conn->input_len > 0)
        return begin(conn);
    if (conn->peer != HTTP_PEER_HERE)
        http_connection_close(conn);
    return false;
}

static bool step_head(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;

    switch (http_request_head(&ex->request, &conn->input, &conn->input_len)) {
    case HTTP_READY:
        http_exchange_name(ex);
        set_state(conn, HTTP_CONN_ADMITTING);
        find_route(ex);
        return true;
    case HTTP_FAILED:
        refuse(conn);
        return false;
    default:
        if (conn->peer != HTTP_PEER_HERE)
            http_connection_close(conn);
        return false;
    }
}

static bool step_body(struct http_connection *conn)
{
    struct http_exchange *ex = conn->exchange;
    enum http_progress progress = HTTP_READY;

    if (http_request_has_body(&ex->request))
        progress = http_request_body(&ex->request, &conn->input, &conn->input_len);
    if (progress == HTTP_READY) {
        set_state(conn, HTTP_CONN_WORKING);
        ex->match.route->handler(ex);
        return true;
    }
    if (progress == HTTP_FAILED)
        refuse(conn);
    else if (conn->peer != HTTP_PEER_HERE)
        http_connection_close(conn);
    return false;
}

/* A client that sends twice what it may is not worth more patience. */
static bool step_linger(struct http_connection *conn)
{
    conn->lingered += conn->input_len;
    conn->input_len = 0;
    if (conn->peer != HTTP_PEER_HERE || conn->lingered / 2 > conn->server->options.body_max + HTTP_READ_MAX)
        http_connection_close(conn);
    return false;
}

static bool step(struct http_connection *conn)
{
    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_IDLE:
        return step_wait(conn);
    case HTTP_CONN_HEAD:
        return step_head(conn);
    case HTTP_CONN_BODY:
        return step_body(conn);
    case HTTP_CONN_LINGERING:
        return step_linger(conn);
    default:
        return false;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *conn = handle->data;

    (void)suggested;
    *buf = uv_buf_init(conn->server->input, (unsigned)(HTTP_READ_MAX - conn->pending.len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_connection *conn = stream->data;

    if (n > 0) {
        http_connection_run(conn, buf->base, (size_t)n);
    } else if (n == UV_EOF) {
        conn->peer = HTTP_PEER_SHUT;
        conn->reading = false;
        http_connection_run(conn, NULL, 0);
    } else if (n < 0) {
        http_connection_lost(conn);
    }
}

/* Reading stops where `pending` is full, and goes on when it has room. */
static void watch(struct http_connection *conn)
{
    bool wanted = conn->peer == HTTP_PEER_HERE && conn->pending.len < HTTP_READ_MAX;

    if (conn->state == HTTP_CONN_CLOSING)
        return;
    if (wanted && !conn->reading && uv_read_start(&conn->socket.stream, on_alloc, on_read) != 0) {
        http_connection_close(conn);
        return;
    }
    if (!wanted && conn->reading)
        uv_read_stop(&conn->socket.stream);
    conn->reading = wanted;
    http_presence_watch(conn);
}

/* Keeps what was not read. */
static int keep_rest(struct http_connection *conn, bool was_pending)
{
    if (!was_pending)
        return conn->input_len == 0 ? 0 : buf_append(&conn->pending, conn->input, conn->input_len);
    buf_consume(&conn->pending, conn->pending.len - conn->input_len);
    if (conn->pending.len == 0)
        buf_free(&conn->pending);
    return 0;
}

void http_connection_run(struct http_connection *conn, const char *data, size_t len)
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
    while (step(conn))
        ;
    conn->running = false;
    if (keep_rest(conn, from_pending) != 0)
        http_connection_close(conn);
    conn->input_len = 0;
    watch(conn);
}

static void on_interim(uv_write_t *write, int status)
{
    (void)write; /* where it failed, so will the reading */
    (void)status;
}

static void send_continue(struct http_connection *conn)
{
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t part = {.base = text, .len = sizeof text - 1};

    uv_write(&conn->interim, &conn->socket.stream, &part, 1, on_interim);
}

void http_admit(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;
    size_t arrived = conn->running ? conn->input_len : conn->pending.len;

    assert(conn->state == HTTP_CONN_ADMITTING);
    if (conn->peer == HTTP_PEER_LOST) {
        http_connection_close(conn);
        return;
    }
    if (http_request_check_length(&ex->request) == HTTP_FAILED) {
        refuse(conn);
        return;
    }
    if (ex->request.expects && http_request_has_body(&ex->request) && arrived == 0)
        send_continue(conn);
    set_state(conn, HTTP_CONN_BODY);
    http_connection_run(conn, NULL, 0);
}

/* ── Time ── */

static void too_slow(struct http_connection *conn, const char *what)
{
    if (conn->state == HTTP_CONN_FRESH && !begin(conn))
        return;
    http_request_fail(&conn->exchange->request, 408, "Request timeout: the %s did not come within %llu seconds", what,
                      (unsigned long long)(state_ms(conn) + 999) / 1000);
    refuse(conn);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_connection *conn = timer->data;
    size_t unwritten = uv_stream_get_write_queue_size(&conn->socket.stream);

    switch (conn->state) {
    case HTTP_CONN_FRESH:
    case HTTP_CONN_HEAD:
        too_slow(conn, "head");
        break;
    case HTTP_CONN_BODY:
        too_slow(conn, "body");
        break;
    case HTTP_CONN_ANSWERING:
        if (unwritten < conn->unwritten) {
            conn->unwritten = unwritten;
            arm(conn);
            break;
        }
        http_connection_close(conn);
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
    if (conn->server->is_unix)
        return;
    uv_tcp_nodelay(&conn->socket.tcp, 1);
    uv_tcp_keepalive(&conn->socket.tcp, 1, KEEPALIVE_S);
    if (uv_tcp_getpeername(&conn->socket.tcp, (struct sockaddr *)&peer, &len) != 0 ||
        uv_ip_name((struct sockaddr *)&peer, conn->address, sizeof conn->address) != 0)
        strcpy(conn->address, "unknown");
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
    if (server->refused > HTTP_REFUSED_MAX || !begin(conn)) {
        http_connection_close(conn);
        return;
    }
    http_request_fail(&conn->exchange->request, 503, "Too many connections: at most %u at once",
                      server->options.connections);
    refuse(conn);
    watch(conn);
}

void http_connection_accept(struct http_server *server)
{
    bool full = server->open - server->refused >= server->options.connections;
    struct http_connection *conn = connection_new(server);

    if (uv_accept(&server->listener.stream, &conn->socket.stream) != 0) {
        http_connection_close(conn);
        return;
    }
    set_address(conn);
    if (full) {
        refuse_connection(conn);
        return;
    }
    arm(conn);
    watch(conn);
}
