/* The structs of workspace.h and workspaces.h. */
#ifndef CODECELL_RUN_WORKSPACE_PRIVATE_H
#define CODECELL_RUN_WORKSPACE_PRIVATE_H

#include "docker/pool/pool.h"
#include "run/file_job.h"
#include "run/workspaces.h"
#include "store/store.h"

struct archive_reader;
struct archive_writer;

struct workspaces {
    struct workspaces_options options;
    uv_loop_t *loop;
    char *folder;
    struct list list; /* in memory */
    unsigned awake;
    int64_t stored; /* bytes of all stored files */
    uv_timer_t timer;
    bool sweeping, closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

struct workspace {
    struct workspaces *all;
    struct list node;
    struct workspace_row row; /* as it should be in the database */
    char session_id[129];
    struct language_version *version; /* of its cell; NULL: it has none yet */
    struct limits limits;
    bool decided; /* the session names its language */
    enum workspace_state state;
    struct list waiting;
    struct workspace_use *turn;                    /* NULL: nobody's */
    struct workspace_use *owed;                    /* waits for on_saved */
    const struct language_version *kernel_version; /* of its last kernel step; NULL: none since it woke */
    bool ends_kernel;                              /* the kernel ends as soon as nothing runs */
    struct cell *cell;
    struct pool_request request;
    bool counted; /* in all->awake */
    bool dirty, changed, pressed, removed;
    bool given_up;  /* the server ends, and does not wait for another save */
    bool lost;      /* the next execution is told what did not come back */
    bool set_aside; /* its stored file was broken */
    bool stepping;
    bool reading;     /* its row; nothing else is known yet */
    unsigned writing; /* of its row, how often; not saves */
    uint64_t since_ns, dirty_ns, used_ns, retry_ns;
    uv_timer_t timer;

    /* While it wakes or saves (workspace_store.c). */
    struct file_job job;
    struct archive_reader *reader;
    struct archive_writer *writer;
    const char *piece; /* of the reader, that the cell has not taken yet */
    size_t piece_len;
    bool job_runs, stored_over; /* the agent's job runs; the reader or the writer is done */
    int job_exit;
    struct error failure;        /* code ERROR_NONE: none */
    struct store_job record;     /* of a save, or of the first reading */
    struct workspace_row saving; /* what the store job writes, or has read */
};

void workspace_step(struct workspace *workspace);
void workspace_set_state(struct workspace *workspace, enum workspace_state state);
void workspace_refuse(struct workspace *workspace, const struct error *error); /* all who wait for their turn */

/* Puts the stored files into the new cell, or saves them. Then workspace_woken() or workspace_saved() is called, from
 * the loop. */
void workspace_restore(struct workspace *workspace);
void workspace_store(struct workspace *workspace);
void workspace_store_drop(struct workspace *workspace); /* gives up what of it is under way */

/* error NULL: it went well. `cell_lost`: the cell is of no use any more. */
void workspace_woken(struct workspace *workspace, const struct error *error, bool cell_lost);
void workspace_saved(struct workspace *workspace, const struct error *error, bool cell_lost);

/* Unlinks the stored file. */
void workspaces_unlink(struct workspaces *all, const struct workspace_row *row);

void workspace_end_cell(struct workspace *workspace);

/* Its kernel (workspace_kernel.c). */
void workspace_kernel_set(struct workspace *workspace, enum workspace_kernel kernel); /* and writes the row */
void workspace_kernel_gone(struct workspace *workspace, enum workspace_kernel how);   /* its cell ends, in this way */
void workspace_kernel_step(struct workspace *workspace); /* ends the kernel if that is due */
void workspace_kernel_end(struct workspace *workspace);  /* now, or as soon as nothing runs */

/* Its row (workspace_row.c). Whoever entered may have read it long ago, so a workspace reads it once more at first, and
 * does nothing until that is done. It stays in memory until what it has written is committed, so whoever finds it
 * neither in memory nor on the way has read what it has written last. */
void workspace_row_read(struct workspace *workspace);

/* Writes `row` if it has a number. A failure is logged. `workspace`: whose row it is, or NULL if it is not in memory.
 */
void workspace_row_write(struct workspaces *all, const struct workspace_row *row, struct workspace *workspace);

struct workspace *workspaces_find(const struct workspaces *all, int64_t row);
void workspaces_step(struct workspaces *all); /* each that waits for room */
void workspace_remove(struct workspace *workspace);
void workspace_give_up(struct workspace *workspace); /* ends its cell, saved or not */

#endif
