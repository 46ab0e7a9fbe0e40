/* A tree may be deeper than paths and descriptors reach, so nothing here goes down more than one folder: what is a
 * folder within a folder is moved up to the top first, under a number. That is one move and one removal a folder,
 * however deep it lies. */
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
#define NAME 16 /* of a number */

struct wipe {
    int top;
    uint64_t deadline;
    unsigned number; /* for the next folder that is moved up */
};

/* Removes a folder, or makes a later pass do it. */
typedef int (*remove_folder)(struct wipe *wipe, int parent, const char *name);

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int remove_entry(struct wipe *wipe, int folder, const struct dirent64 *entry, remove_folder other)
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

/* One pass. How many entries it met, or -1. */
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
            if (remove_entry(wipe, folder, entry, other) < 0)
                return -1;
        }
    return len < 0 ? -1 : met;
}

/* Until a pass has met nothing: that is the proof as well. */
static int empty(struct wipe *wipe, int folder, char listing[LISTING], remove_folder other)
{
    int met;
    do
        met = pass(wipe, folder, listing, other);
    while (met > 0);
    return met;
}

/* A folder changes its parent only where it may be written to itself. No link stands in for it: nobody lives
 * who could put one there. */
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
