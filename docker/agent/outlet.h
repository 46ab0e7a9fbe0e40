/* Frames out: a queue in front of the attach stream. Output is read straight into it, and only while a
 * whole frame fits; the few small frames of the agent's own always fit. */
#ifndef CODECELL_AGENT_OUTLET_H
#define CODECELL_AGENT_OUTLET_H

#include "docker/wire/frame.h"

#define OUTLET_MAX 262144u
#define OUTLET_PART 65536u   /* bytes of output in one frame, at most */
#define OUTLET_RESERVE 1024u /* for READY, PREPARED, two STEP_END, and DONE or FAILED */

/* A little output waits so long for more to go with it, most of all for the program's end, which is often near: each
 * write wakes the engine, its shim and the server one after another, on the CPUs that the program is to have. */
#define OUTLET_LITTLE 4096u
#define OUTLET_LINGER_NS 5000000u

struct outlet {
    size_t start, end; /* data[start..end) waits to be written */
    uint64_t since;    /* system_clock(): when the first of it came; where all of it is a little output */
    bool urgent;       /* some of it is not */
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
/* How long what waits may wait on: nanoseconds; 0: it is to be written now; UINT64_MAX: there is nothing. */
uint64_t outlet_patience(const struct outlet *outlet);
/* Writes what the non-blocking descriptor takes, once it is time to. 0, or -1: nobody reads any more. */
int outlet_flush(struct outlet *outlet, int fd);

#endif
