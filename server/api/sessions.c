#include "api/sessions.h"

#include "api/answers.h"
#include "api/executions.h"
#include "api/session_form.h"
#include "api/workspace_plan.h"

#include <stdlib.h>

static const char *const session_states[] = {"tracking", "asleep", "ready", "busy", "lost", NULL};

static const struct field session_list[] = {
    FIELD_OUT("session_id", FIELD_TEXT, NULL),
    FIELD_OUT("created_at", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("last_used_at", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("expires_at", FIELD_TEXT, "null: never", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("workspace", FIELD_BOOLEAN, "its executions share a folder"),
    FIELD_OUT("state", FIELD_CHOICE, "tracking: without a workspace; lost: its files are gone",
              .choices = session_states),
    FIELD_OUT("state_reason", FIELD_TEXT, "why it is lost, or null", .nullable = true),
    FIELD_OUT("language", FIELD_TEXT, "whose image the workspace has", .nullable = true),
    FIELD_OUT("bytes", FIELD_INTEGER, "of its files"),
    FIELD_OUT("executions", FIELD_INTEGER, "how many it has had"),
    FIELD_OUT("total_execution_time", FIELD_NUMBER, "seconds"),
    FIELD_OUT("durable", FIELD_BOOLEAN, "its folder is saved before each answer"),
    FIELD_OUT("version", FIELD_TEXT, "as given, or null", .nullable = true),
    FIELD_OUT_MAYBE("languages", FIELD_TEXTS, "of a workspace: what can run in it; null: not known yet",
                    .nullable = true),
};
const struct fields session_fields = FIELDS(session_list, 0);

/* One of the session's settings; null: it does not say it. */
static json_t *session_setting(const json_t *settings, const char *name)
{
    json_t *value = json_object_get(settings, name);

    return value != NULL ? json_incref(value) : json_null();
}

/* On the database's thread. What memory knows better comes later (session_finish). */
static json_t *session_json(const struct session *session)
{
    const struct workspace_row *workspace = &session->workspace;
    json_t *object = json_object();
    json_t *settings = session->settings != NULL ? json_loads(session->settings, 0, NULL) : NULL;
    json_t *language = session_setting(settings, "language");
    bool has = workspace->row != 0;

    json_object_set_new(object, "session_id", json_string(session->id));
    json_object_set_new(object, "created_at", api_time(session->created_ms));
    json_object_set_new(object, "last_used_at", api_time(session->last_used_ms));
    json_object_set_new(object, "expires_at", api_time(session->expires_ms));
    json_object_set_new(object, "workspace", json_boolean(has));
    json_object_set_new(object, "state",
                        json_string(!has                           ? "tracking"
                                    : workspace->reason[0] != '\0' ? "lost"
                                                                   : "asleep"));
    json_object_set_new(object, "state_reason", api_text(workspace->reason));
    json_object_set_new(object, "language", json_is_null(language) ? api_text(workspace->language) : language);
    json_object_set_new(object, "bytes", json_integer(workspace->bytes));
    json_object_set_new(object, "executions", json_integer(session->executions));
    json_object_set_new(object, "total_execution_time", api_seconds(session->execution_ns));
    json_object_set_new(object, "durable", json_boolean(workspace->durable));
    json_object_set_new(object, "version", session_setting(settings, "version"));
    json_decref(settings);
    return object;
}

/* On the loop: what a workspace does now, and the languages of its image. */

static void show_workspace(json_t *object, const struct workspace_row *row, enum workspace_state state)
{
    static const char *const names[WORKSPACE_STATES] = {
        [WORKSPACE_ASLEEP] = "asleep", [WORKSPACE_WAKING] = "busy",  [WORKSPACE_READY] = "ready",
        [WORKSPACE_BUSY] = "busy",     [WORKSPACE_SAVING] = "ready", [WORKSPACE_LOST] = "lost"};

    json_object_set_new(object, "state", json_string(names[state]));
    json_object_set_new(object, "state_reason", api_text(row->reason));
    json_object_set_new(object, "bytes", json_integer(row->bytes));
    if (json_is_null(json_object_get(object, "language")))
        json_object_set_new(object, "language", api_text(row->language));
}

static void session_finish(json_t *object, const struct query *query)
{
    struct workspace_row row;
    enum workspace_state state;
    const char *id = json_string_value(json_object_get(object, "session_id"));

    if (!json_is_true(json_object_get(object, "workspace")))
        return;
    if (workspaces_look_by_name(query->api->workspaces, query->key_row, id, &row, &state))
        show_workspace(object, &row, state);
    const char *language = json_string_value(json_object_get(object, "language"));
    json_t *languages = language != NULL ? workspace_languages(query->api, language,
                                                               json_string_value(json_object_get(object, "version")))
                                         : NULL;
    json_object_set_new(object, "languages", languages != NULL ? languages : json_null());
}

static void answer_session(struct query *query)
{
    session_finish(query->value, query);
    query_answer_value(query);
}

static void answer_sessions(struct query *query)
{
    json_t *item;
    size_t i;

    json_array_foreach (query->items, i, item) {
        session_finish(item, query);
    }
    query_answer_page(query);
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
    struct query *query = query_new_list(ex, PAGE_SESSIONS, read_list, answer_sessions);

    if (query != NULL)
        query_start(query);
}

static int sessions_read_one(struct db *db, struct query *query, struct error *error)
{
    struct session session;

    if (sessions_get(db, query->key_row, query->id, &session, error) != 0)
        return -1;
    query->value = session_json(&session);
    session_clear(&session);
    return 0;
}

void api_sessions_get(struct http_exchange *ex)
{
    struct query *query = query_new(ex, sessions_read_one, answer_session);

    if (query != NULL)
        query_start(query);
}

/* Making and changing. */

struct session_input {
    char id[SESSION_ID_MAX + 1];
    struct session_plan plan; /* ttl_ms 0: as it is */
    char *settings;           /* the plan's */
    json_t *warnings;         /* until they are in the answer */
};

static void session_input_free(void *arg)
{
    struct session_input *input = arg;

    json_decref(input->warnings);
    free(input->settings);
    free(input);
}

static int read_session_input(struct session_input *input, const struct http_exchange *ex, const struct fields *fields,
                              struct error *error)
{
    struct form form;
    struct session_form said;
    int result = session_form_read(&form, ex, fields, &said, error);

    if (result == 0 && said.session_id != NULL)
        text_copy(input->id, sizeof input->id, said.session_id);
    input->plan = (struct session_plan){.ttl_ms = said.ttl_ms,
                                        .workspace = said.workspace,
                                        .durable = said.durable,
                                        .workspaces_max = api_of(ex)->workspaces_per_key};
    if (result == 0 && settings_text(form.object, &input->settings) != 0)
        result = error_memory(error);
    if (result == 0 && said.workspace)
        result = workspaces_have_room(api_of(ex)->workspaces, error);
    input->plan.settings = input->settings;
    input->warnings = form_take_warnings(&form);
    form_free(&form);
    return result;
}

/* A query that writes, with its input. NULL: it was answered. */
static struct query *new_session_query(struct http_exchange *ex, const struct fields *fields,
                                       int (*work)(struct db *db, struct query *query, struct error *error),
                                       void (*answer)(struct query *query))
{
    struct session_input *input = calloc(1, sizeof *input);
    struct error error;

    error_memory(&error);
    if (input == NULL || read_session_input(input, ex, fields, &error) != 0) {
        if (input != NULL)
            session_input_free(input);
        api_respond_error(ex, &error);
        return NULL;
    }
    struct query *query = query_new(ex, work, answer);
    if (query == NULL) {
        session_input_free(input);
        return NULL;
    }
    query->input = input;
    query->input_free = session_input_free;
    query->job.reader = 0; /* it writes, and is short */
    return query;
}

/* The session as it is now, with the request's warnings. */
static int read_with_warnings(struct db *db, struct query *query, const char *id, struct error *error)
{
    struct session_input *input = query->input;
    struct session session;

    if (sessions_get(db, query->key_row, id, &session, error) != 0)
        return -1;
    query->value = session_json(&session);
    session_clear(&session);
    json_object_set_new(query->value, "warnings", input->warnings);
    input->warnings = NULL;
    return 0;
}

static int create_session(struct db *db, struct query *query, struct error *error)
{
    struct session_input *input = query->input;

    if (input->plan.ttl_ms == 0)
        input->plan.ttl_ms = INT64_C(1000) * SESSION_TTL_DEFAULT;
    return sessions_create(db, query->key_row, input->id, &input->plan, error) != 0
               ? -1
               : read_with_warnings(db, query, input->id, error);
}

static void answer_session_created(struct query *query)
{
    const struct session_input *input = query->input;

    http_header_add(query->pending.ex, "Location", "/api/v1/sessions/%s", input->id);
    query->code = 201;
    answer_session(query);
}

void api_sessions_create(struct http_exchange *ex)
{
    struct query *query = new_session_query(ex, &session_create_fields, create_session, answer_session_created);

    if (query == NULL)
        return;
    struct session_input *input = query->input;
    if (input->id[0] == '\0')
        text_uuid(input->id);
    query_start(query);
}

static int change_session(struct db *db, struct query *query, struct error *error)
{
    const struct session_input *input = query->input;

    if (input->plan.ttl_ms != 0 && sessions_change(db, query->key_row, query->id, input->plan.ttl_ms, error) != 0)
        return -1;
    return read_with_warnings(db, query, query->id, error);
}

void api_sessions_change(struct http_exchange *ex)
{
    struct query *query = new_session_query(ex, &session_change_fields, change_session, answer_session);

    if (query != NULL)
        query_start(query);
}

/* Its executions. */

/* An unknown session is 404, not an empty list. */
static int read_executions(struct db *db, struct query *query, struct error *error)
{
    struct session session;

    if (sessions_get(db, query->key_row, query->id, &session, error) != 0)
        return -1;
    session_clear(&session);
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

/* What came meanwhile is cancelled, too, and the workspace goes. */
static void answer_session_deleted(struct query *query)
{
    runner_cancel_session(query->api->runner, query->key_row, query->id);
    workspaces_sweep(query->api->workspaces);
    query_answer_value(query);
}

/* Cancels the session's executions first, so that their records are queued before the deletion. */
void api_sessions_delete(struct http_exchange *ex)
{
    struct query *query = query_new(ex, delete_session, answer_session_deleted);

    if (query == NULL)
        return;
    runner_cancel_session(api_of(ex)->runner, query->key_row, query->id);
    query->job.reader = 0; /* it writes, and is short */
    query->purges = true;
    query_start(query);
}
