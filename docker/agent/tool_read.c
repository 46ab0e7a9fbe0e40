#include "docker/agent/tool_read.h"

#include "docker/agent/tool_place.h"
#include "docker/agent/tool_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: a pipe would wait for a writer. */
#define FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

static int open_by_mode(int fd, const struct stat *status)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!S_ISREG(status->st_mode) || chmod(path, 0400) < 0)
        return -EACCES;
    int file = open(path, FLAGS | O_CLOEXEC), error = errno;
    (void)chmod(path, status->st_mode & ENTRY_MODE_MAX);
    return file < 0 ? -error : file;
}

int tool_read_closed(int folder, const char *path)
{
    struct stat status;
    int fd = tool_place_open(folder, path, O_PATH);
    if (fd < 0)
        return fd;
    int file = fstat(fd, &status) == 0 ? open_by_mode(fd, &status) : -errno;
    close(fd);
    return file;
}

static int read_open(int folder, const char *path, struct stat *status)
{
    int fd = tool_place_open(folder, path, FLAGS);
    if (fd == -EACCES)
        fd = tool_read_closed(folder, path);
    if (fd >= 0 && fstat(fd, status) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* A file on the way to the path is nothing at the path. A socket cannot be opened. */
static enum file_exit read_exit(int error)
{
    return error == ENOTDIR ? FILE_NOT_FOUND : error == ENXIO ? FILE_WRONG_KIND : tool_exit(error);
}

enum file_exit tool_read(const struct tool *tool)
{
    const char *path = tool->arg[0];
    uint64_t offset, length;
    struct stat status;
    if (tool->args != 3 || !tool_number(tool->arg[1], INT64_MAX, &offset) ||
        !tool_number(tool->arg[2], INT64_MAX, &length))
        return tool_stream_end(FILE_USAGE, 0);
    if (!wire_path_ok(path, strlen(path)))
        return tool_stream_end(FILE_OUTSIDE, 0);
    int fd = read_open(tool->folder, path, &status);
    if (fd < 0)
        return tool_stream_end(read_exit(-fd), 0);
    if (!S_ISREG(status.st_mode) || lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return tool_stream_end(FILE_WRONG_KIND, 0);
    struct entry entry = tool_place_entry(&status, path, strlen(path));
    entry.content = ENTRY_BYTES;
    tool_stream_entry(&entry);
    (void)tool_stream_content(fd, length);
    return tool_stream_end(FILE_DONE, 0);
}
