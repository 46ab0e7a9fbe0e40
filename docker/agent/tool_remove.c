#include "docker/agent/tool_remove.h"

#include "docker/agent/tool_condition.h"
#include "docker/agent/tool_place.h"
#include "docker/agent/tool_stream.h"
#include "docker/agent/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GONE "gone" /* in the staging folder */

/* Only a folder that is writable itself can be moved to another one. */
static int move_out(int parent, const char *name, int staging, const struct stat *status)
{
    bool closed = S_ISDIR(status->st_mode) && (status->st_mode & 0200) == 0;
    if (closed && fchmodat(parent, name, 0700, 0) < 0)
        return -1;
    return renameat2(parent, name, staging, GONE, RENAME_NOREPLACE);
}

/* What was moved cannot change any more unseen: if it is not what the condition says, it goes back. */
static enum file_exit take_away(int parent, const char *name, int staging, const struct condition *condition,
                                struct stat *status)
{
    if (fstatat(parent, name, status, AT_SYMLINK_NOFOLLOW) < 0)
        return tool_place_exit(errno);
    enum file_exit exit = tool_condition_check(condition, status);
    if (exit != FILE_DONE)
        return exit;
    if (move_out(parent, name, staging, status) < 0)
        return tool_place_exit(errno);
    if (fstatat(staging, GONE, status, AT_SYMLINK_NOFOLLOW) < 0)
        return FILE_SYSTEM;
    exit = tool_condition_check(condition, status);
    if (exit != FILE_DONE)
        (void)renameat2(staging, GONE, parent, name, RENAME_NOREPLACE);
    return exit;
}

static void say(const struct stat *status, const char *path)
{
    static const char unknown[] = "?"; /* the target of a link is not said */
    struct entry entry = tool_place_entry(status, path, strlen(path));
    entry.target = unknown;
    entry.target_len = entry.type == ENTRY_LINK ? 1 : 0;
    tool_stream_entry(&entry);
}

/* Empties a folder and removes it. */
static int remove_folder(int parent, const char *name)
{
    int folder = -1;
    if (fchmodat(parent, name, 0700, 0) == 0)
        folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int result = wipe(folder, UINT64_MAX);
    close(folder);
    return result == 0 ? unlinkat(parent, name, AT_REMOVEDIR) : -1;
}

/* For a working folder that has no room for the staging folder. */
static enum file_exit remove_in_place(int parent, const char *name, const struct condition *condition,
                                      struct stat *status)
{
    if (fstatat(parent, name, status, AT_SYMLINK_NOFOLLOW) < 0)
        return tool_place_exit(errno);
    enum file_exit exit = tool_condition_check(condition, status);
    if (exit != FILE_DONE)
        return exit;
    int result = S_ISDIR(status->st_mode) ? remove_folder(parent, name) : unlinkat(parent, name, 0);
    return result == 0 ? FILE_DONE : tool_place_exit(errno);
}

static enum file_exit remove_at(int parent, const char *name, const struct condition *condition, const char *path)
{
    struct stat status;
    int staging = tool_place_stage();
    if (staging < 0 && staging != -ENOSPC)
        return tool_place_exit(-staging);
    enum file_exit exit = staging < 0 ? remove_in_place(parent, name, condition, &status)
                                      : take_away(parent, name, staging, condition, &status);
    if (staging >= 0)
        tool_place_unstage(staging);
    if (exit == FILE_DONE)
        say(&status, path);
    return exit;
}

static enum file_exit remove_path(int folder, const char *path, const struct condition *condition)
{
    const char *name;
    if (!wire_path_ok(path, strlen(path)))
        return FILE_OUTSIDE;
    int parent = tool_place_parent(folder, path, false, &name);
    if (parent < 0)
        return parent == -ENOTDIR ? FILE_NOT_FOUND : tool_place_exit(-parent);
    enum file_exit exit = remove_at(parent, name, condition, path);
    close(parent);
    return exit;
}

enum file_exit tool_remove(const struct tool *tool)
{
    struct condition condition;
    if (tool->args != 2 || !tool_condition_read(tool->arg[1], &condition) || condition.kind == CONDITION_NEW)
        return tool_stream_end(FILE_USAGE, 0);
    return tool_stream_end(remove_path(tool->folder, tool->arg[0], &condition), 0);
}
