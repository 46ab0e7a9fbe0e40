/* Reads an archive and gives what it holds as a stream of entries (docker/wire/entry.h), the same that the agent's tool
 * writes and takes. So a workspace that sleeps is listed and read as one that is awake.
 *
 *   open ─ next ─ on_piece ─ next ─ on_piece ─ … ─ next ─ on_done ─ close
 *
 * One piece is made for each next(), on a worker thread. All callbacks come from the loop, never within a call.
 *
 * Nothing in the archive is believed. Nothing of it becomes a file or a link of the host. */
#ifndef CODECELL_ARCHIVE_READER_H
#define CODECELL_ARCHIVE_READER_H

#include "archive/archive_file.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct archive_reader;
struct archive_spool;

#define ARCHIVE_PIECE_MAX ((size_t)128 << 10)

struct archive_reader_events {
    /* 1 to ARCHIVE_PIECE_MAX bytes of the stream, cut anywhere, good until the next call of the owner. */
    void (*on_piece)(void *arg, const void *data, size_t len);
    /* Once, last. error NULL: the stream is complete, with its end entry. Else it is cut without one, so the agent's
     * `unpack` changes nothing. ERROR_INVALID: a client's archive is broken or breaks a rule; the sentence is for the
     * client. ERROR_TOO_LARGE: over a limit. ERROR_NOT_FOUND: there is no file of the workspace. ERROR_INTERNAL: the
     * file of the workspace is broken; archive_file_set_aside() keeps it. ERROR_UNAVAILABLE: the disk cannot be read.
     * ERROR_MEMORY. */
    void (*on_done)(void *arg, const struct error *error);
};

/* All of a sleeping workspace, for `unpack` or a .tar.gz. NULL: out of memory. Here and below, texts are copied, and
 * what is wrong with the file comes through on_done. */
struct archive_reader *archive_reader_open_file(uv_loop_t *loop, const char *file, const struct archive_limits *limits,
                                                const struct archive_reader_events *events, void *arg);

/* A client's .tar.gz, which the spool holds. The spool must live until archive_reader_close()'s `closed`. */
struct archive_reader *archive_reader_open_spool(uv_loop_t *loop, struct archive_spool *spool,
                                                 const struct archive_limits *limits,
                                                 const struct archive_reader_events *events, void *arg);

/* What `list` says of a path below the working folder ("" is the folder itself): the entry and what is below it down to
 * `depth` folders, without bytes. Only entries behind the path `after` in the stream's order ("": from the first), and
 * at most `most`. The end entry's code is that of the tool, such as FILE_EXIT_NOT_FOUND. */
struct archive_query {
    const char *path;
    uint32_t depth; /* 0: the entry alone */
    const char *after;
    uint32_t most;
};
struct archive_reader *archive_reader_open_list(uv_loop_t *loop, const char *file, const struct archive_query *query,
                                                const struct archive_reader_events *events, void *arg);

/* What `read` says of a file: its entry, whose size is the whole file's, and `length` bytes from `offset`. A link that
 * stays in the workspace is followed. */
struct archive_reader *archive_reader_open_one(uv_loop_t *loop, const char *file, const char *path, uint64_t offset,
                                               uint64_t length, const struct archive_reader_events *events, void *arg);

void archive_reader_next(struct archive_reader *reader);

/* At any time. No callback of `events` comes any more. `closed` may be NULL; it fires from the loop when no thread uses
 * the reader any more. */
void archive_reader_close(struct archive_reader *reader, void (*closed)(void *arg));

#endif
