#include "http/exchange.h"

#include "base/seam.h"
#include "base/text.h"
#include "http/connection.h"
#include "http/forwarded.h"

#include <assert.h>
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
    buf_init(&ex->headers, HTTP_ANSWER_HEAD / 2);
    buf_init(&ex->head, HTTP_ANSWER_HEAD);
    return ex;
}

bool http_exchange_hold(struct http_exchange *ex)
{
    struct http_shares *shares = &ex->connection->server->shares;
    size_t now = ex->request.body.cap + ex->body_len;

    http_shares_move(shares, ex->share, ex->held, now);
    ex->held = now;
    if (ex->most < now)
        ex->most = now;
    return http_shares_fit(shares, ex->share, now);
}

void http_set_owner(struct http_exchange *ex, int64_t owner)
{
    struct http_connection *conn = ex->connection;

    assert(ex->share == NULL && ex->held == 0);
    struct http_party party = http_party_key(owner);
    ex->share = http_shares_join(&conn->server->shares, &party);
    if (!conn->is_trusted) /* a proxy's connection carries the requests of many */
        http_connection_pass(conn, &party);
}

char *http_claim_body(struct http_exchange *ex, struct http_claim *claim, size_t *len)
{
    struct buf *body = &ex->request.body;
    struct http_server *server = ex->connection->server;

    *claim = (struct http_claim){.server = server, .share = ex->share};
    if (ex->share != NULL)
        ex->share->users++;
    server->shares.claims++;
    http_claim_set(claim, body->cap);
    *len = 0;
    char *text = buf_detach(body, len);
    http_exchange_hold(ex);
    return text;
}

bool http_claim_set(struct http_claim *claim, size_t bytes)
{
    struct http_shares *shares = &claim->server->shares;

    http_shares_move(shares, claim->share, claim->bytes, bytes);
    claim->bytes = bytes;
    return http_shares_fit(shares, claim->share, bytes);
}

void http_claim_close(struct http_claim *claim)
{
    struct http_server *server = claim->server;

    if (server == NULL)
        return;
    http_claim_set(claim, 0);
    if (claim->share != NULL)
        http_shares_leave(&server->shares, claim->share);
    claim->server = NULL;
    server->shares.claims--;
    http_server_release(server);
}

size_t http_held(const struct http_exchange *ex)
{
    return ex->most;
}

static void exchange_free(struct http_exchange *ex)
{
    struct http_shares *shares = &ex->connection->server->shares;

    http_shares_move(shares, ex->share, ex->held, 0);
    if (ex->share != NULL)
        http_shares_leave(shares, ex->share);
    http_request_free(&ex->request);
    buf_free(&ex->headers);
    buf_free(&ex->head);
    free(ex->body);
    free(ex);
}

void http_exchange_end(struct http_exchange *ex, int status)
{
    const struct http_options *options = &ex->connection->server->options;
    void (*gone)(void *arg) = status == 0 ? ex->gone : NULL;
    void *arg = ex->gone_arg;

    /* Of a client that left before its head was complete there is nothing to tell. */
    if (options->on_done != NULL && *ex->id != '\0')
        options->on_done(ex, status, seam()->monotonic_ns() - ex->started);
    if (gone != NULL)
        gone(arg);
    exchange_free(ex);
}

static bool is_id(const char *text)
{
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(text);
    return len >= 1 && len <= HTTP_ID_MAX && strspn(text, legal) == len;
}

const char *http_request_id(const struct http_exchange *ex)
{
    return ex->id;
}

void *http_data(const struct http_exchange *ex)
{
    return ex->connection->server->options.data;
}

const struct http_route *http_route(const struct http_exchange *ex)
{
    return ex->match.route;
}

const char *http_method(const struct http_exchange *ex)
{
    return ex->request.method;
}

const char *http_path(const struct http_exchange *ex)
{
    return ex->request.target.path;
}

const char *http_param(const struct http_exchange *ex, const char *name)
{
    for (unsigned i = 0; i < ex->match.count; i++) {
        const struct http_param *param = &ex->match.params[i];
        if (strlen(name) == param->name_len && memcmp(name, param->name, param->name_len) == 0)
            return param->value;
    }
    return NULL;
}

const char *http_query(const struct http_exchange *ex, const char *name)
{
    return http_target_query(&ex->request.target, name);
}

const char *http_header(const struct http_exchange *ex, const char *name)
{
    return http_request_header(&ex->request, name);
}

const char *http_body(const struct http_exchange *ex, size_t *len)
{
    *len = ex->request.body.len;
    return ex->request.body.data != NULL ? ex->request.body.data : "";
}

int64_t http_content_length(const struct http_exchange *ex)
{
    return ex->request.content_length;
}

uint64_t http_arrived(const struct http_exchange *ex)
{
    return ex->arrived;
}

const char *http_peer(const struct http_exchange *ex)
{
    return *ex->peer != '\0' ? ex->peer : ex->connection->address;
}

struct ip http_client(const struct http_exchange *ex)
{
    return ex->client;
}

bool http_is_direct_local(const struct http_exchange *ex)
{
    static const char *const marks[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};
    const struct http_connection *conn = ex->connection;

    if (conn->server->is_unix || conn->is_trusted) /* who connects there is most often a proxy */
        return false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (http_header(ex, marks[i]) != NULL)
            return false;
    return ip_is_loopback(&conn->ip);
}

void http_exchange_know_client(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;
    const struct ip *peer = conn->server->is_unix ? NULL : &conn->ip;

    ex->client = conn->ip;
    if (!http_forwarded_client(&conn->server->proxies, peer, http_header(ex, "X-Forwarded-For"), &ex->client))
        return;
    ip_text(&ex->client, ex->peer);
    struct http_party party = http_party_address(&ex->client);
    http_connection_pass(conn, &party);
}

void http_set_user(struct http_exchange *ex, void *user)
{
    ex->user = user;
}

void *http_user(const struct http_exchange *ex)
{
    return ex->user;
}

void http_on_gone(struct http_exchange *ex, void (*gone)(void *arg), void *arg)
{
    ex->gone = gone;
    ex->gone_arg = arg;
    http_presence_watch(ex->connection);
}

void http_exchange_name(struct http_exchange *ex)
{
    const char *id = http_header(ex, "X-Request-Id");

    if (id != NULL && is_id(id))
        memcpy(ex->id, id, strlen(id) + 1);
    else
        text_uuid(ex->id);
}
