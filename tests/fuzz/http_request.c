/* Bytes into the request parser, whole and cut into pieces by the input's first byte: both readings must
 * agree in everything, and what is accepted must be what the rest of the server relies on. */
#include "base/buf.h"
#include "http/listener.h"
#include "http/request.h"
#include "http/router.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_options limits = {.header_max = 1024, .header_count = 8, .body_max = 256};

static const struct http_route routes[] = {
    {"GET", "/", NULL, 0},
    {"POST", "/api/{a}/{b}", NULL, 0},
    {"GET", "/api/x/{rest...}", NULL, 0},
    {NULL, NULL, NULL, 0},
};

struct reading {
    struct http_request request;
    enum http_progress progress;
    char body[256]; /* limits.body_max */
    size_t body_len;
    size_t rest; /* bytes not read */
};

static enum http_progress take_body(struct reading *reading, const char **at, size_t *left)
{
    struct http_request *request = &reading->request;
    enum http_progress progress;

    while ((progress = http_request_body(request, at, left)) == HTTP_PIECE) {
        REQUIRE(request->piece_len <= sizeof reading->body - reading->body_len);
        memcpy(reading->body + reading->body_len, request->piece, request->piece_len);
        reading->body_len += request->piece_len;
    }
    return progress;
}

static void feed(struct reading *reading, const char *data, size_t len, size_t piece)
{
    bool head = true;

    http_request_init(&reading->request, &limits);
    reading->progress = HTTP_MORE;
    reading->body_len = 0;
    while (reading->progress == HTTP_MORE && len > 0) {
        size_t given = len < piece ? len : piece;
        char *copy = malloc(given); /* so that a read beyond the piece is seen */
        const char *at = copy;
        size_t left = given;
        REQUIRE(copy != NULL);
        memcpy(copy, data, given);
        if (!head) {
            reading->progress = take_body(reading, &at, &left);
        } else {
            reading->progress = http_request_head(&reading->request, &at, &left);
            if (reading->progress == HTTP_READY) {
                head = false;
                reading->progress = http_request_check_body(&reading->request);
                if (reading->progress == HTTP_MORE && !http_request_has_body(&reading->request))
                    reading->progress = HTTP_READY;
            }
        }
        REQUIRE(left <= given && at == copy + (given - left));
        REQUIRE(reading->progress != HTTP_MORE || left == 0 || !head);
        free(copy);
        data += given - left;
        len -= given - left;
    }
    reading->rest = len;
}

static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void check_ready(const struct reading *reading)
{
    const struct http_request *request = &reading->request;
    unsigned hosts = 0;

    REQUIRE(request->taken == reading->body_len && request->taken <= limits.body_max);
    REQUIRE(request->content_length < 0 || (uint64_t)request->content_length == reading->body_len);
    REQUIRE(!(request->chunked && request->content_length >= 0));
    REQUIRE(request->count <= limits.header_count);
    for (unsigned i = 0; i < request->count; i++) {
        const char *name = request->text.data + request->headers[i].name;
        REQUIRE(http_is_token(name));
        REQUIRE(is_clean(request->text.data + request->headers[i].value));
        hosts += strcasecmp(name, "Host") == 0;
    }
    REQUIRE(hosts == 1 || (hosts == 0 && request->minor == 0));
    REQUIRE(request->method != NULL && is_clean(request->target.path));
}

static void check_failed(const struct http_request *request)
{
    static const int statuses[] = {400, 413, 414, 415, 417, 431, 501, 505};
    bool known = false;

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        known = known || error_status(request->failure) == statuses[i];
    REQUIRE(known && *request->detail != '\0');
}

static void check_same(const struct reading *a, const struct reading *b)
{
    const struct http_request *x = &a->request;
    const struct http_request *y = &b->request;

    REQUIRE(a->progress == b->progress);
    REQUIRE(x->failure == y->failure);
    if (a->progress != HTTP_READY)
        return;
    REQUIRE(a->rest == b->rest && x->count == y->count && a->body_len == b->body_len);
    REQUIRE(memcmp(a->body, b->body, a->body_len) == 0);
    REQUIRE(x->text.len == y->text.len && memcmp(x->text.data, y->text.data, x->text.len) == 0);
    REQUIRE(strcmp(x->target.path, y->target.path) == 0 && x->keep_alive == y->keep_alive);
}

static void check_route(struct http_request *request)
{
    struct http_match match;

    http_router_find(&match, routes, request->method, &request->target);
    for (unsigned i = 0; i < match.count; i++)
        REQUIRE(*match.params[i].value != '\0');
    REQUIRE(match.route == NULL || *match.allow == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole, pieces;

    if (size < 1)
        return 0;
    feed(&whole, (const char *)data + 1, size - 1, SIZE_MAX);
    feed(&pieces, (const char *)data + 1, size - 1, (size_t)data[0] % 64 + 1);
    check_same(&whole, &pieces);
    if (whole.progress == HTTP_READY) {
        check_ready(&whole);
        check_route(&whole.request);
    } else if (whole.progress == HTTP_FAILED) {
        check_failed(&whole.request);
    }
    http_request_free(&whole.request);
    http_request_free(&pieces.request);
    return 0;
}
