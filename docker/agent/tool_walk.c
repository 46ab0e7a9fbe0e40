#include "docker/agent/tool_walk.h"

#include "docker/agent/tool.h"
#include "docker/agent/tool_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The names in a folder. */
struct names {
    char **list;
    size_t len, room;
};

static bool walk_below(struct walk *walk, size_t len, uint32_t depth);

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->len; i++)
        free(names->list[i]);
    free(names->list);
}

static bool names_add(struct names *names, const char *name)
{
    if (names->len == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **list = realloc(names->list, room * sizeof *list);
        if (!list)
            return false;
        names->list = list;
        names->room = room;
    }
    names->list[names->len] = strdup(name);
    return names->list[names->len++] != NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads the names, sorted, and closes the descriptor. False: there is no memory. */
static bool names_read(struct names *names, int fd)
{
    DIR *folder = fdopendir(fd);
    bool good = folder != NULL;
    for (struct dirent *entry; good && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            good = names_add(names, entry->d_name);
    if (folder)
        closedir(folder);
    else
        close(fd);
    if (good && names->len > 0)
        qsort(names->list, names->len, sizeof *names->list, by_bytes);
    return good;
}

/* Sets the mode of what is at the path. Its own descriptor cannot do that, because it has no access. */
static void set_mode(const struct walk *walk, mode_t mode)
{
    char path[32];
    int fd = tool_open(walk->folder, walk->path, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    (void)chmod(path, mode & ENTRY_MODE_MAX);
    close(fd);
}

static bool walk_entry(struct walk *walk, size_t len, int fd, const struct stat *status)
{
    struct entry entry = tool_place_entry(status, walk->path, len);
    if (entry.type == ENTRY_LINK) {
        ssize_t target = readlinkat(fd, "", walk->target, sizeof walk->target);
        if (target <= 0 || target > (ssize_t)ENTRY_TARGET_MAX)
            return true;
        entry.target = walk->target;
        entry.target_len = (size_t)target;
    }
    return walk->visit(walk, status, &entry);
}

/* Goes through a folder whose path is `len` bytes. Its mode closes it to its owner if any of 0700 is missing. No
 * descriptor stays open, because a tree may be deeper than their limit. */
static bool walk_folder(struct walk *walk, size_t len, mode_t mode, uint32_t depth)
{
    bool closed = (mode & 0700) != 0700;
    if (closed)
        set_mode(walk, mode | 0700);
    bool good = walk_below(walk, len, depth);
    if (closed)
        set_mode(walk, mode);
    return good;
}

/* What is gone by now is left out. */
static bool walk_at(struct walk *walk, size_t len, uint32_t depth)
{
    struct stat status;
    int fd = tool_open(walk->folder, walk->path, O_PATH);
    if (fd < 0)
        return true;
    bool there = fstat(fd, &status) == 0, good = !there || walk_entry(walk, len, fd, &status);
    close(fd);
    return good && there && depth > 0 && S_ISDIR(status.st_mode) ? walk_folder(walk, len, status.st_mode, depth) : good;
}

static bool walk_name(struct walk *walk, size_t len, const char *name, uint32_t depth)
{
    size_t start = len > 0 ? len + 1 : 0, name_len = strlen(name);
    if (start + name_len > WIRE_PATH_MAX) {
        walk->left_out++;
        return true;
    }
    if (len > 0)
        walk->path[len] = '/';
    memcpy(walk->path + start, name, name_len + 1);
    return walk_at(walk, start + name_len, depth - 1);
}

static bool walk_below(struct walk *walk, size_t len, uint32_t depth)
{
    struct names names = {0};
    walk->path[len] = '\0';
    int fd = tool_open(walk->folder, len > 0 ? walk->path : ".", O_RDONLY | O_DIRECTORY);
    bool good = fd < 0 || names_read(&names, fd);
    for (size_t i = 0; good && i < names.len; i++)
        good = walk_name(walk, len, names.list[i], depth);
    names_free(&names);
    walk->path[len] = '\0';
    return good;
}

bool tool_walk(struct walk *walk, const char *path, uint32_t depth)
{
    size_t len = strlen(path);
    memcpy(walk->path, path, len + 1);
    if (len > 0)
        return walk_at(walk, len, depth);
    return depth > 0 ? walk_below(walk, 0, depth) : true;
}
