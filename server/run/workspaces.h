/* All workspaces of a server: those that memory holds, the folder with their stored files, and their limits.
 *
 * A workspace is in memory while somebody uses it or while it has a cell. The database has the others
 * (store/workspaces.h). The folder data_dir/workspaces (0700) has one file for each that was ever saved. At the start
 * files without a row are removed, and rows whose file is missing are told. */
#ifndef CODECELL_RUN_WORKSPACES_H
#define CODECELL_RUN_WORKSPACES_H

#include "archive/archive_file.h"
#include "run/workspace.h"
#include "run/workspace_policy.h"

#include <uv.h>

struct pool;
struct store;

struct workspaces_options {
    struct pool *pool;
    struct store *store;
    const char *data_dir;
    int64_t stored_max; /* bytes of all stored files */
    unsigned awake_max; /* with a cell, at once */
    uint64_t idle_ns;   /* a workspace sleeps when it has not been used for so long */
};

int workspaces_open(struct workspaces **out, uv_loop_t *loop, const struct workspaces_options *options,
                    struct error *error);

/* Whether a workspace may be made: -1 with ERROR_STORAGE if the stored files have all the room. */
int workspaces_have_room(const struct workspaces *all, struct error *error);

/* What is known of a workspace now: `row` gets what memory knows better. */
enum workspace_state workspaces_look(const struct workspaces *all, struct workspace_row *row);

/* The same for a key's session of this name. False: memory does not know it. */
bool workspaces_look_by_name(const struct workspaces *all, int64_t key_row, const char *session_id,
                             struct workspace_row *row, enum workspace_state *state);

/* Ends the workspace's kernel, if it has one, as soon as nothing runs in its cell. The next kernel step has a new one,
 * and is told nothing of the old one. */
void workspaces_end_kernel(struct workspaces *all, const struct workspace_row *row);

/* The path of a stored file, for the caller to free. NULL: out of memory. */
char *workspaces_file(const struct workspaces *all, const struct workspace_row *row);
const char *workspaces_folder(const struct workspaces *all);

/* What an archive of a workspace with these limits may hold, and the same for the agent's `pack`, whose own limits are
 * above those of any disk. */
struct archive_limits workspace_archive_limits(const struct limits *limits);
#define WORKSPACE_PACK_BYTES "17592186044416"
#define WORKSPACE_PACK_ENTRIES "1000000"

/* Removes the workspaces of sessions that are gone: their cells, their stored files. It also happens by itself, every
 * WORKSPACES_SWEEP_MS. */
#define WORKSPACES_SWEEP_MS 5000u
void workspaces_sweep(struct workspaces *all);

/* Saves all and ends their cells. `closed` comes when that is done, or after limit_ms and the writes of rows that are
 * under way then. Nothing of them is left then, except what workspaces_free() frees. No use may come any more, and none
 * may have a cell. */
void workspaces_close(struct workspaces *all, uint64_t limit_ms, void (*closed)(void *arg), void *arg);
void workspaces_free(struct workspaces *all);

#endif
