#include "base/memory.h"

#include <malloc.h>

/* By default glibc raises its threshold for mapping to the size of the last block that was freed, up to 32 MiB. From
 * then on bodies lie in its pools, one for each of libuv's threads, and a small block after a body keeps the body's
 * memory there. */
void memory_setup(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

void memory_trim(void)
{
    malloc_trim(0);
}
