/* Limits that the engine is told beside a job for which those so far are enough. */
#include "cell_stage.h"
#include "unit.h"

#include <string.h>

static void open_ready(struct stage *stage)
{
    stage_open(stage);
    stage_make_ready(stage);
    buf_reset(&stage->sim.trace);
    stage->sim.program = sim_hello;
}

static void end_close(struct stage *stage)
{
    stage_end(stage);
    stage_close(stage);
}

static void run_ahead(struct stage *stage, const struct cell_limits *limits)
{
    static struct cell_job job;

    job = stage_job;
    job.ahead = true;
    stage->done = false;
    stage_run_job(stage, &job, limits);
}

/* The job is over before the engine knows the limits. The next one waits for that. */
static void test_the_next_job_waits(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.memory_mb++;
    open_ready(&stage);
    sim_hold(&stage.sim, SIM_UPDATE);
    run_ahead(&stage, &limits);
    assert_int_equal(cell_state(stage.cell), CELL_RUNNING);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_DONE);
    stage.done = false;
    stage_run(&stage, &limits);
    assert_int_equal(cell_state(stage.cell), CELL_UPDATING);
    sim_idle(&stage.sim);
    assert_false(stage.done);
    sim_release(&stage.sim, SIM_UPDATE);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_DONE);
    assert_int_equal(stage.sim.counts[SIM_UPDATE], 1);
    end_close(&stage);
}

/* Smaller limits come first: what the cell holds may be more than they allow. */
static void test_smaller_limits_come_first(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.memory_mb--;
    open_ready(&stage);
    run_ahead(&stage, &limits);
    assert_int_equal(cell_state(stage.cell), CELL_UPDATING);
    sim_until(&stage.sim, stage.done);
    end_close(&stage);
}

/* The engine refuses: during the job it is lost, after it the next one is. */
static void test_it_is_refused(void **state)
{
    struct cell_limits limits = stage_kind.limits;

    (void)state;
    limits.memory_mb++;
    for (int late = 0; late < 2; late++) {
        struct stage stage;

        open_ready(&stage);
        sim_script(&stage.sim, SIM_UPDATE, (struct sim_rule){.times = 1, .status = 500});
        sim_hold(&stage.sim, SIM_UPDATE);
        if (!late)
            stage.sim.program = NULL;
        run_ahead(&stage, &limits);
        if (late)
            sim_until(&stage.sim, stage.done);
        if (late) {
            stage.done = false;
            stage_run(&stage, &limits);
        }
        sim_release(&stage.sim, SIM_UPDATE);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_LOST);
        end_close(&stage);
    }
}

/* The cell ends while the engine is still at it. */
static void test_the_cell_ends(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    limits.memory_mb++;
    open_ready(&stage);
    sim_hold(&stage.sim, SIM_UPDATE);
    run_ahead(&stage, &limits);
    sim_until(&stage.sim, stage.done);
    end_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_job_waits),
        cmocka_unit_test(test_smaller_limits_come_first),
        cmocka_unit_test(test_it_is_refused),
        cmocka_unit_test(test_the_cell_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
