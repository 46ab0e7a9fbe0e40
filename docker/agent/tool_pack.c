#include "docker/agent/tool_pack.h"

#include "docker/agent/tool_read.h"
#include "docker/agent/tool_stream.h"
#include "docker/agent/tool_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that has more names than one. */
struct name {
    dev_t device;
    ino_t inode;
    char *path;
};

static struct {
    struct walk walk;
    uint64_t bytes, entries; /* that may still come */
    struct name *names;
    size_t names_len, names_room;
} pack;

/* The name under which the file has come, or NULL after it was noted. False: there is no memory. */
static bool note_name(const struct stat *status, const char *path, const char **earlier)
{
    *earlier = NULL;
    for (size_t i = 0; i < pack.names_len && !*earlier; i++)
        if (pack.names[i].inode == status->st_ino && pack.names[i].device == status->st_dev)
            *earlier = pack.names[i].path;
    if (*earlier)
        return true;
    if (pack.names_len == pack.names_room) {
        size_t room = pack.names_room ? 2 * pack.names_room : 64;
        struct name *names = realloc(pack.names, room * sizeof *names);
        if (!names)
            return false;
        pack.names = names;
        pack.names_room = room;
    }
    char *copy = strdup(path);
    pack.names[pack.names_len++] = (struct name){status->st_dev, status->st_ino, copy};
    return copy != NULL;
}

static int pack_open(const char *path)
{
    int fd = tool_open(pack.walk.folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return fd == -EACCES ? tool_read_closed(pack.walk.folder, path) : fd;
}

/* A file may have been replaced since the walk has seen it: only one that is a file is read. */
static void pack_file(struct entry *entry)
{
    struct stat now;
    int fd = pack_open(pack.walk.path);
    bool good = fd >= 0 && fstat(fd, &now) == 0 && S_ISREG(now.st_mode);
    entry->content = good ? ENTRY_BYTES : ENTRY_UNREADABLE;
    tool_stream_entry(entry);
    if (good)
        tool_stream_sparse(fd, entry->size);
    if (fd >= 0)
        close(fd);
}

/* False: it has another name and was sent under that one, or there is no memory. */
static bool is_first_name(const struct stat *status, struct entry *entry, bool *good)
{
    const char *earlier;
    if (status->st_nlink < 2)
        return true;
    *good = note_name(status, pack.walk.path, &earlier);
    if (*good && earlier) {
        entry->type = ENTRY_SAME;
        entry->target = earlier;
        entry->target_len = strlen(earlier);
        tool_stream_entry(entry);
    }
    return *good && !earlier;
}

static bool pack_visit(struct walk *walk, const struct stat *status, struct entry *entry)
{
    bool good = true;
    (void)walk;
    if (pack.entries == 0 || (entry->type == ENTRY_FILE && entry->size > pack.bytes))
        return false;
    pack.entries--;
    if (entry->type != ENTRY_FILE) {
        tool_stream_entry(entry);
    } else if (is_first_name(status, entry, &good)) {
        pack.bytes -= entry->size;
        pack_file(entry);
    }
    return good;
}

enum file_exit tool_pack(const struct tool *tool)
{
    if (tool->args != 2 || !tool_number(tool->arg[0], INT64_MAX, &pack.bytes) ||
        !tool_number(tool->arg[1], INT64_MAX, &pack.entries))
        return tool_stream_end(FILE_USAGE, 0);
    pack.walk.folder = tool->folder;
    pack.walk.visit = pack_visit;
    enum file_exit exit = tool_walk(&pack.walk, "", UINT32_MAX) ? FILE_DONE : FILE_TOO_LARGE;
    return tool_stream_end(exit, pack.walk.left_out);
}
