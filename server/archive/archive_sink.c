#include "archive/archive_sink.h"

#include "archive/archive_disk.h"
#include "docker/wire/integers.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BESIDE ".new"               /* behind the path of the file */
#define LEVEL 1                     /* zstd: the least work */
#define GZIP_MAX ((size_t)16 << 20) /* more never comes of one piece: a hole may be long, and hardly any bytes */
#define INDEX_WINDOW_LOG 15         /* the names of a folder are alike */
#define SKIPPABLE_MAGIC 0x184d2a50u /* of zstd's format */
#define NS 1000000000

/* Pressing. */

static int press_open(struct archive_press *press, int window_log)
{
    press->fd = -1;
    press->zstd = ZSTD_createCCtx();
    if (press->zstd == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(press->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(press->zstd, ZSTD_c_windowLog, window_log)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(press->zstd, ZSTD_c_checksumFlag, 1)))
        return -1;
    return 0;
}

static void press_close(struct archive_press *press)
{
    ZSTD_freeCCtx(press->zstd);
    press->zstd = NULL;
}

/* Compresses bytes; `end`: and ends the frame. 0, or -1 with the error. */
static int press(struct archive_sink *sink, struct archive_press *press, const void *data, size_t len, bool end)
{
    ZSTD_inBuffer in = {data, len, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {sink->pressed, sizeof sink->pressed, 0};

        left = ZSTD_compressStream2(press->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return error_memory(&sink->error);
        if (archive_disk_write(press->fd, out.dst, out.pos) != 0)
            return archive_disk_error(&sink->error);
        press->written += out.pos;
    } while (end ? left > 0 : in.pos < in.size);
    return 0;
}

static int take_gzip(struct archive_sink *sink, const void *data, size_t len)
{
    sink->file_bytes += len;
    return buf_append(&sink->gzip, data, len) == 0 ? 0 : error_memory(&sink->error);
}

/* libarchive gives bytes of tar, or of gzip. */
static la_ssize_t take_bytes(struct archive *out, void *arg, const void *data, size_t len)
{
    struct archive_sink *sink = arg;
    int result = -1;

    if (sink->given_up)
        return -1;
    if (sink->path != NULL)
        result = press(sink, &sink->tar, data, len, false);
    else
        result = take_gzip(sink, data, len);
    sink->frame_tar += len;
    if (result == 0)
        return (la_ssize_t)len;
    archive_set_error(out, EIO, "not written");
    return -1;
}

/* Opening. */

static int sink_failed(struct archive_sink *sink, struct error *error)
{
    if (sink->error.code != ERROR_NONE) {
        *error = sink->error;
        return -1;
    }
    if (archive_errno(sink->out) == ENOMEM)
        return error_memory(error);
    return error_set(error, ERROR_INTERNAL, "The archive cannot be written");
}

static int open_files(struct archive_sink *sink, const char *path, struct error *error)
{
    char *folder = archive_disk_folder(path);
    int result = -1;

    sink->path = strdup(path);
    sink->beside = malloc(strlen(path) + sizeof BESIDE);
    if (folder == NULL || sink->path == NULL || sink->beside == NULL ||
        press_open(&sink->tar, ARCHIVE_WINDOW_LOG) != 0 || press_open(&sink->index, INDEX_WINDOW_LOG) != 0) {
        free(folder);
        return error_memory(error);
    }
    sprintf(sink->beside, "%s" BESIDE, path);
    sink->tar.fd = open(sink->beside, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (sink->tar.fd >= 0)
        sink->index.fd = archive_disk_unnamed(folder);
    result = sink->tar.fd < 0 || sink->index.fd < 0 ? archive_disk_error(error) : 0;
    free(folder);
    return result;
}

/* Names are bytes: a file keeps them in any form of tar, and GNU's, which clients get, has no character sets. */
static int set_format(struct archive_sink *sink)
{
    if (sink->path == NULL)
        return archive_write_set_format_gnutar(sink->out) == ARCHIVE_OK &&
                       archive_write_add_filter_gzip(sink->out) == ARCHIVE_OK &&
                       archive_write_set_options(sink->out, "gzip:!timestamp,gzip:compression-level=1") == ARCHIVE_OK
                   ? 0
                   : -1;
    return archive_write_set_format_pax(sink->out) == ARCHIVE_OK &&
                   archive_write_set_options(sink->out, "pax:hdrcharset=BINARY") == ARCHIVE_OK
               ? 0
               : -1;
}

int archive_sink_open(struct archive_sink *sink, const char *path, struct error *error)
{
    sink->tar.fd = sink->index.fd = -1;
    buf_init(&sink->gzip, GZIP_MAX);
    if (path != NULL && open_files(sink, path, error) != 0)
        return -1;
    sink->out = archive_write_new();
    if (sink->out == NULL || set_format(sink) != 0)
        return error_memory(error);
    /* No gathering: what an entry writes has come when it is complete. */
    if (archive_write_set_bytes_per_block(sink->out, 0) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(sink->out, 1) != ARCHIVE_OK ||
        archive_write_open(sink->out, sink, NULL, take_bytes, NULL) != ARCHIVE_OK)
        return sink_failed(sink, error);
    return 0;
}

void archive_sink_close(struct archive_sink *sink)
{
    if (sink->out != NULL) {
        sink->given_up = true; /* what libarchive still holds goes nowhere */
        (void)archive_write_free(sink->out);
    }
    if (sink->beside != NULL)
        (void)unlink(sink->beside);
    if (sink->path != NULL && sink->tar.fd >= 0)
        close(sink->tar.fd);
    if (sink->path != NULL && sink->index.fd >= 0)
        close(sink->index.fd);
    press_close(&sink->tar);
    press_close(&sink->index);
    buf_free(&sink->gzip);
    free(sink->path);
    free(sink->beside);
    *sink = (struct archive_sink){0};
}

/* Entries. */

/* Has the next entry begin with a frame of its own if the current one is long enough. */
static int turn_frame(struct archive_sink *sink, struct error *error)
{
    if (archive_write_finish_entry(sink->out) != ARCHIVE_OK)
        return sink_failed(sink, error);
    if (sink->path == NULL || sink->frame_tar < ARCHIVE_FRAME)
        return 0;
    if (press(sink, &sink->tar, NULL, 0, true) != 0)
        return sink_failed(sink, error);
    sink->frame = sink->tar.written;
    sink->frame_tar = 0;
    return 0;
}

static int index_entry(struct archive_sink *sink, const struct entry *entry, struct error *error)
{
    struct archive_record record = {.entry = *entry, .frame = sink->frame, .skip = sink->frame_tar};

    if (sink->path == NULL)
        return 0;
    record.entry.mode &= 0777;
    if (press(sink, &sink->index, sink->record, archive_record_put(sink->record, &record), false) != 0)
        return sink_failed(sink, error);
    return 0;
}

static void set_type(struct archive_entry *header, const struct entry *entry, const char *target)
{
    switch (entry->type) {
    case ENTRY_DIRECTORY:
        archive_entry_set_filetype(header, AE_IFDIR);
        break;
    case ENTRY_LINK:
        archive_entry_set_filetype(header, AE_IFLNK);
        archive_entry_set_symlink(header, target);
        break;
    case ENTRY_SAME:
        archive_entry_set_filetype(header, AE_IFREG);
        archive_entry_set_hardlink(header, target);
        break;
    default:
        archive_entry_set_filetype(header, AE_IFREG);
        archive_entry_set_size(header, (la_int64_t)entry->size);
    }
}

static void set_header(struct archive_sink *sink, struct archive_entry *header, const struct entry *entry)
{
    char *path = sink->names, *target = path + entry->path_len + 1;

    memcpy(path, entry->path, entry->path_len);
    path[entry->path_len] = '\0';
    if (entry->target_len > 0)
        memcpy(target, entry->target, entry->target_len);
    target[entry->target_len] = '\0';
    archive_entry_set_pathname(header, path);
    archive_entry_set_perm(header, entry->mode & 0777);
    archive_entry_set_mtime(header, entry->mtime_ns / NS - (entry->mtime_ns % NS < 0),
                            (long)((entry->mtime_ns % NS + NS) % NS));
    archive_entry_set_size(header, 0);
    set_type(header, entry, target);
}

int archive_sink_entry(struct archive_sink *sink, const struct entry *entry, struct error *error)
{
    struct archive_entry *header;
    int result;

    if (turn_frame(sink, error) != 0 || index_entry(sink, entry, error) != 0)
        return -1;
    header = archive_entry_new2(sink->out);
    if (header == NULL)
        return error_memory(error);
    set_header(sink, header, entry);
    result = archive_write_header(sink->out, header);
    archive_entry_free(header);
    return result == ARCHIVE_OK || result == ARCHIVE_WARN ? 0 : sink_failed(sink, error);
}

int archive_sink_data(struct archive_sink *sink, const void *data, size_t len, struct error *error)
{
    return archive_write_data(sink->out, data, len) >= 0 ? 0 : sink_failed(sink, error);
}

/* The end. */

/* Copies the index behind the tar. */
static int append_index(struct archive_sink *sink, struct error *error)
{
    for (uint64_t at = 0; at < sink->index.written;) {
        long n = archive_disk_read(sink->index.fd, sink->pressed, sizeof sink->pressed, at);

        if (n <= 0 || archive_disk_write(sink->tar.fd, sink->pressed, (size_t)n) != 0)
            return archive_disk_error(error);
        at += (uint64_t)n;
    }
    return 0;
}

static int finish_file(struct archive_sink *sink, const struct archive_trailer *counts, struct error *error)
{
    struct archive_trailer trailer = *counts;
    uint8_t head[ARCHIVE_SKIPPABLE], tail[ARCHIVE_TRAILER];

    if (press(sink, &sink->tar, NULL, 0, true) != 0 || press(sink, &sink->index, NULL, 0, true) != 0)
        return sink_failed(sink, error);
    trailer.tar_bytes = sink->tar.written;
    trailer.index_bytes = sink->index.written;
    put32(head, SKIPPABLE_MAGIC);
    put32(head + 4, (uint32_t)(trailer.index_bytes + ARCHIVE_TRAILER));
    archive_trailer_put(tail, &trailer);
    if (archive_disk_write(sink->tar.fd, head, sizeof head) != 0)
        return archive_disk_error(error);
    if (append_index(sink, error) != 0)
        return -1;
    if (archive_disk_write(sink->tar.fd, tail, sizeof tail) != 0 ||
        archive_disk_commit(sink->tar.fd, sink->beside, sink->path) != 0)
        return archive_disk_error(error);
    sink->file_bytes = trailer.tar_bytes + sizeof head + trailer.index_bytes + sizeof tail;
    free(sink->beside);
    sink->beside = NULL;
    return 0;
}

int archive_sink_finish(struct archive_sink *sink, const struct archive_trailer *counts, struct error *error)
{
    if (archive_write_close(sink->out) != ARCHIVE_OK)
        return sink_failed(sink, error);
    return sink->path != NULL ? finish_file(sink, counts, error) : 0;
}
