#include "api/work.h"

#include "base/container_of.h"

#define INLINE_MAX (256u << 10) /* bytes that are handled on the loop: about a millisecond */

static void run_apart(struct worker_job *job)
{
    struct work *work = container_of(job, struct work, job);

    work->run(work);
}

static void work_over(struct worker_job *job)
{
    struct work *work = container_of(job, struct work, job);

    work->done(work);
}

void work_start(struct work *work, uv_loop_t *loop, size_t size)
{
    if (size > INLINE_MAX) {
        worker_queue(loop, &work->job, run_apart, work_over);
        return;
    }
    work->run(work);
    work->done(work);
}
