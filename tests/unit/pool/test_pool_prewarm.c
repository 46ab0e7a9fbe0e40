/* Prewarming: when it happens, one cell at a time, and which request gets which cell. */
#include "pool_stage.h"

static void stage_open_saying(struct stage *stage, unsigned minimum, enum sim_word on_prepare)
{
    stage_open_options(stage, (struct pool_options){.capsules = true,
                                                    .max_idle = 8,
                                                    .max_idle_bytes = (uint64_t)1 << 30,
                                                    .reuse_jobs = 100,
                                                    .reuse_idle_ms = 60000});
    stage->sim.program = sim_hello;
    stage->sim.on_prepare = on_prepare;
    stage->sim.held_bytes = (uint64_t)9 << 20;
    stage_connect(stage);
    keep_ready(stage->pool, &ruby, minimum);
    sim_until(&stage->sim, pool_can_make(stage->pool) && counts(stage, NULL).ready == minimum);
}

static void stage_open_ruby(struct stage *stage, unsigned minimum)
{
    stage_open_saying(stage, minimum, SIM_GOOD);
}

static unsigned prepared(const struct stage *stage)
{
    unsigned sum = 0;

    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        sum += stage->sim.boxes[i].prepared;
    return sum;
}

static void test_when_cells_have_settled(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_ruby(&stage, 2);
    keep_ready(stage.pool, &python, 1); /* has no interpreter to prewarm */
    sim_until(&stage.sim, counts(&stage, "ruby").prewarmed == 2);
    assert_int_equal(counts(&stage, NULL).prewarmed, 2);
    assert_int_equal(prepared(&stage), 2);
    stage_close(&stage);
}

static struct sim_box *prepared_box(struct stage *stage, unsigned nth)
{
    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        if (stage->sim.boxes[i].prepared && nth-- == 0)
            return &stage->sim.boxes[i];
    return NULL;
}

static void test_one_at_a_time(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_saying(&stage, 2, SIM_SILENT);
    sim_until(&stage.sim, prepared(&stage) == 1);
    sim_skip(&stage.sim, 200);
    sim_idle(&stage.sim);
    assert_int_equal(prepared(&stage), 1);
    sim_prepared(&stage.sim, prepared_box(&stage, 0), true, 1000);
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed == 1 && prepared(&stage) == 2);
    stage_close(&stage);
}

/* Not while a request waits for a cell. */
static void test_not_while_requests_wait(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open_ruby(&stage, 1);
    pool_withdraw(stage.pool, &python);
    sim_hold(&stage.sim, SIM_START);
    take(&stage, &taker, &python, 100);
    sim_until(&stage.sim, stage.sim.waiting_len == 1);
    sim_skip(&stage.sim, 200);
    sim_idle(&stage.sim);
    unsigned before = prepared(&stage);
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, taker.cell != NULL);
    cell_end(taker.cell);
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed == 1);
    assert_int_equal(before, 0);
    stage_close(&stage);
}

/* A request with the default limits gets the prewarmed cell. One with other limits or another command gets a blank
 * cell. */
static void expect_blank_cell(bool fresh, uint32_t memory_mb)
{
    struct stage stage;
    struct taker plain, other = {.stage = &stage};

    stage_open_ruby(&stage, 2);
    sim_until(&stage.sim, prepared(&stage) == 1);
    stage.sim.on_prepare = SIM_SILENT;
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed == 1);
    other.request = (struct pool_request){.kind = &ruby, .limits = ruby.limits, .fresh = fresh, .on_cell = on_cell};
    other.request.limits.memory_mb = memory_mb;
    pool_take(stage.pool, &other.request);
    assert_non_null(other.cell);
    assert_int_not_equal(cell_warmth(other.cell), CELL_PREWARMED);
    take(&stage, &plain, &ruby, 100);
    assert_non_null(plain.cell);
    assert_int_equal(cell_warmth(plain.cell), CELL_PREWARMED);
    cell_end(plain.cell);
    cell_end(other.cell);
    stage_close(&stage);
}

static void test_which_request_gets_which_cell(void **state)
{
    (void)state;
    expect_blank_cell(false, 64);
    expect_blank_cell(true, ruby.limits.memory_mb);
}

/* The kernel would refuse a limit below the memory of the interpreter, so such a request needs a new cell. */
static void test_interpreter_larger_than_the_limit(void **state)
{
    struct stage stage;
    struct taker other = {.stage = &stage};

    (void)state;
    stage_open_ruby(&stage, 1);
    stage.sim.held_bytes = (uint64_t)400 << 20;
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed == 1);
    unsigned creations = stage.sim.counts[SIM_CREATE];
    other.request = (struct pool_request){.kind = &ruby, .limits = ruby.limits, .on_cell = on_cell};
    other.request.limits.memory_mb = 64;
    pool_take(stage.pool, &other.request);
    assert_null(other.cell);
    sim_until(&stage.sim, other.cell != NULL);
    assert_int_equal(stage.sim.counts[SIM_CREATE], creations + 1);
    assert_int_equal(counts(&stage, NULL).prewarmed, 1);
    cell_end(other.cell);
    stage_close(&stage);
}

/* If prewarming fails, it is tried three times, and again after a long time. */
static void test_it_fails(void **state)
{
    static const enum sim_word words[] = {SIM_BAD, SIM_DEATH};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct stage stage;

        stage_open_saying(&stage, 5, words[i]);
        sim_until(&stage.sim, prepared(&stage) == 3);
        sim_until(&stage.sim, counts(&stage, NULL).ready == 5 && counts(&stage, NULL).ending == 0);
        sim_skip(&stage.sim, 1000);
        sim_idle(&stage.sim);
        assert_int_equal(prepared(&stage), 3);
        stage.sim.on_prepare = SIM_GOOD;
        sim_skip(&stage.sim, 300000);
        sim_until(&stage.sim, counts(&stage, NULL).prewarmed > 0);
        stage_close(&stage);
    }
}

/* A request takes the cell that is being prewarmed: then another cell may be prewarmed. */
static void test_taken_meanwhile(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open_saying(&stage, 1, SIM_SILENT);
    sim_until(&stage.sim, prepared(&stage) == 1);
    take(&stage, &taker, &ruby, 100);
    assert_int_equal(cell_warmth(taker.cell), CELL_PREWARMING);
    stage.sim.on_prepare = SIM_GOOD;
    cell_end(taker.cell);
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed >= 1);
    stage_close(&stage);
}

static void test_kept_cells_too(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open_ruby(&stage, 1);
    take_keyed(&stage, &taker, &ruby, 7);
    sim_until(&stage.sim, taker.cell != NULL);
    stage_run(&taker);
    sim_until(&stage.sim, taker.ended && counts(&stage, NULL).kept == 1);
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed >= 2);
    assert_int_equal(cell_warmth(taker.cell), CELL_PREWARMED);
    stage_close(&stage);
}

static void test_close_while_preparing(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_saying(&stage, 2, SIM_SILENT);
    sim_until(&stage.sim, prepared(&stage) == 1);
    stage_close(&stage);
}

static void test_engine_goes_while_preparing(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_saying(&stage, 1, SIM_SILENT);
    sim_until(&stage.sim, prepared(&stage) == 1);
    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up && counts(&stage, NULL).ready + counts(&stage, NULL).ending == 0);
    stage.sim.on_prepare = SIM_GOOD;
    sim_come_back(&stage.sim);
    sim_until(&stage.sim, counts(&stage, NULL).prewarmed == 1);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_cells_have_settled),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_not_while_requests_wait),
        cmocka_unit_test(test_which_request_gets_which_cell),
        cmocka_unit_test(test_interpreter_larger_than_the_limit),
        cmocka_unit_test(test_it_fails),
        cmocka_unit_test(test_taken_meanwhile),
        cmocka_unit_test(test_kept_cells_too),
        cmocka_unit_test(test_close_while_preparing),
        cmocka_unit_test(test_engine_goes_while_preparing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
