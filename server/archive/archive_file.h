/* The file of a sleeping workspace:
 *
 *   frames of zstd    a tar (pax) of everything. A frame begins with an entry, and is closed behind the one with
 *                     which it holds ARCHIVE_FRAME bytes of tar. Each has its checksum. So one file is read without
 * most of what is before it a skippable frame the index (archive_index.h), and the trailer: 64 bytes, with where the
 * parts are, the counts, and its checksum
 *
 * So `zstd -d < FILE | tar t` works on it, and the server needs no other file. A file that is cut or damaged anywhere
 * fails when it is read. */
#ifndef CODECELL_ARCHIVE_FILE_H
#define CODECELL_ARCHIVE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* What an archive may hold. Above it, ERROR_TOO_LARGE. */
struct archive_limits {
    uint64_t bytes;   /* of all files together, as their sizes say: holes count too */
    uint64_t entries; /* files, folders and links */
};

#define ARCHIVE_TRAILER 64u
#define ARCHIVE_SKIPPABLE 8u /* the head of a skippable frame */

#define ARCHIVE_FRAME ((uint64_t)1 << 20)
#define ARCHIVE_WINDOW_LOG 18 /* zstd's window, which is its memory: 256 KiB */

struct archive_trailer {
    uint64_t tar_bytes;   /* of the frames of the tar, which begin at 0 */
    uint64_t index_bytes; /* of the index, compressed, which begins ARCHIVE_SKIPPABLE after them */
    uint64_t entries, bytes, left_out;
};

void archive_trailer_put(uint8_t out[ARCHIVE_TRAILER], const struct archive_trailer *trailer);

/* 0; -1: these are not the last bytes of a file with `size` bytes. */
int archive_trailer_get(const uint8_t in[ARCHIVE_TRAILER], uint64_t size, struct archive_trailer *out);

/* Opens a file and reads its trailer. A descriptor, or -1: ERROR_NOT_FOUND: there is none. ERROR_INTERNAL: it is not
 * whole. ERROR_UNAVAILABLE: the disk cannot be read. It blocks, for a worker thread. */
int archive_file_open(const char *path, struct archive_trailer *trailer, struct error *error);

/* Renames a broken file to PATH.broken-N, with the lowest N that is free, and so keeps it. `kept` gets the new path. 0,
 * or -1. */
int archive_file_set_aside(const char *path, char *kept, size_t room);

#endif
