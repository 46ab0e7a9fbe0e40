/* Pure work of a handler: small work is done at once, large work on a worker thread. The struct is a member of the
 * caller's struct, which must live until done(). */
#ifndef CODECELL_API_WORK_H
#define CODECELL_API_WORK_H

#include "base/worker.h"

#include <stddef.h>
#include <uv.h>

struct work {
    void (*run)(struct work *work);  /* any thread */
    void (*done)(struct work *work); /* on the loop, after run(); may free the struct around `work` */
    struct worker_job job;
};

/* `size`: the bytes that the work reads. done() comes within this call if they are few. */
void work_start(struct work *work, uv_loop_t *loop, size_t size);

#endif
