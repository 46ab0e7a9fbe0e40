#include "docker/agent/files.h"

#include "docker/agent/wipe.h"
#include "docker/wire/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the folder `name` in `parent`, after making it if it is missing, and closes `parent`. */
static int enter(int parent, const char *name)
{
    int folder = -1;
    if (mkdirat(parent, name, 0755) == 0 || errno == EEXIST)
        folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    close(parent);
    return folder < 0 ? -error : folder;
}

int files_create(int folder, const char *path, uint32_t mode, bool replaces)
{
    int parent = fcntl(folder, F_DUPFD_CLOEXEC, 3);
    if (parent < 0)
        return -errno;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(path, '/')) {
        char name[WIRE_NAME_MAX + 1];
        size_t len = (size_t)(slash - path);
        memcpy(name, path, len);
        name[len] = '\0';
        parent = enter(parent, name);
        if (parent < 0)
            return parent;
        path = slash + 1;
    }
    if (replaces)
        (void)unlinkat(parent, path, 0); /* what cannot be removed is in the way of the next line */
    int fd = openat(parent, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
    int error = errno;
    close(parent);
    return fd < 0 ? -error : fd;
}

uint64_t files_name_hash(const char *path, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < len && path[i] != '/'; i++)
        hash = (hash ^ (uint8_t)path[i]) * UINT64_C(1099511628211);
    return hash;
}

int files_write(int fd, const void *data, size_t len)
{
    const char *next = data;
    while (len > 0) {
        ssize_t n = write(fd, next, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        next += n;
        len -= (size_t)n;
    }
    return 0;
}

static int files_remove_entry(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0)
        return 0;
    int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return -1;
    int result = wipe(below, UINT64_MAX);
    close(below);
    return result < 0 ? -1 : unlinkat(folder, name, AT_REMOVEDIR);
}

int files_clear(int folder, const char *keep)
{
    DIR *list = fdopendir(folder);
    int result = list ? 0 : -1;
    for (struct dirent *entry = NULL; result == 0 && (entry = readdir(list));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, keep) != 0)
            result = files_remove_entry(dirfd(list), name);
    }
    if (list)
        closedir(list);
    else
        close(folder);
    return result;
}
