/* One job in a cell: what the agent is sent, what comes back, and every way in which it may end. */
#include "cell_stage.h"

static void open_ready(struct stage *stage)
{
    stage_open(stage);
    stage_make_ready(stage);
    buf_reset(&stage->sim.trace);
}

static void end_close(struct stage *stage)
{
    stage_end(stage);
    stage_close(stage);
}

static void test_what_is_sent(void **state)
{
    static const char *const env[] = {"A=b", "EMPTY=", NULL};
    static const char *const compile[] = {"cc", "main.c", NULL};
    static const char *const run[] = {"./a.out", "", "two words", NULL};
    const struct cell_file files[] = {{"main.c", "int x;", 6, 0644}, {"data/empty", "", 0, 0600}};
    const struct cell_job job = {
        .env = env,
        .files = files,
        .files_len = 2,
        .compile = {.argv = compile, .timeout_ms = 30000, .output_max = 4096, .memory_mb = 300},
        .run = {.argv = run, .timeout_ms = 2000, .output_max = 1024}};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_give_input(&stage, "in", 2);
    stage_run_job(&stage, &job, NULL);
    assert_int_equal(attach_queued(stage.cell->attach), 0); /* all in one write */
    sim_until(&stage.sim, stage.done);
    assert_string_equal(sim_last(&stage.sim)->job.data, "ENV A=b\n"
                                                        "ENV EMPTY=\n"
                                                        "FILE 644 main.c\n"
                                                        "DATA int x;\n"
                                                        "FILE 600 data/empty\n"
                                                        "STEP1 30000 4096 300M cc main.c\n"
                                                        "STEP2 2000 1024 256M ./a.out  two words\n"
                                                        "START\n"
                                                        "STDIN in\n"
                                                        "STDIN_END\n");
    end_close(&stage);
}

static void test_nothing_but_a_program(void **state)
{
    static const char *const env[] = {NULL};
    static const char *const run[] = {"true", NULL};
    const struct cell_job job = {.env = env, .run = {.argv = run, .timeout_ms = 1, .output_max = 1}};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run_job(&stage, &job, NULL);
    sim_until(&stage.sim, stage.done);
    assert_string_equal(sim_last(&stage.sim)->job.data, "STEP2 1 1 256M true\nSTART\nSTDIN_END\n");
    end_close(&stage);
}

/* Another job after DONE, in the same capsule: first the end of the input that the job before has not read. */
static void test_another_job(void **state)
{
    static const char *const env[] = {NULL};
    static const char *const run[] = {"true", NULL};
    const struct cell_job job = {.env = env, .run = {.argv = run, .timeout_ms = 1, .output_max = 1}};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run_job(&stage, &job, NULL);
    sim_until(&stage.sim, stage.done);
    stage.done = false;
    stage_run_job(&stage, &job, NULL);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_DONE);
    assert_string_equal(sim_last(&stage.sim)->job.data, "STEP2 1 1 256M true\nSTART\nSTDIN_END\n"
                                                        "STEP2 1 1 256M true\nSTART\nSTDIN_END\n");
    assert_int_equal(stage.cell->state, CELL_RUNNING);
    end_close(&stage);
}

/* The stream has ended since the job before: the next one is lost, from the loop. */
static void test_another_job_without_stream(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.done);
    attach_close(stage.cell->attach);
    stage.cell->attach = NULL;
    stage.done = false;
    stage_run(&stage, NULL);
    assert_false(stage.done);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_LOST);
    end_close(&stage);
}

/* Sizes around a frame's and the write queue's: all arrives, in frames of at most FRAME_PAYLOAD_MAX. */
static void test_large_jobs(void **state)
{
    static const size_t sizes[] = {FRAME_PAYLOAD_MAX - 1, FRAME_PAYLOAD_MAX, FRAME_PAYLOAD_MAX + 1, 12u << 20};
    char *bytes = malloc(12u << 20);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'z', 12u << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct cell_file file = {"big", bytes, sizes[i], 0644};
        const struct cell_job job = {.env = stage_env,
                                     .files = &file,
                                     .files_len = 1,
                                     .run = {.argv = stage_argv, .timeout_ms = 2000, .output_max = 1024}};
        struct stage stage;
        size_t data = 0, input = 0;

        open_ready(&stage);
        stage_give_input(&stage, bytes, sizes[i]);
        stage_run_job(&stage, &job, NULL);
        struct sim_box *box = sim_last(&stage.sim);
        sim_until(&stage.sim, box->job.len > 0 && strstr(box->job.data, "STDIN_END\n") != NULL);
        for (const char *line = strtok(box->job.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            const char *text = line + strcspn(line, " ") + 1;
            size_t len = *text == '(' ? strtoul(text + 1, NULL, 10) : strlen(text);
            assert_true(len <= FRAME_PAYLOAD_MAX);
            data += strncmp(line, "DATA ", 5) == 0 ? len : 0;
            input += strncmp(line, "STDIN ", 6) == 0 ? len : 0;
        }
        assert_int_equal(data, sizes[i]);
        assert_int_equal(input, sizes[i]);
        end_close(&stage);
    }
    free(bytes);
}

/* An agent that reads nothing: a bounded part of its job waits to be sent, and the cell can be ended. */
static void test_deaf_agent(void **state)
{
    size_t size = 16u << 20;
    char *bytes = calloc(1, size);
    struct stage stage;

    (void)state;
    open_ready(&stage);
    fake_stop_reading(sim_last(&stage.sim)->client);
    stage_give_input(&stage, bytes, size);
    stage_run(&stage, NULL);
    sim_idle(&stage.sim);
    assert_true(attach_queued(stage.cell->attach) <= 2 * CELL_INPUT_MAX);
    assert_false(stage.done);
    end_close(&stage);
    free(bytes);
}

static void say_much(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, FRAME_STEP_COMPILE, FRAME_STDERR, "warning");
    sim_end(sim, box, FRAME_STEP_COMPILE, (struct frame_step_end){.wall_ns = 1});
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "o1");
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDERR, "e1");
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_RESULT, "r1");
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "");
    sim_end(sim, box, FRAME_STEP_RUN,
            (struct frame_step_end){.exit_code = 137,
                                    .signal = 9,
                                    .flags = FRAME_TIMED_OUT | FRAME_STDERR_TRUNCATED,
                                    .wall_ns = 1ull << 40,
                                    .cpu_ns = 3,
                                    .peak_bytes = 5ull << 33});
    sim_done(sim, box);
}

/* However the stream is cut, the same events come. */
static void test_frames_in_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 60; piece++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.piece = piece;
        stage.sim.program = say_much;
        stage_run(&stage, NULL);
        sim_until(&stage.sim, stage.done);
        sim_traced(&stage.sim, "err:warning end:0 out:o1 err:e1 result:r1 out: end:137 DONE:0 ");
        assert_int_equal(stage.end.signal, 9);
        assert_int_equal(stage.end.flags, FRAME_TIMED_OUT | FRAME_STDERR_TRUNCATED);
        assert_int_equal(stage.end.wall_ns, 1ull << 40);
        assert_int_equal(stage.end.cpu_ns, 3);
        assert_int_equal(stage.end.peak_bytes, 5ull << 33);
        end_close(&stage);
    }
}

#define HUGE_FRAMES 40u

static void say_huge(struct sim *sim, struct sim_box *box)
{
    char *text = malloc(FRAME_PAYLOAD_MAX);

    assert_non_null(text);
    for (unsigned i = 0; i < HUGE_FRAMES; i++) {
        memset(text, 'a' + (int)(i % 26), FRAME_PAYLOAD_MAX);
        sim_frame(sim, box, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_STDOUT, text, FRAME_PAYLOAD_MAX);
    }
    free(text);
    sim_hello(sim, box);
}

static void test_huge_output(void **state)
{
    static const size_t pieces[] = {0, 65536, 1000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.piece = pieces[i];
        stage.sim.program = say_huge;
        stage_run(&stage, NULL);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.output.len, HUGE_FRAMES * FRAME_PAYLOAD_MAX + 6);
        for (unsigned f = 0; f < HUGE_FRAMES; f++) {
            assert_int_equal(stage.output.data[(size_t)f * FRAME_PAYLOAD_MAX], 'a' + f % 26);
            assert_int_equal(stage.output.data[((size_t)f + 1) * FRAME_PAYLOAD_MAX - 1], 'a' + f % 26);
        }
        end_close(&stage);
    }
}

/* Frames that do not fit end the job as lost. */
static void test_frames_that_do_not_fit(void **state)
{
    static const char zeros[FRAME_STEP_END_SIZE + 1], bad_exit[FRAME_STEP_END_SIZE] = {0, 1},
                                                      bad_signal[FRAME_STEP_END_SIZE] = {0, 0, 0, 0, 65};
    static const struct {
        int type, step, channel;
        const char *data;
        size_t len;
    } cases[] = {
        {FRAME_OUTPUT, 0, FRAME_STDOUT, "x", 1},
        {FRAME_OUTPUT, 3, FRAME_STDOUT, "x", 1},
        {FRAME_OUTPUT, FRAME_STEP_RUN, 0, "x", 1},
        {FRAME_OUTPUT, FRAME_STEP_RUN, 4, "x", 1},
        {FRAME_STEP_END, FRAME_STEP_RUN, 0, zeros, FRAME_STEP_END_SIZE - 1},
        {FRAME_STEP_END, FRAME_STEP_RUN, 0, zeros, FRAME_STEP_END_SIZE + 1},
        {FRAME_STEP_END, 0, 0, zeros, FRAME_STEP_END_SIZE},
        {FRAME_STEP_END, FRAME_STEP_RUN, 0, bad_exit, FRAME_STEP_END_SIZE},
        {FRAME_STEP_END, FRAME_STEP_RUN, 0, bad_signal, FRAME_STEP_END_SIZE},
        {FRAME_DONE, 0, 0, "", 0},
        {FRAME_DONE, 0, 0, "\2\0\0\0\0\0\0", 8},
        {FRAME_READY, 0, 0, "\1\0\0\0", 4},
        {FRAME_ENV, 0, 0, "A=b", 3},
        {0, 0, 0, "", 0},
        {200, 0, 0, "", 0},
        {FRAME_FAILED, 0, 0, "\2\0\0\0", 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        open_ready(&stage);
        stage_run(&stage, NULL);
        sim_frame(&stage.sim, sim_last(&stage.sim), cases[i].type, cases[i].step, cases[i].channel, cases[i].data,
                  cases[i].len);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_LOST);
        assert_int_equal(stage.output.len, 0);
        end_close(&stage);
    }
}

static void test_garbage_while_running(void **state)
{
    static const char long_frame[FRAME_HEADER] = {FRAME_OUTPUT, 2, 1, 0, 1, 0, 2, 0}; /* FRAME_PAYLOAD_MAX + 1 */
    static const char reserved[FRAME_HEADER] = {FRAME_DONE, 0, 0, 1};
    static const char *const cases[] = {long_frame, reserved};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        open_ready(&stage);
        stage_run(&stage, NULL);
        sim_say(&stage.sim, sim_last(&stage.sim), cases[i], FRAME_HEADER);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_LOST);
        end_close(&stage);
    }
}

static void test_agent_says_failed(void **state)
{
    static const struct {
        enum frame_failure failure;
        enum cell_outcome outcome;
    } cases[] = {{FRAME_FAIL_FRAME, CELL_LOST},     {FRAME_FAIL_SPACE, CELL_NO_SPACE},
                 {FRAME_FAIL_FILE, CELL_BAD_FILE},  {FRAME_FAIL_EXEC, CELL_NO_PROGRAM},
                 {FRAME_FAIL_SYSTEM, CELL_LOST},    {(enum frame_failure)99, CELL_LOST},
                 {(enum frame_failure)0, CELL_LOST}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        open_ready(&stage);
        stage_run(&stage, NULL);
        sim_failed(&stage.sim, sim_last(&stage.sim), cases[i].failure);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, cases[i].outcome);
        assert_int_equal(stage.cell->outcome, cases[i].outcome); /* which is what forbids a reset */
        end_close(&stage);
    }
}

/* The agent is gone: the engine is asked why. */
static void test_stream_ends(void **state)
{
    static const struct {
        struct sim_rule rule;
        bool oom_killed;
        enum cell_outcome outcome;
    } cases[] = {
        {{0}, true, CELL_OUT_OF_MEMORY},
        {{0}, false, CELL_LOST},
        {{.times = 1, .status = 404}, true, CELL_LOST},
        {{.times = 1, .raw = "HTTP/1.1 200 O\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"},
         true,
         CELL_LOST},
        {{.times = 1, .raw = "SSH-2.0\r\n", .hang_up = true}, true, CELL_LOST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.oom_killed = cases[i].oom_killed;
        sim_script(&stage.sim, SIM_INSPECT, cases[i].rule);
        stage_run(&stage, NULL);
        sim_output(&stage.sim, sim_last(&stage.sim), FRAME_STEP_RUN, FRAME_STDOUT, "so far");
        sim_until(&stage.sim, stage.output.len == 6);
        sim_die(sim_last(&stage.sim));
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, cases[i].outcome);
        end_close(&stage);
    }
}

/* An engine that does not even answer why: the job's own deadline strikes. */
static void test_no_word_of_why(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    sim_script(&stage.sim, SIM_INSPECT, (struct sim_rule){.times = 1});
    stage_run(&stage, NULL);
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim, stage.sim.counts[SIM_INSPECT] == 1);
    sim_idle(&stage.sim);
    stage.end_at_done = true;
    sim_skip(&stage.sim, 2000 + CELL_GRACE_MS);
    sim_until(&stage.sim, stage.gone);
    assert_int_equal(stage.outcome, CELL_UNRESPONSIVE);
    stage_close(&stage);
}

static void test_end_while_inspecting(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    sim_hold(&stage.sim, SIM_INSPECT);
    stage_run(&stage, NULL);
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim, stage.sim.counts[SIM_INSPECT] == 1);
    stage_end(&stage);
    assert_false(stage.done);
    sim_release(&stage.sim, SIM_INSPECT);
    sim_idle(&stage.sim);
    assert_false(stage.done);
    stage_close(&stage);
}

/* The start call's answer is still on its way when the stream ends, or when it turns out to be a refusal. */
static void test_late_start(void **state)
{
    static const bool dies[] = {true, false};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open(&stage);
        sim_script(&stage.sim, SIM_START, (struct sim_rule){.times = 1});
        stage_make(&stage);
        sim_until(&stage.sim, stage.sim.counts[SIM_START] == 1);
        sim_ready(&stage.sim, sim_last(&stage.sim));
        sim_until(&stage.sim, stage.ready);
        stage_run(&stage, NULL);
        if (dies[i]) {
            stage.sim.oom_killed = true;
            sim_die(sim_last(&stage.sim));
        } else {
            fake_drop_call(&stage.sim.fake);
        }
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, dies[i] ? CELL_OUT_OF_MEMORY : CELL_LOST);
        end_close(&stage);
    }
}

/* No word past the steps' own times and the grace. */
static void test_unresponsive(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage_run(&stage, NULL);
    sim_idle(&stage.sim);
    sim_skip(&stage.sim, 2000 + CELL_GRACE_MS - 3000);
    sim_idle(&stage.sim);
    assert_false(stage.done);
    sim_skip(&stage.sim, 3100);
    sim_until(&stage.sim, stage.done);
    sim_traced(&stage.sim, "DONE:5 ");
    assert_int_equal(stage.outcome, CELL_UNRESPONSIVE);
    end_close(&stage);
}

static void test_compile_step_has_its_own_time(void **state)
{
    const struct cell_job job = {.env = stage_env,
                                 .compile = {.argv = stage_argv, .timeout_ms = 30000, .output_max = 1024},
                                 .run = {.argv = stage_argv, .timeout_ms = 2000, .output_max = 1024}};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage_run_job(&stage, &job, NULL);
    sim_idle(&stage.sim);
    sim_skip(&stage.sim, 2000 + CELL_GRACE_MS + 1000);
    sim_idle(&stage.sim);
    assert_false(stage.done);
    sim_skip(&stage.sim, 30000);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_UNRESPONSIVE);
    end_close(&stage);
}

/* Limits. */

static void test_limits_are_updated(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.memory_mb = 1024;
    limits.milli_cpus = 2000;
    limits.processes = 9;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run(&stage, &limits);
    assert_int_equal(cell_state(stage.cell), CELL_UPDATING);
    sim_until(&stage.sim, stage.done);
    sim_traced(&stage.sim, "update out:hello end:0 DONE:0 ");
    json_t *body = json_loads(stage.sim.last_body[SIM_UPDATE], 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(body, "Memory")), (1024 + 50 + CELL_AGENT_MB) << 20);
    assert_int_equal(json_integer_value(json_object_get(body, "MemorySwap")), (1024 + 50 + CELL_AGENT_MB) << 20);
    assert_int_equal(json_integer_value(json_object_get(body, "NanoCpus")), 2000000000);
    assert_int_equal(json_integer_value(json_object_get(body, "PidsLimit")),
                     9 + CELL_AGENT_PROCESSES + CELL_KEEPER_PROCESSES);
    json_decref(body);
    end_close(&stage);
}

static void test_same_limits_need_no_call(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run(&stage, &stage_kind.limits);
    sim_until(&stage.sim, stage.done);
    sim_traced(&stage.sim, "out:hello end:0 DONE:0 ");
    end_close(&stage);
}

static void test_update_is_refused(void **state)
{
    static const struct sim_rule rules[] = {
        {.times = 1, .status = 500}, {.times = 1, .status = 404}, {.times = 1, .raw = "no", .hang_up = true}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct cell_limits limits = stage_kind.limits;
        struct stage stage;

        limits.processes++;
        open_ready(&stage);
        sim_script(&stage.sim, SIM_UPDATE, rules[i]);
        stage_run(&stage, &limits);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_LOST);
        assert_int_equal(sim_last(&stage.sim)->job.len, 0); /* nothing was sent */
        end_close(&stage);
    }
}

static void test_agent_dies_while_updating(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.processes++;
    open_ready(&stage);
    sim_hold(&stage.sim, SIM_UPDATE);
    stage_run(&stage, &limits);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 1);
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_LOST);
    end_close(&stage);
}

/* After the job. */

static void test_words_after_done(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.done);
    sim_output(&stage.sim, sim_last(&stage.sim), FRAME_STEP_RUN, FRAME_STDOUT, "more");
    sim_idle(&stage.sim);
    sim_traced(&stage.sim, "out:hello end:0 DONE:0 "); /* the output after DONE is dropped */
    assert_int_equal(cell_state(stage.cell), CELL_RUNNING);
    end_close(&stage);
}

static void test_dies_after_done(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.done);
    sim_die(sim_last(&stage.sim));
    sim_idle(&stage.sim);
    assert_int_equal(cell_state(stage.cell), CELL_RUNNING);
    sim_traced(&stage.sim, "out:hello end:0 DONE:0 ");
    end_close(&stage);
}

static void test_end_within_done(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.end_at_done = true;
    stage.sim.program = sim_hello;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "out:hello end:0 DONE:0 ENDING remove GONE ");
    stage_close(&stage);
}

static void test_end_while_running(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage_run(&stage, NULL);
    sim_until(&stage.sim, sim_last(&stage.sim)->job.len > 0);
    stage_end(&stage);
    sim_traced(&stage.sim, "ENDING remove GONE ");
    assert_false(stage.done);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_nothing_but_a_program),
        cmocka_unit_test(test_another_job),
        cmocka_unit_test(test_another_job_without_stream),
        cmocka_unit_test(test_large_jobs),
        cmocka_unit_test(test_deaf_agent),
        cmocka_unit_test(test_frames_in_pieces),
        cmocka_unit_test(test_huge_output),
        cmocka_unit_test(test_frames_that_do_not_fit),
        cmocka_unit_test(test_garbage_while_running),
        cmocka_unit_test(test_agent_says_failed),
        cmocka_unit_test(test_stream_ends),
        cmocka_unit_test(test_no_word_of_why),
        cmocka_unit_test(test_end_while_inspecting),
        cmocka_unit_test(test_late_start),
        cmocka_unit_test(test_unresponsive),
        cmocka_unit_test(test_compile_step_has_its_own_time),
        cmocka_unit_test(test_limits_are_updated),
        cmocka_unit_test(test_same_limits_need_no_call),
        cmocka_unit_test(test_update_is_refused),
        cmocka_unit_test(test_agent_dies_while_updating),
        cmocka_unit_test(test_words_after_done),
        cmocka_unit_test(test_dies_after_done),
        cmocka_unit_test(test_end_within_done),
        cmocka_unit_test(test_end_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
