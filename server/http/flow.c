#include "http/flow.h"

#include "base/container_of.h"
#include "http/answer.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/filter.h"
#include "http/presence.h"
#include "http/response.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FILTERED_MAX (4 * HTTP_FLOW_MAX) /* bytes that filters may make of a full queue */

static size_t queued(const struct http_flow *flow)
{
    return flow->filling.len + flow->sending.len;
}

/* The answer cannot go on. The gone callback comes from the loop, because the owner is in a call of its own now. */
static void break_flow(struct http_exchange *ex)
{
    ex->connection->peer = HTTP_PEER_LOST;
    http_presence_watch(ex->connection);
}

static bool is_broken(const struct http_exchange *ex)
{
    return ex->connection->peer == HTTP_PEER_LOST || ex->connection->state == HTTP_CONN_CLOSING;
}

static void on_flow_written(struct http_write *write, int status);

static void add_part(uv_buf_t *parts, unsigned *count, char *data, size_t len)
{
    if (len > 0)
        parts[(*count)++] = uv_buf_init(data, (unsigned)len);
}

/* Sends all that is queued, and the last chunk after http_flow_end(). 0, or an error of uv. */
static int flush_flow(struct http_exchange *ex)
{
    static char line_end[] = "\r\n", last_chunk[] = "0\r\n\r\n", both[] = "\r\n0\r\n\r\n";
    struct http_flow *flow = &ex->flow;
    struct http_connection *conn = ex->connection;
    struct buf sending = flow->filling;
    uv_buf_t parts[HTTP_PARTS_MAX];
    unsigned count = 0;

    flow->filling = flow->sending;
    flow->sending = sending;
    if (!flow->headed)
        add_part(parts, &count, ex->head.data + ex->probes, ex->head.len - ex->probes); /* presence.c sent the probes */
    if (flow->chunked && sending.len > 0)
        add_part(parts, &count, flow->size, (size_t)snprintf(flow->size, sizeof flow->size, "%zx\r\n", sending.len));
    add_part(parts, &count, sending.data, sending.len);
    if (flow->chunked && flow->ended)
        add_part(parts, &count, sending.len > 0 ? both : last_chunk,
                 sending.len > 0 ? sizeof both - 1 : sizeof last_chunk - 1);
    else if (flow->chunked && sending.len > 0)
        add_part(parts, &count, line_end, sizeof line_end - 1);
    flow->headed = true;
    flow->finished = flow->ended;
    if (count == 0)
        return 0;
    ex->write.done = on_flow_written;
    int rc = conn->transport->kind->write(conn->transport, &ex->write, parts, count);
    flow->writing = rc == 0;
    conn->untaken = conn->transport->kind->untaken(conn->transport);
    http_connection_refresh(conn);
    return rc;
}

static void call_drained(struct http_flow *flow)
{
    if (!flow->full || queued(flow) > HTTP_FLOW_MAX / 2)
        return;
    flow->full = false;
    if (flow->drained != NULL)
        flow->drained(flow->drained_arg);
}

static void on_flow_written(struct http_write *write, int status)
{
    struct http_exchange *ex = container_of(write, struct http_exchange, write);
    struct http_connection *conn = ex->connection;
    struct http_flow *flow = &ex->flow;

    flow->writing = false;
    buf_reset(&flow->sending);
    if (status == 0 && conn->peer != HTTP_PEER_LOST && conn->state != HTTP_CONN_CLOSING && !flow->finished &&
        (flow->filling.len > 0 || flow->ended))
        status = flush_flow(ex);
    if (conn->state != HTTP_CONN_FLOWING) { /* ended or closing: the exchange ends with its last write */
        if (!flow->writing)
            http_answer_finish(ex, flow->finished ? status : UV_ECANCELED);
        return;
    }
    if (status != 0 || conn->peer == HTTP_PEER_LOST) {
        http_connection_lost(conn);
        return;
    }
    if (!flow->writing) {
        http_connection_refresh(conn);
        http_presence_watch(conn);
    }
    call_drained(flow);
}

void http_flow_begin(struct http_exchange *ex, int status, const char *type)
{
    struct http_connection *conn = ex->connection;
    struct http_flow *flow = &ex->flow;

    buf_init(&flow->filling, FILTERED_MAX);
    buf_init(&flow->sending, FILTERED_MAX);
    http_answer_start(ex, HTTP_CONN_FLOWING);
    ex->keep_alive = ex->keep_alive && ex->request.minor >= 1;
    int rc = http_response_build_flow(ex, status, type);
    http_connection_set(conn, HTTP_CONN_FLOWING);
    if (rc != 0 || conn->peer == HTTP_PEER_LOST || flush_flow(ex) != 0)
        break_flow(ex);
}

static int fill(struct http_exchange *ex, const char *data, size_t len)
{
    struct http_flow *flow = &ex->flow;

    return http_filters_work(ex) ? http_filters_take(ex, data, len, false, &flow->filling)
                                 : buf_append(&flow->filling, data, len);
}

/* Queues as much as there is room for. Returns how much. */
static size_t fill_queue(struct http_exchange *ex, const char *data, size_t len, int *rc)
{
    struct http_flow *flow = &ex->flow;
    size_t taken = 0;

    for (*rc = 0; *rc == 0 && taken < len && queued(flow) < HTTP_FLOW_MAX;) {
        size_t room = HTTP_FLOW_MAX - queued(flow);
        size_t piece = len - taken < room ? len - taken : room;
        *rc = fill(ex, data + taken, piece);
        taken += piece;
    }
    return taken;
}

size_t http_flow_write(struct http_exchange *ex, const char *data, size_t len)
{
    struct http_flow *flow = &ex->flow;
    int rc;

    assert(!flow->ended);
    if (flow->drops || is_broken(ex))
        return len;
    size_t taken = fill_queue(ex, data, len, &rc);
    if (rc == 0 && !flow->writing && flow->filling.len > 0)
        rc = flush_flow(ex);
    http_exchange_hold(ex);
    flow->full = taken < len;
    if (rc == 0)
        return taken;
    break_flow(ex);
    return len;
}

void http_flow_on_drained(struct http_exchange *ex, void (*drained)(void *arg), void *arg)
{
    ex->flow.drained = drained;
    ex->flow.drained_arg = arg;
}

void http_flow_end(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;
    struct http_flow *flow = &ex->flow;
    bool filtered = !flow->drops && !is_broken(ex) && http_filters_work(ex);

    if (is_broken(ex) || (filtered && http_filters_take(ex, NULL, 0, true, &flow->filling) != 0)) {
        http_flow_abort(ex);
        return;
    }
    ex->gone = NULL;
    flow->drained = NULL;
    flow->ended = true;
    http_connection_set(conn, HTTP_CONN_ANSWERING);
    if (flow->writing)
        return;
    int rc = flush_flow(ex);
    if (!flow->writing) /* there was no rest, or it cannot be written */
        http_answer_finish(ex, rc);
}

void http_flow_abort(struct http_exchange *ex)
{
    ex->gone = NULL;
    ex->flow.drained = NULL;
    ex->flow.ended = true;
    http_connection_close(ex->connection);
}
