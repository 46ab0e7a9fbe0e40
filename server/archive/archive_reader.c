#include "archive/archive_reader.h"

#include "archive/archive_disk.h"
#include "archive/archive_index.h"
#include "archive/archive_source.h"
#include "archive/archive_spool.h"
#include "archive/archive_tar.h"
#include "archive/archive_work.h"
#include "base/container_of.h"
#include "docker/wire/entry.h"
#include "docker/wire/path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum reader_kind { READER_FILE, READER_SPOOL, READER_LIST, READER_ONE };

/* What the next piece begins with. */
enum reader_place {
    READER_CLOSED,  /* nothing is open yet */
    READER_ENTRY,   /* the next entry */
    READER_CONTENT, /* more of the current file */
    READER_TAIL,    /* what comes after the last entry */
    READER_END,     /* the end entry */
    READER_OVER,    /* nothing */
};

struct archive_reader {
    struct archive_work work;
    enum reader_kind kind;
    enum reader_place place;
    struct archive_reader_events events;
    void *arg;
    char *file;                  /* NULL: a spool */
    struct archive_spool *spool; /* NULL: a file */
    struct archive_limits limits;
    char *path, *after;      /* of READER_LIST and READER_ONE */
    uint32_t depth, most;    /* of READER_LIST */
    bool met;                /* READER_LIST: there is something at the path */
    uint64_t from, to;       /* the bytes of each file that are wanted */
    uint64_t seen, declared; /* entries so far, and the sizes of their files together */
    int fd;
    struct archive_trailer trailer;
    struct archive_source source;
    struct archive_tar tar;
    struct archive_scan scan;
    struct archive_stretch stretch; /* of the current file, what is left of it */
    struct entry_end end;
    struct error error;
    size_t piece_len;
    uint8_t piece[ARCHIVE_PIECE_MAX];
};

#define READER_ROOM_LEAST (ENTRY_MAX + 4096u) /* bytes of a piece below which nothing more is added */

static const uint8_t zeros[ENTRY_CHUNK_MAX];

/* A broken file of the server's own is no mistake of the client. */
static void reader_failed(struct archive_reader *reader)
{
    if (reader->spool == NULL && reader->error.code == ERROR_INVALID)
        (void)error_set(&reader->error, ERROR_INTERNAL, "The workspace's file is damaged");
}

static int reader_trouble(struct archive_reader *reader, long trouble)
{
    if (trouble == ARCHIVE_TROUBLE_MEMORY)
        return error_memory(&reader->error);
    if (trouble == ARCHIVE_TROUBLE_DISK)
        return archive_disk_error(&reader->error);
    return error_set(&reader->error, ERROR_INTERNAL, "The workspace's file is damaged");
}

static size_t room_in(const struct archive_reader *reader)
{
    return sizeof reader->piece - reader->piece_len;
}

static void say_entry(struct archive_reader *reader, const struct entry *entry)
{
    reader->piece_len += entry_put(reader->piece + reader->piece_len, entry);
    reader->end.entries++;
}

static void say_end(struct archive_reader *reader, enum file_exit exit)
{
    reader->end.exit = exit;
    reader->place = READER_END;
}

/* Opening. */

static int open_tar(struct archive_reader *reader, uint64_t at, uint64_t skip)
{
    enum archive_packing packing = reader->spool != NULL ? ARCHIVE_PACKED_GZIP : ARCHIVE_PACKED_ZSTD;
    off_t size = reader->spool != NULL ? lseek(reader->fd, 0, SEEK_END) : (off_t)reader->trailer.tar_bytes;

    if (size < 0)
        return archive_disk_error(&reader->error);
    if (archive_source_open(&reader->source, packing, reader->fd, at, (uint64_t)size) != 0)
        return error_memory(&reader->error);
    reader->place = READER_ENTRY;
    return archive_tar_open(&reader->tar, &reader->source, skip, &reader->error);
}

static int open_list(struct archive_reader *reader)
{
    reader->met = reader->path[0] == '\0';
    reader->place = READER_ENTRY;
    if (reader->path[0] != '\0' && !wire_path_ok(reader->path, strlen(reader->path)))
        say_end(reader, FILE_OUTSIDE);
    return archive_scan_open(&reader->scan, reader->fd, &reader->trailer) == 0 ? 0 : error_memory(&reader->error);
}

static int open_one(struct archive_reader *reader)
{
    char room[ARCHIVE_RECORD_MAX];
    struct archive_record record;
    long trouble = 0;
    enum file_exit exit =
        archive_index_find(&reader->scan, reader->fd, &reader->trailer, reader->path, &record, room, &trouble);

    if (exit == FILE_SYSTEM)
        return reader_trouble(reader, trouble);
    if (exit == FILE_DONE)
        return open_tar(reader, record.frame, record.skip);
    say_end(reader, exit);
    return 0;
}

static int reader_open(struct archive_reader *reader)
{
    if (reader->kind == READER_SPOOL) {
        reader->fd = archive_spool_file(reader->spool);
        return reader->fd >= 0 ? open_tar(reader, 0, 0)
                               : error_set(&reader->error, ERROR_INVALID, "The archive is broken: it is empty");
    }
    reader->fd = archive_file_open(reader->file, &reader->trailer, &reader->error);
    if (reader->fd < 0)
        return -1;
    if (reader->kind == READER_LIST)
        return open_list(reader);
    return reader->kind == READER_ONE ? open_one(reader) : open_tar(reader, 0, 0);
}

/* Content. */

/* What is wanted of the stretch that has just been given, from its front. */
static void clip(struct archive_reader *reader)
{
    struct archive_stretch *stretch = &reader->stretch;
    uint64_t end = reader->tar.at, begin = end - stretch->len;
    uint64_t from = begin < reader->from ? reader->from : begin, to = end < reader->to ? end : reader->to;

    if (from >= to) {
        stretch->len = 0;
        return;
    }
    if (stretch->data != NULL)
        stretch->data += from - begin;
    stretch->len = to - from;
}

static bool is_zero(const char *data, size_t len)
{
    return data == NULL || (data[0] == '\0' && memcmp(data, data + 1, len - 1) == 0);
}

static void say_chunk(struct archive_reader *reader, const void *data, size_t len)
{
    uint8_t *at = reader->piece + reader->piece_len;

    entry_put_chunk(at, (uint32_t)len);
    if (len > 0)
        memcpy(at + ENTRY_CHUNK_HEAD, data, len);
    reader->piece_len += ENTRY_CHUNK_HEAD + len;
}

/* The next part of the stretch. Zeros are a hole, except for who reads one file. */
static void say_stretch(struct archive_reader *reader)
{
    struct archive_stretch *stretch = &reader->stretch;
    size_t room = room_in(reader) - ENTRY_CHUNK_HEAD, most = room < ENTRY_CHUNK_MAX ? room : ENTRY_CHUNK_MAX;
    uint64_t len = stretch->len < most ? stretch->len : most;

    if (reader->kind != READER_ONE && is_zero(stretch->data, (size_t)len)) {
        if (stretch->data == NULL)
            len = stretch->len < ENTRY_HOLE_MAX ? stretch->len : ENTRY_HOLE_MAX;
        entry_put_hole(reader->piece + reader->piece_len, (uint32_t)len);
        reader->piece_len += ENTRY_CHUNK_HEAD;
    } else {
        say_chunk(reader, stretch->data != NULL ? (const void *)stretch->data : zeros, (size_t)len);
    }
    if (stretch->data != NULL)
        stretch->data += len;
    stretch->len -= len;
    reader->end.bytes += len;
}

/* Gets the next stretch that is wanted. 1; 0: there is none; -1: failed. */
static int fetch(struct archive_reader *reader)
{
    while (reader->stretch.len == 0) {
        int there;

        if (reader->tar.at >= reader->to)
            return 0;
        there = archive_tar_data(&reader->tar, &reader->stretch, &reader->error);
        if (there <= 0)
            return there;
        clip(reader);
    }
    return 1;
}

static int say_content(struct archive_reader *reader)
{
    int there = fetch(reader);

    if (there > 0)
        say_stretch(reader);
    if (there != 0)
        return there;
    say_chunk(reader, NULL, 0);
    reader->place = READER_ENTRY;
    if (reader->kind == READER_ONE)
        say_end(reader, FILE_DONE);
    return 0;
}

/* Entries. */

static int check_limits(struct archive_reader *reader, const struct entry *entry)
{
    if (++reader->seen > reader->limits.entries)
        return error_set(&reader->error, ERROR_TOO_LARGE, "The archive may hold at most %llu files and folders",
                         (unsigned long long)reader->limits.entries);
    if (entry->size > reader->limits.bytes - reader->declared)
        return error_set(&reader->error, ERROR_TOO_LARGE, "The files of the archive may have at most %llu bytes",
                         (unsigned long long)reader->limits.bytes);
    reader->declared += entry->size;
    return 0;
}

static int say_from_tar(struct archive_reader *reader)
{
    struct entry entry;
    int there = archive_tar_next(&reader->tar, &entry, &reader->error);

    if (there < 0 || (there > 0 && check_limits(reader, &entry) != 0))
        return -1;
    if (there == 0 && reader->kind == READER_ONE)
        return reader_trouble(reader, ARCHIVE_TROUBLE_BROKEN);
    reader->place = there == 0 ? READER_TAIL : entry.type == ENTRY_FILE ? READER_CONTENT : READER_ENTRY;
    if (there > 0 && reader->kind == READER_ONE) { /* under the name that was asked for, as the tool says it */
        entry.path = reader->path;
        entry.path_len = strlen(reader->path);
    }
    if (there > 0)
        say_entry(reader, &entry);
    return 0;
}

/* Whether the list has the entry: it is at the path, or in so many folders below it. */
static bool is_listed(const struct archive_reader *reader, const struct entry *entry)
{
    size_t len = strlen(reader->path), folders = len > 0 ? 0 : 1;

    if (len > 0 && (entry->path_len < len || memcmp(entry->path, reader->path, len) != 0 ||
                    (entry->path_len > len && entry->path[len] != '/')))
        return false;
    for (size_t i = len; i < entry->path_len; i++)
        folders += entry->path[i] == '/';
    return folders <= reader->depth;
}

static void list_record(struct archive_reader *reader, struct entry *entry)
{
    if (!is_listed(reader, entry))
        return;
    reader->met = true;
    if (wire_path_compare(entry->path, entry->path_len, reader->after, strlen(reader->after)) <= 0)
        return;
    if (entry->type == ENTRY_SAME) {
        entry->type = ENTRY_FILE;
        entry->target_len = 0;
    }
    say_entry(reader, entry);
}

static int say_from_index(struct archive_reader *reader)
{
    struct archive_record record;
    int there = reader->end.entries < reader->most ? archive_scan_next(&reader->scan, &record) : 0;

    if (there < 0)
        return reader_trouble(reader, there);
    if (there > 0)
        list_record(reader, &record.entry);
    else
        say_end(reader, reader->met || reader->end.entries == reader->most ? FILE_DONE : FILE_NOT_FOUND);
    return 0;
}

/* Pieces. */

static int reader_step(struct archive_reader *reader)
{
    switch (reader->place) {
    case READER_CLOSED:
        return reader_open(reader);
    case READER_ENTRY:
        return reader->kind == READER_LIST ? say_from_index(reader) : say_from_tar(reader);
    case READER_CONTENT:
        return say_content(reader);
    case READER_TAIL:
        say_end(reader, FILE_DONE);
        return archive_tar_finish(&reader->tar, &reader->error);
    case READER_END:
        entry_put_end(reader->piece + reader->piece_len, &reader->end);
        reader->piece_len += ENTRY_HEAD;
        reader->place = READER_OVER;
        return 0;
    case READER_OVER:
        break;
    }
    return 0;
}

static void reader_run(struct archive_work *work)
{
    struct archive_reader *reader = container_of(work, struct archive_reader, work);

    reader->piece_len = 0;
    while (reader->error.code == ERROR_NONE && reader->place != READER_OVER && room_in(reader) >= READER_ROOM_LEAST)
        if (reader_step(reader) != 0)
            reader_failed(reader);
}

static void reader_done(struct archive_work *work)
{
    struct archive_reader *reader = container_of(work, struct archive_reader, work);

    if (reader->piece_len > 0)
        reader->events.on_piece(reader->arg, reader->piece, reader->piece_len);
    else
        reader->events.on_done(reader->arg, reader->error.code == ERROR_NONE ? NULL : &reader->error);
}

static void reader_release(struct archive_work *work)
{
    struct archive_reader *reader = container_of(work, struct archive_reader, work);

    archive_tar_close(&reader->tar);
    archive_scan_close(&reader->scan);
    archive_source_close(&reader->source);
    if (reader->spool == NULL && reader->fd >= 0)
        close(reader->fd);
    free(reader->file);
    free(reader->path);
    free(reader->after);
}

static void reader_dispose(struct archive_work *work)
{
    free(container_of(work, struct archive_reader, work));
}

static struct archive_reader *reader_make(uv_loop_t *loop, enum reader_kind kind,
                                          const struct archive_reader_events *events, void *arg)
{
    struct archive_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL)
        return NULL;
    reader->work = (struct archive_work){
        .loop = loop, .run = reader_run, .done = reader_done, .release = reader_release, .dispose = reader_dispose};
    reader->kind = kind;
    reader->events = *events;
    reader->arg = arg;
    reader->limits = (struct archive_limits){UINT64_MAX, UINT64_MAX};
    reader->to = UINT64_MAX;
    reader->fd = -1;
    return reader;
}

/* Frees a reader that has not begun, if a text could not be copied. */
static struct archive_reader *reader_complete(struct archive_reader *reader, bool complete)
{
    if (complete)
        return reader;
    reader_release(&reader->work);
    free(reader);
    return NULL;
}

struct archive_reader *archive_reader_open_file(uv_loop_t *loop, const char *file, const struct archive_limits *limits,
                                                const struct archive_reader_events *events, void *arg)
{
    struct archive_reader *reader = reader_make(loop, READER_FILE, events, arg);

    if (reader == NULL)
        return NULL;
    reader->limits = *limits;
    reader->file = strdup(file);
    return reader_complete(reader, reader->file != NULL);
}

struct archive_reader *archive_reader_open_spool(uv_loop_t *loop, struct archive_spool *spool,
                                                 const struct archive_limits *limits,
                                                 const struct archive_reader_events *events, void *arg)
{
    struct archive_reader *reader = reader_make(loop, READER_SPOOL, events, arg);

    if (reader == NULL)
        return NULL;
    reader->limits = *limits;
    reader->spool = spool;
    return reader;
}

struct archive_reader *archive_reader_open_list(uv_loop_t *loop, const char *file, const struct archive_query *query,
                                                const struct archive_reader_events *events, void *arg)
{
    struct archive_reader *reader = reader_make(loop, READER_LIST, events, arg);

    if (reader == NULL)
        return NULL;
    reader->depth = query->depth;
    reader->most = query->most;
    reader->file = strdup(file);
    reader->path = strdup(query->path);
    reader->after = strdup(query->after);
    return reader_complete(reader, reader->file != NULL && reader->path != NULL && reader->after != NULL);
}

struct archive_reader *archive_reader_open_one(uv_loop_t *loop, const char *file, const char *path, uint64_t offset,
                                               uint64_t length, const struct archive_reader_events *events, void *arg)
{
    struct archive_reader *reader = reader_make(loop, READER_ONE, events, arg);

    if (reader == NULL)
        return NULL;
    reader->from = offset;
    reader->to = length < UINT64_MAX - offset ? offset + length : UINT64_MAX;
    reader->file = strdup(file);
    reader->path = strdup(path);
    return reader_complete(reader, reader->file != NULL && reader->path != NULL);
}

void archive_reader_next(struct archive_reader *reader)
{
    archive_work_start(&reader->work);
}

/* The owner's argument, for `closed`. */
void archive_reader_close(struct archive_reader *reader, void (*closed)(void *arg))
{
    archive_work_close(&reader->work, closed, reader->arg);
}
