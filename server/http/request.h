/* One request, read from bytes: head, then body. It knows no socket, so that a test or a fuzzer can feed it. The way in
 * which the bytes are cut changes nothing in what it says. The body is not kept here. */
#ifndef CODECELL_HTTP_REQUEST_H
#define CODECELL_HTTP_REQUEST_H

#include "base/buf.h"
#include "base/error.h"
#include "http/request_scan.h"
#include "http/request_target.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_options;

enum http_progress {
    HTTP_MORE,  /* all was read, it goes on */
    HTTP_PIECE, /* the body goes on with the bytes of `piece`; ask again */
    HTTP_READY, /* the head, or the body, is complete; what follows it was not read */
    HTTP_FAILED /* failure and detail say why; nothing more can be read */
};

enum http_phase {
    HTTP_PHASE_LINE,     /* the request line, and empty lines before it */
    HTTP_PHASE_FIELDS,   /* headers */
    HTTP_PHASE_SIZE,     /* a chunk's size line */
    HTTP_PHASE_DATA,     /* content, or a chunk's content and its CRLF */
    HTTP_PHASE_TRAILERS, /* headers after the last chunk; they are checked, counted and dropped */
    HTTP_PHASE_END
};

struct http_header {
    size_t name, value; /* offsets into text */
};

struct http_request {
    const struct http_options *limits; /* header_max, header_count */
    uint64_t body_max;                 /* bytes; the options' unless its owner says another (http_body_limit) */
    llhttp_t parser;
    enum http_phase phase;
    struct http_scan scan; /* its room: header_max, less all lines that came (chunk sizes excepted) */
    struct buf text;       /* the headers' strings, each with a NUL; before them the request line */
    struct http_header *headers;
    unsigned count, room; /* headers in use and allocated */
    unsigned fields;      /* header lines begun, trailers too: at most header_count */
    bool in_name;         /* llhttp is between a name's first byte and its colon */
    char digits[17];      /* a chunk's size */
    uint64_t left;        /* DATA: bytes until its end */
    bool done;            /* llhttp says that the message is complete */
    const char *piece;    /* of the body, decoded, within the data that was given */
    size_t piece_len;
    uint64_t taken; /* bytes of the body, in all pieces */
    struct http_target target;

    /* Known with the head. */
    const char *method;     /* one of ours, static; NULL while unknown */
    unsigned minor;         /* HTTP/1.minor: 0 or 1 */
    int64_t content_length; /* -1: chunked or none */
    bool chunked;
    bool keep_alive; /* the client wants it */
    bool expects;    /* 100-continue */

    /* After HTTP_FAILED. */
    enum error_code failure; /* ERROR_NONE: it has not failed */
    char detail[160];
};

void http_request_init(struct http_request *request, const struct http_options *limits);
void http_request_free(struct http_request *request);

/* Each takes bytes from the front of `*data`, and moves it on. The body is read after the head was ready, and only if
 * http_request_has_body(). */
enum http_progress http_request_head(struct http_request *request, const char **data, size_t *len);
enum http_progress http_request_body(struct http_request *request, const char **data, size_t *len);

bool http_request_has_body(const struct http_request *request);

/* Checks what the head says of the body before the body is read: ERROR_TOO_LARGE if the content length exceeds
 * body_max, ERROR_MEDIA_TYPE if the body is encoded (RFC 9110, section 8.4). HTTP_MORE: it may be read. */
enum http_progress http_request_check_body(struct http_request *request);

const char *http_request_header(const struct http_request *request, const char *name); /* any case, NULL */

enum http_progress http_request_fail(struct http_request *request, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int http_request_out_of_memory(struct http_request *request); /* fails it; -1 */

#endif
