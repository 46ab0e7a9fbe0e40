#include "docker/agent/changes.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

struct look {
    uint64_t sum; /* of the hashes of all entries, so that their order in a folder does not count */
    unsigned entries;
    int64_t now;
};

static uint64_t hash(uint64_t start, uint64_t value)
{
    uint64_t mixed = (start ^ value) * HASH_FACTOR;
    return mixed ^ mixed >> 32;
}

static uint64_t hash_name(uint64_t above, const char *name)
{
    for (; *name; name++)
        above = hash(above, (unsigned char)*name);
    return hash(above, 0);
}

static int64_t nanoseconds_of(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* `name`: the hash of its path. False: it has changed too lately, or there are too many. */
static bool look_at(struct look *look, uint64_t name, const struct stat *status)
{
    uint64_t facts = hash(hash(name, (uint64_t)status->st_ino), (uint64_t)status->st_mode);
    facts = hash(hash(facts, (uint64_t)status->st_size), (uint64_t)nanoseconds_of(status->st_mtim));
    look->sum += hash(facts, (uint64_t)nanoseconds_of(status->st_ctim));
    return ++look->entries <= CHANGES_ENTRIES && look->now - nanoseconds_of(status->st_ctim) >= CHANGES_YOUNG_NS;
}

static bool look_below(struct look *look, uint64_t name, int fd, unsigned depth);

static bool look_into(struct look *look, uint64_t name, int folder, const char *entry, unsigned depth)
{
    int fd = depth > 0 ? openat(folder, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    return fd >= 0 && look_below(look, name, fd, depth - 1);
}

static bool look_at_entry(struct look *look, uint64_t above, int folder, const char *entry, unsigned depth)
{
    struct stat status;
    uint64_t name = hash_name(above, entry);
    if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0)
        return true;
    return fstatat(folder, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 && look_at(look, name, &status) &&
           (!S_ISDIR(status.st_mode) || look_into(look, name, folder, entry, depth));
}

/* Closes the descriptor. */
static bool look_below(struct look *look, uint64_t name, int fd, unsigned depth)
{
    DIR *folder = fdopendir(fd);
    bool good = folder != NULL;
    for (struct dirent *entry; good && (entry = readdir(folder));)
        good = look_at_entry(look, name, fd, entry->d_name, depth);
    if (folder)
        closedir(folder);
    else
        close(fd);
    return good;
}

bool changes_look(struct changes *changes, const char *folder)
{
    struct look look = {0};
    struct stat status;
    struct timespec now;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool good = fd >= 0 && clock_gettime(CLOCK_REALTIME, &now) == 0;
    if (good)
        look.now = nanoseconds_of(now);
    good = good && fstat(fd, &status) == 0 && look_at(&look, HASH_START, &status);
    if (good)
        good = look_below(&look, HASH_START, fd, CHANGES_DEPTH);
    else if (fd >= 0)
        close(fd);
    bool changed = !good || !changes->known || changes->sum != look.sum;
    changes->known = good;
    changes->sum = look.sum;
    return changed;
}
