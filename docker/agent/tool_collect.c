/* First the tree is walked, and the paths that come first in order are kept; then their files are read. */
#include "docker/agent/tool_collect.h"

#include "docker/agent/glob.h"
#include "docker/agent/tool_stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_MAX (COLLECT_FILES_MAX + COLLECT_OVER)

/* For each pattern, the set of a folder. */
struct sets {
    glob_set of[COLLECT_PATTERNS_MAX];
};

static struct collect {
    uint64_t max_bytes, max_files;
    char **skips;
    size_t skips_len, patterns_len;
    struct glob patterns[COLLECT_PATTERNS_MAX];
    uint64_t found;                          /* files that match */
    uint32_t matched;                        /* bit N: pattern N has matched a file */
    char paths[KEPT_MAX][WIRE_PATH_MAX + 1]; /* in the order in which their place became free */
    char *kept[KEPT_MAX];                    /* into paths, in order */
    size_t kept_len;
    char path[WIRE_PATH_MAX + 1]; /* of what is looked at */
} collect;

/* Arguments. */

static bool read_numbers(const struct tool *tool, uint64_t *skips)
{
    return tool->args >= 4 && tool_number(tool->arg[0], INT64_MAX, &collect.max_bytes) &&
           tool_number(tool->arg[1], COLLECT_FILES_MAX, &collect.max_files) &&
           tool_number(tool->arg[2], COLLECT_SKIPS_MAX, skips) && (uint64_t)tool->args > 3 + *skips;
}

static bool read_arguments(const struct tool *tool)
{
    uint64_t skips;
    if (!read_numbers(tool, &skips))
        return false;
    collect.skips = tool->arg + 3;
    collect.skips_len = skips;
    collect.patterns_len = (size_t)tool->args - 3 - skips;
    if (collect.patterns_len > COLLECT_PATTERNS_MAX)
        return false;
    for (size_t i = 0; i < collect.patterns_len; i++)
        if (!glob_read(&collect.patterns[i], tool->arg[3 + skips + i]))
            return false;
    return true;
}

/* The walk. */

static bool is_skipped(const char *path)
{
    for (size_t i = 0; i < collect.skips_len; i++) {
        size_t len = strlen(collect.skips[i]);
        if (strncmp(path, collect.skips[i], len) == 0 && (path[len] == '\0' || path[len] == '/'))
            return true;
    }
    return false;
}

/* Where the path belongs among those that are kept. */
static size_t place_of(const char *path)
{
    size_t low = 0, high = collect.kept_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(collect.kept[middle], path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void keep_path(const char *path)
{
    size_t place = place_of(path);
    if (place == KEPT_MAX)
        return;
    char *room = collect.kept_len < KEPT_MAX ? collect.paths[collect.kept_len++] : collect.kept[KEPT_MAX - 1];
    memmove(&collect.kept[place + 1], &collect.kept[place], (collect.kept_len - 1 - place) * sizeof *collect.kept);
    collect.kept[place] = room;
    memcpy(room, path, strlen(path) + 1);
}

static void take_file(const struct sets *sets)
{
    uint32_t matched = 0;
    for (size_t i = 0; i < collect.patterns_len; i++)
        if (glob_matched(&collect.patterns[i], sets->of[i]))
            matched |= 1u << i;
    if (!matched)
        return;
    collect.matched |= matched;
    collect.found++;
    keep_path(collect.path);
}

/* False: nothing at the name or below it can match. */
static bool enter_sets(const struct sets *sets, const char *name, struct sets *out)
{
    glob_set any = 0;
    for (size_t i = 0; i < collect.patterns_len; i++)
        any |= out->of[i] = glob_enter(&collect.patterns[i], sets->of[i], name);
    return any != 0;
}

static bool go_on(const struct sets *sets)
{
    for (size_t i = 0; i < collect.patterns_len; i++)
        if (glob_goes_on(&collect.patterns[i], sets->of[i]))
            return true;
    return false;
}

static void walk(int folder, size_t path_len, unsigned depth, const struct sets *sets);

/* tmpfs knows every entry's type. */
static void walk_entry(int folder, const struct dirent *entry, size_t path_len, unsigned depth, const struct sets *sets)
{
    struct sets next = {{0}};
    size_t len = strlen(entry->d_name);
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || len >= WIRE_PATH_MAX - path_len ||
        !enter_sets(sets, entry->d_name, &next))
        return;
    memcpy(collect.path + path_len, entry->d_name, len + 1);
    if (is_skipped(collect.path))
        return;
    if (entry->d_type == DT_REG) {
        take_file(&next);
    } else if (entry->d_type == DT_DIR && depth < COLLECT_DEPTH && go_on(&next)) {
        int below = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        memcpy(collect.path + path_len + len, "/", 2);
        walk(below, path_len + len + 1, depth + 1, &next);
    }
}

/* Closes the folder. One that cannot be listed has no files. */
static void walk(int folder, size_t path_len, unsigned depth, const struct sets *sets)
{
    DIR *list = folder < 0 ? NULL : fdopendir(folder);
    for (struct dirent *entry = NULL; list && (entry = readdir(list));)
        walk_entry(folder, entry, path_len, depth, sets);
    if (list)
        closedir(list);
    else if (folder >= 0)
        close(folder);
}

static void walk_all(int folder)
{
    struct sets sets = {{0}};
    for (size_t i = 0; i < collect.patterns_len; i++)
        sets.of[i] = glob_start(&collect.patterns[i]);
    walk(folder, 0, 0, &sets);
}

/* Reading. */

static struct entry entry_of(const char *path, const struct stat *status, enum entry_content content)
{
    return (struct entry){.type = ENTRY_FILE,
                          .content = content,
                          .mode = status->st_mode & ENTRY_MODE_MAX,
                          .size = (uint64_t)status->st_size,
                          .mtime_ns = status->st_mtim.tv_sec * INT64_C(1000000000) + status->st_mtim.tv_nsec,
                          .path = path,
                          .path_len = strlen(path)};
}

static void send_bare(int folder, const char *path, enum entry_content content)
{
    struct stat status;
    int fd = tool_open(folder, path, O_PATH);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        struct entry entry = entry_of(path, &status, content);
        tool_stream_entry(&entry);
    }
    close(fd);
}

/* What is no regular file any more is not sent. */
static void send_open(int fd, const char *path)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return;
    bool fits = collect.max_files > 0 && (uint64_t)status.st_size <= collect.max_bytes;
    struct entry entry = entry_of(path, &status, fits ? ENTRY_BYTES : ENTRY_OVER);
    tool_stream_entry(&entry);
    if (!fits)
        return;
    collect.max_files--;
    collect.max_bytes -= tool_stream_content(fd, entry.size);
}

static void send_file(int folder, const char *path)
{
    int fd = tool_open(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd == -EACCES || fd == -EPERM)
        send_bare(folder, path, ENTRY_UNREADABLE);
    if (fd < 0)
        return;
    send_open(fd, path);
    close(fd);
}

enum file_exit tool_collect(const struct tool *tool)
{
    if (!read_arguments(tool))
        return FILE_USAGE;
    walk_all(dup(tool->folder));
    for (size_t i = 0; i < collect.kept_len; i++)
        send_file(tool->folder, collect.kept[i]);
    uint64_t untold = collect.found - collect.kept_len;
    return tool_stream_end(FILE_DONE, (untold < UINT32_MAX ? untold : UINT32_MAX) << 32 | collect.matched);
}
