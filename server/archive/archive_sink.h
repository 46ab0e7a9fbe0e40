/* Where a tar goes that is being written: into the file of a sleeping workspace (archive_file.h), with its index, or
 * into a buffer as gzip. It blocks, for worker threads. */
#ifndef CODECELL_ARCHIVE_SINK_H
#define CODECELL_ARCHIVE_SINK_H

#include "archive/archive_file.h"
#include "archive/archive_index.h"
#include "base/buf.h"
#include "base/error.h"
#include "docker/wire/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

struct archive;

/* Bytes that are compressed to the end of a file. */
struct archive_press {
    ZSTD_CCtx *zstd;
    int fd;
    uint64_t written; /* compressed bytes */
};

struct archive_sink {
    struct archive *out; /* libarchive's */
    struct buf gzip;     /* what came out; the owner empties it */
    char *path, *beside; /* of the file, and of what is written until it is complete; NULL: gzip */
    struct archive_press tar, index;
    uint64_t frame, frame_tar; /* where the current frame begins, and its bytes of tar */
    bool given_up;             /* nothing is written any more */
    uint64_t file_bytes;       /* of the complete file, or of the gzip so far */
    struct error error;        /* of a callback of libarchive's */
    char names[WIRE_PATH_MAX + 1 + ENTRY_TARGET_MAX + 1];
    uint8_t record[ARCHIVE_RECORD_MAX];
    uint8_t pressed[65536];
};

/* `path` NULL: gzip. 0, or -1 with the error. */
int archive_sink_open(struct archive_sink *sink, const char *path, struct error *error);

/* Begins an entry: a file, folder or link. The last one ends. 0, or -1 with the error. */
int archive_sink_entry(struct archive_sink *sink, const struct entry *entry, struct error *error);

/* Adds bytes to the current file; what is beyond its size is dropped. What is missing at its end becomes zeros. */
int archive_sink_data(struct archive_sink *sink, const void *data, size_t len, struct error *error);

/* Ends the tar. A file then gets its name. 0, or -1 with the error. */
int archive_sink_finish(struct archive_sink *sink, const struct archive_trailer *counts, struct error *error);

/* Removes a file that is incomplete. Also of one that was never opened, if it is all zero. */
void archive_sink_close(struct archive_sink *sink);

#endif
