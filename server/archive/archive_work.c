#include "archive/archive_work.h"

#include "base/container_of.h"

#include <assert.h>
#include <stdlib.h>

static void archive_work_release(struct archive_work *work);

static void work_on_thread(struct worker_job *job)
{
    struct archive_work *work = container_of(job, struct archive_work, job);

    work->run(work);
}

static void work_over(struct worker_job *job)
{
    struct archive_work *work = container_of(job, struct archive_work, job);

    work->busy = false;
    if (work->closing)
        archive_work_release(work);
    else
        work->done(work);
}

static void release_on_thread(struct worker_job *job)
{
    struct archive_work *work = container_of(job, struct archive_work, job);

    work->release(work);
}

static void release_over(struct worker_job *job)
{
    struct archive_work *work = container_of(job, struct archive_work, job);
    void (*closed)(void *arg) = work->closed;
    void *arg = work->arg;

    work->dispose(work);
    if (closed != NULL)
        closed(arg);
}

static void archive_work_release(struct archive_work *work)
{
    work->busy = true;
    worker_queue(work->loop, &work->job, release_on_thread, release_over);
}

void archive_work_start(struct archive_work *work)
{
    assert(!work->busy && !work->closing);
    work->busy = true;
    worker_queue(work->loop, &work->job, work_on_thread, work_over);
}

void archive_work_close(struct archive_work *work, void (*closed)(void *arg), void *arg)
{
    assert(!work->closing);
    work->closing = true;
    work->closed = closed;
    work->arg = arg;
    if (!work->busy)
        archive_work_release(work);
}
