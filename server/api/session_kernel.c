#include "api/session_kernel.h"

#include "api/db_query.h"
#include "run/workspaces.h"
#include "store/sessions.h"

#include <signal.h>
#include <stdlib.h>

/* query->input: the row of the session's workspace. */
static int read_workspace(struct db *db, struct query *query, struct error *error)
{
    struct session session;

    if (sessions_get(db, query->key_row, query->id, &session, error) != 0)
        return -1;
    *(struct workspace_row *)query->input = session.workspace;
    session_clear(&session);
    return 0;
}

/* NULL: the query has ended. */
static const struct workspace_row *workspace_of(struct query *query)
{
    const struct workspace_row *row = query->input;
    struct error error;

    if (row->row != 0)
        return row;
    error_set(&error, ERROR_INVALID, "Session %s has no workspace", query->id);
    query_refuse(query, &error);
    return NULL;
}

static void answer_message(struct query *query, json_t *sentence)
{
    query->value = json_pack("{so}", "message", sentence);
    query_answer_value(query);
}

static void interrupt(struct query *query)
{
    struct error error;

    if (workspace_of(query) == NULL)
        return;
    if (runner_signal_kernel(query->api->runner, query->key_row, query->id, SIGINT)) {
        answer_message(query, json_sprintf("Session %s interrupted", query->id));
        return;
    }
    error_set(&error, ERROR_CONFLICT, "Nothing runs in the kernel of session %s", query->id);
    query_refuse(query, &error);
}

/* A program that runs in the kernel is killed with it. */
static void restart(struct query *query)
{
    const struct workspace_row *row = workspace_of(query);

    if (row == NULL)
        return;
    (void)runner_signal_kernel(query->api->runner, query->key_row, query->id, SIGKILL);
    workspaces_end_kernel(query->api->workspaces, row);
    answer_message(query, json_sprintf("Kernel of session %s restarted", query->id));
}

static void kernel_query(struct http_exchange *ex, void (*answer)(struct query *query))
{
    struct query *query = query_new(ex, read_workspace, answer);

    if (query == NULL)
        return;
    query->input_free = free;
    query->input = calloc(1, sizeof(struct workspace_row));
    if (query->input != NULL) {
        query_start(query);
        return;
    }
    struct error error;
    error_memory(&error);
    query_refuse(query, &error);
}

void api_kernel_interrupt(struct http_exchange *ex)
{
    kernel_query(ex, interrupt);
}

void api_kernel_restart(struct http_exchange *ex)
{
    kernel_query(ex, restart);
}
