/* The index of a sleeping workspace: what it holds, and where in its file. One record an entry, in the order of the
 * archive, compressed. Records are read one after the other, so nobody holds them all. It blocks, for worker threads.
 */
#ifndef CODECELL_ARCHIVE_INDEX_H
#define CODECELL_ARCHIVE_INDEX_H

#include "archive/archive_file.h"
#include "archive/archive_source.h"
#include "docker/wire/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A record: a head, then path and target. */
#define ARCHIVE_RECORD_HEAD 48u
#define ARCHIVE_RECORD_MAX (ARCHIVE_RECORD_HEAD + WIRE_PATH_MAX + ENTRY_TARGET_MAX)

struct archive_record {
    struct entry entry; /* without bytes */
    uint64_t frame;     /* where its frame begins in the file */
    uint64_t skip;      /* bytes of tar in that frame before the entry's header */
};

/* The length that was written to `out`. */
size_t archive_record_put(uint8_t out[ARCHIVE_RECORD_MAX], const struct archive_record *record);

/* The record at the start of `in`. Its length; 0: more bytes are needed; -1: it is none, or a value is out of range,
 * which every value is checked for. Path and target point into `in`. `tar_bytes`: what `frame` must be below. */
long archive_record_get(const uint8_t *in, size_t len, uint64_t tar_bytes, struct archive_record *out);

/* Reads the records of a file. */
struct archive_scan {
    struct archive_source source;
    uint64_t tar_bytes;
    size_t at, len;
    uint8_t bytes[2 * ARCHIVE_RECORD_MAX];
};

/* 0, or -1 out of memory. */
int archive_scan_open(struct archive_scan *scan, int fd, const struct archive_trailer *trailer);

/* The next record, good until the next call. 1; 0: there is none; or an enum archive_trouble. */
int archive_scan_next(struct archive_scan *scan, struct archive_record *out);

/* Also of one that was never opened, if it is all zero. */
void archive_scan_close(struct archive_scan *scan);

/* Finds the file that a path leads to, through links that stay in the workspace. FILE_DONE, FILE_NOT_FOUND,
 * FILE_WRONG_KIND, FILE_OUTSIDE, or FILE_SYSTEM with the `trouble`. `room` gets the names of the record. */
enum file_exit archive_index_find(struct archive_scan *scan, int fd, const struct archive_trailer *trailer,
                                  const char *path, struct archive_record *out, char room[ARCHIVE_RECORD_MAX],
                                  long *trouble);

#endif
