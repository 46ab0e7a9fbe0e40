#include "base/event_stream.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void event_stream_init(struct event_stream *stream, size_t max,
                       void (*event)(void *arg, const char *name, const char *data, size_t len), void *arg)
{
    stream->name[0] = '\0';
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
        stream->event(stream->arg, stream->name, stream->data.data, stream->data.len - 1);
    stream->name[0] = '\0';
    buf_reset(&stream->data);
}

/* Whether the line is this field, with `*at` at its value. One space after the colon belongs to the syntax. */
static bool is_field(const char *line, size_t len, const char *name, size_t *at)
{
    size_t skip = strlen(name);

    if (len <= skip || memcmp(line, name, skip) != 0 || line[skip] != ':')
        return false;
    *at = skip + 1 + (len > skip + 1 && line[skip + 1] == ' ');
    return true;
}

/* A line without its end. */
static int end_line(struct event_stream *stream, const char *line, size_t len)
{
    size_t at;

    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0) {
        end_event(stream);
    } else if (is_field(line, len, "event", &at)) {
        snprintf(stream->name, sizeof stream->name, "%.*s", (int)(len - at), line + at);
    } else if (is_field(line, len, "data", &at)) {
        if (buf_append(&stream->data, line + at, len - at) != 0 || buf_puts(&stream->data, "\n") != 0)
            return -1;
    }
    return 0;
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
