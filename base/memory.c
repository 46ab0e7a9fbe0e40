#include "base/memory.h"

#include "base/container_of.h"
#include "base/pace.h"
#include "base/worker.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20) /* bytes that are given back at once: about a tenth of a millisecond */

/* By default glibc raises its threshold for mapping to the size of the last block that was freed, up to 32 MiB. From
 * then on bodies lie in its pools, one for each worker thread, and a small block after a body keeps the body's
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
    struct worker_job job;
    void *block;
    size_t size;
};

static void free_on_worker(struct worker_job *job)
{
    const struct freeing *freeing = container_of(job, struct freeing, job);

    memory_free_large(freeing->block, freeing->size);
}

static void after_freeing(struct worker_job *job)
{
    free(container_of(job, struct freeing, job));
}

void memory_free_apart(uv_loop_t *loop, void *block, size_t size)
{
    struct freeing *freeing = size > PIECE ? malloc(sizeof *freeing) : NULL;

    if (freeing == NULL) {
        memory_free_large(block, size);
        return;
    }
    *freeing = (struct freeing){.block = block, .size = size};
    worker_queue(loop, &freeing->job, free_on_worker, after_freeing);
}

void memory_trim(void)
{
    malloc_trim(0);
}
