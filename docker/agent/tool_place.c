#include "docker/agent/tool_place.h"

#include "docker/agent/tool.h"
#include "docker/agent/tool_input.h"
#include "docker/agent/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096u
#define TRIES 64 /* a rename elsewhere can disturb the kernel's check that a path stays inside */
#define NS 1000000000

int tool_place_open(int folder, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    for (int i = 0; i < TRIES && fd < 0 && (i == 0 || errno == EAGAIN); i++)
        fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* Makes a folder that has been missing, in one that is there. 0, or -errno. */
static int make_folder(int folder, const char *path)
{
    const char *name;
    int parent = tool_place_parent(folder, path, false, &name);
    if (parent < 0)
        return parent;
    int result = mkdirat(parent, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
    close(parent);
    return result;
}

/* The first folders of `path` that are missing are made. 0, or -errno. */
static int make_folders(int folder, char *path)
{
    int result = 0;
    for (char *slash = strchr(path, '/'); result == 0; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        int there = tool_place_open(folder, path, O_PATH | O_DIRECTORY);
        result = there == -ENOENT ? make_folder(folder, path) : there < 0 ? there : 0;
        if (there >= 0)
            close(there);
        if (!slash)
            return result;
        *slash = '/';
    }
    return result;
}

int tool_place_parent(int folder, const char *path, bool make, const char **name)
{
    char above[WIRE_PATH_MAX + 1];
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!slash)
        return fcntl(folder, F_DUPFD_CLOEXEC, 3);
    size_t len = (size_t)(slash - path);
    memcpy(above, path, len);
    above[len] = '\0';
    int fd = tool_place_open(folder, above, O_PATH | O_DIRECTORY);
    if (fd != -ENOENT || !make)
        return fd;
    int made = make_folders(folder, above);
    return made < 0 ? made : tool_place_open(folder, above, O_PATH | O_DIRECTORY);
}

static int open_staging(void)
{
    int fd = open(TOOL_STAGING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* An operation that was killed may have left it, or a program may have put something there. */
static void clear_staging(void)
{
    if (unlink(TOOL_STAGING) == 0 || errno == ENOENT)
        return;
    int fd = chmod(TOOL_STAGING, 0700) == 0 ? open_staging() : -1;
    if (fd >= 0)
        tool_place_unstage(fd);
}

int tool_place_stage(void)
{
    clear_staging();
    umask(0);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file over the limit fails instead */
    return mkdir(TOOL_STAGING, 0700) < 0 ? -errno : open_staging();
}

void tool_place_unstage(int staging)
{
    (void)wipe(staging, UINT64_MAX);
    close(staging);
    (void)rmdir(TOOL_STAGING);
}

enum file_exit tool_place_exit(int error)
{
    return error == EFBIG ? FILE_NO_SPACE : tool_exit(error);
}

static int write_at(int fd, const uint8_t *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);
        if (n < 0 && errno != EINTR)
            return -errno;
        size_t done = n > 0 ? (size_t)n : 0;
        data += done;
        len -= done;
        at += done;
    }
    return 0;
}

static bool is_zero(const uint8_t *data, size_t len)
{
    return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

/* How many of the bytes, from their front, are written in one go: up to a page of zeros. */
static size_t solid(const uint8_t *data, size_t len, uint64_t at)
{
    size_t end = 0;
    while (end < len) {
        size_t page = PAGE - (size_t)((at + end) % PAGE), part = page < len - end ? page : len - end;
        if (is_zero(data + end, part))
            break;
        end += part;
    }
    return end;
}

/* A new file has zeros where nothing is written. */
static int write_sparse(int fd, const uint8_t *data, size_t len, uint64_t at)
{
    int result = 0;
    while (result == 0 && len > 0) {
        size_t part = solid(data, len, at);
        if (part > 0)
            result = write_at(fd, data, part, at);
        else
            part = PAGE - (size_t)(at % PAGE) < len ? PAGE - (size_t)(at % PAGE) : len;
        data += part;
        len -= part;
        at += part;
    }
    return result;
}

enum file_exit tool_place_content(int fd)
{
    struct entry_piece piece;
    uint64_t at = 0;
    int result = 0;
    for (enum entry_event event = ENTRY_MORE; result == 0 && event != ENTRY_DATA_END;) {
        event = tool_input_next(&piece);
        if (event == ENTRY_BROKEN)
            return FILE_BROKEN;
        if (event == ENTRY_DATA)
            result = write_sparse(fd, piece.data, piece.data_len, at);
        at += event == ENTRY_DATA ? piece.data_len : event == ENTRY_HOLE ? piece.hole : 0;
    }
    if (result == 0 && ftruncate(fd, (off_t)at) < 0)
        result = -errno;
    return result == 0 ? FILE_DONE : tool_place_exit(-result);
}

int64_t tool_place_mtime(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * NS + status->st_mtim.tv_nsec;
}

static enum entry_type type_of(mode_t mode)
{
    if (S_ISREG(mode))
        return ENTRY_FILE;
    if (S_ISDIR(mode))
        return ENTRY_DIRECTORY;
    return S_ISLNK(mode) ? ENTRY_LINK : ENTRY_OTHER;
}

struct entry tool_place_entry(const struct stat *status, const char *path, size_t len)
{
    enum entry_type type = type_of(status->st_mode);
    return (struct entry){.type = type,
                          .mode = status->st_mode & ENTRY_MODE_MAX,
                          .size = type == ENTRY_FILE ? (uint64_t)status->st_size : 0,
                          .mtime_ns = tool_place_mtime(status),
                          .path = path,
                          .path_len = len,
                          .target = ""};
}
