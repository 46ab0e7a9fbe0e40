#include "http/exchange.h"

#include "base/pace.h"
#include "base/seam.h"
#include "http/answer.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/presence.h"

#include <assert.h>
#include <string.h>

void http_set_owner(struct http_exchange *ex, int64_t owner)
{
    struct http_connection *conn = ex->connection;

    assert(ex->share == NULL && ex->held == 0);
    struct http_party party = http_party_key(owner);
    ex->share = http_shares_join(&conn->server->shares, &party);
    if (!conn->is_trusted) /* a proxy's connection carries the requests of many */
        http_connection_pass(conn, &party);
}

size_t http_held(const struct http_exchange *ex)
{
    return ex->most;
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

const struct http_manners *http_manners(const struct http_exchange *ex)
{
    return ex->manners;
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
    *len = ex->request_body.len;
    return ex->request_body.data != NULL ? ex->request_body.data : "";
}

const char *http_allowed(const struct http_exchange *ex)
{
    return ex->match.allow;
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

bool http_is_direct_local(const struct http_exchange *ex)
{
    static const char *const marks[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};
    const struct http_connection *conn = ex->connection;

    if (conn->server->is_unix || conn->is_trusted) /* its peer is most often a proxy */
        return false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (http_header(ex, marks[i]) != NULL)
            return false;
    return ip_is_loopback(&conn->ip);
}

bool http_is_open(const struct http_exchange *ex)
{
    return ex->connection->peer == HTTP_PEER_HERE && ex->connection->reading;
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

static void on_interim(struct http_write *write, int status)
{
    (void)write; /* if it failed, reading will fail too */
    (void)status;
}

static void send_continue(struct http_connection *conn)
{
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t part = {.base = text, .len = sizeof text - 1};

    conn->interim.done = on_interim;
    conn->transport->kind->write(conn->transport, &conn->interim, &part, 1);
}

/* Work for large bodies and answers makes room between keys that ask at the same time. */
static void note_key(struct http_exchange *ex)
{
    uint64_t now = seam()->monotonic_ns();

    if (http_inflow_see(&ex->connection->server->inflow, &ex->share->owner, now))
        pace_share(now + HTTP_INFLOW_COMPANY_NS);
}

void http_admit(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;
    size_t arrived = conn->running ? conn->input_len : conn->pending.len;

    assert(conn->state == HTTP_CONN_ADMITTING);
    if (ex->share == NULL) {
        struct http_party party = http_party_address(&ex->client);
        ex->share = http_shares_join(&conn->server->shares, &party);
    }
    if (ex->share != NULL && ex->share->owner.is_key)
        note_key(ex);
    if (conn->peer == HTTP_PEER_LOST) {
        http_connection_close(conn);
        return;
    }
    if (http_request_check_body(&ex->request) == HTTP_FAILED) {
        http_refuse(ex);
        return;
    }
    if (ex->request.expects && http_request_has_body(&ex->request) && arrived == 0)
        send_continue(conn);
    http_connection_set(conn, HTTP_CONN_BODY);
    conn->proceed(conn);
}
