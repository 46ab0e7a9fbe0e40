#include "docker/agent/tool_unpack.h"

#include "docker/agent/job.h"
#include "docker/agent/tool_input.h"
#include "docker/agent/tool_place.h"
#include "docker/agent/tool_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRESH "new" /* in the staging folder */
#define NS 1000000000

/* A folder whose mode and time are set at the end, because it must be open until then, and changes with what is put
 * into it. */
struct folder {
    char *path;
    mode_t mode;
    int64_t mtime_ns;
};

static struct {
    int root; /* the new folder */
    struct folder *folders;
    size_t folders_len, folders_room;
    char path[WIRE_PATH_MAX + 1], target[ENTRY_TARGET_MAX + 1]; /* of the current entry */
} unpack;

static void times_of(int64_t mtime_ns, struct timespec times[2])
{
    int64_t rest = (mtime_ns % NS + NS) % NS;
    times[0] = times[1] = (struct timespec){.tv_sec = (mtime_ns - rest) / NS, .tv_nsec = (long)rest};
}

static int set_facts(int fd, mode_t mode, int64_t mtime_ns)
{
    struct timespec times[2];
    times_of(mtime_ns, times);
    return futimens(fd, times) < 0 || fchmod(fd, mode & 0777) < 0 ? -1 : 0;
}

/* Opens the folder in which the entry is to be, which is made if it is missing, and gets *name free there. A link of
 * the archive on the way is followed only within the new folder. */
static int open_parent(const char **name)
{
    int parent = tool_place_parent(unpack.root, unpack.path, true, name);
    if (parent >= 0 && unlinkat(parent, *name, 0) < 0 && errno != ENOENT) {
        int error = errno;
        close(parent);
        return -error;
    }
    return parent;
}

static enum file_exit unpack_content(int fd, const struct entry *entry)
{
    mode_t mode = entry->mode;
    int64_t mtime_ns = entry->mtime_ns;
    enum file_exit exit = tool_place_content(fd); /* the entry is not valid after it */
    return exit == FILE_DONE && set_facts(fd, mode, mtime_ns) < 0 ? tool_place_exit(errno) : exit;
}

static enum file_exit unpack_file(int parent, const char *name, const struct entry *entry)
{
    int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return tool_place_exit(errno);
    enum file_exit exit = unpack_content(fd, entry);
    close(fd);
    return exit;
}

static enum file_exit unpack_link(int parent, const char *name, const struct entry *entry)
{
    struct timespec times[2];
    times_of(entry->mtime_ns, times);
    if (symlinkat(unpack.target, parent, name) < 0 || utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return tool_place_exit(errno);
    return FILE_DONE;
}

/* A link may be the target as well: it is not followed. */
static enum file_exit unpack_same(int parent, const char *name)
{
    const char *first;
    int folder = tool_place_parent(unpack.root, unpack.target, false, &first);
    if (folder < 0)
        return folder == -ENOENT ? FILE_BROKEN : tool_place_exit(-folder);
    int result = linkat(folder, first, parent, name, 0), error = errno;
    close(folder);
    return result == 0 ? FILE_DONE : error == ENOENT || error == EPERM ? FILE_BROKEN : tool_place_exit(error);
}

static struct folder *folder_named(const char *path)
{
    for (size_t i = 0; i < unpack.folders_len; i++)
        if (strcmp(unpack.folders[i].path, path) == 0)
            return &unpack.folders[i];
    return NULL;
}

/* NULL: there is no memory. */
static struct folder *folder_add(const char *path)
{
    if (unpack.folders_len == unpack.folders_room) {
        size_t room = unpack.folders_room ? 2 * unpack.folders_room : 64;
        struct folder *folders = realloc(unpack.folders, room * sizeof *folders);
        if (!folders)
            return NULL;
        unpack.folders = folders;
        unpack.folders_room = room;
    }
    char *copy = strdup(path);
    if (!copy)
        return NULL;
    unpack.folders[unpack.folders_len] = (struct folder){.path = copy};
    return &unpack.folders[unpack.folders_len++];
}

static enum file_exit note_folder(const struct entry *entry, bool is_new)
{
    struct folder *folder = is_new ? NULL : folder_named(unpack.path);
    if (!folder)
        folder = folder_add(unpack.path);
    if (!folder)
        return FILE_SYSTEM;
    folder->mode = entry->mode;
    folder->mtime_ns = entry->mtime_ns;
    return FILE_DONE;
}

static enum file_exit unpack_folder(const struct entry *entry)
{
    struct stat status;
    const char *name;
    int parent = tool_place_parent(unpack.root, unpack.path, true, &name);
    if (parent < 0)
        return tool_place_exit(-parent);
    bool is_new = mkdirat(parent, name, 0755) == 0;
    int error = is_new ? 0 : errno;
    bool there = error == EEXIST && fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    close(parent);
    if (!is_new && (!there || !S_ISDIR(status.st_mode)))
        return tool_place_exit(error == EEXIST ? ENOTDIR : error);
    return note_folder(entry, is_new);
}

static enum file_exit unpack_in(int parent, const char *name, const struct entry *entry)
{
    switch (entry->type) {
    case ENTRY_FILE:
        return entry->content == ENTRY_BYTES ? unpack_file(parent, name, entry) : FILE_BROKEN;
    case ENTRY_LINK:
        return unpack_link(parent, name, entry);
    case ENTRY_SAME:
        return unpack_same(parent, name);
    default:
        return FILE_BROKEN;
    }
}

static enum file_exit unpack_entry(const struct entry *entry)
{
    const char *name;
    memcpy(unpack.path, entry->path, entry->path_len);
    unpack.path[entry->path_len] = '\0';
    memcpy(unpack.target, entry->target, entry->target_len);
    unpack.target[entry->target_len] = '\0';
    if (entry->type == ENTRY_DIRECTORY)
        return unpack_folder(entry);
    int parent = open_parent(&name);
    if (parent < 0)
        return tool_place_exit(-parent);
    enum file_exit exit = unpack_in(parent, name, entry);
    close(parent);
    return exit;
}

static enum file_exit unpack_all(void)
{
    struct entry_piece piece;
    enum file_exit exit = FILE_DONE;
    while (exit == FILE_DONE)
        switch (tool_input_next(&piece)) {
        case ENTRY_NEXT:
            exit = unpack_entry(&piece.entry);
            break;
        case ENTRY_STREAM_END:
            return piece.end.exit == FILE_DONE ? FILE_DONE : FILE_BROKEN;
        default:
            return FILE_BROKEN;
        }
    return exit;
}

/* What is in a folder has a greater path, so it comes first here. */
static int deepest_first(const void *a, const void *b)
{
    return strcmp(((const struct folder *)b)->path, ((const struct folder *)a)->path);
}

static enum file_exit close_folders(void)
{
    if (unpack.folders_len > 0)
        qsort(unpack.folders, unpack.folders_len, sizeof *unpack.folders, deepest_first);
    for (size_t i = 0; i < unpack.folders_len; i++) {
        const struct folder *folder = &unpack.folders[i];
        int fd = tool_open(unpack.root, folder->path, O_RDONLY | O_DIRECTORY);
        int result = fd < 0 ? fd : set_facts(fd, folder->mode, folder->mtime_ns);
        if (fd >= 0)
            close(fd);
        if (result < 0)
            return FILE_BROKEN; /* something else has taken its place */
    }
    return FILE_DONE;
}

/* The new folder gets the mode of the old one. */
static enum file_exit change_places(const struct tool *tool, int staging)
{
    struct stat status;
    if (fstat(tool->folder, &status) < 0 || fchmod(unpack.root, status.st_mode & ENTRY_MODE_MAX) < 0 ||
        renameat2(staging, FRESH, AT_FDCWD, JOB_FOLDER, RENAME_EXCHANGE) < 0)
        return tool_place_exit(errno);
    return FILE_DONE;
}

static enum file_exit unpack_beside(const struct tool *tool, int staging)
{
    if (mkdirat(staging, FRESH, 0700) < 0)
        return tool_place_exit(errno);
    unpack.root = openat(staging, FRESH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (unpack.root < 0)
        return FILE_SYSTEM;
    enum file_exit exit = unpack_all();
    if (exit == FILE_DONE)
        exit = close_folders();
    if (exit == FILE_DONE)
        exit = change_places(tool, staging);
    close(unpack.root);
    return exit;
}

static enum file_exit unpack_staged(const struct tool *tool)
{
    int staging = tool_place_stage();
    if (staging < 0)
        return tool_place_exit(-staging);
    enum file_exit exit = unpack_beside(tool, staging);
    tool_place_unstage(staging);
    return exit;
}

/* The staging folder is made for what else that does, and leaves no inode behind. */
static enum file_exit unpack_here(const struct tool *tool)
{
    int staging = tool_place_stage();
    if (staging < 0)
        return tool_place_exit(-staging);
    tool_place_unstage(staging);
    unpack.root = tool->folder;
    enum file_exit exit = unpack_all();
    return exit == FILE_DONE ? close_folders() : exit;
}

enum file_exit tool_unpack(const struct tool *tool)
{
    bool here = tool->args == 1 && strcmp(tool->arg[0], "here") == 0;
    if (tool->args != 0 && !here)
        return tool_stream_end(FILE_USAGE, 0);
    return tool_stream_end(here ? unpack_here(tool) : unpack_staged(tool), 0);
}
