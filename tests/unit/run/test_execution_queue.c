/* Many executions: whose turn it is, who is turned away, the end of service, a store that fails. */
#include "run_stage.h"

static const char full[] = "The queue is full. Please try again later.";
static const char draining[] = "The server is shutting down. Please try again later.";

static void test_queue_is_full(void **state)
{
    struct stage stage;
    struct error error;

    (void)state;
    stage_open_with(&stage, 1, 2);
    for (int i = 0; i < 3; i++)
        stage_submit(&stage, &python);
    assert_int_equal(runner_counts(stage.runner).running, 1);
    assert_int_equal(runner_counts(stage.runner).queued, 2);
    assert_null(stage_submit_as(&stage, 0, &python, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_string_equal(error.text, full);
    stage.sim.program = sim_hello;
    sim_until(&stage.sim, stage.ended_len == 3);
    assert_int_equal(runner_counts(stage.runner).running + runner_counts(stage.runner).queued, 0);
    stage_close(&stage);
}

/* The greedy key's newest gives way to another key. */
static void test_eviction(void **state)
{
    struct stage stage;
    struct error error;
    char newest[UUID_LEN + 1];

    (void)state;
    stage_open_with(&stage, 1, 2);
    stage_submit(&stage, &python);
    stage_submit(&stage, &python);
    text_copy(newest, sizeof newest, execution_id(stage_submit(&stage, &python)));
    assert_non_null(stage_submit_as(&stage, 1, &python, &error)); /* it can run at once */
    assert_int_equal(runner_counts(stage.runner).running, 2);
    struct execution *other = stage_submit_as(&stage, 2, &python, &error);
    assert_non_null(other);
    assert_int_equal(runner_counts(stage.runner).queued, 2);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_string_equal(stage.ended[0].id, newest);
    assert_string_equal(stage.ended[0].failure, full);
    assert_true(stage.ended[0].unavailable);
    stage_recorded(&stage, &stage.ended[0]);
    stage.sim.program = sim_hello;
    runner_cancel_all(stage.runner);
    stage_close(&stage);
}

static void test_no_queue_at_all(void **state)
{
    struct stage stage;
    struct error error;

    (void)state;
    stage_open_with(&stage, 1, 0);
    stage.sim.program = sim_hello;
    stage_submit(&stage, &python);
    assert_null(stage_submit_as(&stage, 0, &python, &error));
    assert_non_null(stage_submit_as(&stage, 1, &python, &error)); /* the reserve is for it */
    sim_until(&stage.sim, stage.ended_len == 2);
    assert_int_equal(stage.ended[0].status, RECORD_COMPLETED);
    stage_close(&stage);
}

/* If one has ended meanwhile, the failure says why. */
static void expect_counts(struct stage *stage, unsigned running, unsigned queued)
{
    struct runner_counts counts = runner_counts(stage->runner);

    if (counts.running == running && counts.queued == queued)
        return;
    sim_idle(&stage->sim);
    const struct ended *last = stage->ended_len > 0 ? &stage->ended[stage->ended_len - 1] : NULL;
    fail_msg("%u run and %u wait; ended: %zu, the last with status %d: %s", counts.running, counts.queued,
             stage->ended_len, last != NULL ? (int)last->status : -1,
             last != NULL && last->failure != NULL ? last->failure : "");
}

/* Keys whose programs go on and on: the next one waits for nobody's end. */
static void test_an_extra_turn(void **state)
{
    struct stage stage;
    struct error error;

    (void)state;
    stage_open_with(&stage, 2, 9);
    for (int i = 0; i < 3; i++)
        stage_submit(&stage, &python);
    assert_non_null(stage_submit_as(&stage, 1, &python, &error));
    struct execution *newcomer = stage_submit_as(&stage, 2, &python, &error);
    assert_non_null(newcomer);
    assert_int_equal(newcomer->state, EXECUTION_QUEUED);
    sim_until(&stage.sim, newcomer->state == EXECUTION_RUNNING);
    assert_int_equal(stage.ended_len, 0);
    expect_counts(&stage, 3, 2);
    runner_drain(stage.runner, on_stage_idle, &stage);
    runner_cancel_all(stage.runner);
    sim_until(&stage.sim, stage.idle);
    stage_close(&stage);
}

static void test_find(void **state)
{
    struct stage stage;
    struct error error;
    char upper[UUID_LEN + 1];

    (void)state;
    stage_open(&stage);
    struct execution *mine = stage_submit(&stage, &python);
    for (size_t i = 0; i <= UUID_LEN; i++)
        upper[i] = (char)(execution_id(mine)[i] >= 'a' ? execution_id(mine)[i] - 32 : execution_id(mine)[i]);
    assert_ptr_equal(runner_find(stage.runner, stage.keys[0], execution_id(mine)), mine);
    assert_ptr_equal(runner_find(stage.runner, stage.keys[0], upper), mine);
    assert_null(runner_find(stage.runner, stage.keys[1], execution_id(mine))); /* another key's */
    assert_null(runner_find(stage.runner, stage.keys[0], "550e8400-e29b-41d4-a716-446655440000"));
    struct execution *others = stage_submit_as(&stage, 1, &python, &error);
    assert_int_equal(runner_cancel_session(stage.runner, stage.keys[0], "s2"), 0);
    assert_int_equal(runner_cancel_session(stage.runner, stage.keys[0], "s1"), 1);
    assert_int_equal(runner_cancel_session(stage.runner, stage.keys[0], "s1"), 0);
    assert_int_equal(execution_status(others), RECORD_RUNNING);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_int_equal(stage.ended[0].status, RECORD_CANCELLED);
    execution_cancel(others);
    stage_close(&stage);
}

static void test_drain(void **state)
{
    struct stage stage;
    struct error error;

    (void)state;
    stage_open_with(&stage, 1, 4);
    sim_hold(&stage.sim, SIM_START);
    for (int i = 0; i < 3; i++)
        stage_submit(&stage, &python);
    runner_drain(stage.runner, on_stage_idle, &stage);
    assert_null(stage_submit_as(&stage, 0, &python, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_string_equal(error.text, draining);
    sim_idle(&stage.sim);
    assert_false(stage.idle);
    stage.sim.program = sim_hello;
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, stage.idle); /* those that wait have their turn */
    assert_int_equal(stage.ended_len, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(stage.ended[i].status, RECORD_COMPLETED);
    stage_close(&stage);
}

static void test_drain_of_nothing(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    runner_drain(stage.runner, on_stage_idle, &stage);
    assert_true(stage.idle);
    stage_close(&stage);
}

static void test_cancel_all(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_with(&stage, 3, 8);
    for (int i = 0; i < 5; i++)
        stage_submit(&stage, i % 2 == 0 ? &python : &c);
    sim_until(&stage.sim,
              container_of(stage.runner->executions.next, struct execution, node)->state == EXECUTION_QUEUED &&
                  stage.sim.counts[SIM_START] == 2);
    runner_drain(stage.runner, on_stage_idle, &stage);
    runner_cancel_all(stage.runner);
    sim_until(&stage.sim, stage.idle);
    assert_int_equal(stage.ended_len, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(stage.ended[i].status, RECORD_CANCELLED);
        assert_string_equal(stage.ended[i].failure, draining);
        assert_true(stage.ended[i].unavailable);
        stage_recorded(&stage, &stage.ended[i]);
    }
    stage_close(&stage);
}

/* A record that can't be written any more: the answer is given, and says so. */
static void test_store_fails(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.sim.program = sim_hello;
    struct execution *execution = stage_submit(&stage, &python);
    while (execution->cell == NULL)
        uv_run(&stage.sim.loop, UV_RUN_ONCE);
    store_close(stage.store, on_stage_store_closed, &stage);
    execution_cancel(execution); /* its record comes too late */
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_null(stage.ended[0].failure);
    assert_int_equal(stage.ended[0].status, RECORD_CANCELLED);
    assert_non_null(strstr(stage.ended[0].warning, "its record"));
    assert_int_equal(runner_counts(stage.runner).running, 0);
    sim_until(&stage.sim, stage.store_closed);
    stage.store = NULL;
    stage_close(&stage);
}

static int lose_a_table(struct db *db, struct store_job *job, struct error *error)
{
    (void)job;
    return db_driver(db)->calls->run_script(db_driver(db), "ALTER TABLE executions RENAME TO gone", error);
}

/* What runs when the database fails is answered with a warning; what waits behind it is refused, as is what comes. */
static void test_store_in_trouble(void **state)
{
    struct stage stage;
    struct error error;
    struct store_job *job = calloc(1, sizeof *job);

    (void)state;
    assert_non_null(job);
    stage_open_with(&stage, 1, 4);
    stage.sim.program = NULL;
    struct execution *runs = stage_submit(&stage, &python);
    sim_until(&stage.sim, runs->state == EXECUTION_RUNNING);
    struct execution *waits = stage_submit(&stage, &python);
    assert_int_equal(waits->state, EXECUTION_QUEUED);
    job->work = lose_a_table;
    store_submit(stage.store, job);
    execution_cancel(runs);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_true(store_trouble(stage.store, NULL));
    assert_null(stage.ended[0].failure);
    assert_string_equal(stage.ended[0].warning, "its record could not be written yet");
    assert_null(stage_submit_as(&stage, 0, &python, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    if (waits->state < EXECUTION_RECORDING)
        execution_cancel(waits); /* its turn came before the failure was known */
    sim_until(&stage.sim, stage.ended_len == 2);
    sim_until(&stage.sim, sim_alive(&stage.sim) == 0);
    stage_close(&stage);
}

/* The engine goes while executions wait, are placed and run. */
static void test_engine_goes(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_with(&stage, 3, 4);
    struct execution *runs = stage_submit(&stage, &python);
    sim_until(&stage.sim, runs->state == EXECUTION_RUNNING);
    sim_hold(&stage.sim, SIM_START);
    struct execution *placed = stage_submit(&stage, &python);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 2);
    assert_int_equal(placed->state, EXECUTION_PLACED);
    struct execution *queued = stage_submit(&stage, &python);
    assert_int_equal(queued->state, EXECUTION_QUEUED);
    sim_go_away(&stage.sim);
    sim_until(&stage.sim, stage.ended_len == 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stage.ended[i].status, RECORD_FAILED);
        assert_non_null(stage.ended[i].failure);
        stage_recorded(&stage, &stage.ended[i]);
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_is_full),    cmocka_unit_test(test_eviction),
        cmocka_unit_test(test_no_queue_at_all),  cmocka_unit_test(test_find),
        cmocka_unit_test(test_an_extra_turn),    cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_of_nothing), cmocka_unit_test(test_cancel_all),
        cmocka_unit_test(test_store_fails),      cmocka_unit_test(test_engine_goes),
        cmocka_unit_test(test_store_in_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
