/* How long work beside the loop leaves its processor to others.
 *
 * A worker that scans a body of 64 MB has a processor for half a second, and all else that a request of another key
 * needs (the engine, the agent, the program) waits for the other ones. So while several keys ask, a worker rests again
 * and again. Work that is done within PACE_FREE_NS never rests. */
#ifndef CODECELL_BASE_PACE_H
#define CODECELL_BASE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_FREE_NS UINT64_C(10000000) /* of a piece of work: as long as about 1.5 MB of JSON take */
#define PACE_WORK_NS UINT64_C(1000000)  /* from one rest to the next */
#define PACE_REST_NS UINT64_C(3000000)
#define PACE_BYTES ((size_t)32 << 10) /* work says so often that it goes on: some 0.1 ms */

/* Until then (of the monotonic clock) several keys ask. Any thread. */
void pace_share(uint64_t until_ns);
bool pace_is_shared(uint64_t now_ns);

/* A piece of work begins and ends on this thread, which is not the loop's. */
void pace_begin(void);
void pace_end(void);

/* The work goes on; it may rest here, so it holds no lock. Does nothing outside of pace_begin() and pace_end(). */
void pace_step(void);

#endif
