/* What comes from outside or from the disk as an archive. The first byte chooses: a client's .tar.gz, the tar in one,
 * the file of a sleeping workspace, or the tar in one. What the reader accepts must be sound entries, whole files, and
 * within the limits. */
#include "archive/archive_file.h"
#include "archive/archive_index.h"
#include "archive/archive_source.h"
#include "archive/archive_tar.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DECLARED_MAX ((uint64_t)16 << 20)
#define ENTRIES_MAX 1000

static struct archive_source source;
static struct archive_tar tar;
static struct archive_scan scan;
static uint8_t packed[1 << 20];

static int file_of(const void *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    return fd;
}

/* The entry must be one that the agent takes. */
static void check_entry(const struct entry *entry)
{
    static uint8_t bytes[ENTRY_MAX];
    static struct entry_reader reader;
    struct entry_piece piece;
    size_t len = entry_put(bytes, entry);
    const uint8_t *next = bytes;
    memset(&reader, 0, sizeof reader);
    if (entry_read(&reader, &next, &len, &piece) != ENTRY_NEXT || len != 0 || entry->mode > 0777)
        abort();
}

/* False: it failed, with a sentence. */
static bool read_content(const struct entry *entry, struct error *error)
{
    struct archive_stretch stretch;
    uint64_t given = 0;
    int there;
    while ((there = archive_tar_data(&tar, &stretch, error)) > 0) {
        if (stretch.len == 0 || stretch.len > entry->size - given)
            abort();
        given += stretch.len;
    }
    if (there == 0 && given != entry->size)
        abort();
    return there == 0;
}

static void read_tar(int fd, enum archive_packing packing, uint64_t len)
{
    struct error error = {0};
    struct entry entry;
    uint64_t declared = 0;
    int there = 0;
    if (archive_source_open(&source, packing, fd, 0, len) != 0)
        abort();
    if (archive_tar_open(&tar, &source, 0, &error) == 0)
        for (int i = 0; i < ENTRIES_MAX && (there = archive_tar_next(&tar, &entry, &error)) > 0; i++) {
            check_entry(&entry);
            declared += entry.size;
            if (declared > DECLARED_MAX || (entry.type == ENTRY_FILE && !read_content(&entry, &error)))
                break;
        }
    if (there == 0 && error.code == ERROR_NONE)
        (void)archive_tar_finish(&tar, &error);
    if (there < 0 && error.text[0] == '\0')
        abort();
    archive_tar_close(&tar);
    archive_source_close(&source);
}

/* Packs the bytes as they are, so that the tar in them is reached. */
static size_t store(const uint8_t *data, size_t size)
{
    z_stream stream = {0};
    if (size > sizeof packed / 2 || deflateInit2(&stream, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    stream.next_in = (unsigned char *)(uintptr_t)data;
    stream.avail_in = (unsigned)size;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&stream);
    return sizeof packed - stream.avail_out;
}

static void read_index(int fd, const struct archive_trailer *trailer, const char *path)
{
    static char room[ARCHIVE_RECORD_MAX];
    struct archive_record record;
    long trouble;
    if (archive_scan_open(&scan, fd, trailer) != 0)
        abort();
    for (int i = 0; i < ENTRIES_MAX && archive_scan_next(&scan, &record) > 0; i++) {
        check_entry(&record.entry);
        if (record.frame >= trailer->tar_bytes || record.skip >= ARCHIVE_FRAME)
            abort();
    }
    (void)archive_index_find(&scan, fd, trailer, path, &record, room, &trouble);
    archive_scan_close(&scan);
}

/* A trailer of the file's own, or one that says: so much of it is tar, and the rest the index. */
static void read_file(int fd, const uint8_t *data, size_t size, bool trusted)
{
    const uint64_t rest = ARCHIVE_SKIPPABLE + ARCHIVE_TRAILER;
    struct archive_trailer trailer;
    if (!trusted && (size < rest || archive_trailer_get(data + size - ARCHIVE_TRAILER, size, &trailer) != 0))
        return;
    if (trusted && size < 2 + rest)
        return;
    if (trusted)
        trailer = (struct archive_trailer){.tar_bytes = 1 + data[0] % (size - rest - 1)};
    if (trusted)
        trailer.index_bytes = size - rest - trailer.tar_bytes;
    read_index(fd, &trailer, "a/b");
    read_tar(fd, ARCHIVE_PACKED_ZSTD, trailer.tar_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t len = data[0] == 't' ? store(data + 1, size - 1) : size - 1;
    int fd = file_of(data[0] == 't' ? packed : data + 1, len);
    if (data[0] == 'f' || data[0] == 'i')
        read_file(fd, data + 1, len, data[0] == 'i');
    else
        read_tar(fd, ARCHIVE_PACKED_GZIP, len);
    close(fd);
    return 0;
}
