/* The beginning and the end of an exchange. */
#include "http/exchange_private.h"

#include "base/memory.h"
#include "base/seam.h"
#include "base/text.h"
#include "http/connection.h"
#include "http/forwarded.h"
#include "http/manners.h"

#include <stdlib.h>
#include <string.h>

struct http_exchange *http_exchange_new(struct http_connection *connection)
{
    struct http_exchange *ex = calloc(1, sizeof *ex);

    if (ex == NULL)
        return NULL;
    ex->connection = connection;
    ex->started = seam()->monotonic_ns();
    http_request_init(&ex->request, &connection->server->options);
    ex->manners = http_manners_find(connection->server->options.manners, NULL);
    buf_init(&ex->request_body, connection->server->options.body_max);
    buf_init(&ex->headers, HTTP_ANSWER_HEAD / 2);
    buf_init(&ex->head, HTTP_ANSWER_HEAD);
    return ex;
}

static bool is_request_id(const char *text)
{
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(text);
    return len >= 1 && len <= HTTP_ID_MAX && strspn(text, legal) == len;
}

void http_exchange_name(struct http_exchange *ex)
{
    const char *id = http_request_header(&ex->request, "X-Request-Id");

    if (id != NULL && is_request_id(id))
        memcpy(ex->id, id, strlen(id) + 1);
    else
        text_uuid(ex->id);
}

void http_exchange_behave(struct http_exchange *ex)
{
    ex->manners = http_manners_find(ex->connection->server->options.manners, &ex->request.target);
}

bool http_exchange_know_client(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;
    const struct ip *peer = conn->server->is_unix ? NULL : &conn->ip;

    ex->client = conn->ip;
    if (!http_forwarded_client(&conn->server->proxies, peer, http_request_header(&ex->request, "X-Forwarded-For"),
                               &ex->client))
        return false;
    ip_text(&ex->client, ex->peer);
    return true;
}

bool http_exchange_hold(struct http_exchange *ex)
{
    struct http_shares *shares = &ex->connection->server->shares;
    size_t now = ex->request_body.cap + ex->body_len + ex->flow.filling.cap + ex->flow.sending.cap;

    http_shares_move(shares, ex->share, ex->held, now);
    ex->held = now;
    if (ex->most < now)
        ex->most = now;
    return http_shares_fit(shares, ex->share, now);
}

void http_exchange_drop_body(struct http_exchange *ex)
{
    size_t len;

    if (ex->request_body.data == NULL)
        return;
    char *body = buf_detach(&ex->request_body, &len);
    memory_free_apart(ex->connection->server->loop, body, len);
}

static void http_exchange_free(struct http_exchange *ex)
{
    struct http_shares *shares = &ex->connection->server->shares;

    http_shares_move(shares, ex->share, ex->held, 0);
    if (ex->share != NULL)
        http_shares_leave(shares, ex->share);
    http_request_free(&ex->request);
    http_exchange_drop_body(ex);
    buf_free(&ex->headers);
    buf_free(&ex->head);
    buf_free(&ex->flow.filling);
    buf_free(&ex->flow.sending);
    http_filters_close(ex);
    memory_free_apart(ex->connection->server->loop, ex->body, ex->body_len);
    free(ex);
}

void http_exchange_end(struct http_exchange *ex, int status)
{
    const struct http_options *options = &ex->connection->server->options;
    void (*gone)(void *arg) = status == 0 ? ex->gone : NULL;
    void *arg = ex->gone_arg;

    /* A client that left before its head was complete has made no request. */
    if (options->on_done != NULL && *ex->id != '\0')
        options->on_done(ex, status, seam()->monotonic_ns() - ex->started);
    if (gone != NULL)
        gone(arg);
    http_exchange_free(ex);
}
