#include "docker/agent/tool_list.h"

#include "docker/agent/tool_stream.h"
#include "docker/agent/tool_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct walk walk;

struct listing {
    const char *after;
    uint64_t most;
};

static bool list_visit(struct walk *from, const struct stat *status, struct entry *entry)
{
    struct listing *listing = from->arg;
    (void)status;
    if (wire_path_compare(entry->path, entry->path_len, listing->after, strlen(listing->after)) <= 0)
        return true;
    if (listing->most == 0)
        return false;
    listing->most--;
    tool_stream_entry(entry);
    return true;
}

/* Whether there is something at the path. */
static enum file_exit look_for(int folder, const char *path)
{
    if (path[0] == '\0')
        return FILE_DONE;
    if (!wire_path_ok(path, strlen(path)))
        return FILE_OUTSIDE;
    int fd = tool_open(folder, path, O_PATH);
    if (fd == -ENOTDIR || fd == -ELOOP)
        return FILE_NOT_FOUND;
    if (fd < 0)
        return tool_exit(-fd);
    close(fd);
    return FILE_DONE;
}

enum file_exit tool_list(const struct tool *tool)
{
    uint64_t depth;
    struct listing listing;
    if (tool->args != 4 || !tool_number(tool->arg[1], UINT32_MAX, &depth) ||
        !tool_number(tool->arg[3], INT64_MAX, &listing.most))
        return tool_stream_end(FILE_USAGE, 0);
    enum file_exit exit = look_for(tool->folder, tool->arg[0]);
    listing.after = tool->arg[2];
    walk = (struct walk){.folder = tool->folder, .visit = list_visit, .arg = &listing};
    if (exit == FILE_DONE)
        (void)tool_walk(&walk, tool->arg[0], (uint32_t)depth);
    return tool_stream_end(exit, 0);
}
