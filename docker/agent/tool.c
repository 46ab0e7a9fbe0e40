#include "docker/agent/tool.h"

#include "docker/agent/job.h"
#include "docker/agent/tool_collect.h"
#include "docker/agent/tool_list.h"
#include "docker/agent/tool_pack.h"
#include "docker/agent/tool_read.h"
#include "docker/agent/tool_remove.h"
#include "docker/agent/tool_unpack.h"
#include "docker/agent/tool_write.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct operation {
    const char *name;
    enum file_exit (*run)(const struct tool *tool);
} operations[] = {
    {"collect", tool_collect}, {"list", tool_list},     {"pack", tool_pack},   {"read", tool_read},
    {"remove", tool_remove},   {"unpack", tool_unpack}, {"write", tool_write},
};

bool tool_is_meant(int argc, char **argv)
{
    return argc >= 2 && strcmp(argv[1], TOOL_WORD) == 0;
}

static const struct operation *operation_named(const char *name)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

/* Dumpable, although its file cannot be read: the agent ends a program that hides its descriptors from it (tally.h).
 * The tool has nothing to hide, because the server trusts nothing that comes from the cell. */
int tool_main(int argc, char **argv)
{
    const struct operation *operation = argc >= 3 ? operation_named(argv[2]) : NULL;
    if (!operation)
        return FILE_USAGE;
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
        return FILE_SYSTEM;
    int folder = open(JOB_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return (int)tool_exit(errno);
    return (int)operation->run(&(struct tool){.folder = folder, .args = argc - 3, .arg = argv + 3});
}

bool tool_number(const char *arg, uint64_t max, uint64_t *out)
{
    char *end;
    if (*arg < '0' || *arg > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(arg, &end, 10);
    *out = value;
    return *end == '\0' && errno == 0 && value <= max;
}

int tool_open(int folder, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    };
    long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

enum file_exit tool_exit(int error)
{
    switch (error) {
    case ENOENT:
        return FILE_NOT_FOUND;
    case ENOTDIR:
    case EISDIR:
        return FILE_WRONG_KIND;
    case EEXIST:
    case ENOTEMPTY:
        return FILE_EXISTS;
    case EXDEV:
    case ELOOP:
    case ENAMETOOLONG:
        return FILE_OUTSIDE;
    case EFBIG:
        return FILE_TOO_LARGE;
    case ENOSPC:
    case EDQUOT:
        return FILE_NO_SPACE;
    case EACCES:
    case EPERM:
        return FILE_NOT_ALLOWED;
    default:
        return FILE_SYSTEM;
    }
}
