#include "docker/agent/look.h"

#include "docker/agent/job.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind {
    STAT,   /* what a file is: the folder itself has been there from the start */
    USE,    /* anything else that can be done with a file or a folder */
    OPEN,   /* the same, with flags */
    LEAVES, /* it makes or changes something that outlives the caller, or makes another process */
    CLONE,  /* that, or a thread */
    INPUT,  /* waits for stdin, where its descriptor is that */
};

#define NONE (-1)

static const struct rule {
    long call;
    enum kind kind;
    int folder, path, flags; /* which argument, or NONE */
} rules[] = {
    {SYS_newfstatat, STAT, 0, 1, NONE},
    {SYS_statx, STAT, 0, 1, NONE},
    {SYS_faccessat, STAT, 0, 1, NONE},
    {SYS_faccessat2, STAT, 0, 1, NONE},
    {SYS_readlinkat, STAT, 0, 1, NONE},
    {SYS_openat, OPEN, 0, 1, 2},
    {SYS_execve, USE, NONE, 0, NONE},
    {SYS_execveat, USE, 0, 1, NONE},
    {SYS_chdir, USE, NONE, 0, NONE},
    {SYS_statfs, USE, NONE, 0, NONE},
    {SYS_inotify_add_watch, USE, NONE, 1, NONE},
    {SYS_name_to_handle_at, USE, 0, 1, NONE},
    {SYS_getxattr, USE, NONE, 0, NONE},
    {SYS_lgetxattr, USE, NONE, 0, NONE},
    {SYS_listxattr, USE, NONE, 0, NONE},
    {SYS_llistxattr, USE, NONE, 0, NONE},
    {464 /* getxattrat */, USE, 0, 1, NONE},
    {465 /* listxattrat */, USE, 0, 1, NONE},
#if defined(__x86_64__)
    {SYS_stat, STAT, NONE, 0, NONE},
    {SYS_lstat, STAT, NONE, 0, NONE},
    {SYS_access, STAT, NONE, 0, NONE},
    {SYS_readlink, STAT, NONE, 0, NONE},
    {SYS_open, OPEN, NONE, 0, 1},
    {SYS_creat, LEAVES, NONE, NONE, NONE},
    {SYS_mkdir, LEAVES, NONE, NONE, NONE},
    {SYS_mknod, LEAVES, NONE, NONE, NONE},
    {SYS_rmdir, LEAVES, NONE, NONE, NONE},
    {SYS_unlink, LEAVES, NONE, NONE, NONE},
    {SYS_rename, LEAVES, NONE, NONE, NONE},
    {SYS_link, LEAVES, NONE, NONE, NONE},
    {SYS_symlink, LEAVES, NONE, NONE, NONE},
    {SYS_chmod, LEAVES, NONE, NONE, NONE},
    {SYS_chown, LEAVES, NONE, NONE, NONE},
    {SYS_lchown, LEAVES, NONE, NONE, NONE},
    {SYS_utime, LEAVES, NONE, NONE, NONE},
    {SYS_utimes, LEAVES, NONE, NONE, NONE},
    {SYS_futimesat, LEAVES, NONE, NONE, NONE},
    {SYS_fork, LEAVES, NONE, NONE, NONE},
    {SYS_vfork, LEAVES, NONE, NONE, NONE},
#endif
    {SYS_openat2, LEAVES, NONE, NONE, NONE}, /* its flags are behind a pointer */
    {SYS_mkdirat, LEAVES, NONE, NONE, NONE},
    {SYS_mknodat, LEAVES, NONE, NONE, NONE},
    {SYS_unlinkat, LEAVES, NONE, NONE, NONE},
#ifdef SYS_renameat
    {SYS_renameat, LEAVES, NONE, NONE, NONE},
#endif
    {SYS_renameat2, LEAVES, NONE, NONE, NONE},
    {SYS_linkat, LEAVES, NONE, NONE, NONE},
    {SYS_symlinkat, LEAVES, NONE, NONE, NONE},
    {SYS_fchmodat, LEAVES, NONE, NONE, NONE},
    {452 /* fchmodat2 */, LEAVES, NONE, NONE, NONE},
    {SYS_fchownat, LEAVES, NONE, NONE, NONE},
    {SYS_truncate, LEAVES, NONE, NONE, NONE},
    {SYS_utimensat, LEAVES, NONE, NONE, NONE},
    {SYS_setxattr, LEAVES, NONE, NONE, NONE},
    {SYS_lsetxattr, LEAVES, NONE, NONE, NONE},
    {SYS_removexattr, LEAVES, NONE, NONE, NONE},
    {SYS_lremovexattr, LEAVES, NONE, NONE, NONE},
    {463 /* setxattrat */, LEAVES, NONE, NONE, NONE},
    {466 /* removexattrat */, LEAVES, NONE, NONE, NONE},
    {SYS_mq_open, LEAVES, NONE, NONE, NONE},
    {SYS_mq_unlink, LEAVES, NONE, NONE, NONE},
    {SYS_shmget, LEAVES, NONE, NONE, NONE},
    {SYS_semget, LEAVES, NONE, NONE, NONE},
    {SYS_msgget, LEAVES, NONE, NONE, NONE},
    {SYS_bind, LEAVES, NONE, NONE, NONE},
    {SYS_connect, LEAVES, NONE, NONE, NONE},
    {SYS_ptrace, LEAVES, NONE, NONE, NONE}, /* it is traced, and could notice */
    {SYS_clone, CLONE, NONE, NONE, 0},
    {SYS_read, INPUT, NONE, NONE, NONE},
    {SYS_readv, INPUT, NONE, NONE, NONE},
};

static const struct rule *find(uint64_t number)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((uint64_t)rules[i].call == number)
            return &rules[i];
    return NULL;
}

static enum look when(bool yes)
{
    return yes ? LOOK_YES : LOOK_NO;
}

enum look look_call(const struct look_call *call, uint64_t *address)
{
    const struct rule *rule = find(call->number);
    if (!rule)
        return LOOK_NO;
    uint64_t flags = rule->flags == NONE ? 0 : call->args[rule->flags];
    switch (rule->kind) {
    case LEAVES:
        return LOOK_YES;
    case CLONE:
        return when(!(flags & CLONE_THREAD));
    case INPUT:
        return when((int)call->args[0] == STDIN_FILENO);
    case OPEN: /* O_TMPFILE is O_DIRECTORY and a bit of its own */
        if (flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY)))
            return LOOK_YES;
        break;
    case STAT:
    case USE:
        break;
    }
    *address = call->args[rule->path];
    return LOOK_PATH;
}

/* Whether `name` is one of the path's parts. */
static bool has_part(const char *path, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(path, name); at; at = strstr(at + 1, name))
        if ((at == path || at[-1] == '/') && (at[len] == '/' || at[len] == '\0'))
            return true;
    return false;
}

static bool below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* A way to the folder that is not its name; and /proc says who is traced. */
static bool roundabout(const char *path)
{
    static const char *const doors[] = {"cwd", "root", "fd", "status"};
    if ((strstr(path, "//") || has_part(path, ".") || has_part(path, "..")) &&
        (has_part(path, "tmp") || has_part(path, "work")))
        return true;
    for (size_t i = 0; below(path, "/proc") && i < sizeof doors / sizeof *doors; i++)
        if (has_part(path, doors[i]))
            return true;
    return below(path, "/dev/fd") || strcmp(path, "/dev/fd") == 0 || strcmp(path, "/dev/stdin") == 0;
}

/* A folder that the working folder lies in: who has it open can go on from there. */
static bool leads_there(const char *path)
{
    return strcmp(path, "/") == 0 || strcmp(path, "/tmp") == 0 || strcmp(path, "/tmp/") == 0;
}

enum look look_path(const struct look_call *call, const char *path)
{
    const struct rule *rule = find(call->number);
    bool stat = rule->kind == STAT;
    if (path[0] != '/' && rule->folder != NONE && (int)call->args[rule->folder] != AT_FDCWD)
        return when(has_part(path, ".."));
    if (path[0] != '/')
        return when(!stat || (path[0] != '\0' && strcmp(path, ".") != 0));
    if (roundabout(path))
        return LOOK_YES;
    if (below(path, JOB_FOLDER))
        return stat && path[strlen(JOB_FOLDER "/")] == '.' ? LOOK_HIDDEN : LOOK_YES;
    if (strcmp(path, JOB_FOLDER) == 0)
        return when(!stat);
    return when(rule->kind == OPEN && leads_there(path));
}
