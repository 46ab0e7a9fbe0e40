/* Work beside a loop, on threads. It is uv_queue_work() with these differences: the end of the work wakes the loop by a
 * waker (waker.h says why), the threads pace themselves (pace.h), and a job cannot be cancelled. */
#ifndef CODECELL_BASE_WORKER_H
#define CODECELL_BASE_WORKER_H

#include "base/list.h"
#include "base/waker.h"

#include <uv.h>

#define WORKER_THREADS 4u /* as many as libuv has; pace.h says how many of them work at a time */

/* A member of the caller's struct, which must live until over(). */
struct worker_job {
    void (*run)(struct worker_job *job);  /* on a worker thread, or on the loop */
    void (*over)(struct worker_job *job); /* on the loop, after run(); may free the struct around the job */
    struct list node;
    struct waker waker;
    uv_timer_t timer; /* instead of the waker if there is no descriptor for it, or no thread */
};

/* Has the job done. Jobs begin in the order of these calls, and are over in any order. If there is no descriptor or no
 * thread, the loop itself runs the job, later. On the loop's thread. */
void worker_queue(uv_loop_t *loop, struct worker_job *job, void (*run)(struct worker_job *job),
                  void (*over)(struct worker_job *job));

#endif
