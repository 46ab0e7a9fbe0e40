#include "http/presence.h"

#include "http/connection.h"
#include "http/exchange_private.h"

#define LOOK_MS 1000

/* When each byte is sent, in ms after the end of file was found. */
static const uint64_t probe_ms[] = {0, 20, 100, 500, 2000, 10000, 60000, 180000, 300000};
static const char prefix[] = "HTTP/1.1 ";

_Static_assert(sizeof probe_ms / sizeof *probe_ms == sizeof prefix - 1, "a time for each byte");

static void presence_look(struct http_connection *conn);

static void on_presence_timer(uv_timer_t *timer)
{
    presence_look(timer->data);
}

static void presence_look_in(struct http_connection *conn, uint64_t ms)
{
    uv_timer_start(&conn->timer, on_presence_timer, ms, 0);
}

static bool is_reading(const struct http_connection *conn)
{
    return conn->reading || list_has(&conn->resting); /* which reads again soon */
}

void http_presence_watch(struct http_connection *conn)
{
    if (!http_connection_waits(conn) || conn->exchange->gone == NULL || uv_is_active((uv_handle_t *)&conn->timer))
        return;
    if (conn->peer != HTTP_PEER_HERE)
        presence_look_in(
            conn, 0); /* from the loop, because the gone callback must not be called within a call of the owner */
    else if (!is_reading(conn))
        presence_look_in(conn, LOOK_MS);
}

static bool continue_owed(const struct http_connection *conn)
{
    const struct http_request *request = &conn->exchange->request;

    return conn->state == HTTP_CONN_ADMITTING && request->expects && http_request_has_body(request) &&
           conn->pending.len == 0;
}

/* Sends the byte that is due. -1: the client is gone. */
static int send_probe(struct http_connection *conn, uint64_t elapsed)
{
    struct http_exchange *ex = conn->exchange;

    if (ex->probes == sizeof prefix - 1 || elapsed < probe_ms[ex->probes] || continue_owed(conn))
        return 0;
    char byte = prefix[ex->probes];
    uv_buf_t part = {.base = &byte, .len = 1};
    int n = conn->transport->kind->try_write(conn->transport, &part);
    if (n < 0 && n != UV_EAGAIN)
        return -1;
    if (n == 1)
        ex->probes++;
    return 0;
}

static uint64_t next_look(const struct http_exchange *ex, uint64_t elapsed)
{
    uint64_t due = ex->probes < sizeof prefix - 1 ? probe_ms[ex->probes] : UINT64_MAX;

    if (due <= elapsed)
        return LOOK_MS; /* it could not be sent now */
    return due - elapsed < LOOK_MS ? due - elapsed : LOOK_MS;
}

static void presence_look(struct http_connection *conn)
{
    if (!http_connection_waits(conn) || conn->exchange->gone == NULL)
        return;
    struct http_exchange *ex = conn->exchange;
    if (conn->peer == HTTP_PEER_LOST || conn->transport->kind->is_broken(conn->transport)) {
        http_connection_lost(conn);
        return;
    }
    if (conn->peer == HTTP_PEER_HERE && is_reading(conn))
        return;
    if (conn->state == HTTP_CONN_FLOWING) { /* what is written shows whether the client is there */
        presence_look_in(conn, LOOK_MS);
        return;
    }
    uint64_t now = uv_now(conn->server->loop);
    if (ex->shut_since == 0)
        ex->shut_since = now;
    if (send_probe(conn, now - ex->shut_since) != 0)
        http_connection_lost(conn);
    else
        presence_look_in(conn, next_look(ex, now - ex->shut_since));
}
