#include "run/workspaces_start.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/text.h"
#include "store/directory.h"
#include "store/store.h"
#include "store/workspaces.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT_MARK ".broken-"

struct start {
    struct store_job job;
    const char *folder;
    void (*done)(void *arg, int64_t stored);
    void *arg;
    int64_t stored;
    char (*names)[WORKSPACE_FILE_MAX + 1]; /* of all rows */
    size_t len, room;
    bool out_of_memory;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A row that was saved must have its file. */
static void check_file(const struct start *start, const struct workspace_row *row)
{
    char *path = directory_path(start->folder, row->file);

    if (path != NULL && row->saved_ms > 0 && access(path, R_OK) != 0)
        log_event(LOG_ERROR, "workspace.missing", LOG_STR("file", path), LOG_INT("key", row->key_row));
    free(path);
}

static void note_row(const struct workspace_row *row, void *arg)
{
    struct start *start = arg;

    if (start->len == start->room) {
        size_t room = start->room > 0 ? 2 * start->room : 64;
        void *names = realloc(start->names, room * sizeof *start->names);
        if (names == NULL) {
            start->out_of_memory = true;
            return;
        }
        start->names = names;
        start->room = room;
    }
    memcpy(start->names[start->len++], row->file, sizeof row->file);
    start->stored += row->stored_bytes;
    check_file(start, row);
}

static void look_at_file(const struct start *start, const char *name)
{
    char key[WORKSPACE_FILE_MAX + 1] = "";
    char *path = directory_path(start->folder, name);

    if (strlen(name) < sizeof key)
        text_copy(key, sizeof key, name);
    if (path == NULL ||
        (start->len > 0 && bsearch(key, start->names, start->len, sizeof *start->names, compare_names) != NULL)) {
        free(path);
        return;
    }
    if (strstr(name, KEPT_MARK) != NULL)
        log_event(LOG_WARN, "workspace.kept_aside", LOG_STR("file", path));
    else if (unlink(path) == 0)
        log_event(LOG_INFO, "workspace.leftover_removed", LOG_STR("file", path));
    free(path);
}

static void look_at_folder(const struct start *start)
{
    DIR *folder = opendir(start->folder);
    const struct dirent *item;

    while (folder != NULL && (item = readdir(folder)) != NULL)
        if (item->d_name[0] != '.')
            look_at_file(start, item->d_name);
    if (folder != NULL)
        closedir(folder);
}

static int start_work(struct db *db, struct store_job *job, struct error *error)
{
    struct start *start = container_of(job, struct start, job);

    if (workspaces_each(db, note_row, start, error) != 0)
        return -1;
    if (start->out_of_memory)
        return error_memory(error);
    if (start->len > 0)
        qsort(start->names, start->len, sizeof *start->names, compare_names);
    look_at_folder(start);
    return 0;
}

static void start_done(struct store_job *job, const struct error *error)
{
    struct start *start = container_of(job, struct start, job);

    if (error != NULL)
        log_event(LOG_ERROR, "workspaces.not_checked", LOG_STR("reason", error->text));
    else
        start->done(start->arg, start->stored);
    free(start->names);
    free(start);
}

int workspaces_start(struct store *store, const char *folder, void (*done)(void *arg, int64_t stored), void *arg,
                     struct error *error)
{
    struct start *start = calloc(1, sizeof *start);

    if (start == NULL)
        return error_memory(error);
    *start = (struct start){.folder = folder, .done = done, .arg = arg};
    start->job = (struct store_job){.work = start_work, .done = start_done, .reads = true};
    store_submit(store, &start->job);
    return 0;
}
