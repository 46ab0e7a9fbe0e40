/* Executions: what becomes of every end that a cell can come to, and of cancelling at each point. */
#include "run_stage.h"

#include <signal.h>

enum { RUN = FRAME_STEP_RUN, COMPILE = FRAME_STEP_COMPILE };

static void ends_1(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, RUN, FRAME_STDERR, "oops");
    sim_end(sim, box, RUN, (struct frame_step_end){.exit_code = 1, .wall_ns = 5});
    sim_done(sim, box);
}

static void segfaults(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, RUN, (struct frame_step_end){.exit_code = 128 + SIGSEGV, .signal = SIGSEGV});
    sim_done(sim, box);
}

static void times_out(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, RUN, FRAME_STDOUT, "so far");
    sim_end(sim, box, RUN, (struct frame_step_end){.exit_code = 124, .flags = FRAME_TIMED_OUT});
    sim_done(sim, box);
}

static void goes_over_memory(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, RUN, (struct frame_step_end){.exit_code = 137, .signal = 9, .flags = FRAME_OUT_OF_MEMORY});
    sim_done(sim, box);
}

static void loses_a_child(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, RUN, (struct frame_step_end){.flags = FRAME_OUT_OF_MEMORY});
    sim_done(sim, box);
}

static void says_too_much(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, RUN, (struct frame_step_end){.flags = FRAME_STDOUT_TRUNCATED | FRAME_STDERR_TRUNCATED});
    sim_done(sim, box);
}

static void says_nothing_of_its_end(struct sim *sim, struct sim_box *box)
{
    sim_done(sim, box);
}

static void compiles(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, COMPILE, FRAME_STDERR, "warning");
    sim_end(sim, box, COMPILE, (struct frame_step_end){.wall_ns = 7, .flags = FRAME_STDERR_TRUNCATED});
    sim_hello(sim, box);
}

static void does_not_compile(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, COMPILE, FRAME_STDERR, "error");
    sim_end(sim, box, COMPILE, (struct frame_step_end){.exit_code = 1});
    sim_done(sim, box);
}

static void compiles_too_long(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){.exit_code = 124, .flags = FRAME_TIMED_OUT});
    sim_done(sim, box);
}

static void compiles_into_nothing(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, COMPILE, FRAME_STDERR, "odd");
    sim_end(sim, box, COMPILE, (struct frame_step_end){0});
    sim_failed(sim, box, FRAME_FAIL_EXEC);
}

static void compiles_over_memory(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, COMPILE, FRAME_STDERR, "killed");
    sim_end(sim, box, COMPILE, (struct frame_step_end){.exit_code = 1, .flags = FRAME_OUT_OF_MEMORY});
    sim_done(sim, box);
}

static void compiles_and_stops(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){0});
    sim_done(sim, box);
}

static void has_no_space(struct sim *sim, struct sim_box *box)
{
    sim_failed(sim, box, FRAME_FAIL_SPACE);
}

static void has_a_bad_file(struct sim *sim, struct sim_box *box)
{
    sim_failed(sim, box, FRAME_FAIL_FILE);
}

static void has_no_program(struct sim *sim, struct sim_box *box)
{
    sim_failed(sim, box, FRAME_FAIL_EXEC);
}

static void agent_breaks(struct sim *sim, struct sim_box *box)
{
    sim_failed(sim, box, FRAME_FAIL_SYSTEM);
}

static void agent_dies(struct sim *sim, struct sim_box *box)
{
    (void)sim;
    sim_die(box);
}

static void test_ends(void **state)
{
    static const char lost[] = "the container ended unexpectedly";
    static const struct {
        void (*program)(struct sim *sim, struct sim_box *box);
        struct language *language;
        bool oom_killed;
        struct ended expected;
    } cases[] = {
        {sim_hello, &python, false, {.status = RECORD_COMPLETED, .out = "hello\n"}},
        {ends_1, &python, false, {.status = RECORD_FAILED, .exit_code = 1, .err = "oops"}},
        {segfaults, &python, false, {.status = RECORD_FAILED, .exit_code = 139, .signal = SIGSEGV}},
        {times_out, &python, false, {.status = RECORD_TIMED_OUT, .exit_code = 124, .timed_out = true, .out = "so far"}},
        {goes_over_memory,
         &python,
         false,
         {.status = RECORD_OUT_OF_MEMORY, .exit_code = 137, .signal = 9, .memory_struck = true}},
        {loses_a_child, &python, false, {.status = RECORD_COMPLETED, .memory_struck = true}},
        {says_too_much, &python, false, {.status = RECORD_COMPLETED, .out_cut = true, .err_cut = true}},
        {says_nothing_of_its_end, &python, false, {.status = RECORD_FAILED, .failure = lost}},
        {compiles,
         &c,
         false,
         {.status = RECORD_COMPLETED,
          .compiled = true,
          .out = "hello\n",
          .compile_err = "warning",
          .compile_err_cut = true}},
        {does_not_compile,
         &c,
         false,
         {.status = RECORD_COMPILE_FAILED,
          .compiled = true,
          .exit_code = 1,
          .compile_exit_code = 1,
          .compile_err = "error"}},
        {compiles_too_long,
         &c,
         false,
         {.status = RECORD_COMPILE_FAILED,
          .compiled = true,
          .exit_code = 124,
          .compile_exit_code = 124,
          .compile_timed_out = true}},
        {compiles_over_memory,
         &c,
         false,
         {.status = RECORD_OUT_OF_MEMORY,
          .compiled = true,
          .memory_struck = true,
          .exit_code = 1,
          .compile_exit_code = 1,
          .compile_err = "killed"}},
        {compiles_into_nothing,
         &c,
         false,
         {.status = RECORD_COMPILE_FAILED,
          .compiled = true,
          .exit_code = 1,
          .compile_exit_code = 1,
          .compile_err = "odd\ncodecell: the compiler succeeded but left no program ./a.out to run (a "
                         "library, or a program without a main function?)\n"}},
        {agent_dies,
         &c,
         true,
         {.status = RECORD_OUT_OF_MEMORY,
          .exit_code = 137,
          .signal = 9,
          .memory_struck = true,
          .compiled = true,
          .compile_exit_code = 137}},
        {compiles_and_stops, &c, false, {.status = RECORD_FAILED, .failure = lost, .compiled = true}},
        {has_no_space,
         &python,
         false,
         {.status = RECORD_FAILED, .failure = "the program and its files do not fit into limits.disk_mb"}},
        {has_a_bad_file,
         &python,
         false,
         {.status = RECORD_FAILED, .failure = "a file of the request could not be written"}},
        {has_no_program,
         &python,
         false,
         {.status = RECORD_FAILED, .failure = "the language's program could not be started"}},
        {agent_breaks, &python, false, {.status = RECORD_FAILED, .failure = lost}},
        {agent_dies, &python, false, {.status = RECORD_FAILED, .failure = lost}},
        {agent_dies,
         &python,
         true,
         {.status = RECORD_OUT_OF_MEMORY, .exit_code = 137, .signal = 9, .memory_struck = true}},
    };
    struct stage stage;

    (void)state;
    stage_open(&stage);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ended *e = &cases[i].expected, *got = &stage.ended[0];

        stage.ended_len = 0;
        stage.sim.program = cases[i].program;
        stage.sim.oom_killed = cases[i].oom_killed;
        stage_submit(&stage, cases[i].language);
        sim_until(&stage.sim, stage.ended_len == 1);
        assert_int_equal(got->status, e->status);
        assert_string_equal(got->failure != NULL ? got->failure : "", e->failure != NULL ? e->failure : "");
        assert_false(got->unavailable);
        assert_int_equal(got->timed_out, e->timed_out);
        assert_int_equal(got->memory_struck, e->memory_struck);
        assert_int_equal(got->compiled, e->compiled);
        assert_int_equal(got->compile_timed_out, e->compile_timed_out);
        assert_int_equal(got->compile_exit_code, e->compile_exit_code);
        assert_int_equal(got->compile_err_cut, e->compile_err_cut);
        assert_int_equal(got->out_cut, e->out_cut);
        assert_int_equal(got->err_cut, e->err_cut);
        assert_string_equal(got->out, e->out);
        assert_string_equal(got->err, e->err);
        assert_string_equal(got->compile_err, e->compile_err);
        assert_true(got->queue_ns >= 0);
        if (e->failure == NULL) {
            assert_int_equal(got->exit_code, e->exit_code);
            assert_int_equal(got->signal, e->signal);
        }
        stage_recorded(&stage, got); /* committed before it was told */
        sim_until(&stage.sim, sim_alive(&stage.sim) == 0);
    }
    stage_close(&stage);
}

/* What the server itself cuts where the agent did not. */
static void floods(struct sim *sim, struct sim_box *box)
{
    char text[700];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sim_output(sim, box, RUN, FRAME_STDOUT, text);
    sim_output(sim, box, RUN, FRAME_STDOUT, text);
    sim_hello(sim, box);
}

static void test_output_is_capped(void **state)
{
    struct stage stage;
    struct record record;

    (void)state;
    stage_open(&stage);
    stage.sim.program = floods;
    stage_submit(&stage, &python);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_true(stage.ended[0].out_cut);
    assert_int_equal(stage_record(&stage, 0, stage.ended[0].id, &record), 0);
    assert_int_equal(record.stdout_bytes, 1024);
    record_clear(&record);
    stage_close(&stage);
}

static void test_unresponsive(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    struct execution *execution = stage_submit(&stage, &python);
    sim_until(&stage.sim, execution->state == EXECUTION_RUNNING);
    sim_skip(&stage.sim, 2000 + 15000 + 100);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_int_equal(stage.ended[0].status, RECORD_TIMED_OUT);
    assert_int_equal(stage.ended[0].exit_code, 124);
    assert_true(stage.ended[0].timed_out);
    assert_true(stage.ended[0].wall_ns >= 0);
    stage_close(&stage);
}

/* No cell. */
static void test_no_container(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_script(&stage.sim, SIM_START, (struct sim_rule){.times = 2, .status = 500});
    stage_submit(&stage, &python);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] >= 1);
    sim_idle(&stage.sim);
    sim_skip(&stage.sim, 300);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_string_equal(stage.ended[0].failure, "its container could not be made");
    assert_false(stage.ended[0].unavailable);
    stage_recorded(&stage, &stage.ended[0]);

    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up);
    stage_submit(&stage, &python);
    assert_int_equal(stage.ended_len, 1); /* never from within */
    sim_until(&stage.sim, stage.ended_len == 2);
    assert_string_equal(stage.ended[1].failure, "The container engine is not reachable. Please try again later.");
    assert_true(stage.ended[1].unavailable);
    stage_close(&stage);
}

/* Cancelling, and a client that goes away, in each state. */
static const enum execution_state cancellable[] = {EXECUTION_QUEUED, EXECUTION_PLACED, EXECUTION_COMPILING,
                                                   EXECUTION_RUNNING};

static struct execution *bring_to(struct stage *stage, enum execution_state to)
{
    if (to == EXECUTION_PLACED)
        sim_hold(&stage->sim, SIM_START);
    struct execution *execution = stage_submit(stage, to == EXECUTION_COMPILING ? &c : &python);
    if (to == EXECUTION_QUEUED)
        execution = stage_submit(stage, &python); /* the first has the one place */
    sim_until(&stage->sim, execution->state == to);
    if (to == EXECUTION_PLACED)
        sim_until(&stage->sim, stage->sim.counts[SIM_START] == 1);
    assert_int_equal(execution_status(execution), to == EXECUTION_QUEUED ? RECORD_PENDING : RECORD_RUNNING);
    return execution;
}

static void test_cancel(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cancellable / sizeof *cancellable; i++)
        for (int abandon = 0; abandon < 2; abandon++) {
            struct stage stage;
            struct record record;
            char id[UUID_LEN + 1];

            stage_open_with(&stage, 1, 4);
            struct execution *execution = bring_to(&stage, cancellable[i]);
            text_copy(id, sizeof id, execution_id(execution));
            if (abandon)
                execution_abandon(execution);
            else
                execution_cancel(execution);
            assert_int_equal(execution->state, EXECUTION_RECORDING);
            execution_cancel(execution); /* twice is once */
            sim_release(&stage.sim, SIM_START);
            sim_until(&stage.sim, runner_find(stage.runner, stage.keys[0], id) == NULL);
            assert_int_equal(stage.ended_len, abandon ? 0 : 1);
            if (!abandon)
                assert_int_equal(stage.ended[0].status, RECORD_CANCELLED);
            assert_int_equal(stage_record(&stage, 0, id, &record), 0);
            assert_int_equal(record.status, RECORD_CANCELLED);
            record_clear(&record);
            runner_cancel_all(stage.runner); /* the one that had the place before it */
            stage_close(&stage);
        }
}

/* Its end is being recorded: too late to cancel, not to go away. */
static void test_gone_while_recording(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.sim.program = stage_hello_blocked;
    struct execution *execution = stage_submit(&stage, &python);
    sim_until(&stage.sim, execution->state == EXECUTION_RECORDING);
    execution_cancel(execution);
    assert_int_equal(execution_status(execution), RECORD_COMPLETED);
    execution_abandon(execution);
    stage_unblock(&stage);
    sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
    assert_int_equal(stage.ended_len, 0);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),         cmocka_unit_test(test_output_is_capped),
        cmocka_unit_test(test_unresponsive), cmocka_unit_test(test_no_container),
        cmocka_unit_test(test_cancel),       cmocka_unit_test(test_gone_while_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
