#include "api/fakes.h"

/* ---- an exchange ---- */

struct api fake_api;

static const char *fake_value(const struct pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].name != NULL && strcasecmp(pairs[i].name, name) == 0)
            return pairs[i].value;
    return NULL;
}

void *http_data(const struct http_exchange *ex)
{
    (void)ex;
    return &fake_api;
}

const struct http_route *http_route(const struct http_exchange *ex)
{
    return ex->route;
}

const struct http_manners *http_manners(const struct http_exchange *ex)
{
    return ex->manners != NULL ? ex->manners : api_manners[0];
}

const char *http_method(const struct http_exchange *ex)
{
    return ex->route != NULL ? ex->route->method : "BREW";
}

const char *http_param(const struct http_exchange *ex, const char *name)
{
    return fake_value(&ex->param, 1, name);
}

const char *http_query(const struct http_exchange *ex, const char *name)
{
    return fake_value(ex->queries, 4, name);
}

const char *http_header(const struct http_exchange *ex, const char *name)
{
    return fake_value(ex->headers, 4, name);
}

const char *http_body(const struct http_exchange *ex, size_t *len)
{
    const char *body = ex->request_body != NULL ? ex->request_body : "";

    *len = strlen(body);
    return body;
}

const char *http_allowed(const struct http_exchange *ex)
{
    return ex->allowed != NULL ? ex->allowed : "";
}

int64_t http_content_length(const struct http_exchange *ex)
{
    return ex->content_length;
}

const char *http_peer(const struct http_exchange *ex)
{
    (void)ex;
    return "192.0.2.1";
}

bool http_is_open(const struct http_exchange *ex)
{
    (void)ex;
    return true;
}

bool http_is_direct_local(const struct http_exchange *ex)
{
    return ex->is_local;
}

const char *http_request_id(const struct http_exchange *ex)
{
    (void)ex;
    return "request-1";
}

void http_set_user(struct http_exchange *ex, void *user)
{
    ex->user = user;
}

void http_set_owner(struct http_exchange *ex, int64_t owner)
{
    assert_false(ex->admitted);
    ex->owner = owner;
}

void *http_user(const struct http_exchange *ex)
{
    return ex->user;
}

void http_admit(struct http_exchange *ex)
{
    assert_null(ex->gone);
    ex->admitted = true;
}

void http_on_gone(struct http_exchange *ex, void (*gone)(void *arg), void *arg)
{
    ex->gone = gone;
    ex->gone_arg = arg;
}

void http_header_add(struct http_exchange *ex, const char *name, const char *format, ...)
{
    size_t len = strlen(ex->added);
    len += (size_t)snprintf(ex->added + len, sizeof ex->added - len, "%s: ", name);
    va_list args;
    va_start(args, format);
    len += (size_t)vsnprintf(ex->added + len, sizeof ex->added - len, format, args);
    va_end(args);
    snprintf(ex->added + len, sizeof ex->added - len, "\n");
}

bool http_header_is_added(const struct http_exchange *ex, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = ex->added; *at != '\0'; at = strchr(at, '\n') + 1)
        if (strncmp(at, name, len) == 0 && at[len] == ':')
            return true;
    return false;
}

void http_header_drop(struct http_exchange *ex, const char *name)
{
    char start[64];
    size_t len = (size_t)snprintf(start, sizeof start, "%s: ", name);
    for (char *at = ex->added, *next; *at != '\0'; at = next) {
        next = strchr(at, '\n') + 1;
        if (strncmp(at, start, len) != 0)
            continue;
        memmove(at, next, strlen(next) + 1);
        next = at;
    }
}

void http_respond(struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    assert_int_equal(ex->status, 0);
    assert_null(ex->gone);
    assert_non_null(type);
    assert_int_equal(body != NULL ? strlen(body) : 0, len);
    ex->status = status;
    ex->body = body;
}

/* An answer that flows: a client that takes one piece of at most FLOW_TAKES bytes a call. */

void http_flow_on_drained(struct http_exchange *ex, void (*drained)(void *arg), void *arg)
{
    ex->drained = drained;
    ex->drained_arg = arg;
}

void http_flow_begin(struct http_exchange *ex, int status, const char *type)
{
    assert_int_equal(ex->status, 0);
    assert_string_equal(type, "application/json");
    ex->flow_status = status;
    ex->body = strdup("");
}

size_t http_flow_write(struct http_exchange *ex, const char *data, size_t len)
{
    size_t taken = len < FLOW_TAKES ? len : FLOW_TAKES, before = strlen(ex->body);
    ex->body = realloc(ex->body, before + taken + 1);
    assert_non_null(ex->body);
    memcpy(ex->body + before, data, taken);
    ex->body[before + taken] = '\0';
    return taken;
}

void http_flow_end(struct http_exchange *ex)
{
    ex->status = ex->flow_status;
    ex->gone = NULL;
}

void http_flow_abort(struct http_exchange *ex)
{
    (void)ex;
    fail();
}

void fake_drain(struct http_exchange *ex)
{
    while (ex->status == 0)
        ex->drained(ex->drained_arg);
}

void http_respond_error(struct http_exchange *ex, int status, const char *detail)
{
    json_t *value = json_pack("{ss}", "detail", detail);
    size_t len;
    char *text = json_text(value, &len);
    json_decref(value);
    http_respond(ex, status, "application/json", text, len);
}

unsigned http_server_connections(const struct http_server *server)
{
    (void)server;
    return 3;
}

/* ---- executions, cells, engine ---- */

struct execution fake_running;

char fake_cancelled_session[SESSION_ID_MAX + 1];

bool fake_engine_up;

bool fake_can_make = true;
struct pool_isolation fake_isolation;

struct execution *runner_find(struct runner *runner, int64_t key_row, const char *id)
{
    (void)runner;
    bool found = fake_running.id != NULL && fake_running.key_row == key_row && strcmp(fake_running.id, id) == 0;
    return found ? &fake_running : NULL;
}

enum record_status execution_status(const struct execution *execution)
{
    return execution->status;
}

const char *execution_id(const struct execution *execution)
{
    return execution->id;
}

const char *execution_version(const struct execution *execution)
{
    return execution->version;
}

const struct execution_request *execution_request(const struct execution *execution)
{
    return &execution->request;
}

struct execution_result *execution_result(struct execution *execution)
{
    return &execution->result;
}

void execution_cancel(struct execution *execution)
{
    execution->cancelled = true;
}

/* No session here has a workspace. */
void workspaces_sweep(struct workspaces *all)
{
    assert_null(all);
}

bool workspaces_look_by_name(const struct workspaces *all, int64_t key_row, const char *session_id,
                             struct workspace_row *row, enum workspace_state *state)
{
    (void)all, (void)key_row, (void)session_id, (void)row, (void)state;
    return false;
}

enum workspace_state workspaces_look(const struct workspaces *all, struct workspace_row *row)
{
    (void)all, (void)row;
    return WORKSPACE_ASLEEP;
}

int workspaces_have_room(const struct workspaces *all, struct error *error)
{
    (void)all, (void)error;
    return 0;
}

unsigned runner_cancel_session(struct runner *runner, int64_t key_row, const char *session_id)
{
    (void)runner, (void)key_row;
    snprintf(fake_cancelled_session, sizeof fake_cancelled_session, "%s", session_id);
    return 0;
}

static const struct background_options fake_options = {
    .room = {.executions = 10, .request_bytes = 1000, .result_bytes = 1000}};

const struct background_options *background_options(const struct background *background)
{
    (void)background;
    return &fake_options;
}

void background_release(struct background *background, const char *id)
{
    (void)background, (void)id;
}

void background_ended(struct background *background, const char *id)
{
    (void)background, (void)id;
}

void background_wait(struct background *background, struct background_waiter *waiter)
{
    (void)background, (void)waiter;
}

void background_unwait(struct background_waiter *waiter)
{
    (void)waiter;
}

const char *const runner_states[] = {"running", NULL};

void runner_each(const struct runner *runner, bool (*each)(const struct runner_view *view, void *arg), void *arg)
{
    (void)runner, (void)each, (void)arg;
}

struct runner_counts runner_counts(const struct runner *runner)
{
    (void)runner;
    return (struct runner_counts){.queued = 7, .running = 2};
}

struct pool_isolation runner_isolation(const struct runner *runner)
{
    (void)runner;
    return fake_isolation;
}

bool runner_can_run(const struct runner *runner)
{
    (void)runner;
    return fake_engine_up && fake_can_make;
}

struct runner_cells runner_cells(const struct runner *runner, const char *language)
{
    (void)runner;
    return strcmp(language, "aa") == 0 ? (struct runner_cells){.ready = 4, .prewarmed = 3, .kept = 1, .target = 5}
                                       : (struct runner_cells){.ready = 0};
}

bool runner_engine_is_up(const struct runner *runner)
{
    (void)runner;
    return fake_engine_up;
}

/* ---- the stage ---- */

uv_loop_t fake_loop;

char fake_dir[64];

char fake_key[KEY_TEXT_LEN + 1], fake_other_key[KEY_TEXT_LEN + 1], fake_reader_key[KEY_TEXT_LEN + 1],
    fake_admin_key[KEY_TEXT_LEN + 1];

int64_t fake_wall_ns;

static int64_t fake_wall(void)
{
    return fake_wall_ns;
}

static int fake_make_key(struct db *db, const char *name, unsigned scopes, char *text, struct error *error)
{
    struct key key = {.scopes = scopes, .rate_per_minute = 3, .credits = -1};
    snprintf(key.name, sizeof key.name, "%s", name);
    return keys_create(db, &key, text, error);
}

static int fake_fill(struct db *db, struct error *error)
{
    if (fake_make_key(db, "one", KEY_EXECUTE | KEY_READ, fake_key, error) != 0 ||
        fake_make_key(db, "other", KEY_EXECUTE | KEY_READ, fake_other_key, error) != 0)
        return -1;
    if (fake_make_key(db, "reader", KEY_READ, fake_reader_key, error) != 0)
        return -1;
    return fake_make_key(db, "admin", KEY_EXECUTE | KEY_READ | KEY_ADMIN, fake_admin_key, error);
}

int fake_setup(void **state)
{
    (void)state;
    static struct seam fixed;
    fixed = seam_system;
    fixed.wall_ns = fake_wall;
    fake_wall_ns = 1700000000000000000;
    seam_set(&fixed);
    log_setup(LOG_ERROR + 1, LOG_TEXT, 2);
    snprintf(fake_dir, sizeof fake_dir, "/tmp/codecell-api-XXXXXX");
    struct error error = {.code = ERROR_NONE};
    struct db *db;
    if (mkdtemp(fake_dir) == NULL || db_open(&db, fake_dir, &error) != 0)
        return -1;
    int failed = fake_fill(db, &error);
    db_close(db);
    fake_api = (struct api){
        .loop = &fake_loop, .rate = 100, .metrics_key = "", .reading = {.least = 1000}, .addresses = {.least = 1000}};
    fake_running = (struct execution){.id = NULL};
    fake_cancelled_session[0] = '\0';
    fake_engine_up = true;
    uv_loop_init(&fake_loop);
    return failed != 0 ? -1 : store_open(&fake_api.store, &fake_loop, fake_dir, &error);
}

static int fake_remove(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

int fake_teardown(void **state)
{
    (void)state;
    store_close(fake_api.store, NULL, NULL);
    reading_free(&fake_api.reading);
    reading_free(&fake_api.addresses);
    uv_run(&fake_loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fake_loop), 0);
    catalog_free(fake_api.languages);
    metrics_reset();
    seam_set(&seam_system);
    return nftw(fake_dir, fake_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static int fake_job_work(struct db *db, struct store_job *job, struct error *error)
{
    return ((struct fake_job *)job)->work(db, error);
}

static void fake_job_done(struct store_job *job, const struct error *error)
{
    if (error != NULL)
        fail_msg("%s", error->text);
    ((struct fake_job *)job)->ended = true;
}

void fake_store(int (*work)(struct db *db, struct error *error))
{
    struct fake_job job = {.job = {.work = fake_job_work, .done = fake_job_done}, .work = work};
    store_submit(fake_api.store, &job.job);
    while (!job.ended)
        uv_run(&fake_loop, UV_RUN_ONCE);
}

static int fake_nothing(struct db *db, struct error *error)
{
    (void)db, (void)error;
    return 0;
}

void fake_settle(void)
{
    fake_store(fake_nothing);
}

void fake_await(const struct http_exchange *ex)
{
    while (ex->status == 0)
        uv_run(&fake_loop, UV_RUN_ONCE);
}

void fake_expect(struct http_exchange *ex, int status, const char *body)
{
    assert_int_equal(ex->status, status);
    if (body != NULL)
        assert_string_equal(ex->body, body);
    free(ex->body);
    api_exchange_done(ex, status, 1500000);
    assert_null(ex->user);
}
