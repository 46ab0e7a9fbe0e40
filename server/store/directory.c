#include "store/directory.h"

#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int directory_make(const char *data_dir, struct error *error)
{
    struct stat found;
    if (mkdir(data_dir, 0700) < 0 && errno != EEXIST)
        return error_set(error, ERROR_INTERNAL, "The data directory %s can't be made: %s", data_dir, strerror(errno));
    if (stat(data_dir, &found) < 0)
        return error_set(error, ERROR_INTERNAL, "The data directory %s can't be used: %s", data_dir, strerror(errno));
    if (!S_ISDIR(found.st_mode))
        return error_set(error, ERROR_INTERNAL, "The data directory %s is not a directory", data_dir);
    return 0;
}

char *directory_path(const char *data_dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", data_dir, name) < 0 ? NULL : path;
}

int directory_make_file(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno == EEXIST)
        return 0;
    return error_set(error, ERROR_INTERNAL, "The file %s can't be made: %s", path, strerror(errno));
}

int db_lock(const char *data_dir, struct error *error)
{
    if (directory_make(data_dir, error) < 0)
        return -1;
    char *path = directory_path(data_dir, "lock");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    free(path);
    if (fd < 0)
        return error_set(error, ERROR_INTERNAL, "The data directory %s can't be locked: %s", data_dir, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int reason = errno;
    close(fd);
    if (reason == EWOULDBLOCK)
        return error_set(error, ERROR_CONFLICT, "Another server uses the data directory %s", data_dir);
    return error_set(error, ERROR_INTERNAL, "The data directory %s can't be locked: %s", data_dir, strerror(reason));
}
