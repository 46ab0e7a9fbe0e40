/* What a request may look like, as the parser sees it, whole and byte by byte: the answers must agree. */
#include "unit.h"

#include "http/listener.h"
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define H "Host: x\r\n"

static const struct http_options limits = {.header_max = 512, .header_count = 8, .body_max = 32};

static char body[256]; /* of the request that was fed last */

static enum http_progress take_body(struct http_request *request, const char **at, size_t *left)
{
    enum http_progress progress;

    while ((progress = http_request_body(request, at, left)) == HTTP_PIECE) {
        size_t len = strlen(body);
        assert_true(len + request->piece_len < sizeof body);
        memcpy(body + len, request->piece, request->piece_len);
        body[len + request->piece_len] = '\0';
    }
    return progress;
}

/* Reads a request in pieces of `piece` bytes; what was left unread is in `*rest`. */
static enum http_progress feed(struct http_request *request, const char *data, size_t len, size_t piece, size_t *rest)
{
    enum http_progress progress = HTTP_MORE;
    bool head = true;
    *body = '\0';

    while (progress == HTTP_MORE && len > 0) {
        const char *at = data;
        size_t left = len < piece ? len : piece;
        size_t given = left;
        if (head) {
            progress = http_request_head(request, &at, &left);
            if (progress == HTTP_READY) {
                head = false;
                if (http_request_check_body(request) == HTTP_FAILED)
                    return HTTP_FAILED;
                progress = http_request_has_body(request) ? HTTP_MORE : HTTP_READY;
            }
        } else {
            progress = take_body(request, &at, &left);
        }
        data += given - left;
        len -= given - left;
    }
    *rest = len;
    return progress;
}

static int status_of(const char *data, size_t len, size_t piece)
{
    struct http_request request;
    size_t rest = 0;

    http_request_init(&request, &limits);
    enum http_progress progress = feed(&request, data, len, piece, &rest);
    int status = progress == HTTP_READY ? 200 : progress == HTTP_MORE ? 0 : error_status(request.failure);
    if (progress == HTTP_FAILED)
        assert_true(strlen(request.detail) > 10);
    http_request_free(&request);
    return status;
}

struct one {
    int status; /* 200: complete, 0: not yet, else refused */
    const char *text;
    size_t len; /* 0: strlen */
};

static const struct one line_table[] = {
    {200, "GET / HTTP/1.1\r\n" H "\r\n", 0},
    {200, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0},
    {200, "GET / HTTP/1.0\r\n\r\n", 0},
    {200, "GET http://x/a HTTP/1.1\r\n" H "\r\n", 0},
    {200, "GET HTTPS://x?q=1 HTTP/1.1\r\n" H "\r\n", 0},
    {200, "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0},
    {200, "TRACE / HTTP/1.1\r\n" H "\r\n", 0},
    {0, "GET / HTTP/1.1\r\n" H, 0},
    {400, "GET / HTTP/1.1\n" H "\r\n", 0},
    {400, "\nGET / HTTP/1.1\r\n" H "\r\n", 0},
    {400, "\rGET / HTTP/1.1\r\n" H "\r\n", 0},
    {400, " GET / HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET  / HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /  HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET / HTTP/1.1 \r\n" H "\r\n", 0},
    {400, "GET\t/\tHTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /a b HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /\r\n" H "\r\n", 0},
    {400, "GET / \r\n" H "\r\n", 0},
    {400, "GET\r\n\r\n", 0},
    {400, "/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET / http/1.1\r\n" H "\r\n", 0},
    {400, "GET / HTTP/1\r\n" H "\r\n", 0},
    {400, "GET / HTTP/1.1x\r\n" H "\r\n", 0},
    {400, "GET / RTSP/1.0\r\n" H "\r\n", 0},
    {505, "GET / HTTP/2.0\r\n" H "\r\n", 0},
    {505, "GET / HTTP/1.2\r\n" H "\r\n", 0},
    {505, "GET / HTTP/0.9\r\n" H "\r\n", 0},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
    {501, "BREW / HTTP/1.1\r\n" H "\r\n", 0},
    {501, "PROPFIND / HTTP/1.1\r\n" H "\r\n", 0},
    {501, "QUERY / HTTP/1.1\r\n" H "\r\n", 0},
    {501, "get / HTTP/1.1\r\n" H "\r\n", 0},
    {400, "G(T / HTTP/1.1\r\n" H "\r\n", 0},
    {400, "CONNECT x:80 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET x HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET * HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http:///a HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http:// HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://?q HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://:80/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET https://:443 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://x:99999/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://x:a/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://[::1/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://[]/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://%zz/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://user@x/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://x#f HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http:/a HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://x/%zz HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET http://x?%2 HTTP/1.1\r\n" H "\r\n", 0},
    {200, "GET http://[::1]:80/ HTTP/1.1\r\n" H "\r\n", 0},
    {200, "GET http://x:/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "OPTIONS http:// HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET ftp://x/ HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /a#b HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /%zz HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /%4 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /a%00b HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /?q=%00 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /?%q HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /% HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /a/%2 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /%2/a HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /%2g HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /%%41 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /?q=%zz HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /?q=%2 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /?q=1&%u0041=1 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /a\0b HTTP/1.1\r\n" H "\r\n", 29},
    {400, "GET /\x7f HTTP/1.1\r\n" H "\r\n", 0},
    {400, "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 0},
    {400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
};

static const struct one header_table[] = {
    {200, "GET / HTTP/1.1\r\nhOsT:x\r\n\r\n", 0},
    {200, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
    {200, "GET / HTTP/1.1\r\n" H "A: \xff\tb\r\nEmpty:\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H H "\r\n", 0},
    {400, "GET / HTTP/1.0\r\n" H H "\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "host: x\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n " H "\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A B: b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "(A): b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "\xc3\xa9: b\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\r\n\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\r\n\rX", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n", 35},
    {400, "GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n", 0},
    {400, "GET / HTTP/1.1\r\n" H "A: \x7f\r\n\r\n", 0},
    {417, "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 0},
    {417, "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\nExpect: x\r\n\r\n", 0},
    {200, "GET / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n", 0},
};

/* The value of Host alone. */
static const struct {
    int status;
    const char *host;
} host_table[] = {
    {200, ""},
    {200, "x:"},
    {200, "x:0080"},
    {200, "x:65535"},
    {200, "a-b.c_d~e"},
    {200, "%41b"},
    {200, "!$&'()*+,;="},
    {200, "127.0.0.1:1"},
    {200, "[::]"},
    {200, "[::ffff:1.2.3.4]:80"},
    {200, "[v1.a:b]"},
    {200, "[VF.x]:8"},
    {400, ":80"},
    {400, ":"},
    {400, "x:65536"},
    {400, "x:99999"},
    {400, "x:99999999999999999999"},
    {400, "x:abc"},
    {400, "x:8 0"},
    {400, "x:-1"},
    {400, "x:+1"},
    {400, "x:80:80"},
    {400, "x::80"},
    {400, "::1"},
    {400, "[::1"},
    {400, "::1]"},
    {400, "["},
    {400, "]"},
    {400, "[]"},
    {400, "[]:80"},
    {400, "[zz]"},
    {400, "[::1]x"},
    {400, "[::1]80"},
    {400, "[::1]:a"},
    {400, "[::1]:65536"},
    {400, "x[::1]"},
    {400, "[[::1]]"},
    {400, "[::1]]"},
    {400, "[1.2.3.4]"},
    {400, "[1:2]"},
    {400, "[:::]"},
    {400, "[fe80::1%25eth0]"},
    {400, "[v.x]"},
    {400, "[v1]"},
    {400, "[v1.]"},
    {400, "[v1.%41]"},
    {400, "[vz.x]"},
    {400, "%"},
    {400, "%zz"},
    {400, "a%2"},
    {400, "a%4"},
    {400, "%00"},
    {400, "x\"y"},
    {400, "<x>"},
    {400, "x?y"},
    {400, "x#y"},
    {400, "a, b"},
    {400, "\xc3\xa9"},
    {400, "http://x"},
    {400, "x\\y"},
    {400, "{x}"},
    {400, "x|y"},
    {400, "x^"},
    {400, "`x`"},
};

#define P "POST / HTTP/1.1\r\n" H
#define CH P "Transfer-Encoding: chunked\r\n\r\n"

static const struct one length_table[] = {
    {200, P "Content-Length: 0\r\n\r\n", 0},
    {200, P "\r\n", 0},
    {200, P "Content-Length: 3\r\n\r\nabc", 0},
    {200, P "Content-Length:  003 \r\n\r\nabc", 0},
    {0, P "Content-Length: 3\r\n\r\nab", 0},
    {413, P "Content-Length: 33\r\n\r\n", 0},
    {413, P "Content-Length: 9223372036854775807\r\n\r\n", 0},
    {400, P "Content-Length: 9223372036854775808\r\n\r\n", 0},
    {400, P "Content-Length: 18446744073709551617\r\n\r\n", 0},
    {400, P "Content-Length: \r\n\r\n", 0},
    {400, P "Content-Length: -1\r\n\r\n", 0},
    {400, P "Content-Length: +1\r\n\r\n", 0},
    {400, P "Content-Length: 0x1\r\n\r\n", 0},
    {400, P "Content-Length: 1 1\r\n\r\n", 0},
    {400, P "Content-Length: 1, 1\r\n\r\n", 0},
    {400, P "Content-Length: 1a\r\n\r\n", 0},
    {400, P "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 0},
    {400, P "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 0},
    {400, P "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding: identity\r\n\r\n", 0},
    {400, P "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 0},
    {400, P "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 0},
    {400,
     P "Transfer-Encoding: \x0b"
       "chunked\r\n\r\n0\r\n\r\n",
     0},
    {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
    {200, P "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", 0},
    {415, P "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n", 0},
    {415, P "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {415, P "content-encoding: identity, br\r\nContent-Length: 1\r\n\r\n", 0},
    {415, P "Content-Encoding: identity\r\nContent-Encoding: x-gzip\r\nContent-Length: 1\r\n\r\n", 0},
    {415, P "Content-Encoding: identity identity2\r\nContent-Length: 1\r\n\r\n", 0},
    {413, P "Content-Encoding: gzip\r\nContent-Length: 33\r\n\r\n", 0},
    {200, P "Content-Encoding: Identity,\tidentity\r\nContent-Length: 1\r\n\r\nx", 0},
    {200, P "Content-Encoding:\r\nContent-Length: 1\r\n\r\nx", 0},
    {200, P "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 0},
    {200, P "Content-Encoding: gzip\r\n\r\n", 0},
};

static const struct one chunk_table[] = {
    {200, CH "0\r\n\r\n", 0},
    {200, CH "3\r\nabc\r\n0\r\n\r\n", 0},
    {200, CH "0000000000000003\r\nabc\r\n000\r\n\r\n", 0},
    {200, CH "20\r\n0123456789abcdef0123456789abcdef\r\n0\r\n\r\n", 0},
    {200, CH "3;a=b;c=\"d;\";e\r\nabc\r\n0;x\r\nT: v\r\n\r\n", 0},
    {0, CH "0\r\n", 0},
    {0, CH "3\r\nabc\r\n", 0},
    {413, CH "21\r\n", 0},
    {413, CH "20\r\n0123456789abcdef0123456789abcdef\r\n1\r\nx\r\n", 0},
    {413, CH "ffffffffffffffff\r\n", 0},
    {400, CH "10000000000000000\r\n", 0},
    {400, CH "00000000000000003\r\nabc\r\n", 0},
    {400, CH "\r\n", 0},
    {400, CH ";a\r\n", 0},
    {400, CH "g\r\n", 0},
    {400, CH "0x3\r\nabc\r\n", 0},
    {400, CH "-1\r\n", 0},
    {400, CH " 3\r\nabc\r\n", 0},
    {400, CH "3 \r\nabc\r\n", 0},
    {400, CH "3\t\r\nabc\r\n", 0},
    {400, CH "3 3;a\r\nabc\r\n", 0},
    {400, CH " 3;a\r\nabc\r\n", 0},
    {400, CH " ;a\r\n", 0},
    {400, CH "3 a\r\nabc\r\n", 0},
    {200, CH "3 ;a\r\nabc\r\n0\r\n\r\n", 0},
    {200, CH "3 \t  ; a = b ; c = \"d\"\r\nabc\r\n0\t;x\r\n\r\n", 0},
    {200, CH "0000000000000003 ;a\r\nabc\r\n0\r\n\r\n", 0},
    {400, CH "3\nabc\r\n", 0},
    {400, CH "3\rabc\r\n", 0},
    {400, CH "3;a\nabc\r\n", 0},
    {400, CH "3;a\x01\r\nabc\r\n", 0},
    {400, CH "3\r\nabcd\r\n", 0},
    {400, CH "3\r\nabc\n0\r\n\r\n", 0},
    {400, CH "3\r\nabc0\r\n\r\n", 0},
    {400, CH "3\r\nabc\r0\r\n\r\n", 0},
    {400, CH "0\r\nT\r\n\r\n", 0},
    {400, CH "0\r\nT : v\r\n\r\n", 0},
    {400, CH "0\r\n T: v\r\n\r\n", 0},
    {400, CH "0\r\nT: v\n\r\n", 0},
    {400, CH "0\r\n\n", 0},
};

static void check_table(const struct one *table, size_t count)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 2, 7};

    for (size_t i = 0; i < count; i++) {
        size_t len = table[i].len > 0 ? table[i].len : strlen(table[i].text);
        for (size_t p = 0; p < COUNT(pieces); p++) {
            int status = status_of(table[i].text, len, pieces[p]);
            if (status != table[i].status)
                fail_msg("%d instead of %d, pieces of %zu: %s", status, table[i].status, pieces[p], table[i].text);
        }
    }
}

static void request_lines(void **state)
{
    (void)state;
    check_table(line_table, COUNT(line_table));
}

static void hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(host_table); i++) {
        char text[200];
        int len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host_table[i].host);
        int status = status_of(text, (size_t)len, i % 2 == 0 ? SIZE_MAX : 1);
        if (status != host_table[i].status)
            fail_msg("%d instead of %d: Host: %s", status, host_table[i].status, host_table[i].host);
    }
}

static void header_lines(void **state)
{
    (void)state;
    check_table(header_table, COUNT(header_table));
}

static void lengths(void **state)
{
    (void)state;
    check_table(length_table, COUNT(length_table));
}

static void chunks(void **state)
{
    (void)state;
    check_table(chunk_table, COUNT(chunk_table));
}

/* The cap on the head counts every byte to its end, and is met exactly. */
static void head_size(void **state)
{
    (void)state;
    char text[600];
    for (size_t size = 511; size <= 513; size++) {
        int filler = (int)size - (int)strlen("GET / HTTP/1.1\r\n" H "A: \r\n\r\n");
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" H "A: %0*d\r\n\r\n", filler, 0);
        assert_int_equal(status_of(text, size, SIZE_MAX), size <= 512 ? 200 : 431);
        assert_int_equal(status_of(text, size, 1), size <= 512 ? 200 : 431);
    }
}

/* If a request line does not fit and has a target, the target is too long. */
static void line_size(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *start;
    } table[] = {
        {414, "GET /"}, {414, "GET http://"},         {414, "BREW /"}, {414, "GET /a b"}, {501, "BREW"},
        {400, "B{"},    {431, "GET / HTTP/1.1\r\nA"},
    };
    char text[1024];

    for (size_t i = 0; i < COUNT(table); i++) {
        snprintf(text, sizeof text, "%s%0600d", table[i].start, 0);
        for (size_t piece = 1; piece < 700; piece += 233)
            assert_int_equal(status_of(text, strlen(text), piece), table[i].status);
    }
    int filler = 512 - (int)strlen("GET / HTTP/1.1\r\n" H "\r\n");
    snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n" H "\r\n", filler, 0);
    assert_int_equal(status_of(text, 512, SIZE_MAX), 200);
    memset(text, '\r', 600);
    for (size_t i = 1; i < 600; i += 2)
        text[i] = '\n';
    assert_int_equal(status_of(text, 600, SIZE_MAX), 431); /* nothing but empty lines */
}

static void header_count(void **state)
{
    (void)state;
    assert_int_equal(status_of("GET / HTTP/1.1\r\n" H "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", 59, 1), 200);
    static const char nine[] = "GET / HTTP/1.1\r\n" H "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n";
    assert_int_equal(status_of(nine, sizeof nine - 1, SIZE_MAX), 431);
    assert_int_equal(status_of(nine, sizeof nine - 1, 1), 431);
    static const char trailers[] = CH "0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n";
    assert_int_equal(status_of(trailers, sizeof trailers - 1, 1), 431);
}

/* Extensions and trailers are paid from what the head left of its cap. */
static void chunk_overhead(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, CH "0;%0600d", 0);
    assert_int_equal(status_of(text, strlen(text), SIZE_MAX), 431);
    assert_int_equal(status_of(text, strlen(text), 1), 431);
    snprintf(text, sizeof text, CH "0\r\nT: %0600d", 0);
    assert_int_equal(status_of(text, strlen(text), SIZE_MAX), 431);
    assert_int_equal(status_of(text, strlen(text), 3), 431);
}

static void strings(void **state)
{
    (void)state;
    static const char text[] = "GET http://h/a%2Fb/c+d/?q=1+2%26&q=x&e&=y HTTP/1.1\r\n" H
                               "X-Many:  a \r\nOther:\r\nx-many: b\t\r\nX-MANY:\r\nConnection: foo , Close\r\n\r\nNEXT";
    struct http_request request;
    size_t rest = 0;

    http_request_init(&request, &limits);
    assert_int_equal(feed(&request, text, sizeof text - 1, SIZE_MAX, &rest), HTTP_READY);
    assert_int_equal(rest, 4);
    assert_string_equal(request.method, "GET");
    assert_string_equal(request.target.path, "/a%2Fb/c+d/");
    assert_int_equal(request.target.count, 2);
    assert_string_equal(request.target.segments, "a/b");
    assert_string_equal(request.target.segments + 4, "c+d");
    assert_string_equal(http_target_query(&request.target, "q"), "1 2&");
    assert_string_equal(http_target_query(&request.target, "e"), "");
    assert_string_equal(http_target_query(&request.target, ""), "y");
    assert_null(http_target_query(&request.target, "z"));
    assert_string_equal(http_request_header(&request, "X-many"), "a, b, ");
    assert_string_equal(http_request_header(&request, "other"), "");
    assert_null(http_request_header(&request, "othe"));
    assert_false(request.keep_alive);
    assert_int_equal(request.content_length, -1);
    http_request_free(&request);
}

static void chunked_body(void **state)
{
    (void)state;
    static const char text[] = CH "3;x=y\r\nabc\r\n8\r\ndefghijk\r\n0\r\nHost: y\r\nContent-Length: 5\r\n\r\nNEXT";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct http_request request;
        size_t rest = 0;
        http_request_init(&request, &limits);
        assert_int_equal(feed(&request, text, sizeof text - 1, piece, &rest), HTTP_READY);
        assert_int_equal(rest, 4);
        assert_string_equal(body, "abcdefghijk");
        assert_string_equal(http_request_header(&request, "host"), "x");
        assert_null(http_request_header(&request, "content-length"));
        http_request_free(&request);
    }
}

static void keep_alive(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep;
    } table[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: a,CLOSE ,b\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_request request;
        size_t rest = 0;
        http_request_init(&request, &limits);
        assert_int_equal(feed(&request, table[i].text, strlen(table[i].text), SIZE_MAX, &rest), HTTP_READY);
        assert_int_equal(request.keep_alive, table[i].keep);
        http_request_free(&request);
    }
}

/* An Upgrade with a body is a request with a body, and what follows it is the next request. */
static void upgrade_is_ignored(void **state)
{
    (void)state;
    static const char text[] = P "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabcNEXT";
    struct http_request request;
    size_t rest = 0;
    http_request_init(&request, &limits);
    assert_int_equal(feed(&request, text, sizeof text - 1, SIZE_MAX, &rest), HTTP_READY);
    assert_int_equal(rest, 4);
    assert_string_equal(body, "abc");
    http_request_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines), cmocka_unit_test(header_lines), cmocka_unit_test(hosts),
        cmocka_unit_test(line_size),     cmocka_unit_test(lengths),      cmocka_unit_test(chunks),
        cmocka_unit_test(head_size),     cmocka_unit_test(header_count), cmocka_unit_test(chunk_overhead),
        cmocka_unit_test(strings),       cmocka_unit_test(chunked_body), cmocka_unit_test(upgrade_is_ignored),
        cmocka_unit_test(keep_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
