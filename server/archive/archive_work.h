/* Work that a worker thread does in pieces for one owner: one piece at a time, and a clean end at any moment. For the
 * other files of this part. */
#ifndef CODECELL_ARCHIVE_WORK_H
#define CODECELL_ARCHIVE_WORK_H

#include "base/worker.h"

#include <stdbool.h>
#include <uv.h>

/* A member of the struct that works. */
struct archive_work {
    uv_loop_t *loop;
    struct worker_job job;
    bool busy, closing;
    void (*run)(struct archive_work *work);     /* a piece; any thread */
    void (*done)(struct archive_work *work);    /* after it, on the loop; not once it is closing */
    void (*release)(struct archive_work *work); /* frees all but the struct; any thread */
    void (*dispose)(struct archive_work *work); /* frees the struct, on the loop, last */
    void (*closed)(void *arg);
    void *arg;
};

/* Has a piece done. Not while one is under way. */
void archive_work_start(struct archive_work *work);

/* After the piece under way, if there is one: release(), dispose(), then `closed`, from the loop. `closed` may be NULL.
 */
void archive_work_close(struct archive_work *work, void (*closed)(void *arg), void *arg);

#endif
