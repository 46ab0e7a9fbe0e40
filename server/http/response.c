#include "http/response.h"

#include "base/json.h"
#include "base/seam.h"
#include "base/text.h"
#include "http/connection.h"
#include "http/exchange_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DETAIL_MAX 4096 /* bytes of an error's sentence, each bad byte replaced */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
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
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
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

char *http_error_body(const char *detail, size_t *len)
{
    struct buf clean;
    char *text = NULL;

    buf_init(&clean, DETAIL_MAX);
    if (text_utf8_clean(&clean, detail, strlen(detail), false) != 0 || clean.data == NULL) {
        buf_free(&clean);
        return NULL;
    }
    json_t *object = json_pack("{s:s%}", "detail", clean.data, clean.len);
    if (object != NULL)
        text = json_text(object, len);
    json_decref(object);
    buf_free(&clean);
    return text;
}

static int build_head(struct http_exchange *ex, const char *type, size_t len)
{
    struct buf *head = &ex->head;
    bool bodiless = ex->status == 204 || ex->status == 304;

    if (buf_printf(head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", ex->status, reason(ex->status),
                   date_header(ex->connection->server)) != 0)
        return -1;
    if (type != NULL && buf_printf(head, "Content-Type: %s\r\n", type) != 0)
        return -1;
    if (!bodiless && buf_printf(head, "Content-Length: %zu\r\n", len) != 0)
        return -1;
    return buf_printf(head, "Connection: %s\r\nX-Request-Id: %s\r\n%.*s\r\n", ex->keep_alive ? "keep-alive" : "close",
                      ex->id, (int)ex->headers.len, ex->headers.len > 0 ? ex->headers.data : "");
}

/* An answer with bad headers is not sent, because without them it could mean something else. */
static void replace_bad(struct http_exchange *ex, const char **type, size_t *len)
{
    buf_reset(&ex->headers);
    free(ex->body);
    ex->status = 500;
    *type = "application/json";
    ex->body = http_error_body("Internal error: the answer's headers are not valid", len);
}

int http_response_build(struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    const char *method = http_method(ex);

    ex->status = status;
    ex->body = body;
    if (*ex->id == '\0')
        http_exchange_name(ex);
    if (ex->headers_bad)
        replace_bad(ex, &type, &len);
    bool left_out = ex->status == 204 || ex->status == 304 || (method != NULL && strcmp(method, "HEAD") == 0);
    ex->body_len = left_out || ex->body == NULL ? 0 : len;
    return build_head(ex, type, ex->body == NULL ? 0 : len);
}
