/* Makes an archive of a stream of entries (docker/wire/entry.h), as the agent's `pack` writes it: the file of a
 * sleeping workspace (archive_file.h), or a .tar.gz for a client. Worker threads do the work, in pieces.
 *
 *   open ─ feed ─ on_ready ─ feed ─ on_ready ─ … ─ end ─ on_ready ─ on_done ─ close
 *            └──────┴──────── on_done, with an error ──────────────────┘
 *
 * After feed() or end() the owner waits for on_ready or on_done, and holds its source meanwhile (cell_hold). All
 * callbacks come from the loop, never within a call. */
#ifndef CODECELL_ARCHIVE_WRITER_H
#define CODECELL_ARCHIVE_WRITER_H

#include "archive/archive_file.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct archive_writer;

#define ARCHIVE_FEED_MAX ((size_t)128 << 10) /* bytes of one feed */

/* What was packed. */
struct archive_counts {
    uint64_t entries;    /* files, folders and links */
    uint64_t bytes;      /* of files, as their sizes say */
    uint64_t left_out;   /* entries that the agent could not pack, such as sockets */
    uint64_t file_bytes; /* of the archive */
};

struct archive_writer_events {
    /* What was fed is in the archive. `out`: bytes of the .tar.gz, or none. They are good until the owner's next call
     * of feed() or close(). */
    void (*on_ready)(void *arg, const void *out, size_t len);
    /* Once, last. error NULL: the archive is complete, and its file has its name and is on the disk. Else nothing has
     * changed on the disk. ERROR_INTERNAL: the stream breaks its rules, was cut, or says that the agent
     * has failed. ERROR_TOO_LARGE: over a limit.
     * ERROR_UNAVAILABLE: the disk is full or broken. ERROR_MEMORY. */
    void (*on_done)(void *arg, const struct archive_counts *counts, const struct error *error);
};

/* The file `path`, which is replaced when the archive is complete; until then it is written beside. The text is copied.
 * NULL: out of memory. That the file cannot be made comes through on_done. */
struct archive_writer *archive_writer_open_file(uv_loop_t *loop, const char *path, const struct archive_limits *limits,
                                                const struct archive_writer_events *events, void *arg);

/* A .tar.gz, which comes through on_ready. */
struct archive_writer *archive_writer_open_gzip(uv_loop_t *loop, const struct archive_limits *limits,
                                                const struct archive_writer_events *events, void *arg);

/* The next bytes of the stream, copied. At most ARCHIVE_FEED_MAX, cut anywhere. */
void archive_writer_feed(struct archive_writer *writer, const void *data, size_t len);

/* There are no more bytes. on_ready follows with the last bytes of a .tar.gz, and on_done right after it. */
void archive_writer_end(struct archive_writer *writer);

/* Gives the writer up, at any time, also before on_done. No callback comes any more. An incomplete file is removed.
 * `closed` may be NULL; it fires from the loop when no thread uses the writer any more. */
void archive_writer_close(struct archive_writer *writer, void (*closed)(void *arg));

#endif
