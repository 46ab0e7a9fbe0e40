#include "faces/mcp_stream.h"

#include "base/buf.h"
#include "base/container_of.h"
#include "base/json.h"
#include "http/http.h"

#include <stdint.h>
#include <stdlib.h>

#define TICK_MS 1000

struct mcp_stream {
    struct http_exchange *ex;
    uv_timer_t timer;
    void (*tick)(void *arg);
    void *arg;
    struct buf out; /* the last message, or a comment */
    size_t taken;   /* bytes of it that are with the client's connection */
    bool said;      /* something was sent since the last tick */
    bool ends;      /* `out` is the last message */
};

static void stream_on_closed(uv_handle_t *handle)
{
    struct mcp_stream *stream = container_of(handle, struct mcp_stream, timer);

    buf_free(&stream->out);
    free(stream);
}

static void stream_free(struct mcp_stream *stream)
{
    uv_close((uv_handle_t *)&stream->timer, stream_on_closed);
}

static void stream_flush(struct mcp_stream *stream)
{
    struct buf *out = &stream->out;

    if (stream->taken < out->len)
        stream->taken += http_flow_write(stream->ex, out->data + stream->taken, out->len - stream->taken);
    if (stream->taken < out->len)
        return;
    buf_reset(out);
    stream->taken = 0;
    if (!stream->ends)
        return;
    http_flow_end(stream->ex);
    stream_free(stream);
}

static void stream_on_drained(void *arg)
{
    stream_flush(arg);
}

static void stream_on_gone(void *arg)
{
    stream_free(arg);
}

static int stream_add(struct mcp_stream *stream, const char *text, size_t len)
{
    struct buf *out = &stream->out;

    if (buf_puts(out, "event: message\ndata: ") == 0 && buf_append(out, text, len) == 0 && buf_puts(out, "\n\n") == 0)
        return 0;
    return -1;
}

static void stream_on_tick(uv_timer_t *timer)
{
    struct mcp_stream *stream = container_of(timer, struct mcp_stream, timer);

    stream->said = false;
    stream->tick(stream->arg);
    if (stream->said || stream->out.len > 0 || buf_puts(&stream->out, ":\n\n") != 0)
        return;
    stream_flush(stream);
}

struct mcp_stream *mcp_stream_begin(struct http_exchange *ex, uv_loop_t *loop, void (*tick)(void *arg), void *arg)
{
    struct mcp_stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL)
        return NULL;
    stream->ex = ex;
    stream->tick = tick;
    stream->arg = arg;
    buf_init(&stream->out, PTRDIFF_MAX);
    uv_timer_init(loop, &stream->timer);
    uv_timer_start(&stream->timer, stream_on_tick, TICK_MS, TICK_MS);
    http_header_add(ex, "Cache-Control", "no-store");
    http_header_add(ex, "X-Accel-Buffering", "no");
    http_flow_begin(ex, 200, "text/event-stream");
    http_flow_on_drained(ex, stream_on_drained, stream);
    return stream;
}

void mcp_stream_send(struct mcp_stream *stream, json_t *message)
{
    size_t len;
    char *text = message != NULL && stream->out.len == 0 ? json_text(message, &len) : NULL;

    json_decref(message);
    if (text == NULL)
        return;
    stream->said = true;
    if (stream_add(stream, text, len) == 0)
        stream_flush(stream);
    else
        buf_reset(&stream->out);
    free(text);
}

void mcp_stream_end(struct mcp_stream *stream, char *text, size_t len)
{
    bool failed = text == NULL || stream_add(stream, text, len) != 0;

    free(text);
    uv_timer_stop(&stream->timer);
    if (failed) {
        http_flow_abort(stream->ex);
        stream_free(stream);
        return;
    }
    stream->ends = true;
    http_on_gone(stream->ex, stream_on_gone, stream);
    stream_flush(stream);
}

void mcp_stream_leave(struct mcp_stream *stream)
{
    stream_free(stream);
}
