/* Workspaces: what the database knows of each. The files are stored beside it (server/run/workspaces.h). A workspace
 * belongs to one session, and ends with it: if the session is removed or expires, or if its key is revoked, the row is
 * an orphan, which workspaces_take_orphan() deletes. All functions are for the database's thread. */
#ifndef CODECELL_STORE_WORKSPACES_H
#define CODECELL_STORE_WORKSPACES_H

#include "store/db.h"

#define WORKSPACE_FILE_MAX 63    /* bytes of a stored file's name */
#define WORKSPACE_REASON_MAX 127 /* bytes of a reason */
#define WORKSPACE_LANGUAGE_MAX 32

/* What became of the workspace's kernel since an answer has told of it last. The numbers are in the database. */
enum workspace_kernel {
    WORKSPACE_KERNEL_NONE,      /* there is none, and its client knows that */
    WORKSPACE_KERNEL_LIVES,     /* there is one, unless it has died unnoticed */
    WORKSPACE_KERNEL_SLEPT,     /* it ended because the workspace went to sleep */
    WORKSPACE_KERNEL_RESTARTED, /* it ended with the server */
    WORKSPACE_KERNEL_LOST,      /* it ended with its container */
    WORKSPACE_KERNELS
};

struct workspace_row {
    int64_t row; /* 0: the session has no workspace */
    int64_t key_row;
    bool durable;
    char language[WORKSPACE_LANGUAGE_MAX + 1]; /* an id; "": not known yet */
    char file[WORKSPACE_FILE_MAX + 1];         /* the name of its stored file, which is there from the first save on */
    int64_t bytes, stored_bytes;               /* of its files; of the stored file */
    int64_t saved_ms;                          /* 0: never */
    char reason[WORKSPACE_REASON_MAX + 1];     /* "": it is not lost */
    enum workspace_kernel kernel;
};

/* Makes the workspace of the session with this sequence. `most`: how many a key may have. ERROR_RATE: it has them. */
int workspaces_create(struct db *db, int64_t key_row, int64_t session, bool durable, int64_t most, struct error *error);

/* The session's workspace; out->row is 0 if it has none. */
int workspaces_of_session(struct db *db, int64_t session, struct workspace_row *out, struct error *error);

/* The workspace with this number, also if its session is gone. ERROR_NOT_FOUND: there is none. */
int workspaces_get(struct db *db, int64_t row, struct workspace_row *out, struct error *error);

/* Writes language, bytes, stored_bytes, saved_ms, reason and kernel. ERROR_NOT_FOUND: the row is gone, or its session
 * is. */
int workspaces_save(struct db *db, const struct workspace_row *row, struct error *error);

/* Deletes one orphan and says which it was. 1, 0 if there is none, or -1. */
int workspaces_take_orphan(struct db *db, struct workspace_row *out, struct error *error);

/* Each workspace. */
int workspaces_each(struct db *db, void (*each)(const struct workspace_row *row, void *arg), void *arg,
                    struct error *error);

#endif
