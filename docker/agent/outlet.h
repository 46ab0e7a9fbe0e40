/* Frames out: a queue in front of the attach stream. Output is read straight into it, and only while a
 * whole frame fits; the few small frames of the agent's own always fit. */
#ifndef CODECELL_AGENT_OUTLET_H
#define CODECELL_AGENT_OUTLET_H

#include "docker/agent/frame.h"

#define OUTLET_MAX 262144u
#define OUTLET_PART 65536u   /* bytes of output in one frame, at most */
#define OUTLET_RESERVE 1024u /* for READY, PREPARED, two STEP_END, and DONE or FAILED */

struct outlet {
    size_t start, end; /* data[start..end) waits to be written */
    uint8_t data[OUTLET_MAX];
};

/* Where the payload of an OUTPUT frame (up to OUTLET_PART bytes) may be put, or NULL: full. */
uint8_t *outlet_room(struct outlet *outlet);
bool outlet_has_room(const struct outlet *outlet);
/* Makes a frame of what was put there. */
void outlet_output(struct outlet *outlet, enum frame_step step, enum frame_channel channel, size_t len);

/* Queues one of the agent's own frames. */
void outlet_put(struct outlet *outlet, enum frame_type type, uint8_t step, const void *payload, size_t len);
void outlet_failed(struct outlet *outlet, enum frame_failure failure, int error);

bool outlet_empty(const struct outlet *outlet);
/* Writes what the non-blocking descriptor takes. 0, or -1: nobody reads any more. */
int outlet_flush(struct outlet *outlet, int fd);

#endif
