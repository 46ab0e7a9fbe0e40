/* Gives the memory that large requests leave unused back to the system. */
#ifndef CODECELL_BASE_MEMORY_H
#define CODECELL_BASE_MEMORY_H

#include <stddef.h>

#define MEMORY_LARGE                                                                       \
    (256u << 10) /* bytes: after a request that held more, memory_trim() is worth its time \
                  */

/* At the start, before threads: large blocks are mapped, each by itself, and unmapped when they are freed. */
void memory_setup(void);

/* Gives back what small blocks have left in the allocator's pools. Takes milliseconds: for a worker thread. */
void memory_trim(void);

#endif
