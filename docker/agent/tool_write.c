#include "docker/agent/tool_write.h"

#include "docker/agent/tool_condition.h"
#include "docker/agent/tool_input.h"
#include "docker/agent/tool_place.h"
#include "docker/agent/tool_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FRESH "new" /* in the staging folder */

/* One file on its way. */
struct placing {
    const struct condition *condition;
    int staging, parent;
    const char *name;
    bool existed;
};

/* The clock of a file system may be coarse, and tags are made of the time: so the time is set by the fine one. */
static int set_facts(int fd, mode_t mode)
{
    struct timespec times[2];
    if (fchmod(fd, mode & ENTRY_MODE_MAX) < 0 || clock_gettime(CLOCK_REALTIME, &times[0]) < 0)
        return -1;
    times[1] = times[0];
    return futimens(fd, times);
}

static mode_t mode_for(const struct placing *placing, mode_t wanted)
{
    struct stat old;
    bool keeps = fstatat(placing->parent, placing->name, &old, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(old.st_mode);
    return keeps ? old.st_mode : wanted;
}

static enum file_exit receive(const struct placing *placing, mode_t mode)
{
    int fd = openat(placing->staging, FRESH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return tool_place_exit(errno);
    enum file_exit exit = tool_place_content(fd);
    if (exit == FILE_DONE && set_facts(fd, mode_for(placing, mode)) < 0)
        exit = tool_place_exit(errno);
    close(fd);
    return exit;
}

static int swap(const struct placing *placing, unsigned flags)
{
    return renameat2(placing->staging, FRESH, placing->parent, placing->name, flags);
}

static enum file_exit check_kind(const struct stat *old)
{
    return S_ISDIR(old->st_mode) ? FILE_WRONG_KIND : FILE_DONE;
}

/* The two files change places. Then the old one cannot change any more unseen, and if it is not what the condition
 * says, they change back. */
static enum file_exit exchange(const struct placing *placing)
{
    struct stat old;
    if (swap(placing, RENAME_EXCHANGE) < 0)
        return errno == ENOENT ? FILE_CHANGED : tool_place_exit(errno);
    enum file_exit exit =
        fstatat(placing->staging, FRESH, &old, AT_SYMLINK_NOFOLLOW) < 0 ? FILE_SYSTEM : check_kind(&old);
    if (exit == FILE_DONE)
        exit = tool_condition_check(placing->condition, &old);
    if (exit != FILE_DONE)
        (void)swap(placing, RENAME_EXCHANGE);
    return exit;
}

static enum file_exit put(struct placing *placing)
{
    bool may_be_new = placing->condition->kind == CONDITION_ANY || placing->condition->kind == CONDITION_NEW;
    placing->existed = true;
    if (may_be_new && swap(placing, RENAME_NOREPLACE) == 0) {
        placing->existed = false;
        return FILE_DONE;
    }
    if (may_be_new && (errno != EEXIST || placing->condition->kind == CONDITION_NEW))
        return tool_place_exit(errno);
    return exchange(placing);
}

static enum file_exit say(const struct placing *placing, const char *path)
{
    struct stat status;
    if (fstatat(placing->parent, placing->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return FILE_CHANGED;
    struct entry entry = tool_place_entry(&status, path, strlen(path));
    if (entry.type != ENTRY_FILE)
        return FILE_CHANGED;
    tool_stream_entry(&entry);
    return FILE_DONE;
}

static enum file_exit place(struct placing *placing, const char *path, mode_t mode)
{
    enum file_exit exit = receive(placing, mode);
    if (exit == FILE_DONE)
        exit = put(placing);
    if (exit == FILE_DONE)
        exit = say(placing, path);
    (void)unlinkat(placing->staging, FRESH, 0);
    return exit;
}

/* Takes one file. *created counts the new ones. */
static enum file_exit take(int folder, struct placing *placing, const struct entry *entry, uint64_t *created)
{
    char path[WIRE_PATH_MAX + 1];
    if (entry->type != ENTRY_FILE || entry->content != ENTRY_BYTES)
        return FILE_BROKEN;
    memcpy(path, entry->path, entry->path_len);
    path[entry->path_len] = '\0';
    placing->parent = tool_place_parent(folder, path, true, &placing->name);
    if (placing->parent < 0)
        return tool_place_exit(-placing->parent);
    enum file_exit exit = place(placing, path, entry->mode);
    close(placing->parent);
    *created += exit == FILE_DONE && !placing->existed;
    return exit;
}

static enum file_exit take_all(int folder, struct placing *placing, uint64_t *created)
{
    struct entry_piece piece;
    enum file_exit exit = FILE_DONE;
    while (exit == FILE_DONE)
        switch (tool_input_next(&piece)) {
        case ENTRY_NEXT:
            exit = take(folder, placing, &piece.entry, created);
            break;
        case ENTRY_STREAM_END:
            return piece.end.exit == FILE_DONE ? FILE_DONE : FILE_BROKEN;
        default:
            return FILE_BROKEN;
        }
    return exit;
}

enum file_exit tool_write(const struct tool *tool)
{
    struct condition condition;
    uint64_t created = 0;
    if (tool->args != 1 || !tool_condition_read(tool->arg[0], &condition))
        return tool_stream_end(FILE_USAGE, 0);
    int staging = tool_place_stage();
    if (staging < 0)
        return tool_stream_end(tool_place_exit(-staging), 0);
    struct placing placing = {.condition = &condition, .staging = staging};
    enum file_exit exit = take_all(tool->folder, &placing, &created);
    tool_place_unstage(staging);
    return tool_stream_end(exit, created);
}
