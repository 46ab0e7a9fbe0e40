/* Frames in: bytes of the attach stream, kept until they make a frame. It reads no more than it has
 * room for, so a program that does not take its stdin holds the server back, not memory. */
#ifndef CODECELL_AGENT_INLET_H
#define CODECELL_AGENT_INLET_H

#include "docker/wire/frame.h"

#define INLET_MAX ((size_t)2 * (FRAME_HEADER + FRAME_PAYLOAD_MAX)) /* when it is full there is a whole frame in it */

struct inlet {
    size_t start, end; /* data[start..end) was read and not yet taken */
    uint8_t data[INLET_MAX];
};

bool inlet_full(const struct inlet *inlet);

/* Reads once, from a non-blocking descriptor. 0 (also where there was nothing), or -1 at the stream's
 * end or failure. What inlet_peek gave is void after it. */
int inlet_read(struct inlet *inlet, int fd);

/* The next frame, which stays: 1, 0 where it is not all there yet, -1 where it cannot be one. */
int inlet_peek(const struct inlet *inlet, struct frame *out);
void inlet_take(struct inlet *inlet, const struct frame *frame); /* the frame that was peeked at */
void inlet_clear(struct inlet *inlet);

#endif
