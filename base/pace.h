/* How work beside the loop shares the processors.
 *
 * Worker threads (worker.h) do what is too long for the loop. Of them only as many work at a time as pace_setup() says;
 * the others wait. A thread that scans a body of 64 MB would keep a processor for half a second, and all else that a
 * request of another key needs (the engine, the agent, the program) would wait for the other processors. So while
 * several keys ask, long work rests again and again, and lets other work go on meanwhile. All long work together goes
 * on for PACE_WORK_NS at a time. Work that is done within PACE_FREE_NS never rests. */
#ifndef CODECELL_BASE_PACE_H
#define CODECELL_BASE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_FREE_NS UINT64_C(10000000) /* of a piece of work: as long as about 1.5 MB of JSON take */
#define PACE_WORK_NS UINT64_C(1000000)
#define PACE_REST_NS UINT64_C(3000000)
#define PACE_BYTES ((size_t)32 << 10) /* work calls pace_step() so often: a tenth of a millisecond */

/* How many threads may work at a time; 4 at first, as many as there are. Before any work. */
void pace_setup(unsigned workers);

/* Until then (of the monotonic clock) several keys ask. Any thread. */
void pace_share(uint64_t until_ns);
bool pace_is_shared(uint64_t now_ns);

/* A piece of work begins and ends on this thread, which is not the loop's. */
void pace_begin(void);
void pace_end(void);

/* The work goes on. It may rest here, so it holds no lock. These do nothing outside of pace_begin() and pace_end(). */
void pace_step(void);
void pace_bytes(size_t bytes); /* steps after each PACE_BYTES */

#endif
