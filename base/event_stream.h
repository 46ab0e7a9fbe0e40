/* Server-sent events, read from bytes that come in pieces: each event's name and its lines `data:`. Comments and other
 * fields are left out. */
#ifndef CODECELL_BASE_EVENT_STREAM_H
#define CODECELL_BASE_EVENT_STREAM_H

#include "base/buf.h"

#define EVENT_NAME_MAX 32 /* with the NUL; a longer name is cut */

struct event_stream {
    struct buf line; /* its beginning */
    struct buf data; /* of the event so far, each line with its end */
    char name[EVENT_NAME_MAX];
    /* An event's name ("": it has none), and its data without the end of its last line; good for the call alone. */
    void (*event)(void *arg, const char *name, const char *data, size_t len);
    void *arg;
};

/* `max`: bytes of a line, and of an event. */
void event_stream_init(struct event_stream *stream, size_t max,
                       void (*event)(void *arg, const char *name, const char *data, size_t len), void *arg);
void event_stream_free(struct event_stream *stream);

/* 0, or -1: an event is larger than the maximum, or there is no memory. */
int event_stream_feed(struct event_stream *stream, const char *bytes, size_t len);

#endif
