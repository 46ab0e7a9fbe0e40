#include "docker/agent/places.h"

#include "docker/agent/job.h"
#include "docker/agent/setup.h"
#include "docker/agent/system.h"
#include "docker/agent/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MQUEUE_MAGIC 0x19800202
#define NAMES_MAX 1024 /* bytes of the names of extended attributes; a place with more cannot be restored */
#define OTHERS_MAX 8   /* mounts that only other users can write to */
#define MOUNT_MAX 8192 /* the longest line of mountinfo: a page and a little */

enum { TMP, SHM, MQUEUE, PLACES };

/* Everything about a folder except its times. All bytes are zeroed first, because states are compared as bytes. */
struct state {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    nlink_t links;
    off_t size;
    unsigned flags; /* FS_IOC_GETFLAGS; 0 if the file system has none */
    uint64_t blocks_free, files_free;
    ssize_t names_len;
    char names[NAMES_MAX]; /* of its extended attributes, each with its NUL */
};

struct other {
    int fd;
    uint64_t blocks_free, files_free;
};

static const char *const paths[PLACES] = {"/tmp", "/dev/shm", "/dev/mqueue"};

static struct places {
    int error;       /* an errno: why the container can never be reset; 0: it can */
    int mounts;      /* descriptor of mountinfo; poll() says whether a mount has changed */
    int fds[PLACES]; /* -1: there is no such place */
    struct state start[PLACES];
    struct timespec times[2]; /* of /tmp */
    struct other others[OTHERS_MAX];
    unsigned others_len;
} places;

static int read_state(int fd, struct state *out)
{
    struct stat status;
    struct statfs space;
    int flags = 0;
    memset(out, 0, sizeof *out);
    if (fstat(fd, &status) < 0 || fstatfs(fd, &space) < 0)
        return -1;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 && errno != ENOTTY && errno != EOPNOTSUPP && errno != EINVAL)
        return -1;
    out->names_len = flistxattr(fd, out->names, sizeof out->names);
    if (out->names_len < 0 && errno != EOPNOTSUPP)
        return -1;
    out->mode = status.st_mode;
    out->uid = status.st_uid;
    out->gid = status.st_gid;
    out->links = status.st_nlink;
    out->size = status.st_size;
    out->flags = (unsigned)flags;
    out->blocks_free = space.f_bfree;
    out->files_free = space.f_ffree;
    return 0;
}

/* Notes why the container can never be reset. The first reason counts. */
static void never_reset(int error)
{
    if (places.error == 0)
        places.error = error;
}

static int open_place(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* /dev/shm may be missing, because then there is no shared memory. /dev/mqueue may not: message queues exist without
 * it, but could not be seen. */
static void look_at_places(void)
{
    struct statfs space;
    struct stat tmp;
    for (int i = 0; i < PLACES; i++) {
        places.fds[i] = open_place(paths[i]);
        if (places.fds[i] < 0 && (i != SHM || errno != ENOENT))
            never_reset(errno);
        if (places.fds[i] >= 0 && read_state(places.fds[i], &places.start[i]) < 0)
            never_reset(errno);
    }
    if (places.fds[MQUEUE] >= 0 && (fstatfs(places.fds[MQUEUE], &space) < 0 || space.f_type != MQUEUE_MAGIC))
        never_reset(ENOTSUP);
    if (places.fds[TMP] < 0 || fstat(places.fds[TMP], &tmp) < 0)
        return;
    places.times[0] = tmp.st_atim;
    places.times[1] = tmp.st_mtim;
}

/* Notes a tmpfs that only other users can write to. Its counts will show whether it was written to all the same. */
static void note_other(const char *path)
{
    struct statfs space;
    if (places.others_len == OTHERS_MAX || access(path, W_OK) == 0) {
        never_reset(ENOTSUP);
        return;
    }
    int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstatfs(fd, &space) < 0 || space.f_type != TMPFS_MAGIC) {
        if (fd >= 0)
            close(fd);
        never_reset(ENOTSUP);
        return;
    }
    places.others[places.others_len++] = (struct other){fd, space.f_bfree, space.f_ffree};
}

static bool read_only(const char *options)
{
    return strncmp(options, "ro", 2) == 0 && (options[2] == ',' || options[2] == '\0');
}

/* Whether the file system only shows the kernel's own data. */
static bool keeps_nothing(const char *type)
{
    static const char *const types[] = {"proc", "sysfs", "devpts", "cgroup", "cgroup2"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static bool is_place(const char *path)
{
    for (int i = 0; i < PLACES; i++)
        if (strcmp(path, paths[i]) == 0)
            return true;
    return false;
}

/* `line`: "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static void look_at_mount(char *line)
{
    struct stat status;
    char *fields[6], *rest = line, *type = strstr(line, " - ");
    if (!type)
        return never_reset(ENOTSUP);
    *type = '\0';
    type += 3;
    for (int i = 0; i < 6; i++)
        fields[i] = strsep(&rest, " ");
    char *name = strsep(&type, " ");
    (void)strsep(&type, " ");
    if (!fields[5] || !type)
        return never_reset(ENOTSUP);
    if (read_only(fields[5]) || read_only(type) || keeps_nothing(name) || is_place(fields[4]))
        return;
    if (lstat(fields[4], &status) == 0 && S_ISCHR(status.st_mode)) /* a device, mounted over a file to hide it */
        return;
    note_other(fields[4]);
}

static void look_at_mounts(void)
{
    static char text[MOUNT_MAX];
    size_t len = 0;
    ssize_t n;
    places.mounts = (int)system_must(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    while ((n = read(places.mounts, text + len, sizeof text - 1 - len)) > 0) {
        char *line = text, *end;
        len += (size_t)n;
        text[len] = '\0';
        for (; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            look_at_mount(line);
        }
        len -= (size_t)(line - text);
        memmove(text, line, len);
    }
    if (n < 0 || len > 0)
        never_reset(ENOTSUP);
}

void places_open(void)
{
    look_at_places();
    look_at_mounts();
}

static bool named(const struct state *state, const char *name)
{
    for (ssize_t at = 0; at < state->names_len; at += (ssize_t)strlen(state->names + at) + 1)
        if (strcmp(state->names + at, name) == 0)
            return true;
    return false;
}

static int remove_attributes(int fd, const struct state *start, const struct state *now)
{
    for (ssize_t at = 0; at < now->names_len; at += (ssize_t)strlen(now->names + at) + 1)
        if (!named(start, now->names + at) && fremovexattr(fd, now->names + at) < 0)
            return -1;
    return 0;
}

/* Restores the mode first, because it may shut out the owner, and again last, because an access list changes it. */
static int restore_place(int place)
{
    static struct state now;
    const struct state *start = &places.start[place];
    int fd = places.fds[place];
    struct stat status;
    if (fstat(fd, &status) < 0 || (status.st_mode != start->mode && fchmod(fd, start->mode & 07777) < 0) ||
        read_state(fd, &now) < 0)
        return -1;
    if (now.flags != start->flags && ioctl(fd, FS_IOC_SETFLAGS, &start->flags) < 0)
        return -1;
    if (now.names_len == start->names_len && memcmp(now.names, start->names, sizeof now.names) == 0)
        return 0;
    return remove_attributes(fd, start, &now) < 0 ? -1 : fchmod(fd, start->mode & 07777);
}

static int make_folder(int *folder)
{
    if (mkdir(JOB_FOLDER, 0700) < 0 || chdir(JOB_FOLDER) < 0)
        return -1;
    *folder = setup_folder();
    return futimens(places.fds[TMP], places.times);
}

int places_clear(int *folder, uint64_t deadline)
{
    if (places.error) {
        errno = places.error;
        return -1;
    }
    for (int i = 0; i < PLACES; i++)
        if (places.fds[i] >= 0 && (restore_place(i) < 0 || wipe(places.fds[i], deadline) < 0))
            return -1;
    close(*folder);
    return make_folder(folder);
}

static bool mounts_same(void)
{
    struct pollfd set = {places.mounts, POLLPRI, 0};
    return system_must(poll(&set, 1, 0)) >= 0 && !(set.revents & (POLLERR | POLLPRI | POLLNVAL));
}

static bool others_same(void)
{
    struct statfs space;
    for (unsigned i = 0; i < places.others_len; i++) {
        const struct other *other = &places.others[i];
        system_must(fstatfs(other->fd, &space));
        if (space.f_bfree != other->blocks_free || space.f_ffree != other->files_free)
            return false;
    }
    return true;
}

int places_check(void)
{
    static struct state now;
    bool same = mounts_same() && others_same();
    for (int i = 0; i < PLACES && same; i++) {
        if (places.fds[i] < 0)
            continue;
        if (read_state(places.fds[i], &now) < 0)
            return -1;
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed, their gaps are equal */
        same = memcmp(&now, &places.start[i], sizeof now) == 0;
    }
    errno = 0;
    return same ? 0 : -1;
}
