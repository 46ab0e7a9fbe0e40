/* Before a job and between two: an interpreter that is started ahead, a cell that is reset. */
#include "cell_stage.h"

static void end_close(struct stage *stage)
{
    stage_end(stage);
    stage_close(stage);
}

static void prepare(struct stage *stage)
{
    stage->prepared = false;
    cell_prewarm(stage->cell);
    assert_int_equal(cell_warmth(stage->cell), CELL_PREWARMING);
}

static void prepare_until(struct stage *stage)
{
    prepare(stage);
    sim_until(&stage->sim, stage->prepared);
}

static void gone_because(struct stage *stage, const char *reason)
{
    sim_until(&stage->sim, stage->gone);
    assert_string_equal(stage->error.text, reason);
    assert_int_equal(stage->error.code, ERROR_INTERNAL);
    assert_int_equal(sim_alive(&stage->sim), 0);
}

/* Preparing. */

static void test_prepared_then_a_job(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    assert_int_equal(cell_warmth(stage.cell), CELL_BLANK);
    assert_int_equal(cell_prewarmed_bytes(stage.cell), 0);
    prepare_until(&stage);
    assert_int_equal(cell_warmth(stage.cell), CELL_PREWARMED);
    assert_int_equal(cell_prewarmed_bytes(stage.cell), 9u << 20);
    assert_int_equal(cell_jobs(stage.cell), 0);
    sim_skip(&stage.sim, CELL_PREWARM_MS + 1000);
    sim_idle(&stage.sim);
    stage_run_until_done(&stage, NULL);
    assert_int_equal(stage.outcome, CELL_DONE);
    assert_int_equal(cell_jobs(stage.cell), 1);
    sim_traced(&stage.sim, "prepare HELD out:hello end:0 DONE:0 ");
    const char *job = strstr(sim_last(&stage.sim)->job.data, "PREPARE\n");
    assert_non_null(job);
    assert_memory_equal(sim_last(&stage.sim)->job.data, "ENV LANG=C.UTF-8\nENV A=b\n", 25);
    assert_non_null(strstr(sim_last(&stage.sim)->job.data, " python3 main.py\nPREPARE\n"));
    assert_string_equal(job, "PREPARE\nENV A=b\nSTEP2 2000 1024 256M python3 main.py\nSTART\nSTDIN_END\n");
    end_close(&stage);
}

/* A compiler is the step that its job begins with. */
static void test_a_compile_step_prepared(void **state)
{
    static const char *const argv[] = {"cc", "main.c", NULL};
    const struct cell_kind kind = {.language = "c",
                                   .prewarm_env = stage_prewarm_env,
                                   .prewarm_argv = argv,
                                   .prewarm_step = FRAME_STEP_COMPILE,
                                   .prewarm_hold = FRAME_HOLD_OPEN,
                                   .compile_memory_mb = 300};
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.cell->kind = &kind;
    prepare_until(&stage);
    assert_int_equal(cell_warmth(stage.cell), CELL_PREWARMED);
    assert_non_null(strstr(sim_last(&stage.sim)->job.data, "STEP1 1 0 300M cc main.c\nPREPARE\n"));
    stage_run_until_done(&stage, NULL);
    sim_traced(&stage.sim, "prepare HELD out:hello end:0 DONE:0 ");
    end_close(&stage);
}

static void test_could_not_be_held(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.sim.on_prepare = SIM_BAD;
    prepare_until(&stage);
    assert_int_equal(cell_warmth(stage.cell), CELL_NOT_PREWARMED);
    assert_int_equal(cell_prewarmed_bytes(stage.cell), 0);
    stage_run_until_done(&stage, NULL);
    sim_traced(&stage.sim, "prepare UNHELD out:hello end:0 DONE:0 ");
    end_close(&stage);
}

static void test_nobody_listens(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.owner.on_prewarmed = NULL;
    prepare(&stage);
    sim_until(&stage.sim, cell_warmth(stage.cell) == CELL_PREWARMED);
    end_close(&stage);
}

/* A job that comes first takes the deadline away, and PREPARED then says nothing to the owner. */
static void test_job_before_prepared(void **state)
{
    static const bool answered[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage.sim.on_prepare = SIM_SILENT;
        stage.sim.program = NULL;
        prepare(&stage);
        stage_run(&stage, NULL);
        struct sim_box *box = sim_last(&stage.sim);
        sim_until(&stage.sim, box->busy);
        if (answered[i]) {
            sim_prepared(&stage.sim, box, true, 5);
            sim_until(&stage.sim, cell_warmth(stage.cell) == CELL_PREWARMED);
            assert_int_equal(cell_prewarmed_bytes(stage.cell), 5);
        }
        sim_hello(&stage.sim, box);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_DONE);
        sim_skip(&stage.sim, CELL_PREWARM_MS + 1000);
        sim_idle(&stage.sim);
        assert_false(stage.ending);
        sim_traced(&stage.sim, "prepare out:hello end:0 DONE:0 ");
        end_close(&stage);
    }
}

/* Not even with limits of its own, which are asked of the engine meanwhile. */
static void test_prepared_while_updating(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.memory_mb++;
    stage_open_ready(&stage);
    stage.sim.on_prepare = SIM_SILENT;
    sim_hold(&stage.sim, SIM_UPDATE);
    prepare(&stage);
    stage_run(&stage, &limits);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 1 && sim_last(&stage.sim)->prepared);
    sim_prepared(&stage.sim, sim_last(&stage.sim), true, 5);
    sim_until(&stage.sim, cell_warmth(stage.cell) == CELL_PREWARMED);
    assert_int_equal(cell_state(stage.cell), CELL_UPDATING);
    assert_false(stage.prepared);
    sim_skip(&stage.sim, CELL_PREWARM_MS + 1000); /* that deadline is over, the call's is not */
    sim_idle(&stage.sim);
    assert_false(stage.done);
    sim_release(&stage.sim, SIM_UPDATE);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_DONE);
    end_close(&stage);
}

static void test_limits_of_a_held_cell(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.processes++;
    stage_open_ready(&stage);
    prepare_until(&stage);
    stage_run_until_done(&stage, &limits);
    sim_traced(&stage.sim, "prepare HELD update out:hello end:0 DONE:0 ");
    assert_int_equal(cell_limits(stage.cell)->processes, limits.processes);
    end_close(&stage);
}

/* PREPARED without PREPARE, and payloads that are not PREPARED's. */
static void test_bad_prepared(void **state)
{
    static const uint8_t two[FRAME_PREPARED_SIZE] = {2}, reserved[FRAME_PREPARED_SIZE] = {1, 0, 0, 0, 1},
                         good[FRAME_PREPARED_SIZE + 1] = {1};
    static const struct {
        bool asked, running;
        const uint8_t *data;
        size_t len;
    } cases[] = {
        {false, false, good, FRAME_PREPARED_SIZE},    {false, true, good, FRAME_PREPARED_SIZE},
        {true, false, good, FRAME_PREPARED_SIZE - 1}, {true, false, good, FRAME_PREPARED_SIZE + 1},
        {true, false, two, FRAME_PREPARED_SIZE},      {true, false, reserved, FRAME_PREPARED_SIZE},
        {true, true, good, FRAME_PREPARED_SIZE - 1},  {true, true, two, FRAME_PREPARED_SIZE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage.sim.on_prepare = SIM_SILENT;
        stage.sim.program = NULL;
        stage.end_at_done = true;
        if (cases[i].asked)
            prepare(&stage);
        if (cases[i].running)
            stage_run(&stage, NULL);
        sim_frame(&stage.sim, sim_last(&stage.sim), FRAME_PREPARED, 0, 0, cases[i].data, cases[i].len);
        sim_until(&stage.sim, stage.gone);
        assert_int_equal(stage.done, cases[i].running);
        assert_int_equal(stage.outcome, cases[i].running ? CELL_LOST : 0);
        assert_string_equal(stage.error.text,
                            cases[i].running ? "unexpected frame of type 69" : "unexpected frame in state ready");
        stage_close(&stage);
    }
}

static void test_prepared_twice(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    prepare_until(&stage);
    sim_prepared(&stage.sim, sim_last(&stage.sim), true, 5);
    gone_because(&stage, "unexpected frame in state ready");
    stage_close(&stage);
}

static void test_never_prepared(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.sim.on_prepare = SIM_SILENT;
    prepare(&stage);
    sim_until(&stage.sim, sim_last(&stage.sim)->prepared);
    sim_skip(&stage.sim, CELL_PREWARM_MS - 1000);
    sim_idle(&stage.sim);
    assert_false(stage.ending);
    sim_skip(&stage.sim, 1100);
    gone_because(&stage, "the interpreter did not start within 25000 ms");
    sim_traced(&stage.sim, "prepare FAILED remove GONE ");
    stage_close(&stage);
}

static void test_dies_while_preparing(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.sim.on_prepare = SIM_DEATH;
    prepare(&stage);
    gone_because(&stage, "the stream ended in state ready: end of file");
    sim_traced(&stage.sim, "prepare FAILED remove GONE ");
    stage_close(&stage);
}

/* With a job in it by then, its taker hears of it. */
static void test_dies_while_preparing_with_a_job(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.sim.on_prepare = SIM_DEATH;
    stage.sim.oom_killed = true;
    prepare(&stage);
    stage_run_until_done(&stage, NULL);
    assert_int_equal(stage.outcome, CELL_OUT_OF_MEMORY);
    assert_false(stage.ending);
    end_close(&stage);
}

static void test_end_while_preparing(void **state)
{
    static const bool held[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage.sim.on_prepare = held[i] ? SIM_GOOD : SIM_SILENT;
        prepare(&stage);
        if (held[i])
            sim_until(&stage.sim, stage.prepared);
        stage_end(&stage);
        assert_int_equal(stage.error.code, ERROR_NONE);
        sim_skip(&stage.sim, CELL_PREWARM_MS + 1000);
        sim_idle(&stage.sim);
        stage_close(&stage);
    }
}

/* A step that fits in no frame fails later, from the loop; a job that comes before that runs. */
static void test_cannot_be_asked(void **state)
{
    static const bool with_job[] = {false, true};
    static char too_long[FRAME_PAYLOAD_MAX + 1];
    static const char *const argv[] = {too_long, NULL};
    const struct cell_kind kind = {.language = "python", .prewarm_env = stage_prewarm_env, .prewarm_argv = argv};

    (void)state;
    memset(too_long, 'x', sizeof too_long - 1);
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage.cell->kind = &kind;
        prepare(&stage);
        assert_false(stage.ending);
        if (with_job[i]) {
            stage_run_until_done(&stage, NULL);
            sim_traced(&stage.sim, "out:hello end:0 DONE:0 ");
            stage_end(&stage);
        } else {
            gone_because(&stage, "the request to the agent could not be sent");
        }
        stage_close(&stage);
    }
}

/* Resetting. */

static void test_many_jobs(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.memory_mb++;
    stage_open_ready(&stage);
    for (unsigned i = 1; i <= 5; i++) {
        if (i % 2 == 1)
            prepare_until(&stage);
        stage_run_until_done(&stage, i < 3 ? NULL : &limits); /* a call for the third alone */
        assert_int_equal(cell_jobs(stage.cell), i);
        stage_reset(&stage);
        sim_until(&stage.sim, stage.ready);
        assert_int_equal(cell_state(stage.cell), CELL_READY);
        assert_int_equal(cell_warmth(stage.cell), CELL_BLANK);
        assert_int_equal(cell_prewarmed_bytes(stage.cell), 0);
        assert_int_equal(cell_limits(stage.cell)->memory_mb, i < 3 ? 256 : 257);
    }
    sim_traced(&stage.sim, "prepare HELD out:hello end:0 DONE:0 reset READY "
                           "out:hello end:0 DONE:0 reset READY "
                           "prepare HELD update out:hello end:0 DONE:0 reset READY "
                           "out:hello end:0 DONE:0 reset READY "
                           "prepare HELD out:hello end:0 DONE:0 reset READY ");
    assert_int_equal(sim_last(&stage.sim)->jobs, 5);
    assert_int_equal(sim_last(&stage.sim)->resets, 5);
    sim_skip(&stage.sim, CELL_RESET_MS + CELL_PREWARM_MS + CELL_GRACE_MS);
    sim_idle(&stage.sim);
    assert_false(stage.ending); /* no deadline is left over */
    end_close(&stage);
}

static void on_done_reset(void *arg, enum cell_outcome outcome)
{
    struct stage *stage = arg;

    stage_on_done(arg, outcome);
    stage_reset(stage);
}

static void test_reset_within_done(void **state)
{
    static const struct cell_events events = {
        .on_output = stage_on_output, .on_step_end = stage_on_step_end, .on_done = on_done_reset};
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    cell_run(stage.cell, &stage_job, NULL, &events, &stage);
    stage.ready = false;
    sim_until(&stage.sim, stage.ready);
    sim_traced(&stage.sim, "out:hello end:0 DONE:0 reset READY ");
    end_close(&stage);
}

/* A program that reads nothing of a large input: its end is sent all the same, then RESET, then the next job. */
static void test_input_that_was_not_read(void **state)
{
    size_t size = 16u << 20;
    char *bytes = calloc(1, size);
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    struct sim_box *box = sim_last(&stage.sim);
    stage_give_input(&stage, bytes, size);
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.done);
    assert_true(stage.input_fed < size); /* more than the socket took was left */
    stage_give_input(&stage, NULL, 0);
    stage_reset(&stage);
    sim_until(&stage.sim, stage.ready);
    size_t sent = 0;
    for (const char *at = box->job.data; (at = strstr(at, "STDIN (")) != NULL; at++)
        sent += strtoul(at + 7, NULL, 10);
    assert_true(sent < size);
    assert_non_null(strstr(box->job.data, "STDIN_END\nRESET\n"));
    stage_run_until_done(&stage, NULL);
    assert_string_equal(strstr(box->job.data, "RESET\n"),
                        "RESET\nENV A=b\nSTEP2 2000 1024 256M python3 main.py\nSTART\nSTDIN_END\n");
    end_close(&stage);
    free(bytes);
}

static void test_reset_fails(void **state)
{
    static const struct {
        enum sim_word word;
        const char *reason;
    } cases[] = {
        {SIM_BAD, "no capsule: stage proc: EPERM"},
        {SIM_DEATH, "the stream ended in state resetting: end of file"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage.sim.on_reset = cases[i].word;
        stage_run_until_done(&stage, NULL);
        stage_reset(&stage);
        gone_because(&stage, cases[i].reason);
        sim_traced(&stage.sim, "out:hello end:0 DONE:0 reset FAILED remove GONE ");
        stage_close(&stage);
    }
}

static void test_never_reset(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.sim.on_reset = SIM_SILENT;
    stage_run_until_done(&stage, NULL);
    stage_reset(&stage);
    sim_until(&stage.sim, sim_last(&stage.sim)->resets == 1);
    sim_skip(&stage.sim, CELL_RESET_MS - 1000);
    sim_idle(&stage.sim);
    assert_false(stage.ending);
    sim_skip(&stage.sim, 1100);
    gone_because(&stage, "not reset within 5000 ms");
    stage_close(&stage);
}

/* Output of what should be dead, another protocol's READY, or anything else instead of READY. */
static void test_bad_words_while_resetting(void **state)
{
    static const struct {
        int type, step, channel;
        const char *data;
        size_t len;
    } cases[] = {
        {FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_STDOUT, "x", 1},
        {FRAME_DONE, 0, 0, "", 0},
        {FRAME_READY, 0, 0, "\6\0\0\0", 4},
        {FRAME_READY, 0, 0, "\5\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24}, /* version 5 */
        {FRAME_PREPARED, 0, 0, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16},
        {FRAME_FAILED, 0, 0, "\6\0\0\0\0\0\0\0\0\0\0", 12},
        {200, 0, 0, "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char reason[64];
        struct stage stage;

        stage_open_ready(&stage);
        stage.sim.on_reset = SIM_SILENT;
        stage_run_until_done(&stage, NULL);
        stage_reset(&stage);
        sim_frame(&stage.sim, sim_last(&stage.sim), cases[i].type, cases[i].step, cases[i].channel, cases[i].data,
                  cases[i].len);
        if (cases[i].type == FRAME_READY)
            snprintf(reason, sizeof reason, "unexpected READY in state resetting");
        else
            snprintf(reason, sizeof reason, "unexpected frame of type %d in state resetting", cases[i].type);
        gone_because(&stage, reason);
        assert_false(stage.ready);
        assert_int_equal(stage.output.len, 6); /* the rest is dropped */
        stage_close(&stage);
    }
}

/* After DONE the stream ended, or was dropped because of a frame too many: a reset then fails. */
static void test_reset_of_a_lost_stream(void **state)
{
    static const bool dies[] = {true, false};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage_run_until_done(&stage, NULL);
        if (dies[i])
            sim_die(sim_last(&stage.sim));
        else
            sim_output(&stage.sim, sim_last(&stage.sim), FRAME_STEP_RUN, FRAME_STDOUT, "more");
        sim_until(&stage.sim, stage.cell->attach == NULL);
        stage_reset(&stage);
        assert_false(stage.ending);
        gone_because(&stage, "the request to the agent could not be sent");
        sim_traced(&stage.sim, "out:hello end:0 DONE:0 FAILED remove GONE ");
        stage_close(&stage);
    }
}

static void test_end_while_resetting(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    stage.sim.on_reset = SIM_SILENT;
    stage_run_until_done(&stage, NULL);
    stage_reset(&stage);
    sim_until(&stage.sim, sim_last(&stage.sim)->resets == 1);
    stage_end(&stage);
    assert_int_equal(stage.error.code, ERROR_NONE);
    sim_skip(&stage.sim, CELL_RESET_MS + 1000);
    sim_idle(&stage.sim);
    sim_traced(&stage.sim, "out:hello end:0 DONE:0 reset ENDING remove GONE ");
    stage_close(&stage);
}

static void test_engine_goes_away(void **state)
{
    static const bool resetting[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open_ready(&stage);
        stage.sim.on_prepare = stage.sim.on_reset = SIM_SILENT;
        if (resetting[i]) {
            stage_run_until_done(&stage, NULL);
            stage_reset(&stage);
        } else {
            prepare(&stage);
        }
        sim_go_away(&stage.sim);
        sim_until(&stage.sim, stage.gone);
        assert_int_not_equal(stage.error.code, ERROR_NONE);
        stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepared_then_a_job),
        cmocka_unit_test(test_a_compile_step_prepared),
        cmocka_unit_test(test_could_not_be_held),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_job_before_prepared),
        cmocka_unit_test(test_prepared_while_updating),
        cmocka_unit_test(test_limits_of_a_held_cell),
        cmocka_unit_test(test_bad_prepared),
        cmocka_unit_test(test_prepared_twice),
        cmocka_unit_test(test_never_prepared),
        cmocka_unit_test(test_dies_while_preparing),
        cmocka_unit_test(test_dies_while_preparing_with_a_job),
        cmocka_unit_test(test_end_while_preparing),
        cmocka_unit_test(test_cannot_be_asked),
        cmocka_unit_test(test_many_jobs),
        cmocka_unit_test(test_reset_within_done),
        cmocka_unit_test(test_input_that_was_not_read),
        cmocka_unit_test(test_reset_fails),
        cmocka_unit_test(test_never_reset),
        cmocka_unit_test(test_bad_words_while_resetting),
        cmocka_unit_test(test_reset_of_a_lost_stream),
        cmocka_unit_test(test_end_while_resetting),
        cmocka_unit_test(test_engine_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
