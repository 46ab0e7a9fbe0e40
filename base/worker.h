/* Work beside a loop, on threads: uv_queue_work() with two differences. The end of the work wakes the loop by a waker
 * (waker.h says why), and the threads pace themselves (pace.h). */
#ifndef CODECELL_BASE_WORKER_H
#define CODECELL_BASE_WORKER_H

#include "base/list.h"
#include "base/waker.h"

#include <uv.h>

#define WORKER_THREADS 4u /* as many as libuv has; pace.h says how many of them work at a time */

/* A member of the caller's struct, which must live until over(). */
struct worker_job {
    void (*run)(struct worker_job *job);  /* on a worker thread */
    void (*over)(struct worker_job *job); /* on the loop, after run(); may free the struct around the job */
    struct list node;
    struct waker waker;
    uv_work_t work; /* if there is no descriptor for the waker, or no thread: libuv's threads do the job */
};

/* Has the job done. Jobs begin in the order of these calls. On the loop's thread. */
void worker_queue(uv_loop_t *loop, struct worker_job *job, void (*run)(struct worker_job *job),
                  void (*over)(struct worker_job *job));

#endif
