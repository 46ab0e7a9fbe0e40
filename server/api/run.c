/* The happy path: run_start -> run_decide -> run_reserve -> run_prepared -> run_submit -> the execution's events
 * -> run_on_done. The way may pause twice: until it is known what the language's image holds (then run_decide comes
 * again), and until the database has reserved the credits of a prepaid key. */
#include "api/run.h"

#include "api/api.h"
#include "api/execute_read.h"
#include "api/feed.h"
#include "api/manners.h"
#include "api/settings.h"
#include "api/workspace_plan.h"
#include "base/container_of.h"
#include "base/states.h"
#include "languages/availability.h"
#include "store/credits.h"

#include <stdlib.h>

#define SENTENCE_MAX (16u << 10) /* bytes of the sentence that lists all languages */

enum run_state {
    RUN_DECIDING,  /* on the way, within a call */
    RUN_LOOKING,   /* the database is asked for its session */
    RUN_AWAITING,  /* until the language's image is known */
    RUN_RESERVING, /* the database reserves credits */
    RUN_READY,     /* until its owner goes on */
    RUN_UNDER_WAY, /* it has an execution */
    RUN_OVER,
    RUN_STATES
};

static const struct states run_states = {
    .subject = "run",
    .names = (const char *const[]){"deciding", "looking", "awaiting", "reserving", "ready", "under_way", "over"},
    .next =
        (const uint32_t[]){
            [RUN_DECIDING] = STATE(RUN_LOOKING) | STATE(RUN_AWAITING) | STATE(RUN_RESERVING) | STATE(RUN_READY) |
                             STATE(RUN_UNDER_WAY) | STATE(RUN_OVER),
            [RUN_LOOKING] = STATE(RUN_DECIDING) | STATE(RUN_OVER),
            [RUN_AWAITING] = STATE(RUN_DECIDING) | STATE(RUN_OVER),
            [RUN_RESERVING] = STATE(RUN_READY) | STATE(RUN_UNDER_WAY) | STATE(RUN_OVER),
            [RUN_READY] = STATE(RUN_UNDER_WAY) | STATE(RUN_OVER),
            [RUN_UNDER_WAY] = STATE(RUN_OVER),
            [RUN_OVER] = 0,
        },
    .count = RUN_STATES,
};

struct run {
    struct api *api;
    struct run **place; /* the caller's pointer to this; NULL: the client has gone while credits were reserved */
    enum run_state state;
    struct run_options options;
    struct execution_listener listener; /* the options', whose on_done is the run's */
    struct execution_request request;   /* until it is submitted */
    struct execution *execution;
    struct feed *feed; /* NULL: not begun */
    struct availability_wait wait;
    bool waited;
    struct store_job reserving, looking;
    struct session session; /* what is known of the request's; workspace.row 0: it has no workspace */
    struct settings settings;
    bool decided; /* its workspace has an image */
};

static void run_set_state(struct run *run, enum run_state state)
{
    states_move(&run_states, run->state, state, run->execution != NULL ? execution_id(run->execution) : "new");
    run->state = state;
}

static void run_free(struct run *run)
{
    run_set_state(run, RUN_OVER);
    if (run->place != NULL)
        *run->place = NULL;
    request_free(&run->request);
    session_clear(&run->session);
    free(run);
}

static void run_refuse_with(struct run *run, enum error_code code, const char *sentence)
{
    const struct run_options options = run->options;

    run_free(run);
    options.refused(options.arg, code, sentence);
}

static void run_refuse(struct run *run, const struct error *error)
{
    const struct error copy = *error; /* the error may be the run's own job's */

    run_refuse_with(run, copy.code, copy.text);
}

/* The execution's events: its followers get them, and so does the listener of the options. */

static struct feed *run_feed(struct run *run)
{
    if (run->feed == NULL)
        run->feed = feed_new(run->api->feeds, run->options.key_row,
                             run->options.listener->collects ? FEED_MAX : FEED_STREAM_MAX);
    return run->feed;
}

static void run_on_start(void *arg, struct execution *execution)
{
    struct run *run = arg;
    const struct execution_listener *listener = run->options.listener;

    feed_start(run_feed(run), execution);
    if (listener->on_start != NULL)
        listener->on_start(run->options.arg, execution);
}

static void run_on_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                          const uint8_t *data, size_t len)
{
    struct run *run = arg;
    const struct execution_listener *listener = run->options.listener;

    feed_output(run->feed, step, channel, data, len);
    if (listener->on_output != NULL)
        listener->on_output(run->options.arg, execution, step, channel, data, len);
}

static void run_on_step_end(void *arg, struct execution *execution, enum frame_step step)
{
    struct run *run = arg;
    const struct execution_listener *listener = run->options.listener;

    feed_step_end(run->feed, execution, step);
    if (listener->on_step_end != NULL)
        listener->on_step_end(run->options.arg, execution, step);
}

static void run_on_result(void *arg, struct execution *execution)
{
    struct run *run = arg;

    run->options.listener->on_result(run->options.arg, execution);
}

static void run_on_input_wanted(void *arg, struct execution *execution)
{
    struct run *run = arg;

    run->options.listener->on_input_wanted(run->options.arg, execution);
}

/* On the database's thread; the run's options do not change. */
static int run_record(void *arg, struct db *db, const struct record *record, struct error *error)
{
    const struct run *run = arg;

    return run->options.listener->record(run->options.arg, db, record, error);
}

/* One that ran in the background and has no result will run again. */
static void run_end_feed(struct run *run, struct execution *execution)
{
    const struct execution_result *result = execution_result(execution);

    if (run->options.listener->record != NULL && (result->unavailable || result->unrecorded))
        feed_drop(run->feed);
    else
        feed_over(run_feed(run), execution);
}

static void run_on_done(void *arg, struct execution *execution)
{
    struct run *run = arg;
    const struct run_options options = run->options;

    run_end_feed(run, execution);
    run_free(run);
    options.listener->on_done(options.arg, execution);
}

static struct execution_listener listener_of(const struct execution_listener *outer)
{
    return (struct execution_listener){
        .collects = outer->collects,
        .on_start = run_on_start,
        .on_output = run_on_output,
        .on_step_end = run_on_step_end,
        .on_result = outer->on_result != NULL ? run_on_result : NULL,
        .on_input_wanted = outer->on_input_wanted != NULL ? run_on_input_wanted : NULL,
        .record = outer->record != NULL ? run_record : NULL,
        .on_done = run_on_done,
    };
}

/* The way to them. */

static void list_supported(struct buf *text, struct api *api, const char *name)
{
    bool first = true;

    buf_printf(text, "Unsupported language: %s. Supported languages: ", name);
    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        const struct language *language = catalog_at(api->languages, i);
        if (language_default(language) == NULL)
            continue;
        buf_printf(text, "%s%s", first ? "" : ", ", language->id);
        first = false;
    }
}

static void run_refuse_language(struct run *run)
{
    struct buf text;

    buf_init(&text, SENTENCE_MAX);
    if (run->options.unknown_language != NULL)
        run->options.unknown_language(&text, &run->request);
    else
        list_supported(&text, run->api, run->request.language_name);
    char *sentence = buf_detach(&text, NULL);
    run_refuse_with(run, ERROR_INVALID, sentence != NULL ? sentence : "Unsupported language");
    free(sentence);
}

/* An API that has a sentence of its own for a language says the same for a version. */
static void run_refuse_version(struct run *run, const struct error *error)
{
    if (run->options.unknown_language != NULL)
        run_refuse_language(run);
    else
        run_refuse(run, error);
}

static void run_decide(struct run *run);

static void run_on_known(struct availability_wait *wait)
{
    struct run *run = container_of(wait, struct run, wait);

    run_set_state(run, RUN_DECIDING);
    run_decide(run);
}

/* Waits until it is known what the language's image holds: once, and at most for the program's own timeout. */
static void run_await(struct run *run, struct language *language)
{
    bool waited = run->waited;
    struct error error;

    error_set(&error, ERROR_UNAVAILABLE, "%s", REQUEST_NOT_YET);
    run->wait = (struct availability_wait){.language = language, .done = run_on_known};
    run->waited = true;
    run_set_state(run, RUN_AWAITING);
    if (!waited &&
        availability_await(run->api->availability, &run->wait, (uint64_t)run->request.timeout_ms, &error) == 0)
        return; /* the run may be over and freed by now */
    run_refuse(run, &error);
}

static void run_submit(struct run *run)
{
    struct error error;

    run->execution = runner_submit(run->api->runner, run->options.key_row, &run->request, &run->listener, run, &error);
    if (run->execution == NULL)
        run_refuse(run, &error);
    else
        run_set_state(run, RUN_UNDER_WAY);
}

/* The request is settled, and its credits are reserved. */
static void run_prepared(struct run *run)
{
    if (run->options.ready == NULL) {
        run_submit(run);
        return;
    }
    run_set_state(run, RUN_READY);
    run->options.ready(run->options.arg);
}

/* Credits of a prepaid key. */

static int reserve_work(struct db *db, struct store_job *job, struct error *error)
{
    struct run *run = container_of(job, struct run, reserving);

    return credits_reserve(db, run->options.key_row, run->options.credits, &run->request.reservation, error);
}

static void reserve_done(struct store_job *job, const struct error *error)
{
    struct run *run = container_of(job, struct run, reserving);

    if (run->place == NULL) {
        credits_give_back_later(run->api->store, run->request.reservation);
        run_free(run);
    } else if (error != NULL) {
        run_refuse(run, error);
    } else {
        run_prepared(run);
    }
}

static void run_reserve(struct run *run)
{
    run_set_state(run, RUN_RESERVING);
    run->reserving = (struct store_job){.work = reserve_work, .done = reserve_done};
    store_submit(run->api->store, &run->reserving);
}

/* The request is settled. */
static void run_accept(struct run *run)
{
    if (run->options.credits > 0)
        run_reserve(run);
    else
        run_prepared(run);
}

/* Its place in the session's workspace, which has a disk of its own. */
static int run_plan(struct run *run, struct language *language, struct language_version *version, struct error *error)
{
    struct execution_request *request = &run->request;

    if (run->session.workspace.row == 0)
        return 0;
    struct workspace_plan *plan = arena_alloc(&request->arena, sizeof *plan);
    if (plan == NULL)
        return error_memory(error);
    if (workspace_plan_make(plan, run->api, &run->session, &run->settings, language, version, &run->decided, error) !=
        0)
        return -1;
    plan->session_id = request->session_id;
    if (request->overrides.value[LIMIT_DISK] == 0)
        request->overrides.value[LIMIT_DISK] = plan->limits.cell.disk_mb;
    request->workspace = plan;
    return 0;
}

static void run_decide(struct run *run)
{
    struct execution_request *request = &run->request;
    const char *name = request->language_name;
    struct language_version *default_version;
    struct language *language = catalog_find(run->api->languages, name, &default_version);
    struct language *expected = language == NULL ? catalog_expected(run->api->languages, name) : NULL;
    struct error error = {0};

    if (expected != NULL) {
        run_await(run, expected);
        return;
    }
    if (language == NULL) {
        run_refuse_language(run);
        return;
    }
    request->arrived_ns = run->waited ? 0 : run->options.arrived_ns;
    if (run_plan(run, language, default_version, &error) == 0 &&
        request_settle(request, language, default_version, run->options.maxima, &error) == 0 &&
        (request->workspace == NULL ||
         workspace_plan_check(request->workspace, run->api, request, run->decided, &error) == 0))
        run_accept(run);
    else if (error.code == ERROR_UNAVAILABLE)
        run_await(run, language);
    else if (request->language != NULL && request->version == NULL)
        run_refuse_version(run, &error);
    else
        run_refuse(run, &error);
}

/* The session. */

static int look_work(struct db *db, struct store_job *job, struct error *error)
{
    struct run *run = container_of(job, struct run, looking);

    return sessions_get(db, run->options.key_row, run->request.session_id, &run->session, error) == 0 ||
                   error->code == ERROR_NOT_FOUND
               ? 0
               : -1;
}

/* What the request does not say it takes from its session. */
static int run_take_settings(struct run *run, struct error *error)
{
    struct execution_request *request = &run->request;

    if (run->session.settings != NULL &&
        (settings_read(&run->settings, run->session.settings, run->options.maxima, &request->arena, error) != 0 ||
         settings_apply(request, &run->settings) != 0))
        return error->code != ERROR_NONE ? -1 : error_memory(error);
    return request->language_name != NULL ? 0 : error_set(error, ERROR_INVALID, "%s", EXECUTE_NO_LANGUAGE);
}

static void look_done(struct store_job *job, const struct error *failure)
{
    struct run *run = container_of(job, struct run, looking);
    struct error error = {.code = ERROR_NONE};

    if (run->place == NULL) {
        run_free(run);
        return;
    }
    run_set_state(run, RUN_DECIDING);
    if (failure != NULL)
        run_refuse(run, failure);
    else if (run_take_settings(run, &error) != 0)
        run_refuse(run, &error);
    else
        run_decide(run);
}

static void run_look(struct run *run)
{
    run_set_state(run, RUN_LOOKING);
    run->looking = (struct store_job){.work = look_work, .done = look_done, .reads = true};
    store_submit(run->api->store, &run->looking);
}

void run_options_of_caller(struct run_options *options, const struct api *api, const struct api_caller *caller,
                           const struct api_manners *manners)
{
    options->key_row = caller->key.row;
    options->anonymous = caller->anonymous;
    options->reuse = caller->anonymous ? KEY_REUSE_OFF : key_reuse_of(&caller->key, api->reuse);
    options->credits = caller->key.credits >= 0 ? manners->credits : 0;
}

void run_options_of(struct run_options *options, const struct http_exchange *ex)
{
    run_options_of_caller(options, api_of(ex), api_caller(ex), api_manners_of(ex));
}

void run_start(struct run **out, struct api *api, struct execution_request *request, const struct run_options *options)
{
    struct run *run = calloc(1, sizeof *run);

    *out = run;
    if (run == NULL) {
        request_free(request);
        options->refused(options->arg, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    run->api = api;
    run->place = out;
    run->options = *options;
    run->listener = listener_of(options->listener);
    run->request = *request;
    *request = (struct execution_request){.code = NULL};
    run->request.reuse = options->reuse;
    if (options->anonymous && run->request.session_id != NULL)
        run_refuse_with(run, ERROR_FORBIDDEN, "session_id: needs a key");
    else if (run->request.session_id != NULL)
        run_look(run);
    else
        run_decide(run);
}

void run_go_on(struct run *run)
{
    run_submit(run);
}

void run_take(struct run *run, struct execution_request *out)
{
    *out = run->request;
    run->request = (struct execution_request){.code = NULL};
    run_free(run);
}

/* It is cancelled, which its followers see. */
static void run_abandon(struct run *run)
{
    execution_abandon(run->execution);
    feed_over(run_feed(run), run->execution);
}

void run_leave(struct run *run)
{
    if (run->state == RUN_RESERVING || run->state == RUN_LOOKING) {
        *run->place = NULL;
        run->place = NULL; /* reserve_done() gives the credits back, and look_done() drops the run */
        return;
    }
    if (run->state == RUN_AWAITING)
        availability_leave(run->api->availability, &run->wait);
    else if (run->state == RUN_READY)
        credits_give_back_later(run->api->store, run->request.reservation);
    else
        run_abandon(run);
    run_free(run);
}

struct execution *run_execution(const struct run *run)
{
    return run->execution;
}
