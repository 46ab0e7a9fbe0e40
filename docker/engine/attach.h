/* Attach: the hijacked stream of one container, raw bytes in, the bytes of its stdout out. The engine's 8-byte headers
 * are taken off. What the container writes to stderr has an event of its own; the engine reads the two from two pipes,
 * so their order to each other is lost. */
#ifndef CODECELL_DOCKER_ENGINE_ATTACH_H
#define CODECELL_DOCKER_ENGINE_ATTACH_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attach;
struct buf;
struct engine;

#define ENGINE_ATTACHES_MAX 1024u /* streams at once; more are refused */

struct attach_events {
    void (*on_open)(void *arg); /* 101 came (or Podman's 200): writing is allowed */
    void (*on_data)(void *arg, const uint8_t *data, size_t len);
    void (*on_stderr)(void *arg, const uint8_t *data, size_t len); /* NULL: these bytes are dropped */
    void (*on_drain)(void *arg);                                   /* the write queue fell below ATTACH_LOW */
    /* The stream ended (error->code ERROR_NONE) or failed. The last event; not after attach_close(). */
    void (*on_end)(void *arg, const struct error *error);
};

#define ATTACH_LOW ((size_t)160 << 10)
#define ATTACH_AT_ONCE \
    ((size_t)72 << 10) /* fewer bytes than this are written at once: a piece of 64 KiB in its frame */
#define ATTACH_QUEUE_MAX ((size_t)4 << 20) /* bytes in the write queue */

/* Opens the stream to a created container. on_open or on_end follows, later. NULL: out of memory. */
struct attach *attach_open(struct engine *engine, const char *container, uint64_t deadline_ms,
                           const struct attach_events *events, void *arg);
/* Writes the bytes, in the order of the calls: few (ATTACH_AT_ONCE) at once as far as the socket takes them, the rest
 * from the loop. No event fires within. Takes the buffer's memory over: the buffer is empty afterwards, whatever is
 * returned. 0, or -1: the queue would pass ATTACH_QUEUE_MAX, or out of memory. The bytes are dropped if the stream is
 * not open, or if its other end takes no more: on_end follows then. */
int attach_write(struct attach *attach, struct buf *bytes);
size_t attach_queued(const struct attach *attach); /* bytes in the write queue */
/* Stops and resumes reading: back-pressure for the container's output. */
void attach_pause(struct attach *attach, bool paused);
/* Closes and frees. No event after this. Allowed from within any event, and needed after on_end too. */
void attach_close(struct attach *attach);

/* For engine.c: every stream fails with this error. */
void attach_fail_all(struct engine *engine, const struct error *error);

#endif
