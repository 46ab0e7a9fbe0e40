#include "api/work.h"

#include "base/container_of.h"
#include "base/pace.h"

#define INLINE_MAX (256u << 10) /* bytes that are handled on the loop: about a millisecond */

static void work_on_thread(uv_work_t *handle)
{
    struct work *work = container_of(handle, struct work, handle);

    pace_begin();
    work->run(work);
    pace_end();
}

static void work_over(uv_work_t *handle, int status)
{
    struct work *work = container_of(handle, struct work, handle);

    (void)status; /* never cancelled */
    work->done(work);
}

void work_start(struct work *work, uv_loop_t *loop, size_t size)
{
    if (size > INLINE_MAX && uv_queue_work(loop, &work->handle, work_on_thread, work_over) == 0)
        return;
    work->run(work);
    work->done(work);
}
