/* Bytes that lie compressed in a part of a file. It blocks, for worker threads. */
#ifndef CODECELL_ARCHIVE_SOURCE_H
#define CODECELL_ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#define ARCHIVE_SOURCE_PIECE 65536u

enum archive_packing { ARCHIVE_PACKED_ZSTD, ARCHIVE_PACKED_GZIP };

/* What archive_source_read() returns instead of a length. */
enum archive_trouble {
    ARCHIVE_TROUBLE_BROKEN = -1, /* the bytes are damaged or cut */
    ARCHIVE_TROUBLE_DISK = -2,   /* they cannot be read */
    ARCHIVE_TROUBLE_MEMORY = -3,
};

struct archive_source {
    enum archive_packing packing;
    int fd; /* the owner's */
    uint64_t at, end;
    size_t in_at, in_len;
    bool open;   /* there is a decoder */
    bool inside; /* a frame or member has begun and has not ended */
    ZSTD_DCtx *zstd;
    z_stream gzip;
    uint8_t in[ARCHIVE_SOURCE_PIECE];
};

/* Bytes `from` to `to` of the file. 0, or -1 out of memory. */
int archive_source_open(struct archive_source *source, enum archive_packing packing, int fd, uint64_t from,
                        uint64_t to);

/* 1 to `room` bytes; 0: all was read, and all checksums were right; or an enum archive_trouble. */
long archive_source_read(struct archive_source *source, void *out, size_t room);

/* Also of one that was never opened, if it is all zero. */
void archive_source_close(struct archive_source *source);

#endif
