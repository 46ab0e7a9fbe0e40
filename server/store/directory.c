#include "store/directory.h"

#include "base/log.h"

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

#define MARK "instance"
#define LOG DIRECTORY_DATABASE "-wal"

/* -1: the file is missing. */
static off_t file_size(const char *data_dir, const char *name)
{
    struct stat found = {.st_size = -1};
    char *path = directory_path(data_dir, name);
    off_t size = path != NULL && stat(path, &found) == 0 ? found.st_size : -1;

    free(path);
    return size;
}

const char *directory_evidence(const char *data_dir)
{
    if (file_size(data_dir, MARK) > 0)
        return MARK;
    return file_size(data_dir, LOG) > 0 ? LOG : NULL;
}

bool directory_is_mark(const char *evidence)
{
    return evidence != NULL && strcmp(evidence, MARK) == 0;
}

void directory_mark(const char *data_dir, const char *instance)
{
    char line[64], *path = directory_path(data_dir, MARK);
    int len = snprintf(line, sizeof line, "%s\n", instance);
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

    if (fd >= 0 && write(fd, line, (size_t)len) != len)
        unlink(path); /* the disk is full */
    if (fd >= 0)
        close(fd);
    free(path);
}

int directory_refuse(const char *evidence, const char *what, struct error *error)
{
    return error_set(error, ERROR_INVALID,
                     "it is %s, but %s beside it says that there was a database: put a backup in its place, or empty "
                     "the folder to begin anew without the keys and records that it had",
                     what, evidence);
}

int directory_check(const char *data_dir, const char *evidence, struct error *error)
{
    off_t size = file_size(data_dir, DIRECTORY_DATABASE);

    if (evidence == NULL || size > 0)
        return 0;
    return directory_refuse(evidence, size < 0 ? "missing" : "empty", error);
}

/* Other users of the machine should not read the directory. If it belongs to another user (a volume that groups share),
 * its mode is that user's decision. */
static void restrict_directory(const char *data_dir)
{
    struct stat found;

    if (stat(data_dir, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & 077) != 0 &&
        chmod(data_dir, 0700) == 0)
        log_event(LOG_WARN, "data_dir.restricted", LOG_STR("path", data_dir), LOG_STR("mode", "0700"));
}

int directory_lock(const char *data_dir, struct error *error)
{
    if (directory_make(data_dir, error) != 0)
        return -1;
    char *path = directory_path(data_dir, "lock");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    free(path);
    if (fd < 0)
        return error_set(error, ERROR_INTERNAL, "The data directory %s can't be locked: %s", data_dir, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        restrict_directory(data_dir);
        return fd;
    }
    int reason = errno;
    close(fd);
    if (reason == EWOULDBLOCK)
        return error_set(error, ERROR_CONFLICT, "Another server uses the data directory %s", data_dir);
    return error_set(error, ERROR_INTERNAL, "The data directory %s can't be locked: %s", data_dir, strerror(reason));
}
