/* The happy path: run_start -> run_go_on -> run_reserve -> run_submit -> the execution's events -> run_on_done. The way
 * may pause twice: until it is known what the language's image holds (then run_go_on comes again), and until the
 * database has reserved the credits of a prepaid key. */
#include "api/run.h"

#include "api/api.h"
#include "api/manners.h"
#include "base/container_of.h"
#include "base/states.h"
#include "languages/availability.h"
#include "store/credits.h"

#include <stdlib.h>

#define SENTENCE_MAX (16u << 10) /* bytes of the sentence that lists all languages */

enum run_state {
    RUN_DECIDING,  /* on the way, within a call */
    RUN_AWAITING,  /* until the language's image is known */
    RUN_RESERVING, /* the database reserves credits */
    RUN_UNDER_WAY, /* it has an execution */
    RUN_OVER,
    RUN_STATES
};

static const struct states run_states = {
    .subject = "run",
    .names = (const char *const[]){"deciding", "awaiting", "reserving", "under_way", "over"},
    .next =
        (const uint32_t[]){
            [RUN_DECIDING] = STATE(RUN_AWAITING) | STATE(RUN_RESERVING) | STATE(RUN_UNDER_WAY) | STATE(RUN_OVER),
            [RUN_AWAITING] = STATE(RUN_DECIDING) | STATE(RUN_OVER),
            [RUN_RESERVING] = STATE(RUN_UNDER_WAY) | STATE(RUN_OVER),
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
    struct availability_wait wait;
    bool waited;
    struct store_job reserving;
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

/* The execution's events. */

static void run_on_start(void *arg, struct execution *execution)
{
    struct run *run = arg;

    run->options.listener->on_start(run->options.arg, execution);
}

static void run_on_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                          const uint8_t *data, size_t len)
{
    struct run *run = arg;

    run->options.listener->on_output(run->options.arg, execution, step, channel, data, len);
}

static void run_on_result(void *arg, struct execution *execution)
{
    struct run *run = arg;

    run->options.listener->on_result(run->options.arg, execution);
}

static void run_on_done(void *arg, struct execution *execution)
{
    struct run *run = arg;
    const struct run_options options = run->options;

    run_free(run);
    options.listener->on_done(options.arg, execution);
}

static struct execution_listener listener_of(const struct execution_listener *outer)
{
    return (struct execution_listener){
        .collects = outer->collects,
        .on_start = outer->on_start != NULL ? run_on_start : NULL,
        .on_output = outer->on_output != NULL ? run_on_output : NULL,
        .on_result = outer->on_result != NULL ? run_on_result : NULL,
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

static void run_go_on(struct run *run);

static void run_on_known(struct availability_wait *wait)
{
    struct run *run = container_of(wait, struct run, wait);

    run_set_state(run, RUN_DECIDING);
    run_go_on(run);
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
        run_submit(run);
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
        run_submit(run);
}

static void run_go_on(struct run *run)
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
    if (request_settle(request, language, default_version, run->options.maxima, &error) == 0)
        run_accept(run);
    else if (error.code == ERROR_UNAVAILABLE)
        run_await(run, language);
    else if (request->version == NULL)
        run_refuse_version(run, &error);
    else
        run_refuse(run, &error);
}

void run_options_of(struct run_options *options, const struct http_exchange *ex)
{
    const struct api_caller *caller = api_caller(ex);

    options->key_row = caller->key.row;
    options->anonymous = caller->anonymous;
    options->reuse = !caller->anonymous && key_reuses(&caller->key, api_of(ex)->reuse);
    options->credits = caller->key.credits >= 0 ? api_manners_of(ex)->credits : 0;
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
    else
        run_go_on(run);
}

void run_leave(struct run *run)
{
    if (run->state == RUN_RESERVING) {
        *run->place = NULL;
        run->place = NULL; /* reserve_done() gives the credits back */
        return;
    }
    if (run->state == RUN_AWAITING)
        availability_leave(run->api->availability, &run->wait);
    else
        execution_abandon(run->execution);
    run_free(run);
}

struct execution *run_execution(const struct run *run)
{
    return run->execution;
}
