#include "docker/agent/look.h"

#include "docker/agent/job.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum kind {
    STAT,    /* asks whether a file exists and what it is */
    USE,     /* uses a file or folder in another way */
    OPEN,    /* USE, but MAKES if its flags say so */
    MAKES,   /* makes, changes or deletes a file */
    BINDS,   /* MAKES; the path is in a socket address */
    CALLS,   /* USE; the path is in a socket address */
    LEAVES,  /* makes or changes more than one file, or something else that outlives the process */
    FORKS,   /* makes a process */
    CLONE,   /* makes a process or a thread */
    INPUT,   /* reads from a descriptor, which may be stdin */
    IDENTITY /* asks for the user */
};

#define NONE (-1)

static const struct rule {
    long call;
    enum kind kind;
    int folder, path, flags; /* the index of the argument, or NONE */
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
    {SYS_creat, MAKES, NONE, 0, NONE},
    {SYS_mkdir, MAKES, NONE, 0, NONE},
    {SYS_mknod, MAKES, NONE, 0, NONE},
    {SYS_rmdir, MAKES, NONE, 0, NONE},
    {SYS_unlink, MAKES, NONE, 0, NONE},
    {SYS_rename, LEAVES, NONE, NONE, NONE},
    {SYS_link, LEAVES, NONE, NONE, NONE},
    {SYS_symlink, LEAVES, NONE, NONE, NONE},
    {SYS_chmod, MAKES, NONE, 0, NONE},
    {SYS_chown, MAKES, NONE, 0, NONE},
    {SYS_lchown, MAKES, NONE, 0, NONE},
    {SYS_utime, MAKES, NONE, 0, NONE},
    {SYS_utimes, MAKES, NONE, 0, NONE},
    {SYS_futimesat, MAKES, 0, 1, NONE},
    {SYS_fork, FORKS, NONE, NONE, NONE},
    {SYS_vfork, FORKS, NONE, NONE, NONE},
#endif
    {SYS_openat2, LEAVES, NONE, NONE, NONE}, /* its argument points to the flags */
    {SYS_mkdirat, MAKES, 0, 1, NONE},
    {SYS_mknodat, MAKES, 0, 1, NONE},
    {SYS_unlinkat, MAKES, 0, 1, NONE},
#ifdef SYS_renameat
    {SYS_renameat, LEAVES, NONE, NONE, NONE},
#endif
    {SYS_renameat2, LEAVES, NONE, NONE, NONE},
    {SYS_linkat, LEAVES, NONE, NONE, NONE},
    {SYS_symlinkat, LEAVES, NONE, NONE, NONE},
    {SYS_fchmodat, MAKES, 0, 1, NONE},
    {452 /* fchmodat2 */, MAKES, 0, 1, NONE},
    {SYS_fchownat, MAKES, 0, 1, NONE},
    {SYS_truncate, MAKES, NONE, 0, NONE},
    {SYS_utimensat, MAKES, 0, 1, NONE},
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
    {SYS_bind, BINDS, NONE, 1, NONE},
    {SYS_connect, CALLS, NONE, 1, NONE},
    {SYS_ptrace, LEAVES, NONE, NONE, NONE}, /* could notice that the process is traced */
    {SYS_clone, CLONE, NONE, NONE, 0},
    {SYS_getuid, IDENTITY, NONE, NONE, NONE},
    {SYS_read, INPUT, NONE, NONE, NONE},
    {SYS_readv, INPUT, NONE, NONE, NONE},
};

static const struct rule *find_rule(uint64_t number)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((uint64_t)rules[i].call == number)
            return &rules[i];
    return NULL;
}

static enum look look_if(bool yes)
{
    return yes ? LOOK_YES : LOOK_NO;
}

/* Whether the call makes or changes a file. O_TMPFILE is O_DIRECTORY and one more bit. */
static bool makes(const struct rule *rule, const struct look_call *call)
{
    const uint64_t making = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    return rule->kind == MAKES || rule->kind == BINDS ||
           (rule->kind == OPEN && (call->args[rule->flags] & making) != 0);
}

enum look look_call(const struct look_call *call, enum frame_hold where, uint64_t *address)
{
    const struct rule *rule = find_rule(call->number);
    if (!rule)
        return LOOK_NO;
    switch (rule->kind) {
    case LEAVES:
        return LOOK_YES;
    case FORKS:
        return look_if(where != FRAME_HOLD_OPEN);
    case CLONE:
        return look_if(where != FRAME_HOLD_OPEN && !(call->args[rule->flags] & CLONE_THREAD));
    case INPUT:
        return look_if((int)call->args[0] == STDIN_FILENO);
    case IDENTITY:
        return look_if(where == FRAME_HOLD_GETUID);
    default:
        if (where != FRAME_HOLD_OPEN && makes(rule, call))
            return LOOK_YES;
    }
    bool in_address = rule->kind == BINDS || rule->kind == CALLS;
    *address = call->args[rule->path] + (in_address ? offsetof(struct sockaddr_un, sun_path) : 0);
    return LOOK_PATH;
}

/* Whether `name` is one of the path's segments. */
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

/* Whether the path may lead to the working folder or to stdin by another name, or shows that the process is traced. */
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

/* Whether the path is a parent of the working folder, from which a process could open the folder later. */
static bool leads_there(const char *path)
{
    return strcmp(path, "/") == 0 || strcmp(path, "/tmp") == 0 || strcmp(path, "/tmp/") == 0;
}

const char *look_name(const char *path)
{
    if (below(path, JOB_FOLDER))
        path += strlen(JOB_FOLDER "/");
    else if (path[0] == '/')
        return "";
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    return strcmp(path, ".") == 0 ? "" : path;
}

/* Whether the path is a user's settings: its first segment below the working folder starts with a dot. */
static bool is_hidden(const char *path)
{
    const char *name = look_name(path);
    return name[0] == '.' && name[1] != '/' && !has_part(path, "..");
}

/* Whether a file that is made there stays when the agent clears /tmp. */
static bool is_kept(const char *path)
{
    return below(path, "/dev/shm") || below(path, "/dev/mqueue");
}

/* For FRAME_HOLD_OPEN: whether the call reads or changes what matters. Reading /proc/self/status does not, because no
 * runtime acts on who traces it. */
static bool opens(const struct rule *rule, const struct look_call *call, const char *path)
{
    bool made = makes(rule, call), descriptor = rule->folder != NONE && (int)call->args[rule->folder] != AT_FDCWD;
    if (path[0] != '/')
        return !descriptor || has_part(path, "..");
    if (strcmp(path, "/proc/self/status") == 0)
        return made;
    return roundabout(path) || below(path, JOB_FOLDER) || strcmp(path, JOB_FOLDER) == 0 ||
           ((rule->kind == OPEN || made) && leads_there(path)) || (made && is_kept(path));
}

enum look look_path(const struct look_call *call, enum frame_hold where, const char *path)
{
    const struct rule *rule = find_rule(call->number);
    bool stat = rule->kind == STAT;
    if (where == FRAME_HOLD_OPEN) {
        if (is_hidden(path) && (stat || (rule->kind == OPEN && !makes(rule, call))))
            return LOOK_HIDDEN;
        if (stat)
            return look_name(path)[0] == '\0' ? LOOK_NO : LOOK_ASKS;
        return look_if(opens(rule, call, path));
    }
    if (path[0] != '/' && rule->folder != NONE && (int)call->args[rule->folder] != AT_FDCWD)
        return look_if(has_part(path, ".."));
    if (path[0] != '/')
        return look_if(!stat || (path[0] != '\0' && strcmp(path, ".") != 0));
    if (roundabout(path))
        return LOOK_YES;
    if (below(path, JOB_FOLDER))
        return stat && is_hidden(path) ? LOOK_HIDDEN : LOOK_YES;
    if (strcmp(path, JOB_FOLDER) == 0) /* the folder exists for every job */
        return look_if(!stat);
    return look_if(rule->kind == OPEN && leads_there(path));
}
