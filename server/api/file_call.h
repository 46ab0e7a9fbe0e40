/* A request about files of a workspace. Its way:
 *
 *   file_call_new ─ the session is looked up ─ the workspace's turn ─ begin() ─ steps ─ file_call_finish() ─ the answer
 *
 * A step is an operation of the agent's tool (docs/internals/files-tool.md), or, while the workspace sleeps, the same
 * question to its stored file (archive/archive_reader.h). Both give a stream of entries, which comes to the step's
 * functions. If the client goes away, the step that runs ends, and no function is called any more. */
#ifndef CODECELL_API_FILE_CALL_H
#define CODECELL_API_FILE_CALL_H

#include "api/api.h"
#include "api/pending.h"
#include "api/settings.h"
#include "docker/wire/entry.h"
#include "run/file_job.h"
#include "run/workspaces.h"
#include "store/sessions.h"

struct archive_reader;
struct file_call;

/* Each may be NULL. */
struct file_step {
    void (*on_entry)(struct file_call *call, const struct entry *entry);
    void (*on_data)(struct file_call *call, const uint8_t *data, size_t len); /* of the last entry */
    void (*on_raw)(struct file_call *call, const uint8_t *data, size_t len);  /* instead: the stream as it is */
    void (*on_input_wanted)(struct file_call *call);                          /* call->cell takes input (cell_input) */
    void (*on_end)(struct file_call *call, enum file_exit exit); /* the step is over, and the next may begin */
};

struct file_operation {
    size_t size;                           /* of the struct that begins with struct file_call */
    bool changes;                          /* it changes files: it needs a cell */
    bool sleeps;                           /* it can be answered from the stored file */
    void (*begin)(struct file_call *call); /* the first step may begin */
    void (*gone)(struct file_call *call);  /* the client is gone: no input comes any more; NULL: nothing to do */
    void (*clear)(struct file_call *call); /* frees what the operation has; NULL: nothing */
};

struct file_call {
    struct pending pending; /* ex NULL: the client is gone */
    struct api *api;
    const struct file_operation *operation;
    int64_t key_row;
    char *session_id, *path; /* path: "" is the working folder */
    struct arena arena;
    struct store_job look;
    struct session session;
    struct settings settings;
    struct workspace_plan plan;
    struct workspace_use use;
    struct cell *cell; /* NULL: the workspace sleeps, or the cell is not had yet or any more */

    const struct file_step *step; /* NULL: none runs */
    struct file_job job;
    struct archive_reader *reader;
    struct entry_reader entries;
    struct entry_end end;
    uint64_t hole;      /* zeros of the last entry that are still to come */
    struct buf backlog; /* bytes that came while it was held */
    bool ended;         /* the stream has come to its end */
    bool held, has_piece;
    bool looking;  /* the database is asked */
    bool finished; /* file_call_finish() was called */
    void (*answer)(struct file_call *call);
};

/* NULL: it was answered. The exchange is one of a route with {id}, and perhaps {path...}. */
struct file_call *file_call_of(const struct http_exchange *ex); /* of a route with API_FLOWS */
struct file_call *file_call_new(struct http_exchange *ex, const struct file_operation *operation);
void file_call_start(struct file_call *call);

/* Runs a step. `args` as of file_job_start(). In a workspace that sleeps args[0] must be "list", "read" or "pack". */
void file_call_run(struct file_call *call, const struct file_step *step, const char *const *args);

/* No more of the stream comes until it is taken back. */
void file_call_hold(struct file_call *call, bool hold);

/* No step runs any more. answer() is called when the workspace was left, and in a durable one when it is saved; not if
 * the client is gone. It answers call->pending's exchange (pending_end). Then the call is freed. */
void file_call_finish(struct file_call *call, void (*answer)(struct file_call *call));

/* What a tool's exit code means. */
void file_call_error(enum file_exit exit, struct error *error);

/* Answers that, and finishes. */
void file_call_fail(struct file_call *call, enum file_exit exit);
void file_call_refuse(struct file_call *call, enum error_code code, const char *sentence);

#endif
