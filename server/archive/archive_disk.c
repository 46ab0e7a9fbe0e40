#include "archive/archive_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int archive_disk_unnamed(const char *folder)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof path, "%s/spool.XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

int archive_disk_write(int fd, const void *data, size_t len)
{
    const char *next = data;

    while (len > 0) {
        ssize_t n = write(fd, next, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        next += n;
        len -= (size_t)n;
    }
    return 0;
}

long archive_disk_read(int fd, void *out, size_t len, uint64_t at)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, (char *)out + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (long)done;
}

char *archive_disk_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int sync_folder(const char *path)
{
    char *folder = archive_disk_folder(path);
    int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = fd >= 0 ? fsync(fd) : -1;

    if (fd >= 0)
        close(fd);
    free(folder);
    return result;
}

int archive_disk_commit(int fd, const char *from, const char *to)
{
    return fsync(fd) != 0 || rename(from, to) != 0 ? -1 : sync_folder(to);
}

int archive_disk_error(struct error *error)
{
    if (errno == ENOMEM)
        return error_memory(error);
    if (errno == ENOSPC || errno == EDQUOT)
        return error_set(error, ERROR_UNAVAILABLE, "The server's disk is full. Please try again later.");
    return error_set(error, ERROR_UNAVAILABLE, "The server's disk does not work. Please try again later.");
}
