/* Ending a cell's job early: what the agent is sent, what the caller hears, and what the cell can do afterwards. */
#include "cell_stage.h"

#include "docker/cell/cell_stop.h"

#include <signal.h>
#include <string.h>

static struct cell *stopped_cell;
static enum cell_outcome stopped_outcome;
static unsigned stopped_times;
static uint32_t stopped_flags;

static void on_stopped(void *arg, struct cell *cell, enum cell_outcome outcome, uint32_t flags)
{
    assert_string_equal(arg, "mine");
    stopped_flags = flags;
    stopped_cell = cell;
    stopped_outcome = outcome;
    stopped_times++;
}

static bool stop(struct stage *stage)
{
    static char mine[] = "mine";

    stopped_times = 0;
    return cell_stop(stage->cell, on_stopped, mine);
}

static bool has_come(struct stage *stage, const char *line)
{
    const struct buf *job = &sim_last(&stage->sim)->job;

    return job->len > 0 && strstr(job->data, line) != NULL;
}

/* A job that runs and has all of its input. */
static void open_running(struct stage *stage)
{
    stage_open(stage);
    stage_make_ready(stage);
    stage->sim.program = NULL;
    stage_run(stage, NULL);
    sim_until(&stage->sim, has_come(stage, "STDIN_END\n"));
    sim_idle(&stage->sim); /* the cell knows that all is sent */
}

static unsigned signals(struct stage *stage)
{
    unsigned count = 0;

    for (const char *at = sim_last(&stage->sim)->job.data; (at = strstr(at, "SIGNAL 9\n")) != NULL; at++)
        count++;
    return count;
}

static void end_close(struct stage *stage)
{
    assert_false(stage->done); /* the taker hears nothing */
    stage_end(stage);
    stage_close(stage);
}

static void test_the_program_ends(void **state)
{
    struct stage stage;

    (void)state;
    open_running(&stage);
    struct sim_box *box = sim_last(&stage.sim);
    assert_true(stop(&stage));
    assert_int_equal(stopped_times, 0); /* never from within */
    sim_until(&stage.sim, signals(&stage) > 0);
    uv_timer_stop(&stage.cell->timer); /* however slow the machine is */
    sim_output(&stage.sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "late");
    sim_end(&stage.sim, box, FRAME_STEP_RUN,
            (struct frame_step_end){.exit_code = 137, .signal = SIGKILL, .flags = FRAME_OUT_OF_MEMORY});
    sim_done(&stage.sim, box);
    sim_until(&stage.sim, stopped_times == 1);
    assert_ptr_equal(stopped_cell, stage.cell);
    assert_int_equal(stopped_outcome, CELL_DONE);
    assert_int_equal(stopped_flags, FRAME_OUT_OF_MEMORY);
    assert_int_equal(stage.output.len, 0);
    stage.ready = false;
    cell_reset(stage.cell);
    sim_until(&stage.sim, stage.ready);
    sim_skip(&stage.sim, (uint64_t)CELL_STOP_EVERY_MS * (CELL_STOP_TRIES + 2)); /* no signal for the next capsule */
    sim_idle(&stage.sim);
    assert_int_equal(stopped_times, 1);
    assert_int_equal(cell_state(stage.cell), CELL_READY);
    end_close(&stage);
}

/* The signal may come before the step, which drops it, or not be heard at all. */
static void test_it_is_tried_a_few_times(void **state)
{
    struct stage stage;

    (void)state;
    open_running(&stage);
    assert_true(stop(&stage));
    while (stopped_times == 0) { /* time goes on by itself, too: there may be more than one in a turn */
        unsigned before = signals(&stage);
        sim_skip(&stage.sim, CELL_STOP_EVERY_MS);
        sim_until(&stage.sim, signals(&stage) > before || stopped_times > 0);
    }
    sim_until(&stage.sim, signals(&stage) == CELL_STOP_TRIES);
    assert_int_equal(stopped_outcome, CELL_UNRESPONSIVE);
    assert_int_equal(stopped_times, 1);
    end_close(&stage);
}

static void test_the_agent_dies(void **state)
{
    struct stage stage;

    (void)state;
    open_running(&stage);
    assert_true(stop(&stage));
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim, stopped_times == 1);
    assert_int_equal(stopped_outcome, CELL_LOST);
    end_close(&stage);
}

static void test_ended_meanwhile(void **state)
{
    struct stage stage;

    (void)state;
    open_running(&stage);
    assert_true(stop(&stage));
    end_close(&stage);
    assert_int_equal(stopped_times, 0);
}

/* What came while the cell was held is still to be read, and the stream must go on. */
static void test_held_until_just_now(void **state)
{
    struct stage stage;

    (void)state;
    open_running(&stage);
    struct sim_box *box = sim_last(&stage.sim);
    cell_hold(stage.cell, true);
    sim_output(&stage.sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "early");
    sim_idle(&stage.sim);
    assert_false(stop(&stage));
    cell_hold(stage.cell, false);
    assert_true(stop(&stage));
    sim_until(&stage.sim, signals(&stage) > 0);
    uv_timer_stop(&stage.cell->timer); /* however slow the machine is */
    sim_end(&stage.sim, box, FRAME_STEP_RUN, (struct frame_step_end){.exit_code = 137, .signal = SIGKILL});
    sim_done(&stage.sim, box);
    sim_until(&stage.sim, stopped_times == 1);
    assert_int_equal(stopped_outcome, CELL_DONE);
    assert_int_equal(stage.output.len, 0);
    end_close(&stage);
}

static void test_what_cannot_be_stopped(void **state)
{
    struct stage stage;
    struct cell_limits limits = stage_kind.limits;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    assert_false(stop(&stage)); /* without a job */
    limits.processes++;
    stage.sim.program = NULL;
    stage_run(&stage, &limits);
    assert_int_equal(cell_state(stage.cell), CELL_UPDATING);
    assert_false(stop(&stage)); /* the job has not been sent */
    end_close(&stage);
}

/* The signal would wait behind it. */
static void test_input_that_has_not_been_sent(void **state)
{
    static char input[CELL_INPUT_MAX];
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    stage.feeds_itself = true;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.wanted == 1 && has_come(&stage, "START\n"));
    fake_stop_reading(sim_last(&stage.sim)->client);
    while (cell_input(stage.cell, input, sizeof input) == sizeof input)
        sim_idle(&stage.sim);
    assert_false(stop(&stage));
    fake_read_again(sim_last(&stage.sim)->client);
    end_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_program_ends),
        cmocka_unit_test(test_it_is_tried_a_few_times),
        cmocka_unit_test(test_the_agent_dies),
        cmocka_unit_test(test_ended_meanwhile),
        cmocka_unit_test(test_held_until_just_now),
        cmocka_unit_test(test_what_cannot_be_stopped),
        cmocka_unit_test(test_input_that_has_not_been_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
