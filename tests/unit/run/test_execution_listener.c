/* An execution that is listened to: which events come, in which order, and what happens if the client goes within one.
 */
#include "run_stage.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_collects_if_asked),
        cmocka_unit_test(test_output_stops_at_the_limit),
        cmocka_unit_test(test_the_client_goes_within_an_event),
        cmocka_unit_test(test_output_waits_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
