#include "http/gzip.h"

#include "base/buf.h"
#include "base/pace.h"
#include "http/accept_encoding.h"
#include "http/answer.h"
#include "http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* The fastest level: docs/decisions.md has figures. Window and memory level make 128 KiB for each answer at a time. */
#define LEVEL 1
#define WINDOW_BITS 14
#define MEMORY_LEVEL 7
#define GZIP 16              /* added to the window bits: gzip's own format */
#define PIECE 16384          /* bytes of output at a time */
#define INPUT_MAX (1u << 30) /* bytes of input at a time, because zlib counts them in 32 bits */

static bool begins(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

bool http_gzip_pays(const char *type)
{
    static const char *const types[] = {"application/json", "application/javascript", "application/xml",
                                        "image/svg+xml"};
    size_t len = strcspn(type, "; ");

    if (begins(type, "text/"))
        return !begins(type, "text/event-stream");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == len && begins(type, types[i]))
            return true;
    return len > 5 && begins(type + len - 5, "+json");
}

static bool is_bound_to_its_bytes(const struct http_exchange *ex)
{
    const char *etag = http_header_added(ex, "ETag");

    return (etag != NULL && strncmp(etag, "W/", 2) != 0) || http_header_is_added(ex, "Content-Encoding") ||
           http_header_is_added(ex, "Content-Range");
}

static void *gzip_open(struct http_exchange *ex, int status, const char *type, int64_t len)
{
    (void)status;
    if (type == NULL || !http_gzip_pays(type) || (len >= 0 && len <= HTTP_GZIP_MIN) || is_bound_to_its_bytes(ex))
        return NULL;
    http_header_add(ex, "Vary", "Accept-Encoding");
    if (!http_accepts_gzip(http_header(ex, "Accept-Encoding")))
        return NULL;
    z_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL ||
        deflateInit2(stream, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream); /* without memory for it, the answer stays as it is */
        return NULL;
    }
    http_header_add(ex, "Content-Encoding", "gzip");
    return stream;
}

/* Until all of the stream's input is taken and, at the end, all of its output is given. */
static int deflate_input(z_stream *stream, int flush, struct buf *out)
{
    unsigned char piece[PIECE];
    int rc;

    do {
        stream->next_out = piece;
        stream->avail_out = sizeof piece;
        rc = deflate(stream, flush);
        pace_step();
        if (buf_append(out, piece, sizeof piece - stream->avail_out) != 0)
            return -1;
    } while (stream->avail_out == 0 || (flush == Z_FINISH && rc == Z_OK));
    return rc == Z_STREAM_ERROR ? -1 : 0;
}

static int gzip_take(void *state, const char *data, size_t len, bool last, struct buf *out)
{
    z_stream *stream = state;
    int rc;

    do {
        size_t now = len < INPUT_MAX ? len : INPUT_MAX;
        stream->next_in = (unsigned char *)data; /* zlib reads it alone */
        stream->avail_in = (unsigned)now;
        data = now > 0 ? data + now : data;
        len -= now;
        rc = deflate_input(stream, last && len == 0 ? Z_FINISH : Z_NO_FLUSH, out);
    } while (rc == 0 && len > 0);
    return rc;
}

static void gzip_close(void *state)
{
    z_stream *stream = state;

    deflateEnd(stream);
    free(stream);
}

const struct http_filter http_gzip = {gzip_open, gzip_take, gzip_close};
