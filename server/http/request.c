#include "http/request.h"

#include "http/listener.h"
#include "http/request_head.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_EXTRA 64 /* for NULs and for what joining adds, beyond three times the head */

enum http_progress http_request_fail(struct http_request *request, enum error_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(request->detail, sizeof request->detail, format, args);
    va_end(args);
    request->failure = code;
    request->phase = HTTP_PHASE_END;
    return HTTP_FAILED;
}

static enum http_progress headers_too_large(struct http_request *request)
{
    return http_request_fail(request, ERROR_HEADERS, "Headers: must be at most %zu bytes in all",
                             request->limits->header_max);
}

static enum http_progress body_too_large(struct http_request *request)
{
    return http_request_fail(request, ERROR_TOO_LARGE, "Body: must be at most %llu bytes",
                             (unsigned long long)request->body_max);
}

int http_request_out_of_memory(struct http_request *request)
{
    http_request_fail(request, ERROR_MEMORY, "%s", ERROR_MEMORY_SENTENCE);
    return -1;
}

static int add_header(struct http_request *request)
{
    if (request->count == request->room) {
        unsigned room = request->room == 0 ? 16 : request->room * 2; /* `fields` bounds it by header_count */
        struct http_header *headers = realloc(request->headers, room * sizeof *headers);
        if (headers == NULL)
            return -1;
        request->headers = headers;
        request->room = room;
    }
    request->headers[request->count++] = (struct http_header){.name = request->text.len};
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *request = parser->data;

    if (!request->in_name && add_header(request) != 0)
        return http_request_out_of_memory(request);
    request->in_name = true;
    return buf_append(&request->text, at, len) == 0 ? 0 : http_request_out_of_memory(request);
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    request->in_name = false;
    if (buf_append(&request->text, "", 1) != 0)
        return http_request_out_of_memory(request);
    request->headers[request->count - 1].value = request->text.len;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *request = parser->data;

    return buf_append(&request->text, at, len) == 0 ? 0 : http_request_out_of_memory(request);
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;
    struct buf *text = &request->text;

    while (text->len > request->headers[request->count - 1].value &&
           (text->data[text->len - 1] == ' ' || text->data[text->len - 1] == '\t'))
        text->len--;
    return buf_append(text, "", 1) == 0 ? 0 : http_request_out_of_memory(request);
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    if (http_head_check(request) != 0)
        return -1;
    parser->upgrade = 0; /* llhttp must go on: an Upgrade is the handler's to take (upgrade.h) */
    return 0;
}

static int on_chunk_header(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    request->left = parser->content_length;
    return 0;
}

static int on_request_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_request *request = parser->data;

    assert(request->piece_len == 0); /* what is parsed at a time has at most one stretch of content */
    request->piece = at;
    request->piece_len = len;
    request->taken += len;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    request->done = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_request_body,
    .on_message_complete = on_message_complete,
};

void http_request_init(struct http_request *request, const struct http_options *limits)
{
    memset(request, 0, sizeof *request);
    request->limits = limits;
    request->body_max = limits->body_max;
    request->content_length = -1;
    buf_init(&request->text, 3 * limits->header_max + TEXT_EXTRA);
    llhttp_init(&request->parser, HTTP_REQUEST, &settings);
    request->parser.data = request;
    request->scan.room = limits->header_max;
    http_scan_start(&request->scan, HTTP_LINE_REQUEST);
}

void http_request_free(struct http_request *request)
{
    buf_free(&request->text);
    http_target_free(&request->target);
    free(request->headers);
}

/* Gives bytes to llhttp, which never sees bytes that were not scanned. */
static int parse_request(struct http_request *request, const char *data, size_t len)
{
    llhttp_errno_t error = llhttp_execute(&request->parser, data, len);

    if (request->failure != ERROR_NONE)
        return -1;
    if (error == HPE_OK)
        return 0;
    switch ((int)error) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
        http_request_fail(request, ERROR_INVALID, "Malformed request: the headers do not say where the body ends");
        break;
    default:
        http_request_fail(request, ERROR_INVALID, "Malformed request: not HTTP/1.1");
    }
    return -1;
}

/* Whether the scanner accepts the line so far; else the request has failed. */
static bool passed(struct http_request *request, enum http_scan_result result)
{
    if (result == HTTP_SCAN_FULL)
        headers_too_large(request);
    else if (result == HTTP_SCAN_BAD)
        http_request_fail(request, ERROR_INVALID, "Malformed request: %s", request->scan.why);
    return request->failure == ERROR_NONE;
}

static void take_bytes(const char **data, size_t *len, size_t used)
{
    *data += used;
    *len -= used;
}

static int check_line(struct http_request *request)
{
    struct buf *line = &request->text;

    line->data[line->len - 2] = '\0';
    if (http_head_check_line(request, line->data) != 0)
        return -1;
    line->data[line->len - 2] = '\r';
    return parse_request(request, line->data, line->len);
}

/* The request line does not fit: its target is too long, or it has none. */
static void line_too_long(struct http_request *request)
{
    struct buf *line = &request->text;

    if (line->len == 0)
        headers_too_large(request);
    else if (memchr(line->data, ' ', line->len) != NULL)
        http_request_fail(request, ERROR_TARGET,
                          "Target: must be shorter, because the head may have at most %zu bytes in all",
                          request->limits->header_max);
    else if (http_is_token(line->data))
        http_request_fail(request, ERROR_NOT_IMPLEMENTED, "Method not implemented: %.20s…", line->data);
    else
        http_request_fail(request, ERROR_INVALID, "Malformed request: a method that is not a token");
}

static void read_line(struct http_request *request, const char **data, size_t *len)
{
    size_t used;
    enum http_scan_result result = http_scan(&request->scan, *data, *len, &used);

    if (buf_append(&request->text, *data, used) != 0) {
        http_request_out_of_memory(request);
        return;
    }
    if (result == HTTP_SCAN_FULL) {
        line_too_long(request);
        return;
    }
    if (!passed(request, result))
        return;
    take_bytes(data, len, used);
    if (result == HTTP_SCAN_MORE)
        return;
    if (request->scan.length == 0) { /* an empty line before the request (RFC 9112, section 2.2) */
        buf_reset(&request->text);
        http_scan_start(&request->scan, HTTP_LINE_REQUEST);
        return;
    }
    if (check_line(request) != 0)
        return;
    request->phase = HTTP_PHASE_FIELDS;
    http_scan_start(&request->scan, HTTP_LINE_FIELD);
}

/* Reads one header line, or a piece of it. True: it was the empty line at the end. */
static bool read_header_line(struct http_request *request, const char **data, size_t *len)
{
    size_t used;
    bool begins = request->scan.length == 0 && !request->scan.cr && **data != '\r';

    if (begins && ++request->fields > request->limits->header_count) {
        http_request_fail(request, ERROR_HEADERS, "Too many header fields: at most %u", request->limits->header_count);
        return false;
    }
    enum http_scan_result result = http_scan(&request->scan, *data, *len, &used);
    /* A byte that llhttp refuses counts before one that there is no room for, because it came first. */
    if (result != HTTP_SCAN_BAD && request->phase == HTTP_PHASE_FIELDS && parse_request(request, *data, used) != 0)
        return false;
    if (!passed(request, result))
        return false;
    take_bytes(data, len, used);
    if (result == HTTP_SCAN_MORE)
        return false;
    bool empty = request->scan.length == 0;
    http_scan_start(&request->scan, HTTP_LINE_FIELD);
    return empty;
}

static void body_start(struct http_request *request)
{
    if (!http_request_has_body(request)) {
        request->phase = HTTP_PHASE_END;
    } else if (request->chunked) {
        request->phase = HTTP_PHASE_SIZE;
        http_scan_start(&request->scan, HTTP_LINE_CHUNK);
    } else {
        request->phase = HTTP_PHASE_DATA;
        request->left = (uint64_t)request->content_length;
    }
}

enum http_progress http_request_head(struct http_request *request, const char **data, size_t *len)
{
    while (*len > 0 && request->failure == ERROR_NONE) {
        if (request->phase == HTTP_PHASE_LINE) {
            read_line(request, data, len);
        } else if (read_header_line(request, data, len)) {
            body_start(request);
            return HTTP_READY;
        }
    }
    return request->failure != ERROR_NONE ? HTTP_FAILED : HTTP_MORE;
}

/* Reads a chunk's size line. llhttp gets the digits alone, because an extension means nothing to us and the releases
 * differ in the extensions that they understand. */
static void read_size(struct http_request *request, const char **data, size_t *len)
{
    size_t used;
    size_t mark = request->scan.mark;
    enum http_scan_result result = http_scan(&request->scan, *data, *len, &used);

    if (!passed(request, result))
        return;
    memcpy(request->digits + mark, *data, request->scan.mark - mark);
    take_bytes(data, len, used);
    if (result == HTTP_SCAN_MORE)
        return;
    if (parse_request(request, request->digits, request->scan.mark) != 0 || parse_request(request, "\r\n", 2) != 0)
        return;
    if (request->left > request->body_max - request->taken) {
        body_too_large(request);
        return;
    }
    request->phase = request->left == 0 ? HTTP_PHASE_TRAILERS : HTTP_PHASE_DATA;
    request->left += 2; /* its CRLF */
    http_scan_start(&request->scan, HTTP_LINE_FIELD);
}

static void read_data(struct http_request *request, const char **data, size_t *len)
{
    size_t used = *len < request->left ? *len : (size_t)request->left;

    if (parse_request(request, *data, used) != 0)
        return;
    take_bytes(data, len, used);
    request->left -= used;
    if (request->left > 0)
        return;
    request->phase = request->chunked ? HTTP_PHASE_SIZE : HTTP_PHASE_END;
    http_scan_start(&request->scan, HTTP_LINE_CHUNK);
}

/* Trailers are checked, counted and dropped. Nothing here needs them, and a trailer that is merged into the head could
 * change its meaning. llhttp gets none of them, because its releases differ about some. */
static void read_trailer(struct http_request *request, const char **data, size_t *len)
{
    if (read_header_line(request, data, len) && parse_request(request, "\r\n", 2) == 0)
        request->phase = HTTP_PHASE_END;
}

enum http_progress http_request_body(struct http_request *request, const char **data, size_t *len)
{
    request->piece_len = 0;
    while (*len > 0 && request->phase != HTTP_PHASE_END && request->piece_len == 0) {
        if (request->phase == HTTP_PHASE_SIZE)
            read_size(request, data, len);
        else if (request->phase == HTTP_PHASE_DATA)
            read_data(request, data, len);
        else
            read_trailer(request, data, len);
    }
    if (request->failure == ERROR_NONE && request->piece_len > 0)
        return HTTP_PIECE;
    if (request->failure == ERROR_NONE && request->phase == HTTP_PHASE_END && !request->done)
        http_request_fail(request, ERROR_INVALID, "Malformed request: a body without its end");
    if (request->failure != ERROR_NONE)
        return HTTP_FAILED;
    return request->phase == HTTP_PHASE_END ? HTTP_READY : HTTP_MORE;
}

bool http_request_has_body(const struct http_request *request)
{
    return request->chunked || request->content_length > 0;
}

/* Whether every coding of the list is "identity", or there is none. */
static bool is_identity(const char *codings)
{
    while (*codings != '\0') {
        size_t item = strcspn(codings, ", \t");
        if (item > 0 && (item != strlen("identity") || strncasecmp(codings, "identity", item) != 0))
            return false;
        codings += item + strspn(codings + item, ", \t");
    }
    return true;
}

enum http_progress http_request_check_body(struct http_request *request)
{
    const char *codings = http_request_header(request, "Content-Encoding");

    if (!http_request_has_body(request))
        return HTTP_MORE;
    if (request->content_length > 0 && (uint64_t)request->content_length > request->body_max)
        return body_too_large(request);
    if (codings != NULL && !is_identity(codings))
        return http_request_fail(request, ERROR_MEDIA_TYPE,
                                 "Content-Encoding: must be identity, because bodies are taken as they are");
    return HTTP_MORE;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->count; i++) {
        if (strcasecmp(request->text.data + request->headers[i].name, name) == 0)
            return request->text.data + request->headers[i].value;
    }
    return NULL;
}
