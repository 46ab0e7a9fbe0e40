/* A check of each line of a request before llhttp reads it. llhttp's releases differ in what they let through (bare CR
 * and LF, folded lines, spaces around names and chunk sizes). Requests can be smuggled if one server lets something
 * through and another does not. So the rules are here, and are the same with each release. */
#ifndef CODECELL_HTTP_REQUEST_SCAN_H
#define CODECELL_HTTP_REQUEST_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum http_line {
    HTTP_LINE_REQUEST, /* visible ASCII and spaces */
    HTTP_LINE_FIELD,   /* a token, a colon at once, then anything but control bytes; or empty */
    HTTP_LINE_CHUNK    /* hex digits, then nothing or an extension; white space before an extension must be accepted
                          (RFC 9112, section 7.1.1) */
};

enum http_scan_result {
    HTTP_SCAN_MORE,
    HTTP_SCAN_LINE, /* the line is complete */
    HTTP_SCAN_BAD,  /* `why` says what is wrong */
    HTTP_SCAN_FULL  /* a byte more than there is room for */
};

struct http_scan {
    size_t room; /* how many bytes may still come, over all lines; of chunk lines only extensions count,
                    because the body bounds the rest */
    enum http_line kind;
    size_t length;   /* bytes of the line so far, without its CRLF */
    size_t mark;     /* FIELD: the name's length; CHUNK: the digits' */
    bool marked;     /* the colon, or the semicolon, was seen */
    bool blank;      /* CHUNK: white space was seen after the digits */
    bool cr;         /* the line's CR was seen */
    const char *why; /* after HTTP_SCAN_BAD: what is wrong, for "Malformed request: …" */
};

void http_scan_start(struct http_scan *scan, enum http_line kind); /* a new line; the room stays */

/* Reads up to the line's LF, that included; `*used` is how many bytes. The result does not depend on how the bytes are
 * cut into pieces. */
enum http_scan_result http_scan(struct http_scan *scan, const char *data, size_t len, size_t *used);

bool http_is_token(const char *text); /* one or more token characters (RFC 9110, section 5.6.2) */

#endif
