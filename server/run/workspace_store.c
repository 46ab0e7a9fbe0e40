/* Waking: the stored file's entries go to the agent's `unpack`. Saving: the entries of the agent's `pack` go to the
 * stored file, then the row is written. In both, the agent's job and the archive's thread end on their own, and
 * restore_step() or store_step() waits for both. */
#include "run/workspace_private.h"

#include "archive/archive_file.h"
#include "archive/archive_reader.h"
#include "archive/archive_writer.h"
#include "base/log.h"
#include "base/seam.h"
#include "docker/wire/entry.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_failure(struct workspace *workspace, enum error_code code, const char *sentence)
{
    if (workspace->failure.code == ERROR_NONE)
        error_set(&workspace->failure, code, "%s", sentence);
}

/* The workspace's cell has failed, not its files. */
static bool job_lost_cell(const struct workspace *workspace)
{
    return workspace->job_exit < 0;
}

static void note_job_end(struct workspace *workspace, enum cell_outcome outcome, int exit_code)
{
    workspace->job_runs = false;
    workspace->job_exit = outcome == CELL_DONE ? exit_code : -1;
    if (outcome != CELL_DONE)
        note_failure(workspace, ERROR_INTERNAL, "its container ended unexpectedly");
    else if (exit_code != FILE_DONE)
        note_failure(workspace, ERROR_INTERNAL, "its files could not be read or written in the container");
}

/* Waking. */

static void restore_step(struct workspace *workspace);

static void on_reader_piece(void *arg, const void *data, size_t len)
{
    struct workspace *workspace = arg;

    workspace->piece = data;
    workspace->piece_len = len;
    restore_step(workspace);
}

static void on_reader_done(void *arg, const struct error *error)
{
    struct workspace *workspace = arg;

    workspace->stored_over = true;
    if (error != NULL)
        workspace->failure = *error;
    restore_step(workspace);
}

static const struct archive_reader_events reader_events = {.on_piece = on_reader_piece, .on_done = on_reader_done};

/* Gives the cell what it takes of the piece. */
static void restore_feed(struct workspace *workspace)
{
    if (workspace->piece_len > 0) {
        size_t taken = cell_input(workspace->cell, workspace->piece, workspace->piece_len);
        workspace->piece += taken;
        workspace->piece_len -= taken;
        if (workspace->piece_len == 0)
            archive_reader_next(workspace->reader);
    } else if (workspace->stored_over) {
        cell_input_end(workspace->cell);
    }
}

static void on_unpack_input_wanted(void *arg)
{
    restore_feed(arg);
}

static void on_unpack_output(void *arg, const void *data, size_t len)
{
    (void)arg, (void)data, (void)len;
}

static void on_unpack_done(void *arg, enum cell_outcome outcome, int exit_code)
{
    struct workspace *workspace = arg;

    note_job_end(workspace, outcome, exit_code);
    restore_step(workspace);
}

static const struct file_job_events unpack_events = {
    .on_output = on_unpack_output, .on_input_wanted = on_unpack_input_wanted, .on_done = on_unpack_done};

/* A broken file is kept aside. The workspace begins anew, and the next execution is told. */
static void set_aside(struct workspace *workspace)
{
    char *path = workspaces_file(workspace->all, &workspace->row), kept[PATH_MAX] = "";

    if (path != NULL && archive_file_set_aside(path, kept, sizeof kept) == 0)
        log_event(LOG_ERROR, "workspace.broken", LOG_STR("session", workspace->session_id), LOG_STR("kept", kept),
                  LOG_STR("reason", workspace->failure.text));
    free(path);
    workspace->lost = workspace->set_aside = true;
    snprintf(workspace->row.reason, sizeof workspace->row.reason, "its stored file could not be read");
}

/* The file is at fault: it cannot be read, or the agent does not understand it. If the container has no room or the
 * agent no memory, the file is as good as it was. */
static bool is_refused(const struct workspace *workspace)
{
    int exit = workspace->job_exit;

    return workspace->stored_over && exit != FILE_NO_SPACE && exit != FILE_TOO_LARGE && exit != FILE_SYSTEM;
}

static void restore_over(struct workspace *workspace)
{
    struct error failure = workspace->failure;
    bool lost = job_lost_cell(workspace), broken = failure.code == ERROR_INTERNAL && is_refused(workspace) && !lost;

    archive_reader_close(workspace->reader, NULL);
    workspace->reader = NULL;
    if (failure.code == ERROR_NOT_FOUND && workspace->row.saved_ms > 0) {
        workspace->lost = workspace->set_aside = true;
        snprintf(workspace->row.reason, sizeof workspace->row.reason, "its stored file is missing");
    } else if (broken) {
        set_aside(workspace);
    } else if (failure.code != ERROR_NONE && failure.code != ERROR_NOT_FOUND) {
        error_wrap(&failure, "its workspace could not be woken");
        failure.code = ERROR_STORAGE;
        workspace_woken(workspace, &failure, true);
        return;
    }
    workspace_woken(workspace, NULL, false);
}

/* The cell comes with the language's limits. If the files fit into these, the engine need not know larger ones yet, and
 * telling it takes longer than small files do. */
static void restore_begin(struct workspace *workspace)
{
    static const char *const unpack[] = {"unpack", "here", NULL};
    const struct cell_limits *limits = &workspace->limits.cell;
    bool fits = (uint64_t)workspace->row.bytes <= (uint64_t)workspace->version->kind.limits.disk_mb << 20;

    workspace->job_runs = true;
    if (fits)
        file_job_start_ahead(&workspace->job, workspace->cell, limits, unpack, &unpack_events, workspace);
    else
        file_job_start(&workspace->job, workspace->cell, limits, unpack, &unpack_events, workspace);
}

/* The agent's job begins with the first piece, so a workspace that was never saved needs none. */
static void restore_step(struct workspace *workspace)
{
    if (workspace->piece_len > 0 && !workspace->job_runs && workspace->job_exit == INT_MAX) {
        restore_begin(workspace);
    } else if (workspace->job_runs) {
        restore_feed(workspace);
    } else if (workspace->stored_over || workspace->job_exit != INT_MAX) {
        restore_over(workspace);
    }
}

static void store_begin(struct workspace *workspace)
{
    workspace->failure = (struct error){.code = ERROR_NONE};
    workspace->piece_len = 0;
    workspace->job_runs = workspace->stored_over = false;
    workspace->job_exit = INT_MAX;
}

/* Sizes count holes, too, which take no place on the disk. */
struct archive_limits workspace_archive_limits(const struct limits *limits)
{
    return (struct archive_limits){.bytes = (uint64_t)16 * limits->cell.disk_mb << 20, .entries = CELL_TMP_INODES};
}

void workspace_restore(struct workspace *workspace)
{
    const struct archive_limits limits = workspace_archive_limits(&workspace->limits);
    char *path = workspaces_file(workspace->all, &workspace->row);
    struct error error;

    store_begin(workspace);
    workspace->reader =
        path != NULL ? archive_reader_open_file(workspace->all->loop, path, &limits, &reader_events, workspace) : NULL;
    free(path);
    if (workspace->reader != NULL) {
        archive_reader_next(workspace->reader);
        return;
    }
    error_memory(&error);
    workspace_woken(workspace, &error, true);
}

/* Saving. */

static void store_step(struct workspace *workspace);

static void on_writer_ready(void *arg, const void *out, size_t len)
{
    struct workspace *workspace = arg;

    (void)out, (void)len;
    if (workspace->job_runs)
        cell_hold(workspace->cell, false);
}

static void on_writer_done(void *arg, const struct archive_counts *counts, const struct error *error)
{
    struct workspace *workspace = arg;

    workspace->stored_over = true;
    if (error != NULL) {
        workspace->failure = *error;
        if (workspace->job_runs)
            cell_hold(workspace->cell, false);
    } else {
        workspace->saving.bytes = (int64_t)counts->bytes;
        workspace->saving.stored_bytes = (int64_t)counts->file_bytes;
        workspace->saving.saved_ms = seam_wall_ms();
        workspace->saving.reason[0] = '\0';
    }
    store_step(workspace);
}

static const struct archive_writer_events writer_events = {.on_ready = on_writer_ready, .on_done = on_writer_done};

static void on_pack_output(void *arg, const void *data, size_t len)
{
    struct workspace *workspace = arg;

    if (workspace->stored_over)
        return;
    archive_writer_feed(workspace->writer, data, len);
    cell_hold(workspace->cell, true);
}

static void on_pack_done(void *arg, enum cell_outcome outcome, int exit_code)
{
    struct workspace *workspace = arg;

    note_job_end(workspace, outcome, exit_code);
    if (!workspace->stored_over && workspace->failure.code == ERROR_NONE)
        archive_writer_end(workspace->writer);
    else
        store_step(workspace);
}

static const struct file_job_events pack_events = {.on_output = on_pack_output, .on_done = on_pack_done};

static int store_record_work(struct db *db, struct store_job *job, struct error *error)
{
    struct workspace *workspace = container_of(job, struct workspace, record);

    return workspaces_save(db, &workspace->saving, error);
}

static void store_over(struct workspace *workspace, const struct error *error)
{
    bool lost = job_lost_cell(workspace);

    if (workspace->writer != NULL)
        archive_writer_close(workspace->writer, NULL);
    workspace->writer = NULL;
    if (error != NULL && error->code == ERROR_NOT_FOUND)
        workspaces_unlink(workspace->all, &workspace->row);
    workspace_saved(workspace, error, lost);
}

static void on_store_recorded(struct store_job *job, const struct error *error)
{
    struct workspace *workspace = container_of(job, struct workspace, record);

    workspace->record.work = NULL;
    if (error == NULL) {
        workspace->all->stored += workspace->saving.stored_bytes - workspace->row.stored_bytes;
        workspace->row.bytes = workspace->saving.bytes;
        workspace->row.stored_bytes = workspace->saving.stored_bytes;
        workspace->row.saved_ms = workspace->saving.saved_ms;
        workspace->row.reason[0] = '\0';
    }
    store_over(workspace, error);
}

static void store_step(struct workspace *workspace)
{
    if (workspace->job_runs)
        return;
    if (workspace->failure.code != ERROR_NONE) {
        store_over(workspace, &workspace->failure);
        return;
    }
    workspace->record = (struct store_job){.work = store_record_work, .done = on_store_recorded};
    store_submit(workspace->all->options.store, &workspace->record);
}

void workspace_store(struct workspace *workspace)
{
    static const char *const pack[] = {"pack", WORKSPACE_PACK_BYTES, WORKSPACE_PACK_ENTRIES, NULL};
    const struct archive_limits limits = workspace_archive_limits(&workspace->limits);
    char *path = workspaces_file(workspace->all, &workspace->row);

    store_begin(workspace);
    workspace->saving = workspace->row;
    workspace->writer =
        path != NULL ? archive_writer_open_file(workspace->all->loop, path, &limits, &writer_events, workspace) : NULL;
    free(path);
    if (workspace->writer == NULL)
        note_failure(workspace, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
    workspace->stored_over = workspace->writer == NULL;
    workspace->job_runs = true;
    file_job_start(&workspace->job, workspace->cell, &workspace->limits.cell, pack, &pack_events, workspace);
}

void workspace_store_drop(struct workspace *workspace)
{
    if (workspace->reader != NULL)
        archive_reader_close(workspace->reader, NULL);
    if (workspace->writer != NULL)
        archive_writer_close(workspace->writer, NULL);
    workspace->reader = NULL;
    workspace->writer = NULL;
    workspace->piece_len = 0;
}
