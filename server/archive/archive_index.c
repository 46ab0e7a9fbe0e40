#include "archive/archive_index.h"

#include "docker/wire/integers.h"

#include <stdio.h>
#include <string.h>

#define LOOKS_MAX 40 /* times that the index is read for one path: as many links as the kernel follows */

size_t archive_record_put(uint8_t out[ARCHIVE_RECORD_MAX], const struct archive_record *record)
{
    const struct entry *entry = &record->entry;

    put32(out, (uint32_t)entry->type);
    put32(out + 4, entry->mode);
    put64(out + 8, entry->size);
    put64(out + 16, (uint64_t)entry->mtime_ns);
    put64(out + 24, record->frame);
    put64(out + 32, record->skip);
    put32(out + 40, (uint32_t)entry->path_len);
    put32(out + 44, (uint32_t)entry->target_len);
    memcpy(out + ARCHIVE_RECORD_HEAD, entry->path, entry->path_len);
    if (entry->target_len > 0)
        memcpy(out + ARCHIVE_RECORD_HEAD + entry->path_len, entry->target, entry->target_len);
    return ARCHIVE_RECORD_HEAD + entry->path_len + entry->target_len;
}

static bool target_ok(const struct entry *entry)
{
    if (entry->type == ENTRY_SAME)
        return wire_path_ok(entry->target, entry->target_len);
    if (entry->type == ENTRY_LINK)
        return entry->target_len > 0 && memchr(entry->target, '\0', entry->target_len) == NULL;
    return entry->target_len == 0;
}

static bool record_ok(const struct archive_record *record, uint32_t type, uint64_t tar_bytes)
{
    const struct entry *entry = &record->entry;

    if (type != ENTRY_FILE && type != ENTRY_DIRECTORY && type != ENTRY_LINK && type != ENTRY_SAME)
        return false;
    return entry->mode <= 0777 && entry->size <= INT64_MAX && (entry->size == 0 || type == ENTRY_FILE) &&
           record->frame < tar_bytes && record->skip < ARCHIVE_FRAME && wire_path_ok(entry->path, entry->path_len) &&
           target_ok(entry);
}

long archive_record_get(const uint8_t *in, size_t len, uint64_t tar_bytes, struct archive_record *out)
{
    const char *names = (const char *)in + ARCHIVE_RECORD_HEAD;
    uint32_t type, path, target;

    if (len < ARCHIVE_RECORD_HEAD)
        return 0;
    type = get32(in);
    path = get32(in + 40);
    target = get32(in + 44);
    if (path > WIRE_PATH_MAX || target > ENTRY_TARGET_MAX)
        return -1;
    if (len < ARCHIVE_RECORD_HEAD + path + target)
        return 0;
    *out = (struct archive_record){
        .entry = {.type = type,
                  .mode = get32(in + 4),
                  .size = get64(in + 8),
                  .mtime_ns = (int64_t)get64(in + 16),
                  .path = names,
                  .path_len = path,
                  .target = names + path,
                  .target_len = target},
        .frame = get64(in + 24),
        .skip = get64(in + 32),
    };
    return record_ok(out, type, tar_bytes) ? (long)(ARCHIVE_RECORD_HEAD + path + target) : -1;
}

int archive_scan_open(struct archive_scan *scan, int fd, const struct archive_trailer *trailer)
{
    uint64_t from = trailer->tar_bytes + ARCHIVE_SKIPPABLE;

    scan->at = scan->len = 0;
    scan->tar_bytes = trailer->tar_bytes;
    return archive_source_open(&scan->source, ARCHIVE_PACKED_ZSTD, fd, from, from + trailer->index_bytes);
}

void archive_scan_close(struct archive_scan *scan)
{
    archive_source_close(&scan->source);
}

/* 1: there are more bytes; 0: there are none; or a trouble. */
static long scan_refill(struct archive_scan *scan)
{
    long n;

    memmove(scan->bytes, scan->bytes + scan->at, scan->len - scan->at);
    scan->len -= scan->at;
    scan->at = 0;
    n = archive_source_read(&scan->source, scan->bytes + scan->len, sizeof scan->bytes - scan->len);
    scan->len += n > 0 ? (size_t)n : 0;
    return n > 0 ? 1 : n;
}

int archive_scan_next(struct archive_scan *scan, struct archive_record *out)
{
    for (;;) {
        long len = archive_record_get(scan->bytes + scan->at, scan->len - scan->at, scan->tar_bytes, out), more;

        if (len < 0)
            return ARCHIVE_TROUBLE_BROKEN;
        scan->at += (size_t)len;
        if (len > 0)
            return 1;
        more = scan_refill(scan);
        if (more < 0)
            return (int)more;
        if (more == 0)
            return scan->at == scan->len ? 0 : ARCHIVE_TROUBLE_BROKEN;
    }
}

/* A path on its way through links: `done` has been looked at, `rest` is still to be walked. */
struct walk {
    char done[WIRE_PATH_MAX + 1];
    char rest[2 * WIRE_PATH_MAX + ENTRY_TARGET_MAX + 3];
};

/* Goes up one folder. False: it would leave the workspace. */
static bool walk_up(struct walk *walk)
{
    char *slash = strrchr(walk->done, '/');

    if (walk->done[0] == '\0')
        return false;
    *(slash != NULL ? slash : walk->done) = '\0';
    return true;
}

static void walk_drop(struct walk *walk, size_t len)
{
    memmove(walk->rest, walk->rest + len, strlen(walk->rest + len) + 1);
}

/* Whether the rest begins with a segment, which is then `len` bytes. Empty segments and "." are dropped. */
static bool walk_segment(struct walk *walk, size_t *len)
{
    for (;;) {
        walk_drop(walk, strspn(walk->rest, "/"));
        *len = strcspn(walk->rest, "/");
        if (*len != 1 || walk->rest[0] != '.')
            return *len > 0;
        walk_drop(walk, 1);
    }
}

static bool segment_climbs(const struct walk *walk, size_t len)
{
    return len == 2 && memcmp(walk->rest, "..", 2) == 0;
}

/* Moves segments from `rest` to `done`, up to a "..". False: the path is too long. */
static bool walk_on(struct walk *walk)
{
    size_t len, done = strlen(walk->done);

    while (walk_segment(walk, &len) && !segment_climbs(walk, len)) {
        if (done + 1 + len > WIRE_PATH_MAX)
            return false;
        if (done > 0)
            walk->done[done++] = '/';
        memcpy(walk->done + done, walk->rest, len);
        done += len;
        walk->done[done] = '\0';
        walk_drop(walk, len);
    }
    return true;
}

/* Goes on with a link's target in place of the link, which is the beginning of `done`. False: it leads outside, or the
 * path is too long. */
static bool walk_link(struct walk *walk, const struct entry *link)
{
    char rest[sizeof walk->rest];
    int len = snprintf(rest, sizeof rest, "%.*s/%s/%s", (int)link->target_len, link->target,
                       walk->done + link->path_len, walk->rest);

    if (link->target[0] == '/' || len >= (int)sizeof rest)
        return false;
    memcpy(walk->rest, rest, (size_t)len + 1);
    walk->done[link->path_len] = '\0';
    return walk_up(walk);
}

/* Keeps a record whose names are in the scan's buffer. */
static void keep(const struct archive_record *record, struct archive_record *out, char room[ARCHIVE_RECORD_MAX])
{
    *out = *record;
    memcpy(room, record->entry.path, record->entry.path_len);
    if (record->entry.target_len > 0)
        memcpy(room + record->entry.path_len, record->entry.target, record->entry.target_len);
    out->entry.path = room;
    out->entry.target = room + record->entry.path_len;
}

/* Whether the record's path is the path or a folder on its way. */
static bool on_the_way(const struct entry *entry, const char *path, size_t len)
{
    return entry->path_len <= len && memcmp(entry->path, path, entry->path_len) == 0 &&
           (entry->path_len == len || path[entry->path_len] == '/');
}

/* Finds the first link on the way of `path`, or else the record of exactly this path: the last one, because a later
 * entry replaces an earlier one. 1: found; 0: neither; or a trouble. */
static long look_up(struct archive_scan *scan, int fd, const struct archive_trailer *trailer, const char *path,
                    struct archive_record *out, char room[ARCHIVE_RECORD_MAX])
{
    size_t len = strlen(path), best = SIZE_MAX;
    struct archive_record record;
    bool found = false;
    int result;

    archive_scan_close(scan);
    if (archive_scan_open(scan, fd, trailer) != 0)
        return ARCHIVE_TROUBLE_MEMORY;
    while ((result = archive_scan_next(scan, &record)) > 0) {
        bool link = record.entry.type == ENTRY_LINK;

        if (!on_the_way(&record.entry, path, len) || record.entry.path_len > best ||
            (!link && record.entry.path_len < len))
            continue;
        best = link ? record.entry.path_len : best;
        keep(&record, out, room);
        found = true;
    }
    return result < 0 ? result : found;
}

/* What the record says of the path. *again: the walk goes on. */
static enum file_exit follow(struct walk *walk, const struct entry *entry, bool *again)
{
    *again = true;
    if (entry->type == ENTRY_LINK)
        return walk_link(walk, entry) ? FILE_DONE : FILE_OUTSIDE;
    if (entry->type == ENTRY_SAME) {
        memcpy(walk->rest, entry->target, entry->target_len);
        walk->rest[entry->target_len] = walk->done[0] = '\0';
        return FILE_DONE;
    }
    *again = false;
    return entry->type == ENTRY_FILE ? FILE_DONE : FILE_WRONG_KIND;
}

enum file_exit archive_index_find(struct archive_scan *scan, int fd, const struct archive_trailer *trailer,
                                  const char *path, struct archive_record *out, char room[ARCHIVE_RECORD_MAX],
                                  long *trouble)
{
    struct walk walk = {.done = ""};
    enum file_exit exit = FILE_DONE;
    bool again = true;

    if (!wire_path_ok(path, strlen(path)))
        return FILE_OUTSIDE;
    memcpy(walk.rest, path, strlen(path) + 1);
    for (unsigned looks = 0; exit == FILE_DONE && again; looks++) {
        if (looks == LOOKS_MAX || !walk_on(&walk))
            return FILE_OUTSIDE;
        *trouble = look_up(scan, fd, trailer, walk.done, out, room);
        if (*trouble < 0)
            return FILE_SYSTEM;
        if (*trouble > 0 && (out->entry.type == ENTRY_LINK || walk.rest[0] == '\0'))
            exit = follow(&walk, &out->entry, &again);
        else if (walk.rest[0] == '\0')
            return FILE_NOT_FOUND;
        else if (!walk_up(&walk))
            return FILE_OUTSIDE;
        else
            walk_drop(&walk, 2); /* the ".." */
    }
    return exit;
}
