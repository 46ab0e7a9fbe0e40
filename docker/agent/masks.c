#include "docker/agent/masks.h"

#include "docker/wire/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CLOSED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* Makes the mount at `path` read-only. All its other flags must stay: the kernel refuses to change those that the
 * container's runtime has set. */
static int make_readonly(const char *path)
{
    static const struct {
        unsigned long status, flag;
    } kept[] = {{ST_NOSUID, MS_NOSUID},   {ST_NODEV, MS_NODEV},           {ST_NOEXEC, MS_NOEXEC},
                {ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME}};
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
    struct statvfs status;
    if (statvfs(path, &status) < 0)
        return -1;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (status.f_flag & kept[i].status)
            flags |= kept[i].flag;
    if (!(status.f_flag & (ST_NOATIME | ST_RELATIME)))
        flags |= MS_STRICTATIME;
    return mount(NULL, path, NULL, flags, NULL);
}

/* All hidden folders show one empty file system: the first of them is its place. */
static int hide_folder(const char *path, const char **empty)
{
    if (*empty)
        return mount(*empty, path, NULL, MS_BIND, NULL);
    *empty = path;
    return mount("tmpfs", path, "tmpfs", MS_RDONLY | CLOSED, "size=0,mode=0555");
}

/* A mount of /dev/null on a file, which is read-only by then. The engine's own mounts of it are not. */
static int hide_file(const char *path)
{
    return mount("/dev/null", path, NULL, MS_BIND, NULL);
}

static int hide_sys_files(void)
{
    for (const char *const *path = confine_sys_masked; *path; path++) {
        struct stat status;
        if (stat(*path, &status) == 0 && S_ISCHR(status.st_mode) && hide_file(*path) < 0)
            return -1;
    }
    return 0;
}

static int hide_proc_files(void)
{
    const char *empty = NULL;
    for (const char *const *path = confine_proc_masked; *path; path++) {
        struct stat status;
        if (stat(*path, &status) < 0 && errno == ENOENT)
            continue;
        if (S_ISDIR(status.st_mode) ? hide_folder(*path, &empty) < 0 : hide_file(*path) < 0)
            return -1;
    }
    return 0;
}

/* The container's /dev is the same for all its capsules, and any program may set the times of a device that it may
 * write to. On a read-only mount it cannot, and reading leaves no trace either. Devices stay writable. */
int masks_hide_devices(void)
{
    return make_readonly("/dev") < 0 ? -1 : hide_sys_files();
}

int masks_hide_proc(void)
{
    if (hide_proc_files() < 0)
        return -1;
    for (const char *const *path = confine_proc_readonly; *path; path++)
        if (mount(*path, *path, NULL, MS_BIND, NULL) < 0 || make_readonly(*path) < 0)
            return -1;
    return 0;
}

#define CGROUP "/sys/fs/cgroup"

/* Folders of cgroups of version 1, which may be links to folders with two names. */
static const char *const controllers[] = {"memory", "cpu", "cpuset", "cpuacct", "pids"};
#define CONTROLLERS (sizeof controllers / sizeof *controllers)

static const char *const limits[] = {
    "memory/memory.limit_in_bytes",
    "memory/memory.memsw.limit_in_bytes",
    "memory/memory.soft_limit_in_bytes",
    "memory/memory.use_hierarchy",
    "cpu/cpu.cfs_quota_us",
    "cpu/cpu.cfs_period_us",
    "cpuset/cpuset.cpus",
    "cpuset/cpuset.effective_cpus",
    "pids/pids.max",
    /* version 2 */
    "cgroup.controllers",
    "cpu.max",
    "cpuset.cpus.effective",
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.swap.max",
    "pids.max",
};
#define LIMITS (sizeof limits / sizeof *limits)

/* What the file system looked like before it was hidden. */
struct cgroup_tree {
    char targets[CONTROLLERS][NAME_MAX + 1]; /* of a link; "": it is no link */
    bool present[CONTROLLERS];
    int files[LIMITS]; /* -1: there is no such file */
};

static void look_at_tree(int root, struct cgroup_tree *tree)
{
    for (size_t i = 0; i < CONTROLLERS; i++) {
        ssize_t n = readlinkat(root, controllers[i], tree->targets[i], NAME_MAX);
        tree->targets[i][n < 0 ? 0 : n] = '\0';
        tree->present[i] = faccessat(root, controllers[i], F_OK, 0) == 0;
    }
    for (size_t i = 0; i < LIMITS; i++)
        tree->files[i] = openat(root, limits[i], O_PATH | O_CLOEXEC);
}

static int make_controller(const char *name, const char *target)
{
    if (target[0] == '\0')
        return mkdir(name, 0555);
    if (mkdir(target, 0555) < 0 && errno != EEXIST)
        return -1;
    return symlink(target, name);
}

/* Shows the file at its old place, below the current folder. */
static int show_limit(const char *path, int file)
{
    char source[32];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0)
        return -1;
    close(fd);
    snprintf(source, sizeof source, "/proc/self/fd/%d", file);
    return mount(source, path, NULL, MS_BIND, NULL);
}

static int make_tree(const struct cgroup_tree *tree)
{
    for (size_t i = 0; i < CONTROLLERS; i++)
        if (tree->present[i] && make_controller(controllers[i], tree->targets[i]) < 0)
            return -1;
    for (size_t i = 0; i < LIMITS; i++)
        if (tree->files[i] >= 0 && show_limit(limits[i], tree->files[i]) < 0)
            return -1;
    return 0;
}

static void forget_tree(const struct cgroup_tree *tree)
{
    for (size_t i = 0; i < LIMITS; i++)
        if (tree->files[i] >= 0)
            close(tree->files[i]);
}

static int replace_tree(const struct cgroup_tree *tree)
{
    if (mount("tmpfs", CGROUP, "tmpfs", CLOSED, "size=64k,mode=0755") < 0 || chdir(CGROUP) < 0 || make_tree(tree) < 0)
        return -1;
    return chdir("/") < 0 ? -1 : make_readonly(CGROUP);
}

int masks_hide_cgroup(void)
{
    struct cgroup_tree tree;
    int root = open(CGROUP, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return errno == ENOENT ? 0 : -1;
    look_at_tree(root, &tree);
    close(root);
    int result = replace_tree(&tree), error = errno;
    forget_tree(&tree);
    errno = error;
    return result;
}
