/* Gives the memory that large requests leave unused back to the system. */
#ifndef CODECELL_BASE_MEMORY_H
#define CODECELL_BASE_MEMORY_H

#include <stddef.h>

/* Bytes. After a request that held more, memory_trim() is worth its time. */
#define MEMORY_LARGE (256u << 10)

/* At the start, before threads: large blocks are mapped, each by itself, and unmapped when they are freed. */
void memory_setup(void);

/* Gives the allocator's free memory back to the system. It takes milliseconds, so call it on a worker thread. */
void memory_trim(void);

#endif
