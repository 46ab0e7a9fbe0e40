/* A tree may be deeper than the longest path or the number of descriptors, so this never goes down more than one
 * folder: it first moves a folder in a folder up to the top, with a number as its name. So each folder is moved once
 * and removed once, however deep it is. */
#include "docker/agent/wipe.h"

#include "docker/agent/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTING 16384
#define NAME 16 /* bytes of a number as a name */

struct wipe {
    int top;
    uint64_t deadline;
    unsigned number; /* the name for the next folder that is moved up */
};

/* What to do with a folder that is not empty: remove it, or move it so that a later pass removes it. */
typedef int (*remove_folder)(struct wipe *wipe, int parent, const char *name);

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int wipe_entry(struct wipe *wipe, int folder, const struct dirent64 *entry, remove_folder other)
{
    if (system_clock() >= wipe->deadline) {
        errno = ETIME;
        return -1;
    }
    if (entry->d_type != DT_DIR)
        return unlinkat(folder, entry->d_name, 0);
    if (unlinkat(folder, entry->d_name, AT_REMOVEDIR) == 0)
        return 0;
    return errno == ENOTEMPTY ? other(wipe, folder, entry->d_name) : -1;
}

/* One pass over a folder. 1: it had entries; 0: it was empty; -1: failed. */
static int pass(struct wipe *wipe, int folder, char listing[LISTING], remove_folder other)
{
    ssize_t len;
    int met = 0;
    if (lseek(folder, 0, SEEK_SET) < 0)
        return -1;
    while ((len = getdents64(folder, listing, LISTING)) > 0)
        for (ssize_t at = 0; at < len;) {
            const struct dirent64 *entry = (const struct dirent64 *)(listing + at);
            at += entry->d_reclen;
            if (is_dots(entry->d_name))
                continue;
            met = 1;
            if (wipe_entry(wipe, folder, entry, other) < 0)
                return -1;
        }
    return len < 0 ? -1 : met;
}

/* Repeats the pass until the folder is empty, which is also the proof that it is. */
static int empty(struct wipe *wipe, int folder, char listing[LISTING], remove_folder other)
{
    int met;
    do
        met = pass(wipe, folder, listing, other);
    while (met > 0);
    return met;
}

/* Only a folder that is writable itself can be moved to another parent. `name` cannot be a link by now, because no
 * process is left that could replace the folder. */
static int move_up(struct wipe *wipe, int parent, const char *name)
{
    char number[NAME];
    int result;
    if (fchmodat(parent, name, 0700, 0) < 0)
        return -1;
    do {
        snprintf(number, sizeof number, "%u", wipe->number++);
        result = renameat2(parent, name, wipe->top, number, RENAME_NOREPLACE);
    } while (result < 0 && errno == EEXIST);
    return result;
}

static int remove_tree(struct wipe *wipe, int top, const char *name)
{
    static _Alignas(struct dirent64) char listing[LISTING];
    if (fchmodat(top, name, 0700, 0) < 0)
        return -1;
    int folder = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int result = empty(wipe, folder, listing, move_up);
    int error = errno;
    close(folder);
    errno = error;
    return result < 0 ? -1 : unlinkat(top, name, AT_REMOVEDIR);
}

int wipe(int folder, uint64_t deadline)
{
    static _Alignas(struct dirent64) char listing[LISTING];
    struct wipe wipe = {.top = folder, .deadline = deadline};
    return empty(&wipe, folder, listing, remove_tree);
}
