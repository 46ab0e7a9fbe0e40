#include "http/pack.h"

#include "base/container_of.h"
#include "http/answer.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/response.h"

static void pack_on_thread(struct worker_job *job)
{
    http_response_filter(container_of(job, struct http_exchange, packing));
}

static void pack_over(struct worker_job *job)
{
    struct http_exchange *ex = container_of(job, struct http_exchange, packing);
    struct http_connection *conn = ex->connection;

    ex->is_packing = false;
    if (conn->state == HTTP_CONN_CLOSING) {
        conn->exchange = NULL;
        http_exchange_end(ex, 0);
    } else {
        http_answer_send(ex);
    }
    http_connection_release(conn);
}

bool http_pack_start(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;

    if (conn->state != HTTP_CONN_WORKING || ex->body_len <= HTTP_PACK_INLINE || !http_response_is_filtered(ex))
        return false;
    ex->is_packing = true;
    http_connection_keep(conn);
    worker_queue(conn->server->loop, &ex->packing, pack_on_thread, pack_over);
    return true;
}
