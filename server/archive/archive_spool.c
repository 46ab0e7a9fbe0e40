#include "archive/archive_spool.h"

#include "archive/archive_disk.h"
#include "archive/archive_work.h"
#include "base/container_of.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct archive_spool {
    struct archive_work work;
    char *folder;
    int fd; /* -1: nothing was written */
    uint64_t len, max;
    size_t piece_len;
    char piece[ARCHIVE_SPOOL_WRITE_MAX];
    struct error error;
    archive_spool_ready *on_ready;
    void *arg;
};

static int spool_write(struct archive_spool *spool)
{
    if (spool->piece_len > spool->max - spool->len)
        return error_set(&spool->error, ERROR_TOO_LARGE, "The archive must be at most %llu bytes",
                         (unsigned long long)spool->max);
    if (spool->fd < 0)
        spool->fd = archive_disk_unnamed(spool->folder);
    if (spool->fd < 0 || archive_disk_write(spool->fd, spool->piece, spool->piece_len) != 0)
        return archive_disk_error(&spool->error);
    spool->len += spool->piece_len;
    return 0;
}

static void spool_run(struct archive_work *work)
{
    struct archive_spool *spool = container_of(work, struct archive_spool, work);

    if (spool->error.code == ERROR_NONE)
        (void)spool_write(spool);
}

static void spool_done(struct archive_work *work)
{
    struct archive_spool *spool = container_of(work, struct archive_spool, work);

    spool->on_ready(spool->arg, spool->error.code == ERROR_NONE ? NULL : &spool->error);
}

static void spool_release(struct archive_work *work)
{
    struct archive_spool *spool = container_of(work, struct archive_spool, work);

    if (spool->fd >= 0)
        close(spool->fd);
    free(spool->folder);
}

static void spool_dispose(struct archive_work *work)
{
    free(container_of(work, struct archive_spool, work));
}

struct archive_spool *archive_spool_open(uv_loop_t *loop, const char *folder, uint64_t max,
                                         archive_spool_ready *on_ready, void *arg)
{
    struct archive_spool *spool = calloc(1, sizeof *spool);
    char *copy = strdup(folder);

    if (spool == NULL || copy == NULL) {
        free(spool);
        free(copy);
        return NULL;
    }
    spool->work = (struct archive_work){
        .loop = loop, .run = spool_run, .done = spool_done, .release = spool_release, .dispose = spool_dispose};
    spool->folder = copy;
    spool->fd = -1;
    spool->max = max;
    spool->on_ready = on_ready;
    spool->arg = arg;
    return spool;
}

void archive_spool_write(struct archive_spool *spool, const void *data, size_t len)
{
    assert(len <= sizeof spool->piece && !spool->work.busy);
    memcpy(spool->piece, data, len);
    spool->piece_len = len;
    archive_work_start(&spool->work);
}

int archive_spool_file(const struct archive_spool *spool)
{
    return spool->fd;
}

void archive_spool_close(struct archive_spool *spool)
{
    archive_work_close(&spool->work, NULL, NULL);
}
