/* One run for a client: unknown languages, waiting for an image, credits, and clients that leave at each point. The
 * runner, the languages and the images are scripted here; the store is the real one. */
#include "api/run.h"

#include "api/fakes.h"
#include "api/workspace_plan.h"
#include "languages/availability.h"
#include "store/credits.h"

#define ROW 1 /* of the key "one" */

/* What the scripted parts answer, and what became of a run. */
static struct {
    struct language *found, *expected;
    int settle;                     /* what request_settle() returns */
    enum error_code settle_error;   /* and with which code */
    bool no_version;                /* of those that fit the request */
    bool image_refused;             /* availability_await() fails */
    struct availability_wait *wait; /* of availability_await() */
    bool left;                      /* availability_leave() was called */
    bool refuses;                   /* runner_submit() fails */
    int submitted, abandoned;
    int64_t reservation; /* of the request that was submitted */
    const struct execution_listener *listener;
    void *arg;
    int done, refused;
    enum error_code code;
    char sentence[200];
} stage;

static struct language_version bash_version;
static struct language bash = {.id = "bash", .name = "Bash", .versions = &bash_version, .versions_len = 1};
static struct execution accepted = {.id = "11111111-1111-4111-8111-111111111111"};

struct language *catalog_find(struct catalog *languages, const char *name, struct language_version **version)
{
    (void)languages, (void)name;
    *version = &bash_version;
    return stage.found;
}

struct language *catalog_expected(struct catalog *languages, const char *name)
{
    (void)languages, (void)name;
    return stage.expected;
}

size_t catalog_count(const struct catalog *languages)
{
    (void)languages;
    return 1;
}

struct language *catalog_at(struct catalog *languages, size_t i)
{
    (void)languages, (void)i;
    return &bash;
}

void catalog_free(struct catalog *languages)
{
    (void)languages;
}

struct language_version *language_default(const struct language *language)
{
    return language->versions;
}

int request_settle(struct execution_request *request, struct language *language,
                   struct language_version *default_version, const struct limits *maxima, struct error *error)
{
    (void)maxima;
    request->language = language;
    request->version = stage.no_version ? NULL : default_version;
    return stage.settle == 0 ? 0 : error_set(error, stage.settle_error, "not settled");
}

int request_warn(struct execution_request *request, const char *format, ...)
{
    (void)request, (void)format;
    return 0;
}

void request_free(struct execution_request *request)
{
    arena_free(&request->arena);
}

/* No session here has settings or a workspace. */
int settings_read(struct settings *out, const char *text, const struct limits *maxima, struct arena *arena,
                  struct error *error)
{
    (void)out, (void)text, (void)maxima, (void)arena, (void)error;
    abort();
}

int settings_apply(struct execution_request *request, const struct settings *settings)
{
    (void)request, (void)settings;
    abort();
}

int workspace_plan_make(struct workspace_plan *out, struct api *api, const struct session *session,
                        const struct settings *settings, struct language *language, struct language_version *version,
                        bool *decided, struct error *error)
{
    (void)out, (void)api, (void)session, (void)settings, (void)language, (void)version, (void)decided, (void)error;
    abort();
}

int workspace_plan_check(const struct workspace_plan *plan, struct api *api, const struct execution_request *request,
                         bool decided, struct error *error)
{
    (void)plan, (void)api, (void)request, (void)decided, (void)error;
    abort();
}

int availability_await(struct availability *offers, struct availability_wait *wait, uint64_t limit_ms,
                       struct error *error)
{
    (void)offers, (void)limit_ms;
    stage.wait = wait;
    return stage.image_refused ? error_set(error, ERROR_UNAVAILABLE, "not now") : 0;
}

void availability_leave(struct availability *offers, struct availability_wait *wait)
{
    (void)offers;
    assert_ptr_equal(wait, stage.wait);
    stage.left = true;
}

struct execution *runner_submit(struct runner *runner, int64_t key_row, struct execution_request *request,
                                const struct execution_listener *listener, void *arg, struct error *error)
{
    (void)runner;
    assert_int_equal(key_row, ROW);
    stage.submitted++;
    stage.reservation = request->reservation;
    stage.listener = listener;
    stage.arg = arg;
    if (!stage.refuses)
        return &accepted;
    credits_give_back_later(fake_api.store, request->reservation); /* as the runner does */
    error_set(error, ERROR_UNAVAILABLE, "full");
    return NULL;
}

void execution_abandon(struct execution *execution)
{
    assert_ptr_equal(execution, &accepted);
    stage.abandoned++;
}

static void on_done(void *arg, struct execution *execution)
{
    assert_ptr_equal(arg, &stage);
    assert_ptr_equal(execution, &accepted);
    stage.done++;
}

static void on_refused(void *arg, enum error_code code, const char *sentence)
{
    assert_ptr_equal(arg, &stage);
    stage.refused++;
    stage.code = code;
    snprintf(stage.sentence, sizeof stage.sentence, "%s", sentence);
}

static const struct execution_listener listener = {.on_done = on_done};

static struct run *begin_with(int64_t credits, void (*unknown)(struct buf *, const struct execution_request *))
{
    static struct run *run;
    struct execution_request request = {.language_name = "bash", .code = "x", .code_len = 1, .timeout_ms = 1000};
    const struct run_options options = {.key_row = ROW,
                                        .credits = credits,
                                        .maxima = &limits_defaults,
                                        .listener = &listener,
                                        .refused = on_refused,
                                        .unknown_language = unknown,
                                        .arg = &stage};
    run_start(&run, &fake_api, &request, &options);
    return run;
}

static struct run *begin(int64_t credits)
{
    return begin_with(credits, NULL);
}

static void expect_refused(enum error_code code, const char *sentence)
{
    assert_int_equal(stage.refused, 1);
    assert_int_equal(stage.code, code);
    assert_string_equal(stage.sentence, sentence);
    assert_int_equal(stage.done, 0);
}

static int stage_setup(void **state)
{
    memset(&stage, 0, sizeof stage);
    stage.found = &bash;
    return fake_setup(state);
}

static int give_three(struct db *db, struct error *error)
{
    return db_driver(db)->calls->run_script(db_driver(db), "UPDATE keys SET credits = 3 WHERE row = 1", error);
}

static struct key key_one;

static int take_one(const struct key *key, void *arg)
{
    (void)arg;
    if (key->row == ROW)
        key_one = *key;
    return 0;
}

static int look(struct db *db, struct error *error)
{
    return keys_each(db, take_one, NULL, error);
}

static int64_t credits_left(void)
{
    fake_settle(); /* what the last job has queued is done, too */
    fake_store(look);
    return key_one.credits;
}

static void test_a_run_without_credits_begins_at_once(void **state)
{
    (void)state;
    struct run *run = begin(0);
    assert_int_equal(stage.submitted, 1);
    assert_int_equal(stage.reservation, 0);
    assert_ptr_equal(run_execution(run), &accepted);
    stage.listener->on_done(stage.arg, &accepted);
    assert_int_equal(stage.done, 1);
    assert_int_equal(stage.refused, 0);
}

static void test_credits_are_reserved_first(void **state)
{
    (void)state;
    fake_store(give_three);
    begin(2);
    assert_int_equal(stage.submitted, 0);
    fake_settle();
    assert_int_equal(stage.submitted, 1);
    assert_true(stage.reservation != 0);
    assert_int_equal(credits_left(), 1);
    stage.listener->on_done(stage.arg, &accepted);
}

static void test_too_few_credits(void **state)
{
    (void)state;
    fake_store(give_three);
    begin(4);
    fake_settle();
    assert_int_equal(stage.submitted, 0);
    expect_refused(ERROR_CREDITS, "Out of credits");
    assert_int_equal(credits_left(), 3);
}

static void test_a_client_that_leaves_while_credits_are_reserved(void **state)
{
    (void)state;
    fake_store(give_three);
    run_leave(begin(2));
    fake_settle();
    assert_int_equal(credits_left(), 3);
    assert_int_equal(stage.submitted + stage.refused + stage.done, 0);
}

static void test_a_runner_that_refuses(void **state)
{
    (void)state;
    fake_store(give_three);
    stage.refuses = true;
    begin(2);
    fake_settle();
    expect_refused(ERROR_UNAVAILABLE, "full");
    assert_int_equal(credits_left(), 3);
}

static void test_a_client_that_leaves_a_run(void **state)
{
    (void)state;
    run_leave(begin(0));
    assert_int_equal(stage.abandoned, 1);
    assert_int_equal(stage.done + stage.refused, 0);
}

/* A run that stops before it is submitted. */

static int made_ready;

static void on_ready(void *arg)
{
    assert_ptr_equal(arg, &stage);
    made_ready++;
}

static struct run *begin_ready(int64_t credits)
{
    static struct run *run;
    struct execution_request request = {.language_name = "bash", .code = "x", .code_len = 1, .timeout_ms = 1000};
    const struct run_options options = {.key_row = ROW,
                                        .credits = credits,
                                        .maxima = &limits_defaults,
                                        .listener = &listener,
                                        .refused = on_refused,
                                        .ready = on_ready,
                                        .arg = &stage};
    made_ready = 0;
    run_start(&run, &fake_api, &request, &options);
    fake_settle();
    assert_int_equal(made_ready, 1);
    assert_int_equal(stage.submitted, 0);
    return run;
}

static void test_a_ready_run_goes_on(void **state)
{
    (void)state;
    fake_store(give_three);
    run_go_on(begin_ready(2));
    assert_int_equal(stage.submitted, 1);
    assert_true(stage.reservation != 0);
    stage.listener->on_done(stage.arg, &accepted);
    assert_int_equal(credits_left(), 1);
}

static void test_a_ready_run_that_is_refused(void **state)
{
    (void)state;
    fake_store(give_three);
    stage.refuses = true;
    run_go_on(begin_ready(2));
    expect_refused(ERROR_UNAVAILABLE, "full");
    assert_int_equal(credits_left(), 3);
}

static void test_the_request_of_a_ready_run_is_taken(void **state)
{
    (void)state;
    struct execution_request request;
    fake_store(give_three);
    run_take(begin_ready(2), &request);
    assert_string_equal(request.language_name, "bash");
    assert_true(request.reservation != 0);
    assert_int_equal(credits_left(), 1); /* it is the taker's now */
    assert_int_equal(stage.submitted + stage.refused + stage.done, 0);
    request_free(&request);
}

static void test_a_client_that_leaves_a_ready_run(void **state)
{
    (void)state;
    fake_store(give_three);
    run_leave(begin_ready(2));
    assert_int_equal(credits_left(), 3);
    assert_int_equal(stage.submitted + stage.refused + stage.done, 0);
}

static void unknown(struct buf *sentence, const struct execution_request *request)
{
    buf_printf(sentence, "no %s here", request->language_name);
}

static void test_an_unknown_language(void **state)
{
    (void)state;
    stage.found = NULL;
    begin(0);
    expect_refused(ERROR_INVALID, "Unsupported language: bash. Supported languages: bash");
    stage.refused = 0;
    begin_with(0, unknown);
    expect_refused(ERROR_INVALID, "no bash here");
}

static void test_an_unknown_version(void **state)
{
    (void)state;
    stage.settle = -1;
    stage.settle_error = ERROR_INVALID;
    begin_with(0, unknown); /* something else is wrong */
    expect_refused(ERROR_INVALID, "not settled");
    stage.refused = 0;
    stage.no_version = true;
    begin(0);
    expect_refused(ERROR_INVALID, "not settled");
    stage.refused = 0;
    begin_with(0, unknown);
    expect_refused(ERROR_INVALID, "no bash here");
}

static void test_an_image_that_is_not_known_yet(void **state)
{
    (void)state;
    stage.found = NULL;
    stage.expected = &bash;
    begin(0);
    assert_int_equal(stage.submitted, 0);
    stage.found = &bash;
    stage.expected = NULL;
    stage.wait->done(stage.wait);
    assert_int_equal(stage.submitted, 1);
    stage.listener->on_done(stage.arg, &accepted);
}

static void test_it_waits_once(void **state)
{
    (void)state;
    stage.settle = -1;
    stage.settle_error = ERROR_UNAVAILABLE;
    begin(0);
    stage.wait->done(stage.wait);
    expect_refused(ERROR_UNAVAILABLE, REQUEST_NOT_YET);
}

static void test_no_room_to_wait(void **state)
{
    (void)state;
    stage.settle = -1;
    stage.settle_error = ERROR_UNAVAILABLE;
    stage.image_refused = true;
    begin(0);
    expect_refused(ERROR_UNAVAILABLE, "not now");
}

static void test_a_client_that_leaves_while_it_waits(void **state)
{
    (void)state;
    stage.found = NULL;
    stage.expected = &bash;
    run_leave(begin(0));
    assert_true(stage.left);
    assert_int_equal(stage.submitted + stage.refused, 0);
}

static void test_a_request_that_does_not_settle(void **state)
{
    (void)state;
    stage.settle = -1;
    stage.settle_error = ERROR_INVALID;
    begin(3);
    expect_refused(ERROR_INVALID, "not settled");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(test_a_ready_run_goes_on),
        STAGED(test_a_ready_run_that_is_refused),
        STAGED(test_the_request_of_a_ready_run_is_taken),
        STAGED(test_a_client_that_leaves_a_ready_run),
        STAGED(test_a_run_without_credits_begins_at_once),
        STAGED(test_credits_are_reserved_first),
        STAGED(test_too_few_credits),
        STAGED(test_a_client_that_leaves_while_credits_are_reserved),
        STAGED(test_a_runner_that_refuses),
        STAGED(test_a_client_that_leaves_a_run),
        STAGED(test_an_unknown_language),
        STAGED(test_an_unknown_version),
        STAGED(test_an_image_that_is_not_known_yet),
        STAGED(test_it_waits_once),
        STAGED(test_no_room_to_wait),
        STAGED(test_a_client_that_leaves_while_it_waits),
        STAGED(test_a_request_that_does_not_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
