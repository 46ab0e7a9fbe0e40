/* Gives the memory that large requests leave unused back to the system. */
#ifndef CODECELL_BASE_MEMORY_H
#define CODECELL_BASE_MEMORY_H

#include <stddef.h>
#include <uv.h>

/* Bytes. After a request that held more, memory_trim() is worth its time. */
#define MEMORY_LARGE (256u << 10)

/* At the start, before threads: large blocks are mapped, each by itself, and unmapped when they are freed. */
void memory_setup(void);

/* free() for a block of `size` bytes that may be large. Its pages are given back a piece at a time, because nobody else
 * can map or unmap memory of the process meanwhile: other threads go on between two pieces. NULL is allowed. */
void memory_free_large(void *block, size_t size);

/* The same for the loop's thread, which leaves a large block to a worker thread. */
void memory_free_apart(uv_loop_t *loop, void *block, size_t size);

/* Gives the allocator's free memory back to the system. It takes milliseconds, so call it on a worker thread. */
void memory_trim(void);

#endif
