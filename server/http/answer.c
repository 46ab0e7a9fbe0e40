#include "http/answer.h"

#include "base/container_of.h"
#include "base/error.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/linger.h"
#include "http/manners.h"
#include "http/pack.h"
#include "http/response.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

void http_header_add(struct http_exchange *ex, const char *name, const char *format, ...)
{
    size_t before = ex->headers.len;
    va_list args;

    va_start(args, format);
    if (buf_printf(&ex->headers, "%s: ", name) != 0 || buf_vprintf(&ex->headers, format, args) != 0 ||
        has_control(ex->headers.data + before, ex->headers.len - before) || buf_puts(&ex->headers, "\r\n") != 0)
        ex->headers_bad = true;
    va_end(args);
}

const char *http_header_added(const struct http_exchange *ex, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = ex->headers.data; line != NULL && *line != '\0';) {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 2;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return NULL;
}

bool http_header_is_added(const struct http_exchange *ex, const char *name)
{
    return http_header_added(ex, name) != NULL;
}

void http_header_drop(struct http_exchange *ex, const char *name)
{
    struct buf *headers = &ex->headers;
    size_t len = strlen(name), kept = 0;

    if (ex->headers_bad) /* the answer has none of them */
        return;
    for (size_t at = 0, next; at < headers->len; at = next) {
        const char *line = headers->data + at;
        next = at + (size_t)((const char *)memchr(line, '\n', headers->len - at) - line) + 1;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            continue;
        memmove(headers->data + kept, line, next - at);
        kept += next - at;
    }
    headers->len = kept;
}

void http_answer_finish(struct http_exchange *ex, int status)
{
    struct http_connection *conn = ex->connection;
    bool keep = ex->keep_alive;

    conn->exchange = NULL;
    http_exchange_end(ex, status == 0 ? ex->status : 0);
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    if (status != 0) {
        http_connection_close(conn);
    } else if (keep && conn->server->state == HTTP_SERVING) {
        http_connection_set(conn, HTTP_CONN_IDLE);
        conn->proceed(conn);
    } else {
        http_linger(conn);
    }
}

static void on_answered(struct http_write *write, int status)
{
    http_answer_finish(container_of(write, struct http_exchange, write), status);
}

/* A connection stays open only if the request was read to its end and both sides want that. */
static bool may_keep_alive(const struct http_connection *conn)
{
    const struct http_request *request = &conn->exchange->request;
    bool read =
        conn->state == HTTP_CONN_WORKING || (conn->state == HTTP_CONN_ADMITTING && !http_request_has_body(request));

    return read && request->keep_alive && conn->server->state == HTTP_SERVING;
}

/* What the client has yet to send of the request. 0: it need not send more, or the end of the request is unknown. */
static uint64_t unread(const struct http_connection *conn)
{
    const struct http_request *request = &conn->exchange->request;
    bool begun = conn->state == HTTP_CONN_BODY;
    bool asked = request->expects && !begun && conn->input_len == 0 && conn->pending.len == 0;

    if ((!begun && conn->state != HTTP_CONN_ADMITTING) || !http_request_has_body(request) || asked)
        return 0;
    if (request->failure == ERROR_INVALID || request->failure == ERROR_SLOW)
        return 0;
    return request->chunked ? HTTP_UNREAD_UNKNOWN : request->left;
}

void http_answer_start(struct http_exchange *ex, enum http_state state)
{
    struct http_connection *conn = ex->connection;

    assert(conn->state != HTTP_CONN_FLOWING && http_connection_may(conn, state));
    ex->keep_alive = may_keep_alive(conn);
    conn->unread = unread(conn);
}

void http_respond(struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    http_answer_start(ex, HTTP_CONN_ANSWERING);
    ex->gone = NULL;
    http_response_begin(ex, status, type, body, len);
    http_exchange_hold(ex);
    if (http_pack_start(ex))
        return;
    http_response_filter(ex);
    http_answer_send(ex);
}

void http_answer_send(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;

    ex->keep_alive = ex->keep_alive && conn->server->state == HTTP_SERVING;
    if (http_response_build(ex) != 0 || conn->peer == HTTP_PEER_LOST) {
        http_connection_close(conn);
        return;
    }
    http_exchange_hold(ex);
    /* Without what presence.c has sent ahead. */
    uv_buf_t parts[2] = {{.base = ex->head.data + ex->probes, .len = ex->head.len - ex->probes},
                         {.base = ex->body, .len = ex->body_len}};
    ex->write.done = on_answered;
    if (conn->transport->kind->write(conn->transport, &ex->write, parts, ex->body_len > 0 ? 2 : 1) != 0) {
        http_connection_close(conn);
        return;
    }
    http_connection_set(conn, HTTP_CONN_ANSWERING);
    conn->untaken = conn->transport->kind->untaken(conn->transport);
}

/* The owner of a body that flows keeps a pointer to the exchange, and the server itself answers now. */
static void dismiss_owner(struct http_exchange *ex)
{
    void (*gone)(void *arg) = ex->on_piece != NULL ? ex->gone : NULL;

    if (gone == NULL)
        return;
    ex->gone = NULL;
    gone(ex->gone_arg);
}

void http_refuse(struct http_exchange *ex)
{
    const struct http_request *request = &ex->request;

    dismiss_owner(ex);

    if (ex->connection->state == HTTP_CONN_HEAD) /* the target may be known already */
        http_exchange_behave(ex);
    if (error_status(request->failure) == 503)
        http_header_add(ex, "Retry-After", "1");
    if (request->failure == ERROR_MEDIA_TYPE)
        http_header_add(ex, "Accept-Encoding", "identity");
    http_exchange_drop_body(ex); /* nothing needs it any more, and the answer may wait for its client */
    http_respond_error(ex, error_status(request->failure), request->detail);
}

void http_check_pace(struct http_exchange *ex)
{
    struct http_connection *conn = ex->connection;
    size_t now = conn->transport->kind->untaken(conn->transport);

    if (now + HTTP_PACE > conn->untaken) {
        http_connection_close(conn);
        return;
    }
    conn->untaken = now;
    http_connection_arm(conn);
}

void http_respond_error(struct http_exchange *ex, int status, const char *detail)
{
    size_t len = 0;
    char *body = http_error_say(ex, &status, detail, &len);

    if (body != NULL)
        http_respond(ex, status, ex->manners->error_type, body, len);
    else
        http_respond(ex, error_status(ERROR_MEMORY), NULL, NULL, 0);
}
