#include "http/request_scan.h"

#include <string.h>

#define CHUNK_DIGITS_MAX 16 /* 64 bits; more leading zeros are only useful to be read in another way elsewhere */

static bool is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_tchar(unsigned char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_hex_digit(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

bool http_is_token(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (!is_tchar((unsigned char)*text))
            return false;
    }
    return true;
}

void http_scan_start(struct http_scan *scan, enum http_line kind)
{
    *scan = (struct http_scan){.kind = kind, .room = scan->room};
}

static const char *scan_request(unsigned char c)
{
    return c >= ' ' && c < 0x7f ? NULL : "a byte in the request line that is not visible ASCII";
}

static const char *scan_field(struct http_scan *scan, unsigned char c)
{
    if (scan->marked)
        return NULL;
    if (c == ':' && scan->length > 0) {
        scan->marked = true;
        return NULL;
    }
    scan->mark++;
    if (scan->length == 0 && (c == ' ' || c == '\t'))
        return "a folded header line";
    return is_tchar(c) ? NULL : "a header name that is not a token directly followed by a colon";
}

static const char *scan_chunk(struct http_scan *scan, unsigned char c)
{
    if (scan->marked)
        return NULL;
    if (c == ';' && scan->mark > 0) {
        scan->marked = true;
        return NULL;
    }
    if ((c == ' ' || c == '\t') && scan->mark > 0) {
        scan->blank = true;
        return NULL;
    }
    scan->mark++;
    return is_hex_digit(c) && !scan->blank && scan->mark <= CHUNK_DIGITS_MAX
               ? NULL
               : "a chunk size that is not a hexadecimal number";
}

static const char *scan_end(const struct http_scan *scan)
{
    if (scan->kind == HTTP_LINE_FIELD && scan->length > 0 && !scan->marked)
        return "a header line without a colon";
    if (scan->kind == HTTP_LINE_CHUNK && (scan->mark == 0 || (scan->blank && !scan->marked)))
        return "a chunk size that is not a hexadecimal number";
    return NULL;
}

static const char *scan_byte(struct http_scan *scan, unsigned char c)
{
    const char *why;

    if (c == '\n')
        return "a line feed without its carriage return";
    if ((c < ' ' && c != '\t') || c == 0x7f)
        return "a control byte";
    if (scan->kind == HTTP_LINE_REQUEST)
        why = scan_request(c);
    else if (scan->kind == HTTP_LINE_FIELD)
        why = scan_field(scan, c);
    else
        why = scan_chunk(scan, c);
    scan->length++;
    return why;
}

enum http_scan_result http_scan(struct http_scan *scan, const char *data, size_t len, size_t *used)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        bool counts = scan->kind != HTTP_LINE_CHUNK || scan->marked || scan->blank;
        *used = i;
        if (counts && scan->room == 0)
            return HTTP_SCAN_FULL;
        scan->room -= counts;
        *used = i + 1;
        if (scan->cr) {
            if (c == '\n')
                return HTTP_SCAN_LINE;
            scan->why = "a carriage return without its line feed";
        } else if (c == '\r') {
            scan->cr = true;
            scan->why = scan_end(scan);
        } else {
            scan->why = scan_byte(scan, c);
        }
        if (scan->why != NULL)
            return HTTP_SCAN_BAD;
    }
    *used = len;
    return HTTP_SCAN_MORE;
}
