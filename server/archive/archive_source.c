#include "archive/archive_source.h"

#include "archive/archive_disk.h"
#include "archive/archive_file.h"

#include <zstd_errors.h>

#define GZIP_BITS (15 + 16) /* zlib: gzip alone, any window */

static int open_zstd(struct archive_source *source)
{
    source->zstd = ZSTD_createDCtx();
    if (source->zstd == NULL)
        return -1;
    return ZSTD_isError(ZSTD_DCtx_setParameter(source->zstd, ZSTD_d_windowLogMax, ARCHIVE_WINDOW_LOG)) ? -1 : 0;
}

int archive_source_open(struct archive_source *source, enum archive_packing packing, int fd, uint64_t from, uint64_t to)
{
    int result;

    source->packing = packing;
    source->fd = fd;
    source->at = from;
    source->end = to;
    source->in_at = source->in_len = 0;
    source->inside = false;
    source->zstd = NULL;
    source->gzip = (z_stream){0};
    result = packing == ARCHIVE_PACKED_ZSTD ? open_zstd(source) : inflateInit2(&source->gzip, GZIP_BITS) != Z_OK;
    source->open = true;
    return result == 0 ? 0 : -1;
}

void archive_source_close(struct archive_source *source)
{
    if (source->open && source->packing == ARCHIVE_PACKED_ZSTD)
        ZSTD_freeDCtx(source->zstd);
    else if (source->open)
        inflateEnd(&source->gzip);
    source->open = false;
}

/* 1: there is input; 0: there is no more; or a trouble. */
static long source_refill(struct archive_source *source)
{
    uint64_t left = source->end - source->at;
    long n;

    if (source->in_at < source->in_len)
        return 1;
    if (left == 0)
        return 0;
    n = archive_disk_read(source->fd, source->in, left < sizeof source->in ? (size_t)left : sizeof source->in,
                          source->at);
    if (n <= 0)
        return n < 0 ? ARCHIVE_TROUBLE_DISK : ARCHIVE_TROUBLE_BROKEN;
    source->at += (uint64_t)n;
    source->in_at = 0;
    source->in_len = (size_t)n;
    return 1;
}

static long step_zstd(struct archive_source *source, void *out, size_t room)
{
    ZSTD_inBuffer in = {source->in, source->in_len, source->in_at};
    ZSTD_outBuffer piece = {out, room, 0};
    size_t result = ZSTD_decompressStream(source->zstd, &piece, &in);

    if (ZSTD_isError(result))
        return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? ARCHIVE_TROUBLE_MEMORY
                                                                         : ARCHIVE_TROUBLE_BROKEN;
    source->in_at = in.pos;
    source->inside = result != 0;
    return (long)piece.pos;
}

/* A file of gzip may have several members, one after the other. */
static long step_gzip(struct archive_source *source, void *out, size_t room)
{
    z_stream *gzip = &source->gzip;
    int result;

    if (!source->inside && inflateReset(gzip) != Z_OK)
        return ARCHIVE_TROUBLE_BROKEN;
    gzip->next_in = source->in + source->in_at;
    gzip->avail_in = (unsigned)(source->in_len - source->in_at);
    gzip->next_out = out;
    gzip->avail_out = (unsigned)room;
    result = inflate(gzip, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
        return ARCHIVE_TROUBLE_MEMORY;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return ARCHIVE_TROUBLE_BROKEN;
    source->in_at = source->in_len - gzip->avail_in;
    source->inside = result != Z_STREAM_END;
    return (long)(room - gzip->avail_out);
}

static long source_step(struct archive_source *source, void *out, size_t room)
{
    return source->packing == ARCHIVE_PACKED_ZSTD ? step_zstd(source, out, room) : step_gzip(source, out, room);
}

long archive_source_read(struct archive_source *source, void *out, size_t room)
{
    for (;;) {
        long there = source_refill(source), n;

        if (there < 0)
            return there;
        if (there == 0 && !source->inside)
            return 0;
        n = source_step(source, out, room); /* the decoder may still hold bytes if there is no more input */
        if (n != 0)
            return n;
        if (there == 0)
            return ARCHIVE_TROUBLE_BROKEN;
    }
}
