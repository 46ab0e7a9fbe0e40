/* A cell's share of the processors: when the engine is told what. */
#include "cell_stage.h"

#include "base/seam.h"

/* A cell that gave way gets its share of the processors back a while after it is reset; each change is one call. */
static void test_shares(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    cell_yield(stage.cell); /* it has no job */
    stage.sim.program = sim_hello;
    stage.done = false;
    stage_run(&stage, NULL);
    cell_yield(stage.cell);
    cell_yield(stage.cell);
    sim_until(&stage.sim, stage.done && stage.sim.counts[SIM_UPDATE] == 1);
    assert_string_equal(stage.sim.last_body[SIM_UPDATE], "{\"CpuShares\":128}");
    stage_reset(&stage);
    sim_until(&stage.sim, stage.ready);
    assert_true(stage.cell->shares_due_ns > seam()->monotonic_ns());
    uint64_t due_ns = stage.cell->shares_due_ns;
    sim_skip(&stage.sim, CELL_SHARES_LATER_NS / 20000000);
    stage_run_until_done(&stage, NULL);
    stage_reset(&stage);
    sim_until(&stage.sim, stage.ready);
    assert_int_equal(stage.sim.counts[SIM_UPDATE], 1);
    assert_int_equal(stage.cell->shares_due_ns, due_ns); /* short programs do not put it off */
    sim_skip(&stage.sim, CELL_SHARES_LATER_NS / 1000000);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 2);
    assert_string_equal(stage.sim.last_body[SIM_UPDATE], "{\"CpuShares\":1024}");
    stage_run_until_done(&stage, NULL);
    stage_reset(&stage);
    sim_until(&stage.sim, stage.ready);
    assert_int_equal(stage.sim.counts[SIM_UPDATE], 2);
    cell_end(stage.cell);
    sim_until(&stage.sim, stage.gone);
    stage_close(&stage);
}

static void run_for_long(struct stage *stage)
{
    stage->done = false;
    stage_run(stage, NULL);
    cell_yield(stage->cell);
    sim_until(&stage->sim, stage->done);
}

/* A cell whose next program runs for long, too, keeps the smaller share between them, without a call. */
static void test_shares_of_long_programs(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    run_for_long(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 1);
    stage_reset(&stage);
    sim_until(&stage.sim, stage.ready);
    assert_true(list_has(&stage.cell->shares_node));
    stage.done = false;
    stage_run(&stage, NULL);
    cell_yield(stage.cell);
    assert_false(list_has(&stage.cell->shares_node));
    sim_until(&stage.sim, stage.done);
    stage_end(&stage);
    stage_close(&stage);
}

/* The cell may be another key's next, so its share comes back at once. */
static void test_shares_in_a_hurry(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    cell_shares_hurry(stage.cell); /* it has its share */
    assert_int_equal(stage.sim.counts[SIM_UPDATE], 0);
    run_for_long(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 1);
    stage_reset(&stage);
    cell_shares_hurry(stage.cell);
    assert_true(stage.cell->shares_due_ns <= seam()->monotonic_ns());
    sim_until(&stage.sim, stage.ready && stage.sim.counts[SIM_UPDATE] == 2);
    assert_string_equal(stage.sim.last_body[SIM_UPDATE], "{\"CpuShares\":1024}");
    stage_end(&stage);
    stage_close(&stage);
}

/* A call that failed changes nothing: the next long program is told again, and a share that did not come back is asked
 * for again when the cell is reset. */
static void test_shares_of_a_call_that_fails(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ready(&stage);
    sim_script(&stage.sim, SIM_UPDATE, (struct sim_rule){.times = 1, .status = 500});
    run_for_long(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 1 && stage.cell->cells->shares.telling == NULL);
    stage_reset(&stage);
    assert_false(list_has(&stage.cell->shares_node));
    sim_until(&stage.sim, stage.ready);
    run_for_long(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 2 && stage.cell->cells->shares.telling == NULL);
    assert_string_equal(stage.sim.last_body[SIM_UPDATE], "{\"CpuShares\":128}");
    sim_script(&stage.sim, SIM_UPDATE, (struct sim_rule){.times = 1, .status = 500});
    stage_reset(&stage);
    cell_shares_hurry(stage.cell);
    sim_until(&stage.sim,
              stage.ready && stage.sim.counts[SIM_UPDATE] == 3 && stage.cell->cells->shares.telling == NULL);
    stage_run_until_done(&stage, NULL);
    stage_reset(&stage);
    cell_shares_hurry(stage.cell);
    sim_until(&stage.sim, stage.ready && stage.sim.counts[SIM_UPDATE] == 4);
    assert_string_equal(stage.sim.last_body[SIM_UPDATE], "{\"CpuShares\":1024}");
    stage_end(&stage);
    stage_close(&stage);
}

/* Cells that should give way are told first, but those that wait for their share have their turn, too. What the engine
 * hears after so many milliseconds, when the call under way is over. */
static void assert_next(uint64_t ms, const char *body)
{
    struct stage stage;
    struct cell *cells[3];

    stage_open_ready(&stage);
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            stage_make_ready(&stage);
        cells[i] = stage.cell;
    }
    stage.cell = cells[0];
    run_for_long(&stage);
    sim_until(&stage.sim, stage.cells.shares.telling == NULL);
    sim_hold(&stage.sim, SIM_UPDATE);
    stage.sim.program = NULL; /* it runs on */
    stage.done = false;
    for (int i = 1; i < 3; i++) {
        stage.cell = cells[i];
        stage_run(&stage, NULL);
    }
    cell_yield(cells[1]);
    sim_skip(&stage.sim, CELL_SHARES_REST_MAX_NS / 1000000);
    sim_until(&stage.sim, stage.cells.shares.telling == cells[1]);
    stage.cell = cells[0];
    stage_reset(&stage);
    sim_skip(&stage.sim, ms);
    cell_yield(cells[2]);
    sim_release(&stage.sim, SIM_UPDATE);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 3);
    assert_string_equal(stage.sim.last_body[SIM_UPDATE], body);
    for (int i = 0; i < 3; i++) {
        stage.gone = false;
        stage.cell = cells[i];
        stage_end(&stage);
    }
    stage_close(&stage);
}

static void test_shares_in_order(void **state)
{
    (void)state;
    assert_next(CELL_SHARES_LATER_NS / 1000000, "{\"CpuShares\":128}");
    assert_next((CELL_SHARES_LATER_NS + CELL_SHARES_AHEAD_NS) / 1000000, "{\"CpuShares\":1024}");
}

/* The engine is told of one cell at a time, with a rest after each call; a cell that ends leaves the line. */
static void test_shares_of_several_cells(void **state)
{
    struct stage stage;
    struct cell *cells[3];

    (void)state;
    stage_open_ready(&stage);
    stage.sim.program = NULL; /* it runs on */
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            stage_make_ready(&stage);
        stage_run(&stage, NULL);
        cells[i] = stage.cell;
    }
    sim_hold(&stage.sim, SIM_UPDATE);
    for (int i = 0; i < 3; i++)
        cell_yield(cells[i]);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 1);
    stage.cell = cells[1]; /* the next in the line */
    stage_end(&stage);
    sim_skip(&stage.sim, 100); /* as long as the call takes */
    sim_idle(&stage.sim);
    assert_int_equal(stage.sim.counts[SIM_UPDATE], 1);
    sim_release(&stage.sim, SIM_UPDATE);
    sim_until(&stage.sim, stage.cells.shares.telling == NULL);
    assert_true(stage.cells.shares.rest_ns >= stage.cells.shares.began_ns + 100000000 + CELL_SHARES_REST_MAX_NS);
    sim_until(&stage.sim, stage.sim.counts[SIM_UPDATE] == 2);
    sim_until(&stage.sim, stage.cells.shares.telling == NULL);
    assert_true(list_is_empty(&stage.cells.shares.waiting));
    for (int i = 0; i < 3; i += 2) {
        stage.gone = false;
        stage.cell = cells[i];
        stage_end(&stage);
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_shares_of_long_programs),
        cmocka_unit_test(test_shares_in_a_hurry),
        cmocka_unit_test(test_shares_of_a_call_that_fails),
        cmocka_unit_test(test_shares_in_order),
        cmocka_unit_test(test_shares_of_several_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
