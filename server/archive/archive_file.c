#include "archive/archive_file.h"

#include "archive/archive_disk.h"
#include "docker/wire/integers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define VERSION 1u
#define CHECKED (ARCHIVE_TRAILER - 4) /* bytes before the checksum */
#define ASIDE_MAX 1000                /* broken files of one workspace */

static const uint8_t magic[8] = {'C', 'O', 'D', 'E', 'C', 'E', 'L', 'L'};

static uint32_t trailer_crc(const uint8_t *trailer)
{
    return (uint32_t)crc32(0, trailer, CHECKED);
}

void archive_trailer_put(uint8_t out[ARCHIVE_TRAILER], const struct archive_trailer *trailer)
{
    memset(out, 0, ARCHIVE_TRAILER);
    memcpy(out, magic, sizeof magic);
    put64(out + 8, trailer->tar_bytes);
    put64(out + 16, trailer->index_bytes);
    put64(out + 24, trailer->entries);
    put64(out + 32, trailer->bytes);
    put64(out + 40, trailer->left_out);
    put32(out + 48, VERSION);
    put32(out + CHECKED, trailer_crc(out));
}

int archive_trailer_get(const uint8_t in[ARCHIVE_TRAILER], uint64_t size, struct archive_trailer *out)
{
    const uint64_t rest = ARCHIVE_SKIPPABLE + ARCHIVE_TRAILER;

    *out = (struct archive_trailer){
        .tar_bytes = get64(in + 8),
        .index_bytes = get64(in + 16),
        .entries = get64(in + 24),
        .bytes = get64(in + 32),
        .left_out = get64(in + 40),
    };
    if (memcmp(in, magic, sizeof magic) != 0 || get32(in + 48) != VERSION || get32(in + CHECKED) != trailer_crc(in))
        return -1;
    if (size < rest || out->tar_bytes > size - rest)
        return -1;
    return out->index_bytes == size - rest - out->tar_bytes ? 0 : -1;
}

static int read_trailer(int fd, struct archive_trailer *trailer, struct error *error)
{
    uint8_t bytes[ARCHIVE_TRAILER];
    struct stat status;
    uint64_t size;
    long n;

    if (fstat(fd, &status) != 0)
        return archive_disk_error(error);
    size = (uint64_t)status.st_size;
    n = size < ARCHIVE_TRAILER ? 0 : archive_disk_read(fd, bytes, sizeof bytes, size - ARCHIVE_TRAILER);
    if (n < 0)
        return archive_disk_error(error);
    if (n < (long)sizeof bytes || archive_trailer_get(bytes, size, trailer) != 0)
        return error_set(error, ERROR_INTERNAL, "The workspace's file is damaged");
    return 0;
}

int archive_file_open(const char *path, struct archive_trailer *trailer, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return error_set(error, ERROR_NOT_FOUND, "The workspace has no file");
    if (fd < 0)
        return archive_disk_error(error);
    if (read_trailer(fd, trailer, error) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int archive_file_set_aside(const char *path, char *kept, size_t room)
{
    for (int number = 1; number <= ASIDE_MAX; number++) {
        if (snprintf(kept, room, "%s.broken-%d", path, number) >= (int)room)
            return -1;
        if (renameat2(AT_FDCWD, path, AT_FDCWD, kept, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}
