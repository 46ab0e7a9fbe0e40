#include "base/memory.h"

#include "base/container_of.h"
#include "base/pace.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20) /* bytes that are given back at once: about a tenth of a millisecond */

/* By default glibc raises its threshold for mapping to the size of the last block that was freed, up to 32 MiB. From
 * then on bodies lie in its pools, one for each of libuv's threads, and a small block after a body keeps the body's
 * memory there. */
void memory_setup(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

void memory_free_large(void *block, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = -(uintptr_t)block & (page - 1); /* its first whole page */
    size_t left = block != NULL && size > PIECE ? (size - before) & ~(page - 1) : 0;

    for (char *at = (char *)block + before; left > 0;) {
        size_t piece = left < PIECE ? left : PIECE;
        (void)madvise(at, piece, MADV_DONTNEED);
        at += piece;
        left -= piece;
        pace_step();
    }
    free(block);
}

struct freeing {
    uv_work_t work;
    void *block;
    size_t size;
};

static void free_on_worker(uv_work_t *work)
{
    struct freeing *freeing = container_of(work, struct freeing, work);

    pace_begin();
    memory_free_large(freeing->block, freeing->size);
    pace_end();
}

static void after_freeing(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    free(container_of(work, struct freeing, work));
}

void memory_free_apart(uv_loop_t *loop, void *block, size_t size)
{
    struct freeing *freeing = size > PIECE ? malloc(sizeof *freeing) : NULL;

    if (freeing != NULL) {
        *freeing = (struct freeing){.block = block, .size = size};
        if (uv_queue_work(loop, &freeing->work, free_on_worker, after_freeing) == 0)
            return;
    }
    free(freeing);
    memory_free_large(block, size);
}

void memory_trim(void)
{
    malloc_trim(0);
}
