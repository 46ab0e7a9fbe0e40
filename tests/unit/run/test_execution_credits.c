/* What becomes of an execution's reserved credits: taken if its program ran, given back if it did not. */
#include "run_stage.h"

#include "store/credits.h"
#include "store/sql.h"

enum { PRICE = 3, START = 10, TAKEN = START - PRICE };

enum { RUN = FRAME_STEP_RUN, COMPILE = FRAME_STEP_COMPILE };

static struct db *open_beside(struct stage *stage)
{
    struct error error = {0};
    struct db *db;

    assert_int_equal(db_open(&db, stage->dir, &error), 0);
    return db;
}

static void prepay(struct stage *stage)
{
    struct error error = {0};
    struct db *db = open_beside(stage);

    assert_int_equal(sql_run(db, "UPDATE keys SET credits = 10", NULL, &error), 3);
    db_close(db);
}

static int64_t number(struct stage *stage, const char *sql, int64_t key_row)
{
    struct error error = {0};
    struct statement *statement;
    struct db *db = open_beside(stage);

    assert_int_equal(sql_first(db, sql, SQL_VALUES(SQL_I(key_row)), &statement, &error), 1);
    int64_t found = statement_int(statement, 0);
    statement_reset(statement);
    db_close(db);
    return found;
}

static int64_t credits_of(struct stage *stage, size_t key)
{
    return number(stage, "SELECT credits FROM keys WHERE row = ?", stage->keys[key]);
}

static int64_t open_reservations(struct stage *stage)
{
    return number(stage, "SELECT count(*) FROM reservations WHERE row > ?", 0);
}

/* NULL: it was not accepted. */
static struct execution *submit(struct stage *stage, size_t key, struct language *language)
{
    struct error error = {0};
    struct execution_request request = stage_request(language, "code");
    struct db *db = open_beside(stage);

    assert_int_equal(credits_reserve(db, stage->keys[key], PRICE, &request.reservation, &error), 0);
    db_close(db);
    return runner_submit(stage->runner, stage->keys[key], &request, &stage_listener, stage, &error);
}

static void ends_1(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, RUN, (struct frame_step_end){.exit_code = 1});
    sim_done(sim, box);
}

static void times_out(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, RUN, (struct frame_step_end){.exit_code = 124, .flags = FRAME_TIMED_OUT});
    sim_done(sim, box);
}

static void does_not_compile(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){.exit_code = 1});
    sim_done(sim, box);
}

static void ends_without_a_word(struct sim *sim, struct sim_box *box)
{
    sim_done(sim, box);
}

static void test_ends(void **state)
{
    static const struct {
        void (*program)(struct sim *sim, struct sim_box *box);
        struct language *language;
        int64_t left;
    } cases[] = {
        {sim_hello, &python, TAKEN},           {ends_1, &python, TAKEN},
        {times_out, &python, TAKEN},           {does_not_compile, &c, TAKEN},
        {ends_without_a_word, &python, START},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        stage_open(&stage);
        prepay(&stage);
        stage.sim.program = cases[i].program;
        assert_non_null(submit(&stage, 0, cases[i].language));
        assert_int_equal(credits_of(&stage, 0), TAKEN);
        sim_until(&stage.sim, stage.ended_len == 1);
        assert_int_equal(credits_of(&stage, 0), cases[i].left); /* committed before it was told */
        assert_int_equal(open_reservations(&stage), 0);
        stage_close(&stage);
    }
}

static void test_no_container(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    prepay(&stage);
    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up);
    submit(&stage, 0, &python);
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_non_null(stage.ended[0].failure);
    assert_int_equal(credits_of(&stage, 0), START);
    assert_int_equal(open_reservations(&stage), 0);
    stage_close(&stage);
}

/* Cancelled, or left by its client, in each state. */
static void test_cancel(void **state)
{
    static const struct {
        enum execution_state in;
        int64_t left;
    } cases[] = {
        {EXECUTION_QUEUED, START}, {EXECUTION_PLACED, START}, {EXECUTION_COMPILING, TAKEN}, {EXECUTION_RUNNING, TAKEN}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int abandon = 0; abandon < 2; abandon++) {
            struct stage stage;

            stage_open_with(&stage, 1, 4);
            prepay(&stage);
            if (cases[i].in == EXECUTION_PLACED)
                sim_hold(&stage.sim, SIM_START);
            if (cases[i].in == EXECUTION_QUEUED)
                stage_submit(&stage, &python); /* it has the one slot */
            struct execution *execution = submit(&stage, 0, cases[i].in == EXECUTION_COMPILING ? &c : &python);
            sim_until(&stage.sim, execution->state == cases[i].in);
            if (cases[i].in == EXECUTION_PLACED)
                sim_until(&stage.sim, stage.sim.counts[SIM_START] == 1);
            (abandon ? execution_abandon : execution_cancel)(execution);
            sim_release(&stage.sim, SIM_START);
            runner_cancel_all(stage.runner);
            sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
            assert_int_equal(credits_of(&stage, 0), cases[i].left);
            assert_int_equal(open_reservations(&stage), 0);
            stage_close(&stage);
        }
}

/* The answer of an execution that the server ends is a 503. */
static void test_shutdown(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    prepay(&stage);
    struct execution *execution = submit(&stage, 0, &python);
    sim_until(&stage.sim, execution->state == EXECUTION_RUNNING);
    runner_drain(stage.runner, on_stage_idle, &stage);
    assert_null(submit(&stage, 1, &python));
    runner_cancel_all(stage.runner);
    sim_until(&stage.sim, stage.idle && open_reservations(&stage) == 0);
    assert_int_equal(credits_of(&stage, 0), START);
    assert_int_equal(credits_of(&stage, 1), START);
    stage_close(&stage);
}

/* The one that is not accepted has its credits again. */
static void test_queue_is_full(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_with(&stage, 1, 1);
    prepay(&stage);
    assert_non_null(submit(&stage, 0, &python));
    assert_non_null(submit(&stage, 0, &python));
    assert_null(submit(&stage, 0, &python));
    sim_until(&stage.sim, open_reservations(&stage) == 2);
    assert_int_equal(credits_of(&stage, 0), START - 2 * PRICE);
    stage.sim.program = sim_hello;
    sim_until(&stage.sim, stage.ended_len == 2);
    assert_int_equal(credits_of(&stage, 0), START - 2 * PRICE);
    assert_int_equal(open_reservations(&stage), 0);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),     cmocka_unit_test(test_no_container),  cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_shutdown), cmocka_unit_test(test_queue_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
