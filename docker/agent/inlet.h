/* Incoming frames: a buffer that collects bytes of the attach stream until they make a frame. It reads no more than it
 * has room for. So if the program does not read its standard input, the stream fills up and the server waits. */
#ifndef CODECELL_AGENT_INLET_H
#define CODECELL_AGENT_INLET_H

#include "docker/wire/frame.h"

#define INLET_MAX ((size_t)2 * (FRAME_HEADER + FRAME_PAYLOAD_MAX)) /* a full inlet has a whole frame */

struct inlet {
    size_t start, end; /* data[start..end) was read, and not yet taken */
    uint8_t data[INLET_MAX];
};

bool inlet_full(const struct inlet *inlet);

/* Reads once from a non-blocking descriptor. 0, also if there was nothing to read; -1: the stream ended or failed. A
 * frame that inlet_peek() gave is invalid afterwards. */
int inlet_read(struct inlet *inlet, int fd);

/* Gives the next frame and leaves it in the inlet. 1; 0: it is not complete yet; -1: the bytes are not a frame. */
int inlet_peek(const struct inlet *inlet, struct frame *out);
/* Removes the frame that inlet_peek() gave. */
void inlet_take(struct inlet *inlet, const struct frame *frame);
void inlet_clear(struct inlet *inlet);

#endif
