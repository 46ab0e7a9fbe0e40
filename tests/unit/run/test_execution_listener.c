/* An execution that is listened to: which events come, in which order, and what happens if the client goes within one.
 */
#include "run_stage.h"

#include "base/seam.h"
#include "run/execution_input.h"

static char trace[1024];
static bool goes_at_output;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    va_list args;
    size_t len = strlen(trace);

    va_start(args, format);
    vsnprintf(trace + len, sizeof trace - len, format, args);
    va_end(args);
}

static void hear_start(void *arg, struct execution *execution)
{
    (void)arg;
    note("start %s; ", execution_status(execution) == RECORD_RUNNING ? "running" : "?");
}

static void hear_output(void *arg, struct execution *execution, enum frame_step step, enum frame_channel channel,
                        const uint8_t *data, size_t len)
{
    (void)arg;
    note("%s%s \"%.*s\"; ", step == FRAME_STEP_COMPILE ? "compiler's " : "", channel == FRAME_STDOUT ? "out" : "err",
         (int)len, (const char *)data);
    if (goes_at_output)
        execution_abandon(execution);
}

static void hear_result(void *arg, struct execution *execution)
{
    const struct execution_result *result = execution_result(execution);

    (void)arg;
    note("result %d, %zu%s kept %zu; ", result->exit_code, result->run.out_len, result->run.out_cut ? " cut" : "",
         result->run.out.len);
}

static void hear_done(void *arg, struct execution *execution)
{
    (void)arg;
    note("done %s; ", record_status_name(execution_status(execution)));
}

static const struct execution_listener streams = {
    .on_start = hear_start, .on_output = hear_output, .on_result = hear_result, .on_done = hear_done};

static void compiles_and_speaks(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, FRAME_STEP_COMPILE, FRAME_STDERR, "warning");
    sim_end(sim, box, FRAME_STEP_COMPILE, (struct frame_step_end){.wall_ns = 7});
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDERR, "e");
    sim_hello(sim, box);
}

static void says_more_than_the_limit(struct sim *sim, struct sim_box *box)
{
    static char text[701];

    memset(text, 'x', sizeof text - 1);
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, text);
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, text);
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, text);
    sim_hello(sim, box);
}

/* The trace of one execution whose cell does as `program` says. */
static const char *traced(struct language *language, void (*program)(struct sim *sim, struct sim_box *box),
                          const struct execution_listener *listener)
{
    struct stage stage;
    struct error error = {0};

    trace[0] = '\0';
    stage_open(&stage);
    stage.sim.program = program;
    stage.runner->options.keep_output = false;
    struct execution_request request = stage_request(language, "code");
    assert_non_null(runner_submit(stage.runner, stage.keys[0], &request, listener, NULL, &error));
    sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
    stage_close(&stage);
    return trace;
}

static void test_order(void **state)
{
    (void)state;
    goes_at_output = false;
    assert_string_equal(traced(&c, compiles_and_speaks, &streams),
                        "start running; compiler's err \"warning\"; err \"e\"; out \"hello\n\"; result 0, 6 kept 0; "
                        "done completed; ");
}

static void test_collects_if_asked(void **state)
{
    struct execution_listener collects = streams;

    (void)state;
    goes_at_output = false;
    collects.collects = true;
    collects.on_output = NULL;
    assert_string_equal(traced(&python, sim_hello, &collects), "start running; result 0, 6 kept 6; done completed; ");
}

/* 1 KiB is the limit: the third text does not fit, and the fourth has no room at all. */
static void test_output_stops_at_the_limit(void **state)
{
    (void)state;
    goes_at_output = false;
    struct execution_listener quiet = streams;
    quiet.on_output = NULL;
    assert_string_equal(traced(&python, says_more_than_the_limit, &quiet),
                        "start running; result 0, 1024 cut kept 0; done completed; ");
}

static void test_the_client_goes_within_an_event(void **state)
{
    (void)state;
    goes_at_output = true;
    assert_string_equal(traced(&c, compiles_and_speaks, &streams), "start running; compiler's err \"warning\"; ");
}

static struct execution *held;

static void hear_start_and_hold(void *arg, struct execution *execution)
{
    hear_start(arg, execution);
    held = execution;
    execution_hold(execution, true);
}

static bool has_run(struct stage *stage)
{
    struct sim_box *box = sim_last(&stage->sim);

    return box != NULL && box->job.len > 0 && strstr(box->job.data, "STDIN_END\n") != NULL;
}

/* Nothing is heard of an execution that is held, however often the loop turns; then all of it, in order. */
static void test_output_waits_while_held(void **state)
{
    struct execution_listener holds = streams;
    struct stage stage;
    struct error error = {0};

    (void)state;
    goes_at_output = false;
    trace[0] = '\0';
    holds.on_start = hear_start_and_hold;
    stage_open(&stage);
    stage.sim.program = sim_hello;
    stage.runner->options.keep_output = false;
    struct execution_request request = stage_request(&python, "code");
    assert_non_null(runner_submit(stage.runner, stage.keys[0], &request, &holds, NULL, &error));
    sim_until(&stage.sim, has_run(&stage));
    for (int i = 0; i < 100; i++)
        uv_run(&stage.sim.loop, UV_RUN_NOWAIT);
    assert_string_equal(trace, "start running; ");
    execution_hold(held, false);
    sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
    assert_string_equal(trace, "start running; out \"hello\n\"; result 0, 6 kept 0; done completed; ");
    stage_close(&stage);
}

/* A listener that writes the record itself: nothing is recorded before it says so. */

static bool fails_to_record;
static struct execution *waits_for_record;

static int record_itself(void *arg, struct db *db, const struct record *record, struct error *error)
{
    (void)arg;
    if (fails_to_record)
        return error_set(error, ERROR_INTERNAL, "no");
    return records_finish(db, record, error);
}

static void hear_result_and_wait(void *arg, struct execution *execution)
{
    hear_result(arg, execution);
    waits_for_record = execution;
}

static void hear_done_with_record(void *arg, struct execution *execution)
{
    hear_done(arg, execution);
    note("%s, %s; ", execution_result(execution)->unrecorded ? "unrecorded" : "recorded", execution_id(execution));
    assert_int_equal(execution_request(execution)->warnings_len, 0);
}

static const struct execution_listener records = {
    .collects = true, .on_result = hear_result_and_wait, .record = record_itself, .on_done = hear_done_with_record};

#define ACCEPTED "22222222-2222-4222-8222-222222222222"

static void test_a_listener_that_records(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct stage stage;
        struct error error = {0};
        struct record record;
        trace[0] = '\0';
        fails_to_record = fails == 1;
        waits_for_record = NULL;
        stage_open(&stage);
        stage.sim.program = sim_hello;
        struct execution_request request = stage_request(&python, "code");
        request.accepted_id = ACCEPTED;
        request.accepted_ms = seam_wall_ms() - 5000;
        assert_non_null(runner_submit(stage.runner, stage.keys[0], &request, &records, NULL, &error));
        sim_until(&stage.sim, waits_for_record != NULL);
        assert_int_equal(stage_record(&stage, 0, ACCEPTED, &record), -1); /* neither at its acceptance nor yet */
        assert_true(execution_result(waits_for_record)->queue_ns >= 5000 * INT64_C(1000000));
        execution_record(waits_for_record);
        sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
        assert_int_equal(stage_record(&stage, 0, ACCEPTED, &record), fails ? -1 : 0);
        if (!fails)
            record_clear(&record);
        stage_close(&stage);
        assert_string_equal(trace, fails ? "result 0, 6 kept 6; done completed; unrecorded, " ACCEPTED "; "
                                         : "result 0, 6 kept 6; done completed; recorded, " ACCEPTED "; ");
    }
}

static struct execution *wants; /* the one that wants input */

static void hear_wanted(void *arg, struct execution *execution)
{
    (void)arg;
    note("wanted; ");
    wants = execution;
}

static bool job_has(struct stage *stage, const char *line)
{
    const struct buf *job = &sim_last(&stage->sim)->job;

    return job->len > 0 && strstr(job->data, line) != NULL;
}

/* The request's own input first, then the listener's; signals and sizes; and a terminal wants a blank cell. */
static void test_input_that_is_fed(void **state)
{
    struct execution_listener feeds = streams;
    struct stage stage;
    struct error error = {0};

    (void)state;
    feeds.on_input_wanted = hear_wanted;
    trace[0] = '\0';
    wants = NULL;
    stage_open(&stage);
    struct execution_request request = stage_request(&python, "code");
    request.input = "own";
    request.input_len = 3;
    request.terminal = (struct request_terminal){80, 24};
    struct execution *execution = runner_submit(stage.runner, stage.keys[0], &request, &feeds, NULL, &error);
    assert_non_null(execution);
    assert_true(execution->cell_request.fresh);
    execution_resize(execution, 90, 30); /* or with its step, if it has not been sent yet */
    assert_int_equal(execution_input(execution, "early", 5), wants != NULL ? 5 : 0);
    sim_until(&stage.sim, wants != NULL && job_has(&stage, "STDIN own\n"));
    assert_ptr_equal(wants, execution);
    assert_int_equal(execution->job.run.size.columns, 90);
    assert_int_equal(execution_input(execution, "more", 4), 4);
    execution_signal(execution, 15);
    execution_resize(execution, 100, 50);
    execution_input_end(execution);
    sim_until(&stage.sim, job_has(&stage, "STDIN more\nSIGNAL 15\nRESIZE 100 50\nSTDIN_END\n"));
    sim_hello(&stage.sim, sim_last(&stage.sim));
    sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
    assert_non_null(strstr(trace, "wanted; "));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_listener_that_records),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_collects_if_asked),
        cmocka_unit_test(test_output_stops_at_the_limit),
        cmocka_unit_test(test_the_client_goes_within_an_event),
        cmocka_unit_test(test_input_that_is_fed),
        cmocka_unit_test(test_output_waits_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
