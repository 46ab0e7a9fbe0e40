/* Outgoing frames: a queue for the attach stream. The program's output is read straight into it, and only while the
 * largest OUTPUT frame fits. So if the server does not read, the agent stops reading the program's pipes. The few other
 * frames always fit. */
#ifndef CODECELL_AGENT_OUTLET_H
#define CODECELL_AGENT_OUTLET_H

#include "docker/wire/frame.h"

#define OUTLET_MAX 262144u
#define OUTLET_PART 65536u   /* the most bytes of output in one frame */
#define OUTLET_RESERVE 1024u /* for READY, PREPARED, two STEP_END, and DONE or FAILED */

/* Up to OUTLET_LITTLE bytes wait for more frames, for OUTLET_LINGER_NS at most: each write wakes the engine, its shim
 * and the server, which then compete with the program for the CPUs, and often the program's end comes next. */
#define OUTLET_LITTLE 4096u
#define OUTLET_LINGER_NS 5000000u

struct outlet {
    size_t start, end; /* data[start..end) is queued */
    uint64_t since;    /* system_clock() when the first byte was queued; only if not urgent */
    bool urgent;       /* more than a little output is queued, or another frame */
    uint8_t data[OUTLET_MAX];
};

/* Room for the payload of an OUTPUT frame (OUTLET_PART bytes); NULL: the queue is full. */
uint8_t *outlet_room(struct outlet *outlet);
bool outlet_has_room(const struct outlet *outlet);
/* Queues the `len` bytes that the caller has put there as a frame. */
void outlet_output(struct outlet *outlet, enum frame_step step, enum frame_channel channel, size_t len);

/* Queues another frame. */
void outlet_put(struct outlet *outlet, enum frame_type type, uint8_t step, const void *payload, size_t len);
void outlet_failed(struct outlet *outlet, enum frame_failure failure, int error);

bool outlet_empty(const struct outlet *outlet);
/* Nanoseconds until the queue must be flushed; 0: flush now; UINT64_MAX: the queue is empty. */
uint64_t outlet_patience(const struct outlet *outlet);
/* Writes what the non-blocking descriptor takes, if outlet_patience() is 0. 0, or -1: the stream has ended. */
int outlet_flush(struct outlet *outlet, int fd);

#endif
