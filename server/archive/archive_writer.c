#include "archive/archive_writer.h"

#include "archive/archive_sink.h"
#include "archive/archive_work.h"
#include "base/container_of.h"
#include "docker/wire/entry.h"
#include "docker/wire/path.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MAX ((uint64_t)16 << 20) /* bytes of holes in one piece of work, so that others have their turn */

static const char zeros[65536];

struct archive_writer {
    struct archive_work work;
    struct archive_writer_events events;
    void *arg;
    char *path; /* NULL: gzip */
    struct archive_limits limits;
    struct archive_sink sink;
    struct entry_reader in;
    bool open, in_file;  /* the sink; the bytes that come belong to a file of the archive */
    bool ending;         /* the owner has said that no more bytes come */
    bool over, complete; /* the stream's end came; the archive is complete */
    bool unfinished;     /* the piece of work ended before what was fed was used up */
    uint64_t hole;       /* zeros that are still to be written */
    struct archive_trailer counts;
    size_t last_len; /* of the last path */
    char last[WIRE_PATH_MAX];
    struct error error;
    size_t at, len; /* of what was fed */
    uint8_t fed[ARCHIVE_FEED_MAX];
};

static int stream_broken(struct archive_writer *writer, const char *what)
{
    return error_set(&writer->error, ERROR_INTERNAL, "The workspace's files could not be read: %s", what);
}

/* The file has its index in the order of paths, so they must come in it. */
static int check_order(struct archive_writer *writer, const struct entry *entry)
{
    if (writer->path != NULL && wire_path_compare(writer->last, writer->last_len, entry->path, entry->path_len) >= 0)
        return stream_broken(writer, "they came in a wrong order");
    memcpy(writer->last, entry->path, entry->path_len);
    writer->last_len = entry->path_len;
    return 0;
}

static int check_entry(struct archive_writer *writer, const struct entry *entry)
{
    struct archive_trailer *counts = &writer->counts;
    uint64_t size = entry->type == ENTRY_FILE ? entry->size : 0;

    if (counts->entries >= writer->limits.entries)
        return error_set(&writer->error, ERROR_TOO_LARGE, "The workspace has more than %llu files and folders",
                         (unsigned long long)writer->limits.entries);
    if (size > writer->limits.bytes - counts->bytes)
        return error_set(&writer->error, ERROR_TOO_LARGE, "The workspace's files have more than %llu bytes",
                         (unsigned long long)writer->limits.bytes);
    counts->entries++;
    counts->bytes += size;
    return check_order(writer, entry);
}

/* A file without its bytes would be wrong in the archive. */
static bool is_packed(const struct entry *entry)
{
    return entry->type == ENTRY_FILE ? entry->content == ENTRY_BYTES : entry->type != ENTRY_OTHER;
}

static int take_entry(struct archive_writer *writer, const struct entry *entry)
{
    writer->in_file = is_packed(entry) && entry->type == ENTRY_FILE;
    if (!is_packed(entry)) {
        writer->counts.left_out++;
        return 0;
    }
    return check_entry(writer, entry) != 0 ? -1 : archive_sink_entry(&writer->sink, entry, &writer->error);
}

static int take_end(struct archive_writer *writer, const struct entry_end *end)
{
    writer->over = true;
    if (end->exit == FILE_TOO_LARGE)
        return error_set(&writer->error, ERROR_TOO_LARGE, "The workspace is too large to be packed");
    return end->exit == FILE_DONE ? 0 : stream_broken(writer, "the agent failed");
}

/* 1, or -1 with the error. */
static int write_hole(struct archive_writer *writer)
{
    size_t len = writer->hole < sizeof zeros ? (size_t)writer->hole : sizeof zeros;

    writer->hole -= len;
    return archive_sink_data(&writer->sink, zeros, len, &writer->error) == 0 ? 1 : -1;
}

/* Takes the next part of what was fed. 1; 0: all of it was taken; -1 with the error. */
static int take_next(struct archive_writer *writer)
{
    const uint8_t *data = writer->fed + writer->at;
    size_t left = writer->len - writer->at;
    struct entry_piece piece;
    int result = 0;
    enum entry_event event = entry_read(&writer->in, &data, &left, &piece);

    writer->at = writer->len - left;
    switch (event) {
    case ENTRY_MORE:
        return 0;
    case ENTRY_NEXT:
        result = take_entry(writer, &piece.entry);
        break;
    case ENTRY_DATA:
        result = writer->in_file ? archive_sink_data(&writer->sink, piece.data, piece.data_len, &writer->error) : 0;
        break;
    case ENTRY_HOLE:
        writer->hole = writer->in_file ? piece.hole : 0;
        break;
    case ENTRY_DATA_END:
        break;
    case ENTRY_STREAM_END:
        result = take_end(writer, &piece.end);
        break;
    case ENTRY_BROKEN:
        result = stream_broken(writer, "the stream is broken");
    }
    return result == 0 ? 1 : -1;
}

static int finish(struct archive_writer *writer)
{
    if (!writer->over)
        return stream_broken(writer, "the stream was cut");
    if (archive_sink_finish(&writer->sink, &writer->counts, &writer->error) != 0)
        return -1;
    writer->complete = true;
    return 0;
}

static int writer_work(struct archive_writer *writer)
{
    int more = 1;

    if (!writer->open && archive_sink_open(&writer->sink, writer->path, &writer->error) != 0)
        return -1;
    writer->open = true;
    for (uint64_t holes = 0; more > 0 && holes < TURN_MAX;) {
        holes += writer->hole > 0 ? sizeof zeros : 0;
        more = writer->hole > 0 ? write_hole(writer) : take_next(writer);
    }
    writer->unfinished = more > 0;
    if (more < 0)
        return -1;
    return more == 0 && writer->ending ? finish(writer) : 0;
}

static void writer_run(struct archive_work *work)
{
    struct archive_writer *writer = container_of(work, struct archive_writer, work);

    if (writer->error.code == ERROR_NONE)
        (void)writer_work(writer);
}

static struct archive_counts counts_of(const struct archive_writer *writer)
{
    const struct archive_trailer *counts = &writer->counts;

    return (struct archive_counts){.entries = counts->entries,
                                   .bytes = counts->bytes,
                                   .left_out = counts->left_out,
                                   .file_bytes = writer->sink.file_bytes};
}

static void tell_end(struct archive_writer *writer)
{
    struct archive_counts counts = counts_of(writer);

    writer->events.on_done(writer->arg, &counts, writer->error.code == ERROR_NONE ? NULL : &writer->error);
}

static void writer_done(struct archive_work *work)
{
    struct archive_writer *writer = container_of(work, struct archive_writer, work);

    if (writer->error.code != ERROR_NONE) {
        tell_end(writer);
    } else if (writer->unfinished) {
        archive_work_start(work);
    } else {
        bool complete = writer->complete; /* once on_ready has fed more, a thread uses the writer */

        writer->events.on_ready(writer->arg, writer->sink.gzip.data, writer->sink.gzip.len);
        if (complete && !writer->work.closing)
            tell_end(writer);
    }
}

static void writer_release(struct archive_work *work)
{
    struct archive_writer *writer = container_of(work, struct archive_writer, work);

    archive_sink_close(&writer->sink);
    free(writer->path);
}

static void writer_dispose(struct archive_work *work)
{
    free(container_of(work, struct archive_writer, work));
}

static struct archive_writer *writer_make(uv_loop_t *loop, const struct archive_limits *limits,
                                          const struct archive_writer_events *events, void *arg)
{
    struct archive_writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return NULL;
    writer->work = (struct archive_work){
        .loop = loop, .run = writer_run, .done = writer_done, .release = writer_release, .dispose = writer_dispose};
    writer->limits = *limits;
    writer->events = *events;
    writer->arg = arg;
    return writer;
}

struct archive_writer *archive_writer_open_file(uv_loop_t *loop, const char *path, const struct archive_limits *limits,
                                                const struct archive_writer_events *events, void *arg)
{
    struct archive_writer *writer = writer_make(loop, limits, events, arg);

    if (writer == NULL)
        return NULL;
    writer->path = strdup(path);
    if (writer->path != NULL)
        return writer;
    free(writer);
    return NULL;
}

struct archive_writer *archive_writer_open_gzip(uv_loop_t *loop, const struct archive_limits *limits,
                                                const struct archive_writer_events *events, void *arg)
{
    return writer_make(loop, limits, events, arg);
}

/* What on_ready gave has been used by now. */
void archive_writer_feed(struct archive_writer *writer, const void *data, size_t len)
{
    assert(len <= sizeof writer->fed && !writer->work.busy && !writer->ending);
    buf_reset(&writer->sink.gzip);
    if (len > 0)
        memcpy(writer->fed, data, len);
    writer->at = 0;
    writer->len = len;
    archive_work_start(&writer->work);
}

void archive_writer_end(struct archive_writer *writer)
{
    assert(!writer->work.busy && !writer->ending);
    buf_reset(&writer->sink.gzip);
    writer->at = writer->len = 0;
    writer->ending = true;
    archive_work_start(&writer->work);
}

void archive_writer_close(struct archive_writer *writer, void (*closed)(void *arg))
{
    archive_work_close(&writer->work, closed, writer->arg);
}
