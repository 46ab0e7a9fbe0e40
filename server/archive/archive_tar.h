/* A tar that is read entry by entry, by libarchive, and of which nothing is believed. It blocks, for worker threads. */
#ifndef CODECELL_ARCHIVE_TAR_H
#define CODECELL_ARCHIVE_TAR_H

#include "archive/archive_source.h"
#include "base/error.h"
#include "docker/wire/entry.h"

#include <stddef.h>
#include <stdint.h>

struct archive;

struct archive_tar {
    struct archive *in; /* libarchive's */
    struct archive_source *source;
    uint64_t budget;  /* bytes of tar that libarchive may still read */
    long trouble;     /* 0, or what kept the source from being read */
    uint64_t size;    /* of the current file */
    uint64_t at;      /* how much of it was given */
    const char *data; /* the rest of the current block, which lies at the offset `data_at` of the file */
    size_t data_len;
    uint64_t data_at;
    char names[WIRE_PATH_MAX + ENTRY_TARGET_MAX]; /* of the current entry */
    char block[ARCHIVE_SOURCE_PIECE];
};

/* A stretch of a file. */
struct archive_stretch {
    const char *data; /* NULL: a hole, which reads as zeros; else good until the next call */
    uint64_t len;
};

/* From the source's byte `skip` on. 0, or -1 with the error. */
int archive_tar_open(struct archive_tar *tar, struct archive_source *source, uint64_t skip, struct error *error);

/* The next entry. Its names are in `tar`. 1; 0: there is none; -1 with the error. A file must have been read to its end
 * before. An entry for the folder itself is left out. */
int archive_tar_next(struct archive_tar *tar, struct entry *out, struct error *error);

/* The next stretch of the current file. 1; 0: all of it was given; -1 with the error. */
int archive_tar_data(struct archive_tar *tar, struct archive_stretch *out, struct error *error);

/* Reads what comes after the last entry, which shows whether everything before was whole. 0, or -1 with the error. */
int archive_tar_finish(struct archive_tar *tar, struct error *error);

/* Also of one that was never opened, if it is all zero. */
void archive_tar_close(struct archive_tar *tar);

#endif
