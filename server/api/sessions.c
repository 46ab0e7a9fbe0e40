#include "api/sessions.h"

#include "api/answers.h"
#include "api/executions.h"

static json_t *session_json(const struct session *session)
{
    json_t *object = json_object();

    json_object_set_new(object, "session_id", json_string(session->id));
    json_object_set_new(object, "created_at", api_time(session->created_ms));
    json_object_set_new(object, "last_used_at", api_time(session->last_used_ms));
    json_object_set_new(object, "expires_at", api_time(session->expires_ms));
    json_object_set_new(object, "workspace", json_boolean(session->workspace));
    json_object_set_new(object, "executions", json_integer(session->executions));
    json_object_set_new(object, "total_execution_time", api_seconds(session->execution_ns));
    return object;
}

static void add_session(const struct session *session, void *arg)
{
    query_add(arg, session_json(session), session->sequence);
}

static int read_list(struct db *db, struct query *query, struct error *error)
{
    return sessions_list(db, query->key_row, query->filter.before, query->filter.limit, add_session, query,
                         &query->more, error);
}

void api_sessions_list(struct http_exchange *ex)
{
    struct query *query = query_new_list(ex, PAGE_SESSIONS, read_list, query_answer_page);

    if (query != NULL)
        query_start(query);
}

static int sessions_read_one(struct db *db, struct query *query, struct error *error)
{
    struct session session;

    if (sessions_get(db, query->key_row, query->id, &session, error) != 0)
        return -1;
    query->value = session_json(&session);
    return 0;
}

void api_sessions_get(struct http_exchange *ex)
{
    struct query *query = query_new(ex, sessions_read_one, query_answer_value);

    if (query != NULL)
        query_start(query);
}

/* An unknown session is 404, not an empty list. */
static int read_executions(struct db *db, struct query *query, struct error *error)
{
    struct session session;

    if (sessions_get(db, query->key_row, query->id, &session, error) != 0)
        return -1;
    query->filter.session_id = query->id;
    return executions_read(db, query, error);
}

void api_sessions_executions(struct http_exchange *ex)
{
    struct query *query = query_new_list(ex, PAGE_EXECUTIONS, read_executions, executions_answer);

    if (query != NULL)
        query_start(query);
}

static int delete_session(struct db *db, struct query *query, struct error *error)
{
    if (sessions_delete(db, query->key_row, query->id, error) != 0)
        return -1;
    query->value = json_pack("{so}", "message", json_sprintf("Session %s cleaned up", query->id));
    return 0;
}

/* Cancels the session's executions first, so that their records are queued before the deletion. */
void api_sessions_delete(struct http_exchange *ex)
{
    struct query *query = query_new(ex, delete_session, query_answer_value);

    if (query == NULL)
        return;
    runner_cancel_session(api_of(ex)->runner, query->key_row, query->id);
    query->job.reader = 0; /* it writes, and is short */
    query->purges = true;
    query_start(query);
}
