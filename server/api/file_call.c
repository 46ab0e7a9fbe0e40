#include "api/file_call.h"

#include "api/answers.h"
#include "api/workspace_plan.h"
#include "archive/archive_reader.h"
#include "base/container_of.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void file_call_free(struct file_call *call)
{
    if (call->operation->clear != NULL)
        call->operation->clear(call);
    session_clear(&call->session);
    buf_free(&call->backlog);
    arena_free(&call->arena);
    free(call->session_id);
    free(call->path);
    free(call);
}

/* The end. */

static void call_answer(struct file_call *call)
{
    if (call->pending.ex != NULL && call->answer != NULL)
        call->answer(call);
    file_call_free(call);
}

void file_call_finish(struct file_call *call, void (*answer)(struct file_call *call))
{
    bool has = call->use.has, saves = has && call->operation->changes && call->plan.row.durable;

    assert(call->step == NULL && !call->finished);
    call->finished = true;
    call->answer = answer;
    call->cell = NULL;
    if (has)
        workspace_done(&call->use);
    else
        workspace_leave(&call->use);
    if (!saves) /* else on_saved() goes on, and the call may be freed by now */
        call_answer(call);
}

static void call_refused(struct file_call *call, enum error_code code, const char *sentence)
{
    struct http_exchange *ex = pending_end(&call->pending);

    if (ex != NULL)
        api_respond_sentence(ex, code, sentence);
}

void file_call_refuse(struct file_call *call, enum error_code code, const char *sentence)
{
    call_refused(call, code, sentence);
    file_call_finish(call, NULL);
}

void file_call_error(enum file_exit exit, struct error *error)
{
    static const struct {
        enum error_code code;
        const char *sentence;
    } failures[] = {
        [FILE_SYSTEM] = {ERROR_UNAVAILABLE, "The files could not be read or written. Please try again later."},
        [FILE_USAGE] = {ERROR_INVALID, "path: is not a path in the workspace"},
        [FILE_NOT_FOUND] = {ERROR_NOT_FOUND, "File not found"},
        [FILE_WRONG_KIND] = {ERROR_CONFLICT, "path: there is something of another kind"},
        [FILE_EXISTS] = {ERROR_PRECONDITION, "If-None-Match: the file is there already"},
        [FILE_OUTSIDE] = {ERROR_INVALID, "path: leads out of the workspace"},
        [FILE_TOO_LARGE] = {ERROR_TOO_LARGE, "The files do not fit into the workspace (limits.disk_mb)"},
        [FILE_NO_SPACE] = {ERROR_STORAGE, "The workspace is full (limits.disk_mb)"},
        [FILE_BROKEN] = {ERROR_INVALID, "The body broke off"},
        [FILE_CHANGED] = {ERROR_PRECONDITION, "If-Match: the file is another one"},
        [FILE_NOT_ALLOWED] = {ERROR_FORBIDDEN, "path: its mode, or that of its folder, forbids this"},
    };
    bool known = (size_t)exit < sizeof failures / sizeof *failures && failures[exit].sentence != NULL;

    if (!known)
        exit = FILE_SYSTEM;
    error_set(error, failures[exit].code, "%s", failures[exit].sentence);
}

void file_call_fail(struct file_call *call, enum file_exit exit)
{
    struct error error;

    file_call_error(exit, &error);
    file_call_refuse(call, error.code, error.text);
}

/* Steps. */

static void step_over(struct file_call *call, enum file_exit exit)
{
    const struct file_step *step = call->step;

    call->step = NULL;
    if (call->pending.ex == NULL)
        file_call_finish(call, NULL);
    else
        step->on_end(call, exit);
}

static void take_event(struct file_call *call, enum entry_event event, const struct entry_piece *piece)
{
    if (event == ENTRY_NEXT && call->step->on_entry != NULL) {
        call->step->on_entry(call, &piece->entry);
    } else if (event == ENTRY_DATA && call->step->on_data != NULL) {
        call->step->on_data(call, piece->data, piece->data_len);
    } else if (event == ENTRY_HOLE && call->step->on_data != NULL) {
        call->hole = piece->hole;
    } else if (event == ENTRY_STREAM_END) {
        call->end = piece->end;
        call->ended = true;
    }
}

static void take_hole(struct file_call *call)
{
    static const uint8_t zeros[8192];
    size_t part = call->hole < sizeof zeros ? (size_t)call->hole : sizeof zeros;

    call->hole -= part;
    call->step->on_data(call, zeros, part);
}

/* Takes from the front of the stream's bytes as long as nobody holds it. Returns how many. What the server does not
 * understand ends the stream without its end: it believes nothing that comes from a cell. */
static size_t take_some(struct file_call *call, const uint8_t *data, size_t len)
{
    const size_t all = len;

    while (call->pending.ex != NULL && !call->held && (len > 0 || call->hole > 0)) {
        struct entry_piece piece;
        if (call->hole > 0) {
            take_hole(call);
        } else if (call->step->on_raw != NULL) {
            call->step->on_raw(call, data, len);
            return all;
        } else {
            enum entry_event event = entry_read(&call->entries, &data, &len, &piece);
            if (event == ENTRY_BROKEN)
                return all;
            take_event(call, event, &piece);
        }
    }
    return call->pending.ex != NULL ? all - len : all;
}

/* What is held back is kept; the source gives no more meanwhile. */
static void step_take(struct file_call *call, const uint8_t *data, size_t len)
{
    size_t taken = call->backlog.len == 0 ? take_some(call, data, len) : 0;

    if (taken < len && buf_append(&call->backlog, data + taken, len - taken) != 0)
        call->entries.place = ENTRY_LOST;
}

static void take_backlog(struct file_call *call)
{
    size_t taken = take_some(call, (const uint8_t *)call->backlog.data, call->backlog.len);

    buf_consume(&call->backlog, taken);
}

static void on_job_output(void *arg, const void *data, size_t len)
{
    step_take(arg, data, len);
}

static void on_job_input_wanted(void *arg)
{
    struct file_call *call = arg;

    if (call->pending.ex == NULL)
        cell_input_end(call->cell);
    else
        call->step->on_input_wanted(call);
}

static void on_job_done(void *arg, enum cell_outcome outcome, int exit_code)
{
    struct file_call *call = arg;

    if (outcome == CELL_DONE) {
        step_over(call, call->ended || exit_code != FILE_DONE || call->step->on_raw != NULL ? (enum file_exit)exit_code
                                                                                            : FILE_SYSTEM);
        return;
    }
    call->step = NULL;
    call->cell = NULL;
    workspace_lose(&call->use, outcome == CELL_OUT_OF_MEMORY ? "its container was killed for memory"
                                                             : "its container ended unexpectedly");
    call_refused(call, ERROR_UNAVAILABLE, "The workspace's container ended unexpectedly. Please try again later.");
    file_call_finish(call, NULL);
}

static const struct file_job_events with_input = {
    .on_output = on_job_output, .on_input_wanted = on_job_input_wanted, .on_done = on_job_done};
static const struct file_job_events without_input = {.on_output = on_job_output, .on_done = on_job_done};

/* While the workspace sleeps. */

static void reader_next(struct file_call *call)
{
    if (call->held || !call->has_piece || call->reader == NULL)
        return;
    call->has_piece = false;
    archive_reader_next(call->reader);
}

static void on_stored_piece(void *arg, const void *data, size_t len)
{
    struct file_call *call = arg;

    call->has_piece = true;
    step_take(call, data, len);
    reader_next(call);
}

/* A workspace that was never saved is an empty folder. */
static enum file_exit stored_exit(const struct file_call *call, const struct error *error)
{
    if (error == NULL && call->step->on_raw != NULL)
        return FILE_DONE; /* whoever takes the stream as it is finds its end */
    if (error == NULL)
        return call->ended ? (enum file_exit)call->end.exit : FILE_SYSTEM;
    return error->code == ERROR_NOT_FOUND ? *call->path == '\0' ? FILE_DONE : FILE_NOT_FOUND : FILE_SYSTEM;
}

static void on_stored_done(void *arg, const struct error *error)
{
    struct file_call *call = arg;
    enum file_exit exit = stored_exit(call, error);

    archive_reader_close(call->reader, NULL);
    call->reader = NULL;
    step_over(call, exit);
}

static const struct archive_reader_events stored_events = {.on_piece = on_stored_piece, .on_done = on_stored_done};

static struct archive_reader *open_stored(struct file_call *call, const char *file, const char *const *args)
{
    const struct archive_limits limits = workspace_archive_limits(&call->plan.limits);

    if (strcmp(args[0], "list") == 0)
        return archive_reader_open_list(call->api->loop, file,
                                        &(struct archive_query){.path = args[1],
                                                                .depth = (uint32_t)strtoul(args[2], NULL, 10),
                                                                .after = args[3],
                                                                .most = (uint32_t)strtoul(args[4], NULL, 10)},
                                        &stored_events, call);
    if (strcmp(args[0], "read") == 0)
        return archive_reader_open_one(call->api->loop, file, args[1], strtoull(args[2], NULL, 10),
                                       strtoull(args[3], NULL, 10), &stored_events, call);
    return archive_reader_open_file(call->api->loop, file, &limits, &stored_events, call);
}

static void run_stored(struct file_call *call, const char *const *args)
{
    char *file = workspaces_file(call->api->workspaces, &call->plan.row);

    call->reader = file != NULL ? open_stored(call, file, args) : NULL;
    free(file);
    if (call->reader == NULL) {
        call->step = NULL;
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    call->has_piece = true;
    reader_next(call);
}

void file_call_run(struct file_call *call, const struct file_step *step, const char *const *args)
{
    assert(call->step == NULL && !call->finished);
    call->step = step;
    call->entries = (struct entry_reader){.place = ENTRY_AT_HEAD};
    call->ended = call->held = call->has_piece = false;
    call->hole = 0;
    buf_free(&call->backlog);
    buf_init(&call->backlog, (size_t)1 << 20); /* one frame of the cell, or one piece of the reader */
    if (call->cell == NULL)
        run_stored(call, args);
    else
        file_job_start(&call->job, call->cell, &call->plan.limits.cell, args,
                       step->on_input_wanted != NULL ? &with_input : &without_input, call);
}

void file_call_hold(struct file_call *call, bool hold)
{
    call->held = hold;
    if (call->step == NULL)
        return;
    if (!hold)
        take_backlog(call);
    if (!hold && call->held)
        return; /* again, by whoever took the backlog */
    if (call->cell != NULL)
        cell_hold(call->cell, hold);
    else if (!hold)
        reader_next(call);
}

/* The workspace. */

static void file_on_turn(struct workspace_use *use)
{
    workspace_want(use);
}

static void file_on_cell(struct workspace_use *use, struct cell *cell, const struct error *error)
{
    struct file_call *call = container_of(use, struct file_call, use);

    if (cell == NULL) {
        call_refused(call, error->code == ERROR_STORAGE ? ERROR_UNAVAILABLE : error->code,
                     error->code == ERROR_INTERNAL ? "The workspace's container could not be made" : error->text);
        file_call_finish(call, NULL);
        return;
    }
    call->cell = cell;
    call->plan.limits.cell = workspace_limits(use)->cell;
    if (call->pending.ex == NULL)
        file_call_finish(call, NULL);
    else
        call->operation->begin(call);
}

static void file_on_saved(struct workspace_use *use, const struct error *error)
{
    (void)error; /* it is saved later */
    call_answer(container_of(use, struct file_call, use));
}

/* Its cell ends now, so the step that runs does not end by itself. */
static void file_on_removed(struct workspace_use *use)
{
    struct file_call *call = container_of(use, struct file_call, use);

    call->step = NULL;
    call->cell = NULL;
    workspace_lose(use, "its session was removed");
    call_refused(call, ERROR_NOT_FOUND, "Session not found");
    file_call_finish(call, NULL);
}

static const struct workspace_use_events use_events = {
    .on_turn = file_on_turn, .on_cell = file_on_cell, .on_saved = file_on_saved, .on_removed = file_on_removed};

/* Nothing is awake, nothing waits for it, and the question needs no cell. */
static bool may_answer_asleep(struct file_call *call)
{
    enum workspace_state state = workspaces_look(call->api->workspaces, &call->plan.row);

    return call->operation->sleeps && (state == WORKSPACE_ASLEEP || state == WORKSPACE_LOST);
}

static void file_call_enter(struct file_call *call)
{
    struct error error;

    if (may_answer_asleep(call)) {
        call->operation->begin(call);
        return;
    }
    call->use = (struct workspace_use){.events = &use_events, .changes = call->operation->changes};
    if (workspace_enter(call->api->workspaces, &call->plan, &call->use, &error) != 0)
        file_call_refuse(call, error.code, error.text);
}

/* The session. */

static int file_look_work(struct db *db, struct store_job *job, struct error *error)
{
    struct file_call *call = container_of(job, struct file_call, look);

    if (sessions_use(db, call->key_row, call->session_id, error) != 0)
        return -1;
    return sessions_get(db, call->key_row, call->session_id, &call->session, error);
}

static int file_call_plan(struct file_call *call, struct error *error)
{
    bool decided;

    if (call->session.workspace.row == 0)
        return error_set(error, ERROR_CONFLICT, "Session %s has no workspace", call->session_id);
    if (call->session.settings != NULL &&
        settings_read(&call->settings, call->session.settings, &call->api->maxima, &call->arena, error) != 0)
        return -1;
    if (workspace_plan_make(&call->plan, call->api, &call->session, &call->settings, NULL, NULL, &decided, error) != 0)
        return -1;
    call->plan.session_id = call->session_id;
    return 0;
}

static void file_look_done(struct store_job *job, const struct error *failure)
{
    struct file_call *call = container_of(job, struct file_call, look);
    struct error error;

    call->looking = false;
    if (call->pending.ex == NULL)
        file_call_finish(call, NULL);
    else if (failure != NULL)
        file_call_refuse(call, failure->code, failure->text);
    else if (file_call_plan(call, &error) != 0)
        file_call_refuse(call, error.code, error.text);
    else
        file_call_enter(call);
}

void file_call_start(struct file_call *call)
{
    call->looking = true;
    call->look = (struct store_job){.work = file_look_work, .done = file_look_done};
    store_submit(call->api->store, &call->look);
}

/* The client goes. A step that runs is let go to its end. */
static void file_call_gone(struct pending *pending)
{
    struct file_call *call = container_of(pending, struct file_call, pending);

    if (call->finished)
        return; /* on_saved() frees it */
    if (call->step != NULL) {
        if (call->operation->gone != NULL)
            call->operation->gone(call);
        if (call->cell != NULL)
            cell_input_end(call->cell);
        file_call_hold(call, false);
    } else if (!call->looking) {
        file_call_finish(call, NULL); /* it waits for its turn, for the cell, or for the body */
    }
}

struct file_call *file_call_of(const struct http_exchange *ex)
{
    return api_caller(ex)->flow;
}

struct file_call *file_call_new(struct http_exchange *ex, const struct file_operation *operation)
{
    struct file_call *call = calloc(1, operation->size);
    const char *path = http_param(ex, "path");
    struct error error;

    if (path != NULL && !wire_path_ok(path, strlen(path))) {
        free(call);
        error_set(&error, ERROR_INVALID, "path: must be relative, without . and .., of at most %u bytes",
                  WIRE_PATH_MAX);
        api_respond_error(ex, &error);
        return NULL;
    }
    if (call == NULL || (call->session_id = strdup(http_param(ex, "id"))) == NULL ||
        (call->path = strdup(path != NULL ? path : "")) == NULL) {
        if (call != NULL)
            free(call->session_id);
        free(call);
        error_memory(&error);
        api_respond_error(ex, &error);
        return NULL;
    }
    call->api = api_of(ex);
    call->key_row = api_caller(ex)->key.row;
    call->operation = operation;
    api_caller(ex)->flow = call;
    pending_begin(&call->pending, ex, file_call_gone);
    return call;
}
