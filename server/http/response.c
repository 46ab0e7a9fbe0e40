#include "http/response.h"

#include "base/error.h"
#include "base/seam.h"
#include "base/text.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/filter.h"
#include "http/manners.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD_USUAL 256  /* bytes of a head without the owner's headers */
#define DETAIL_MAX 4096 /* bytes of an error's sentence, each bad byte replaced */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Status"; /* clients ignore the phrase (RFC 9112, section 4) */
}

static const char *date_header(struct http_server *server)
{
    time_t now = (time_t)(seam()->wall_ns() / 1000000000);
    struct tm parts;

    if (now != server->date_s && gmtime_r(&now, &parts) != NULL) {
        strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        server->date_s = now;
    }
    return server->date;
}

char *http_error_body(const struct http_exchange *ex, int status, const char *detail, size_t *len)
{
    struct buf clean;
    char *text = NULL;

    buf_init(&clean, DETAIL_MAX);
    if (text_utf8_clean(&clean, detail, strlen(detail), false) == 0 && clean.data != NULL)
        text = ex->manners->error_body(status, clean.data, len);
    buf_free(&clean);
    return text;
}

char *http_error_say(struct http_exchange *ex, int *status, const char *detail, size_t *len)
{
    const struct http_manners *manners = ex->manners;
    struct buf clean;
    char *text = NULL;

    if (manners->error_for == NULL) {
        *status = manners->error_status != NULL ? manners->error_status(*status) : *status;
        return http_error_body(ex, *status, detail, len);
    }
    buf_init(&clean, DETAIL_MAX);
    if (text_utf8_clean(&clean, detail, strlen(detail), false) == 0 && clean.data != NULL)
        text = manners->error_for(ex, status, clean.data, len);
    buf_free(&clean);
    return text;
}

static int add_number(struct buf *out, size_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return buf_append(out, digits + at, sizeof digits - at);
}

static int add_head_line(struct buf *out, const char *name, const char *value)
{
    return buf_puts(out, name) != 0 || buf_puts(out, value) != 0 ? -1 : buf_append(out, "\r\n", 2);
}

/* Without printf, which would take more time than the rest of an answer. */
static int add_head_start(struct http_exchange *ex, const char *type)
{
    struct buf *head = &ex->head;

    if (buf_reserve(head, HEAD_USUAL + ex->headers.len) != 0 || buf_append(head, "HTTP/1.1 ", 9) != 0 ||
        add_number(head, (size_t)ex->status) != 0 || add_head_line(head, " ", reason(ex->status)) != 0 ||
        add_head_line(head, "Date: ", date_header(ex->connection->server)) != 0)
        return -1;
    return type == NULL ? 0 : add_head_line(head, "Content-Type: ", type);
}

static int add_length(struct buf *head, size_t len)
{
    return buf_append(head, "Content-Length: ", 16) != 0 || add_number(head, len) != 0 ? -1
                                                                                       : buf_append(head, "\r\n", 2);
}

static int add_head_end(struct http_exchange *ex, const char *connection)
{
    struct buf *head = &ex->head;

    if (add_head_line(head, "Connection: ", connection) != 0 || add_head_line(head, "X-Request-Id: ", ex->id) != 0 ||
        (ex->headers.len > 0 && buf_append(head, ex->headers.data, ex->headers.len) != 0))
        return -1;
    return buf_append(head, "\r\n", 2);
}

static const char *after_answer(const struct http_exchange *ex)
{
    return ex->keep_alive ? "keep-alive" : "close";
}

static bool status_has_body(int status)
{
    return status != 204 && status != 304;
}

static bool is_head(const struct http_exchange *ex)
{
    const char *method = ex->request.method;

    return method != NULL && strcmp(method, "HEAD") == 0;
}

static void add_usual(struct http_exchange *ex)
{
    http_handler *on_answer = ex->connection->server->options.on_answer;

    if (on_answer != NULL)
        on_answer(ex);
}

/* Instead of the owner's answer. */
static char *error_instead(struct http_exchange *ex, int status, const char *detail, const char **type, size_t *len)
{
    http_filters_close(ex);
    buf_reset(&ex->headers);
    add_usual(ex);
    ex->status = status;
    *type = ex->manners->error_type;
    return http_error_body(ex, status, detail, len);
}

/* What every answer begins with; a `body_len` of -1 is not known. An answer with bad headers is not sent, because
 * without them it could mean something else: the error's body is returned then, else NULL. */
static char *answer_starts(struct http_exchange *ex, const char **type, int64_t body_len, size_t *len)
{
    if (*ex->id == '\0')
        http_exchange_name(ex);
    add_usual(ex);
    if (status_has_body(ex->status))
        http_filters_open(ex, *type, body_len);
    if (!ex->headers_bad)
        return NULL;
    return error_instead(ex, error_status(ERROR_INTERNAL), "Internal error: the answer's headers are not valid", type,
                         len);
}

void http_response_begin(struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    ex->status = status;
    ex->body = body;
    ex->body_len = body != NULL ? len : 0;
    char *instead = answer_starts(ex, &type, (int64_t)ex->body_len, &ex->body_len);
    if (instead != NULL || ex->headers_bad) {
        free(body);
        ex->body = instead;
    }
    ex->head_failed = add_head_start(ex, type) != 0;
}

bool http_response_is_filtered(const struct http_exchange *ex)
{
    return http_filters_work(ex) && !is_head(ex);
}

void http_response_filter(struct http_exchange *ex)
{
    struct buf out;

    if (!http_response_is_filtered(ex))
        return;
    buf_init(&out, ex->connection->server->options.bodies_max);
    ex->filter_failed = http_filters_take(ex, ex->body, ex->body_len, true, &out) != 0;
    free(ex->body);
    ex->body = ex->filter_failed ? NULL : buf_detach(&out, &ex->body_len);
    buf_free(&out);
}

/* The filters had no memory: an error takes the answer's place. */
static int replace_filtered(struct http_exchange *ex)
{
    const char *type;

    buf_reset(&ex->head);
    ex->body = error_instead(ex, error_status(ERROR_MEMORY), ERROR_MEMORY_SENTENCE, &type, &ex->body_len);
    return add_head_start(ex, type);
}

int http_response_build(struct http_exchange *ex)
{
    if (ex->head_failed || (ex->filter_failed && replace_filtered(ex) != 0))
        return -1;
    size_t len = ex->body != NULL ? ex->body_len : 0;
    ex->body_len = status_has_body(ex->status) && !is_head(ex) ? len : 0;
    /* Only a body that was filtered tells how long it is then, and a HEAD has none. */
    if (status_has_body(ex->status) && !(http_filters_work(ex) && is_head(ex)) && add_length(&ex->head, len) != 0)
        return -1;
    return add_head_end(ex, after_answer(ex));
}

int http_response_build_flow(struct http_exchange *ex, int status, const char *type)
{
    struct http_flow *flow = &ex->flow;
    size_t len = 0;
    int rc = 0;

    ex->status = status;
    char *instead = answer_starts(ex, &type, -1, &len);
    bool has_body = status_has_body(ex->status);
    flow->chunked = has_body && ex->request.minor >= 1;
    flow->drops = !has_body || is_head(ex) || ex->headers_bad;
    if (instead != NULL && !is_head(ex))
        rc = buf_append(&flow->filling, instead, len);
    free(instead);
    if (rc != 0 || add_head_start(ex, type) != 0)
        return -1;
    if (flow->chunked && buf_puts(&ex->head, "Transfer-Encoding: chunked\r\n") != 0)
        return -1;
    flow->chunked = flow->chunked && !is_head(ex);
    return add_head_end(ex, after_answer(ex));
}

int http_response_build_switch(struct http_exchange *ex, const char *protocol)
{
    ex->status = 101;
    if (add_head_start(ex, NULL) != 0 || add_head_line(&ex->head, "Upgrade: ", protocol) != 0)
        return -1;
    return add_head_end(ex, "Upgrade");
}
