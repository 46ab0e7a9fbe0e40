#include "archive/archive_work.h"

#include "base/container_of.h"
#include "base/pace.h"

#include <assert.h>
#include <stdlib.h>

static void archive_work_release(struct archive_work *work);

static void work_on_thread(uv_work_t *handle)
{
    struct archive_work *work = container_of(handle, struct archive_work, handle);

    pace_begin();
    work->run(work);
    pace_end();
}

static void work_over(uv_work_t *handle, int status)
{
    struct archive_work *work = container_of(handle, struct archive_work, handle);

    (void)status; /* never cancelled */
    work->busy = false;
    if (work->closing)
        archive_work_release(work);
    else
        work->done(work);
}

static void release_on_thread(uv_work_t *handle)
{
    struct archive_work *work = container_of(handle, struct archive_work, handle);

    work->release(work);
}

static void release_over(uv_work_t *handle, int status)
{
    struct archive_work *work = container_of(handle, struct archive_work, handle);
    void (*closed)(void *arg) = work->closed;
    void *arg = work->arg;

    (void)status;
    work->dispose(work);
    if (closed != NULL)
        closed(arg);
}

/* libuv refuses work only if there is no function for it. */
static void archive_work_queue(struct archive_work *work, uv_work_cb run, uv_after_work_cb over)
{
    int result = uv_queue_work(work->loop, &work->handle, run, over);

    assert(result == 0);
    (void)result;
    work->busy = true;
}

static void archive_work_release(struct archive_work *work)
{
    archive_work_queue(work, release_on_thread, release_over);
}

void archive_work_start(struct archive_work *work)
{
    assert(!work->busy && !work->closing);
    archive_work_queue(work, work_on_thread, work_over);
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
