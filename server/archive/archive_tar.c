#include "archive/archive_tar.h"

#include "docker/wire/path.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define HEADER_BUDGET ((uint64_t)1 << 20) /* bytes of tar for one header, with its long names and sparse map */
#define TAIL_BUDGET ((uint64_t)1 << 20)   /* bytes after the last entry */
#define NS 1000000000

/* libarchive asks for more. */
static la_ssize_t read_block(struct archive *in, void *arg, const void **out)
{
    struct archive_tar *tar = arg;
    long n = archive_source_read(tar->source, tar->block, sizeof tar->block);

    if (n > 0 && (uint64_t)n > tar->budget) {
        archive_set_error(in, EFBIG, "a header is too large");
        return -1;
    }
    if (n < 0) {
        tar->trouble = n;
        archive_set_error(in, EIO, "it is damaged");
        return -1;
    }
    tar->budget -= (uint64_t)n;
    *out = tar->block;
    return n;
}

static int tar_trouble(long trouble, const char *sentence, struct error *error)
{
    if (trouble == ARCHIVE_TROUBLE_MEMORY)
        return error_memory(error);
    if (trouble == ARCHIVE_TROUBLE_DISK)
        return error_set(error, ERROR_UNAVAILABLE, "The server's disk does not work. Please try again later.");
    return error_set(error, ERROR_INVALID, "The archive is broken: %s", sentence);
}

/* libarchive's sentence may quote the archive, and is not for people who do not know tar: so it is not told. */
static int tar_failed(struct archive_tar *tar, struct error *error)
{
    if (tar->trouble != 0)
        return tar_trouble(tar->trouble, "it is damaged or cut", error);
    if (archive_errno(tar->in) == ENOMEM)
        return error_memory(error);
    if (archive_errno(tar->in) == EFBIG)
        return tar_trouble(0, "a header is too large", error);
    return tar_trouble(0, "it is no tar, or damaged", error);
}

static int tar_skip(struct archive_tar *tar, uint64_t skip, struct error *error)
{
    while (skip > 0) {
        long n =
            archive_source_read(tar->source, tar->block, skip < sizeof tar->block ? (size_t)skip : sizeof tar->block);

        if (n <= 0)
            return tar_trouble(n, "it is damaged or cut", error);
        skip -= (uint64_t)n;
    }
    return 0;
}

int archive_tar_open(struct archive_tar *tar, struct archive_source *source, uint64_t skip, struct error *error)
{
    tar->source = source;
    tar->trouble = 0;
    tar->size = tar->at = 0;
    tar->data_len = 0;
    tar->in = archive_read_new();
    if (tar->in == NULL || archive_read_support_format_tar(tar->in) != ARCHIVE_OK)
        return error_memory(error);
    tar->budget = HEADER_BUDGET;
    if (tar_skip(tar, skip, error) != 0)
        return -1;
    if (archive_read_open(tar->in, tar, NULL, read_block, NULL) != ARCHIVE_OK)
        return tar_failed(tar, error);
    return 0;
}

void archive_tar_close(struct archive_tar *tar)
{
    if (tar->in != NULL)
        archive_read_free(tar->in);
    tar->in = NULL;
}

/* A name as it is below the folder: without "./" before it and "/" after it. */
static size_t trim(const char **name)
{
    size_t len;

    while ((*name)[0] == '.' && (*name)[1] == '/') {
        *name += 2;
        *name += strspn(*name, "/");
    }
    len = strlen(*name);
    while (len > 1 && (*name)[len - 1] == '/')
        len--;
    return len == 1 && (*name)[0] == '.' ? 0 : len;
}

static int refuse(const char *path, const char *reason, struct error *error)
{
    return error_set(error, ERROR_INVALID, "The archive is refused: \"%.200s\" %s", path, reason);
}

/* Copies a name to `room`, which has `max` bytes. The length; 0: it names the folder itself; -1: it is refused. */
static long take_name(const char *name, char *room, struct error *error)
{
    size_t len = name != NULL ? trim(&name) : 0;

    if (len > 0 && !wire_path_ok(name, len))
        return refuse(name, "is not a relative path without \"..\", at most 4096 bytes long", error);
    if (len > 0)
        memcpy(room, name, len);
    return (long)len;
}

static int64_t mtime_of(struct archive_entry *entry)
{
    int64_t seconds = archive_entry_mtime(entry), most = INT64_MAX / NS - 1;

    if (seconds > most || seconds < -most)
        return 0;
    return seconds * NS + archive_entry_mtime_nsec(entry);
}

static int take_target(struct archive_tar *tar, struct archive_entry *entry, struct entry *out, struct error *error)
{
    const char *target = archive_entry_symlink(entry);
    size_t len = target != NULL ? strlen(target) : 0;

    if (len == 0 || len > ENTRY_TARGET_MAX)
        return refuse(archive_entry_pathname(entry), "is a link to nothing, or to a path that is too long", error);
    memcpy(tar->names + out->path_len, target, len);
    out->target_len = len;
    return 0;
}

static int take_same(struct archive_tar *tar, struct archive_entry *entry, struct entry *out, struct error *error)
{
    long len = take_name(archive_entry_hardlink(entry), tar->names + out->path_len, error);

    if (len == 0)
        return refuse(archive_entry_pathname(entry), "is a hard link to nothing", error);
    out->type = ENTRY_SAME;
    out->target_len = len > 0 ? (size_t)len : 0;
    return len > 0 ? 0 : -1;
}

static int take_type(struct archive_tar *tar, struct archive_entry *entry, struct entry *out, struct error *error)
{
    if (archive_entry_hardlink(entry) != NULL)
        return take_same(tar, entry, out, error);
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        out->type = ENTRY_FILE;
        out->content = ENTRY_BYTES;
        return 0;
    case AE_IFDIR:
        out->type = ENTRY_DIRECTORY;
        return 0;
    case AE_IFLNK:
        out->type = ENTRY_LINK;
        return take_target(tar, entry, out, error);
    default:
        return refuse(archive_entry_pathname(entry), "is not a file, a folder or a link", error);
    }
}

/* 1; 0: it is left out; -1: it is refused. */
static int take_entry(struct archive_tar *tar, struct archive_entry *entry, struct entry *out, struct error *error)
{
    long len = take_name(archive_entry_pathname(entry), tar->names, error);
    int64_t size;

    if (len <= 0)
        return (int)len;
    *out = (struct entry){.path = tar->names,
                          .path_len = (size_t)len,
                          .mode = archive_entry_perm(entry) & 0777, /* setuid and the like are dropped */
                          .mtime_ns = mtime_of(entry),
                          .target = tar->names + len};
    if (take_type(tar, entry, out, error) != 0)
        return -1;
    size = out->type == ENTRY_FILE ? archive_entry_size(entry) : 0;
    if (size < 0)
        return refuse(archive_entry_pathname(entry), "has no size", error);
    tar->size = out->size = (uint64_t)size;
    tar->at = 0;
    tar->data_len = 0;
    tar->budget = HEADER_BUDGET + tar->size;
    return 1;
}

/* ARCHIVE_WARN is what libarchive says if a name is not in the server's character set. The name is right. */
int archive_tar_next(struct archive_tar *tar, struct entry *out, struct error *error)
{
    for (;;) {
        struct archive_entry *entry;
        int result, taken;

        tar->budget = HEADER_BUDGET;
        result = archive_read_next_header(tar->in, &entry);
        if (result == ARCHIVE_EOF)
            return 0;
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
            return tar_failed(tar, error);
        taken = take_entry(tar, entry, out, error);
        if (taken != 0)
            return taken;
    }
}

/* 1: there is a block; 0: there is none any more; -1 with the error. */
static int next_block(struct archive_tar *tar, struct error *error)
{
    const void *data;
    la_int64_t offset;
    size_t len;
    int result;

    do
        result = archive_read_data_block(tar->in, &data, &len, &offset);
    while (result == ARCHIVE_OK && len == 0);
    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK)
        return tar_failed(tar, error);
    if (offset < 0 || (uint64_t)offset < tar->at || (uint64_t)offset > tar->size || len > tar->size - (uint64_t)offset)
        return tar_trouble(0, "a sparse file has parts that overlap", error);
    tar->data = data;
    tar->data_len = len;
    tar->data_at = (uint64_t)offset;
    return 1;
}

static int give(struct archive_tar *tar, const char *data, uint64_t len, struct archive_stretch *out)
{
    *out = (struct archive_stretch){data, len};
    tar->at += len;
    return 1;
}

int archive_tar_data(struct archive_tar *tar, struct archive_stretch *out, struct error *error)
{
    int there = tar->data_len > 0 ? 1 : next_block(tar, error);
    size_t len = tar->data_len;

    if (there < 0)
        return -1;
    if (there == 0 && tar->at == tar->size)
        return 0;
    if (there == 0)
        return give(tar, NULL, tar->size - tar->at, out);
    if (tar->at < tar->data_at)
        return give(tar, NULL, tar->data_at - tar->at, out);
    tar->data_len = 0;
    return give(tar, tar->data, len, out);
}

int archive_tar_finish(struct archive_tar *tar, struct error *error)
{
    uint64_t tail = 0;
    long n;

    while ((n = archive_source_read(tar->source, tar->block, sizeof tar->block)) > 0) {
        tail += (uint64_t)n;
        if (tail > TAIL_BUDGET)
            return tar_trouble(0, "there is something behind its end", error);
    }
    return n == 0 ? 0 : tar_trouble(n, "it is damaged or cut", error);
}
