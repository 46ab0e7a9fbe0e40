#include "base/event_stream.h"

#include <string.h>

void event_stream_init(struct event_stream *stream, size_t max, void (*event)(void *arg, const char *data, size_t len),
                       void *arg)
{
    buf_init(&stream->line, max);
    buf_init(&stream->data, max);
    stream->event = event;
    stream->arg = arg;
}

void event_stream_free(struct event_stream *stream)
{
    buf_free(&stream->line);
    buf_free(&stream->data);
}

static void end_event(struct event_stream *stream)
{
    if (stream->data.len > 0)
        stream->event(stream->arg, stream->data.data, stream->data.len - 1);
    buf_reset(&stream->data);
}

/* A line without its end. One space after the colon belongs to the syntax. */
static int end_line(struct event_stream *stream, const char *line, size_t len)
{
    static const char name[] = "data:";
    size_t skip = sizeof name - 1;

    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0) {
        end_event(stream);
        return 0;
    }
    if (len < skip || memcmp(line, name, skip) != 0)
        return 0;
    if (len > skip && line[skip] == ' ')
        skip++;
    return buf_append(&stream->data, line + skip, len - skip) == 0 ? buf_puts(&stream->data, "\n") : -1;
}

int event_stream_feed(struct event_stream *stream, const char *bytes, size_t len)
{
    const char *end;

    while ((end = memchr(bytes, '\n', len)) != NULL) {
        size_t piece = (size_t)(end - bytes);
        if (buf_append(&stream->line, bytes, piece) != 0 || end_line(stream, stream->line.data, stream->line.len) != 0)
            return -1;
        buf_reset(&stream->line);
        bytes += piece + 1;
        len -= piece + 1;
    }
    return buf_append(&stream->line, bytes, len);
}
